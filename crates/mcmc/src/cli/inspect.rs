//! `alma-fit inspect`: what a spectrum's file holds, and the spectrum itself as a table.

use super::table::{Csv, print};
use crate::spectrum::{self, FitsOptions, Region, TextOptions};
use mirinae_common::outcome::Failure;
use std::path::Path;

/// Prints the page of a file, or writes its spectrum (of the pixel "X,Y" of a cube) in K over ascending frequency.
pub(super) fn run(file: &Path, pixel: Option<&str>, csv: Option<&Path>) -> Result<(), Failure> {
    let Some(csv) = csv else {
        return print(&spectrum::describe(file).map_err(Failure::input)?);
    };
    let region = pixel.map(read_pixel).transpose().map_err(Failure::usage)?;
    let read = if spectrum::is_fits(file).map_err(Failure::input)? {
        spectrum::read_fits(file, &FitsOptions { region, ..FitsOptions::default() })
    } else {
        spectrum::read_text(file, &TextOptions::default())
    };
    let read = read.map_err(Failure::input)?;
    let mut table = Csv::new(&["freq_mhz", "t_k"]);
    for (freq, t_k) in read.freq_mhz.iter().zip(&read.t_k) {
        table.row([freq.to_string(), t_k.to_string()]);
    }
    table.write(csv)
}

fn read_pixel(text: &str) -> anyhow::Result<Region> {
    let pixel =
        text.split_once(',').and_then(|(x, y)| Some((x.trim().parse().ok()?, y.trim().parse().ok()?)));
    let (x, y) = pixel.ok_or_else(|| anyhow::anyhow!("--pixel {text}: X,Y is expected, counted from 0"))?;
    Ok(Region::Pixel { x, y })
}
