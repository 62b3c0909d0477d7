//! Names the instruction sets that kernels are compiled for, and finds the best one of a machine.

use serde::{Deserialize, Serialize};

/// The instruction sets that kernels are compiled for. The last bits of results differ between them:
/// one run uses one path on all of its ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SimdPath {
    /// What every processor has.
    Portable,
    /// 256 bits: AVX2 with fused multiply-add.
    Avx2,
    /// 512 bits: AVX-512F.
    Avx512,
}

impl SimdPath {
    /// All paths, from the slowest to the fastest: each includes those before it.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The best path of this machine.
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|path| path.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2(),
            Self::Avx512 => avx2() && is_x86_feature_detected!("avx512f"),
        }
    }

    /// A number for the ranks to agree on the lowest.
    pub fn level(self) -> u8 {
        self as u8
    }

    /// The path of a level; the best one for a level that is not known.
    pub fn from_level(level: u8) -> Self {
        Self::ALL[usize::from(level).min(Self::ALL.len() - 1)]
    }
}
