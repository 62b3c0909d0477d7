//! What pages are drawn with: pixels or SVG, behind one type, so that every figure is drawn by one code for both.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::error::Error;
use std::io;

/// Pixels or SVG.
pub(super) enum Ink<'a> {
    /// Pixels of a picture.
    Pixels(BitMapBackend<'a>),
    /// Text of an SVG file.
    Svg(SVGBackend<'a>),
}

type Drawn<T> = Result<T, DrawingErrorKind<io::Error>>;

/// Errors of both kinds as one.
fn told<T, E: Error + Send + Sync + 'static>(result: Result<T, DrawingErrorKind<E>>) -> Drawn<T> {
    result.map_err(|e| match e {
        DrawingErrorKind::DrawingError(e) => DrawingErrorKind::DrawingError(io::Error::other(e)),
        DrawingErrorKind::FontError(e) => DrawingErrorKind::FontError(e),
    })
}

/// Calls a method of whichever it is.
macro_rules! either {
    ($ink:expr, $backend:ident => $call:expr) => {
        match $ink {
            Ink::Pixels($backend) => told($call),
            Ink::Svg($backend) => told($call),
        }
    };
}

impl DrawingBackend for Ink<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Pixels(b) => b.get_size(),
            Self::Svg(b) => b.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Drawn<()> {
        either!(self, b => b.ensure_prepared())
    }

    fn present(&mut self) -> Drawn<()> {
        either!(self, b => b.present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn<()> {
        either!(self, b => b.draw_pixel(point, colour))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn<()> {
        either!(self, b => b.draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<()> {
        either!(self, b => b.draw_rect(upper_left, lower_right, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn<()> {
        either!(self, b => b.draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn<()> {
        either!(self, b => b.draw_circle(centre, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn<()> {
        either!(self, b => b.fill_polygon(corners, style))
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn<()> {
        either!(self, b => b.draw_text(text, style, at))
    }

    fn estimate_text_size<T: BackendTextStyle>(&self, text: &str, style: &T) -> Drawn<(u32, u32)> {
        either!(self, b => b.estimate_text_size(text, style))
    }
}
