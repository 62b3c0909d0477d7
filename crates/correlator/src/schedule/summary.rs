//! Tells what was understood of a schedule, for people.

use super::model::{Channel, ClockEarly, Format, Mode, Scan, Schedule, Station, Stream};
use crate::epoch::Epoch;
use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::fmt;

/// Notes that are listed.
const NOTES_SHOWN: usize = 20;

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |epoch: &Option<Epoch>| epoch.map_or_else(|| "?".to_owned(), |e| e.to_string());
        writeln!(f, "VEX {} experiment {} \"{}\"", self.revision, self.experiment, self.description)?;
        writeln!(f, "nominal {} to {}", day(&self.start), day(&self.stop))?;
        writeln!(f, "{} stations", self.stations.len())?;
        self.stations.iter().try_for_each(|s| station(f, s))?;
        writeln!(f, "{} modes", self.modes.len())?;
        self.modes.iter().try_for_each(|m| mode(f, m, self))?;
        writeln!(f, "{} sources", self.sources.len())?;
        for source in &self.sources {
            match source.direction_rad {
                Some([ra, dec]) => {
                    writeln!(f, "  {:<12} {} {}", source.name, right_ascension(ra), declination(dec))?
                }
                None => writeln!(f, "  {:<12} moves: {}", source.name, source.ephemeris.join(", "))?,
            }
        }
        writeln!(f, "{} scans", self.scans.len())?;
        self.scans.iter().try_for_each(|s| scan(f, s, self))?;
        writeln!(f, "{} EOP points", self.eop.len())?;
        for p in &self.eop {
            writeln!(
                f,
                "  MJD {} TAI-UTC {} s, UT1-UTC {:.6} s, x {:.6}\", y {:.6}\"",
                p.mjd, p.tai_utc_s, p.ut1_utc_s, p.x_arcsec, p.y_arcsec
            )?;
        }
        write!(f, "{} notes", self.notes.len())?;
        for note in self.notes.iter().take(NOTES_SHOWN) {
            write!(f, "\n  line {}: {}", note.line, note.what)?;
        }
        if self.notes.len() > NOTES_SHOWN {
            write!(f, "\n  and {} more", self.notes.len() - NOTES_SHOWN)?;
        }
        Ok(())
    }
}

fn station(f: &mut fmt::Formatter<'_>, s: &Station) -> fmt::Result {
    write!(f, "  {:<3} {:<9}", s.code, s.name)?;
    match s.position_m {
        Some([x, y, z]) => write!(f, " {x:.4} {y:.4} {z:.4} m")?,
        None => write!(f, " nowhere")?,
    }
    if let Some(epoch) = s.position_epoch {
        write!(f, " at {}", &epoch.to_string()[..10])?;
    }
    write!(f, ", {:?}, axis offset {} m", s.mount, s.axis_offset_m)?;
    if let Some(diameter_m) = s.diameter_m {
        write!(f, ", diameter {diameter_m} m")?;
    }
    for equipment in &s.equipment {
        write!(f, ", {equipment}")?;
    }
    writeln!(f)?;
    s.clocks.iter().try_for_each(|c| clock(f, c))?;
    s.media.iter().try_for_each(|m| writeln!(f, "      drive {} {} {} to {}", m.drive, m.label, m.from, m.to))
}

fn clock(f: &mut fmt::Formatter<'_>, c: &ClockEarly) -> fmt::Result {
    write!(f, "      clock early by {:.6} us at {}", c.early_s[0] * 1e6, c.epoch)?;
    if let Some(rate) = c.early_s.get(1) {
        write!(f, ", rate {rate:.4e} s/s")?;
    }
    if let Some(from) = c.valid_from.filter(|from| *from != c.epoch) {
        write!(f, ", from {from}")?;
    }
    writeln!(f)
}

