//! Solves `L y = z` for a banded triangle `L`, as many channels at once as the processor has lanes.
//!
//! With the inverse of the part of `L` that these channels share: `y = M z + P y_before`.

use super::View;
use crate::model::simd::{Kernel, Lanes, Simd};
use crate::model::vector::ln;

/// `M` and `P` of all channels.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// For as many channels as there are lanes: the columns of `M`, then of `P` from the nearest channel before them on.
    columns: Vec<f64>,
}

impl Blocks {
    /// From `y_i = z_i / L_ii - sum_k row_ik y_i-k` (k from 1 to the band), the earlier ones of the same channels being
    /// replaced by what they are themselves. The last are padded with zeros.
    pub fn new(rows: &[f64], per_diagonal: &[f64], band: usize, simd: Simd) -> Self {
        let lanes = simd.run(CountLanes);
        let n = per_diagonal.len();
        let size = (lanes + band) * lanes;
        let mut columns = vec![0.0; n.div_ceil(lanes) * size];
        for (index, block) in columns.chunks_exact_mut(size).enumerate() {
            let first = index * lanes;
            for i in first..(first + lanes).min(n) {
                let own = i - first;
                block[own * lanes + own] = per_diagonal[i];
                for (k, a) in rows[i * band..(i + 1) * band].iter().enumerate() {
                    if k >= own {
                        block[(lanes + k - own) * lanes + own] -= a;
                        continue;
                    }
                    let earlier = own - 1 - k;
                    for column in 0..lanes + band {
                        block[column * lanes + own] -= a * block[column * lanes + earlier];
                    }
                }
            }
        }
        Self { columns }
    }
}

/// How many lanes a path has.
struct CountLanes;

impl Kernel for CountLanes {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self) -> usize {
        L::N
    }
}

/// Solves `L y = z`; gives `|y|^2` and the sum of `ln(v / sigma^2)`. `y` ends with that of the channels in use, in their order.
pub(super) struct Forward<'a, const BAND: usize> {
    pub blocks: &'a Blocks,
    /// The channels in use.
    pub used: &'a [u32],
    pub view: &'a View<'a>,
    /// As long as the window.
    pub y: &'a mut [f64],
}

impl<const BAND: usize> Kernel for Forward<'_, BAND> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<L: Lanes>(self) -> (f64, f64) {
        let Self { blocks, used, view, y } = self;
        let ln_widened = scaled_residuals::<L>(view, y);
        if used.last().is_some_and(|last| *last as usize >= used.len()) {
            // Channels in use are counted more slowly than all: what is overwritten has been read.
            for (n, channel) in used.iter().enumerate() {
                y[n] = y[*channel as usize];
            }
        }
        y[used.len()..used.len().next_multiple_of(L::N)].fill(0.0);
        let (mut squares, mut before) = (L::splat(0.0), [0.0; BAND]);
        let size = (L::N + BAND) * L::N;
        for (y, block) in y.chunks_exact_mut(L::N).zip(blocks.columns.chunks_exact(size)) {
            let (own, earlier) = block.split_at(L::N * L::N);
            let mut solved = L::splat(0.0);
            for (z, column) in y.iter().zip(own.chunks_exact(L::N)) {
                solved = L::splat(*z).mul_add(L::load(column), solved);
            }
            // The nearest last: it is the one that has to be waited for.
            for (before, column) in before.iter().zip(earlier.chunks_exact(L::N)).rev() {
                solved = L::splat(*before).mul_add(L::load(column), solved);
            }
            solved.store(y);
            squares = solved.mul_add(solved, squares);
            for k in (0..BAND).rev() {
                before[k] = if k < L::N { y[L::N - 1 - k] } else { before[k - L::N] };
            }
        }
        (squares.sum(), ln_widened)
    }
}

/// `V^-1/2 r` of all channels into `z` (0 where there is no weight), and the sum of `ln(v / sigma^2)`.
#[inline(always)]
fn scaled_residuals<L: Lanes>(view: &View, z: &mut [f64]) -> f64 {
    let p = view.params;
    let [one, milli, middle] = [1.0, 1.0e-3, view.middle_mhz].map(L::splat);
    let [calibration, offset, slope] = [p.calibration, p.offset_k, p.slope_k_per_ghz].map(L::splat);
    let jitter2 = L::splat(p.jitter_k * p.jitter_k);
    let mut ln_widened = L::splat(0.0);
    for at in (0..z.len()).step_by(L::N) {
        let (model, weight) = (L::load(&view.model_k[at..]), L::load(&view.weight_per_k[at..]));
        let x = L::load(&view.freq_mhz[at..]).sub(middle).mul(milli);
        let residual = calibration.mul_add(model, slope.mul_add(x, offset)).sub(L::load(&view.t_k[at..]));
        let mut scaled = residual.mul(weight);
        if p.jitter_k != 0.0 {
            let widened = jitter2.mul_add(weight.mul(weight), one);
            scaled = scaled.div(widened.sqrt());
            ln_widened = ln_widened.add(ln(widened));
        }
        scaled.store(&mut z[at..]);
    }
    ln_widened.sum()
}
