//! Galaxies made of small files.
use super::*;
use crate::config::{Config, Zeros};
use crate::plan::{Files, Split};

fn settings(extra: &str) -> Settings {
    let text = format!(
        "[input]\ncatalog='c'\npath='{{band}}'\n[bands]\nnames=['g','r']\n{extra}\n[image]\nsize=16\nforeground=false\nsky='ignore'"
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pack.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap().resolve(&path).unwrap()
}

fn galaxy() -> Galaxy {
    Galaxy {
        id: "a".into(),
        ra_deg: 10.0,
        dec_deg: 0.0,
        split: Split::Train,
        files: Files::Listed(Vec::new()),
    }
}

fn file(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for card in [
        "SIMPLE  =                    T".to_owned(),
        "BITPIX  =                  -32".to_owned(),
        "NAXIS   =                    2".to_owned(),
        format!("NAXIS1  = {width:>20}"),
        format!("NAXIS2  = {height:>20}"),
        "SEEING  =                  1.5".to_owned(),
        "END".to_owned(),
    ] {
        bytes.extend_from_slice(format!("{card:<80}").as_bytes());
    }
    bytes.resize(2880, b' ');
    for i in 0..width * height {
        bytes.extend_from_slice(&value(i % width, i / width).to_be_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

#[test]
fn images_are_cut_and_padded_around_the_middle() {
    let settings = settings("");
    let mut cutter = Cutter::new(&settings);
    for (width, height) in [(16, 16), (20, 17), (10, 16), (10, 31)] {
        let bytes = file(width, height, |x, y| (100 * x + y + 1) as f32);
        cutter.make(&galaxy(), &[FileBytes::Read(&bytes); 2]);
        let cut = cutter.cut();
        assert!(cut.is_used && cut.troubles.is_empty(), "{:?}", cut.troubles);
        for at in 0..256 {
            let shift = |length: usize| {
                (length as i64 - 16).div_euclid(2) + i64::from(length < 16 && length % 2 == 1)
            };
            let (x, y) = ((at % 16) as i64 + shift(width), (at / 16) as i64 + shift(height));
            let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
            assert_eq!(cut.mask_bp[at], if inside { 0 } else { bits::PADDED }, "{width} {height} {at}");
            assert_eq!(cut.image_bp[at], if inside { (100 * x + y + 1) as f32 } else { 0.0 });
        }
        assert_eq!(cut.facts_b[0].psf, 1.5);
    }
}

#[test]
fn nulls_are_marked_and_never_stay() {
    let bytes = file(16, 16, |x, y| if x == y { f32::NAN } else { 1.0 });
    for policy in ["zero", "sky", "interpolate"] {
        let settings = settings(&format!("nulls='{policy}'"));
        let mut cutter = Cutter::new(&settings);
        cutter.make(&galaxy(), &[FileBytes::Read(&bytes); 2]);
        let cut = cutter.cut();
        assert!(cut.image_bp.iter().all(|v| v.is_finite()));
        assert_eq!(cut.mask_bp.iter().filter(|b| **b == bits::NULL).count(), 32);
        assert_eq!(cut.facts_b[1].nulls, 16);
        assert_eq!(cut.image_bp[17], if policy == "interpolate" { 1.0 } else { 0.0 });
    }
    let settings = settings("nulls={g='reject'}");
    let mut cutter = Cutter::new(&settings);
    cutter.make(&galaxy(), &[FileBytes::Read(&bytes); 2]);
    assert_eq!(cutter.cut().troubles[0].reason, Reason::Nulls);
    assert!(cutter.cut().mask_bp[..256].iter().all(|b| *b == bits::MISSING));
    assert!(!cutter.cut().facts_b[0].is_there && cutter.cut().facts_b[1].is_there);
}

#[test]
fn trouble_is_told_and_the_rest_goes_on() {
    let settings = settings("");
    let good = file(16, 16, |x, _| x as f32 + 1.0);
    let other = file(17, 16, |x, _| x as f32 + 1.0);
    let zeros = file(64, 64, |x, y| if y > 31 { 0.0 } else { x as f32 + 1.0 });
    let cases: [(FileBytes<'_>, Reason); 5] = [
        (FileBytes::Unreadable(Reason::Missing, "gone"), Reason::Missing),
        (FileBytes::Read(b""), Reason::Truncated),
        (FileBytes::Read(b"<html>"), Reason::Header),
        (FileBytes::Read(&zeros), Reason::Zeros),
        (FileBytes::Read(&other), Reason::Size),
    ];
    let mut cutter = Cutter::new(&settings);
    for (bad, reason) in cases {
        cutter.make(&galaxy(), &[FileBytes::Read(&good), bad]);
        let cut = cutter.cut();
        assert!(cut.is_used && cut.troubles.len() == 1);
        assert_eq!((cut.troubles[0].band, cut.troubles[0].reason), (Some(1), reason));
        cutter.make(&galaxy(), &[bad, bad]);
        assert!(reason == Reason::Size || !cutter.cut().is_used);
    }
    let accepting = Settings { zeros: Zeros::Accept, ..settings.clone() };
    let mut cutter = Cutter::new(&accepting);
    cutter.make(&galaxy(), &[FileBytes::Read(&zeros); 2]);
    assert!(cutter.cut().troubles.is_empty());
}