/// Set-ups that are the same are told once.
fn mode(f: &mut fmt::Formatter<'_>, mode: &Mode, schedule: &Schedule) -> fmt::Result {
    writeln!(f, "  {}", mode.name)?;
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for setup in &mode.setups {
        let mut text = channels(&setup.channels);
        for stream in &setup.streams {
            text.push_str("\n        ");
            text.push_str(&stream_text(stream));
        }
        let code = schedule.stations[setup.station].code.as_str();
        match told.iter_mut().find(|(t, _)| *t == text) {
            Some((_, codes)) => codes.push(code),
            None => told.push((text, vec![code])),
        }
    }
    told.iter().try_for_each(|(text, codes)| writeln!(f, "    {}: {text}", codes.join(" ")))
}

/// "16 channels: 86076 to 86140 MHz U R, ...": channels with the same edge, width and sideband as one.
fn channels(channels: &[Channel]) -> String {
    let mut bands: BTreeMap<(i64, i64, bool), String> = BTreeMap::new();
    for c in channels {
        // To a tenth of a hertz: floating point is no key.
        let key =
            ((c.edge_hz * 10.0).round() as i64, (c.bandwidth_hz * 10.0).round() as i64, c.lower_sideband);
        bands.entry(key).or_default().push(c.polarisation.unwrap_or('?'));
    }
    let list = bands.iter().map(|(&(edge, width, lower), polarisations)| {
        let (edge, width) = (edge as f64 / 1e7, width as f64 / 1e7);
        format!("{edge}{}{width} {polarisations}", if lower { "-" } else { "+" })
    });
    format!(
        "{} channels (edge +- bandwidth in MHz, polarisations): {}",
        channels.len(),
        list.collect::<Vec<_>>().join(", ")
    )
}

fn stream_text(stream: &Stream) -> String {
    let format = match &stream.format {
        Format::Other(name) => name.clone(),
        known => format!("{known:?}"),
    };
    let mut text =
        format!("{format}, {} channels, {} Msample/s", stream.channels.len(), stream.sample_rate_hz / 1e6);
    if stream.bits > 0 {
        text.push_str(&format!(", {} bit", stream.bits));
    }
    if stream.complex {
        text.push_str(", complex");
    }
    if stream.frame_bytes > 0 {
        text.push_str(&format!(", {} bytes a frame", stream.frame_bytes));
    }
    if !stream.threads.is_empty() {
        text.push_str(&format!(", threads {:?}", stream.threads));
    }
    text
}

fn scan(f: &mut fmt::Formatter<'_>, scan: &Scan, schedule: &Schedule) -> fmt::Result {
    let (from, to) = scan.span_s();
    let codes: Vec<&str> = scan.stations.iter().map(|s| schedule.stations[s.station].code.as_str()).collect();
    let (mode, source) = (&schedule.modes[scan.mode].name, &schedule.sources[scan.pointing].name);
    write!(f, "  {:<8} {} +{} s, mode {mode}, {source}", scan.name, scan.start.plus(from), to - from)?;
    if scan.centres != [scan.pointing] {
        let names: Vec<&str> = scan.centres.iter().map(|&c| schedule.sources[c].name.as_str()).collect();
        write!(f, " (phase centres {})", names.join(", "))?;
    }
    writeln!(f, ", {}", codes.join(" "))
}

/// "19h12m03.123456s".
pub fn right_ascension(rad: f64) -> String {
    let micros = (rad.rem_euclid(2.0 * PI) * 12.0 / PI * 3.6e9).round() as u64 % 86_400_000_000;
    let (hours, minutes, rest) = (micros / 3_600_000_000, micros / 60_000_000 % 60, micros % 60_000_000);
    format!("{hours:02}h{minutes:02}m{:02}.{:06}s", rest / 1_000_000, rest % 1_000_000)
}

/// "-30d21'08.811891\"".
pub fn declination(rad: f64) -> String {
    let micros = (rad.abs() * 180.0 / PI * 3.6e9).round() as u64;
    let (degrees, minutes, rest) = (micros / 3_600_000_000, micros / 60_000_000 % 60, micros % 60_000_000);
    let sign = if rad < 0.0 { '-' } else { '+' };
    format!("{sign}{degrees:02}d{minutes:02}'{:02}.{:06}\"", rest / 1_000_000, rest % 1_000_000)
}
