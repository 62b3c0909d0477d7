//! Reads images in tiles (FITS 4.0, section 10) with NaN for every null.
//!
//! cfitsio's decoders trust the lengths that they meet: a damaged file breaks the heap, and with it the process or, worse, the
//! pixels of the files that come after. Here every length is checked; cfitsio is the oracle of the tests.

mod bits;
mod codec;
#[cfg(test)]
#[allow(unsafe_code)]
mod ffi;
mod grid;
mod gzip;
mod hcompress;
mod plio;
mod quantize;
mod rice;
mod rows;
#[cfg(test)]
mod tests;

use super::decode::{Encoding, Pixels};
use super::error::FitsError;
use super::hdu::Hdu;
use codec::Codec;
use grid::Grid;
use gzip::Gunzip;
use quantize::Quantized;
use rows::{Data, Rows};

/// What is wrong with the bytes of a tile.
type Problem = &'static str;

/// The size of a tile.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Pixels along the first axis.
    width: usize,
    /// All its pixels.
    count: usize,
}

/// Unpacks the image in tiles of an HDU of `bytes`, pixels along the first axis first.
///
/// # Errors
/// [`FitsError::Header`] where its keywords cannot be, [`FitsError::Decode`] with the tile and what is wrong with it.
pub(super) fn read_tiles(
    bytes: &[u8],
    hdu: &Hdu<'_>,
    encoding: Encoding,
) -> Result<Pixels<'static>, FitsError> {
    let grid = Grid::of(hdu)?;
    let mut tiles = Tiles::of(bytes, hdu, encoding)?;
    if encoding.bitpix > 0 {
        let integers = grid.assemble(|row, shape, out| tiles.integers(row, shape, out));
        return Ok(Pixels::Integers(integers.map_err(|p| damaged(hdu, p))?, encoding));
    }
    let mut scratch = Vec::new();
    let numbers = grid.assemble(|row, shape, out| tiles.numbers(row, shape, &mut scratch, out));
    Ok(Pixels::Numbers(numbers.map_err(|p| damaged(hdu, p))?))
}

fn damaged(hdu: &Hdu<'_>, (tile, problem): (usize, Problem)) -> FitsError {
    let problem = format!("HDU {}, tile {}: {problem}", hdu.index, tile + 1);
    FitsError::Decode { what: "an image in tiles", problem }
}

/// An image's tiles.
struct Tiles<'a> {
    rows: Rows<'a>,
    codec: Codec,
    quantized: Option<Quantized>,
    encoding: Encoding,
    /// What the pixels are stored more by: PLIO knows no negative numbers.
    offset: i64,
    gunzip: Gunzip,
}

impl<'a> Tiles<'a> {
    fn of(bytes: &'a [u8], hdu: &Hdu<'_>, encoding: Encoding) -> Result<Self, FitsError> {
        let rows = Rows::of(bytes, hdu)?;
        let codec = Codec::of(hdu)?;
        let quantized = if encoding.bitpix < 0 { Quantized::of(hdu, &rows)? } else { None };
        let offset = if matches!(codec, Codec::Plio) && encoding.zero == 32_768.0 { 32_768 } else { 0 };
        Ok(Self { rows, codec, quantized, encoding, offset, gunzip: Gunzip::new() })
    }

    /// The stored integers of a tile.
    fn integers(&mut self, row: usize, shape: Shape, out: &mut Vec<i64>) -> Result<(), Problem> {
        match self.rows.data(row)? {
            Data::Compressed(bytes) => {
                self.codec.integers(&mut self.gunzip, bytes, shape, out)?;
                out.iter_mut().for_each(|value| *value -= self.offset);
                Ok(())
            }
            Data::Gzip(bytes) => codec::integers(self.gunzip.unpack(bytes, shape.count)?, shape.count, out),
            Data::Plain(bytes) => codec::integers(bytes, shape.count, out),
        }
    }

    /// The values of a tile of a floating-point image.
    fn numbers(
        &mut self,
        row: usize,
        shape: Shape,
        scratch: &mut Vec<i64>,
        out: &mut Vec<f64>,
    ) -> Result<(), Problem> {
        let count = shape.count;
        match (self.rows.data(row)?, &self.quantized) {
            (Data::Compressed(bytes), Some(quantized)) => {
                self.codec.integers(&mut self.gunzip, bytes, shape, scratch)?;
                let levels = quantized.levels(&self.rows, row)?;
                levels.values(scratch, self.encoding.bitpix == -32, out);
            }
            (Data::Compressed(bytes), None) => self.codec.numbers(&mut self.gunzip, bytes, count, out)?,
            // What could not be quantized is kept as it is.
            (Data::Gzip(bytes), _) => codec::numbers(self.gunzip.unpack(bytes, count)?, count, out)?,
            (Data::Plain(bytes), _) => codec::numbers(bytes, count, out)?,
        }
        self.encoding.scale_numbers(out);
        Ok(())
    }
}
