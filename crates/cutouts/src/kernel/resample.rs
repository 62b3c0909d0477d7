//! Takes the values of an image at positions between its pixels.

use super::bits;

/// How values between pixels are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampler {
    /// From the four nearest pixels, linearly.
    Bilinear,
    /// From the 36 nearest, by Lanczos' kernel of order 3.
    Lanczos3,
}

/// Distance of the positions that are given; between them they are interpolated (pixels of the result).
pub const NODE: usize = 8;

/// Where the pixels of the result lie in the source: positions at every 8th pixel of every 8th row.
#[derive(Debug, Clone, PartialEq)]
pub struct Nodes {
    /// Nodes in a row.
    pub columns: usize,
    /// Positions (x, y), row after row, in pixels of the source, from 0 at the first pixel's centre.
    pub xy: Vec<[f64; 2]>,
}

impl Nodes {
    /// Nodes for a result of `size` by `size` pixels; `place` gives the position of a pixel.
    ///
    /// # Errors
    /// What `place` says.
    pub fn new<E>(size: usize, mut place: impl FnMut(f64, f64) -> Result<[f64; 2], E>) -> Result<Self, E> {
        let columns = size.div_ceil(NODE) + 1;
        let mut xy = Vec::with_capacity(columns * columns);
        for row in 0..columns {
            for column in 0..columns {
                xy.push(place((column * NODE) as f64, (row * NODE) as f64)?);
            }
        }
        Ok(Self { columns, xy })
    }

    /// The position of a pixel of the result.
    fn at(&self, x: usize, y: usize) -> [f64; 2] {
        let (column, row) = (x / NODE, y / NODE);
        let (u, v) = ((x % NODE) as f64 / NODE as f64, (y % NODE) as f64 / NODE as f64);
        let first = row * self.columns + column;
        let corner = |offset: usize| self.xy[(first + offset).min(self.xy.len() - 1)];
        let (a, b) = (corner(0), corner(1));
        let (c, d) = (corner(self.columns), corner(self.columns + 1));
        std::array::from_fn(|i| {
            let (top, bottom) = (a[i] + u * (b[i] - a[i]), c[i] + u * (d[i] - c[i]));
            top + v * (bottom - top)
        })
    }
}

/// An image of `width` pixels a row; NaN is null.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Row after row.
    pub pixels: &'a [f32],
    /// Pixels of a row.
    pub width: usize,
}

