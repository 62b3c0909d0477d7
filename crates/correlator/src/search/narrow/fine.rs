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
/// All of them.
const ROW: usize = 2 * HALF as usize + 1;
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
    let around_t: Vec<i64> = (0..spectra).map(|t| around.step(spectra, t)).collect();
    let mut power_tk = vec![[0.0; ROW]; spectra];
    for (station, taken) in stations {
        // Most lines are far away.
        let near = |line: &&Line| {
            let reach = HALF + 2 * most_drift + line.wide as i64 + BESIDE;
            (line.middle() - around.middle()).abs() <= reach
        };
        let taken: Vec<&Line> = taken.iter().filter(near).collect();
        add(between, station, (&around_t, &taken), &mut power_tk);
    }
    let mut best = Line { sum: f64::MIN, ..*around };
    let mut places = Vec::with_capacity(spectra);
    for more in -REFINED..=REFINED {
        let drift = (around.drift + more).clamp(-most_drift, most_drift);
        let turned = Line { first: 0, drift, ..best };
        places.clear();
        places.extend(around_t.iter().enumerate().map(|(t, step)| turned.step(spectra, t) - step + HALF));
        for up in -REFINED..=REFINED {
            // Turned around its middle, and moved.
            let Ok(first) = usize::try_from(around.first as i64 + up - more / 2) else { continue };
            let power = |(powers, place): (&[f64; ROW], &i64)| {
                usize::try_from(first as i64 + place).ok().and_then(|p| powers.get(p)).copied().unwrap_or(0.0)
            };
            let sum = power_tk.iter().zip(&places).map(power).sum();
            if sum > best.sum {
                best = Line { first, drift, sum, ..best };
            }
        }
    }
    best
}

/// Adds the powers of a station around a line, whose steps are given.
fn add(
    between: &mut Between,
    station: &Station,
    (around_t, taken): (&[i64], &[&Line]),
    power_tk: &mut [[f64; ROW]],
) {
    let (low, high) = around_t.iter().fold((i64::MAX, i64::MIN), |(a, b), &s| (a.min(s), b.max(s)));
    let noise = station.noise(low.saturating_sub(HALF)..high.saturating_add(HALF + 1));
    let mut values = [Complex32::default(); ROW];
    for (t, sums) in power_tk.iter_mut().enumerate() {
        let (first, time) = (around_t[t] - HALF, station.scale.time_t[t]);
        if time <= 0.0 {
            continue;
        }
        between.row((&station.voltages, t), first, &mut values);
        let noise = &noise[(around_t[t] - low) as usize..][..ROW];
        let mut powers = [1.0; ROW];
        for ((power, value), noise) in powers.iter_mut().zip(&values).zip(noise) {
            if *noise > 0.0 {
                *power = f64::from(value.norm_sqr()) / (time * noise);
            }
        }
        for line in taken {
            let (middle, reach) = (line.step(station.spectra, t) - first, line.wide as i64 + BESIDE);
            let place = |step: i64| step.clamp(0, ROW as i64) as usize;
            powers[place(middle - reach)..place(middle + reach + 1)].fill(1.0);
        }
        sums.iter_mut().zip(&powers).for_each(|(sum, power)| *sum += power);
    }
}
