//! Reads molecular data files of the LAMDA format (Schoeier et al. 2005, A&A 432, 369).
//!
//! Every other line of a head is a comment. Numbers may go on in the next line, words after them are comments. As in
//! RADEX, rates "down" to a level of higher energy are left out, and told.

use super::error::LamdaError;
use super::molecule::{Collisions, Level, Molecule, RadiativeLine};
use super::partner::Partner;
use super::tokens::{Tokens, number, split};
use std::collections::BTreeSet;
use std::path::Path;

/// More levels, lines, rates or temperatures than any molecule has.
const MOST: usize = 1_000_000;
/// Levels whose rate matrix can be solved for.
const MOST_LEVELS: usize = 2000;

/// Reads a file.
///
/// # Errors
/// When it cannot be read or is no LAMDA file, with the line.
pub fn read_lamda(path: &Path) -> Result<Molecule, LamdaError> {
    let bytes = std::fs::read(path).map_err(|source| LamdaError::Io { path: path.to_owned(), source })?;
    // Comments may hold letters of any encoding.
    parse_lamda(&String::from_utf8_lossy(&bytes), path)
}

/// Reads a file's text; `path` names it in errors.
///
/// # Errors
/// When it is no LAMDA file, with the line.
pub fn parse_lamda(text: &str, path: &Path) -> Result<Molecule, LamdaError> {
    let mut tokens = Tokens::new(text, path);
    tokens.next_line("a comment")?;
    let name = tokens.next_line("the name of the molecule")?.trim().to_owned();
    tokens.next_line("a comment")?;
    tokens.next_line("the molecule's mass")?;
    tokens.next_line("a comment")?;
    let n_levels = tokens.count("the number of levels", 2, MOST_LEVELS)?;
    tokens.next_line("a comment")?;
    let mut levels = Vec::new();
    for _ in 0..n_levels {
        levels.push(level(&mut tokens, levels.len())?);
    }
    tokens.next_line("a comment")?;
    let n_lines = tokens.count("the number of radiative transitions", 1, MOST)?;
    tokens.next_line("a comment")?;
    let mut lines = Vec::new();
    for _ in 0..n_lines {
        lines.push(line(&mut tokens, &levels)?);
    }
    tokens.next_line("a comment")?;
    let n_partners = tokens.count("the number of collision partners", 1, 20)?;
    let mut molecule = Molecule { name, levels, lines, collisions: Vec::new(), notes: Vec::new() };
    for _ in 0..n_partners {
        let read = collisions(&mut tokens, &mut molecule)?;
        molecule.collisions.push(read);
    }
    check(molecule, path)
}

/// What can be told only when all has been read.
fn check(mut molecule: Molecule, path: &Path) -> Result<Molecule, LamdaError> {
    if let Some(level) = molecule.unconnected() {
        let problem = format!(
            "no transition connects level {} with level 1: give each kind of the molecule (ortho, para) its own file",
            level + 1
        );
        return Err(LamdaError::File { path: path.to_owned(), problem });
    }
    let off = |line: &&RadiativeLine| {
        let expected_mhz = crate::physics::MHZ_PER_CM1 * molecule.wavenumber_cm1(line);
        (line.freq_mhz / expected_mhz - 1.0).abs() > 0.01
    };
    let n = molecule.lines.iter().filter(off).count();
    if n > 0 {
        molecule.notes.push(format!(
            "{n} lines have a frequency that differs by more than 1 % from that of their levels: the excitation uses the levels"
        ));
    }
    Ok(molecule)
}

/// Number, energy (cm^-1), weight, quantum numbers.
fn level(tokens: &mut Tokens, index: usize) -> Result<Level, LamdaError> {
    let text = tokens.next_line("a level")?;
    let mut words = split(text);
    expect_index(tokens, words.next(), index, "levels")?;
    let mut values = Vec::with_capacity(2);
    tokens.numbers(words.by_ref().take(2), 2, "energy and weight of a level", &mut values)?;
    let (energy_cm1, g) = (values[0], values[1]);
    if energy_cm1 < 0.0 || g <= 0.0 {
        return Err(tokens.error(format!(
            "level {} has energy {energy_cm1} cm^-1 and weight {g}: must not be negative, and positive",
            index + 1
        )));
    }
    let words: Vec<&str> = words.take_while(|word| !word.starts_with('!')).collect();
    let qn = words.join(" ").replace(['\'', '"'], "").trim().to_owned();
    Ok(Level { energy_cm1, g, qn })
}

/// Number, upper level, lower level, A (1/s), frequency (GHz), energy of the upper level (K; not used).
fn line(tokens: &mut Tokens, levels: &[Level]) -> Result<RadiativeLine, LamdaError> {
    let text = tokens.next_line("a radiative transition")?;
    let mut words = split(text).skip(1);
    let (up, low) = pair(tokens, &mut words, levels.len())?;
    let mut values = Vec::with_capacity(2);
    tokens.numbers(words.take(2), 2, "Einstein coefficient and frequency", &mut values)?;
    let (a_ul, freq_mhz) = (values[0], 1.0e3 * values[1]);
    if a_ul <= 0.0 || freq_mhz <= 0.0 {
        return Err(
            tokens.error(format!("Einstein coefficient {a_ul} 1/s at {freq_mhz} MHz: both must be positive"))
        );
    }
    if levels[up].energy_cm1 <= levels[low].energy_cm1 {
        return Err(tokens.error(format!(
            "the line goes from level {} to level {}, which is not lower",
            up + 1,
            low + 1
        )));
    }
    Ok(RadiativeLine { up, low, a_ul, freq_mhz })
}

