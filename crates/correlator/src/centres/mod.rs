//! Turns visibilities from the pointing centre to phase centres.
//!
//! Every shift interval, at its midpoint t, with tau_0 a station's delay towards the pointing centre and tau_c
//! towards a phase centre, D = (tau_c - tau_0)(1 + d tau_0/dt); visibilities of stations A and B are turned by
//! exp(-2 pi i f (D_A - D_B)), f the sky frequency of each channel's lower edge. What the interval's length and the
//! transform's length lose of a source there is known (Morgan, Mantovani, Deller et al. 2011, A&A 526, A140, for the
//! method; the factors as in DiFX): sin(x)/x with x = pi f_LO dD/dt T over time, 1 - |D_A - D_B| B / n in delay.

pub mod mosaic;
pub mod resolution;
mod smearing;
mod turner;

pub use smearing::{Smearing, smearing, smearing_csv};
pub use turner::{Interval, Turner};

use crate::geometry::{Delay, DelayModel};
use crate::job::Band;

/// Differential delay of a pair of stations towards a phase centre.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shift {
    /// D_A - D_B in s.
    pub delay_s: f64,
    /// Its rate in s/s.
    pub rate: f64,
}

/// What of a shift belongs to one station: D and its rate.
pub fn of_station(model: &dyn DelayModel, centre: usize, station: usize, t_s: f64) -> Shift {
    towards(model, centre, model.delay(0, station, t_s), (station, t_s))
}

/// The same with the delay towards the pointing centre at hand.
fn towards(model: &dyn DelayModel, centre: usize, pointing: Delay, (station, t_s): (usize, f64)) -> Shift {
    let to = model.delay(centre + 1, station, t_s);
    Shift { delay_s: (to.delay_s - pointing.delay_s) * (1.0 + pointing.rate), rate: to.rate - pointing.rate }
}

/// The shift of stations `a`, `b` to phase centre `centre` at a time.
pub fn shift(model: &dyn DelayModel, centre: usize, (a, b): (usize, usize), t_s: f64) -> Shift {
    of_station(model, centre, a, t_s).minus(of_station(model, centre, b, t_s))
}

impl Shift {
    /// A baseline's shift from those of its two stations.
    pub fn minus(self, b: Self) -> Self {
        Self { delay_s: self.delay_s - b.delay_s, rate: self.rate - b.rate }
    }

    /// Turns of the first channel and turns per channel: channel c is turned by first + c step.
    pub fn turns(&self, band: &Band, channels: usize) -> (f64, f64) {
        (-band.low_hz() * self.delay_s, -band.bandwidth_hz / channels as f64 * self.delay_s)
    }

    /// What is left of a source at the phase centre: 1 for no loss, 0 where nothing is.
    pub fn coherence(&self, band: &Band, channels: usize, interval_s: f64) -> f64 {
        self.left_over_time(band, interval_s) * self.left_over_bandwidth(band, channels)
    }

    /// What the turning of the phase within an interval leaves.
    pub fn left_over_time(&self, band: &Band, interval_s: f64) -> f64 {
        let half_turn = std::f64::consts::PI * self.rate * interval_s * band.lo_hz;
        let time = if half_turn.abs() < 1e-9 { 1.0 } else { libm::sin(half_turn) / half_turn };
        time.max(0.0)
    }

