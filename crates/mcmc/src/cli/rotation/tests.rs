use super::*;
use mirinae_common::random;
use rand_distr::{Distribution, StandardNormal};

/// CH3OH at 120 K in two windows with noise, of a column density.
fn simulated(folder: &Path, logn: f64) -> PathBuf {
    let config = |noise: &str| {
        let spectrum = |name: &str| {
            format!(
                "[[spectrum]]\nfile = \"{name}\"\nnoise = \"{noise}\"\nbeam = [\"0.5 arcsec\", \"0.4 arcsec\"]\n"
            )
        };
        format!(
            "{}{}[[species]]\nname = \"CH3OH\"\nlogn = {{ uniform = [12, 20] }}\ntex_k = {{ uniform = [20, 400] }}\n\
             fwhm_kms = {{ uniform = [1, 8] }}\nv_kms = {{ uniform = [-5, 5] }}\nsize_arcsec = {{ fixed = 0.5 }}\n",
            spectrum("a.txt"),
            spectrum("b.txt")
        )
    };
    let path = folder.join("fit.toml");
    let write = |name: &str, first_mhz: f64, t_k: &dyn Fn(usize) -> f64| {
        let rows: String =
            (0..4000).map(|i| format!("{} {}\n", first_mhz + 0.4 * i as f64, t_k(i))).collect();
        std::fs::write(folder.join(name), rows).unwrap();
    };
    write("a.txt", 241_000.0, &|_| 0.0);
    write("b.txt", 218_000.0, &|_| 0.0);
    std::fs::write(&path, config("0.05 K")).unwrap();
    let plan = plan::prepare(&path).unwrap();
    let posterior = plan.posterior().unwrap();
    let mut work = posterior.work();
    let truth = posterior.spectrum(&[logn, 120.0, 3.0, 1.0], &mut work).unwrap().to_vec();
    let channels: Vec<_> = posterior.model().window_channels().collect();
    let mut noise = random::stream(11, 0, 0);
    for (name, first_mhz, range) in [("a.txt", 241_000.0, &channels[0]), ("b.txt", 218_000.0, &channels[1])] {
        let t_k: Vec<f64> = truth[range.clone()]
            .iter()
            .map(|t| {
                let z: f64 = StandardNormal.sample(&mut noise);
                t + 0.05 * z
            })
            .collect();
        write(name, first_mhz, &|i| t_k[i]);
    }
    path
}

fn rotation(path: &Path, logn: f64, thin: bool) -> Rotation {
    let args = RotationArgs {
        config: path.to_path_buf(),
        set: Vec::new(),
        species: Vec::new(),
        blend: 0.05,
        min_sigma: 5.0,
        flux_error: 0.0,
        calibration_error: None,
        thin,
        out: None,
    };
    let plan = plan::prepare(path).unwrap();
    let posterior = plan.posterior().unwrap();
    // Temperature and column density of the start are wrong: they must not matter.
    let mut all = diagrams(&plan, &posterior, (&[logn - 0.4, 80.0, 3.0, 1.0], &[]), &args).unwrap();
    let folder = path.with_extension("rotation");
    assert!(write(&plan, &all, &args, &folder).unwrap().contains("CH3OH"));
    for name in ["rotation.csv", "lines.csv", "rotation.png", "summary.txt", "provenance.json"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    all.remove(0).result.unwrap()
}

fn deviation(r: &Rotation, logn: f64) -> (f64, f64) {
    ((r.t_k.0 - 120.0) / r.t_k.1, (r.log10_n.0 - logn) / r.log10_n.1)
}

#[test]
fn thin_lines_give_back_temperature_and_column_density() {
    let dir = tempfile::tempdir().unwrap();
    let path = simulated(dir.path(), 15.5);
    let r = rotation(&path, 15.5, false);
    let (dt, dn) = deviation(&r, 15.5);
    eprintln!("thin: {r:?}");
    assert!(r.points.len() >= 8 && dt.abs() < 3.0 && dn.abs() < 3.0, "{dt} {dn} {r:?}");
    assert!(r.t_k.1 < 12.0, "the errors say something: {r:?}");
}

#[test]
fn opaque_lines_do_so_with_the_correction_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = simulated(dir.path(), 17.9);
    let r = rotation(&path, 17.9, false);
    eprintln!("opaque: {:?} {:?}", r.t_k, r.log10_n);
    assert!(largest_tau(&r) > 3.0, "{}", largest_tau(&r));
    // Signal to noise is above 1000 here: what the method itself is good for.
    assert!((r.t_k.0 - 120.0).abs() < 2.0 && (r.log10_n.0 - 17.9).abs() < 0.02, "{r:?}");
    let plain = rotation(&path, 17.9, true);
    assert!(plain.log10_n.0 < 17.85 && (plain.t_k.0 - 120.0).abs() > 15.0, "the control: {plain:?}");
}

