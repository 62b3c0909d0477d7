//! The delay of a pulse in the plasma between its source and us.

/// Dispersion constant, Hz^2 s / (pc cm^-3): 1 / 2.41e-4 s MHz^2, as pulsar software has it (Manchester & Taylor 1972).
pub const DISPERSION_HZ2_S: f64 = 1e12 / 2.41e-4;

/// How much later a pulse arrives at a sky frequency than at an infinite one, s: K DM / f^2; DM in pc cm^-3.
pub fn delay_s(dm_pc_cm3: f64, sky_hz: f64) -> f64 {
    DISPERSION_HZ2_S * dm_pc_cm3 / (sky_hz * sky_hz)
}

/// Phase that dispersion adds to a wave of a sky frequency, in turns, up to a constant: its slope is -[`delay_s`].
pub fn turns(dm_pc_cm3: f64, sky_hz: f64) -> f64 {
    DISPERSION_HZ2_S * dm_pc_cm3 / sky_hz
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crab_at_1_4_ghz() {
        // DM 56.77 between 1.4 and 1.5 GHz: 4.149 ms x 56.77 x (1.4^-2 - 1.5^-2).
        let found = delay_s(56.77, 1.4e9) - delay_s(56.77, 1.5e9);
        assert!((found - 15.494e-3).abs() < 1e-5, "{found}");
    }

    #[test]
    fn the_slope_of_the_phase_is_the_delay() {
        let (hz, step_hz) = (1.4e9, 1e3);
        let slope = (turns(56.77, hz + step_hz) - turns(56.77, hz - step_hz)) / (2.0 * step_hz);
        assert!((slope / -delay_s(56.77, hz) - 1.0).abs() < 1e-6, "{slope}");
    }
}
