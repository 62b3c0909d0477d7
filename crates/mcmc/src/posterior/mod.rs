//! Turns a model, data and priors into a log density over the free parameters.

mod density;
mod layout;
mod prior;
mod standard;

pub use density::{Posterior, PosteriorError, WindowData, Work};
pub use layout::{
    Binding, Extra, Layout, LayoutError, Parameter, QUANTITIES, Source, WINDOW_QUANTITIES, WindowBindings,
    WindowConfig,
};
pub use prior::{Prior, PriorError};
pub use standard::Standard;
