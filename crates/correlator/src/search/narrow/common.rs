//! What stations have in common beside a line: the noise of a strong source, which correlates on every line.
//!
//! With X_a = n_a + g_a c, c the source's noise, another value in each spectrum and channel, X_a conj(X_b) has the same mean on the line as in channels
//! beside it, whatever the direction of the source. That mean is taken off the products on the line, spectrum by spectrum. Where nothing is seen beside
//! the line nothing is taken off.

use super::super::chance::{ln_chance, of_any};
use super::cross::{CrossTest, FieldOfRates, above, all_pairs};
use super::grid::STEPS;
use super::tracks::{Track, wide};
use num_complex::Complex64;
use std::f64::consts::TAU;

/// Channels beside a line, and what it is wide, that are none of it.
const APART: i64 = 3;
/// Probability that noise has as much in common anywhere in the field, at most, for it to be taken off.
const MOST_CHANCE: f64 = 1e-2;

/// Mean products of a pair beside the line, at one shift of the second station.
#[derive(Debug, Clone, PartialEq)]
struct Mean {
    /// By spectrum, for powers of 1.
    product_t: Vec<Complex64>,
    /// Channels that it is a mean of.
    channels: usize,
    /// Spectra that both stations have.
    used: usize,
}

/// Mean products of all pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// Shifts are up to so many steps, either way.
    span: i64,
    /// By pair and shift.
    means: Vec<((usize, usize), Vec<Mean>)>,
    /// Root of the pairs' mean square coherence in the direction in which it is largest.
    pub coherence: f64,
}

impl Common {
    /// The mean product of a pair in a spectrum, the second station so many steps above the line, and its variance.
    pub fn product(&self, pair: (usize, usize), shift: i64, t: usize) -> (Complex64, f64) {
        let (mean, turned) = match self.mean(pair, shift) {
            Some(mean) => (mean, false),
            None => match self.mean((pair.1, pair.0), -shift) {
                Some(mean) => (mean, true),
                None => return (Complex64::default(), 0.0),
            },
        };
        let product = mean.product_t[t];
        (if turned { product.conj() } else { product }, 1.0 / mean.channels.max(1) as f64)
    }

    fn mean(&self, pair: (usize, usize), shift: i64) -> Option<&Mean> {
        let (_, means) = self.means.iter().find(|(of, _)| *of == pair)?;
        means.get(usize::try_from(shift + self.span).ok()?)
    }

    /// Coherence of a pair at a direction.
    pub fn at(&self, (a, b): (usize, usize), field: &FieldOfRates, at: [f64; 2]) -> Complex64 {
        let rate = field.rate((a, b), at) / field.channel_hz;
        let spectra = self.means.first().map_or(0, |(_, means)| means[0].product_t.len());
        let turned = |t: usize| {
            let turns = rate * t as f64;
            let (sin, cos) = libm::sincos(-TAU * (turns - turns.round()));
            self.product((a, b), above(rate), t).0 * Complex64::new(cos, sin)
        };
        let used = self.mean((a, b), 0).or_else(|| self.mean((b, a), 0)).map_or(0, |mean| mean.used);
        (0..spectra).map(turned).sum::<Complex64>() / used.max(1) as f64
    }

    /// Root of the mean square coherence of pairs at a direction.
    pub fn of_pairs(&self, field: &FieldOfRates, at: [f64; 2]) -> f64 {
        let square = |(pair, _): &((usize, usize), Vec<Mean>)| self.at(*pair, field, at).norm_sqr();
        (self.means.iter().map(square).sum::<f64>() / self.means.len().max(1) as f64).sqrt()
    }
}

