//! Tells how far a chain has converged.
