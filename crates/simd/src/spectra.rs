//! Spectra of samples: rotated before the transform, or two real ones in one complex transform.

use super::fft::{Input, Output};
use super::{Aligned, Complex, Fft, FftScratch, Kernel, Lanes, MAX_LANES, Simd};

/// Values of the samples of a block.
#[derive(Debug, Clone, Copy)]
pub enum Run<'a> {
    /// 2 bits per sample, least significant first; at least 8 bytes more than the samples take.
    Codes {
        /// The samples.
        bytes: &'a [u8],
        /// The first one of the block.
        first: usize,
        /// Four values for each byte.
        table: &'a [f32],
    },
    /// The same under a window.
    Windowed {
        /// The samples.
        bytes: &'a [u8],
        /// The first one of the block.
        first: usize,
        /// Four values for each byte.
        table: &'a [f32],
        /// What each sample of the block is multiplied by.
        window: &'a [f32],
    },
    /// As they are.
    Floats(&'a [f32]),
}

impl Run<'_> {
    /// Checks that there are `n` samples and room to read beyond.
    fn check(&self, n: usize) {
        match self {
            Self::Codes { bytes, first, table } => {
                assert!(table.len() == 1024 && bytes.len() >= (first + n) / 4 + 8);
            }
            Self::Windowed { bytes, first, table, window } => {
                assert!(table.len() == 1024 && bytes.len() >= (first + n) / 4 + 8 && window.len() >= n);
            }
            Self::Floats(x) => assert!(x.len() >= n),
        }
    }
}

/// exp(2 pi i (start + j step)) as fine[j mod m] coarse[j / m], m the number of fine ones.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Real and imaginary parts of the fine ones.
    pub fine: (&'a [f32], &'a [f32]),
    /// Real and imaginary parts of the coarse ones.
    pub coarse: (&'a [f32], &'a [f32]),
}

impl Line<'_> {
    fn check(&self, fine: usize, coarse: usize) {
        assert!(self.fine.0.len() >= fine && self.fine.1.len() >= fine);
        assert!(self.coarse.0.len() >= coarse && self.coarse.1.len() >= coarse);
    }

    /// # Safety
    /// `fine` and the lanes after it, and `coarse`, are there.
    #[inline(always)]
    unsafe fn at<L: Lanes>(&self, fine: usize, coarse: usize) -> Complex<L> {
        // SAFETY: as the caller says.
        unsafe {
            let (re, im) = (*self.coarse.0.get_unchecked(coarse), *self.coarse.1.get_unchecked(coarse));
            let fine = Complex::load(self.fine.0.as_ptr().add(fine), self.fine.1.as_ptr().add(fine));
            fine.mul(Complex::splat(re, im))
        }
    }
}

/// Where a spectrum goes, and what it is turned by.
#[derive(Debug)]
pub struct Planes<'a, T = f32> {
    /// Real parts.
    pub re: &'a mut [T],
    /// Imaginary parts.
    pub im: &'a mut [T],
    /// First bin: 0 (upper sideband) or half the points (lower).
    pub first_bin: usize,
    /// What the bins are turned by, from the first one on; as many fine ones as the transform has rows.
    pub turn: Line<'a>,
}

impl Planes<'_> {
    fn check(&self, fft: &Fft) {
        let bins = fft.points() / 2;
        assert!(
            self.re.len() == bins && self.im.len() == bins && (self.first_bin == 0 || self.first_bin == bins)
        );
        self.turn.check(fft.rows(), bins / fft.rows());
    }
}

/// Samples of 2 bits at a place. `first` and the samples from there on are as [`Run::check`] has seen.
struct Codes<'a> {
    bytes: &'a [u8],
    first: usize,
    table: &'a [f32],
}

/// Samples of 2 bits times a window: as many values as there are samples in the run.
struct Windowed<'a>(Codes<'a>, &'a [f32]);

/// Samples that are numbers.
struct Floats<'a>(&'a [f32]);

/// Real samples.
trait Real {
    /// As [`Input::COMMON`].
    const COMMON: bool;
    /// # Safety
    /// Samples `at ..` in as many lanes as there are lie in the run.
    unsafe fn real<L: Lanes>(&self, at: usize) -> L;
}

impl Real for Codes<'_> {
    const COMMON: bool = true;

    #[inline(always)]
    unsafe fn real<L: Lanes>(&self, at: usize) -> L {
        let place = self.first + at;
        // SAFETY: the caller says that the samples are there; 8 bytes follow them.
        unsafe {
            L::decode(self.bytes.as_ptr().add(place / 4), (self.first % 4) as u32 * 2, self.table.as_ptr())
        }
    }
}

impl Real for Windowed<'_> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn real<L: Lanes>(&self, at: usize) -> L {
        // SAFETY: as the caller says; the window is as long as the run.
        unsafe { self.0.real::<L>(at).mul(L::load(self.1.as_ptr().add(at))) }
    }
}

impl Real for Floats<'_> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn real<L: Lanes>(&self, at: usize) -> L {
        // SAFETY: as the caller says.
        unsafe { L::load(self.0.as_ptr().add(at)) }
    }
}

