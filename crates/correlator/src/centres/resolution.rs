//! How finely a field must be correlated, in frequency and in time, so that nothing in it is smeared more than a limit.
//!
//! A source that is `theta` away from where the correlator looks arrives at two stations with a delay that differs by at most
//! `b theta / c` and changes by at most `w b_e theta / c` (b the longest baseline, b_e the part of one in the plane of the equator,
//! w the Earth's angular velocity; theta as a chord). Four things lose some of it:
//!
//! | where | over | loss |
//! |---|---|---|
//! | before turning, theta from the pointing | the length of a transform | delay x width of a channel |
//! | | the shift interval T | 1 - sin(x)/x, x = pi f rate T |
//! | after it, theta from the nearest phase centre | n channels averaged | 1 - sin(n y)/(n sin(y)), y = pi delay x width of a channel |
//! | | the accumulation time | as over the shift interval |
//!
//! The first two are known for a phase centre and taken out of its visibilities; for a source beside it they are only nearly right, and
//! what is lost of the signal is lost.

use std::f64::consts::PI;

const LIGHT_M_S: f64 = 299_792_458.0;
/// Angular velocity of the Earth (IERS Conventions 2010, table 1.2), rad/s.
const EARTH_RAD_S: f64 = 7.292_115e-5;
/// Longer accumulation times are not chosen, whatever the field.
const LONGEST_S: f64 = 2.0;
const FEWEST_CHANNELS: usize = 16;
/// More channels than this are not chosen.
const MOST_CHANNELS: usize = 1 << 20;

/// Channels of a band and times: those that the user fixed, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fixed {
    /// Channels before averaging.
    pub channels: Option<usize>,
    /// So many of them are averaged into one.
    pub average: Option<usize>,
    /// Shift interval.
    pub shift_s: Option<f64>,
    /// Accumulation time.
    pub integration_s: Option<f64>,
}

/// The same, all known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Channels before averaging.
    pub channels: usize,
    /// So many of them are averaged into one.
    pub average: usize,
    /// Shift interval.
    pub shift_s: f64,
    /// Accumulation time.
    pub integration_s: f64,
}

/// A field and the array that looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Distance of its outermost point from the pointing, in rad.
    pub edge_rad: f64,
    /// Distance of any of its points from the nearest phase centre, at most, in rad.
    pub cell_rad: f64,
    /// The longest baseline, in m.
    pub longest_m: f64,
    /// The longest one in the plane of the equator, in m.
    pub equatorial_m: f64,
    /// The highest frequency on the sky.
    pub highest_hz: f64,
    /// Width of a band.
    pub bandwidth_hz: f64,
    /// Share of the amplitude that may be lost anywhere in the field.
    pub limit: f64,
}

/// Shares of the amplitude that are lost at the worst place of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Losses {
    /// Over the length of a transform.
    pub transform: f64,
    /// Over the shift interval.
    pub shift: f64,
    /// By averaging channels.
    pub average: f64,
    /// Over the accumulation time.
    pub integration: f64,
}

impl Losses {
    /// All of them together.
    pub fn total(&self) -> f64 {
        1.0 - (1.0 - self.transform) * (1.0 - self.shift) * (1.0 - self.average) * (1.0 - self.integration)
    }
}

/// Longest baselines (m) of pairs of stations (ITRF, m): in all, and in the plane of the equator.
pub fn longest_m(pairs: &[([f64; 3], [f64; 3])]) -> (f64, f64) {
    let lengths = pairs.iter().map(|(a, b)| {
        let [x, y, z] = [0, 1, 2].map(|i| a[i] - b[i]);
        (x.hypot(y).hypot(z), x.hypot(y))
    });
    lengths.fold((0.0, 0.0), |(all, flat): (f64, f64), (l, e)| (all.max(l), flat.max(e)))
}

/// What an average over a turning phase loses, `half_turn` = pi times the turns within it. Beyond a whole turn all counts as lost.
fn over_time(half_turn: f64) -> f64 {
    if half_turn < 1e-6 {
        half_turn * half_turn / 6.0
    } else if half_turn < PI {
        1.0 - half_turn.sin() / half_turn
    } else {
        1.0
    }
}

/// The other way round: pi times the turns that lose a share.
fn half_turn_of(loss: f64) -> f64 {
    let (mut low, mut high) = (0.0, PI);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if over_time(middle) < loss { low = middle } else { high = middle }
    }
    low
}

