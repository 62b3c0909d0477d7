//! The resolved simulation: everything checked, in SI units.

use super::config::{
    BandConfig, CentreConfig, PhaseCalConfig, RecorderConfig, Sideband, SimConfig, SourceConfig,
    StationConfig,
};
use super::earth::{Geometry, LIGHT_M_S, geometry};
use super::interpolate::Kernels;
use super::poly::Poly;
use super::pulses::Pulse;
use super::satellite::Satellite;
use super::source::Envelope;
use super::tones::{Injected, Tones};
use super::transmitters::{Burst, Transmitter};
use super::{SimError, job};
use crate::baseband::header::FULL_HEADER_BYTES;
use crate::baseband::{FrameFormat, UtcSecond, VdifHeader};
use crate::job::file::ZeroName;
use crate::job::{PhaseCal, Sampling};
use std::ops::Range;

/// Seconds that one delay polynomial covers.
pub(super) const POLY_INTERVAL_S: f64 = 120.0;
/// Recordings reach so far beyond what the job needs.
const MARGIN_S: f64 = 1e-3;
/// The steepest delay that the interpolation follows exactly enough (an Earth station has 1.6e-6).
const STEEPEST_DELAY: f64 = 1e-4;

#[derive(Debug)]
pub(super) struct Band {
    pub edge_hz: f64,
    /// +1 upper, -1 lower sideband.
    pub sign: f64,
    pub polarization: char,
}

#[derive(Debug)]
pub(super) struct Station {
    pub index: usize,
    pub code: String,
    pub id: u16,
    pub file: String,
    pub position_m: [f64; 3],
    /// The job's delay (s) and uvw (m), one polynomial for each interval.
    pub model: Vec<Geometry>,
    /// The same for the job's phase centres.
    pub centre_models: Vec<Vec<Geometry>>,
    /// The same for the sources.
    source_models: Vec<Vec<Geometry>>,
    /// The same for the transmitters.
    transmitter_models: Vec<Vec<Geometry>>,
    /// The same for the pulses.
    pulse_models: Vec<Vec<Geometry>>,
    /// What the sky and the clock add in any direction, s.
    own_residual_s: Poly,
    /// Bursts of noise.
    pub bursts: Vec<Burst>,
    /// True delay minus the model's, for each source, s.
    pub residual_s: Vec<Poly>,
    /// Jumps of the clock: when and by how much it is later from then on, s.
    clock_steps: Vec<(f64, f64)>,
    pub lost_frames: f64,
    pub invalid_frames: f64,
    /// Samples in units of what suits the thresholds best.
    pub gain: f32,
    pub phase_cal: Option<Injected>,
    pub recorder: Recorder,
    /// Frames recorded, counted from the start second.
    pub frames: Range<i64>,
}

/// How a station records.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    /// Channels that each band is cut into.
    pub split: usize,
    /// Their sideband, where it is not the band's.
    pub sideband: Option<Sideband>,
    pub sampling: Sampling,
    /// Each channel in a thread of its own.
    pub threads: bool,
    /// One frame: of all channels, or of one.
    pub format: FrameFormat,
    pub frames_per_second: i64,
}

impl Recorder {
    /// Whether the bands are recorded as they are, all in one thread.
    pub fn is_plain(&self) -> bool {
        self.split == 1 && self.sideband.is_none() && self.sampling == Sampling::Real && !self.threads
    }
}

impl Station {
    /// The delay of `source` at geocentric time `t_s` from the start, in seconds.
    pub fn delay_s(&self, source: usize, t_s: f64) -> f64 {
        self.true_delay_s((&self.source_models[source], &self.residual_s[source]), t_s)
    }

