//! Files made here, whole and damaged.
use super::*;
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

#[path = "../../fuzz/check.rs"]
mod check;

fn file(cards: &[String], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for card in cards.iter().map(String::as_str).chain(["END"]) {
        bytes.extend_from_slice(format!("{card:<80}").as_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(2880), b' ');
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

fn card(keyword: &str, value: impl std::fmt::Display) -> String {
    format!("{keyword:<8}= {:>20}", value.to_string())
}

fn image(bitpix: i64, width: usize, extra: &[(&str, &str)], data: &[u8]) -> Vec<u8> {
    let height = data.len() / (bitpix.unsigned_abs() as usize / 8) / width;
    let mut cards = vec![
        card("SIMPLE", "T"),
        card("BITPIX", bitpix),
        card("NAXIS", 2),
        card("NAXIS1", width),
        card("NAXIS2", height),
    ];
    cards.extend(extra.iter().map(|(key, value)| card(key, value)));
    file(&cards, data)
}

fn values(bytes: &[u8]) -> Vec<f64> {
    let image = Image::of(bytes, &HduChoice::First).unwrap();
    let mut out = vec![0.0; image.width * image.height];
    image.pixels.read(0, &mut out);
    out
}

#[test]
fn blanks_are_null_and_the_rest_is_scaled() {
    let data: Vec<u8> = [-32768i16, 1, 2, 3].iter().flat_map(|v| v.to_be_bytes()).collect();
    let bytes = image(16, 2, &[("BLANK", "-32768"), ("BSCALE", "0.001"), ("BZERO", "1.0")], &data);
    let found = values(&bytes);
    assert!(found[0].is_nan());
    assert_eq!(found[1], f64::from(1.0f32 * 0.001f32 + 1.0f32));
    let unsigned = image(64, 1, &[("BZERO", "9223372036854775808")], &i64::MAX.to_be_bytes());
    assert_eq!(values(&unsigned), [u64::MAX as f64]);
}

#[test]
fn single_and_double_precision_agree() {
    for (bitpix, scale) in [(8, "1.0"), (16, "0.5"), (32, "0.1"), (64, "3.0"), (-32, "1.0"), (-64, "1.0")] {
        let data: Vec<u8> = (0..64u8).map(|i| i.wrapping_mul(37) & 0x7f).collect();
        let bytes = image(bitpix, 1, &[("BSCALE", scale)], &data);
        let image = Image::of(&bytes, &HduChoice::First).unwrap();
        let (mut single, mut double) = (vec![0f32; image.height], vec![0f64; image.height]);
        image.pixels.read(0, &mut single);
        image.pixels.read(0, &mut double);
        assert!(single.iter().zip(&double).all(|(s, d)| *s == *d as f32), "{bitpix}");
    }
}

#[test]
fn compressed_files_are_unpacked() {
    let plain = image(8, 3, &[], &[1, 2, 3, 4, 5, 6]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut bzip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(&plain).unwrap();
    let bzip = bzip.finish().unwrap();
    for packed in [&plain, &gzip, &bzip] {
        assert_eq!(unpack(packed).unwrap().as_ref(), plain);
    }
    for packed in [&gzip, &bzip] {
        assert!(matches!(unpack(&packed[..packed.len() / 2]), Err(FitsError::Decode { .. })));
    }
}

#[test]
fn damage_is_named() {
    let good = image(-32, 30, &[], &[0; 3600]);
    assert!(is_complete(&good));
    let error = |bytes: &[u8]| Image::of(bytes, &HduChoice::First).unwrap_err();
    assert_eq!(error(&[]), FitsError::Empty);
    assert!(matches!(error(b"<html>not found"), FitsError::NotFits { .. }));
    assert!(matches!(error(&good[..300]), FitsError::NoEnd { hdu: 0, have: 300 }));
    assert!(matches!(error(&good[..5000]), FitsError::Truncated { hdu: 0, need: 6480, have: 5000 }));
    assert!(!is_complete(&good[..6480]) && Image::of(&good[..6480], &HduChoice::First).is_ok());
    let lying = image(-32, 30, &[("PCOUNT", "-1")], &[0; 3600]);
    assert!(matches!(error(&lying), FitsError::Header { .. }));
    let missing = Image::of(&good, &HduChoice::Number(3)).unwrap_err();
    assert!(matches!(missing, FitsError::NoImage { .. }));
}

#[test]
fn sections_count_from_1() {
    let bytes = image(8, 3, &[], &[1, 2, 3, 4, 5, 6]);
    let image = Image::of(&bytes, &HduChoice::First).unwrap();
    assert_eq!(image.part(Some(Section { x: [2, 3], y: [2, 2] })).unwrap(), [1, 1, 2, 1]);
    assert!(image.part(Some(Section { x: [2, 4], y: [1, 2] })).is_err());
    let mut row = [0f32; 2];
    image.row(1, 1, &mut row);
    assert_eq!(row, [5.0, 6.0]);
}

#[test]
fn checksums_are_verified() {
    let data = [1u8, 2, 3, 4];
    let sum = u32::from_be_bytes(data).to_string();
    let right = image(8, 4, &[("DATASUM", &format!("'{sum}'"))], &data);
    let verdict = |bytes: &[u8]| verify(bytes, &hdus(bytes).next().unwrap().unwrap());
    assert_eq!(verdict(&right), Verdict::Right);
    let mut wrong = right.clone();
    wrong[2880] ^= 1;
    assert_eq!(verdict(&wrong), Verdict::WrongData);
    assert_eq!(verdict(&image(8, 4, &[], &data)), Verdict::Absent);
}

#[test]
fn seeds_and_findings_of_the_fuzzer_hold() {
    let mut count = 0;
    for folder in ["corpus", "findings"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            check::check(&std::fs::read(path).unwrap());
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..6000)) {
        let _ = Image::of(&bytes, &HduChoice::First);
        let _ = unpack(&bytes);
        let _ = read_table(&bytes);
    }

    #[test]
    fn no_damage_panics(
        bitpix in prop::sample::select(vec![8i64, 16, 32, 64, -32, -64]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        keep in 0.0f64..1.3,
    ) {
        let mut bytes = image(bitpix, 4, &[("BLANK", "7"), ("BSCALE", "2"), ("DATASUM", "'1'")], &[7; 640]);
        let head = 800;
        for (at, value) in flips {
            bytes[at.index(head)] = value;
        }
        bytes.truncate((keep * bytes.len() as f64) as usize);
        if let Ok(image) = Image::of(&bytes, &HduChoice::First) {
            let mut row = vec![0f32; image.width];
            image.row(0, image.height - 1, &mut row);
        }
        for hdu in hdus(&bytes).flatten() {
            verify(&bytes, &hdu);
        }
    }
}
