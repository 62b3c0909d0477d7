//! The table SYSTEM_TEMPERATURE.

use super::File;
use super::layout::basis_name;
use super::table::{Form, Table};
use std::io::{self, Write};

/// A row holds until the next one, but no longer than so many seconds.
const LONGEST_S: f64 = 600.0;

impl File<'_> {
    /// Temperatures of the stations that sent them, as `POLA` and `POLB` of the table ANTENNA; what is not known is no
    /// number. Nothing where no station has any.
    pub(super) fn system_temperature(&self, out: &mut impl Write) -> io::Result<()> {
        let rows: usize = self.job.tsys.iter().map(Vec::len).sum();
        if rows == 0 {
            return Ok(());
        }
        let bands = self.layout.bands();
        let mut columns = vec![
            ("TIME", Form::Double, 1, "DAYS"),
            ("TIME_INTERVAL", Form::Single, 1, "DAYS"),
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("ANTENNA_NO", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
        ];
        let names = [("TSYS_1", "TANT_1"), ("TSYS_2", "TANT_2")];
        let feeds = self.layout.feed_letters();
        for (tsys, tant) in &names[..feeds.len()] {
            columns.extend([(*tsys, Form::Single, bands, "KELVIN"), (*tant, Form::Single, bands, "KELVIN")]);
        }
        let mut keys = self.keys(1);
        keys.integer("NO_POL", feeds.len() as i64);
        let mut table = Table::begin(out, "SYSTEM_TEMPERATURE", &columns, rows, &keys)?;
        for (index, of_station) in self.job.tsys.iter().enumerate() {
            for (at, tsys) in of_station.iter().enumerate() {
                let next_s = of_station.get(at + 1).map_or(LONGEST_S, |next| next.time_s - tsys.time_s);
                let length_s = next_s.clamp(1.0, LONGEST_S);
                table.row(|row| {
                    row.doubles(&[self.days(tsys.time_s)]);
                    row.singles(&[(length_s / 86_400.0) as f32]);
                    row.integers(&[self.source_at(tsys.time_s), index as i32 + 1, 1, 1]);
                    for feed in &feeds {
                        let mut kelvin = vec![f32::NAN; bands];
                        for &(_, band, value) in tsys.values.iter().filter(|(p, ..)| basis_name(*p) == *feed)
                        {
                            kelvin.get_mut(band).into_iter().for_each(|to| *to = value);
                        }
                        row.singles(&kelvin);
                        row.singles(&vec![f32::NAN; bands]);
                    }
                })?;
            }
        }
        table.finish()
    }

    /// Number of the source that is observed at a time; 0, any, between scans.
    fn source_at(&self, t_s: f64) -> i32 {
        let scan = self.job.scans.iter().find(|s| (s.start_s as f64..s.end_s as f64).contains(&t_s));
        scan.and_then(|s| s.centres.get(self.centre)).map_or(0, |&source| source as i32 + 1)
    }
}
