//! `[report]` of fit.toml: what the products say.

use serde::{Deserialize, Serialize};

/// `[report]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// The species that abundances are relative to; CH3OH, where it is fitted, unless given.
    pub reference: Option<String>,
}
