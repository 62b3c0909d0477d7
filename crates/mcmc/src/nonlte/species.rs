//! A species whose levels the escape probability populates: what the spectral model asks of the solver.

use super::background::Background;
use super::excitation::{Conditions, Excitation};
use super::gas::Gas;
use super::{Geometry, Molecule};
use crate::catalog::{CatalogError, Interpolation, Line, PartitionFunction, QTable, Species};
use crate::model::{EvalProblem, ExcitedLine, SpeciesParams};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;
use std::sync::Arc;

/// All that is known of the species before its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NonLteSpecies {
    /// Levels, lines and collisions.
    pub molecule: Molecule,
    /// Shape of the cloud.
    pub geometry: Geometry,
    /// What shines on it.
    pub background: Background,
    /// Its collision partners.
    pub gas: Gas,
}

impl NonLteSpecies {
    /// Its lines with the partition function of its levels, for what the model and its tables ask of all species.
    ///
    /// # Errors
    /// Where a statistical weight is no whole number that a catalogue could have.
    pub fn catalog(&self, name: &str, source: &str) -> Result<Species, CatalogError> {
        let levels = &self.molecule.levels;
        let q_at = |t_k: f64| {
            let term = |level: usize| levels[level].g * libm::exp(-self.molecule.energy_k(level) / t_k);
            (0..levels.len()).map(term).sum::<f64>()
        };
        // 0.1 to 30000 K in steps of 7 %, with 300 K among them.
        let t_k: Vec<f64> = (-118..=68).map(|k| 300.0 * libm::pow(1.07, f64::from(k))).collect();
        let q = t_k.iter().map(|&t| q_at(t)).collect();
        let table = QTable::new(t_k, q, None, source)
            .map_err(|problem| CatalogError::File { path: source.into(), problem })?;
        let ground_cm1 = self.molecule.ground_cm1();
        let lines = self.molecule.lines.iter().map(|line| {
            let (up, low) = (&levels[line.up], &levels[line.low]);
            let e_low_cm1 = low.energy_cm1 - ground_cm1;
            Line {
                freq_mhz: line.freq_mhz,
                freq_sigma_mhz: 0.0,
                lgint: Line::lgint_of(line.a_ul * up.g, line.freq_mhz, e_low_cm1, q_at(300.0)),
                dof: 0,
                e_low_cm1,
                g_up: up.g.round().max(1.0) as u32,
                tag: 0,
                measured: false,
                qn: format!("{} - {}", up.qn, low.qn),
            }
        });
        Species::new(
            name,
            lines.collect(),
            PartitionFunction::new(&table, Interpolation::Smooth, false),
            source,
        )
    }

    /// Plans its excitation.
    pub fn plan(&self) -> Arc<dyn crate::model::Excitation> {
        Arc::new(NonLteModel {
            excitation: Excitation::new(&self.molecule, self.geometry, &self.background),
            gas: self.gas.clone(),
            freq_mhz: self.molecule.lines.iter().map(|line| line.freq_mhz).collect(),
        })
    }
}

/// The excitation of a species, planned once; Tex of its parameters is the kinetic temperature.
#[derive(Debug, Clone)]
struct NonLteModel {
    excitation: Excitation,
    gas: Gas,
    freq_mhz: Vec<f64>,
}

impl crate::model::Excitation for NonLteModel {
    fn freq_mhz(&self) -> &[f64] {
        &self.freq_mhz
    }

    fn n_work(&self) -> usize {
        self.excitation.n_work() + 2 * self.excitation.molecule().collisions.len()
    }

    fn excite(
        &self,
        params: &SpeciesParams,
        work: &mut [f64],
        lines: &mut [ExcitedLine],
    ) -> Result<(), EvalProblem> {
        let (numbers, rest) = work.split_at_mut(self.excitation.n_work());
        let (densities_cm3, by_tkin) = rest.split_at_mut(self.excitation.molecule().collisions.len());
        let n_h2_cm3 = libm::exp(LN_10 * params.log10_nh2_cm3);
        self.gas.densities(n_h2_cm3, params.tex_k, densities_cm3, by_tkin);
        let conditions = Conditions {
            log10_n_cm2: params.log10_n_cm2,
            tkin_k: params.tex_k,
            fwhm_kms: params.fwhm_kms,
            densities_cm3,
        };
        let mut work = self.excitation.work(numbers);
        self.excitation.solve(&conditions, &mut work).map_err(EvalProblem::Excitation)?;
        self.excitation.slopes(&conditions, &mut work);
        for (index, line) in lines.iter_mut().enumerate() {
            let state = self.excitation.line(index, &work);
            *line = ExcitedLine { tau: state.tau, emission_k: state.emission_k, ..ExcitedLine::default() };
            let by_column = work.slope(index, 0);
            let mut add = |parameter: usize, tau: f64, emission_k: f64| {
                line.tau_by[parameter] += tau;
                line.emission_by[parameter] += emission_k;
            };
            add(SpeciesParams::LOG10_N, by_column.tau, by_column.emission_k);
            // The cloud is the same at constant N / FWHM.
            let per_fwhm = -1.0 / (LN_10 * params.fwhm_kms);
            add(SpeciesParams::FWHM, per_fwhm * by_column.tau, per_fwhm * by_column.emission_k);
            let by_tkin_alone = work.slope(index, 1);
            add(SpeciesParams::TEX, by_tkin_alone.tau, by_tkin_alone.emission_k);
            for (partner, (&n, &by_t)) in densities_cm3.iter().zip(&*by_tkin).enumerate() {
                if !self.gas.follows_h2(partner) || n == 0.0 {
                    continue;
                }
                let by_density = work.slope(index, 2 + partner);
                let per_k = by_t / (LN_10 * n);
                add(SpeciesParams::TEX, per_k * by_density.tau, per_k * by_density.emission_k);
                add(SpeciesParams::LOG10_NH2, by_density.tau, by_density.emission_k);
            }
        }
        Ok(())
    }
}
