//! Powers of a strip of a unit's channels, in units of the noise around each, as lines are looked for in them: in the middles of
//! channels and between them.

use super::find::Line;
use super::grid::STEPS;
use super::plane::Plane;
use super::station::Station;
use super::tile::{Searched, whole_limit};
use super::voltages::Voltages;
use mirinae_simd::{Kernel, Lanes, Simd, SimdPath, TAPS16, powers16};

/// Frequencies of a channel that are looked at first: a carrier a quarter of a channel away from the nearest has 0.81 of its power there.
pub(super) const LOOKS: usize = 2;
/// Channels that a strip is there for.
const OWN: usize = 1 << 14;
/// Channels beyond them that are seen, more than the largest drift: skirts of strong signals do not reach further.
const BESIDE: usize = 1024;
/// Channels on each side that tell what is between two channels.
const TAPS: usize = TAPS16;
/// Weights of the channels to either side of a frequency in the middle, those above with the other sign: 1, 1/3, 1/5, 1/7 for a transform
/// without window, times what makes the noise's power 1 (0.95 of that of a carrier is left).
const WEIGHTS: [f32; TAPS] = [0.653_296_4, 0.217_765_5, 0.130_659_3, 0.093_328_06];

/// Channels whose powers are made at once: they stay in the first cache.
const CHUNK: usize = 1024;
/// Channels that vectors work on at once.
const AT_ONCE: usize = 16;
/// Adding it leaves the nearest whole number in the lowest bits.
const ROUND: f32 = 8_388_608.0;

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

    /// A station's powers, `unit` for a power of 1; `None` where some are too strong for whole numbers.
    pub fn powers<P: Made>(
        &self,
        station: &Station,
        (unit, simd): (f32, Simd),
        room: &mut Room,
    ) -> Option<Plane<P>> {
        let width = LOOKS * self.channels;
        let mut power_tf = P::planes(room).pop().unwrap_or_default();
        power_tf.resize(width * station.spectra, P::default());
        let (spectra, margin, used) = (station.spectra, LOOKS * self.margin, station.scale.used());
        let mut plane = Plane { spectra, width, margin, power_tf, unit, stations: 1, used };
        let (level, limit) = (plane.level(), P::limit(spectra));
        station.scale.factors(self.from * STEPS, STEPS, self.channels, &mut room.factors);
        let place = |channel: usize| LOOKS * channel.saturating_sub(self.from).min(self.channels);
        let (begin, end) = (place(station.inside.start), place(station.inside.end));
        let mut top = 0.0f32;
        for (t, powers) in plane.power_tf.chunks_exact_mut(width).enumerate() {
            let time = station.scale.time_t[t];
            if time <= 0.0 {
                powers.fill(level);
                continue;
            }
            let weight = unit * (1.0 / time) as f32;
            for (i, powers) in powers.chunks_mut(LOOKS * CHUNK).enumerate() {
                let factors = &room.factors[i * CHUNK..][..powers.len() / LOOKS];
                let beside = factors.len() + 2 * TAPS;
                let from = (self.from + i * CHUNK) as i64 - TAPS as i64;
                let values = &mut room.values[..2 * beside];
                let here =
                    P::of_whole((&station.voltages, t, from), values, (factors, weight), (powers, simd));
                top = top.max(here.unwrap_or_else(|| {
                    let (re, im) = (&mut room.re[..beside], &mut room.im[..beside]);
                    station.voltages.get(t, from, re, im);
                    simd.run(Powers { re, im, factors, weight, powers })
                }));
            }
            // Beyond the band there is nothing to be found.
            powers[..begin].fill(level);
            powers[end..].fill(level);
        }
        if top < limit {
            return Some(plane);
        }
        P::planes(room).push(plane.power_tf);
        None
    }
}

/// What powers are made in; planes that are no longer needed give their memory back to it.
#[derive(Debug)]
pub(super) struct Room {
    powers: Vec<Vec<f32>>,
    whole: Vec<Vec<u16>>,
    re: [f32; CHUNK + 2 * TAPS],
    im: [f32; CHUNK + 2 * TAPS],
    /// Real and imaginary parts in turn.
    values: [i16; 2 * (CHUNK + 2 * TAPS)],
    factors: Vec<f32>,
}

impl Room {
    /// Nothing yet.
    pub fn new() -> Self {
        let zeros = [0.0; CHUNK + 2 * TAPS];
        let values = [0; 2 * (CHUNK + 2 * TAPS)];
        Self { powers: Vec::new(), whole: Vec::new(), re: zeros, im: zeros, values, factors: Vec::new() }
    }
}

/// Numbers that powers are made in.
pub(super) trait Made: Searched {
    /// Memory of planes.
    fn planes(room: &mut Room) -> &mut Vec<Vec<Self>>;
    /// What powers stay below.
    fn limit(spectra: usize) -> f32;
    /// Powers of channels of a spectrum made of whole numbers, as [`Powers`] makes them of numbers, and the largest one; `None` where there are no such.
    fn of_whole(
        _: (&Voltages, usize, i64),
        _: &mut [i16],
        _: (&[f32], f32),
        _: (&mut [Self], Simd),
    ) -> Option<f32> {
        None
    }
    /// Numbers of powers in the middles of channels and between them, one after the other.
    fn pairs(middle: &[f32; AT_ONCE], between: &[f32; AT_ONCE]) -> [Self; LOOKS * AT_ONCE];
}

