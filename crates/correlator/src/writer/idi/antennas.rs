//! The tables ARRAY_GEOMETRY and ANTENNA.

use super::File;
use super::table::{Form, Table};
use crate::schedule::Mount;
use std::io::{self, Write};

/// Degrees that the Earth turns in a day of UT1 (Aoki et al. 1982, A&A 105, 359: 1.00273790935 turns).
const DEGREES_PER_DAY: f64 = 360.0 * 1.002_737_909_35;
/// Letters of a station's name.
const NAME: usize = 8;

impl File<'_> {
    pub(super) fn array_geometry(&self, out: &mut impl Write) -> io::Result<()> {
        let mut columns = vec![
            ("ANNAME", Form::Text, NAME, ""),
            ("STABXYZ", Form::Double, 3, "METERS"),
            ("DERXYZ", Form::Single, 3, "M/SEC"),
            ("ORBPARM", Form::Double, 0, ""),
            ("NOSTA", Form::Integer, 1, ""),
            ("MNTSTA", Form::Integer, 1, ""),
            ("STAXOF", Form::Single, 3, "METERS"),
        ];
        // A column that readers take as it is: all or none.
        let diameters_m: Option<Vec<f64>> = self.job.stations.iter().map(|s| s.diameter_m).collect();
        columns.extend(diameters_m.as_ref().map(|_| ("DIAMETER", Form::Single, 1, "METERS")));
        let mut keys = self.keys(1);
        for axis in ["ARRAYX", "ARRAYY", "ARRAYZ"] {
            keys.real(axis, 0.0);
        }
        keys.text("ARRNAM", "KVN");
        keys.integer("NUMORB", 0);
        keys.real("FREQ", self.layout.band_low_hz[0]);
        keys.text("FRAME", "GEOCENTRIC");
        keys.text("TIMSYS", "UTC");
        keys.text("TIMESYS", "UTC");
        let mjd = self.job.start_mjd as f64;
        keys.real("GSTIA0", sofars::erst::gmst82(2_400_000.5, mjd).to_degrees());
        keys.real("DEGPDY", DEGREES_PER_DAY);
        if let Some(earth) = &self.job.earth {
            keys.real("POLARX", earth.x_arcsec);
            keys.real("POLARY", earth.y_arcsec);
            keys.real("UT1UTC", earth.ut1_utc_s);
            keys.real("IATUTC", earth.tai_utc_s);
        }
        let stations = &self.job.stations;
        let mut table = Table::begin(out, "ARRAY_GEOMETRY", &columns, stations.len(), &keys)?;
        for (index, station) in stations.iter().enumerate() {
            table.row(|row| {
                row.text(&station.name, NAME);
                row.doubles(&station.xyz_m);
                row.singles(&[0.0; 3]);
                row.integers(&[index as i32 + 1, mount_code(station.mount)]);
                row.singles(&[station.axis_offset_m as f32, 0.0, 0.0]);
                if let Some(diameters_m) = &diameters_m {
                    row.singles(&[diameters_m[index] as f32]);
                }
            })?;
        }
        table.finish()
    }

    pub(super) fn antenna(&self, out: &mut impl Write) -> io::Result<()> {
        let bands = self.layout.bands();
        let columns = [
            ("TIME", Form::Double, 1, "DAYS"),
            ("TIME_INTERVAL", Form::Single, 1, "DAYS"),
            ("ANNAME", Form::Text, NAME, ""),
            ("ANTENNA_NO", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("NO_LEVELS", Form::Integer, 1, ""),
            ("POLTYA", Form::Text, 1, ""),
            ("POLAA", Form::Single, bands, "DEGREES"),
            ("POLCALA", Form::Single, 0, ""),
            ("POLTYB", Form::Text, 1, ""),
            ("POLAB", Form::Single, bands, "DEGREES"),
            ("POLCALB", Form::Single, 0, ""),
        ];
        let mut keys = self.keys(1);
        keys.integer("NOPCAL", 0);
        keys.text("POLTYPE", "APPROX");
        let start_s = self.job.scans.iter().map(|s| s.start_s as f64).fold(f64::INFINITY, f64::min);
        let end_s = self.job.scans.iter().map(|s| s.end_s as f64).fold(f64::NEG_INFINITY, f64::max);
        let (start, end) = (self.days(start_s), self.days(end_s));
        let stations = &self.job.stations;
        let zeros = vec![0.0f32; bands];
        let [first, second] = self.layout.feeds();
        let mut table = Table::begin(out, "ANTENNA", &columns, stations.len(), &keys)?;
        for (index, station) in stations.iter().enumerate() {
            let bits = self.job.streams.iter().find(|s| s.station == index).map_or(2, |s| s.bits);
            table.row(|row| {
                row.doubles(&[0.5 * (start + end)]);
                row.singles(&[(end - start) as f32]);
                row.text(&station.name, NAME);
                row.integers(&[index as i32 + 1, 1, 1, 1 << bits.min(16)]);
                row.text(first, 1);
                row.singles(&zeros);
                row.text(second, 1);
                row.singles(&zeros);
            })?;
        }
        table.finish()
    }
}

/// AIPS's number of a mount. It knows one kind of X-Y mount.
fn mount_code(mount: Mount) -> i32 {
    match mount {
        Mount::AzEl => 0,
        Mount::HaDec => 1,
        Mount::XyEast | Mount::XyNorth => 3,
        Mount::Other => 6,
    }
}
