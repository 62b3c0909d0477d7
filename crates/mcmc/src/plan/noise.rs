//! The noise of a spectrum: its size, its correlation between channels and its distribution.

use super::Inputs;
use crate::config::{CorrelationConfig, CorrelationSource, LikelihoodKind, SpectrumConfig};
use crate::model::{MAX_BAND, Scatter};
use crate::spectrum::{IntensityUnit, NO_NOISE, Noise, Spectrum, made_positive, significant, tapered};
use anyhow::{Context, anyhow, bail, ensure};
use mirinae_common::units::Kelvin;

/// Degrees of freedom of Student's t unless given: wings wide enough for bad channels, and a finite variance.
const DEFAULT_DOF: f64 = 4.0;
/// Correlation of neighbours above which independent channels are worth a warning.
const WORTH_A_NOTE: f64 = 0.2;
/// Ratio of the noise given to that found above which it is worth a note.
const FAR_OFF: f64 = 2.0;

/// The noise of a run of adjacent channels.
pub(super) struct RunNoise {
    freq_mhz: Vec<f64>,
    /// Of each channel (K); any number where there are no data.
    pub sigma_k: Vec<f64>,
    /// At lags 1, 2, ...
    pub correlation: Vec<f64>,
}

impl RunNoise {
    /// Whether a channel is one of the run's.
    pub fn holds(&self, freq_mhz: f64) -> bool {
        self.freq_mhz.binary_search_by(|f| f.total_cmp(&freq_mhz)).is_ok()
    }

    /// The place of a channel of the run.
    pub fn index_of(&self, freq_mhz: f64) -> usize {
        self.freq_mhz.partition_point(|f| *f < freq_mhz)
    }
}

/// How the noise is distributed.
pub(super) fn kind_of_noise(config: &SpectrumConfig, name: &str) -> anyhow::Result<Scatter> {
    let correlated = match &config.noise_correlation {
        None | Some(CorrelationConfig::From(CorrelationSource::None)) => false,
        Some(CorrelationConfig::Lags(lags)) => !lags.is_empty(),
        Some(CorrelationConfig::From(_)) => true,
    };
    match (config.likelihood, config.dof) {
        (LikelihoodKind::Gaussian, None) => Ok(Scatter::Gaussian),
        (LikelihoodKind::Gaussian, Some(_)) => bail!("{name}: dof goes with likelihood = \"student\""),
        (LikelihoodKind::Student, _) if correlated => bail!(
            "{name}: likelihood = \"student\" takes channels as independent and cannot go with noise_correlation: give one \
             of them"
        ),
        (LikelihoodKind::Student, dof) => {
            let dof = dof.unwrap_or(DEFAULT_DOF);
            ensure!(dof > 0.0 && dof.is_finite(), "{name}: dof = {dof}: degrees of freedom must be positive");
            Ok(Scatter::Student { dof })
        }
    }
}

/// The noise of every run of adjacent channels.
pub(super) fn noise_of_runs(
    config: &SpectrumConfig,
    spectrum: &Spectrum,
    name: &str,
    inputs: &mut Inputs,
) -> anyhow::Result<Vec<RunNoise>> {
    // A slope that is fitted is no noise.
    let sloped = config.slope_k_per_ghz.is_some();
    let noise = |channels: &Spectrum| if sloped { channels.noise_without_slope() } else { channels.noise() };
    let whole = noise(spectrum);
    let runs = spectrum.runs();
    let many = runs.len() > 1;
    let mut all = Vec::with_capacity(runs.len());
    for run in runs {
        let channels = spectrum.channels(run);
        // A short run may have too few channels free of lines.
        let found = if many { noise(&channels).or(whole) } else { whole };
        let place = match many {
            true => format!(
                "{name}, {:.3}-{:.3} MHz",
                channels.freq_mhz[0],
                channels.freq_mhz[channels.len() - 1]
            ),
            false => name.to_owned(),
        };
        let sigma_k = sigma(config, &channels, found, &place, inputs)?;
        let correlation = correlation(config, spectrum, found, &place, inputs)?;
        all.push(RunNoise { freq_mhz: channels.freq_mhz.clone(), sigma_k, correlation });
    }
    Ok(all)
}

/// The noise of every channel (K).
fn sigma(
    config: &SpectrumConfig,
    spectrum: &Spectrum,
    found: Option<Noise>,
    name: &str,
    inputs: &mut Inputs,
) -> anyhow::Result<Vec<f64>> {
    let estimate = |inputs: &mut Inputs| -> anyhow::Result<Vec<f64>> {
        let noise = found.ok_or_else(|| {
            anyhow!("{name}: the noise cannot be estimated ({NO_NOISE}): give noise = \"... K\"")
        })?;
        inputs.notes.push(format!(
            "{name}: noise {:.4} K from {} channels free of lines, correlation between neighbours {:.2}",
            noise.sigma_k, noise.n_used, noise.correlation[0]
        ));
        Ok(vec![noise.sigma_k; spectrum.len()])
    };
    let (given, is_estimate) = match (config.noise.as_deref(), &spectrum.sigma_k, &spectrum.stated_k) {
        (None, Some(sigma_k), _) | (None, None, Some(sigma_k)) => (sigma_k.clone(), false),
        (Some("auto"), _, _) | (None, None, None) => (estimate(inputs)?, true),
        (Some("header"), _, Some(stated_k)) => (stated_k.clone(), false),
        (Some("header"), _, None) => {
            bail!("{name}: noise = \"header\", but the file's header gives none (RMS)")
        }
        (Some(text), _, _) => (stated(text, spectrum).with_context(|| format!("{name}: noise"))?, false),
    };
    let used = || given.iter().zip(&spectrum.valid).filter(|(_, valid)| **valid).map(|(sigma, _)| *sigma);
    if let Some(sigma) = used().find(|sigma| !(*sigma > 0.0 && sigma.is_finite())) {
        bail!("{name}: a noise of {sigma} K: it must be positive");
    }
    let (sum, n) = used().fold((0.0, 0.0), |(sum, n), sigma| (sum + sigma, n + 1.0));
    if let (Some(found), false) = (found, is_estimate || n == 0.0) {
        let ratio = sum / n / found.sigma_k;
        if !(1.0 / FAR_OFF..FAR_OFF).contains(&ratio) {
            inputs.notes.push(format!(
                "{name}: the noise is given as {:.4} K, and channels free of lines show {:.4} K",
                sum / n,
                found.sigma_k
            ));
        }
    }
    Ok(given)
}

