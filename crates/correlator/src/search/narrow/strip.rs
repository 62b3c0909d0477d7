//! Powers of a strip of a unit's channels, in units of the noise around each, as lines are looked for in them: in the middles of
//! channels and between them.

use super::find::Line;
use super::grid::STEPS;
use super::plane::Plane;
use super::station::Station;
use crate::simd::{Kernel, Lanes, Simd};

/// Frequencies of a channel that are looked at first: a carrier a quarter of a channel away from the nearest has 0.81 of its power there.
pub(super) const LOOKS: usize = 2;
/// Channels that a strip is there for.
const OWN: usize = 1 << 14;
/// Channels beyond them that are seen, more than the largest drift: skirts of strong signals do not reach further.
const BESIDE: usize = 1024;
/// Channels on each side that tell what is between two channels.
const TAPS: usize = 4;
/// Weights of the channels to either side of a frequency in the middle, those above with the other sign: 1, 1/3, 1/5, 1/7 for a transform
/// without window, times what makes the noise's power 1 (0.95 of that of a carrier is left).
const WEIGHTS: [f32; TAPS] = [0.653_296_4, 0.217_765_5, 0.130_659_3, 0.093_328_06];

/// Channels of a unit, counted from its first one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Strip {
    /// First channel, margin included.
    pub from: usize,
    /// Channels, margins included.
    pub channels: usize,
    /// Channels of each margin.
    pub margin: usize,
}

impl Strip {
    /// All strips of `channels` channels of which `margin` on each side are another unit's; lines drift by `most` channels.
    pub fn all(channels: usize, margin: usize, most: usize) -> Vec<Self> {
        let beside = margin.min(most + BESIDE);
        let end = channels - margin;
        let strip = |own: usize| {
            let from = own - beside;
            Self { from, channels: OWN.min(end - own) + 2 * beside, margin: beside }
        };
        (margin..end).step_by(OWN).map(strip).collect()
    }

    /// Bytes of the powers of a strip; lines drift by `most` channels.
    pub fn bytes(spectra: usize, most: usize) -> usize {
        LOOKS * (OWN + 2 * (most + BESIDE)) * spectra * size_of::<f32>()
    }

    /// A line of the strip's powers in steps of the unit; `used` stays what it is.
    pub fn around(&self, line: &Line) -> Line {
        let ratio = STEPS / LOOKS;
        Line { first: ratio * (line.first + LOOKS * self.from), drift: ratio as i64 * line.drift, ..*line }
    }

    /// A station's powers.
    pub fn powers(&self, station: &Station, simd: Simd, room: &mut Room) -> Plane {
        let width = LOOKS * self.channels;
        let mut power_tf = room.planes.pop().unwrap_or_default();
        power_tf.resize(width * station.spectra, 0.0);
        room.re.resize(self.channels + 2 * TAPS, 0.0);
        room.im.resize(self.channels + 2 * TAPS, 0.0);
        room.factors.clear();
        let step = |channel: usize| (self.from + channel) * STEPS;
        let factor = |channel| (1.0 / station.scale.piece(step(channel))) as f32;
        room.factors.extend((0..self.channels).map(factor));
        let place = |channel: usize| LOOKS * channel.saturating_sub(self.from).min(self.channels);
        let (begin, end) = (place(station.inside.start), place(station.inside.end));
        for (t, powers) in power_tf.chunks_exact_mut(width).enumerate() {
            let time = station.scale.time_t[t];
            if time <= 0.0 {
                powers.fill(1.0);
                continue;
            }
            station.voltages.get(t, self.from as i64 - TAPS as i64, &mut room.re, &mut room.im);
            let weight = (1.0 / time) as f32;
            simd.run(Powers { re: &room.re, im: &room.im, factors: &room.factors, weight, powers });
            // Beyond the band there is nothing to be found.
            powers[..begin].fill(1.0);
            powers[end..].fill(1.0);
        }
        Plane::one(station.spectra, width, LOOKS * self.margin, power_tf, station.scale.used())
    }
}

/// What powers are made in; planes that are no longer needed give their memory back to it.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Of planes.
    pub planes: Vec<Vec<f32>>,
    re: Vec<f32>,
    im: Vec<f32>,
    factors: Vec<f32>,
}

/// Powers in the middles of channels and between them.
struct Powers<'a> {
    /// [`TAPS`] more channels than powers on either side.
    re: &'a [f32],
    im: &'a [f32],
    factors: &'a [f32],
    weight: f32,
    powers: &'a mut [f32],
}

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        const AT_ONCE: usize = 64;
        let n = self.factors.len();
        let mut from = 0;
        while from < n {
            let here = AT_ONCE.min(n - from);
            let mut between = [[0.0f32; AT_ONCE]; 2];
            for (sums, values) in between.iter_mut().zip([self.re, self.im]) {
                for (j, weight) in WEIGHTS.iter().enumerate() {
                    let below = &values[from + TAPS - j..][..here];
                    let above = &values[from + TAPS + 1 + j..][..here];
                    let sums = &mut sums[..here];
                    for k in 0..here {
                        sums[k] += weight * (below[k] - above[k]);
                    }
                }
            }
            let (re, im) = (&self.re[from + TAPS..][..here], &self.im[from + TAPS..][..here]);
            let factors = &self.factors[from..][..here];
            let mut powers = [[0.0f32; LOOKS]; AT_ONCE];
            for k in 0..here {
                let factor = factors[k] * self.weight;
                let (between_re, between_im) = (between[0][k], between[1][k]);
                powers[k][0] = factor * (re[k] * re[k] + im[k] * im[k]);
                powers[k][1] = factor * (between_re * between_re + between_im * between_im);
            }
            self.powers[LOOKS * from..][..LOOKS * here]
                .copy_from_slice(&powers.as_flattened()[..LOOKS * here]);
            from += here;
        }
    }
}
