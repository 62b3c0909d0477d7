//! Writes the job of stations that record differently: DiFX's files made into a job.toml, with each station's own streams.

use super::SimError;
use super::config::Sideband;
use super::scene::{Scene, Station};
use crate::difx::DifxJob;
use crate::job::Sampling;
use crate::job::file::{ChannelEntry, SidebandName, StreamEntry, ZeroName, convert, write};
use crate::schedule::Format;
use mirinae_common::atomic;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether any station records in a way of its own.
pub(super) fn is(scene: &Scene) -> bool {
    scene.stations.iter().any(|s| !s.recorder.is_plain() || s.recorder.format != scene.format)
}

/// Writes the job.toml in place of the `.input`; returns its path.
pub(super) fn write(scene: &Scene, input: &Path) -> Result<PathBuf, SimError> {
    let wrong = |what: String| SimError::Job { path: input.to_owned(), what };
    let difx = DifxJob::open(input).map_err(|e| wrong(e.to_string()))?;
    let folder = input.parent().unwrap_or(Path::new(""));
    let mut job = convert::convert(&difx, folder).map_err(|e| wrong(e.to_string()))?;
    let split = scene.stations.iter().map(|s| s.recorder.split).max().unwrap_or(1);
    job.correlation.channels = job.correlation.channels.map(|channels| channels / split);
    job.correlation.baselines.clear();
    for (entry, station) in job.stations.iter_mut().zip(&scene.stations) {
        entry.streams = vec![stream(scene, station)];
    }
    let path = input.with_extension("toml");
    atomic::write(&path, |to| to.write_all(write::to_toml(&job, "a simulation").as_bytes()))?;
    // It says that all stations record alike.
    std::fs::remove_file(input).map_err(|source| atomic::WriteError { path: input.to_owned(), source })?;
    Ok(path)
}

fn stream(scene: &Scene, station: &Station) -> StreamEntry {
    let recorder = &station.recorder;
    let width_hz = scene.bandwidth_hz / recorder.split as f64;
    let channel = |(band, part): (usize, usize)| {
        let band = &scene.bands[band];
        let own = if band.sign > 0.0 { Sideband::Upper } else { Sideband::Lower };
        let lower = recorder.sideband.unwrap_or(own) == Sideband::Lower;
        let low_hz = band.edge_hz.min(band.edge_hz + band.sign * scene.bandwidth_hz) + part as f64 * width_hz;
        ChannelEntry {
            edge_mhz: if lower { low_hz + width_hz } else { low_hz } / 1e6,
            bandwidth_mhz: width_hz / 1e6,
            sideband: if lower { SidebandName::Lower } else { SidebandName::Upper },
            polarisation: band.polarization,
            clock_offset_us: 0.0,
        }
    };
    let channels: Vec<ChannelEntry> = (0..scene.bands.len())
        .flat_map(|band| (0..recorder.split).map(move |part| (band, part)))
        .map(channel)
        .collect();
    StreamEntry {
        format: Format::Vdif,
        bits: recorder.format.bits as u32,
        frame_bytes: recorder.format.frame_bytes,
        complex: recorder.sampling.is_complex(),
        zero: if recorder.sampling == Sampling::ComplexCentred { ZeroName::Centre } else { ZeroName::Edge },
        sample_rate_hz: None,
        phase_cal_mhz: station.phase_cal.map_or(0.0, |p| p.tones.interval_hz / 1e6),
        phase_cal_base_mhz: station.phase_cal.map_or(0.0, |p| p.tones.base_hz / 1e6),
        threads: if recorder.threads { (0..channels.len() as u16).collect() } else { Vec::new() },
        recordings: vec![station.file.clone()],
        channels,
    }
}
