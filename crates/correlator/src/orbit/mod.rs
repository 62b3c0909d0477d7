//! Orbits of spacecraft and other near bodies: states at given times, and the positions between them.
//!
//! Between two states the position is Hermite's polynomial through positions and velocities of the four states around the
//! time: of degree 7, as orbit messages are made for.

mod horizons;
mod oem;
#[cfg(test)]
mod tests;

use crate::epoch::Epoch;
use crate::geometry::model::vector::Vec3;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// States that one interpolation uses.
const STATES: usize = 4;
/// Rounding of a time in s.
const SLACK_S: f64 = 1e-6;

/// Why an orbit cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OrbitError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {cause}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A line that cannot be used.
    #[error("{path}:{line}: {what}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The file is of no known format.
    #[error(
        "{path}: neither an orbit ephemeris message (it begins with CCSDS_OEM_VERS) nor a table of vectors from \
         JPL Horizons (with $$SOE and $$EOE)",
        path = path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// A time for which it has no states.
    #[error(
        "the orbit of {body} has no states around {wanted} ({scale}): it reaches from {from} to {to}{hole}; \
         light leaves the body before it arrives"
    )]
    Outside {
        /// The body.
        body: String,
        /// The time.
        wanted: Epoch,
        /// Its scale.
        scale: &'static str,
        /// First state.
        from: Epoch,
        /// Last state.
        to: Epoch,
        /// Whether the time lies between two parts.
        hole: &'static str,
    },
}

/// What positions are measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Centre {
    /// The Earth's centre.
    Earth,
    /// The Sun's.
    Sun,
    /// The solar system's barycentre.
    Barycentre,
}

/// What times are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Universal time.
    Utc,
    /// Atomic time.
    Tai,
    /// Terrestrial time.
    Tt,
    /// That of the GPS satellites.
    Gps,
    /// Barycentric dynamical time.
    Tdb,
}

impl Scale {
    fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Tai => "TAI",
            Self::Tt => "TT",
            Self::Gps => "GPS",
            Self::Tdb => "TDB",
        }
    }
}

/// Position and velocity at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// When, in the orbit's scale.
    pub time: Epoch,
    /// Where, in m.
    pub position_m: Vec3,
    /// In m/s.
    pub velocity_m_s: Vec3,
}

/// States in the order of time without a hole.
pub type Segment = Vec<State>;

/// The orbit of a body, axes of the ICRF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Orbit {
    /// The body.
    pub body: String,
    /// What positions are measured from.
    pub centre: Centre,
    /// What times are counted in. With TDB positions are differences of barycentric ones, else, about the Earth, geocentric
    /// (GCRS) ones.
    pub scale: Scale,
    /// Parts, in the order of time.
    segments: Vec<Segment>,
}

