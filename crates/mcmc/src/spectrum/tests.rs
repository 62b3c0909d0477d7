//! Tests of the FITS reader: on files written here, whole and damaged, and on a real cube.

mod variants;

use super::*;
use crate::testdata;
use fitsio::FitsFile;
use fitsio::images::{ImageDescription, ImageType};
use std::path::{Path, PathBuf};

/// A header card's value.
enum Card {
    Text(&'static str),
    Real(f64),
    Whole(i64),
}
use Card::{Real, Text, Whole};

/// Writes a cube of `shape` (NAXIS1 first) whose values are their own index, with these cards.
fn write(folder: &Path, name: &str, shape: &[usize], kind: ImageType, cards: &[(&str, Card)]) -> PathBuf {
    let path = folder.join(name);
    let dimensions: Vec<usize> = shape.iter().rev().copied().collect();
    let description = ImageDescription { data_type: kind, dimensions: &dimensions };
    let mut file = FitsFile::create(&path).with_custom_primary(&description).overwrite().open().unwrap();
    let hdu = file.primary_hdu().unwrap();
    for (key, card) in cards {
        match card {
            Text(value) => hdu.write_key(&mut file, key, *value).unwrap(),
            Real(value) => hdu.write_key(&mut file, key, *value).unwrap(),
            Whole(value) => hdu.write_key(&mut file, key, *value).unwrap(),
        }
    }
    let n: usize = shape.iter().product();
    if kind == ImageType::Float {
        let values: Vec<f32> = (0..n).map(|i| if i == 7 { f32::NAN } else { i as f32 }).collect();
        hdu.write_image(&mut file, &values).unwrap();
    } else {
        let values: Vec<i32> = (0..n).map(|i| if i == 7 { -999 } else { i as i32 }).collect();
        hdu.write_image(&mut file, &values).unwrap();
    }
    path
}

fn freq_cards(k: usize) -> Vec<(&'static str, Card)> {
    let names = [
        ["CTYPE1", "CUNIT1", "CRPIX1", "CRVAL1", "CDELT1"],
        ["CTYPE3", "CUNIT3", "CRPIX3", "CRVAL3", "CDELT3"],
    ];
    let [ctype, cunit, crpix, crval, cdelt] = names[usize::from(k == 3)];
    vec![
        (ctype, Text("FREQ")),
        (cunit, Text("Hz")),
        (crpix, Real(1.0)),
        (crval, Real(100.0e9)),
        (cdelt, Real(-1.0e6)),
        ("BUNIT", Text("K")),
        ("SPECSYS", Text("LSRK")),
    ]
}

#[test]
fn reads_a_plain_spectrum_and_flags_its_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.fits", &[12], ImageType::Float, &freq_cards(1));
    let s = read_fits(&path, &FitsOptions::default()).unwrap();
    // The axis descends: the last value comes first.
    assert_eq!((s.t_k[0], s.freq_mhz[0], s.freq_mhz[11]), (11.0, 99_989.0, 100_000.0));
    assert_eq!((s.n_valid(), s.valid[4], s.frame.as_deref()), (11, false, Some("LSRK")));
    assert!(s.t_k[4].is_nan() && (s.channel_width_mhz - 1.0).abs() < 1e-9);
    // BLANK of an integer image.
    let mut cards = freq_cards(1);
    cards.extend([("BLANK", Whole(-999)), ("BSCALE", Real(0.1)), ("BZERO", Real(0.0))]);
    let path = write(folder.path(), "b.fits", &[12], ImageType::Long, &cards);
    let s = read_fits(&path, &FitsOptions::default()).unwrap();
    assert_eq!((s.n_valid(), s.valid[4]), (11, false));
}

