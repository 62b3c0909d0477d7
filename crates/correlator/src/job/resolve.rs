//! Makes a [`Job`] from the files of a DiFX job.
use super::parts::{Range, auto_products};
use super::{
    Band, Baseline, Channel, Job, JobError, Product, Quantisation, Rotation, Scan, Source, Station, Stream,
    known_diameter_m,
};
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
        let bands: Vec<Band> = (0..input.freqs.len()).map(|freq| band_of(input, freq)).collect();
        let crosses = crosses(input, &streams, 0.5 * sample_rate_hz as f64 / channels as f64)?;
        let autos = if input.write_autos { autos(input, &streams, &bands, &crosses) } else { Vec::new() };
        let (scans, sources) = scans(difx, sample_rate_hz, channels)?;
        let stem = input.path.file_stem().and_then(|s| s.to_str()).unwrap_or("job");
        let mut job = Self {
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
            told: Vec::new(),
            rotation: match input.rotation_order {
                0 => Rotation::AfterTransform,
                _ => Rotation::BeforeTransform,
            },
            quantisation: Quantisation::None,
            normalise: false,
            stations: stations(difx)?,
            bands,
            baselines: input.baselines.iter().map(|b| Baseline { a: b.a, b: b.b }).collect(),
            streams,
            crosses,
            autos,
            tsys: vec![Vec::new(); input.telescopes.len()],
            sources,
            scans,
            views: Vec::new(),
        };
        // Visibilities do not need tones, which DiFX's jobs ask for by default.
        if let Err(what) = job.check_tones() {
            tracing::warn!("{}: {what}; no tones are measured", input.path.display());
            job.streams.iter_mut().for_each(|s| s.phase_cal = None);
        }
        Ok(job)
    }
}

fn band_of(input: &Input, freq: usize) -> Band {
    band(freq, &input.freqs[freq])
}

fn band(difx_index: usize, f: &difx::Freq) -> Band {
    Band { lo_hz: f.lo_hz, bandwidth_hz: f.bandwidth_hz, lower_sideband: f.lower_sideband, difx_index }
}

/// Frequency of a band of a data stream: recorded bands first, then the zoom bands.
fn freq_of(stream: &difx::Datastream, band: usize) -> usize {
    match stream.bands.get(band) {
        Some(recorded) => stream.freqs[recorded.recorded_freq].freq,
        None => stream.zoom_bands[band - stream.bands.len()].freq,
    }
}

/// The frequency under which a product is written: what TARGET FREQ names, which must be the part of the sky that is
/// correlated (`own`). DiFX puts several bands together into a wider one where they name the same wider frequency.
fn output_freq(input: &Input, pair: &difx::BandPair, own: usize) -> Result<usize, DifxError> {
    let Some((target, place)) = &pair.target else { return Ok(own) };
    let (t, o) = (&input.freqs[*target], &input.freqs[own]);
    let same = Range::of(&band(*target, t)).same(Range::of(&band(own, o)))
        && (t.channels, t.channels_to_average) == (o.channels, o.channels_to_average);
    if same {
        return Ok(*target);
    }
    let of = |f: &difx::Freq| {
        let (lo, width) = (f.lo_hz / 1e6, f.bandwidth_hz / 1e6);
        format!("{lo} MHz, {width} MHz wide, {} channels averaged by {}", f.channels, f.channels_to_average)
    };
    let what = format!(
        "frequency {target} ({}) is not that of the bands that are correlated, frequency {own} ({}): bands are not put \
         together here; correlate them as they are",
        of(t),
        of(o)
    );
    Err(input.unsupported(place, what))
}

/// The narrower of the two sides of a product: that is what is correlated of both.
fn correlated_freq(input: &Input, baseline: &difx::Baseline, pair: &difx::BandPair) -> usize {
    let (a, b) =
        (freq_of(&input.datastreams[baseline.a], pair.a), freq_of(&input.datastreams[baseline.b], pair.b));
    if input.freqs[b].bandwidth_hz < input.freqs[a].bandwidth_hz { b } else { a }
}

