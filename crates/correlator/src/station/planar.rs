//! Spectra by our own transform: real and imaginary parts apart from the recorded bits on.
use super::{ChannelSetup, Item, Phasors, Start, StationSetup, Steps};
use crate::geometry::BlockDelay;
use crate::job::Rotation;
use mirinae_simd::Aligned;
use mirinae_simd::{Codes16, Fft, FftScratch, Line, Pair16, PairScratch, Planes, Run, Simd, pair, rotated};

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

/// The first bin of a channel, and what its bins are turned by, once the block's slope is made.
fn turn<'a>(
    setup: &StationSetup,
    (channel, delay): (&ChannelSetup, &BlockDelay),
    (slopes, scale, room): (&'a Steps, f64, &'a mut Start),
) -> (usize, Line<'a>) {
    let (_, start) = setup.ramp(channel, delay);
    let first_bin = if channel.lower_sideband { setup.channels } else { 0 };
    (first_bin, slopes.started(start, scale, room))
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
        let (first_bin, turn) = turn(setup, (channel, item.delay), turns);
        let mut out = Planes { re: item.re, im: item.im, first_bin, turn };
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
        let places = [(a.channel, a.delay, a.block), (b.channel, b.delay, b.block)];
        let [turn_a, turn_b] = turns(setup, (&mut self.slopes, &mut self.starts), places, PAIR_SCALE);
        let out = [
            Planes { re: a.re, im: a.im, first_bin: turn_a.0, turn: turn_a.1 },
            Planes { re: b.re, im: b.im, first_bin: turn_b.0, turn: turn_b.1 },
        ];
        pair(self.simd, (&self.fft, &mut self.scratch, &mut self.both), runs, out);
    }

    /// The same in whole numbers; false where something does not fit.
    pub fn two_whole(
        &mut self,
        setup: &StationSetup,
        pair: &mut Pair16,
        [a, b]: [Item<Codes16, i16>; 2],
    ) -> bool {
        let places = [(a.channel, a.delay, a.block), (b.channel, b.delay, b.block)];
        let scale = std::f64::consts::FRAC_1_SQRT_2;
        let [turn_a, turn_b] = turns(setup, (&mut self.slopes, &mut self.starts), places, scale);
        let out = [
            Planes { re: a.re, im: a.im, first_bin: turn_a.0, turn: turn_a.1 },
            Planes { re: b.re, im: b.im, first_bin: turn_b.0, turn: turn_b.1 },
        ];
        pair.run(self.simd, [a.run, b.run], out)
    }
}

/// The first bins and turns of two channels or blocks: recorded channel, delay, number in the batch.
fn turns<'a>(
    setup: &StationSetup,
    (slopes, starts): (&'a mut [Steps], &'a mut [Start; 2]),
    [a, b]: [(usize, &BlockDelay, usize); 2],
    scale: f64,
) -> [(usize, Line<'a>); 2] {
    let (of_a, of_b) = ((&setup.recorded[a.0], a.1), (&setup.recorded[b.0], b.1));
    let (slope_a, slope_b) = (setup.ramp(of_a.0, of_a.1).0, setup.ramp(of_b.0, of_b.1).0);
    // Channels with clock offsets of their own have another slope in the same block.
    let place_b = if b.2 == a.2 && slope_a != slope_b { slopes.len() - 1 } else { b.2 };
    slopes[a.2].ensure(slope_a);
    slopes[place_b].ensure(slope_b);
    let [start_a, start_b] = starts;
    [turn(setup, of_a, (&slopes[a.2], scale, start_a)), turn(setup, of_b, (&slopes[place_b], scale, start_b))]
}
