//! Spectra of one station over a stretch, in a byte for each number: groups of channels share an exponent.
//!
//! The strongest number of a group has 6 to 7 bits, and noise 4 to 6: rounding adds less than a thousandth of its power. A strong signal
//! takes bits from the 15 channels beside it alone.

use mirinae_simd::{Kernel, Lanes, Simd};
use num_complex::Complex32;
use std::ops::Range;

/// Channels that share an exponent.
pub(super) const GROUP: usize = 16;
/// Bytes of a group: real and imaginary parts in turn.
const BYTES: usize = 2 * GROUP;
/// Largest number of a byte.
const MOST: f32 = 127.0;
/// Adding it leaves the nearest whole number in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// Bytes of so many channels of a spectrum.
pub(super) fn bytes(channels: usize) -> usize {
    channels.div_ceil(GROUP) * (BYTES + 1)
}

/// Neighbouring channels that are put at once: those of a sub-band.
struct Part {
    from: usize,
    channels: usize,
    /// Groups of the parts before it, all spectra.
    before: usize,
}

impl Part {
    fn groups(&self) -> usize {
        self.channels.div_ceil(GROUP)
    }

    /// Its groups of a spectrum.
    fn of(&self, t: usize) -> Range<usize> {
        let first = self.before + t * self.groups();
        first..first + self.groups()
    }
}

/// All spectra of a station over a stretch.
pub(super) struct Voltages {
    parts: Vec<Part>,
    /// By part, spectrum and group.
    numbers: Vec<u8>,
    exponents: Vec<u8>,
    simd: Simd,
}

/// Memory of [`Voltages`] that are no longer needed: new memory costs more than what is written into it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    numbers: Vec<u8>,
    exponents: Vec<u8>,
}

/// So many bytes at least: those that are there, or others.
fn bytes_at_least(n: usize, there: Vec<u8>) -> Vec<u8> {
    if there.len() < n { vec![0; n] } else { there }
}

impl Voltages {
    /// Room for spectra whose channels are put in parts of so many: all of them must be put.
    pub fn new(spectra: usize, channels_of: &[usize], (memory, simd): (Memory, Simd)) -> Self {
        let (mut from, mut groups) = (0, 0);
        let part = |&channels: &usize| {
            let part = Part { from, channels, before: groups };
            (from, groups) = (from + channels, groups + spectra * part.groups());
            part
        };
        let parts = channels_of.iter().map(part).collect();
        let numbers = bytes_at_least(groups * BYTES, memory.numbers);
        Self { parts, numbers, exponents: bytes_at_least(groups, memory.exponents), simd }
    }

    /// Its memory, for others.
    pub fn into_memory(self) -> Memory {
        Memory { numbers: self.numbers, exponents: self.exponents }
    }

    /// Keeps a part of a spectrum.
    pub fn put(&mut self, (t, part): (usize, usize), values: &[Complex32]) {
        let part = &self.parts[part];
        debug_assert!(values.len() == part.channels);
        let groups = part.of(t);
        let numbers = &mut self.numbers[groups.start * BYTES..groups.end * BYTES];
        let exponents = &mut self.exponents[groups];
        self.simd.run(Put { values: bytemuck::cast_slice(values), numbers, exponents });
    }

    /// Channels of a spectrum from `from` on, as many as there is room for; 0 beyond what was put.
    pub fn get(&self, t: usize, from: i64, re: &mut [f32], im: &mut [f32]) {
        let to = from + re.len() as i64;
        let end = self.parts.last().map_or(0, |p| (p.from + p.channels) as i64);
        let before = (-from).clamp(0, re.len() as i64) as usize;
        let after = (end - from).clamp(0, re.len() as i64) as usize;
        for x in [&mut *re, &mut *im] {
            x[..before].fill(0.0);
            x[after.max(before)..].fill(0.0);
        }
        let first = self.parts.partition_point(|p| (p.from + p.channels) as i64 <= from);
        for part in &self.parts[first..] {
            let (low, high) = (from.max(part.from as i64), to.min((part.from + part.channels) as i64));
            if low >= high {
                break;
            }
            let groups = part.of(t);
            let place = (low - from) as usize..(high - from) as usize;
            self.simd.run(Get {
                numbers: &self.numbers[groups.start * BYTES..groups.end * BYTES],
                exponents: &self.exponents[groups],
                from: low as usize - part.from,
                re: &mut re[place.clone()],
                im: &mut im[place],
            });
        }
    }
}

/// 2^e.
#[inline(always)]
fn power(e: i32) -> f32 {
    f32::from_bits(((e + 127) as u32) << 23)
}

struct Put<'a> {
    /// Real and imaginary parts in turn.
    values: &'a [f32],
    numbers: &'a mut [u8],
    exponents: &'a mut [u8],
}

impl Kernel for Put<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.values.len();
        for (group, exponent) in self.exponents.iter_mut().enumerate() {
            let numbers = &mut self.numbers[group * BYTES..][..BYTES];
            let from = group * BYTES;
            if from + BYTES <= n {
                put(&self.values[from..][..BYTES], numbers, exponent);
            } else {
                let mut rest = [0.0f32; BYTES];
                rest[..n - from].copy_from_slice(&self.values[from..]);
                put(&rest, numbers, exponent);
            }
        }
    }
}

