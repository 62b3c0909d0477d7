//! The data as absorption sees them: what lies below the continuum, upside down.

use super::Data;
use super::candidate::Candidate;
use super::search::{Found, residual};

/// Data (K) whose lines are those of `data` in absorption: what is left below zero by the species found in emission, with its sign
/// turned, and nowhere more than the data themselves are below zero: a model of emission that is too bright absorbs nothing.
pub fn turned(data: &Data, candidates: &mut [Candidate], emission: &[Found]) -> Data {
    let left = residual(data, candidates, emission);
    let t_k = left.iter().zip(&data.t_k).map(|(left, t)| (-left).min((-t).max(0.0))).collect();
    Data { t_k, ..data.clone() }
}
