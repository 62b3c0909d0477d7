//! The likelihood against a dense twin, and against noise that was drawn with known correlations.

use super::*;
use crate::catalog::{Interpolation, PartitionFunction, QTable, Species, parse_spfit};
use crate::model::{Beam, ChannelMode, ChannelResponse, ModelOptions, SimdPath, Window};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::PI;
use std::path::Path;

/// A model of one line in one window of `n` channels of 0.5 MHz.
fn model(n: usize, simd: SimdPath) -> LteModel {
    let cat = format!("{:13.4}  0.0100{:8.4} 3{:10.4} 21{:7} 303\n", 100_005.0, -4.0, 10.0, 33_501);
    let t_k: Vec<f64> = vec![9.375, 75.0, 300.0];
    let q = t_k.iter().map(|t| 5.0 * t.powf(1.5)).collect();
    let table = QTable::new(t_k, q, Some(33_501), "made up").unwrap();
    let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
    let species = Species::new("X", parse_spfit(&cat, Path::new("x.cat")).unwrap(), q, "made up").unwrap();
    let freq_mhz = (0..n).map(|i| 100_000.0 + 0.5 * i as f64).collect();
    let beam = Beam::Elliptical { bmaj_arcsec: 1.0, bmin_arcsec: 1.0 };
    let window = Window { name: "spw".into(), freq_mhz, beam, response: ChannelResponse::default() };
    let plain = ModelOptions::for_velocities(-5.0, 5.0, 5.0);
    LteModel::new(&[species], &[window], ModelOptions { channels: ChannelMode::Point, simd, ..plain })
        .unwrap()
}

fn normal(n: usize, step: u64) -> Vec<f64> {
    let mut stream = mirinae_common::random::stream(11, 0, step);
    (0..n).map(|_| StandardNormal.sample(&mut stream)).collect()
}

/// Inverse and ln of the determinant of a symmetric positive matrix, by Gauss-Jordan elimination.
fn inverse(matrix: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let n = matrix.len();
    let mut rows: Vec<Vec<f64>> = matrix.to_vec();
    for (i, row) in rows.iter_mut().enumerate() {
        row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
    }
    let mut ln_det = 0.0;
    for i in 0..n {
        let pivot = rows[i][i];
        ln_det += pivot.ln();
        rows[i].iter_mut().for_each(|x| *x /= pivot);
        let own = rows[i].clone();
        for (j, row) in rows.iter_mut().enumerate().filter(|(j, _)| *j != i) {
            let factor = row[i];
            assert!(j < n);
            row.iter_mut().zip(&own).for_each(|(x, o)| *x -= factor * o);
        }
    }
    (rows.into_iter().map(|row| row[n..].to_vec()).collect(), ln_det)
}

struct Case {
    model_k: Vec<f64>,
    t_k: Vec<f64>,
    sigma_k: Vec<f64>,
    params: WindowParams,
    noise: WindowNoise,
}

impl Case {
    /// 61 channels, five of which are flagged; the noise differs from channel to channel.
    fn new(step: u64, params: WindowParams, noise: WindowNoise) -> Self {
        let mut sigma_k: Vec<f64> = normal(61, step + 2).iter().map(|x| 0.5 + 0.1 * x.abs()).collect();
        [0, 7, 8, 30, 60].into_iter().for_each(|i| sigma_k[i] = f64::INFINITY);
        Self { model_k: normal(61, step), t_k: normal(61, step + 1), sigma_k, params, noise }
    }

    fn x_ghz(i: usize) -> f64 {
        0.5e-3 * (i as f64 - 30.0)
    }

    /// ln L with dense matrices.
    fn twin(&self) -> f64 {
        let p = &self.params;
        let used: Vec<usize> = (0..61).filter(|i| self.sigma_k[*i].is_finite()).collect();
        let baseline = |i: usize| p.offset_k + p.slope_k_per_ghz * Self::x_ghz(i);
        let r: Vec<f64> =
            used.iter().map(|&i| p.calibration * self.model_k[i] + baseline(i) - self.t_k[i]).collect();
        let sd: Vec<f64> = used.iter().map(|&i| self.sigma_k[i].hypot(p.jitter_k)).collect();
        if let Scatter::Student { dof } = self.noise.scatter {
            // The density of Student's t, channel by channel.
            let height =
                (libm::tgamma(0.5 * (dof + 1.0)) / libm::tgamma(0.5 * dof)).ln() - 0.5 * (dof * PI).ln();
            let one =
                |(r, s): (&f64, &f64)| height - s.ln() - 0.5 * (dof + 1.0) * ((r / s).powi(2) / dof).ln_1p();
            return r.iter().zip(&sd).map(one).sum();
        }
        let rho = |a: usize, b: usize| match used[a].abs_diff(used[b]) {
            0 => 1.0,
            lag => self.noise.correlation.get(lag - 1).copied().unwrap_or(0.0),
        };
        let n = used.len();
        let row = |a: usize| (0..n).map(|b| sd[a] * sd[b] * rho(a, b)).collect();
        let (inverse, ln_det) = inverse(&(0..n).map(row).collect::<Vec<Vec<f64>>>());
        let square: f64 =
            (0..n).flat_map(|a| (0..n).map(move |b| (a, b))).map(|(a, b)| r[a] * inverse[a][b] * r[b]).sum();
        -0.5 * (square + ln_det + n as f64 * (2.0 * PI).ln())
    }

