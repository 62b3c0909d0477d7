//! Says which phase-calibration tones lie in the recorded channels, and how their samples repeat.

use super::{Job, Sampling};
use serde::{Deserialize, Serialize};

/// Tones nearer to a band's edge have no phase there: they are left out.
const EDGE_HZ: f64 = 0.5;
/// Tones of a channel that are followed at most.
const MOST_TONES: usize = 4096;
/// The longest run of samples that is folded.
const LONGEST_PERIOD: u64 = 1 << 18;

/// Tones at equal intervals on the sky.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PhaseCal {
    /// From one tone to the next, in Hz.
    pub interval_hz: f64,
    /// Sky frequency of any of them, in Hz; 0 where they are multiples of the interval.
    pub base_hz: f64,
}

/// A tone in a recorded channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tone {
    /// The channel, counted over all streams.
    pub recorded: usize,
    /// Sky frequency in Hz.
    pub frequency_hz: f64,
}

/// The tones of a channel in terms of its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Samples after which all tones are where they were.
    pub period: usize,
    /// Turns of each tone in a period, modulo the period.
    pub turns: Vec<usize>,
}

impl PhaseCal {
    /// Sky frequencies of the tones within a part of the spectrum, ascending.
    ///
    /// # Errors
    /// The interval is no frequency, or too small for the band; in words.
    pub fn tones_hz(&self, low_hz: f64, bandwidth_hz: f64) -> Result<Vec<f64>, String> {
        let Self { interval_hz, base_hz } = *self;
        let most = bandwidth_hz / interval_hz;
        if !(interval_hz > 0.0 && base_hz.is_finite() && most < MOST_TONES as f64) {
            return Err(format!(
                "phase calibration: an interval of {} MHz in a band of {} MHz; up to {MOST_TONES} tones are followed",
                interval_hz / 1e6,
                bandwidth_hz / 1e6
            ));
        }
        let first = ((low_hz - base_hz) / interval_hz).floor();
        let tone_hz = |k: usize| base_hz + (first + k as f64) * interval_hz;
        let inside = |f: &f64| *f > low_hz + EDGE_HZ && *f < low_hz + bandwidth_hz - EDGE_HZ;
        Ok((0..most as usize + 3).map(tone_hz).filter(inside).collect())
    }
}

