//! Reads CSV with a line of names.

use super::Column;

/// The columns, each of the narrowest type that all of its rows have.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(String, Column)>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let names = reader.headers().map_err(told)?.clone();
    let mut columns = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.map_err(told)?;
        for (column, field) in columns.iter_mut().zip(&record) {
            column.push(field.to_owned());
        }
    }
    let columns = columns.into_iter().map(typed);
    Ok(names.iter().map(|n| n.trim_start_matches('\u{feff}').to_owned()).zip(columns).collect())
}

/// "line 7: ...".
fn told(error: csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos: Some(pos), expected_len, len } => {
            format!("line {}: {len} fields, the first line has {expected_len}", pos.line())
        }
        csv::ErrorKind::Utf8 { pos: Some(pos), .. } => format!("line {}: not UTF-8", pos.line()),
        _ => error.to_string(),
    }
}

fn typed(fields: Vec<String>) -> Column {
    // "007" and "+7" are names: as numbers they would come back otherwise.
    let integers: Option<Vec<i64>> =
        fields.iter().map(|f| f.parse::<i64>().ok().filter(|n| n.to_string() == *f)).collect();
    if let Some(integers) = integers {
        return Column::Integer(integers);
    }
    let is_name = |f: &String| f.len() > 1 && f.starts_with('0') && f.bytes().all(|b| b.is_ascii_digit());
    if fields.iter().any(is_name) {
        return Column::Text(fields);
    }
    let real = |f: &String| if f.is_empty() { Some(f64::NAN) } else { f.parse().ok() };
    match fields.iter().map(real).collect::<Option<Vec<f64>>>() {
        Some(values) if values.iter().any(|v| !v.is_nan()) => Column::Real(values),
        _ => Column::Text(fields),
    }
}
