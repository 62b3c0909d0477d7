//! Variables on named dimensions in HDF5 files, as netCDF-4 and hence xarray understand them.
//!
//! A dimension is a dataset with the attributes of an HDF5 dimension scale (HDF5 Dimension Scale Specification); a variable
//! refers to its dimensions by the attribute `DIMENSION_LIST`. netCDF takes a scale for one only where `CLASS` is a text of
//! 16 bytes that ends with NUL. The HDF5 library of this program makes texts of a fixed length without that NUL; the type
//! comes from a file of one attribute, `scale.h5`.

use super::hdf;
use hdf5::types::{FixedAscii, VarLenArray};
use hdf5::{Dataset, Datatype, Group, Location, ObjectReference1, Result};
use ndarray::ArrayView;
use std::io;
use std::path::Path;

/// An empty HDF5 file whose root has the attribute `CLASS` as a dimension scale has it.
const SCALE: &[u8] = include_bytes!("scale.h5");

/// The type of a scale's texts.
pub(super) struct ScaleText(Datatype);

impl ScaleText {
    /// Takes it from the file, which for a moment is at `path`.
    pub(super) fn read_at(path: &Path) -> Result<Self> {
        let wrap = |e: io::Error| hdf5::Error::from(format!("cannot write {}: {e}", path.display()));
        std::fs::write(path, SCALE).map_err(wrap)?;
        let file = hdf::open(path)?;
        let text = Self(file.attr("CLASS")?.dtype()?);
        file.close()?;
        Ok(text)
    }

    fn write(&self, place: &Location, name: &str, text: &str) -> Result<()> {
        let text = FixedAscii::<16>::from_ascii(text.as_bytes()).map_err(|e| e.to_string())?;
        place.new_attr_builder().empty_as(&self.0).create(name)?.write_scalar(&text)
    }
}

/// A dimension of a group: a coordinate with the values 0, 1, 2 ...
pub(super) fn add_dimension(
    group: &Group,
    text: &ScaleText,
    name: &str,
    length: usize,
    id: i32,
) -> Result<()> {
    let scale = group.new_dataset::<i64>().shape(length).obj_track_times(false).create(name)?;
    scale.write_raw(&(0..length as i64).collect::<Vec<_>>())?;
    text.write(&scale, "CLASS", "DIMENSION_SCALE")?;
    text.write(&scale, "NAME", name)?;
    scale.new_attr::<i32>().create("_Netcdf4Dimid")?.write_scalar(&id)
}

/// A variable on dimensions of its group. `values` in the order of `dimensions`, the last fastest.
pub(super) fn add_variable<T: hdf5::H5Type, D: ndarray::Dimension>(
    group: &Group,
    name: &str,
    dimensions: &[&str],
    values: ArrayView<'_, T, D>,
) -> Result<Dataset> {
    let variable = group.new_dataset::<T>().shape(values.shape()).obj_track_times(false).create(name)?;
    variable.write(values)?;
    let list: Vec<VarLenArray<ObjectReference1>> = dimensions
        .iter()
        .map(|dimension| Ok(VarLenArray::from_slice(&[group.reference::<ObjectReference1>(dimension)?])))
        .collect::<Result<_>>()?;
    variable.new_attr_builder().with_data(&ndarray::Array1::from(list)).create("DIMENSION_LIST")?;
    Ok(variable)
}
