//! Makes a [`Job`] from the files of a DiFX job.
use super::{Band, Baseline, Channel, Job, JobError, Product, Rotation, Scan, Source, Station, Stream};
use crate::difx::{self, DifxError, DifxJob, Input};
use crate::geometry::{Clock, Interval, Polynomial, PolynomialModel, StationModel};
use crate::schedule::Format;
use std::path::Path;

const DAY_S: i64 = 86_400;

impl Job {
    /// Reads and resolves a DiFX job from its `.input`.
    ///
    /// # Errors
    /// [`JobError`]: with file and place, before any recording is read.
    pub fn open(input: &Path) -> Result<Self, JobError> {
        Self::from_difx(&DifxJob::open(input)?)
    }

    /// Resolves a DiFX job that was read.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_difx(difx: &DifxJob) -> Result<Self, JobError> {
        let input = &difx.input;
        let (sample_rate_hz, channels, average) = shape(input)?;
        let streams = streams(input)?;
        let crosses = crosses(input, &streams)?;
        let autos = if input.write_autos { autos(input, &streams, &crosses) } else { Vec::new() };
        let (scans, sources) = scans(difx, sample_rate_hz, channels)?;
        let stem = input.path.file_stem().and_then(|s| s.to_str()).unwrap_or("job");
        Ok(Self {
            name: stem.to_owned(),
            obscode: difx.calc.obscode.clone(),
            swin_folder: input.output_name.clone(),
            write_swin: false,
            write_fits_idi: false,
            earth: difx.calc.eop_at(input.start),
            start_mjd: input.start.0,
            start_second: input.start.1,
            sample_rate_hz,
            channels,
            average,
            integration_s: input.integration_s,
            rotation: match input.rotation_order {
                0 => Rotation::AfterTransform,
                _ => Rotation::BeforeTransform,
            },
            stations: stations(difx)?,
            bands: input.freqs.iter().enumerate().map(|(i, f)| band(i, f)).collect(),
            baselines: input.baselines.iter().map(|b| Baseline { a: b.a, b: b.b }).collect(),
            streams,
            crosses,
            autos,
            sources,
            scans,
        })
    }
}

fn band(difx_index: usize, f: &difx::Freq) -> Band {
    Band { lo_hz: f.lo_hz, bandwidth_hz: f.bandwidth_hz, lower_sideband: f.lower_sideband, difx_index }
}

/// Sample rate, channels and averaging, which all recorded frequencies must have in common.
fn shape(input: &Input) -> Result<(u64, usize, usize), JobError> {
    let recorded = || input.datastreams.iter().flat_map(|s| &s.freqs).map(|r| &input.freqs[r.freq]);
    let Some(first) = recorded().next() else {
        let what = "no data stream records any frequency".to_owned();
        return Err(JobError::Disagree { path: input.path.clone(), what });
    };
    for f in recorded() {
        let same = f.bandwidth_hz == first.bandwidth_hz
            && f.channels == first.channels
            && f.channels_to_average == first.channels_to_average;
        if !same {
            let what = "all recorded frequencies need the same bandwidth, NUM CHANNELS and CHANS TO AVG; \
                        make one job for each";
            return Err(input.unsupported(&f.place, what).into());
        }
    }
    let rate_hz = 2.0 * first.bandwidth_hz;
    if (rate_hz - rate_hz.round()).abs() > 1e-3 {
        return Err(input.unsupported(&first.place, "the sample rate is not a whole number of Hz").into());
    }
    Ok((rate_hz.round() as u64, first.channels, first.channels_to_average))
}

fn streams(input: &Input) -> Result<Vec<Stream>, JobError> {
    let stream = |s: &difx::Datastream| {
        let channel = |b: &difx::RecordedBand| {
            let recorded = &s.freqs[b.recorded_freq];
            let (band, clock_offset_s) = (recorded.freq, recorded.clock_offset_s);
            Channel { band, polarisation: b.polarisation, clock_offset_s }
        };
        Ok(Stream {
            station: s.telescope,
            format: Format::Vdif,
            complex: false,
            bits: s.bits,
            frame_bytes: s.frame_bytes,
            threads: threads(input, s)?,
            channels: s.bands.iter().map(channel).collect(),
            files: s.files.iter().map(|(path, _)| path.clone()).collect(),
        })
    };
    input.datastreams.iter().map(stream).collect()
}

