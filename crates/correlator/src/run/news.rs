//! What a rank tells rank 0 of a unit that it has done: a few numbers for the progress and the status file.

use super::plan::Plan;
use crate::baseband::RecordingIndex;
use crate::fringe::{Visibilities, Window, search};
use crate::integrate::Record;
use crate::job::{Integration, Job, Kept, Product};
use serde::{Deserialize, Serialize};

/// How the samples of a stream lie in frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames {
    /// Threads.
    threads: usize,
    /// Samples of a channel in a frame.
    samples: usize,
}

impl Frames {
    pub(crate) fn of(recording: &RecordingIndex) -> Self {
        Self { threads: recording.threads().len(), samples: recording.format().samples_per_frame() }
    }
}

/// One stream in a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamNews {
    /// Integrations that have any of its samples.
    pub with_data: u32,
    /// Sum of the share of their samples that was there.
    pub coverage: f64,
    /// Frames' worth of samples that they lack.
    pub lost_frames: f64,
}

/// The fringe of one baseline in one integration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct BaselineNews {
    /// Index of the baseline.
    pub baseline: usize,
    /// Mean of its bands and parallel hands: correlation coefficients where the autocorrelations are known.
    pub amplitude: f64,
    /// Of all of them together: the root of the sum of the squares.
    pub snr: f64,
    /// Of the strongest, s.
    pub delay_s: f64,
}

/// A unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct News {
    /// Seconds of data.
    pub data_s: f64,
    /// By stream.
    pub streams: Vec<StreamNews>,
    /// Scan and middle (s since the start of the job) of the integration that the fringes are of.
    pub place: (usize, f64),
    /// Of the unit's last integration and the first phase centre, where somebody wants to know.
    pub fringes: Vec<BaselineNews>,
}

/// Seconds of data that a unit's integrations hold.
pub(crate) fn data_s(job: &Job, integration: &Integration) -> f64 {
    integration.blocks as f64 / job.blocks_per_integration() * job.integration_s
}

impl News {
    /// Counts an integration of one of so many lots; a lot tells of the streams that it keeps.
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        (frames_s, kept, lots): (&[Frames], &Kept, usize),
        integration: &Integration,
        record: &Record,
    ) {
        let job = &plan.job;
        self.data_s += data_s(job, integration) / lots as f64;
        self.streams.resize(job.streams.len(), StreamNews::default());
        // The last integration of a scan may be cut short.
        let whole = integration.blocks as f64 / job.blocks_per_integration();
        for index in kept.streams.ranges.iter().cloned().flatten() {
            let news = &mut self.streams[index];
            let coverage = f64::from(record.coverage_s[index]);
            if coverage > 0.0 {
                let (frames, rate_hz) = (frames_s[index], job.streams[index].sample_rate_hz as f64);
                let missing = (whole - coverage).max(0.0) * job.integration_s * rate_hz;
                news.with_data += 1;
                news.coverage += coverage / whole;
                news.lost_frames += (missing * frames.threads as f64 / frames.samples as f64).round();
            }
        }
    }

    /// Looks for the fringes of an integration.
    pub(crate) fn see(&mut self, job: &Job, integration: &Integration, record: &Record) {
        self.place = (integration.scan, integration.centre_s);
        self.fringes = fringes(job, record);
    }
}

/// The fringes of all baselines, first phase centre.
fn fringes(job: &Job, record: &Record) -> Vec<BaselineNews> {
    let of = |baseline: usize| {
        let products = job.crosses.iter().enumerate().filter(|(_, p)| p.of == baseline);
        let parallel = products.filter(|(_, p)| {
            let [a, b] = job.polarisations(p);
            a == b
        });
        let found: Vec<_> = parallel
            .filter_map(|(index, p)| search(&visibilities(job, record, index, p), &Window::default()))
            .collect();
        let strongest = found.iter().map(|f| f.0).max_by(|a, b| a.snr.total_cmp(&b.snr))?;
        Some(BaselineNews {
            baseline,
            amplitude: found.iter().map(|f| f.0.amplitude).sum::<f64>() / found.len() as f64,
            snr: found.iter().map(|f| f.0.snr.powi(2)).sum::<f64>().sqrt(),
            delay_s: strongest.delay_s,
        })
    };
    (0..job.baselines.len()).filter_map(of).collect()
}

/// One integration of a product, divided by the root of the stations' powers where they are known.
fn visibilities(job: &Job, record: &Record, index: usize, product: &Product) -> Visibilities {
    let channels = job.output_channels();
    let power = |side: (usize, usize)| {
        let row = job
            .autos
            .iter()
            .position(|auto| auto.a == side && auto.b == side && auto.band == product.band)?;
        let spectrum = &record.auto_pf[row * channels..(row + 1) * channels];
        let mean = spectrum.iter().map(|v| f64::from(v.re)).sum::<f64>() / channels as f64;
        (mean > 0.0).then_some(mean)
    };
    let scale = power(product.a).zip(power(product.b)).map_or(1.0, |(a, b)| 1.0 / (a * b).sqrt()) as f32;
    let band = &job.bands[product.band];
    Visibilities {
        vis_tf: record.cross_cpf[index * channels..(index + 1) * channels]
            .iter()
            .map(|v| v * scale)
            .collect(),
        weight_t: vec![record.cross_weight_cp[index]],
        first_hz: band.low_hz(),
        step_hz: band.bandwidth_hz / channels as f64,
        first_s: 0.0,
        step_s: job.integration_s,
    }
}

/// The names of a baseline's stations, with a dash.
pub(crate) fn baseline_name(job: &Job, baseline: usize) -> String {
    let [a, b] = [job.baselines[baseline].a, job.baselines[baseline].b];
    let name = |stream: usize| job.stations[job.streams[stream].station].name.as_str();
    format!("{}-{}", name(a), name(b))
}
