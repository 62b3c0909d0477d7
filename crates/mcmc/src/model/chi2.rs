//! How far the model is from the data.

use super::scratch::Scratch;
use super::simd::{Kernel, Lanes};

/// The data, in the order of the model's own channels: see [`super::LteModel::channel_data`].
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelData {
    /// Brightness temperature (K), padded.
    pub(super) t_k: Vec<f64>,
    /// One over the standard deviation (1/K), padded with zeros.
    pub(super) weight_per_k: Vec<f64>,
}

/// The sum of squares of (data - model) times the weight; with `KEEP` the derivative of its half by the model.
pub(super) struct Chi2<'a, const KEEP: bool> {
    pub data: &'a ChannelData,
    pub scratch: &'a mut Scratch,
}

impl<const KEEP: bool> Kernel for Chi2<'_, KEEP> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f64 {
        let Self { data, scratch } = self;
        // Two sums, so that one addition does not wait for the other. There is an even number of vectors of four, as
        // channels are padded to eight; with eight lanes one may be left over.
        let mut sums = [L::splat(0.0); 2];
        let columns = data.t_k.chunks(2 * L::N).zip(data.weight_per_k.chunks(2 * L::N));
        let model = scratch.sum_k.chunks(2 * L::N).zip(scratch.pull_per_k.chunks_mut(2 * L::N));
        for ((t_k, weight), (model, pull)) in columns.zip(model) {
            for k in 0..t_k.len() / L::N {
                let (at, weight) = (k * L::N, L::load(&weight[k * L::N..]));
                let residual = L::load(&model[at..]).sub(L::load(&t_k[at..])).mul(weight);
                sums[k] = residual.mul_add(residual, sums[k]);
                if KEEP {
                    residual.mul(weight).store(&mut pull[at..]);
                }
            }
        }
        sums[0].add(sums[1]).sum()
    }
}
