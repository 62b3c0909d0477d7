//! Tells of how many powers of noise each power of a file is the mean, by how much they scatter.

use super::super::narrow::noise::quantile_of_mean;
use super::sigproc::{Filterbank, SigprocError};

/// Channels that are looked at: in the middle of the band.
const CHANNELS: usize = 1 << 13;
/// More are not told: sums are nearly Gaussian long before.
const MOST: usize = 1 << 12;

/// The number that the first spectra of a file have.
///
/// # Errors
/// The file cannot be read.
pub(super) fn measured(file: &Filterbank, spectra: usize) -> Result<usize, SigprocError> {
    let count = CHANNELS.min(file.channels);
    let mut row = vec![0.0; count];
    let (mut sum, mut used) = (0.0, 0);
    for t in 0..spectra {
        file.read(t, (file.channels - count) / 2, &mut row)?;
        if let Some(spread) = spread(&mut row) {
            (sum, used) = (sum + spread, used + 1);
        }
    }
    Ok(if used > 0 { looks_of(sum / f64::from(used)) } else { 1 })
}

/// Distance of the quartiles over the median; the powers are put in another order. `None` where there is no noise.
fn spread(powers: &mut [f32]) -> Option<f64> {
    let mut at = |share: usize| {
        let place = share * powers.len() / 4;
        f64::from(*powers.select_nth_unstable_by(place, f32::total_cmp).1)
    };
    let [low, middle, high] = [at(1), at(2), at(3)];
    let spread = (high - low) / middle;
    (middle > 0.0 && spread > 0.0 && spread.is_finite()).then_some(spread)
}

/// How many powers of noise have a mean that scatters so.
fn looks_of(spread: f64) -> usize {
    let of = |n: usize| {
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile_of_mean(n, share));
        (high - low) / middle
    };
    // Quartiles of Gaussian noise are 1.349 standard deviations apart: a beginning for the steps.
    let guess = ((1.349 / spread).powi(2).min(MOST as f64) as usize).max(1);
    let around = guess.saturating_sub(2).max(1)..=(guess + 2).min(MOST);
    let off = |n: &usize| (of(*n) / spread - 1.0).abs();
    around.min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scatter_tells_the_number() {
        for n in [1, 2, 3, 7, 51, 400] {
            let of = |share| quantile_of_mean(n, share);
            assert_eq!(looks_of((of(0.75) - of(0.25)) / of(0.5)), n);
        }
        assert_eq!(looks_of(10.0), 1);
        assert_eq!(spread(&mut [0.0; 8]), None);
    }
}
