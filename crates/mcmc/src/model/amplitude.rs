//! The smooth factor `eta (J(Tex) - J(Tbg))` over the channels of a window.
//!
//! It changes so little over a per cent of frequency that a cubic through four Chebyshev nodes of a
//! segment gives it to far better than 1e-6 of itself.

use super::simd::{Lanes, MAX_LANES};
use super::vector::{EXP_LIMIT, exp, one_minus_exp_neg};
use super::window::{Beam, Grid};
use crate::physics::{HK_K_PER_MHZ, rayleigh_jeans_k};

/// Widest segment, relative to its frequency.
const SEGMENT_WIDTH: f64 = 0.01;
/// Nodes of a cubic.
pub(super) const N_NODES: usize = 4;
/// `cos(pi (2k + 1) / 8)`: the Chebyshev nodes of a cubic.
pub(super) const NODES: [f64; N_NODES] =
    [0.923_879_532_511_286_7, 0.382_683_432_365_089_8, -0.382_683_432_365_089_8, -0.923_879_532_511_286_7];

/// A run of channels over which the factor is a cubic; it starts at a whole vector.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// One past its last channel; a whole vector.
    pub end: usize,
    mid_mhz: f64,
    per_half_mhz: f64,
    /// `h nu/k` (K), `J(Tbg)` (K) and beam (arcsec^2) at the nodes, twice over.
    hnu_k: [f64; MAX_LANES],
    j_bg_k: [f64; MAX_LANES],
    beam_arcsec2: [f64; MAX_LANES],
}

/// A smooth function over one segment: a cubic in the frequency offset, scaled to -1 ... 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cubic<L> {
    coefficients: [L; 4],
    mid_mhz: L,
    per_half_mhz: L,
}

/// The factor over one segment, and its derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amplitude<L> {
    /// `eta (J(Tex) - J(Tbg))` (K).
    pub value: Cubic<L>,
    /// By Tex.
    pub by_tex: Cubic<L>,
    /// By the source size (K/arcsec).
    pub by_theta: Cubic<L>,
}

impl Segment {
    /// Cuts a window into segments.
    pub fn cut(grid: &Grid, beam: &Beam, t_bg_k: f64) -> Vec<Self> {
        let freq = &grid.freq_mhz;
        let (mut segments, mut start) = (Vec::new(), 0);
        while start < freq.len() {
            let limit = freq[start] * (1.0 + SEGMENT_WIDTH);
            let within = freq.partition_point(|f| *f <= limit);
            let end = (within / MAX_LANES * MAX_LANES).max(start + MAX_LANES);
            let end = if within == freq.len() { grid.padded_mhz.len() } else { end };
            segments.push(Self::new(&freq[start..end.min(freq.len())], end, beam, t_bg_k));
            start = end;
        }
        segments
    }

    fn new(freq_mhz: &[f64], end: usize, beam: &Beam, t_bg_k: f64) -> Self {
        let (low, high) = (freq_mhz[0], freq_mhz[freq_mhz.len() - 1]);
        let mid_mhz = 0.5 * (low + high);
        // A single channel has no width: any positive one will do.
        let half_mhz = (0.5 * (high - low)).max(1.0e-9 * mid_mhz);
        let at = std::array::from_fn(|i| mid_mhz + half_mhz * NODES[i % NODES.len()]);
        Self {
            end,
            mid_mhz,
            per_half_mhz: 1.0 / half_mhz,
            hnu_k: at.map(|f| HK_K_PER_MHZ * f),
            j_bg_k: at.map(|f| if t_bg_k > 0.0 { rayleigh_jeans_k(f, t_bg_k) } else { 0.0 }),
            beam_arcsec2: at.map(|f| beam.area_arcsec2(f)),
        }
    }

    /// The factor for one temperature and source size, with its derivatives.
    #[inline(always)]
    pub fn amplitude<L: Lanes>(&self, tex_k: f64, theta_arcsec: f64) -> Amplitude<L> {
        let (per_t, per_theta) = (L::splat(1.0 / tex_k), L::splat(1.0 / theta_arcsec));
        let (one, hnu_k) = (L::splat(1.0), L::load(&self.hnu_k));
        let x = hnu_k.mul(per_t).min(L::splat(EXP_LIMIT));
        let j_k = hnu_k.mul(exp(L::splat(0.0).sub(x))).div(one_minus_exp_neg(x));
        let eta = one.div(L::load(&self.beam_arcsec2).mul_add(per_theta.mul(per_theta), one));
        let value = j_k.sub(L::load(&self.j_bg_k)).mul(eta);
        // dJ/dT = (J/T) (J/T + h nu/kT); d eta/d theta = 2 eta (1 - eta) / theta.
        let j_per_t = j_k.mul(per_t);
        let by_tex = eta.mul(j_per_t).mul(j_per_t.add(x));
        let by_theta = value.mul(one.sub(eta)).mul(per_theta.add(per_theta));
        Amplitude { value: self.cubic(value), by_tex: self.cubic(by_tex), by_theta: self.cubic(by_theta) }
    }

    /// The cubic through values at the nodes.
    #[inline(always)]
    fn cubic<L: Lanes>(&self, at_nodes: L) -> Cubic<L> {
        let mut y = [0.0; MAX_LANES];
        at_nodes.store(&mut y);
        Cubic {
            coefficients: powers([y[0], y[1], y[2], y[3]]).map(L::splat),
            mid_mhz: L::splat(self.mid_mhz),
            per_half_mhz: L::splat(self.per_half_mhz),
        }
    }

