//! Resolves a `job.toml` into a [`Job`].

use super::geometry::{Delays, Wanted};
use super::orbits::{is_seen, targets};
use super::{
    ChannelEntry, JobFile, ScanEntry, SidebandName, StreamEntry, ZeroName, epoch, products, recordings,
};
use crate::antab::{self, TsysRow};
use crate::baseband::UtcSecond;
use crate::baseband::time::mjd_from_civil;
use crate::centres::resolution::Resolution;
use crate::epoch::Epoch;
use crate::geometry::model::Target;
use crate::job::parts::auto_products;
use crate::job::{Band, Channel, Job, JobError, PhaseCal, Sampling, Scan, Source, Station, Stream, Tsys};
use std::path::Path;

/// After how much time visibilities are turned to the phase centres where nobody says.
const DEFAULT_SHIFT_S: f64 = 0.02;
/// Polarisations that are known.
const POLARISATIONS: [char; 6] = ['R', 'L', 'X', 'Y', 'H', 'V'];

impl JobFile {
    /// Resolves and checks the job; files in it count from the folder of `path`.
    ///
    /// # Errors
    /// [`JobError::File`], with the part of the file, before any recording is read.
    pub fn job(&self, path: &Path) -> Result<Job, JobError> {
        let resolved = self.laid_out().and_then(|(file, told)| file.resolve(path, told));
        resolved.map_err(|what| JobError::File { path: path.to_owned(), what })
    }

