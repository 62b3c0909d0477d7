//! The strongest line of a tile of a plane: first in small whole numbers, in the powers themselves where some are strong.

use super::plane::Plane;
use super::tree::{Largest, Power, Rows, offset, shear};
use crate::simd::{Kernel, Lanes, Simd};

/// Steps at which lines of a tile have their lower ends.
pub(super) const TILE: usize = 512;
/// Spectra whose sums fit in 16 bits.
const MOST_SPECTRA: usize = 512;
/// Scatters of a power above its mean that whole numbers hold at least.
const SCATTERS: f32 = 28.0;

/// What tiles are searched with, and room for it.
pub(super) struct Tiles {
    most_drift: usize,
    least: f32,
    simd: Simd,
    whole: Table<u16>,
    powers: Table<f32>,
}

/// A tile with the steps above it that lines reach, and room for its sums.
struct Table<P> {
    values: Vec<P>,
    sums: Vec<P>,
    scratch: Vec<P>,
}

impl<P> Default for Table<P> {
    fn default() -> Self {
        Self { values: Vec::new(), sums: Vec::new(), scratch: Vec::new() }
    }
}

/// Steps of a tile, lines that begin in it, and spectra.
#[derive(Clone, Copy)]
struct Shape {
    begin: usize,
    width: usize,
    spectra: usize,
}

/// A line by its lower end and the steps that it rises, or falls.
type Lowest<P> = (P, usize, usize, bool);

impl Tiles {
    /// For lines of up to `most_drift` steps with sums of more than `least`.
    pub fn new(most_drift: usize, least: f32, simd: Simd) -> Self {
        Self { most_drift, least, simd, whole: Table::default(), powers: Table::default() }
    }

    /// The strongest line whose lower end is in a tile, if it is strong enough: sum, step in the first spectrum, drift.
    pub fn strongest(&mut self, plane: &Plane, tile: usize) -> Option<(f32, usize, i64)> {
        let from = tile * TILE;
        let begin = TILE.min(plane.width - from);
        let shape = Shape { begin, width: begin + self.most_drift, spectra: plane.spectra };
        let line = |(low, drift, down): (usize, usize, bool)| {
            let signed = if down { -(drift as i64) } else { drift as i64 };
            let first = from + low + if down { drift } else { 0 };
            (sum_along(plane, first, signed), first, signed)
        };
        let per_power = self.per_power(plane);
        if per_power >= 2.0 && self.whole.fill(plane, from, shape, (per_power, self.simd)) {
            // The nearest whole numbers add up to what is off by less than this many scatters of rounding.
            let off = 3.0 * (plane.spectra as f32 / 12.0).sqrt();
            let least = (self.least * per_power - off).clamp(0.0, f32::from(u16::MAX)) as u16;
            let found = self.whole.largest(shape, (self.most_drift, least), self.simd);
            let found = found.map(|(_, low, drift, down)| line((low, drift, down)));
            return found.filter(|(sum, ..)| *sum > self.least);
        }
        self.powers.fill(plane, from, shape);
        let found = self.powers.largest(shape, (self.most_drift, self.least), self.simd);
        found.map(|(sum, low, drift, down)| {
            let (_, first, signed) = line((low, drift, down));
            (sum, first, signed)
        })
    }

    /// Whole numbers in a power of 1: as many as leave room for the sums and for what noise has.
    fn per_power(&self, plane: &Plane) -> f32 {
        if plane.spectra > MOST_SPECTRA {
            return 0.0;
        }
        let stations = plane.stations as f32;
        let most = stations + SCATTERS * stations.sqrt();
        (f32::from(u16::MAX / plane.spectra as u16) / most).min(16.0)
    }
}

/// Sum along a line, as far as it is inside.
fn sum_along(plane: &Plane, first: usize, drift: i64) -> f32 {
    let at = |t: usize| {
        first as i64 + drift.signum() * offset(drift.unsigned_abs() as usize, plane.spectra, t) as i64
    };
    let inside = |t: usize| usize::try_from(at(t)).ok().filter(|step| *step < plane.width);
    (0..plane.spectra).filter_map(|t| Some(plane.power_tf[t * plane.width + inside(t)?])).sum()
}

