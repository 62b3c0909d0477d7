//! Spectra of one station over a stretch, in a byte for each number: groups of channels share an exponent.
//!
//! The strongest number of a group has 6 to 7 bits, and noise 4 to 6: rounding adds less than a thousandth of its power. A strong signal
//! takes bits from the 15 channels beside it alone.

use super::groups::{BYTES, GROUP, Get, Groups, Put, SHIFT, Shifted, Sum, Values, one, put_whole};
use super::sums::Spectrum;
use mirinae_simd::Simd;
use std::ops::Range;

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

    /// Keeps a part of a spectrum: channels from `from` on.
    pub fn put(&mut self, (t, part): (usize, usize), spectrum: Spectrum, from: usize) {
        let part = &self.parts[part];
        let (groups, channels) = (part.of(t), part.channels);
        let numbers = &mut self.numbers[groups.start * BYTES..groups.end * BYTES];
        let exponents = &mut self.exponents[groups];
        match spectrum {
            Spectrum::Floats(values) => {
                let values = bytemuck::cast_slice(&values[from..from + channels]);
                self.simd.run(Put { values, numbers, exponents });
            }
            Spectrum::Whole(parts) => put_whole(self.simd, (parts, from, channels), numbers, exponents),
        }
    }

    /// Channels of a spectrum from `from` on, as many as there is room for; 0 beyond what was put.
    pub fn get(&self, t: usize, from: i64, re: &mut [f32], im: &mut [f32]) {
        let end = self.parts.last().map_or(0, |p| (p.from + p.channels) as i64);
        let before = (-from).clamp(0, re.len() as i64) as usize;
        let after = (end - from).clamp(0, re.len() as i64) as usize;
        for x in [&mut *re, &mut *im] {
            x[..before].fill(0.0);
            x[after.max(before)..].fill(0.0);
        }
        self.each(t, from, re.len(), |groups, place| {
            self.simd.run(Get { groups, to: Values { re: &mut re[place.clone()], im: &mut im[place] } });
        });
    }

    /// Channels of a spectrum from `from` on as whole numbers of sizes up to 4096, real and imaginary parts in turn, and what one is; `None` where some
    /// groups are too weak beside others to be such.
    pub fn whole(&self, t: usize, from: i64, to: &mut [i16]) -> Option<f32> {
        let n = to.len() / 2;
        let (mut least, mut top, mut there) = (i8::MAX, i8::MIN, 0);
        self.each(t, from, n, |groups, place| {
            let end = (groups.from + place.len()).div_ceil(GROUP);
            for exponent in &groups.exponents[groups.from / GROUP..end] {
                (least, top) = (least.min(*exponent as i8), top.max(*exponent as i8));
            }
            there += place.len();
        });
        if there == 0 || i32::from(top) - i32::from(least) > SHIFT {
            return None;
        }
        if there < n {
            to.fill(0);
        }
        self.each(t, from, n, |groups, place| {
            let to = Shifted { top, to: &mut to[2 * place.start..2 * place.end] };
            self.simd.run(Get { groups, to });
        });
        Some(one(i32::from(top) - SHIFT))
    }

    /// Adds powers of channels of a spectrum from `from` on, times a weight.
    pub fn add_powers(&self, t: usize, from: usize, weight: f32, sums: &mut [f32]) {
        self.each(t, from as i64, sums.len(), |groups, place| {
            self.simd.run(Get { groups, to: Sum { weight, sums: &mut sums[place] } });
        });
    }

    /// Calls `take` with what is kept of `n` channels of a spectrum from `from` on, and their place among these.
    fn each(&self, t: usize, from: i64, n: usize, mut take: impl FnMut(Groups, Range<usize>)) {
        let to = from + n as i64;
        let first = self.parts.partition_point(|p| (p.from + p.channels) as i64 <= from);
        for part in &self.parts[first..] {
            let (low, high) = (from.max(part.from as i64), to.min((part.from + part.channels) as i64));
            if low >= high {
                break;
            }
            let groups = part.of(t);
            let groups = Groups {
                numbers: &self.numbers[groups.start * BYTES..groups.end * BYTES],
                exponents: &self.exponents[groups],
                from: low as usize - part.from,
            };
            take(groups, (low - from) as usize..(high - from) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::SimdPath;
    use num_complex::Complex32;
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
                    voltages.put((t, part), Spectrum::Floats(&row), from);
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

    #[test]
    fn whole_numbers_are_kept_as_numbers_are() {
        let mut rng = mirinae_common::random::stream(12, 0, 0);
        let all = 400;
        let scale = |i: usize| [128.0f32, 20_000.0, 40.0, 0.0][i / 50 % 4];
        let values: Vec<Complex32> = (0..all)
            .map(|i| {
                let mut part = || (scale(i) * (2.0 * rng.random::<f32>() - 1.0)).round();
                Complex32::new(part(), part())
            })
            .collect();
        let parts = values.chunks(GROUP).flat_map(|group| {
            group.iter().map(|z| z.re as i16).chain(group.iter().map(|z| z.im as i16)).collect::<Vec<_>>()
        });
        let parts: Vec<i16> = parts.collect();
        for path in SimdPath::ALL.into_iter().filter(|path| *path >= SimdPath::Avx2 && path.is_available()) {
            for (from, n) in [(0, 400), (48, 96), (37, 203), (5, 9)] {
                let mut voltages = Voltages::new(2, &[n], (Memory::default(), Simd::new(path)));
                voltages.put((0, 0), Spectrum::Floats(&values), from);
                voltages.put((1, 0), Spectrum::Whole(&parts), from);
                let mut rows = [0, 1].map(|t| {
                    let (mut re, mut im) = (vec![0.0; n], vec![0.0; n]);
                    voltages.get(t, 0, &mut re, &mut im);
                    let mut sums = vec![1.0; n];
                    voltages.add_powers(t, 0, 0.5, &mut sums);
                    for (i, sum) in sums.iter().enumerate() {
                        let power = re[i] * re[i] + im[i] * im[i];
                        assert!((sum - 1.0 - 0.5 * power).abs() <= 1e-5 * (1.0 + power));
                    }
                    re.append(&mut im);
                    re
                });
                let [floats, whole] = &mut rows;
                for (i, (a, b)) in floats.iter().zip(whole).enumerate() {
                    let near = values[from + i % n].norm();
                    let of_group = values[(from + i % n).saturating_sub(15)..(from + i % n + 16).min(all)]
                        .iter()
                        .fold(near, |top, z| top.max(z.norm()));
                    assert!(
                        (a - *b).abs() <= 0.5f32.max(0.016 * of_group),
                        "{path:?} {from} {n} {i}: {a} {b}"
                    );
                }
            }
        }
    }
}
