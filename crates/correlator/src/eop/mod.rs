//! Earth orientation.

use serde::{Deserialize, Serialize};

/// Earth orientation at 0h or another time of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EopPoint {
    /// UTC as MJD.
    pub mjd: f64,
    /// TAI - UTC in s.
    pub tai_utc_s: f64,
    /// UT1 - UTC in s.
    pub ut1_utc_s: f64,
    /// Pole in arc seconds.
    pub x_arcsec: f64,
    /// Pole in arc seconds, positive towards 90 degrees west.
    pub y_arcsec: f64,
    /// Offset of the celestial pole from IAU 2006/2000A in milliarcseconds.
    pub dx_mas: f64,
    /// As `dx_mas`, y.
    pub dy_mas: f64,
}
