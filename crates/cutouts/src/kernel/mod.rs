//! What is done to pixels: numbers in, numbers out, scratch from the caller.
//!
//! Images are rows of `width` pixels in single precision; what is null is NaN until its policy has filled it, and marked in the mask.
//! Plain arithmetic in a fixed order, no library functions of the system: the same bytes on every host.

pub mod asinh;
pub mod components;
pub mod healpix;
#[cfg(test)]
mod healpix_cells;
pub mod nulls;
pub mod planes;
pub mod resample;
// Vectors of newer processors.
#[allow(unsafe_code)]
mod simd;
pub mod sky;
pub mod statistics;

/// Bits of the mask.
pub mod bits {
    /// The file has no number there (NaN, infinite, BLANK); the image has what the policy put in.
    pub const NULL: u8 = 1;
    /// At or above the band's saturation level.
    pub const SATURATED: u8 = 2;
    /// Belongs to another object than the central one.
    pub const FOREGROUND: u8 = 4;
    /// Outside of the file's image; zero.
    pub const PADDED: u8 = 8;
    /// The band's file is not there or cannot be used; zero.
    pub const MISSING: u8 = 16;
    /// Names of the bits, lowest first.
    pub const NAMES: [&str; 5] = ["null", "saturated", "foreground", "padded", "missing"];
}
