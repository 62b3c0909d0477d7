//! Vibrational corrections to partition functions that count the vibrational ground state alone.

use crate::physics::HCK_CM_K;
use serde::{Deserialize, Serialize};

/// The table of the repository.
const TABLE: &str = include_str!("../../../../data/vibrations.toml");
/// How well Q(300 K) must agree with the entry that the table means.
const SAME_Q: f64 = 0.005;

/// The highest temperature (K) up to which Q is taken with a correction: above, anharmonicity counts.
pub const HIGHEST_VIBRATIONAL_K: f64 = 1000.0;

/// Fundamental vibrations of a species, as harmonic oscillators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vibrations {
    /// Wavenumbers (cm^-1) and degeneracies.
    pub fundamentals: Vec<(f64, u32)>,
    /// Where they are from.
    pub source: String,
}

#[derive(Deserialize)]
struct Table {
    species: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    entries: Vec<(u32, f64)>,
    fundamentals: Vec<(f64, u32)>,
    source: String,
}

impl Vibrations {
    /// Those of a catalogue entry, told by its tag and its Q(300 K): an entry of the same tag with another Q counts
    /// other states. None: the table has none.
    pub fn of(tag: u32, q_300: f64) -> Option<Self> {
        let table: Table = toml::from_str(TABLE).ok()?;
        let is_meant = |entry: &(u32, f64)| entry.0 == tag && (q_300 / entry.1 - 1.0).abs() < SAME_Q;
        let item = table.species.into_iter().find(|item| item.entries.iter().any(is_meant))?;
        Some(Self { fundamentals: item.fundamentals, source: item.source })
    }

    /// ln of the vibrational partition function at `t_k` (K), above the ground state, and its derivative by ln T.
    pub fn ln_q(&self, t_k: f64) -> (f64, f64) {
        let (mut ln_q, mut slope) = (0.0, 0.0);
        for (wavenumber, degeneracy) in &self.fundamentals {
            let (x, g) = (HCK_CM_K * wavenumber / t_k, f64::from(*degeneracy));
            ln_q -= g * libm::log(-libm::expm1(-x));
            slope += g * x / libm::expm1(x);
        }
        (ln_q, slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_every_molecule_has_its_modes() {
        let table: Table = toml::from_str(TABLE).unwrap();
        let modes = |item: &Item| item.fundamentals.iter().map(|f| f.1).sum::<u32>();
        // 3n - 5 for linear molecules, 3n - 6 for others.
        let expected = [7 + 3, 4, 21, 12, 6, 9, 9, 6, 6, 3, 12];
        assert_eq!(table.species.iter().map(modes).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn entries_are_told_by_tag_and_q() {
        assert!(Vibrations::of(51501, 1375.0).is_some());
        assert_eq!(Vibrations::of(51501, 2.0 * 1375.0), None, "another Q has other states in it");
        assert_eq!(Vibrations::of(41505, 45396.4), None, "CH3CN's Q has its vibrations");
    }

    /// Total internal partition sums of HITRAN: Gamache et al. 2021, JQSRT 271, 107713, at 75, 300 and 1000 K.
    #[test]
    fn with_its_vibrations_q_is_that_of_hitran() {
        // Tag; Q of the shipped list at 75 and 300 K; power of the rotational Q; HITRAN's sums.
        let species = [
            (51501, [343.874522, 1374.991457], 1.0, [2123.715875, 25701.95, 5769904.0]),
            (60503, [257.335676, 1028.726672], 1.0, [257.545325, 1245.726, 18541.72]),
            (30501, [361.742887, 2882.703663], 1.5, [361.70021875, 2904.051, 33180.41]),
            (46506, [1113.012393, 8902.254380], 1.5, [4456.25225, 40132.33, 1553172.0]),
            (66501, [751.795982, 6021.434964], 1.5, [742.34626875, 6519.709, 99669.91]),
        ];
        for (tag, [q_75, q_300], power, hitran) in species {
            let vibrations = Vibrations::of(tag, q_300).unwrap();
            let at = |t_k: f64| vibrations.ln_q(t_k).0.exp();
            let rotation = q_300 / q_75;
            let ratio = rotation * at(300.0) / at(75.0) / (hitran[1] / hitran[0]);
            assert!((ratio - 1.0).abs() < 0.004, "{tag} at 300 K: {ratio}");
            let hot = rotation * (1000f64 / 300.0).powf(power);
            let ratio = hot * at(1000.0) / at(75.0) / (hitran[2] / hitran[0]);
            assert!((ratio - 1.0).abs() < 0.018, "{tag} at 1000 K: {ratio}");
            // Negative control: without its vibrations it is not.
            assert!(hot / (hitran[2] / hitran[0]) < 0.6, "{tag}");
        }
    }

    #[test]
    fn the_oscillators_are_the_direct_sum_over_their_levels() {
        let hc3n = Vibrations::of(51501, 1375.0).unwrap();
        for t_k in [100.0, 300.0, 800.0] {
            let level = |nu: f64| (0..400).map(|n| (-HCK_CM_K * nu * f64::from(n) / t_k).exp()).sum::<f64>();
            let direct: f64 = hc3n.fundamentals.iter().map(|(nu, g)| level(*nu).powi(*g as i32)).product();
            let (ln_q, slope) = hc3n.ln_q(t_k);
            assert!((ln_q - direct.ln()).abs() < 1e-9, "{t_k}");
            let step = 1e-5;
            let numeric =
                (hc3n.ln_q(t_k * f64::exp(step)).0 - hc3n.ln_q(t_k * f64::exp(-step)).0) / (2.0 * step);
            assert!((slope - numeric).abs() < 1e-7, "{t_k}");
        }
        // HC3N at 300 K: v7 alone gives 2.3.
        let q = hc3n.ln_q(300.0).0.exp();
        assert!((3.0..3.6).contains(&q), "{q}");
    }
}
