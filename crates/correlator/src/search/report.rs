//! The candidates, for people and for programs.

use super::collect::FieldResult;
use super::ecsv::to_ecsv;
use super::find::Detection;
use super::sky::Field;
use super::{Known, Offset, SearchError, arcsec, cosines, direction};
use crate::job::Source;
use mirinae_common::atomic;
use std::f64::consts::TAU;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Standard deviations that a known source may be off.
const KNOWN_SIGMA: f64 = 3.0;
/// Sources outside of a field that are taken out at most.
const MOST_OUTSIDE: usize = 50;

/// A source that may be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Phase centre that shows it best.
    pub centre: String,
    /// Right ascension and declination of that, rad.
    pub centre_rad: (f64, f64),
    /// Right ascension (J2000), rad.
    pub ra_rad: f64,
    /// Declination (J2000), rad.
    pub dec_rad: f64,
    /// Width of a cell of the search, rad: nothing nearer than this is a source of its own.
    pub cell_rad: f64,
    /// What was found.
    pub detection: Detection,
    /// Name of the known source that it is.
    pub known: Option<String>,
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
        Self {
            centre: centre.name.clone(),
            centre_rad: (centre.ra_rad, centre.dec_rad),
            ra_rad,
            dec_rad,
            cell_rad: 3.0 * field.step,
            detection,
            known: None,
        }
    }

    /// Angle to a place, rad.
    fn distance_rad(&self, (ra_rad, dec_rad): (f64, f64)) -> f64 {
        let north = self.dec_rad - dec_rad;
        let turn = (self.ra_rad - ra_rad + 0.5 * TAU).rem_euclid(TAU) - 0.5 * TAU;
        (turn * libm::cos(self.dec_rad)).hypot(north)
    }

    /// How near a source must be to be this one, rad: the resolution, or the error of a position that is less certain.
    fn reach_rad(&self) -> f64 {
        let [east, north] = self.detection.error;
        self.cell_rad.max(KNOWN_SIGMA * east.max(north))
    }
}

impl SearchReport {
    /// Orders the candidates of all phase centres and joins those that several show.
    pub fn new(path: &Path, threshold: f64, results: Vec<FieldResult>) -> Self {
        let (mut fields, mut all) = (Vec::new(), Vec::new());
        for result in results {
            let FieldResult { centre, field, blocks, found } = result;
            all.extend(found.into_iter().map(|d| Candidate::new(d, &centre, &field)));
            fields.push(Searched { centre: centre.name, field, blocks });
        }
        all.sort_by(|a, b| a.detection.ln_chance.total_cmp(&b.detection.ln_chance));
        let mut candidates: Vec<Candidate> = Vec::new();
        for candidate in all {
            let same = |other: &Candidate| {
                other.centre != candidate.centre
                    && other.distance_rad((candidate.ra_rad, candidate.dec_rad))
                        < other.cell_rad.max(candidate.cell_rad)
            };
            if !candidates.iter().any(same) {
                candidates.push(candidate);
            }
        }
        Self { path: path.to_owned(), threshold, fields, candidates }
    }

    /// For each field what others show better and outside of it, the most significant first: right ascension and declination, rad.
    /// Only for fields with candidates: in others no sidelobe is above the threshold.
    pub fn outside(&self, results: &[FieldResult]) -> Vec<Vec<(f64, f64)>> {
        let of = |result: &FieldResult| {
            let others = self.candidates.iter().filter(|c| {
                let Offset { l, m } = cosines(&result.centre, (c.ra_rad, c.dec_rad));
                let inside = l.abs().max(m.abs()) <= result.field.half + 0.5 * c.cell_rad;
                !c.detection.remnant && c.centre != result.centre.name && !inside
            });
            if result.found.is_empty() {
                return Vec::new();
            }
            others.map(|c| (c.ra_rad, c.dec_rad)).take(MOST_OUTSIDE).collect()
        };
        results.iter().map(of).collect()
    }