    /// The delay of a direction with its model and what is added to it.
    fn true_delay_s(&self, (models, residual_s): (&[Geometry], &Poly), t_s: f64) -> f64 {
        let last = self.model.len() - 1;
        let interval = ((t_s / POLY_INTERVAL_S).floor().max(0.0) as usize).min(last);
        let since = t_s - interval as f64 * POLY_INTERVAL_S;
        let jumped = self.clock_steps.iter().filter(|(at_s, _)| t_s >= *at_s).map(|(_, late_s)| late_s);
        models[interval].delay_s.at(since) + residual_s.at(t_s) + jumped.sum::<f64>()
    }

    /// The delay of `source` for a wave front that the station meets at its time `s_s`: solves `t - delay(t) = s`.
    pub fn delay_at_station_s(&self, source: usize, s_s: f64) -> f64 {
        // Each step gains six digits for a station on Earth.
        (0..4).fold(0.0, |delay, _| self.delay_s(source, s_s + delay))
    }

    /// The same for a transmitter on an orbit, with the clock at that time.
    pub fn satellite_delay_s(&self, satellite: &Satellite, s_s: f64) -> f64 {
        let jumped = self.clock_steps.iter().filter(|(at_s, _)| s_s >= *at_s).map(|(_, late_s)| late_s);
        let late_s = self.own_residual_s.at(s_s) + jumped.sum::<f64>();
        satellite.delay_s(self.position_m, s_s + late_s) + late_s
    }

    /// The same for a transmitter.
    pub fn transmitter_delay_s(&self, transmitter: usize, s_s: f64) -> f64 {
        self.direction_delay_s(&self.transmitter_models[transmitter], s_s)
    }

    /// The same for a pulse.
    pub fn pulse_delay_s(&self, pulse: usize, s_s: f64) -> f64 {
        self.direction_delay_s(&self.pulse_models[pulse], s_s)
    }

    fn direction_delay_s(&self, models: &[Geometry], s_s: f64) -> f64 {
        let of = (models, &self.own_residual_s);
        (0..4).fold(0.0, |delay, _| self.true_delay_s(of, s_s + delay))
    }
}

pub(super) struct Source {
    pub name: String,
    pub power_fraction: f64,
    /// Centre (Hz), full width at half maximum (Hz), peak density.
    pub lines: Vec<(f64, f64, f64)>,
}

impl Source {
    /// Power density at a sky frequency, in units of the system's.
    pub fn density(&self, sky_hz: f64) -> f64 {
        let line = |&(centre, fwhm, peak): &(f64, f64, f64)| {
            peak * (-4.0 * std::f64::consts::LN_2 * ((sky_hz - centre) / fwhm).powi(2)).exp()
        };
        self.power_fraction + self.lines.iter().map(line).sum::<f64>()
    }
}

/// A phase centre.
pub(super) struct Centre {
    pub name: String,
    pub ra_rad: f64,
    pub dec_rad: f64,
}

pub(super) struct Scene {
    pub name: String,
    pub seed: u64,
    pub start: UtcSecond,
    pub duration_s: f64,
    pub bandwidth_hz: f64,
    pub sample_rate_hz: u64,
    /// The frames of stations that record as the others do.
    pub format: FrameFormat,
    pub bands: Vec<Band>,
    pub stations: Vec<Station>,
    pub sources: Vec<Source>,
    pub ra_rad: f64,
    pub dec_rad: f64,
    pub centres: Vec<Centre>,
    pub transmitters: Vec<Transmitter>,
    /// The orbits of transmitters that have one.
    pub satellites: Vec<Option<Satellite>>,
    pub pulses: Vec<Pulse>,
    pub correlation: job::Correlation,
    pub kernels: Kernels,
}

fn wrong<T>(field: impl Into<String>, what: impl Into<String>) -> Result<T, SimError> {
    Err(SimError::Config { field: field.into(), what: what.into() })
}

fn positive(field: &str, value: f64) -> Result<f64, SimError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        wrong(field, format!("{value} must be above 0"))
    }
}