/// Weights of six neighbours at -2..=3 from the pixel below, at fraction `f` above it.
fn lanczos3(f: f64) -> [f64; 6] {
    use std::f64::consts::PI;
    if f == 0.0 {
        return [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    }
    // sin(pi (f - k)) and sin(pi (f - k) / 3) from those of f: two sines and a cosine for all six.
    let (s, third) = (libm::sin(PI * f), PI * f / 3.0);
    let (s3, c3) = (libm::sin(third), libm::cos(third));
    let (half, root) = (0.5, 0.866_025_403_784_438_6);
    let weights: [f64; 6] = std::array::from_fn(|i| {
        let k = i as f64 - 2.0;
        let d = f - k;
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        // sin(a - k pi/3) = s cos(k pi/3) - c sin(k pi/3).
        let (cos, sin) = match i {
            0 => (-half, -root),
            1 => (half, -root),
            2 => (1.0, 0.0),
            3 => (half, root),
            4 => (-half, root),
            _ => (-1.0, 0.0),
        };
        3.0 * sign * s * (s3 * cos - c3 * sin) / (PI * PI * d * d)
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|w| w / sum)
}

/// Fills `out` (`size` pixels a row) from the source. A position outside of the source becomes 0 with the bit PADDED; one whose nearest pixel is null, or
/// whose valid neighbours carry less than half of the weight, becomes NaN.
pub fn resample(
    source: Source<'_>,
    nodes: &Nodes,
    kind: Resampler,
    size: usize,
    out: &mut [f32],
    mask: &mut [u8],
) {
    let height = source.pixels.len() / source.width;
    let last = [source.width as f64 - 0.5, height as f64 - 0.5];
    for (at, (value, bits)) in out.iter_mut().zip(mask).enumerate() {
        let [x, y] = nodes.at(at % size, at / size);
        if !(x >= -0.5 && y >= -0.5 && x < last[0] && y < last[1]) {
            *value = 0.0;
            *bits |= bits::PADDED;
            continue;
        }
        let (i, j) = (x.floor(), y.floor());
        let (fx, fy) = (x - i, y - j);
        let (i, j) = (i as isize, j as isize);
        *value = match kind {
            Resampler::Bilinear => weighted(source, height, [i, j], &[1.0 - fx, fx], &[1.0 - fy, fy], 0),
            Resampler::Lanczos3 => weighted(source, height, [i, j], &lanczos3(fx), &lanczos3(fy), 2),
        };
        let near = |c: f64, n: usize| (c.round() as usize).min(n - 1);
        if !source.pixels[near(y, height) * source.width + near(x, source.width)].is_finite() {
            *value = f32::NAN;
        }
    }
}

/// The weighted mean of the pixels around `corner`, `before` of them to the left and above.
fn weighted(
    source: Source<'_>,
    height: usize,
    corner: [isize; 2],
    wx: &[f64],
    wy: &[f64],
    before: isize,
) -> f32 {
    let (mut sum, mut weight) = (0f64, 0f64);
    for (n, wy) in wy.iter().enumerate() {
        let y = corner[1] - before + n as isize;
        if y < 0 || y >= height as isize {
            continue;
        }
        for (m, wx) in wx.iter().enumerate() {
            let x = corner[0] - before + m as isize;
            if x < 0 || x >= source.width as isize {
                continue;
            }
            let value = source.pixels[y as usize * source.width + x as usize];
            if value.is_finite() {
                sum += wx * wy * f64::from(value);
                weight += wx * wy;
            }
        }
    }
    if weight >= 0.5 { (sum / weight) as f32 } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifted(kind: Resampler, dx: f64, dy: f64, f: impl Fn(f64, f64) -> f64) -> Vec<(f64, f64)> {
        let pixels: Vec<f32> = (0..40 * 40).map(|i| f(f64::from(i % 40), f64::from(i / 40)) as f32).collect();
        let nodes = Nodes::new(32, |x, y| Ok::<_, ()>([x + 4.0 + dx, y + 4.0 + dy])).unwrap();
        let (mut out, mut mask) = (vec![0.0; 32 * 32], vec![0; 32 * 32]);
        resample(Source { pixels: &pixels, width: 40 }, &nodes, kind, 32, &mut out, &mut mask);
        assert!(mask.iter().all(|b| *b == 0));
        let truth = |i: usize| f((i % 32) as f64 + 4.0 + dx, (i / 32) as f64 + 4.0 + dy);
        out.iter().enumerate().map(|(i, v)| (f64::from(*v), truth(i))).collect()
    }

    #[test]
    fn planes_stay_planes() {
        for (found, truth) in shifted(Resampler::Bilinear, 0.3, -0.7, |x, y| 2.0 * x - y + 5.0) {
            assert!((found - truth).abs() < 1e-4);
        }
        for kind in [Resampler::Bilinear, Resampler::Lanczos3] {
            assert!(shifted(kind, 0.0, 0.0, |x, y| x * y).iter().all(|(a, b)| a == b), "whole pixels");
        }
    }

    #[test]
    fn lanczos_is_nearer_than_bilinear() {
        let star = |x: f64, y: f64| libm::exp(-((x - 20.0).powi(2) + (y - 19.5).powi(2)) / 8.0);
        let worst = |kind| {
            let off = shifted(kind, 0.37, 0.45, star).into_iter().map(|(a, b)| (a - b).abs());
            off.fold(0.0, f64::max)
        };
        assert!(worst(Resampler::Lanczos3) < 0.012 && worst(Resampler::Bilinear) > 0.04);
    }

    #[test]
    fn weights_are_those_of_the_formula() {
        let sinc = |x: f64| {
            if x == 0.0 { 1.0 } else { libm::sin(std::f64::consts::PI * x) / (std::f64::consts::PI * x) }
        };
        for f in [0.1, 0.5, 0.93] {
            let raw: [f64; 6] = std::array::from_fn(|i| {
                let d = f - (i as f64 - 2.0);
                sinc(d) * sinc(d / 3.0)
            });
            let sum: f64 = raw.iter().sum();
            assert!(lanczos3(f).iter().zip(raw).all(|(a, b)| (a - b / sum).abs() < 1e-14));
        }
    }

    #[test]
    fn nulls_and_edges_are_told() {
        let mut pixels = vec![1f32; 16];
        pixels[5] = f32::NAN;
        let nodes = Nodes::new(4, |x, y| Ok::<_, ()>([x - 1.0, y + 0.25])).unwrap();
        let (mut out, mut mask) = (vec![0.0; 16], vec![0; 16]);
        resample(Source { pixels: &pixels, width: 4 }, &nodes, Resampler::Bilinear, 4, &mut out, &mut mask);
        assert!((0..4).all(|y| mask[4 * y] == bits::PADDED && out[4 * y] == 0.0));
        assert!(out[4 + 2].is_nan() && out[2] == 1.0 && out[4 + 1] == 1.0);
    }
}
