//! How an image is cut into tiles; puts them together.

use super::super::error::FitsError;
use super::super::hdu::Hdu;
use super::{Problem, Shape};

/// Length and tile length along an axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    length: usize,
    tile: usize,
    tiles: usize,
}

/// An image's axes: the first, and those that are longer than one pixel.
pub(super) struct Grid {
    axes: Vec<Axis>,
    count: usize,
    tiles: usize,
}

impl Grid {
    /// Of a header that does not lie about the size of its image: its table must have a row for each tile, and its bytes must be able
    /// to hold so many pixels (a run of PLIO's: 4095 in two bytes; one tile of one value takes next to nothing).
    pub(super) fn of(hdu: &Hdu<'_>) -> Result<Self, FitsError> {
        const ALWAYS: usize = 1 << 24;
        const PIXELS_PER_BYTE: usize = 4096;
        let mut axes: Vec<Axis> = Vec::new();
        let (mut count, mut tiles) = (1usize, 1usize);
        for axis in 1..=hdu.header.integer("ZNAXIS").unwrap_or(0) {
            let size = |keyword: &str, absent: i64| {
                let value = hdu.header.integer(keyword).unwrap_or(absent);
                let size = usize::try_from(value).ok().filter(|&n| n > 0);
                size.ok_or_else(|| hdu.wrong(keyword, format!("is {value}")))
            };
            let length = size(&format!("ZNAXIS{axis}"), 0)?;
            let tile = size(&format!("ZTILE{axis}"), if axis == 1 { length as i64 } else { 1 })?;
            let along = length.div_ceil(tile);
            (count, tiles) = (count.saturating_mul(length), tiles.saturating_mul(along));
            if axis == 1 || length > 1 {
                axes.push(Axis { length, tile: tile.min(length), tiles: along });
            }
        }
        let rows = hdu.header.integer("NAXIS2").unwrap_or(0);
        if usize::try_from(rows) != Ok(tiles) {
            return Err(hdu.wrong("NAXIS2", format!("is {rows}, the image has {tiles} tiles")));
        }
        if count > hdu.data.len().saturating_mul(PIXELS_PER_BYTE).saturating_add(ALWAYS) {
            return Err(hdu.wrong("ZNAXIS", format!("makes {count} pixels, more than its data can hold")));
        }
        Ok(Self { axes, count, tiles })
    }

    /// First pixel and length of a tile along each axis.
    fn place(&self, tile: usize) -> Vec<(usize, usize)> {
        let mut rest = tile;
        let along = |axis: &Axis| {
            let start = rest % axis.tiles * axis.tile;
            rest /= axis.tiles;
            (start, axis.tile.min(axis.length - start))
        };
        self.axes.iter().map(along).collect()
    }

    /// Calls `unpack` for each tile and puts what it gives where it belongs; an error comes with the tile's number, from 0.
    pub(super) fn assemble<T: Copy + Default>(
        &self,
        mut unpack: impl FnMut(usize, Shape, &mut Vec<T>) -> Result<(), Problem>,
    ) -> Result<Vec<T>, (usize, Problem)> {
        // A header may lie: to run out of memory is the end of the file, not of the process. What is not written to takes none.
        let room = Vec::<T>::new().try_reserve_exact(self.count);
        room.map_err(|_| (0, "there is no memory for so many pixels"))?;
        let mut image = vec![T::default(); self.count];
        let mut values = Vec::new();
        for tile in 0..self.tiles {
            let place = self.place(tile);
            let shape = Shape { width: place[0].1, count: place.iter().map(|p| p.1).product() };
            unpack(tile, shape, &mut values).map_err(|problem| (tile, problem))?;
            if values.len() != shape.count {
                return Err((tile, "it has another number of pixels than its place"));
            }
            for (line, row) in values.chunks_exact(shape.width).enumerate() {
                let start = self.start_of(line, &place);
                image[start..start + shape.width].copy_from_slice(row);
            }
        }
        Ok(image)
    }

    /// Where line `line` of a tile starts in the image.
    fn start_of(&self, line: usize, place: &[(usize, usize)]) -> usize {
        let (mut rest, mut start, mut stride) = (line, place[0].0, self.axes[0].length);
        for (axis, (first, length)) in self.axes.iter().zip(place).skip(1) {
            start += (first + rest % length) * stride;
            rest /= length;
            stride *= axis.length;
        }
        start
    }
}
