//! Turns the integers of a quantized floating-point image back into numbers, with the random offsets that were added (White et al. 2013).

use super::super::error::FitsError;
use super::super::hdu::Hdu;
use super::Problem;
use super::rows::{Rows, Setting};
use std::sync::LazyLock;

/// Length of the sequence of random numbers that all programs share.
const RANDOM: usize = 10_000;
/// The integer that stands for an exact zero with the second method.
const ZERO: i64 = -2_147_483_646;

/// Park and Miller's minimal generator, divided by its modulus.
static OFFSETS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let mut seed = 1u64;
    let next = |_| {
        seed = seed * 16_807 % 2_147_483_647;
        (seed as f64 / 2_147_483_647.0) as f32
    };
    (0..RANDOM).map(next).collect()
});

/// How random offsets were added.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dither {
    None,
    Offsets,
    OffsetsKeepZero,
}

/// How an image was quantized.
pub(super) struct Quantized {
    scale: Setting,
    zero: Setting,
    blank: Option<Setting>,
    dither: Dither,
    seed: i64,
}

/// How a tile was quantized.
pub(super) struct Levels {
    scale: f64,
    zero: f64,
    blank: Option<i64>,
    dither: Dither,
    /// Where its offsets start.
    start: usize,
}

impl Quantized {
    /// `None` for an image whose numbers are packed as they are.
    pub(super) fn of(hdu: &Hdu<'_>, rows: &Rows<'_>) -> Result<Option<Self>, FitsError> {
        let method = hdu.header.text("ZQUANTIZ").unwrap_or_default();
        let Some(scale) = rows.setting(hdu, "ZSCALE")?.filter(|_| method != "NONE") else { return Ok(None) };
        let zero = rows.setting(hdu, "ZZERO")?.unwrap_or(Setting::Constant(0.0));
        let blank = match rows.setting(hdu, "ZBLANK")? {
            None => rows.setting(hdu, "BLANK")?,
            blank => blank,
        };
        let dither = match method.as_str() {
            "SUBTRACTIVE_DITHER_1" => Dither::Offsets,
            "SUBTRACTIVE_DITHER_2" => Dither::OffsetsKeepZero,
            _ => Dither::None,
        };
        let seed = hdu.header.integer("ZDITHER0").unwrap_or(1);
        Ok(Some(Self { scale, zero, blank, dither, seed }))
    }

    pub(super) fn levels(&self, rows: &Rows<'_>, row: usize) -> Result<Levels, Problem> {
        let blank = self.blank.as_ref().map(|blank| rows.number(blank, row)).transpose()?;
        let start = (row as i64).wrapping_add(self.seed).wrapping_sub(1).rem_euclid(RANDOM as i64);
        Ok(Levels {
            scale: rows.number(&self.scale, row)?,
            zero: rows.number(&self.zero, row)?,
            blank: blank.map(|b| b as i64),
            dither: self.dither,
            start: start as usize,
        })
    }
}

impl Levels {
    /// The numbers of a tile's integers, rounded to single precision where the image has it.
    pub(super) fn values(&self, integers: &[i64], single: bool, out: &mut Vec<f64>) {
        let round = |value: f64| if single { f64::from(value as f32) } else { value };
        let value = |stored: i64, level: f64| match self.blank {
            Some(blank) if blank == stored => f64::NAN,
            _ if stored == ZERO && self.dither == Dither::OffsetsKeepZero => 0.0,
            _ => round(level * self.scale + self.zero),
        };
        out.clear();
        if self.dither == Dither::None {
            out.extend(integers.iter().map(|&stored| value(stored, stored as f64)));
            return;
        }
        let offsets = &*OFFSETS;
        let first = |start: usize| (offsets[start] * 500.0) as usize;
        let (mut start, mut next) = (self.start, first(self.start));
        for &stored in integers {
            out.push(value(stored, stored as f64 - f64::from(offsets[next]) + 0.5));
            next += 1;
            if next == RANDOM {
                start = (start + 1) % RANDOM;
                next = first(start);
            }
        }
    }
}
