//! Sums of powers along lines in time and frequency: Taylor's tree (1974, A&AS 15, 367), log2(n) additions a line in place of n.

use crate::simd::{Kernel, Lanes};

/// Sums `power` (rows of `width` numbers, one for each of a power of two of spectra) along the lines that rise by 0, 1, ... `most`
/// places from the first spectrum to the last (fewer than spectra): row d of the result, at the place where the line begins. Of lines that leave
/// the rows what is inside is summed. Row t of a line of drift d is [`offset`] places above its beginning,
/// off the straight line by a sixth of a place for each doubling of the spectra at most.
#[inline(always)]
pub fn drift_sums(power: &mut Vec<f32>, scratch: &mut Vec<f32>, width: usize, most: usize) {
    let spectra = power.len() / width.max(1);
    scratch.resize(power.len(), 0.0);
    let mut half = 1;
    while half < spectra {
        // What lines of the whole stretch need of this part of it.
        let needed = (most / (spectra / (2 * half)) + 1).min(2 * half);
        for block in (0..spectra).step_by(2 * half) {
            for drift in 0..needed {
                let low = &power[(block + drift / 2) * width..][..width];
                let high = &power[(block + half + drift / 2) * width..][..width];
                let out = &mut scratch[(block + drift) * width..][..width];
                let shift = drift.div_ceil(2).min(width);
                let inside = width - shift;
                for ((o, l), h) in out[..inside].iter_mut().zip(low).zip(&high[shift..]) {
                    *o = l + h;
                }
                out[inside..].copy_from_slice(&low[inside..]);
            }
        }
        std::mem::swap(power, scratch);
        half *= 2;
    }
}

/// Sums along lines, of which the largest is wanted: for each path's vectors.
pub(super) struct Largest<'a> {
    /// See [`drift_sums`].
    pub power: &'a mut Vec<f32>,
    /// Room.
    pub scratch: &'a mut Vec<f32>,
    /// Numbers in a row.
    pub width: usize,
    /// Places at which lines may begin.
    pub begin: usize,
    /// Smallest and largest drift.
    pub drifts: (usize, usize),
    /// Sums up to here are not wanted.
    pub least: f32,
}

impl Kernel for Largest<'_> {
    /// Sum, place at which the line begins, drift.
    type Output = Option<(f32, usize, usize)>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        drift_sums(self.power, self.scratch, self.width, self.drifts.1);
        let mut best = None;
        let mut top = self.least;
        for drift in self.drifts.0..=self.drifts.1 {
            let sums = &self.power[drift * self.width..][..self.begin];
            if largest(sums) > top {
                top = largest(sums);
                let place = sums.iter().position(|s| *s == top).unwrap_or(0);
                best = Some((top, place, drift));
            }
        }
        best
    }
}

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let more = |a: f32, b: f32| if b > a { b } else { a };
    let mut tops = [0.0f32; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks.remainder().iter().copied().fold(0.0, more);
    for chunk in chunks {
        tops.iter_mut().zip(chunk).for_each(|(top, v)| *top = more(*top, *v));
    }
    tops.into_iter().fold(rest, more)
}

/// How far a line that rises by `drift` places over `spectra` spectra has risen at spectrum `t`: a straight line that a spectrum
/// rises by a whole number of places, and the tree's line for what is left, which is fewer than spectra.
pub fn offset(drift: usize, spectra: usize, t: usize) -> usize {
    if spectra <= 1 {
        return 0;
    }
    let (whole, left) = shear(drift, spectra);
    whole * t + in_tree(left, spectra, t)
}

/// Places that a line rises by from spectrum to spectrum beyond what the tree follows, and what is left for it.
pub(super) fn shear(drift: usize, spectra: usize) -> (usize, usize) {
    let whole = drift.saturating_sub(1) / (spectra - 1).max(1);
    (whole, drift - whole * (spectra - 1))
}

fn in_tree(drift: usize, spectra: usize, t: usize) -> usize {
    if spectra <= 1 {
        return 0;
    }
    let half = spectra / 2;
    if t < half {
        in_tree(drift / 2, half, t)
    } else {
        drift.div_ceil(2) + in_tree(drift / 2, half, t - half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tree_is_its_twin(spectra in (0u32..6).prop_map(|k| 1usize << k), share in 0.0f64..1.0, width in 1usize..90, seed in any::<u32>()) {
            let most = (share * spectra as f64) as usize;
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32;
            let power: Vec<f32> = (0..spectra * width).map(value).collect();
            let (mut sums, mut scratch) = (power.clone(), Vec::new());
            drift_sums(&mut sums, &mut scratch, width, most);
            for drift in 0..=most {
                for f in 0..width {
                    let slow: f32 = (0..spectra)
                        .map(|t| (t, f + offset(drift, spectra, t)))
                        .filter(|(_, g)| *g < width)
                        .map(|(t, g)| power[t * width + g])
                        .sum();
                    prop_assert!((sums[drift * width + f] - slow).abs() <= 1e-6 * slow, "{} {}", drift, f);
                }
            }
        }

        #[test]
        fn lines_are_straight_to_a_sixth_of_a_channel_for_each_doubling(spectra in (1u32..10).prop_map(|k| 1usize << k), share in 0.0f64..3.0) {
            let drift = (share * spectra as f64) as usize;
            for t in 0..spectra {
                let straight = drift as f64 * t as f64 / (spectra - 1) as f64;
                let off = (offset(drift, spectra, t) as f64 - straight).abs();
                prop_assert!(off <= f64::from(spectra.ilog2()) / 6.0 + 1e-9, "{drift} {t}: {off}");
            }
            prop_assert_eq!(offset(drift, spectra, spectra - 1), drift);
            // Backwards in time they fall as they rise.
            for t in 0..spectra {
                prop_assert_eq!(drift - offset(drift, spectra, t), offset(drift, spectra, spectra - 1 - t));
            }
        }
    }
}
