//! Looks at a line of the first look on all steps, in the spectra themselves.

use super::between::Between;
use super::find::Line;
use super::grid::STEPS;
use super::station::Station;
use num_complex::Complex32;

/// Steps by which ends of lines are moved to find the strongest around one.
const REFINED: i64 = 3;
/// Steps on each side that such lines reach: lines are straight to a few steps.
const HALF: i64 = 2 * REFINED + 8;
/// Steps beyond a line's width that are taken out with it.
const BESIDE: i64 = STEPS as i64;

/// The strongest line on all steps around one (in steps of the unit), of some stations' powers together. What they have by themselves counts
/// as noise: `taken` are the lines of each.
pub(super) fn refined(
    between: &mut Between,
    stations: &[(&Station, &[Line])],
    (around, most_drift): (&Line, i64),
) -> Line {
    let spectra = stations.first().map_or(0, |(s, _)| s.spectra);
    let row = (2 * HALF + 1) as usize;
    let mut power_tk = vec![0.0; spectra * row];
    for (station, taken) in stations {
        // Most lines are far away.
        let near = |line: &&Line| {
            let reach = HALF + 2 * most_drift + line.wide as i64 + BESIDE;
            (line.middle() - around.middle()).abs() <= reach
        };
        let taken: Vec<&Line> = taken.iter().filter(near).collect();
        add(between, station, (around, &taken), &mut power_tk);
    }
    let mut best = Line { sum: f64::MIN, ..*around };
    for more in -REFINED..=REFINED {
        for up in -REFINED..=REFINED {
            let drift = (around.drift + more).clamp(-most_drift, most_drift);
            // Turned around its middle, and moved.
            let Ok(first) = usize::try_from(around.first as i64 + up - more / 2) else { continue };
            let line = Line { first, drift, ..best };
            let power = |t: usize| {
                let place = line.step(spectra, t) - around.step(spectra, t) + HALF;
                usize::try_from(place).ok().filter(|p| *p < row).map_or(0.0, |p| power_tk[t * row + p])
            };
            let sum = (0..spectra).map(power).sum();
            if sum > best.sum {
                best = Line { sum, ..line };
            }
        }
    }
    best
}

/// Adds the powers of a station around a line.
fn add(between: &mut Between, station: &Station, (around, taken): (&Line, &[&Line]), power_tk: &mut [f64]) {
    let row = (2 * HALF + 1) as usize;
    let mut values = vec![Complex32::default(); row];
    for (t, powers) in power_tk.chunks_exact_mut(row).enumerate() {
        let first = around.step(station.spectra, t) - HALF;
        if station.scale.time_t[t] <= 0.0 {
            continue;
        }
        between.row((&station.voltages, t), first, &mut values);
        for (k, (power, value)) in powers.iter_mut().zip(&values).enumerate() {
            let step = first + k as i64;
            let is_taken =
                |line: &&Line| (step - line.step(station.spectra, t)).abs() <= line.wide as i64 + BESIDE;
            let noise = if taken.iter().any(is_taken) { None } else { station.noise(t, step) };
            *power += noise.map_or(1.0, |noise| f64::from(value.norm_sqr()) / noise);
        }
    }
}