impl Made for f32 {
    fn planes(room: &mut Room) -> &mut Vec<Vec<Self>> {
        &mut room.powers
    }

    fn limit(_: usize) -> f32 {
        f32::INFINITY
    }

    #[inline(always)]
    fn pairs(middle: &[f32; AT_ONCE], between: &[f32; AT_ONCE]) -> [Self; LOOKS * AT_ONCE] {
        let mut numbers = [0.0; LOOKS * AT_ONCE];
        for i in 0..AT_ONCE {
            (numbers[LOOKS * i], numbers[LOOKS * i + 1]) = (middle[i], between[i]);
        }
        numbers
    }
}

impl Made for u16 {
    fn of_whole(
        (voltages, t, from): (&Voltages, usize, i64),
        values: &mut [i16],
        (factors, weight): (&[f32], f32),
        (powers, simd): (&mut [Self], Simd),
    ) -> Option<f32> {
        if simd.path() < SimdPath::Avx2 {
            return None;
        }
        let one = voltages.whole(t, from, values)?;
        let weights = WEIGHTS.map(|w| (32_768.0 * w).round() as i16);
        Some(powers16(simd, values, (factors, weight * one * one), weights, powers))
    }

    fn planes(room: &mut Room) -> &mut Vec<Vec<Self>> {
        &mut room.whole
    }

    fn limit(spectra: usize) -> f32 {
        whole_limit(spectra).unwrap_or(0.0)
    }

    #[inline(always)]
    fn pairs(middle: &[f32; AT_ONCE], between: &[f32; AT_ONCE]) -> [Self; LOOKS * AT_ONCE] {
        let mut both = [0u32; AT_ONCE];
        for i in 0..AT_ONCE {
            both[i] = (middle[i] + ROUND).to_bits() & 0xffff | (between[i] + ROUND).to_bits() << 16;
        }
        let mut numbers = [0; LOOKS * AT_ONCE];
        for i in 0..AT_ONCE {
            (numbers[LOOKS * i], numbers[LOOKS * i + 1]) = (both[i] as Self, (both[i] >> 16) as Self);
        }
        numbers
    }
}

/// Makes powers in the middles of channels and between them; gives the largest one.
struct Powers<'a, P> {
    /// [`TAPS`] more channels than powers on either side.
    re: &'a [f32],
    im: &'a [f32],
    factors: &'a [f32],
    weight: f32,
    powers: &'a mut [P],
}

/// What is read for the powers of [`AT_ONCE`] channels.
const READ: usize = AT_ONCE + 2 * TAPS;

impl<P: Made> Kernel for Powers<'_, P> {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f32 {
        let n = self.factors.len();
        let mut tops = [0.0f32; AT_ONCE];
        let mut at = 0;
        while at + AT_ONCE <= n {
            let (re, im) = (some(self.re, at), some(self.im, at));
            let [middle, between] = powers(re, im, some(self.factors, at), (self.weight, &mut tops));
            self.powers[LOOKS * at..][..LOOKS * AT_ONCE].copy_from_slice(&P::pairs(&middle, &between));
            at += AT_ONCE;
        }
        if at < n {
            let mut rest = ([0.0; READ], [0.0; READ], [0.0; AT_ONCE]);
            rest.0[..n - at + 2 * TAPS].copy_from_slice(&self.re[at..n + 2 * TAPS]);
            rest.1[..n - at + 2 * TAPS].copy_from_slice(&self.im[at..n + 2 * TAPS]);
            rest.2[..n - at].copy_from_slice(&self.factors[at..n]);
            let [middle, between] = powers(&rest.0, &rest.1, &rest.2, (self.weight, &mut tops));
            let last = P::pairs(&middle, &between);
            self.powers[LOOKS * at..].copy_from_slice(&last[..LOOKS * (n - at)]);
        }
        let mut top = 0.0;
        for here in tops {
            top = if here > top { here } else { top };
        }
        top
    }
}

/// `N` numbers from a place on.
#[inline(always)]
fn some<const N: usize>(numbers: &[f32], at: usize) -> &[f32; N] {
    numbers[at..].first_chunk().expect("there are more")
}

/// Powers in the middles of some channels and between them; the largest so far are kept.
#[inline(always)]
fn powers(
    re: &[f32; READ],
    im: &[f32; READ],
    factors: &[f32; AT_ONCE],
    (weight, tops): (f32, &mut [f32; AT_ONCE]),
) -> [[f32; AT_ONCE]; 2] {
    let (between_re, between_im) = (between(re), between(im));
    let mut powers = [[0.0; AT_ONCE]; 2];
    for i in 0..AT_ONCE {
        let factor = factors[i] * weight;
        let (re, im) = (re[i + TAPS], im[i + TAPS]);
        let middle = factor * (re * re + im * im);
        let other = factor * (between_re[i] * between_re[i] + between_im[i] * between_im[i]);
        let more = if middle > other { middle } else { other };
        tops[i] = if more > tops[i] { more } else { tops[i] };
        (powers[0][i], powers[1][i]) = (middle, other);
    }
    powers
}

/// What is between channels and the next ones.
#[inline(always)]
fn between(x: &[f32; READ]) -> [f32; AT_ONCE] {
    let mut sums = [0.0; AT_ONCE];
    for i in 0..AT_ONCE {
        let pair = |j: usize| WEIGHTS[j] * (x[i + TAPS - j] - x[i + TAPS + 1 + j]);
        sums[i] = (pair(0) + pair(1)) + (pair(2) + pair(3));
    }
    sums
}
