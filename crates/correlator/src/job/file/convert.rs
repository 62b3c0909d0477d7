//! Makes a `job.toml` from a DiFX job: the same recordings, the same polynomials, the same visibilities.

use super::{
    Angle, ChannelEntry, ClockEntry, Correlation, JobFile, Model, Polarisations, ProductsWanted,
    RotationName, ScanEntry, SidebandName, SourceEntry, StationEntry, StreamEntry, ZeroName, ZoomEntry,
};
use crate::difx::DifxJob;
use crate::epoch::Epoch;
use crate::job::parts::Range;
use crate::job::{Job, JobError, Quantisation, Rotation, Sampling};
use std::path::Path;

/// Converts a DiFX job. Names of files count from `folder`, that of the `job.toml`.
///
/// # Errors
/// As [`Job::from_difx`].
pub fn convert(difx: &DifxJob, folder: &Path) -> Result<JobFile, JobError> {
    let job = Job::from_difx(difx)?;
    let start = Epoch::new(job.start_mjd, job.start_second as f64);
    let relative = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
    let name = |s: usize| job.sources[s].name.clone();
    // Scans of the .calc that are outside of the job are not in it; polynomials count all.
    let numbers =
        difx.calc.scans.iter().enumerate().filter(|(_, s)| job.scans.iter().any(|j| j.name == s.name));
    let scans = job.scans.iter().zip(numbers).map(|(scan, (number, _))| ScanEntry {
        name: scan.name.clone(),
        start: start.plus(scan.start_s as f64).to_string(),
        duration_s: (scan.end_s - scan.start_s) as f64,
        source: name(scan.pointing),
        centres: scan.centres.iter().map(|&c| name(c)).collect(),
        im_scan: Some(number),
    });
    let polarised = job.crosses.iter().any(|p| {
        let [a, b] = job.polarisations(p);
        a != b
    });
    let shift_s = job
        .scans
        .first()
        .map_or(0.02, |s| s.shift_blocks as f64 * job.block_samples() as f64 / job.sample_rate_hz as f64);
    let code = |stream: usize| job.stations[job.streams[stream].station].name.clone();
    Ok(JobFile {
        obscode: Some(job.obscode.clone()),
        correlation: Correlation {
            channels: Some(job.channels),
            average: Some(job.average),
            integration_s: Some(job.integration_s),
            rotation: if job.rotation == Rotation::AfterTransform {
                RotationName::After
            } else {
                RotationName::Before
            },
            shift_s: Some(shift_s),
            polarisations: if polarised { Polarisations::All } else { Polarisations::Parallel },
            autocorrelations: difx.input.write_autos,
            quantisation: Quantisation::None,
            normalise: false,
            baselines: job.baselines.iter().map(|b| [code(b.a), code(b.b)]).collect(),
            zoom: zoom(&job),
            start: Some(start.to_string()),
        },
        mosaic: None,
        resolutions: Vec::new(),
        model: Model { difx_im: Some(relative(&difx.im.path)), ..Model::default() },
        products: ProductsWanted { swin_folder: Some(job.swin_folder.clone()), ..ProductsWanted::default() },
        stations: (0..job.stations.len()).map(|s| station(difx, &job, s, folder)).collect(),
        sources: job
            .sources
            .iter()
            .map(|s| SourceEntry {
                name: s.name.clone(),
                ra: rad(s.ra_rad),
                dec: rad(s.dec_rad),
                orbit: None,
            })
            .collect(),
        scans: scans.collect(),
        windows: Vec::new(),
    })
}

/// The zoom bands: none where every product is all of what one of its sides recorded.
fn zoom(job: &Job) -> Vec<ZoomEntry> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut partial = false;
    for product in &job.crosses {
        let range = Range::of(&job.bands[product.band]);
        let recorded = |(s, c): (usize, usize)| Range::of(&job.bands[job.streams[s].channels[c].band]);
        partial |= ![product.a, product.b].into_iter().any(|side| recorded(side).same(range));
        if !ranges.iter().any(|r| r.same(range)) {
            ranges.push(range);
        }
    }
    let entry = |r: &Range| ZoomEntry {
        low_mhz: exactly(r.low_hz, 1e6),
        bandwidth_mhz: exactly(r.bandwidth_hz, 1e6),
    };
    if partial { ranges.iter().map(entry).collect() } else { Vec::new() }
}

fn rad(value: f64) -> Angle {
    Angle::Text(format!("{value} rad"))
}

/// The number that, times `unit`, gives `value` to the last bit.
fn exactly(value: f64, unit: f64) -> f64 {
    let near = value / unit;
    let rounded: f64 = format!("{near:.12e}").parse().unwrap_or(near);
    let candidates = [rounded, near, near.next_up(), near.next_down()];
    candidates.into_iter().find(|x| x * unit == value).unwrap_or(near)
}

fn station(difx: &DifxJob, job: &Job, index: usize, folder: &Path) -> StationEntry {
    let scope = &difx.input.telescopes[index];
    let clock = ClockEntry {
        from: None,
        epoch: format!("{}", scope.clock_reference_mjd),
        late_us: scope.clock_s.iter().map(|&late| exactly(late, 1e-6)).collect(),
    };
    let streams = job.streams.iter().filter(|s| s.station == index);
    StationEntry {
        code: scope.name.clone(),
        name: None,
        position_m: job.stations[index].xyz_m,
        velocity_m_per_yr: [0.0; 3],
        position_epoch: None,
        mount: job.stations[index].mount,
        axis_offset_m: job.stations[index].axis_offset_m,
        diameter_m: None,
        pressure_hpa: None,
        tsys_file: None,
        clocks: vec![clock],
        streams: streams.map(|s| stream(job, s, folder)).collect(),
    }
}

fn stream(job: &Job, stream: &crate::job::Stream, folder: &Path) -> StreamEntry {
    let channel = |c: &crate::job::Channel| {
        let band = &job.bands[c.band];
        ChannelEntry {
            edge_mhz: exactly(band.lo_hz, 1e6),
            bandwidth_mhz: exactly(band.bandwidth_hz, 1e6),
            sideband: if band.lower_sideband { SidebandName::Lower } else { SidebandName::Upper },
            polarisation: c.polarisation,
            clock_offset_us: exactly(c.clock_offset_s, 1e-6),
        }
    };
    let name = |f: &std::path::PathBuf| f.strip_prefix(folder).unwrap_or(f).to_string_lossy().into_owned();
    StreamEntry {
        format: stream.format.clone(),
        bits: stream.bits,
        frame_bytes: stream.frame_bytes,
        complex: stream.sampling.is_complex(),
        zero: if stream.sampling == Sampling::ComplexCentred { ZeroName::Centre } else { ZeroName::Edge },
        sample_rate_hz: None,
        phase_cal_mhz: stream.phase_cal.map_or(0.0, |p| exactly(p.interval_hz, 1e6)),
        phase_cal_base_mhz: stream.phase_cal.map_or(0.0, |p| exactly(p.base_hz, 1e6)),
        threads: stream.threads.clone(),
        recordings: stream.files.iter().map(name).collect(),
        channels: stream.channels.iter().map(channel).collect(),
    }
}
