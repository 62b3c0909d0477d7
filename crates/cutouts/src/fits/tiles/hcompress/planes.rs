//! One bit plane of a quadrant: four bits for each square of two by two, written directly or as a quadtree of Huffman codes.

use super::super::Problem;
use super::super::bits::Bits;
use super::Number;
use std::num::Wrapping;

const DIRECT: u32 = 0;
const QUADTREE: u32 = 15;

/// The squares of a plane, line after line.
#[derive(Default)]
pub(super) struct Plane {
    squares: Vec<u8>,
    finer: Vec<u8>,
    lines: usize,
    width: usize,
}

/// The bit of a pixel in its square: top left is the highest.
fn is_set(square: u8, line: usize, column: usize) -> bool {
    square >> (3 - 2 * (line & 1) - (column & 1)) & 1 == 1
}

/// A code of 3 to 6 bits: squares with one pixel are the shortest.
fn huffman(bits: &mut Bits<'_>) -> Result<u8, Problem> {
    let mut code = bits.take(3)?;
    if code < 4 {
        return Ok(1 << code);
    }
    code = code << 1 | bits.take(1)?;
    if let Some(&square) = [3, 5, 10, 12, 15].get(code as usize - 8) {
        return Ok(square);
    }
    code = code << 1 | bits.take(1)?;
    if let Some(&square) = [6, 7, 9, 11, 13].get(code as usize - 26) {
        return Ok(square);
    }
    Ok(if bits.take(1)? == 0 { 0 } else { 14 })
}

impl Plane {
    /// Reads a plane of `lines` by `width` pixels.
    pub(super) fn read(&mut self, bits: &mut Bits<'_>, lines: usize, width: usize) -> Result<(), Problem> {
        (self.lines, self.width) = (lines, width);
        let count = lines.div_ceil(2) * width.div_ceil(2);
        self.squares.clear();
        match bits.take(4)? {
            DIRECT => {
                for _ in 0..count {
                    self.squares.push(bits.take(4)? as u8);
                }
                Ok(())
            }
            QUADTREE => self.read_tree(bits),
            _ => Err("it has a bit plane of an unknown kind"),
        }
    }

    /// From the root, a square for all, to squares of two by two pixels.
    fn read_tree(&mut self, bits: &mut Bits<'_>) -> Result<(), Problem> {
        self.squares.push(huffman(bits)?);
        let levels = self.lines.max(self.width).max(1).next_power_of_two().trailing_zeros();
        let mut width = 1;
        for level in (1..levels).rev() {
            let size = |pixels: usize| pixels.div_ceil(1 << level).max(1);
            let (finer_lines, finer_width) = (size(self.lines), size(self.width));
            self.finer.clear();
            for line in 0..finer_lines {
                for column in 0..finer_width {
                    let square = self.squares[line / 2 * width + column / 2];
                    self.finer.push(u8::from(is_set(square, line, column)));
                }
            }
            // Codes follow for the squares that are not empty, from the last to the first.
            for square in self.finer.iter_mut().rev().filter(|square| **square != 0) {
                *square = huffman(bits)?;
            }
            std::mem::swap(&mut self.squares, &mut self.finer);
            width = finer_width;
        }
        Ok(())
    }

    /// Sets bit `bit` of the values whose pixels are set; the first is at `start`, a line has `stride` values.
    pub(super) fn insert(&self, values: &mut [Number], start: usize, stride: usize, bit: u32) {
        // A quadrant without pixels still has a root.
        let squares = self.squares.chunks_exact(self.width.div_ceil(2).max(1)).take(self.lines.div_ceil(2));
        for (across, row) in squares.enumerate() {
            let (first, lines) = (start + 2 * across * stride, (self.lines - 2 * across).min(2));
            for (along, &square) in row.iter().enumerate().filter(|(_, square)| **square != 0) {
                let columns = self.width.saturating_sub(2 * along).min(2);
                for line in 0..lines {
                    let at = first + line * stride + 2 * along;
                    for (column, value) in values[at..at + columns].iter_mut().enumerate() {
                        *value |= Wrapping(i64::from(is_set(square, line, column)) << bit);
                    }
                }
            }
        }
    }
}