    /// ln L, half its derivatives by the window's parameters, and the pull on the channels, as the program has them.
    fn fast(&self, model: &LteModel) -> (f64, [f64; N_WINDOW_PARAMS], Vec<f64>) {
        let likelihood =
            model.likelihood(&self.t_k, &self.sigma_k, std::slice::from_ref(&self.noise)).unwrap();
        let mut scratch = model.scratch();
        scratch.sum_k = model.pad(&self.model_k, 0.0);
        let windows = [self.params];
        let value = likelihood.of_window::<false>(model, 0, &windows, &mut scratch);
        scratch.pull_per_k.fill(f64::NAN);
        let kept = likelihood.of_window::<true>(model, 0, &windows, &mut scratch);
        assert_eq!((value.total, value.squares), (kept.total, kept.squares));
        assert!(scratch.pull_per_k[61..].iter().all(|pull| *pull == 0.0), "the padding pulls");
        (likelihood.ln_l(kept.total), kept.by_params, scratch.pull_per_k[..61].to_vec())
    }
}

fn all_noises() -> Vec<WindowNoise> {
    let gaussian =
        |correlation: &[f64]| WindowNoise { correlation: correlation.to_vec(), scatter: Scatter::Gaussian };
    let hanning: &[f64] = &[0.66, 0.165];
    let long: &[f64] = &[0.8, 0.6, 0.45, 0.32, 0.22, 0.14, 0.08, 0.03];
    let mut all: Vec<WindowNoise> =
        [&[][..], &[-0.3], hanning, &[0.56, 0.31, 0.19], long].map(gaussian).to_vec();
    all.push(WindowNoise { correlation: vec![], scatter: Scatter::Student { dof: 3.5 } });
    all
}

#[test]
fn agrees_with_the_dense_twin() {
    let jittery = WindowParams::from_array([1.1, 0.2, -30.0, 0.4]);
    for simd in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        let model = model(61, simd);
        for (k, noise) in all_noises().into_iter().enumerate() {
            for params in [WindowParams::default(), jittery] {
                let case = Case::new(10 * k as u64, params, noise.clone());
                let (fast, slow) = (case.fast(&model).0, case.twin());
                assert!(
                    (fast - slow).abs() < 1e-9 * slow.abs(),
                    "{simd:?} {noise:?} {params:?}: {fast} {slow}"
                );
            }
        }
    }
}

#[test]
fn pulls_are_the_derivatives_of_the_twin() {
    let model = model(61, SimdPath::detect());
    let params = [1.1, 0.2, -30.0, 0.4];
    let slope = |f: &dyn Fn(f64) -> f64| (8.0 * (f(1e-3) - f(-1e-3)) - (f(2e-3) - f(-2e-3))) / 12e-3;
    for (k, noise) in all_noises().into_iter().enumerate() {
        let new = |params| Case::new(10 * k as u64, WindowParams::from_array(params), noise.clone());
        let (_, by_params, pulls) = new(params).fast(&model);
        for (i, by) in by_params.into_iter().enumerate() {
            let twin = |shift: f64| {
                let mut moved = params;
                moved[i] += shift;
                new(moved).twin()
            };
            // Half of -2 ln L.
            assert!((by + slope(&twin)).abs() < 1e-6 * (1.0 + by.abs()), "{noise:?}, parameter {i}: {by}");
        }
        for i in [0, 1, 6, 7, 9, 30, 31, 59] {
            let twin = |shift: f64| {
                let mut case = new(params);
                case.model_k[i] += shift;
                case.twin()
            };
            let pull = pulls[i];
            assert!(
                (pull + slope(&twin)).abs() < 1e-6 * (1.0 + pull.abs()),
                "{noise:?}, channel {i}: {pull}"
            );
        }
    }
}

#[test]
fn refuses_what_no_noise_can_be() {
    let model = model(61, SimdPath::detect());
    let noise = [WindowNoise { correlation: vec![0.9], scatter: Scatter::Gaussian }];
    let error = model.likelihood(&[0.0; 61], &[1.0; 61], &noise).unwrap_err().to_string();
    assert!(error.contains("spw") && error.contains("0.9"), "{error}");
}

