//! Every method against cfitsio, and files with damage.
#![allow(clippy::unwrap_used)]

use super::super::decode::Encoding;
use super::super::{FitsError, HduChoice, Image, Pixels};
use super::ffi;
use std::path::Path;

/// The seeds of the fuzzer: each method with each type of pixels.
fn packed() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "fz"));
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

fn numbers(pixels: &Pixels<'_>) -> Vec<u64> {
    let mut values = vec![0f64; pixels.len()];
    pixels.read(0, &mut values);
    values.iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect()
}

fn encoding(image: &Image<'_>) -> Encoding {
    let (bitpix, blank) = (image.header.integer("ZBITPIX").unwrap(), image.header.integer("ZBLANK"));
    Encoding { bitpix, scale: 1.0, zero: 0.0, blank: blank.filter(|_| bitpix > 0) }
}

#[test]
fn every_method_gives_what_cfitsio_gives() {
    let files = packed();
    let mut nulls = 0;
    for (name, bytes) in &files {
        let image = Image::of(bytes, &HduChoice::First).unwrap();
        let found = numbers(&image.pixels);
        let wanted = numbers(&ffi::read(bytes, image.hdu, found.len(), encoding(&image)).unwrap());
        assert_eq!(found, wanted, "{name}");
        nulls += found.iter().filter(|&&v| v == u64::MAX).count();
    }
    assert!(files.len() >= 20 && nulls > 0, "{} files, {nulls} nulls", files.len());
}

#[test]
fn damage_is_an_error_or_leaves_numbers() {
    let mut random = 1u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % below
    };
    let (mut refused, mut read) = (0, 0);
    for (_, bytes) in packed() {
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            // The table and its heap, behind two headers.
            let start = bytes.len() - 2880;
            for _ in 0..=next(3) {
                bytes[start + next(600)] = next(256) as u8;
            }
            match Image::of(&bytes, &HduChoice::First) {
                Ok(image) => assert_eq!(numbers(&image.pixels).len(), image.width * image.height),
                Err(FitsError::Decode { problem, .. }) => {
                    assert!(problem.contains("tile"), "{problem}");
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
            read += 1;
        }
    }
    assert!(refused > read / 10, "{refused} of {read}");
}

#[test]
fn a_mask_of_nulls_that_is_not_read_is_refused() {
    let (_, mut bytes) = packed().swap_remove(0);
    let other = bytes.windows(8).rposition(|w| w == b"CRPIX1  ").unwrap();
    bytes[other..other + 8].copy_from_slice(b"ZMASKCMP");
    let error = Image::of(&bytes, &HduChoice::First).unwrap_err();
    assert!(matches!(error, FitsError::Header { ref keyword, .. } if keyword == "ZMASKCMP"), "{error}");
}
