//! Estimates what a run will compute, with the sampler that its configuration has.

use crate::plan::{FitPlan, Method};
use crate::posterior::{Posterior, Standard};
use crate::sampler::modes::climb_start;
use crate::sampler::start::recommended_population;
use crate::sampler::{climb, ladder};
use std::time::{Duration, Instant};

/// One stage of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// "search", "warm-up", "sampling".
    pub name: &'static str,
    /// Log densities, or log densities with their gradients, that all ranks compute together: likely, and at most.
    pub likely: u64,
    /// See `likely`.
    pub at_most: u64,
    /// How many of them can be computed at a time, one on each rank.
    pub at_a_time: usize,
}

/// What a run computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The sampler.
    pub method: Method,
    /// Whether its stages count gradients rather than log densities.
    pub gradients: bool,
    /// Temperatures; 1: the posterior alone.
    pub temperatures: usize,
    /// Gradients of one climb, the mean of those that were made; 0: none were.
    pub climb: u64,
    /// In the order of the run.
    pub stages: Vec<Stage>,
    /// Draws that are kept on disk: likely, and at most.
    pub draws: (u64, u64),
}

/// Climbs of the search that are made to know what one costs, and how long they may take together.
const CLIMBS: usize = 4;
const CLIMBS_TAKE: Duration = Duration::from_secs(4);
/// The search makes them in batches, so many.
const BATCH: u64 = 16;
const BATCHES: u64 = 16;
const LONGEST_CLIMB: u32 = 1000;
/// Rounds of the warm-up of chains that start near the peak of a posterior that is not far from normal, and transitions in one.
const ROUNDS: u64 = 9;
const ROUND: u64 = 8;
/// Draws of each chain that R-hat below 1.01 takes.
const LEAST_DRAWS: u64 = 200;

impl Estimate {
    /// Of a fit. A few climbs are made, as the run makes them, for the cost of one.
    pub fn new(fit: &FitPlan, posterior: &Posterior) -> Self {
        let dim = posterior.layout().parameters.len();
        if fit.method == Method::Ensemble {
            return Self::ensemble(fit, dim);
        }
        let mut likelihood = Standard::new(posterior);
        let (climb, peak) = climbs(fit.seed, dim, &mut likelihood);
        let temperatures = match fit.method {
            Method::Tempering => {
                ladder::ladder(dim, ladder::range(fit.seed, dim, peak, &mut likelihood)).len()
            }
            _ => 1,
        };
        Self::chains(fit, dim, climb, temperatures)
    }

    /// Half of the walkers moves at a time.
    fn ensemble(fit: &FitPlan, dim: usize) -> Self {
        let population = recommended_population(dim);
        let generations = if fit.search == 0 { 0 } else { fit.search + 1 };
        let sampling = (fit.steps + 1) * fit.walkers as u64;
        let search = generations * population as u64;
        let draws = fit.steps * fit.walkers as u64;
        Self {
            method: fit.method,
            gradients: false,
            temperatures: 1,
            climb: 0,
            stages: vec![
                Stage { name: "search", likely: search, at_most: search, at_a_time: population },
                Stage { name: "sampling", likely: sampling, at_most: sampling, at_a_time: fit.walkers / 2 },
            ],
            draws: (draws, draws),
        }
    }

    fn chains(fit: &FitPlan, dim: usize, climb: u64, temperatures: usize) -> Self {
        let chains = fit.chains.unwrap_or(fit.method.chains());
        let (n, legs) = (chains as u64, chains as u64 * temperatures as u64);
        let per_transition = steps_of_a_transition(dim);
        let rounds = ROUNDS.min(fit.warm_up as u64);
        let enough = (fit.ess / n as f64).ceil() as u64;
        let draws = LEAST_DRAWS.max(enough).min(fit.draws);
        let stage = |name, likely: f64, at_most: f64, at_a_time| Stage {
            name,
            likely: likely as u64,
            at_most: at_most as u64,
            at_a_time,
        };
        let of_rounds = |rounds: u64| (rounds * ROUND * legs) as f64 * per_transition;
        let of_draws = |draws: u64| (draws * legs) as f64 * per_transition;
        Self {
            method: fit.method,
            gradients: true,
            temperatures,
            climb,
            stages: vec![
                stage("search", (BATCH * climb) as f64, (BATCH * BATCHES * climb) as f64, BATCH as usize),
                stage("warm-up", of_rounds(rounds), of_rounds(fit.warm_up as u64), legs as usize),
                stage("sampling", of_draws(draws), of_draws(fit.draws), legs as usize),
            ],
            draws: (draws * n, fit.draws * n),
        }
    }