/// What the cases of a simulation have besides the noise.
#[derive(Clone, Copy)]
struct Unknown {
    noise_k: f64,
    /// Standard deviation of one factor a window, and what the program is told of it.
    calibration: f64,
    told: f64,
    /// Standard deviation (km/s) of the width that the diagram is made with, and whether it is told.
    width_kms: f64,
    width_told: bool,
}

/// Mean and standard deviation of the deviations of T and log N in units of their errors, over 60 cases.
fn pulls(logn: f64, unknown: Unknown) -> [(f64, f64); 2] {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = plan::prepare(&simulated(dir.path(), logn)).unwrap();
    let posterior = plan.posterior().unwrap();
    let truth_k = posterior.spectrum(&[logn, 120.0, 3.0, 1.0], &mut posterior.work()).unwrap().to_vec();
    let channels: Vec<_> = posterior.model().window_channels().collect();
    let args = RotationArgs {
        config: PathBuf::new(),
        set: Vec::new(),
        species: Vec::new(),
        blend: 0.05,
        min_sigma: 5.0,
        flux_error: 0.0,
        calibration_error: Some(unknown.told),
        thin: false,
        out: None,
    };
    let mut noise = random::stream(12, 0, 0);
    let mut draw = || -> f64 { StandardNormal.sample(&mut noise) };
    let mut all = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        for (window, range) in plan.windows.iter_mut().zip(&channels) {
            let factor = 1.0 + unknown.calibration * draw();
            window.sigma_k.fill(unknown.noise_k);
            for (t, truth) in window.t_k.iter_mut().zip(&truth_k[range.clone()]) {
                *t = factor * truth + unknown.noise_k * draw();
            }
        }
        let width = 3.0 + unknown.width_kms * draw();
        let sigma = [0.0, 0.0, if unknown.width_told { unknown.width_kms } else { 0.0 }, 0.0];
        let found = diagrams(&plan, &posterior, (&[logn, 120.0, width, 1.0], &sigma), &args).unwrap();
        let (t, n) = deviation(found[0].result.as_ref().unwrap(), logn);
        all[0].push(t);
        all[1].push(n);
    }
    all.map(|x| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
    })
}

#[test]
fn errors_are_as_large_as_the_deviations_thin_or_opaque() {
    for (logn, noise_k) in [(15.5, 0.05), (16.5, 0.3), (17.9, 0.3), (18.6, 0.3)] {
        let plain = Unknown { noise_k, calibration: 0.0, told: 0.0, width_kms: 0.0, width_told: true };
        eprintln!("{logn} noise: {:?}", pulls(logn, plain));
        let calibrated = Unknown { calibration: 0.05, told: 0.05, ..plain };
        eprintln!("{logn} calibration: {:?}", pulls(logn, calibrated));
        eprintln!("{logn} calibration not told: {:?}", pulls(logn, Unknown { told: 0.0, ..calibrated }));
        let wide = Unknown { width_kms: 0.1, ..plain };
        eprintln!("{logn} width: {:?}", pulls(logn, wide));
        eprintln!("{logn} width not told: {:?}", pulls(logn, Unknown { width_told: false, ..wide }));
    }
}
