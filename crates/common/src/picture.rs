//! Writes pictures as PNG files, whole or not at all.

use crate::atomic::{self, WriteError};
use std::io::{self, Write};
use std::path::Path;

/// Writes `rgb` (three bytes a pixel, row by row from the top) of `size` pixels (width, height).
///
/// # Errors
/// What the system says; pixels that do not fill the size.
pub fn write_png(path: &Path, size: (u32, u32), rgb: &[u8]) -> Result<(), WriteError> {
    write_png_saying(path, size, rgb, "")
}

/// The same with a text in the file that tells how it was made.
///
/// # Errors
/// As [`write_png`].
pub fn write_png_saying(path: &Path, size: (u32, u32), rgb: &[u8], made_by: &str) -> Result<(), WriteError> {
    atomic::write(path, |file| encode(file, size, rgb, made_by))
}

fn encode(file: impl Write, size: (u32, u32), rgb: &[u8], made_by: &str) -> io::Result<()> {
    let mut encoder = png::Encoder::new(file, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    if !made_by.is_empty() {
        encoder.add_itxt_chunk("Software".to_string(), made_by.to_string()).map_err(io_error)?;
    }
    let mut writer = encoder.write_header().map_err(io_error)?;
    writer.write_image_data(rgb).map_err(io_error)?;
    writer.finish().map_err(io_error)
}

/// The system's own word, where there is one.
fn io_error(error: png::EncodingError) -> io::Error {
    match error {
        png::EncodingError::IoError(e) => e,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dot.png");
        write_png(&path, (2, 1), &[255, 0, 0, 0, 0, 255]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[1..4], *b"PNG");
        let short = folder.path().join("short.png");
        assert!(write_png(&short, (2, 2), &[0; 6]).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
