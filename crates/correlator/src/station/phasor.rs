//! Makes tables of exp(2 pi i (start + j step)) as products of two short tables.
use mirinae_simd::Aligned;
use mirinae_simd::{Kernel, Lanes, Line, MAX_LANES, Simd};
use num_complex::Complex64;

/// Phasors exp(2 pi i (start + j step)), j = fine + m coarse with m fine ones: the product of two, each made from its
/// own number of turns, so that no error grows along the table. What a step needs is kept apart from what a start needs.
#[derive(Debug, Clone)]
pub struct Phasors {
    steps: Steps,
    start: Start,
}

/// The tables of a step, kept until another one is asked for.
#[derive(Debug, Clone)]
pub struct Steps {
    simd: Simd,
    step: f64,
    fine: Table,
    coarse: Table,
}

/// Room for the table that is turned by a start.
#[derive(Debug, Clone)]
pub struct Start(Table);

/// Phasors, padded to whole vectors.
#[derive(Debug, Clone)]
struct Table {
    len: usize,
    re: Aligned,
    im: Aligned,
}

impl Table {
    fn new(len: usize) -> Self {
        let room = len.next_multiple_of(MAX_LANES);
        Self { len, re: (0..room).map(|_| 1.0).collect(), im: Aligned::zeros(room) }
    }

    fn parts(&self) -> (&[f32], &[f32]) {
        (&self.re[..self.len], &self.im[..self.len])
    }
}

/// 1.5 x 2^52: added and taken off again it rounds to a whole number, without a branch or a call.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// exp(2 pi i turns), to 1e-10: Taylor polynomials over an eighth of a turn. Made of additions and multiplications alone,
/// so that it is the same on all machines and a loop over it becomes vector instructions.
#[inline(always)]
fn cis(turns: f64) -> (f64, f64) {
    let quarters = 4.0 * (turns - ((turns + ROUND) - ROUND));
    let quadrant = (quarters + ROUND) - ROUND;
    let x = (quarters - quadrant) * std::f64::consts::FRAC_PI_2;
    let y = x * x;
    let sin = x
        * (1.0
            + y * (-1.0 / 6.0
                + y * (1.0 / 120.0
                    + y * (-1.0 / 5_040.0 + y * (1.0 / 362_880.0 + y * (-1.0 / 39_916_800.0))))));
    let cos = 1.0
        + y * (-0.5
            + y * (1.0 / 24.0
                + y * (-1.0 / 720.0
                    + y * (1.0 / 40_320.0 + y * (-1.0 / 3_628_800.0 + y * (1.0 / 479_001_600.0))))));
    // Quadrants are -2 to 2: the odd ones swap sine and cosine.
    let odd = quadrant * quadrant == 1.0;
    let (re, im) = if odd { (sin, cos) } else { (cos, sin) };
    let (re_sign, im_sign) = if odd {
        (-quadrant, quadrant)
    } else {
        (1.0 - 0.5 * quadrant * quadrant, 1.0 - 0.5 * quadrant * quadrant)
    };
    (re * re_sign, im * im_sign)
}

/// exp(2 pi i turns).
pub fn phasor(turns: f64) -> Complex64 {
    let (re, im) = cis(turns);
    Complex64::new(re, im)
}

/// Fills a table with exp(2 pi i j step).
struct Fill<'a>(&'a mut Table, f64);

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (j, (re, im)) in self.0.re.iter_mut().zip(self.0.im.iter_mut()).enumerate() {
            let (x, y) = cis(self.1 * f64::from(j as u32));
            (*re, *im) = (x as f32, y as f32);
        }
    }
}

/// Turns a table by one phasor.
struct Turn<'a>(&'a Table, &'a mut Table, (f32, f32));

impl Kernel for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (c, s) = self.2;
        // Whole vectors of known length: loops over slices end in single numbers, which took longer than all the rest.
        let (re, im) = (self.1.re.as_chunks_mut::<MAX_LANES>().0, self.1.im.as_chunks_mut::<MAX_LANES>().0);
        let from = self.0.re.as_chunks::<MAX_LANES>().0.iter().zip(self.0.im.as_chunks::<MAX_LANES>().0);
        for ((re, im), (x, y)) in re.iter_mut().zip(im).zip(from) {
            for i in 0..MAX_LANES {
                (re[i], im[i]) = (x[i] * c - y[i] * s, x[i] * s + y[i] * c);
            }
        }
    }
}

