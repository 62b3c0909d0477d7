//! Writes a model of another program as a configuration of ours.

use super::molfit::Isotopologue;
use super::names::{listed_name, plain_name};
use std::fmt::Write as _;

/// A number with what the file says of its fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The value, or where the fit starts.
    pub value: f64,
    /// Limits of the fit.
    pub limits: Option<(f64, f64)>,
    /// Whether it is fitted.
    pub fitted: bool,
    /// Whether the file says so (else it is a model without a fit).
    pub flagged: bool,
}

impl Value {
    /// A number of a model without a fit.
    pub fn plain(value: f64) -> Self {
        Self { value, limits: None, fitted: false, flagged: false }
    }

    /// The same in another scale.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { value: f(self.value), limits: self.limits.map(|(a, b)| (f(a), f(b))), ..self }
    }
}

/// One component of one species.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Name as the file has it.
    pub name: String,
    /// Tag of the catalogue entry, where the file has it.
    pub tag: Option<u32>,
    /// Whether it lies in front of the others.
    pub foreground: bool,
    /// Size (arcsec); None: it fills the beam.
    pub size_arcsec: Option<Value>,
    /// Excitation temperature (K).
    pub tex_k: Value,
    /// log10 of the column density (cm^-2).
    pub log10_n: Value,
    /// Width (km/s).
    pub fwhm_kms: Value,
    /// Velocity (km/s).
    pub v_kms: Value,
}

/// A model with what could not be taken over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportedModel {
    /// Components, in the order of the file.
    pub components: Vec<Component>,
    /// Isotopologues that follow their main species.
    pub isotopologues: Vec<Isotopologue>,
    /// Temperature of the background (K), where the file has it.
    pub t_bg_k: Option<f64>,
    /// What was not taken over, and what was assumed.
    pub reports: Vec<String>,
}

/// What the line lists know of a species: by name and by tag.
pub trait Known {
    /// Whether there is a species of this name.
    fn has(&self, name: &str) -> bool;
    /// The species of a tag.
    fn of_tag(&self, tag: u32) -> Option<String>;
}

/// The configuration as text, with reports (also as comments in it); `spectra` are the data's files.
pub fn configuration(
    model: &ImportedModel,
    source: &str,
    spectra: &[String],
    known: &dyn Known,
) -> (String, Vec<String>) {
    let mut reports = model.reports.clone();
    let mut species = String::new();
    let mut settings: Vec<String> = Vec::new();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut layers = 0;
    for component in &model.components {
        let entry = component
            .tag
            .and_then(|tag| known.of_tag(tag))
            .or_else(|| listed_name(&component.name, |name| known.has(name)));
        let plain = plain_name(&component.name);
        if entry.is_none() {
            reports.push(format!(
                "{}: no species of the line lists has this name: give it cat and qpart, or import its lines",
                component.name
            ));
        }
        let base = entry.clone().unwrap_or(plain);
        let count = names.iter().filter(|(_, b)| *b == base).count();
        let name = if count == 0 { base.clone() } else { format!("{base}_{}", count + 1) };
        names.push((name.clone(), base.clone()));
        let layer = if component.foreground {
            layers += 1;
            reports.push(format!(
                "{name}: a foreground layer in the file: it is layer {layers}, seen in front of all cores"
            ));
            layers
        } else {
            0
        };
        let called = Names { name: &name, base: &base, layer };
        write_species(component, &called, &mut species, &mut settings, &mut reports);
    }
    for isotopologue in &model.isotopologues {
        write_isotopologue(isotopologue, &names, known, &mut species, &mut reports);
    }
    // Writing to a string cannot fail.
    let mut text = format!("# Made by alma-fit import from {}.\n", clean(source));
    for report in &reports {
        let _ = writeln!(text, "# NOTE {}", clean(report));
    }
    if !settings.is_empty() {
        let _ =
            writeln!(text, "# The file's values: alma-fit first-look THIS {}", clean(&settings.join(" ")));
    }
    if let Some(t_bg_k) = model.t_bg_k {
        let _ = write!(text, "\n[model]\nt_bg = \"{t_bg_k} K\"\n");
    }
    if spectra.is_empty() {
        text.push_str("\n# [[spectrum]]\n# file = \"NAME YOUR SPECTRUM HERE\"\n");
    }
    for file in spectra {
        let _ = write!(text, "\n[[spectrum]]\nfile = {}\n", quoted(file));
    }
    (text + &species, reports)
}

/// One of the quantities: its values, the range where the file gives none, and whether it is positive.
struct Quantity {
    name: &'static str,
    value: Value,
    /// Range where the file has no limits.
    range: (f64, f64),
}

