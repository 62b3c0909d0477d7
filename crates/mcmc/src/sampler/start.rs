//! Finds the mode of the posterior from draws of the prior, and a first ensemble around it.
//!
//! Differential evolution with a memory of successful constants: the mutation "current to p-best" with an archive
//! (Zhang & Sanderson 2009, IEEE Trans. Evol. Comput. 13, 945) and the success history of Tanabe & Fukunaga (2013,
//! IEEE CEC, 71). It scales with each parameter by itself and needs no bounds: a trial outside the prior loses.
//! A generation's trials are evaluated at once.

use super::error::{check_log_density, point_text};
use super::state::rows;
use super::streams::{Purpose, stream};
use super::{Evaluator, SamplerError};
use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};
use rand_distr::{Cauchy, Distribution, Normal, StandardNormal};
use serde::{Deserialize, Serialize};

/// Length of the memory of successful constants.
const MEMORY: usize = 10;
/// Largest fraction of the population that counts as best.
const BEST_FRACTION: f64 = 0.2;
/// Attempts to place a walker; the spread around the mode halves every second one.
const BALL_ATTEMPTS: u64 = 80;

/// Number of prior draws that the search works well with.
pub fn recommended_population(dim: usize) -> usize {
    (10 * dim).max(40)
}

/// The search between two generations. It can be stored and taken up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Seed of the random streams.
    pub seed: u64,
    /// Names of the parameters, for errors.
    pub names: Vec<String>,
    /// Generations done.
    pub generation: u64,
    /// Members, row-major (member, parameter).
    pub members: Vec<f64>,
    /// Log density of each member.
    pub log_density: Vec<f64>,
    /// Members that were replaced, row-major; at most as many as there are members.
    archive: Vec<f64>,
    /// Remembered centres of the factor F and the crossover rate CR.
    memory: Vec<(f64, f64)>,
    /// Which memory is overwritten next.
    oldest: usize,
}

impl Search {
    /// Starts from `draws` of the prior, shape (member, parameter).
    ///
    /// # Errors
    /// [`SamplerError::TooFewInside`] unless the draws, and at least half as many with a finite log density, number
    /// 4 or more and exceed the number of parameters; [`SamplerError::NoSpread`]; [`SamplerError::NotANumber`]; what
    /// the evaluator reports.
    pub fn new<E: Evaluator>(
        seed: u64,
        names: &[String],
        draws: ArrayView2<'_, f64>,
        evaluator: &mut E,
    ) -> Result<Self, E::Error> {
        let dim = names.len();
        if dim == 0 {
            return Err(SamplerError::NoParameters.into());
        }
        if draws.ncols() != dim {
            let what = "parameters of a prior draw";
            return Err(SamplerError::Shape { what, found: draws.ncols(), expected: dim }.into());
        }
        let mut log_density = vec![0.0; draws.nrows()];
        evaluator.log_density(draws, &mut log_density)?;
        check_log_density(names, draws, &log_density)?;
        let inside = log_density.iter().filter(|l| l.is_finite()).count();
        let needed = (dim + 2).max(4).max(draws.nrows() / 2);
        if inside < needed {
            return Err(SamplerError::TooFewInside { inside, drawn: draws.nrows(), needed }.into());
        }
        for (name, column) in names.iter().zip(draws.columns()) {
            if column.iter().all(|&v| v == column[0]) {
                return Err(SamplerError::NoSpread { name: name.clone(), value: column[0] }.into());
            }
        }
        Ok(Self {
            seed,
            names: names.to_vec(),
            generation: 0,
            members: draws.iter().copied().collect(),
            log_density,
            archive: Vec::new(),
            memory: vec![(0.5, 0.5); MEMORY],
            oldest: 0,
        })
    }

    /// Lets the members evolve until [`Search::settled`], for at most `generations` generations in all.
    ///
    /// # Errors
    /// As [`Search::advance`].
    pub fn run<E: Evaluator>(&mut self, generations: u64, evaluator: &mut E) -> Result<(), E::Error> {
        while self.generation < generations && !self.settled() {
            self.advance(evaluator)?;
        }
        Ok(())
    }