/// `VDIF` is one thread with all channels; `INTERLACEDVDIF/3:1:2:0` names the threads in the order of the bands.
fn threads(input: &Input, stream: &difx::Datastream) -> Result<Vec<u16>, DifxError> {
    let format = stream.format.to_ascii_uppercase();
    if format == "VDIF" || format == "VDIFL" {
        return Ok(Vec::new());
    }
    let list =
        format.strip_prefix("INTERLACEDVDIF/").map(|l| l.split(':').map(|t| t.trim().parse().ok()).collect());
    let Some(threads): Option<Option<Vec<u16>>> = list else {
        let what = format!("{}: only VDIF, VDIFL and INTERLACEDVDIF/t:t:... are read", stream.format);
        return Err(input.unsupported(&stream.format_place, what));
    };
    let threads = threads.ok_or_else(|| {
        input.refers(&stream.format_place, format!("{} is no list of thread numbers", stream.format))
    })?;
    if threads.is_empty() || !stream.bands.len().is_multiple_of(threads.len()) {
        let what = format!("{} threads do not fit {} recorded bands", threads.len(), stream.bands.len());
        return Err(input.refers(&stream.format_place, what));
    }
    Ok(threads)
}

/// Products in the order of DiFX's output: by baseline, frequency in the order of the table, polarisation.
fn crosses(input: &Input, streams: &[Stream]) -> Result<Vec<Product>, JobError> {
    let mut products = Vec::new();
    for (of, baseline) in input.baselines.iter().enumerate() {
        let mut of_baseline = Vec::new();
        for pair in baseline.products.iter().flatten() {
            let band = |stream: usize, channel: usize| streams[stream].channels[channel].band;
            let (a, b) = (band(baseline.a, pair.a), band(baseline.b, pair.b));
            let edges = |i: usize| (self::band(i, &input.freqs[i]).low_hz(), input.freqs[i].bandwidth_hz);
            if edges(a) != edges(b) {
                let what = format!("frequencies {a} and {b} do not cover the same part of the sky");
                return Err(input.refers(&pair.place, what).into());
            }
            of_baseline.push(Product { of, a: (baseline.a, pair.a), b: (baseline.b, pair.b), band: a });
        }
        of_baseline.sort_by_key(|p| p.band);
        products.extend(of_baseline);
    }
    Ok(products)
}

fn autos(input: &Input, streams: &[Stream], crosses: &[Product]) -> Vec<Product> {
    auto_products(
        streams,
        crosses,
        input.baselines.iter().flat_map(|b| &b.products).any(|pairs| pairs.len() > 2),
    )
}

/// DiFX writes autocorrelations of frequencies that some baseline uses: by stream, first the parallel ones of all
/// channels, then (where any baseline has cross-polarised products) the cross-polarised ones.
pub(super) fn auto_products(streams: &[Stream], crosses: &[Product], polarised: bool) -> Vec<Product> {
    let channel_band = |(s, c): (usize, usize)| streams[s].channels[c].band;
    let used = |band| {
        crosses.is_empty() || crosses.iter().any(|p| band == channel_band(p.a) || band == channel_band(p.b))
    };
    let mut products = Vec::new();
    for (of, stream) in streams.iter().enumerate() {
        let used: Vec<usize> =
            (0..stream.channels.len()).filter(|&c| used(stream.channels[c].band)).collect();
        let product =
            |a: usize, b: usize| Product { of, a: (of, a), b: (of, b), band: stream.channels[a].band };
        products.extend(used.iter().map(|&c| product(c, c)));
        if polarised {
            for &a in &used {
                let other = |&&b: &&usize| b != a && stream.channels[b].band == stream.channels[a].band;
                products.extend(used.iter().find(other).map(|&b| product(a, b)));
            }
        }
    }
    products
}

fn stations(difx: &DifxJob) -> Result<Vec<Station>, DifxError> {
    let mut stations = Vec::new();
    for scope in &difx.input.telescopes {
        let named = difx.calc.stations.iter().find(|s| s.name == scope.name);
        let Some(found) = named else {
            let what = format!("station {} is not in {}", scope.name, difx.calc.path.display());
            return Err(difx.input.refers(&scope.place, what));
        };
        stations.push(Station {
            name: scope.name.clone(),
            xyz_m: found.xyz_m,
            mount: found.mount,
            axis_offset_m: found.axis_offset_m,
        });
    }
    Ok(stations)
}

