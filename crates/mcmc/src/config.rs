//! The fit.toml file.
