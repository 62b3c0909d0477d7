//! The table of a shard in Parquet: a row for each galaxy, in the order of the arrays.

use super::{FileRecord, Item, ShardError, Sink};
use crate::catalog::Column;
use crate::kernel::healpix;
use crate::plan::{Files, Plan, Shard};
use mirinae_common::atomic;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Name of the table in a shard's folder.
pub const TABLE: &str = "table.parquet";

/// A column of the table.
enum Values {
    Text(Vec<String>),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

pub(super) struct TableSink<'a> {
    plan: &'a Plan,
    shard: &'a Shard,
    out: &'a Path,
    used: Vec<i32>,
    foreground: Vec<i32>,
    /// Sky, noise and width of the point spread function of each band.
    reals_b: Vec<[Vec<f32>; 3]>,
    /// Null and saturated pixels of each band.
    counts_b: Vec<[Vec<i32>; 2]>,
}

impl<'a> TableSink<'a> {
    pub(super) fn new(plan: &'a Plan, shard: &'a Shard, out: &'a Path) -> Self {
        let bands = plan.settings.bands.len();
        Self {
            plan,
            shard,
            out,
            used: Vec::new(),
            foreground: Vec::new(),
            reals_b: vec![Default::default(); bands],
            counts_b: vec![Default::default(); bands],
        }
    }

    /// All columns with their names.
    fn columns(&self) -> Vec<(String, Values)> {
        let galaxies = &self.plan.galaxies[self.shard.galaxies.clone()];
        let nside = self.plan.settings.split.nside;
        let cell = |g: &crate::plan::Galaxy| {
            if g.ra_deg.is_nan() { -1 } else { healpix::cell(nside, g.ra_deg, g.dec_deg) as i64 }
        };
        let path = |files: &Files| match files {
            Files::Template(path) => path.clone(),
            Files::Listed(paths) => {
                paths.iter().map(|p| p.clone().unwrap_or_default()).collect::<Vec<_>>().join("\n")
            }
        };
        let mut columns = vec![
            ("slot".to_owned(), Values::Int((0..galaxies.len() as i32).collect())),
            ("object_id".to_owned(), Values::Text(galaxies.iter().map(|g| g.id.clone()).collect())),
            ("ra".to_owned(), Values::Double(galaxies.iter().map(|g| g.ra_deg).collect())),
            ("dec".to_owned(), Values::Double(galaxies.iter().map(|g| g.dec_deg).collect())),
            ("healpix".to_owned(), Values::Long(galaxies.iter().map(cell).collect())),
            ("used".to_owned(), Values::Int(self.used.clone())),
            ("foreground_objects".to_owned(), Values::Int(self.foreground.clone())),
            ("path".to_owned(), Values::Text(galaxies.iter().map(|g| path(&g.files)).collect())),
        ];
        let rows: Vec<usize> = self.shard.galaxies.clone().collect();
        for (name, column) in &self.plan.labels {
            let values = match column.select(&rows) {
                Column::Text(v) => Values::Text(v),
                Column::Integer(v) => Values::Long(v),
                Column::Real(v) => Values::Double(v),
            };
            columns.push((format!("label_{name}"), values));
        }
        for (band, name) in self.plan.settings.bands.iter().enumerate() {
            for (what, values) in ["sky", "noise", "psf"].iter().zip(&self.reals_b[band]) {
                columns.push((format!("{what}_{name}"), Values::Single(values.clone())));
            }
            for (what, values) in ["nulls", "saturated"].iter().zip(&self.counts_b[band]) {
                columns.push((format!("{what}_{name}"), Values::Int(values.clone())));
            }
        }
        columns
    }
}

impl Sink for TableSink<'_> {
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError> {
        self.used.push(i32::from(item.cut.is_used));
        self.foreground.push(item.cut.foreground as i32);
        for (band, facts) in item.cut.facts_b.iter().enumerate() {
            for (column, value) in self.reals_b[band].iter_mut().zip([facts.sky, facts.noise, facts.psf]) {
                column.push(value);
            }
            for (column, value) in self.counts_b[band].iter_mut().zip([facts.nulls, facts.saturated]) {
                column.push(value as i32);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<FileRecord>, ShardError> {
        let path = self.out.join(&self.shard.name).join(TABLE);
        let columns = self.columns();
        let wrong = |problem: String| ShardError::Library { path: path.clone(), problem };
        let write = |tmp: &Path| {
            let file = File::create(tmp).map_err(|source| ShardError::Io { path: path.clone(), source })?;
            write(file, &columns).map_err(|e| wrong(e.to_string()))
        };
        atomic::write_by_path(&path, write, |source| ShardError::Io { path: path.clone(), source })?;
        Ok(vec![FileRecord::of(self.out, &path)?])
    }
}

/// Letters that a name in a Parquet schema can have.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn write(file: File, columns: &[(String, Values)]) -> Result<(), ParquetError> {
    let mut schema = "message galaxies {\n".to_owned();
    for (name, values) in columns {
        let (kind, logical) = match values {
            Values::Text(_) => ("BYTE_ARRAY", " (STRING)"),
            Values::Int(_) => ("INT32", ""),
            Values::Long(_) => ("INT64", ""),
            Values::Single(_) => ("FLOAT", ""),
            Values::Double(_) => ("DOUBLE", ""),
        };
        schema += &format!("REQUIRED {kind} {}{logical};\n", plain(name));
    }
    let schema = Arc::new(parse_message_type(&(schema + "}"))?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("mirinae fits-pack".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, values) in columns {
        match values {
            Values::Text(v) => {
                let bytes: Vec<ByteArray> = v.iter().map(|s| ByteArray::from(s.as_str())).collect();
                column::<ByteArrayType>(&mut group, &bytes)?;
            }
            Values::Int(v) => column::<Int32Type>(&mut group, v)?,
            Values::Long(v) => column::<Int64Type>(&mut group, v)?,
            Values::Single(v) => column::<FloatType>(&mut group, v)?,
            Values::Double(v) => column::<DoubleType>(&mut group, v)?,
        }
    }
    group.close()?;
    writer.close().map(|_| ())
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, None, None)?;
        column.close()?;
    }
    Ok(())
}
