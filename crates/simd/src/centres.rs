//! Turns averaged groups of channels to several phase centres at once.

use super::{Kernel, Lanes, MAX_LANES, Simd};

/// Phase centres that share what is loaded of the visibilities.
const TOGETHER: usize = 4;

/// Phasors of the channels of a group for each of some phase centres: rows of `average` numbers.
#[derive(Debug, Clone, Copy)]
pub struct Fine<'a> {
    /// Channels of a group, a multiple of [`MAX_LANES`].
    pub average: usize,
    /// Real parts by centre and channel.
    pub re: &'a [f32],
    /// Imaginary parts.
    pub im: &'a [f32],
}

/// For every centre and group of channels the sum of visibilities times phasors: `re`, `im` by channel in, sums by
/// centre and group out (real and imaginary part).
pub fn turn_groups(simd: Simd, fine: Fine, (re, im): (&[f32], &[f32]), sums_cg: &mut [[f32; 2]]) {
    let groups = re.len() / fine.average;
    let centres = fine.re.len() / fine.average;
    assert!(fine.average.is_multiple_of(MAX_LANES) && fine.re.len() == fine.im.len() && re.len() == im.len());
    assert!(sums_cg.len() == centres * groups);
    simd.run(Groups { fine, re, im, groups, centres, sums_cg });
}

struct Groups<'a> {
    fine: Fine<'a>,
    re: &'a [f32],
    im: &'a [f32],
    groups: usize,
    centres: usize,
    sums_cg: &'a mut [[f32; 2]],
}

impl Kernel for Groups<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        for group in 0..self.groups {
            let mut centre = 0;
            while centre < self.centres {
                // SAFETY: group and centres are below their numbers, which were checked against the lengths.
                unsafe {
                    if self.centres - centre >= TOGETHER {
                        self.tile::<L, TOGETHER>(group, centre);
                        centre += TOGETHER;
                    } else {
                        self.tile::<L, 1>(group, centre);
                        centre += 1;
                    }
                }
            }
        }
    }
}

impl Groups<'_> {
    /// # Safety
    /// The group and T centres are there.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const T: usize>(&mut self, group: usize, centre: usize) {
        let average = self.fine.average;
        let mut sums = [(L::splat(0.0), L::splat(0.0)); T];
        for at in (0..average).step_by(L::N) {
            // SAFETY: as the caller says.
            let (re, im): (L, L) = unsafe {
                let place = group * average + at;
                (L::load(self.re.as_ptr().add(place)), L::load(self.im.as_ptr().add(place)))
            };
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as the caller says.
                let (c, s): (L, L) = unsafe {
                    let place = (centre + i) * average + at;
                    (L::load(self.fine.re.as_ptr().add(place)), L::load(self.fine.im.as_ptr().add(place)))
                };
                sum.0 = im.neg_mul_add(s, re.mul_add(c, sum.0));
                sum.1 = im.mul_add(c, re.mul_add(s, sum.1));
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            self.sums_cg[(centre + i) * self.groups + group] = [sum.0.sum(), sum.1.sum()];
        }
    }
}
