//! A small dirty image around a candidate, from the visibilities of all baselines with the candidate's phases.
//!
//! Phases between stations are not calibrated, and position errors are many beams wide: as self-calibration on a point would do it, the
//! phases of the stations in each stretch, group of bands and polarisation are those that fit the candidate as a point at
//! its place best. Two stations alone show a point therefore; the closure phases of three and more stations show what is
//! none. Natural weights: each visibility counts as its noise allows.

use super::block::{Block, Offset};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Pixels of a side.
const SIDE: usize = 97;
/// Pixels in the narrowest fringe.
const PER_FRINGE: f64 = 5.0;
/// Averages in time and frequency: over an image's width, phases turn little more within a stretch.
const AVERAGED: [usize; 2] = [4, 16];
/// Rounds in which the phases of stations settle.
const ROUNDS: usize = 30;

/// The image: rows from south to north, columns from east to west.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dirty {
    /// Pixels of a side; the candidate is in the middle.
    pub side: usize,
    /// Width of a pixel, direction cosine.
    pub step: f64,
    /// Brightness, `[row][column]`.
    pub brightness: Vec<f32>,
    /// Whether it is in Jy/beam; else correlation coefficients.
    pub in_jy: bool,
    /// Standard deviation of a pixel by noise.
    pub noise: f64,
    /// Full widths at half maximum of the beam's main lobe (direction cosines), and the angle of the long axis from north to
    /// east, rad; `None` where it is no ellipse.
    pub beam: Option<[f64; 3]>,
}

impl Dirty {
    /// The image around a place; `None` where nothing has weight.
    pub fn around(blocks: &[Block], at: Offset) -> Option<Self> {
        let in_jy = blocks.iter().all(|b| b.seen.jy.is_some());
        let near: Vec<Block> = blocks.iter().map(|b| b.averaged(at, AVERAGED)).collect();
        let fringe = near.iter().map(Block::narrowest_fringe).fold(f64::INFINITY, f64::min);
        if !fringe.is_finite() {
            return None;
        }
        let step = fringe / PER_FRINGE;
        let turns = phases(&near, at);
        let mut sums = vec![0.0; SIDE * SIDE];
        let (mut weights, mut moments) = (0.0, [0.0; 3]);
        for ((whole, block), turn) in blocks.iter().zip(&near).zip(turns) {
            let scale = if in_jy { block.seen.jy.unwrap_or(1.0) / whole.smeared(at) } else { 1.0 };
            // One over the variance of a component of a visibility of weight 1.
            let weight = 2.0 * block.weight() / (block.noise_power() * scale * scale);
            weights += weight * block.weight();
            let of_uv = block.moments();
            moments.iter_mut().zip(of_uv).for_each(|(sum, m)| *sum += weight * block.weight() * m);
            for (index, sum) in sums.iter_mut().enumerate() {
                let place = Self::place(at, step, index);
                *sum += weight * scale * (block.sum(place) * turn.conj()).re;
            }
        }
        let brightness = sums.iter().map(|s| (s / weights) as f32).collect();
        let beam = beam(moments.map(|m| m / weights));
        Some(Self { side: SIDE, step, brightness, in_jy, noise: weights.sqrt().recip(), beam })
    }

    /// Where a pixel is.
    fn place(at: Offset, step: f64, index: usize) -> Offset {
        let off = |i: usize| (i as f64 - (SIDE / 2) as f64) * step;
        Offset { l: at.l - off(index % SIDE), m: at.m + off(index / SIDE) }
    }
}

/// The phasor of each block's sum at a place: of the stations' phases that fit all baselines best.
fn phases(near: &[Block], at: Offset) -> Vec<Complex64> {
    let sums: Vec<Complex64> = near.iter().map(|b| b.sum(at) / b.noise_power().sqrt()).collect();
    let mut turns = vec![Complex64::new(1.0, 0.0); near.len()];
    let mut done = vec![false; near.len()];
    for first in 0..near.len() {
        if done[first] {
            continue;
        }
        let group: Vec<usize> = (first..near.len())
            .filter(|&i| !done[i] && near[i].seen.together == near[first].seen.together)
            .collect();
        group.iter().for_each(|&i| done[i] = true);
        let mut names: Vec<&str> =
            group.iter().flat_map(|&i| near[i].seen.baseline.iter().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        let place = |name: &str| names.iter().position(|n| *n == name).unwrap_or(0);
        let ends: Vec<[usize; 2]> =
            group.iter().map(|&i| [0, 1].map(|k| place(near[i].seen.baseline[k].as_str()))).collect();
        let mut stations = vec![Complex64::new(1.0, 0.0); names.len()];
        for _ in 0..ROUNDS {
            for station in 0..names.len() {
                let toward = |(&i, [a, b]): (&usize, &[usize; 2])| {
                    if *a == station {
                        sums[i] * stations[*b]
                    } else if *b == station {
                        sums[i].conj() * stations[*a]
                    } else {
                        Complex64::default()
                    }
                };
                let sum: Complex64 = group.iter().zip(&ends).map(toward).sum();
                if sum.norm() > 0.0 {
                    stations[station] = sum / sum.norm();
                }
            }
        }
        for (&i, [a, b]) in group.iter().zip(&ends) {
            turns[i] = stations[*a] * stations[*b].conj();
        }
    }
    turns
}

/// The ellipse at half maximum of the Gaussian that is as curved in the middle as the beam with these mean squares of u, v
/// (wavelengths) and mean product.
fn beam([uu, vv, uv]: [f64; 3]) -> Option<[f64; 3]> {
    let (mean, half) = (0.5 * (uu + vv), (0.5 * (uu - vv)).hypot(uv));
    // The least is the direction in which baselines are short: there the beam is wide.
    let (most, least) = (mean + half, mean - half);
    if least < 1e-6 * most {
        return None;
    }
    let width = |square: f64| (8.0 * std::f64::consts::LN_2 / square).sqrt() / TAU;
    // The angle of the direction with the least mean square, from north (v) to east (u).
    let angle = 0.5 * libm::atan2(-2.0 * uv, uu - vv);
    Some([width(least), width(most), angle])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beams_are_wide_where_baselines_are_short() {
        // East-west baselines are ten times longer: the long axis points north.
        let [long, short, angle] = beam([100.0, 1.0, 0.0]).unwrap();
        assert!((long / short - 10.0).abs() < 1e-9 && angle.abs() < 1e-9, "{angle}");
        // Baselines along the diagonal towards north-east: the long axis is across, at -45 degrees.
        let [_, _, angle] = beam([50.0, 50.0, 49.0]).unwrap();
        assert!((angle.to_degrees() + 45.0).abs() < 1e-9, "{angle}");
        let [_, _, angle] = beam([1.0, 100.0, 0.0]).unwrap();
        assert!((angle.abs().to_degrees() - 90.0).abs() < 1e-9, "{angle}");
        assert!(beam([1.0, 0.0, 0.0]).is_none());
    }
}
