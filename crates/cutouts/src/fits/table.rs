//! Reads the columns of a binary table: a catalogue.

use super::error::FitsError;
use super::hdu::{Hdu, hdus};

/// A column with one value in each row.
#[derive(Debug, Clone, PartialEq)]
pub enum TableColumn {
    /// Strings, without trailing blanks.
    Text(Vec<String>),
    /// Integers without scaling and without nulls.
    Integer(Vec<i64>),
    /// Real numbers, and integers that are scaled or have nulls; NaN is null.
    Real(Vec<f64>),
}

/// A column's place in a row.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// From 1.
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) repeat: usize,
    /// The letter of its type.
    pub(super) code: u8,
    /// The letter of what its descriptors point to; a blank without them.
    pub(super) element: u8,
    pub(super) offset: usize,
}

/// Bytes of a value.
pub(super) fn width(code: u8) -> Option<usize> {
    Some(match code {
        b'L' | b'B' | b'A' => 1,
        b'I' => 2,
        b'J' | b'E' => 4,
        b'K' | b'D' | b'C' | b'P' => 8,
        b'M' | b'Q' => 16,
        _ => return None,
    })
}

/// Columns of the first binary table, with their names; columns of arrays, complex numbers and logical values are left out.
///
/// # Errors
/// What is wrong with the file.
pub fn read_table(bytes: &[u8]) -> Result<Vec<(String, TableColumn)>, FitsError> {
    for hdu in hdus(bytes) {
        let hdu = hdu?;
        if hdu.header.text("XTENSION").as_deref() == Some("BINTABLE") {
            return columns(bytes, &hdu);
        }
    }
    Err(FitsError::NoImage { wanted: "the file that would be a binary table".to_owned() })
}

/// The columns of a binary table.
pub(super) fn fields(hdu: &Hdu<'_>) -> Result<Vec<Field>, FitsError> {
    let mut fields = Vec::new();
    let mut offset = 0;
    for number in 1..=size(hdu, "TFIELDS").min(999) {
        let keyword = format!("TFORM{number}");
        let form = hdu.header.text(&keyword).ok_or_else(|| hdu.wrong(&keyword, "is missing"))?;
        let form = form.trim();
        let digits = form.bytes().take_while(u8::is_ascii_digit).count();
        let letter = |at: usize| form.as_bytes().get(at).copied().unwrap_or(b' ');
        let (code, element) = (letter(digits), letter(digits + 1));
        let repeat = if digits == 0 { 1 } else { form[..digits].parse().unwrap_or(usize::MAX) };
        let bytes = match (code, width(code)) {
            (b'X', _) => Some(repeat.div_ceil(8)),
            (_, Some(width)) => repeat.checked_mul(width),
            _ => None,
        };
        let end = bytes.and_then(|n| n.checked_add(offset)).filter(|&end| end <= size(hdu, "NAXIS1"));
        let end = end.ok_or_else(|| hdu.wrong(&keyword, "does not fit the rows"))?;
        let name = hdu.header.text(&format!("TTYPE{number}")).unwrap_or_default();
        fields.push(Field { number, name, repeat, code, element, offset });
        offset = end;
    }
    Ok(fields)
}

fn size(hdu: &Hdu<'_>, keyword: &str) -> usize {
    hdu.header.integer(keyword).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}

fn columns(bytes: &[u8], hdu: &Hdu<'_>) -> Result<Vec<(String, TableColumn)>, FitsError> {
    let (row_bytes, rows) = (size(hdu, "NAXIS1"), size(hdu, "NAXIS2"));
    let fields = fields(hdu)?;
    let rows: Vec<&[u8]> = match row_bytes {
        0 => Vec::new(),
        n => bytes[hdu.data.clone()].chunks_exact(n).take(rows).collect(),
    };
    let column = |field: Field| Some((field.name.clone(), read(hdu, field.number, &field, &rows)?));
    Ok(fields.into_iter().filter_map(column).collect())
}

fn read(hdu: &Hdu<'_>, number: usize, field: &Field, rows: &[&[u8]]) -> Option<TableColumn> {
    let cell = |row: &&[u8], bytes: usize| row[field.offset..field.offset + bytes].to_vec();
    if field.code == b'A' {
        let text = |row: &&[u8]| {
            let bytes = cell(row, field.repeat);
            let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
        };
        return Some(TableColumn::Text(rows.iter().map(text).collect()));
    }
    if field.repeat != 1 {
        return None;
    }
    let real = |decode: fn(&[u8]) -> f64, bytes| rows.iter().map(|r| decode(&cell(r, bytes))).collect();
    match field.code {
        b'E' => Some(TableColumn::Real(real(|b| f64::from(f32::from_be_bytes(array(b))), 4))),
        b'D' => Some(TableColumn::Real(real(|b| f64::from_be_bytes(array(b)), 8))),
        b'B' | b'I' | b'J' | b'K' => {
            let integer = |row: &&[u8]| match field.code {
                b'B' => i64::from(row[field.offset]),
                b'I' => i64::from(i16::from_be_bytes(array(&cell(row, 2)))),
                b'J' => i64::from(i32::from_be_bytes(array(&cell(row, 4)))),
                _ => i64::from_be_bytes(array(&cell(row, 8))),
            };
            let stored: Vec<i64> = rows.iter().map(integer).collect();
            Some(scaled(hdu, number, stored))
        }
        _ => None,
    }
}

/// The first bytes of a cell.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// Applies TSCAL, TZERO and TNULL.
fn scaled(hdu: &Hdu<'_>, number: usize, stored: Vec<i64>) -> TableColumn {
    let key = |name: &str| format!("{name}{number}");
    let (scale, zero) = (hdu.header.real(&key("TSCAL")), hdu.header.real(&key("TZERO")));
    let null = hdu.header.integer(&key("TNULL"));
    match (scale.unwrap_or(1.0), zero.unwrap_or(0.0)) {
        (1.0, zero) if null.is_none_or(|n| !stored.contains(&n)) && zero.fract() == 0.0 => {
            // 2^63 turns the sign over: object numbers of 64 bits.
            let zero = if zero >= 9.2e18 { i64::MIN } else { zero as i64 };
            TableColumn::Integer(stored.into_iter().map(|v| v.wrapping_add(zero)).collect())
        }
        (scale, zero) => {
            let value = |v: i64| if Some(v) == null { f64::NAN } else { v as f64 * scale + zero };
            TableColumn::Real(stored.into_iter().map(value).collect())
        }
    }
}
