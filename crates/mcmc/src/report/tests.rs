//! Tables, features and pictures of a small made-up fit.

use super::*;
use mirinae_common::random;
use ndarray::Array3;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that stays when `MIRINAE_KEEP_FIGURES` names it, so that a person can look at the pictures.
fn folder() -> (Option<tempfile::TempDir>, PathBuf) {
    match std::env::var_os("MIRINAE_KEEP_FIGURES") {
        Some(dir) => (None, dir.into()),
        None => {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().to_path_buf();
            (Some(dir), path)
        }
    }
}

fn figure(dir: &Path, stem: &str) -> Figure {
    Figure::new(dir.join(stem), "made by a test")
}

/// A spectrum with lines of a few species and one line that the model lacks.
fn spectrum(name: &str, start_mhz: f64, n: usize, species: &[&str]) -> FittedSpectrum {
    let mut rng = random::stream(1, 1, start_mhz as u64);
    let freq_mhz: Vec<f64> = (0..n).map(|k| start_mhz + 0.976_562_5 * k as f64).collect();
    let span = 0.976_562_5 * n as f64;
    let mut fit = FittedSpectrum { name: name.to_string(), freq_mhz, ..FittedSpectrum::default() };
    fit.t_k_model = vec![0.0; n];
    let line = |f: f64, centre: f64, peak: f64| peak * (-0.5 * ((f - centre) / 1.8).powi(2)).exp();
    for (k, species) in species.iter().enumerate() {
        let mut t_k = vec![0.0; n];
        for l in 0..6 {
            let centre = start_mhz + span * ((k as f64 * 0.37 + f64::from(l) * 0.19 + 0.05) % 1.0);
            let peak = 12.0 / (1.0 + f64::from(l));
            t_k.iter_mut().zip(&fit.freq_mhz).for_each(|(t, &f)| *t += line(f, centre, peak));
            let text = format!("{species} {}-{}", 12 - l, 11 - l);
            fit.labels.push(LineLabel { freq_mhz: centre, text, strength_k: peak });
        }
        fit.t_k_model.iter_mut().zip(&t_k).for_each(|(m, t)| *m += t);
        fit.species.push(Component { name: (*species).to_string(), t_k });
    }
    fit.sigma_k = vec![0.2; n];
    let unknown = start_mhz + 0.515 * span;
    let data = fit.t_k_model.iter().zip(&fit.freq_mhz);
    fit.t_k_data =
        data.map(|(m, &f)| m + line(f, unknown, 5.0) + 0.2 * rng.sample::<f64, _>(StandardNormal)).collect();
    fit.t_k_data[n / 4..n / 4 + 6].fill(f64::NAN);
    fit
}

#[test]
fn the_unknown_line_is_found_and_only_that() {
    let fit = spectrum("spw 0", 218_000.0, 400, &["CH3OH", "HNCO"]);
    let features = find_features(&fit, 5.0).unwrap();
    assert_eq!(features.len(), 1, "{features:?}");
    let found = &features[0];
    assert!((found.freq_mhz - 218_201.2).abs() < 1.0 && (found.peak_k - 5.0).abs() < 0.7, "{found:?}");
    assert!((found.peak_sigma - found.peak_k / 0.2).abs() < 1e-9);
    assert!(
        (4..8).contains(&found.channels)
            && (found.width_mhz - 0.976_562_5 * found.channels as f64).abs() < 1e-6
    );
    let text = features_text(&features, 5.0);
    assert!(
        text.starts_with(&format!("{} channels of the residual exceed 5 sigma", found.channels)),
        "{text}"
    );
    // A falling axis tells the same.
    let mut falling = fit.clone();
    for values in [&mut falling.freq_mhz, &mut falling.t_k_data, &mut falling.sigma_k, &mut falling.t_k_model]
    {
        values.reverse();
    }
    falling.species.clear();
    assert_eq!(find_features(&falling, 5.0).unwrap(), features);
    assert!(features_text(&[], 5.0).contains("no channel"));
}