/// Noise as the configuration gives it: "0.15 K", or "2 mJy/beam", which the beam makes kelvin.
fn stated(text: &str, spectrum: &Spectrum) -> anyhow::Result<Vec<f64>> {
    let by_beam = || -> Option<Vec<f64>> {
        let (number, unit) = text.trim().split_once(' ')?;
        let (number, unit) = (number.parse::<f64>().ok()?, unit.parse::<IntensityUnit>().ok()?);
        let kelvin = |freq_mhz: &f64| Some(number * unit.kelvin(*freq_mhz, spectrum.beam)?);
        spectrum.freq_mhz.iter().map(kelvin).collect()
    };
    match (text.parse::<Kelvin>(), by_beam()) {
        (Ok(sigma), _) => Ok(vec![sigma.0; spectrum.len()]),
        (Err(_), Some(sigma_k)) => Ok(sigma_k),
        (Err(error), None) => Err(error.into()),
    }
}

/// The correlations at lags of 1, 2, ... channels.
fn correlation(
    config: &SpectrumConfig,
    spectrum: &Spectrum,
    found: Option<Noise>,
    name: &str,
    inputs: &mut Inputs,
) -> anyhow::Result<Vec<f64>> {
    let given = match &config.noise_correlation {
        Some(CorrelationConfig::Lags(lags)) => lags,
        Some(CorrelationConfig::From(CorrelationSource::Header)) => {
            ensure!(
                !spectrum.correlation.is_empty(),
                "{name}: noise_correlation = \"header\", but the file's header gives none (NOISEC1, NOISEC2, ...)"
            );
            &spectrum.correlation
        }
        Some(CorrelationConfig::From(CorrelationSource::Auto)) => return estimated(found, name, inputs),
        Some(CorrelationConfig::From(CorrelationSource::None)) => return Ok(Vec::new()),
        None => {
            warn_of_correlation(config, found, name, inputs);
            return Ok(Vec::new());
        }
    };
    ensure!(
        given.len() <= MAX_BAND,
        "{name}: noise_correlation has {} lags: at most {MAX_BAND} are possible",
        given.len()
    );
    let (correlation, factor) = made_positive(given).ok_or_else(|| {
        anyhow!("{name}: noise_correlation = {given:?}: no noise can be correlated so; lags 1, 2, ... are expected, without 0")
    })?;
    if factor < 1.0 {
        inputs.notes.push(format!(
            "{name}: noise_correlation reduced by a factor {factor:.4}, so that no combination of channels is without noise"
        ));
    }
    Ok(correlation)
}

/// The correlations of the channels free of lines.
fn estimated(found: Option<Noise>, name: &str, inputs: &mut Inputs) -> anyhow::Result<Vec<f64>> {
    let noise = found.ok_or_else(|| {
        anyhow!(
            "{name}: the correlation of the noise cannot be estimated ({NO_NOISE}): give noise_correlation = [...]"
        )
    })?;
    let (correlation, factor) = tapered(significant(&noise.correlation, noise.n_used));
    let rounded: Vec<f64> = correlation.iter().map(|r| (r * 1e3).round() / 1e3).collect();
    inputs.notes.push(format!(
        "{name}: the noise of channels 1, 2, ... apart is correlated by {rounded:?}, from {} channels free of lines{}",
        noise.n_used,
        if factor < 1.0 { format!(", reduced by a factor {factor:.3} to be possible") } else { String::new() }
    ));
    Ok(correlation)
}

/// What independent channels do to the intervals, where they are not.
fn warn_of_correlation(config: &SpectrumConfig, found: Option<Noise>, name: &str, inputs: &mut Inputs) {
    let Some(noise) = found.filter(|noise| noise.correlation[0] > WORTH_A_NOTE) else { return };
    if config.likelihood == LikelihoodKind::Student {
        return;
    }
    let sum: f64 = significant(&noise.correlation, noise.n_used).iter().sum();
    inputs.notes.push(format!(
        "{name}: the noise of neighbouring channels is correlated by {:.2} and the fit takes it as independent: its \
         uncertainties are too small, by up to {:.0} %; noise_correlation = \"auto\" takes it into account",
        noise.correlation[0],
        100.0 * ((1.0 + 2.0 * sum).max(1.0).sqrt() - 1.0)
    ));
}
