//! `alma-fit catalog`: what is in the line lists at hand, and the import of a user's own.

use super::table::{Csv, print};
use crate::catalog::{
    Entry, ImportOptions, Interpolation, Library, Line, PartitionFunction, Species, import, user_folder,
};
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use mirinae_common::outcome::{Exit, Failure};
use mirinae_common::units::Hertz;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// All species: tag, lines, frequencies, temperatures of Q, source, version and licence
    List,
    /// The transitions of one species
    Show {
        /// Its name, as `alma-fit catalog list` has it
        species: String,
        /// Frequencies, as 217GHz..221GHz; all unless given
        #[arg(long, value_name = "LOW..HIGH")]
        range: Option<Range>,
        /// File to write: columns freq_mhz, e_up_k, a_ul_s, g_up, lg_intensity_300k, qn
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
    /// Check .cat files or databases of XCLASS and VAMDC, and put them into your own line list, which wins over the shipped one
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        options: ImportArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Name of the species [default: that of the file, or of the database's entry]
    #[arg(long)]
    name: Option<String>,
    /// Partition function of a .cat file: two columns, CDMS's or JPL's list [default: the .qpart file beside it]
    #[arg(long, value_name = "FILE")]
    qpart: Option<PathBuf>,
    /// The species of a database to take [default: all]
    #[arg(long)]
    entry: Option<String>,
    /// Where the data are from, for the provenance of products: "CDMS c032504.cat"
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Their version or date
    #[arg(long, value_name = "TEXT")]
    version_of: Option<String>,
    /// Their licence
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
}

/// A range of frequencies (MHz).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    low_mhz: f64,
    high_mhz: f64,
}

impl Range {
    /// Whether a frequency (MHz) lies in it.
    pub fn contains(self, freq_mhz: f64) -> bool {
        (self.low_mhz..=self.high_mhz).contains(&freq_mhz)
    }
}

impl FromStr for Range {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) =
            text.split_once("..").ok_or("two frequencies are needed, as in 217GHz..221GHz".to_owned())?;
        let mhz = |text: &str| text.parse::<Hertz>().map(|f| f.0 * 1e-6).map_err(|e| e.to_string());
        let (low_mhz, high_mhz) = (mhz(low)?, mhz(high)?);
        if low_mhz < high_mhz { Ok(Self { low_mhz, high_mhz }) } else { Err("the range is empty".into()) }
    }
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let library = || Library::standard().map_err(Failure::input);
    match command {
        Command::List => print(&list(library()?.entries())),
        Command::Show { species, range, csv } => show(&library()?, species, *range, csv.as_deref()),
        Command::Import { files, options } => take(files, options),
    }
}

fn list(entries: &[Entry]) -> String {
    let widest = entries.iter().map(|e| e.name.chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{:widest$}  {:>6}  {:>6}  {:>15}  {:>13}  {:7}  title; source; version; licence\n",
        "species", "tag", "lines", "GHz", "Q known (K)", "list"
    );
    for e in entries {
        let tag = if e.tag == 0 { "-".into() } else { e.tag.to_string() };
        let ghz = format!("{:.1}-{:.1}", e.range_mhz[0] * 1e-3, e.range_mhz[1] * 1e-3);
        let q = format!("{}-{}", e.q_range_k[0], e.q_range_k[1]);
        let (list, version) = (e.origin.name(), if e.version.is_empty() { "not told" } else { &e.version });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:widest$}  {tag:>6}  {:>6}  {ghz:>15}  {q:>13}  {list:7}  {}; {}; version {version}; {}",
            e.name, e.lines, e.title, e.source, e.licence
        );
    }
    let _ =
        write!(text, "{} species, {} lines", entries.len(), entries.iter().map(|e| e.lines).sum::<usize>());
    text
}

fn read(library: &Library, name: &str) -> anyhow::Result<(String, Species)> {
    let entry = library.find(name)?;
    entry.files()?;
    let (lines, table) = entry.read()?;
    let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
    Ok((entry.provenance(), Species::new(name, lines, q, &entry.source)?))
}