impl Orbit {
    /// Takes parts of states.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(body: String, centre: Centre, scale: Scale, segments: Vec<Segment>) -> Result<Self, String> {
        if segments.iter().all(Vec::is_empty) {
            return Err("it has no states".to_owned());
        }
        let segments_in_order = segments.windows(2).all(|p| match (p[0].last(), p[1].first()) {
            (Some(last), Some(first)) => first.time.since(last.time) >= 0.0,
            _ => true,
        });
        if !segments_in_order {
            return Err("its parts overlap or are not in the order of time".to_owned());
        }
        for segment in &segments {
            if segment.len() < 2 {
                return Err("a part has less than two states".to_owned());
            }
            if let Some(pair) = segment.windows(2).find(|p| p[1].time.since(p[0].time) <= 0.0) {
                return Err(format!("the states are not in the order of time at {}", pair[1].time));
            }
        }
        Ok(Self { body, centre, scale, segments })
    }

    /// Reads an orbit ephemeris message (CCSDS 502.0) or a table of vectors of JPL Horizons.
    ///
    /// # Errors
    /// [`OrbitError`], with the line.
    pub fn open(path: &Path) -> Result<Self, OrbitError> {
        let bytes = std::fs::read(path).map_err(|cause| OrbitError::Read { path: path.to_owned(), cause })?;
        Self::parse(path, &String::from_utf8_lossy(&bytes))
    }

    /// Reads the text of one; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, OrbitError> {
        let read = if text.trim_start().starts_with("CCSDS_OEM_VERS") {
            oem::parse(text)
        } else if text.contains("$$SOE") {
            horizons::parse(text)
        } else {
            return Err(OrbitError::Unknown { path: path.to_owned() });
        };
        read.map_err(|Wrong { line, what }| OrbitError::Line { path: path.to_owned(), line, what })
    }

    /// The times of the first and the last state, in the orbit's scale.
    pub fn span(&self) -> (Epoch, Epoch) {
        let (first, last) = (&self.segments[0], &self.segments[self.segments.len() - 1]);
        (first[0].time, last[last.len() - 1].time)
    }

    /// Where the body is at a time of the orbit's scale, in m.
    ///
    /// # Errors
    /// [`OrbitError::Outside`].
    pub fn position_m(&self, time: Epoch) -> Result<Vec3, OrbitError> {
        let inside =
            |s: &&Segment| time.since(s[0].time) >= -SLACK_S && time.since(s[s.len() - 1].time) <= SLACK_S;
        let segment = self.segments.iter().find(inside).ok_or_else(|| self.outside(time))?;
        let after = segment.partition_point(|s| s.time.since(time) <= 0.0);
        let count = STATES.min(segment.len());
        let first = after.saturating_sub(count / 2).min(segment.len() - count);
        Ok(hermite(&segment[first..first + count], time))
    }

    fn outside(&self, wanted: Epoch) -> OrbitError {
        let (from, to) = self.span();
        let within = wanted.since(from) > 0.0 && wanted.since(to) < 0.0;
        OrbitError::Outside {
            body: self.body.clone(),
            wanted,
            scale: self.scale.name(),
            from,
            to,
            hole: if within { " with a hole" } else { "" },
        }
    }
}

/// Hermite's polynomial through the states at a time: Newton's form with every node twice.
fn hermite(states: &[State], time: Epoch) -> Vec3 {
    let origin = states[0].time;
    // Times in units of the span: powers stay near one.
    let span_s = states[states.len() - 1].time.since(origin);
    let x: Vec<f64> = states.iter().flat_map(|s| [s.time.since(origin) / span_s; 2]).collect();
    let t = time.since(origin) / span_s;
    std::array::from_fn(|axis| {
        let mut table: Vec<f64> = states.iter().flat_map(|s| [s.position_m[axis]; 2]).collect();
        for order in 1..x.len() {
            for i in (order..x.len()).rev() {
                table[i] = if x[i] == x[i - order] {
                    states[i / 2].velocity_m_s[axis] * span_s
                } else {
                    (table[i] - table[i - 1]) / (x[i] - x[i - order])
                };
            }
        }
        (0..x.len()).rev().fold(0.0, |sum, i| sum * (t - x[i]) + table[i])
    })
}

/// What is wrong with a line, counted from 1.
struct Wrong {
    line: usize,
    what: String,
}

/// Six numbers in km and km/s as a state; `fields` may hold more.
fn state(time: Epoch, fields: &[&str]) -> Result<State, String> {
    let number = |i: usize| -> Result<f64, String> {
        let text = fields.get(i).copied().unwrap_or_default().trim();
        let value: Option<f64> = text.parse().ok().filter(|x: &f64| x.is_finite());
        value
            .map(|x| x * 1e3)
            .ok_or_else(|| format!("\"{text}\" in place of a position in km or a velocity in km/s"))
    };
    let three = |first: usize| Ok::<Vec3, String>([number(first)?, number(first + 1)?, number(first + 2)?]);
    Ok(State { time, position_m: three(0)?, velocity_m_s: three(3)? })
}

/// Turns a vector of the mean equator and equinox of J2000 to the ICRF: the frame bias of IAU 2000.
fn icrf_from_j2000(vector: Vec3) -> Vec3 {
    let (bias, ..) = sofars::pnp::bp06(2_451_545.0, 0.0);
    crate::geometry::model::vector::rotated_back(&bias, vector)
}