impl<P: Power> Table<P> {
    /// The strongest line of a tile that is filled: its lower end in the tile, how far it rises, whether it falls instead.
    fn largest(&mut self, shape: Shape, (most_drift, least): (usize, P), simd: Simd) -> Option<Lowest<P>> {
        let Shape { begin, width, spectra } = shape;
        let (last, mut best) = (spectra - 1, None);
        for whole in 0..=shear(most_drift, spectra).0 {
            let before = whole * last;
            let most = (most_drift - before).min(last);
            for down in [false, true] {
                // A drift of 0 has no second direction, and that of a whole number of steps a spectrum was in the tree before.
                let least_drift = usize::from(down || whole > 0);
                // Each row some steps above the one before; falling lines rise backwards in time.
                let (row, whole) = (width as isize, whole as isize);
                let (first, step) = if down { (last * width, whole - row) } else { (0, whole + row) };
                let found = simd.run(Largest {
                    rows: Rows { values: &self.values[..], first, step },
                    spectra,
                    sums: &mut self.sums,
                    scratch: &mut self.scratch,
                    begin,
                    drifts: (least_drift, most),
                    least: best.map_or(least, |b: Lowest<P>| b.0),
                });
                if let Some((sum, place, drift)) = found {
                    best = Some((sum, place, before + drift, down));
                }
            }
        }
        best
    }
}

impl Table<f32> {
    /// Copies a tile; beyond the plane's end there is nothing.
    fn fill(&mut self, plane: &Plane, from: usize, shape: Shape) {
        self.values.clear();
        self.values.resize(shape.width * shape.spectra, 0.0);
        let inside = shape.width.min(plane.width - from);
        for (t, row) in self.values.chunks_exact_mut(shape.width).enumerate() {
            row[..inside].copy_from_slice(&plane.power_tf[t * plane.width + from..][..inside]);
        }
    }
}

impl Table<u16> {
    /// Rounds a tile to whole numbers; false where a power is too strong for them.
    fn fill(&mut self, plane: &Plane, from: usize, shape: Shape, (per_power, simd): (f32, Simd)) -> bool {
        self.values.resize(shape.width * shape.spectra, 0);
        let inside = shape.width.min(plane.width - from);
        let limit = f32::from(u16::MAX / shape.spectra as u16);
        let mut most = 0.0f32;
        for (t, row) in self.values.chunks_exact_mut(shape.width).enumerate() {
            let powers = &plane.power_tf[t * plane.width + from..][..inside];
            let (here, beyond) = row.split_at_mut(inside);
            beyond.fill(0);
            most = most.max(simd.run(Round { powers, per_power, numbers: here }));
        }
        most < limit
    }
}

/// Powers that are rounded at once.
const AT_ONCE: usize = 16;

/// The nearest whole numbers; the largest so far are kept. In arrays of their own: the compiler need not fear that they are the same memory.
#[inline(always)]
fn round(powers: &[f32; AT_ONCE], per_power: f32, tops: &mut [f32; AT_ONCE]) -> [u16; AT_ONCE] {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 8_388_608.0;
    let mut numbers = [0u16; AT_ONCE];
    for i in 0..AT_ONCE {
        let scaled = powers[i] * per_power;
        tops[i] = if scaled > tops[i] { scaled } else { tops[i] };
        numbers[i] = (scaled + ROUND).to_bits() as u16;
    }
    numbers
}

/// Rounds powers; gives the largest one's number.
struct Round<'a> {
    powers: &'a [f32],
    per_power: f32,
    numbers: &'a mut [u16],
}

impl Kernel for Round<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f32 {
        let mut tops = [0.0f32; AT_ONCE];
        let mut numbers = self.numbers.chunks_exact_mut(AT_ONCE);
        let mut powers = self.powers.chunks_exact(AT_ONCE);
        for (numbers, powers) in (&mut numbers).zip(&mut powers) {
            let mut here = [0.0; AT_ONCE];
            here.copy_from_slice(powers);
            numbers.copy_from_slice(&round(&here, self.per_power, &mut tops));
        }
        let mut rest = [0.0; AT_ONCE];
        rest[..powers.remainder().len()].copy_from_slice(powers.remainder());
        let last = numbers.into_remainder();
        last.copy_from_slice(&round(&rest, self.per_power, &mut tops)[..last.len()]);
        let mut most = 0.0;
        for top in tops {
            most = if top > most { top } else { most };
        }
        most
    }
}