#[test]
fn reads_pixels_and_circles_of_cubes() {
    let folder = tempfile::tempdir().unwrap();
    // A Stokes axis of length 1 at the end, as CASA writes.
    let path = write(folder.path(), "a.fits", &[4, 3, 5, 1], ImageType::Float, &freq_cards(3));
    let read = |region| read_fits(&path, &FitsOptions { region, ..FitsOptions::default() });
    let pixel = read(Some(Region::Pixel { x: 2, y: 1 })).unwrap();
    assert_eq!(pixel.t_k, [54.0, 42.0, 30.0, 18.0, 6.0]);
    assert!(pixel.source.ends_with("a.fits, pixel (2, 1)"));
    // The cross around (2, 1): (2, 0), (1, 1), (2, 1), (3, 1), (2, 2); value 7 is blank.
    let circle = read(Some(Region::Circle { x: 2.0, y: 1.0, radius: 1.0 })).unwrap();
    assert_eq!(circle.t_k, [54.0, 42.0, 30.0, 18.0, (2.0 + 5.0 + 6.0 + 10.0) / 4.0]);
    for (region, word) in [
        (None, "say which pixel"),
        (Some(Region::Pixel { x: 4, y: 0 }), "outside the 4 x 3"),
        (Some(Region::Circle { x: 20.0, y: 1.0, radius: 2.0 }), "no pixel's centre"),
    ] {
        let message = read(region).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}

/// A cube in Jy/beam with CASA's table of a beam for each of its five channels.
fn with_beam_table(folder: &Path, rows: usize, unit: &str) -> PathBuf {
    let mut cards = freq_cards(3);
    cards.retain(|(key, _)| *key != "BUNIT");
    cards.push(("BUNIT", Text("Jy/beam")));
    let path = write(folder, "beams.fits", &[2, 2, 5], ImageType::Float, &cards);
    let mut file = FitsFile::edit(&path).unwrap();
    let hdu = file.primary_hdu().unwrap();
    hdu.write_key(&mut file, "CASAMBM", 1i64).unwrap();
    let column = |name: &str| {
        use fitsio::tables::{ColumnDataType, ColumnDescription};
        ColumnDescription::new(name).with_type(ColumnDataType::Float).create().unwrap()
    };
    let table = file.create_table("BEAMS", &[column("BMAJ"), column("BMIN")]).unwrap();
    let axis = |first: f32| -> Vec<f32> { (0..rows).map(|i| first + 0.1 * i as f32).collect() };
    table.write_col(&mut file, "BMAJ", &axis(1.0)).unwrap();
    table.write_col(&mut file, "BMIN", &axis(0.5)).unwrap();
    for k in 1..=2 {
        table.write_key(&mut file, &format!("TUNIT{k}"), unit).unwrap();
    }
    drop(file);
    // The library writes no logical cards: make it one by hand, as CASA does.
    let mut bytes = std::fs::read(&path).unwrap();
    let card = bytes.chunks(80).position(|card| card.starts_with(b"CASAMBM =")).unwrap();
    let value = &mut bytes[80 * card + 10..80 * card + 30];
    assert_eq!(value[19], b'1');
    value[19] = b'T';
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn converts_every_channel_with_its_own_beam() {
    use crate::physics::kelvin_per_jy_beam;
    let folder = tempfile::tempdir().unwrap();
    let path = with_beam_table(folder.path(), 5, "arcsec");
    let options = FitsOptions { region: Some(Region::Pixel { x: 1, y: 0 }), ..FitsOptions::default() };
    let s = read_fits(&path, &options).unwrap();
    for i in 0..5 {
        // Channel i of the file is the (4 - i)th by frequency; its value is 4 i + 1.
        if 4 * i + 1 != 7 {
            let beam = (1.0 + 0.1 * i as f64, 0.5 + 0.1 * i as f64);
            let expected = (4 * i + 1) as f64 * kelvin_per_jy_beam(100_000.0 - i as f64, beam.0 * beam.1);
            assert!((s.t_k[4 - i] / expected - 1.0).abs() < 1e-6, "channel {i}");
        }
    }
    let Some(Beam::Elliptical { bmaj_arcsec, bmin_arcsec }) = s.beam else { panic!("no beam") };
    assert!((bmaj_arcsec - 1.2).abs() < 1e-6 && (bmin_arcsec - 0.7).abs() < 1e-6);
    for (rows, unit, word) in [(4, "arcsec", "one beam a channel"), (5, "pixel", "arcsec or deg")] {
        let path = with_beam_table(folder.path(), rows, unit);
        let message = read_fits(&path, &options).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn says_what_a_header_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let message = |change: &[(&'static str, Card)], drop: &[&str]| {
        let mut cards: Vec<(&str, Card)> = freq_cards(1);
        cards.retain(|(key, _)| !drop.contains(key) && !change.iter().any(|(changed, _)| changed == key));
        cards.extend(change.iter().map(|(key, card)| {
            (
                *key,
                match card {
                    Text(value) => Text(value),
                    Real(value) => Real(*value),
                    Whole(value) => Whole(*value),
                },
            )
        }));
        let path = write(folder.path(), "a.fits", &[12], ImageType::Float, &cards);
        inspect_or_not(&path);
        read_fits(&path, &FitsOptions::default()).unwrap_err().to_string()
    };
    for (change, drop, word) in [
        (vec![("BUNIT", Text("erg/s"))], vec![], "unit \"erg/s\""),
        (vec![], vec!["BUNIT"], "missing"),
        (vec![("BUNIT", Text("Jy/beam"))], vec![], "BMAJ, BMIN"),
        (vec![("CTYPE1", Text("VRAD")), ("CUNIT1", Text("m/s"))], vec![], "RESTFRQ"),
        (vec![("CUNIT1", Text("pc"))], vec![], "CUNIT1"),
        (vec![("CTYPE1", Text("WAVE"))], vec![], "no axis is spectral"),
        (vec![], vec!["CDELT1"], "CDELT1"),
        (vec![("CRVAL1", Text("much"))], vec![], "CRVAL1"),
        (vec![("CRVAL1", Real(-1.0))], vec![], "would lie at"),
    ] {
        let message = message(&change, &drop);
        assert!(message.contains(word) && message.contains("a.fits"), "{word}: {message}");
    }
}

/// Inspecting never panics, whatever is missing.
fn inspect_or_not(path: &Path) {
    match inspect(path) {
        Ok(page) => assert!(page.to_string().contains("spectral axis")),
        Err(error) => assert!(error.to_string().contains("a.fits")),
    }
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.fits", &[40, 30, 20], ImageType::Float, &freq_cards(3));
    let whole = std::fs::read(&path).unwrap();
    let options = FitsOptions { region: Some(Region::Pixel { x: 3, y: 3 }), ..FitsOptions::default() };
    assert!(read_fits(&path, &options).is_ok());
    let cut = folder.path().join("cut.fits");
    for length in [0, 10, 1000, 2879, 2880, 2881, 5000, 50_000, 2880 + 40 * 30 * 20 * 4 - 1] {
        std::fs::write(&cut, &whole[..length]).unwrap();
        let message = read_fits(&cut, &options).unwrap_err().to_string();
        assert!(message.contains("cut.fits"), "{message}");
        assert!(length <= 2880 || message.contains("truncated"), "{length}: {message}");
        assert!(inspect(&cut).is_err());
    }
    std::fs::write(&cut, "frequency intensity\n1 2\n".repeat(1000)).unwrap();
    assert!(matches!(read_fits(&cut, &options), Err(SpectrumError::Fits { .. })));
    assert!(matches!(read_fits(&folder.path().join("none.fits"), &options), Err(SpectrumError::Io { .. })));
    let brackets = folder.path().join("a[1].fits");
    std::fs::copy(&path, &brackets).unwrap();
    assert!(read_fits(&brackets, &options).unwrap_err().to_string().contains("rename"));
}

const AFGL2591: &str = "data/alma/observed/AFGL2591_WideX_ABD_center.fits";

#[test]
fn reads_a_real_cube_past_its_traps() {
    let Some(path) = testdata::shared(AFGL2591) else { return };
    let options = FitsOptions { region: Some(Region::Pixel { x: 12, y: 16 }), ..FitsOptions::default() };
    let s = read_fits(&path, &options).unwrap();
    assert_eq!((s.len(), s.n_valid(), s.frame.as_deref()), (500, 500, Some("LSRK")));
    // By CRPIX3 = 1001, not by the stale ALTRPIX = 1401.
    assert!(
        (s.freq_mhz[0] - 218_104.0).abs() < 2.3 && (s.freq_mhz[499] - 219_202.0).abs() < 2.3,
        "{:?}",
        (s.freq_mhz[0], s.freq_mhz[499])
    );
    let peak = s.t_k.iter().copied().fold(0.0, f64::max);
    assert!((38.0..40.0).contains(&peak), "{peak}");
    let Some(Beam::Elliptical { bmaj_arcsec, bmin_arcsec }) = s.beam else { panic!("no beam") };
    assert!((bmaj_arcsec - 0.47156).abs() < 1e-4 && (bmin_arcsec - 0.36492).abs() < 1e-4);
}

#[test]
fn inspects_a_real_cube() {
    let Some(path) = testdata::shared(AFGL2591) else { return };
    let page = inspect(&path).unwrap();
    println!("{page}");
    let brightest = page.brightest_sum.unwrap();
    assert_eq!((brightest.x, brightest.y), (12, 17));
    let noise = page.noise.unwrap();
    assert!((0.40..0.55).contains(&noise.correlation[0]) && noise.correlation[1].abs() < 0.15, "{noise:?}");
    assert_eq!(page.n_blank.0, 0);
}
