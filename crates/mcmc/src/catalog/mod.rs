//! Line catalogues: transitions and partition functions of one entry, and their selection by window.

mod database;
mod duplicates;
mod error;
mod import;
pub(crate) mod interpolate;
mod library;
mod line;
mod partition;
mod qtable;
mod select;
mod species;
mod spfit;
mod text;
mod vibration;

pub use database::{Database, DatabaseEntry, is_database};
pub use duplicates::{Duplicates, DuplicatesFound, without_duplicates};
pub use error::{CatalogError, PartitionError};
pub use import::{ImportError, ImportOptions, Imported, import};
pub use interpolate::Interpolation;
pub use library::{Entry, Library, LibraryError, Origin, data_folder, user_folder};
pub use line::{A_UL_CONSTANT, Line, T_CATALOG_K};
pub use partition::{PartitionFunction, QValue};
pub use qtable::{QFormat, QTable};
pub use select::VelocityRange;
pub use species::Species;
pub use spfit::{format_spfit, parse_spfit, read_spfit};
pub use vibration::{HIGHEST_VIBRATIONAL_K, Vibrations};

#[cfg(test)]
pub(crate) use database::write_small_database;
