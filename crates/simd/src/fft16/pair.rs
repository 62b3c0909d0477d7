//! Spectra of two blocks of samples of 2 bits under a window, by one transform of whole numbers: as [`crate::pair`] makes them of numbers.

use super::decode::{Decoder, decode};
use super::lanes::{LANES, Top, Whole};
use super::{Fft16, Fft16Scratch, Input, Output};
use crate::{Kernel, Lanes, Line, Planes, Simd};

/// Roots of the mean squares that noise goes in with and comes out with: sums of four samples fit, and carriers of 20 times the noise.
const LEVELS: [f64; 2] = [1400.0, 700.0];
/// Sums of two bins of this size fit.
const MOST: u16 = 16_000;
/// The window of 1: values of samples are twice as large, since no fraction is 1.
const ONE: f32 = 16_384.0;

/// Samples of 2 bits, least significant first; at least 8 bytes more than the samples take.
#[derive(Debug, Clone, Copy)]
pub struct Codes16<'a> {
    /// The samples.
    pub bytes: &'a [u8],
    /// The first one of the block.
    pub first: usize,
    /// Values of the four.
    pub values: [f32; 4],
}

/// The transform with its window, and the memory that it works in.
pub struct Pair16 {
    fft: Fft16,
    scratch: Fft16Scratch,
    window: Vec<i16>,
    /// Whole numbers for a value of 1.
    unit: f32,
    /// Real and imaginary parts of both spectra in one, with the first again after the last.
    both: [Vec<i16>; 2],
    turns: [Turns; 2],
}

/// Phasors in units of 2^-15, real and imaginary parts.
#[derive(Default)]
struct Turns {
    fine: [Vec<i16>; 2],
    coarse: [Vec<i16>; 2],
}

impl Pair16 {
    /// Plans for blocks under a window; the samples' root of the mean square is given. `None` as [`Fft16::new`] says.
    pub fn new(window: &[f32], samples_rms: f64, simd: Simd) -> Option<Self> {
        let points = window.len();
        let fft = Fft16::new(points, LEVELS, simd)?;
        let both = || vec![0; points + LANES];
        Some(Self {
            scratch: fft.scratch(),
            fft,
            window: window.iter().map(|w| (w * ONE).round() as i16).collect(),
            unit: (LEVELS[0] / samples_rms) as f32,
            both: [both(), both()],
            turns: Default::default(),
        })
    }

    /// What noise comes out with that is turned by phasors of size 1 / sqrt(2): the root of the mean square of real and imaginary parts.
    pub const LEVEL: f64 = LEVELS[1];

    /// Twice the spectra, turned, times [`Self::LEVEL`] over the samples' root of the mean square and the root of the number of points. False where something
    /// does not fit: they are of no use then. Phasors have size 1 at most.
    pub fn run(&mut self, simd: Simd, runs: [Codes16; 2], out: [Planes<i16>; 2]) -> bool {
        let points = self.fft.points();
        for run in &runs {
            assert!(run.bytes.len() >= (run.first + points) / 4 + 8);
        }
        let fine = out[0].turn.fine.0.len();
        for planes in &out {
            let (re, im) = (planes.re.len(), planes.im.len());
            assert!(re == points / 2 && im == re && (planes.first_bin == 0 || planes.first_bin == re));
            let Line { fine: (a, b), coarse: (c, d) } = planes.turn;
            assert!(a.len() == fine && b.len() == fine && c.len() == re / fine && d.len() == c.len());
            assert!(fine.is_multiple_of(LANES) && re.is_multiple_of(fine));
        }
        assert!(out[0].first_bin == out[1].first_bin);
        simd.run(Two { pair: self, runs, out })
    }
}

impl Turns {
    #[inline(always)]
    fn set(&mut self, line: Line) {
        let Self { fine: [a, b], coarse: [c, d] } = self;
        units(line.fine.0, a);
        units(line.fine.1, b);
        units(line.coarse.0, c);
        units(line.coarse.1, d);
    }
}

/// Fractions in units of 2^-15.
#[inline(always)]
fn units(from: &[f32], to: &mut Vec<i16>) {
    to.resize(from.len(), 0);
    for (to, x) in to.iter_mut().zip(from) {
        let units = 32_768.0 * x;
        *to = if units < 32_767.0 { units.round_ties_even() as i16 } else { 32_767 };
    }
}