/// What averaging of `n` channels loses whose phases differ by 2 `y` from one to the next.
fn over_channels(n: usize, y: f64) -> f64 {
    let n = n as f64;
    if n * y >= PI {
        1.0
    } else if n * y < 1e-6 {
        (n * n - 1.0) * y * y / 6.0
    } else {
        1.0 - (n * y).sin() / (n * y.sin())
    }
}

/// Rounded down to two digits.
fn two_digits(n: u64) -> u64 {
    let mut unit = 1;
    while n / unit >= 100 {
        unit *= 10;
    }
    n / unit * unit
}

impl Field {
    /// Largest differential delay (s) and its rate (s/s) of a point so far from where the correlator looks.
    fn differential(&self, angle_rad: f64) -> (f64, f64) {
        let chord = 2.0 * (0.5 * angle_rad).sin() / LIGHT_M_S;
        (self.longest_m * chord, EARTH_RAD_S * self.equatorial_m * chord)
    }

    /// What a resolution loses, at most.
    pub fn losses(&self, r: &Resolution) -> Losses {
        let channel_hz = self.bandwidth_hz / r.channels as f64;
        let ((edge_s, edge_rate), (cell_s, cell_rate)) =
            (self.differential(self.edge_rad), self.differential(self.cell_rad));
        Losses {
            transform: (edge_s * channel_hz).min(1.0),
            shift: over_time(PI * self.highest_hz * edge_rate * r.shift_s),
            average: over_channels(r.average, PI * cell_s * channel_hz),
            integration: over_time(PI * self.highest_hz * cell_rate * r.integration_s),
        }
    }

    /// The coarsest resolution within the limit that has what is fixed. What is left of the limit by what is fixed is dealt out
    /// equally to what is not.
    ///
    /// # Errors
    /// Where there is none: the resolution and what it loses.
    pub fn resolution(&self, fixed: &Fixed) -> Result<Resolution, (Resolution, Losses)> {
        let mut channels = fixed.channels.unwrap_or(FEWEST_CHANNELS);
        loop {
            let resolution = self.with_channels(channels, fixed);
            let losses = self.losses(&resolution);
            let enough = losses.transform <= self.share(channels, fixed) || fixed.channels.is_some();
            if enough && losses.total() <= self.limit {
                return Ok(resolution);
            }
            if fixed.channels.is_some() || channels >= MOST_CHANNELS {
                return Err((resolution, losses));
            }
            channels *= 2;
        }
    }

    /// What each thing that is not fixed may lose.
    fn share(&self, channels: usize, fixed: &Fixed) -> f64 {
        // Nothing is lost but by what is fixed.
        let mut some = self.losses(&Resolution {
            channels,
            average: fixed.average.unwrap_or(1),
            shift_s: fixed.shift_s.unwrap_or(0.0),
            integration_s: fixed.integration_s.unwrap_or(0.0),
        });
        if fixed.channels.is_none() {
            some.transform = 0.0;
        }
        let free = [
            fixed.channels.is_none(),
            fixed.average.is_none(),
            fixed.shift_s.is_none(),
            fixed.integration_s.is_none(),
        ];
        let free = free.iter().filter(|free| **free).count().max(1);
        (1.0 - ((1.0 - self.limit) / (1.0 - some.total())).powf(1.0 / free as f64)).max(0.0)
    }