    /// Resolves a job whose mosaic is laid out; `told` is what there is to say of it.
    fn resolve(&self, path: &Path, mut told: Vec<String>) -> Result<Job, String> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or("job").to_owned();
        let resolution = self.resolution()?;
        self.check(&resolution)?;
        let (mut bands, streams) = self.bands_and_streams(folder)?;
        let ranges = products::ranges(self, &streams, &bands)?;
        let width = (ranges.first().map_or(0.0, |r| r.bandwidth_hz), resolution.channels);
        let sample_rate_hz = self.sample_rate(&streams, &bands, width)?;
        let channel_hz = 0.5 * sample_rate_hz as f64 / resolution.channels as f64;
        let baselines = products::baselines(self, &streams)?;
        let parts = (&mut bands, ranges.as_slice());
        let crosses = products::crosses(self, &streams, parts, (&baselines, channel_hz))?;
        if crosses.is_empty() && (!baselines.is_empty() || !self.correlation.zoom.is_empty()) {
            return Err("no two stations record the same part of the sky in the same polarisation".to_owned());
        }
        let polarised = self.correlation.polarisations == super::Polarisations::All;
        let autos = if self.correlation.autocorrelations {
            auto_products(&streams, &bands, &crosses, polarised)
        } else {
            Vec::new()
        };
        let start = self.start()?;
        let sources = self.sources()?;
        let delays = self.delays(folder)?;
        let orbits = self.orbits(folder)?;
        let targets = targets(&sources, &orbits);
        let scans =
            self.resolve_scans(&delays, start, (&sources, &targets), (sample_rate_hz, &resolution))?;
        if let Delays::Computed(calculator) = &delays {
            told.extend(is_seen(calculator, start, &scans, (&sources, &targets))?);
        }
        let views =
            self.views(&sources, (resolution.channels, resolution.average, resolution.integration_s))?;
        let mut job = Job {
            obscode: self.obscode.clone().unwrap_or_else(|| name.clone()),
            swin_folder: self.products.swin_folder.clone().unwrap_or_else(|| format!("{name}.difx")),
            write_swin: self.products.swin,
            write_fits_idi: self.products.fits_idi,
            earth: delays.earth(start)?,
            name,
            start_mjd: start.mjd,
            start_second: start.second as i64,
            sample_rate_hz,
            channels: resolution.channels,
            average: resolution.average,
            integration_s: resolution.integration_s,
            told,
            rotation: self.correlation.rotation.into(),
            quantisation: self.correlation.quantisation,
            normalise: self.correlation.normalise,
            stations: self
                .stations
                .iter()
                .map(|s| Station {
                    name: s.code.clone(),
                    xyz_m: s.position_m,
                    mount: s.mount,
                    axis_offset_m: s.axis_offset_m,
                    diameter_m: s.diameter(),
                })
                .collect(),
            bands,
            streams,
            baselines,
            crosses,
            autos,
            tsys: self.tsys(folder, start)?,
            sources,
            scans,
            views: Vec::new(),
        };
        job.set_apart(&views)?;
        job.check_tones()?;
        Ok(job)
    }

    /// The channels and times, all of which are given or have defaults by now.
    fn resolution(&self) -> Result<Resolution, String> {
        let c = &self.correlation;
        let missing =
            |key: &str| format!("correlation.{key} is missing: without a [mosaic] it must be given");
        Ok(Resolution {
            channels: c.channels.ok_or_else(|| missing("channels"))?,
            average: c.average.unwrap_or(1),
            shift_s: c.shift_s.unwrap_or(DEFAULT_SHIFT_S),
            integration_s: c.integration_s.ok_or_else(|| missing("integration_s"))?,
        })
    }

    fn check(&self, c: &Resolution) -> Result<(), String> {
        if c.channels == 0 || c.average == 0 || !c.channels.is_multiple_of(c.average) {
            return Err(format!(
                "correlation: average ({}) must divide channels ({})",
                c.average, c.channels
            ));
        }
        if !(c.integration_s > 0.0 && c.integration_s.is_finite() && c.shift_s > 0.0 && c.shift_s.is_finite())
        {
            return Err("correlation: integration_s and shift_s must be positive".to_owned());
        }
        if self.correlation.normalise && !self.correlation.autocorrelations {
            return Err("correlation: normalise needs autocorrelations = true".to_owned());
        }
        for (index, station) in self.stations.iter().enumerate() {
            if self.stations[..index].iter().any(|s| s.code.eq_ignore_ascii_case(&station.code)) {
                return Err(format!("station {} is given twice", station.code));
            }
        }
        if self.scans.is_empty() { Err("there is no scan".to_owned()) } else { Ok(()) }
    }

    /// Bands in the order in which the streams have them, and the streams.
    fn bands_and_streams(&self, folder: &Path) -> Result<(Vec<Band>, Vec<Stream>), String> {
        let mut bands: Vec<Band> = Vec::new();
        let mut streams = Vec::new();
        for (station, of) in self.stations.iter().enumerate() {
            for entry in &of.streams {
                let place = format!("station {}", of.code);
                let mut channels = Vec::new();
                for channel in &entry.channels {
                    channels.push(
                        resolve_channel(channel, &mut bands).map_err(|what| format!("{place}: {what}"))?,
                    );
                }
                let threads = entry.threads.len().max(1);
                if channels.is_empty() || !channels.len().is_multiple_of(threads) {
                    return Err(format!("{place}: {threads} threads do not fit {} channels", channels.len()));
                }
                let files = recordings::named(folder, &entry.recordings)
                    .map_err(|what| format!("{place}: {what}"))?;
                if files.is_empty() {
                    return Err(format!("{place}: no recordings are named; fill in recordings = [\"...\"]"));
                }
                streams.push(Stream {
                    station,
                    format: entry.format.clone(),
                    sampling: sampling(entry),
                    sample_rate_hz: stream_rate(entry).map_err(|what| format!("{place}: {what}"))?,
                    bits: entry.bits,
                    frame_bytes: entry.frame_bytes,
                    phase_cal: phase_cal(entry),
                    threads: entry.threads.clone(),
                    channels,
                    files,
                });
            }
        }
        if streams.is_empty() { Err("no station has a stream".to_owned()) } else { Ok((bands, streams)) }
    }

    /// Twice the bandwidth of the products; all streams must have a whole number of its channels.
    fn sample_rate(
        &self,
        streams: &[Stream],
        bands: &[Band],
        (bandwidth_hz, channels): (f64, usize),
    ) -> Result<u64, String> {
        let rate = whole_rate(2.0 * bandwidth_hz)?;
        let channel_hz = 0.5 * rate as f64 / channels as f64;
        for stream in streams {
            let width_hz = stream.channels.first().map_or(0.0, |c| bands[c.band].bandwidth_hz);
            let channels = width_hz / channel_hz;
            let code = &self.stations[stream.station].code;
            if channels < 0.5 || (channels - channels.round()).abs() > 1e-6 {
                return Err(format!(
                    "station {code}: {width_hz} Hz are not a whole number of spectral channels of {channel_hz} Hz; \
                     correlation.channels is that of {bandwidth_hz} Hz"
                ));
            }
            if stream.sampling == Sampling::ComplexCentred && channels.round() as u64 % 2 == 1 {
                return Err(format!("station {code}: an odd number of spectral channels has no middle"));
            }
        }
        Ok(rate)
    }

    /// System temperatures of all stations. Their files tell the day of the year alone: it is the one nearest to the start.
    fn tsys(&self, folder: &Path, start: Epoch) -> Result<Vec<Vec<Tsys>>, String> {
        let of = |station: &super::StationEntry| {
            let Some(file) = &station.tsys_file else { return Ok(Vec::new()) };
            let wrong = |what: String| format!("station {}: {}: {what}", station.code, file.display());
            let text = std::fs::read_to_string(folder.join(file)).map_err(|e| wrong(e.to_string()))?;
            let names = [Some(station.code.as_str()), station.name.as_deref()];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            let rows = antab::read(&text, &names).map_err(wrong)?;
            let mut all: Vec<Tsys> = rows.into_iter().map(|row| tsys_at(row, start)).collect();
            all.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
            Ok(all)
        };
        self.stations.iter().map(of).collect()
    }

    /// The second from which times count.
    pub(super) fn start(&self) -> Result<Epoch, String> {
        let text = self.correlation.start.as_deref();
        let start = match text {
            Some(text) => epoch(text, "correlation.start")?,
            None => epoch(&self.scans[0].start, "the first scan")?,
        };
        Ok(Epoch::new(start.mjd, start.second.floor()))
    }

    pub(super) fn sources(&self) -> Result<Vec<Source>, String> {
        let source = |s: &super::SourceEntry| {
            let place = format!("source {}", s.name);
            let (ra_rad, dec_rad) = (s.ra.rad(true, &place)?, s.dec.rad(false, &place)?);
            Ok(Source { name: s.name.clone(), ra_rad, dec_rad })
        };
        self.sources.iter().map(source).collect()
    }

    fn resolve_scans(
        &self,
        delays: &Delays,
        start: Epoch,
        (sources, targets): (&[Source], &[Target]),
        (rate_hz, resolution): (u64, &Resolution),
    ) -> Result<Vec<Scan>, String> {
        let block_s = 2.0 * resolution.channels as f64 / rate_hz as f64;
        let mut scans = Vec::new();
        for (index, entry) in self.scans.iter().enumerate() {
            let spans = self.spans(entry, start)?;
            for (part, &(start_s, end_s)) in spans.iter().enumerate() {
                let (pointing, centres) = resolve_centres(entry, sources)?;
                let name =
                    if part == 0 { entry.name.clone() } else { format!("{}_{}", entry.name, part + 1) };
                let all: Vec<usize> = std::iter::once(pointing).chain(centres.iter().copied()).collect();
                let wanted = Wanted {
                    name: &name,
                    span_s: (start_s as f64, end_s as f64),
                    targets: all.iter().map(|&s| targets[s]).collect(),
                    names: all.iter().map(|&s| sources[s].name.as_str()).collect(),
                    im_scan: entry.im_scan.unwrap_or(index),
                };
                // One centre is correlated with its own delays; several are turned to from the pointing.
                let model = self.scan_model(delays, start, &wanted)?;
                let shift_blocks = ((resolution.shift_s / block_s).round() as u64).max(1);
                let turned = centres.len() > 1;
                scans.push(Scan { name, start_s, end_s, pointing, centres, shift_blocks, model, turned });
            }
        }
        check_overlaps(&scans)?;
        if scans.is_empty() { Err("no scan lies in any of the windows".to_owned()) } else { Ok(scans) }
    }

    /// The whole seconds of a scan that are correlated, cut by the windows.
    pub(super) fn spans(&self, scan: &ScanEntry, start: Epoch) -> Result<Vec<(i64, i64)>, String> {
        let place = format!("scan {}", scan.name);
        let from_s = epoch(&scan.start, &place)?.since(start);
        if !(scan.duration_s > 0.0 && scan.duration_s < 1e7) {
            return Err(format!("{place}: duration_s must be positive"));
        }
        // Rounding of epochs aside, only whole seconds are correlated.
        let (first, last) = ((from_s - 1e-6).ceil(), (from_s + scan.duration_s + 1e-6).floor());
        if first < 0.0 {
            return Err(format!("{place}: it begins before the start of the job"));
        }
        let mut spans = Vec::new();
        if self.windows.is_empty() {
            spans.push((first as i64, last as i64));
        }
        for window in &self.windows {
            let from = epoch(&window.from, "windows")?.since(start);
            let to = epoch(&window.to, "windows")?.since(start);
            spans.push((first.max(from.ceil()) as i64, last.min(to.floor()) as i64));
        }
        spans.retain(|(from, to)| from < to);
        Ok(spans)
    }
}

