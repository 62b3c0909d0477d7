//! Work space of one solving thread, and what it holds after a solution.

use super::linear::Lu;
use super::slopes::Slope;

/// A radiative line at the solution.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LineState {
    /// Opacity at the line's centre; negative where the populations are inverted.
    pub tau: f64,
    /// Excitation temperature (K); negative where the populations are inverted.
    pub tex_k: f64,
    /// Opacity times the source function `J(Tex)` (K): smooth through an inversion, where `J` has a pole.
    pub emission_k: f64,
}

/// Sizes of a molecule's equations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub levels: usize,
    pub lines: usize,
    /// What derivatives are by.
    pub conditions: usize,
}

impl Sizes {
    /// Numbers of work space.
    pub fn n_work(self) -> usize {
        let Self { levels, lines, conditions } = self;
        3 * levels * levels + 9 * levels + 4 * lines + 3 * lines * conditions
    }
}

/// A work space laid out: see [`super::Excitation::work`].
#[derive(Debug)]
pub struct NonLteWork<'a> {
    /// Populations.
    pub(super) x: &'a mut [f64],
    pub(super) trial: &'a mut [f64],
    /// Populations that the steps are measured with: at least [`super::balance::NEGLIGIBLE`].
    pub(super) scale: &'a mut [f64],
    /// Collision rates (1/s), from row to column, and their sum a row.
    pub(super) collisions: &'a mut [f64],
    pub(super) collisions_out: &'a mut [f64],
    pub(super) boltzmann: &'a mut [f64],
    /// All rates, for the elimination without subtraction.
    pub(super) rates: &'a mut [f64],
    /// Net rate into each level (1/s), and all that leaves it, per molecule in it (1/s).
    pub(super) net: &'a mut [f64],
    pub(super) out: &'a mut [f64],
    pub(super) step: &'a mut [f64],
    pub(super) lu: Lu<'a>,
    /// Of the lines: opacity, the same times the source function (K), escape probability, its derivative by opacity.
    pub(super) tau: &'a mut [f64],
    pub(super) emission_k: &'a mut [f64],
    pub(super) beta: &'a mut [f64],
    pub(super) beta_slope: &'a mut [f64],
    /// Derivatives of opacity, emission (K) and Tex (K): a row a line, three numbers a condition.
    pub(super) slopes: &'a mut [f64],
    pub(super) iterations: usize,
    pub(super) sizes: Sizes,
}

impl<'a> NonLteWork<'a> {
    /// # Panics
    /// When there are not enough numbers.
    pub(super) fn new(sizes: Sizes, numbers: &'a mut [f64]) -> Self {
        let mut rest = numbers;
        let mut take = |n: usize| {
            let (first, others) = std::mem::take(&mut rest).split_at_mut(n);
            rest = others;
            first
        };
        let (levels, lines) = (sizes.levels, sizes.lines);
        Self {
            x: take(levels),
            trial: take(levels),
            scale: take(levels),
            collisions: take(levels * levels),
            collisions_out: take(levels),
            boltzmann: take(levels),
            rates: take(levels * levels),
            net: take(levels),
            out: take(levels),
            step: take(levels),
            lu: Lu::new(take(levels * levels), take(levels)),
            tau: take(lines),
            emission_k: take(lines),
            beta: take(lines),
            beta_slope: take(lines),
            slopes: take(3 * lines * sizes.conditions),
            iterations: 0,
            sizes,
        }
    }

    /// Share of the molecules in each level.
    pub fn populations(&self) -> &[f64] {
        self.x
    }

    /// Linear systems that the last solution took.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Derivatives of a line by log10 N (index 0), Tkin (K; 1), and log10 of the density of each partner (2 and up); after
    /// [`super::Excitation::slopes`].
    pub fn slope(&self, line: usize, condition: usize) -> Slope {
        let first = 3 * (line * self.sizes.conditions + condition);
        Slope { tau: self.slopes[first], emission_k: self.slopes[first + 1], tex_k: self.slopes[first + 2] }
    }
}
