//! What there is to be seen around a burst: for pictures and HDF5.

use super::dedisperse::{running, track_sums};
use super::find::Burst;
use super::powers::Powers;
use serde::{Deserialize, Serialize};

/// Rows and columns of a picture at most.
const PICTURE: (usize, usize) = (64, 160);
/// Dispersion measures of a picture at most.
const PICTURE_DMS: usize = 48;
/// Widths to both sides of a burst that pictures show.
const AROUND: i64 = 12;

/// What pictures of a burst show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Picture {
    /// Rows (of channels, rising) and columns (of dumps) of each station.
    pub rows: usize,
    pub columns: usize,
    /// First dump from the start of the scan, and dumps of a column.
    pub first: i64,
    pub each: usize,
    /// By station, row and column: mean power less that of noise, in standard deviations.
    pub sky_mft: Vec<f32>,
    /// The same of all stations (of the one that has it), every row moved by its dispersion.
    pub straight_ft: Vec<f32>,
    /// Dispersion measures of the plane's rows, pc cm^-3.
    pub dms: Vec<f64>,
    /// By dispersion measure and column (dumps of arrival, as above but one column a dump from `plane_first`): standard
    /// deviations of the boxcar.
    pub plane_dt: Vec<f32>,
    pub plane_first: i64,
    pub plane_columns: usize,
}

/// What there is to be seen of a burst, before it is taken out.
pub(super) fn picture(
    burst: &Burst,
    powers: &[Powers],
    (shifts, dms): (&[Vec<usize>], &[f64]),
    data_first: i64,
) -> Picture {
    let sweep = shifts[burst.dm].iter().copied().max().unwrap_or(0) as i64;
    let pad = AROUND / 2 * burst.width as i64;
    let (from, length) = (burst.start - pad, sweep + burst.width as i64 + 2 * pad);
    let each = (length as usize).div_ceil(PICTURE.1).max(1);
    let columns = (length as usize).div_ceil(each);
    let channels = shifts[burst.dm].len();
    let rows = channels.min(PICTURE.0);
    let shape = Shape { from, each, rows, columns };
    let flat = vec![0; channels];
    let sky_mft = powers.iter().flat_map(|p| shape.of(&[p], &flat)).collect();
    let shown: Vec<&Powers> = match powers.get(burst.stream) {
        Some(one) => vec![one],
        None => powers.iter().collect(),
    };
    let straight_ft = shape.of(&shown, &shifts[burst.dm]);
    let near = burst.start - AROUND * burst.width as i64;
    let plane_columns = ((2 * AROUND as usize + 1) * burst.width).clamp(1, 2 * PICTURE.1);
    let step = dms.len().div_ceil(PICTURE_DMS).max(1);
    // The burst's own is among them.
    let shown_dms: Vec<usize> = (burst.dm % step..dms.len()).step_by(step).collect();
    let plane_dt =
        shown_dms.iter().flat_map(|&dm| boxcars(&shown, &shifts[dm], (near, plane_columns), burst.width));
    let plane_dt = plane_dt.collect();
    Picture {
        rows,
        columns,
        first: from + data_first,
        each,
        sky_mft,
        straight_ft,
        dms: shown_dms.iter().map(|&dm| dms[dm]).collect(),
        plane_dt,
        plane_first: near + data_first,
        plane_columns,
    }
}

struct Shape {
    from: i64,
    each: usize,
    rows: usize,
    columns: usize,
}

impl Shape {
    /// Powers of some stations in rows of channels, each moved by a number of dumps, less those of noise, in standard deviations.
    fn of(&self, powers: &[&Powers], shifts: &[usize]) -> Vec<f32> {
        let mut sums = vec![(0.0f32, 0.0f32); self.rows * self.columns];
        for powers in powers {
            for (f, shift) in shifts.iter().enumerate() {
                let row = f * self.rows / shifts.len();
                for k in 0..self.columns * self.each {
                    let t = self.from + k as i64 + *shift as i64;
                    if (0..powers.dumps as i64).contains(&t) {
                        let at = f * powers.dumps + t as usize;
                        let sum = &mut sums[row * self.columns + k / self.each];
                        sum.0 += powers.sum_ft[at] - powers.count_ft[at];
                        sum.1 += powers.count_ft[at];
                    }
                }
            }
        }
        sums.iter().map(|(excess, n)| if *n > 0.0 { excess / n.sqrt() } else { 0.0 }).collect()
    }
}

/// Standard deviations of boxcars along tracks of one dispersion measure, from an arrival on.
fn boxcars(powers: &[&Powers], shifts: &[usize], (from, n): (i64, usize), width: usize) -> Vec<f32> {
    let (mut excess, mut count) = (vec![0.0; n + width], vec![0.0; n + width]);
    let mut one = vec![0.0; n + width];
    for powers in powers {
        track_sums(&powers.sum_ft, powers.dumps, shifts, from, &mut one);
        excess.iter_mut().zip(&one).for_each(|(e, x)| *e += x);
        track_sums(&powers.count_ft, powers.dumps, shifts, from, &mut one);
        excess.iter_mut().zip(&one).for_each(|(e, c)| *e -= c);
        count.iter_mut().zip(&one).for_each(|(n, c)| *n += c);
    }
    let (mut e, mut c) = (Vec::new(), Vec::new());
    running(&excess, &mut e);
    running(&count, &mut c);
    let s = |t: usize| {
        let n = c[t + width] - c[t];
        if n > 0.0 { ((e[t + width] - e[t]) / n.sqrt()) as f32 } else { 0.0 }
    };
    (0..n).map(s).collect()
}
