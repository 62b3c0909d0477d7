//! Mean power spectra of a recording's channels.

use super::InspectError;
use crate::baseband::{BasebandError, SampleSource, Samples};
use mirinae_common::atomic;
use mirinae_fourier::{FftDirection, Instructions, single};
use num_complex::Complex;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

/// Mean power spectra of all channels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeanSpectra {
    /// Baseband frequency of each bin, ascending: in hertz, or in cycles per sample when the rate is unknown.
    pub frequency: Vec<f64>,
    /// Whether `frequency` is in hertz.
    pub in_hertz: bool,
    /// Mean of |X|^2 / N for each channel and bin (for white noise: the power per sample), `[channel][bin]`.
    pub power_cb: Vec<Vec<f64>>,
    /// How many transforms were averaged for each channel.
    pub transforms: Vec<u64>,
}

/// Averages the power spectra of the samples in `range`, in transforms of `2 bins` real or `bins` complex samples.
///
/// Transforms with samples that are not valid are left out. Real samples: bins from 0 upwards, the Nyquist bin dropped.
/// Complex samples: bins from minus half the rate upwards.
pub fn mean_spectra(
    source: &mut impl SampleSource,
    range: Range<i64>,
    bins: usize,
    in_hertz: bool,
) -> Result<MeanSpectra, BasebandError> {
    let layout = source.layout().clone();
    let complex = layout.components == 2;
    let n = if complex { bins } else { 2 * bins };
    let fft = single(n, FftDirection::Forward, Instructions::Any);
    let mut scratch = vec![Complex::default(); fft.get_inplace_scratch_len()];
    let mut buffer = vec![Complex::<f32>::default(); n];
    let mut power_cb = vec![vec![0.0; bins]; layout.channels];
    let mut transforms = vec![0; layout.channels];
    let mut samples = Samples::default();
    let batch = (65_536 / n).max(1);
    let mut at = range.start;
    while at + (n as i64) <= range.end {
        let count = (((range.end - at) as usize) / n).min(batch);
        source.read(at, count * n, &mut samples)?;
        for (channel, (power, transforms)) in power_cb.iter_mut().zip(&mut transforms).enumerate() {
            for (i, values) in samples.channel(channel).chunks_exact(n * layout.components).enumerate() {
                if samples.validity(channel).count(i * n, (i + 1) * n) == n {
                    fill(&mut buffer, values, complex);
                    fft.process_with_scratch(&mut buffer, &mut scratch);
                    power.iter_mut().zip(&buffer).for_each(|(p, x)| *p += f64::from(x.norm_sqr()));
                    *transforms += 1;
                }
            }
        }
        at += (count * n) as i64;
    }
    for (power, &transforms) in power_cb.iter_mut().zip(&transforms) {
        power.iter_mut().for_each(|p| *p /= n as f64 * transforms.max(1) as f64);
        if complex {
            power.rotate_left(bins.div_ceil(2));
        }
    }
    let step = if in_hertz { layout.sample_rate_hz as f64 } else { 1.0 } / n as f64;
    let lowest = if complex { -((bins / 2) as f64) } else { 0.0 };
    let frequency = (0..bins).map(|k| (lowest + k as f64) * step).collect();
    Ok(MeanSpectra { frequency, in_hertz, power_cb, transforms })
}

fn fill(buffer: &mut [Complex<f32>], values: &[f32], complex: bool) {
    if complex {
        let pairs = values.chunks_exact(2);
        buffer.iter_mut().zip(pairs).for_each(|(x, pair)| *x = Complex::new(pair[0], pair[1]));
    } else {
        buffer.iter_mut().zip(values).for_each(|(x, &value)| *x = Complex::new(value, 0.0));
    }
}

/// Writes spectra as CSV: a row per bin, the frequency first, then each channel's power.
pub fn write_spectrum_csv(spectra: &MeanSpectra, path: &Path) -> Result<(), InspectError> {
    let unit = if spectra.in_hertz { "frequency_hz" } else { "cycles_per_sample" };
    let mut text = unit.to_owned();
    for channel in 0..spectra.power_cb.len() {
        let _ = write!(text, ",power_ch{channel}");
    }
    text.push('\n');
    for (bin, frequency) in spectra.frequency.iter().enumerate() {
        let _ = write!(text, "{frequency}");
        for power in &spectra.power_cb {
            let _ = write!(text, ",{:.6e}", power[bin]);
        }
        text.push('\n');
    }
    atomic::write(path, |file| file.write_all(text.as_bytes()))
        .map_err(|e| InspectError::Write { path: e.path, message: e.source.to_string() })
}