impl Scene {
    /// Resolves and checks a configuration.
    pub fn new(config: &SimConfig) -> Result<Self, SimError> {
        if config.name.is_empty()
            || !config.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        {
            return wrong("name", "must be letters, digits, - and _");
        }
        let (bandwidth_hz, sample_rate_hz) = rate(&config.bands)?;
        let format = recorder(config, &RecorderConfig::default(), sample_rate_hz)?.format;
        let sources = config.sources.iter().map(|source| resolve_source(source, bandwidth_hz));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        if sources.iter().map(|source| source.power_fraction).sum::<f64>() >= 1.0 {
            return wrong("sources.power_fraction", "all sources together must stay below 1");
        }
        let mut scene = Self {
            name: config.name.clone(),
            seed: config.seed,
            start: UtcSecond::new(config.start_mjd, config.start_second),
            duration_s: positive("duration_s", config.duration_s)?,
            bandwidth_hz,
            sample_rate_hz,
            format,
            bands: config.bands.iter().map(resolve_band).collect::<Result<_, _>>()?,
            stations: Vec::new(),
            sources,
            ra_rad: config.ra_deg.to_radians(),
            dec_rad: config.dec_deg.to_radians(),
            centres: config.centres.iter().map(|centre| resolve_centre(config, centre)).collect(),
            transmitters: Vec::new(),
            satellites: Vec::new(),
            pulses: Vec::new(),
            correlation: job::Correlation::new(config, bandwidth_hz)?,
            kernels: Kernels::new(),
        };
        for (index, station) in config.stations.iter().enumerate() {
            let recorder = recorder(config, &station.recorder, sample_rate_hz)?;
            let resolved = scene.station((index, recorder), station, config)?;
            scene.stations.push(resolved);
        }
        check_codes(config)?;
        scene.add_signals(config)?;
        Ok(scene)
    }

