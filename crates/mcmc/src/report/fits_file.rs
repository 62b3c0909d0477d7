//! Writes FITS files (FITS 4.0): images of 64-bit floats, tables of columns, and header cards of one's own.
//!
//! Written here rather than with cfitsio, which takes parts of a file's name for commands and may write the date; the same
//! content has to give the same bytes under any name.

use super::ReportError;
use mirinae_common::atomic;
use std::io::{self, Write};
use std::path::Path;

/// Length of a block and of a card.
const BLOCK: usize = 2880;
const CARD: usize = 80;

/// Cards of a header, each of 80 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cards(Vec<u8>);

impl Cards {
    /// Adds a value as it is to stand there ("T", "2", "'K'"), with a comment. What does not fit is cut off.
    pub fn raw(&mut self, key: &str, value: &str, comment: &str) -> &mut Self {
        let comment = if comment.is_empty() { String::new() } else { format!(" / {comment}") };
        self.line(&format!("{key:<8}= {value:>20}{comment}"))
    }

    /// Adds a text; quotes in it are doubled.
    pub fn text(&mut self, key: &str, value: &str, comment: &str) -> &mut Self {
        let quoted = format!("'{:<8}'", plain(value).replace('\'', "''"));
        self.raw(key, &format!("{quoted:<20}"), comment)
    }

    /// Adds a number.
    pub fn number(&mut self, key: &str, value: f64, comment: &str) -> &mut Self {
        self.raw(key, &format!("{value:.15E}"), comment)
    }

    /// Adds a remark of any length as HISTORY.
    pub fn history(&mut self, text: &str) -> &mut Self {
        let text = plain(text);
        for piece in text.as_bytes().chunks(CARD - 8) {
            self.line(&format!("HISTORY {}", String::from_utf8_lossy(piece)));
        }
        self
    }

    /// Adds a card of another file as it is.
    pub fn card(&mut self, card: &[u8; CARD]) -> &mut Self {
        self.0.extend_from_slice(card);
        self
    }

    fn line(&mut self, text: &str) -> &mut Self {
        let mut card = plain(text).into_bytes();
        card.resize(CARD, b' ');
        self.0.extend(card);
        self
    }

    fn write(&self, mandatory: &Cards, out: &mut impl Write) -> io::Result<()> {
        let mut all = mandatory.0.clone();
        all.extend_from_slice(&self.0);
        all.extend_from_slice(&Cards::default().line("END").0);
        all.resize(all.len().next_multiple_of(BLOCK), b' ');
        out.write_all(&all)
    }
}

/// What FITS allows in a header.
fn plain(text: &str) -> String {
    text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect()
}

/// An image of a file: values (NaN: blank), the first axis fastest, and what its header says besides.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Name of the extension; empty for the first.
    pub name: String,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f64>,
    /// Further cards.
    pub cards: Cards,
}

/// Writes images, the first as the file's primary one.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_images(path: &Path, images: &[Image]) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        for (k, image) in images.iter().enumerate() {
            let mut mandatory = Cards::default();
            if k == 0 {
                mandatory.raw("SIMPLE", "T", "FITS 4.0");
            } else {
                mandatory.text("XTENSION", "IMAGE", "");
            }
            mandatory.raw("BITPIX", "-64", "");
            mandatory.raw("NAXIS", &image.shape.len().to_string(), "");
            for (axis, n) in image.shape.iter().enumerate() {
                mandatory.raw(&format!("NAXIS{}", axis + 1), &n.to_string(), "");
            }
            if k == 0 {
                mandatory.raw("EXTEND", "T", "");
            } else {
                mandatory.raw("PCOUNT", "0", "").raw("GCOUNT", "1", "");
            }
            if !image.name.is_empty() {
                mandatory.text("EXTNAME", &image.name, "");
            }
            image.cards.write(&mandatory, out)?;
            write_values(out, image.values.iter().copied(), image.values.len())?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Writes columns of equal length, each with its name and unit, as a binary table named `name`.
///
/// # Errors
/// [`ReportError::Write`].
pub fn write_table(
    path: &Path,
    name: &str,
    columns: &[(String, &str, Vec<f64>)],
    cards: &Cards,
) -> Result<(), ReportError> {
    let rows = columns.first().map_or(0, |c| c.2.len());
    atomic::write(path, |out| {
        let mut first = Cards::default();
        first.raw("SIMPLE", "T", "FITS 4.0").raw("BITPIX", "8", "").raw("NAXIS", "0", "");
        first.raw("EXTEND", "T", "");
        Cards::default().write(&first, out)?;
        let mut mandatory = Cards::default();
        mandatory.text("XTENSION", "BINTABLE", "").raw("BITPIX", "8", "").raw("NAXIS", "2", "");
        mandatory.raw("NAXIS1", &(8 * columns.len()).to_string(), "bytes of a row");
        mandatory.raw("NAXIS2", &rows.to_string(), "rows");
        mandatory.raw("PCOUNT", "0", "").raw("GCOUNT", "1", "");
        mandatory.raw("TFIELDS", &columns.len().to_string(), "");
        for (k, (name, unit, _)) in columns.iter().enumerate() {
            mandatory.text(&format!("TTYPE{}", k + 1), name, "");
            mandatory.text(&format!("TFORM{}", k + 1), "D", "");
            mandatory.text(&format!("TUNIT{}", k + 1), unit, "");
        }
        mandatory.text("EXTNAME", name, "");
        cards.write(&mandatory, out)?;
        let values = (0..rows).flat_map(|row| columns.iter().map(move |c| c.2[row]));
        write_values(out, values, rows * columns.len())
    })?;
    Ok(())
}

/// `n` numbers, filled up to whole blocks.
fn write_values(out: &mut impl Write, values: impl Iterator<Item = f64>, n: usize) -> io::Result<()> {
    for value in values {
        out.write_all(&value.to_be_bytes())?;
    }
    let bytes = 8 * n;
    out.write_all(&vec![0; bytes.next_multiple_of(BLOCK) - bytes])
}
