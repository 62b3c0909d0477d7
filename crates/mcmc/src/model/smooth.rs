//! Smooth functions of frequency along a sight line: background, beam filling, dust.
//!
//! Like [`super::amplitude`] they are cubics over the segments of a window. Going back, the derivative by a function
//! at every channel becomes one by its values at the four nodes, through the moments of the channels' derivatives.

use super::amplitude::{N_NODES, Segment, powers};
use super::params::SpeciesParams;
use super::sight::{PlannedGroup, Sightline, function, n_functions};
use super::structure::{Continuum, Dust, MASS_PER_H2_G, N_DUST_PARAMS};
use crate::physics::rayleigh_jeans_k;

/// The functions of a group at a node.
#[derive(Debug, Clone, Copy, Default)]
struct AtNode {
    eta: f64,
    tau_dust: f64,
    j_dust_k: f64,
}

/// Opacity of dust at a frequency (MHz); parameters as in [`super::structure`].
pub(super) fn dust_opacity(dust: &Dust, params: &[f64], freq_mhz: f64) -> f64 {
    let kappa = dust.kappa0_cm2_g * libm::pow(freq_mhz / dust.nu0_mhz, params[1]);
    kappa * libm::pow(10.0, params[0]) * MASS_PER_H2_G / dust.gas_to_dust
}

/// Brightness (K) of the continuum at a frequency (MHz).
pub(super) fn continuum_k(continuum: &Continuum, params: &[f64], freq_mhz: f64) -> f64 {
    params[0] * libm::pow(freq_mhz / continuum.nu0_mhz, params[1])
}

impl PlannedGroup {
    fn dust_params<'a>(&self, extra: &'a [f64]) -> Option<(Dust, &'a [f64])> {
        self.dust.map(|(dust, first)| (dust, &extra[first..first + N_DUST_PARAMS]))
    }

    fn at_node(&self, segment: &Segment, node: usize, theta_arcsec: f64, extra: &[f64]) -> AtNode {
        let eta = 1.0 / (1.0 + segment.node_beam_arcsec2(node) / (theta_arcsec * theta_arcsec));
        let freq_mhz = segment.node_mhz(node);
        self.dust_params(extra).map_or(AtNode { eta, ..AtNode::default() }, |(dust, params)| AtNode {
            eta,
            tau_dust: dust_opacity(&dust, params, freq_mhz),
            j_dust_k: rayleigh_jeans_k(freq_mhz, params[2]),
        })
    }
}

impl Sightline {
    /// Cubics of all functions over a segment: see [`function`] for their order.
    pub(super) fn fill_smooth(
        &self,
        segment: &Segment,
        theta_arcsec: impl Fn(usize) -> f64,
        extra: &[f64],
        cubics: &mut [[f64; N_NODES]],
    ) {
        let background = |node: usize| {
            let continuum = self.continuum.map_or(0.0, |(continuum, first)| {
                continuum_k(&continuum, &extra[first..], segment.node_mhz(node))
            });
            segment.node_j_bg_k(node) + continuum
        };
        cubics[function::J_BG] = powers(std::array::from_fn(|node| segment.node_j_bg_k(node)));
        cubics[function::BEHIND] = powers(std::array::from_fn(background));
        for (g, group) in self.groups.iter().enumerate() {
            let theta = theta_arcsec(group.members[0]);
            let nodes: [AtNode; N_NODES] =
                std::array::from_fn(|node| group.at_node(segment, node, theta, extra));
            cubics[function::eta(g)] = powers(nodes.map(|n| n.eta));
            cubics[function::tau_dust(g)] = powers(nodes.map(|n| n.tau_dust));
            cubics[function::j_dust(g)] = powers(nodes.map(|n| n.j_dust_k));
        }
    }

    /// Adds the derivatives by source sizes and extra parameters, from the moments of all functions.
    pub(super) fn pull_smooth(
        &self,
        segment: &Segment,
        params: impl Fn(usize) -> SpeciesParams,
        extra: &[f64],
        moments: &[[f64; N_NODES]],
        (by_theta, by_extra): (&mut dyn FnMut(usize, f64), &mut [f64]),
    ) {
        debug_assert_eq!(moments.len(), n_functions(self.groups.len()));
        if let Some((continuum, first)) = self.continuum {
            for (node, by) in by_nodes(&moments[function::BEHIND]).into_iter().enumerate() {
                let ratio = segment.node_mhz(node) / continuum.nu0_mhz;
                let power = libm::pow(ratio, extra[first + 1]);
                by_extra[first] += by * power;
                by_extra[first + 1] += by * extra[first] * power * libm::log(ratio);
            }
        }
        for (g, group) in self.groups.iter().enumerate() {
            let theta = params(group.members[0]).theta_arcsec;
            let by_eta = by_nodes(&moments[function::eta(g)]);
            let slope = |node: usize| {
                let eta = group.at_node(segment, node, theta, extra).eta;
                2.0 * eta * (1.0 - eta) / theta
            };
            by_theta(group.members[0], (0..N_NODES).map(|node| by_eta[node] * slope(node)).sum());
            let (Some((dust, params)), Some((_, first))) = (group.dust_params(extra), group.dust) else {
                continue;
            };
            let (by_tau, by_j) =
                (by_nodes(&moments[function::tau_dust(g)]), by_nodes(&moments[function::j_dust(g)]));
            for node in 0..N_NODES {
                let freq_mhz = segment.node_mhz(node);
                let by_ln = by_tau[node] * dust_opacity(&dust, params, freq_mhz);
                let (t_k, j_k) = (params[2], rayleigh_jeans_k(freq_mhz, params[2]));
                by_extra[first] += by_ln * std::f64::consts::LN_10;
                by_extra[first + 1] += by_ln * libm::log(freq_mhz / dust.nu0_mhz);
                by_extra[first + 2] += by_j[node] * j_k / t_k * (j_k / t_k + segment.node_hnu_k(node) / t_k);
            }
        }
    }
}

/// Derivatives by the values at the nodes, from those by the powers' coefficients.
fn by_nodes(moments: &[f64; N_NODES]) -> [f64; N_NODES] {
    std::array::from_fn(|node| {
        let mut unit = [0.0; N_NODES];
        unit[node] = 1.0;
        powers(unit).iter().zip(moments).map(|(a, b)| a * b).sum()
    })
}
