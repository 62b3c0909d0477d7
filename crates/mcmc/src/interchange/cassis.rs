//! Reads CASSIS's model files (`.ltm`, `.lam`): `key=value`, a component's keys begin with `Comp1`, a molecule's with `Comp1Mol1`.

use super::configuration::{Component, ImportedModel, Value};
use super::error::InterchangeError;
use std::collections::BTreeMap;

/// A source of this size (arcsec) fills any beam.
const FILLS_BEAM_ARCSEC: f64 = 3.0e4;
/// Ends of the keys that are used, or say nothing.
const KNOWN: [&str; 15] = [
    "Name",
    "Enabled",
    "Algo",
    "Interacting",
    "Vlsr",
    "VlsrUnit",
    "NbMol",
    "Species",
    "Tag",
    "Database",
    "Compute",
    "NSp",
    "Tex",
    "FWHM",
    "Size",
];

/// The keys of a file with their lines.
struct Keys<'a> {
    file: &'a str,
    keys: BTreeMap<&'a str, (usize, &'a str)>,
}

impl<'a> Keys<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        let pair = |(index, line): (usize, &'a str)| {
            let (key, value) = line.trim().split_once('=')?;
            (!line.trim_start().starts_with('#')).then_some((key.trim(), (index, value.trim())))
        };
        Self { file, keys: text.lines().enumerate().filter_map(pair).collect() }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    fn text(&self, key: &str) -> &'a str {
        self.keys.get(key).map_or("", |(_, text)| *text)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, InterchangeError> {
        let Some((index, text)) = self.keys.get(key) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(Some(x)),
            _ => Err(InterchangeError::Line {
                file: self.file.to_owned(),
                line: index + 1,
                problem: format!("{key}: \"{text}\" is not a number"),
            }),
        }
    }

    /// A number that must be there and positive.
    fn positive(&self, key: &str) -> Result<f64, InterchangeError> {
        self.number(key)?
            .filter(|x| *x > 0.0)
            .ok_or_else(|| self.error(format!("{key} is missing, or not positive")))
    }

    fn error(&self, problem: String) -> InterchangeError {
        InterchangeError::File { file: self.file.to_owned(), problem }
    }
}

/// Reads a model.
///
/// # Errors
/// [`InterchangeError`], with the line of what cannot be read.
pub fn parse_cassis(text: &str, file: &str) -> Result<ImportedModel, InterchangeError> {
    let keys = Keys::new(text, file);
    let mut model = ImportedModel { t_bg_k: keys.number("tbg")?, ..ImportedModel::default() };
    for c in (1..).take_while(|c| keys.has(&format!("Comp{c}Name"))) {
        add_component(&keys, c, &mut model)?;
    }
    if model.components.is_empty() {
        return Err(keys.error("has no component with molecules (Comp1Name, Comp1Mol1Species ...)".into()));
    }
    let is_known = |key: &str| {
        ["tbg", "tbgUnit"].contains(&key) || KNOWN.iter().any(|k| key.starts_with("Comp") && key.ends_with(k))
    };
    let others: Vec<&str> = keys.keys.keys().filter(|key| !is_known(key)).copied().collect();
    if !others.is_empty() {
        model
            .reports
            .push(format!("not taken over (tuning, telescope, thresholds, non-LTE): {}", others.join(", ")));
    }
    Ok(model)
}

fn add_component(keys: &Keys, c: usize, model: &mut ImportedModel) -> Result<(), InterchangeError> {
    let key = |what: &str| format!("Comp{c}{what}");
    let name = format!("component {c} ({})", keys.text(&key("Name")));
    if keys.text(&key("Enabled")) == "false" {
        model.reports.push(format!("{name} is switched off: not taken over"));
        return Ok(());
    }
    if keys.has(&key("Continuum")) && !keys.has(&key("NbMol")) {
        let continuum = keys.text(&key("Continuum"));
        model.reports.push(format!("{name}: a continuum ({continuum}) is not taken over"));
        return Ok(());
    }
    let algorithm = keys.text(&key("Algo"));
    if !algorithm.is_empty() && !algorithm.contains("LTE") {
        model.reports.push(format!("{name}: {algorithm} is not LTE: its Tex is taken over as if it were"));
    }
    if keys.text(&key("Interacting")) == "true" {
        model.reports.push(format!(
            "{name} is seen behind the others (interacting): here intensities add unless you group them"
        ));
    }
    let v_kms = keys.number(&key("Vlsr"))?.unwrap_or(0.0);
    for m in (1..).take_while(|m| keys.has(&key(&format!("Mol{m}Species")))) {
        let key = |what: &str| format!("Comp{c}Mol{m}{what}");
        let species = keys.text(&key("Species"));
        if keys.text(&key("Compute")) == "false" {
            model.reports.push(format!("{name}: {species} is not computed there: not taken over"));
            continue;
        }
        let size = keys.number(&key("Size"))?.filter(|s| *s > 0.0 && *s < FILLS_BEAM_ARCSEC);
        model.components.push(Component {
            name: species.to_owned(),
            tag: keys.text(&key("Tag")).parse().ok(),
            foreground: false,
            size_arcsec: size.map(Value::plain),
            tex_k: Value::plain(keys.positive(&key("Tex"))?),
            log10_n: Value::plain(keys.positive(&key("NSp"))?.log10()),
            fwhm_kms: Value::plain(keys.positive(&key("FWHM"))?),
            v_kms: Value::plain(v_kms),
        });
    }
    Ok(())
}
