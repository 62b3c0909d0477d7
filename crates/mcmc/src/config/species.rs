//! `[[species]]` of fit.toml, as the user writes it.

use crate::nonlte::Geometry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[[species]]`: one species and what is known of it before the fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeciesConfig {
    /// Name in the results.
    pub name: String,
    /// Line list in CDMS/JPL format (or a database of XCLASS), relative to the configuration; without it the entry
    /// of this name in the user's or the shipped line list.
    pub cat: Option<PathBuf>,
    /// Its partition function: a table of two columns, CDMS's list of all species, or JPL's `catdir.cat`.
    pub qpart: Option<PathBuf>,
    /// Name of the species in the line list or database; that of the results unless given.
    pub entry: Option<String>,
    /// Which entry of a list of many species; that of the line list unless given.
    pub tag: Option<u32>,
    /// log10 of the column density in cm^-2.
    pub logn: ParameterConfig,
    /// Excitation temperature in K; of species in LTE.
    pub tex_k: Option<ParameterConfig>,
    /// Full width of the lines at half of their opacity, in km/s.
    pub fwhm_kms: ParameterConfig,
    /// Velocity in km/s, radio convention.
    pub v_kms: ParameterConfig,
    /// Diameter of the source at half maximum, in arcsec; without it the source fills the beam.
    pub size_arcsec: Option<ParameterConfig>,
    /// Full width at half maximum of a Lorentzian part of the profile, in km/s: makes it a Voigt profile.
    pub lorentz_kms: Option<ParameterConfig>,
    /// Species of one group share a sight line: their opacities add. Intensities add between groups; a group of its
    /// own unless given.
    pub group: Option<String>,
    /// 0: a core; 1 and up: a foreground layer, the highest nearest to us. That of the group where it has one.
    pub layer: Option<u32>,
    /// Molecular data of the LAMDA format, relative to the configuration: the lines are not in LTE.
    pub lamda: Option<PathBuf>,
    /// With `lamda`: kinetic temperature in K.
    pub tkin_k: Option<ParameterConfig>,
    /// With `lamda`: log10 of the density of H2 in cm^-3.
    pub log10_nh2: Option<ParameterConfig>,
    /// With `lamda`: shape of the cloud; a static sphere unless given.
    pub geometry: Option<Geometry>,
    /// With `lamda`: ortho- over para-H2; in equilibrium at the kinetic temperature unless given.
    pub ortho_to_para: Option<f64>,
    /// With `lamda`: densities of other collision partners in cm^-3, as `{ He = 1e4, e = 0.1 }`.
    #[serde(default)]
    pub densities: BTreeMap<String, f64>,
    /// With `lamda`: a black body that shines on the molecules, besides the background.
    pub radiation: Option<RadiationConfig>,
}

/// `radiation` of a species: a black body around or inside of the cloud.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadiationConfig {
    /// Its temperature in K.
    pub t_k: f64,
    /// Its share of the sky that the molecules see, 0 to 1; 1 unless given.
    #[serde(default = "all_of_the_sky")]
    pub dilution: f64,
}

fn all_of_the_sky() -> f64 {
    1.0
}

/// One parameter: exactly one of the keys but `limits`, which goes with `normal`, and `ratio_to`, which makes the
/// other keys speak of a ratio of column densities.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterConfig {
    /// Equally probable between two values.
    pub uniform: Option<[f64; 2]>,
    /// Its logarithm equally probable between two values.
    pub log_uniform: Option<[f64; 2]>,
    /// Mean and standard deviation.
    pub normal: Option<[f64; 2]>,
    /// Cuts a normal prior off.
    pub limits: Option<[f64; 2]>,
    /// A value that is not fitted.
    pub fixed: Option<f64>,
    /// The value of another parameter ("CH3OH.tex_k").
    pub same_as: Option<String>,
    /// Column densities only: the other keys give the ratio of this species' ("CH3OH.logn") to the column density,
    /// a parameter named "SPECIES.ratio".
    pub ratio_to: Option<String>,
}
