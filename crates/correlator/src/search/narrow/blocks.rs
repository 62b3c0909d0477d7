//! Spectra of blocks of samples, and the voltages that they give to sub-bands: in numbers, or in whole numbers of 16 bits where all fits.

use super::grid::{GUARD_BINS, Member, STEP_BINS, SUB_BINS};
use super::turning::{BOTH, Parts, Piece, Turning};
use super::window::{multiply, window};
use crate::baseband::{Codes, Samples};
use crate::geometry::BlockDelay;
use crate::station::{Item, StationKernel, StationSetup};
use mirinae_simd::{Back16, Codes16, Fft, FftScratch, Pair16, Run, Simd, Turned16};

/// The root of the mean square of samples of 2 bits: levels of 1 and 3.3, of which a third has the latter.
pub(super) const SAMPLES_RMS: f64 = 2.07;

/// Samples as they were recorded, or as numbers.
pub(super) enum Held {
    /// 2 bits each.
    Codes(Codes),
    /// Numbers from a sample on.
    Numbers(Samples, i64),
}

impl Held {
    /// The share of a channel's samples from one on that are valid.
    fn valid(&self, channel: usize, nearest: i64, samples: usize) -> f64 {
        let (validity, begin) = match self {
            Self::Codes(codes) => (codes.validity(channel), codes.first()),
            Self::Numbers(samples, begin) => (samples.validity(channel), *begin),
        };
        let first = (nearest - begin) as usize;
        validity.count(first, first + samples) as f64 / samples as f64
    }

    /// Samples from one on as numbers, 0 where they are not valid.
    fn numbers(&self, channel: usize, nearest: i64, numbers: &mut [f32], components: usize) {
        match self {
            Self::Codes(codes) => codes.numbers(channel, (nearest - codes.first()) as usize, numbers),
            Self::Numbers(samples, begin) => {
                let first = (nearest - begin) as usize * components;
                numbers.copy_from_slice(&samples.channel(channel)[first..first + numbers.len()]);
            }
        }
    }
}

/// Makes spectra of two blocks at a time, and the voltages of their sub-bands.
pub(super) struct Blocks {
    member: Member,
    samples: usize,
    kernel: StationKernel,
    simd: Simd,
    window: Vec<f32>,
    numbers: [Vec<f32>; 2],
    spectra: [Parts<f32>; 2],
    /// How the phase turns within them.
    turning: [Turning; 2],
    bins: Parts<f32>,
    voltage: Parts<f32>,
    short: (Fft, Box<FftScratch>),
    whole: Option<Whole>,
    /// Whether the spectra are those in whole numbers.
    is_whole: bool,
}

/// The same in whole numbers.
struct Whole {
    pair: Pair16,
    back: Back16,
    spectra: [Parts<i16>; 2],
    bins: Parts<i16>,
}

impl Whole {
    /// `None` where there are no such transforms.
    fn new(window: &[f32], simd: Simd) -> Option<Self> {
        let spectrum = || Parts::zeros(window.len() / 2);
        Some(Self {
            pair: Pair16::new(window, SAMPLES_RMS, simd)?,
            back: Back16::new(SUB_BINS, simd)?,
            spectra: [spectrum(), spectrum()],
            bins: Parts::zeros(SUB_BINS),
        })
    }
}

impl Blocks {
    /// Plans for a station's band.
    pub fn new(setup: StationSetup, member: Member, (held, simd): (&Held, Simd)) -> Self {
        let (samples, channels) = (setup.samples(), setup.channels);
        let components = if setup.sampling.is_complex() { 2 } else { 1 };
        let window = window(samples);
        let short = Fft::new(SUB_BINS, simd.lanes());
        let scratch = Box::new(short.scratch());
        let whole = if matches!(held, Held::Codes(_)) { Whole::new(&window, simd) } else { None };
        Self {
            member,
            samples,
            kernel: StationKernel::new(setup, simd, 2),
            simd,
            window: window.into_iter().flat_map(|w| std::iter::repeat_n(w, components)).collect(),
            numbers: std::array::from_fn(|_| vec![0.0; samples * components]),
            spectra: std::array::from_fn(|_| Parts::zeros(channels)),
            turning: std::array::from_fn(|_| Turning::new(simd)),
            bins: Parts::zeros(SUB_BINS),
            voltage: Parts::zeros(SUB_BINS),
            short: (short, scratch),
            whole,
            is_whole: false,
        }
    }

    /// Samples of a block.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Makes the spectra of one or two blocks, in whole numbers if `whole` asks for them and all fits; the shares of their samples that are valid.
    pub fn make(&mut self, held: &Held, delays: &[BlockDelay], whole: bool) -> [f64; 2] {
        let channel = self.member.channel;
        let lo_hz = self.kernel.setup().recorded[channel].lo_hz;
        let mut valid = [0.0; 2];
        for (which, delay) in delays.iter().enumerate() {
            valid[which] = held.valid(channel, delay.nearest_sample, self.samples);
            self.turning[which].set(delay, lo_hz, self.samples);
        }
        self.is_whole = whole
            && match (held, delays) {
                (Held::Codes(codes), [a, b]) if valid == [1.0; 2] => self.whole(codes, [a, b]),
                _ => false,
            };
        if !self.is_whole && valid != [0.0; 2] {
            self.floats(held, delays, valid);
        } else if !self.is_whole {
            for spectrum in &mut self.spectra {
                spectrum.re.fill(0.0);
                spectrum.im.fill(0.0);
            }
        }
        valid
    }

