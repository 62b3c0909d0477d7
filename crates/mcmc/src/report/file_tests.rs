//! FITS files, tables of species and pages: what they hold, to the byte where a standard says so.

use super::rank_figure::rank_counts;
use super::*;
use std::fs;

#[test]
fn a_fits_table_has_its_columns_in_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd [name].fits");
    let columns =
        [("freq_mhz".to_string(), "MHz", vec![1.0, 2.5]), ("it's".to_string(), "K", vec![f64::NAN, -3.0])];
    let mut cards = Cards::default();
    cards.text("OBJECT", "O'Neill", "who").number("RMS", 0.25, "").history(&"long ".repeat(40));
    write_table(&path, "SPECTRUM", &columns, &cards).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 3 * 2880);
    let text = String::from_utf8_lossy(&bytes[..2 * 2880]).into_owned();
    let cards: Vec<&str> = (0..72).map(|k| text[80 * k..80 * k + 80].trim_end()).collect();
    assert_eq!(cards[0], "SIMPLE  =                    T / FITS 4.0");
    assert!(
        cards.contains(&"TTYPE2  = 'it''s   '") && cards.contains(&"OBJECT  = 'O''Neill'           / who"),
        "{cards:?}"
    );
    assert!(cards.contains(&"RMS     = 2.500000000000000E-1"), "{cards:?}");
    assert_eq!(cards.iter().filter(|c| c.starts_with("HISTORY")).count(), 3);
    let number = |k: usize| f64::from_be_bytes(bytes[5760 + 8 * k..5768 + 8 * k].try_into().unwrap());
    assert!(number(0) == 1.0 && number(1).is_nan() && number(2) == 2.5 && number(3) == -3.0);
}

#[test]
fn images_follow_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("maps.fits");
    let image = |name: &str| Image {
        name: name.to_string(),
        shape: vec![3, 2],
        values: vec![0.5; 6],
        cards: Cards::default(),
    };
    write_images(&path, &[image(""), image("CHI2")]).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 4 * 2880);
    let second = String::from_utf8_lossy(&bytes[5760..5760 + 800]).into_owned();
    assert!(
        second.starts_with("XTENSION= 'IMAGE   '") && second.contains("EXTNAME = 'CHI2    '"),
        "{second}"
    );
}

fn rows() -> Vec<SpeciesRow> {
    let measured = |value, errors| Some(Measured { value, errors });
    vec![
        SpeciesRow {
            name: "CH3OH, v_t=1".into(),
            quantities: [
                measured(17.4791, Some((0.018, 0.0181))),
                measured(155.7, Some((4.8, 5.0))),
                None,
                measured(-5.8, None),
                None,
                measured(0.0, None),
            ],
            detection: Some(("detected".into(), 41.0)),
            limit_95: Some(17.51),
        },
        SpeciesRow {
            name: "O13CS".into(),
            quantities: [measured(14.1, Some((1.4, 0.7))), None, None, None, None, None],
            detection: Some(("not detected".into(), 0.3)),
            limit_95: Some(15.14),
        },
    ]
}

#[test]
fn the_table_of_species_is_ecsv_and_latex() {
    let dir = tempfile::tempdir().unwrap();
    let notes = TableNotes { reference: Some("CH3OH"), made_by: "alma-fit \"0\"" };
    write_species_ecsv(&dir.path().join("s.ecsv"), &rows(), notes).unwrap();
    let text = fs::read_to_string(dir.path().join("s.ecsv")).unwrap();
    assert!(text.starts_with("# %ECSV 1.0\n# ---\n"), "{text}");
    assert!(text.contains("# - {name: logn, unit: dex(cm-2), datatype: float64"), "{text}");
    assert!(text.contains("# - {name: logn_plus, unit: dex, datatype"), "{text}");
    assert!(text.contains("made_by: \"alma-fit \\\"0\\\"\""), "{text}");
    let body: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(
        body[1],
        "\"CH3OH, v_t=1\",17.4791,0.018,0.0181,155.7,4.8,5,,,,-5.8,,,,,,0,,,detected,41,17.51"
    );
    assert!(body.iter().skip(2).all(|l| l.split(',').count() == body[0].split(',').count()));
    write_species_latex(&dir.path().join("s.tex"), &rows(), notes).unwrap();
    let text = fs::read_to_string(dir.path().join("s.tex")).unwrap();
    assert!(text.contains(r"CH3OH, v\_t=1 & $17.479_{-0.018}^{+0.018}$ & $155.7_{-4.8}^{+5.0}$"), "{text}");
    assert!(text.contains(r"O13CS & $<15.14$ & \dots"), "{text}");
}

#[test]
fn ranks_of_chains_that_agree_are_flat() {
    let samples = ndarray::Array2::from_shape_fn((100, 4), |(draw, chain)| (4 * draw + chain) as f64);
    assert!(rank_counts(samples.view(), 20).iter().flatten().all(|&n| n == 5));
    let apart = ndarray::Array2::from_shape_fn((100, 2), |(draw, chain)| (100 * chain + draw) as f64);
    let counts = rank_counts(apart.view(), 20);
    assert!(counts[0][..10].iter().all(|&n| n == 10) && counts[0][10..].iter().all(|&n| n == 0));
}

#[test]
fn residuals_of_pure_noise_are_one_sigma() {
    let n = 4000;
    let noise = |k: usize| f64::from(u32::from(k.is_multiple_of(2))) * 2.0 - 1.0;
    let mut fit = FittedSpectrum {
        freq_mhz: (0..n).map(|k| k as f64).collect(),
        t_k_data: (0..n).map(|k| 0.3 * noise(k)).collect(),
        sigma_k: vec![0.3; n],
        t_k_model: vec![0.0; n],
        ..FittedSpectrum::default()
    };
    fit.t_k_data[7] = f64::NAN;
    let found = window_statistics(&fit).unwrap();
    assert_eq!(found.channels, n - 1);
    assert!((found.rms_sigma - 1.0).abs() < 1e-12 && (found.neighbour_correlation + 1.0).abs() < 1e-12);
}
