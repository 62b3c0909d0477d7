//! Simulates recordings of sources and noise.
