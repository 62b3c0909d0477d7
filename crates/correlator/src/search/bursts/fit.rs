//! The direction of the field that explains the correlations of a burst best.

use super::super::chance::{ln_chance, of_any};
use super::cross::Correlations;
use super::field::{FieldOfDelays, PER_STEP};
use std::f64::consts::TAU;

/// A direction that explains a burst best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// Direction cosines towards east and north.
    pub at: [f64; 2],
    /// z of every pair there; 0 of those without data.
    pub z_p: Vec<f64>,
    /// Probability that noise does as much anywhere in the field.
    pub false_alarm: f64,
    /// Natural logarithm of the same over the independent directions of the field alone.
    pub ln_coherence: f64,
    /// Directions that were tried.
    pub directions: f64,
    /// One standard deviation in l and m, and their correlation; `None` where delays do not tell both.
    pub error: Option<[f64; 3]>,
}

/// The direction of the field at which all pairs together have most of the burst, which is the best of so many boxcars.
pub(super) fn fit(all: &Correlations, field: &FieldOfDelays, boxcars: f64) -> Fit {
    let used = all.used();
    let span_hz = Correlations::span_hz(&all.sky_hz, &all.coherent);
    let tables: Vec<(Vec<f64>, f64)> =
        used.iter().map(|&p| all.delays(p, field.most_s(all.pairs[p]))).collect();
    let (steps, step) = field.grid(span_hz);
    let slopes: Vec<[f64; 2]> = used.iter().map(|&p| field.slope_s(all.pairs[p])).collect();
    let mut best = ([0.0, 0.0], -1.0);
    for y in -steps..=steps {
        for x in -steps..=steps {
            let at = [x as f64 * step, y as f64 * step];
            let of = |((table, step_s), slope): (&(Vec<f64>, f64), &[f64; 2])| {
                let place = ((slope[0] * at[0] + slope[1] * at[1]) / step_s).round() as i64;
                table.get((place + table.len() as i64 / 2) as usize).copied().unwrap_or(0.0)
            };
            let sum: f64 = tables.iter().zip(&slopes).map(of).sum();
            if sum > best.1 {
                best = (at, sum);
            }
        }
    }
    let at = refine(all, &used, field, (best.0, step));
    let mut z_p = vec![0.0; all.pairs.len()];
    used.iter().for_each(|&p| z_p[p] = all.exact(p, field, at));
    let n: usize = used.iter().map(|&p| all.parts(p)).sum();
    let directions = field.directions(span_hz);
    let ln_one = ln_chance(n, z_p.iter().sum());
    let false_alarm = of_any(ln_one, boxcars * directions);
    let cells = (directions / (PER_STEP * PER_STEP)).max(1.0);
    let ln_coherence = (ln_one + libm::log(boxcars * cells)).min(0.0);
    let error = errors(all, &z_p, field);
    Fit { at, z_p, false_alarm, ln_coherence, directions, error }
}

/// Climbs from a point of the grid to the top, with exact delays, within the field.
fn refine(
    all: &Correlations,
    used: &[usize],
    field: &FieldOfDelays,
    (mut at, mut step): ([f64; 2], f64),
) -> [f64; 2] {
    let value = |at: [f64; 2]| used.iter().map(|&p| all.exact(p, field, at)).sum::<f64>();
    let mut top = value(at);
    for _ in 0..12 {
        step *= 0.5;
        for _ in 0..4 {
            let around = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step], [step, step], [-step, -step]];
            let inside = |x: f64| x.clamp(-field.half, field.half);
            let tries = around.map(|d| [inside(at[0] + d[0]), inside(at[1] + d[1])]);
            let better =
                tries.into_iter().map(|p| (p, value(p))).reduce(|p, q| if q.1 > p.1 { q } else { p });
            match better.filter(|b| b.1 > top) {
                Some(b) => (at, top) = b,
                None => break,
            }
        }
    }
    at
}

/// Errors of a direction from those of the delays, 1 / (2 pi B sqrt(2 z)) with B the spread of the frequencies (Thompson, Moran
/// and Swenson, section 9.8).
fn errors(all: &Correlations, z_p: &[f64], field: &FieldOfDelays) -> Option<[f64; 3]> {
    let mut fisher = [0.0f64; 3];
    for (pair, &z) in z_p.iter().enumerate() {
        let slope_s = field.slope_s(all.pairs[pair]);
        let parts = all.parts(pair).max(1) as f64;
        for channels in all.coherent.iter().filter(|c| all.norm(pair, c) > 0.0) {
            // One of z is noise.
            let signal = (z / parts - 1.0).max(0.25);
            let sigma_s = 1.0 / (TAU * all.spread_hz(pair, channels).max(1.0) * (2.0 * signal).sqrt());
            let s = slope_s.map(|slope| slope / sigma_s);
            fisher = [fisher[0] + s[0] * s[0], fisher[1] + s[0] * s[1], fisher[2] + s[1] * s[1]];
        }
    }
    let determinant = fisher[0] * fisher[2] - fisher[1] * fisher[1];
    if determinant <= 1e-9 * fisher[0] * fisher[2] || determinant <= 0.0 {
        return None;
    }
    let (l, m) = ((fisher[2] / determinant).sqrt(), (fisher[0] / determinant).sqrt());
    Some([l, m, -fisher[1] / determinant / (l * m)])
}
