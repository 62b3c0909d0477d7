//! Statistics of the pixels of a band over all galaxies, joined in a fixed order.

use super::simd;
use serde::{Deserialize, Serialize};

/// Every so many pixels go into the histogram: no divisor of common widths, so that all columns are met.
const STRIDE: usize = 13;
/// Bits of a number that its class of the histogram leaves out: classes are 1/128 of an octave wide.
const DROPPED: u32 = 16;
const CLASSES: usize = 1 << (32 - DROPPED);
const LANES: usize = 8;
/// Pixels whose mask is looked at together.
const BLOCK: usize = 64;

/// Number, mean and squared deviations of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The sum of squared deviations from it.
    pub m2: f64,
}

impl Moments {
    /// Joins two sets (Chan, Golub & LeVeque 1983, equation 2.1).
    pub fn join(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let (n, d) = (a + b, other.mean - self.mean);
        self.mean += d * b / n;
        self.m2 += other.m2 + d * d * a * b / n;
        self.count += other.count;
    }

    /// Standard deviation of the set; NaN where it is empty.
    pub fn sd(&self) -> f64 {
        (self.m2 / self.count as f64).sqrt()
    }
}

/// The moments of the pixels without any bit in the mask, in eight lanes.
pub fn moments(pixels: &[f32], mask: &[u8]) -> Moments {
    simd::wide(
        #[inline(always)]
        || in_lanes(pixels, mask),
    )
}

/// Sums of numbers and of their squares, in lanes, and how many there were.
#[derive(Default)]
struct Sums {
    sums: [f64; LANES],
    squares: [f64; LANES],
    count: u64,
}

impl Sums {
    /// Adds all numbers; as many as lanes at a time.
    #[inline(always)]
    fn add(&mut self, values: &[f32]) {
        for values in values.as_chunks::<LANES>().0 {
            for (lane, value) in values.iter().enumerate() {
                let x = f64::from(*value);
                self.sums[lane] += x;
                self.squares[lane] += x * x;
            }
        }
        self.count += values.len() as u64;
    }

    /// Adds the numbers without a bit, each to the lane of its place.
    #[inline(always)]
    fn add_good(&mut self, values: &[f32], mask: &[u8]) {
        let mut counts = [0u32; LANES];
        let (whole, rest) = values.as_chunks::<LANES>();
        let (whole_mask, rest_mask) = mask.as_chunks::<LANES>();
        for (values, bits) in whole.iter().zip(whole_mask) {
            for lane in 0..LANES {
                let good = bits[lane] == 0;
                let x = f64::from(if good { values[lane] } else { 0.0 });
                self.sums[lane] += x;
                self.squares[lane] += x * x;
                counts[lane] += u32::from(good);
            }
        }
        for (lane, (value, _)) in rest.iter().zip(rest_mask).enumerate().filter(|(_, (_, bits))| **bits == 0)
        {
            let x = f64::from(*value);
            self.sums[lane] += x;
            self.squares[lane] += x * x;
            counts[lane] += 1;
        }
        self.count += u64::from(counts.iter().sum::<u32>());
    }
}

#[inline(always)]
fn in_lanes(pixels: &[f32], mask: &[u8]) -> Moments {
    let mut sums = Sums::default();
    // Most blocks have no bit set: one question for all their pixels, as selections cost several times the sums.
    for (values, bits) in pixels.chunks(BLOCK).zip(mask.chunks(BLOCK)) {
        let any = bits.iter().fold(0, |any, b| any | b);
        if any == 0 && values.len() == BLOCK {
            sums.add(values);
        } else {
            sums.add_good(values, bits);
        }
    }
    if sums.count == 0 {
        return Moments::default();
    }
    let mean = sums.sums.iter().sum::<f64>() / sums.count as f64;
    let m2 = sums.squares.iter().sum::<f64>() - mean * mean * sums.count as f64;
    Moments { count: sums.count, mean, m2: m2.max(0.0) }
}

/// Counts of numbers by class, from which quantiles follow to half a class: 0.4 %.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
}

/// The class of a number: classes ascend with numbers.
fn class(value: f32) -> usize {
    let bits = value.to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    (ordered >> DROPPED) as usize
}