/// What a component is called here, which entry it is of, and its layer (0: a core).
struct Names<'a> {
    name: &'a str,
    base: &'a str,
    layer: u32,
}

fn write_species(
    component: &Component,
    names: &Names,
    text: &mut String,
    settings: &mut Vec<String>,
    reports: &mut Vec<String>,
) {
    let Names { name, base, layer } = *names;
    let around = |x: f64, d: f64| (x - d, x + d);
    let times = |x: f64, f: f64| (x / f, x * f);
    let (n, t) = (component.log10_n, component.tex_k);
    let (fwhm, v) = (component.fwhm_kms, component.v_kms);
    let mut quantities = vec![
        Quantity { name: "logn", value: n, range: around(n.value, 1.5) },
        Quantity { name: "tex_k", value: t, range: times(t.value, 3.0) },
        Quantity { name: "fwhm_kms", value: fwhm, range: times(fwhm.value, 3.0) },
        Quantity { name: "v_kms", value: v, range: around(v.value, fwhm.value) },
    ];
    if let Some(size) = component.size_arcsec {
        quantities.push(Quantity {
            name: "size_arcsec",
            value: size,
            range: times(size.value.max(1.0e-3), 3.0),
        });
    }
    let mut assumed = Vec::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "\n[[species]]\nname = {}\n", quoted(name));
    if name != base {
        let _ = writeln!(text, "entry = {}", quoted(base));
    }
    if layer > 0 {
        let _ = writeln!(text, "layer = {layer}");
    }
    for q in quantities {
        let Value { value, limits, fitted, flagged } = q.value;
        if flagged && !fitted {
            let _ = writeln!(text, "{} = {{ fixed = {} }}", q.name, number(value));
            continue;
        }
        let inside = limits.filter(|l| l.0 < l.1);
        let (low, high) = inside.unwrap_or(q.range);
        if inside.is_none() {
            assumed.push(q.name);
        }
        let _ = writeln!(text, "{} = {{ uniform = [{}, {}] }}", q.name, number(low), number(high));
        settings.push(format!("--set {name}.{}={}", q.name, number(value)));
    }
    if !assumed.is_empty() {
        reports.push(format!(
            "{name}: the file has no limits for {}: they are ours, around its values",
            assumed.join(", ")
        ));
    }
}

fn write_isotopologue(
    isotopologue: &Isotopologue,
    names: &[(String, String)],
    known: &dyn Known,
    text: &mut String,
    reports: &mut Vec<String>,
) {
    let resolve = |name: &str| listed_name(name, |n| known.has(n)).unwrap_or_else(|| plain_name(name));
    let (base, main) = (resolve(&isotopologue.name), resolve(&isotopologue.main));
    let mains: Vec<&String> = names.iter().filter(|(_, b)| *b == main).map(|(name, _)| name).collect();
    if mains.is_empty() {
        reports.push(format!(
            "isotopologue {}: its main species {} is not in the model: left out",
            isotopologue.name, isotopologue.main
        ));
        return;
    }
    if !known.has(&base) {
        reports.push(format!(
            "isotopologue {}: no species of the line lists has this name: left out",
            isotopologue.name
        ));
        return;
    }
    // Two species of one name would be refused.
    if names.iter().any(|(_, b)| *b == base) {
        reports.push(format!(
            "isotopologue {}: the model has it with a column density of its own, which is kept: its ratio to {} is left out",
            isotopologue.name, isotopologue.main
        ));
        return;
    }
    for (k, main) in mains.into_iter().enumerate() {
        let name = if k == 0 { base.clone() } else { format!("{base}_{}", k + 1) };
        let ratio = match isotopologue.limits {
            Some((low, high)) => format!("log_uniform = [{}, {}]", number(low), number(high)),
            None => format!("fixed = {}", number(isotopologue.ratio)),
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[[species]]\nname = {}\n", quoted(&name));
        if name != base {
            let _ = writeln!(text, "entry = {}", quoted(&base));
        }
        let _ = writeln!(text, "logn = {{ ratio_to = {}, {ratio} }}", quoted(&format!("{main}.logn")));
        for quantity in ["tex_k", "fwhm_kms", "v_kms"] {
            let _ = writeln!(text, "{quantity} = {{ same_as = {} }}", quoted(&format!("{main}.{quantity}")));
        }
        reports.push(format!("{name}: its size is not that of {main} unless you add size_arcsec = {{ same_as = \"{main}.size_arcsec\" }}"));
    }
}

/// A string of TOML.
fn quoted(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}

/// Without what a comment cannot hold.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Digits enough for any catalogue, and TOML's decimal point.
fn number(x: f64) -> String {
    let text = format!("{x:.6}");
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_owned() }
}
