//! Climbs to the nearest peak of a posterior by its gradient: L-BFGS (Nocedal 1980, Math. Comp. 35, 773).

use super::Likelihood;
use super::flow::{Place, dot, square};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 12;
/// Longest step: the prior's standard deviation in every parameter is 1.
const LONGEST: f64 = 1.0;
/// Halvings of a step before the climb is given up.
const HALVINGS: usize = 25;
/// A climb ends where the model of the peak promises less than this.
const ENOUGH: f64 = 1e-4;

/// A climb's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Climb {
    /// Where it ended.
    pub place: Place,
    /// ln density there: likelihood times the standard normal prior, without the prior's constant.
    pub ln_density: f64,
    /// Gradients computed.
    pub gradients: u32,
    /// Whether a peak was reached.
    pub converged: bool,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse_dot: f64,
}

/// Climbs from `start` for at most `most` gradients.
pub fn climb(likelihood: &mut impl Likelihood, start: &[f64], most: u32) -> Climb {
    let mut place = Place::at(start, likelihood);
    let mut result =
        Climb { ln_density: place.ln_density(1.0), place: place.clone(), gradients: 1, converged: false };
    if !place.ln_like.is_finite() {
        return result;
    }
    let mut memory = VecDeque::with_capacity(MEMORY);
    let mut slope = uphill(&place);
    while result.gradients < most {
        let mut direction = two_loops(&memory, &slope);
        let mut rise = dot(&direction, &slope);
        if rise.is_nan() || rise <= 0.0 {
            memory.clear();
            direction.copy_from_slice(&slope);
            rise = square(&slope);
        }
        let longest = direction.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        let first = if memory.is_empty() { (0.1 / longest).min(1.0) } else { (LONGEST / longest).min(1.0) };
        if rise < ENOUGH && (!memory.is_empty() || rise == 0.0) {
            result.converged = true;
            break;
        }
        let Some(next) = search(likelihood, &place, (&direction, rise), first, &mut result.gradients) else {
            // Nothing higher along the best direction: start over from the slope, or end.
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        let next_slope = uphill(&next);
        remember(&mut memory, (&place, &next), (&slope, &next_slope));
        (place, slope) = (next, next_slope);
    }
    result.ln_density = place.ln_density(1.0);
    result.place = place;
    result
}

/// Derivatives of ln density.
fn uphill(place: &Place) -> Vec<f64> {
    place.gradient.iter().zip(&place.z).map(|(g, z)| g - z).collect()
}

/// Goes along a direction until the density has risen as much as its slope promises in part (Armijo).
fn search(
    likelihood: &mut impl Likelihood,
    from: &Place,
    (direction, rise): (&[f64], f64),
    first: f64,
    gradients: &mut u32,
) -> Option<Place> {
    let start = from.ln_density(1.0);
    let mut scale = first;
    for _ in 0..HALVINGS {
        let z: Vec<f64> = from.z.iter().zip(direction).map(|(z, d)| z + scale * d).collect();
        let place = Place::at(&z, likelihood);
        *gradients += 1;
        let gain = place.ln_density(1.0) - start;
        if gain >= 1e-4 * scale * rise {
            return Some(place);
        }
        // The parabola through start, slope and here.
        let best = if gain.is_finite() { 0.5 * rise * scale / (rise * scale - gain) } else { 0.1 };
        scale *= best.clamp(0.1, 0.5);
    }
    None
}

fn remember(memory: &mut VecDeque<Pair>, (from, to): (&Place, &Place), slopes: (&[f64], &[f64])) {
    let step: Vec<f64> = to.z.iter().zip(&from.z).map(|(a, b)| a - b).collect();
    // Downhill change: positive along the step where the density is concave.
    let change: Vec<f64> = slopes.0.iter().zip(slopes.1).map(|(a, b)| a - b).collect();
    let curvature = dot(&step, &change);
    if curvature > 1e-10 * square(&step) {
        if memory.len() == MEMORY {
            memory.pop_front();
        }
        memory.push_back(Pair { step, change, inverse_dot: 1.0 / curvature });
    }
}

/// The inverse of the remembered curvature times the slope.
fn two_loops(memory: &VecDeque<Pair>, slope: &[f64]) -> Vec<f64> {
    let mut direction = slope.to_vec();
    let mut weights = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let weight = pair.inverse_dot * dot(&pair.step, &direction);
        direction.iter_mut().zip(&pair.change).for_each(|(d, y)| *d -= weight * y);
        weights.push(weight);
    }
    if let Some(last) = memory.back() {
        let scale = 1.0 / (last.inverse_dot * square(&last.change));
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, weight) in memory.iter().zip(weights.into_iter().rev()) {
        let back = pair.inverse_dot * dot(&pair.change, &direction);
        direction.iter_mut().zip(&pair.step).for_each(|(d, s)| *d += (weight - back) * s);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::super::likelihood::FnLikelihood;
    use super::*;

    #[test]
    fn the_peak_of_a_narrow_valley_is_reached() {
        // Rosenbrock's valley, thin, times the prior.
        let mut target = FnLikelihood {
            dim: 6,
            function: |z: &[f64], gradient: &mut [f64]| {
                gradient.fill(0.0);
                let mut value = 0.0;
                for i in 0..5 {
                    let (a, b) = (z[i + 1] - z[i] * z[i], 1.0 - z[i]);
                    value -= 1000.0 * (100.0 * a * a + b * b);
                    gradient[i] += 1000.0 * (400.0 * a * z[i] + 2.0 * b);
                    gradient[i + 1] -= 1000.0 * 200.0 * a;
                }
                value
            },
        };
        let found = climb(&mut target, &[0.5, 1.5, 0.3, 0.5, 0.2, 0.0], 2000);
        assert!(found.converged, "{found:?}");
        assert!(found.place.z.iter().all(|z| (z - 1.0).abs() < 0.02), "{found:?}");
    }

    #[test]
    fn a_start_outside_is_told() {
        let mut nowhere = FnLikelihood { dim: 2, function: |_: &[f64], _: &mut [f64]| f64::NEG_INFINITY };
        let found = climb(&mut nowhere, &[0.0, 0.0], 100);
        assert!(!found.converged && found.gradients == 1);
    }
}
