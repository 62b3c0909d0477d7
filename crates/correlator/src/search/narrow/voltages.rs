//! Spectra of one station over a stretch, in a byte for each number: groups of channels share an exponent.
//!
//! The strongest number of a group has 6 to 7 bits, and noise 4 to 6: rounding adds less than a thousandth of its power. A strong signal
//! takes bits from the 15 channels beside it alone.

use crate::simd::{Kernel, Lanes, Simd};

/// Channels that share an exponent.
pub(super) const GROUP: usize = 16;
/// Bytes of a group: real parts, imaginary parts.
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
    /// By spectrum and group.
    numbers: Vec<i8>,
    exponents: Vec<i8>,
}

impl Part {
    fn groups(&self) -> usize {
        self.channels.div_ceil(GROUP)
    }
}

/// All spectra of a station over a stretch.
pub(super) struct Voltages {
    parts: Vec<Part>,
    simd: Simd,
}

impl Voltages {
    /// Room for spectra whose channels are put in parts of so many.
    pub fn new(spectra: usize, channels_of: &[usize], simd: Simd) -> Self {
        let mut from = 0;
        let part = |&channels: &usize| {
            let groups = spectra * channels.div_ceil(GROUP);
            let part = Part { from, channels, numbers: vec![0; groups * BYTES], exponents: vec![0; groups] };
            from += channels;
            part
        };
        Self { parts: channels_of.iter().map(part).collect(), simd }
    }

    /// Keeps a part of a spectrum.
    pub fn put(&mut self, (t, part): (usize, usize), re: &[f32], im: &[f32]) {
        let part = &mut self.parts[part];
        debug_assert!(re.len() == part.channels && im.len() == part.channels);
        let groups = part.groups();
        let numbers = &mut part.numbers[t * groups * BYTES..][..groups * BYTES];
        let exponents = &mut part.exponents[t * groups..][..groups];
        self.simd.run(Put { re, im, numbers, exponents });
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
        for part in &self.parts {
            let (low, high) = (from.max(part.from as i64), to.min((part.from + part.channels) as i64));
            if low >= high {
                continue;
            }
            let groups = part.groups();
            let place = (low - from) as usize..(high - from) as usize;
            self.simd.run(Get {
                numbers: &part.numbers[t * groups * BYTES..][..groups * BYTES],
                exponents: &part.exponents[t * groups..][..groups],
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
    re: &'a [f32],
    im: &'a [f32],
    numbers: &'a mut [i8],
    exponents: &'a mut [i8],
}

impl Kernel for Put<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.re.len();
        for (group, exponent) in self.exponents.iter_mut().enumerate() {
            let numbers = &mut self.numbers[group * BYTES..][..BYTES];
            let from = group * GROUP;
            if from + GROUP <= n {
                put(&self.re[from..][..GROUP], &self.im[from..][..GROUP], numbers, exponent);
            } else {
                let mut rest = [[0.0f32; GROUP]; 2];
                rest[0][..n - from].copy_from_slice(&self.re[from..]);
                rest[1][..n - from].copy_from_slice(&self.im[from..]);
                put(&rest[0], &rest[1], numbers, exponent);
            }
        }
    }
}

/// Keeps a group.
#[inline(always)]
fn put(re: &[f32], im: &[f32], numbers: &mut [i8], exponent: &mut i8) {
    // Of numbers without sign, the larger one has the larger bits.
    let mut tops = [0u32; GROUP];
    for i in 0..GROUP {
        let (a, b) = (re[i].abs().to_bits(), im[i].abs().to_bits());
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
    *exponent = e as i8;
    let scale = power(6 - e) * (MOST / 128.0);
    let mut held = [0i8; BYTES];
    for i in 0..GROUP {
        held[i] = (re[i] * scale + ROUND).to_bits() as u8 as i8;
        held[GROUP + i] = (im[i] * scale + ROUND).to_bits() as u8 as i8;
    }
    numbers.copy_from_slice(&held);
}

struct Get<'a> {
    numbers: &'a [i8],
    exponents: &'a [i8],
    from: usize,
    re: &'a mut [f32],
    im: &'a mut [f32],
}

impl Kernel for Get<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (mut at, mut done) = (self.from, 0);
        while done < self.re.len() {
            let (group, skip) = (at / GROUP, at % GROUP);
            let n = (GROUP - skip).min(self.re.len() - done);
            let scale = power(i32::from(self.exponents[group]) - 6) * (128.0 / MOST);
            let numbers = &self.numbers[group * BYTES..][..BYTES];
            let (re, im) = (&mut self.re[done..done + n], &mut self.im[done..done + n]);
            if n == GROUP {
                get(numbers, scale, re, im);
            } else {
                re.iter_mut().zip(&numbers[skip..]).for_each(|(x, n)| *x = f32::from(*n) * scale);
                im.iter_mut().zip(&numbers[GROUP + skip..]).for_each(|(x, n)| *x = f32::from(*n) * scale);
            }
            (at, done) = (at + n, done + n);
        }
    }
}

/// The numbers of a group. In arrays of its own: the compiler need not fear that they are the same memory.
#[inline(always)]
fn get(numbers: &[i8], scale: f32, re: &mut [f32], im: &mut [f32]) {
    let mut held = [0i8; BYTES];
    held.copy_from_slice(numbers);
    let mut values = [0.0f32; BYTES];
    for i in 0..BYTES {
        values[i] = f32::from(held[i]) * scale;
    }
    re.copy_from_slice(&values[..GROUP]);
    im.copy_from_slice(&values[GROUP..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::SimdPath;
    use rand::RngExt;

    #[test]
    fn numbers_come_back_to_within_a_hundredth_of_the_strongest_beside_them() {
        let mut rng = mirinae_common::random::stream(11, 0, 0);
        let parts = [100, 37, 64];
        let all: usize = parts.iter().sum();
        for path in SimdPath::ALL {
            let mut voltages = Voltages::new(2, &parts, Simd::new(path));
            let scale = |i: usize| [1.0f32, 1e-6, 1e9, 0.0][i / 16 % 4];
            let mut row =
                || -> Vec<f32> { (0..all).map(|i| (rng.random::<f32>() - 0.5) * scale(i)).collect() };
            let kept: Vec<(Vec<f32>, Vec<f32>)> = (0..2).map(|_| (row(), row())).collect();
            for (t, (re, im)) in kept.iter().enumerate() {
                let mut from = 0;
                for (part, n) in parts.iter().enumerate() {
                    voltages.put((t, part), &re[from..from + n], &im[from..from + n]);
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
