//! A molecule in a cloud of given shape and background: what is planned once.

use super::background::Background;
use super::error::SolveError;
use super::escape::Geometry;
use super::molecule::Molecule;
use super::rates::Levels;
use super::work::{LineState, NonLteWork, Sizes};
use crate::physics::HCK_CM_K;
use std::f64::consts::{LN_2, PI};

/// Physical conditions of the cloud.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// log10 of the column density (cm^-2).
    pub log10_n_cm2: f64,
    /// Kinetic temperature (K).
    pub tkin_k: f64,
    /// Full width at half maximum of the lines (km/s).
    pub fwhm_kms: f64,
    /// Densities (cm^-3) of the partners, in the molecule's order; zero where there is none.
    pub densities_cm3: &'a [f64],
}

/// A radiative line as the equations want it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedLine {
    pub up: usize,
    pub low: usize,
    pub a_ul: f64,
    /// `g_u / g_l`.
    pub g_ratio: f64,
    /// Opacity per column over width (cm^-2 per cm/s) and excess population `x_l g_u/g_l - x_u`.
    pub opacity: f64,
    /// `h nu / k` (K).
    pub hnu_k: f64,
    /// Photons per mode of the background.
    pub photons: f64,
}

impl PlannedLine {
    /// Rates (1/s) of a molecule down and up through the line at an escape probability: stimulated emission by the cloud's own
    /// photons is taken off both.
    #[inline]
    pub fn rates(&self, beta: f64) -> (f64, f64) {
        let rate = self.a_ul * beta;
        (rate * (1.0 + self.photons), rate * self.photons * self.g_ratio)
    }
}

/// The excitation of a molecule, planned once.
#[derive(Debug, Clone)]
pub struct Excitation {
    pub(super) molecule: Molecule,
    pub(super) geometry: Geometry,
    pub(super) levels: Levels,
    pub(super) lines: Vec<PlannedLine>,
}

/// Height of a Gaussian of area 1 and FWHM 1, inverted: `sqrt(pi) / (2 sqrt(ln 2))`, the 1.0645 of RADEX.
fn gauss_area() -> f64 {
    PI.sqrt() / (2.0 * LN_2.sqrt())
}

impl Excitation {
    /// Plans the equations of a molecule.
    pub fn new(molecule: &Molecule, geometry: Geometry, background: &Background) -> Self {
        let lines = molecule.lines.iter().map(|line| {
            let wavenumber_cm1 = molecule.wavenumber_cm1(line);
            PlannedLine {
                up: line.up,
                low: line.low,
                a_ul: line.a_ul,
                g_ratio: molecule.levels[line.up].g / molecule.levels[line.low].g,
                opacity: line.a_ul / (8.0 * PI * gauss_area() * wavenumber_cm1.powi(3)),
                hnu_k: HCK_CM_K * wavenumber_cm1,
                photons: background.photons(wavenumber_cm1),
            }
        });
        let (lines, levels) = (lines.collect(), Levels::new(molecule));
        Self { molecule: molecule.clone(), geometry, levels, lines }
    }

    /// The molecule.
    pub fn molecule(&self) -> &Molecule {
        &self.molecule
    }

    /// Numbers of work space that a thread needs.
    pub fn n_work(&self) -> usize {
        self.sizes().n_work()
    }

    /// Lays out a work space of at least [`Self::n_work`] numbers, of any value.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn work<'a>(&self, numbers: &'a mut [f64]) -> NonLteWork<'a> {
        NonLteWork::new(self.sizes(), numbers)
    }

    fn sizes(&self) -> Sizes {
        let conditions = 2 + self.molecule.collisions.len();
        Sizes { levels: self.levels.g.len(), lines: self.lines.len(), conditions }
    }

    /// A line (index into the molecule's) at the last solution.
    pub fn line(&self, index: usize, work: &NonLteWork<'_>) -> LineState {
        let line = &self.lines[index];
        let ratio = line.g_ratio * work.x[line.low] / work.x[line.up];
        let tex_k = line.hnu_k / libm::log(ratio);
        LineState { tau: work.tau[index], tex_k, emission_k: work.emission_k[index] }
    }

    /// Finds the populations and the lines; allocates nothing.
    ///
    /// # Errors
    /// When a condition is not positive and finite, or there is no convergence.
    ///
    /// # Panics
    /// When there are not as many densities as partners.
    pub fn solve(&self, conditions: &Conditions<'_>, work: &mut NonLteWork<'_>) -> Result<(), SolveError> {
        conditions.check(self.molecule.collisions.len())?;
        self.collide(conditions, work);
        self.converge(conditions, work)
    }

    /// Sums the collision rates over the partners.
    fn collide(&self, conditions: &Conditions<'_>, work: &mut NonLteWork<'_>) {
        let n = work.x.len();
        self.levels.boltzmann(conditions.tkin_k, work.boltzmann);
        work.collisions.fill(0.0);
        for (collisions, &density_cm3) in self.molecule.collisions.iter().zip(conditions.densities_cm3) {
            if density_cm3 > 0.0 {
                let rates = &mut *work.collisions;
                self.levels.for_each_pair(collisions, conditions.tkin_k, work.boltzmann, |pair| {
                    rates[pair.up * n + pair.low] += density_cm3 * pair.down;
                    rates[pair.low * n + pair.up] += density_cm3 * pair.upward;
                });
            }
        }
        for (sum, row) in work.collisions_out.iter_mut().zip(work.collisions.chunks_exact(n)) {
            *sum = row.iter().sum();
        }
    }
}

impl Conditions<'_> {
    /// Column density over line width (cm^-2 per cm/s).
    pub(super) fn column_per_width(&self) -> f64 {
        libm::exp(std::f64::consts::LN_10 * self.log10_n_cm2) / (1.0e5 * self.fwhm_kms)
    }

    fn check(&self, n_partners: usize) -> Result<(), SolveError> {
        assert_eq!(self.densities_cm3.len(), n_partners, "one density a partner");
        let bad = |name, value: f64| Err(SolveError::Condition { name, value });
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if !positive(self.column_per_width()) {
            return bad("N / FWHM (cm^-2 per cm/s)", self.column_per_width());
        }
        if !positive(self.tkin_k) {
            return bad("Tkin (K)", self.tkin_k);
        }
        if !positive(self.fwhm_kms) {
            return bad("FWHM (km/s)", self.fwhm_kms);
        }
        if let Some(&value) = self.densities_cm3.iter().find(|n| !(**n >= 0.0 && n.is_finite())) {
            return bad("density (cm^-3)", value);
        }
        let sum: f64 = self.densities_cm3.iter().sum();
        if sum > 0.0 { Ok(()) } else { bad("density of all partners (cm^-3)", sum) }
    }
}