struct Two<'a, 'b> {
    pair: &'a mut Pair16,
    runs: [Codes16<'a>; 2],
    out: [Planes<'b, i16>; 2],
}

impl Kernel for Two<'_, '_> {
    /// Whether all fitted.
    type Output = bool;

    #[inline(always)]
    fn run<L: Lanes>(self) -> bool {
        let Pair16 { fft, scratch, window, unit, both: [re, im], turns } = self.pair;
        turns[0].set(self.out[0].turn);
        turns[1].set(self.out[1].turn);
        let [a, b] = [Samples::new(self.runs[0], *unit), Samples::new(self.runs[1], *unit)];
        let input = Both { a, b, window: window.as_ptr() };
        let mut output = Bins { re: re.as_mut_ptr(), im: im.as_mut_ptr(), top: Top::zero() };
        // SAFETY: the runs were checked to hold all samples; re and im have more places than there are points.
        unsafe { fft.process::<128, _, _>(scratch, &input, &mut output) };
        if output.top.size() > MOST {
            return false;
        }
        let n = fft.points();
        (re[n], im[n]) = (re[0], im[0]);
        let [mut a, mut b] = self.out;
        let fine = turns[0].fine[0].len();
        for row in 0..n / 2 / fine {
            for column in (0..fine).step_by(LANES) {
                let at = row * fine + column;
                let k = a.first_bin + at;
                // SAFETY: the bins lie within the half that planes and phasors hold, as `Pair16::run` saw; bin n is there.
                unsafe {
                    let z = Whole::load(re.as_ptr().add(k), im.as_ptr().add(k));
                    let mirror = n - k - (LANES - 1);
                    let m = Whole::load(re.as_ptr().add(mirror), im.as_ptr().add(mirror)).reversed();
                    put(&mut a, at, z.first_of_two(m).mul(turns[0].at(row, column)));
                    put(&mut b, at, z.second_of_two(m).mul(turns[1].at(row, column)));
                }
            }
        }
        true
    }
}

/// # Safety
/// 16 bins from there on lie within the planes.
#[inline(always)]
unsafe fn put(planes: &mut Planes<i16>, at: usize, bins: Whole) {
    // SAFETY: as the caller says.
    unsafe { bins.store(planes.re.as_mut_ptr().add(at), planes.im.as_mut_ptr().add(at)) }
}

impl Turns {
    /// 16 phasors.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn at(&self, row: usize, column: usize) -> Whole {
        let [[fine_re, fine_im], [re, im]] = [&self.fine, &self.coarse];
        // SAFETY: as the caller says.
        unsafe {
            let coarse = Whole::splat([[*re.get_unchecked(row); 2], [*im.get_unchecked(row); 2]]);
            Whole::load(fine_re.as_ptr().add(column), fine_im.as_ptr().add(column)).mul(coarse)
        }
    }
}

/// Samples of 2 bits at a place.
struct Samples {
    bytes: *const u8,
    first: usize,
    decoder: Decoder,
}

impl Samples {
    #[inline(always)]
    fn new(codes: Codes16, unit: f32) -> Self {
        let mut values = [0; 4];
        for (whole, value) in values.iter_mut().zip(codes.values) {
            *whole = (2.0 * unit * value).round_ties_even() as i16;
        }
        let decoder = Decoder::new(values, (codes.first % 4) as u32 * 2);
        Self { bytes: codes.bytes.as_ptr(), first: codes.first, decoder }
    }
}

/// One block as the real part, another as the imaginary one.
struct Both {
    a: Samples,
    b: Samples,
    window: *const i16,
}

impl Input for Both {
    #[inline(always)]
    unsafe fn get(&self, at: usize) -> Whole {
        let Self { a, b, window } = self;
        // SAFETY: the caller says that the samples are there; 8 bytes follow them, and the window is as long as a block.
        unsafe {
            let (from_a, from_b) = (a.bytes.add((a.first + at) / 4), b.bytes.add((b.first + at) / 4));
            decode([(a.decoder, from_a), (b.decoder, from_b)], window.add(at))
        }
    }
}

/// All bins, real and imaginary parts apart.
struct Bins {
    re: *mut i16,
    im: *mut i16,
    top: Top,
}

impl Output for Bins {
    #[inline(always)]
    unsafe fn put(&mut self, at: usize, bins: Whole) {
        self.top = self.top.with(bins);
        // SAFETY: as the caller says.
        unsafe { bins.store(self.re.add(at), self.im.add(at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fft, PairScratch, Run, SimdPath, pair};
    use std::f32::consts::TAU;

    const POINTS: usize = 1 << 12;
    /// As many fine phasors as the transform of numbers has rows.
    const FINE: usize = 64;
    const VALUES: [f32; 4] = [-3.3359, -1.0, 1.0, 3.3359];

    /// Samples of noise, some of them a carrier's sign.
    fn bytes(seed: u64, carrier: u64) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let mut sample = |j: usize| {
            let (noise, which) = (next(), next() % 100);
            // A third of the samples of noise has high levels.
            let code = [0, 3, 1, 1, 2, 2][(noise % 6) as usize];
            if which < carrier { if j % 32 < 16 { 3 } else { 0 } } else { code }
        };
        (0..POINTS / 4 + 16).map(|i| (0..4).map(|j| sample(4 * i + j) << (2 * j)).sum()).collect()
    }

    fn phasors(n: usize, step: f32) -> (Vec<f32>, Vec<f32>) {
        (0..n).map(|i| (TAU * step * i as f32).sin_cos()).map(|(sin, cos)| (cos, sin)).unzip()
    }

    /// The mean square error over that of the spectra; `None` where something does not fit.
    fn off(lower: bool, carrier: u64) -> Option<f64> {
        let simd = Simd::new(SimdPath::detect());
        let window: Vec<f32> = (0..POINTS).map(|i| (8.0 * i as f32 / POINTS as f32).min(1.0)).collect();
        let (samples, first) = ([bytes(1, carrier), bytes(2, carrier)], [5, 8]);
        let ((fine, fine2), coarse) =
            ((phasors(FINE, 1e-3), phasors(FINE, -2e-3)), phasors(POINTS / 2 / FINE, 0.1));
        let parts = |(re, im): &'_ (Vec<f32>, Vec<f32>)| -> (Vec<f32>, Vec<f32>) { (re.clone(), im.clone()) };
        let fines = [parts(&fine), parts(&fine2)];
        let line = |i: usize| Line { fine: (&fines[i].0, &fines[i].1), coarse: (&coarse.0, &coarse.1) };
        let first_bin = if lower { POINTS / 2 } else { 0 };

        let fft = Fft::new(POINTS, simd.lanes());
        assert!(fft.rows() == FINE);
        let table: Vec<f32> = (0..1024).map(|i| VALUES[(i / 4) >> (2 * (i % 4)) & 3]).collect();
        let mut wanted = vec![vec![0.0; POINTS / 2]; 4];
        let [a, b, c, d] = &mut wanted[..] else { unreachable!() };
        let run =
            |i: usize| Run::Windowed { bytes: &samples[i], first: first[i], table: &table, window: &window };
        let out = [
            Planes { re: a, im: b, first_bin, turn: line(0) },
            Planes { re: c, im: d, first_bin, turn: line(1) },
        ];
        pair(simd, (&fft, &mut fft.scratch(), &mut PairScratch::new(POINTS)), [run(0), run(1)], out);

        let mut found = vec![vec![0i16; POINTS / 2]; 4];
        let [a, b, c, d] = &mut found[..] else { unreachable!() };
        let out = [
            Planes { re: a, im: b, first_bin, turn: line(0) },
            Planes { re: c, im: d, first_bin, turn: line(1) },
        ];
        let run = |i: usize| Codes16 { bytes: &samples[i], first: first[i], values: VALUES };
        let mut pair = Pair16::new(&window, 2.07, simd)?;
        if !pair.run(simd, [run(0), run(1)], out) {
            return None;
        }
        // Twice the spectra there.
        let unit = Pair16::LEVEL / 2.07 / (POINTS as f64).sqrt();
        let all = || found.iter().flatten().zip(wanted.iter().flatten());
        let square = |x: f64| x * x;
        let error: f64 = all().map(|(x, y)| square(f64::from(*x) / unit - f64::from(*y))).sum();
        Some(error / all().map(|(_, y)| square((*y).into())).sum::<f64>())
    }

    #[test]
    fn spectra_are_those_of_numbers_where_all_fits() {
        if !SimdPath::Avx2.is_available() {
            return;
        }
        for lower in [false, true] {
            for carrier in [0, 5] {
                let error = off(lower, carrier).unwrap();
                assert!(error < 3e-5, "{lower} {carrier}: {error}");
            }
            assert!(off(lower, 60).is_none(), "{lower}");
        }
    }
}