/// Keeps a group.
#[inline(always)]
fn put(values: &[f32], numbers: &mut [u8], exponent: &mut u8) {
    // Of numbers without sign, the larger one has the larger bits.
    let mut tops = [0u32; GROUP];
    for i in 0..GROUP {
        let (a, b) = (values[i].abs().to_bits(), values[GROUP + i].abs().to_bits());
        tops[i] = if a > b { a } else { b };
    }
    let mut half = GROUP / 2;
    while half > 0 {
        for i in 0..half {
            tops[i] = if tops[i] > tops[i + half] { tops[i] } else { tops[i + half] };
        }
        half /= 2;
    }
    let e = ((tops[0] >> 23) as i32 - 127).clamp(-100, 100);
    *exponent = e as i8 as u8;
    let scale = power(6 - e) * (MOST / 128.0);
    let mut held = [0u8; BYTES];
    for i in 0..BYTES {
        held[i] = (values[i] * scale + ROUND).to_bits() as u8;
    }
    numbers.copy_from_slice(&held);
}

struct Get<'a> {
    numbers: &'a [u8],
    exponents: &'a [u8],
    from: usize,
    re: &'a mut [f32],
    im: &'a mut [f32],
}

impl Kernel for Get<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (mut at, mut done, n) = (self.from, 0, self.re.len());
        while done < n {
            let (group, skip) = (at / GROUP, at % GROUP);
            let here = (GROUP - skip).min(n - done);
            let numbers = &self.numbers[group * BYTES..][..BYTES];
            let (re, im) = (&mut self.re[done..done + here], &mut self.im[done..done + here]);
            if let (Some(re), Some(im)) = (re.as_mut_array(), im.as_mut_array()) {
                get(numbers, self.exponents[group], re, im);
            } else {
                let (mut all_re, mut all_im) = ([0.0; GROUP], [0.0; GROUP]);
                get(numbers, self.exponents[group], &mut all_re, &mut all_im);
                re.copy_from_slice(&all_re[skip..skip + here]);
                im.copy_from_slice(&all_im[skip..skip + here]);
            }
            (at, done) = (at + here, done + here);
        }
    }
}

/// Real and imaginary parts of a group.
#[inline(always)]
fn get(numbers: &[u8], exponent: u8, re: &mut [f32; GROUP], im: &mut [f32; GROUP]) {
    let scale = power(i32::from(exponent as i8) - 6) * (128.0 / MOST);
    let pairs: [i16; GROUP] = bytemuck::pod_read_unaligned(numbers);
    let (mut low, mut high) = ([0i32; GROUP], [0i32; GROUP]);
    for i in 0..GROUP {
        let pair = i32::from(i16::from_le(pairs[i]));
        (low[i], high[i]) = ((pair << 24) >> 24, pair >> 8);
    }
    for i in 0..GROUP {
        re[i] = low[i] as f32 * scale;
    }
    for i in 0..GROUP {
        im[i] = high[i] as f32 * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::SimdPath;
    use rand::RngExt;

    #[test]
    fn numbers_come_back_to_within_a_hundredth_of_the_strongest_beside_them() {
        let mut rng = mirinae_common::random::stream(11, 0, 0);
        let parts = [100, 37, 64];
        let all: usize = parts.iter().sum();
        for path in SimdPath::ALL {
            let mut voltages = Voltages::new(2, &parts, (Memory::default(), Simd::new(path)));
            let scale = |i: usize| [1.0f32, 1e-6, 1e9, 0.0][i / 16 % 4];
            let mut row =
                || -> Vec<f32> { (0..all).map(|i| (rng.random::<f32>() - 0.5) * scale(i)).collect() };
            let kept: Vec<(Vec<f32>, Vec<f32>)> = (0..2).map(|_| (row(), row())).collect();
            for (t, (re, im)) in kept.iter().enumerate() {
                let mut from = 0;
                let row: Vec<Complex32> = re.iter().zip(im).map(|(a, b)| Complex32::new(*a, *b)).collect();
                for (part, n) in parts.iter().enumerate() {
                    voltages.put((t, part), &row[from..from + n]);
                    from += n;
                }
            }
            for (from, n) in [(0, all), (-5, all + 20), (99, 3), (130, 40), (all as i64, 4), (-9, 3)] {
                let (mut re, mut im) = (vec![7.0; n], vec![7.0; n]);
                for (t, (all_re, all_im)) in kept.iter().enumerate() {
                    voltages.get(t, from, &mut re, &mut im);
                    for (got, wanted) in [(&re, all_re), (&im, all_im)] {
                        for (i, x) in got.iter().enumerate() {
                            let place = usize::try_from(from + i as i64).ok().filter(|p| *p < all);
                            let wanted_here = place.map_or(0.0, |p| wanted[p]);
                            // Groups begin with their part.
                            let most = place.map_or(0.0, |p| {
                                let near = p.saturating_sub(15)..(p + 16).min(all);
                                kept[t].0[near.clone()]
                                    .iter()
                                    .chain(&kept[t].1[near])
                                    .fold(0.0f32, |m, x| m.max(x.abs()))
                            });
                            assert!(
                                (x - wanted_here).abs() <= 0.008 * most,
                                "{path:?} {from} {i}: {x} {wanted_here}"
                            );
                        }
                    }
                }
            }
        }
    }
}
