//! Voigt profiles: a Gaussian folded with a Lorentzian, and its derivatives.
//!
//! `H(a, u) = Re w(u + i a)`, w the Faddeeva function by Weideman's series (1994, SIAM J. Numer. Anal. 31, 1497) of 32
//! terms: seen to 1e-12 of its peak. Derivatives by `w' = -2 z w + 2 i / sqrt(pi)`.
//!
//! The profile is let down to zero between e times the cut and the cut, as a function of its own value: Lorentzian
//! wings end further out the more opaque the line is.

use super::profile::{Shape, Slopes, Values};
use super::scratch::Active;
use super::simd::Lanes;
use super::vector::exp;
use std::f64::consts::{E, FRAC_1_SQRT_2};

const N_TERMS: usize = 32;
/// 1 / sqrt(pi).
const PER_SQRT_PI: f64 = 0.564_189_583_547_756_3;

/// The coefficients of the series.
#[derive(Debug, Clone)]
pub(super) struct Faddeeva {
    /// `sqrt(N / sqrt 2)`.
    scale: f64,
    /// Highest power first.
    terms: [f64; N_TERMS],
}

impl Faddeeva {
    pub fn new() -> Self {
        let scale = (N_TERMS as f64 * FRAC_1_SQRT_2).sqrt();
        let m = 2 * N_TERMS as i32;
        let mut terms = [0.0; N_TERMS];
        for k in 1 - m..m {
            let angle = std::f64::consts::PI * f64::from(k) / f64::from(m);
            let t = scale * libm::tan(0.5 * angle);
            let f = libm::exp(-t * t) * (scale * scale + t * t) / f64::from(2 * m);
            for (n, term) in terms.iter_mut().rev().enumerate() {
                *term += f * libm::cos(angle * (n + 1) as f64);
            }
        }
        Self { scale, terms }
    }

    /// Real and imaginary part of `w(u + i a)`, `a >= 0`.
    #[inline(always)]
    fn at<L: Lanes>(&self, a: L, u: L) -> (L, L) {
        let (zero, scale) = (L::splat(0.0), L::splat(self.scale));
        // L - i z = (L + a) - i u; Z = (L + i z) / (L - i z).
        let (re, im) = (scale.add(a), zero.sub(u));
        let per = L::splat(1.0).div(re.mul_add(re, im.mul(im)));
        let (inv_re, inv_im) = (re.mul(per), zero.sub(im.mul(per)));
        let (top_re, top_im) = (scale.sub(a), u);
        let z_re = top_re.mul(inv_re).sub(top_im.mul(inv_im));
        let z_im = top_re.mul(inv_im).add(top_im.mul(inv_re));
        let (mut p_re, mut p_im) = (L::splat(self.terms[0]), zero);
        for term in &self.terms[1..] {
            let new_re = p_im.neg_mul_add(z_im, p_re.mul_add(z_re, L::splat(*term)));
            p_im = p_im.mul_add(z_re, p_re.mul(z_im));
            p_re = new_re;
        }
        // w = (2 p / (L - i z) + 1 / sqrt(pi)) / (L - i z).
        let two = L::splat(2.0);
        let q_re = two.mul(p_re.mul(inv_re).sub(p_im.mul(inv_im))).add(L::splat(PER_SQRT_PI));
        let q_im = two.mul(p_re.mul(inv_im).add(p_im.mul(inv_re)));
        (q_re.mul(inv_re).sub(q_im.mul(inv_im)), q_re.mul(inv_im).add(q_im.mul(inv_re)))
    }
}

/// The `a` of widths (FWHM) of the two parts: `sqrt(ln 2) lorentz / gauss`.
pub(super) fn damping(lorentz_kms: f64, fwhm_kms: f64) -> f64 {
    SQRT_LN_2 * lorentz_kms / fwhm_kms
}

pub(super) const SQRT_LN_2: f64 = 0.832_554_611_157_697_8;

/// Distance (sigma) beyond which a line is below the cut; `z0` = ln(peak without damping / cut). There
/// `H <= exp(-u^2) + 2 a / (sqrt(pi) u^2)`.
pub(super) fn reach_sigma(z0: f64, damping: f64) -> f64 {
    let z0 = z0.max(0.0);
    (2.0 * (z0 + std::f64::consts::LN_2)).sqrt() + (8.0 * PER_SQRT_PI * damping * libm::exp(z0)).sqrt()
}

/// A line, spread over the lanes.
#[derive(Clone, Copy)]
pub(super) struct Voigt<'a, L> {
    series: &'a Faddeeva,
    peak: L,
    centre_mhz: L,
    per_sigma: L,
    damping: L,
}

impl<'a, L: Lanes> Voigt<'a, L> {
    #[inline(always)]
    pub fn new(series: &'a Faddeeva, line: &Active, damping: f64) -> Self {
        Self {
            series,
            peak: exp(L::splat(line.z0)),
            centre_mhz: L::splat(line.centre_mhz),
            per_sigma: L::splat(line.per_sigma),
            damping: L::splat(damping),
        }
    }

