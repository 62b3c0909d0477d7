//! Collision rates at a temperature and densities.

use super::molecule::{Collisions, Molecule};

/// Levels so high (in `kT`) are as good as empty: the factor stays a normal number.
const HIGHEST: f64 = 600.0;

/// Where a temperature lies in a table: the nodes around it, and how far from the first to the second.
#[derive(Debug, Clone, Copy)]
struct Place {
    low: usize,
    high: usize,
    share: f64,
    /// Derivative of the share (1/K).
    slope: f64,
}

/// Linear between the nodes, constant outside, as RADEX.
fn place(t_k: &[f64], tkin_k: f64) -> Place {
    let above = t_k.partition_point(|&t| t < tkin_k);
    if above == 0 || above == t_k.len() {
        let at = above.min(t_k.len() - 1);
        return Place { low: at, high: at, share: 0.0, slope: 0.0 };
    }
    let (low, high) = (t_k[above - 1], t_k[above]);
    Place { low: above - 1, high: above, share: (tkin_k - low) / (high - low), slope: 1.0 / (high - low) }
}

/// One transition at a temperature: rate coefficients (cm^3/s) down and up, and their derivatives (per K).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub up: usize,
    pub low: usize,
    pub down: f64,
    pub upward: f64,
    pub down_by_t: f64,
    pub upward_by_t: f64,
}

/// What the rates need to know of the levels.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    /// Statistical weights.
    pub g: Vec<f64>,
    /// Energies over the lowest one (K).
    pub energy_k: Vec<f64>,
}

impl Levels {
    pub fn new(molecule: &Molecule) -> Self {
        let n = molecule.levels.len();
        Self {
            g: molecule.levels.iter().map(|level| level.g).collect(),
            energy_k: (0..n).map(|level| molecule.energy_k(level)).collect(),
        }
    }

    /// `exp(-E/kT)` of all levels.
    pub fn boltzmann(&self, tkin_k: f64, out: &mut [f64]) {
        for (out, energy_k) in out.iter_mut().zip(&self.energy_k) {
            *out = libm::exp(-(energy_k / tkin_k).min(HIGHEST));
        }
    }

    /// Calls `each` with all transitions of a partner at a temperature.
    pub fn for_each_pair(
        &self,
        collisions: &Collisions,
        tkin_k: f64,
        boltzmann: &[f64],
        mut each: impl FnMut(Pair),
    ) {
        let at = place(&collisions.t_k, tkin_k);
        let nodes = collisions.row(at.low).iter().zip(collisions.row(at.high));
        for (&(up, low), (&first, &second)) in collisions.pairs.iter().zip(nodes) {
            let down = first + at.share * (second - first);
            let down_by_t = at.slope * (second - first);
            let balance = self.g[up] / self.g[low] * (boltzmann[up] / boltzmann[low]);
            let gap_k = self.energy_k[up] - self.energy_k[low];
            let upward_by_t = balance * (down_by_t + down * gap_k / (tkin_k * tkin_k));
            each(Pair { up, low, down, upward: balance * down, down_by_t, upward_by_t });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_between_and_beyond_the_nodes() {
        let t_k = [10.0, 20.0, 50.0];
        let check = |tkin_k: f64, low, high, share: f64, slope: f64| {
            let p = place(&t_k, tkin_k);
            assert_eq!((p.low, p.high), (low, high), "{tkin_k}");
            assert!((p.share - share).abs() < 1e-15 && (p.slope - slope).abs() < 1e-15, "{tkin_k}");
        };
        check(5.0, 0, 0, 0.0, 0.0);
        check(10.0, 0, 0, 0.0, 0.0);
        check(15.0, 0, 1, 0.5, 0.1);
        check(20.0, 0, 1, 1.0, 0.1);
        check(35.0, 1, 2, 0.5, 1.0 / 30.0);
        check(80.0, 2, 2, 0.0, 0.0);
    }
}
