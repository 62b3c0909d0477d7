//! Moves an ensemble of walkers.
