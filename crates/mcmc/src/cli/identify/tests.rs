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
    assert!(species.contains("HC3N,1,1,") && species.contains("tentative"), "{species}");
}