/// Sample rate, channels and averaging, which all correlated frequencies must have in common.
fn shape(input: &Input) -> Result<(u64, usize, usize), JobError> {
    let products = input.baselines.iter().flat_map(|b| b.products.iter().flatten().map(move |p| (b, p)));
    let mut wanted: Vec<&difx::Freq> =
        products.map(|(b, p)| &input.freqs[correlated_freq(input, b, p)]).collect();
    if wanted.is_empty() {
        let recorded = input.datastreams.iter().flat_map(|s| &s.freqs);
        wanted = recorded.map(|r| &input.freqs[r.freq]).collect();
    }
    let Some(&first) = wanted.first() else {
        let what = "no data stream records any frequency".to_owned();
        return Err(JobError::Disagree { path: input.path.clone(), what });
    };
    for f in wanted {
        let same = f.bandwidth_hz == first.bandwidth_hz
            && f.channels == first.channels
            && f.channels_to_average == first.channels_to_average;
        if !same {
            let what = "all correlated frequencies need the same bandwidth, NUM CHANNELS and CHANS TO AVG; \
                        make one job for each";
            return Err(input.unsupported(&f.place, what).into());
        }
    }
    let channel_hz = first.bandwidth_hz / first.channels as f64;
    for f in input.datastreams.iter().flat_map(|s| &s.freqs).map(|r| &input.freqs[r.freq]) {
        let (channels, alike) =
            (f.bandwidth_hz / channel_hz, f.bandwidth_hz / f.channels as f64 / channel_hz);
        if (channels - channels.round()).abs() > 1e-6 || (alike - 1.0).abs() > 1e-9 {
            let what = format!(
                "its spectral channels are not {channel_hz} Hz wide, as those of line {}",
                first.place.line
            );
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
        let width_hz = s.freqs.first().map_or(0.0, |r| input.freqs[r.freq].bandwidth_hz);
        if let Some(other) = s.freqs.iter().map(|r| &input.freqs[r.freq]).find(|f| f.bandwidth_hz != width_hz)
        {
            return Err(input
                .unsupported(&other.place, "all frequencies of a data stream need the same bandwidth")
                .into());
        }
        let per_hz = if s.sampling.is_complex() { 1.0 } else { 2.0 };
        Ok(Stream {
            station: s.telescope,
            format: format(input, s)?,
            sampling: s.sampling,
            sample_rate_hz: (per_hz * width_hz).round() as u64,
            bits: s.bits,
            frame_bytes: s.frame_bytes,
            phase_cal: s.phase_cal,
            threads: threads(input, s)?,
            channels: s.bands.iter().map(channel).collect(),
            files: s.files.iter().map(|(path, _)| path.clone()).collect(),
        })
    };
    input.datastreams.iter().map(stream).collect()
}

/// The format by its name in DiFX, which may be followed by its threads.
fn format(input: &Input, stream: &difx::Datastream) -> Result<Format, DifxError> {
    match stream.format.to_ascii_uppercase().split('/').next().unwrap_or_default() {
        "VDIF" | "INTERLACEDVDIF" => Ok(Format::Vdif),
        "VDIFL" | "INTERLACEDVDIFL" => Ok(Format::VdifLegacy),
        "MARK5B" => Ok(Format::Mark5b),
        "KVN5B" => Ok(Format::Kvn5b),
        _ => {
            let what = format!(
                "{}: only VDIF, VDIFL, INTERLACEDVDIF/t:t:..., MARK5B and KVN5B are read",
                stream.format
            );
            Err(input.unsupported(&stream.format_place, what))
        }
    }
}

/// `VDIF` is one thread with all channels; `INTERLACEDVDIF/3:1:2:0` names the threads in the order of the bands.
fn threads(input: &Input, stream: &difx::Datastream) -> Result<Vec<u16>, DifxError> {
    let format = stream.format.to_ascii_uppercase();
    if !format.starts_with("INTERLACED") {
        return Ok(Vec::new());
    }
    let list = format.split('/').nth(1).unwrap_or_default();
    let threads: Option<Vec<u16>> = list.split(':').map(|t| t.trim().parse().ok()).collect();
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
fn crosses(input: &Input, streams: &[Stream], channel_hz: f64) -> Result<Vec<Product>, JobError> {
    let mut products = Vec::new();
    for (of, baseline) in input.baselines.iter().enumerate() {
        let mut of_baseline = Vec::new();
        for pair in baseline.products.iter().flatten() {
            let own = correlated_freq(input, baseline, pair);
            let range = Range::of(&band_of(input, own));
            let side = |stream: usize, band: usize| -> Result<(usize, usize), DifxError> {
                let channel = recorded_channel(input, (stream, band), range, pair)?;
                let recorded = streams[stream].channels[channel].band;
                let first = range.first_channel(&band_of(input, recorded), channel_hz);
                Ok((channel, first.map_err(|what| input.refers(&pair.place, what))?))
            };
            let ((a, first_a), (b, first_b)) = (side(baseline.a, pair.a)?, side(baseline.b, pair.b)?);
            let (a, b) = ((baseline.a, a), (baseline.b, b));
            let band = output_freq(input, pair, own)?;
            of_baseline.push(Product { of, a, b, first: [first_a, first_b], band });
        }
        of_baseline.sort_by_key(|p| p.band);
        products.extend(of_baseline);
    }
    Ok(products)
}

/// The recorded channel of a stream that a product's part of the spectrum is taken from: that of a recorded band, or the
/// one that a zoom band lies in.
fn recorded_channel(
    input: &Input,
    (stream, index): (usize, usize),
    range: Range,
    pair: &difx::BandPair,
) -> Result<usize, DifxError> {
    let of = &input.datastreams[stream];
    let holds = |band: usize| {
        let freq = freq_of(of, band);
        Range::of(&band_of(input, freq)).holds(range)
    };
    let channel = match index.checked_sub(of.bands.len()) {
        None => Some(index).filter(|&band| holds(band)),
        Some(zoom) => {
            let polarisation = of.zoom_bands[zoom].polarisation;
            (0..of.bands.len()).find(|&band| of.bands[band].polarisation == polarisation && holds(band))
        }
    };
    channel.ok_or_else(|| {
        let what = format!(
            "its bands do not cover the same part of the sky: data stream {stream} has none from {} MHz to {} MHz \
             for its band {index}",
            range.low_hz / 1e6,
            (range.low_hz + range.bandwidth_hz) / 1e6
        );
        input.refers(&pair.place, what)
    })
}

fn autos(input: &Input, streams: &[Stream], bands: &[Band], crosses: &[Product]) -> Vec<Product> {
    let polarised = input.baselines.iter().flat_map(|b| &b.products).any(|pairs| pairs.len() > 2);
    auto_products(streams, bands, crosses, polarised)
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
            diameter_m: known_diameter_m(&scope.name),
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
            turned: scan.centres.len() > 1,
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
