//! Writes tables and pictures of a finished fit.
//!
//! All functions take plain numbers. Every file is put in its place whole or not at all.

mod canvas;
mod corner;
mod cube_page;
mod error;
mod fits_file;
mod ink;
mod map_figure;
mod page;
mod rank_figure;
mod residual;
mod rotation_figure;
mod species_table;
mod spectrum_csv;
mod spectrum_figure;
mod spectrum_fits;
mod table;
mod trace;

pub use canvas::Figure;
pub use corner::write_corner_figure;
pub use cube_page::{CubePage, write_cube_page};
pub use error::ReportError;
pub use fits_file::{Cards, Image, write_images, write_table};
pub use map_figure::{MapAxes, MapPanel, write_map_figure};
pub use page::{FitPage, write_fit_page};
pub use rank_figure::write_rank_figure;
pub use residual::{
    Feature, WindowStatistics, features_text, find_features, window_statistics, write_features_csv,
};
pub use rotation_figure::{RotationPanel, RotationPoint, write_rotation_figure};
pub use species_table::{
    Measured, SPECIES_COLUMNS, SpeciesRow, TableNotes, write_species_ecsv, write_species_latex,
};
pub use spectrum_csv::{Bands, Component, FittedSpectrum, LineLabel, write_spectrum_csv};
pub use spectrum_figure::write_spectrum_figures;
pub use spectrum_fits::write_spectrum_fits;
pub(crate) use table::csv_field;
pub use table::{ParameterRow, table_text, write_summary_csv};
pub use trace::write_trace_figure;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
