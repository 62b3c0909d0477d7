//! Measures what one likelihood, and one with its gradient, costs on this machine.

use crate::posterior::{Posterior, Work};
use mirinae_common::random;
use rustix::time::{ClockId, clock_gettime};

/// CPU milliseconds of one call, medians.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The log density alone.
    pub likelihood_ms: f64,
    /// The log density with its gradient.
    pub gradient_ms: f64,
    /// Points at which both were measured.
    pub points: usize,
    /// Calls of the log density that were timed.
    pub calls: usize,
}

/// Stream of the draws from the prior: far from those of a fit.
const STREAM: u64 = 0x00c0 << 48;
/// Draws that are tried for points where the model is defined.
const DRAWS: u64 = 400;
/// Points that are measured at.
const POINTS: usize = 48;
/// CPU seconds that the calls of one timing take at least: far above the clock's resolution.
const BATCH_S: f64 = 1.0e-3;
/// Timings at each point.
const TIMINGS: usize = 3;

/// Points of the prior where the density is not zero.
pub fn prior_points(posterior: &Posterior, seed: u64) -> Vec<Vec<f64>> {
    let mut work = posterior.work();
    let parameters = &posterior.layout().parameters;
    let draw = |k: u64| -> Vec<f64> {
        let mut rng = random::stream(seed, STREAM | k, 0);
        parameters.iter().map(|p| p.prior.draw(&mut rng)).collect()
    };
    let inside = |theta: &Vec<f64>| posterior.ln_density(theta, &mut work).is_finite();
    (0..DRAWS).map(draw).filter(inside).take(POINTS).collect()
}

/// Medians over the points, each timed several times in batches of a millisecond. None: no points.
pub fn measure(posterior: &Posterior, points: &[Vec<f64>]) -> Option<Cost> {
    let mut work = posterior.work();
    let mut gradient = vec![0.0; posterior.layout().parameters.len()];
    let mut value = |theta: &[f64], work: &mut Work| std::hint::black_box(posterior.ln_density(theta, work));
    let mut both = |theta: &[f64], work: &mut Work| {
        std::hint::black_box(posterior.ln_density_and_gradient(theta, work, &mut gradient))
    };
    let (mut likelihood_ms, mut gradient_ms, mut calls) = (Vec::new(), Vec::new(), 0);
    for theta in points {
        let (n, n_both) = (batch(theta, &mut work, &mut value), batch(theta, &mut work, &mut both));
        for _ in 0..TIMINGS {
            likelihood_ms.push(1.0e3 * timed(theta, &mut work, n, &mut value) / n as f64);
            gradient_ms.push(1.0e3 * timed(theta, &mut work, n_both, &mut both) / n_both as f64);
            calls += n;
        }
    }
    let likelihood_ms = crate::spectrum::median(&likelihood_ms)?;
    let gradient_ms = crate::spectrum::median(&gradient_ms)?;
    Some(Cost { likelihood_ms, gradient_ms, points: points.len(), calls })
}

type Call<'a> = &'a mut dyn FnMut(&[f64], &mut Work) -> f64;

/// How many calls take a batch's time.
fn batch(theta: &[f64], work: &mut Work, call: Call) -> usize {
    let mut n = 1;
    while timed(theta, work, n, call) < BATCH_S && n < 1 << 20 {
        n *= 2;
    }
    n
}

/// CPU seconds of `n` calls.
fn timed(theta: &[f64], work: &mut Work, n: usize, call: Call) -> f64 {
    let started = thread_cpu_s();
    for _ in 0..n {
        call(theta, work);
    }
    thread_cpu_s() - started
}

/// CPU time of this thread (s): other processes on the machine do not count.
fn thread_cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1.0e-9 * time.tv_nsec as f64
}
