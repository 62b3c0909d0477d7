//! Sums of powers along lines in time and frequency: Taylor's tree (1974, A&AS 15, 367), log2(n) additions a line in place of n.

/// Sums `power` (rows of `width` channels, one for each of a power of two of spectra) along the lines that rise by 0, 1, ...
/// channels from the first spectrum to the last: row d of the result, at the channel where the line begins. Of lines that leave
/// the rows what is inside is summed. Row t of a line of drift d is [`offset`] channels above its beginning,
/// off the straight line by a sixth of a channel for each doubling of the spectra at most.
pub fn drift_sums(power: &mut Vec<f32>, scratch: &mut Vec<f32>, width: usize) {
    let spectra = power.len() / width.max(1);
    scratch.resize(power.len(), 0.0);
    let mut half = 1;
    while half < spectra {
        for block in (0..spectra).step_by(2 * half) {
            for drift in 0..2 * half {
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

/// How far a line that rises by `drift` channels over `spectra` spectra has risen at spectrum `t`.
pub fn offset(drift: usize, spectra: usize, t: usize) -> usize {
    if spectra <= 1 {
        return 0;
    }
    let half = spectra / 2;
    if t < half { offset(drift / 2, half, t) } else { drift.div_ceil(2) + offset(drift / 2, half, t - half) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tree_is_its_twin(spectra in (0u32..6).prop_map(|k| 1usize << k), width in 1usize..90, seed in any::<u32>()) {
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32;
            let power: Vec<f32> = (0..spectra * width).map(value).collect();
            let (mut sums, mut scratch) = (power.clone(), Vec::new());
            drift_sums(&mut sums, &mut scratch, width);
            for drift in 0..spectra {
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
        fn lines_are_straight_to_a_sixth_of_a_channel_for_each_doubling(spectra in (1u32..10).prop_map(|k| 1usize << k), share in 0.0f64..1.0) {
            let drift = (share * spectra as f64) as usize;
            for t in 0..spectra {
                let straight = drift as f64 * t as f64 / (spectra - 1) as f64;
                let off = (offset(drift, spectra, t) as f64 - straight).abs();
                prop_assert!(off <= f64::from(spectra.ilog2()) / 6.0 + 1e-9, "{drift} {t}: {off}");
            }
            prop_assert_eq!(offset(drift, spectra, spectra - 1), drift);
        }
    }
}
