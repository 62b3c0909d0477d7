//! A molecule as its LAMDA file describes it, checked.

use super::partner::Partner;
use crate::physics::HCK_CM_K;
use serde::{Deserialize, Serialize};

/// An energy level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Energy (cm^-1), as tabulated.
    pub energy_cm1: f64,
    /// Statistical weight.
    pub g: f64,
    /// Quantum numbers.
    pub qn: String,
}

/// A radiative transition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RadiativeLine {
    /// Upper level, from 0.
    pub up: usize,
    /// Lower level, from 0.
    pub low: usize,
    /// Einstein coefficient of spontaneous emission (1/s).
    pub a_ul: f64,
    /// Rest frequency as tabulated (MHz): where the line is seen. The excitation uses the levels' energies.
    pub freq_mhz: f64,
}

/// Rate coefficients of collisions with one partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collisions {
    /// What collides.
    pub partner: Partner,
    /// Where the rates are from, as the file says.
    pub source: String,
    /// Temperatures of the table, ascending (K).
    pub t_k: Vec<f64>,
    /// Upper and lower level of each transition, from 0; the upper one is not the lower in energy.
    pub pairs: Vec<(usize, usize)>,
    /// Downward rate coefficients (cm^3/s): one row a temperature, one column a transition.
    pub rates: Vec<f64>,
}

impl Collisions {
    /// The rate coefficients (cm^3/s) of all transitions at the temperature `index`.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.rates[index * self.pairs.len()..(index + 1) * self.pairs.len()]
    }
}

/// A molecule with levels, lines and collisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Molecule {
    /// Name, as the file says.
    pub name: String,
    /// Levels, in the order of the file.
    pub levels: Vec<Level>,
    /// Radiative transitions, in the order of the file.
    pub lines: Vec<RadiativeLine>,
    /// Collisions, a partner each.
    pub collisions: Vec<Collisions>,
    /// What was left out of the file, and why.
    pub notes: Vec<String>,
}

impl Molecule {
    /// The lowest energy (cm^-1).
    pub fn ground_cm1(&self) -> f64 {
        self.levels.iter().map(|level| level.energy_cm1).fold(f64::INFINITY, f64::min)
    }

    /// Energy of a level over the lowest one (K).
    pub fn energy_k(&self, level: usize) -> f64 {
        HCK_CM_K * (self.levels[level].energy_cm1 - self.ground_cm1())
    }

    /// Wave number of a line (1/cm), from the energies of its levels.
    pub fn wavenumber_cm1(&self, line: &RadiativeLine) -> f64 {
        self.levels[line.up].energy_cm1 - self.levels[line.low].energy_cm1
    }

    /// The partners, in the order of the file.
    pub fn partners(&self) -> impl Iterator<Item = Partner> {
        self.collisions.iter().map(|c| c.partner)
    }

    /// The temperatures for which all partners have rates (K): lowest and highest.
    pub fn temperatures_k(&self) -> (f64, f64) {
        self.collisions.iter().fold((0.0, f64::INFINITY), |(low, high), c| {
            let ends = (c.t_k.first().copied(), c.t_k.last().copied());
            (low.max(ends.0.unwrap_or(0.0)), high.min(ends.1.unwrap_or(f64::INFINITY)))
        })
    }

    /// A level that no chain of transitions connects with the first one.
    pub(super) fn unconnected(&self) -> Option<usize> {
        let pairs = || {
            let lines = self.lines.iter().map(|line| (line.up, line.low));
            lines.chain(self.collisions.iter().flat_map(|c| c.pairs.iter().copied()))
        };
        let mut found = vec![false; self.levels.len()];
        found[0] = true;
        loop {
            let mut grown = false;
            for (up, low) in pairs() {
                if found[up] != found[low] {
                    (found[up], found[low], grown) = (true, true, true);
                }
            }
            if !grown {
                return found.iter().position(|found| !found);
            }
        }
    }
}