/// Index of every station of the `.input` in the `.im`.
fn model_stations(difx: &DifxJob) -> Result<Vec<usize>, DifxError> {
    let find = |scope: &difx::Telescope| {
        difx.im.stations.iter().position(|name| *name == scope.name).ok_or_else(|| {
            let what = format!("station {} is not in {}", scope.name, difx.im.path.display());
            difx.input.refers(&scope.place, what)
        })
    };
    difx.input.telescopes.iter().map(find).collect()
}

fn seconds_between(from: (i64, i64), to: (i64, i64)) -> i64 {
    (to.0 - from.0) * DAY_S + to.1 - from.1
}

fn scans(difx: &DifxJob, rate_hz: u64, channels: usize) -> Result<(Vec<Scan>, Vec<Source>), JobError> {
    let (input, calc) = (&difx.input, &difx.calc);
    if calc.scans.len() != difx.im.scans.len() {
        let what =
            format!("has {} scans, {} has {}", difx.im.scans.len(), calc.path.display(), calc.scans.len());
        return Err(JobError::Disagree { path: difx.im.path.clone(), what });
    }
    let offset_s = seconds_between(input.start, calc.start);
    let mut scans = Vec::new();
    for (scan, model) in calc.scans.iter().zip(&difx.im.scans) {
        let begin_s = scan.start_s + offset_s;
        let (start_s, end_s) = (begin_s.max(0), (begin_s + scan.duration_s).min(input.execute_s));
        if start_s >= end_s {
            continue;
        }
        let block_ns = 2e9 * channels as f64 / rate_hz as f64;
        scans.push(Scan {
            name: scan.name.clone(),
            start_s,
            end_s,
            pointing: scan.pointing,
            centres: scan.centres.clone(),
            shift_blocks: ((scan.shift_ns as f64 / block_ns).round() as u64).max(1),
            model: model_of(difx, scan, model, (start_s as f64, end_s as f64))?,
        });
    }
    if scans.is_empty() {
        let what = "no scan lies between the start of the job and the end of its EXECUTE TIME".to_owned();
        return Err(JobError::Disagree { path: calc.path.clone(), what });
    }
    let source = |s: &difx::Source| Source { name: s.name.clone(), ra_rad: s.ra_rad, dec_rad: s.dec_rad };
    Ok((scans, calc.sources.iter().map(source).collect()))
}

fn model_of(
    difx: &DifxJob,
    scan: &difx::Scan,
    model: &difx::ScanModel,
    wanted_s: (f64, f64),
) -> Result<PolynomialModel, JobError> {
    let name = |s: usize| &difx.calc.sources[s].name;
    let same = model.pointing == *name(scan.pointing)
        && model.centres.len() == scan.centres.len()
        && model.centres.iter().zip(&scan.centres).all(|(m, &c)| m == name(c));
    if !same {
        let what =
            format!("line {}: its sources of scan {} are not those of the .calc", model.line, scan.name);
        return Err(JobError::Disagree { path: difx.im.path.clone(), what });
    }
    let columns = model_stations(difx)?;
    let polynomial = |c: &[f64]| Polynomial { coefficients: c.to_vec() };
    let station = |p: &difx::StationPolynomials| StationModel {
        delay_s: polynomial(&p.delay_s),
        uvw_m: [polynomial(&p.u_m), polynomial(&p.v_m), polynomial(&p.w_m)],
    };
    let interval = |i: &difx::Interval| Interval {
        start_s: seconds_between(difx.input.start, i.start) as f64,
        by_source_station: i
            .by_source_station
            .iter()
            .map(|stations| columns.iter().map(|&c| station(&stations[c])).collect())
            .collect(),
    };
    let intervals = model.intervals.iter().map(interval).collect();
    let clock = |t: &difx::Telescope| {
        let (day, second) = difx.input.start;
        let reference_s = (t.clock_reference_mjd - day as f64) * DAY_S as f64 - second as f64;
        Clock { reference_s, late_s: polynomial(&t.clock_s) }
    };
    let clocks = difx.input.telescopes.iter().map(clock).collect();
    PolynomialModel::new(&scan.name, difx.im.interval_s, intervals, clocks, wanted_s)
        .map_err(|cause| JobError::Geometry { path: difx.im.path.clone(), cause })
}
