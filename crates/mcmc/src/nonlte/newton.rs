//! Finds the populations: Newton steps with a line search, and escape-probability iterations where these fail.
//!
//! The start depends on the conditions alone, never on an earlier solution, so that a result does not depend on what the
//! thread solved before.

use super::balance::NEGLIGIBLE;
use super::error::SolveError;
use super::excitation::{Conditions, Excitation};
use super::gth;
use super::work::NonLteWork;

/// Iterations with fixed escape probabilities before the first Newton step.
const WARM_UP: usize = 3;
/// Most steps of either kind from the thin cloud, and in each stage of the slow way.
const MOST_STEPS: usize = 60;
const MOST_STEPS_OF_STAGE: usize = 40;
/// The slow way goes up to the column density in stages of this ratio.
const STAGES: i32 = 32;
const STAGE_RATIO: f64 = 0.7;
/// A relative change that a Newton step squares into nothing.
const SMALL_STEP: f64 = 1.0e-8;
/// Net rates (in losses of a level) that are rounding.
const ROUNDING: f64 = 1.0e-13;
/// A step may be halved this often.
const HALVINGS: usize = 4;
/// Newton steps never take more than this share of a population.
const MOST_TAKEN: f64 = 0.9;

impl Excitation {
    /// Leaves populations, lines, net rates and losses of the solution in `work`.
    pub(super) fn converge(
        &self,
        conditions: &Conditions<'_>,
        work: &mut NonLteWork<'_>,
    ) -> Result<(), SolveError> {
        let column_per_width = conditions.column_per_width();
        work.iterations = 0;
        self.start(column_per_width, work);
        let Err(mut change) = self.iterate(column_per_width, MOST_STEPS, work) else { return Ok(()) };
        // Up to the column from one at which the lines are thinner.
        let first = STAGE_RATIO.powi(STAGES);
        self.start(column_per_width * first, work);
        for stage in (0..=STAGES).rev() {
            let column = column_per_width * STAGE_RATIO.powi(stage);
            match self.iterate(column, MOST_STEPS_OF_STAGE, work) {
                Ok(()) if stage == 0 => return Ok(()),
                Ok(()) => {}
                Err(size) => change = size,
            }
        }
        let Conditions { tkin_k, log10_n_cm2, fwhm_kms, .. } = *conditions;
        Err(SolveError::NoConvergence { tkin_k, log10_n_cm2, fwhm_kms, change })
    }

    /// The populations of the thin cloud, and then some of the way to those of its opacities.
    fn start(&self, column_per_width: f64, work: &mut NonLteWork<'_>) {
        work.beta.fill(1.0);
        self.eliminate(work);
        work.x.copy_from_slice(work.trial);
        for _ in 0..WARM_UP {
            self.radiate(column_per_width, work);
            self.eliminate(work);
            mix(work.x, work.trial);
        }
    }

    /// Steps until nothing changes; the last relative change where that does not come.
    fn iterate(&self, column_per_width: f64, most: usize, work: &mut NonLteWork<'_>) -> Result<(), f64> {
        self.radiate(column_per_width, work);
        let mut error = self.balance(work);
        let mut change = f64::INFINITY;
        for _ in 0..most {
            if error < ROUNDING {
                return Ok(());
            }
            if let Some((new_error, size)) = self.newton_step(column_per_width, error, work) {
                (error, change) = (new_error, size);
                if size < SMALL_STEP {
                    return Ok(());
                }
                continue;
            }
            if error < 100.0 * ROUNDING {
                return Ok(());
            }
            self.eliminate(work);
            change = mix(work.x, work.trial);
            self.radiate(column_per_width, work);
            error = self.balance(work);
        }
        Err(change)
    }

    /// Populations of the present escape probabilities, to `work.trial`.
    fn eliminate(&self, work: &mut NonLteWork<'_>) {
        let n = work.x.len();
        work.iterations += 1;
        work.rates.copy_from_slice(work.collisions);
        for (line, &beta) in self.lines.iter().zip(&*work.beta) {
            let (down, upward) = line.rates(beta);
            work.rates[line.up * n + line.low] += down;
            work.rates[line.low * n + line.up] += upward;
        }
        gth::stationary(work.rates, work.trial);
    }

    /// One Newton step that lessens the error: the new error, and the step's relative size. `None`, with all as it was, when there
    /// is none.
    fn newton_step(
        &self,
        column_per_width: f64,
        error: f64,
        work: &mut NonLteWork<'_>,
    ) -> Option<(f64, f64)> {
        work.iterations += 1;
        let fullest = self.jacobian(column_per_width, work);
        if !work.lu.factor() {
            return None;
        }
        for (((step, &net), &out), &scale) in
            work.step.iter_mut().zip(&*work.net).zip(&*work.out).zip(&*work.scale)
        {
            *step = -net / (scale * out);
        }
        work.step[fullest] = 0.0;
        work.lu.solve(work.step);
        let mut length = 1.0_f64;
        for ((step, &scale), &x) in work.step.iter_mut().zip(&*work.scale).zip(&*work.x) {
            *step *= scale;
            if !step.is_finite() {
                return None;
            }
            // A negligible level follows as far as it can and does not hold up the others.
            if x <= NEGLIGIBLE {
                *step = step.max(-MOST_TAKEN * x);
            } else if -*step > MOST_TAKEN * x {
                length = length.min(MOST_TAKEN * x / -*step);
            }
        }
        work.trial.copy_from_slice(work.x);
        for _ in 0..HALVINGS {
            let mut size = 0.0_f64;
            for (((x, &old), &step), &scale) in
                work.x.iter_mut().zip(&*work.trial).zip(&*work.step).zip(&*work.scale)
            {
                *x = old + length * step;
                size = size.max((step / scale).abs());
            }
            let total: f64 = work.x.iter().sum();
            work.x.iter_mut().for_each(|x| *x /= total);
            self.radiate(column_per_width, work);
            // The scale of the error stays that of the start of the step.
            let new_error = self.balance(work);
            if new_error < (1.0 - 0.1 * length) * error {
                return Some((new_error, size));
            }
            for (scale, &old) in work.scale.iter_mut().zip(&*work.trial) {
                *scale = old.max(NEGLIGIBLE);
            }
            length *= 0.5;
        }
        work.x.copy_from_slice(work.trial);
        self.radiate(column_per_width, work);
        self.balance(work);
        None
    }
}

/// Goes half the way to the new populations, in their logarithms: the largest relative change.
fn mix(x: &mut [f64], new: &[f64]) -> f64 {
    let mut change = 0.0_f64;
    for (x, &new) in x.iter_mut().zip(new) {
        let mixed = (*x * new).sqrt();
        if *x > NEGLIGIBLE || new > NEGLIGIBLE {
            change = change.max((new / *x - 1.0).abs());
        }
        *x = if mixed > 0.0 { mixed } else { *x + 0.5 * (new - *x) };
    }
    let total: f64 = x.iter().sum();
    x.iter_mut().for_each(|x| *x /= total);
    change
}
