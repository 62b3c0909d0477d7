//! Writes what belongs to each candidate: its dirty image as FITS and as a picture.

use super::report::{Candidate, SearchReport};
use super::{SearchError, arcsec};
use crate::fringe::colour;
use crate::writer::Header;
use mirinae_common::{atomic, picture};
use plotters::prelude::*;
use std::io::{self, Write};
use std::path::Path;

/// Pixels of the picture.
const SIZE: (u32, u32) = (520, 500);
/// FITS files come in blocks of this length.
const BLOCK: usize = 2880;

/// Writes `k.fits` and `k.png` for the candidate of row k (from 0) into a folder, which is made anew.
///
/// # Errors
/// What cannot be written.
pub fn write(report: &SearchReport, folder: &Path, made_by: &str) -> Result<(), SearchError> {
    let failed = |path: &Path, message: String| SearchError::Write { path: path.to_owned(), message };
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(folder, e.to_string())),
        _ => {}
    }
    if report.candidates.iter().any(|c| c.detection.image.is_some()) {
        std::fs::create_dir_all(folder).map_err(|e| failed(folder, e.to_string()))?;
    }
    for (row, candidate) in report.candidates.iter().enumerate().filter(|(_, c)| c.detection.image.is_some())
    {
        let (fits, png) = (folder.join(format!("{row}.fits")), folder.join(format!("{row}.png")));
        atomic::write(&fits, |out| write_fits(candidate, out, made_by))
            .map_err(|e| failed(&fits, e.source.to_string()))?;
        let mut rgb = vec![0; 3 * SIZE.0 as usize * SIZE.1 as usize];
        draw(row, candidate, &mut rgb).map_err(|e| failed(&png, e.to_string()))?;
        picture::write_png_saying(&png, SIZE, &rgb, made_by)
            .map_err(|e| failed(&png, e.source.to_string()))?;
    }
    Ok(())
}

/// The image with its place on the sky (orthographic projection around the phase centre).
fn write_fits(candidate: &Candidate, out: &mut impl Write, made_by: &str) -> io::Result<()> {
    let Some(image) = &candidate.detection.image else { return Ok(()) };
    let (at, step_deg) = (candidate.detection.at, image.step.to_degrees());
    let middle = (image.side / 2 + 1) as f64;
    let mut header = Header::default();
    header.logical("SIMPLE", true);
    header.integer("BITPIX", -32);
    header.integer("NAXIS", 2);
    header.integer("NAXIS1", image.side as i64);
    header.integer("NAXIS2", image.side as i64);
    header.text("OBJECT", &candidate.centre);
    header.text("BUNIT", if image.in_jy { "JY/BEAM" } else { "" });
    header.text("RADESYS", "FK5");
    header.real("EQUINOX", 2000.0);
    header.text("CTYPE1", "RA---SIN");
    header.real("CRVAL1", candidate.centre_rad.0.to_degrees());
    header.real("CDELT1", -step_deg);
    header.real("CRPIX1", middle + at.l / image.step);
    header.text("CUNIT1", "deg");
    header.text("CTYPE2", "DEC--SIN");
    header.real("CRVAL2", candidate.centre_rad.1.to_degrees());
    header.real("CDELT2", step_deg);
    header.real("CRPIX2", middle - at.m / image.step);
    header.text("CUNIT2", "deg");
    if let Some([major, minor, angle]) = image.beam {
        header.real("BMAJ", major.to_degrees());
        header.real("BMIN", minor.to_degrees());
        header.real("BPA", angle.to_degrees());
    }
    header.real("NOISE", image.noise);
    header.history(made_by);
    header.history("dirty image; phases of the stations fit the candidate as a point in its middle");
    header.write(out)?;
    let bytes: Vec<u8> = image.brightness.iter().flat_map(|v| v.to_be_bytes()).collect();
    out.write_all(&bytes)?;
    out.write_all(&vec![0; bytes.len().next_multiple_of(BLOCK) - bytes.len()])
}

fn draw(row: usize, candidate: &Candidate, rgb: &mut [u8]) -> Result<(), Box<dyn std::error::Error>> {
    let Some(image) = &candidate.detection.image else { return Ok(()) };
    let root = BitMapBackend::with_buffer(rgb, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (low, high) =
        image.brightness.iter().fold((0.0f32, f32::MIN_POSITIVE), |(a, b), &v| (a.min(v), b.max(v)));
    let unit = if image.in_jy { " Jy/beam" } else { "" };
    let title = format!("candidate {row} ({}): {low:.2e} to {high:.2e}{unit}", candidate.centre);
    let step_mas = 1e3 * arcsec(image.step);
    let half = 0.5 * image.side as f64 * step_mas;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(52)
        .build_cartesian_2d(half..-half, -half..half)?;
    chart.configure_mesh().disable_mesh().x_desc("east (mas)").y_desc("north (mas)").draw()?;
    let pixels = image.brightness.iter().enumerate().map(|(index, &v)| {
        let (x, y) = ((index % image.side) as f64, (index / image.side) as f64);
        let (east, north) = (half - x * step_mas, y * step_mas - half);
        let bright = f64::from((v - low) / (high - low));
        Rectangle::new([(east, north), (east - step_mas, north + step_mas)], colour(bright).filled())
    });
    chart.draw_series(pixels)?;
    root.present()?;
    Ok(())
}
