//! Galaxy images in FITS files to arrays for machine learning: the library behind `fits-pack`.

pub mod catalog;
pub mod cli;
pub mod config;
pub mod cut;
pub mod fits;
pub mod hash;
pub mod inspect;
pub mod kernel;
pub mod plan;
pub mod read;
pub mod report;
pub mod run;
pub mod shard;
pub mod verify;
pub mod wcs;
