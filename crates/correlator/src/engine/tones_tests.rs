//! Phase-calibration tones against those that were put in, and against sums over every sample.
use super::tally_tests::simulated;
use super::tests::{as_job, correlate};
use super::*;
use crate::baseband::Samples;
use crate::geometry::{Block, block_delay};
use crate::run::open_stream;
use num_complex::{Complex32, Complex64};
use std::f64::consts::{PI, TAU};
use std::path::Path;

const AMPLITUDE: f64 = 0.3;
const PHASE_TURNS: f64 = 35.0 / 360.0;
const DELAY_S: f64 = 0.24e-6;

/// Two stations; the first one has tones every 0.5 MHz, 10 kHz off multiples of that.
const SKY: &str = r#"
name = "sky"
seed = 17
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 8
frame_bytes = 1032
channels = 64
integration_s = 0.256
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
lost_frames = 0.02
[stations.phase_cal]
interval_mhz = 0.5
base_mhz = 0.01
amplitude = 0.3
phase_deg = 35.0
delay_ns = 240.0
[stations.recorder]
#RECORDER
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
"#;

/// The slow twin: every sample of every block of an integration times a phasor.
fn slowly(job: &Job, stream: usize, integration: &Integration) -> Vec<Complex64> {
    let of = &job.streams[stream];
    let mut source = open_stream(job, of, false).unwrap();
    let (n, rate_hz) = (job.stream_samples(stream), of.sample_rate_hz as f64);
    let mut found = Vec::new();
    for channel in 0..of.channels.len() {
        let tones_hz = job.channel_tones_hz(stream, channel).unwrap();
        let zero_hz = job.zero_hz(stream, channel);
        let (mut sums, mut count) = (vec![Complex64::default(); tones_hz.len()], 0.0);
        for block in integration.first_block..integration.first_block + integration.blocks {
            let first_sample = job.block_sample(stream, integration.scan, block);
            let place = Block { first_sample, samples: n, rate_hz };
            let start = block_delay(&job.scans[0].model, 1, of.station, place).nearest_sample;
            let mut samples = Samples::default();
            source.read(start, n, &mut samples).unwrap();
            let values = samples.channel(channel);
            for (i, value) in values.chunks(values.len() / n).enumerate() {
                count += (value.len() * samples.validity(channel).count(i, i + 1)) as f64;
                let im = value.get(1).copied().unwrap_or(0.0);
                let lower = job.bands[of.channels[channel].band].lower_sideband;
                let z = Complex64::new(value[0].into(), if lower { -im } else { im }.into());
                for (sum, tone_hz) in sums.iter_mut().zip(&tones_hz) {
                    let turns = (tone_hz - zero_hz) * (start + i as i64) as f64 / rate_hz;
                    *sum += z * Complex64::cis(-TAU * turns.fract());
                }
            }
        }
        found.extend(sums.iter().map(|sum| sum / count));
    }
    found
}

fn measured(text: &str) -> (Job, Vec<Record>) {
    let dir = tempfile::tempdir().unwrap();
    let (mut job, _) = simulated(text, dir.path());
    // The second station has no tones, and is asked for them as well.
    job.streams[1].phase_cal = job.streams[0].phase_cal;
    let sources = job
        .streams
        .iter()
        .map(|s| -> Box<dyn SampleSource> { Box::new(open_stream(&job, s, false).unwrap()) });
    let sources = sources.collect();
    let rotations = as_job(&job);
    let mut engine = Engine::new(&job, &rotations, sources, SimdPath::detect());
    let records: Vec<Record> = correlate(&mut engine, &job, 3).into_iter().map(|(_, r)| r).collect();
    for (index, record) in records.iter().enumerate().take(1) {
        let integration = job.integration(0, index as u64);
        let slow: Vec<_> = (0..2).flat_map(|stream| slowly(&job, stream, &integration)).collect();
        assert_eq!(slow.len(), record.tones_g.len());
        for (fast, slow) in record.tones_g.iter().zip(slow) {
            assert!((Complex64::new(fast.re.into(), fast.im.into()) - slow).norm() < 1e-6, "{fast} {slow}");
        }
    }
    (job, records)
}

