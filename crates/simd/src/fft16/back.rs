//! The transform of bins in whole numbers back to samples, which are turned and added to others.

use super::lanes::{LANES, Whole};
use super::{Fft16, Fft16Scratch, Input, Output};
use crate::{Kernel, Lanes, Simd};

/// The transform, and the memory that it works in: noise keeps its level.
pub struct Back16 {
    fft: Fft16,
    scratch: Fft16Scratch,
}

/// Where samples go, and what they are turned by.
pub struct Turned16<'a> {
    /// Phasors in units of 2^-15, real and imaginary parts.
    pub turns: (&'a [i16], &'a [i16]),
    /// 16 real parts and 16 imaginary ones in turn.
    pub to: &'a mut [i16],
    /// The first samples, a multiple of 16, that are added to what is there; the others replace it.
    pub added: usize,
}

impl Back16 {
    /// Plans a transform of so many points. `None` as [`Fft16::new`] says.
    pub fn new(points: usize, simd: Simd) -> Option<Self> {
        let fft = Fft16::new(points, [1.0, 1.0], simd)?;
        Some(Self { scratch: fft.scratch(), fft })
    }

    /// Transforms bins (real and imaginary parts) back, over the root of their number, and turns what comes out.
    pub fn run(&mut self, simd: Simd, (re, im): (&[i16], &[i16]), out: Turned16) {
        let points = self.fft.points();
        let turns = out.turns.0.len().min(out.turns.1.len());
        assert!(re.len() == points && im.len() == points && turns >= points && out.to.len() == 2 * points);
        simd.run(Run {
            fft: &self.fft,
            scratch: &mut self.scratch,
            bins: Bins(re.as_ptr(), im.as_ptr()),
            out,
        });
    }
}

/// Asks for numbers that will soon be written, far from what was written last: to be there by then.
pub fn ahead16(simd: Simd, to: &[i16]) {
    simd.run(Ahead(to));
}

struct Ahead<'a>(&'a [i16]);

impl Kernel for Ahead<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for line in self.0.chunks(2 * LANES) {
            Whole::ahead(line.as_ptr());
        }
    }
}

struct Run<'a> {
    fft: &'a Fft16,
    scratch: &'a mut Fft16Scratch,
    bins: Bins,
    out: Turned16<'a>,
}

impl Kernel for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        // SAFETY: `Back16::run` saw that both hold all points.
        unsafe { self.fft.process::<16, _, _>(self.scratch, &self.bins, &mut self.out) }
    }
}

/// Back is forward with both parts exchanged.
struct Bins(*const i16, *const i16);

impl Input for Bins {
    #[inline(always)]
    unsafe fn get(&self, at: usize) -> Whole {
        // SAFETY: as the caller says.
        unsafe { Whole::load(self.0.add(at), self.1.add(at)).exchanged() }
    }
}

impl Output for Turned16<'_> {
    #[inline(always)]
    unsafe fn put(&mut self, at: usize, value: Whole) {
        // SAFETY: as the caller says.
        unsafe {
            let to = self.to.as_mut_ptr().add(2 * at);
            let turns = Whole::load(self.turns.0.as_ptr().add(at), self.turns.1.as_ptr().add(at));
            let mut turned = value.exchanged().mul(turns);
            if at < self.added {
                turned = turned.add(Whole::load(to, to.add(LANES)));
            }
            turned.store(to, to.add(LANES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;
    use crate::SimdPath;
    use mirinae_fourier::{FftDirection, Instructions, single};
    use num_complex::Complex32;

    #[test]
    fn samples_are_those_of_rustfft_turned_and_added() {
        if !SimdPath::Avx2.is_available() {
            return;
        }
        let (points, added, simd) = (256, 32, Simd::new(SimdPath::detect()));
        let value = |i: usize| (((i as u32).wrapping_mul(2_654_435_761) >> 20) as i16) - 2048;
        let [re, im]: [Vec<i16>; 2] = [3, 1003].map(|from| (from..from + points).map(value).collect());
        let turn = |i: usize| Complex32::from_polar(1.0, 0.01 * i as f32);
        let units = |x: f32| (32_767.0 * x) as i16;
        let turns: (Vec<i16>, Vec<i16>) = (0..points).map(|i| (units(turn(i).re), units(turn(i).im))).unzip();
        let mut to = vec![500; 2 * points];
        let out = Turned16 { turns: (&turns.0, &turns.1), to: &mut to, added };
        Back16::new(points, simd).unwrap().run(simd, (&re, &im), out);
        let bin = |(re, im): (&i16, &i16)| Complex32::new((*re).into(), (*im).into());
        let mut wanted: Vec<Complex32> = re.iter().zip(&im).map(bin).collect();
        single(points, FftDirection::Inverse, Instructions::Any).process(&mut wanted);
        for (i, z) in wanted.iter().enumerate() {
            let there = if i < added { Complex32::new(500.0, 500.0) } else { Complex32::ZERO };
            let wanted = z / 16.0 * turn(i) + there;
            let at = place(i);
            let found = Complex32::new(to[at].into(), to[at + LANES].into());
            assert!((found - wanted).norm() < 6.0, "{i}: {found} {wanted}");
        }
    }
}
