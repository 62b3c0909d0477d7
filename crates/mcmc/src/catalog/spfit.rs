//! Reads `.cat` files of CDMS and JPL (SPFIT/SPCAT's fixed columns).
//!
//! Columns (Pickett 1991, J. Mol. Spectrosc. 148, 371; <https://cdms.astro.uni-koeln.de/classic/predictions/description.html>):
//! `FREQ F13.4, ERR F8.4, LGINT F8.4, DR I2, ELO F10.4, GUP I3, TAG I7, QNFMT I4, QN' 6A2, QN" 6A2`.

use super::error::CatalogError;
use super::line::Line;
use super::text::read_text;
use crate::physics::MHZ_PER_CM1;
use std::path::Path;

/// A column: first and one past the last byte, name.
type Column = (usize, usize, &'static str);

const FREQ: Column = (0, 13, "FREQ, frequency");
const ERR: Column = (13, 21, "ERR, uncertainty");
const LGINT: Column = (21, 29, "LGINT, log10 intensity");
const DR: Column = (29, 31, "DR, degrees of freedom");
const ELO: Column = (31, 41, "ELO, lower energy");
const GUP: Column = (41, 44, "GUP, upper degeneracy");
const TAG: Column = (44, 51, "TAG, species tag");
const QNFMT: Column = (51, 55, "QNFMT, format of the quantum numbers");
/// Shortest line that can be used: up to the tag.
const MIN_WIDTH: usize = 51;

/// One line of a file, with what an error message needs.
struct Row<'a> {
    path: &'a Path,
    number: usize,
    text: &'a str,
}

impl<'a> Row<'a> {
    /// The text of a column, without blanks at its ends.
    fn text(&self, column: Column) -> &'a str {
        self.text.get(column.0..column.1.min(self.text.len())).unwrap_or("").trim()
    }

    fn error(&self, column: Column, problem: impl Into<String>) -> CatalogError {
        CatalogError::Column {
            path: self.path.to_path_buf(),
            line: self.number,
            first: column.0 + 1,
            last: column.1,
            field: column.2,
            text: self.text.get(column.0..column.1.min(self.text.len())).unwrap_or("").to_owned(),
            problem: problem.into(),
        }
    }

    fn real(&self, column: Column) -> Result<f64, CatalogError> {
        match self.text(column).parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.error(column, "not a number")),
        }
    }

    fn integer(&self, column: Column) -> Result<i64, CatalogError> {
        self.text(column).parse().map_err(|_| self.error(column, "not a whole number"))
    }
}

/// Decodes SPFIT's letter-coded integers: the last digits are decimal, a leading upper-case letter
/// stands for 10, 11 ... and a lower-case one for -1, -2 ... of the next digit
/// (`A0` = 100, `a0` = -10 in a field of two; `A00` = 1000 in a field of three).
fn decode(text: &str, width: usize) -> Option<i32> {
    let text = text.trim();
    let first = text.chars().next()?;
    if !first.is_ascii_alphabetic() {
        return text.parse().ok();
    }
    let digits = &text[1..];
    if digits.len() + 1 != width || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rest: i32 = digits.parse().ok()?;
    let unit = 10i32.pow(u32::try_from(digits.len()).ok()?);
    if first.is_ascii_uppercase() {
        Some((first as i32 - 'A' as i32 + 10) * unit + rest)
    } else {
        Some(-((first as i32 - 'a' as i32 + 1) * unit + rest))
    }
}

/// The other way round; None: the number does not fit into the field.
fn encode(number: i64, width: usize) -> Option<String> {
    let plain = number.to_string();
    if plain.len() <= width {
        return Some(format!("{plain:>width$}"));
    }
    let unit = 10i64.pow(u32::try_from(width).ok()? - 1);
    let (tens, digit) = (number.abs() / unit, number.abs() % unit);
    let letter = if number > 0 {
        b'A' + u8::try_from(tens.checked_sub(10)?).ok().filter(|n| *n < 26)?
    } else {
        b'a' + u8::try_from(tens.checked_sub(1)?).ok().filter(|n| *n < 26)?
    };
    Some(format!("{}{digit:0rest$}", char::from(letter), rest = width - 1))
}

/// The fields of one level and how many they are; blank where they do not fit.
fn encode_level(level: &str) -> Option<(String, usize)> {
    let numbers: Option<Vec<String>> = level.split_whitespace().map(|n| encode(n.parse().ok()?, 2)).collect();
    numbers.filter(|n| n.len() <= 6).map(|n| (n.concat(), n.len()))
}

/// What 4 decimals can hold.
const LOWEST_MHZ: f64 = 1e-4;