#[test]
fn runs_end_where_the_sign_changes_or_data_are_missing() {
    let nan = f64::NAN;
    let fit = FittedSpectrum {
        freq_mhz: (0..9).map(|k| 1000.0 + f64::from(k)).collect(),
        t_k_data: vec![6.0, 7.0, -8.0, 0.0, 9.0, nan, 9.0, 4.9, 10.0],
        sigma_k: vec![1.0; 9],
        t_k_model: vec![0.0; 9],
        ..FittedSpectrum::default()
    };
    let found: Vec<_> = find_features(&fit, 5.0).unwrap().iter().map(|f| (f.freq_mhz, f.channels)).collect();
    assert_eq!(found, [(1001.0, 2), (1002.0, 1), (1004.0, 1), (1006.0, 1), (1008.0, 1)]);
}

#[test]
fn a_spectrum_is_written_as_csv() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fit.csv");
    let fit = spectrum("spw 0", 218_000.0, 40, &["CH3OH", "HC3N,v7=1"]);
    write_spectrum_csv(&path, &fit).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "freq_mhz,t_k_data,sigma_k,t_k_model,residual_k,t_k_CH3OH,\"t_k_HC3N,v7=1\"");
    assert_eq!(lines.len(), 41);
    let values: Vec<f64> = lines[3].split(',').map(|v| v.parse().unwrap()).collect();
    assert_eq!(values[..4], [fit.freq_mhz[2], fit.t_k_data[2], 0.2, fit.t_k_model[2]]);
    assert!(lines[11].contains(",NaN,") && !mirinae_common::atomic::temporary(&path).exists());
    let mut broken = fit;
    broken.species[1].t_k.pop();
    let error = write_spectrum_csv(&path, &broken).unwrap_err().to_string();
    assert!(error.contains("HC3N") && error.contains("39") && error.contains("40"), "{error}");
}

fn row(name: &str, median: f64, minus: f64, plus: f64) -> ParameterRow {
    ParameterRow {
        name: name.into(),
        unit: "K".into(),
        median,
        interval_68: (median - minus, median + plus),
        interval_95: (median - 2.0 * minus, median + 2.0 * plus),
        limit_95: median + 1.64 * plus,
        best: median,
        ess_bulk: 1234.4,
        ess_tail: 900.0,
        tau: 31.24,
        r_hat: f64::NAN,
    }
}

#[test]
fn the_table_shows_two_digits_of_the_errors() {
    let rows = [row("CH3OH.tex", 152.346, 1.234, 1.5), row("HNCO.logn", 16.123_456, 0.004_3, 0.005)];
    let text = table_text(&rows);
    let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["parameter", "unit", "median", "+", "-", "ESS", "R-hat", "tau"]);
    assert_eq!(lines[1], ["CH3OH.tex", "K", "152.3", "1.5", "1.2", "1234", "-", "31.2"]);
    assert_eq!(lines[2], ["HNCO.logn", "K", "16.1235", "0.0050", "0.0043", "1234", "-", "31.2"]);
    let dir = tempfile::tempdir().unwrap();
    write_summary_csv(&dir.path().join("summary.csv"), &rows).unwrap();
    let csv = fs::read_to_string(dir.path().join("summary.csv")).unwrap();
    let columns: Vec<usize> = csv.lines().map(|l| l.split(',').count()).collect();
    assert_eq!(columns, [13, 13, 13]);
    assert!(csv.contains("CH3OH.tex,K,152.346,") && csv.contains(",NaN"), "{csv}");
}

fn png_size(path: &std::path::Path) -> (u32, u32) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (word(16), word(20))
}