/// Every tone of the first station is half of `amplitude` strong and has the phase that it was given, at the sky frequency
/// that it has; the other station has noise alone. Both within five standard deviations.
fn check(name: &str, text: &str, amplitude: f64, power: f64) {
    let (job, records) = measured(text);
    let tones = job.tones();
    assert!(tones.len() >= 16, "{name}: {} tones", tones.len());
    let first = job.streams[0].channels.len();
    let (mut worst, mut of_first, mut elsewhere) = (0.0f64, 0, 0);
    for (g, tone) in tones.iter().enumerate() {
        let n: f64 = records.iter().map(|r| r.samples_r[tone.recorded] as f64).sum();
        let sum: Complex32 = records.iter().map(|r| r.tones_g[g] * r.samples_r[tone.recorded] as f32).sum();
        let found = Complex64::new(sum.re.into(), sum.im.into()) / n;
        let stream = usize::from(tone.recorded >= first);
        let numbers = if job.streams[stream].sampling.is_complex() { 2.0 * n } else { n };
        let noise = (power / (2.0 * numbers)).sqrt();
        let turns = PHASE_TURNS - tone.frequency_hz * DELAY_S;
        let wanted = Complex64::from_polar(0.5 * amplitude, TAU * turns.rem_euclid(1.0));
        let wanted = if stream == 0 { wanted } else { Complex64::default() };
        // A tone is as exact as its quantisation is linear.
        let off = (found - wanted).norm();
        worst = worst.max(off / noise);
        assert!(
            off < 5.0 * noise + 0.003 * wanted.norm(),
            "{name}, {tone:?}: {found} not {wanted}, noise {noise}"
        );
        if stream == 0 {
            assert!(found.norm() > 30.0 * noise);
            // Negative control: the phase without the cable.
            let straight = Complex64::from_polar(0.5 * amplitude, TAU * PHASE_TURNS);
            of_first += 1;
            elsewhere += usize::from((found - straight).norm() > 10.0 * noise);
        }
    }
    assert!(4 * elsewhere >= 3 * of_first, "{name}: {elsewhere} of {of_first} tones are turned by the cable");
    println!("{name}: {} tones, worst {worst:.2} standard deviations", tones.len());
}

#[test]
fn tones_come_out_as_they_were_put_in() {
    check("real", SKY, AMPLITUDE, 1.1);
    for (recorder, scale) in [
        ("sideband = \"lower\"", 1.0),
        ("complex = true", 1.0),
        ("complex = true\nzero = \"centre\"", 1.0),
        ("complex = true\nsideband = \"lower\"", 1.0),
        ("split = 2\nthreads = true", 2f64.sqrt()),
    ] {
        check(recorder, &SKY.replace("#RECORDER", recorder), scale * AMPLITUDE, 1.2);
    }
}

/// A weak tone in 2-bit samples is as strong as the quantiser is steep: twice the normal density at each threshold times
/// the step there, per standard deviation.
#[test]
fn tones_of_two_bits() {
    let text = SKY.replace("bits = 8", "bits = 2").replace("amplitude = 0.3", "amplitude = 0.06");
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
    // The tones add to the power of the noise: eight of a half of 0.06 squared, four in each band.
    let sigma = (1.0 + 4.0 * 0.5 * 0.06f64.powi(2)).sqrt();
    let gain = (2.0 * density(0.0) + 2.0 * 2.3359 * density(0.9816 / sigma)) / sigma;
    check("2 bits", &text, 0.06 * gain, 4.4);
}

/// Lower edges of the first 16 channels of the VGOS recordings in MHz, as their own description has them.
const VGOS_EDGES_MHZ: [f64; 16] = [
    3448.4, 3416.4, 3352.4, 3288.4, 3192.4, 3064.4, 3032.4, 3000.4, 5688.4, 5656.4, 5592.4, 5528.4, 5432.4,
    5304.4, 5272.4, 5240.4,
];

