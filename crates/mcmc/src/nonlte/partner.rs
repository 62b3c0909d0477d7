//! Collision partners, and the ortho-to-para ratio of H2.

use serde::{Deserialize, Serialize};

/// What collides with the molecule: the numbers of the LAMDA format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partner {
    /// H2 as a whole.
    #[serde(rename = "H2")]
    H2,
    /// Para-H2.
    #[serde(rename = "p-H2")]
    ParaH2,
    /// Ortho-H2.
    #[serde(rename = "o-H2")]
    OrthoH2,
    /// Electrons.
    #[serde(rename = "e")]
    Electron,
    /// Atomic hydrogen.
    #[serde(rename = "H")]
    H,
    /// Helium.
    #[serde(rename = "He")]
    He,
    /// Protons.
    #[serde(rename = "H+")]
    Proton,
}

const ALL: [Partner; 7] = [
    Partner::H2,
    Partner::ParaH2,
    Partner::OrthoH2,
    Partner::Electron,
    Partner::H,
    Partner::He,
    Partner::Proton,
];

impl Partner {
    /// From its number in the LAMDA format, from 1.
    pub fn from_lamda(number: u32) -> Option<Self> {
        ALL.get((number as usize).checked_sub(1)?).copied()
    }

    /// From its name, in any case: `H2`, `p-H2`, `o-H2`, `e`, `H`, `He`, `H+`.
    pub fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|partner| partner.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::H2 => "H2",
            Self::ParaH2 => "p-H2",
            Self::OrthoH2 => "o-H2",
            Self::Electron => "e",
            Self::H => "H",
            Self::He => "He",
            Self::Proton => "H+",
        }
    }
}

/// The ortho-to-para ratio of H2 in thermal equilibrium at `tkin_k` (K) and its derivative (1/K), as RADEX has it:
/// `min(3, 9 exp(-170.6/T))`, the population of J = 1 over J = 0 with the limit of hot gas.
pub fn thermal_ortho_to_para(tkin_k: f64) -> (f64, f64) {
    let ratio = 9.0 * libm::exp(-170.6 / tkin_k);
    if ratio < 3.0 { (ratio, ratio * 170.6 / (tkin_k * tkin_k)) } else { (3.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_the_format() {
        for (k, partner) in ALL.into_iter().enumerate() {
            assert_eq!(Partner::from_lamda(k as u32 + 1), Some(partner));
            assert_eq!(Partner::from_name(&partner.name().to_uppercase()), Some(partner));
        }
        assert_eq!((Partner::from_lamda(0), Partner::from_lamda(8)), (None, None));
        assert_eq!(Partner::from_name("Ar"), None);
    }

    #[test]
    fn ortho_to_para_ratio_is_thermal_and_at_most_three() {
        assert_eq!(thermal_ortho_to_para(300.0), (3.0, 0.0));
        let (ratio, slope) = thermal_ortho_to_para(50.0);
        assert!((ratio - 0.297).abs() < 1e-3);
        let fd = (thermal_ortho_to_para(50.001).0 - thermal_ortho_to_para(49.999).0) / 0.002;
        assert!((slope / fd - 1.0).abs() < 1e-6);
    }
}
