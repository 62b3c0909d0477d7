//! Delay in the troposphere: zenith delays of a standard atmosphere, mapped down by Niell's functions.
//!
//! Zenith: Davis et al. 1985 (Radio Science 20, 1593) for the hydrostatic part, Saastamoinen 1972 for the wet part with 50 %
//! humidity. Mapping: Niell 1996 (J. Geophys. Res. 101, 3227). Pressure and temperature of the standard atmosphere are those
//! that CALC takes where no weather is known, so that its delays can be compared.

use super::earth::LIGHT_M_S;
use super::site::Local;
use crate::epoch::Epoch;
use std::f64::consts::{PI, TAU};

const LATITUDES_DEG: [f64; 5] = [15.0, 30.0, 45.0, 60.0, 75.0];
/// Coefficients a, b, c of the hydrostatic function by latitude: mean.
const DRY_MEAN: [[f64; 3]; 5] = [
    [1.276_993_4e-3, 2.915_369_5e-3, 62.610_505e-3],
    [1.268_323_0e-3, 2.915_229_9e-3, 62.837_393e-3],
    [1.246_539_7e-3, 2.928_844_5e-3, 63.721_774e-3],
    [1.219_604_9e-3, 2.902_256_5e-3, 63.824_265e-3],
    [1.204_599_6e-3, 2.902_491_2e-3, 64.258_455e-3],
];
/// Their yearly amplitude.
const DRY_YEARLY: [[f64; 3]; 5] = [
    [0.0, 0.0, 0.0],
    [1.270_962_6e-5, 2.141_497_9e-5, 9.012_840_0e-5],
    [2.652_366_2e-5, 3.016_077_9e-5, 4.349_703_7e-5],
    [3.400_045_2e-5, 7.256_272_2e-5, 84.795_348e-5],
    [4.120_219_1e-5, 11.723_375e-5, 170.372_06e-5],
];
/// Of the wet function.
const WET: [[f64; 3]; 5] = [
    [5.802_189_7e-4, 1.427_526_8e-3, 4.347_296_1e-2],
    [5.679_484_7e-4, 1.513_862_5e-3, 4.672_951_0e-2],
    [5.811_801_9e-4, 1.457_275_2e-3, 4.390_893_1e-2],
    [5.972_754_2e-4, 1.500_742_8e-3, 4.462_698_2e-2],
    [6.164_169_3e-4, 1.759_908_2e-3, 5.473_603_8e-2],
];
/// Correction of the hydrostatic function for height.
const HEIGHT: [f64; 3] = [2.53e-5, 5.49e-3, 1.14e-3];
/// The day of the year in which it is coldest in the north.
const COLDEST_DAY: f64 = 28.0;

/// Delays in the troposphere in s.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Troposphere {
    /// Hydrostatic.
    pub dry_s: f64,
    /// Wet.
    pub wet_s: f64,
}

/// Standard pressure in hPa at a height.
pub fn standard_pressure_hpa(height_m: f64) -> f64 {
    1013.25 * (1.0 - 6.5e-3 * height_m / 293.15).powf(5.26)
}

/// Delay towards an elevation (rad, above 0) at a place; `pressure_hpa` of the standard atmosphere where none is known.
pub fn delay(local: &Local, elevation_rad: f64, time: Epoch, pressure_hpa: Option<f64>) -> Troposphere {
    let pressure = pressure_hpa.unwrap_or_else(|| standard_pressure_hpa(local.height_m));
    let height_km = local.height_m / 1e3;
    let gravity = 1.0 - 0.002_66 * (2.0 * local.latitude_rad).cos() - 0.000_28 * height_km;
    let zenith_dry_m = 0.002_276_8 * pressure / gravity;
    let kelvin = 293.15 - 6.5e-3 * local.height_m;
    let celsius = kelvin - 273.16;
    let saturation_hpa = 6.11 * (17.269 * celsius / (celsius + 237.3)).exp();
    let zenith_wet_m = 0.002_277 * (1255.0 / kelvin + 0.05) * 0.5 * saturation_hpa;
    let sin = elevation_rad.sin();
    Troposphere {
        dry_s: zenith_dry_m / LIGHT_M_S * dry_mapping(local, sin, time),
        wet_s: zenith_wet_m / LIGHT_M_S * fraction(by_latitude(&WET, local.latitude_rad), sin),
    }
}

fn dry_mapping(local: &Local, sin_elevation: f64, time: Epoch) -> f64 {
    let southern = if local.latitude_rad < 0.0 { 0.5 * 365.25 } else { 0.0 };
    // Days since 1980-01-00.
    let day = time.as_mjd() - 44_238.0 + southern;
    let season = (TAU * (day - COLDEST_DAY) / 365.25).cos();
    let (mean, yearly) =
        (by_latitude(&DRY_MEAN, local.latitude_rad), by_latitude(&DRY_YEARLY, local.latitude_rad));
    let abc = [0, 1, 2].map(|i| mean[i] - yearly[i] * season);
    let height_km = local.height_m / 1e3;
    fraction(abc, sin_elevation) + (1.0 / sin_elevation - fraction(HEIGHT, sin_elevation)) * height_km
}

/// Marini's continued fraction, 1 in the zenith.
fn fraction([a, b, c]: [f64; 3], sin: f64) -> f64 {
    let zenith = 1.0 + a / (1.0 + b / (1.0 + c));
    zenith / (sin + a / (sin + b / (sin + c)))
}

/// Coefficients at a latitude: linear between those of the table.
fn by_latitude(table: &[[f64; 3]; 5], latitude_rad: f64) -> [f64; 3] {
    let latitude = (latitude_rad.abs() * 180.0 / PI).clamp(LATITUDES_DEG[0], LATITUDES_DEG[4]);
    let place = (latitude - LATITUDES_DEG[0]) / 15.0;
    let below = (place as usize).min(3);
    let part = place - below as f64;
    [0, 1, 2].map(|i| table[below][i] + part * (table[below + 1][i] - table[below][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zenith_and_horizon() {
        let local = Local { longitude_rad: 2.2, latitude_rad: 0.6, height_m: 120.0 };
        let time = Epoch::new(60_000, 0.0);
        let zenith = delay(&local, 0.5 * PI, time, None);
        assert!((zenith.dry_s * LIGHT_M_S - 2.277).abs() < 0.02, "{zenith:?}");
        assert!(zenith.wet_s * LIGHT_M_S > 0.08 && zenith.wet_s * LIGHT_M_S < 0.2, "{zenith:?}");
        // At 5 degrees Niell's dry function is about 10.15 (Niell 1996, table 3: 10.1).
        let low = delay(&local, 5.0 * PI / 180.0, time, None);
        assert!((low.dry_s / zenith.dry_s - 10.15).abs() < 0.1, "{}", low.dry_s / zenith.dry_s);
        let heavy = delay(&local, 0.5 * PI, time, Some(2.0 * standard_pressure_hpa(120.0)));
        assert!((heavy.dry_s / zenith.dry_s - 2.0).abs() < 1e-12);
    }
}