impl Cycle {
    /// Of tones at these frequencies from the one that the samples have as 0.
    ///
    /// # Errors
    /// The samples do not repeat soon enough; in words.
    pub fn new(offsets_hz: &[f64], rate_hz: u64) -> Result<Self, String> {
        let whole = |offset: &f64| {
            let off = (offset - offset.round()).abs();
            if off < 1e-3 {
                Ok(offset.round() as i64)
            } else {
                Err(format!("tones are {off} Hz off whole Hz"))
            }
        };
        let offsets = offsets_hz.iter().map(whole).collect::<Result<Vec<i64>, String>>()?;
        let common = offsets.iter().fold(rate_hz, |common, offset| gcd(common, offset.unsigned_abs()));
        let period = rate_hz / common.max(1);
        if period > LONGEST_PERIOD {
            return Err(format!(
                "phase calibration: the tones repeat after {period} samples only; up to {LONGEST_PERIOD} are folded"
            ));
        }
        let turns = |offset: &i64| (offset / common.max(1) as i64).rem_euclid(period as i64) as usize;
        Ok(Self { period: period as usize, turns: offsets.iter().map(turns).collect() })
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Job {
    /// Sky frequency that is 0 in the samples of a recorded channel, in Hz.
    pub fn zero_hz(&self, stream: usize, channel: usize) -> f64 {
        let of = &self.streams[stream];
        let band = &self.bands[of.channels[channel].band];
        match of.sampling {
            Sampling::ComplexCentred => band.low_hz() + 0.5 * band.bandwidth_hz,
            Sampling::Real | Sampling::Complex => band.lo_hz,
        }
    }

    /// Sky frequencies of the tones of a recorded channel, ascending.
    ///
    /// # Errors
    /// As [`PhaseCal::tones_hz`].
    pub fn channel_tones_hz(&self, stream: usize, channel: usize) -> Result<Vec<f64>, String> {
        let of = &self.streams[stream];
        let band = &self.bands[of.channels[channel].band];
        of.phase_cal.map_or(Ok(Vec::new()), |tones| tones.tones_hz(band.low_hz(), band.bandwidth_hz))
    }

    /// The tones of a recorded channel in terms of its samples.
    ///
    /// # Errors
    /// They cannot be followed; in words.
    pub fn cycle(&self, stream: usize, channel: usize) -> Result<Cycle, String> {
        let zero_hz = self.zero_hz(stream, channel);
        let offsets: Vec<f64> = self.channel_tones_hz(stream, channel)?.iter().map(|f| f - zero_hz).collect();
        Cycle::new(&offsets, self.streams[stream].sample_rate_hz)
    }

    /// All tones of all recorded channels. A job that was made has none that cannot be followed.
    pub fn tones(&self) -> Vec<Tone> {
        let channels = |s: usize| (0..self.streams[s].channels.len()).map(move |c| (s, c));
        let recorded = (0..self.streams.len()).flat_map(channels).enumerate();
        let of = |(recorded, (s, c)): (usize, (usize, usize))| {
            let tones_hz = self.channel_tones_hz(s, c).unwrap_or_default();
            tones_hz.into_iter().map(move |frequency_hz| Tone { recorded, frequency_hz })
        };
        recorded.flat_map(of).collect()
    }

    /// Whether all tones can be followed.
    ///
    /// # Errors
    /// The station and why not.
    pub fn check_tones(&self) -> Result<(), String> {
        for (s, stream) in self.streams.iter().enumerate() {
            for c in 0..stream.channels.len() {
                let named = |what| format!("station {}: {what}", self.stations[stream.station].name);
                self.cycle(s, c).map_err(named)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_inside_the_band() {
        let tones = |interval_mhz: f64, base_mhz: f64, low_mhz: f64| {
            let comb = PhaseCal { interval_hz: interval_mhz * 1e6, base_hz: base_mhz * 1e6 };
            comb.tones_hz(low_mhz * 1e6, 16e6).unwrap().iter().map(|f| f / 1e6).collect::<Vec<_>>()
        };
        assert_eq!(tones(5.0, 0.0, 22_000.0), [22_005.0, 22_010.0, 22_015.0]);
        assert_eq!(tones(8.0, 0.0, 22_000.0), [22_008.0], "edges have no phase");
        assert_eq!(tones(5.0, 0.0, 22_003.99), [22_005.0, 22_010.0, 22_015.0]);
        assert_eq!(tones(5.0, 1.0, 22_000.0), [22_001.0, 22_006.0, 22_011.0]);
        assert!(tones(100.0, 0.0, 22_001.0).is_empty());
        for interval_hz in [0.0, -1e6, f64::NAN, 10.0] {
            assert!(PhaseCal { interval_hz, base_hz: 0.0 }.tones_hz(22e9, 16e6).is_err());
        }
    }

    #[test]
    fn cycles_hold_whole_turns() {
        let cycle = Cycle::new(&[1e6, 2e6, -3e6], 32_000_000).unwrap();
        assert_eq!(cycle, Cycle { period: 32, turns: vec![1, 2, 29] });
        assert_eq!(Cycle::new(&[10e3, 1.01e6], 32_000_000).unwrap().period, 3200);
        assert_eq!(Cycle::new(&[], 32_000_000).unwrap().period, 1);
        assert!(Cycle::new(&[1e6 + 1.0], 32_000_000).unwrap_err().contains("32000000 samples"));
        assert!(Cycle::new(&[1e6 + 0.3], 32_000_000).unwrap_err().contains("whole Hz"));
    }
}
