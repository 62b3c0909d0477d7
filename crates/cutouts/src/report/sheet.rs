//! A contact sheet: small pictures side by side, as PNG.

use crate::cut::THUMB;
use crate::run::Picture;
use std::io::{self, Write};

/// Pictures in a row.
pub(super) const COLUMNS: usize = 6;
/// Dark pixels between pictures.
const GAP: usize = 2;

/// Writes the pictures in rows of six; one dark picture where there is none.
pub(super) fn png(file: &mut impl Write, pictures: &[Picture]) -> io::Result<()> {
    let rows = pictures.len().div_ceil(COLUMNS).max(1);
    let (width, height) = (COLUMNS * (THUMB + GAP) + GAP, rows * (THUMB + GAP) + GAP);
    let mut rgb = vec![24u8; 3 * width * height];
    for (number, picture) in pictures.iter().enumerate() {
        let (column, row) = (number % COLUMNS, number / COLUMNS);
        for (y, line) in picture.rgb.chunks_exact(3 * THUMB).enumerate() {
            let start = (GAP + row * (THUMB + GAP) + y) * width + GAP + column * (THUMB + GAP);
            rgb[3 * start..3 * start + line.len()].copy_from_slice(line);
        }
    }
    let mut encoder = png::Encoder::new(file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&rgb).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}
