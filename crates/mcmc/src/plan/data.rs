//! Reads the spectra that a configuration names, as windows with noise.

use super::Inputs;
use super::noise::{RunNoise, kind_of_noise, noise_of_runs};
use crate::config::{Config, SpectrumConfig};
use crate::model::{Beam, ChannelMode, ChannelResponse, Window, WindowNoise};
use crate::posterior::{WindowConfig, WindowData};
use crate::spectrum::{
    self, FitsOptions, IntensityUnit, Region, SpectralUnit, Spectrum, TextOptions, read_fits, read_text,
};
use anyhow::{Context, anyhow, bail, ensure};
use mirinae_common::units::Hertz;
use std::collections::HashSet;
use std::path::Path;

/// A window without data.
#[derive(Debug, thiserror::Error)]
#[error("{file}: no channel with data between {low_mhz} and {high_mhz} MHz")]
pub(super) struct NoData {
    file: String,
    low_mhz: f64,
    high_mhz: f64,
}

/// The windows of all spectra.
#[derive(Default)]
pub(super) struct Windows {
    /// Their data.
    pub data: Vec<WindowData>,
    /// Which `[[spectrum]]` each is from, and its number among those of that name.
    owners: Vec<(usize, usize)>,
    /// Channels left out by masks.
    pub masked: u64,
}

impl Windows {
    /// Reads all spectra of a configuration.
    pub fn read(config: &Config, inputs: &mut Inputs) -> anyhow::Result<Self> {
        let mut windows = Self::default();
        for index in 0..config.spectrum.len() {
            windows.add(config, index, inputs)?;
        }
        Ok(windows)
    }

    /// The parameters of every window, as given: "NAME.calibration", or "NAME-2.calibration" where a name has several.
    pub fn parameters<'a>(&self, config: &'a Config) -> anyhow::Result<Vec<WindowConfig<'a>>> {
        let names: Vec<String> = config.spectrum.iter().map(name).collect();
        let many = |base: &str| self.owners.iter().filter(|owner| names[owner.0] == base).count() > 1;
        let mut seen = HashSet::new();
        let mut all = Vec::with_capacity(self.owners.len());
        for (index, number) in &self.owners {
            let (spectrum, base) = (&config.spectrum[*index], &names[*index]);
            let name = if many(base) { format!("{base}-{number}") } else { base.clone() };
            let given = [
                spectrum.calibration.as_ref(),
                spectrum.offset_k.as_ref(),
                spectrum.slope_k_per_ghz.as_ref(),
                spectrum.jitter_k.as_ref(),
            ];
            let is_new = seen.insert(name.clone());
            ensure!(is_new, "two windows are called {name}: give each [[spectrum]] a name of its own");
            ensure!(
                config.species.iter().all(|s| s.name != name) || given.iter().all(Option::is_none),
                "a spectrum and a species are both called {name}: give the spectrum another name"
            );
            all.push(WindowConfig { name, given });
        }
        Ok(all)
    }

    /// Adds the windows of one spectrum.
    fn add(&mut self, all: &Config, index: usize, inputs: &mut Inputs) -> anyhow::Result<()> {
        let config = &all.spectrum[index];
        let path = inputs.take(&config.file)?;
        let mut spectrum = read(config, &path)?;
        let name = name(config);
        inputs.notes.extend(spectrum.notes.iter().map(|note| format!("{name}: {note}")));
        let mask: Vec<[f64; 2]> = ranges_mhz(&name, "mask", config.mask.iter().chain(&all.model.mask))?;
        let masked = leave_out(&mut spectrum, &mask);
        let kind = kind_of_noise(config, &name)?;
        let noise = noise_of_runs(config, &spectrum, &name, inputs)?;
        let beam = spectrum.beam.ok_or_else(|| {
            anyhow!(
                "{}: the beam is not known: give beam = [\"major\", \"minor\"], or dish = \"diameter\"",
                path.display()
            )
        })?;
        let response = response(config, all.model.channels, &name, inputs)?;
        let ranges = match config.windows.as_slice() {
            [] => vec![[f64::NEG_INFINITY, f64::INFINITY]],
            given => ranges_mhz(&name, "window", given.iter())?,
        };
        check_apart(&name, &ranges)?;
        for [low_mhz, high_mhz] in ranges {
            let cut = spectrum.between(low_mhz, high_mhz);
            if cut.n_valid() == 0 {
                let file = path.display().to_string();
                return Err(NoData { file, low_mhz, high_mhz }.into());
            }
            for run in cut.runs() {
                let channels = cut.channels(run);
                if channels.n_valid() == 0 {
                    let (first, last) = (channels.freq_mhz[0], channels.freq_mhz[channels.len() - 1]);
                    inputs.notes.push(format!("{name}: {first}-{last} MHz holds no data and is left out"));
                    continue;
                }
                self.masked +=
                    channels.freq_mhz.iter().filter(|f| masked.contains(&f.to_bits())).count() as u64;
                let number =
                    self.owners.iter().filter(|o| self::name(&all.spectrum[o.0]) == name).count() + 1;
                self.owners.push((index, number));
                let window = Window {
                    name: format!("{name} {number}"),
                    freq_mhz: channels.freq_mhz.clone(),
                    beam,
                    response,
                };
                let own =
                    noise.iter().find(|n| n.holds(channels.freq_mhz[0])).context("a window in no run")?;
                let noise = WindowNoise { correlation: own.correlation.clone(), scatter: kind };
                self.data.push(window_data(&channels, window, own, noise));
            }
        }
        Ok(())
    }
}