    /// What the delay leaves of blocks as long as a transform.
    pub fn left_over_bandwidth(&self, band: &Band, channels: usize) -> f64 {
        let window_s = channels as f64 / band.bandwidth_hz;
        (1.0 - (self.delay_s / window_s).abs()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difx::example;
    use crate::integrate::{Accumulator, Shape, stations};
    use crate::job::Job;
    use crate::xcorr::Sums;
    use mirinae_simd::{Simd, SimdPath};
    use num_complex::Complex64;

    struct Model;
    impl DelayModel for Model {
        fn delay(&self, source: usize, station: usize, t_s: f64) -> Delay {
            let rate = 1e-6 * station as f64 + 1e-9 * source as f64 * station as f64;
            Delay { delay_s: 1e-3 + 1e-7 * (source * station) as f64 + rate * t_s, rate }
        }
        fn uvw_m(&self, _: usize, _: usize, _: f64) -> [f64; 3] {
            [0.0; 3]
        }
    }

    fn band() -> Band {
        Band { lo_hz: 22e9, bandwidth_hz: 16e6, lower_sideband: false, difx_index: 0 }
    }

    #[test]
    fn differential_delay_and_rate() {
        let s = shift(&Model, 1, (3, 1), 10.0);
        let (a, b) = ((2.0 * 3e-7 + 6e-8) * (1.0 + 3e-6), (2.0 * 1e-7 + 2e-8) * (1.0 + 1e-6));
        assert!((s.delay_s - (a - b)).abs() < 1e-18);
        assert!((s.rate - 4e-9).abs() < 1e-20);
        let (first, step) = s.turns(&band(), 256);
        assert!((first + 22e9 * s.delay_s).abs() < 1e-6 && (step + 62.5e3 * s.delay_s).abs() < 1e-12);
    }

    #[test]
    fn coherence_of_known_cases() {
        let none = Shift::default();
        assert_eq!(none.coherence(&band(), 256, 1.0), 1.0);
        // Half a turn over the interval leaves 2/pi; a whole one nothing.
        let half = Shift { delay_s: 0.0, rate: 0.5 / 22e9 };
        assert!((half.coherence(&band(), 256, 1.0) - 2.0 / std::f64::consts::PI).abs() < 1e-12);
        assert!(half.coherence(&band(), 256, 2.0) < 1e-12);
        // A quarter of the window of 16 us.
        let delayed = Shift { delay_s: -4e-6, rate: 0.0 };
        assert!((delayed.coherence(&band(), 256, 1.0) - 0.75).abs() < 1e-12);
        assert_eq!(Shift { delay_s: 20e-6, rate: 0.0 }.coherence(&band(), 256, 1.0), 0.0);
    }

    /// Twin of the turner: every channel by its own sine and cosine, in double precision.
    fn slowly(job: &Job, sums: &Sums, centre: usize, index: usize, t_s: f64) -> Vec<Complex64> {
        let (product, average) = (&job.crosses[index], job.average);
        let s = shift(&job.scans[0].model, centre, stations(job, product), t_s);
        let (first, step) = s.turns(&job.bands[product.band], job.channels);
        let (re, im) = sums.product(index);
        let turned = |c: usize| {
            let turns = first + step * c as f64;
            Complex64::new(re[c], im[c]) * Complex64::cis(std::f64::consts::TAU * (turns - turns.round()))
        };
        (0..job.channels / average).map(|f| (f * average..(f + 1) * average).map(turned).sum()).collect()
    }

    #[test]
    fn turner_is_its_twin() {
        let dir = tempfile::tempdir().unwrap();
        for average in [1, 4, 64] {
            let mut job = Job::open(&example::write(dir.path(), &[])).unwrap();
            (job.channels, job.average) = (128, average);
            let centres = job.scans[0].centres.len();
            let mut sums = Sums::new(job.crosses.len(), job.channels);
            for index in 0..job.crosses.len() {
                let (re, im) = sums.product_mut(index);
                re.iter_mut().enumerate().for_each(|(c, x)| *x = ((c * 37 + index * 11) % 19) as f64 - 9.0);
                im.iter_mut().enumerate().for_each(|(c, x)| *x = ((c * 23 + index * 7) % 17) as f64 - 8.0);
            }
            let shape = Shape { centres, products: job.crosses.len(), channels: job.channels, average };
            let mut all = Accumulator::new(shape);
            let interval = Interval { middle_s: job.scans[0].start_s as f64 + 0.3, length_s: 0.01 };
            let simd = Simd::new(SimdPath::detect());
            let made = vec![true; job.crosses.len()];
            Turner::new(&job, simd).turn(&job, &job.scans[0], (&sums, &made), interval, &mut all);
            for centre in 0..centres {
                for index in 0..job.crosses.len() {
                    let slow = slowly(&job, &sums, centre, index, interval.middle_s);
                    let fast = all.centre_mut((centre, index), 0.0);
                    for (slow, fast) in slow.iter().zip(fast) {
                        assert!((slow - *fast).norm() < 1e-4 * average as f64, "{slow} {fast}");
                    }
                }
            }
        }
    }
}
