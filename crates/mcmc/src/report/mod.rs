//! Writes tables and pictures of a finished fit.
//!
//! All functions take plain numbers. Every file is put in its place whole or not at all.

mod canvas;
mod corner;
mod error;
mod residual;
mod rotation_figure;
mod spectrum_csv;
mod spectrum_figure;
mod table;
mod trace;

pub use corner::write_corner_figure;
pub use error::ReportError;
pub use residual::{Feature, features_text, find_features, write_features_csv};
pub use rotation_figure::{RotationPanel, RotationPoint, write_rotation_figure};
pub use spectrum_csv::{Component, FittedSpectrum, LineLabel, write_spectrum_csv};
pub use spectrum_figure::write_spectrum_figures;
pub use table::{ParameterRow, table_text, write_summary_csv};
pub use trace::write_trace_figure;

#[cfg(test)]
mod tests;