/// What the spectrum is called.
fn name(config: &SpectrumConfig) -> String {
    let stem = || config.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    config.name.clone().unwrap_or_else(stem)
}

fn ranges_mhz<'a>(
    name: &str,
    what: &str,
    ranges: impl Iterator<Item = &'a [Hertz; 2]>,
) -> anyhow::Result<Vec<[f64; 2]>> {
    let checked = ranges.map(|range| {
        let [low_mhz, high_mhz] = range.map(|f| f.0 * 1e-6);
        ensure!(low_mhz < high_mhz, "{name}: the {what} {low_mhz}..{high_mhz} MHz is empty");
        Ok([low_mhz, high_mhz])
    });
    checked.collect()
}

/// Windows that overlap would count channels twice.
fn check_apart(name: &str, ranges: &[[f64; 2]]) -> anyhow::Result<()> {
    for (k, a) in ranges.iter().enumerate() {
        if let Some(b) = ranges[..k].iter().find(|b| a[0] < b[1] && b[0] < a[1]) {
            bail!(
                "{name}: the windows {}..{} and {}..{} MHz overlap: channels would count twice",
                b[0],
                b[1],
                a[0],
                a[1]
            );
        }
    }
    Ok(())
}

/// Flags the channels within the ranges; returns the frequencies (as bits) of those that held data.
fn leave_out(spectrum: &mut Spectrum, mask: &[[f64; 2]]) -> HashSet<u64> {
    let mut masked = HashSet::new();
    for i in 0..spectrum.len() {
        let freq = spectrum.freq_mhz[i];
        if spectrum.valid[i] && mask.iter().any(|[low, high]| (*low..=*high).contains(&freq)) {
            spectrum.valid[i] = false;
            masked.insert(freq.to_bits());
        }
    }
    masked
}

fn response(
    config: &SpectrumConfig,
    channels: ChannelMode,
    name: &str,
    inputs: &mut Inputs,
) -> anyhow::Result<ChannelResponse> {
    ensure!(
        config.channel_width.is_none() || channels == ChannelMode::Average,
        "{name}: channel_width has no meaning with channels = \"point\""
    );
    if config.hanning && config.noise_correlation.is_none() {
        inputs.notes.push(format!(
            "{name}: Hanning smoothing correlates the noise of channels by 0.67 and 0.17 one and two apart, and the fit \
             takes it as independent: give noise_correlation"
        ));
    }
    Ok(ChannelResponse { width_mhz: config.channel_width.map(|f| f.0 * 1e-6), hanning: config.hanning })
}

fn read(config: &SpectrumConfig, path: &Path) -> anyhow::Result<Spectrum> {
    let intensity_unit = config.intensity_unit.as_deref().map(parse::<IntensityUnit>).transpose()?;
    let beam = match (config.beam, config.dish) {
        (Some(_), Some(_)) => bail!("{}: give beam or dish, not both", path.display()),
        (Some([major, minor]), None) => {
            Some(Beam::Elliptical { bmaj_arcsec: major.arcsec(), bmin_arcsec: minor.arcsec() })
        }
        (None, dish) => dish.map(|diameter| Beam::SingleDish { diameter_m: diameter.0 }),
    };
    if spectrum::is_fits(path)? {
        let for_text = [
            ("freq_unit", config.freq_unit.is_some()),
            ("freq_column", config.freq_column.is_some()),
            ("intensity_column", config.intensity_column.is_some()),
            ("rms_column", config.rms_column.is_some()),
        ];
        if let Some((key, _)) = for_text.iter().find(|(_, given)| *given) {
            bail!("{}: {key} is for text files", path.display());
        }
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
                convention: config.velocity,
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
    let options = TextOptions {
        freq_column: config.freq_column,
        intensity_column: config.intensity_column,
        rms_column: config.rms_column,
        freq_unit: config.freq_unit.as_deref().map(parse::<SpectralUnit>).transpose()?,
        intensity_unit,
        rest_mhz: config.rest_freq.map(|f| f.0 * 1e-6),
        convention: config.velocity,
        beam,
    };
    Ok(read_text(path, &options)?)
}

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> anyhow::Result<T> {
    text.parse().map_err(|e| anyhow!("\"{text}\": {e}"))
}

/// A window with the data of its channels.
fn window_data(channels: &Spectrum, window: Window, run: &RunNoise, noise: WindowNoise) -> WindowData {
    let used = |x: f64, valid: bool, otherwise: f64| if valid { x } else { otherwise };
    let t_k = channels.t_k.iter().zip(&channels.valid).map(|(&t, &valid)| used(t, valid, 0.0)).collect();
    let first = run.index_of(channels.freq_mhz[0]);
    let sigma_k = run.sigma_k[first..].iter().zip(&channels.valid);
    WindowData {
        window,
        t_k,
        sigma_k: sigma_k.map(|(&s, &valid)| used(s, valid, f64::INFINITY)).collect(),
        noise,
    }
}

#[cfg(test)]
mod tests;
