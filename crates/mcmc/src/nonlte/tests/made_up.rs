//! Molecules of our own, for tests.

use crate::nonlte::{Excitation, LineState, Molecule, NonLteWork, parse_lamda};
use std::fmt::Write as _;
use std::path::Path;

/// A linear rotor of 12 levels with rates for para- and ortho-H2.
pub const ROTOR: &str = include_str!("rotor.dat");

pub fn rotor() -> Molecule {
    parse(ROTOR).unwrap()
}

pub fn parse(text: &str) -> Result<Molecule, String> {
    parse_lamda(text, Path::new("m.dat")).map_err(|e| e.to_string())
}

/// Levels (cm^-1, weight), lines (up, low, A, GHz) and one partner's rates (up, low, at 10 and 100 K), numbered from 1.
pub fn molecule(
    levels: &[(f64, f64)],
    lines: &[(usize, usize, f64, f64)],
    rates: &[(usize, usize, f64, f64)],
) -> String {
    let mut text = format!("!\nmade up\n!\n1\n!\n{}\n!\n", levels.len());
    for (i, (energy, g)) in levels.iter().enumerate() {
        writeln!(text, "{} {energy} {g} {i}", i + 1).unwrap();
    }
    write!(text, "!\n{}\n!\n", lines.len()).unwrap();
    for (i, (up, low, a, ghz)) in lines.iter().enumerate() {
        writeln!(text, "{} {up} {low} {a:e} {ghz}", i + 1).unwrap();
    }
    write!(text, "!\n1\n!\n1 with H2\n!\n{}\n!\n2\n!\n10 100\n!\n", rates.len()).unwrap();
    for (i, (up, low, cold, warm)) in rates.iter().enumerate() {
        writeln!(text, "{} {up} {low} {cold:e} {warm:e}", i + 1).unwrap();
    }
    text
}

/// Two levels, 100 GHz apart.
pub fn two_levels() -> Molecule {
    let ghz = 100.0;
    let cm1 = ghz / crate::physics::MHZ_PER_CM1 * 1e3;
    parse(&molecule(&[(0.0, 1.0), (cm1, 3.0)], &[(2, 1, 1e-6, ghz)], &[(2, 1, 1e-10, 3e-10)])).unwrap()
}

pub fn lines(excitation: &Excitation, work: &NonLteWork<'_>) -> Vec<LineState> {
    (0..excitation.molecule().lines.len()).map(|line| excitation.line(line, work)).collect()
}
