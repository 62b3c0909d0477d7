//! Seeks the fringes of a whole file of visibilities.

use super::FringeError;
use super::report::{FringeReport, FringeRow};
use super::search::{Visibilities, Window, search};
use crate::writer::{VisFile, VisMeta};
use ndarray::Array2;
use std::path::Path;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FringeOptions {
    /// Where to search.
    pub window: Window,
    /// A fringe is detected if noise alone would show one as strong with at most this probability.
    pub most_false_alarm: f64,
}

impl Default for FringeOptions {
    fn default() -> Self {
        Self { window: Window::default(), most_false_alarm: 1e-4 }
    }
}

/// Seeks a fringe for every scan, phase centre, baseline, band and polarisation of a file.
///
/// Amplitudes are correlation coefficients: visibilities over the root of the stations' mean autocorrelations. Products
/// whose stations have no autocorrelations keep the units of the visibilities and say so.
///
/// # Errors
/// The file cannot be read or has no cross-correlations.
pub fn find_fringes(path: &Path, options: &FringeOptions) -> Result<FringeReport, FringeError> {
    let failed = |source| FringeError::Read { path: path.to_owned(), source };
    let file = VisFile::open(path).map_err(failed)?;
    if file.meta().crosses.is_empty() {
        return Err(FringeError::NoBaselines { path: path.to_owned() });
    }
    let mut rows = Vec::new();
    for (scan, info) in file.meta().scans.iter().enumerate() {
        let powers = auto_powers(&file, scan).map_err(failed)?;
        for (centre, &source) in info.centres.iter().enumerate() {
            let (weight_tx, _) = file.weights(scan, centre).map_err(failed)?;
            for product in 0..file.meta().crosses.len() {
                let mut row = describe(file.meta(), scan, source, product);
                let (vis, normalised) =
                    visibilities(&file, [scan, centre, product], &powers, &weight_tx).map_err(failed)?;
                row.normalised = normalised;
                let weights: f64 = vis.weight_t.iter().map(|&w| f64::from(w)).sum();
                row.weight = weights / vis.weight_t.len().max(1) as f64;
                if let Some((fringe, plane)) = search(&vis, &options.window) {
                    row.detected = fringe.false_alarm <= options.most_false_alarm;
                    row.spectrum_f = spectrum(&vis, fringe.rate_hz, fringe.time_s);
                    row.fringe = Some(fringe);
                    row.plane = Some(plane);
                }
                rows.push(row);
            }
        }
    }
    Ok(FringeReport { path: path.to_owned(), most_false_alarm: options.most_false_alarm, rows })
}

/// Bands that begin so close to one another are the same part of the sky.
const SAME_HZ: f64 = 0.5;

fn describe(meta: &VisMeta, scan: usize, source: usize, product: usize) -> FringeRow {
    let info = &meta.crosses[product];
    let [a, b] = meta.baseline_names(info.of);
    FringeRow {
        scan: meta.scans[scan].name.clone(),
        source: meta.sources[source].name.clone(),
        baseline: format!("{a}-{b}"),
        polarisations: info.polarisations.iter().collect(),
        low_hz: meta.bands[info.band].low_hz(),
        bandwidth_hz: meta.bands[info.band].bandwidth_hz,
        weight: 0.0,
        normalised: false,
        detected: false,
        fringe: None,
        plane: None,
        spectrum_f: Vec::new(),
    }
}

/// The mean power of each autocorrelation over a scan; `None` without data.
pub(crate) fn auto_powers(file: &VisFile, scan: usize) -> hdf5::Result<Vec<Option<f64>>> {
    let power = |product: usize| {
        let (vis_tf, weight_t) = file.auto_tf(scan, product)?;
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, &weight) in vis_tf.outer_iter().zip(&weight_t) {
            let mean = row.iter().map(|v| f64::from(v.re)).sum::<f64>() / row.len().max(1) as f64;
            sum += f64::from(weight) * mean;
            total += f64::from(weight);
        }
        Ok((sum > 0.0 && total > 0.0).then(|| sum / total))
    };
    (0..file.meta().autos.len()).map(power).collect()
}

/// The visibilities of a product, normalised if both stations' powers are known; `weight_tx` are those of the phase centre.
pub(crate) fn visibilities(
    file: &VisFile,
    [scan, centre, product]: [usize; 3],
    powers: &[Option<f64>],
    weight_tx: &Array2<f32>,
) -> hdf5::Result<(Visibilities, bool)> {
    let meta = file.meta();
    let info = &meta.crosses[product];
    let baseline = &meta.baselines[info.of];
    let power = |stream: usize, polarisation: char| {
        // A station may have recorded the same part of the sky in the other sideband: a band of another name.
        let low_hz = meta.bands[info.band].low_hz();
        let auto = meta.autos.iter().position(|auto| {
            auto.of == stream
                && (auto.band == info.band || (meta.bands[auto.band].low_hz() - low_hz).abs() < SAME_HZ)
                && auto.polarisations == [polarisation; 2]
        });
        auto.and_then(|auto| powers[auto])
    };
    let both = power(baseline.a, info.polarisations[0]).zip(power(baseline.b, info.polarisations[1]));
    let scale = both.map_or(1.0, |(a, b)| 1.0 / (a * b).sqrt());
    let mut vis_tf = file.cross_tf(scan, centre, product)?.into_raw_vec_and_offset().0;
    vis_tf.iter_mut().for_each(|v| *v *= scale as f32);
    let band = &meta.bands[info.band];
    let step_hz = band.bandwidth_hz / meta.channels as f64;
    // The first channel of either sideband is the band's lower edge on the sky.
    let first_hz = band.low_hz();
    let vis = Visibilities {
        vis_tf,
        weight_t: weight_tx.column(product).to_vec(),
        first_hz,
        step_hz,
        first_s: meta.time_s(scan, 0),
        step_s: meta.integration_s,
    };
    Ok((vis, both.is_some()))
}

/// Mean over time after the rate was taken out, by channel: sky frequency (Hz), real and imaginary part.
fn spectrum(vis: &Visibilities, rate_hz: f64, time_s: f64) -> Vec<(f64, f64, f64)> {
    let channels = vis.vis_tf.len() / vis.weight_t.len().max(1);
    let mut sums = vec![num_complex::Complex64::default(); channels];
    let mut total = 0.0;
    for (t, &weight) in vis.weight_t.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let turns = rate_hz * (vis.first_s + t as f64 * vis.step_s - time_s);
        let turn = num_complex::Complex64::from_polar(f64::from(weight), -std::f64::consts::TAU * turns);
        total += f64::from(weight);
        for (sum, v) in sums.iter_mut().zip(&vis.vis_tf[t * channels..]) {
            *sum += num_complex::Complex64::new(v.re.into(), v.im.into()) * turn;
        }
    }
    let of = |(f, sum): (usize, &num_complex::Complex64)| {
        (vis.first_hz + f as f64 * vis.step_hz, sum.re / total, sum.im / total)
    };
    sums.iter().enumerate().map(of).collect()
}
