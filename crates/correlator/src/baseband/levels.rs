//! What number each sample code stands for.

use serde::{Deserialize, Serialize};

/// One standard deviation in units of the 4-bit step (the value that DiFX and the baseband package use).
const FOUR_BIT_SIGMA: f32 = 2.95;
/// One standard deviation in units of the 8-bit step.
const EIGHT_BIT_SIGMA: f32 = 35.5;

/// The values of sample codes. Codes ascend (offset binary): code 0 is the most negative value.
///
/// 1 bit: -1, +1. 2 bits: -high, -1, +1, +high. 4 bits: (code - 8) / 2.95. 8 bits: (code - 127.5) / 35.5.
/// 16 bits: code - 32768.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The outer value of 2-bit samples.
    pub two_bit_high: f32,
}

impl Levels {
    /// What DiFX uses (its `HiMag`).
    pub const DIFX: Self = Self { two_bit_high: 3.3359 };
    /// What the baseband Python package uses; the least-squares optimum for Gaussian noise.
    pub const OPTIMAL: Self = Self { two_bit_high: 3.316_505 };

    /// The value of `code` in samples of `bits` bits.
    pub fn value(&self, bits: usize, code: u16) -> f32 {
        let code_f = f32::from(code);
        match bits {
            1 => 2.0 * code_f - 1.0,
            2 => match code {
                0 => -self.two_bit_high,
                1 => -1.0,
                2 => 1.0,
                _ => self.two_bit_high,
            },
            4 => (code_f - 8.0) / FOUR_BIT_SIGMA,
            8 => (code_f - 127.5) / EIGHT_BIT_SIGMA,
            _ => code_f - 32_768.0,
        }
    }

    /// The values of the elements in each byte: entry `byte x (8 / bits) + i` is element `i` (least significant first).
    ///
    /// `bits` is 1, 2, 4 or 8.
    pub fn byte_table(&self, bits: usize) -> Vec<f32> {
        let mask = (1u16 << bits) - 1;
        let per_byte = 8 / bits;
        (0..256u16)
            .flat_map(|byte| (0..per_byte).map(move |i| byte >> (i * bits) & mask))
            .map(|code| self.value(bits, code))
            .collect()
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::DIFX
    }
}
