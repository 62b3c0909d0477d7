//! Describes a set of visibilities: the tables that stand beside the numbers.
use crate::job::{Band, Baseline, Channel, Job, Product, Source, Station, Stream, Tone};

/// A product of two recorded channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductInfo {
    /// Index of the baseline; of the stream for an autocorrelation.
    pub of: usize,
    /// Index of the band.
    pub band: usize,
    /// Polarisations of both sides.
    pub polarisations: [char; 2],
}

/// A recorded channel of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedInfo {
    /// Its stream.
    pub stream: usize,
    /// Index of its band.
    pub band: usize,
    /// Its polarisation.
    pub polarisation: char,
    /// Bits per sample (of each part of a complex one).
    pub bits: u32,
}

/// A scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanInfo {
    /// Its name.
    pub name: String,
    /// Start in s since the start of the job.
    pub start_s: f64,
    /// End in s since the start of the job.
    pub end_s: f64,
    /// Source that the stations point to.
    pub pointing: usize,
    /// Sources of the phase centres.
    pub centres: Vec<usize>,
    /// Number of integrations.
    pub integrations: usize,
}

/// All tables of a set of visibilities.
#[derive(Debug, Clone, PartialEq)]
pub struct VisMeta {
    /// Name of the job.
    pub name: String,
    /// Name of the observation.
    pub obscode: String,
    /// Name of DiFX's output folder for it.
    pub swin_folder: String,
    /// First day, MJD.
    pub start_mjd: i64,
    /// First second of that day.
    pub start_second: i64,
    /// Accumulation time in s.
    pub integration_s: f64,
    /// Output channels in a band; they ascend on the sky from the band's lower edge.
    pub channels: usize,
    /// Stations.
    pub stations: Vec<Station>,
    /// Station of every stream.
    pub stream_stations: Vec<usize>,
    /// Recorded channels of all streams, one stream after the other.
    pub recorded: Vec<RecordedInfo>,
    /// Phase-calibration tones in them.
    pub tones: Vec<Tone>,
    /// Bands.
    pub bands: Vec<Band>,
    /// Baselines (pairs of streams).
    pub baselines: Vec<Baseline>,
    /// Cross-correlations.
    pub crosses: Vec<ProductInfo>,
    /// Autocorrelations.
    pub autos: Vec<ProductInfo>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Scans.
    pub scans: Vec<ScanInfo>,
}

impl VisMeta {
    /// The tables of a job's visibilities.
    pub fn of(job: &Job) -> Self {
        let product =
            |p: &Product| ProductInfo { of: p.of, band: p.band, polarisations: job.polarisations(p) };
        let scan = |(index, s): (usize, &crate::job::Scan)| ScanInfo {
            name: s.name.clone(),
            start_s: s.start_s as f64,
            end_s: s.end_s as f64,
            pointing: s.pointing,
            centres: s.centres.clone(),
            integrations: job.integrations(index) as usize,
        };
        Self {
            name: job.name.clone(),
            obscode: job.obscode.clone(),
            swin_folder: job.swin_folder.clone(),
            start_mjd: job.start_mjd,
            start_second: job.start_second,
            integration_s: job.integration_s,
            channels: job.output_channels(),
            stations: job.stations.clone(),
            stream_stations: job.streams.iter().map(|s| s.station).collect(),
            recorded: recorded(job),
            tones: job.tones(),
            bands: job.bands.clone(),
            baselines: job.baselines.clone(),
            crosses: job.crosses.iter().map(product).collect(),
            autos: job.autos.iter().map(product).collect(),
            sources: job.sources.clone(),
            scans: job.scans.iter().enumerate().map(scan).collect(),
        }
    }

    /// Name of the station of a recorded channel.
    pub fn recorded_station(&self, recorded: usize) -> &str {
        &self.stations[self.stream_stations[self.recorded[recorded].stream]].name
    }

    /// Centre of an integration in s since the start of the job.
    pub fn time_s(&self, scan: usize, integration: usize) -> f64 {
        self.scans[scan].start_s + (integration as f64 + 0.5) * self.integration_s
    }

    /// Names of the two stations of a baseline.
    pub fn baseline_names(&self, baseline: usize) -> [&str; 2] {
        let name = |stream: usize| self.stations[self.stream_stations[stream]].name.as_str();
        [name(self.baselines[baseline].a), name(self.baselines[baseline].b)]
    }

    /// DiFX's number of two streams: 256 (A + 1) + (B + 1) with the stations' indices.
    pub fn baseline_number(&self, a: usize, b: usize) -> usize {
        256 * (self.stream_stations[a] + 1) + self.stream_stations[b] + 1
    }

    /// Sky frequency of a channel's lower edge in Hz.
    pub fn channel_hz(&self, band: usize, channel: usize) -> f64 {
        let band = &self.bands[band];
        band.low_hz() + band.bandwidth_hz * channel as f64 / self.channels as f64
    }
}

fn recorded(job: &Job) -> Vec<RecordedInfo> {
    let of_stream = |(stream, of): (usize, &Stream)| {
        let channel =
            |c: &Channel| RecordedInfo { stream, band: c.band, polarisation: c.polarisation, bits: of.bits };
        of.channels.iter().map(channel).collect::<Vec<_>>()
    };
    job.streams.iter().enumerate().flat_map(of_stream).collect()
}
