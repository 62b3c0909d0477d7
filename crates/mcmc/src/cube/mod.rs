//! Fits of a cube, pixel by pixel: which pixel starts where, and the fit of one of them. Pure numbers.

mod draws;
mod order;
mod pixel;

pub use order::{Order, TOP, level};
pub use pixel::{PixelFit, PixelSettings, fit_pixel, flags, pixel_seed, signal_to_noise};

#[cfg(test)]
mod tests;
