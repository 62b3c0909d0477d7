//! Reads the line lists and partition functions that a configuration names.

use super::{Inputs, nonlte};
use crate::catalog::{
    Database, HIGHEST_VIBRATIONAL_K, Interpolation, Line, PartitionFunction, QTable, Species, T_CATALOG_K,
    Vibrations, is_database, read_spfit, without_duplicates,
};
use crate::config::{Config, QInterpolation, SpeciesConfig};
use crate::model::ModelOptions;
use crate::nonlte::NonLteSpecies;
use crate::posterior::{Layout, WindowData};
use anyhow::{Context, bail, ensure};
use std::path::Path;

/// A vibrational partition function that is worth a note, at 300 K.
const NOTABLE_VIBRATIONS: f64 = 1.05;

/// All species, with the lines that the windows can show.
pub(super) fn read_all(
    config: &Config,
    layout: &Layout,
    options: &ModelOptions,
    windows: &[WindowData],
    inputs: &mut Inputs,
) -> anyhow::Result<(Vec<Species>, Vec<Option<NonLteSpecies>>)> {
    let ends: Vec<(f64, f64)> = windows.iter().map(|w| w.window.ends_mhz()).collect();
    let (mut all, mut excited) = (Vec::with_capacity(config.species.len()), Vec::new());
    for (index, species) in config.species.iter().enumerate() {
        let nonlte = nonlte::read(config, species, layout.range(index, 1), inputs)?;
        let read = match &nonlte {
            Some((species, _)) => species.clone(),
            None => read(config, species, inputs)?,
        };
        let read = read.for_windows(&ends, options.velocity);
        check_temperatures(config, layout, index, &read, inputs)?;
        all.push(read);
        excited.push(nonlte.map(|(_, nonlte)| nonlte));
    }
    Ok((all, excited))
}

fn read(config: &Config, species: &SpeciesConfig, inputs: &mut Inputs) -> anyhow::Result<Species> {
    let name = &species.name;
    let (lines, table, source) = match (&species.cat, &species.qpart) {
        (Some(cat), qpart) => own(species, cat, qpart.as_deref(), inputs)?,
        (None, Some(_)) => {
            bail!(
                "{name}: qpart without cat: lines and partition function must come from one entry, give both or none"
            )
        }
        (None, None) => listed(species, inputs)?,
    };
    let (lines, found) = without_duplicates(lines, config.model.duplicates);
    inputs.notes.extend(found.describe(config.model.duplicates).map(|text| format!("{name}: {text}")));
    let interpolation = match config.model.q_interpolation {
        QInterpolation::Smooth => Interpolation::Smooth,
        QInterpolation::Loglog => Interpolation::LogLog,
    };
    let q = PartitionFunction::new(&table, interpolation, config.model.q_extrapolate);
    let q = vibrations(config, name, lines.first().map_or(0, |line| line.tag), q, inputs);
    Ok(Species::new(name, lines, q, &source)?)
}

/// Q with the species' vibrations, where it has none yet and the user asks for them; else a note of what it leaves out.
fn vibrations(
    config: &Config,
    name: &str,
    tag: u32,
    q: PartitionFunction,
    inputs: &mut Inputs,
) -> PartitionFunction {
    let Some(vibrations) =
        q.at(T_CATALOG_K).ok().and_then(|value| Vibrations::of(tag, libm::exp(value.ln_q)))
    else {
        return q;
    };
    let factor = libm::exp(vibrations.ln_q(T_CATALOG_K).0);
    if config.model.q_vibration {
        inputs.notes.push(format!(
            "{name}: Q(T) is multiplied by that of its vibrations as harmonic oscillators ({factor:.2} at 300 K; {}), \
             up to {HIGHEST_VIBRATIONAL_K} K",
            vibrations.source
        ));
        return q.with_vibrations(vibrations);
    }
    if factor > NOTABLE_VIBRATIONS {
        inputs.notes.push(format!(
            "{name}: Q(T) counts the vibrational ground state alone: with its vibrations it is {factor:.2} times larger at \
             300 K, and so would be the column density (q_vibration = true)"
        ));
    }
    q
}

/// Lines and Q from files that the configuration names.
fn own(
    species: &SpeciesConfig,
    cat: &Path,
    qpart: Option<&Path>,
    inputs: &mut Inputs,
) -> anyhow::Result<(Vec<Line>, QTable, String)> {
    let name = &species.name;
    let path = inputs.take(cat)?;
    if is_database(&path) {
        ensure!(
            qpart.is_none(),
            "{name}: {} is a database with its own partition functions: leave out qpart",
            cat.display()
        );
        let read = Database::open(&path)?.read(species.entry.as_ref().unwrap_or(name))?;
        if read.unusable > 0 {
            let n = read.unusable;
            inputs.notes.push(format!(
                "{name}: {n} rows of {} without frequency, energy, Einstein coefficient or degeneracy are left out",
                cat.display()
            ));
        }
        return Ok((read.lines, read.table, format!("{}, {}", cat.display(), read.source)));
    }
    let qpart = qpart.with_context(|| {
        format!("{name}: cat without qpart: give the partition function of {}", cat.display())
    })?;
    ensure!(species.entry.is_none(), "{name}: entry is for line lists and databases, not for cat and qpart");
    let lines = read_spfit(&path)?;
    let tag = species.tag.or(lines.first().map(|line| line.tag));
    let table = QTable::read(&inputs.take(qpart)?, tag)?;
    Ok((lines, table, cat.display().to_string()))
}

/// Lines and Q from the user's or the shipped line list.
fn listed(species: &SpeciesConfig, inputs: &mut Inputs) -> anyhow::Result<(Vec<Line>, QTable, String)> {
    let name = species.entry.as_ref().unwrap_or(&species.name);
    let entry = inputs.library()?.find(name)?.clone();
    if let Some(tag) = species.tag.filter(|tag| *tag != entry.tag) {
        bail!("{}: tag = {tag}, but {name} in the line list is entry {}", species.name, entry.tag);
    }
    for file in entry.files()? {
        inputs.add(file);
    }
    let (lines, table) = entry.read()?;
    inputs.notes.push(format!("{}: {}", species.name, entry.provenance()));
    Ok((lines, table, entry.provenance()))
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
         that reaches further, or set {}q_extrapolate = true",
        species.name(),
        species.q().source(),
        match Vibrations::of(species.tag(), species.q_300()) {
            Some(_) if !config.model.q_vibration && high > last =>
                "q_vibration = true (known up to 1000 K) or ",
            _ => "",
        }
    );
    species.q().at(high).with_context(|| species.name().to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests;