/// Real samples times phasors: fine by column, coarse by row.
struct Turned<'a, R> {
    samples: R,
    turn: Line<'a>,
}

impl<R: Real> Input for Turned<'_, R> {
    const COMMON: bool = R::COMMON;

    #[inline(always)]
    unsafe fn get<L: Lanes>(&self, row: usize, column: usize, at: usize) -> Complex<L> {
        // SAFETY: as the caller says; the phasors were checked to be as many as columns and rows.
        unsafe {
            let (x, phasor) = (self.samples.real::<L>(at), self.turn.at::<L>(column, row));
            Complex(x.mul(phasor.0), x.mul(phasor.1))
        }
    }
}

/// One run as the real part, another as the imaginary one.
struct Both<R>(R, R);

impl<R: Real> Input for Both<R> {
    const COMMON: bool = R::COMMON;

    #[inline(always)]
    unsafe fn get<L: Lanes>(&self, _: usize, _: usize, at: usize) -> Complex<L> {
        // SAFETY: as the caller says.
        unsafe { Complex(self.0.real(at), self.1.real(at)) }
    }
}

/// Keeps half of the bins and turns them: those from coarse phasor `skip` on.
struct Half<'a, 'b> {
    out: &'a mut Planes<'b>,
    skip: usize,
}

impl Output for Half<'_, '_> {
    #[inline(always)]
    unsafe fn put<L: Lanes>(&mut self, k1: usize, k2: usize, at: usize, bins: Complex<L>) {
        let out = &mut self.out;
        if at < out.first_bin || at >= out.first_bin + out.re.len() {
            return;
        }
        // SAFETY: the bin and the lanes after it lie within the half, whose size was checked.
        unsafe {
            let to = at - out.first_bin;
            let turned = bins.mul(out.turn.at(k1, k2 - self.skip));
            turned.store(out.re.as_mut_ptr().add(to), out.im.as_mut_ptr().add(to));
        }
    }
}

/// Keeps all bins.
pub(super) struct All<'a>(pub &'a mut [f32], pub &'a mut [f32]);

impl Output for All<'_> {
    #[inline(always)]
    unsafe fn put<L: Lanes>(&mut self, _: usize, _: usize, at: usize, bins: Complex<L>) {
        // SAFETY: as the caller says.
        unsafe { bins.store(self.0.as_mut_ptr().add(at), self.1.as_mut_ptr().add(at)) }
    }
}

/// The spectrum of samples that are turned before the transform: by `turn`, fine phasors by column, coarse by row.
pub fn rotated(simd: Simd, (fft, scratch): (&Fft, &mut FftScratch), run: Run, turn: Line, out: &mut Planes) {
    run.check(fft.points());
    turn.check(fft.columns(), fft.rows());
    out.check(fft);
    match run {
        Run::Codes { bytes, first, table } => {
            let input = Turned { samples: Codes { bytes, first, table }, turn };
            simd.run(Rotated { fft, scratch, input, out });
        }
        Run::Windowed { bytes, first, table, window } => {
            let samples = Windowed(Codes { bytes, first, table }, window);
            simd.run(Rotated { fft, scratch, input: Turned { samples, turn }, out });
        }
        Run::Floats(x) => simd.run(Rotated { fft, scratch, input: Turned { samples: Floats(x), turn }, out }),
    }
}

struct Rotated<'a, 'b, I> {
    fft: &'a Fft,
    scratch: &'a mut FftScratch,
    input: I,
    out: &'a mut Planes<'b>,
}

impl<I: Input> Kernel for Rotated<'_, '_, I> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let skip = self.out.first_bin / self.fft.rows();
        // SAFETY: input and output were checked to hold the whole transform.
        unsafe { self.fft.process::<L, _, _>(self.scratch, &self.input, &mut Half { out: self.out, skip }) }
    }
}

/// What a pair of spectra needs besides the transform's own scratch.
#[derive(Debug, Clone)]
pub struct PairScratch {
    re: Aligned,
    im: Aligned,
}

impl PairScratch {
    /// Room for a number of points.
    pub fn new(points: usize) -> Self {
        // Bin N is bin 0 again.
        let room = || Aligned::zeros(points + MAX_LANES);
        Self { re: room(), im: room() }
    }
}

/// Twice the spectra of two runs of real samples by one transform: both of codes, with a window or without, or both of numbers.
pub fn pair(
    simd: Simd,
    (fft, scratch, both): (&Fft, &mut FftScratch, &mut PairScratch),
    runs: [Run; 2],
    mut out: [Planes; 2],
) {
    runs.iter().for_each(|run| run.check(fft.points()));
    out.iter().for_each(|planes| planes.check(fft));
    assert!(both.re.len() > fft.points() && both.im.len() > fft.points());
    let out = &mut out;
    match runs {
        [Run::Codes { bytes, first, table }, Run::Codes { bytes: bytes2, first: first2, table: table2 }] => {
            let a = Codes { bytes, first, table };
            let b = Codes { bytes: bytes2, first: first2, table: table2 };
            simd.run(Pair { fft, scratch, both, input: Both(a, b), out });
        }
        [
            Run::Windowed { bytes, first, table, window },
            Run::Windowed { bytes: bytes2, first: first2, table: table2, window: window2 },
        ] => {
            let a = Windowed(Codes { bytes, first, table }, window);
            let b = Windowed(Codes { bytes: bytes2, first: first2, table: table2 }, window2);
            simd.run(Pair { fft, scratch, both, input: Both(a, b), out });
        }
        [Run::Floats(a), Run::Floats(b)] => {
            simd.run(Pair { fft, scratch, both, input: Both(Floats(a), Floats(b)), out });
        }
        _ => unreachable!("the caller makes both runs of one kind"),
    }
}