/// A line as a row of a `.cat` file (without the newline): the fields keep 4 decimals, and quantum numbers that are
/// no whole numbers, or more than six a level, are left out. None: a degeneracy above 3599, a frequency below
/// 0.0001 MHz or another number that has no room.
pub fn format_spfit(line: &Line) -> Option<String> {
    let qn = line.qn.split_once(" - ").and_then(|(upper, lower)| {
        let (upper, n) = encode_level(upper)?;
        Some((upper, encode_level(lower)?.0, n))
    });
    let (upper, lower, n_qn) = qn.unwrap_or_default();
    let g_up = encode(i64::from(line.g_up), 3)?;
    let tag = i64::from(line.tag) * if line.measured { -1 } else { 1 };
    let (freq, err, lgint) = (line.freq_mhz, line.freq_sigma_mhz.clamp(0.0, 999.9999), line.lgint);
    let row = format!(
        "{freq:13.4}{err:8.4}{lgint:8.4}{:2}{:10.4}{g_up}{tag:7}{n_qn:4}{upper:<12}{lower:<12}",
        line.dof, line.e_low_cm1
    );
    (row.len() == 79 && freq >= LOWEST_MHZ).then_some(row)
}

/// Quantum numbers as `upper - lower`, letters decoded, half integers left as the catalogue rounds
/// them (up); fields that are no numbers (parities, symmetry signs) are kept as they are.
fn quantum_numbers(row: &Row, n_qn: usize) -> String {
    let level = |start: usize| {
        let numbers: Vec<String> = (0..n_qn.min(6))
            .filter_map(|i| row.text.get(start + 2 * i..(start + 2 * i + 2).min(row.text.len())))
            .filter(|field| !field.trim().is_empty())
            .map(|field| decode(field, 2).map_or_else(|| field.trim().to_owned(), |n| n.to_string()))
            .collect();
        numbers.join(" ")
    };
    // Upper numbers fill columns 56-67, lower ones 68-79, in all formats of up to six numbers.
    let (upper, lower) = (level(55), level(67));
    if upper.is_empty() && lower.is_empty() { String::new() } else { format!("{upper} - {lower}") }
}

fn parse_line(row: &Row) -> Result<Line, CatalogError> {
    if !row.text.is_ascii() || row.text.len() < MIN_WIDTH {
        let problem = format!(
            "{} characters{}: an SPFIT line has 79, at least {MIN_WIDTH} plain ones (up to the species tag)",
            row.text.chars().count(),
            if row.text.is_ascii() { "" } else { ", not all of them ASCII" },
        );
        return Err(CatalogError::Row { path: row.path.to_path_buf(), line: row.number, problem });
    }
    let (freq, err) = (row.real(FREQ)?, row.real(ERR)?);
    // SPFIT and SPCAT mark numbers in cm^-1 by a negative uncertainty, and CDMS offers some entries so (light
    // hydrides, laboratory standards): frequency and uncertainty are in cm^-1 then, all else as ever.
    let unit_mhz = if err < 0.0 { MHZ_PER_CM1 } else { 1.0 };
    if freq <= 0.0 {
        return Err(row.error(FREQ, "a frequency must be positive"));
    }
    let g_up = decode(row.text(GUP), 3)
        .and_then(|g| u32::try_from(g).ok())
        .filter(|g| *g > 0)
        .ok_or_else(|| row.error(GUP, "not a degeneracy (1 to 999, or A00 = 1000 and so on)"))?;
    let tag = row.integer(TAG)?;
    let dof = u8::try_from(row.integer(DR)?).map_err(|_| row.error(DR, "not 0, 2 or 3"))?;
    let qn_format = row.text(QNFMT);
    let n_qn = match qn_format.parse::<u32>() {
        Ok(format) => (format % 10) as usize,
        Err(_) if qn_format.is_empty() => 0,
        Err(_) => return Err(row.error(QNFMT, "not a whole number")),
    };
    Ok(Line {
        freq_mhz: freq * unit_mhz,
        freq_sigma_mhz: err.abs() * unit_mhz,
        lgint: row.real(LGINT)?,
        dof,
        e_low_cm1: row.real(ELO)?,
        g_up,
        tag: u32::try_from(tag.unsigned_abs()).map_err(|_| row.error(TAG, "not a species tag"))?,
        measured: tag < 0,
        qn: quantum_numbers(row, n_qn),
    })
}

/// Parses the text of a `.cat` file; `path` is named in errors only. Lines come back sorted by
/// frequency (stable). Empty lines are passed over; any other line that cannot be read is an error.
pub fn parse_spfit(text: &str, path: &Path) -> Result<Vec<Line>, CatalogError> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let text = text.trim_end();
        if !text.is_empty() {
            lines.push(parse_line(&Row { path, number: index + 1, text })?);
        }
    }
    if lines.is_empty() {
        return Err(CatalogError::File { path: path.to_path_buf(), problem: "holds no lines".into() });
    }
    lines.sort_by(|a, b| a.freq_mhz.total_cmp(&b.freq_mhz));
    Ok(lines)
}

/// Reads a `.cat` file, compressed with gzip or not: see [`parse_spfit`].
pub fn read_spfit(path: &Path) -> Result<Vec<Line>, CatalogError> {
    parse_spfit(&read_text(path)?, path)
}

#[cfg(test)]
mod tests;
