//! Evaluates delays and uvw from polynomials.
//!
//! Delays have the sign of DiFX's `.im`: start of a station's samples = geocentric time - delay. Times are
//! seconds since the start of the job. The delay that the correlator uses is the model's plus the clock's.

pub mod model;
mod span;
#[cfg(test)]
mod tests;

pub use model::earth::LIGHT_M_S;
pub use span::StationSpan;

use serde::{Deserialize, Serialize};

/// What is wrong with a delay model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeometryError {
    /// The polynomials do not reach over the whole scan.
    #[error(
        "the delay polynomials of scan {scan} hold from {from_s} s to {to_s} s after the start of the job, \
         but {wanted_from_s} s to {wanted_to_s} s are to be correlated; make the model again for the whole scan"
    )]
    NotCovered {
        /// Name of the scan.
        scan: String,
        /// Where the first polynomial begins, in s.
        from_s: f64,
        /// Where the last one ends.
        to_s: f64,
        /// Start of what is to be correlated.
        wanted_from_s: f64,
        /// End of it.
        wanted_to_s: f64,
    },
    /// There is a hole between two polynomials.
    #[error(
        "the delay polynomials of scan {scan} have a hole or an overlap at {at_s} s after the start of the job"
    )]
    Hole {
        /// Name of the scan.
        scan: String,
        /// Where the polynomial begins that is not in line, in s.
        at_s: f64,
    },
}

/// A polynomial in powers of seconds since the start of its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Polynomial {
    /// Coefficients, constant first.
    pub coefficients: Vec<f64>,
}

impl Polynomial {
    /// Its value `x_s` seconds after its reference (Horner).
    pub fn value(&self, x_s: f64) -> f64 {
        self.coefficients.iter().rev().fold(0.0, |sum, c| sum * x_s + c)
    }

    /// Its derivative there, per second.
    pub fn rate(&self, x_s: f64) -> f64 {
        let indexed = self.coefficients.iter().enumerate().skip(1).rev();
        indexed.fold(0.0, |sum, (n, c)| sum * x_s + n as f64 * c)
    }
}

/// Delay and uvw of one station towards one source over one interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StationModel {
    /// Delay in s.
    pub delay_s: Polynomial,
    /// u, v, w in m.
    pub uvw_m: [Polynomial; 3],
}

/// The model over one interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its start in s.
    pub start_s: f64,
    /// By source (0: pointing centre, c + 1: phase centre c) and station.
    pub by_source_station: Vec<Vec<StationModel>>,
}

/// How late a station's clock is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Reference time in s after the start of the job.
    pub reference_s: f64,
    /// Polynomial in s, s/s, ...; added to the delay.
    pub late_s: Polynomial,
}

/// Delay and its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// Delay in s.
    pub delay_s: f64,
    /// Rate in s/s.
    pub rate: f64,
}

/// Where delays and uvw come from.
pub trait DelayModel {
    /// Delay of a station towards a source (0: pointing centre, c + 1: phase centre c), clock included.
    fn delay(&self, source: usize, station: usize, t_s: f64) -> Delay;

    /// u, v, w of a station towards a source in m.
    fn uvw_m(&self, source: usize, station: usize, t_s: f64) -> [f64; 3];
}

/// The polynomials of one scan, checked to be gapless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolynomialModel {
    interval_s: f64,
    intervals: Vec<Interval>,
    clocks: Vec<Clock>,
}

/// Start times of intervals are whole seconds; this is far below and far above rounding.
const SLACK_S: f64 = 1e-6;

impl PolynomialModel {
    /// Takes the polynomials of a scan and the stations' clocks.
    ///
    /// # Errors
    /// [`GeometryError`] where they do not cover `wanted_s` (start, end) without holes.
    pub fn new(
        scan: &str,
        interval_s: f64,
        intervals: Vec<Interval>,
        clocks: Vec<Clock>,
        wanted_s: (f64, f64),
    ) -> Result<Self, GeometryError> {
        let from_s = intervals.first().map_or(0.0, |i| i.start_s);
        let to_s = intervals.last().map_or(0.0, |i| i.start_s + interval_s);
        for pair in intervals.windows(2) {
            if (pair[1].start_s - pair[0].start_s - interval_s).abs() > SLACK_S {
                return Err(GeometryError::Hole { scan: scan.to_owned(), at_s: pair[1].start_s });
            }
        }
        if intervals.is_empty() || from_s > wanted_s.0 + SLACK_S || to_s < wanted_s.1 - SLACK_S {
            let (wanted_from_s, wanted_to_s) = wanted_s;
            return Err(GeometryError::NotCovered {
                scan: scan.to_owned(),
                from_s,
                to_s,
                wanted_from_s,
                wanted_to_s,
            });
        }
        Ok(Self { interval_s, intervals, clocks })
    }