fn check_overlaps(scans: &[Scan]) -> Result<(), String> {
    for pair in scans.windows(2) {
        if pair[1].start_s < pair[0].end_s {
            return Err(format!("scan {} begins before scan {} ends", pair[1].name, pair[0].name));
        }
    }
    Ok(())
}

/// Temperatures at a time since the start of the job.
pub fn tsys_at(row: TsysRow, start: Epoch) -> Tsys {
    const HALF_YEAR_S: f64 = 182.6 * 86_400.0;
    let (year, ..) = UtcSecond::new(start.mjd, 0).date();
    let since = |year| row.since_new_year_s - start.since(Epoch::new(mjd_from_civil(year, 1, 1), 0.0));
    let near = |t_s: &f64| t_s.abs() <= HALF_YEAR_S;
    let time_s = [year, year - 1, year + 1].into_iter().map(since).find(near).unwrap_or_else(|| since(year));
    Tsys { time_s, values: row.values }
}

fn phase_cal(entry: &StreamEntry) -> Option<PhaseCal> {
    let tones = PhaseCal { interval_hz: entry.phase_cal_mhz * 1e6, base_hz: entry.phase_cal_base_mhz * 1e6 };
    (entry.phase_cal_mhz != 0.0).then_some(tones)
}

fn sampling(entry: &StreamEntry) -> Sampling {
    match (entry.complex, entry.zero) {
        (false, _) => Sampling::Real,
        (true, ZeroName::Edge) => Sampling::Complex,
        (true, ZeroName::Centre) => Sampling::ComplexCentred,
    }
}