    /// Frequency of a node (MHz).
    pub fn node_mhz(&self, node: usize) -> f64 {
        self.hnu_k[node] / HK_K_PER_MHZ
    }

    /// `h nu/k` of a node (K).
    pub fn node_hnu_k(&self, node: usize) -> f64 {
        self.hnu_k[node]
    }

    /// `J(Tbg)` at a node (K).
    pub fn node_j_bg_k(&self, node: usize) -> f64 {
        self.j_bg_k[node]
    }

    /// Beam at a node (arcsec^2).
    pub fn node_beam_arcsec2(&self, node: usize) -> f64 {
        self.beam_arcsec2[node]
    }

    /// The place of frequencies (MHz) in the segment, -1 ... 1: the argument of its cubics.
    #[inline(always)]
    pub fn place<L: Lanes>(&self, freq_mhz: L) -> L {
        freq_mhz.sub(L::splat(self.mid_mhz)).mul(L::splat(self.per_half_mhz))
    }
}

/// Coefficients of the powers of a cubic through values at the nodes: Chebyshev coefficients (discrete
/// orthogonality), then powers.
#[inline(always)]
pub(super) fn powers(y: [f64; N_NODES]) -> [f64; N_NODES] {
    let (even_out, even_in) = (y[0] + y[3], y[1] + y[2]);
    let (odd_out, odd_in) = (y[0] - y[3], y[1] - y[2]);
    let c0 = 0.25 * (even_out + even_in);
    let c1 = 0.5 * (odd_out * NODES[0] + odd_in * NODES[1]);
    let c2 = 0.5 * std::f64::consts::FRAC_1_SQRT_2 * (even_out - even_in);
    let c3 = 0.5 * (odd_out * NODES[1] - odd_in * NODES[0]);
    [c0 - c2, c1 - 3.0 * c3, 2.0 * c2, 4.0 * c3]
}

/// A cubic at a place of its segment.
#[inline(always)]
pub(super) fn cubic_at<L: Lanes>(coefficients: &[f64; N_NODES], place: L) -> L {
    let [a, b, c, d] = coefficients.map(L::splat);
    d.mul_add(place, c).mul_add(place, b).mul_add(place, a)
}

impl<L: Lanes> Cubic<L> {
    /// The value at frequencies (MHz) of the segment.
    #[inline(always)]
    pub fn at(&self, freq_mhz: L) -> L {
        let u = freq_mhz.sub(self.mid_mhz).mul(self.per_half_mhz);
        let [a, b, c, d] = self.coefficients;
        d.mul_add(u, c).mul_add(u, b).mul_add(u, a)
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Kernel, Simd, SimdPath};
    use super::super::window::Window;
    use super::*;
    use crate::model::ChannelResponse;

    /// Value and derivatives on all channels.
    struct Along<'a>(&'a [Segment], &'a Grid, f64, f64);

    impl Kernel for Along<'_> {
        type Output = Vec<[f64; 3]>;

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let (mut out, mut start) = (Vec::new(), 0);
            for segment in self.0 {
                let amplitude = segment.amplitude::<L>(self.2, self.3);
                for f in self.1.padded_mhz[start..segment.end].chunks(L::N) {
                    let mut columns = [[0.0; MAX_LANES]; 3];
                    let cubics = [amplitude.value, amplitude.by_tex, amplitude.by_theta];
                    cubics.iter().zip(&mut columns).for_each(|(c, out)| c.at(L::load(f)).store(out));
                    out.extend((0..L::N).map(|i| columns.map(|c| c[i])));
                }
                start = segment.end;
            }
            out
        }
    }

    #[test]
    fn cubic_is_the_exact_factor_to_a_microkelvin() {
        let simd = Simd::new(SimdPath::detect()).unwrap();
        for (low_mhz, beam) in [
            (30_000.0, Beam::SingleDish { diameter_m: 100.0 }),
            (217_000.0, Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 }),
            (860_000.0, Beam::SingleDish { diameter_m: 12.0 }),
        ] {
            let freq: Vec<f64> = (0..4003).map(|i| low_mhz * (1.0 + 1e-5 * f64::from(i))).collect();
            let response = ChannelResponse::default();
            let grid = Grid::new(&Window { name: "spw".into(), freq_mhz: freq.clone(), beam, response });
            let segments = Segment::cut(&grid, &beam, 2.73);
            assert_eq!(segments.last().unwrap().end, 4008);
            let exact = |f: f64, tex_k: f64, theta: f64| {
                beam.filling(f, theta) * (rayleigh_jeans_k(f, tex_k) - rayleigh_jeans_k(f, 2.73))
            };
            for (tex_k, theta) in [(3.0, 0.3), (10.0, 1.0), (150.0, 0.5), (1000.0, 50.0)] {
                let out = simd.run(Along(&segments, &grid, tex_k, theta));
                for (&f, [value, by_tex, by_theta]) in freq.iter().zip(out) {
                    assert!((value - exact(f, tex_k, theta)).abs() < 1e-6, "{low_mhz} {tex_k} {theta}");
                    let step = |dt: f64, ds: f64| exact(f, tex_k + dt, theta + ds);
                    let (dt, ds) = (1e-4 * tex_k, 1e-4 * theta);
                    let slope = (step(dt, 0.0) - step(-dt, 0.0)) / (2.0 * dt);
                    assert!((by_tex - slope).abs() < 1e-5, "{low_mhz} {tex_k}: {by_tex} {slope}");
                    let slope = (step(0.0, ds) - step(0.0, -ds)) / (2.0 * ds);
                    assert!((by_theta - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{by_theta} {slope}");
                }
            }
        }
    }
}
