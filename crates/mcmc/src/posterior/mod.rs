//! Turns a model, data and priors into a log density over the free parameters.

mod density;
mod layout;
mod prior;

pub use density::{Posterior, WindowData, Work};
pub use layout::{Binding, Layout, LayoutError, Parameter, QUANTITIES, Source};
pub use prior::{Prior, PriorError};
