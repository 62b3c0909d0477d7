//! The candidates, for people and for programs.

use super::sky::{Detection, Field};
use super::{SearchError, arcsec, direction};
use crate::job::Source;
use mirinae_common::atomic;
use std::f64::consts::TAU;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A source that may be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Phase centre that shows it best.
    pub centre: String,
    /// Right ascension (J2000), rad.
    pub ra_rad: f64,
    /// Declination (J2000), rad.
    pub dec_rad: f64,
    /// Width of a cell of the search, rad: nothing nearer than this is a source of its own.
    pub cell_rad: f64,
    /// What was found.
    pub detection: Detection,
}

/// A field that was searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// Phase centre.
    pub centre: String,
    /// Grid.
    pub field: Field,
    /// Powers that are added at each place.
    pub blocks: usize,
}

/// All candidates of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReport {
    /// The visibilities.
    pub path: PathBuf,
    /// Probability of noise at one place.
    pub threshold: f64,
    /// What was searched.
    pub fields: Vec<Searched>,
    /// What was found, the most significant first.
    pub candidates: Vec<Candidate>,
}

impl Candidate {
    /// The position of a detection around a phase centre (orthographic projection).
    pub fn new(detection: Detection, centre: &Source, field: &Field) -> Self {
        let (ra_rad, dec_rad) = direction(centre, detection.at.l, detection.at.m);
        Self { centre: centre.name.clone(), ra_rad, dec_rad, cell_rad: 3.0 * field.step, detection }
    }

    /// Angle to another one, rad.
    fn distance_rad(&self, other: &Self) -> f64 {
        let north = self.dec_rad - other.dec_rad;
        let turn = (self.ra_rad - other.ra_rad + 0.5 * TAU).rem_euclid(TAU) - 0.5 * TAU;
        (turn * self.dec_rad.cos()).hypot(north)
    }
}

impl SearchReport {
    /// Orders the candidates and joins those that several phase centres show.
    pub fn new(path: &Path, threshold: f64, fields: Vec<Searched>, mut all: Vec<Candidate>) -> Self {
        all.sort_by(|a, b| a.detection.ln_chance.total_cmp(&b.detection.ln_chance));
        let mut candidates: Vec<Candidate> = Vec::new();
        for candidate in all {
            let same = |other: &Candidate| {
                other.centre != candidate.centre
                    && other.distance_rad(&candidate) < other.cell_rad.max(candidate.cell_rad)
            };
            if !candidates.iter().any(same) {
                candidates.push(candidate);
            }
        }
        Self { path: path.to_owned(), threshold, fields, candidates }
    }

    /// The table as CSV.
    pub fn to_csv(&self) -> String {
        let mut text = "centre,ra_deg,dec_deg,east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,error_correlation,sigma,\
                        ln_chance,false_alarm,remnant,amplitudes\n"
            .to_owned();
        for c in &self.candidates {
            let d = &c.detection;
            let _ = write!(text, "{},{:.9},{:.9}", c.centre, c.ra_rad.to_degrees(), c.dec_rad.to_degrees());
            let _ = write!(text, ",{:.5},{:.5}", arcsec(d.at.l), arcsec(d.error[0]));
            let _ =
                write!(text, ",{:.5},{:.5},{:.4}", arcsec(d.at.m), arcsec(d.error[1]), d.error_correlation);
            let _ = write!(text, ",{:.3},{:.3},{:.3e},{},", d.sigma, d.ln_chance, d.false_alarm, d.remnant);
            let one = |(names, a): &([String; 2], f64)| format!("{}-{}:{a:.4e}", names[0], names[1]);
            text.push_str(&d.amplitudes.iter().map(one).collect::<Vec<_>>().join(" "));
            text.push('\n');
        }
        text
    }

    /// Writes the table as CSV.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), SearchError> {
        atomic::write(path, |file| file.write_all(self.to_csv().as_bytes()))
            .map_err(|e| SearchError::Write { path: path.to_owned(), message: e.source.to_string() })
    }
}

impl fmt::Display for SearchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for s in &self.fields {
            let (half, step) = (arcsec(s.field.half), arcsec(s.field.step));
            writeln!(
                f,
                "{}: {half:.1}\" either way in steps of {step:.3}\", {:.0} places, {} powers added at each",
                s.centre,
                s.field.trials(),
                s.blocks
            )?;
        }
        for c in &self.candidates {
            let d = &c.detection;
            writeln!(
                f,
                "{:<12} {:>12.7} {:>+12.7} deg  east {:>9.3}\" +- {:.3}  north {:>9.3}\" +- {:.3}  {:>6.1} sigma  P(noise) {:.1e}{}",
                c.centre,
                c.ra_rad.to_degrees(),
                c.dec_rad.to_degrees(),
                arcsec(d.at.l),
                arcsec(d.error[0]),
                arcsec(d.at.m),
                arcsec(d.error[1]),
                d.sigma,
                d.false_alarm,
                if d.remnant { "  remnant of a stronger one?" } else { "" }
            )?;
        }
        let remnants = self.candidates.iter().filter(|c| c.detection.remnant).count();
        writeln!(
            f,
            "{} candidates, {remnants} that may be remnants of stronger ones (noise exceeds the threshold at one place with P = {:e})",
            self.candidates.len() - remnants,
            self.threshold
        )
    }
}
