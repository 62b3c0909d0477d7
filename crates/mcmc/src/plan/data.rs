//! Reads the spectra that a configuration names, as windows with noise.

use super::Inputs;
use crate::config::SpectrumConfig;
use crate::model::{Beam, Window};
use crate::posterior::WindowData;
use crate::spectrum::{
    FitsOptions, FreqUnit, IntensityUnit, Region, Spectrum, TextOptions, read_fits, read_text,
};
use anyhow::{Context, anyhow, bail, ensure};
use mirinae_common::units::Kelvin;
use std::path::Path;

/// Adds the windows of one spectrum.
pub(super) fn add_windows(
    config: &SpectrumConfig,
    inputs: &mut Inputs,
    windows: &mut Vec<WindowData>,
) -> anyhow::Result<()> {
    let path = inputs.take(&config.file)?;
    let spectrum = read(config, &path)?;
    let name = config.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    inputs.notes.extend(spectrum.notes.iter().map(|note| format!("{name}: {note}")));
    let sigma_k = sigma(config, &spectrum, &name, inputs)?;
    let beam = spectrum.beam.ok_or_else(|| {
        anyhow!("{}: the beam is not known: give beam = [\"major\", \"minor\"]", path.display())
    })?;
    let spectrum = Spectrum { sigma_k: Some(sigma_k), ..spectrum };
    let ranges: Vec<[f64; 2]> = match config.windows.as_slice() {
        [] => vec![[f64::NEG_INFINITY, f64::INFINITY]],
        ranges => ranges.iter().map(|r| r.map(|f| f.0 * 1e-6)).collect(),
    };
    for [low_mhz, high_mhz] in ranges {
        ensure!(low_mhz < high_mhz, "{name}: the window {low_mhz}..{high_mhz} MHz is empty");
        let cut = spectrum.between(low_mhz, high_mhz);
        ensure!(
            cut.n_valid() > 0,
            "{}: no channel with data between {low_mhz} and {high_mhz} MHz",
            path.display()
        );
        for run in cut.runs() {
            let number = windows.iter().filter(|w| w.window.name.starts_with(&name)).count() + 1;
            windows.push(window(&cut.channels(run), beam, format!("{name} {number}")));
        }
    }
    Ok(())
}

fn read(config: &SpectrumConfig, path: &Path) -> anyhow::Result<Spectrum> {
    let intensity_unit = config.intensity_unit.as_deref().map(parse::<IntensityUnit>).transpose()?;
    let beam = config
        .beam
        .map(|[major, minor]| Beam::Elliptical { bmaj_arcsec: major.arcsec(), bmin_arcsec: minor.arcsec() });
    if is_fits(path)? {
        ensure!(config.freq_unit.is_none(), "{}: freq_unit is for text files", path.display());
        let region = match (config.pixel, config.circle) {
            (Some(_), Some(_)) => bail!("{}: give pixel or circle, not both", path.display()),
            (Some([x, y]), None) => Some(Region::Pixel { x, y }),
            (None, Some([x, y, radius])) => Some(Region::Circle { x, y, radius }),
            (None, None) => None,
        };
        return Ok(read_fits(
            path,
            &FitsOptions {
                region,
                rest_mhz: config.rest_freq.map(|f| f.0 * 1e-6),
                unit: intensity_unit,
                beam,
            },
        )?);
    }
    ensure!(
        config.pixel.is_none() && config.circle.is_none(),
        "{}: pixel and circle are for FITS cubes, and this is none",
        path.display()
    );
    let freq_unit = config.freq_unit.as_deref().map(parse::<FreqUnit>).transpose()?.unwrap_or_default();
    let options = TextOptions {
        rms_column: config.rms_column,
        freq_unit,
        intensity_unit: intensity_unit.unwrap_or(IntensityUnit::Kelvin(1.0)),
        beam,
        ..TextOptions::default()
    };
    Ok(read_text(path, &options)?)
}

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> anyhow::Result<T> {
    text.parse().map_err(|e| anyhow!("\"{text}\": {e}"))
}

/// FITS files start with this card (FITS 4.0, 4.4.1.1), whatever their names.
fn is_fits(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read;
    let mut start = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(6).read_to_end(&mut start))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(start == b"SIMPLE")
}

/// The noise of every channel; infinite where there are no data.
fn sigma(
    config: &SpectrumConfig,
    spectrum: &Spectrum,
    name: &str,
    inputs: &mut Inputs,
) -> anyhow::Result<Vec<f64>> {
    let given: Vec<f64> = match (config.noise.as_deref(), &spectrum.sigma_k) {
        (None, Some(sigma_k)) => sigma_k.clone(),
        (Some("auto") | None, _) => {
            let noise = spectrum.noise().ok_or_else(|| {
                anyhow!("{name}: too few channels to estimate the noise: give noise = \"... K\"")
            })?;
            inputs.notes.push(format!(
                "{name}: noise {:.4} K from {} channels free of lines, correlation between neighbours {:.2}",
                noise.sigma_k, noise.n_used, noise.lag1
            ));
            if noise.lag1 > 0.2 {
                inputs.notes.push(format!(
                    "{name}: the noise of neighbouring channels is correlated and the fit takes it as independent: \
                     its uncertainties are too small, by up to {:.0} %",
                    100.0 * ((1.0 + 2.0 * (noise.lag1 + noise.lag2.max(0.0))).sqrt() - 1.0)
                ));
            }
            vec![noise.sigma_k; spectrum.len()]
        }
        (Some(text), _) => {
            vec![text.parse::<Kelvin>().with_context(|| format!("{name}: noise"))?.0; spectrum.len()]
        }
    };
    let bad = given
        .iter()
        .zip(&spectrum.valid)
        .find(|(sigma, valid)| **valid && !(**sigma > 0.0 && sigma.is_finite()));
    if let Some((sigma, _)) = bad {
        bail!("{name}: a noise of {sigma} K: it must be positive");
    }
    Ok(given.iter().zip(&spectrum.valid).map(|(&s, &valid)| if valid { s } else { f64::INFINITY }).collect())
}

fn window(cut: &Spectrum, beam: Beam, name: String) -> WindowData {
    let t_k = cut.t_k.iter().zip(&cut.valid).map(|(&t, &valid)| if valid { t } else { 0.0 }).collect();
    WindowData {
        window: Window { name, freq_mhz: cut.freq_mhz.clone(), beam },
        t_k,
        sigma_k: cut.sigma_k.clone().unwrap_or_default(),
    }
}