    /// CPU seconds, and seconds on `ranks` processes, where one log density (or one with its gradient) takes `ms`; `likely`
    /// or at most. The rank with most of a stage's work sets the pace.
    pub fn seconds(&self, ms: f64, ranks: usize, likely: bool) -> (f64, f64) {
        let (mut cpu_s, mut wall_s) = (0.0, 0.0);
        for stage in &self.stages {
            let n = if likely { stage.likely } else { stage.at_most };
            let s = 1.0e-3 * ms * n as f64;
            let at_a_time = stage.at_a_time.max(1);
            cpu_s += s;
            wall_s += s * at_a_time.div_ceil(ranks) as f64 / at_a_time as f64;
        }
        (cpu_s, wall_s)
    }

    /// Log densities, or gradients, of a stage; none: 0.
    pub fn of(&self, name: &str) -> Stage {
        let none = Stage { name: "", likely: 0, at_most: 0, at_a_time: 1 };
        self.stages.iter().find(|stage| stage.name == name).copied().unwrap_or(none)
    }
}

/// Gradients of one transition on a posterior that is not far from normal: measured with 20 parameters (docs/src/dev/sampling-speed.md),
/// growing with the fourth root of their number (Beskos et al. 2013, Bernoulli 19, 1501).
fn steps_of_a_transition(dim: usize) -> f64 {
    6.0 * (dim as f64 / 20.0).sqrt().sqrt()
}

/// Mean gradients of the first climbs of the search, and the highest ln likelihood that they came to.
fn climbs(seed: u64, dim: usize, likelihood: &mut Standard) -> (u64, f64) {
    let started = Instant::now();
    let (mut gradients, mut made, mut peak) = (0, 0, f64::NEG_INFINITY);
    while made < CLIMBS && (made == 0 || started.elapsed() < CLIMBS_TAKE) {
        let end = climb(likelihood, &climb_start(seed, made, dim), LONGEST_CLIMB);
        gradients += u64::from(end.gradients);
        peak = peak.max(end.place.ln_like);
        made += 1;
    }
    (gradients.div_ceil(made as u64), peak)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FitConfig;
    use crate::config::SamplerKind::{self, Ensemble, Hmc};

    fn plan(sampler: SamplerKind, change: impl Fn(&mut FitConfig)) -> FitPlan {
        let mut config = FitConfig { sampler, ..FitConfig::default() };
        change(&mut config);
        FitPlan::new(&config, 20).unwrap()
    }

    #[test]
    fn an_ensemble_computes_its_walkers_in_every_step() {
        let fit = plan(Ensemble, |c| {
            (c.walkers, c.steps, c.burn, c.search) = (Some(40), Some(99), Some(9), Some(0))
        });
        let estimate = Estimate::ensemble(&fit, 20);
        assert_eq!((estimate.of("search").at_most, estimate.of("sampling").likely), (0, 4000));
        let (cpu_s, one) = estimate.seconds(1.0, 1, true);
        assert!((cpu_s - 4.0).abs() < 1e-12 && (one - 4.0).abs() < 1e-12);
        // Halves of 20 on 3 ranks: 7 turns for 20.
        assert!((estimate.seconds(1.0, 3, true).1 - 4.0 * 7.0 / 20.0).abs() < 1e-12);
    }

    #[test]
    fn chains_compute_gradients_in_search_warm_up_and_draws() {
        let fit = plan(Hmc, |c| (c.chains, c.ess, c.draws) = (Some(8), Some(4000.0), Some(1000)));
        let one = Estimate::chains(&fit, 20, 100, 1);
        assert_eq!((one.of("search").likely, one.of("search").at_most), (1600, 25_600));
        assert_eq!((one.of("warm-up").likely, one.of("warm-up").at_most), (9 * 64 * 6, 40 * 64 * 6));
        assert_eq!((one.of("sampling").likely, one.of("sampling").at_most), (500 * 8 * 6, 1000 * 8 * 6));
        assert_eq!(one.draws, (4000, 8000));
        let ten = Estimate::chains(&FitPlan { method: Method::Tempering, ..fit.clone() }, 20, 100, 10);
        assert_eq!(ten.of("sampling").likely, 10 * one.of("sampling").likely);
        assert_eq!(ten.draws, one.draws, "the posterior's are kept");
        // More ranks than chains do not help the chains; temperatures do.
        let chains =
            |e: &Estimate, ranks| e.seconds(1.0, ranks, true).1 - 1e-3 * e.of("search").likely as f64 / 16.0;
        assert!((chains(&one, 16) - chains(&one, 1000)).abs() < 1e-9);
        assert!(chains(&ten, 80) < 0.6 * chains(&ten, 40));
    }
}
