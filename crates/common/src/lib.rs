//! The MPI run machinery that both programs stand on. It knows no science.

pub mod atomic;
pub mod random;
