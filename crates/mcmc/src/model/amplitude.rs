//! The smooth factor `eta (J(Tex) - J(Tbg))` over the channels of a window.
//!
//! It changes so little over a per cent of frequency that a cubic through four Chebyshev nodes of a
//! segment gives it to far better than 1e-6 of itself.

use super::exp::{exp, one_minus_exp_neg};
use super::window::{Beam, Grid};
use crate::physics::{HK_K_PER_MHZ, rayleigh_jeans_k};

/// Widest segment, relative to its frequency.
const SEGMENT_WIDTH: f64 = 0.01;
/// `cos(pi (2k + 1) / 8)`: the Chebyshev nodes of a cubic.
const NODES: [f64; 4] =
    [0.923_879_532_511_286_7, 0.382_683_432_365_089_8, -0.382_683_432_365_089_8, -0.923_879_532_511_286_7];

/// A run of channels over which the factor is a cubic.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// First channel.
    pub start: usize,
    /// One past the last channel.
    pub end: usize,
    mid_mhz: f64,
    per_half_mhz: f64,
    /// `h nu/k` (K), `J(Tbg)` (K) and beam (arcsec^2) at the nodes.
    hnu_k: [f64; 4],
    j_bg_k: [f64; 4],
    beam_arcsec2: [f64; 4],
}

/// The factor over one segment: a cubic in the frequency offset, scaled to -1 ... 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cubic {
    coefficients: [f64; 4],
    mid_mhz: f64,
    per_half_mhz: f64,
    /// Largest modulus at the nodes (K).
    pub largest_k: f64,
}

impl Segment {
    /// Cuts a window into segments.
    pub fn cut(grid: &Grid, beam: &Beam, t_bg_k: f64) -> Vec<Self> {
        let freq = &grid.freq_mhz;
        let (mut segments, mut start) = (Vec::new(), 0);
        while start < freq.len() {
            let limit = freq[start] * (1.0 + SEGMENT_WIDTH);
            let end = freq.partition_point(|f| *f <= limit);
            segments.push(Self::new(start, end, freq, beam, t_bg_k));
            start = end;
        }
        segments
    }

    fn new(start: usize, end: usize, freq_mhz: &[f64], beam: &Beam, t_bg_k: f64) -> Self {
        let (low, high) = (freq_mhz[start], freq_mhz[end - 1]);
        let mid_mhz = 0.5 * (low + high);
        // A single channel has no width: any positive one will do.
        let half_mhz = (0.5 * (high - low)).max(1.0e-9 * mid_mhz);
        let at = NODES.map(|u| mid_mhz + half_mhz * u);
        Self {
            start,
            end,
            mid_mhz,
            per_half_mhz: 1.0 / half_mhz,
            hnu_k: at.map(|f| HK_K_PER_MHZ * f),
            j_bg_k: at.map(|f| if t_bg_k > 0.0 { rayleigh_jeans_k(f, t_bg_k) } else { 0.0 }),
            beam_arcsec2: at.map(|f| beam.area_arcsec2(f)),
        }
    }

    /// The cubic for one temperature and source size.
    pub fn cubic(&self, tex_k: f64, theta_arcsec: f64) -> Cubic {
        let per_theta2 = 1.0 / (theta_arcsec * theta_arcsec);
        let mut y = [0.0; 4];
        for (k, y) in y.iter_mut().enumerate() {
            let x = self.hnu_k[k] / tex_k;
            let j_k = self.hnu_k[k] * exp(-x) / one_minus_exp_neg(x);
            *y = (j_k - self.j_bg_k[k]) / (1.0 + self.beam_arcsec2[k] * per_theta2);
        }
        // Chebyshev coefficients (discrete orthogonality at the nodes), then powers.
        let (even_out, even_in) = (y[0] + y[3], y[1] + y[2]);
        let (odd_out, odd_in) = (y[0] - y[3], y[1] - y[2]);
        let c0 = 0.25 * (even_out + even_in);
        let c1 = 0.5 * (odd_out * NODES[0] + odd_in * NODES[1]);
        let c2 = 0.5 * std::f64::consts::FRAC_1_SQRT_2 * (even_out - even_in);
        let c3 = 0.5 * (odd_out * NODES[1] - odd_in * NODES[0]);
        Cubic {
            coefficients: [c0 - c2, c1 - 3.0 * c3, 2.0 * c2, 4.0 * c3],
            mid_mhz: self.mid_mhz,
            per_half_mhz: self.per_half_mhz,
            largest_k: y.iter().fold(0.0, |largest: f64, y| largest.max(y.abs())),
        }
    }
}

impl Cubic {
    /// `eta (J(Tex) - J(Tbg))` (K) at a frequency (MHz) of the segment.
    #[inline(always)]
    pub fn at(&self, freq_mhz: f64) -> f64 {
        let u = (freq_mhz - self.mid_mhz) * self.per_half_mhz;
        let [a, b, c, d] = self.coefficients;
        a + u * (b + u * (c + u * d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_is_the_exact_factor_to_a_microkelvin() {
        for (low_mhz, beam) in [
            (30_000.0, Beam::SingleDish { diameter_m: 100.0 }),
            (217_000.0, Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 }),
            (860_000.0, Beam::SingleDish { diameter_m: 12.0 }),
        ] {
            let freq: Vec<f64> = (0..4000).map(|i| low_mhz * (1.0 + 1e-5 * f64::from(i))).collect();
            let segments = Segment::cut(&Grid::new(&freq), &beam, 2.73);
            assert_eq!(segments.iter().map(|s| s.end - s.start).sum::<usize>(), freq.len());
            for (tex_k, theta) in [(3.0, 0.3), (10.0, 1.0), (150.0, 0.5), (1000.0, 50.0)] {
                for segment in &segments {
                    let cubic = segment.cubic(tex_k, theta);
                    for f in &freq[segment.start..segment.end] {
                        let exact = beam.filling(*f, theta)
                            * (rayleigh_jeans_k(*f, tex_k) - rayleigh_jeans_k(*f, 2.73));
                        assert!((cubic.at(*f) - exact).abs() < 1e-6, "{low_mhz} {tex_k} {theta}");
                    }
                }
            }
        }
    }
}
