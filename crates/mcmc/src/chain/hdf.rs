//! What all HDF5 files of ours have in common.

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, Group, Location, Result};
use ndarray::Array1;
use std::path::Path;

/// Creates a file without the times of its objects, so that equal content gives equal bytes.
pub(super) fn create(path: &Path) -> Result<File> {
    File::with_options().with_fcpl(|p| p.obj_track_times(false)).create(path)
}

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<File> {
    File::open(path)
}

/// Makes room for an array of f64, contiguous: it is written once and whole, and noise does not compress.
pub(super) fn new_f64(group: &Group, name: &str, shape: &[usize]) -> Result<Dataset> {
    group.new_dataset::<f64>().shape(shape).obj_track_times(false).create(name)
}

/// Writes bytes as a dataset.
pub(super) fn write_bytes(group: &Group, name: &str, bytes: &[u8]) -> Result<()> {
    let place = group.new_dataset::<u8>().shape(bytes.len()).obj_track_times(false).create(name)?;
    place.write_raw(bytes)
}

/// Writes an attribute that is a text.
pub(super) fn write_text(place: &Location, name: &str, text: &str) -> Result<()> {
    place.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text)?)
}

/// Writes an attribute that is a list of texts.
pub(super) fn write_texts<'a>(
    place: &Location,
    name: &str,
    texts: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let texts: Array1<VarLenUnicode> = texts.map(unicode).collect::<Result<Vec<_>>>()?.into();
    place.new_attr_builder().with_data(&texts).create(name).map(|_| ())
}

/// Writes an attribute that is a count.
pub(super) fn write_count(place: &Location, name: &str, count: u64) -> Result<()> {
    place.new_attr::<u64>().create(name)?.write_scalar(&count)
}

/// Reads an attribute that is a text.
pub(super) fn read_text(place: &Location, name: &str) -> Result<String> {
    Ok(place.attr(name)?.read_scalar::<VarLenUnicode>()?.to_string())
}

/// Reads an attribute that is a list of texts.
pub(super) fn read_texts(place: &Location, name: &str) -> Result<Vec<String>> {
    Ok(place.attr(name)?.read_1d::<VarLenUnicode>()?.iter().map(ToString::to_string).collect())
}

/// Reads an attribute that is a count.
pub(super) fn read_count(place: &Location, name: &str) -> Result<u64> {
    place.attr(name)?.read_scalar()
}

/// A text as the library wants it; it cannot hold the character NUL.
fn unicode(text: &str) -> Result<VarLenUnicode> {
    text.parse().map_err(|_| format!("the text {text:?} holds a NUL").into())
}
