//! Makes a `job.toml` from a schedule.

use super::recordings::of_station;
use super::{
    Angle, ChannelEntry, ClockEntry, Correlation, JobFile, Model, Polarisations, ProductsWanted,
    RotationName, ScanEntry, SidebandName, SourceEntry, StationEntry, StreamEntry, ZeroName,
};
use crate::job::Quantisation;
use crate::schedule::summary::{declination, right_ascension};
use crate::schedule::{Schedule, Setup, Station};
use std::path::PathBuf;

const YEAR_S: f64 = 365.25 * 86_400.0;

/// What is wanted of a schedule.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Codes of stations; none: all that record.
    pub stations: Vec<String>,
    /// The mode, where the schedule has several.
    pub mode: Option<String>,
    /// Folders in which recordings are looked for.
    pub recordings: Vec<PathBuf>,
}

/// Makes a job of a schedule.
///
/// # Errors
/// What is asked for and not there, or what the schedule lacks.
pub fn init(schedule: &Schedule, wishes: &Wishes) -> Result<JobFile, String> {
    let mut stations = wished_stations(schedule, &wishes.stations)?;
    let mode = wished_mode(schedule, wishes.mode.as_deref(), &stations)?;
    let setup =
        |s: usize| schedule.modes[mode].setups.iter().find(|u| u.station == s && !u.streams.is_empty());
    stations.retain(|&s| setup(s).is_some());
    let in_mode: Vec<_> = schedule.scans.iter().filter(|s| s.mode == mode).collect();
    let takes_part =
        |scan: &&&crate::schedule::Scan| scan.stations.iter().any(|s| stations.contains(&s.station));
    let wanted: Vec<_> = in_mode.iter().filter(takes_part).copied().collect();
    if stations.is_empty() || wanted.is_empty() {
        let name = &schedule.modes[mode].name;
        return Err(format!("no scan of mode {name} has a station whose recording is described"));
    }
    let mut used: Vec<usize> =
        wanted.iter().flat_map(|s| s.centres.iter().copied().chain([s.pointing])).collect();
    used.sort_unstable();
    used.dedup();
    let sources = used.iter().map(|&s| source(schedule, s)).collect::<Result<Vec<_>, _>>()?;
    let name = |s: usize| schedule.sources[s].name.clone();
    let scan = |s: &&crate::schedule::Scan| {
        let (from_s, to_s) = s.span_s();
        ScanEntry {
            name: s.name.clone(),
            start: s.start.plus(from_s).to_string(),
            duration_s: to_s - from_s,
            source: name(s.pointing),
            centres: if s.centres == [s.pointing] {
                Vec::new()
            } else {
                s.centres.iter().map(|&c| name(c)).collect()
            },
            im_scan: None,
        }
    };
    let entry = |s: &usize| station(schedule, *s, setup(*s), wishes);
    Ok(JobFile {
        obscode: Some(schedule.experiment.clone()).filter(|e| !e.is_empty()),
        correlation: Correlation {
            channels: Some(256),
            average: Some(1),
            integration_s: Some(0.8192),
            rotation: RotationName::Before,
            shift_s: Some(0.02),
            polarisations: Polarisations::Parallel,
            autocorrelations: true,
            quantisation: Quantisation::None,
            normalise: false,
            baselines: Vec::new(),
            zoom: Vec::new(),
            start: None,
        },
        mosaic: None,
        resolutions: Vec::new(),
        model: Model { eop: schedule.eop.clone(), ..Model::default() },
        products: ProductsWanted::default(),
        stations: stations.iter().map(entry).collect::<Result<_, _>>()?,
        sources,
        scans: wanted.iter().map(scan).collect(),
        windows: Vec::new(),
    })
}

fn wished_stations(schedule: &Schedule, codes: &[String]) -> Result<Vec<usize>, String> {
    if codes.is_empty() {
        return Ok((0..schedule.stations.len()).collect());
    }
    let all = || schedule.stations.iter().map(|s| s.code.as_str()).collect::<Vec<_>>().join(", ");
    let find = |code: &String| {
        schedule.station(code).ok_or_else(|| format!("the schedule has no station {code}; it has {}", all()))
    };
    codes.iter().map(find).collect()
}

