//! Bayesian fits of molecular line spectra: the library behind `alma-fit`.

pub mod catalog;
pub mod chain;
pub mod cli;
pub mod config;
pub mod cost;
pub mod cube;
pub mod diagnose;
pub mod estimate;
pub mod first_look;
pub mod identify;
pub mod interchange;
pub mod levenberg;
pub mod model;
pub mod nonlte;
mod normal;
pub mod physics;
pub mod plan;
pub mod posterior;
pub mod report;
pub mod rotation;
pub mod run;
pub mod sampler;
pub mod spectrum;

#[cfg(test)]
mod testdata;
