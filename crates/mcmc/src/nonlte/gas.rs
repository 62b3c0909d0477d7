//! Densities of the collision partners from that of H2.

use super::molecule::Molecule;
use super::partner::{Partner, thermal_ortho_to_para};
use serde::{Deserialize, Serialize};

/// Ortho-H2 over para-H2.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum OrthoToPara {
    /// In equilibrium at the kinetic temperature: [`thermal_ortho_to_para`].
    #[default]
    Thermal,
    /// A number.
    Ratio(f64),
}

/// What the density of a partner follows from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Density {
    /// All H2.
    H2,
    Para,
    Ortho,
    /// Given (cm^-3); zero: left out.
    Fixed(f64),
}

/// How the partners of a molecule share the gas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gas {
    partners: Vec<Density>,
    ortho_to_para: OrthoToPara,
}

impl Gas {
    /// H2 goes to the rates with H2 where the molecule has them, otherwise to those with para- and ortho-H2 by their
    /// ratio, or to all rates with the one of them that there is. `others`: densities (cm^-3) of other partners.
    ///
    /// # Errors
    /// A sentence, where a partner is not one of the molecule's, there is none with H2, or a number is unusable.
    pub fn new(
        molecule: &Molecule,
        ortho_to_para: OrthoToPara,
        others: &[(Partner, f64)],
    ) -> Result<Self, String> {
        let has = |wanted: Partner| molecule.partners().any(|partner| partner == wanted);
        let known = || molecule.partners().map(Partner::name).collect::<Vec<_>>().join(", ");
        for &(partner, n) in others {
            if !has(partner) {
                return Err(format!("there are no rates with {}: only with {}", partner.name(), known()));
            }
            if !(n >= 0.0 && n.is_finite()) {
                return Err(format!("density {n} cm^-3 of {}: must not be negative", partner.name()));
            }
        }
        if let OrthoToPara::Ratio(ratio) = ortho_to_para
            && !(ratio >= 0.0 && ratio.is_finite())
        {
            return Err(format!("ortho-to-para ratio {ratio}: must not be negative"));
        }
        let both = has(Partner::ParaH2) && has(Partner::OrthoH2);
        let fixed = |partner| others.iter().find(|other| other.0 == partner).map_or(0.0, |other| other.1);
        let density = |partner| match partner {
            Partner::H2 => Density::H2,
            Partner::ParaH2 | Partner::OrthoH2 if has(Partner::H2) => Density::Fixed(0.0),
            Partner::ParaH2 if both => Density::Para,
            Partner::OrthoH2 if both => Density::Ortho,
            Partner::ParaH2 | Partner::OrthoH2 => Density::H2,
            other => Density::Fixed(fixed(other)),
        };
        let partners: Vec<Density> = molecule.partners().map(density).collect();
        if partners.iter().all(|density| matches!(density, Density::Fixed(_))) {
            return Err(format!("there are no rates with H2: only with {}", known()));
        }
        Ok(Self { partners, ortho_to_para })
    }

    /// Densities (cm^-3) of the partners at `n_h2_cm3` and `tkin_k`, and their derivatives by Tkin (cm^-3/K).
    pub fn densities(&self, n_h2_cm3: f64, tkin_k: f64, densities_cm3: &mut [f64], by_tkin: &mut [f64]) {
        let (ratio, slope) = match self.ortho_to_para {
            OrthoToPara::Thermal => thermal_ortho_to_para(tkin_k),
            OrthoToPara::Ratio(ratio) => (ratio, 0.0),
        };
        let (ortho, by_t) = (ratio / (1.0 + ratio), slope / ((1.0 + ratio) * (1.0 + ratio)));
        for ((density, n), by) in self.partners.iter().zip(densities_cm3).zip(by_tkin) {
            (*n, *by) = match *density {
                Density::H2 => (n_h2_cm3, 0.0),
                Density::Para => (n_h2_cm3 * (1.0 - ortho), -n_h2_cm3 * by_t),
                Density::Ortho => (n_h2_cm3 * ortho, n_h2_cm3 * by_t),
                Density::Fixed(n) => (n, 0.0),
            };
        }
    }

    /// Whether a partner's density is proportional to that of H2.
    pub fn follows_h2(&self, partner: usize) -> bool {
        !matches!(self.partners[partner], Density::Fixed(_))
    }

    /// What a user should know: partners without density.
    pub fn left_out(&self, molecule: &Molecule) -> Vec<Partner> {
        let none = |pair: &(Partner, &Density)| *pair.1 == Density::Fixed(0.0);
        molecule.partners().zip(&self.partners).filter(none).map(|pair| pair.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::made_up::{rotor, two_levels};
    use super::*;

    #[test]
    fn h2_is_shared_by_the_partners() {
        let (mut n, mut by) = ([0.0; 2], [0.0; 2]);
        Gas::new(&rotor(), OrthoToPara::Ratio(3.0), &[]).unwrap().densities(8e4, 20.0, &mut n, &mut by);
        assert_eq!((n, by), ([2e4, 6e4], [0.0, 0.0]));
        let thermal = Gas::new(&rotor(), OrthoToPara::Thermal, &[]).unwrap();
        thermal.densities(8e4, 60.0, &mut n, &mut by);
        let (mut low, mut high) = ([0.0; 2], [0.0; 2]);
        thermal.densities(8e4, 59.99, &mut low, &mut [0.0; 2]);
        thermal.densities(8e4, 60.01, &mut high, &mut [0.0; 2]);
        assert!((n[0] + n[1] - 8e4).abs() < 1e-9);
        for k in 0..2 {
            assert!(((high[k] - low[k]) / 0.02 / by[k] - 1.0).abs() < 1e-6);
            assert!(thermal.follows_h2(k));
        }
        let alone = Gas::new(&two_levels(), OrthoToPara::Thermal, &[]).unwrap();
        alone.densities(5.0, 60.0, &mut n[..1], &mut by[..1]);
        assert_eq!((n[0], by[0]), (5.0, 0.0));
    }

    #[test]
    fn wrong_partners_are_told() {
        let told = |others| Gas::new(&rotor(), OrthoToPara::Thermal, others).unwrap_err();
        assert_eq!(told(&[(Partner::He, 1.0)]), "there are no rates with He: only with p-H2, o-H2");
        assert!(Gas::new(&rotor(), OrthoToPara::Ratio(-1.0), &[]).is_err());
    }
}
