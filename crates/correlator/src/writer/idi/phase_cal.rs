//! The table PHASE-CAL: phase-calibration tones and state counts, means over half a minute as difx2fits makes them.

use super::File;
use super::layout::basis_name;
use super::table::{Form, Table};
use crate::integrate::STATES;
use crate::writer::hdf_read::Sampled;
use num_complex::Complex64;
use std::io::{self, Write};

/// Time that is averaged, about: scans are cut into equal parts.
const WINDOW_S: f64 = 30.0;

/// Where a tone stands in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    /// Number of the tone in the visibilities' file.
    tone: usize,
    station: usize,
    /// Polarisation, band, number among the tones of the band.
    feed: usize,
    band: usize,
    number: usize,
}

/// Some integrations of a scan.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    scan: usize,
    from: usize,
    to: usize,
}

impl File<'_> {
    /// Tones of the stations that have any. Visibilities are conjugated in FITS-IDI, and so are tones. Nothing where
    /// no station has tones.
    pub(super) fn phase_cal(&self, out: &mut impl Write) -> io::Result<()> {
        let (feeds, bands) = (self.layout.feed_letters(), self.layout.bands());
        let places = self.tone_places(&feeds);
        if places.is_empty() {
            return Ok(());
        }
        let tones = places.iter().map(|p| p.number + 1).max().unwrap_or(0);
        let mut columns = vec![
            ("TIME", Form::Double, 1, "DAYS"),
            ("TIME_INTERVAL", Form::Single, 1, "DAYS"),
            ("SOURCE_ID", Form::Integer, 1, ""),
            ("ANTENNA_NO", Form::Integer, 1, ""),
            ("ARRAY", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("CABLE_CAL", Form::Double, 1, "SECONDS"),
        ];
        let names = [
            ["STATE_1", "PC_FREQ_1", "PC_REAL_1", "PC_IMAG_1", "PC_RATE_1"],
            ["STATE_2", "PC_FREQ_2", "PC_REAL_2", "PC_IMAG_2", "PC_RATE_2"],
        ];
        for [state, freq, real, imag, rate] in &names[..feeds.len()] {
            columns.push((state, Form::Single, STATES * bands, ""));
            columns.push((freq, Form::Double, tones * bands, "Hz"));
            columns.extend([real, imag, rate].map(|name| (*name, Form::Single, tones * bands, "")));
        }
        let rows = self.tone_rows(&places).map_err(io::Error::other)?;
        let mut keys = self.keys(2);
        keys.integer("NO_POL", feeds.len() as i64);
        keys.integer("NO_TONES", tones as i64);
        let mut table = Table::begin(out, "PHASE-CAL", &columns, rows.len(), &keys)?;
        for (window, station) in rows {
            let sampled = self.vis.sampled(window.scan, window.from..window.to).map_err(io::Error::other)?;
            self.tone_row(&mut table, (window, station), (&places, tones), &sampled)?;
        }
        table.finish()
    }

    /// Where the tones of the bands and polarisations that are in the visibilities stand.
    fn tone_places(&self, feeds: &[char]) -> Vec<Place> {
        let meta = self.vis.meta();
        let mut places: Vec<Place> = Vec::new();
        for (tone, of) in meta.tones.iter().enumerate() {
            let recorded = &meta.recorded[of.recorded];
            let station = meta.stream_stations[recorded.stream];
            let feed = feeds.iter().position(|f| *f == basis_name(recorded.polarisation));
            let (Some(feed), Some(band)) = (feed, self.layout.band_at(of.frequency_hz)) else { continue };
            let same = |p: &&Place| (p.station, p.feed, p.band) == (station, feed, band);
            let before = places.iter().filter(same);
            // A part of the sky that is recorded twice has the tones of the first channel.
            if before.clone().all(|p| meta.tones[p.tone].frequency_hz < of.frequency_hz) {
                let number = before.count();
                places.push(Place { tone, station, feed, band, number });
            }
        }
        places
    }

    /// The parts of all scans, with each station that has tones and data in them.
    fn tone_rows(&self, places: &[Place]) -> hdf5::Result<Vec<(Window, usize)>> {
        let meta = self.vis.meta();
        let mut rows = Vec::new();
        for (scan, info) in meta.scans.iter().enumerate().filter(|(_, s)| self.centre < s.centres.len()) {
            let all = info.integrations;
            let parts = ((all as f64 * meta.integration_s / WINDOW_S).round() as usize).clamp(1, all.max(1));
            let samples_tr = self.vis.sampled(scan, 0..all)?.samples_tr;
            for part in 0..parts {
                let window = Window { scan, from: part * all / parts, to: (part + 1) * all / parts };
                for station in 0..meta.stations.len() {
                    let recorded = |p: &Place| meta.tones[p.tone].recorded;
                    let mut of_station = places.iter().filter(|p| p.station == station).map(recorded);
                    let any = |r: usize| (window.from..window.to).any(|t| samples_tr[[t, r]] > 0);
                    if of_station.any(any) {
                        rows.push((window, station));
                    }
                }
            }
        }
        Ok(rows)
    }

    fn tone_row<W: Write>(
        &self,
        table: &mut Table<W>,
        (window, station): (Window, usize),
        (places, tones): (&[Place], usize),
        sampled: &Sampled,
    ) -> io::Result<()> {
        let meta = self.vis.meta();
        let (feeds, bands) = (self.layout.feed_letters(), self.layout.bands());
        let integrations = (window.to - window.from) as f64;
        let centre_s =
            meta.time_s(window.scan, window.from) + 0.5 * (integrations - 1.0) * meta.integration_s;
        let source = meta.scans[window.scan].centres[self.centre] as i32 + 1;
        table.row(|row| {
            row.doubles(&[self.days(centre_s)]);
            row.singles(&[(integrations * meta.integration_s / 86_400.0) as f32]);
            row.integers(&[source, station as i32 + 1, 1, 1]);
            row.doubles(&[0.0]);
            for (feed, letter) in feeds.iter().enumerate() {
                let mut frequency_hz = vec![f64::NAN; tones * bands];
                let mut parts = [vec![f32::NAN; tones * bands], vec![f32::NAN; tones * bands]];
                let mut rate = vec![f32::NAN; tones * bands];
                for place in places.iter().filter(|p| p.station == station && p.feed == feed) {
                    let Some(tone) = mean(sampled, place.tone, meta.tones[place.tone].recorded) else {
                        continue;
                    };
                    let at = place.band * tones + place.number;
                    frequency_hz[at] = meta.tones[place.tone].frequency_hz;
                    (parts[0][at], parts[1][at], rate[at]) = (tone.re as f32, -tone.im as f32, 0.0);
                }
                row.singles(&self.states(station, *letter, sampled));
                row.doubles(&frequency_hz);
                parts.iter().for_each(|part| row.singles(part));
                row.singles(&rate);
            }
        })
    }

    /// State counts of a station and polarisation by band and code.
    fn states(&self, station: usize, letter: char, sampled: &Sampled) -> Vec<f32> {
        let meta = self.vis.meta();
        let mut counts = vec![f32::NAN; STATES * self.layout.bands()];
        for (r, info) in meta.recorded.iter().enumerate() {
            let ours = meta.stream_stations[info.stream] == station
                && basis_name(info.polarisation) == letter
                && info.bits <= 2;
            for band in self.layout.bands_in(&meta.bands[info.band]).filter(|_| ours) {
                for k in 0..STATES {
                    counts[STATES * band + k] = sampled.states_trk.slice(ndarray::s![.., r, k]).sum() as f32;
                }
            }
        }
        counts
    }
}

/// Mean of a tone over all samples of a channel; none where there are none.
fn mean(sampled: &Sampled, tone: usize, recorded: usize) -> Option<Complex64> {
    let (mut sum, mut samples) = (Complex64::default(), 0.0);
    for (value, &n) in sampled.tones_tg.column(tone).iter().zip(sampled.samples_tr.column(recorded)) {
        sum += Complex64::new(value.re.into(), value.im.into()) * n as f64;
        samples += n as f64;
    }
    (samples > 0.0).then(|| sum / samples)
}
