//! Writes powers as SIGPROC filterbank files, one for each scan, band and station, which blimpy and turbo_seti open.
//!
//! Frequencies fall from channel to channel, as they do in Breakthrough Listen's files. Units of work write their part in
//! place, among the search's parts; a file that is whole is put where the products are.

use super::plan::NarrowPlan;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// One file's place and shape.
#[derive(Debug, Clone)]
pub(super) struct Filterbank {
    pub path: PathBuf,
    /// Where it is until it is whole.
    part: PathBuf,
    channels: usize,
    header: Vec<u8>,
}

impl Filterbank {
    /// The file of a scan, band and station in a folder; `parts` is where it grows.
    pub fn new(
        plan: &NarrowPlan,
        (scan, shared, member): (usize, usize, usize),
        (out, parts): (&Path, &Path),
    ) -> Self {
        let job = &plan.base.job;
        let band = &plan.shared[shared];
        let stream = &job.streams[band.members[member].stream];
        let station = &job.stations[stream.station].name;
        let name = format!(
            "{}.{}.{}.{:.3}MHz.{}.fil",
            job.name,
            job.scans[scan].name,
            station,
            job.bands[band.band].low_hz() / 1e6,
            band.polarisation
        );
        let name = name.replace(['/', ' '], "_");
        let header = header(plan, (scan, band.band), &name, station);
        let part = parts.join(&name);
        Self { path: out.join(name), part, channels: plan.grid.channels(), header }
    }

    /// Whether it is there, whole or not.
    pub fn exists(&self) -> bool {
        self.part.exists() || self.path.exists()
    }

    /// Makes the file with its header and room for so many spectra, unless it is there.
    pub fn create(&self, spectra: usize) -> io::Result<()> {
        if self.exists() {
            return Ok(());
        }
        let new = self.part.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&self.header)?;
        file.set_len((self.header.len() + 4 * spectra * self.channels) as u64)?;
        file.sync_all()?;
        fs::rename(&new, &self.part)
    }

    /// Opens it for [`Self::put`].
    pub fn open(&self) -> io::Result<File> {
        let path = if self.part.exists() { &self.part } else { &self.path };
        OpenOptions::new().write(true).open(path)
    }

    /// Puts it where it belongs: all of it is written.
    pub fn finish(&self) -> io::Result<()> {
        if self.part.exists() {
            File::open(&self.part)?.sync_all()?;
            fs::rename(&self.part, &self.path)?;
        }
        Ok(())
    }

    /// Writes powers of a spectrum from a channel on, counted from the band's lower edge; what is beyond the band is left out.
    pub fn put(&self, file: &File, spectrum: usize, channel: usize, powers: &[f32]) -> io::Result<()> {
        let inside = powers.len().min(self.channels.saturating_sub(channel));
        let bytes: Vec<u8> = powers[..inside].iter().rev().flat_map(|p| p.to_le_bytes()).collect();
        let place = spectrum * self.channels + self.channels - channel.min(self.channels) - inside;
        file.write_all_at(&bytes, (self.header.len() + 4 * place) as u64)
    }
}

/// Degrees or hours as SIGPROC packs them: ddmmss.s.
fn packed(value: f64) -> f64 {
    let seconds = value.abs() * 3600.0;
    let (whole, minutes) = ((seconds / 3600.0).floor(), (seconds / 60.0).floor() % 60.0);
    value.signum() * (whole * 10_000.0 + minutes * 100.0 + seconds % 60.0)
}

fn header(plan: &NarrowPlan, (scan, band): (usize, usize), name: &str, station: &str) -> Vec<u8> {
    let (job, grid) = (&plan.base.job, &plan.grid);
    let source = &job.sources[job.scans[scan].pointing];
    let mut bytes = Vec::new();
    let text = |bytes: &mut Vec<u8>, value: &str| {
        bytes.extend((value.len() as i32).to_le_bytes());
        bytes.extend(value.as_bytes());
    };
    text(&mut bytes, "HEADER_START");
    for (key, value) in [("rawdatafile", name), ("source_name", source.name.as_str())] {
        text(&mut bytes, key);
        text(&mut bytes, value);
    }
    // No telescope of SIGPROC's list: the file's name has the station.
    let numbers = [("machine_id", 0), ("telescope_id", 0), ("data_type", 1), ("nbits", 32), ("nifs", 1)];
    for (key, value) in numbers.into_iter().chain([("nchans", grid.channels() as i32)]) {
        text(&mut bytes, key);
        bytes.extend(i32::to_le_bytes(value));
    }
    let seconds = (job.start_second + job.scans[scan].start_s) as f64;
    let top_hz = job.bands[band].low_hz() + (grid.channels() - 1) as f64 * grid.channel_hz();
    for (key, value) in [
        ("src_raj", packed(source.ra_rad.to_degrees() / 15.0)),
        ("src_dej", packed(source.dec_rad.to_degrees())),
        ("az_start", 0.0),
        ("za_start", 0.0),
        ("tstart", job.start_mjd as f64 + seconds / 86_400.0),
        ("tsamp", grid.spectrum_s()),
        ("fch1", top_hz / 1e6),
        ("foff", -grid.channel_hz() / 1e6),
    ] {
        text(&mut bytes, key);
        bytes.extend(value.to_le_bytes());
    }
    tracing::debug!(station, name, "filterbank");
    text(&mut bytes, "HEADER_END");
    bytes
}

#[cfg(test)]
mod tests {
    use super::packed;

    #[test]
    fn angles_are_packed() {
        assert!((packed(22.9 + 1.0 / 3600.0) - 225_401.0).abs() < 1e-6);
        assert!((packed(-16.5) + 163_000.0).abs() < 1e-6);
    }
}
