//! Which rules sample a vector of channels along a sight line, from the width of the channels and the opacity there: where one ends
//! and another begins both are computed and mixed, so that value and gradient are continuous.

use super::ladder::rise;
use super::nodes::{COUNTS, DEPTHS, SINGLE, WIDEST};
use crate::catalog::interpolate::{hermite, monotone_slopes};

/// From this share of the largest opacity of a rule on the next ones set in.
const SETS_IN: f64 = 0.6;
/// Slope of ln(opacity) by ln(width) from the widest channel of the table on: steeper than any within.
const BEYOND: f64 = -8.0;
/// The most rules that count at once.
const MOST: usize = 3;

/// The largest opacity of one rule, with the derivative of its logarithm by that of the width.
#[derive(Debug, Clone, Copy)]
struct Limit {
    depth: f64,
    slope: f64,
}

/// The largest opacity for which the mean opacity (index 0) and each rule but the last (index 1 on) will do, at one width of the
/// channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    limits: [Limit; COUNTS.len()],
    first_rule: usize,
}

/// A rule, and how much it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Share {
    /// Its index (0: mean opacity).
    pub rule: usize,
    pub weight: Weight,
}

/// From 0 to 1, with its derivatives.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Weight {
    pub value: f64,
    /// By the opacity that decides.
    pub by_depth: f64,
    /// By the logarithm of the width of the lines.
    pub by_ln_sigma: f64,
}

/// How a vector is sampled: weights that add to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Choice {
    shares: [Share; MOST],
    n: usize,
}

impl Weight {
    const WHOLE: Self = Self { value: 1.0, by_depth: 0.0, by_ln_sigma: 0.0 };

    fn times(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            by_depth: self.by_depth * other.value + self.value * other.by_depth,
            by_ln_sigma: self.by_ln_sigma * other.value + self.value * other.by_ln_sigma,
        }
    }

    fn rest(self) -> Self {
        Self { value: 1.0 - self.value, by_depth: -self.by_depth, by_ln_sigma: -self.by_ln_sigma }
    }
}

impl Choice {
    /// One rule alone.
    pub const fn of(rule: usize) -> Self {
        let alone = Share { rule, weight: Weight::WHOLE };
        Self { shares: [alone; MOST], n: 1 }
    }

    /// The rules that count.
    #[inline(always)]
    pub fn shares(&self) -> &[Share] {
        &self.shares[..self.n]
    }

    /// Whether there are several.
    #[inline(always)]
    pub fn is_mixed(&self) -> bool {
        self.n > 1
    }

    fn add(&mut self, rule: usize, weight: Weight) {
        if weight.value > 0.0 && self.n < MOST {
            self.shares[self.n] = Share { rule, weight };
            self.n += 1;
        }
    }
}

/// The largest opacities of all rules but the last over the width of the channels, planned once.
#[derive(Debug, Clone)]
pub(super) struct LimitCurves(Vec<Curve>);

/// ln(opacity) and its slope over ln(width), narrow channels first.
#[derive(Debug, Clone)]
struct Curve(Vec<(f64, f64, f64)>);

impl LimitCurves {
    pub fn new() -> Self {
        Self((0..COUNTS.len()).map(Curve::new).collect())
    }

    /// For channels of a width in sigma; rules before the first are not used.
    pub fn at(&self, width: f64, first_rule: usize) -> Limits {
        let ln_width = libm::log(width);
        Limits { limits: std::array::from_fn(|index| self.0[index].at(ln_width)), first_rule }
    }
}

impl Curve {
    /// Through the points of a rule's row of [`WIDEST`]: of equal widths the last, and none of 0.
    fn new(index: usize) -> Self {
        let pieces = if index == 0 { 1 } else { COUNTS[index - 1].div_ceil(SINGLE) };
        let row = &WIDEST[index.min(WIDEST.len() - 1)];
        let first = row.iter().rposition(|w| *w >= row[0]).unwrap_or(0);
        let points: Vec<(f64, f64)> = (first..row.len())
            .rev()
            .filter(|k| row[*k] > 0.0)
            .map(|k| (libm::log(row[k] * pieces as f64), libm::log(DEPTHS[k])))
            .collect();
        let (ln_width, ln_depth): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        let mut slopes = monotone_slopes(&ln_width, &ln_depth);
        if let Some(last) = slopes.last_mut() {
            // The mean opacity gets no worse in wider channels.
            *last = if index == 0 { 0.0 } else { BEYOND };
        }
        Self(ln_width.into_iter().zip(ln_depth).zip(slopes).map(|((w, d), slope)| (w, d, slope)).collect())
    }

    /// Straight on beyond its ends.
    fn at(&self, ln_width: f64) -> Limit {
        let n = self.0.len();
        let above = self.0.partition_point(|point| point.0 < ln_width);
        let (ln_depth, slope) = if above == 0 || above == n {
            let (w, d, slope) = self.0[above.min(n - 1)];
            (slope.mul_add(ln_width - w, d), slope)
        } else {
            hermite(ln_width, self.0[above - 1], self.0[above])
        };
        Limit { depth: libm::exp(ln_depth.clamp(-600.0, 600.0)), slope }
    }
}

