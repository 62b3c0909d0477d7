//! Where the pixels of a cube lie on the sky: the cards of its header that maps of the same pixels need.

use super::SpectrumError;
use super::cards::Cards;
use super::cube::Cube;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A value of a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CardValue {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// The sky axes of a cube.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SkyHeader {
    /// Pixels along x and y.
    pub shape: [usize; 2],
    /// Cards for a map: axes 1 and 2 are x and y.
    pub cards: Vec<(String, CardValue)>,
}

/// Cards of the axes that hold texts and numbers, with the axis' number behind; and those of the whole image.
const AXIS_TEXTS: [&str; 2] = ["CTYPE", "CUNIT"];
const AXIS_NUMBERS: [&str; 4] = ["CRVAL", "CRPIX", "CDELT", "CROTA"];
const TEXTS: [&str; 7] = ["RADESYS", "OBJECT", "TELESCOP", "INSTRUME", "OBSERVER", "DATE-OBS", "SPECSYS"];
const NUMBERS: [&str; 6] = ["EQUINOX", "LONPOLE", "LATPOLE", "BMAJ", "BMIN", "BPA"];
/// Parameters of projections that a card can give.
const PROJECTION_PARAMETERS: usize = 5;

/// Reads the cards of the sky axes of the first image of a file.
///
/// # Errors
/// [`SpectrumError`] as of reading a spectrum.
pub fn sky_header(path: &Path) -> Result<SkyHeader, SpectrumError> {
    let mut cube = Cube::open(path, None)?;
    let shape = cube.sky_shape();
    let sky = cube.header.sky;
    let mut found = Vec::new();
    let mut cards = cube.cards();
    for (k, axis) in sky.iter().enumerate().filter_map(|(k, axis)| Some((k + 1, (*axis)? + 1))) {
        for key in AXIS_TEXTS {
            take_text(&mut cards, &format!("{key}{axis}"), &format!("{key}{k}"), &mut found);
        }
        for key in AXIS_NUMBERS {
            take_number(&mut cards, &format!("{key}{axis}"), &format!("{key}{k}"), &mut found);
        }
        for m in 0..PROJECTION_PARAMETERS {
            take_number(&mut cards, &format!("PV{axis}_{m}"), &format!("PV{k}_{m}"), &mut found);
        }
        for (j, other) in sky.iter().enumerate().filter_map(|(j, axis)| Some((j + 1, (*axis)? + 1))) {
            for key in ["PC", "CD"] {
                let (from, to) = (format!("{key}{axis}_{other}"), format!("{key}{k}_{j}"));
                take_number(&mut cards, &from, &to, &mut found);
            }
        }
    }
    TEXTS.iter().for_each(|key| take_text(&mut cards, key, key, &mut found));
    NUMBERS.iter().for_each(|key| take_number(&mut cards, key, key, &mut found));
    Ok(SkyHeader { shape, cards: found })
}

/// What is of another kind, or not there, a map does without.
fn take_text(cards: &mut Cards, from: &str, to: &str, found: &mut Vec<(String, CardValue)>) {
    if let Ok(Some(text)) = cards.text(from) {
        found.push((to.to_string(), CardValue::Text(text)));
    }
}

fn take_number(cards: &mut Cards, from: &str, to: &str, found: &mut Vec<(String, CardValue)>) {
    if let Ok(Some(number)) = cards.get::<f64>(from) {
        found.push((to.to_string(), CardValue::Number(number)));
    }
}

impl SkyHeader {
    /// A number among the cards.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.cards.iter().find_map(|(name, value)| match value {
            CardValue::Number(x) if name == key => Some(*x),
            _ => None,
        })
    }
}
