//! Finds what belongs to a tile in the row of its table: its bytes in the heap, its scale.

use super::super::error::FitsError;
use super::super::hdu::Hdu;
use super::super::table::{Field, array, fields, width};
use super::Problem;

/// The bytes of a tile.
pub(super) enum Data<'a> {
    /// By the image's method.
    Compressed(&'a [u8]),
    /// By gzip, the numbers as they are.
    Gzip(&'a [u8]),
    /// Not at all.
    Plain(&'a [u8]),
}

/// A number that is the same for all tiles, or stands in a column.
pub(super) enum Setting {
    Constant(f64),
    Column(Field),
}

/// The table of an image in tiles.
pub(super) struct Rows<'a> {
    table: &'a [u8],
    heap: &'a [u8],
    row_bytes: usize,
    fields: Vec<Field>,
    compressed: Field,
    gzip: Option<Field>,
    plain: Option<Field>,
}

fn find(fields: &[Field], name: &str) -> Option<Field> {
    fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).cloned()
}

impl<'a> Rows<'a> {
    pub(super) fn of(bytes: &'a [u8], hdu: &Hdu<'_>) -> Result<Self, FitsError> {
        let data = bytes.get(hdu.data.clone()).unwrap_or_default();
        let size = |keyword: &str| hdu.header.integer(keyword).and_then(|n| usize::try_from(n).ok());
        let row_bytes = size("NAXIS1").unwrap_or(0);
        let table = size("NAXIS2").and_then(|rows| rows.checked_mul(row_bytes));
        let table = table.filter(|&n| n <= data.len()).ok_or_else(|| hdu.wrong("NAXIS2", "is too large"))?;
        let heap = if hdu.header.has("THEAP") { size("THEAP") } else { Some(table) };
        let heap =
            heap.and_then(|at| data.get(at..)).ok_or_else(|| hdu.wrong("THEAP", "is behind the data"))?;
        if hdu.header.has("ZMASKCMP") {
            return Err(hdu.wrong("ZMASKCMP", "is there: masks of nulls beside the pixels are not read"));
        }
        let fields = fields(hdu)?;
        let compressed = find(&fields, "COMPRESSED_DATA");
        let compressed = compressed
            .ok_or_else(|| hdu.wrong("TTYPE", "names no column COMPRESSED_DATA: an image in tiles has it"))?;
        let (gzip, plain) = (find(&fields, "GZIP_COMPRESSED_DATA"), find(&fields, "UNCOMPRESSED_DATA"));
        Ok(Self { table: &data[..table], heap, row_bytes, fields, compressed, gzip, plain })
    }

    /// A column, or else a keyword.
    pub(super) fn setting(&self, hdu: &Hdu<'_>, name: &str) -> Result<Option<Setting>, FitsError> {
        if let Some(field) = find(&self.fields, name) {
            return Ok(Some(Setting::Column(field)));
        }
        let value = hdu.header.real(name);
        if value.is_none() && hdu.header.text(name).is_some() {
            return Err(hdu.wrong(name, "is not a number"));
        }
        Ok(value.map(Setting::Constant))
    }

    fn cell(&self, field: &Field, row: usize, bytes: usize) -> Result<&'a [u8], Problem> {
        let start = row * self.row_bytes + field.offset;
        self.table.get(start..start + bytes).ok_or("its row is not in the table")
    }

    pub(super) fn number(&self, setting: &Setting, row: usize) -> Result<f64, Problem> {
        const NO_NUMBER: Problem = "a column of its scale, zero or blank holds no number";
        let field = match setting {
            Setting::Constant(value) => return Ok(*value),
            Setting::Column(field) => field,
        };
        let bytes = width(field.code).filter(|_| field.repeat == 1).ok_or(NO_NUMBER)?;
        let cell = self.cell(field, row, bytes)?;
        Ok(match field.code {
            b'B' => f64::from(cell[0]),
            b'I' => f64::from(i16::from_be_bytes(array(cell))),
            b'J' => f64::from(i32::from_be_bytes(array(cell))),
            b'K' => i64::from_be_bytes(array(cell)) as f64,
            b'E' => f64::from(f32::from_be_bytes(array(cell))),
            b'D' => f64::from_be_bytes(array(cell)),
            _ => return Err(NO_NUMBER),
        })
    }

    /// The bytes that a descriptor points to.
    fn pointed(&self, field: &Field, row: usize) -> Result<&'a [u8], Problem> {
        const NOT_THERE: Problem = "its data are not in the heap";
        let element = width(field.element).ok_or("its data are of an unknown type")?;
        let number = |bytes: &[u8]| match *bytes {
            [a, b, c, d] => u64::from(u32::from_be_bytes([a, b, c, d])),
            _ => bytes.first_chunk().map_or(u64::MAX, |eight| u64::from_be_bytes(*eight)),
        };
        let half = if field.code == b'Q' { 8 } else { 4 };
        if !matches!(field.code, b'P' | b'Q') || field.repeat == 0 {
            return Err("its data are not in a column of variable length");
        }
        let (length, offset) = self.cell(field, row, 2 * half)?.split_at(half);
        let length =
            usize::try_from(number(length)).ok().and_then(|n| n.checked_mul(element)).ok_or(NOT_THERE)?;
        let offset = usize::try_from(number(offset)).map_err(|_| NOT_THERE)?;
        if length == 0 {
            return Ok(&[]);
        }
        let end = offset.checked_add(length).ok_or(NOT_THERE)?;
        self.heap.get(offset..end).ok_or(NOT_THERE)
    }

    /// What there is of a tile.
    pub(super) fn data(&self, row: usize) -> Result<Data<'a>, Problem> {
        let compressed = self.pointed(&self.compressed, row)?;
        if !compressed.is_empty() {
            return Ok(Data::Compressed(compressed));
        }
        for (field, is_gzip) in [(&self.plain, false), (&self.gzip, true)] {
            let Some(field) = field else { continue };
            let bytes = self.pointed(field, row)?;
            if !bytes.is_empty() {
                return Ok(if is_gzip { Data::Gzip(bytes) } else { Data::Plain(bytes) });
            }
        }
        Err("it has no data")
    }
}
