use super::*;
use mirinae_common::random;
use num_complex::Complex32;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::TAU;

const TIMES: usize = 20;
const CHANNELS: usize = 64;

/// A fringe of `amplitude` in noise of unit variance per component; some integrations are missing or short.
fn synthetic(seed: u64, amplitude: f64, delay_s: f64, rate_hz: f64) -> Visibilities {
    let mut rng = random::stream(seed, 0, 0);
    let (step_hz, step_s) = (250e3, 0.1);
    let weight_t: Vec<f32> = (0..TIMES).map(|t| [1.0, 1.0, 0.25, 1.0, 0.0][t % 5]).collect();
    let mut vis_tf = Vec::new();
    for (t, &weight) in weight_t.iter().enumerate() {
        for f in 0..CHANNELS {
            let turns = f as f64 * step_hz * delay_s + t as f64 * step_s * rate_hz + 0.3;
            let sigma = if weight > 0.0 { 1.0 / f64::from(weight).sqrt() } else { 1e6 };
            let mut noise = || sigma * Distribution::<f64>::sample(&StandardNormal, &mut rng);
            let re = amplitude * (TAU * turns).cos() + noise();
            let im = amplitude * (TAU * turns).sin() + noise();
            vis_tf.push(Complex32::new(re as f32, im as f32));
        }
    }
    Visibilities { vis_tf, weight_t, first_hz: 22e9, step_hz, first_s: 0.05, step_s }
}

#[test]
fn delay_and_rate_are_recovered_within_their_errors() {
    let mut pulls = Vec::new();
    for seed in 0..60 {
        let (delay_s, rate_hz) = ((seed as f64 - 30.0) * 47.3e-9, (seed as f64 - 30.0) * 0.123);
        let (fringe, plane) = search(&synthetic(seed, 0.6, delay_s, rate_hz), &Window::default()).unwrap();
        assert!(fringe.false_alarm < 1e-6, "{fringe:?}");
        // 0.6 over 1 / sqrt(64 x 13): four of five integrations, one of these a quarter.
        assert!((fringe.snr / (0.6 * (64.0_f64 * 13.0).sqrt()) - 1.0).abs() < 0.3, "{fringe:?}");
        pulls.push((fringe.delay_s - delay_s) / fringe.delay_error_s);
        pulls.push((fringe.rate_hz - rate_hz) / fringe.rate_error_hz);
        let top = plane.amplitude.iter().copied().fold(0.0, f64::max);
        assert!(top <= fringe.amplitude * 1.0001 && top > 0.9 * fringe.amplitude, "{top} {fringe:?}");
    }
    let rms = (pulls.iter().map(|p| p * p).sum::<f64>() / pulls.len() as f64).sqrt();
    assert!((0.75..1.25).contains(&rms), "errors are off by {rms}");
    assert!(pulls.iter().all(|p| p.abs() < 4.5), "{pulls:?}");
}

#[test]
fn a_strong_fringe_is_exact() {
    let (delay_s, rate_hz) = (-313.7e-9, 1.234_5);
    let (fringe, _) = search(&synthetic(5, 1e4, delay_s, rate_hz), &Window::default()).unwrap();
    assert!(
        (fringe.delay_s - delay_s).abs() < 1e-12 && (fringe.rate_hz - rate_hz).abs() < 1e-5,
        "{fringe:?}"
    );
    assert!((fringe.amplitude / 1e4 - 1.0).abs() < 1e-4);
    // The phase is that of the mean frequency and time.
    let turns = 31.5 * 250e3 * delay_s + (fringe.time_s - 0.05) * rate_hz + 0.3;
    let off = fringe.phase_rad / TAU - turns;
    assert!((off - off.round()).abs() < 1e-4, "{off}");
}