    /// The spectra of two blocks in whole numbers; false where something does not fit.
    fn whole(&mut self, codes: &Codes, delays: [&BlockDelay; 2]) -> bool {
        let Some(Whole { pair, spectra, .. }) = &mut self.whole else { return false };
        let channel = self.member.channel;
        let bytes = codes.channel(channel);
        // The first sample of a byte is in its lowest bits.
        let values = std::array::from_fn(|code| codes.table()[4 * code]);
        let mut items = spectra.iter_mut().zip(delays).enumerate().map(|(block, (spectrum, delay))| {
            let first = (delay.nearest_sample - codes.first()) as usize;
            let run = Codes16 { bytes, first, values };
            Item { channel, run, delay, block, re: &mut spectrum.re[..], im: &mut spectrum.im[..] }
        });
        let (Some(a), Some(b)) = (items.next(), items.next()) else { return false };
        self.kernel.two_whole(pair, [a, b])
    }

    /// The spectra of one or two blocks in numbers.
    fn floats(&mut self, held: &Held, delays: &[BlockDelay], valid: [f64; 2]) {
        let (channel, window) = (self.member.channel, &self.window[..]);
        for (which, delay) in delays.iter().enumerate() {
            if !(valid[which] >= 1.0 && matches!(held, Held::Codes(_))) {
                let numbers = &mut self.numbers[which];
                let components = numbers.len() / self.samples;
                held.numbers(channel, delay.nearest_sample, numbers, components);
                multiply(self.simd, numbers, window);
            }
        }
        let run = |which: usize, numbers| match held {
            Held::Codes(codes) if valid[which] >= 1.0 => {
                let first = (delays[which].nearest_sample - codes.first()) as usize;
                Run::Windowed { bytes: codes.channel(channel), first, table: codes.table(), window }
            }
            _ => Run::Floats(numbers),
        };
        let parts = self.numbers.iter().zip(&mut self.spectra).zip(delays);
        let mut items = parts.enumerate().map(|(block, ((numbers, spectrum), delay))| Item {
            channel,
            run: run(block, numbers),
            delay,
            block,
            re: &mut spectrum.re,
            im: &mut spectrum.im,
        });
        match (items.next(), items.next()) {
            (Some(a), Some(b)) => self.kernel.two([a, b]),
            (Some(a), None) => self.kernel.one(a),
            _ => {}
        }
    }

    /// Adds the voltage of a sub-band: what the block before has, too, is added to that; the rest is the first that is there.
    pub fn add(&mut self, (which, sub_band): (usize, usize), sum: Piece) {
        let turning = &mut self.turning[which];
        let low = (sub_band * STEP_BINS) as i64 - GUARD_BINS as i64 + self.member.first_bin as i64;
        let low = low + turning.whole;
        match (&mut self.whole, sum) {
            (Some(Whole { back, spectra, bins, .. }), Piece::Whole(to, _)) if self.is_whole => {
                let out = Turned16 { turns: turning.units(), to, added: BOTH };
                back.run(self.simd, within(&spectra[which], low, bins), out);
            }
            (_, sum) => {
                let (re, im) = within(&self.spectra[which], low, &mut self.bins);
                // Back is forward with both parts exchanged.
                let Parts { re: to_re, im: to_im } = &mut self.voltage;
                mirinae_simd::transform(
                    self.simd,
                    (&self.short.0, &mut self.short.1),
                    (im, re),
                    (to_im, to_re),
                );
                turning.add((&self.voltage.re, &self.voltage.im), sum);
            }
        }
    }
}

/// Bins of a sub-band from one on. Beyond the band there may be more of what the station recorded, or nothing.
fn within<'a, T: Copy + Default>(
    spectrum: &'a Parts<T>,
    low: i64,
    room: &'a mut Parts<T>,
) -> (&'a [T], &'a [T]) {
    let bins = spectrum.re.len() as i64;
    let (from, to) = (low.clamp(0, bins), (low + SUB_BINS as i64).clamp(0, bins));
    let here = from as usize..to as usize;
    if to - from == SUB_BINS as i64 {
        return (&spectrum.re[here.clone()], &spectrum.im[here]);
    }
    for (room, all) in [(&mut room.re, &spectrum.re), (&mut room.im, &spectrum.im)] {
        room.fill(T::default());
        if from < to {
            room[(from - low) as usize..][..here.len()].copy_from_slice(&all[here.clone()]);
        }
    }
    (&room.re, &room.im)
}
