//! Line catalogues: transitions and partition functions of one entry, and their selection by window.

mod error;
mod interpolate;
mod line;
mod partition;
mod qtable;
mod select;
mod species;
mod spfit;

pub use error::{CatalogError, PartitionError};
pub use interpolate::Interpolation;
pub use line::{A_UL_CONSTANT, Line, T_CATALOG_K};
pub use partition::{PartitionFunction, QValue};
pub use qtable::{QFormat, QTable};
pub use select::VelocityRange;
pub use species::Species;
pub use spfit::{parse_spfit, read_spfit};
