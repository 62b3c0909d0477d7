//! Where a channel is sampled so that the mean over its width is right: the nodes and weights of Gauss and Legendre
//! (Abramowitz & Stegun 1964, 25.4.29).
//!
//! [`super::ladder`] takes as many as the width of the channel asks for. Along sight lines the opacity decides too
//! ([`super::limits`]): where lines are thin the mean of the opacity is enough there.

/// Nodes on -1 ... 1 and weights that add to 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// Nodes, in half widths of the channel.
    pub nodes: Vec<f64>,
    /// Weights.
    pub weights: Vec<f64>,
}

/// Numbers of nodes to choose from; those above 16 are several rules of 16 side by side.
pub(super) const COUNTS: [usize; 10] = [2, 3, 4, 6, 8, 12, 16, 32, 64, 128];
/// Nodes of the largest single rule.
pub(super) const SINGLE: usize = 16;

/// Opacities for which [`WIDEST`] is given.
pub(super) const DEPTHS: [f64; 12] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1.0e3, 1.0e4, 1.0e6];
/// The widest channel, in sigma of the line, whose mean of `1 - exp(-p exp(-x^2/2))` is right to 2e-5
/// at any place of the line: by the mean opacity (first row), then by the rules of [`COUNTS`] up to 16
/// nodes; a column an opacity p of [`DEPTHS`]. Found numerically; a test repeats it.
pub(super) const WIDEST: [[f64; 12]; 8] = [
    [8.00, 1.31, 0.38, 0.12, 0.05, 0.02, 0.01, 0.00, 0.00, 0.00, 0.00, 0.00],
    [1.33, 1.02, 0.77, 0.66, 0.50, 0.38, 0.28, 0.22, 0.19, 0.14, 0.12, 0.09],
    [2.72, 2.23, 1.89, 1.61, 1.27, 0.97, 0.72, 0.58, 0.48, 0.38, 0.33, 0.27],
    [4.14, 3.55, 3.12, 2.64, 2.08, 1.61, 1.20, 0.97, 0.80, 0.62, 0.53, 0.41],
    [6.97, 6.17, 5.59, 4.61, 3.69, 2.88, 2.17, 1.73, 1.42, 1.11, 0.91, 0.73],
    [8.00, 8.00, 8.00, 6.39, 5.27, 4.11, 3.13, 2.47, 2.03, 1.56, 1.31, 1.05],
    [8.00, 8.00, 8.00, 8.00, 8.00, 6.61, 5.02, 3.97, 3.23, 2.52, 2.11, 1.66],
    [8.00, 8.00, 8.00, 8.00, 8.00, 8.00, 6.92, 5.45, 4.48, 3.42, 2.88, 2.31],
];

/// All rules, planned once.
#[derive(Debug, Clone)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub fn new() -> Self {
        Self(COUNTS.iter().map(|&n| composite(n)).collect())
    }

    /// The rule of an index that [`super::limits::Limits`] has given; not 0.
    #[inline(always)]
    pub fn rule(&self, index: usize) -> &Rule {
        &self.0[index - 1]
    }

    /// A rule by its place among [`COUNTS`].
    #[inline(always)]
    pub fn at(&self, place: usize) -> &Rule {
        &self.0[place]
    }

    /// The most samples of a channel.
    pub const fn most_samples() -> usize {
        COUNTS[COUNTS.len() - 1]
    }

    /// Number of samples of a channel; one where the mean opacity is enough (index 0).
    #[inline(always)]
    pub fn n_samples(index: usize) -> usize {
        if index == 0 { 1 } else { COUNTS[index - 1] }
    }
}

/// One rule, or several of 16 nodes side by side.
pub(super) fn composite(n: usize) -> Rule {
    if n <= SINGLE {
        return gauss_legendre(n);
    }
    let (one, pieces) = (gauss_legendre(SINGLE), (n / SINGLE) as f64);
    let (mut nodes, mut weights) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for piece in 0..n / SINGLE {
        let middle = (2.0 * piece as f64 + 1.0) / pieces - 1.0;
        nodes.extend(one.nodes.iter().map(|x| middle + x / pieces));
        weights.extend(one.weights.iter().map(|w| w / pieces));
    }
    Rule { nodes, weights }
}

/// Zeros of the Legendre polynomial by Newton's method, and their weights.
fn gauss_legendre(n: usize) -> Rule {
    let node = |i: usize| {
        let mut x = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5));
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n as f64 * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (x, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    let (nodes, weights) = (0..n).map(node).unzip();
    Rule { nodes, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_integrate_polynomials() {
        for n in COUNTS {
            let rule = composite(n);
            let mean =
                |k: i32| -> f64 { rule.nodes.iter().zip(&rule.weights).map(|(x, w)| w * x.powi(k)).sum() };
            let highest = 2 * n.min(SINGLE) as i32 - 1;
            for k in 0..=highest {
                let exact = if k % 2 == 0 { 1.0 / f64::from(k + 1) } else { 0.0 };
                assert!((mean(k) - exact).abs() < 1e-13, "{n} nodes, power {k}: {}", mean(k));
            }
            // Negative control: one power more is too much for a single rule.
            let exact = 1.0 / f64::from(highest + 2);
            assert!(n > 6 || (mean(highest + 1) - exact).abs() > 1e-6, "{n} nodes");
        }
    }
}
