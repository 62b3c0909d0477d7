//! Writes headers and binary tables of FITS, row by row.
//!
//! Our own and not cfitsio's: rows of hundreds of kilobytes go in their order through one buffered, atomic file, and
//! the same visibilities are the same bytes.

use std::io::{self, Write};

/// FITS files come in blocks of this length.
const BLOCK: usize = 2880;
/// Length of a line of a header.
const CARD: usize = 80;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Letters.
    Text,
    /// 32-bit integers.
    Integer,
    /// Single precision.
    Single,
    /// Double precision.
    Double,
}

impl Form {
    fn letter(self) -> char {
        match self {
            Self::Text => 'A',
            Self::Integer => 'J',
            Self::Single => 'E',
            Self::Double => 'D',
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Text => 1,
            Self::Integer | Self::Single => 4,
            Self::Double => 8,
        }
    }
}

/// A column: name, form, number of values in a row, unit.
pub(super) type Column = (&'static str, Form, usize, &'static str);

/// The lines of a header.
#[derive(Debug, Clone, Default)]
pub struct Header(Vec<u8>);

impl Header {
    fn card(&mut self, text: &str) {
        let ascii = text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c as u8 } else { b'?' });
        let before = self.0.len();
        self.0.extend(ascii.take(CARD));
        self.0.resize(before + CARD, b' ');
    }

    /// A line with a value that is written out already.
    fn value(&mut self, key: &str, value: &str) {
        self.card(&format!("{key:<8}= {value:>20}"));
    }

    /// True or false.
    pub fn logical(&mut self, key: &str, value: bool) {
        self.value(key, if value { "T" } else { "F" });
    }

    /// A whole number.
    pub fn integer(&mut self, key: &str, value: i64) {
        self.value(key, &value.to_string());
    }

    /// A number.
    pub fn real(&mut self, key: &str, value: f64) {
        self.value(key, &format!("{value:.14E}"));
    }

    /// A text of at most 68 letters; what is longer is cut.
    pub fn text(&mut self, key: &str, value: &str) {
        let quoted: String = value.chars().take(68).collect::<String>().replace('\'', "''");
        self.card(&format!("{key:<8}= '{quoted:<8}'"));
    }

    /// A remark, over as many lines as it needs.
    pub fn history(&mut self, remark: &str) {
        let letters: Vec<char> = remark.chars().collect();
        for line in letters.chunks(CARD - 8) {
            self.card(&format!("HISTORY {}", line.iter().collect::<String>()));
        }
    }

    /// Adds the lines of another header.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Writes the lines, END, and blanks to the end of the block.
    pub fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.card("END");
        self.0.resize(self.0.len().next_multiple_of(BLOCK), b' ');
        out.write_all(&self.0)
    }
}

/// A row that is being filled, column after column.
#[derive(Debug, Default)]
pub(super) struct Row(Vec<u8>);

impl Row {
    /// A text, filled with blanks to the width of its column.
    pub fn text(&mut self, value: &str, width: usize) {
        let before = self.0.len();
        let ascii = value.chars().map(|c| if c.is_ascii_graphic() { c as u8 } else { b'_' });
        self.0.extend(ascii.take(width));
        self.0.resize(before + width, b' ');
    }

    /// Whole numbers.
    pub fn integers(&mut self, values: &[i32]) {
        values.iter().for_each(|v| self.0.extend_from_slice(&v.to_be_bytes()));
    }

    /// Numbers in single precision.
    pub fn singles(&mut self, values: &[f32]) {
        values.iter().for_each(|v| self.0.extend_from_slice(&v.to_be_bytes()));
    }

    /// Numbers in double precision.
    pub fn doubles(&mut self, values: &[f64]) {
        values.iter().for_each(|v| self.0.extend_from_slice(&v.to_be_bytes()));
    }
}

/// A table that is being written.
pub(super) struct Table<'w, W: Write> {
    out: &'w mut W,
    row: Row,
    row_bytes: usize,
    rows: usize,
    written: usize,
}

impl<'w, W: Write> Table<'w, W> {
    /// Writes the header of a table that will have so many rows.
    pub fn begin(
        out: &'w mut W,
        name: &str,
        columns: &[Column],
        rows: usize,
        keys: &Header,
    ) -> io::Result<Self> {
        let row_bytes = columns.iter().map(|(_, form, count, _)| form.bytes() * count).sum();
        let mut header = Header::default();
        header.text("XTENSION", "BINTABLE");
        for (key, value) in [
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", row_bytes as i64),
            ("NAXIS2", rows as i64),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", columns.len() as i64),
        ] {
            header.integer(key, value);
        }
        for (index, (column, form, count, unit)) in columns.iter().enumerate() {
            let n = index + 1;
            header.text(&format!("TTYPE{n}"), column);
            header.text(&format!("TFORM{n}"), &format!("{count}{}", form.letter()));
            if !unit.is_empty() {
                header.text(&format!("TUNIT{n}"), unit);
            }
        }
        header.text("EXTNAME", name);
        header.integer("EXTVER", 1);
        header.extend(keys);
        header.write(out)?;
        Ok(Self { out, row: Row::default(), row_bytes, rows, written: 0 })
    }

    /// Writes the next row, which `fill` fills from its first column to its last.
    pub fn row(&mut self, fill: impl FnOnce(&mut Row)) -> io::Result<()> {
        self.row.0.clear();
        fill(&mut self.row);
        assert_eq!(self.row.0.len(), self.row_bytes, "a row has all its columns");
        self.written += 1;
        self.out.write_all(&self.row.0)
    }

    /// Fills the last block.
    pub fn finish(self) -> io::Result<()> {
        assert_eq!(self.written, self.rows, "the header says how many rows there are");
        let bytes = self.rows * self.row_bytes;
        self.out.write_all(&vec![0; bytes.next_multiple_of(BLOCK) - bytes])
    }
}
