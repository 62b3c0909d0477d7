//! Reads the line lists and partition functions that a configuration names.

use super::Inputs;
use crate::catalog::{Interpolation, PartitionFunction, QTable, Species, read_spfit};
use crate::config::{Config, QInterpolation, SpeciesConfig};
use crate::model::ModelOptions;
use crate::posterior::{Layout, WindowData};
use anyhow::{Context, ensure};

/// All species, with the lines that the windows can show.
pub(super) fn read_all(
    config: &Config,
    layout: &Layout,
    options: &ModelOptions,
    windows: &[WindowData],
    inputs: &mut Inputs,
) -> anyhow::Result<Vec<Species>> {
    let ends: Vec<(f64, f64)> = windows
        .iter()
        .map(|w| (w.window.freq_mhz[0], w.window.freq_mhz[w.window.freq_mhz.len() - 1]))
        .collect();
    let mut all = Vec::with_capacity(config.species.len());
    for (index, species) in config.species.iter().enumerate() {
        let read = read(config, species, inputs)?.for_windows(&ends, options.velocity);
        check_temperatures(config, layout, index, &read, inputs)?;
        all.push(read);
    }
    Ok(all)
}

fn read(config: &Config, species: &SpeciesConfig, inputs: &mut Inputs) -> anyhow::Result<Species> {
    let lines = read_spfit(&inputs.take(&species.cat)?)?;
    let tag = species.tag.or(lines.first().map(|line| line.tag));
    let table = QTable::read(&inputs.take(&species.qpart)?, tag)?;
    let interpolation = match config.model.q_interpolation {
        QInterpolation::Smooth => Interpolation::Smooth,
        QInterpolation::Loglog => Interpolation::LogLog,
    };
    let q = PartitionFunction::new(&table, interpolation, config.model.q_extrapolate);
    Ok(Species::new(&species.name, lines, q, &species.cat.display().to_string())?)
}

/// The prior of Tex must stay within the table of Q, unless the user asks to go beyond it.
fn check_temperatures(
    config: &Config,
    layout: &Layout,
    index: usize,
    species: &Species,
    inputs: &mut Inputs,
) -> anyhow::Result<()> {
    let (low, high) = layout.range(index, 1);
    let (first, last) = species.q().range_k();
    let inside = low >= first * (1.0 - 1e-9) && high <= last * (1.0 + 1e-9);
    if config.model.q_extrapolate {
        if !inside {
            inputs.notes.push(format!(
                "{}: Q(T) is extrapolated beyond its table ({first}-{last} K), as asked for",
                species.name()
            ));
        }
        return Ok(());
    }
    ensure!(
        inside,
        "{}.tex_k may be {low}-{high} K, but Q(T) in {} is known for {first}-{last} K: narrow the prior, give a table \
         that reaches further, or set q_extrapolate = true",
        species.name(),
        species.q().source()
    );
    species.q().at(high).with_context(|| species.name().to_string())?;
    Ok(())
}
