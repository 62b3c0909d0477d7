//! Headers as CASA, AIPS, GILDAS and CLASS write them, on small files written here.

use super::{Card, write};
use crate::model::Beam;
use crate::physics::C_KMS;
use crate::spectrum::{
    Convention, FitsOptions, IntensityUnit, Region, Spectrum, SpectrumError, describe, read_fits,
};
use Card::{Real, Text, Whole};
use fitsio::images::ImageType;
use std::path::Path;

const REST_HZ: f64 = 220.3e9;
/// Sources of this velocity tell the conventions apart.
const V_KMS: f64 = 3000.0;

type Cards = Vec<(&'static str, Card)>;

/// A plain spectrum of 12 channels whose sixth lies at [`V_KMS`].
fn velocity_cards(ctype: &'static str, more: Cards) -> Cards {
    let mut cards = vec![
        ("CTYPE1", Text(ctype)),
        ("CUNIT1", Text("km/s")),
        ("CRPIX1", Real(6.0)),
        ("CRVAL1", Real(V_KMS)),
        ("CDELT1", Real(2.0)),
        ("BUNIT", Text("K")),
        ("RESTFRQ", Real(REST_HZ)),
    ];
    cards.extend(more);
    cards
}

fn read(folder: &Path, cards: &Cards, options: &FitsOptions) -> Result<Spectrum, SpectrumError> {
    let path = write(folder, "v.fits", &[12], ImageType::Float, cards);
    read_fits(&path, options)
}

fn noted(spectrum: &Spectrum, text: &str) -> bool {
    spectrum.notes.iter().any(|note| note.contains(text))
}

#[test]
fn velocity_axes_follow_their_convention() {
    use Convention::{Optical, Radio, Relativistic};
    let folder = tempfile::tempdir().unwrap();
    let specsys = || ("SPECSYS", Text("LSRK"));
    let cases: Vec<(&str, Cards, Convention, Option<&str>, &str)> = vec![
        ("VRAD", vec![specsys()], Radio, Some("LSRK"), "by SPECSYS"),
        ("VOPT", vec![("SPECSYS", Text("BARYCENT"))], Optical, Some("BARYCENT"), "by SPECSYS"),
        ("VELO-LSR", vec![("VELREF", Whole(257))], Radio, Some("LSRK"), "by CTYPE"),
        ("VELO-HEL", vec![("VELREF", Whole(2))], Optical, Some("BARYCENT"), "by CTYPE"),
        ("VELO-OBS", vec![("VELREF", Whole(259))], Radio, Some("TOPOCENT"), "Earth's motion"),
        ("VELO", vec![("VELREF", Whole(1))], Optical, Some("LSRK"), "by VELREF"),
        ("VELOCITY", vec![("VELREF", Whole(257))], Radio, Some("LSRK"), "by VELREF"),
        ("VELOCITY", vec![], Radio, None, "VELO without VELREF"),
        ("VELO", vec![specsys()], Relativistic, Some("LSRK"), "VELO without VELREF"),
        ("VELO-F2V", vec![specsys()], Relativistic, Some("LSRK"), "by SPECSYS"),
        ("FELO-HEL", vec![], Optical, Some("BARYCENT"), "by CTYPE"),
        ("VOPT-F2W", vec![specsys()], Optical, Some("LSRK"), "by SPECSYS"),
        ("VRAD", vec![specsys(), ("VELREF", Whole(3))], Radio, Some("LSRK"), "VELREF says TOPOCENT"),
        ("VRAD", vec![specsys(), ("VELREF", Whole(1))], Radio, Some("LSRK"), "VELREF contradicts"),
        ("VRAD", vec![specsys(), ("RESTFREQ", Real(1e11))], Radio, Some("LSRK"), "contradict each other"),
    ];
    for (ctype, more, convention, frame, note) in cases {
        let s = read(folder.path(), &velocity_cards(ctype, more), &FitsOptions::default()).unwrap();
        // Frequency descends: the sixth channel of the file is the seventh.
        let expected = REST_HZ * 1e-6 * convention.ratio(V_KMS);
        assert!((s.freq_mhz[6] - expected).abs() < 1e-6, "{ctype}: {} {expected}", s.freq_mhz[6]);
        assert!(s.freq_mhz[5] < s.freq_mhz[6] && s.t_k[6] == 5.0);
        assert_eq!(s.frame.as_deref(), frame, "{ctype}");
        assert!(noted(&s, note), "{ctype}: {note}: {:?}", s.notes);
    }
}

#[test]
fn the_user_overrules_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let convention = Some(Convention::Optical);
    let rest_mhz = Some(115_271.2);
    let options = FitsOptions { convention, rest_mhz, ..FitsOptions::default() };
    let s = read(folder.path(), &velocity_cards("VRAD", vec![]), &options).unwrap();
    assert!((s.freq_mhz[6] - 115_271.2 / (1.0 + V_KMS / C_KMS)).abs() < 1e-6);
    let error = read(folder.path(), &velocity_cards("VOPT-W2F", vec![]), &options).unwrap_err().to_string();
    assert!(error.contains("regrid"), "{error}");
}

