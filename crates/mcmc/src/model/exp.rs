//! Exponentials for the inner loops: the same bits on every machine, and simple enough for the
//! compiler to vectorise (no branches, no library call).
//!
//! `exp(x) = 2^n exp(f)`, `n = round(x / ln 2)`, `|f| <= ln 2 / 2` by a two-part ln 2 (Cody & Waite),
//! exp(f) - 1 by its Taylor polynomial of degree 12 (remainder below 2e-16).

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts; the first has trailing zeros, so that its product with a small integer is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding this rounds to an integer, which then stands in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Arguments are limited to +-708: the result stays a normal number.
const LIMIT: f64 = 708.0;

/// `2^n` and `exp(f) - 1` for `x = n ln 2 + f`.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let x = if x > LIMIT { LIMIT } else { x };
    let x = if x < -LIMIT { -LIMIT } else { x };
    let shifted = x * LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let f = (x - n * LN2_HIGH) - n * LN2_LOW;
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    let mut p = 1.0 / 479_001_600.0;
    for factorial in [39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0] {
        p = p * f + 1.0 / factorial;
    }
    (scale, f + f * f * p)
}

/// `exp(x)`, with x limited to +-708.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let (scale, p) = split(x);
    scale + scale * p
}

/// `1 - exp(-x)` without loss of digits for small x; x limited to +-708.
#[inline(always)]
pub fn one_minus_exp_neg(x: f64) -> f64 {
    let (scale, p) = split(-x);
    (1.0 - scale) - scale * p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "exp({x})");
        }
        for i in 0..20_000 {
            let x = 10f64.powf(f64::from(i) * 1e-3 - 17.0);
            let (ours, library) = (one_minus_exp_neg(x), -(-x).exp_m1());
            assert!((ours / library - 1.0).abs() < 1e-15, "1 - exp(-{x}): {ours} {library}");
        }
        assert_eq!((one_minus_exp_neg(0.0), exp(0.0)), (0.0, 1.0));
        assert!(exp(-1e9) > 0.0 && exp(-1e9) < 1e-300 && one_minus_exp_neg(1e9) == 1.0);
        assert!(exp(f64::NAN).is_nan());
    }
}