fn whole_rate(rate: f64) -> Result<u64, String> {
    if rate < 1.0 || !rate.is_finite() || (rate - rate.round()).abs() > 1e-3 {
        return Err(format!("the sample rate {rate} is not a whole number of Hz"));
    }
    Ok(rate.round() as u64)
}

fn stream_rate(entry: &StreamEntry) -> Result<u64, String> {
    let per_hz = if entry.complex { 1.0 } else { 2.0 };
    let first = entry.channels.first().map_or(0.0, |c| c.bandwidth_mhz * 1e6);
    if entry.channels.iter().any(|c| c.bandwidth_mhz * 1e6 != first) {
        return Err("all channels of a stream need the same bandwidth".to_owned());
    }
    let rate = entry.sample_rate_hz.unwrap_or(per_hz * first);
    if rate == per_hz * first {
        whole_rate(rate)
    } else {
        Err(format!(
            "{rate} samples/s are not the {} that {first} Hz need: oversampled bands are not correlated",
            per_hz * first
        ))
    }
}

fn resolve_channel(channel: &ChannelEntry, bands: &mut Vec<Band>) -> Result<Channel, String> {
    if !POLARISATIONS.contains(&channel.polarisation) {
        return Err(format!("polarisation {}: not R, L, X, Y, H or V", channel.polarisation));
    }
    if !(channel.bandwidth_mhz > 0.0 && channel.bandwidth_mhz.is_finite() && channel.edge_mhz.is_finite()) {
        return Err("a bandwidth is larger than 0".to_owned());
    }
    let (lo_hz, bandwidth_hz) = (channel.edge_mhz * 1e6, channel.bandwidth_mhz * 1e6);
    let lower_sideband = channel.sideband == SidebandName::Lower;
    let same =
        |b: &Band| b.lo_hz == lo_hz && b.bandwidth_hz == bandwidth_hz && b.lower_sideband == lower_sideband;
    let band = bands.iter().position(same).unwrap_or_else(|| {
        bands.push(Band { lo_hz, bandwidth_hz, lower_sideband, difx_index: bands.len() });
        bands.len() - 1
    });
    let clock_offset_s = channel.clock_offset_us * 1e-6;
    Ok(Channel { band, polarisation: channel.polarisation, clock_offset_s })
}

/// Indices of the source that is pointed to and of the phase centres.
pub(super) fn resolve_centres(scan: &ScanEntry, sources: &[Source]) -> Result<(usize, Vec<usize>), String> {
    let find = |name: &String| {
        let found = sources.iter().position(|s| s.name == *name);
        found.ok_or_else(|| format!("scan {}: there is no source {name}", scan.name))
    };
    let pointing = find(&scan.source)?;
    let centres = scan.centres.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    Ok((pointing, if centres.is_empty() { vec![pointing] } else { centres }))
}
