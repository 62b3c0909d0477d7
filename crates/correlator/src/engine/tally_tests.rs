//! Counts of samples against those made one sample after the other, and against what noise of a known strength gives.
use super::tests::{as_job, correlate};
use super::*;
use crate::baseband::Samples;
use crate::geometry::{Block, block_delay};
use crate::integrate::STATES;
use crate::run::open_stream;
use crate::sim::{SimConfig, simulate};
use std::path::Path;

const SKY: &str = r#"
name = "sky"
seed = 9
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 1032
channels = 64
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 2.0
sideband = "upper"
polarization = "L"
[[bands]]
edge_mhz = 22004.0
bandwidth_mhz = 2.0
sideband = "upper"
polarization = "R"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
gain = 1.3
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
lost_frames = 0.05
invalid_frames = 0.05
#RECORDER
"#;

/// The job of a simulation and the sources of its samples.
pub(super) fn simulated(text: &str, folder: &Path) -> (Job, Vec<Box<dyn SampleSource>>) {
    std::fs::write(folder.join("sim.toml"), text).unwrap();
    let config = SimConfig::read(&folder.join("sim.toml")).unwrap();
    let input = simulate(&config, folder).unwrap().input;
    let job = crate::job::open(&input).unwrap().0;
    let open = |s| -> Box<dyn SampleSource> { Box::new(open_stream(&job, s, false).unwrap()) };
    let sources = job.streams.iter().map(open).collect();
    (job, sources)
}

/// The slow twin: every sample of every block of an integration, by its value.
fn one_by_one(job: &Job, stream: usize, integration: &Integration) -> (Vec<u64>, Vec<[u64; STATES]>) {
    let of = &job.streams[stream];
    let mut source = open_stream(job, of, false).unwrap();
    let mut counts = (vec![0; of.channels.len()], vec![[0; STATES]; of.channels.len()]);
    let n = job.stream_samples(stream);
    for block in integration.first_block..integration.first_block + integration.blocks {
        let first_sample = job.block_sample(stream, integration.scan, block);
        let place = Block { first_sample, samples: n, rate_hz: of.sample_rate_hz as f64 };
        let start = block_delay(&job.scans[0].model, 1, of.station, place).nearest_sample;
        let mut samples = Samples::default();
        source.read(start, n, &mut samples).unwrap();
        for channel in 0..of.channels.len() {
            let values = samples.channel(channel).chunks(samples.channel(channel).len() / n);
            for (i, value) in
                values.enumerate().filter(|(i, _)| samples.validity(channel).count(*i, i + 1) > 0)
            {
                assert!(i < n);
                counts.0[channel] += 1;
                for x in value {
                    let code = match (of.bits, *x) {
                        (1, x) => usize::from(x > 0.0),
                        (2, x) => {
                            [-3.3359, -1.0, 1.0, 3.3359f32].iter().position(|level| *level == x).unwrap()
                        }
                        _ => continue,
                    };
                    counts.1[channel][code] += 1;
                }
            }
        }
    }
    counts
}

#[test]
fn counts_are_those_of_every_sample() {
    for recorder in ["", "complex = true", "bits = 1", "bits = 8", "split = 2\nthreads = true"] {
        let dir = tempfile::tempdir().unwrap();
        let recorder = format!("[stations.recorder]\n{recorder}");
        let (job, sources) = simulated(&SKY.replace("#RECORDER", &recorder), dir.path());
        let rotations = as_job(&job);
        let mut engine = Engine::new(&job, &rotations, sources, SimdPath::detect());
        let records = correlate(&mut engine, &job, 3);
        for (index, (_, record)) in records.iter().enumerate() {
            let integration = job.integration(0, index as u64);
            let slow: Vec<_> = (0..2).map(|stream| one_by_one(&job, stream, &integration)).collect();
            assert_eq!(record.samples_r, [slow[0].0.as_slice(), &slow[1].0].concat(), "{recorder}");
            assert_eq!(record.states_rk, [slow[0].1.as_slice(), &slow[1].1].concat(), "{recorder}");
        }
        // What is lost is missing.
        let (samples_r, all) = (&records[1].1.samples_r, job.blocks_per_integration() * 128.0);
        assert_eq!(samples_r[0] as f64, all);
        let share = samples_r[2] as f64 / (job.blocks_per_integration() * job.stream_samples(1) as f64);
        assert!(share > 0.75 && share < 0.999, "{share}");
    }
}

/// Noise beyond the thresholds: 0.9816 standard deviations, 0.9816 / 1.3 where the gain is 1.3.
#[test]
fn shares_are_those_of_noise() {
    let dir = tempfile::tempdir().unwrap();
    let (job, sources) = simulated(&SKY.replace("#RECORDER", ""), dir.path());
    let rotations = as_job(&job);
    let mut engine = Engine::new(&job, &rotations, sources, SimdPath::detect());
    let mut states_rk = [[0u64; STATES]; 4];
    for (_, record) in correlate(&mut engine, &job, 15) {
        for (sum, states) in states_rk.iter_mut().zip(record.states_rk) {
            sum.iter_mut().zip(states).for_each(|(sum, n)| *sum += n);
        }
    }
    for (r, states) in states_rk.iter().enumerate() {
        let n = states.iter().sum::<u64>() as f64;
        let threshold = if r < 2 { 0.9816 / 1.3 } else { 0.9816 };
        let outer = 0.5 * libm::erfc(threshold * std::f64::consts::FRAC_1_SQRT_2);
        for (code, count) in states.iter().enumerate() {
            let wanted = if code == 0 || code == 3 { outer } else { 0.5 - outer };
            let off = (*count as f64 / n - wanted) / (wanted * (1.0 - wanted) / n).sqrt();
            assert!(off.abs() < 4.5, "channel {r}, code {code}: {off} standard deviations");
            // Negative control: the other gain's share is far off.
            let other =
                0.5 * libm::erfc((0.9816 / if r < 2 { 1.0 } else { 1.3 }) * std::f64::consts::FRAC_1_SQRT_2);
            let other = if code == 0 || code == 3 { other } else { 0.5 - other };
            assert!(((*count as f64 / n - other) / (other * (1.0 - other) / n).sqrt()).abs() > 20.0);
        }
    }
}
