//! Tests of the excitation against analytic solutions, differences, a slow twin and RADEX.

mod limits;
pub(super) mod made_up;
mod parser;
mod radex;
mod slopes;
