//! A page to draw on, and its PNG and SVG files.

use super::ReportError;
use super::ink::Ink;
use mirinae_common::{atomic, picture};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::io::Write as _;
use std::path::{Path, PathBuf};

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
pub(super) type Area<'a> = DrawingArea<Ink<'a>, Shift>;
/// What drawing returns.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Where a figure goes: `STEM.png` and `STEM.svg`, and what both say about how they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    stem: PathBuf,
    made_by: String,
}

impl Figure {
    /// A figure at `stem`, a path without ending; `made_by` goes into its files.
    pub fn new(stem: impl Into<PathBuf>, made_by: &str) -> Self {
        Self { stem: stem.into(), made_by: made_by.to_string() }
    }

    /// Page `number` (from 1) of several: `STEM-01`.
    pub(super) fn page(&self, number: usize) -> Self {
        let mut name = self.stem.clone().into_os_string();
        name.push(format!("-{number:02}"));
        Self { stem: name.into(), made_by: self.made_by.clone() }
    }

    /// The file with this ending. What looks like an ending in the stem belongs to the name.
    pub fn file(&self, ending: &str) -> PathBuf {
        let mut name = self.stem.clone().into_os_string();
        name.push(format!(".{ending}"));
        name.into()
    }
}

/// Draws a page of `size` pixels (width, height) as PNG and as SVG. What `draw` gets is larger by [`SCALE`].
///
/// # Errors
/// [`ReportError::NoFont`], [`ReportError::Draw`] and [`ReportError::Write`].
pub(super) fn write_figure(
    figure: &Figure,
    size: (u32, u32),
    draw: impl Fn(&Area<'_>, &'static str) -> Drawn,
) -> Result<(), ReportError> {
    let font = font_family(&figure.file("png"))?;
    write_png(figure, size, |area| draw(area, font))?;
    write_svg(figure, size, |area| draw(area, font))
}

fn write_png(
    figure: &Figure,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<(), ReportError> {
    let path = figure.file("png");
    let (width, height) = (size.0 as usize, size.1 as usize);
    let scale = SCALE as usize;
    let mut large = vec![255; 3 * width * height * scale * scale];
    let page = BitMapBackend::with_buffer(&mut large, (size.0 * SCALE as u32, size.1 * SCALE as u32));
    paint(Ink::Pixels(page), &path, draw)?;
    let small = average_down(&large, width, height, scale);
    picture::write_png_saying(&path, size, &small, &figure.made_by)?;
    Ok(())
}

fn write_svg(
    figure: &Figure,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<(), ReportError> {
    let path = figure.file("svg");
    let mut text = String::new();
    let large = (size.0 * SCALE as u32, size.1 * SCALE as u32);
    paint(Ink::Svg(SVGBackend::with_string(&mut text, large)), &path, draw)?;
    // Drawn large for the sake of whole numbers; shown as large as the PNG.
    let as_drawn = format!("width=\"{}\" height=\"{}\"", large.0, large.1);
    let as_shown = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    let text = text.replacen(&as_drawn, &as_shown, 1);
    let (head, body) = text.split_once('>').unwrap_or(("", &text));
    let said = mirinae_common::page::escaped(&figure.made_by);
    atomic::write(&path, |file| write!(file, "{head}><desc>{said}</desc>{body}"))?;
    Ok(())
}

fn paint(ink: Ink<'_>, path: &Path, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<(), ReportError> {
    let area = ink.into_drawing_area();
    let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area));
    let drawn = drawn.and_then(|()| area.present().map_err(Into::into));
    drawn.map_err(|e| ReportError::Draw { path: path.to_path_buf(), cause: e.to_string() })
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
