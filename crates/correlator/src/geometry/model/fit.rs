//! Polynomials that follow the model, as the correlator uses them, and how well they do.

use super::calculator::{Calculator, Instant};
use super::target::{Seen, Target};
use crate::eop::EopError;
use crate::epoch::Epoch;
use crate::geometry::{Interval, Polynomial, StationModel};
use crate::orbit::OrbitError;
use std::f64::consts::PI;

/// Longest interval in s: DiFX's.
pub const INTERVAL_S: f64 = 120.0;
/// Lengths of intervals in s, of which the longest is taken that is good enough: those below are for satellites.
const INTERVALS_S: [f64; 7] = [INTERVAL_S, 60.0, 30.0, 15.0, 8.0, 4.0, 2.0];
/// Coefficients of a polynomial.
pub const TERMS: usize = 6;
/// Places in an interval, from -1 to 1, at which polynomial and model are compared.
const CHECKS: [f64; 3] = [-1.0, 0.13, 1.0];

/// Why there are no polynomials.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// No Earth orientation.
    #[error(transparent)]
    Eop(#[from] EopError),
    /// No states of a near body.
    #[error(transparent)]
    Orbit(#[from] OrbitError),
}

/// Polynomials and their largest deviation from the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Length of an interval in s.
    pub interval_s: f64,
    /// By interval.
    pub intervals: Vec<Interval>,
    /// Largest deviation of a delay in s.
    pub worst_s: f64,
    /// Largest deviation of u, v or w in m.
    pub worst_m: f64,
}

/// Polynomials for all stations and `targets` from `from_s` to `to_s` after `start`, over the longest intervals at which no delay
/// deviates by more than `most_s` (the shortest ones where all do).
///
/// Delays have the correlator's sign: geocentre minus station. Polynomials pass through the model at Chebyshev's nodes: their
/// deviation is that of the first term left out, below 1e-18 s over 120 s for a station on the Earth and a far source.
///
/// # Errors
/// Where no Earth orientation or no place of a body is known.
pub fn fit(
    calculator: &Calculator,
    start: Epoch,
    span_s: (f64, f64),
    targets: &[Target],
    most_s: f64,
) -> Result<Fitted, FitError> {
    let mut fitted = fit_over(calculator, start, span_s, targets, INTERVALS_S[0])?;
    for &interval_s in &INTERVALS_S[1..] {
        if fitted.worst_s <= most_s {
            break;
        }
        fitted = fit_over(calculator, start, span_s, targets, interval_s)?;
    }
    Ok(fitted)
}

/// The same over intervals of a given length.
fn fit_over(
    calculator: &Calculator,
    start: Epoch,
    (from_s, to_s): (f64, f64),
    targets: &[Target],
    interval_s: f64,
) -> Result<Fitted, FitError> {
    let first = from_s.floor();
    let count = (((to_s - first) / interval_s).ceil() as usize).max(1);
    let mut fitted = Fitted { interval_s, intervals: Vec::with_capacity(count), worst_s: 0.0, worst_m: 0.0 };
    for index in 0..count {
        let start_s = first + index as f64 * interval_s;
        let interval = one(calculator, start, (start_s, interval_s), targets)?;
        check(calculator, start, &interval, targets, &mut fitted)?;
        fitted.intervals.push(interval);
    }
    Ok(fitted)
}

/// Nodes of Chebyshev, from -1 to 1.
fn nodes() -> [f64; TERMS] {
    std::array::from_fn(|i| -(PI * (i as f64 + 0.5) / TERMS as f64).cos())
}

/// Delay and uvw of the correlator's sign.
fn sample(instant: &Instant, station: usize, target: Seen) -> [f64; 4] {
    let [u, v, w] = instant.uvw_m(station, target);
    [-instant.parts(station, target).total_s(), u, v, w]
}