fn show(library: &Library, name: &str, range: Option<Range>, csv: Option<&Path>) -> Result<(), Failure> {
    let (provenance, species) = read(library, name).map_err(Failure::input)?;
    let note = library.find(name).ok().map(|entry| entry.note.clone()).filter(|note| !note.is_empty());
    let within = |line: &&Line| range.is_none_or(|r| r.contains(line.freq_mhz));
    let lines: Vec<&Line> = species.lines().iter().filter(within).collect();
    if let Some(path) = csv {
        let mut csv = Csv::new(&["freq_mhz", "e_up_k", "a_ul_s", "g_up", "lg_intensity_300k", "qn"]);
        for line in &lines {
            let a_ul = format!("{:.4e}", line.a_ul(species.q_300()));
            let numbers = [format!("{:.4}", line.freq_mhz), format!("{:.3}", line.e_up_k()), a_ul];
            csv.row(numbers.into_iter().chain([
                line.g_up.to_string(),
                line.lgint.to_string(),
                line.qn.clone(),
            ]));
        }
        return csv.write(path);
    }
    let mut text = format!("{name}: {provenance}\n");
    if let Some(note) = note {
        let _ = writeln!(text, "note: {note}");
    }
    let _ = writeln!(
        text,
        "{:>14}  {:>10}  {:>10}  {:>5}  {:>8}  quantum numbers",
        "frequency MHz", "E_up K", "A_ul 1/s", "g_up", "lg I"
    );
    for line in &lines {
        let (freq, e_up, a_ul, g) = (line.freq_mhz, line.e_up_k(), line.a_ul(species.q_300()), line.g_up);
        let _ =
            writeln!(text, "{freq:14.4}  {e_up:10.3}  {a_ul:10.4e}  {g:5}  {:8.4}  {}", line.lgint, line.qn);
    }
    let _ = write!(text, "{} lines; lg I: log10 of the intensity at 300 K in nm^2 MHz", lines.len());
    print(&text)
}

fn take(files: &[PathBuf], args: &ImportArgs) -> Result<(), Failure> {
    if files.len() > 1 && (args.name.is_some() || args.entry.is_some()) {
        return Err(Failure::usage(anyhow!("--name and --entry are for one file, not for {}", files.len())));
    }
    let folder = user_folder()
        .context("there is no folder for your own lines: neither XDG_DATA_HOME nor HOME is set")
        .map_err(Failure::usage)?;
    let options = ImportOptions {
        name: args.name.clone(),
        qpart: args.qpart.clone(),
        entry: args.entry.clone(),
        source: args.source.clone(),
        version: args.version_of.clone(),
        licence: args.licence.clone(),
    };
    let (mut good, mut bad) = (0, 0);
    for file in files {
        for (name, entry) in import(file, &options, &folder).map_err(Failure::input)? {
            match entry {
                Ok(entry) => {
                    good += 1;
                    println!("{name}: {} lines, {}", entry.lines, entry.provenance());
                }
                Err(error) => {
                    bad += 1;
                    eprintln!("not imported: {name}: {error}");
                }
            }
        }
    }
    println!("{good} species are now in {}", folder.display());
    match (good, bad) {
        (_, 0) => Ok(()),
        (0, _) => Err(Failure::input(anyhow!("nothing was imported"))),
        _ => {
            let error = anyhow!("{bad} of {} species were not imported", good + bad);
            Err(Failure { exit: Exit::Trouble, error })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!("217GHz..221GHz".parse(), Ok(Range { low_mhz: 217e3, high_mhz: 221e3 }));
        for bad in ["217GHz", "217..221", "221GHz..217GHz", "217GHz..3K"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_list_tells_all_of_a_species() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
        let library = Library::open(None, Some(Path::new(data))).unwrap();
        let text = list(library.entries());
        let line = text.lines().find(|line| line.starts_with("CH3OH ")).unwrap();
        for part in ["32504", "2821", "84.1-372.8", "2.725-1000", "shipped", "May 2016", "MIT"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(text.ends_with("66 species, 117473 lines"), "{}", text.lines().last().unwrap());
    }
}
