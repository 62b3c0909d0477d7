//! Reads the flat columns of a Parquet file.

use super::Column;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::fs::File;

/// The columns of strings and numbers; a null becomes NaN or an empty string. Nested columns are left out.
pub(super) fn read(file: File) -> Result<Vec<(String, Column)>, String> {
    let told = |e: parquet::errors::ParquetError| e.to_string();
    let reader = SerializedFileReader::new(file).map_err(told)?;
    let mut names: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<Field>> = Vec::new();
    for row in reader.get_row_iter(None).map_err(told)? {
        let row = row.map_err(told)?;
        if columns.is_empty() {
            names = row.get_column_iter().map(|(name, _)| name.clone()).collect();
            columns = vec![Vec::new(); names.len()];
        }
        for (column, (_, field)) in columns.iter_mut().zip(row.get_column_iter()) {
            column.push(field.clone());
        }
    }
    Ok(names.into_iter().zip(columns).filter_map(|(name, fields)| Some((name, typed(&fields)?))).collect())
}

fn integer(field: &Field) -> Option<i64> {
    match field {
        Field::Bool(v) => Some(i64::from(*v)),
        Field::Byte(v) => Some(i64::from(*v)),
        Field::Short(v) => Some(i64::from(*v)),
        Field::Int(v) => Some(i64::from(*v)),
        Field::Long(v) => Some(*v),
        Field::UByte(v) => Some(i64::from(*v)),
        Field::UShort(v) => Some(i64::from(*v)),
        Field::UInt(v) => Some(i64::from(*v)),
        Field::ULong(v) => i64::try_from(*v).ok(),
        _ => None,
    }
}

fn real(field: &Field) -> Option<f64> {
    match field {
        Field::Null => Some(f64::NAN),
        Field::Float16(v) => Some(f64::from(f32::from(*v))),
        Field::Float(v) => Some(f64::from(*v)),
        Field::Double(v) => Some(*v),
        _ => integer(field).map(|v| v as f64),
    }
}

fn text(field: &Field) -> Option<String> {
    match field {
        Field::Null => Some(String::new()),
        Field::Str(v) => Some(v.clone()),
        Field::Bytes(v) => String::from_utf8(v.data().to_vec()).ok(),
        Field::ULong(v) => Some(v.to_string()),
        _ => None,
    }
}

fn typed(fields: &[Field]) -> Option<Column> {
    if let Some(values) = fields.iter().map(integer).collect() {
        return Some(Column::Integer(values));
    }
    if fields.iter().any(|f| !matches!(f, Field::Null))
        && let Some(values) = fields.iter().map(real).collect()
    {
        return Some(Column::Real(values));
    }
    fields.iter().map(text).collect::<Option<_>>().map(Column::Text)
}