    fn station(
        &self,
        (index, recorder): (usize, Recorder),
        config: &StationConfig,
        all: &SimConfig,
    ) -> Result<Station, SimError> {
        let sources = &all.sources;
        let Some(id) = VdifHeader::station_from_code(&config.code).filter(|_| config.code.len() == 2) else {
            return wrong("stations.code", format!("\"{}\" must be two characters", config.code));
        };
        let shares = [("lost_frames", config.lost_frames), ("invalid_frames", config.invalid_frames)];
        if let Some((field, share)) = shares.iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
            return wrong(format!("stations.{field}"), format!("{share} must be from 0 to below 1"));
        }
        let own = Poly(config.residual_ns.clone());
        let residual = |source: &SourceConfig| {
            let offset = source.offset_ns.get(&config.code).cloned().unwrap_or_default();
            own.plus(&Poly(offset)).scaled(1e-9)
        };
        let mut station = Station {
            index,
            code: config.code.clone(),
            id,
            file: format!("{}_{}.vdif", self.name, config.code),
            position_m: config.position_m,
            model: self.model(config, (0.0, 0.0)),
            centre_models: Vec::new(),
            source_models: sources
                .iter()
                .map(|s| self.model(config, (s.east_arcsec, s.north_arcsec)))
                .collect(),
            transmitter_models: all
                .transmitters
                .iter()
                .map(|s| self.model(config, (s.east_arcsec, s.north_arcsec)))
                .collect(),
            pulse_models: all
                .pulses
                .iter()
                .map(|s| self.model(config, (s.east_arcsec, s.north_arcsec)))
                .collect(),
            residual_s: sources.iter().map(residual).collect(),
            own_residual_s: own.scaled(1e-9),
            bursts: Vec::new(),
            clock_steps: config.clock_steps.iter().map(|step| (step.at_s, 1e-9 * step.late_ns)).collect(),
            lost_frames: config.lost_frames,
            invalid_frames: config.invalid_frames,
            gain: positive("stations.gain", config.gain)? as f32,
            phase_cal: config.phase_cal.as_ref().map(injected),
            recorder,
            frames: 0..0,
        };
        let centre = |c: &Centre| self.model_towards(config, (c.ra_rad, c.dec_rad));
        station.centre_models = self.centres.iter().map(centre).collect();
        station.frames = self.frames(&station)?;
        for band in 0..self.bands.len() {
            Tones::new(self, &station, band).or_else(|what| wrong("stations.phase_cal", what))?;
        }
        Ok(station)
    }

    /// Lower and upper edge of a band, Hz.
    pub fn edges(&self, band: usize) -> (f64, f64) {
        let near_hz = self.bands[band].edge_hz;
        let far_hz = near_hz + self.bands[band].sign * self.bandwidth_hz;
        (near_hz.min(far_hz), near_hz.max(far_hz))
    }

    fn add_signals(&mut self, config: &SimConfig) -> Result<(), SimError> {
        let codes: Vec<String> = self.stations.iter().map(|s| s.code.clone()).collect();
        let bands: Vec<_> = (0..self.bands.len()).map(|band| self.edges(band)).collect();
        for transmitter in &config.transmitters {
            let resolved = Transmitter::new(transmitter, &codes, &bands);
            self.transmitters.push(resolved.or_else(|(field, what)| wrong(field, what))?);
            let open = |path: &std::path::PathBuf| Satellite::open(path, self.start, self.duration_s);
            let satellite = transmitter.orbit.as_ref().map(open).transpose();
            let field = || format!("transmitters.{}.orbit", transmitter.name);
            self.satellites.push(satellite.or_else(|what| wrong(field(), what))?);
        }
        for burst in &config.bursts {
            let (station, burst) = Burst::new(burst, &codes).or_else(|(field, what)| wrong(field, what))?;
            self.stations[station].bursts.push(burst);
        }
        for pulse in &config.pulses {
            let resolved = Pulse::new(pulse, &bands, self.sample_rate_hz as f64);
            self.pulses.push(resolved.or_else(|(field, what)| wrong(field, what))?);
        }
        Ok(())
    }

    fn model(&self, config: &StationConfig, east_north_arcsec: (f64, f64)) -> Vec<Geometry> {
        self.model_towards(config, offset(self.ra_rad, self.dec_rad, east_north_arcsec))
    }

    fn model_towards(&self, config: &StationConfig, (ra_rad, dec_rad): (f64, f64)) -> Vec<Geometry> {
        let intervals = (self.duration_s / POLY_INTERVAL_S).ceil().max(1.0) as i64;
        let of_interval = |i: i64| {
            let begin_s = i as f64 * POLY_INTERVAL_S;
            let start = UtcSecond(self.start.0 + begin_s as i64);
            let mut geometry = geometry(config.position_m, ra_rad, dec_rad, start);
            if let Some(delay_us) = &config.delay_us {
                let pointing = super::earth::geometry(config.position_m, self.ra_rad, self.dec_rad, start);
                let differential = geometry.delay_s.plus(&pointing.delay_s.scaled(-1.0));
                let own = Poly(delay_us.clone()).scaled(1e-6).shifted(begin_s);
                geometry.delay_s = own.plus(&differential);
                geometry.uvw_m[2] = geometry.delay_s.scaled(-LIGHT_M_S);
            }
            geometry
        };
        (0..intervals).map(of_interval).collect()
    }

    /// The frames that the job needs of a station, whatever the source, and a little more.
    fn frames(&self, station: &Station) -> Result<Range<i64>, SimError> {
        let steps = 64;
        let (mut from_s, mut to_s) = (0.0f64, self.duration_s);
        for step in 0..=steps {
            let t_s = self.duration_s * f64::from(step) / f64::from(steps);
            let last = self.model_only(station, t_s);
            let all = (0..self.sources.len()).map(|source| station.delay_s(source, t_s)).chain([last]);
            for delay_s in all {
                from_s = from_s.min(t_s - delay_s);
                to_s = to_s.max(t_s - delay_s);
            }
            let ahead = self.model_only(station, t_s + 1e-3);
            if (ahead - last).abs() > STEEPEST_DELAY * 1e-3 {
                return wrong(
                    "stations.delay_us",
                    format!("station {} moves faster than 1e-4 c", station.code),
                );
            }
        }
        let frames = |s: f64| s * station.recorder.frames_per_second as f64;
        Ok(frames(from_s - MARGIN_S).floor() as i64..frames(to_s + MARGIN_S).ceil() as i64)
    }

    fn model_only(&self, station: &Station, t_s: f64) -> f64 {
        let interval = ((t_s / POLY_INTERVAL_S) as usize).min(station.model.len() - 1);
        station.model[interval].delay_s.at(t_s - interval as f64 * POLY_INTERVAL_S)
    }
}

