//! References: the benchmark spectra of five and twenty species, and XCLASS's sums of CO lines.

use crate::catalog::{Interpolation, PartitionFunction, QTable, Species, read_spfit};
use crate::model::{
    Beam, ChannelMode, ChannelResponse, LteModel, ModelOptions, N_SPECIES_PARAMS, SimdPath, SpeciesParams,
    Window,
};
use crate::testdata;
use std::path::Path;
use std::time::Instant;

/// The parameters of a species with Gaussian lines.
const N_GAUSSIAN: usize = 5;

const B_BEAM: Beam = Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 };

fn species(name: &str, cat: &Path, q: &Path, interpolation: Interpolation) -> Species {
    let table = QTable::read(q, None).unwrap();
    let q = PartitionFunction::new(&table, interpolation, false);
    Species::new(name, read_spfit(cat).unwrap(), q, &cat.display().to_string()).unwrap()
}

/// A benchmark: its model, true parameters, noiseless truth (K) and noisy data (K).
struct Benchmark {
    model: LteModel,
    params: Vec<SpeciesParams>,
    truth_t_k: Vec<f64>,
    data_t_k: Vec<f64>,
}

fn benchmark(name: &str, options: ModelOptions, interpolation: Interpolation) -> Option<Benchmark> {
    let folder = testdata::shared("data/alma")?;
    let read = |file: String| std::fs::read_to_string(folder.join("bench").join(file)).unwrap();
    let job: serde_json::Value = serde_json::from_str(&read(format!("{name}.json"))).unwrap();
    let n_chan = job["nchan"].as_u64().unwrap() as usize;
    let (freq, data_t_k): (Vec<f64>, Vec<f64>) = read(format!("{name}_spectrum.txt"))
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace().map(|word| word.parse::<f64>().unwrap());
            (words.next().unwrap(), words.next().unwrap())
        })
        .unzip();
    let windows: Vec<Window> = freq
        .chunks(n_chan)
        .enumerate()
        .map(|(i, freq)| Window {
            name: format!("spw {i}"),
            freq_mhz: freq.to_vec(),
            beam: B_BEAM,
            response: ChannelResponse::default(),
        })
        .collect();
    let (mut entries, mut params) = (Vec::new(), Vec::new());
    for (name, values) in job["truth"].as_object().unwrap() {
        let path = folder.join("catalogs/derived").join(name);
        // Names hold dots and dashes: the ending is appended, not replaced.
        let with = |ending: &str| std::path::PathBuf::from(format!("{}.{ending}", path.display()));
        entries.push(species(name, &with("cat"), &with("qpart"), interpolation));
        let values: Vec<f64> = values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        params.push(SpeciesParams::from_array(values.try_into().unwrap()));
    }
    let truth = match options.channels {
        ChannelMode::Point => format!("{name}.ref"),
        ChannelMode::Average => format!("{name}_averaged.ref"),
    };
    let truth_t_k = read(truth).lines().map(|line| line.trim().parse().unwrap()).collect();
    Some(Benchmark {
        model: LteModel::new(&entries, &windows, options).unwrap(),
        params,
        truth_t_k,
        data_t_k,
    })
}

