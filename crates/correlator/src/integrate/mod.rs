//! Sums visibilities and weights over time.
//!
//! The weight of a product is the number of samples that were valid at both stations after alignment, divided by
//! the number of samples of a whole integration. Visibilities are sums of products of unnormalised transforms
//! of N samples, divided by the number of valid samples: 1/(n w N) of n transforms, as DiFX has it.

mod amplitude;
mod mean;

use crate::job::{Job, Product};
use crate::xcorr::Sums;
use num_complex::{Complex32, Complex64};

pub use amplitude::{correct, efficiency};
pub use mean::Mean;

/// Codes of samples that are counted: all of 1-bit and 2-bit samples.
pub const STATES: usize = 4;

/// The visibilities of one integration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Cross-correlations by phase centre, product and output channel.
    pub cross_cpf: Vec<Complex32>,
    /// Their weights by phase centre and product: covered fraction, times the coherence where there are several
    /// centres.
    pub cross_weight_cp: Vec<f32>,
    /// Autocorrelations by product and output channel.
    pub auto_pf: Vec<Complex32>,
    /// Their weights.
    pub auto_weight_p: Vec<f32>,
    /// Covered fraction of the streams, mean over their channels.
    pub coverage_s: Vec<f32>,
    /// u, v, w in m by phase centre and baseline (first station minus second).
    pub uvw_cb: Vec<[f64; 3]>,
    /// Valid samples that went into the spectra, by recorded channel of all streams.
    pub samples_r: Vec<u64>,
    /// How many of their numbers (two for a complex sample) had each code; 0 of samples of more than 2 bits.
    pub states_rk: Vec<[u64; STATES]>,
    /// Phase-calibration tones of all recorded channels: half the amplitude of each and its phase.
    pub tones_g: Vec<Complex32>,
}

impl Record {
    /// A record of zeros for a job and a number of phase centres.
    pub fn new(job: &Job, centres: usize) -> Self {
        let (crosses, autos, channels) = (job.crosses.len(), job.autos.len(), job.output_channels());
        Self {
            cross_cpf: vec![Complex32::default(); centres * crosses * channels],
            cross_weight_cp: vec![0.0; centres * crosses],
            auto_pf: vec![Complex32::default(); autos * channels],
            auto_weight_p: vec![0.0; autos],
            coverage_s: vec![0.0; job.streams.len()],
            uvw_cb: vec![[0.0; 3]; centres * job.baselines.len()],
            samples_r: vec![0; job.recorded_channels()],
            states_rk: vec![[0; STATES]; job.recorded_channels()],
            tones_g: vec![Complex32::default(); job.tones().len()],
        }
    }
}

/// Shape of the sums of one kind of product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Phase centres.
    pub centres: usize,
    /// Products.
    pub products: usize,
    /// Spectral channels.
    pub channels: usize,
    /// How many of them are averaged into one.
    pub average: usize,
}

/// Sums of one kind of product (cross- or autocorrelations) over an integration.
#[derive(Debug, Clone)]
pub struct Accumulator {
    shape: Shape,
    sums_cpf: Vec<Complex64>,
    valid_p: Vec<f64>,
    gain_p: Vec<f64>,
    coherence_cp: Vec<f64>,
    intervals: f64,
}

impl Accumulator {
    /// Zero sums.
    pub fn new(shape: Shape) -> Self {
        let (cp, out) = (shape.centres * shape.products, shape.channels / shape.average);
        Self {
            shape,
            sums_cpf: vec![Complex64::default(); cp * out],
            valid_p: vec![0.0; shape.products],
            gain_p: vec![1.0; shape.products],
            coherence_cp: vec![0.0; cp],
            intervals: 0.0,
        }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.sums_cpf.fill(Complex64::default());
        self.valid_p.fill(0.0);
        self.gain_p.fill(1.0);
        self.coherence_cp.fill(0.0);
        self.intervals = 0.0;
    }

    /// Counts valid samples of a product.
    pub fn count(&mut self, product: usize, valid: f64) {
        self.valid_p[product] += valid;
    }