/// Noise alone: the promised probabilities are those that come true.
#[test]
fn noise_is_not_detected() {
    let probabilities: Vec<f64> = (0..400)
        .map(|seed| search(&synthetic(1000 + seed, 0.0, 0.0, 0.0), &Window::default()).unwrap().0.false_alarm)
        .collect();
    let share = |p: f64| probabilities.iter().filter(|x| **x < p).count() as f64 / 400.0;
    assert!(probabilities.iter().all(|&p| p > 1e-4), "{probabilities:?}");
    for p in [0.1, 0.3, 0.5] {
        assert!((0.4 * p..1.6 * p).contains(&share(p)), "{} of {p}", share(p));
    }
}

#[test]
fn a_window_keeps_other_peaks_out() {
    let vis = synthetic(3, 1.0, 900e-9, 2.0);
    let narrow = Window { delay_s: Some(300e-9), rate_hz: Some(1.0) };
    assert!(search(&vis, &Window::default()).unwrap().0.false_alarm < 1e-9);
    let (fringe, _) = search(&vis, &narrow).unwrap();
    assert!(fringe.delay_s.abs() < 350e-9 && fringe.rate_hz.abs() < 1.2, "{fringe:?}");
}

#[test]
fn without_data_there_is_no_fringe() {
    let mut vis = synthetic(3, 1.0, 0.0, 0.0);
    vis.weight_t.fill(0.0);
    assert!(search(&vis, &Window::default()).is_none());
    let mut zeros = synthetic(3, 1.0, 0.0, 0.0);
    zeros.vis_tf.fill(Complex32::default());
    assert!(search(&zeros, &Window::default()).is_none());
}

#[test]
fn one_integration_is_enough_for_a_delay() {
    let mut vis = synthetic(3, 30.0, 200e-9, 0.0);
    vis.vis_tf.truncate(CHANNELS);
    vis.weight_t.truncate(1);
    let (fringe, plane) = search(&vis, &Window::default()).unwrap();
    assert!((fringe.delay_s - 200e-9).abs() < 5e-9 && fringe.rate_hz == 0.0, "{fringe:?}");
    assert_eq!(plane.rate_hz.len(), 1);
}

#[test]
fn the_report_is_text_csv_and_picture() {
    let row = |name: &str, amplitude: f64| {
        let vis = synthetic(7, amplitude, 100e-9, 0.5);
        let (fringe, plane) = search(&vis, &Window::default()).unwrap();
        FringeRow {
            scan: "No0001".to_owned(),
            source: "a,b".to_owned(),
            baseline: name.to_owned(),
            polarisations: "LL".to_owned(),
            low_hz: 22e9,
            bandwidth_hz: 16e6,
            weight: 0.65,
            normalised: false,
            detected: fringe.false_alarm < 1e-4,
            fringe: Some(fringe),
            plane: Some(plane),
            spectrum_f: (0..CHANNELS).map(|f| (22e9 + f as f64 * 250e3, amplitude, 0.1)).collect(),
        }
    };
    let mut none = row("KY-KC", 1.0);
    (none.fringe, none.plane, none.detected) = (None, None, false);
    let report = FringeReport {
        path: "x.h5".into(),
        most_false_alarm: 1e-4,
        rows: vec![row("KY-KU", 2.0), row("KY-KT", 0.0), none],
    };
    assert_eq!(report.detections(), 1);
    let text = report.to_string();
    assert!(text.contains("not detected") && text.contains("no data"), "{text}");
    let csv = report.to_csv();
    let fields = |line: &str| line.replace("\"a,b\"", "s").split(',').count();
    assert!(csv.lines().all(|line| fields(line) == 20), "{csv}");
    let folder = tempfile::tempdir().unwrap();
    report.write_csv(&folder.path().join("f.csv")).unwrap();
    let png = folder.path().join("f.png");
    write_fringe_png(&report, &png).unwrap();
    assert!(png.metadata().unwrap().len() > 10_000);
    assert!(matches!(report.write_csv(&folder.path().join("no/f.csv")), Err(FringeError::Write { .. })));
}
