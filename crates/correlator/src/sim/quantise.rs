//! Turns numbers into sample codes.

/// Threshold of 2-bit samples with the least loss, in standard deviations (Cooper 1970; Thompson, Moran and Swenson,
/// Interferometry and Synthesis, section 8.3).
const TWO_BIT_THRESHOLD: f32 = 0.9816;
/// Counts per standard deviation of 16-bit samples.
const SIXTEEN_BIT_SIGMA: f32 = 2048.0;

/// The code of `x`, given in standard deviations, in samples of `bits` bits: the inverse of
/// [`crate::baseband::Levels::value`] up to scale.
pub(super) fn code(bits: usize, x: f32) -> u16 {
    let clamp = |value: f32, top: f32| value.round().clamp(0.0, top) as u16;
    match bits {
        1 => u16::from(x >= 0.0),
        2 if x < -TWO_BIT_THRESHOLD => 0,
        2 if x < 0.0 => 1,
        2 if x < TWO_BIT_THRESHOLD => 2,
        2 => 3,
        4 => clamp(x * 2.95 + 8.0, 15.0),
        8 => clamp(x * 35.5 + 127.5, 255.0),
        _ => clamp(x * SIXTEEN_BIT_SIGMA + 32_768.0, 65_535.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseband::Levels;

    #[test]
    fn codes_stand_for_their_values() {
        for (bits, scale, step) in [(4, 1.0, 1.0 / 2.95), (8, 1.0, 1.0 / 35.5), (16, 2048.0, 1.0 / 2048.0)] {
            for i in -200..200 {
                let x = i as f32 * 0.01;
                let back = Levels::DIFX.value(bits, code(bits, x)) / scale;
                assert!((back - x).abs() <= 0.51 * step, "{bits} bits: {x} became {back}");
            }
        }
        assert_eq!([-2.0, -0.5, 0.5, 2.0].map(|x| code(2, x)), [0, 1, 2, 3]);
        assert_eq!([-2.0, 0.5].map(|x| code(1, x)), [0, 1]);
    }
}
