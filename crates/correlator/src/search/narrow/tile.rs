//! The strongest line of a tile of a plane: first in small whole numbers, in the powers themselves where some are strong.

use super::plane::Plane;
use super::top::{BEYOND, Top};
use super::tree::{Largest, Power, Rows, offset, shear};
use mirinae_simd::{Kernel, Lanes, Simd};

/// Steps at which lines of a tile have their lower ends.
pub(super) const TILE: usize = 1024;
/// Spectra whose sums fit in 16 bits.
const MOST_SPECTRA: usize = 512;
/// Scatters of a power above its mean that whole numbers hold at least.
const SCATTERS: f32 = 28.0;
/// Whole numbers in a power of 1 that are fine enough, and more than are needed.
const FINE: (f32, f32) = (2.0, 16.0);

/// Whole numbers in a power of 1, of so many stations together: as many as leave room for the sums and for what noise has; `None` where
/// they are too few to be used.
pub(super) fn whole_unit(spectra: usize, stations: usize) -> Option<f32> {
    let most = stations as f32 + SCATTERS * (stations as f32).sqrt();
    // A whole number, so that noise where a station has no data is one, too.
    let unit = (whole_limit(spectra)? / most).min(FINE.1).floor();
    (unit >= FINE.0).then_some(unit)
}

/// What a power in whole numbers stays below.
pub(super) fn whole_limit(spectra: usize) -> Option<f32> {
    (spectra <= MOST_SPECTRA).then(|| f32::from(u16::MAX / spectra.max(1) as u16))
}

/// What tiles are searched with, and room for it.
pub struct Tiles {
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

/// Steps of a tile: lines that begin in it, what is looked at of a row, and spectra.
#[derive(Clone, Copy)]
struct Shape {
    begin: usize,
    width: usize,
    spectra: usize,
}

/// A line by its lower end and the steps that it rises, or falls.
type Lowest<P> = (P, usize, usize, bool);

/// Powers in which lines are looked for.
pub trait Searched: Power {
    /// The strongest line whose lower end is in a tile, if it is strong enough: sum, step in the first spectrum, drift.
    fn strongest(tiles: &mut Tiles, plane: &Plane<Self>, tile: usize) -> Option<(f32, usize, i64)>;
    /// The largest sum and its line.
    fn line(largest: Largest<Self>, simd: Simd) -> Option<(Self, usize, usize)>;
}

impl Searched for f32 {
    fn strongest(tiles: &mut Tiles, plane: &Plane<f32>, tile: usize) -> Option<(f32, usize, i64)> {
        let (from, shape) = tiles.shape(plane, tile);
        let limits = (tiles.most_drift, tiles.least);
        let unit = whole_unit(plane.spectra, plane.stations);
        if let Some(unit) = unit.filter(|unit| tiles.whole.fill(plane, from, shape, (*unit, tiles.simd))) {
            // The nearest whole numbers add up to what is off by less than this many scatters of rounding.
            let off = 3.0 * (plane.spectra as f32 / 12.0).sqrt();
            let least = (tiles.least * unit - off).clamp(0.0, f32::from(u16::MAX)) as u16;
            let found = tiles.whole.largest(shape, (tiles.most_drift, least), tiles.simd)?;
            let (first, drift) = signed(from, found);
            return Some((sum_along(plane, first, drift), first, drift)).filter(|line| line.0 > tiles.least);
        }
        copy(&mut tiles.powers.values, plane, from, shape);
        let found = tiles.powers.largest(shape, limits, tiles.simd)?;
        let (first, drift) = signed(from, found);
        Some((found.0, first, drift))
    }

    fn line(largest: Largest<Self>, simd: Simd) -> Option<(Self, usize, usize)> {
        simd.run(largest)
    }
}

impl Searched for u16 {
    fn strongest(tiles: &mut Tiles, plane: &Plane<u16>, tile: usize) -> Option<(f32, usize, i64)> {
        let (from, shape) = tiles.shape(plane, tile);
        // What rounding may have taken, to one scatter: what is found is looked at again.
        let off = (plane.cells() as f32 / 12.0).sqrt();
        let least = (tiles.least * plane.unit - off).clamp(0.0, f32::from(u16::MAX)) as u16;
        let (limits, simd) = ((tiles.most_drift, least), tiles.simd);
        let Table { values, sums, scratch } = &mut tiles.whole;
        let found = if from + shape.width <= plane.width {
            let rows = Rows { values: &plane.power_tf[..], first: from, step: plane.width as isize };
            largest(rows, (sums, scratch), shape, limits, simd)
        } else {
            copy(values, plane, from, shape);
            let rows = Rows { values: &values[..], first: 0, step: shape.width as isize };
            largest(rows, (sums, scratch), shape, limits, simd)
        }?;
        let (first, drift) = signed(from, found);
        Some((found.0.number() / plane.unit, first, drift))
    }

