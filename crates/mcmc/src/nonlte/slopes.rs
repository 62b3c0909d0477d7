//! Derivatives of the lines by the conditions, at a solution: the implicit function theorem.

use super::excitation::{Conditions, Excitation};
use super::work::NonLteWork;
use std::f64::consts::LN_10;

/// Derivatives of a line by one condition.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slope {
    /// Of the opacity at the line's centre.
    pub tau: f64,
    /// Of the opacity times the source function (K).
    pub emission_k: f64,
    /// Of the excitation temperature (K).
    pub tex_k: f64,
}

/// A condition.
#[derive(Debug, Clone, Copy)]
enum By {
    /// ln of the column density.
    Column,
    /// Kinetic temperature (K).
    Temperature,
    /// ln of the density of a partner.
    Density(usize),
}

impl Excitation {
    /// Writes the derivatives of all lines at the conditions of the last [`Excitation::solve`]; allocates nothing. A cloud is
    /// the same at constant `N / FWHM`: the derivative of `tau` by ln FWHM is minus that by ln N.
    pub fn slopes(&self, conditions: &Conditions<'_>, work: &mut NonLteWork<'_>) {
        let column_per_width = conditions.column_per_width();
        let fullest = self.jacobian(column_per_width, work);
        if !work.lu.factor() {
            // At a solution only if a population is at a pole: nothing can be said.
            work.slopes.fill(0.0);
            return;
        }
        let n_conditions = 2 + self.molecule.collisions.len();
        for index in 0..n_conditions {
            let (by, unit) = match index {
                0 => (By::Column, LN_10),
                1 => (By::Temperature, 1.0),
                k => (By::Density(k - 2), LN_10),
            };
            self.push(by, conditions, work);
            for ((step, &out), &scale) in work.step.iter_mut().zip(&*work.out).zip(&*work.scale) {
                *step /= -scale * out;
            }
            work.step[fullest] = 0.0;
            work.lu.solve(work.step);
            work.step.iter_mut().zip(&*work.scale).for_each(|(step, scale)| *step *= scale);
            for (k, line) in self.lines.iter().enumerate() {
                let (by_up, by_low) = (work.step[line.up], work.step[line.low]);
                let per_excess = column_per_width * line.opacity;
                let mut tau = per_excess * (line.g_ratio * by_low - by_up);
                let mut emission_k = per_excess * line.hnu_k * by_up;
                if let By::Column = by {
                    tau += work.tau[k];
                    emission_k += work.emission_k[k];
                }
                let by_log = by_low / work.x[line.low] - by_up / work.x[line.up];
                let tex = self.line(k, work).tex_k;
                let tex_k = -tex * tex / line.hnu_k * by_log;
                let first = 3 * (k * n_conditions + index);
                work.slopes[first..first + 3]
                    .copy_from_slice(&[tau, emission_k, tex_k].map(|slope| unit * slope));
            }
        }
    }

    /// Derivative of each level's net rate by a condition at constant populations, to `work.step`.
    fn push(&self, by: By, conditions: &Conditions<'_>, work: &mut NonLteWork<'_>) {
        let NonLteWork { x, step, boltzmann, tau, beta_slope, .. } = work;
        step.fill(0.0);
        let mut flow = |up: usize, low: usize, down: f64| {
            step[up] -= down;
            step[low] += down;
        };
        if let By::Column = by {
            for ((line, &tau), &slope) in self.lines.iter().zip(&**tau).zip(&**beta_slope) {
                let (down, upward) = line.rates(slope * tau);
                flow(line.up, line.low, x[line.up] * down - x[line.low] * upward);
            }
            return;
        }
        let partners = self.molecule.collisions.iter().zip(conditions.densities_cm3).enumerate();
        for (k, (collisions, &density_cm3)) in partners {
            let of_density = match by {
                By::Density(partner) if partner == k => true,
                By::Temperature => false,
                _ => continue,
            };
            if density_cm3 == 0.0 {
                continue;
            }
            self.levels.for_each_pair(collisions, conditions.tkin_k, boltzmann, |pair| {
                let (down, upward) =
                    if of_density { (pair.down, pair.upward) } else { (pair.down_by_t, pair.upward_by_t) };
                flow(pair.up, pair.low, density_cm3 * (x[pair.up] * down - x[pair.low] * upward));
            });
        }
    }
}
