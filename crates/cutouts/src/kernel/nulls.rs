//! Puts numbers where a file has none, as the policy of the band says.

use super::{bits, simd};
use serde::{Deserialize, Serialize};

/// What is done with pixels that are null. The mask tells of them in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NullPolicy {
    /// The band's file is not used.
    Reject,
    /// They become zero.
    Zero,
    /// They become the level of the sky.
    Sky,
    /// They become the mean of their neighbours, from the edge of the hole inwards.
    Interpolate,
}

/// Marks what is no finite number as null; returns how many pixels are.
pub fn mark(pixels: &[f32], mask: &mut [u8]) -> usize {
    simd::wide(
        #[inline(always)]
        || {
            let mut nulls = 0u32;
            for (pixel, bits) in pixels.iter().zip(mask) {
                let null = !pixel.is_finite();
                *bits |= u8::from(null) * bits::NULL;
                nulls += u32::from(null);
            }
            nulls as usize
        },
    )
}

/// Fills the null pixels of a band; `sky` is its level (0 where there is none).
pub fn fill(policy: NullPolicy, pixels: &mut [f32], mask: &[u8], width: usize, sky: f32) {
    if policy == NullPolicy::Interpolate {
        interpolate(pixels, mask, width);
    }
    let value = if policy == NullPolicy::Zero { 0.0 } else { sky };
    for (pixel, bits) in pixels.iter_mut().zip(mask) {
        if bits & bits::NULL != 0 && !(policy == NullPolicy::Interpolate && pixel.is_finite()) {
            *pixel = value;
        }
    }
}

/// In rounds: each null pixel with neighbours that have a value becomes their mean. What no value reaches stays null.
fn interpolate(pixels: &mut [f32], mask: &[u8], width: usize) {
    let height = pixels.len() / width;
    let is_null = |i: &usize, pixels: &[f32]| mask[*i] & bits::NULL != 0 && !pixels[*i].is_finite();
    let mut open: Vec<usize> = (0..pixels.len()).filter(|i| is_null(i, pixels)).collect();
    while !open.is_empty() {
        let mut filled = Vec::new();
        for &at in &open {
            let (x, y) = (at % width, at / width);
            let (mut sum, mut count) = (0f64, 0);
            for ny in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let value = pixels[ny * width + nx];
                    if value.is_finite() && mask[ny * width + nx] & bits::PADDED == 0 {
                        sum += f64::from(value);
                        count += 1;
                    }
                }
            }
            if count > 0 {
                filled.push((at, (sum / f64::from(count)) as f32));
            }
        }
        if filled.is_empty() {
            return;
        }
        for (at, value) in filled {
            pixels[at] = value;
        }
        open.retain(|i| !pixels[*i].is_finite());
    }
}

/// The longest run of bytes that are exactly zero, where it is at least 4096 long: a lost block reads so.
pub fn longest_zero_run(bytes: &[u8]) -> usize {
    // A run of 4096 bytes covers a whole word at some multiple of 2048: most images have none there.
    let has_any = bytes.chunks(2048).any(|chunk| chunk.starts_with(&[0; 16]));
    if !has_any {
        return 0;
    }
    let (mut longest, mut run) = (0, 0);
    // Whole words are looked at: blocks are aligned to far more.
    for word in bytes.as_chunks::<16>().0 {
        run = if *word == [0; 16] { run + 16 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> (Vec<f32>, Vec<u8>) {
        let mut pixels: Vec<f32> = (0..25).map(|i| (i % 5) as f32).collect();
        for i in [6, 7, 12, 18] {
            pixels[i] = f32::NAN;
        }
        pixels[18] = f32::INFINITY;
        let mut mask = vec![0; 25];
        assert_eq!(mark(&pixels, &mut mask), 4);
        (pixels, mask)
    }

    #[test]
    fn each_policy_fills_all_nulls_and_nothing_else() {
        for policy in [NullPolicy::Zero, NullPolicy::Sky, NullPolicy::Interpolate] {
            let (before, mask) = image();
            let mut pixels = before.clone();
            fill(policy, &mut pixels, &mask, 5, 7.0);
            for i in 0..25 {
                if mask[i] == 0 {
                    assert_eq!(pixels[i], before[i]);
                } else {
                    let expected = match policy {
                        NullPolicy::Zero => 0.0..0.1,
                        NullPolicy::Sky => 7.0..7.1,
                        _ => 0.5..3.5,
                    };
                    assert!(expected.contains(&pixels[i]), "{policy:?} {i} {}", pixels[i]);
                }
            }
        }
        let mut all = vec![f32::NAN; 9];
        fill(NullPolicy::Interpolate, &mut all, &[1; 9], 3, 2.5);
        assert_eq!(all, [2.5; 9]);
    }

    #[test]
    fn runs_of_zeros_are_measured() {
        let mut bytes = vec![1u8; 8192];
        bytes[2048..6144].fill(0);
        assert_eq!(longest_zero_run(&bytes), 4096);
        assert_eq!(longest_zero_run(&[1; 100]), 0);
        bytes.fill(1);
        bytes[16..16 + 4096].fill(0);
        assert_eq!(longest_zero_run(&bytes), 4096);
    }
}
