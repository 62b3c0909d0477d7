//! One transition as the catalogue lists it.

use crate::physics::{HCK_CM_K, HK_K_PER_MHZ};
use serde::{Deserialize, Serialize};

/// Temperature of the catalogue's intensities (K).
pub const T_CATALOG_K: f64 = 300.0;

/// Einstein coefficient per catalogue intensity (s^-1 / (nm^2 MHz MHz^2)).
/// Pickett et al. 1998, JQSRT 60, 883, eq. 9.
pub const A_UL_CONSTANT: f64 = 2.7964e-16;

/// One transition of a CDMS or JPL entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Rest frequency (MHz).
    pub freq_mhz: f64,
    /// Uncertainty of the frequency (MHz).
    pub freq_sigma_mhz: f64,
    /// log10 of the integrated intensity at 300 K (nm^2 MHz).
    pub lgint: f64,
    /// Degrees of freedom in the rotational partition function (0 atoms, 2 linear, 3 non-linear); 0 where the
    /// source does not say.
    pub dof: u8,
    /// Energy of the lower level (cm^-1); slightly negative in some entries.
    pub e_low_cm1: f64,
    /// Degeneracy of the upper level, as in the entry.
    pub g_up: u32,
    /// Tag of the entry (species code), without the sign.
    pub tag: u32,
    /// Whether the frequency is a measured one (negative tag in the file).
    pub measured: bool,
    /// Quantum numbers, decoded: `upper - lower`; empty where the entry gives none.
    pub qn: String,
}

impl Line {
    /// Energy of the lower level (K).
    pub fn e_low_k(&self) -> f64 {
        self.e_low_cm1 * HCK_CM_K
    }

    /// Energy of the upper level (K).
    pub fn e_up_k(&self) -> f64 {
        self.e_low_k() + HK_K_PER_MHZ * self.freq_mhz
    }

    /// Product of Einstein coefficient and upper degeneracy `A_ul g_u` (s^-1), from the intensity:
    /// `2.7964e-16 I nu^2 Q(300) / (exp(-E_l/300k) - exp(-E_u/300k))`, I in nm^2 MHz, nu in MHz.
    /// `q_300` must be of the same entry. Pickett et al. 1998, JQSRT 60, 883, eq. 9.
    pub fn a_ul_g_up(&self, q_300: f64) -> f64 {
        let low = libm::exp(-self.e_low_k() / T_CATALOG_K);
        let population = -low * libm::expm1(-HK_K_PER_MHZ * self.freq_mhz / T_CATALOG_K);
        A_UL_CONSTANT * libm::exp10(self.lgint) * self.freq_mhz * self.freq_mhz * q_300 / population
    }

    /// The other way round: log10 of the intensity (nm^2 MHz) at 300 K from `A_ul g_u` (s^-1), frequency (MHz) and
    /// lower energy (cm^-1); see [`Line::a_ul_g_up`].
    pub fn lgint_of(a_ul_g_up: f64, freq_mhz: f64, e_low_cm1: f64, q_300: f64) -> f64 {
        let low = (-e_low_cm1 * HCK_CM_K / T_CATALOG_K).exp();
        let population = -low * (-HK_K_PER_MHZ * freq_mhz / T_CATALOG_K).exp_m1();
        (a_ul_g_up * population / (A_UL_CONSTANT * freq_mhz * freq_mhz * q_300)).log10()
    }

    /// Einstein coefficient for spontaneous emission (s^-1); see [`Line::a_ul_g_up`].
    pub fn a_ul(&self, q_300: f64) -> f64 {
        self.a_ul_g_up(q_300) / f64::from(self.g_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn co_einstein_coefficients_are_the_known_ones() {
        let line = |freq_mhz, lgint, e_low_cm1, g_up| Line {
            freq_mhz,
            freq_sigma_mhz: 0.0,
            lgint,
            dof: 2,
            e_low_cm1,
            g_up,
            tag: 28503,
            measured: true,
            qn: String::new(),
        };
        // LAMDA's CO file (Yang et al. 2010): 7.203e-8 and 6.910e-7 s^-1.
        let a_10 = line(115271.2018, -5.0105, 0.0, 3).a_ul(108.8651);
        let a_21 = line(230_538.0, -4.1197, 3.8450, 5).a_ul(108.8651);
        assert!((a_10 / 7.203e-8 - 1.0).abs() < 1e-3, "{a_10}");
        assert!((a_21 / 6.910e-7 - 1.0).abs() < 1e-3, "{a_21}");
        let back = Line::lgint_of(5.0 * a_21, 230_538.0, 3.8450, 108.8651);
        assert!((back - -4.1197).abs() < 1e-12, "{back}");
    }
}
