//! Spectra by our own transform: real and imaginary parts apart from the recorded bits on.
use super::{ChannelSetup, Item, Phasors, Start, StationSetup, Steps};
use crate::geometry::BlockDelay;
use crate::job::Rotation;
use mirinae_simd::Aligned;
use mirinae_simd::{Fft, FftScratch, Line, PairScratch, Planes, Run, Simd, pair, rotated};

/// The transform with its phasors and scratch.
pub(super) struct Planar {
    simd: Simd,
    fft: Fft,
    scratch: FftScratch,
    both: PairScratch,
    rotator: Phasors,
    /// Slopes over the bins by block of the batch, which its channels share, and one more for a channel that does not.
    slopes: Vec<Steps>,
    starts: [Start; 2],
    /// Samples of a run that has to be numbers, since the other one of its pair is.
    numbers: [Aligned; 2],
}

/// Samples of a run as numbers.
pub(super) fn unpack<'a>(run: Run<'a>, out: &'a mut [f32]) -> &'a [f32] {
    let value =
        |bytes: &[u8], place: usize, table: &[f32]| table[4 * usize::from(bytes[place / 4]) + place % 4];
    match run {
        Run::Floats(x) => return x,
        Run::Codes { bytes, first, table } => {
            out.iter_mut().enumerate().for_each(|(j, x)| *x = value(bytes, first + j, table));
        }
        Run::Windowed { bytes, first, table, window } => {
            let all = out.iter_mut().zip(window).enumerate();
            all.for_each(|(j, (x, window))| *x = value(bytes, first + j, table) * window);
        }
    }
    out
}

/// Two spectra that are taken apart come out twice as large.
const PAIR_SCALE: f64 = 0.5;

/// What the bins of a channel are turned by, and their first, once the block's slope is made.
fn planes<'a>(
    setup: &StationSetup,
    (channel, delay): (&ChannelSetup, &BlockDelay),
    (slopes, scale, room): (&'a Steps, f64, &'a mut Start),
    (re, im): (&'a mut [f32], &'a mut [f32]),
) -> Planes<'a> {
    let (_, start) = setup.ramp(channel, delay);
    let first_bin = if channel.lower_sideband { setup.channels } else { 0 };
    Planes { re, im, first_bin, turn: slopes.started(start, scale, room) }
}

impl Planar {
    /// A transform of `n` points, for batches of `batch` blocks.
    pub fn new(n: usize, simd: Simd, batch: usize) -> Self {
        let fft = Fft::new(n, simd.lanes());
        let (rows, columns) = (fft.rows(), fft.columns());
        let slope = Steps::new(simd, rows, n / 2 / rows);
        Self {
            simd,
            scratch: fft.scratch(),
            both: PairScratch::new(n),
            rotator: Phasors::new(simd, columns, rows),
            starts: [slope.room(), slope.room()],
            slopes: vec![slope; batch + 1],
            numbers: [Aligned::zeros(n), Aligned::zeros(n)],
            fft,
        }
    }

    /// The spectrum of one run: rotated before the transform, or unturned by it.
    pub fn one(&mut self, setup: &StationSetup, item: Item) {
        let channel = &setup.recorded[item.channel];
        let (step, start) = match setup.rotation {
            Rotation::BeforeTransform => {
                (-channel.lo_hz * item.delay.step_s, -channel.lo_hz * item.delay.first_s)
            }
            Rotation::AfterTransform => (0.0, 0.0),
        };
        self.slopes[item.block].ensure(setup.ramp(channel, item.delay).0);
        let turns = (&self.slopes[item.block], 1.0, &mut self.starts[0]);
        let mut out = planes(setup, (channel, item.delay), turns, (item.re, item.im));
        let turn: Line = self.rotator.make(step, start);
        rotated(self.simd, (&self.fft, &mut self.scratch), item.run, turn, &mut out);
    }

    /// The spectra of two runs by one transform.
    pub fn two(&mut self, setup: &StationSetup, [a, b]: [Item; 2]) {
        let [numbers_a, numbers_b] = &mut self.numbers;
        let runs = match [a.run, b.run] {
            [Run::Codes { .. }, Run::Codes { .. }] | [Run::Windowed { .. }, Run::Windowed { .. }] => {
                [a.run, b.run]
            }
            _ => [Run::Floats(unpack(a.run, numbers_a)), Run::Floats(unpack(b.run, numbers_b))],
        };
        let (ca, cb) = (&setup.recorded[a.channel], &setup.recorded[b.channel]);
        let (slope_a, slope_b) = (setup.ramp(ca, a.delay).0, setup.ramp(cb, b.delay).0);
        // Channels with clock offsets of their own have another slope in the same block.
        let place_b = if b.block == a.block && slope_a != slope_b { self.slopes.len() - 1 } else { b.block };
        self.slopes[a.block].ensure(slope_a);
        self.slopes[place_b].ensure(slope_b);
        let [start_a, start_b] = &mut self.starts;
        let out = [
            planes(setup, (ca, a.delay), (&self.slopes[a.block], PAIR_SCALE, start_a), (a.re, a.im)),
            planes(setup, (cb, b.delay), (&self.slopes[place_b], PAIR_SCALE, start_b), (b.re, b.im)),
        ];
        pair(self.simd, (&self.fft, &mut self.scratch, &mut self.both), runs, out);
    }
}