    /// One generation: a trial for each member, which takes its place if it is no worse.
    ///
    /// # Errors
    /// [`SamplerError::NotANumber`] and what the evaluator reports.
    pub fn advance<E: Evaluator>(&mut self, evaluator: &mut E) -> Result<(), E::Error> {
        let (n, dim) = (self.log_density.len(), self.names.len());
        let ranked = self.ranked();
        let mut trials = vec![0.0; n * dim];
        let mut constants = vec![(0.0, 0.0); n];
        for (k, (trial, constant)) in trials.chunks_mut(dim).zip(&mut constants).enumerate() {
            let mut rng = stream(self.seed, Purpose::Member, k, self.generation);
            *constant = self.draw_constants(&mut rng);
            self.trial(k, &ranked, *constant, &mut rng, trial);
        }
        let mut log_density = vec![0.0; n];
        evaluator.log_density(rows(&trials, dim), &mut log_density)?;
        check_log_density(&self.names, rows(&trials, dim), &log_density)?;
        self.select(&trials, &log_density, &constants);
        self.generation += 1;
        Ok(())
    }

    /// Whether three quarters of the members lie as high as draws from a Gaussian posterior would, whose log density is
    /// dim/2 below its peak on average: then their spread is that of the posterior.
    pub fn settled(&self) -> bool {
        let ranked = self.ranked();
        let upper_quartile = self.log_density[ranked[3 * ranked.len() / 4]];
        self.log_density[ranked[0]] - upper_quartile < 0.5 * self.names.len() as f64 + 1.0
    }

    /// The best member and its log density.
    pub fn best(&self) -> (&[f64], f64) {
        let k = self.ranked()[0];
        (self.member(k), self.log_density[k])
    }

    /// Draws a first ensemble, shape (walker, parameter): Gaussian around the best member with the covariance of the
    /// members that lie about as high, drawn closer where it reaches outside the prior or down into the wings.
    ///
    /// # Errors
    /// [`SamplerError::NoRoom`] if a walker finds no place, [`SamplerError::NotANumber`], and what the evaluator
    /// reports.
    pub fn ensemble<E: Evaluator>(
        &self,
        nwalkers: usize,
        evaluator: &mut E,
    ) -> Result<Array2<f64>, E::Error> {
        let dim = self.names.len();
        let mut positions = Array2::zeros((nwalkers, dim));
        let (best, peak) = self.best();
        let lowest = peak - (5.0 * dim as f64).max(25.0);
        let spread = self.spread();
        let mut waiting: Vec<usize> = (0..nwalkers).collect();
        for attempt in 0..BALL_ATTEMPTS {
            let scale = 0.5_f64.powi((attempt / 2) as i32);
            let mut points = Array2::zeros((waiting.len(), dim));
            for (mut point, &walker) in points.outer_iter_mut().zip(&waiting) {
                let mut rng = stream(self.seed, Purpose::Ball, walker, attempt);
                point.iter_mut().zip(best).for_each(|(p, &b)| *p = b);
                for offset in spread.outer_iter() {
                    let z: f64 = rng.sample(StandardNormal);
                    point.scaled_add(scale * z, &offset);
                }
            }
            let mut log_density = vec![0.0; waiting.len()];
            evaluator.log_density(points.view(), &mut log_density)?;
            check_log_density(&self.names, points.view(), &log_density)?;
            let mut still = Vec::new();
            for ((point, &walker), &l) in points.outer_iter().zip(&waiting).zip(&log_density) {
                if l >= lowest { positions.row_mut(walker).assign(&point) } else { still.push(walker) }
            }
            waiting = still;
            if waiting.is_empty() {
                return Ok(positions);
            }
        }
        let point = point_text(&self.names, best);
        Err(SamplerError::NoRoom { walker: waiting[0], attempts: BALL_ATTEMPTS, point }.into())
    }

    /// Offsets from their mean of the members that lie about as high as the best, divided by sqrt(n - 1): a sum of
    /// them with standard normal weights has the members' covariance.
    fn spread(&self) -> Array2<f64> {
        let dim = self.names.len();
        let ranked = self.ranked();
        let floor = self.log_density[ranked[0]] - 2.0 * dim as f64 - 4.0;
        let high = ranked.iter().filter(|&&k| self.log_density[k] >= floor).count();
        let chosen = &ranked[..high.max(2 * dim + 2).min(ranked.len())];
        let mut offsets = Array2::zeros((chosen.len(), dim));
        for (mut row, &k) in offsets.outer_iter_mut().zip(chosen) {
            row.iter_mut().zip(self.member(k)).for_each(|(o, &m)| *o = m);
        }
        for mut column in offsets.columns_mut() {
            let mean = column.sum() / chosen.len() as f64;
            column.mapv_inplace(|v| (v - mean) / (chosen.len() as f64 - 1.0).sqrt());
        }
        offsets
    }

    fn member(&self, k: usize) -> &[f64] {
        let dim = self.names.len();
        &self.members[k * dim..(k + 1) * dim]
    }

