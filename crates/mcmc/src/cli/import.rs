//! `alma-fit import`: models of XCLASS and CASSIS, spectra of CASSIS and CLASS.

use crate::catalog::Library;
use crate::interchange::{
    ClassAxis, ImportedSpectrum, Known, configuration, parse_cassis, parse_class, parse_isotopologues,
    parse_lis, parse_molfit,
};
use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;
use mirinae_common::atomic;
use mirinae_common::outcome::Failure;
use mirinae_common::units::{Hertz, KmPerS};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// XCLASS's model
    Molfit,
    /// CASSIS's model (.ltm, .lam)
    Cassis,
    /// CASSIS's spectrum (.lis)
    Lis,
    /// CLASS's spectrum, as its GREG /FORMATTED writes it
    Class,
}

/// The X axis of CLASS.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Axis {
    /// Frequencies in MHz
    Frequency,
    /// Velocities in km/s
    Velocity,
    /// Offsets in MHz from the rest frequency
    Offset,
}

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The file
    file: PathBuf,
    /// What it is [default: told by its ending: .molfit, .ltm, .lam, .lis; another is CLASS's text]
    #[arg(long)]
    format: Option<Format>,
    /// File to write: a configuration for a model, columns freq_mhz, t_k for a spectrum [default: the file's name with .toml
    /// or .csv]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// XCLASS's table of isotopologues that goes with the model
    #[arg(long, value_name = "FILE")]
    isotopologues: Option<PathBuf>,
    /// Spectrum that the configuration names; once for each
    #[arg(long, value_name = "FILE")]
    spectrum: Vec<String>,
    /// CLASS: what the first column is
    #[arg(long, default_value = "frequency")]
    x: Axis,
    /// CLASS: rest frequency of velocities and offsets
    #[arg(long, value_name = "FREQUENCY")]
    rest_freq: Option<Hertz>,
    /// CLASS: velocity at which lines appear at their rest frequency
    #[arg(long, value_name = "VELOCITY", allow_hyphen_values = true, default_value = "0km/s")]
    vlsr: KmPerS,
}

impl Known for Library {
    fn has(&self, name: &str) -> bool {
        self.entries().iter().any(|entry| entry.name == name)
    }

    fn of_tag(&self, tag: u32) -> Option<String> {
        self.entries().iter().find(|entry| entry.tag == tag && tag != 0).map(|entry| entry.name.clone())
    }
}

/// Reads the file, writes ours, and says what was not taken over.
pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let format = args.format.unwrap_or_else(|| by_ending(&args.file));
    let is_model = matches!(format, Format::Molfit | Format::Cassis);
    let out =
        args.out.clone().unwrap_or_else(|| args.file.with_extension(if is_model { "toml" } else { "csv" }));
    if out == args.file {
        return Err(Failure::usage(anyhow!("{} would be written over itself: give --out", out.display())));
    }
    let (text, reports) =
        if is_model { model(args, format) } else { spectrum(args, format) }.map_err(Failure::input)?;
    atomic::write(&out, |file| file.write_all(text.as_bytes())).map_err(Failure::run)?;
    for report in &reports {
        println!("note: {report}");
    }
    println!("written: {}", out.display());
    Ok(())
}

fn by_ending(path: &Path) -> Format {
    match path.extension().and_then(|e| e.to_str()) {
        Some("molfit") => Format::Molfit,
        Some("ltm" | "lam") => Format::Cassis,
        Some("lis") => Format::Lis,
        _ => Format::Class,
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn model(args: &ImportArgs, format: Format) -> anyhow::Result<(String, Vec<String>)> {
    let (text, name) = (read(&args.file)?, args.file.display().to_string());
    let mut model =
        if format == Format::Molfit { parse_molfit(&text, &name)? } else { parse_cassis(&text, &name)? };
    if let Some(path) = &args.isotopologues {
        model.isotopologues = parse_isotopologues(&read(path)?, &path.display().to_string())?;
    }
    let library = Library::standard()?;
    let base = args.file.file_name().unwrap_or_default().to_string_lossy();
    Ok(configuration(&model, &base, &args.spectrum, &library))
}

fn spectrum(args: &ImportArgs, format: Format) -> anyhow::Result<(String, Vec<String>)> {
    if args.isotopologues.is_some() || !args.spectrum.is_empty() {
        bail!(
            "--isotopologues and --spectrum go with models, and {} is read as a spectrum",
            args.file.display()
        );
    }
    let (text, name) = (read(&args.file)?, args.file.display().to_string());
    let rest = || {
        let freq = args.rest_freq.context("--x velocity and --x offset need --rest-freq")?;
        Ok::<_, anyhow::Error>(freq.0 * 1.0e-6)
    };
    let spectrum = match (format, args.x) {
        (Format::Lis, _) => parse_lis(&text, &name)?,
        (_, Axis::Frequency) => parse_class(&text, &name, ClassAxis::Frequency, (0, 1))?,
        (_, Axis::Velocity) => parse_class(&text, &name, ClassAxis::Velocity { rest_mhz: rest()? }, (0, 1))?,
        (_, Axis::Offset) => {
            parse_class(&text, &name, ClassAxis::Offset { rest_mhz: rest()?, v_kms: args.vlsr.0 }, (0, 1))?
        }
    };
    let base = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((table(&spectrum, &base), spectrum.reports))
}

/// Our text format: a line of names, then rows.
fn table(spectrum: &ImportedSpectrum, source: &str) -> String {
    let mut text = format!("# Made by alma-fit import from {source}.\n");
    spectrum.reports.iter().for_each(|report| text.push_str(&format!("# {report}\n")));
    text.push_str("freq_mhz,t_k\n");
    for (freq, t) in spectrum.freq_mhz.iter().zip(&spectrum.intensity) {
        text.push_str(&format!("{freq:.6},{t}\n"));
    }
    text
}
