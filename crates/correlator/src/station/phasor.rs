//! Makes tables of exp(2 pi i (start + j step)) with two sines and cosines each.
use num_complex::{Complex32, Complex64};

/// Samples between two anchors.
const STRIDE: usize = 32;

/// A table of phasors and the scratch to make it: anchors every `STRIDE` entries and the steps between them,
/// both by doubling in double precision, their products in single precision.
#[derive(Debug, Clone)]
pub struct Phasors {
    made_for: (f64, f64),
    steps: [Complex64; STRIDE],
    fine: [Complex32; STRIDE],
    anchors: Vec<Complex64>,
    table: Vec<Complex32>,
}

/// exp(2 pi i turns), with the whole turns taken off first.
pub fn phasor(turns: f64) -> Complex64 {
    let (sin, cos) = (std::f64::consts::TAU * (turns - turns.round())).sin_cos();
    Complex64::new(cos, sin)
}

/// Fills powers w^0, w^1, ... by doubling: each entry is a product of few squarings, whatever the length.
fn powers(w: Complex64, out: &mut [Complex64]) {
    let n = out.len();
    out[0] = Complex64::new(1.0, 0.0);
    let (mut have, mut power) = (1, w);
    while have < n {
        let (made, rest) = out.split_at_mut(have);
        for (r, m) in rest.iter_mut().zip(made.iter()) {
            *r = m * power;
        }
        have *= 2;
        power *= power;
    }
}

impl Phasors {
    /// Room for `n` phasors.
    pub fn new(n: usize) -> Self {
        Self {
            made_for: (f64::NAN, f64::NAN),
            steps: [Complex64::default(); STRIDE],
            fine: [Complex32::default(); STRIDE],
            anchors: vec![Complex64::default(); n.div_ceil(STRIDE)],
            table: vec![Complex32::default(); n],
        }
    }

    /// The phasors of `start + j step` turns. The last table is kept: channels of the same frequency share it.
    pub fn make(&mut self, step: f64, start: f64) -> &[Complex32] {
        if self.made_for == (step, start) {
            return &self.table;
        }
        self.made_for = (step, start);
        powers(phasor(step), &mut self.steps);
        for (f, s) in self.fine.iter_mut().zip(&self.steps) {
            *f = Complex32::new(s.re as f32, s.im as f32);
        }
        powers(phasor(step * STRIDE as f64), &mut self.anchors);
        let first = phasor(start);
        for (entries, anchor) in self.table.chunks_mut(STRIDE).zip(&self.anchors) {
            let anchor = anchor * first;
            let (re, im) = (anchor.re as f32, anchor.im as f32);
            for (entry, f) in entries.iter_mut().zip(&self.fine) {
                *entry = Complex32::new(re * f.re - im * f.im, re * f.im + im * f.re);
            }
        }
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_sine_and_cosine(step in -0.5f64..0.5, start in -5e8f64..5e8, n in 1usize..9000) {
            let mut phasors = Phasors::new(n);
            for (j, p) in phasors.make(step, start).iter().enumerate() {
                let exact = phasor(start.fract() + j as f64 * step);
                let error = (Complex64::new(p.re.into(), p.im.into()) - exact).norm();
                prop_assert!(error < 4e-7, "{j}: {error:e}");
            }
        }
    }

    #[test]
    fn keeps_the_last_table() {
        let mut phasors = Phasors::new(100);
        let first = phasors.make(0.1, 0.2).to_vec();
        assert_eq!(phasors.make(0.1, 0.2), first);
        assert_ne!(phasors.make(0.1, 0.3), first);
    }
}
