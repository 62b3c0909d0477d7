//! The table FLAG: when which stations and bands have no samples.

use super::File;
use super::layout::basis_name;
use super::table::{Form, Table};
use std::io::{self, Write};

/// Letters of a reason.
const REASON: usize = 40;

/// Something of a station that is missing for a time.
#[derive(Debug, Clone, PartialEq)]
struct Flag {
    station: usize,
    source: usize,
    from_s: f64,
    to_s: f64,
    /// By polarisation and band.
    missing_fb: Vec<Vec<bool>>,
}

impl File<'_> {
    /// Integrations of a scan in which a station has no valid sample at all, or none in some bands. Nothing where all
    /// is there.
    pub(super) fn flag(&self, out: &mut impl Write) -> io::Result<()> {
        let flags = self.flags().map_err(io::Error::other)?;
        if flags.is_empty() {
            return Ok(());
        }
        let columns = [
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("ANTS", Form::Integer, 2, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("TIMERANG", Form::Single, 2, "DAYS"),
            ("BANDS", Form::Integer, self.layout.bands(), ""),
            ("CHANS", Form::Integer, 2, ""),
            ("PFLAGS", Form::Integer, 4, ""),
            ("REASON", Form::Text, REASON, ""),
            ("SEVERITY", Form::Integer, 1, ""),
        ];
        let rows: Vec<_> =
            flags.iter().flat_map(|flag| masks(flag).into_iter().map(move |m| (flag, m))).collect();
        let mut table = Table::begin(out, "FLAG", &columns, rows.len(), &self.keys(2))?;
        for (flag, (bands, polarisations)) in rows {
            table.row(|row| {
                row.integers(&[flag.source as i32 + 1, 0, flag.station as i32 + 1, 0, 0]);
                row.singles(&[self.days(flag.from_s) as f32, self.days(flag.to_s) as f32]);
                row.integers(&bands);
                row.integers(&[0, 0]);
                row.integers(&polarisations);
                row.text("no_samples", REASON);
                row.integers(&[-1]);
            })?;
        }
        table.finish()
    }

    /// What is missing, by scan, station and time.
    fn flags(&self) -> hdf5::Result<Vec<Flag>> {
        let meta = self.vis.meta();
        let mut flags: Vec<Flag> = Vec::new();
        for (scan, info) in meta.scans.iter().enumerate().filter(|(_, s)| self.centre < s.centres.len()) {
            let samples_tr = self.vis.sampled(scan, 0..info.integrations)?.samples_tr;
            for station in 0..meta.stations.len() {
                for (t, samples_r) in samples_tr.outer_iter().enumerate() {
                    let missing_fb = self.missing(station, |r| samples_r[r] == 0);
                    if !missing_fb.iter().flatten().any(|missing| *missing) {
                        continue;
                    }
                    let half_s = 0.5 * meta.integration_s;
                    let (from_s, to_s) = (meta.time_s(scan, t) - half_s, meta.time_s(scan, t) + half_s);
                    let source = info.centres[self.centre];
                    let goes_on = |f: &&mut Flag| {
                        (f.station, f.source) == (station, source)
                            && f.missing_fb == missing_fb
                            && (f.to_s - from_s).abs() < 1e-6
                    };
                    match flags.last_mut().filter(|f| goes_on(f)) {
                        Some(last) => last.to_s = to_s,
                        None => flags.push(Flag { station, source, from_s, to_s, missing_fb }),
                    }
                }
            }
        }
        Ok(flags)
    }

    /// Which bands of the visibilities a station has recorded and has no samples of, by polarisation.
    fn missing(&self, station: usize, is_empty: impl Fn(usize) -> bool) -> Vec<Vec<bool>> {
        let (meta, layout) = (self.vis.meta(), &self.layout);
        let feeds = layout.feed_letters();
        let mut missing_fb = vec![vec![false; layout.bands()]; feeds.len()];
        for (_, info) in meta.recorded.iter().enumerate().filter(|(r, _)| is_empty(*r)) {
            let feed = feeds.iter().position(|f| *f == basis_name(info.polarisation));
            let (Some(feed), true) = (feed, meta.stream_stations[info.stream] == station) else { continue };
            layout.bands_in(&meta.bands[info.band]).for_each(|band| missing_fb[feed][band] = true);
        }
        missing_fb
    }
}

/// The bands and products of polarisations that a flag holds for: those of both polarisations together where they are
/// the same.
fn masks(flag: &Flag) -> Vec<(Vec<i32>, [i32; 4])> {
    let bands = |missing: &Vec<bool>| missing.iter().map(|m| i32::from(*m)).collect::<Vec<_>>();
    match flag.missing_fb.as_slice() {
        [first, second] if first != second => {
            let both = [(first, [1, 0, 1, 1]), (second, [0, 1, 1, 1])];
            let any = both.into_iter().filter(|(missing, _)| missing.contains(&true));
            any.map(|(missing, polarisations)| (bands(missing), polarisations)).collect()
        }
        [first, ..] => vec![(bands(first), [1; 4])],
        [] => Vec::new(),
    }
}
