//! Unpacks HCOMPRESS: bit planes of the H-transform's coefficients as quadtrees (White 1992); the inverse transform.

mod inverse;
mod planes;

use super::bits::Bits;
use super::{Problem, Shape};
use planes::Plane;
use std::num::Wrapping;

/// Damage makes any number: sums may wrap.
type Number = Wrapping<i64>;

/// The coefficients' array: `lines` of `width`.
struct Array {
    values: Vec<Number>,
    lines: usize,
    width: usize,
}

const MAGIC: u32 = 0xdd99;
/// Planes of a coefficient, without its sign.
const MOST_PLANES: u32 = 62;

pub(super) fn unpack(bytes: &[u8], shape: Shape, smooth: bool, out: &mut Vec<i64>) -> Result<(), Problem> {
    let mut bits = Bits::new(bytes);
    if bits.take(16)? != MAGIC {
        return Err("it does not start as HCOMPRESS does");
    }
    let (lines, width) = (bits.take(32)? as usize, bits.take(32)? as usize);
    if width != shape.width || lines.checked_mul(width) != Some(shape.count) || shape.count < 2 {
        return Err("its data are of another size");
    }
    let scale = bits.take(32)? as i32;
    let sum = (u64::from(bits.take(32)?) << 32 | u64::from(bits.take(32)?)) as i64;
    let mut array = Array { values: vec![Wrapping(0); shape.count], lines, width };
    let planes = [bits.take(8)?, bits.take(8)?, bits.take(8)?];
    read_quadrants(&mut bits, &mut array, planes)?;
    array.values[0] = Wrapping(sum);
    if scale > 1 {
        array.values.iter_mut().for_each(|value| *value *= Wrapping(i64::from(scale)));
    }
    inverse::transform(&mut array, if smooth { i64::from(scale) >> 1 } else { 0 });
    out.clear();
    // The image has at most 32 bits.
    out.extend(array.values.iter().map(|value| i64::from(value.0 as i32)));
    Ok(())
}

/// Sums, differences along each axis, and differences of both: a quarter of the array each.
fn read_quadrants(bits: &mut Bits<'_>, array: &mut Array, planes: [u32; 3]) -> Result<(), Problem> {
    if planes.iter().any(|&n| n > MOST_PLANES) {
        return Err("it has too many bit planes");
    }
    let (lines, width) = (array.lines, array.width);
    let (half_lines, half_width) = (lines.div_ceil(2), width.div_ceil(2));
    let quadrants = [
        ([0, half_lines], [0, half_width], planes[0]),
        ([0, half_lines], [half_width, width], planes[1]),
        ([half_lines, lines], [0, half_width], planes[1]),
        ([half_lines, lines], [half_width, width], planes[2]),
    ];
    let mut scratch = Plane::default();
    for ([top, bottom], [left, right], count) in quadrants {
        for plane in (0..count).rev() {
            scratch.read(bits, bottom - top, right - left)?;
            scratch.insert(&mut array.values, top * width + left, width, plane);
        }
    }
    if bits.take(4)? != 0 {
        return Err("its bit planes do not end where they should");
    }
    bits.align();
    for value in array.values.iter_mut().filter(|value| value.0 != 0) {
        if bits.take(1)? == 1 {
            *value = -*value;
        }
    }
    Ok(())
}