    /// Keeps the pointing and some phase centres.
    pub fn keep_centres(&mut self, places: &[usize]) {
        for interval in &mut self.intervals {
            let all = std::mem::take(&mut interval.by_source_station);
            let kept = |(source, _): &(usize, Vec<StationModel>)| {
                source.checked_sub(1).is_none_or(|centre| places.contains(&centre))
            };
            interval.by_source_station = all.into_iter().enumerate().filter(kept).map(|(_, of)| of).collect();
        }
    }

    /// Number of intervals.
    pub fn intervals(&self) -> usize {
        self.intervals.len()
    }

    /// The interval that holds a time and how far the time is into it. Just outside, the nearest one.
    fn at(&self, t_s: f64) -> (&Interval, f64) {
        let steps = ((t_s - self.intervals[0].start_s) / self.interval_s).floor();
        let index = (steps.max(0.0) as usize).min(self.intervals.len() - 1);
        let interval = &self.intervals[index];
        (interval, t_s - interval.start_s)
    }
}

impl DelayModel for PolynomialModel {
    fn delay(&self, source: usize, station: usize, t_s: f64) -> Delay {
        let (interval, x_s) = self.at(t_s);
        let model = &interval.by_source_station[source][station].delay_s;
        let clock = &self.clocks[station];
        let since_s = t_s - clock.reference_s;
        Delay {
            delay_s: model.value(x_s) + clock.late_s.value(since_s),
            rate: model.rate(x_s) + clock.late_s.rate(since_s),
        }
    }

    fn uvw_m(&self, source: usize, station: usize, t_s: f64) -> [f64; 3] {
        let (interval, x_s) = self.at(t_s);
        let uvw = &interval.by_source_station[source][station].uvw_m;
        [uvw[0].value(x_s), uvw[1].value(x_s), uvw[2].value(x_s)]
    }
}

/// Where one station's samples of one block begin, and how its delay runs over the block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockDelay {
    /// Sample (since the start of the job) nearest to the block's start at the station.
    pub nearest_sample: i64,
    /// What is left: true start minus the nearest sample, in samples, from -1/2 to 1/2.
    pub fraction_samples: f64,
    /// Delay at the block's first sample, in s.
    pub first_s: f64,
    /// Change of the delay from one sample to the next, in s: mean over the block.
    pub step_s: f64,
    /// Delay at the block's centre, in s.
    pub centre_s: f64,
}

/// A block of samples in geocentric time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// First sample since the start of the job.
    pub first_sample: i64,
    /// Number of samples.
    pub samples: usize,
    /// Samples per second.
    pub rate_hz: f64,
}

/// Delay of a station over a block: the nearest sample at the centre's delay, and the straight line through
/// the delays at start, centre and end (a third of the deviation at the centre is taken off, as DiFX does).
pub fn block_delay(model: &dyn DelayModel, source: usize, station: usize, block: Block) -> BlockDelay {
    let start_s = block.first_sample as f64 / block.rate_hz;
    let length_s = block.samples as f64 / block.rate_hz;
    let at = |t_s: f64| model.delay(source, station, t_s).delay_s;
    let (d0_s, centre_s, d2_s) = (at(start_s), at(start_s + 0.5 * length_s), at(start_s + length_s));
    let change_s = d2_s - d0_s;
    // The sample number is exact; only the delay, a few million samples at most, is rounded in floating point.
    let shift = -centre_s * block.rate_hz;
    let nearest = (shift + 0.5).floor();
    BlockDelay {
        nearest_sample: block.first_sample + nearest as i64,
        fraction_samples: shift - nearest,
        first_s: d0_s + (centre_s - (0.5 * change_s + d0_s)) / 3.0,
        step_s: change_s / block.samples as f64,
        centre_s,
    }
}
