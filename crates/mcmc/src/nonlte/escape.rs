//! The mean probability that a photon leaves the cloud, and its derivative by the opacity.

use serde::{Deserialize, Serialize};

/// The cloud's shape. `tau` is the opacity through its centre, at the centre of the line.
///
/// Where the formulas of the literature are given in pieces that do not fit, these are smooth: value and derivative are
/// continuous. Masers (`tau < 0`) follow the formulas down to an opacity of -1, below which no local theory holds, and a straight
/// line beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Geometry {
    /// A uniform static sphere: Osterbrock & Ferland 2006, appendix 2;
    /// `1.5/tau (1 - 2/tau^2 + (2/tau + 2/tau^2) exp(-tau))`.
    #[default]
    Sphere,
    /// A sphere that expands (large velocity gradient): de Jong et al. 1980, A&A 91, 68;
    /// `(1 - exp(-1.17 tau)) / (1.17 tau)` for `tau < 14`, and `1 / (tau sqrt(ln(tau / (2 sqrt(pi)))))` above; blended
    /// within 0.2 of 14, where they cross.
    Lvg,
    /// A plane-parallel slab: de Jong et al. 1975, ApJ 199, 69; `(1 - exp(-3 tau)) / (3 tau)`.
    Slab,
}

/// Below it the escape probability goes on in a straight line: no local theory holds for such masers.
pub const LOWEST_TAU: f64 = -1.0;
/// Where the two formulas of the expanding sphere cross, and half the width of the blend.
const LVG_EDGE: (f64, f64) = (14.0, 0.2);

impl Geometry {
    /// From its name: `sphere`, `lvg`, `slab`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sphere" => Some(Self::Sphere),
            "lvg" => Some(Self::Lvg),
            "slab" => Some(Self::Slab),
            _ => None,
        }
    }

    /// The escape probability at `tau`, and its derivative.
    pub fn escape(self, tau: f64) -> (f64, f64) {
        if tau < LOWEST_TAU {
            let (value, slope) = self.formula(LOWEST_TAU);
            return (value + slope * (tau - LOWEST_TAU), slope);
        }
        self.formula(tau)
    }

    fn formula(self, tau: f64) -> (f64, f64) {
        match self {
            Self::Sphere => sphere(tau),
            Self::Lvg => lvg(tau),
            Self::Slab => {
                let (value, slope) = mean_exp(3.0 * tau);
                (value, 3.0 * slope)
            }
        }
    }
}

/// `(1 - exp(-x)) / x` and its derivative.
fn mean_exp(x: f64) -> (f64, f64) {
    if x.abs() < 0.3 {
        return series(x, |k| -1.0 / (k + 2.0));
    }
    let e = libm::exp(-x);
    let value = -libm::expm1(-x) / x;
    (value, (e - value) / x)
}

fn sphere(tau: f64) -> (f64, f64) {
    if tau.abs() < 0.7 {
        // 3 (-tau)^k (k + 2) / (k + 3)!
        return series(tau, |k| -(k + 3.0) / ((k + 2.0) * (k + 4.0)));
    }
    let (e, per_tau) = (libm::exp(-tau), 1.0 / tau);
    let square = per_tau * per_tau;
    let screen = 1.0 - 2.0 * square + (2.0 * per_tau + 2.0 * square) * e;
    let slope = 4.0 * square * per_tau - (2.0 * per_tau + 4.0 * square + 4.0 * square * per_tau) * e;
    (1.5 * screen * per_tau, 1.5 * (slope * per_tau - screen * square))
}

fn lvg(tau: f64) -> (f64, f64) {
    let (edge, half) = LVG_EDGE;
    if tau <= edge - half {
        return lvg_thin(tau);
    }
    if tau >= edge + half {
        return lvg_thick(tau);
    }
    let ((thin, thin_slope), (thick, thick_slope)) = (lvg_thin(tau), lvg_thick(tau));
    let s = (tau - edge + half) / (2.0 * half);
    let (weight, by_tau) = (s * s * (3.0 - 2.0 * s), 3.0 * s * (1.0 - s) / half);
    let value = thin + weight * (thick - thin);
    (value, thin_slope + weight * (thick_slope - thin_slope) + by_tau * (thick - thin))
}

fn lvg_thin(tau: f64) -> (f64, f64) {
    let (value, slope) = mean_exp(1.17 * tau);
    (value, 1.17 * slope)
}

fn lvg_thick(tau: f64) -> (f64, f64) {
    let log = libm::log(tau / (2.0 * std::f64::consts::PI.sqrt()));
    let value = 1.0 / (tau * log.sqrt());
    (value, -value / tau * (1.0 + 0.5 / log))
}

/// A power series from its first term 1 and the ratio of its terms over `x`, and its derivative.
fn series(x: f64, ratio: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut value, mut slope, mut coefficient, mut power) = (1.0, 0.0, 1.0, 1.0);
    for k in 0..16 {
        let k = f64::from(k);
        coefficient *= ratio(k);
        slope += (k + 1.0) * coefficient * power;
        power *= x;
        value += coefficient * power;
    }
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Geometry; 3] = [Geometry::Sphere, Geometry::Lvg, Geometry::Slab];

    /// The mean over a sphere's volume and all directions, by brute force: half the chord's share that escapes.
    fn sphere_by_chords(tau: f64) -> f64 {
        // A photon of a chord of length 2 mu (in radii; weight mu^2 dmu) leaves it with probability (1-exp(-t))/t.
        let n = 20_000;
        let mean = |k: i32| {
            let mu = (f64::from(k) + 0.5) / f64::from(n);
            let t = tau * mu;
            3.0 * mu * mu * -libm::expm1(-t) / t / f64::from(n)
        };
        (0..n).map(mean).sum()
    }

    #[test]
    fn sphere_is_the_mean_over_its_chords() {
        for tau in [-0.9, 1e-3, 0.5, 0.69, 0.71, 3.0, 40.0] {
            let (value, _) = Geometry::Sphere.escape(tau);
            assert!((value / sphere_by_chords(tau) - 1.0).abs() < 1e-7, "{tau}: {value}");
        }
    }

    #[test]
    fn thin_and_thick_limits() {
        for geometry in ALL {
            assert_eq!(geometry.escape(0.0).0, 1.0, "{geometry:?}");
            assert!(geometry.escape(1e9).0 > 0.0);
        }
        assert!((Geometry::Sphere.escape(1e4).0 * 1e4 / 1.5 - 1.0).abs() < 1e-7);
        assert!((Geometry::Slab.escape(1e4).0 * 3e4 - 1.0).abs() < 1e-12);
        assert!((Geometry::Lvg.escape(1e4).0 * 1e4 - 1.0 / libm::log(1e4 / 3.544_907_7).sqrt()).abs() < 1e-8);
    }

    #[test]
    fn slopes_match_differences_and_nothing_jumps() {
        for geometry in ALL {
            for k in 0..20_000 {
                let tau = -8.0 + 1.5e-3 * f64::from(k);
                let h = 1e-5;
                let (low, high) = (geometry.escape(tau - h), geometry.escape(tau + h));
                let (value, slope) = geometry.escape(tau);
                let fd = (high.0 - low.0) / (2.0 * h);
                assert!((fd - slope).abs() < 2e-5 * (1.0 + slope.abs()), "{geometry:?} {tau}: {fd} {slope}");
                assert!(value > 0.0 && (high.0 - low.0).abs() < 1.0);
            }
        }
    }
}
