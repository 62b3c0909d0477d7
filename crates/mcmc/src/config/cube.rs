//! `[cube]` of fit.toml: every pixel of a cube is fitted.

use serde::{Deserialize, Serialize};

/// `[cube]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CubeConfig {
    /// Pixels whose brightest channel is this many times its noise are fitted.
    pub snr: f64,
    /// First and last column, zero-based; all unless given.
    pub x: Option<[usize; 2]>,
    /// First and last row, zero-based; all unless given.
    pub y: Option<[usize; 2]>,
    /// Chains of a pixel.
    pub chains: usize,
    /// Effective samples that are enough.
    pub ess: f64,
    /// Draws of each chain, at most.
    pub draws: usize,
    /// Whether pixels whose short chains do not agree are drawn again by parallel tempering.
    pub tempering: bool,
}

impl Default for CubeConfig {
    fn default() -> Self {
        Self { snr: 5.0, x: None, y: None, chains: 8, ess: 200.0, draws: 400, tempering: true }
    }
}