/// An instant, and the targets as they are seen then.
fn look(calculator: &Calculator, time: Epoch, targets: &[Target]) -> Result<(Instant, Vec<Seen>), FitError> {
    let instant = calculator.instant(time)?;
    let seen = targets.iter().map(|t| instant.seen(t)).collect::<Result<_, _>>()?;
    Ok((instant, seen))
}

fn one(
    calculator: &Calculator,
    start: Epoch,
    (start_s, interval_s): (f64, f64),
    targets: &[Target],
) -> Result<Interval, FitError> {
    let at = |x: f64| look(calculator, start.plus(start_s + 0.5 * interval_s * (1.0 + x)), targets);
    let looks = nodes().map(at).into_iter().collect::<Result<Vec<_>, _>>()?;
    let station = |station: usize, target: usize| {
        let samples: Vec<[f64; 4]> = looks.iter().map(|(i, seen)| sample(i, station, seen[target])).collect();
        let polynomial = |quantity: usize| {
            let values: [f64; TERMS] = std::array::from_fn(|i| samples[i][quantity]);
            Polynomial { coefficients: through(&values, interval_s).to_vec() }
        };
        StationModel { delay_s: polynomial(0), uvw_m: [1, 2, 3].map(polynomial) }
    };
    let stations = 0..calculator.sites().len();
    let by_source_station =
        (0..targets.len()).map(|t| stations.clone().map(|s| station(s, t)).collect()).collect();
    Ok(Interval { start_s, by_source_station })
}

/// The polynomial in seconds from the start of an interval that has `values` at the nodes.
fn through(values: &[f64; TERMS], interval_s: f64) -> [f64; TERMS] {
    // Newton's divided differences, in x from -1 to 1.
    let x = nodes();
    let mut newton = *values;
    for order in 1..TERMS {
        for i in (order..TERMS).rev() {
            newton[i] = (newton[i] - newton[i - 1]) / (x[i] - x[i - order]);
        }
    }
    // Powers of t = (x + 1) T / 2, so x - x_i = t 2/T - (1 + x_i): multiply out from the highest.
    let scale = 2.0 / interval_s;
    let mut powers = [0.0; TERMS];
    for i in (0..TERMS).rev() {
        for n in (0..TERMS).rev() {
            let below = if n > 0 { powers[n - 1] * scale } else { newton[i] };
            powers[n] = below - powers[n] * (1.0 + x[i]);
        }
    }
    powers
}

fn check(
    calculator: &Calculator,
    start: Epoch,
    interval: &Interval,
    targets: &[Target],
    fitted: &mut Fitted,
) -> Result<(), FitError> {
    for x in CHECKS {
        let into_s = 0.5 * fitted.interval_s * (1.0 + x);
        let (instant, seen) = look(calculator, start.plus(interval.start_s + into_s), targets)?;
        for (by_station, &target) in interval.by_source_station.iter().zip(&seen) {
            for (station, model) in by_station.iter().enumerate() {
                let truth = sample(&instant, station, target);
                fitted.worst_s = fitted.worst_s.max((model.delay_s.value(into_s) - truth[0]).abs());
                for (polynomial, value) in model.uvw_m.iter().zip(&truth[1..]) {
                    fitted.worst_m = fitted.worst_m.max((polynomial.value(into_s) - value).abs());
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_of_that_order_are_met() {
        let truth = Polynomial { coefficients: vec![0.02, -1e-6, 3e-11, 1e-15, -2e-20, 1e-25] };
        let values = nodes().map(|x| truth.value(0.5 * INTERVAL_S * (1.0 + x)));
        let found = Polynomial { coefficients: through(&values, INTERVAL_S).to_vec() };
        for t in [0.0, 1.0, 59.0, 120.0] {
            assert!((found.value(t) - truth.value(t)).abs() < 2e-17, "{t}");
            assert!((found.rate(t) - truth.rate(t)).abs() < 1e-17, "{t}");
        }
    }
}