    /// Marks the candidates that are known: each by the nearest source within the resolution or three standard deviations.
    #[must_use]
    pub fn marked(mut self, list: &[Known]) -> Self {
        for candidate in &mut self.candidates {
            let distance = |known: &Known| candidate.distance_rad(known.place_rad());
            let nearest = list.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            let found = nearest.filter(|known| distance(known) < candidate.reach_rad());
            candidate.known = found.map(|known| known.name.clone());
        }
        self
    }

    /// The table as CSV.
    pub fn to_csv(&self) -> String {
        let mut text = "centre,ra_deg,dec_deg,east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,error_correlation,sigma,\
                        ln_chance,false_alarm,remnant,known,amplitudes,flux_jy,flux_error_jy,fluxes_jy\n"
            .to_owned();
        for c in &self.candidates {
            let d = &c.detection;
            let _ = write!(text, "{},{:.9},{:.9}", c.centre, c.ra_rad.to_degrees(), c.dec_rad.to_degrees());
            let _ = write!(text, ",{:.5},{:.5}", arcsec(d.at.l), arcsec(d.error[0]));
            let _ =
                write!(text, ",{:.5},{:.5},{:.4}", arcsec(d.at.m), arcsec(d.error[1]), d.error_correlation);
            let _ = write!(text, ",{:.3},{:.3},{:.3e},{}", d.sigma, d.ln_chance, d.false_alarm, d.remnant);
            // A comma in a name would be another column.
            let _ = write!(text, ",{},", c.known.as_deref().unwrap_or_default().replace(',', ";"));
            let one = |(names, a): &([String; 2], f64)| format!("{}-{}:{a:.4e}", names[0], names[1]);
            text.push_str(&d.amplitudes.iter().map(one).collect::<Vec<_>>().join(" "));
            let [flux, error] =
                d.flux_jy.map_or_else(Default::default, |jy| jy.map(|jy| format!("{jy:.5e}")));
            let one = |(names, [jy, error]): &([String; 2], [f64; 2])| {
                format!("{}-{}:{jy:.4e}+-{error:.1e}", names[0], names[1])
            };
            let each = d.fluxes_jy.iter().map(one).collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, ",{flux},{error},{each}");
        }
        text
    }

    /// The table as ECSV.
    fn to_ecsv(&self) -> String {
        to_ecsv(&self.to_csv(), &["centre", "remnant", "known", "amplitudes", "fluxes_jy"])
    }

    /// Writes the table as CSV, and as ECSV beside it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), SearchError> {
        atomic::write(path, |file| file.write_all(self.to_csv().as_bytes()))
            .and_then(|()| {
                atomic::write(&path.with_extension("ecsv"), |file| file.write_all(self.to_ecsv().as_bytes()))
            })
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
                "{:<12} {:>12.7} {:>+12.7} deg  east {:>9.3}\" +- {:.3}  north {:>9.3}\" +- {:.3}  {:>6.1} sigma  P(noise) {:.1e}{}{}{}",
                c.centre,
                c.ra_rad.to_degrees(),
                c.dec_rad.to_degrees(),
                arcsec(d.at.l),
                arcsec(d.error[0]),
                arcsec(d.at.m),
                arcsec(d.error[1]),
                d.sigma,
                d.false_alarm,
                d.flux_jy.map_or_else(String::new, |[jy, error]| format!("  {jy:.4} +- {error:.4} Jy")),
                if d.remnant { "  remnant of a stronger one?" } else { "" },
                c.known.as_ref().map_or_else(String::new, |name| format!("  known: {name}"))
            )?;
        }
        let remnants = self.candidates.iter().filter(|c| c.detection.remnant).count();
        writeln!(
            f,
            "{} candidates, {remnants} that may be remnants of stronger ones (noise exceeds the threshold at one place with P = {:.2e})",
            self.candidates.len() - remnants,
            self.threshold
        )
    }
}
