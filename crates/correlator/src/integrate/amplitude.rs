//! Corrects amplitudes for what quantisation takes, and makes them correlation coefficients, where a job asks for it.
//!
//! For Gaussian noise x of standard deviation s that is quantised to q(x) with steps l_k at thresholds t_k, two samples
//! of a small correlation coefficient r have the mean product r G_a G_b, with G = E[x q(x)]/s = sum l_k phi(t_k/s), phi
//! the normal density (Van Vleck and Middleton 1966, Proc. IEEE 54, 2; Thompson, Moran and Swenson, Interferometry and
//! Synthesis, section 8.3; Price 1958). Over the root of the powers P = E[q^2] that is r times the root of both stations'
//! efficiencies G^2/P: 0.8825 at best for 2 bits, 2/pi for 1 bit. Thresholds follow from how many samples had each code.

use super::{Record, STATES};
use crate::baseband::Levels;
use crate::job::{Job, Product, Quantisation};
use num_complex::Complex32;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Thresholds are found to 2^-60 of this many standard deviations: further out there are no samples.
const OUTERMOST: f64 = 8.0;

/// G^2/P of samples of which so many had each code: 1 where they are not counted (more than 2 bits) or there are none.
pub fn efficiency(bits: u32, states_k: &[u64; STATES]) -> f64 {
    let all = states_k.iter().sum::<u64>() as f64;
    if all == 0.0 || !matches!(bits, 1 | 2) {
        return 1.0;
    }
    let codes = 1usize << bits;
    let level = |code: usize| f64::from(Levels::DIFX.value(bits as usize, code as u16));
    let (mut below, mut gain, mut power) = (0.0, 0.0, 0.0);
    for (code, count) in states_k.iter().enumerate().take(codes) {
        let share = *count as f64 / all;
        power += share * level(code).powi(2);
        below += share;
        if code + 1 < codes {
            let threshold = quantile(below);
            gain +=
                (level(code + 1) - level(code)) * (-0.5 * threshold * threshold).exp() / (2.0 * PI).sqrt();
        }
    }
    gain * gain / power
}

/// Below which a share of a normal distribution lies, by bisection.
fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-OUTERMOST, OUTERMOST);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle * FRAC_1_SQRT_2) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Does to the visibilities of an integration what the job asks for.
pub fn correct(job: &Job, record: &mut Record) {
    if job.quantisation == Quantisation::None && !job.normalise {
        return;
    }
    let channels = job.output_channels();
    let efficiencies = efficiencies(job, record);
    let powers: Vec<f64> = record.auto_pf.chunks(channels).map(mean_power).collect();
    for (row, vis_f) in record.cross_cpf.chunks_mut(channels).enumerate() {
        let product = &job.crosses[row % job.crosses.len()];
        let mut gain = 1.0;
        for side in 0..2 {
            gain /= efficiencies[recorded(job, product, side)].sqrt();
            if job.normalise {
                gain /= auto_of(job, product, side).map_or(0.0, |auto| powers[auto]).sqrt();
            }
        }
        // Without any power there are no visibilities.
        let gain = if gain.is_finite() { gain as f32 } else { 0.0 };
        vis_f.iter_mut().for_each(|v| *v *= gain);
    }
    if !job.normalise {
        return;
    }
    for (index, vis_f) in record.auto_pf.chunks_mut(channels).enumerate() {
        let power = |side| auto_of(job, &job.autos[index], side).map_or(0.0, |auto| powers[auto]);
        let gain = 1.0 / (power(0) * power(1)).sqrt();
        let gain = if gain.is_finite() { gain as f32 } else { 0.0 };
        vis_f.iter_mut().for_each(|v| *v *= gain);
    }
}

/// By recorded channel; 1 where quantisation is not corrected.
fn efficiencies(job: &Job, record: &Record) -> Vec<f64> {
    let bits = job.streams.iter().flat_map(|s| s.channels.iter().map(|_| s.bits));
    let of = |(bits, states_k): (u32, &[u64; STATES])| match job.quantisation {
        Quantisation::None => 1.0,
        Quantisation::Linear => efficiency(bits, states_k),
    };
    bits.zip(&record.states_rk).map(of).collect()
}

/// The recorded channel of one side of a product, counted over all streams.
fn recorded(job: &Job, product: &Product, side: usize) -> usize {
    let (stream, channel) = [product.a, product.b][side];
    job.streams[..stream].iter().map(|s| s.channels.len()).sum::<usize>() + channel
}

/// The autocorrelation of one side of a product, in the product's part of the spectrum.
fn auto_of(job: &Job, product: &Product, side: usize) -> Option<usize> {
    let (of, first) = ([product.a, product.b][side], product.first[side]);
    job.autos.iter().position(|auto| auto.a == of && auto.b == of && auto.first[0] == first)
}

fn mean_power(auto_f: &[Complex32]) -> f64 {
    auto_f.iter().map(|v| f64::from(v.re)).sum::<f64>() / auto_f.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efficiencies_are_those_of_the_book() {
        // Thresholds at 0.9816: 16.31 % beyond each; levels 1 and 3.3359. Thompson, Moran and Swenson, table 8.1: 0.881 to 0.883.
        let best = efficiency(2, &[1631, 3369, 3369, 1631]);
        assert!((best - 0.8825).abs() < 0.0003, "{best}");
        assert!((efficiency(1, &[500, 500, 0, 0]) - 2.0 / PI).abs() < 1e-12);
        // Badly set levels lose more, an offset too.
        assert!(
            efficiency(2, &[4000, 1000, 1000, 4000]) < 0.8 && efficiency(2, &[10, 4990, 4990, 10]) < 0.75
        );
        assert!(efficiency(1, &[700, 300, 0, 0]) < 0.6);
        assert_eq!((efficiency(2, &[0; 4]), efficiency(8, &[1, 2, 3, 4])), (1.0, 1.0));
    }

    #[test]
    fn quantiles() {
        for (share, wanted) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.001, -3.090_232_306_167_813)] {
            assert!((quantile(share) - wanted).abs() < 1e-12, "{share}");
        }
    }
}