impl Limits {
    /// For lines whose opacities add to `depth`: each rule takes what those before it leave, up to its own limit.
    pub fn choose(&self, depth: f64) -> Choice {
        let (mut choice, mut left) = (Choice::default(), Weight::WHOLE);
        for (index, limit) in self.limits.iter().enumerate().skip(self.first_rule) {
            let beyond = limit.beyond(depth);
            choice.add(index, left.times(beyond.rest()));
            left = left.times(beyond);
            if left.value <= 0.0 {
                return choice;
            }
        }
        choice.add(COUNTS.len(), left);
        choice
    }
}

impl Limit {
    /// How much of an opacity lies beyond the limit.
    fn beyond(&self, depth: f64) -> Weight {
        let per_range = 1.0 / (1.0 - SETS_IN);
        let (value, slope) = rise((depth / self.depth - SETS_IN) * per_range);
        let by_depth = slope * per_range / self.depth;
        // d ln width = - d ln sigma, and a limit that grows leaves less beyond it.
        Weight { value, by_depth, by_ln_sigma: by_depth * depth * self.slope }
    }
}

#[cfg(test)]
mod tests {
    use super::super::nodes::{Rule, Rules, composite};
    use super::*;

    /// Largest error of the chosen rule over the places of a line of peak opacity `p`.
    fn error(p: f64, width: f64, rule: Option<&Rule>) -> f64 {
        let exact = composite(128);
        let screen = |x: f64| -(-p * (-0.5 * x * x).exp()).exp_m1();
        let mean = |f: &dyn Fn(f64) -> f64, x: f64, rule: &Rule| -> f64 {
            rule.nodes.iter().zip(&rule.weights).map(|(u, w)| w * f(x + 0.5 * width * u)).sum()
        };
        (0..200)
            .map(|i| f64::from(i) * 0.05 * (1.0 + 0.1 * width))
            .map(|x| {
                let value = match rule {
                    None => -(-mean(&|x| p * (-0.5 * x * x).exp(), x, &exact)).exp_m1(),
                    Some(rule) => mean(&screen, x, rule),
                };
                (value - mean(&screen, x, &exact)).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_chosen_rule_is_good_to_two_parts_in_a_hundred_thousand() {
        let (rules, curves) = (Rules::new(), LimitCurves::new());
        for width in [0.05, 0.3, 0.6, 1.2, 2.0, 4.0, 7.5, 12.0] {
            let limits = curves.at(width, 0);
            for p in [1e-4, 9e-3, 0.05, 0.3, 0.9, 4.0, 25.0, 90.0, 900.0, 9e4] {
                for Share { rule: index, weight } in limits.choose(p).shares() {
                    let rule = (*index > 0).then(|| rules.rule(*index));
                    let worst = error(p, width, rule);
                    assert!(worst < 2.4e-5, "p {p}, width {width}, rule {index} ({weight:?}): {worst}");
                }
            }
        }
        // Negative control: three nodes are too few for an opaque line in a wide channel.
        assert!(error(100.0, 1.2, Some(&composite(3))) > 1e-4);
    }

    /// The mean index of the rules: no step in it.
    fn level(curves: &LimitCurves, width: f64, depth: f64) -> f64 {
        let choice = curves.at(width, 0).choose(depth);
        choice.shares().iter().map(|share| share.rule as f64 * share.weight.value).sum()
    }

    #[test]
    fn one_rule_passes_into_the_next() {
        let (step, curves) = (1e-6, LimitCurves::new());
        for width in [0.02, 0.1, 0.33, 0.7, 1.27, 1.5, 2.93, 7.99, 8.01, 16.5, 70.0] {
            let mut before = None;
            for i in 0..30_000 {
                let depth = 1e-6 * (1e-3 * f64::from(i)).exp();
                let choice = curves.at(width, 0).choose(depth);
                let sum = |f: &dyn Fn(&Share) -> f64| choice.shares().iter().map(f).sum::<f64>();
                assert!((sum(&|s| s.weight.value) - 1.0).abs() < 1e-12, "{width}, {depth}: {choice:?}");
                let now = level(&curves, width, depth);
                assert!((now - before.unwrap_or(now)).abs() < 0.1, "{width}, {depth}: {before:?} {now}");
                before = Some(now);
                let at = |width: f64, depth: f64| level(&curves, width, depth);
                let by_depth =
                    (at(width, depth * (1.0 + step)) - at(width, depth * (1.0 - step))) / (2.0 * step);
                let by_ln_sigma =
                    (at(width * (1.0 - step), depth) - at(width * (1.0 + step), depth)) / (2.0 * step);
                let found = sum(&|s| s.rule as f64 * s.weight.by_depth) * depth;
                assert!(
                    (by_depth - found).abs() < 1e-3 * (1.0 + found.abs()),
                    "{width}, {depth}: {choice:?}"
                );
                let found = sum(&|s| s.rule as f64 * s.weight.by_ln_sigma);
                assert!(
                    (by_ln_sigma - found).abs() < 1e-3 * (1.0 + found.abs()),
                    "{width}, {depth}: {choice:?}"
                );
            }
        }
    }
}