#[test]
fn offsets_of_class_become_frequencies() {
    let folder = tempfile::tempdir().unwrap();
    let cards = vec![
        ("CTYPE1", Text("FREQ")),
        ("CRPIX1", Real(6.0)),
        ("CRVAL1", Real(0.0)),
        ("CDELT1", Real(-1.0e6)),
        ("BUNIT", Text("K (Ta*)")),
        ("RESTFREQ", Real(REST_HZ)),
        ("VELO-LSR", Real(1.0e6)),
        ("DELTAV", Real(1360.8)),
    ];
    let s = read(folder.path(), &cards, &FitsOptions::default()).unwrap();
    assert!((s.freq_mhz[6] - 220_300.0 * (1.0 - 1000.0 / C_KMS)).abs() < 1e-6, "{}", s.freq_mhz[6]);
    assert!((s.freq_mhz[7] - s.freq_mhz[6] - 1.0).abs() < 1e-6 && noted(&s, "as CLASS writes them"));
}

#[test]
fn units_of_axis_and_intensity() {
    let folder = tempfile::tempdir().unwrap();
    for (unit, scale) in [("Hz", 1e6), ("kHz", 1e3), ("MHz", 1.0), ("GHz", 1e-3)] {
        let cards = vec![
            ("CTYPE1", Text("FREQ")),
            ("CUNIT1", Text(unit)),
            ("CRPIX1", Real(1.0)),
            ("CRVAL1", Real(220_000.0 * scale)),
            ("CDELT1", Real(0.5 * scale)),
            ("BUNIT", Text("mK")),
        ];
        let s = read(folder.path(), &cards, &FitsOptions::default()).unwrap();
        assert!((s.freq_mhz[11] - 220_005.5).abs() < 1e-6 && (s.t_k[11] - 0.011).abs() < 1e-12, "{unit}");
    }
    let mut cards = velocity_cards("VRAD", vec![]);
    cards[1] = ("CUNIT1", Text("m/s"));
    cards[3] = ("CRVAL1", Real(1e3 * V_KMS));
    cards[5] = ("BUNIT", Text("Jy/pixel"));
    let error = read(folder.path(), &cards, &FitsOptions::default()).unwrap_err().to_string();
    assert!(error.contains("restored image"), "{error}");
    let unit = Some(IntensityUnit::Kelvin(2.0));
    let s = read(folder.path(), &cards, &FitsOptions { unit, ..FitsOptions::default() }).unwrap();
    assert!((s.freq_mhz[6] - 220_300.0 * (1.0 - V_KMS / C_KMS)).abs() < 1e-6 && s.t_k[6] == 10.0);
}

#[test]
fn scaled_integers_and_their_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let mut cards = velocity_cards("VRAD", vec![]);
    cards.extend([("BLANK", Whole(-999)), ("BSCALE", Real(0.5)), ("BZERO", Real(100.0))]);
    let path = write(folder.path(), "i.fits", &[12], ImageType::Short, &cards);
    let s = read_fits(&path, &FitsOptions::default()).unwrap();
    // Whether the library scaled while writing or not, values come back as they were given.
    assert_eq!((s.n_valid(), s.valid[4]), (11, false));
    let steps: Vec<f64> = s.t_k[5..].windows(2).map(|pair| pair[0] - pair[1]).collect();
    assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-9) && steps[0] > 0.0, "{:?}", s.t_k);
}

#[test]
fn noise_and_its_correlation_by_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let more = vec![("RMS", Real(20.0)), ("NOISEC1", Real(0.46)), ("NOISEC2", Real(0.05))];
    let mut cards = velocity_cards("VRAD", more);
    cards[5] = ("BUNIT", Text("mJy/beam"));
    let beam = Some(Beam::Elliptical { bmaj_arcsec: 0.5, bmin_arcsec: 0.4 });
    let s = read(folder.path(), &cards, &FitsOptions { beam, ..FitsOptions::default() }).unwrap();
    let kelvin = crate::physics::kelvin_per_jy_beam(s.freq_mhz[3], 0.5 * 0.4);
    assert!((s.stated_k.as_ref().unwrap()[3] / (0.02 * kelvin) - 1.0).abs() < 1e-12);
    assert_eq!(s.correlation, [0.46, 0.05]);
    assert!(noted(&s, "RMS = 20"));
    let page = describe(&folder.path().join("v.fits")).unwrap();
    assert!(page.contains("RMS = 20") && page.contains("[0.46, 0.05]"), "{page}");
}

