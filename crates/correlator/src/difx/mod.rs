//! Reads the files of a DiFX job.
//!
//! A job is three text files of "KEY: value" lines: `.input` (what is correlated, from which recordings),
//! `.calc` (sources, scans, stations) and `.im` (polynomials of delay and uvw). Names of files inside them
//! count from the folder of the job, so that a job can be moved with its recordings.
//!
//! # Signs
//! * `.im` DELAY is the opposite of t_station - t_geocentre: about 20 ms for a station under the source,
//!   whose signal arrives that much before it would at the geocentre. It includes the atmosphere. W is -c
//!   times the geometric part of it.
//! * Clocks in `.v2d` and `.input` say how **late** a station's clock is; `clock_early` in VEX is the opposite
//!   (DiFX's `vex2difx` turns it). CLOCK COEFF of the `.input` (us, us/s, ...) is added to DELAY.
//! * `CLK OFFSET` of a band is added to the delay in the correction of the fraction of a sample alone: it
//!   turns the phase across the band and leaves it as it is at the band's edge.
//!
//! Here the `.input` is taken as it is.

mod calc;
mod error;
#[cfg(test)]
pub(crate) mod example;
mod im;
mod input;
mod keyfile;
#[cfg(test)]
mod tests;

pub use calc::{Calc, Scan, Source, Station};
pub use error::DifxError;
pub use im::{Im, Interval, ScanModel, StationPolynomials};
pub use input::{BandPair, Baseline, Datastream, Freq, Input, Place, RecordedBand, RecordedFreq, Telescope};
pub use keyfile::{KeyFile, Line};
use std::path::Path;

/// The three files of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct DifxJob {
    /// What is correlated.
    pub input: Input,
    /// Sources and scans.
    pub calc: Calc,
    /// The delay model.
    pub im: Im,
}

impl DifxJob {
    /// Reads a job from its `.input`.
    ///
    /// # Errors
    /// [`DifxError`], with file and line.
    pub fn open(path: &Path) -> Result<Self, DifxError> {
        let input = Input::open(path)?;
        let calc = Calc::open(&input.calc_path)?;
        let im = Im::open(&calc.im_path)?;
        Ok(Self { input, calc, im })
    }
}