/// A job is of one mode.
fn wished_mode(schedule: &Schedule, name: Option<&str>, stations: &[usize]) -> Result<usize, String> {
    let names = |modes: &[usize]| {
        modes.iter().map(|&m| schedule.modes[m].name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if let Some(name) = name {
        let found = schedule.modes.iter().position(|m| m.name.eq_ignore_ascii_case(name));
        let all: Vec<usize> = (0..schedule.modes.len()).collect();
        return found.ok_or_else(|| format!("the schedule has no mode {name}; it has {}", names(&all)));
    }
    let takes_part = |s: &&crate::schedule::Scan| s.stations.iter().any(|x| stations.contains(&x.station));
    let mut used: Vec<usize> = schedule.scans.iter().filter(takes_part).map(|s| s.mode).collect();
    used.sort_unstable();
    used.dedup();
    match used.as_slice() {
        [one] => Ok(*one),
        [] => Err("no scan of the schedule has any of these stations".to_owned()),
        several => Err(format!("the scans have several modes ({}); choose one with --mode", names(several))),
    }
}

fn source(schedule: &Schedule, index: usize) -> Result<SourceEntry, String> {
    let source = &schedule.sources[index];
    let [ra, dec] = source.direction_rad.ok_or_else(|| {
        format!("source {} has no fixed direction: moving sources are not correlated yet", source.name)
    })?;
    let (ra, dec) = (Angle::Text(right_ascension(ra)), Angle::Text(declination(dec)));
    Ok(SourceEntry { name: source.name.clone(), ra, dec, orbit: None })
}

fn station(
    schedule: &Schedule,
    index: usize,
    setup: Option<&Setup>,
    wishes: &Wishes,
) -> Result<StationEntry, String> {
    let station = &schedule.stations[index];
    let position_m = station
        .position_m
        .ok_or_else(|| format!("station {} has no site_position in the schedule", station.code))?;
    let mut recordings = Vec::new();
    for folder in &wishes.recordings {
        let found = of_station(folder, &station.code).map_err(|e| format!("{}: {e}", folder.display()))?;
        // The job may be written into any folder.
        let whole = |f: &PathBuf| std::path::absolute(f).unwrap_or_else(|_| f.clone());
        recordings.extend(found.iter().map(|f| whole(f).to_string_lossy().into_owned()));
    }
    let streams = setup.map(|s| streams(s, &recordings, station)).transpose()?.unwrap_or_default();
    Ok(StationEntry {
        code: station.code.clone(),
        name: Some(station.name.clone()),
        position_m,
        velocity_m_per_yr: station.velocity_m_per_s.map(|v| tidy(v * YEAR_S)),
        position_epoch: station.position_epoch.map(|e| e.to_string()),
        mount: station.mount,
        axis_offset_m: station.axis_offset_m,
        diameter_m: station.diameter_m,
        pressure_hpa: None,
        tsys_file: None,
        clocks: clocks(station),
        streams,
    })
}

/// VEX says how early a clock is; the job, how late.
fn clocks(station: &Station) -> Vec<ClockEntry> {
    let several = station.clocks.len() > 1;
    let entry = |c: &crate::schedule::ClockEarly| ClockEntry {
        from: c.valid_from.filter(|_| several).map(|e| e.to_string()),
        epoch: c.epoch.to_string(),
        late_us: c.early_s.iter().map(|early| tidy(-early * 1e6)).collect(),
    };
    station.clocks.iter().map(entry).collect()
}

/// Without the last digits, which a change of units leaves.
fn tidy(value: f64) -> f64 {
    // Adding zero makes +0 of -0.
    format!("{value:.12e}").parse().unwrap_or(value) + 0.0
}

fn streams(setup: &Setup, recordings: &[String], station: &Station) -> Result<Vec<StreamEntry>, String> {
    let mut entries = Vec::new();
    for stream in &setup.streams {
        let channel = |&c: &usize| {
            let channel = &setup.channels[c];
            let unknown = || {
                format!("station {}: the polarisation of channel {} is not known", station.code, channel.link)
            };
            Ok(ChannelEntry {
                edge_mhz: tidy(channel.edge_hz / 1e6),
                bandwidth_mhz: tidy(channel.bandwidth_hz / 1e6),
                sideband: if channel.lower_sideband { SidebandName::Lower } else { SidebandName::Upper },
                polarisation: channel.polarisation.ok_or_else(unknown)?,
                clock_offset_us: 0.0,
            })
        };
        // Tones are a matter of the station: where some channels have none, an interval does no harm.
        let tones = stream.channels.iter().map(|&c| &setup.channels[c]).find(|c| c.phase_cal_hz > 0.0);
        entries.push(StreamEntry {
            format: stream.format.clone(),
            bits: if stream.bits == 0 { 2 } else { stream.bits },
            frame_bytes: stream.frame_bytes,
            complex: stream.complex,
            zero: ZeroName::Edge,
            sample_rate_hz: Some(stream.sample_rate_hz),
            phase_cal_mhz: tones.map_or(0.0, |c| tidy(c.phase_cal_hz / 1e6)),
            phase_cal_base_mhz: tones.map_or(0.0, |c| tidy(c.phase_cal_base_hz / 1e6)),
            threads: stream.threads.clone(),
            recordings: recordings.to_vec(),
            channels: stream.channels.iter().map(channel).collect::<Result<_, String>>()?,
        });
    }
    Ok(entries)
}