    fn with_channels(&self, channels: usize, fixed: &Fixed) -> Resolution {
        let share = self.share(channels, fixed);
        let block_s = channels as f64 / self.bandwidth_hz;
        let longest = |angle_rad: f64| {
            let (_, rate) = self.differential(angle_rad);
            (half_turn_of(share) / (PI * self.highest_hz * rate).max(1e-300)).min(LONGEST_S)
        };
        let blocks = |seconds: f64| (seconds / block_s * (1.0 + 1e-12)).floor().max(1.0) as u64;
        let most_s = longest(self.edge_rad).min(fixed.integration_s.unwrap_or(LONGEST_S));
        let shift_s = fixed.shift_s.unwrap_or_else(|| two_digits(blocks(most_s)) as f64 * block_s);
        let integration_s = fixed.integration_s.unwrap_or_else(|| {
            let shifts = (longest(self.cell_rad) / shift_s * (1.0 + 1e-12)).floor().max(1.0);
            shifts * shift_s
        });
        let (cell_s, _) = self.differential(self.cell_rad);
        let y = PI * cell_s * self.bandwidth_hz / channels as f64;
        let average = fixed.average.unwrap_or_else(|| {
            let divisors = (1..=channels).rev().filter(|n| channels.is_multiple_of(*n));
            divisors.into_iter().find(|&n| over_channels(n, y) <= share).unwrap_or(1)
        });
        Resolution { channels, average, shift_s, integration_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex64;

    const ARCSEC: f64 = PI / 648_000.0;

    fn field() -> Field {
        Field {
            edge_rad: 70.0 * ARCSEC,
            cell_rad: 12.0 * ARCSEC,
            longest_m: 480e3,
            equatorial_m: 350e3,
            highest_hz: 22.3e9,
            bandwidth_hz: 16e6,
            limit: 0.05,
        }
    }

    /// Independent: sums of unit vectors that turn as the worst source's phases do.
    fn summed(field: &Field, r: &Resolution) -> [f64; 3] {
        let mean = |turns: &dyn Fn(f64) -> f64, n: usize| {
            let at = |i: usize| Complex64::cis(2.0 * PI * turns((i as f64 + 0.5) / n as f64 - 0.5));
            1.0 - ((0..n).map(at).sum::<Complex64>() / n as f64).norm()
        };
        let delay = |angle: f64| field.longest_m * angle / 299_792_458.0;
        let rate = |angle: f64| 2.0 * PI / 86_164.1 * field.equatorial_m * angle / 299_792_458.0;
        let over = |angle: f64, seconds: f64| mean(&|x| field.highest_hz * rate(angle) * seconds * x, 4000);
        let width_hz = field.bandwidth_hz * r.average as f64 / r.channels as f64;
        [
            over(field.edge_rad, r.shift_s),
            over(field.cell_rad, r.integration_s),
            mean(&|x| delay(field.cell_rad) * width_hz * x, r.average),
        ]
    }

    #[test]
    fn what_is_chosen_keeps_the_limit_and_not_much_more() {
        for limit in [0.01, 0.05, 0.2] {
            for edge in [20.0, 70.0, 400.0] {
                let field = Field { limit, edge_rad: edge * ARCSEC, ..field() };
                let r = field.resolution(&Fixed::default()).unwrap();
                let losses = field.losses(&r);
                assert!(losses.total() <= limit, "{r:?} {losses:?}");
                let [shift, integration, average] = summed(&field, &r);
                assert!(
                    (shift - losses.shift).abs() < 1e-4 && (integration - losses.integration).abs() < 1e-4
                );
                assert!((average - losses.average).abs() < 1e-4, "{average} {losses:?}");
                // Coarser in any of the four is more than a share.
                let share = 1.0 - (1.0 - limit).powf(0.25);
                let twice = field.losses(&Resolution {
                    channels: r.channels / 2,
                    average: r.average,
                    shift_s: 1.2 * r.shift_s,
                    integration_s: 2.0 * r.integration_s,
                });
                assert!(r.channels == FEWEST_CHANNELS || twice.transform > share, "{r:?}");
                assert!(r.shift_s >= 1.8 || twice.shift > share, "{r:?} {twice:?}");
                assert!(r.integration_s > 1.0 || twice.integration > share, "{r:?}");
                let doubled = field.losses(&Resolution { average: 2 * r.average, ..r });
                assert!(r.average == r.channels || doubled.average > share, "{r:?}");
            }
        }
    }

    #[test]
    fn what_is_fixed_stays_or_is_refused() {
        let field = field();
        let free = field.resolution(&Fixed::default()).unwrap();
        let fine = Fixed { channels: Some(4 * free.channels), ..Fixed::default() };
        let r = field.resolution(&fine).unwrap();
        assert_eq!(r.channels, 4 * free.channels);
        // What the channels leave goes to the others.
        assert!(r.shift_s >= free.shift_s && r.integration_s >= free.integration_s);
        for coarse in [
            Fixed { channels: Some(free.channels / 16), ..Fixed::default() },
            Fixed { shift_s: Some(20.0 * free.shift_s), ..Fixed::default() },
            Fixed { integration_s: Some(20.0 * free.integration_s), ..Fixed::default() },
            Fixed { channels: Some(free.channels), average: Some(free.channels), ..Fixed::default() },
        ] {
            let (_, losses) = field.resolution(&coarse).unwrap_err();
            assert!(losses.total() > field.limit, "{coarse:?}: {losses:?}");
        }
        // Averaging that is fixed asks for more channels.
        let r = field.resolution(&Fixed { average: Some(8 * free.average), ..Fixed::default() }).unwrap();
        assert!(r.channels > free.channels && field.losses(&r).total() <= field.limit, "{r:?}");
    }

    #[test]
    fn longest_baselines() {
        let pairs = [([0.0, 0.0, 0.0], [3.0, 4.0, 0.0]), ([0.0, 0.0, 0.0], [0.0, 0.0, 9.0])];
        assert_eq!(longest_m(&pairs), (9.0, 5.0));
    }
}
