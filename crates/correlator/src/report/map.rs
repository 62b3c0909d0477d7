//! Draws a map of a field: phase centres, known sources, candidates with their errors.

use plotters::prelude::*;
use std::error::Error;

const SIZE: (u32, u32) = (760, 720);
/// Errors are drawn so many times as long.
const ERRORS: f64 = 3.0;
/// Names are written where there are no more marks than this.
const MOST_NAMES: usize = 60;
const COLOURS: [RGBColor; 3] = [RGBColor(204, 30, 45), RGBColor(11, 95, 165), RGBColor(0, 145, 110)];
const GREY: RGBColor = RGBColor(150, 155, 165);
const PALE: RGBColor = RGBColor(90, 95, 105);

/// A candidate.
pub(super) struct Mark {
    /// Which search found it.
    pub kind: usize,
    /// What is written beside it.
    pub name: String,
    /// Arcsec east and north.
    pub place: [f64; 2],
    /// One standard deviation of both.
    pub error: [f64; 2],
    /// Drawn in grey.
    pub faint: bool,
}

/// What is on the map; places in arcsec east and north.
pub(super) struct Map {
    /// Names of the searches.
    pub kinds: [&'static str; 3],
    pub centres: Vec<(String, [f64; 2])>,
    pub known: Vec<(String, [f64; 2])>,
    pub marks: Vec<Mark>,
}

impl Map {
    /// Half the width that holds all centres and candidates; a known source far out is left out.
    fn half(&self) -> f64 {
        let far = |place: &[f64; 2]| place[0].abs().max(place[1].abs());
        let centres = self.centres.iter().map(|c| far(&c.1));
        let marks = self.marks.iter().map(|m| far(&m.place));
        1.15 * centres.chain(marks).fold(1.0, f64::max)
    }

    /// Size and pixels.
    pub fn draw(&self) -> Result<super::figures::Pixels, Box<dyn Error>> {
        let mut rgb = vec![0; 3 * SIZE.0 as usize * SIZE.1 as usize];
        {
            let root = BitMapBackend::with_buffer(&mut rgb, SIZE).into_drawing_area();
            root.fill(&WHITE)?;
            let half = self.half();
            // East is to the left, as on the sky.
            let mut chart = ChartBuilder::on(&root)
                .margin(12)
                .x_label_area_size(38)
                .y_label_area_size(60)
                .build_cartesian_2d(half..-half, -half..half)?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .x_desc("east (arcsec)")
                .y_desc("north (arcsec)")
                .draw()?;
            let names = self.centres.len() + self.known.len() + self.marks.len() <= MOST_NAMES;
            let text = |name: &str, [x, y]: [f64; 2], colour: RGBColor| {
                let shown = if names { name.to_owned() } else { String::new() };
                EmptyElement::at((x, y))
                    + Text::new(shown, (7, -14), ("sans-serif", 13).into_font().color(&colour))
            };
            chart.draw_series(
                self.centres.iter().map(|(_, [x, y])| Cross::new((*x, *y), 5, PALE.stroke_width(1))),
            )?;
            chart.draw_series(self.centres.iter().map(|(name, at)| text(name, *at, PALE)))?;
            let inside = self.known.iter().filter(|(_, [x, y])| x.abs().max(y.abs()) < half);
            let square = |&(_, [x, y]): &&(String, [f64; 2])| {
                EmptyElement::at((*x, *y)) + Rectangle::new([(-6, -6), (6, 6)], BLACK.stroke_width(1))
            };
            chart.draw_series(inside.clone().map(|k| square(&k)))?;
            chart.draw_series(inside.map(|(name, at)| text(name, *at, BLACK)))?;
            for (kind, name) in self.kinds.iter().enumerate() {
                let ours: Vec<&Mark> = self.marks.iter().filter(|m| m.kind == kind).collect();
                let colour = |m: &Mark| if m.faint { GREY } else { COLOURS[kind % COLOURS.len()] };
                for mark in &ours {
                    let ([x, y], error) = (mark.place, mark.error.map(|e| (ERRORS * e).min(half)));
                    let style = colour(mark).stroke_width(2);
                    chart.draw_series([
                        PathElement::new(vec![(x - error[0], y), (x + error[0], y)], style),
                        PathElement::new(vec![(x, y - error[1]), (x, y + error[1])], style),
                    ])?;
                }
                chart.draw_series(ours.iter().map(|m| text(&m.name, m.place, colour(m))))?;
                let points = chart.draw_series(
                    ours.iter().map(|m| Circle::new((m.place[0], m.place[1]), 4, colour(m).filled())),
                )?;
                if !ours.is_empty() {
                    let filled = COLOURS[kind % COLOURS.len()].filled();
                    points.label(*name).legend(move |(x, y)| Circle::new((x + 7, y), 4, filled));
                }
            }
            if !self.marks.is_empty() {
                let mut legend = chart.configure_series_labels();
                legend.border_style(RGBColor(200, 200, 205)).background_style(WHITE.mix(0.85));
                legend.position(SeriesLabelPosition::UpperRight).draw()?;
            }
            root.present()?;
        }
        Ok((SIZE, rgb))
    }
}