fn largest_difference(b: &Benchmark) -> f64 {
    let mut t_k = vec![0.0; b.model.n_channels()];
    b.model.evaluate(&b.params, &mut b.model.scratch(), &mut t_k).unwrap();
    assert_eq!(t_k.len(), b.truth_t_k.len());
    t_k.iter().zip(&b.truth_t_k).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn options(channels: ChannelMode) -> ModelOptions {
    ModelOptions { channels, ..ModelOptions::for_velocities(-5.0, 5.0, 10.0) }
}

#[test]
fn benchmarks_of_five_and_twenty_species() {
    let modes = [(ChannelMode::Point, 1.0e-3), (ChannelMode::Average, 5.0e-3)];
    for (name, (mode, limit_k)) in [("B5", modes[0]), ("B5", modes[1]), ("B20", modes[0]), ("B20", modes[1])]
    {
        let paths = SimdPath::ALL.into_iter().filter(|path| path.is_available());
        for simd in paths {
            let options = ModelOptions { simd, ..options(mode) };
            let Some(mut b) = benchmark(name, options, Interpolation::LogLog) else { return };
            let difference = largest_difference(&b);
            println!("{name} {mode:?} {simd:?}: largest difference {difference:.6} K");
            assert!(difference < limit_k, "{name} {mode:?} {simd:?}: {difference} K");
            // Negative control: one kelvin in one Tex must show.
            b.params[0].tex_k += 1.0;
            assert!(largest_difference(&b) > 1.0e-2, "{name}: the comparison sees nothing");
        }
    }
}

#[test]
fn channel_averages_are_not_point_samples() {
    // Negative control of the averages: the other reference is far away.
    let Some(mut b) = benchmark("B5", options(ChannelMode::Average), Interpolation::LogLog) else { return };
    b.truth_t_k = benchmark("B5", options(ChannelMode::Point), Interpolation::LogLog).unwrap().truth_t_k;
    assert!(largest_difference(&b) > 1.0);
}

/// Posterior widths of the 20 parameters of B5: log10 N, Tex, FWHM, v of each species.
fn posterior_sd() -> Vec<f64> {
    let path = testdata::shared("data/alma/bench/B5_posterior.json").unwrap();
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    json["sd"].as_array().unwrap().iter().map(|sd| sd.as_f64().unwrap()).collect()
}

/// Noise of the benchmarks (K).
const RMS_K: f64 = 0.5;

/// Widths of the parameters of each species: those of the posterior of B5; for B20 those of the likelihood with all other
/// parameters fixed.
fn widths(name: &str, b: &Benchmark) -> Vec<[f64; N_GAUSSIAN]> {
    let sd: Vec<[f64; N_GAUSSIAN]> =
        posterior_sd().chunks(4).map(|sd| [sd[0], sd[1], sd[2], sd[3], 1e-3]).collect();
    if name == "B5" {
        return sd;
    }
    let middle: [f64; N_GAUSSIAN] = std::array::from_fn(|k| {
        let mut all: Vec<f64> = sd.iter().map(|sd| sd[k]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    let (mut scratch, mut own_t_k) = (b.model.scratch(), vec![0.0; b.truth_t_k.len()]);
    b.model.evaluate(&b.params, &mut scratch, &mut own_t_k).unwrap();
    let data = b.model.channel_data(&own_t_k, &vec![1.0 / RMS_K; own_t_k.len()]);
    let mut width = |species: usize, k: usize, value: f64| {
        let step = 1e-4 * value.abs().max(1.0);
        let mut moved = b.params.clone();
        let mut values = moved[species].to_array();
        values[k] += step;
        moved[species] = SpeciesParams::from_quantities(values);
        let chi2 = b.model.chi2(&moved, &data, &mut scratch).unwrap();
        // No wider than the middle one of B5: weak species would be far from where differences are derivatives.
        (step / chi2.sqrt()).min(middle[k])
    };
    let of = |(s, p): (usize, &SpeciesParams)| {
        let values = p.to_array();
        std::array::from_fn(|k| width(s, k, values[k]))
    };
    b.params.iter().enumerate().map(of).collect()
}

/// Largest `|g - finite difference| sd / (1 + |g| sd)` of the log likelihood of a benchmark over all parameters, at places some
/// `aways` widths from the truth.
fn gradient_error(name: &str, mode: ChannelMode, simd: SimdPath, aways: &[f64]) -> Option<f64> {
    let options = ModelOptions { simd, ..options(mode) };
    let b = benchmark(name, options, Interpolation::Smooth)?;
    let widths = widths(name, &b);
    let data = b.model.channel_data(&b.data_t_k, &vec![1.0 / RMS_K; b.data_t_k.len()]);
    let mut scratch = b.model.scratch();
    let mut gradient = vec![[0.0; N_SPECIES_PARAMS]; b.params.len()];
    let mut worst = 0.0f64;
    for away in aways {
        let at = |species: usize, k: usize, shift: f64| -> Vec<SpeciesParams> {
            let moved = b.params.iter().enumerate().map(|(s, p)| {
                let mut values = p.to_array();
                for (i, width) in widths[s].iter().enumerate() {
                    let own = if (s, i) == (species, k) { shift } else { 0.0 };
                    values[i] += width * (away + own);
                }
                SpeciesParams::from_quantities(values)
            });
            moved.collect()
        };
        let centre = at(usize::MAX, 0, 0.0);
        b.model.chi2_and_gradient(&centre, &data, &mut scratch, &mut gradient).unwrap();
        for species in 0..b.params.len() {
            for k in 0..N_GAUSSIAN {
                let mut ln_l =
                    |shift: f64| -0.5 * b.model.chi2(&at(species, k, shift), &data, &mut scratch).unwrap();
                // Central differences of sixth order, a sd-scaled step each.
                let h = 0.05;
                let mut d = |n: f64| (ln_l(n * h) - ln_l(-n * h)) / (2.0 * n * h);
                let numeric = 1.5 * d(1.0) - 0.6 * d(2.0) + 0.1 * d(3.0);
                let exact = -0.5 * gradient[species][k] * widths[species][k];
                let error = (exact - numeric).abs() / (1.0 + exact.abs());
                if error > 5e-7 {
                    println!(
                        "{name} {mode:?}, {away}: species {species}, parameter {k}: {exact} {numeric}, {error:.1e}"
                    );
                }
                worst = worst.max(error);
            }
        }
    }
    Some(worst)
}

#[test]
fn gradient_is_the_derivative() {
    // Not at the truth: a temperature there is a node of Q, where its second derivative jumps.
    let cases = [("B5", &[0.3, 1.0, -2.5][..]), ("B20", &[0.7][..])];
    for simd in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        for (name, aways) in cases {
            for mode in [ChannelMode::Point, ChannelMode::Average] {
                let Some(worst) = gradient_error(name, mode, simd, aways) else { return };
                println!("{name} {mode:?} {simd:?}: gradient and difference: {worst:.2e}");
                assert!(worst < 1e-6, "{name} {mode:?} {simd:?}: {worst}");
            }
        }
    }
}

/// Median of some calls (ms).
fn median_ms(mut call: impl FnMut()) -> f64 {
    let mut ms: Vec<f64> = (0..1001)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    ms.sort_by(f64::total_cmp);
    ms[500]
}

#[test]
#[ignore = "prints times: run alone with --ignored --nocapture"]
fn times() {
    for name in ["B5", "B20"] {
        for mode in [ChannelMode::Point, ChannelMode::Average] {
            let Some(b) = benchmark(name, options(mode), Interpolation::LogLog) else { return };
            assert!(b.model.windows.iter().all(|w| w.grid.even.is_some()), "{name}: the slow path was timed");
            let mut scratch = b.model.scratch();
            let data = b.model.channel_data(&b.data_t_k, &vec![2.0; b.data_t_k.len()]);
            let mut gradient = vec![[0.0; N_SPECIES_PARAMS]; b.params.len()];
            // In turns, so that what else the machine does falls on all.
            let rounds: Vec<[f64; 2]> = (0..5)
                .map(|_| {
                    let value = median_ms(|| {
                        b.model.chi2(&b.params, &data, &mut scratch).unwrap();
                    });
                    let both = median_ms(|| {
                        b.model.chi2_and_gradient(&b.params, &data, &mut scratch, &mut gradient).unwrap();
                    });
                    [value, both]
                })
                .collect();
            let best = |k: usize| rounds.iter().map(|round| round[k]).fold(f64::INFINITY, f64::min);
            let n_lines: usize = (0..b.model.n_species()).map(|i| b.model.n_lines(i)).sum();
            let (value, both) = (best(0), best(1));
            println!(
                "{name} {mode:?}: {n_lines} lines, value {value:.4} ms, with gradient {both:.4} ms = {:.2}",
                both / value
            );
        }
    }
}

#[test]
fn co_sums_of_xclass() {
    let Some(folder) = testdata::shared("data/alma/reference") else { return };
    let co = species("CO", &folder.join("co.cat"), &folder.join("co.qpart"), Interpolation::LogLog);
    let params = SpeciesParams::from_array([
        2.1061155735e17f64.log10(),
        79.842254347,
        4.2101396644,
        -1.1,
        4335.0376922,
    ]);
    let table = std::fs::read_to_string(folder.join("co_xclass_benchmark.ecsv")).unwrap();
    let (mut worst, mut worst_molsim) = (0.0f64, 0.0f64);
    let rows: Vec<Vec<f64>> = table
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.split_whitespace().map(|word| word.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let (rest_mhz, low_mhz, high_mhz, sum_k) = (row[1], row[2], row[3], row[4]);
        let n = ((high_mhz - low_mhz) / 0.1) as usize + 1;
        let freq_mhz = (0..n).map(|i| low_mhz + 0.1 * i as f64).collect();
        // A beam that the source fills.
        let beam = Beam::Elliptical { bmaj_arcsec: 10.0, bmin_arcsec: 10.0 };
        let window =
            Window { name: format!("{rest_mhz}"), freq_mhz, beam, response: ChannelResponse::default() };
        let options = ModelOptions::for_velocities(-2.0, 2.0, 6.0);
        let model = LteModel::new(std::slice::from_ref(&co), &[window], options).unwrap();
        let mut t_k = vec![0.0; n];
        model.evaluate(&[params], &mut model.scratch(), &mut t_k).unwrap();
        let ratio = t_k.iter().sum::<f64>() / sum_k;
        worst = worst.max((ratio - 1.0).abs());
        // molsim divides the integrated opacity by the FWHM, where the area of a Gaussian over its peak is sqrt(2 pi) sigma
        // = 1.06447 FWHM: its opacities are 6.4 % too high. With as much more gas we have its sums too.
        let more = SpeciesParams { log10_n_cm2: params.log10_n_cm2 + 1.064_467f64.log10(), ..params };
        model.evaluate(&[more], &mut model.scratch(), &mut t_k).unwrap();
        let molsim = t_k.iter().sum::<f64>() / row[5];
        worst_molsim = worst_molsim.max((molsim - 1.0).abs());
        assert!((molsim - 1.0).abs() < 1.0e-3, "CO at {rest_mhz} MHz: {molsim} of molsim's");
        assert!((ratio - 1.0).abs() < 5.0e-4, "CO at {rest_mhz} MHz: {ratio}");
    }
    println!(
        "CO: largest deviation from XCLASS {:.4} %, from molsim with its profile {:.4} %",
        worst * 100.0,
        worst_molsim * 100.0
    );
}