    /// u and w, and the opacity over the cut before it is let down.
    #[inline(always)]
    fn whole(&self, freq_mhz: L) -> (L, (L, L), L) {
        let u = freq_mhz.sub(self.centre_mhz).mul(self.per_sigma).mul(L::splat(FRAC_1_SQRT_2));
        let w = self.series.at(self.damping, u);
        (u, w, self.peak.mul(w.0))
    }
}

/// `s^2 (3 - 2 s)`, s = (r - 1) / (e - 1) within 0 ... 1; with its derivative by r.
#[inline(always)]
fn taper<L: Lanes>(r: L) -> (L, L) {
    const PER_RANGE: f64 = 1.0 / (E - 1.0);
    let (zero, one) = (L::splat(0.0), L::splat(1.0));
    let s = r.sub(one).mul(L::splat(PER_RANGE)).max(zero).min(one);
    let w = s.mul(s).mul(s.neg_mul_add(L::splat(2.0), L::splat(3.0)));
    (w, s.sub(s.mul(s)).mul(L::splat(6.0 * PER_RANGE)))
}

impl<L: Lanes> Shape<L> for Voigt<'_, L> {
    #[inline(always)]
    fn value_at(&self, freq_mhz: L) -> L {
        let (_, _, r) = self.whole(freq_mhz);
        r.mul(taper(r).0)
    }

    /// Voigt lines are always sampled within the channel: there is no closed form.
    #[inline(always)]
    fn value_of_mean(&self, freq_mhz: L, _half_mhz: L) -> L {
        self.value_at(freq_mhz)
    }

    #[inline(always)]
    fn all_at(&self, freq_mhz: L) -> Values<L> {
        let (u, (k, l), r) = self.whole(freq_mhz);
        let (w, slope) = taper(r);
        let by_r = r.mul_add(slope, w);
        let by_h = self.peak.mul(by_r);
        let two = L::splat(2.0);
        // w' = -2 z w + 2 i / sqrt(pi): dK/du is its real part, dK/da less its imaginary part.
        let by_u = self.damping.mul(l).sub(u.mul(k)).mul(two).mul(by_h);
        let by_damping =
            two.mul(u.mul_add(l, self.damping.mul(k))).sub(L::splat(2.0 * PER_SQRT_PI)).mul(by_h);
        let zero = L::splat(0.0);
        Values {
            value: r.mul(w),
            slopes: Slopes {
                by_peak: r.mul(by_r),
                by_x: by_u.mul(L::splat(FRAC_1_SQRT_2)),
                by_sigma: zero.sub(by_u.mul(u)),
                by_cut: zero,
            },
            by_damping,
        }
    }

    #[inline(always)]
    fn all_of_mean(&self, freq_mhz: L, _half_mhz: L) -> Values<L> {
        self.all_at(freq_mhz)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::voigt;
    use super::super::simd::{Kernel, MAX_LANES, Simd, SimdPath};
    use super::*;

    struct Along<'a>(&'a Faddeeva, f64, &'a [f64]);

    impl Kernel for Along<'_> {
        type Output = Vec<f64>;

        #[inline(always)]
        fn run<L: Lanes>(self) -> Vec<f64> {
            let mut out = Vec::new();
            for u in self.2.chunks_exact(L::N) {
                let mut column = [0.0; MAX_LANES];
                self.0.at(L::splat(self.1), L::load(u)).0.store(&mut column);
                out.extend(&column[..L::N]);
            }
            out
        }
    }

    #[test]
    fn the_series_is_the_folded_profile() {
        let series = Faddeeva::new();
        let u: Vec<f64> = (0..400).map(|i| 0.03 * f64::from(i * i) * 0.1).collect();
        for path in SimdPath::ALL {
            let Some(simd) = Simd::new(path) else { continue };
            for a in [0.02, 0.1, 0.7, 3.0, 40.0] {
                let found = simd.run(Along(&series, a, &u));
                for (u, found) in u.iter().zip(&found) {
                    let slow = voigt(a, *u);
                    assert!((found - slow).abs() < 1e-12 + 1e-9 * slow, "a {a}, u {u}: {found} {slow}");
                }
            }
            // Without damping it is a Gaussian.
            let found = simd.run(Along(&series, 0.0, &u));
            for (u, found) in u.iter().zip(&found) {
                assert!((found - (-u * u).exp()).abs() < 1e-12, "u {u}: {found}");
            }
        }
    }

    #[test]
    fn beyond_its_reach_a_line_is_below_the_cut() {
        for a in [1e-4, 0.01, 0.3, 2.0, 30.0] {
            for z0 in [0.1, 2.0, 8.0, 16.0] {
                let u = reach_sigma(z0, a) * FRAC_1_SQRT_2;
                let series = Faddeeva::new();
                let found = Simd::new(SimdPath::Portable).unwrap().run(Along(&series, a, &[u; MAX_LANES]));
                assert!(found[0] * z0.exp() < 1.0, "a {a}, z0 {z0}");
            }
        }
    }
}
