//! Gathers the lines of a species that cannot be told apart: their fluxes are taken together.

use super::REACH_FWHM;
use crate::model::Transition;
use crate::physics::C_KMS;

/// Lines of one species whose ranges overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct LineGroup {
    /// Index of the window.
    pub window: usize,
    /// Frequencies at which the lines appear (MHz), ascending.
    pub observed_mhz: Vec<f64>,
    /// Rest frequency of the strongest (MHz).
    pub rest_mhz: f64,
    /// Quantum numbers of the strongest.
    pub qn: String,
    /// Energy of their upper levels (K), the mean weighted by opacity.
    pub e_up_k: f64,
    /// Energy of each (K) beyond the mean.
    pub beyond_k: Vec<f64>,
    /// `A_ul g_u` of each (s^-1).
    pub a_g_s: Vec<f64>,
    /// Opacity of each over that of the strongest.
    pub shares: Vec<f64>,
    /// Opacity at the centre of the strongest, at the parameters of the transitions.
    pub peak_tau: f64,
    /// Whether the energies of those that can be seen agree, so that they are one point of the diagram.
    pub one_energy: bool,
}

/// Energies that differ by less than this (K, or as a part of the energy) are one.
const SAME_K: f64 = 1.0;
const SAME_PART: f64 = 0.02;
/// Lines whose brightness is below this part of the strongest in their group may have other energies: they count with
/// them, at the temperature of the diagram.
const MINOR: f64 = 0.05;
/// Lines whose opacity is below this part of the strongest do not count at all.
const NEGLIGIBLE: f64 = 1.0e-6;

/// Groups the transitions of one species, whose lines are `fwhm_kms` wide.
pub fn group(transitions: &[Transition], fwhm_kms: f64) -> Vec<LineGroup> {
    let mut sorted: Vec<&Transition> = transitions.iter().collect();
    sorted.sort_by(|a, b| {
        (a.window, a.observed_mhz)
            .partial_cmp(&(b.window, b.observed_mhz))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let reach = |t: &Transition| 2.0 * REACH_FWHM * fwhm_kms / C_KMS * t.observed_mhz;
    let mut groups: Vec<Vec<&Transition>> = Vec::new();
    for t in sorted {
        match groups.last_mut().filter(|g| {
            g.last().is_some_and(|l| l.window == t.window && t.observed_mhz - l.observed_mhz < reach(t))
        }) {
            Some(group) => group.push(t),
            None => groups.push(vec![t]),
        }
    }
    groups.iter().filter_map(|members| of(members)).collect()
}

fn of(members: &[&Transition]) -> Option<LineGroup> {
    let strongest = members.iter().max_by(|a, b| a.peak_tau.total_cmp(&b.peak_tau))?;
    let counted: Vec<&&Transition> =
        members.iter().filter(|t| t.peak_tau >= NEGLIGIBLE * strongest.peak_tau).collect();
    let total: f64 = counted.iter().map(|t| t.peak_tau).sum();
    let e_up_k = counted.iter().map(|t| t.peak_tau * t.e_up_k).sum::<f64>() / total;
    let brightest = counted.iter().map(|t| t.peak_k.abs()).fold(0.0, f64::max);
    let same = |t: &&Transition| {
        t.peak_k.abs() < MINOR * brightest || (t.e_up_k - e_up_k).abs() <= SAME_K.max(SAME_PART * e_up_k)
    };
    Some(LineGroup {
        window: strongest.window,
        observed_mhz: counted.iter().map(|t| t.observed_mhz).collect(),
        rest_mhz: strongest.rest_mhz,
        qn: strongest.qn.clone(),
        e_up_k,
        beyond_k: counted.iter().map(|t| t.e_up_k - e_up_k).collect(),
        a_g_s: counted.iter().map(|t| t.a_ul * f64::from(t.g_up)).collect(),
        shares: counted.iter().map(|t| t.peak_tau / strongest.peak_tau).collect(),
        peak_tau: strongest.peak_tau,
        one_energy: counted.iter().all(|t| same(t)) && total > 0.0,
    })
}
