//! Groups, dust and continuum, as the user writes them.

use super::ParameterConfig;
use mirinae_common::units::Hertz;
use serde::{Deserialize, Serialize};

/// `[[group]]`: species that share one sight line; their opacities add.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// The name that `group` of the species gives, and of its parameters.
    pub name: String,
    /// 0: a core, in front of the background; 1 and up: a foreground layer, the highest nearest to us.
    #[serde(default)]
    pub layer: u32,
    /// Diameter of the source at half maximum, in arcsec: of all members.
    pub size_arcsec: Option<ParameterConfig>,
    /// Dust mixed with the gas.
    pub dust: Option<DustConfig>,
}

/// `[group.dust]`, or `[dust]` for the only core: `tau = kappa0 (nu/nu0)^beta N(H2) 2.8 m_H / gas_to_dust`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DustConfig {
    /// log10 of the column density of H2 in cm^-2.
    pub logn_h2: ParameterConfig,
    /// Temperature in K.
    pub t_k: ParameterConfig,
    /// Exponent of the opacity; 1.8 unless given.
    pub beta: Option<ParameterConfig>,
    /// Opacity of a gram of dust at `nu0`, in cm^2.
    #[serde(default = "ossenkopf_henning")]
    pub kappa0_cm2_g: f64,
    /// Where `kappa0_cm2_g` is known.
    #[serde(default = "band_6")]
    pub nu0: Hertz,
    /// Mass of gas over mass of dust.
    #[serde(default = "hundred")]
    pub gas_to_dust: f64,
}

/// Ossenkopf & Henning 1994, A&A 291, 943, thin ice mantles, 10^6 cm^-3, at 230 GHz.
fn ossenkopf_henning() -> f64 {
    0.899
}

fn band_6() -> Hertz {
    Hertz(230.0e9)
}

fn hundred() -> f64 {
    100.0
}

/// `[continuum]`: radiation behind all cores besides the background, `t_k (nu/nu0)^index`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuumConfig {
    /// Brightness temperature in the beam at `nu0`, in K (Rayleigh-Jeans).
    pub t_k: ParameterConfig,
    /// Exponent of the brightness temperature; 0 unless given.
    pub index: Option<ParameterConfig>,
    /// Where `t_k` is known.
    pub nu0: Hertz,
}
