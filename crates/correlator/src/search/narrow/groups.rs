//! How sixteen channels are kept in bytes: their parts with one exponent.

use mirinae_simd::{Kernel, LANES16, Lanes, Simd, bytes16, place16};

/// Channels that share an exponent.
pub(super) const GROUP: usize = LANES16;
/// Bytes of a group: real and imaginary parts in turn.
pub(super) const BYTES: usize = 2 * GROUP;
/// Largest number of a byte.
const MOST: f32 = 127.0;
/// Adding it leaves the nearest whole number in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// What 1 is in a byte of a group with an exponent.
#[inline(always)]
pub(super) fn one(exponent: i32) -> f32 {
    power(exponent - 6) * (128.0 / MOST)
}

/// 2^e.
#[inline(always)]
fn power(e: i32) -> f32 {
    f32::from_bits(((e + 127) as u32) << 23)
}

/// Keeps numbers.
pub(super) struct Put<'a> {
    /// Real and imaginary parts in turn.
    pub values: &'a [f32],
    pub numbers: &'a mut [u8],
    pub exponents: &'a mut [u8],
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

/// Keeps channels of whole numbers, 16 real parts and 16 imaginary ones in turn, from one on.
pub(super) fn put_whole(
    simd: Simd,
    (parts, from, channels): (&[i16], usize, usize),
    numbers: &mut [u8],
    exponents: &mut [u8],
) {
    let whole = if from.is_multiple_of(GROUP) { channels / GROUP } else { 0 };
    let (numbers, rest) = numbers.split_at_mut(whole * BYTES);
    let (exponents, exponents_of_rest) = exponents.split_at_mut(whole);
    bytes16(simd, &parts[2 * from / BYTES * BYTES..][..whole * BYTES], numbers, exponents);
    // Channels of two neighbours, or fewer than a group.
    for (i, (numbers, exponent)) in rest.chunks_mut(BYTES).zip(exponents_of_rest.chunks_mut(1)).enumerate() {
        let first = (whole + i) * GROUP;
        let mut group = [0; BYTES];
        for lane in 0..GROUP.min(channels - first) {
            let channel = from + first + lane;
            let at = place16(channel);
            (group[lane], group[GROUP + lane]) = (parts[at], parts[at + GROUP]);
        }
        bytes16(simd, &group, numbers, exponent);
    }
}

/// What is kept of neighbouring groups, and the first channel that is wanted.
pub(super) struct Groups<'a> {
    pub numbers: &'a [u8],
    pub exponents: &'a [u8],
    pub from: usize,
}

/// Takes channels of groups.
pub(super) trait Take {
    /// Channels to be taken.
    fn channels(&self) -> usize;
    /// Some channels of a group, to a place: how many, after how many others.
    fn take(&mut self, at: usize, group: (&[u8], u8), part: (usize, usize));
}

/// Gives what is kept.
pub(super) struct Get<'a, T> {
    pub groups: Groups<'a>,
    pub to: T,
}

impl<T: Take> Kernel for Get<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let Groups { numbers, exponents, from } = self.groups;
        let (mut at, mut done, n) = (from, 0, self.to.channels());
        while done < n {
            let (group, skip) = (at / GROUP, at % GROUP);
            let here = (GROUP - skip).min(n - done);
            self.to.take(done, (&numbers[group * BYTES..][..BYTES], exponents[group]), (here, skip));
            (at, done) = (at + here, done + here);
        }
    }
}

/// Real and imaginary parts, as they are.
pub(super) struct Values<'a> {
    pub re: &'a mut [f32],
    pub im: &'a mut [f32],
}

impl Take for Values<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.re.len()
    }

    #[inline(always)]
    fn take(&mut self, at: usize, group: (&[u8], u8), (here, skip): (usize, usize)) {
        let (all_re, all_im) = get(group);
        let (re, im) = (&mut self.re[at..at + here], &mut self.im[at..at + here]);
        if let (Some(re), Some(im)) = (re.as_mut_array(), im.as_mut_array()) {
            (*re, *im) = (all_re, all_im);
        } else {
            re.copy_from_slice(&all_re[skip..skip + here]);
            im.copy_from_slice(&all_im[skip..skip + here]);
        }
    }
}

/// Sums of powers times a weight.
pub(super) struct Sum<'a> {
    pub weight: f32,
    pub sums: &'a mut [f32],
}

impl Take for Sum<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.sums.len()
    }

    #[inline(always)]
    fn take(&mut self, at: usize, (numbers, exponent): (&[u8], u8), (here, skip): (usize, usize)) {
        let (re, im) = bytes(numbers);
        let one = one(i32::from(exponent as i8));
        let weight = self.weight * one * one;
        let sums = &mut self.sums[at..at + here];
        if let Some(sums) = sums.as_mut_array::<GROUP>() {
            for i in 0..GROUP {
                sums[i] += weight * (re[i] * re[i] + im[i] * im[i]);
            }
        } else {
            for i in 0..here {
                sums[i] += weight * (re[skip + i] * re[skip + i] + im[skip + i] * im[skip + i]);
            }
        }
    }
}

/// Bits by which the strongest group's numbers are larger than in their bytes, where whole numbers are asked for.
pub(super) const SHIFT: i32 = 5;

/// Whole numbers of one scale.
pub(super) struct Shifted<'a> {
    /// The largest exponent; no other is less by more than [`SHIFT`].
    pub top: i8,
    /// Real and imaginary parts in turn.
    pub to: &'a mut [i16],
}

impl Take for Shifted<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.to.len() / 2
    }

    #[inline(always)]
    fn take(&mut self, at: usize, (numbers, exponent): (&[u8], u8), (here, skip): (usize, usize)) {
        let shift = SHIFT - (i32::from(self.top) - i32::from(exponent as i8));
        let bytes: [i8; BYTES] = bytemuck::pod_read_unaligned(numbers);
        let mut whole = [0i16; BYTES];
        for i in 0..BYTES {
            whole[i] = i16::from(bytes[i]) << shift;
        }
        let to = &mut self.to[2 * at..2 * (at + here)];
        if let Some(to) = to.as_mut_array() {
            *to = whole;
        } else {
            to.copy_from_slice(&whole[2 * skip..2 * (skip + here)]);
        }
    }
}

/// Real and imaginary parts of a group.
#[inline(always)]
fn get((numbers, exponent): (&[u8], u8)) -> ([f32; GROUP], [f32; GROUP]) {
    let scale = one(i32::from(exponent as i8));
    let (mut re, mut im) = bytes(numbers);
    for re in &mut re {
        *re *= scale;
    }
    for im in &mut im {
        *im *= scale;
    }
    (re, im)
}

/// Bytes of a group as numbers.
#[inline(always)]
fn bytes(numbers: &[u8]) -> ([f32; GROUP], [f32; GROUP]) {
    let pairs: [i16; GROUP] = bytemuck::pod_read_unaligned(numbers);
    let (mut low, mut high) = ([0i32; GROUP], [0i32; GROUP]);
    for i in 0..GROUP {
        let pair = i32::from(i16::from_le(pairs[i]));
        (low[i], high[i]) = ((pair << 24) >> 24, pair >> 8);
    }
    let (mut re, mut im) = ([0.0; GROUP], [0.0; GROUP]);
    for i in 0..GROUP {
        re[i] = low[i] as f32;
    }
    for i in 0..GROUP {
        im[i] = high[i] as f32;
    }
    (re, im)
}
