//! Sums visibilities and weights over time.