    /// Multiplies the visibilities of a product by `gain`: what is known to be lost of them.
    pub fn correct(&mut self, product: usize, gain: f64) {
        self.gain_p[product] = gain;
    }

    /// Takes over what another one of the same products has counted.
    pub fn count_as(&mut self, other: &Self) {
        self.valid_p.copy_from_slice(&other.valid_p);
        self.gain_p.copy_from_slice(&other.gain_p);
    }

    /// Adds sums as they are, to the only phase centre.
    pub fn add(&mut self, sums: &Sums) {
        let out = self.shape.channels / self.shape.average;
        for product in 0..self.shape.products {
            let (re, im) = sums.product(product);
            let into = &mut self.sums_cpf[product * out..(product + 1) * out];
            let groups = re.chunks(self.shape.average).zip(im.chunks(self.shape.average));
            for (sum, (re, im)) in into.iter_mut().zip(groups) {
                *sum += Complex64::new(re.iter().sum(), im.iter().sum());
            }
        }
    }

    /// Sums of a phase centre and product, for a shift interval's to be added, and what is left of a source there: the
    /// interval's length in s times the coherence.
    pub fn centre_mut(&mut self, (centre, product): (usize, usize), coherence: f64) -> &mut [Complex64] {
        let out = self.shape.channels / self.shape.average;
        let row = centre * self.shape.products + product;
        self.coherence_cp[row] += coherence;
        &mut self.sums_cpf[row * out..(row + 1) * out]
    }

    /// Says that a shift interval has been added for all centres and products.
    pub fn end_interval(&mut self, interval_s: f64) {
        self.intervals += interval_s;
    }

    /// Visibilities and weights; `whole` is the number of samples of a whole integration.
    pub fn finish(&self, whole: f64, vis_cpf: &mut [Complex32], weight_cp: &mut [f32]) {
        let out = self.shape.channels / self.shape.average;
        for (row, weight) in weight_cp.iter_mut().enumerate() {
            let valid = self.valid_p[row % self.shape.products];
            let coherence = if self.intervals > 0.0 { self.coherence_cp[row] / self.intervals } else { 1.0 };
            *weight = (valid / whole * coherence) as f32;
            let norm = valid * coherence * self.shape.average as f64;
            let gain = self.gain_p[row % self.shape.products];
            let scale = if norm > 0.0 { gain / norm } else { 0.0 };
            let sums = &self.sums_cpf[row * out..(row + 1) * out];
            for (vis, sum) in vis_cpf[row * out..(row + 1) * out].iter_mut().zip(sums) {
                *vis = Complex32::new((sum.re * scale) as f32, (sum.im * scale) as f32);
            }
        }
    }
}

/// The stations of a product's two sides.
pub fn stations(job: &Job, product: &Product) -> (usize, usize) {
    (job.streams[product.a.0].station, job.streams[product.b.0].station)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(values: &[f64]) -> Sums {
        let mut sums = Sums::new(1, values.len());
        let (re, im) = sums.product_mut(0);
        re.copy_from_slice(values);
        im.iter_mut().zip(values).for_each(|(i, v)| *i = -v);
        sums
    }

    #[test]
    fn channels_are_averaged_and_scaled_by_what_was_valid() {
        let shape = Shape { centres: 1, products: 1, channels: 4, average: 2 };
        let mut all = Accumulator::new(shape);
        all.add(&sums(&[1.0, 3.0, 5.0, 7.0]));
        all.add(&sums(&[1.0, 3.0, 5.0, 7.0]));
        all.count(0, 3.0);
        all.count(0, 1.0);
        let (mut vis, mut weight) = (vec![Complex32::default(); 2], vec![0.0f32]);
        all.finish(8.0, &mut vis, &mut weight);
        assert_eq!(weight, [0.5]);
        assert_eq!(vis, [Complex32::new(1.0, -1.0), Complex32::new(3.0, -3.0)]);
        all.clear();
        all.finish(8.0, &mut vis, &mut weight);
        assert_eq!((weight[0], vis[0]), (0.0, Complex32::default()));
    }
}