/// One partner's table.
fn collisions(tokens: &mut Tokens, molecule: &mut Molecule) -> Result<Collisions, LamdaError> {
    tokens.next_line("a comment")?;
    let text = tokens.next_line("the collision partner")?.trim();
    let partner = text.chars().next().and_then(|c| c.to_digit(10)).and_then(Partner::from_lamda);
    let partner = partner.ok_or_else(|| {
        tokens.error(format!("\"{text}\" does not begin with the number of a collision partner, 1 to 7"))
    })?;
    if molecule.partners().any(|known| known == partner) {
        return Err(tokens.error(format!("collisions with {} stand in the file twice", partner.name())));
    }
    let source = text[1..].trim().to_owned();
    tokens.next_line("a comment")?;
    let n_pairs = tokens.count("the number of collisional transitions", 1, MOST)?;
    tokens.next_line("a comment")?;
    let n_temperatures = tokens.count("the number of temperatures", 1, 1000)?;
    tokens.next_line("a comment")?;
    let mut t_k = Vec::new();
    tokens.numbers(std::iter::empty(), n_temperatures, "a temperature", &mut t_k)?;
    if t_k[0] <= 0.0 || t_k.windows(2).any(|pair| pair[1] <= pair[0]) {
        return Err(tokens.error("the temperatures of the collision rates must be positive and ascending"));
    }
    tokens.next_line("a comment")?;
    let (pairs, rates, left_out) = rates(tokens, molecule, n_pairs, n_temperatures)?;
    if left_out > 0 {
        molecule.notes.push(format!(
            "{left_out} of {n_pairs} collision rates with {} lead to a level of higher energy: left out, as RADEX does",
            partner.name()
        ));
    }
    if pairs.is_empty() {
        return Err(tokens.error(format!("no rate of collisions with {} can be used", partner.name())));
    }
    Ok(Collisions { partner, source, t_k, pairs, rates })
}

/// The pairs, their rates a temperature, and the number of rates left out.
#[allow(clippy::type_complexity)]
fn rates(
    tokens: &mut Tokens,
    molecule: &Molecule,
    n_pairs: usize,
    n_temperatures: usize,
) -> Result<(Vec<(usize, usize)>, Vec<f64>, usize), LamdaError> {
    let (mut pairs, mut values, mut left_out) = (Vec::new(), Vec::new(), 0);
    let mut known = BTreeSet::new();
    for _ in 0..n_pairs {
        let mut words = split(tokens.next_line("a collision rate")?).skip(1);
        let (up, low) = pair(tokens, &mut words, molecule.levels.len())?;
        let first = values.len();
        tokens.numbers(words, n_temperatures, "a rate coefficient", &mut values)?;
        if let Some(bad) = values[first..].iter().find(|&&rate| rate < 0.0) {
            return Err(tokens.error(format!("rate coefficient {bad} cm^3/s: must not be negative")));
        }
        if molecule.levels[up].energy_cm1 < molecule.levels[low].energy_cm1 {
            values.truncate(first);
            left_out += 1;
            continue;
        }
        if !known.insert((up, low)) {
            return Err(tokens.error(format!(
                "the collision rate from level {} to {} stands in the file twice",
                up + 1,
                low + 1
            )));
        }
        pairs.push((up, low));
    }
    let by_temperature =
        (0..n_temperatures).flat_map(|t| values.iter().skip(t).step_by(n_temperatures)).copied().collect();
    Ok((pairs, by_temperature, left_out))
}

/// Two levels, which are not the same one.
fn pair<'w>(
    tokens: &Tokens,
    words: &mut impl Iterator<Item = &'w str>,
    n_levels: usize,
) -> Result<(usize, usize), LamdaError> {
    let mut level = || {
        let word = words.next().unwrap_or("");
        match word.parse::<usize>() {
            Ok(level) if (1..=n_levels).contains(&level) => Ok(level - 1),
            _ => Err(tokens.error(format!("\"{word}\" is no level: must be a number from 1 to {n_levels}"))),
        }
    };
    let (up, low) = (level()?, level()?);
    if up == low {
        return Err(tokens.error(format!("a transition from level {} to itself", up + 1)));
    }
    Ok((up, low))
}

/// Levels must be numbered 1, 2, 3, ...: transitions name them by their numbers.
fn expect_index(tokens: &Tokens, word: Option<&str>, index: usize, what: &str) -> Result<(), LamdaError> {
    let word = word.unwrap_or("");
    if number(word) == Some((index + 1) as f64) {
        return Ok(());
    }
    Err(tokens
        .error(format!("\"{word}\" stands where number {} should: the {what} are not counted up", index + 1)))
}
