//! What the transitions of a gradient sampler say about how far its draws can be trusted.

use crate::chain;
use crate::diagnose::{Diagnosis, e_bfmi};
use std::fmt::Write as _;
use std::path::Path;

/// Chains below this explore the tails too slowly (Betancourt 2016, arXiv:1604.00695).
const E_BFMI_LIMIT: f64 = 0.3;

/// Lines for the summary; none where there are no such transitions.
pub(super) fn text(source: &Path, gradients: u64, diagnosis: &Diagnosis) -> anyhow::Result<String> {
    let mut text = String::new();
    if gradients == 0 {
        return Ok(text);
    }
    let read = |name: &str| chain::read_statistics(source, name);
    let (depth, acceptance) = (read("tree_depth")?, read("acceptance_rate")?);
    let mean = |values: &ndarray::Array2<f64>| values.sum() / values.len() as f64;
    let least = e_bfmi(read("energy")?.view()).into_iter().fold(f64::INFINITY, f64::min);
    let gradients = gradients as f64;
    let tail = diagnosis.parameters.iter().map(|p| p.ess_tail).fold(f64::INFINITY, f64::min);
    let _ = writeln!(
        text,
        "acceptance {:.2}, mean tree depth {:.1}, smallest E-BFMI {least:.2}; {:.2} gradients per effective sample in the \
         bulk, {:.2} in the tails",
        mean(&acceptance),
        mean(&depth),
        gradients / diagnosis.smallest_ess(),
        gradients / tail
    );
    if least < E_BFMI_LIMIT {
        let _ = writeln!(text, "an E-BFMI below {E_BFMI_LIMIT}: the chains explore the tails slowly");
    }
    Ok(text)
}
