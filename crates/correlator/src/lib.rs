//! FX correlation of VLBI baseband recordings: the library behind `kvn-corr`.

pub mod antab;
pub mod baseband;
pub mod bench;
pub mod centres;
pub mod cli;
mod cli_job;
pub mod difx;
pub mod dispersion;
pub mod engine;
pub mod eop;
pub mod epoch;
pub mod fringe;
pub mod geometry;
pub mod inspect;
pub mod integrate;
pub mod job;
pub mod orbit;
pub mod pass;
pub mod report;
pub mod run;
pub mod schedule;
pub mod search;
pub mod sim;
pub mod station;
mod transforms;
pub mod writer;
pub mod xcorr;
