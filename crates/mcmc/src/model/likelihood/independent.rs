//! The distance of model and data where channels are independent: Gaussian or Student's t.

use super::{Distance, View};
use crate::model::simd::{Kernel, Lanes};
use crate::model::vector::ln;

/// One window; see [`super`] for the equations. `KEEP` writes the derivative of half the distance by the model.
pub(super) struct Independent<'a, const KEEP: bool, const STUDENT: bool> {
    pub view: View<'a>,
    pub pull_per_k: &'a mut [f64],
    /// Degrees of freedom, where `STUDENT`.
    pub dof: f64,
}

impl<const KEEP: bool, const STUDENT: bool> Kernel for Independent<'_, KEEP, STUDENT> {
    type Output = Distance;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Distance {
        let Self { view, pull_per_k, dof } = self;
        let p = view.params;
        let [zero, one, milli, middle] = [0.0, 1.0, 1.0e-3, view.middle_mhz].map(L::splat);
        let [calibration, offset] = [p.calibration, p.offset_k].map(L::splat);
        let [slope, jitter2] = [p.slope_k_per_ghz, p.jitter_k * p.jitter_k].map(L::splat);
        let [dof, dof1] = [dof, dof + 1.0].map(L::splat);
        let (mut total, mut squares) = (zero, zero);
        let [mut by_calibration, mut by_offset, mut by_slope, mut by_jitter] = [zero; 4];
        for at in (0..view.t_k.len()).step_by(L::N) {
            let (model, weight) = (L::load(&view.model_k[at..]), L::load(&view.weight_per_k[at..]));
            let x = L::load(&view.freq_mhz[at..]).sub(middle).mul(milli);
            let residual = calibration.mul_add(model, slope.mul_add(x, offset)).sub(L::load(&view.t_k[at..]));
            // v / sigma^2; 1 where the channel is not used.
            let widened = jitter2.mul_add(weight.mul(weight), one);
            // One over the variance: 0 where the channel is not used.
            let per_v = weight.mul(weight).div(widened);
            let square = residual.mul(residual).mul(per_v);
            squares = squares.add(square);
            // d(total / 2)/dr is `pull`, its product with r `work`.
            let (pull, work) = if STUDENT {
                total = dof1.mul_add(ln(square.div(dof).add(one)), total);
                let share = dof1.div(dof.add(square));
                (share.mul(residual).mul(per_v), share.mul(square))
            } else {
                total = total.add(square);
                (residual.mul(per_v), square)
            };
            if p.jitter_k != 0.0 {
                total = total.add(ln(widened));
            }
            if KEEP {
                pull.mul(calibration).store(&mut pull_per_k[at..]);
                by_calibration = pull.mul_add(model, by_calibration);
                by_offset = by_offset.add(pull);
                by_slope = pull.mul_add(x, by_slope);
                by_jitter = per_v.mul_add(one.sub(work), by_jitter);
            }
        }
        let by_params = [by_calibration.sum(), by_offset.sum(), by_slope.sum(), p.jitter_k * by_jitter.sum()];
        Distance { total: total.sum(), squares: squares.sum(), by_params }
    }
}
