use super::*;

#[test]
fn velocities_are_read() {
    assert_eq!("-10km/s..10km/s".parse(), Ok(Velocities(-10.0, 10.0)));
    for bad in ["-10km/s", "10km/s..-10km/s", "1..2"] {
        assert!(bad.parse::<Velocities>().is_err(), "{bad}");
    }
}

/// OCS and CO in a spectrum of their own, with a line that nothing has.
#[test]
fn a_species_is_found_and_what_is_nothing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let peak = |f: f64, centre: f64| (-4.0 * std::f64::consts::LN_2 * ((f - centre) / 2.0).powi(2)).exp();
    let shift = 1.0 - 4.0 / 299_792.458;
    // SO2's lines in range are in the list; HC3N 24-23 is put in, and a line at 218400.
    let t = |f: f64| 8.0 * peak(f, 218_324.723 * shift) + 6.0 * peak(f, 218_400.0);
    let rows: String = (0..1200)
        .map(|i| {
            let f = 218_200.0 + 0.4 * f64::from(i);
            format!("{f} {}\n", t(f) + 0.1 * f64::from((i * 7919) % 13 - 6) / 3.7)
        })
        .collect();
    let file = dir.path().join("s.txt");
    std::fs::write(&file, rows).unwrap();
    let args = IdentifyArgs {
        file: file.clone(),
        velocity: Some(Velocities(0.0, 8.0)),
        fwhm: None,
        sigma: 8.0,
        found: 0.7,
        residual: None,
        continuum: false,
        species: Vec::new(),
        out: Some(dir.path().join("out")),
    };
    run(&args).unwrap();
    let peaks = std::fs::read_to_string(dir.path().join("out/peaks.csv")).unwrap();
    let row = |start: &str| {
        peaks.lines().find(|l| l.contains(start)).unwrap_or_else(|| panic!("{peaks}")).to_owned()
    };
    assert!(row(",218321.8").contains(",HC3N,"), "{peaks}");
    assert!(row(",218399.9").contains(",unidentified,"), "{peaks}");
    assert!(dir.path().join("out/spectrum-01.png").is_file());
    let species = std::fs::read_to_string(dir.path().join("out/species.csv")).unwrap();
    assert!(species.contains("HC3N,emission,1,1,") && species.contains("tentative"), "{species}");
    assert!(!species.contains("absorption"), "the control: there is none");
}

/// A cold layer of CH3OH in front of a core with OCS and its continuum, as the model gives it.
fn layered(folder: &Path) -> PathBuf {
    let config = folder.join("fit.toml");
    let species = |name: &str, logn: f64, tex: f64, v: f64, layer: u32| {
        format!(
            "[[species]]\nname = \"{name}\"\nlogn = {{ fixed = {logn} }}\ntex_k = {{ fixed = {tex} }}\n\
             fwhm_kms = {{ fixed = 2.0 }}\nv_kms = {{ fixed = {v} }}\nlayer = {layer}\n"
        )
    };
    let text = format!(
        "[model]\ncontinuum_subtracted = false\n[continuum]\nt_k = {{ uniform = [1, 100] }}\nnu0 = \"97 GHz\"\n\
         [[spectrum]]\nfile = \"s.txt\"\nnoise = \"0.1 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n{}{}",
        species("OCS", 16.0, 80.0, 0.0, 0),
        species("CH3OH", 14.6, 10.0, 3.0, 1)
    );
    std::fs::write(&config, text).unwrap();
    let write = |t_k: &dyn Fn(usize) -> f64| {
        let rows: String =
            (0..3200).map(|i| format!("{} {}\n", 96_600.0 + 0.25 * i as f64, t_k(i))).collect();
        std::fs::write(folder.join("s.txt"), rows).unwrap();
    };
    write(&|_| 0.0);
    let posterior = plan::prepare(&config).unwrap().posterior().unwrap();
    let truth = posterior.spectrum(&[40.0], &mut posterior.work()).unwrap().to_vec();
    write(&|i| truth[i] + 0.1 * ((i * 7919) % 13) as f64 / 3.7 - 0.16);
    config
}

#[test]
fn a_layer_in_front_of_the_continuum_is_found_in_absorption() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["CH3OH", "OCS", "HC3N", "CH3CHO", "SO2", "C2H5CN", "H2CS"];
    let args = IdentifyArgs {
        file: layered(dir.path()),
        velocity: Some(Velocities(-6.0, 6.0)),
        fwhm: None,
        sigma: 6.0,
        found: 0.7,
        residual: None,
        continuum: false,
        species: names.map(str::to_owned).to_vec(),
        out: Some(dir.path().join("out")),
    };
    run(&args).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join("out").join(name)).unwrap();
    let species = read("species.csv");
    let row = |start: &str| -> Vec<String> {
        let row = species.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{species}"));
        row.split(',').map(str::to_owned).collect()
    };
    let (layer, core) = (row("CH3OH,absorption"), row("OCS,emission"));
    assert_eq!(species.lines().count(), 3, "{species}");
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    assert!(number(&layer[2]) >= 3.0 && layer[11] == "sure", "{species}");
    assert!((number(&layer[8]) - 3.0).abs() < 0.3 && number(&core[8]).abs() < 0.3, "{species}");
    // The continuum and J(2.7 K) less J(10 K).
    assert!((number(&layer[10]) - 33.0).abs() < 12.0, "{species}");
    let peaks = read("peaks.csv");
    let is_dark = |row: &&str| row.split(',').nth(2).is_some_and(|t_k| t_k.starts_with('-'));
    let dark: Vec<&str> = peaks.lines().filter(is_dark).collect();
    assert!(dark.len() >= 3 && dark.iter().all(|l| l.contains(",CH3OH,")), "{peaks}");
    assert!(read("summary.txt").contains("CH3OH (abs.)") && read("summary.txt").contains("is taken off"));
}