#[test]
fn pages_of_spectra_are_drawn() {
    let (_keep, dir) = folder();
    let species = ["CH3OH", "HNCO", "OCS", "H2CO", "HC3N v7=1"];
    let spectra = [
        spectrum("AFGL 2591, 218.1 GHz", 218_100.0, 500, &species),
        spectrum("spw 1", 230_000.0, 3000, &species[..3]),
    ];
    let pages = write_spectrum_figures(&figure(&dir, "spectrum"), &spectra).unwrap();
    // 1 row and 5 rows, 4 on a page.
    assert_eq!(pages.len(), 2);
    let pages: Vec<PathBuf> = pages.iter().map(|page| page.file("png")).collect();
    assert!(pages[0].ends_with("spectrum-01.png") && pages[1].ends_with("spectrum-02.png"));
    assert!(png_size(&pages[0]).1 > png_size(&pages[1]).1);
    let svg = fs::read_to_string(dir.join("spectrum-01.svg")).unwrap();
    assert!(
        svg.starts_with("<svg width=\"1500\"") && svg.contains("<desc>made by a test</desc>"),
        "{svg:.200}"
    );
    assert!(svg.trim_end().ends_with("</svg>") && svg.contains("HC3N v7=1 9-8"));
    let first = fs::read(&pages[0]).unwrap();
    let said = b"made by a test";
    assert!(first.windows(said.len()).any(|w| w == said));
    write_spectrum_figures(&figure(&dir, "spectrum"), &spectra).unwrap();
    assert!(first == fs::read(&pages[0]).unwrap(), "the same fit gives the same picture");
}

#[test]
fn empty_and_flat_spectra_are_drawn_too() {
    let dir = tempfile::tempdir().unwrap();
    let one = |n: usize, value: f64| FittedSpectrum {
        freq_mhz: (0..n).map(|k| k as f64).collect(),
        t_k_data: vec![value; n],
        sigma_k: vec![0.0; n],
        t_k_model: vec![0.0; n],
        ..FittedSpectrum::default()
    };
    let spectra = [one(1, 0.0), one(5, f64::NAN), one(0, 0.0), one(5, 3.0)];
    assert_eq!(write_spectrum_figures(&figure(dir.path(), "odd"), &spectra).unwrap().len(), 1);
    let error = write_spectrum_figures(&figure(&dir.path().join("absent"), "odd"), &spectra).unwrap_err();
    let error = format!("{:#}", anyhow::Error::new(error));
    assert!(error.contains("absent/odd-01.png") && error.contains("No such file"), "{error}");
}

#[test]
fn trace_and_corner_are_drawn() {
    let (_keep, dir) = folder();
    let mut rng = random::stream(3, 1, 0);
    let mut samples = Array3::<f64>::zeros((1500, 32, 5));
    for walker in 0..32 {
        let mut x = [0.0_f64; 5];
        for draw in 0..1500 {
            for (k, v) in x.iter_mut().enumerate() {
                *v = 0.95 * *v + 0.312 * rng.sample::<f64, _>(StandardNormal);
                samples[(draw, walker, k)] =
                    [150.0, 16.2, 3.4, -5.7, 0.8][k] + [5.0, 0.02, 0.1, 0.05, 0.1][k] * *v;
            }
            samples[(draw, walker, 1)] += 0.003 * (samples[(draw, walker, 0)] - 150.0);
        }
    }
    let labels =
        ["CH3OH.tex (K)", "CH3OH.logn", "CH3OH.fwhm (km/s)", "CH3OH.v (km/s)", "CH3OH.size (arcsec)"];
    let labels = labels.map(str::to_string);
    write_trace_figure(&figure(&dir, "trace"), &labels, samples.view(), 1000).unwrap();
    write_corner_figure(&figure(&dir, "corner"), &labels, samples.view()).unwrap();
    assert!(png_size(&dir.join("trace.png")).0 == 1500 && png_size(&dir.join("corner.png")).0 > 1000);
    write_rank_figure(&figure(&dir, "ranks"), &labels, samples.view()).unwrap();
    assert!(dir.join("ranks.svg").is_file());
    let few = samples.slice(ndarray::s![..1, ..1, ..1]);
    write_trace_figure(&figure(&dir, "few"), &labels, few, 0).unwrap();
    write_corner_figure(&figure(&dir, "few"), &labels, few).unwrap();
    write_rank_figure(&figure(&dir, "few"), &labels, few).unwrap();
}
