//! What must hold for any bytes that may be a FITS file: nothing panics, both precisions agree, a row is a row of the whole.

use crate::fits::{HduChoice, Image, Section, hdus, is_complete, read_table, unpack, verify};
use crate::wcs::ImageWcs;

/// More pixels than this are not read: it would be slow, and nothing else.
const PIXELS: usize = 1 << 22;

/// Reads all that can be read of a file.
pub fn check(bytes: &[u8]) {
    let Ok(plain) = unpack(bytes) else { return };
    let walked = hdus(&plain).all(|hdu| {
        let Ok(hdu) = hdu else { return false };
        verify(&plain, &hdu);
        assert!(hdu.header.values().all(|(name, _)| name.len() <= 8));
        if let Ok(wcs) = ImageWcs::of(&hdu.header)
            && let Ok(pixel) = wcs.pixel(150.0, 2.0)
        {
            assert!(pixel.iter().all(|c| !c.is_nan()), "{pixel:?}");
        }
        true
    });
    assert!(walked || !is_complete(&plain));
    let _ = read_table(&plain);
    let numbers = (0..4).map(HduChoice::Number);
    for choice in numbers.chain([HduChoice::First, HduChoice::Name("SCI".into())]) {
        if let Ok(image) = Image::of(&plain, &choice) {
            check_image(&image);
        }
    }
}

fn check_image(image: &Image<'_>) {
    let (width, height) = (image.width, image.height);
    let count = width * height * image.planes;
    assert!(image.pixels.len() >= count, "{} pixels, {width} x {height}", image.pixels.len());
    let section = Section { x: [1, width], y: [height, height] };
    assert_eq!(image.part(Some(section)), Ok([0, height - 1, width, 1]));
    if count > PIXELS {
        return;
    }
    let (mut single, mut double) = (vec![0f32; count], vec![0f64; count]);
    image.pixels.read(0, &mut single);
    image.pixels.read(0, &mut double);
    let same = |s: f32, d: f64| s == d as f32 || s.is_nan() && d.is_nan();
    assert!(single.iter().zip(&double).all(|(s, d)| same(*s, *d)), "the precisions differ");
    let mut row = vec![0f32; width];
    image.row(0, height - 1, &mut row);
    let last = &single[width * (height - 1)..width * height];
    assert!(row.iter().zip(last).all(|(a, b)| a.to_bits() == b.to_bits()), "a row differs from the whole");
}
