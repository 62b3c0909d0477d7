//! Turns a model, data and priors into a log density over the free parameters.

mod layout;
mod prior;

pub use layout::{Binding, Layout, LayoutError, Parameter, QUANTITIES};
pub use prior::{Prior, PriorError};
