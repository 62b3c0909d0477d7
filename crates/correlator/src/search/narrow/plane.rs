//! Powers by time and frequency in which lines are looked for: one station's, or the sum of those of several.

use super::tree::Power;
use mirinae_simd::{Kernel, Lanes, Simd};

/// Powers in units of the noise around each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane<P = f32> {
    /// Spectra.
    pub spectra: usize,
    /// Steps of frequency, margins included.
    pub width: usize,
    /// Steps of each margin.
    pub margin: usize,
    /// By spectrum and step. A station's powers have a mean of `unit` where there is noise alone, and are that where it has no data.
    pub power_tf: Vec<P>,
    /// What a power of 1 is here.
    pub unit: f32,
    /// Stations whose powers are in the sum.
    pub stations: usize,
    /// Powers of noise in the sum along a line, what stations have no data for left out.
    pub used: usize,
}

impl Plane {
    /// Powers of one station of which some spectra are used.
    pub fn one(spectra: usize, width: usize, margin: usize, power_tf: Vec<f32>, used: usize) -> Self {
        Self { spectra, width, margin, power_tf, unit: 1.0, stations: 1, used }
    }
}

impl<P: Power> Plane<P> {
    /// Whether there are enough data to be searched.
    pub fn is_usable(&self) -> bool {
        self.used > 0 && self.used * 2 >= self.cells()
    }

    /// Powers along a line.
    pub fn cells(&self) -> usize {
        self.stations * self.spectra
    }

    /// Noise where no station has data.
    pub fn level(&self) -> P {
        P::nearest(self.unit * self.stations as f32)
    }

    /// Adds another station's powers, in the same unit, to those of one at least; one with few data is left out, for it would tell
    /// little. The largest sum.
    pub fn add(&mut self, other: &Self, simd: Simd) -> P {
        if !other.is_usable() {
            return P::default();
        }
        self.stations += other.stations;
        self.used += other.used;
        simd.run(Add { sums: &mut self.power_tf, powers: &other.power_tf })
    }
}

/// Adds powers; gives the largest sum.
struct Add<'a, P> {
    sums: &'a mut [P],
    powers: &'a [P],
}

impl<P: Power> Kernel for Add<'_, P> {
    type Output = P;

    #[inline(always)]
    fn run<L: Lanes>(self) -> P {
        const AT_ONCE: usize = 32;
        let mut tops = [P::default(); AT_ONCE];
        let mut sums = self.sums.chunks_exact_mut(AT_ONCE);
        let mut powers = self.powers.chunks_exact(AT_ONCE);
        for (sums, powers) in (&mut sums).zip(&mut powers) {
            let (mut here, mut more) = ([P::default(); AT_ONCE], [P::default(); AT_ONCE]);
            here.copy_from_slice(sums);
            more.copy_from_slice(powers);
            for i in 0..AT_ONCE {
                here[i] = here[i].plus(more[i]);
                tops[i] = if here[i] > tops[i] { here[i] } else { tops[i] };
            }
            sums.copy_from_slice(&here);
        }
        let (sums, powers) = (sums.into_remainder(), powers.remainder());
        for i in 0..sums.len() {
            sums[i] = sums[i].plus(powers[i]);
            tops[i] = if sums[i] > tops[i] { sums[i] } else { tops[i] };
        }
        let mut top = P::default();
        for here in tops {
            top = if here > top { here } else { top };
        }
        top
    }
}
