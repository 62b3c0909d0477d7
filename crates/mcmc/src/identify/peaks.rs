//! Finds the peaks of a spectrum.

use crate::physics::C_KMS;
use crate::spectrum::median;

/// A local maximum that stands out of the noise and of its neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// Its channel, within the window.
    pub channel: usize,
    /// Frequency (MHz), of the parabola through three channels.
    pub freq_mhz: f64,
    /// Brightness temperature (K) of its channel.
    pub t_k: f64,
    /// The same in units of the noise.
    pub signal: f64,
    /// Full width at half maximum (km/s); NaN where it runs into a neighbour.
    pub fwhm_kms: f64,
}

/// How far a peak rises over the saddles that part it from higher ones, in units of the noise.
const PROMINENCE: f64 = 4.0;

/// The peaks of one window that are at least `threshold` times the noise, ascending in frequency. Channels without data
/// have an infinite noise.
pub fn find_peaks(freq_mhz: &[f64], t_k: &[f64], sigma_k: &[f64], threshold: f64) -> Vec<Peak> {
    let n = t_k.len();
    let is_top = |i: usize| (i == 0 || t_k[i] > t_k[i - 1]) && (i + 1 == n || t_k[i] >= t_k[i + 1]);
    (0..n)
        .filter(|&i| sigma_k[i].is_finite() && t_k[i] >= threshold * sigma_k[i] && is_top(i))
        .filter(|&i| prominence(t_k, i) >= PROMINENCE * sigma_k[i])
        .map(|i| Peak {
            channel: i,
            freq_mhz: vertex(freq_mhz, t_k, i),
            t_k: t_k[i],
            signal: t_k[i] / sigma_k[i],
            fwhm_kms: width_kms(freq_mhz, t_k, i),
        })
        .collect()
}

/// Height over the higher of the two lowest points between a peak and what is higher, on both sides; of two that are
/// equal the right one counts as higher.
fn prominence(t_k: &[f64], peak: usize) -> f64 {
    let lowest = |side: &mut dyn Iterator<Item = &f64>, is_higher: fn(f64, f64) -> bool| {
        let mut lowest = t_k[peak];
        for t in side {
            if is_higher(*t, t_k[peak]) {
                return Some(lowest);
            }
            lowest = lowest.min(*t);
        }
        None
    };
    let left = lowest(&mut t_k[..peak].iter().rev(), |t, peak| t > peak);
    let right = lowest(&mut t_k[peak + 1..].iter(), |t, peak| t >= peak);
    match (left, right) {
        (None, None) => f64::INFINITY,
        (a, b) => t_k[peak] - a.unwrap_or(f64::NEG_INFINITY).max(b.unwrap_or(f64::NEG_INFINITY)),
    }
}

/// Frequency of the parabola's top.
fn vertex(freq_mhz: &[f64], t_k: &[f64], i: usize) -> f64 {
    if i == 0 || i + 1 == t_k.len() {
        return freq_mhz[i];
    }
    let (a, b, c) = (t_k[i - 1], t_k[i], t_k[i + 1]);
    let bend = a - 2.0 * b + c;
    let shift = if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    freq_mhz[i] + shift * 0.5 * (freq_mhz[i + 1] - freq_mhz[i - 1])
}

/// Width at half of the peak's height.
fn width_kms(freq_mhz: &[f64], t_k: &[f64], peak: usize) -> f64 {
    let half = 0.5 * t_k[peak];
    // Where the profile falls below half, by linear interpolation; None: it rises before, or ends.
    let crossing = |step: isize| -> Option<f64> {
        let mut i = peak;
        loop {
            let next = i.checked_add_signed(step).filter(|&k| k < t_k.len())?;
            if t_k[next] < half {
                let part = (t_k[i] - half) / (t_k[i] - t_k[next]);
                return Some(freq_mhz[i] + part * (freq_mhz[next] - freq_mhz[i]));
            }
            if t_k[next] > t_k[peak] {
                return None;
            }
            i = next;
        }
    };
    match (crossing(-1), crossing(1)) {
        (Some(low), Some(high)) => (high - low) / freq_mhz[peak] * C_KMS,
        _ => f64::NAN,
    }
}

/// The median width of peaks (km/s), strong ones first in doubt; None: no peak has one.
pub fn typical_fwhm_kms(peaks: &[Peak]) -> Option<f64> {
    let mut known: Vec<&Peak> = peaks.iter().filter(|p| p.fwhm_kms.is_finite()).collect();
    known.sort_by(|a, b| b.signal.total_cmp(&a.signal));
    let strong: Vec<f64> = known.iter().take((known.len() / 2).max(8)).map(|p| p.fwhm_kms).collect();
    median(&strong)
}