fn injected(config: &PhaseCalConfig) -> Injected {
    let tones = PhaseCal { interval_hz: config.interval_mhz * 1e6, base_hz: config.base_mhz * 1e6 };
    Injected {
        tones,
        amplitude: config.amplitude,
        phase_turns: config.phase_deg / 360.0,
        delay_s: config.delay_ns * 1e-9,
    }
}

fn check_codes(config: &SimConfig) -> Result<(), SimError> {
    let codes: Vec<&str> = config.stations.iter().map(|station| station.code.as_str()).collect();
    if codes.is_empty() {
        return wrong("stations", "at least one is needed");
    }
    if let Some((i, code)) = codes.iter().enumerate().find(|(i, code)| codes[..*i].contains(code)) {
        return wrong(format!("stations[{i}].code"), format!("{code} is there twice"));
    }
    for source in &config.sources {
        if let Some(code) = source.offset_ns.keys().find(|code| !codes.contains(&code.as_str())) {
            return wrong(
                format!("sources.{}.offset_ns", source.name),
                format!("no station is called {code}"),
            );
        }
    }
    Ok(())
}

fn rate(bands: &[BandConfig]) -> Result<(f64, u64), SimError> {
    let Some(first) = bands.first() else { return wrong("bands", "at least one is needed") };
    let bandwidth_hz = positive("bands.bandwidth_mhz", first.bandwidth_mhz)? * 1e6;
    let rate = (2.0 * bandwidth_hz).round();
    if (rate - 2.0 * bandwidth_hz).abs() > 1e-6 {
        return wrong("bands.bandwidth_mhz", "twice the bandwidth must be a whole number of hertz");
    }
    if bands.iter().any(|band| band.bandwidth_mhz != first.bandwidth_mhz) {
        return wrong("bands.bandwidth_mhz", "must be the same for all bands: they share their frames");
    }
    Ok((bandwidth_hz, rate as u64))
}

fn recorder(config: &SimConfig, of: &RecorderConfig, band_rate_hz: u64) -> Result<Recorder, SimError> {
    let split = of.split;
    if !split.is_power_of_two() || split > 64 || !config.channels.is_multiple_of(split) {
        return wrong(
            "recorder.split",
            format!("{split} must be a power of two up to 64 that divides channels"),
        );
    }
    let sampling = match (of.complex, of.zero) {
        (false, _) => Sampling::Real,
        (true, ZeroName::Edge) => Sampling::Complex,
        (true, ZeroName::Centre) => Sampling::ComplexCentred,
    };
    let cut = split > 1 || of.sideband.is_some() || of.complex;
    if cut && config.bands.iter().any(|band| band.sideband != Sideband::Upper) {
        return wrong(
            "recorder",
            "bands that a station cuts, turns or samples complexly must be upper sidebands",
        );
    }
    let bits = of.bits.unwrap_or(config.bits);
    let channels = if of.threads { 1 } else { config.bands.len() * split };
    let frame_bytes = of.frame_bytes.unwrap_or(config.frame_bytes);
    let format = format(frame_bytes, (channels, bits), of)?;
    let per_frame = format.samples_per_frame() as u64;
    let rate_hz = band_rate_hz / (split as u64 * if of.complex { 2 } else { 1 });
    if !rate_hz.is_multiple_of(per_frame) {
        let what = format!("{per_frame} samples in a frame do not divide {rate_hz} per second");
        return wrong("frame_bytes", what);
    }
    let frames_per_second = (rate_hz / per_frame) as i64;
    Ok(Recorder { split, sideband: of.sideband, sampling, threads: of.threads, format, frames_per_second })
}

