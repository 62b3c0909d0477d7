//! The equations of statistical equilibrium at given populations, and their derivatives by these.

use super::excitation::Excitation;
use super::work::NonLteWork;

/// Populations below that matter to nothing: errors are measured in it.
pub(super) const NEGLIGIBLE: f64 = 1.0e-20;

impl Excitation {
    /// Opacities and escape probabilities at the populations `work.x`.
    pub(super) fn radiate(&self, column_per_width: f64, work: &mut NonLteWork<'_>) {
        for (k, line) in self.lines.iter().enumerate() {
            let per_excess = column_per_width * line.opacity;
            work.tau[k] = per_excess * (line.g_ratio * work.x[line.low] - work.x[line.up]);
            work.emission_k[k] = per_excess * line.hnu_k * work.x[line.up];
            (work.beta[k], work.beta_slope[k]) = self.geometry.escape(work.tau[k]);
        }
    }

    /// Writes the net rate into each level and its rate of loss, after [`Self::radiate`]; returns the largest net rate,
    /// in losses of the level.
    pub(super) fn balance(&self, work: &mut NonLteWork<'_>) -> f64 {
        let NonLteWork { x, collisions, collisions_out, net, out, beta, scale, .. } = work;
        net.fill(0.0);
        out.copy_from_slice(collisions_out);
        for (&x, row) in x.iter().zip(collisions.chunks_exact(x.len())) {
            net.iter_mut().zip(row).for_each(|(net, &rate)| *net += x * rate);
        }
        for ((net, &x), &rate) in net.iter_mut().zip(&**x).zip(&**collisions_out) {
            *net -= x * rate;
        }
        for (line, &beta) in self.lines.iter().zip(&**beta) {
            let (down, upward) = line.rates(beta);
            let flow = x[line.up] * down - x[line.low] * upward;
            net[line.up] -= flow;
            net[line.low] += flow;
            out[line.up] += down;
            out[line.low] += upward;
        }
        let mut largest = 0.0_f64;
        for (((scale, &x), &net), &out) in scale.iter_mut().zip(&**x).zip(&**net).zip(&**out) {
            *scale = x.max(NEGLIGIBLE);
            largest = largest.max((net / (*scale * out)).abs());
        }
        largest
    }

    /// Writes the matrix of the Newton step after [`Self::balance`]: derivative of each level's net rate by each relative
    /// population, in losses of the level. The sum of the populations takes the place of the fullest level's equation;
    /// returns that level.
    pub(super) fn jacobian(&self, column_per_width: f64, work: &mut NonLteWork<'_>) -> usize {
        let NonLteWork { x, collisions, collisions_out, out, beta, beta_slope, scale, lu, .. } = work;
        let (n, a) = (x.len(), &mut *lu.a);
        for i in 0..n {
            for j in 0..n {
                a[i * n + j] = collisions[j * n + i];
            }
            a[i * n + i] = -collisions_out[i];
        }
        for (k, line) in self.lines.iter().enumerate() {
            let (up, low) = (line.up, line.low);
            let (down, upward) = line.rates(beta[k]);
            let (down_of_one, upward_of_one) = line.rates(1.0);
            let trapped = (x[up] * down_of_one - x[low] * upward_of_one)
                * beta_slope[k]
                * (column_per_width * line.opacity);
            let (by_up, by_low) = (down - trapped, trapped * line.g_ratio - upward);
            a[up * n + up] -= by_up;
            a[up * n + low] -= by_low;
            a[low * n + up] += by_up;
            a[low * n + low] += by_low;
        }
        let fullest = (1..n).fold(0, |best, i| if x[i] > x[best] { i } else { best });
        for (i, row) in a.chunks_exact_mut(n).enumerate() {
            let per_loss = 1.0 / (scale[i] * out[i]);
            for (a, &scale) in row.iter_mut().zip(&**scale) {
                *a = if i == fullest { scale } else { *a * scale * per_loss };
            }
        }
        fullest
    }
}
