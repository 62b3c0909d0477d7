//! The delay model: geometric delay, tides, bending of light, antenna, troposphere.
//!
//! Delays are t_station - t_geocentre: when a wave front meets the station, after it met the geocentre. DiFX's `.im`
//! and the correlator ([`crate::geometry::DelayModel`]) count the other way round; [`fit`] turns the sign.

pub mod calculator;
pub mod consensus;
pub mod earth;
pub mod fit;
pub mod near;
pub mod ocean;
pub mod site;
pub mod target;
pub mod tides;
pub mod troposphere;
pub mod vector;

pub use calculator::{Calculator, Instant, ModelOptions, Parts};
pub use earth::{Earth, LIGHT_M_S};
pub use site::{Local, Site};
pub use target::{Direction, Seen, Target};
pub use troposphere::Troposphere;