fn format(
    frame_bytes: usize,
    (channels, bits): (usize, usize),
    of: &RecorderConfig,
) -> Result<FrameFormat, SimError> {
    let header = VdifHeader {
        invalid: false,
        legacy: of.legacy,
        seconds: 0,
        unassigned: 0,
        ref_epoch: 0,
        frame_number: 0,
        version: 1,
        log2_channels: channels.max(1).ilog2() as u8,
        frame_bytes: frame_bytes as u32,
        complex: of.complex,
        bits: bits.clamp(1, 32) as u8,
        thread: 0,
        station: 0,
        extended: [0; 4],
    };
    if !frame_bytes.is_multiple_of(8) || !(FULL_HEADER_BYTES..1 << 27).contains(&frame_bytes) {
        return wrong("frame_bytes", "must be a multiple of 8, above 32 and below 2^27");
    }
    FrameFormat::new(&header, Some(channels), Some(bits), None).or_else(|what| wrong("bands, bits", what))
}

/// The direction so far east and north of another one (on the tangent plane, to first order).
fn offset(ra_rad: f64, dec_rad: f64, (east_arcsec, north_arcsec): (f64, f64)) -> (f64, f64) {
    let rad = |arcsec: f64| (arcsec / 3600.0).to_radians();
    (ra_rad + rad(east_arcsec) / dec_rad.cos(), dec_rad + rad(north_arcsec))
}

fn resolve_centre(config: &SimConfig, centre: &CentreConfig) -> Centre {
    let pointing = (config.ra_deg.to_radians(), config.dec_deg.to_radians());
    let (ra_rad, dec_rad) = offset(pointing.0, pointing.1, (centre.east_arcsec, centre.north_arcsec));
    Centre { name: centre.name.clone(), ra_rad, dec_rad }
}

fn resolve_band(band: &BandConfig) -> Result<Band, SimError> {
    if !band.polarization.is_ascii_uppercase() {
        return wrong("bands.polarization", format!("'{}' must be a capital letter", band.polarization));
    }
    let sign = if band.sideband == Sideband::Upper { 1.0 } else { -1.0 };
    let edge_hz = positive("bands.edge_mhz", band.edge_mhz)? * 1e6;
    Ok(Band { edge_hz, sign, polarization: band.polarization })
}

fn resolve_source(source: &SourceConfig, bandwidth_hz: f64) -> Result<Source, SimError> {
    let field = |name: &str| format!("sources.{}.{name}", source.name);
    if !(0.0..1.0).contains(&source.power_fraction) {
        return wrong(
            field("power_fraction"),
            format!("{} must be from 0 to below 1", source.power_fraction),
        );
    }
    let narrowest_hz = Envelope::resolution_hz(bandwidth_hz);
    let mut lines = Vec::new();
    for line in &source.lines {
        let fwhm_hz = line.fwhm_khz * 1e3;
        if fwhm_hz.is_nan() || fwhm_hz < narrowest_hz {
            let what = format!("must be at least {} kHz in bands this wide", narrowest_hz / 1e3);
            return wrong(field("lines.fwhm_khz"), what);
        }
        let sky_hz = positive(&field("lines.sky_mhz"), line.sky_mhz)? * 1e6;
        lines.push((sky_hz, fwhm_hz, positive(&field("lines.peak_fraction"), line.peak_fraction)?));
    }
    Ok(Source { name: source.name.clone(), power_fraction: source.power_fraction, lines })
}