/// What the stations of a field have in common beside a line that is so many steps wide; `None` where noise may have as much.
pub fn common(test: &CrossTest, track: &Track, line_wide: usize, field: &FieldOfRates) -> Option<Common> {
    let pairs = all_pairs(&track.with_data());
    let most = field.most_steps(track.half);
    let beside = beside(track.half, line_wide);
    let scale_mk = scales(track);
    let of = |pair| (-2 * most..=2 * most).map(|k| mean(track, pair, k, (&beside, &scale_mk))).collect();
    let means: Vec<((usize, usize), Vec<Mean>)> = pairs.iter().map(|&pair| (pair, of(pair))).collect();
    let mut common = Common { span: 2 * most, means, coherence: 0.0 };
    // Exponential with mean 1 where there is but noise.
    let power = |sum: Complex64, mean: &Mean| sum.norm_sqr() * mean.channels as f64 / mean.used.max(1) as f64;
    let table = |pair: (usize, usize), k: i64| {
        let Some(mean) = common.mean(pair, k) else { return Vec::new() };
        test.transform(mean.product_t.iter().copied()).iter().map(|s| power(*s, mean)).collect()
    };
    let (at, sum) = test.of_grid(track.spectra, (&pairs, field, most), &table);
    if of_any(ln_chance(pairs.len(), sum), field.directions(track.spectra as f64 / field.channel_hz))
        > MOST_CHANCE
    {
        return None;
    }
    common.coherence = common.of_pairs(field, at);
    Some(common)
}

/// Places beside the line in whole channels, which share no noise with it.
fn beside(half: usize, line_wide: usize) -> Vec<i64> {
    let (half, steps) = (half as i64, STEPS as i64);
    let first = APART + 1 + (line_wide as i64 + steps - 1) / steps;
    (first..=half / steps).flat_map(|k| [-k * steps, k * steps]).collect()
}

/// 1 over the roots of the powers by station and step of a track: interference counts no more than noise.
fn scales(track: &Track) -> Vec<Vec<f64>> {
    let half = track.half as i64;
    let scale = |m: usize, k: i64| {
        let (power, _) = track.power(m, k);
        if power > 0.0 { 1.0 / power.sqrt() } else { 0.0 }
    };
    (0..track.z_mtk.len()).map(|m| (-half..=half).map(|k| scale(m, k)).collect()).collect()
}

fn mean(
    track: &Track,
    (a, b): (usize, usize),
    shift: i64,
    (beside, scale_mk): (&[i64], &[Vec<f64>]),
) -> Mean {
    let scale = |m: usize, k: i64| {
        let place = usize::try_from(k + track.half as i64).ok();
        place.and_then(|place| scale_mk[m].get(place)).copied().unwrap_or(0.0)
    };
    let (_, _, used) = track.powers_of_both((a, b), 0);
    let mut mean = Mean { product_t: vec![Complex64::default(); track.spectra], channels: 0, used };
    for &k in beside {
        let scale = scale(a, k) * scale(b, k + shift);
        if scale > 0.0 {
            mean.channels += 1;
            for (t, product) in mean.product_t.iter_mut().enumerate() {
                *product += scale * wide(track.at(a, t, k)) * wide(track.at(b, t, k + shift)).conj();
            }
        }
    }
    let powers = used as f64 / mean.channels.max(1) as f64;
    mean.product_t.iter_mut().for_each(|product| *product *= powers);
    mean
}

/// What of a pair's share of coherent amplitude noise may have, nearest to what it has: from nothing, as interference at one station leaves,
/// to what is likeliest where both have so many times their power by chance, mostly of what they have in common (`coherence`).
///
/// Given their powers, noise has a share w with a density as (1 - |w|^2)^n exp(2 n a Re(w)), a = power coherence / (1 - coherence^2).
pub fn centre(share: Complex64, coherence: Complex64, power: f64) -> Complex64 {
    let rho = coherence.norm().min(0.99);
    if rho <= 0.0 {
        return Complex64::default();
    }
    let a = power * rho / (1.0 - rho * rho);
    let likeliest = 2.0 * a / (1.0 + (1.0 + 4.0 * a * a).sqrt());
    let phase = coherence / coherence.norm();
    phase * (share * phase.conj()).re.clamp(0.0, likeliest)
}
