//! Measures how fast this machine correlates: CPU seconds per second of data of whole runs, beside the transforms alone.
//!
//! A case's recordings hold random bits, its job is a real one; the runs are those of `kvn-corr run` in a process of its
//! own, with all that belongs to them: start, headers, reading, weights, writing. Before and after each run the
//! transforms alone are measured: as many complex transforms as there are bands and blocks, by rustfft. Their ratio is
//! what can be compared between machines.

mod cases;
mod measure;

pub use cases::{CASES, Case};

use crate::sim::simulate_random_bits;
use mirinae_common::outcome::Failure;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchOptions {
    /// One case only.
    pub case: Option<String>,
    /// Print JSON.
    pub json: bool,
    /// Seconds of data.
    pub seconds: u32,
    /// How often each measurement is made.
    pub rounds: usize,
    /// Folder for the recordings.
    pub folder: Option<PathBuf>,
}

/// What was measured of a case; times are CPU seconds (user and system) per second of data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Name of the case.
    pub case: &'static str,
    /// Seconds of data.
    pub data_s: u32,
    /// The whole run: median of the rounds.
    pub run: f64,
    /// The whole run: the smallest.
    pub run_least: f64,
    /// The transforms alone: median.
    pub transforms: f64,
    /// Median of the ratios of the rounds.
    pub ratio: f64,
    /// The whole run with one phase centre: median; for cases of several.
    pub one_centre: Option<f64>,
    /// Median of the ratios to it.
    pub ratio_to_one_centre: Option<f64>,
}

/// Measures and prints.
///
/// # Errors
/// Exit 64 for a case that is not there, exit 2 where a run fails.
pub fn run(options: &BenchOptions, say: &mut dyn FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let wanted = |case: &&Case| options.case.as_deref().is_none_or(|name| name == case.name);
    let cases: Vec<&Case> = CASES.iter().filter(wanted).collect();
    if cases.is_empty() || options.seconds == 0 || options.rounds == 0 {
        let names: Vec<&str> = CASES.iter().map(|c| c.name).collect();
        let what = format!("--case is one of {}; --seconds and --rounds are at least 1", names.join(", "));
        return Err(Failure::usage(anyhow::anyhow!(what)));
    }
    if !options.json {
        say(&format!(
            "{:<13} {:>9} {:>9} {:>11} {:>7} {:>11} {:>9}   CPU s per s of data",
            "case", "run", "smallest", "transforms", "ratio", "one centre", "to it"
        ))?;
    }
    let mut all = Vec::new();
    for case in cases {
        let measured = measure_case(case, options).map_err(Failure::run)?;
        if !options.json {
            say(&line(&measured))?;
        }
        all.push(measured);
    }
    if options.json {
        say(&serde_json::to_string_pretty(&all).map_err(Failure::run)?)?;
    }
    Ok(())
}

fn line(m: &Measured) -> String {
    let optional = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.2}"));
    format!(
        "{:<13} {:>9.3} {:>9.3} {:>11.3} {:>7.2} {:>11} {:>9}",
        m.case,
        m.run,
        m.run_least,
        m.transforms,
        m.ratio,
        optional(m.one_centre),
        optional(m.ratio_to_one_centre)
    )
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A folder that is gone when it is no longer needed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing can be done where even this fails.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new folder of its own.
fn temporary(options: &BenchOptions, name: &str) -> anyhow::Result<Temporary> {
    let parent = options.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = parent.join(format!("kvn-corr-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(Temporary(folder))
}

fn measure_case(case: &Case, options: &BenchOptions) -> anyhow::Result<Measured> {
    let folder = temporary(options, case.name)?;
    let input = simulate_random_bits(&case.simulation(options.seconds), &folder.0)?.input;
    // The job of one centre shares the recordings.
    let one = if case.centres > 1 { Some(one_centre(case, options, &folder.0)?) } else { None };
    let data_s = f64::from(options.seconds);
    let (n, per_s) = (case.transform_samples(), case.transforms_per_s());
    let (mut runs, mut transforms, mut ones) =
        (Vec::new(), vec![measure::transform_s(n)? * per_s], Vec::new());
    for _ in 0..options.rounds {
        if let Some(input) = &one {
            ones.push(measure::run_s(input, &folder.0.join("out"), case.rotation)? / data_s);
        }
        runs.push(measure::run_s(&input, &folder.0.join("out"), case.rotation)? / data_s);
        transforms.push(measure::transform_s(n)? * per_s);
    }
    // Each run lies between two measurements of the transforms.
    let beside = transforms.windows(2).map(|pair| 0.5 * (pair[0] + pair[1]));
    let ratios: Vec<f64> = runs.iter().zip(beside).map(|(run, transforms)| run / transforms).collect();
    let to_one: Vec<f64> = runs.iter().zip(&ones).map(|(run, one)| run / one).collect();
    Ok(Measured {
        case: case.name,
        data_s: options.seconds,
        run: median(&runs),
        run_least: runs.iter().copied().fold(f64::INFINITY, f64::min),
        transforms: median(&transforms),
        ratio: median(&ratios),
        one_centre: one.as_ref().map(|_| median(&ones)),
        ratio_to_one_centre: one.as_ref().map(|_| median(&to_one)),
    })
}

/// The job of a case with one phase centre, in a folder of its own beside the same recordings.
fn one_centre(case: &Case, options: &BenchOptions, beside: &Path) -> anyhow::Result<PathBuf> {
    let folder = beside.join("one");
    std::fs::create_dir_all(&folder)?;
    let config = case.with_one_centre().simulation(options.seconds);
    Ok(simulate_random_bits(&config, &folder)?.input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_transforms() {
        assert_eq!(CASES[0].transforms_per_s(), 3e6);
        assert_eq!(CASES[3].transforms_per_s(), 375_000.0);
        assert_eq!(CASES[4].simulation(1).centres.len(), 1000);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn unknown_cases_are_refused() {
        let options =
            BenchOptions { case: Some("c9".to_owned()), json: true, seconds: 1, rounds: 1, folder: None };
        let told = run(&options, &mut |_| Ok(())).unwrap_err().to_string();
        assert!(told.contains("c5-256-pre"), "{told}");
    }
}