fn cube_cards(more: Cards) -> Cards {
    let mut cards = vec![
        ("CTYPE1", Text("RA---SIN")),
        ("CTYPE2", Text("DEC--SIN")),
        ("CTYPE4", Text("FREQ")),
        ("CRPIX4", Real(1.0)),
        ("CRVAL4", Real(220.0e9)),
        ("CDELT4", Real(1.0e6)),
        ("BUNIT", Text("K")),
        ("CTYPE3", Text("STOKES")),
        ("CRPIX3", Real(1.0)),
        ("CDELT3", Real(1.0)),
    ];
    cards.extend(more);
    cards
}

#[test]
fn of_several_stokes_parameters_i_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let region = Some(Region::Pixel { x: 1, y: 2 });
    let options = FitsOptions { region, ..FitsOptions::default() };
    // Planes Q, I: Stokes I is the second of the file with a step of -1.
    for (crval, cdelt, plane) in [(1.0, 1.0, 0), (2.0, -1.0, 1)] {
        let mut cards = cube_cards(vec![("CRVAL3", Real(crval))]);
        cards[9] = ("CDELT3", Real(cdelt));
        let path = write(folder.path(), "s.fits", &[3, 4, 2, 5], ImageType::Float, &cards);
        let s = read_fits(&path, &options).unwrap();
        let expected: Vec<f64> = (0..5).map(|k| f64::from(1 + 3 * 2 + 12 * plane + 24 * k)).collect();
        assert_eq!(s.t_k[1..], expected[1..], "{crval}");
        assert!(noted(&s, "of 2 Stokes parameters I"));
    }
    let path = write(
        folder.path(),
        "s.fits",
        &[3, 4, 2, 5],
        ImageType::Float,
        &cube_cards(vec![("CRVAL3", Real(-5.0))]),
    );
    let error = read_fits(&path, &options).unwrap_err().to_string();
    assert!(error.contains("without Stokes I"), "{error}");
}

#[test]
fn aips_hides_its_beam_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let mut cards = velocity_cards("VELO-LSR", vec![("VELREF", Whole(257))]);
    cards[5] = ("BUNIT", Text("JY/BEAM"));
    let path = write(folder.path(), "v.fits", &[12], ImageType::Float, &cards);
    assert!(read_fits(&path, &FitsOptions::default()).unwrap_err().to_string().contains("BMAJ, BMIN"));
    // The library has no way to write history: the card takes the place of END, and END that of the padding.
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.chunks(80).position(|card| card.starts_with(b"END     ")).unwrap();
    let history = format!(
        "{:<80}{:<80}",
        "HISTORY AIPS   CLEAN BMAJ=  1.3889E-03 BMIN=  1.1111E-03 BPA=  12.00", "END"
    );
    assert!(80 * (end + 2) <= 2880);
    bytes[80 * end..80 * (end + 2)].copy_from_slice(history.as_bytes());
    std::fs::write(&path, bytes).unwrap();
    let s = read_fits(&path, &FitsOptions::default()).unwrap();
    let Some(Beam::Elliptical { bmaj_arcsec, bmin_arcsec }) = s.beam else { panic!("no beam") };
    assert!((bmaj_arcsec - 5.0).abs() < 1e-3 && (bmin_arcsec - 4.0).abs() < 1e-3 && noted(&s, "AIPS"));
}

#[test]
fn channels_without_a_beam_are_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let path = super::with_beam_table(folder.path(), 5, "arcsec");
    let mut file = fitsio::FitsFile::edit(&path).unwrap();
    let table = file.hdu("BEAMS").unwrap();
    table.write_col_range(&mut file, "BMAJ", &[0.0f32], &(1..2)).unwrap();
    drop(file);
    let options = FitsOptions { region: Some(Region::Pixel { x: 0, y: 0 }), ..FitsOptions::default() };
    let s = read_fits(&path, &options).unwrap();
    assert_eq!((s.n_valid(), s.valid[3]), (4, false));
    assert!(noted(&s, "1 channels have no beam"), "{:?}", s.notes);
    let page = describe(&path).unwrap();
    assert!(page.contains("one a channel") && page.contains("1 channels without"), "{page}");
}

#[test]
fn a_page_of_text_shows_every_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.csv");
    let mut text = String::from("# coordinate: LSRK\nFrequency (GHz),Flux (mJy/beam)\n");
    for k in 0..60 {
        let freq = if k < 30 { 220.0 } else { 230.0 } + 0.0005 * f64::from(k);
        text.push_str(&format!("{freq:.6},{}\n", (k * 37 % 11) as f64 - 5.0));
    }
    std::fs::write(&path, text).unwrap();
    let page = describe(&path).unwrap();
    for word in ["window 1", "window 2", "30 channels", "Jy/beam", "LSRK", "columns by the file's header"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(page.contains("noise_correlation = [-0."), "{page}");
    std::fs::write(&path, "nothing\n").unwrap();
    assert!(describe(&path).unwrap_err().to_string().contains("no channels"));
}