/// The lowest number of a class.
fn lower(class: usize) -> f64 {
    let ordered = (class as u32) << DROPPED;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    f64::from(f32::from_bits(bits))
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; CLASSES] }
    }
}

impl Histogram {
    /// Counts every 13th pixel, where it has no bit in the mask.
    pub fn add(&mut self, pixels: &[f32], mask: &[u8]) {
        for at in (0..pixels.len()).step_by(STRIDE) {
            if mask[at] == 0 {
                self.counts[class(pixels[at])] += 1;
            }
        }
    }

    /// The classes that are not empty.
    pub fn sparse(&self) -> Vec<(u32, u64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(class, n)| (class as u32, *n)).collect()
    }

    /// Adds what [`Histogram::sparse`] gave.
    pub fn join(&mut self, sparse: &[(u32, u64)]) {
        for (class, n) in sparse {
            if let Some(count) = self.counts.get_mut(*class as usize) {
                *count += n;
            }
        }
    }

    /// The number below which the fraction `q` lies; NaN where nothing has been counted.
    pub fn quantile(&self, q: f64) -> f64 {
        let total: u64 = self.counts.iter().sum();
        let wanted = q * total as f64;
        let mut below = 0f64;
        for (class, n) in self.counts.iter().enumerate() {
            let n = *n as f64;
            if n > 0.0 && below + n >= wanted {
                let (from, to) = (lower(class), lower((class + 1).min(CLASSES - 1)));
                return from + (to - from) * ((wanted - below) / n).clamp(0.0, 1.0);
            }
            below += n;
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joined_moments_are_those_of_all(a in prop::collection::vec(-1e3f32..1e3, 0..50), b in prop::collection::vec(-1e3f32..1e3, 1..50)) {
            let all: Vec<f64> = a.iter().chain(&b).map(|x| f64::from(*x)).collect();
            let mut joined = moments(&a, &vec![0; a.len()]);
            joined.join(&moments(&b, &vec![0; b.len()]));
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let m2: f64 = all.iter().map(|x| (x - mean).powi(2)).sum();
            prop_assert_eq!(joined.count, all.len() as u64);
            prop_assert!((joined.mean - mean).abs() < 1e-9 * 1e3);
            prop_assert!((joined.m2 - m2).abs() < 1e-9 * (1.0 + m2) + 1e-5);
        }

        #[test]
        fn classes_ascend(a in any::<f32>(), b in any::<f32>()) {
            prop_assume!(a.is_finite() && b.is_finite() && a < b);
            prop_assert!(class(a) <= class(b) && lower(class(a)) <= f64::from(a));
        }
    }

    #[test]
    fn eight_at_a_time_are_one_at_a_time() {
        let pixels: Vec<f32> = (0..1003).map(|i| (i * 37 % 101) as f32 - 30.0).collect();
        let mask: Vec<u8> = (0..1003).map(|i| u8::from(i / 64 % 3 == 0 && i % 5 == 0)).collect();
        let good: Vec<f64> =
            pixels.iter().zip(&mask).filter(|(_, m)| **m == 0).map(|(x, _)| f64::from(*x)).collect();
        let found = moments(&pixels, &mask);
        let mean = good.iter().sum::<f64>() / good.len() as f64;
        let m2 = good.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        assert_eq!(found.count, good.len() as u64);
        assert!((found.mean - mean).abs() < 1e-12 && (found.m2 / m2 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_near() {
        let values: Vec<f32> = (0..130_000).map(|i| i as f32 * 1e-3 - 30.0).collect();
        let mut histogram = Histogram::default();
        histogram.add(&values, &vec![0; values.len()]);
        let mut joined = Histogram::default();
        joined.join(&histogram.sparse());
        assert_eq!(joined, histogram);
        for q in [0.01, 0.25, 0.5, 0.99] {
            let truth = 130.0 * q - 30.0;
            assert!((histogram.quantile(q) - truth).abs() < 0.01 * f64::abs(truth) + 0.05, "{q}");
        }
        assert!(Histogram::default().quantile(0.5).is_nan());
    }

    #[test]
    fn what_is_masked_does_not_count() {
        let found = moments(&[1.0, f32::NAN, 3.0], &[0, 1, 0]);
        assert_eq!((found.count, found.mean, found.m2), (2, 2.0, 2.0));
    }
}
