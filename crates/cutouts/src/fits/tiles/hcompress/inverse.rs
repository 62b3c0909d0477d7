//! The inverse H-transform: from the sum of all pixels down to each, doubling the resolution in each step.

use super::{Array, Number};
use std::num::Wrapping;

const ZERO: Number = Wrapping(0);

/// Rounds to a multiple of `1 << bit`, halves away from zero.
fn round(value: Number, bit: u32) -> Number {
    let half = (1i64 << bit) >> 1;
    let add = if value >= ZERO { half } else { half - 1 };
    (value + Wrapping(add)) & Wrapping(-(1i64 << bit))
}

/// Adds towards or away from zero: the sign of `value` decides.
fn outward(value: Number, by: Number) -> Number {
    if value >= ZERO { value + by } else { value - by }
}

/// Transforms in place. `most` is the largest change of a coefficient by smoothing; 0: none.
pub(super) fn transform(array: &mut Array, most: i64) {
    let levels = array.lines.max(array.width).next_power_of_two().trailing_zeros();
    array.values[0] = round(array.values[0], levels + 1);
    let mut scratch = Vec::new();
    for level in (0..levels).rev() {
        let lines = array.lines.div_ceil(1 << level);
        let width = array.width.div_ceil(1 << level);
        for line in 0..lines {
            interleave(&mut array.values, line * array.width, 1, width, &mut scratch);
        }
        for column in 0..width {
            interleave(&mut array.values, column, array.width, lines, &mut scratch);
        }
        if most > 0 {
            smooth(array, lines, width, Wrapping(most));
        }
        expand(array, lines, width, level);
    }
}

/// Sums from the first half, differences from the second, by turns.
fn interleave(values: &mut [Number], start: usize, stride: usize, count: usize, scratch: &mut Vec<Number>) {
    scratch.clear();
    scratch.extend((0..count).map(|at| values[start + at * stride]));
    let half = count.div_ceil(2);
    for at in 0..count {
        values[start + at * stride] = scratch[if at % 2 == 0 { at / 2 } else { half + at / 2 }];
    }
}

/// Turns the sum and the differences of each square into its pixels.
fn expand(array: &mut Array, lines: usize, width: usize, level: u32) {
    // The last step divides the sum by four, those before it by two.
    let shift = if level == 0 { 2 } else { 1 };
    let (bit0, bit1) = (Wrapping(1i64 << level), Wrapping(2i64 << level));
    // At the last step the differences of both axes are whole as they are.
    let whole = |value: Number| if level == 0 { value } else { round(value, level) };
    let values = &mut array.values;
    for line in (0..lines).step_by(2) {
        for column in (0..width).step_by(2) {
            let at = line * array.width + column;
            let below = at + array.width;
            match (line + 1 < lines, column + 1 < width) {
                (true, true) => {
                    let hc = whole(values[below + 1]);
                    let low = hc & bit0;
                    let hx = outward(round(values[below], level + 1), -low);
                    let hy = outward(round(values[at + 1], level + 1), -low);
                    let odd = (hc ^ hx ^ hy) & bit1;
                    let sum = values[at];
                    let h0 = match (sum >= ZERO, low == ZERO) {
                        (true, _) => sum + low - odd,
                        (false, true) => sum + odd,
                        (false, false) => sum + low - odd,
                    };
                    values[below + 1] = (h0 + hx + hy + hc) >> shift;
                    values[below] = (h0 + hx - hy - hc) >> shift;
                    values[at + 1] = (h0 - hx + hy - hc) >> shift;
                    values[at] = (h0 - hx - hy + hc) >> shift;
                }
                (false, false) => values[at] >>= shift,
                (has_below, _) => {
                    let other = if has_below { below } else { at + 1 };
                    let difference = round(values[other], level + 1);
                    let sum = outward(values[at], -(difference & bit1));
                    values[other] = (sum + difference) >> shift;
                    values[at] = (sum - difference) >> shift;
                }
            }
        }
    }
}

/// The change of a difference towards the slope that the neighbours suggest, within `most`; `weight` is log2 of the slope's unit.
fn towards(wanted: Number, [low, high]: [Number; 2], now: Number, weight: usize, most: Number) -> Number {
    if low >= high {
        return ZERO;
    }
    let change = wanted.min(high).max(low) - (now << weight);
    let change = if change >= ZERO { change } else { change + Wrapping((1 << weight) - 1) };
    (change >> weight).min(most).max(-most)
}

/// The limits of a slope that keeps three sums in their order.
fn limits(before: Number, here: Number, after: Number) -> [Number; 2] {
    let (up, down) = (after - here, here - before);
    [up.max(down).min(ZERO) << 2, up.min(down).max(ZERO) << 2]
}

/// Changes differences by no more than what quantization may have, so that sums of neighbouring squares join.
fn smooth(array: &mut Array, lines: usize, width: usize, most: Number) {
    let (values, stride) = (&mut array.values, array.width);
    let inner = |count: usize| (2..count.saturating_sub(2)).step_by(2);
    for line in inner(lines) {
        for column in (0..width).step_by(2) {
            let at = line * stride + column;
            let (before, after) = (values[at - 2 * stride], values[at + 2 * stride]);
            let bounds = limits(before, values[at], after);
            let now = values[at + stride];
            values[at + stride] = now + towards(after - before, bounds, now, 3, most);
        }
    }
    for line in (0..lines).step_by(2) {
        for column in inner(width) {
            let at = line * stride + column;
            let (before, after) = (values[at - 2], values[at + 2]);
            let bounds = limits(before, values[at], after);
            let now = values[at + 1];
            values[at + 1] = now + towards(after - before, bounds, now, 3, most);
        }
    }
    for line in inner(lines) {
        for column in inner(width) {
            smooth_both(values, line * stride + column, stride, most);
        }
    }
}

/// The difference along both axes.
fn smooth_both(values: &mut [Number], at: usize, stride: usize, most: Number) {
    let (mm, pm) = (values[at - 2 * stride - 2], values[at + 2 * stride - 2]);
    let (mp, pp) = (values[at - 2 * stride + 2], values[at + 2 * stride + 2]);
    let h0 = values[at];
    let (hx, hy) = (values[at + stride] << 1, values[at + 1] << 1);
    let ends = |clip: fn(Number, Number) -> Number| {
        [
            clip(pp - h0, ZERO) - hx - hy,
            clip(h0 - pm, ZERO) + hx - hy,
            clip(h0 - mp, ZERO) - hx + hy,
            clip(mm - h0, ZERO) + hx + hy,
        ]
    };
    let high = ends(Ord::max).into_iter().fold(Wrapping(i64::MAX), Ord::min) << 4;
    let low = ends(Ord::min).into_iter().fold(Wrapping(i64::MIN), Ord::max) << 4;
    let now = values[at + stride + 1];
    values[at + stride + 1] = now + towards(pp + mm - mp - pm, [low, high], now, 6, most);
}