    /// Members from the best to the worst; the earlier of two that are equal comes first.
    fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.log_density.len()).collect();
        order.sort_by(|&a, &b| self.log_density[b].total_cmp(&self.log_density[a]));
        order
    }

    /// The factor F, from a Cauchy distribution cut to (0, 1], and the crossover rate CR, from a normal one cut to
    /// [0, 1], around a remembered success.
    fn draw_constants(&self, rng: &mut dyn Rng) -> (f64, f64) {
        let (centre_f, centre_cr) = self.memory[rng.random_range(0..MEMORY)];
        let wide =
            |centre: f64, rng: &mut dyn Rng| Cauchy::new(centre, 0.1).map_or(centre, |c| c.sample(rng));
        let narrow =
            |centre: f64, rng: &mut dyn Rng| Normal::new(centre, 0.1).map_or(centre, |c| c.sample(rng));
        let mut factor = wide(centre_f, rng);
        while factor <= 0.0 {
            factor = wide(centre_f, rng);
        }
        (factor.min(1.0), narrow(centre_cr, rng).clamp(0.0, 1.0))
    }

    /// Writes x_k + F (x_best - x_k) + F (x_r - x_s), crossed with x_k, into `trial`; s may come from the archive.
    fn trial(&self, k: usize, ranked: &[usize], constants: (f64, f64), rng: &mut dyn Rng, trial: &mut [f64]) {
        let (n, dim) = (ranked.len(), trial.len());
        let (factor, rate) = constants;
        let fraction = rng.random_range(2.0 / n as f64..=BEST_FRACTION.max(2.0 / n as f64));
        let top = ((fraction * n as f64) as usize).clamp(2, n);
        let best = self.member(ranked[rng.random_range(0..top)]);
        let plus = draw_other(n, &[k], rng);
        let minus = draw_other(n + self.archive.len() / dim, &[k, plus], rng);
        let minus = if minus < n { self.member(minus) } else { &self.archive[(minus - n) * dim..] };
        let (own, plus) = (self.member(k), self.member(plus));
        let forced = rng.random_range(0..dim);
        for (j, t) in trial.iter_mut().enumerate() {
            let crossed = rng.random::<f64>() < rate || j == forced;
            let step = factor * (best[j] - own[j]) + factor * (plus[j] - minus[j]);
            *t = if crossed { own[j] + step } else { own[j] };
        }
    }

    /// Replaces members by trials that are no worse, and learns from those that are better.
    fn select(&mut self, trials: &[f64], log_density: &[f64], constants: &[(f64, f64)]) {
        let (n, dim) = (log_density.len(), self.names.len());
        let mut gains = Vec::new();
        for (k, trial) in trials.chunks(dim).enumerate() {
            let gain = log_density[k] - self.log_density[k];
            // From minus infinity to minus infinity the gain is NaN and the member stays.
            if gain.is_nan() || gain < 0.0 {
                continue;
            }
            if gain > 0.0 {
                self.archive.extend_from_slice(&self.members[k * dim..(k + 1) * dim]);
                if gain.is_finite() {
                    gains.push((gain, constants[k]));
                }
            }
            self.members[k * dim..(k + 1) * dim].copy_from_slice(trial);
            self.log_density[k] = log_density[k];
        }
        let mut rng = stream(self.seed, Purpose::Generation, 0, self.generation);
        while self.archive.len() > n * dim {
            let out = rng.random_range(0..self.archive.len() / dim);
            self.archive.drain(out * dim..(out + 1) * dim);
        }
        self.learn(&gains);
    }

    /// Overwrites the oldest memory with the means of the constants that led upwards, weighted by the gain: Lehmer's
    /// mean for F, the arithmetic one for CR.
    fn learn(&mut self, gains: &[(f64, (f64, f64))]) {
        let total: f64 = gains.iter().map(|g| g.0).sum();
        if total > 0.0 && total.is_finite() {
            let mean = |f: &dyn Fn(f64, f64) -> f64| gains.iter().map(|g| g.0 * f(g.1.0, g.1.1)).sum::<f64>();
            let factor = mean(&|f, _| f * f) / mean(&|f, _| f);
            self.memory[self.oldest] = (factor, mean(&|_, cr| cr) / total);
            self.oldest = (self.oldest + 1) % MEMORY;
        }
    }
}

/// An index below `n` that is none of `taken`.
fn draw_other(n: usize, taken: &[usize], rng: &mut dyn Rng) -> usize {
    loop {
        let k = rng.random_range(0..n);
        if !taken.contains(&k) {
            return k;
        }
    }
}
