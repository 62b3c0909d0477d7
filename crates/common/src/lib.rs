//! The MPI run machinery that both programs stand on. It knows no science.

pub mod ahead;
pub mod atomic;
pub mod checkpoint;
pub mod comm;
pub mod farm;
pub mod fault;
pub mod logging;
pub mod options;
pub mod outcome;
pub mod page;
pub mod partition;
pub mod picture;
pub mod plan;
pub mod pool;
pub mod progress;
pub mod provenance;
pub mod random;
pub mod runtime;
pub mod simd_path;
pub mod undone;
pub mod units;
pub mod watchdog;
