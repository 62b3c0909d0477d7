//! Takes over what other programs wrote: models of XCLASS and CASSIS, spectra of CASSIS and CLASS.
//!
//! What has no counterpart here is told, never dropped in silence.

mod cassis;
mod configuration;
mod error;
mod molfit;
mod names;
mod spectra;

pub use cassis::parse_cassis;
pub use configuration::{Component, ImportedModel, Known, Value, configuration};
pub use error::InterchangeError;
pub use molfit::{Isotopologue, parse_isotopologues, parse_molfit};
pub use names::{listed_name, plain_name};
pub use spectra::{ClassAxis, ImportedSpectrum, parse_class, parse_lis};

#[cfg(test)]
mod tests;
