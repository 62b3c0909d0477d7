//! Turns the bytes of pixels into numbers; nulls become NaN.

/// How pixels are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    /// 8, 16, 32, 64 (integers) or -32, -64 (floating point).
    pub bitpix: i64,
    /// Value = `zero + scale * stored`.
    pub scale: f64,
    /// See `scale`.
    pub zero: f64,
    /// The stored integer that means null.
    pub blank: Option<i64>,
}

/// Pixels as a file has them, row after row.
#[derive(Debug, Clone)]
pub enum Pixels<'a> {
    /// Big-endian, to be scaled.
    Stored(&'a [u8], Encoding),
    /// Integers out of tiles, to be scaled.
    Integers(Vec<i64>, Encoding),
    /// Numbers out of tiles, single precision at heart where the image has 32 bits.
    Numbers(Vec<f64>),
}

/// A type that pixels are wanted in.
pub trait Pixel: Copy {
    /// From single precision, exactly.
    fn single(value: f32) -> Self;
    /// From double precision, rounded.
    fn double(value: f64) -> Self;
}

impl Pixel for f32 {
    fn single(value: f32) -> Self {
        value
    }
    fn double(value: f64) -> Self {
        value as Self
    }
}

impl Pixel for f64 {
    fn single(value: f32) -> Self {
        Self::from(value)
    }
    fn double(value: f64) -> Self {
        value
    }
}

/// BZERO of unsigned 64-bit integers that are stored as signed ones.
const UNSIGNED_64: f64 = 9_223_372_036_854_775_808.0;

impl Encoding {
    fn is_plain(&self) -> bool {
        self.scale == 1.0 && self.zero == 0.0
    }

    /// 8- and 16-bit integers and single precision: the arithmetic of single precision.
    fn single<P: Pixel>(&self, stored: f32) -> P {
        let mut value = stored;
        if self.scale != 1.0 {
            value *= self.scale as f32;
        }
        if self.zero != 0.0 {
            value += self.zero as f32;
        }
        P::single(value)
    }

    /// Scales numbers that have been unpacked.
    pub(super) fn scale_numbers(&self, values: &mut [f64]) {
        if self.is_plain() {
            return;
        }
        for value in values {
            *value = if self.bitpix == -32 { self.single(*value as f32) } else { self.double(*value) };
        }
    }

    /// Longer ones: the arithmetic of double precision.
    fn double<P: Pixel>(&self, stored: f64) -> P {
        let mut value = stored;
        if self.scale != 1.0 {
            value *= self.scale;
        }
        if self.zero != 0.0 {
            value += self.zero;
        }
        P::double(value)
    }

    fn integer<P: Pixel>(&self, stored: i64) -> P {
        if self.blank == Some(stored) {
            return P::single(f32::NAN);
        }
        match self.bitpix {
            8 | 16 => self.single(stored as f32),
            64 if self.scale == 1.0 && self.zero == UNSIGNED_64 => {
                P::double((stored as u64 ^ 1 << 63) as f64)
            }
            _ => self.double(stored as f64),
        }
    }
}

/// Calls `value` for each chunk of N bytes.
fn each<const N: usize, P>(bytes: &[u8], out: &mut [P], value: impl Fn([u8; N]) -> P) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *out = value(*bytes);
    }
}

impl Pixels<'_> {
    /// Number of pixels.
    pub fn len(&self) -> usize {
        match self {
            Self::Stored(bytes, encoding) => bytes.len() / (encoding.bitpix.unsigned_abs() / 8) as usize,
            Self::Integers(values, _) => values.len(),
            Self::Numbers(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the values of the pixels from `first` on to `out`.
    ///
    /// # Panics
    /// Where there are not so many: a mistake in the program.
    pub fn read<P: Pixel>(&self, first: usize, out: &mut [P]) {
        let (end, len) = (first + out.len(), self.len());
        assert!(end <= len, "pixels {first}..{end} of {len}");
        match self {
            Self::Stored(bytes, encoding) => {
                let width = (encoding.bitpix.unsigned_abs() / 8) as usize;
                stored(&bytes[first * width..end * width], *encoding, out);
            }
            Self::Integers(values, encoding) => {
                for (out, value) in out.iter_mut().zip(&values[first..end]) {
                    *out = encoding.integer(*value);
                }
            }
            Self::Numbers(values) => {
                for (out, value) in out.iter_mut().zip(&values[first..end]) {
                    *out = P::double(*value);
                }
            }
        }
    }
}

fn stored<P: Pixel>(bytes: &[u8], e: Encoding, out: &mut [P]) {
    match e.bitpix {
        8 => each(bytes, out, |[b]| e.integer(i64::from(b))),
        16 => each(bytes, out, |b| e.integer(i64::from(i16::from_be_bytes(b)))),
        32 => each(bytes, out, |b| e.integer(i64::from(i32::from_be_bytes(b)))),
        64 => each(bytes, out, |b| e.integer(i64::from_be_bytes(b))),
        -32 if e.is_plain() => each(bytes, out, |b| P::single(f32::from_be_bytes(b))),
        -32 => each(bytes, out, |b| e.single(f32::from_be_bytes(b))),
        _ if e.is_plain() => each(bytes, out, |b| P::double(f64::from_be_bytes(b))),
        _ => each(bytes, out, |b| e.double(f64::from_be_bytes(b))),
    }
}
