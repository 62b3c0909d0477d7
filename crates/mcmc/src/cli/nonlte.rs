//! `alma-fit nonlte`: the lines of a molecule that is not in thermal equilibrium, for given conditions.

use super::catalog::Range;
use super::table::{Csv, print};
use crate::nonlte::{
    Background, Conditions, Excitation, Gas, Geometry, Molecule, NonLteWork, OrthoToPara, Partner, read_lamda,
};
use crate::physics::rayleigh_jeans_k;
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use mirinae_common::outcome::Failure;
use mirinae_common::units::Kelvin;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The molecule: a file of the LAMDA format
    file: PathBuf,
    /// Kinetic temperature
    #[arg(long, value_name = "KELVIN")]
    tkin: Kelvin,
    /// log10 of the density of H2 (cm^-3)
    #[arg(long, value_name = "LOG", allow_hyphen_values = true)]
    log10_nh2: f64,
    /// log10 of the column density of the molecule (cm^-2)
    #[arg(long, value_name = "LOG")]
    logn: f64,
    /// Full width of the lines at half maximum (km/s)
    #[arg(long, value_name = "KMS")]
    fwhm_kms: f64,
    /// Shape of the cloud
    #[arg(long, value_enum, default_value = "sphere")]
    geometry: Shape,
    /// Temperature of the background
    #[arg(long, value_name = "KELVIN", default_value = "2.7255K")]
    tbg: Kelvin,
    /// Black body that shines on the molecules besides: temperature and part of the sky, as 150K:0.1
    #[arg(long, value_name = "KELVIN[:PART]")]
    radiation: Option<Radiation>,
    /// Ortho- over para-H2 [default: in equilibrium at the kinetic temperature]
    #[arg(long, value_name = "RATIO")]
    opr: Option<f64>,
    /// Density of another collision partner (cm^-3), as He=1e4; once for each
    #[arg(long, value_name = "PARTNER=DENSITY")]
    density: Vec<String>,
    /// Frequencies to list, as 80GHz..370GHz; all unless given
    #[arg(long, value_name = "LOW..HIGH")]
    range: Option<Range>,
    /// File to write instead of a table on the screen
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// "150K:0.1".
#[derive(Debug, Clone, Copy)]
struct Radiation {
    t_k: f64,
    part: f64,
}

impl FromStr for Radiation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (t, part) = text.split_once(':').unwrap_or((text, "1"));
        let t = t.parse::<Kelvin>().map_err(|e| e.to_string())?;
        let part =
            part.trim().parse().map_err(|_| format!("\"{part}\" is no part of the sky: as 150K:0.1"))?;
        Ok(Self { t_k: t.0, part })
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    Sphere,
    Lvg,
    Slab,
}

impl Shape {
    fn geometry(self) -> Geometry {
        match self {
            Self::Sphere => Geometry::Sphere,
            Self::Lvg => Geometry::Lvg,
            Self::Slab => Geometry::Slab,
        }
    }
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let molecule = read_lamda(&options.file).map_err(Failure::input)?;
    let others: Vec<(Partner, f64)> =
        options.density.iter().map(|text| density(text)).collect::<Result<_, _>>().map_err(Failure::usage)?;
    let ortho_to_para = options.opr.map_or(OrthoToPara::Thermal, OrthoToPara::Ratio);
    let gas = Gas::new(&molecule, ortho_to_para, &others).map_err(|e| Failure::usage(anyhow!(e)))?;
    for note in notes(&molecule, &gas, options.tkin.0) {
        eprintln!("note: {note}");
    }
    let background = match options.radiation {
        None => Ok(Background::cosmic(options.tbg.0)),
        Some(Radiation { t_k, part }) => Background::with(options.tbg.0, t_k, part),
    };
    let background = background.map_err(|e| Failure::usage(anyhow!("--radiation: {e}")))?;
    let excitation = Excitation::new(&molecule, options.geometry.geometry(), &background);
    let n = molecule.collisions.len();
    let (mut densities_cm3, mut by_tkin) = (vec![0.0; n], vec![0.0; n]);
    let n_h2_cm3 = libm::exp10(options.log10_nh2);
    gas.densities(n_h2_cm3, options.tkin.0, &mut densities_cm3, &mut by_tkin);
    let mut numbers = vec![0.0; excitation.n_work()];
    let mut work = excitation.work(&mut numbers);
    let conditions = Conditions {
        log10_n_cm2: options.logn,
        tkin_k: options.tkin.0,
        fwhm_kms: options.fwhm_kms,
        densities_cm3: &densities_cm3,
    };
    excitation.solve(&conditions, &mut work).map_err(Failure::usage)?;
    let rows = rows(options, &excitation, &work);
    match &options.csv {
        Some(path) => table(&rows).write(path),
        None => print(&text(&molecule, &rows)),
    }
}

/// "He=1e4".
fn density(text: &str) -> anyhow::Result<(Partner, f64)> {
    text.split_once('=')
        .and_then(|(name, value)| Some((Partner::from_name(name)?, value.trim().parse().ok()?)))
        .ok_or_else(|| anyhow!("--density {text}: must be as He=1e4, with H2, p-H2, o-H2, e, H, He or H+"))
}

