//! What is fitted of a spectral window besides the species: calibration, continuum, extra noise.

use super::resolve::{Raw, read_way};
use super::{Layout, LayoutError, Parameter, Source};
use crate::config::ParameterConfig;
use crate::model::{N_WINDOW_PARAMS, WindowParams};
use std::borrow::Cow;

/// The quantities of a window, in the order of [`WindowParams`], with their units.
pub const WINDOW_QUANTITIES: [(&str, &str); N_WINDOW_PARAMS] =
    [("calibration", "1"), ("offset_k", "K"), ("slope_k_per_ghz", "K/GHz"), ("jitter_k", "K")];

/// Where the quantities of a window come from.
pub type WindowBindings = [Source; N_WINDOW_PARAMS];

/// A window's name in the parameters, and its quantities as given; what is not given stays as it is without.
pub struct WindowConfig<'a> {
    /// "spw1" makes "spw1.calibration".
    pub name: String,
    /// In the order of [`WINDOW_QUANTITIES`].
    pub given: [Option<&'a ParameterConfig>; N_WINDOW_PARAMS],
}

/// A quantity before `same_as` is resolved.
enum Quantity<'a> {
    Source(Source),
    SameAs(Cow<'a, str>),
}

impl Layout {
    /// Adds the parameters of all windows behind those of the species. Nothing is added, and nothing costs time, where no
    /// window gives any.
    ///
    /// # Errors
    /// [`LayoutError`], naming the parameter.
    pub fn add_windows(&mut self, windows: &[WindowConfig]) -> Result<(), LayoutError> {
        if windows.iter().all(|window| window.given.iter().all(Option::is_none)) {
            return Ok(());
        }
        let defaults = [1.0, 0.0, 0.0, 0.0];
        let mut all: Vec<(String, Quantity)> = Vec::new();
        for window in windows {
            for (k, (quantity, unit)) in WINDOW_QUANTITIES.iter().enumerate() {
                let name = format!("{}.{quantity}", window.name);
                let value = match window.given[k] {
                    None => Quantity::Source(Source::Fixed(defaults[k])),
                    Some(config) => self.read_window(&name, unit, config)?,
                };
                all.push((name, value));
            }
        }
        let flat = (0..all.len()).map(|slot| follow(&all, slot)).collect::<Result<Vec<Source>, _>>()?;
        self.windows = flat
            .chunks_exact(N_WINDOW_PARAMS)
            .map(|w| w.try_into().expect("as many as quantities"))
            .collect();
        Ok(())
    }

    fn read_window<'a>(
        &mut self,
        name: &str,
        unit: &str,
        config: &'a ParameterConfig,
    ) -> Result<Quantity<'a>, LayoutError> {
        let is_jitter = name.ends_with(".jitter_k");
        if let Some(target) = &config.ratio_to {
            return Err(LayoutError::RatioOf { parameter: name.to_owned(), target: target.clone() });
        }
        // No extra noise at all is as good as any.
        if is_jitter && config.fixed == Some(0.0) {
            return Ok(Quantity::Source(Source::Fixed(0.0)));
        }
        let is_positive = is_jitter || name.ends_with(".calibration");
        Ok(match read_way(name, is_positive, config)? {
            Raw::Prior(prior) => {
                let (name, unit) = (name.to_owned(), unit.to_owned());
                self.parameters.push(Parameter { name, unit, prior });
                Quantity::Source(Source::Free(self.parameters.len() - 1))
            }
            Raw::Fixed(value) => Quantity::Source(Source::Fixed(value)),
            Raw::SameAs(target) => Quantity::SameAs(target),
            _ => return Err(LayoutError::Ways { parameter: name.to_owned(), found: 0 }),
        })
    }

    /// The quantities of every window at `theta`; none where no window has any.
    pub fn window_values(&self, theta: &[f64]) -> impl Iterator<Item = WindowParams> {
        self.windows.iter().map(move |w| WindowParams::from_array(w.map(|source| source.value(theta))))
    }

    /// The fitted calibration factors: which windows have each, and its relative spread by its prior.
    pub fn calibrations(&self) -> Vec<(Vec<usize>, f64)> {
        let mut found: Vec<(usize, Vec<usize>)> = Vec::new();
        for (window, sources) in self.windows.iter().enumerate() {
            let Source::Free(parameter) = sources[0] else { continue };
            match found.iter_mut().find(|(known, _)| *known == parameter) {
                Some((_, windows)) => windows.push(window),
                None => found.push((parameter, vec![window])),
            }
        }
        found.into_iter().map(|(k, windows)| (windows, self.parameters[k].prior.relative_spread())).collect()
    }

    /// Adds to `gradient` what derivatives by the windows' quantities mean for the free parameters.
    pub(in crate::posterior) fn add_window_slopes(
        &self,
        factor: f64,
        by_window: &[[f64; N_WINDOW_PARAMS]],
        gradient: &mut [f64],
    ) {
        for (sources, by) in self.windows.iter().zip(by_window) {
            for (source, by) in sources.iter().zip(by) {
                if let Source::Free(i) = source {
                    gradient[*i] += factor * by;
                }
            }
        }
    }
}

/// The source that `same_as` leads to in the end.
fn follow(all: &[(String, Quantity)], start: usize) -> Result<Source, LayoutError> {
    let mut slot = start;
    for _ in 0..=all.len() {
        match &all[slot].1 {
            Quantity::Source(source) => return Ok(*source),
            Quantity::SameAs(target) => {
                slot = all.iter().position(|(name, _)| name == target.as_ref()).ok_or_else(|| {
                    let known = all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
                    LayoutError::Unknown { parameter: all[slot].0.clone(), target: target.to_string(), known }
                })?;
            }
        }
    }
    Err(LayoutError::Circle { parameter: all[start].0.clone(), by_way_of: all[slot].0.clone() })
}