impl Steps {
    /// Room for `fine` x `coarse` phasors.
    pub fn new(simd: Simd, fine: usize, coarse: usize) -> Self {
        Self { simd, step: 0.0, fine: Table::new(fine), coarse: Table::new(coarse) }
    }

    /// Makes the tables of a step, unless they are those already.
    pub fn ensure(&mut self, step: f64) {
        if self.step != step {
            self.step = step;
            self.simd.run(Fill(&mut self.fine, step));
            self.simd.run(Fill(&mut self.coarse, step * self.fine.len as f64));
        }
    }

    /// Whether a start goes into the coarse table: where that is shorter; a single coarse phasor stays 1.
    fn turns_coarse(&self) -> bool {
        (2..self.fine.len).contains(&self.coarse.len)
    }

    /// Room for what a start turns.
    pub fn room(&self) -> Start {
        Start(Table::new(if self.turns_coarse() { self.coarse.len } else { self.fine.len }))
    }

    /// The phasors of `start + j step` turns times a scale, the step that of [`Self::ensure`].
    pub fn started<'a>(&'a self, start: f64, scale: f64, room: &'a mut Start) -> Line<'a> {
        let (re, im) = cis(start);
        let (re, im) = (scale * re, scale * im);
        let turned = if self.turns_coarse() { &self.coarse } else { &self.fine };
        self.simd.run(Turn(turned, &mut room.0, (re as f32, im as f32)));
        if self.turns_coarse() {
            return Line { fine: self.fine.parts(), coarse: room.0.parts() };
        }
        Line { fine: room.0.parts(), coarse: self.coarse.parts() }
    }
}

impl Phasors {
    /// Room for `fine` x `coarse` phasors.
    pub fn new(simd: Simd, fine: usize, coarse: usize) -> Self {
        let steps = Steps::new(simd, fine, coarse);
        Self { start: steps.room(), steps }
    }

    /// The phasors of `start + j step` turns. What a step needs is kept from call to call.
    pub fn make(&mut self, step: f64, start: f64) -> Line<'_> {
        self.steps.ensure(step);
        self.steps.started(start, 1.0, &mut self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mirinae_simd::SimdPath;
    use proptest::prelude::*;

    fn exact(turns: f64) -> Complex64 {
        Complex64::cis(std::f64::consts::TAU * (turns - turns.round()))
    }

    proptest! {
        #[test]
        fn as_sine_and_cosine(step in -0.5f64..0.5, start in -5e8f64..5e8, fine in 1usize..300, coarse in 1usize..300) {
            let mut phasors = Phasors::new(Simd::new(SimdPath::detect()), fine, coarse);
            let line = phasors.make(step, start);
            for j in 0..fine * coarse {
                let of = |t: (&[f32], &[f32]), i: usize| Complex64::new(t.0[i].into(), t.1[i].into());
                let p = of(line.fine, j % fine) * of(line.coarse, j / fine);
                let error = (p - exact(start.fract() + (j as f64 * step).fract())).norm();
                prop_assert!(error < 4e-7, "{j}: {error:e}");
            }
        }

        #[test]
        fn phasor_is_exact(turns in -1e6f64..1e6) {
            prop_assert!((phasor(turns) - exact(turns)).norm() < 1e-9);
            prop_assert!((phasor(turns.round() / 8.0) - exact(turns.round() / 8.0)).norm() < 1e-9);
        }
    }

    #[test]
    fn a_new_start_with_the_same_step() {
        let mut phasors = Phasors::new(Simd::new(SimdPath::detect()), 8, 4);
        phasors.make(0.1, 0.2);
        let first = |line: Line| {
            let of = |t: (&[f32], &[f32])| Complex64::new(t.0[0].into(), t.1[0].into());
            of(line.fine) * of(line.coarse)
        };
        assert!((first(phasors.make(0.1, 0.25)) - Complex64::i()).norm() < 1e-7);
        let line = phasors.make(0.25, 0.0);
        assert!((line.fine.1[1] - 1.0).abs() < 1e-7);
    }
}