/// The job of 3 ms of two VGOS stations; what their other 48 channels are is not known.
fn vgos_job(folder: &Path, base_mhz: f64) -> Job {
    let edge = |c: usize| VGOS_EDGES_MHZ.get(c).copied().unwrap_or(100_000.0 + 32.0 * c as f64);
    let channel = |c: usize| {
        let edge = edge(c);
        format!(
            "{{ edge_mhz = {edge:?}, bandwidth_mhz = 32.0, sideband = \"upper\", polarisation = \"X\" }},\n"
        )
    };
    let channels: String = (0..64).map(channel).collect();
    let station = |code: &str, position: &str, file: &str| {
        let path = folder.join("media").join(file);
        format!(
            "[[stations]]\ncode = \"{code}\"\nposition_m = {position}\n[[stations.streams]]\nbits = 2\ncomplex = true\n\
             phase_cal_mhz = 5.0\nphase_cal_base_mhz = {base_mhz:?}\nrecordings = [\"{}\"]\nchannels = [\n{channels}]\n",
            path.display()
        )
    };
    let text = format!(
        "[correlation]\nchannels = 32\nintegration_s = 0.0625\n[[model.eop]]\nmjd = 57349.0\ntai_utc_s = 36.0\nut1_utc_s = 0.1\n\
         x_arcsec = 0.1\ny_arcsec = 0.3\n[[model.eop]]\nmjd = 57352.0\ntai_utc_s = 36.0\nut1_utc_s = 0.1\nx_arcsec = 0.1\n\
         y_arcsec = 0.3\n{}{}[[sources]]\nname = \"1741-038\"\nra = \"17h43m58.856s\"\ndec = \"-03d50'04.6\\\"\"\n\
         [[scans]]\nname = \"328\"\nstart = \"2015-11-24T18:57:35\"\nduration_s = 1.0\nsource = \"1741-038\"\n",
        station("GS", "[1130729.9, -4831246.0, 3994228.2]", "v15327_gs_328-185735_3m.vdif"),
        station("K2", "[-5543831.8, -2054585.9, 2387828.7]", "expxx_stnxx_328-185735_3m.vdif"),
    );
    let file: crate::job::JobFile = toml::from_str(&text).unwrap();
    file.job(Path::new("vgos.toml")).unwrap()
}

/// How strong every tone of the first 16 channels of both stations is, in standard deviations of noise, by station.
fn vgos_strengths(folder: &Path, base_mhz: f64) -> [Vec<f64>; 2] {
    let job = vgos_job(folder, base_mhz);
    let open = |s| -> Box<dyn SampleSource> { Box::new(open_stream(&job, s, false).unwrap()) };
    let rotations = as_job(&job);
    let mut engine =
        Engine::new(&job, &rotations, job.streams.iter().map(open).collect(), SimdPath::detect());
    // 3 ms at the stations are some 20 ms after the second in geocentric time.
    let records = correlate(&mut engine, &job, 1);
    let mut strengths = [Vec::new(), Vec::new()];
    for (g, tone) in job.tones().iter().enumerate().filter(|(_, t)| t.recorded % 64 < 16) {
        let samples = |r: &Record| r.samples_r[tone.recorded] as f64;
        let n: f64 = records.iter().map(|(_, r)| samples(r)).sum();
        assert!(n > 90_000.0, "{n} samples");
        let sum: Complex64 = records
            .iter()
            .map(|(_, r)| Complex64::new(r.tones_g[g].re.into(), r.tones_g[g].im.into()) * samples(r))
            .sum();
        let states = records
            .iter()
            .fold([0u64; 4], |sum, (_, r)| std::array::from_fn(|k| sum[k] + r.states_rk[tone.recorded][k]));
        let outer = (states[0] + states[3]) as f64 / states.iter().sum::<u64>() as f64;
        let power = 1.0 + outer * (3.3359f64.powi(2) - 1.0);
        strengths[tone.recorded / 64].push((sum / n).norm() / (power / (2.0 * n)).sqrt());
    }
    strengths
}

#[test]
fn the_vgos_comb_is_where_the_sky_says() {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vlbi/baseband/correlx_vgos"));
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", folder.display());
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let strong = |all: &[f64]| all.iter().filter(|s| **s > 6.0).count() as f64 / all.len() as f64;
    let (tones, control) = (vgos_strengths(folder, 0.0), vgos_strengths(folder, 1.0));
    for station in 0..2 {
        let mut sorted = tones[station].clone();
        sorted.sort_by(f64::total_cmp);
        println!("station {station}: {} tones, median {:.1} sigma", sorted.len(), sorted[sorted.len() / 2]);
        assert!(sorted.len() > 90 && strong(&sorted) > 0.9, "{sorted:?}");
        // Negative control: a MHz beside the comb there is noise.
        assert!(strong(&control[station]) < 0.05, "{:?}", control[station]);
    }
}
