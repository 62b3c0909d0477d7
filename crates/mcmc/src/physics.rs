//! Physical constants and the few conversions that catalogue, spectrum and model share.
//!
//! Constants are the exact SI values of 2019.

/// Speed of light (km/s).
pub const C_KMS: f64 = 299_792.458;
/// Speed of light (cm/s).
pub const C_CM_S: f64 = 2.997_924_58e10;
/// h/k (K/MHz): the temperature of a photon of 1 MHz.
pub const HK_K_PER_MHZ: f64 = 6.626_070_15e-34 * 1.0e6 / 1.380_649e-23;
/// hc/k (cm K): the second radiation constant, K per cm^-1.
pub const HCK_CM_K: f64 = 1.438_776_877;
/// FWHM / sigma of a Gaussian, `2 sqrt(2 ln 2)`.
pub const FWHM_PER_SIGMA: f64 = 2.354_820_045_030_949_4;
/// MHz per cm^-1.
pub const MHZ_PER_CM1: f64 = C_CM_S * 1.0e-6;
/// Square arcseconds per steradian.
const ARCSEC2_PER_SR: f64 = 206_264.806_247_096_37 * 206_264.806_247_096_37;

/// Rayleigh-Jeans equivalent temperature `J(T) = (h nu/k) / (exp(h nu/kT) - 1)` (K) of a black body
/// of `t_k` (K) at `freq_mhz` (MHz).
pub fn rayleigh_jeans_k(freq_mhz: f64, t_k: f64) -> f64 {
    let hnu_k = HK_K_PER_MHZ * freq_mhz;
    hnu_k / libm::expm1(hnu_k / t_k)
}

/// Brightness temperature (K) (Rayleigh-Jeans) of 1 Jy/beam at `freq_mhz` (MHz) in an elliptical Gaussian beam:
/// `T = c^2 S / (2 k nu^2 Omega)`, `Omega = pi bmaj bmin / (4 ln 2)`; `beam_arcsec2` is the product of the two FWHM.
pub fn kelvin_per_jy_beam(freq_mhz: f64, beam_arcsec2: f64) -> f64 {
    let omega_sr = std::f64::consts::PI * beam_arcsec2 / (4.0 * std::f64::consts::LN_2) / ARCSEC2_PER_SR;
    let lambda_m = C_KMS * 1.0e-3 / freq_mhz;
    1.0e-26 * lambda_m * lambda_m / (2.0 * 1.380_649e-23 * omega_sr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jy_beam_to_kelvin_matches_the_usual_rule_of_thumb() {
        // 1.222e6 / (nu_GHz^2 bmaj bmin): the form in every interferometry manual.
        let rule = 1.222e6 / (230.0_f64 * 230.0 * 0.5 * 0.4);
        assert!((kelvin_per_jy_beam(230_000.0, 0.5 * 0.4) / rule - 1.0).abs() < 1e-3);
    }

    #[test]
    fn j_tends_to_t_minus_half_a_photon() {
        let t = 1.0e5;
        let expected = t - 0.5 * HK_K_PER_MHZ * 230_000.0;
        assert!((rayleigh_jeans_k(230_000.0, t) - expected).abs() < 1e-3);
        assert!((rayleigh_jeans_k(230_000.0, 2.73) - 0.1970).abs() < 1e-3);
    }
}