struct Pair<'a, 'b, I> {
    fft: &'a Fft,
    scratch: &'a mut FftScratch,
    both: &'a mut PairScratch,
    input: I,
    out: &'a mut [Planes<'b>; 2],
}

impl<I: Input> Kernel for Pair<'_, '_, I> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (re, im) = (&mut self.both.re[..], &mut self.both.im[..]);
        // SAFETY: the input was checked to hold all samples; re and im have more places than there are points.
        unsafe { self.fft.process::<L, _, _>(self.scratch, &self.input, &mut All(re, im)) };
        let n = self.fft.points();
        (re[n], im[n]) = (re[0], im[0]);
        let separate = Separate { re, im, points: n, rows: self.fft.rows() };
        let [a, b] = self.out;
        // SAFETY: the planes were checked to hold half the points, re and im hold one more than all.
        unsafe {
            if a.first_bin == b.first_bin {
                separate.both::<L>(a, b);
            } else {
                separate.first::<L>(a);
                separate.second::<L>(b);
            }
        }
    }
}

/// Takes the spectra of two real runs x + i y apart: 2 X = Z(k) + conj Z(-k), 2 Y = (Z(k) - conj Z(-k)) / i. The phasors
/// that they are turned by hold the half.
struct Separate<'a> {
    re: &'a [f32],
    im: &'a [f32],
    points: usize,
    rows: usize,
}

impl Separate<'_> {
    /// Bins k .. and -k .. of Z.
    ///
    /// # Safety
    /// k and the lanes after it are below N.
    #[inline(always)]
    unsafe fn mirrored<L: Lanes>(&self, k: usize) -> (Complex<L>, Complex<L>) {
        let mirror = self.points - k - (L::N - 1);
        // SAFETY: as the caller says, with bin N after the last.
        unsafe {
            let z = Complex::load(self.re.as_ptr().add(k), self.im.as_ptr().add(k));
            let (re, im) = (self.re.as_ptr().add(mirror), self.im.as_ptr().add(mirror));
            (z, Complex(L::load_reversed(re), L::load_reversed(im)))
        }
    }

    /// # Safety
    /// As [`Self::both`].
    #[inline(always)]
    unsafe fn put<L: Lanes>(&self, out: &mut Planes, (row, fine): (usize, usize), bins: Complex<L>) {
        let at = row * self.rows + fine;
        // SAFETY: as the caller says.
        unsafe {
            let turned = bins.mul(out.turn.at(fine, row));
            let to = (out.re.as_mut_ptr().add(at), out.im.as_mut_ptr().add(at));
            turned.store(to.0, to.1);
        }
    }

    /// # Safety
    /// The planes hold half the points and begin at the same bin; `re` and `im` hold all points and the first again.
    #[inline(always)]
    unsafe fn both<L: Lanes>(&self, a: &mut Planes, b: &mut Planes) {
        for row in 0..self.points / 2 / self.rows {
            for fine in (0..self.rows).step_by(L::N) {
                // SAFETY: the bins lie within the half, as the caller says.
                unsafe {
                    let (z, m) = self.mirrored::<L>(a.first_bin + row * self.rows + fine);
                    self.put(a, (row, fine), Complex(z.0.add(m.0), z.1.sub(m.1)));
                    self.put(b, (row, fine), Complex(z.1.add(m.1), m.0.sub(z.0)));
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::both`].
    #[inline(always)]
    unsafe fn first<L: Lanes>(&self, a: &mut Planes) {
        for row in 0..self.points / 2 / self.rows {
            for fine in (0..self.rows).step_by(L::N) {
                // SAFETY: as in `both`.
                unsafe {
                    let (z, m) = self.mirrored::<L>(a.first_bin + row * self.rows + fine);
                    self.put(a, (row, fine), Complex(z.0.add(m.0), z.1.sub(m.1)));
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::both`].
    #[inline(always)]
    unsafe fn second<L: Lanes>(&self, b: &mut Planes) {
        for row in 0..self.points / 2 / self.rows {
            for fine in (0..self.rows).step_by(L::N) {
                // SAFETY: as in `both`.
                unsafe {
                    let (z, m) = self.mirrored::<L>(b.first_bin + row * self.rows + fine);
                    self.put(b, (row, fine), Complex(z.1.add(m.1), m.0.sub(z.0)));
                }
            }
        }
    }
}
