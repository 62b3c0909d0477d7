//! A small picture of a galaxy for the contact sheet.

use super::Cutter;
use crate::config::SkyUse;
use crate::kernel::{asinh, bits};

/// Width and height of a thumbnail (pixels).
pub const THUMB: usize = 64;

impl Cutter<'_> {
    /// Red, green, blue of each pixel from the last, the middle and the first band, as they are before [`Cutter::finish`]:
    /// asinh of the signal over the noise. Null and padded pixels are dark red, missing bands leave their colour dark.
    pub fn thumbnail(&self) -> Vec<u8> {
        let bands = self.settings.bands.len();
        let size = self.settings.size;
        let mut rgb = vec![0u8; 3 * THUMB * THUMB];
        let mut signals = vec![0f32; THUMB * THUMB];
        for (colour, band) in [bands - 1, bands / 2, 0].into_iter().enumerate() {
            let facts = self.cut.facts_b[band];
            let range = self.range(band);
            let (pixels, mask) = (&self.cut.image_bp[range.clone()], &self.cut.mask_bp[range]);
            let noise = if facts.noise > 0.0 { facts.noise } else { 1.0 };
            let level = match self.settings.sky {
                SkyUse::Measure if facts.sky.is_finite() => facts.sky,
                _ => 0.0,
            };
            // The nearest pixel, upside down: FITS counts rows from below.
            let from = |at: usize| (THUMB - 1 - at / THUMB) * size / THUMB * size + at % THUMB * size / THUMB;
            for (at, signal) in signals.iter_mut().enumerate() {
                *signal = (pixels[from(at)] - level) / noise;
            }
            asinh::stretch(&mut signals, 1.0, 45.0);
            for (at, (out, signal)) in rgb.chunks_exact_mut(3).zip(&signals).enumerate() {
                if mask[from(at)] & (bits::NULL | bits::PADDED) != 0 {
                    out.copy_from_slice(&[110, 20, 20]);
                } else {
                    out[colour] = (30.0 + signal).clamp(0.0, 255.0) as u8;
                }
            }
        }
        rgb
    }
}