    fn line(largest: Largest<Self>, simd: Simd) -> Option<(Self, usize, usize)> {
        simd.run(Top(largest))
    }
}

impl Tiles {
    /// For lines of up to `most_drift` steps with sums of more than `least`.
    pub fn new(most_drift: usize, least: f32, simd: Simd) -> Self {
        Self { most_drift, least, simd, whole: Table::default(), powers: Table::default() }
    }

    /// Where a tile begins, and what is looked at.
    fn shape<P>(&self, plane: &Plane<P>, tile: usize) -> (usize, Shape) {
        let from = tile * TILE;
        let begin = TILE.min(plane.width - from);
        (from, Shape { begin, width: begin + self.most_drift + BEYOND, spectra: plane.spectra })
    }
}

/// Step in the first spectrum, and drift.
fn signed<P>(from: usize, (_, low, drift, down): Lowest<P>) -> (usize, i64) {
    (from + low + if down { drift } else { 0 }, if down { -(drift as i64) } else { drift as i64 })
}

/// Sum along a line, as far as it is inside.
fn sum_along(plane: &Plane, first: usize, drift: i64) -> f32 {
    let at = |t: usize| {
        first as i64 + drift.signum() * offset(drift.unsigned_abs() as usize, plane.spectra, t) as i64
    };
    let inside = |t: usize| usize::try_from(at(t)).ok().filter(|step| *step < plane.width);
    (0..plane.spectra).filter_map(|t| Some(plane.power_tf[t * plane.width + inside(t)?])).sum()
}

/// The strongest line of a tile that begins with the first row: its lower end in the tile, how far it rises, whether it falls instead.
fn largest<P: Searched>(
    tile: Rows<P>,
    (sums, scratch): (&mut Vec<P>, &mut Vec<P>),
    Shape { begin, spectra, .. }: Shape,
    (most_drift, least): (usize, P),
    simd: Simd,
) -> Option<Lowest<P>> {
    let (last, mut best) = (spectra - 1, None);
    for whole in 0..=shear(most_drift, spectra).0 {
        let before = whole * last;
        let most = (most_drift - before).min(last);
        for down in [false, true] {
            // A drift of 0 has no second direction, and that of a whole number of steps a spectrum was in the tree before.
            let least_drift = usize::from(down || whole > 0);
            // Each row some steps above the one before; falling lines rise backwards in time.
            let (row, whole) = (tile.step, whole as isize);
            let last_row = tile.first + last * row.unsigned_abs();
            let (first, step) = if down { (last_row, whole - row) } else { (tile.first, whole + row) };
            let wanted = Largest {
                rows: Rows { values: tile.values, first, step },
                spectra,
                sums: &mut *sums,
                scratch: &mut *scratch,
                begin,
                drifts: (least_drift, most),
                least: best.map_or(least, |b: Lowest<P>| b.0),
            };
            if let Some((sum, place, drift)) = P::line(wanted, simd) {
                best = Some((sum, place, before + drift, down));
            }
        }
    }
    best
}

/// Copies a tile; beyond the plane's end there is nothing.
fn copy<P: Power>(values: &mut Vec<P>, plane: &Plane<P>, from: usize, shape: Shape) {
    values.clear();
    values.resize(shape.width * shape.spectra, P::default());
    let inside = shape.width.min(plane.width - from);
    for (t, row) in values.chunks_exact_mut(shape.width).enumerate() {
        row[..inside].copy_from_slice(&plane.power_tf[t * plane.width + from..][..inside]);
    }
}

impl<P: Searched> Table<P> {
    /// The strongest line of a tile that is filled.
    fn largest(&mut self, shape: Shape, limits: (usize, P), simd: Simd) -> Option<Lowest<P>> {
        let rows = Rows { values: &self.values[..], first: 0, step: shape.width as isize };
        largest(rows, (&mut self.sums, &mut self.scratch), shape, limits, simd)
    }
}

impl Table<u16> {
    /// Rounds a tile to whole numbers; false where a power is too strong for them.
    fn fill(&mut self, plane: &Plane, from: usize, shape: Shape, (unit, simd): (f32, Simd)) -> bool {
        self.values.resize(shape.width * shape.spectra, 0);
        let inside = shape.width.min(plane.width - from);
        let mut most = 0.0f32;
        for (t, row) in self.values.chunks_exact_mut(shape.width).enumerate() {
            let powers = &plane.power_tf[t * plane.width + from..][..inside];
            let (here, beyond) = row.split_at_mut(inside);
            beyond.fill(0);
            most = most.max(simd.run(Round { powers, per_power: unit, numbers: here }));
        }
        whole_limit(shape.spectra).is_some_and(|limit| most < limit)
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
