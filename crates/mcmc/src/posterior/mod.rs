//! Turns a model, data and priors into a log density.
