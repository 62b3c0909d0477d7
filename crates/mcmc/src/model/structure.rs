//! How species stand to one another on the sky: groups, layers, dust and continuum.
//!
//! The brightness is built up from the background to the observer. With `I_0 = J(Tbg) + C(nu)`, C the continuum,
//! each layer in turn makes of what comes from behind it
//!
//! `I_n = I_(n-1) + sum_g eta_g (S_g - I_(n-1)) (1 - exp(-tau_g))`
//!
//! over its groups g, which stand side by side; `tau_g = sum_i tau_i` over lines, species and dust of the group, and
//! `S_g = sum_i tau_i S_i / tau_g` (local overlap). Moeller et al. 2017, A&A 598, A7, eq. 1-9: the layer 0 are their
//! core components, the others their foreground components. Those fill the beam there (`eta = 1`), for which both give
//! `I_(n-1) exp(-tau) + S (1 - exp(-tau))`; a smaller layer covers the share eta of what is behind it here.
//!
//! The model is `I - J(Tbg)`, or for continuum-subtracted data I less the same without lines.

use super::error::ModelError;
use serde::{Deserialize, Serialize};

/// Groups, layers, dust and continuum of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Structure {
    /// Every species is in one group; none given: each species is a core of its own.
    pub groups: Vec<Group>,
    /// Radiation behind all cores.
    pub continuum: Option<Continuum>,
    /// Whether the model's spectrum has the continuum in it: not so for continuum-subtracted data.
    pub keeps_continuum: bool,
    /// The species with Voigt profiles.
    pub voigt: Vec<usize>,
}

/// Species on one sight line, of one source size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Name, for messages.
    pub name: String,
    /// 0: a core; above: in front of all lower ones.
    pub layer: u32,
    /// Its species; the first has the group's source size.
    pub members: Vec<usize>,
    /// Dust mixed with the gas. It has three parameters, see [`Structure::n_extra`].
    pub dust: Option<Dust>,
}

/// Opacity of dust: `kappa0 (nu/nu0)^beta N(H2) mu m_H / gas_to_dust`, Hildebrand 1983, QJRAS 24, 267.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dust {
    /// Opacity of a gram of dust at `nu0_mhz` (cm^2).
    pub kappa0_cm2_g: f64,
    /// Frequency (MHz) of `kappa0_cm2_g`.
    pub nu0_mhz: f64,
    /// Mass of gas over mass of dust.
    pub gas_to_dust: f64,
}

/// A continuum behind all cores: `C(nu) = t (nu/nu0)^index`, two parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Continuum {
    /// Frequency (MHz) at which its brightness is a parameter.
    pub nu0_mhz: f64,
}

/// Parameters of one group's dust: log10 N(H2) (cm^-2), beta, temperature (K).
pub const N_DUST_PARAMS: usize = 3;
/// Parameters of the continuum: brightness (K), exponent.
pub const N_CONTINUUM_PARAMS: usize = 2;

/// Mass of gas per molecule of H2 (g), helium included: mu = 2.8 (Kauffmann et al. 2008, A&A 487, 993).
pub(super) const MASS_PER_H2_G: f64 = 2.8 * 1.673_557_5e-24;

impl Structure {
    /// Number of parameters besides those of species: [`N_DUST_PARAMS`] for each group with dust, in the order of the
    /// groups, then [`N_CONTINUUM_PARAMS`] where there is a continuum.
    pub fn n_extra(&self) -> usize {
        let dusty = self.groups.iter().filter(|g| g.dust.is_some()).count();
        dusty * N_DUST_PARAMS + if self.continuum.is_some() { N_CONTINUUM_PARAMS } else { 0 }
    }

    /// The groups of `n_species` species, each alone where none are given.
    ///
    /// # Errors
    /// [`ModelError::Group`] where a species is in no group or in two, or a number of the dust is not positive.
    pub(super) fn groups_of(&self, n_species: usize) -> Result<Vec<Group>, ModelError> {
        if self.groups.is_empty() {
            let alone = |i: usize| Group { name: i.to_string(), layer: 0, members: vec![i], dust: None };
            return Ok((0..n_species).map(alone).collect());
        }
        let error = |group: &Group, problem: &str| ModelError::Group {
            group: group.name.clone(),
            problem: problem.into(),
        };
        let mut seen = vec![0; n_species];
        for group in &self.groups {
            if group.members.is_empty() {
                return Err(error(group, "has no species"));
            }
            for &member in &group.members {
                *seen.get_mut(member).ok_or_else(|| error(group, "has a species that is not there"))? += 1;
            }
            let positive = |x: f64| x > 0.0 && x.is_finite();
            if group
                .dust
                .is_some_and(|d| ![d.kappa0_cm2_g, d.nu0_mhz, d.gas_to_dust].into_iter().all(positive))
            {
                return Err(error(group, "has dust with a number that is not positive"));
            }
        }
        match seen.iter().position(|n| *n != 1) {
            Some(species) => Err(ModelError::Group {
                group: format!("of species {species} (from 0)"),
                problem: "each species must be in one group".into(),
            }),
            None => Ok(self.groups.clone()),
        }
    }
}