/// Noise of unit variance and the correlations that come with it: white noise smoothed by these weights.
fn smoothed(weights: &[f64], n: usize, step: u64) -> (Vec<f64>, Vec<f64>) {
    let at = |lag: usize| weights.iter().zip(&weights[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let scale = 1.0 / at(0).sqrt();
    let white = normal(n + weights.len() - 1, step);
    let mix = |w: &[f64]| scale * w.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
    (white.windows(weights.len()).map(mix).collect(), (1..weights.len()).map(|lag| at(lag) / at(0)).collect())
}

/// Probability that chi^2 of `dof` (even) is below `x`.
fn chi2_below(x: f64, dof: usize) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for j in 1..dof / 2 {
        term *= 0.5 * x / j as f64;
        sum += term;
    }
    1.0 - (-0.5 * x).exp() * sum
}

/// Largest distance of the distribution of probabilities from the uniform one, times sqrt(n): above 1.95 once in 1000
/// (Kolmogorov 1933).
fn kolmogorov(mut below: Vec<f64>) -> f64 {
    below.sort_by(f64::total_cmp);
    let n = below.len() as f64;
    let distance = |(i, p): (usize, &f64)| (p - i as f64 / n).abs().max(((i + 1) as f64 / n - p).abs());
    n.sqrt() * below.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn chi2_of_correlated_noise_is_distributed_as_chi2() {
    // 64 channels, four of them flagged; correlations 0.55, 0.19, 0.05.
    let weights = [1.0, 0.7, 0.35, 0.1];
    let model = model(64, SimdPath::detect());
    let mut sigma_k = vec![0.3; 64];
    [3, 20, 21, 50].into_iter().for_each(|i| sigma_k[i] = f64::INFINITY);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for step in 0..3000 {
        let (noise, correlation) = smoothed(&weights, 64, 100 + step);
        let t_k: Vec<f64> = noise.iter().map(|x| 0.3 * x).collect();
        for (correlation, below) in [(correlation, &mut with), (Vec::new(), &mut without)] {
            let noise = [WindowNoise { correlation, scatter: Scatter::Gaussian }];
            let likelihood = model.likelihood(&t_k, &sigma_k, &noise).unwrap();
            below.push(chi2_below(model.squares(&[0.0; 64], &[], &likelihood), 60));
        }
    }
    let (with, without) = (kolmogorov(with), kolmogorov(without));
    println!("sqrt(n) D: {with:.2} with the covariance, {without:.2} without");
    assert!(with < 1.95, "{with}");
    // Negative control.
    assert!(without > 3.0, "{without}");
}

#[test]
fn intervals_of_a_fit_hold_the_truth_as_often_as_they_say() {
    // The strength of a line in correlated noise: the likelihood is a parabola in it.
    let weights = [1.0, 0.7, 0.35, 0.1];
    let model = model(64, SimdPath::detect());
    let line: Vec<f64> = (0..64).map(|i| (-0.5 * (f64::from(i) - 30.3).powi(2) / 9.0).exp()).collect();
    let mut draws = mirinae_common::random::stream(12, 0, 0);
    let mut pulls = [Vec::new(), Vec::new()];
    for step in 0..3000 {
        let (noise, correlation) = smoothed(&weights, 64, 100_000 + step);
        let truth: f64 = draws.random();
        let t_k: Vec<f64> = noise.iter().zip(&line).map(|(x, line)| 0.3 * x + truth * line).collect();
        for (correlation, pulls) in [correlation, Vec::new()].into_iter().zip(&mut pulls) {
            let noise = [WindowNoise { correlation, scatter: Scatter::Gaussian }];
            let likelihood = model.likelihood(&t_k, &[0.3; 64], &noise).unwrap();
            let at = |strength: f64| {
                let window = WindowParams { calibration: strength, ..WindowParams::default() };
                model.squares(&line, &[window], &likelihood)
            };
            let (low, middle, high) = (at(-1.0), at(0.0), at(1.0));
            let curvature = 0.5 * (low + high) - middle;
            let best = 0.25 * (low - high) / curvature;
            pulls.push((best - truth) * curvature.sqrt());
        }
    }
    let spread = |pulls: &[f64]| (pulls.iter().map(|p| p * p).sum::<f64>() / pulls.len() as f64).sqrt();
    let (with, without) = (spread(&pulls[0]), spread(&pulls[1]));
    println!("errors over their predicted sd: {with:.3} with the covariance, {without:.3} without");
    assert!((with - 1.0).abs() < 0.05, "{with}");
    // Negative control: independent channels promise intervals that are too narrow.
    assert!(without > 1.4, "{without}");
}