/// What a user should know of the file and the conditions.
fn notes(molecule: &Molecule, gas: &Gas, tkin_k: f64) -> Vec<String> {
    let mut notes = molecule.notes.clone();
    let (low, high) = molecule.temperatures_k();
    if !(low..=high).contains(&tkin_k) {
        notes.push(format!(
            "rates are known for {low}-{high} K: beyond that those of the nearest temperature"
        ));
    }
    let left_out: Vec<&str> = gas.left_out(molecule).into_iter().map(Partner::name).collect();
    if !left_out.is_empty() {
        notes.push(format!("no collisions with {}: give their density", left_out.join(", ")));
    }
    notes
}

/// A line to list.
struct Row {
    freq_mhz: f64,
    e_up_k: f64,
    tex_k: f64,
    tau: f64,
    peak_k: f64,
    population_up: f64,
    population_low: f64,
    qn: String,
}

fn rows(options: &Options, excitation: &Excitation, work: &NonLteWork<'_>) -> Vec<Row> {
    let (molecule, populations) = (excitation.molecule(), work.populations());
    let lines = molecule.lines.iter().enumerate();
    let within = lines.filter(|(_, line)| options.range.is_none_or(|range| range.contains(line.freq_mhz)));
    let row = |(index, line): (usize, &crate::nonlte::RadiativeLine)| {
        let state = excitation.line(index, work);
        // (J(Tex) - J(Tbg)) (1 - exp(-tau)), without the pole of J where levels are inverted.
        let screen = if state.tau == 0.0 { 1.0 } else { -libm::expm1(-state.tau) / state.tau };
        let j_bg_k = rayleigh_jeans_k(line.freq_mhz, options.tbg.0);
        Row {
            freq_mhz: line.freq_mhz,
            e_up_k: molecule.energy_k(line.up),
            tex_k: state.tex_k,
            tau: state.tau,
            peak_k: screen * (state.emission_k - j_bg_k * state.tau),
            population_up: populations[line.up],
            population_low: populations[line.low],
            qn: format!("{} - {}", molecule.levels[line.up].qn, molecule.levels[line.low].qn),
        }
    };
    within.map(row).collect()
}

fn table(rows: &[Row]) -> Csv {
    let mut csv =
        Csv::new(&["freq_mhz", "e_up_k", "tex_k", "tau", "peak_k", "population_up", "population_low", "qn"]);
    for row in rows {
        csv.row([
            format!("{:.5}", row.freq_mhz),
            format!("{:.3}", row.e_up_k),
            format!("{:.6e}", row.tex_k),
            format!("{:.6e}", row.tau),
            format!("{:.6e}", row.peak_k),
            format!("{:.6e}", row.population_up),
            format!("{:.6e}", row.population_low),
            row.qn.clone(),
        ]);
    }
    csv
}

fn text(molecule: &Molecule, rows: &[Row]) -> String {
    let mut text = format!(
        "{:>14}  {:>9}  {:>10}  {:>11}  {:>10}  {:>10}  {:>10}  quantum numbers\n",
        "rest MHz", "E_up K", "Tex K", "tau", "peak K", "pop. up", "pop. low"
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:14.4}  {:9.2}  {:10.4}  {:11.4e}  {:10.4}  {:10.3e}  {:10.3e}  {}",
            row.freq_mhz,
            row.e_up_k,
            row.tex_k,
            row.tau,
            row.peak_k,
            row.population_up,
            row.population_low,
            row.qn
        );
    }
    let _ = write!(text, "{}: {} lines", molecule.name, rows.len());
    let masers = rows.iter().filter(|row| row.tau < 0.0).count();
    if masers > 0 {
        let _ = write!(text, ", {masers} of them inverted (tau < 0)");
    }
    if rows.iter().any(|row| row.tau < -1.0) {
        text.push_str(": below tau = -1 no local theory holds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn options(extra: &[&str]) -> Options {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/nonlte/tests/rotor.dat");
        let words = ["x", folder, "--tkin", "30K", "--log10-nh2", "4", "--logn", "14", "--fwhm-kms", "1"];
        Program::try_parse_from(words.iter().chain(extra)).unwrap().options
    }

    #[test]
    fn writes_what_radex_finds() {
        let dir = tempfile::tempdir().unwrap();
        let csv = dir.path().join("lines.csv");
        let path = csv.to_str().unwrap();
        run(&options(&["--tbg", "2.73K", "--range", "80GHz..180GHz", "--csv", path])).unwrap();
        let text = std::fs::read_to_string(&csv).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!((rows.len(), rows[0][2], rows[1][7]), (3, "tex_k", "1 - 0"));
        // RADEX: 10.498 K and 13.61.
        let number = |column: usize| rows[1][column].parse::<f64>().unwrap();
        assert!((number(2) - 10.498).abs() < 2e-3 && (number(3) - 13.61).abs() < 1e-2, "{text}");
        let expected = rayleigh_jeans_k(number(0), number(2)) - rayleigh_jeans_k(number(0), 2.73);
        assert!((number(4) / expected - 1.0).abs() < 1e-4, "{text}");
    }

    #[test]
    fn wrong_densities_are_told() {
        assert!(run(&options(&["--density", "He=1"])).is_err());
        assert!(run(&options(&["--density", "Ar=1"])).is_err());
        assert!(run(&options(&["--opr=-1"])).is_err());
    }
}
