//! The tables INTERFEROMETER_MODEL and MODEL_COMPS: the delays that the visibilities were turned by.
//!
//! The sign is FITS-IDI's: a delay is positive where the station is behind the geocentre, the opposite of ours. The troposphere is
//! part of the geometric delay (`GDELAY`), `ATMOS` is zero: our polynomials hold both together.

use super::File;
use super::table::{Column, Form, Header, Table};
use crate::geometry::StationSpan;
use std::io::{self, Write};

/// A row of both tables.
pub(super) struct Span {
    source: usize,
    station: usize,
    delays: StationSpan,
}

impl File<'_> {
    /// Spans of time with the delays of each station at this phase centre.
    pub(super) fn spans(&self) -> Vec<Span> {
        let job = self.job;
        let mut spans = Vec::new();
        for scan in job.scans.iter().filter(|s| self.centre < s.centres.len()) {
            for interval in 0..scan.model.intervals() {
                for station in 0..job.stations.len() {
                    // The model's first source is the pointing.
                    let delays = scan.model.span(interval, self.centre + 1, station);
                    spans.push(Span { source: scan.centres[self.centre], station, delays });
                }
            }
        }
        spans
    }

    pub(super) fn interferometer_model(&self, spans: &[Span], out: &mut impl Write) -> io::Result<()> {
        let terms =
            spans.iter().map(|s| s.delays.geometric_s.len().max(s.delays.clock_s.len())).max().unwrap_or(1);
        let bands = self.layout.bands();
        let mut columns: Vec<Column> = vec![
            ("TIME", Form::Double, 1, "DAYS"),
            ("TIME_INTERVAL", Form::Single, 1, "DAYS"),
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("ANTENNA_NO", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("I.FAR.ROT", Form::Single, 1, "RAD/METER**2"),
            ("FREQ.VAR", Form::Single, bands, "HZ"),
        ];
        for names in &MODEL_NAMES[..self.polarisations()] {
            columns.extend([
                (names[0], Form::Double, terms * bands, "TURNS"),
                (names[1], Form::Double, terms, "SECONDS"),
                (names[2], Form::Double, terms * bands, "HZ"),
                (names[3], Form::Double, terms, "SEC/SEC"),
                (names[4], Form::Single, 1, "SECONDS"),
                (names[5], Form::Single, 1, "SEC/SEC"),
            ]);
        }
        let mut keys = self.polarised_keys(2);
        keys.integer("NPOLY", terms as i64);
        keys.real("REVISION", 1.0);
        let mut table = Table::begin(out, "INTERFEROMETER_MODEL", &columns, spans.len(), &keys)?;
        for span in spans {
            let delay_s = total(span, terms);
            let rate: Vec<f64> =
                (1..=terms).map(|k| if k < terms { k as f64 * delay_s[k] } else { 0.0 }).collect();
            let turns = |of: &[f64]| -> Vec<f64> {
                self.layout.band_low_hz.iter().flat_map(|hz| of.iter().map(move |x| x * hz)).collect()
            };
            table.row(|row| {
                row.doubles(&[self.days(span.delays.start_s)]);
                row.singles(&[(span.delays.length_s / 86_400.0) as f32]);
                row.integers(&[span.source as i32 + 1, span.station as i32 + 1, 1, 1]);
                row.singles(&vec![0.0; 1 + bands]);
                for _ in 0..self.polarisations() {
                    row.doubles(&turns(&delay_s));
                    row.doubles(&delay_s);
                    row.doubles(&turns(&rate));
                    row.doubles(&rate);
                    row.singles(&[0.0; 2]);
                }
            })?;
        }
        table.finish()
    }

    pub(super) fn model_comps(&self, spans: &[Span], out: &mut impl Write) -> io::Result<()> {
        let bands = self.layout.bands();
        let mut columns: Vec<Column> = vec![
            ("TIME", Form::Double, 1, "DAYS"),
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("ANTENNA_NO", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("ATMOS", Form::Double, 1, "SECONDS"),
            ("DATMOS", Form::Double, 1, "SEC/SEC"),
            ("GDELAY", Form::Double, 1, "SECONDS"),
            ("GRATE", Form::Double, 1, "SEC/SEC"),
        ];
        for names in &CLOCK_NAMES[..self.polarisations()] {
            columns.extend([
                (names[0], Form::Double, 1, "SECONDS"),
                (names[1], Form::Double, 1, "SEC/SEC"),
                (names[2], Form::Single, bands, "HZ"),
                (names[3], Form::Single, bands, "HZ/SEC"),
                (names[4], Form::Single, 1, "SECONDS"),
                (names[5], Form::Single, 1, "SEC/SEC"),
            ]);
        }
        let mut keys = self.polarised_keys(1);
        keys.integer("FFT_SIZE", self.job.block_samples() as i64);
        keys.integer("OVERSAMP", 0);
        keys.integer("ZERO_PAD", 0);
        keys.integer("FFT_TWID", 1);
        keys.text("TAPER_FN", "UNIFORM");
        keys.real("DELTAT", spans.first().map_or(0.0, |s| s.delays.length_s / 86_400.0));
        let mut table = Table::begin(out, "MODEL_COMPS", &columns, spans.len(), &keys)?;
        for span in spans {
            let term = |of: &[f64], k: usize| of.get(k).copied().unwrap_or(0.0);
            let (geometric, clock) = (&span.delays.geometric_s, &span.delays.clock_s);
            table.row(|row| {
                row.doubles(&[self.days(span.delays.start_s)]);
                row.integers(&[span.source as i32 + 1, span.station as i32 + 1, 1, 1]);
                row.doubles(&[0.0, 0.0, -term(geometric, 0), -term(geometric, 1)]);
                for _ in 0..self.polarisations() {
                    row.doubles(&[term(clock, 0), term(clock, 1)]);
                    row.singles(&vec![0.0; 2 * bands + 2]);
                }
            })?;
        }
        table.finish()
    }

    fn polarised_keys(&self, revision: i64) -> Header {
        let mut keys = self.keys(revision);
        keys.integer("NO_POL", self.polarisations() as i64);
        keys
    }
}

/// Names of the columns of both polarisations.
const MODEL_NAMES: [[&str; 6]; 2] = [
    ["PDELAY_1", "GDELAY_1", "PRATE_1", "GRATE_1", "DISP_1", "DDISP_1"],
    ["PDELAY_2", "GDELAY_2", "PRATE_2", "GRATE_2", "DISP_2", "DDISP_2"],
];
const CLOCK_NAMES: [[&str; 6]; 2] = [
    ["CLOCK_1", "DCLOCK_1", "LO_OFFSET_1", "DLO_OFFSET_1", "DISP_1", "DDISP_1"],
    ["CLOCK_2", "DCLOCK_2", "LO_OFFSET_2", "DLO_OFFSET_2", "DISP_2", "DDISP_2"],
];

/// Geometry and clock in FITS-IDI's sign, as many terms as asked for.
fn total(span: &Span, terms: usize) -> Vec<f64> {
    let term = |of: &[f64], k: usize| of.get(k).copied().unwrap_or(0.0);
    (0..terms).map(|k| -term(&span.delays.geometric_s, k) - term(&span.delays.clock_s, k)).collect()
}
