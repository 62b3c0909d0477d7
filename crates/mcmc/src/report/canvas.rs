//! A page to draw on, and its PNG file.

use super::ReportError;
use mirinae_common::picture;
use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// Pages are drawn this many times larger and averaged down, which smooths lines and text.
pub(super) const SCALE: i32 = 2;

/// The colour of axes and text.
pub(super) const INK: RGBColor = RGBColor(35, 35, 40);
/// The colour of the data.
pub(super) const DATA: RGBColor = RGBColor(90, 95, 105);
/// The colour of the model.
pub(super) const MODEL: RGBColor = RGBColor(204, 30, 45);
/// Colours of species, told apart by people with any colour vision (after Okabe & Ito 2008), then darker ones.
const SPECIES: [RGBColor; 12] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(148, 80, 180),
    RGBColor(86, 180, 233),
    RGBColor(150, 90, 30),
    RGBColor(204, 121, 167),
    RGBColor(110, 140, 0),
    RGBColor(60, 60, 150),
    RGBColor(0, 110, 110),
    RGBColor(190, 80, 0),
    RGBColor(120, 120, 120),
];

/// The colour of species number `k`.
pub(super) fn species_colour(k: usize) -> RGBColor {
    SPECIES[k % SPECIES.len()]
}

/// Where one draws.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
/// What drawing returns.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Draws a page of `size` pixels (width, height) and writes it as PNG. What `draw` gets is larger by [`SCALE`].
///
/// # Errors
/// [`ReportError::NoFont`], [`ReportError::Draw`] and [`ReportError::Write`].
pub(super) fn write_png(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>, &'static str) -> Drawn,
) -> Result<(), ReportError> {
    let font = font_family(path)?;
    let (width, height) = (size.0 as usize, size.1 as usize);
    let scale = SCALE as usize;
    let mut large = vec![255; 3 * width * height * scale * scale];
    {
        let page = BitMapBackend::with_buffer(&mut large, (size.0 * SCALE as u32, size.1 * SCALE as u32));
        let area = page.into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area, font));
        let drawn = drawn.and_then(|()| area.present().map_err(Into::into));
        drawn.map_err(|e| ReportError::Draw { path: path.to_path_buf(), cause: e.to_string() })?;
    }
    let small = average_down(&large, width, height, scale);
    picture::write_png(path, size, &small)?;
    Ok(())
}

/// A font that the system has.
fn font_family(path: &Path) -> Result<&'static str, ReportError> {
    let mut cause = String::new();
    for family in ["DejaVu Sans", "sans-serif"] {
        match (family, 20).into_font().layout_box("T (K)") {
            Ok(_) => return Ok(family),
            Err(e) => cause = e.to_string(),
        }
    }
    Err(ReportError::NoFont { path: path.to_path_buf(), cause })
}

/// Text of `size` pixels.
pub(super) fn text_style(font: &'static str, size: f64, anchor: (HPos, VPos)) -> TextStyle<'static> {
    let style: TextStyle<'static> = (font, size * f64::from(SCALE)).into();
    style.color(&INK).pos(Pos::new(anchor.0, anchor.1))
}

/// The same for the text of axes, which the plotting library places itself.
pub(super) fn plain_style(font: &'static str, size: f64) -> TextStyle<'static> {
    let style: TextStyle<'static> = (font, size * f64::from(SCALE)).into();
    style.color(&INK)
}

/// Means of blocks of `scale` by `scale` pixels.
fn average_down(large: &[u8], width: usize, height: usize, scale: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            for colour in 0..3 {
                let row = |dy: usize| 3 * ((y * scale + dy) * width * scale + x * scale) + colour;
                let block = (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dy, dx)));
                let sum: usize = block.map(|(dy, dx)| usize::from(large[row(dy) + 3 * dx])).sum();
                small.push((sum / (scale * scale)) as u8);
            }
        }
    }
    small
}

/// Numbers of an axis, with as many decimals as its range needs.
pub(super) fn axis_number(range: f64) -> impl Fn(&f64) -> String {
    let decimals = if range > 0.0 { (1.0 - range.log10()).ceil().clamp(0.0, 9.0) as usize } else { 0 };
    move |value| format!("{value:.decimals$}")
}
