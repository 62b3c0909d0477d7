//! The tables FREQUENCY and SOURCE.

use super::File;
use super::table::{Form, Table};
use crate::job::Source;
use std::io::{self, Write};

impl File<'_> {
    pub(super) fn frequency(&self, out: &mut impl Write) -> io::Result<()> {
        let layout = &self.layout;
        let bands = layout.bands();
        let columns = [
            ("FREQID", Form::Integer, 1, ""),
            ("BANDFREQ", Form::Double, bands, "HZ"),
            ("CH_WIDTH", Form::Single, bands, "HZ"),
            ("TOTAL_BANDWIDTH", Form::Single, bands, "HZ"),
            ("SIDEBAND", Form::Integer, bands, ""),
            ("BB_CHAN", Form::Integer, bands, ""),
        ];
        let mut table = Table::begin(out, "FREQUENCY", &columns, 1, &self.keys(2))?;
        let offsets: Vec<f64> = layout.band_low_hz.iter().map(|low| low - layout.band_low_hz[0]).collect();
        table.row(|row| {
            row.integers(&[1]);
            row.doubles(&offsets);
            row.singles(&vec![layout.channel_hz() as f32; bands]);
            row.singles(&vec![layout.bandwidth_hz as f32; bands]);
            // Channels ascend on the sky, whichever sideband was recorded.
            row.integers(&vec![1; bands]);
            row.integers(&vec![0; bands]);
        })?;
        table.finish()
    }

    /// All sources of the job, so that their numbers are the same in the files of all phase centres.
    pub(super) fn source(&self, out: &mut impl Write) -> io::Result<()> {
        let bands = self.layout.bands();
        let columns = [
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("SOURCE", Form::Text, 16, ""),
            ("QUAL", Form::Integer, 1, ""),
            ("CALCODE", Form::Text, 4, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("IFLUX", Form::Single, bands, "JY"),
            ("QFLUX", Form::Single, bands, "JY"),
            ("UFLUX", Form::Single, bands, "JY"),
            ("VFLUX", Form::Single, bands, "JY"),
            ("ALPHA", Form::Single, bands, ""),
            ("FREQOFF", Form::Single, bands, "HZ"),
            ("RAEPO", Form::Double, 1, "DEGREES"),
            ("DECEPO", Form::Double, 1, "DEGREES"),
            ("EQUINOX", Form::Text, 8, ""),
            ("RAAPP", Form::Double, 1, "DEGREES"),
            ("DECAPP", Form::Double, 1, "DEGREES"),
            ("SYSVEL", Form::Double, bands, "M/SEC"),
            ("VELTYP", Form::Text, 8, ""),
            ("VELDEF", Form::Text, 8, ""),
            ("RESTFREQ", Form::Double, bands, "HZ"),
            ("PMRA", Form::Double, 1, "DEG/DAY"),
            ("PMDEC", Form::Double, 1, "DEG/DAY"),
            ("PARALLAX", Form::Single, 1, "ARCSEC"),
            ("EPOCH", Form::Double, 1, "YEARS"),
        ];
        let sources = &self.job.sources;
        let mut table = Table::begin(out, "SOURCE", &columns, sources.len(), &self.keys(1))?;
        for (index, source) in sources.iter().enumerate() {
            let (ra_app, dec_app) = apparent(source, self.job.start_mjd);
            table.row(|row| {
                row.integers(&[index as i32 + 1]);
                row.text(&source.name, 16);
                row.integers(&[0]);
                row.text("", 4);
                row.integers(&[1]);
                row.singles(&vec![0.0; 6 * bands]);
                row.doubles(&[source.ra_rad.to_degrees(), source.dec_rad.to_degrees()]);
                row.text("J2000", 8);
                row.doubles(&[ra_app.to_degrees(), dec_app.to_degrees()]);
                row.doubles(&vec![0.0; bands]);
                row.text("GEOCENTR", 8);
                row.text("RADIO", 8);
                row.doubles(&vec![self.layout.band_low_hz[0]; bands]);
                row.doubles(&[0.0; 2]);
                row.singles(&[0.0]);
                row.doubles(&[2000.0]);
            })?;
        }
        table.finish()
    }
}

/// Apparent place at 0h of a day, referred to the true equator and equinox; rad.
fn apparent(source: &Source, mjd: i64) -> (f64, f64) {
    // UTC for TT: a minute changes nothing here.
    let (ra, dec, origins) =
        sofars::astro::atci13(source.ra_rad, source.dec_rad, 0.0, 0.0, 0.0, 0.0, 2_400_000.5, mjd as f64);
    let turn = std::f64::consts::TAU;
    ((ra - origins).rem_euclid(turn), dec)
}
