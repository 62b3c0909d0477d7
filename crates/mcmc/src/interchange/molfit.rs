//! Reads XCLASS's `.molfit` files and tables of isotopologues.
//!
//! `NAME n` starts a molecule with n components, a line each: source size, temperature, column density, width, velocity and `c`
//! (core) or `f` (foreground). A quantity is one number, or `y`/`n` (fitted or not) with one number or with lower limit,
//! upper limit and value (Moeller et al. 2017, A&A 598, A7, sect. 3). `%` starts a comment.

use super::configuration::{Component, ImportedModel, Value};
use super::error::InterchangeError;

/// Quantities of a component in their order; the size may be missing.
const QUANTITIES: usize = 5;
/// Column densities below this are taken as logarithms.
const LOWEST_COLUMN: f64 = 100.0;

fn error(file: &str, index: usize, problem: String) -> InterchangeError {
    InterchangeError::Line { file: file.to_owned(), line: index + 1, problem }
}

/// Reads a `.molfit` file.
///
/// # Errors
/// [`InterchangeError`], with the line.
pub fn parse_molfit(text: &str, file: &str) -> Result<ImportedModel, InterchangeError> {
    let mut model = ImportedModel::default();
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(i, line)| (i, line.split('%').next().unwrap_or("").trim()))
        .filter(|(_, line)| !line.is_empty());
    let settings = text.lines().filter(|line| line.trim_start().starts_with("%%")).count();
    if settings > 0 {
        model.reports.push(format!(
            "{settings} lines with %% (what XCLASS asks its database for) have no counterpart: all lines of a species are used"
        ));
    }
    while let Some((index, header)) = lines.next() {
        let (name, count) = header
            .rsplit_once(char::is_whitespace)
            .and_then(|(name, count)| Some((name.trim(), count.parse::<usize>().ok()?)))
            .ok_or_else(|| {
                error(
                    file,
                    index,
                    format!("\"{header}\": a molecule's name and its number of components expected"),
                )
            })?;
        let lower = name.to_lowercase();
        let unsupported =
            lower.starts_with("rrl-") || lower.starts_with("cont-") || lower.starts_with("absorption");
        if unsupported {
            model.reports.push(format!(
                "{name} (line {}): recombination lines and continua are not taken over",
                index + 1
            ));
        }
        for number in 1..=count {
            let (index, line) = lines.next().ok_or_else(|| {
                error(
                    file,
                    index,
                    format!("{name} has {count} components, but the file ends after {}", number - 1),
                )
            })?;
            if unsupported {
                continue;
            }
            let component = component(name, number, line, &mut model.reports)
                .map_err(|problem| error(file, index, problem))?;
            model.components.push(component);
        }
    }
    if model.components.is_empty() {
        return Err(InterchangeError::File {
            file: file.to_owned(),
            problem: "has no molecule that can be taken over".into(),
        });
    }
    Ok(model)
}

fn component(name: &str, number: usize, line: &str, reports: &mut Vec<String>) -> Result<Component, String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let last = words.last().copied().unwrap_or("");
    let foreground = last.eq_ignore_ascii_case("f");
    let is_flag = foreground || last.eq_ignore_ascii_case("c");
    if is_flag {
        words.pop();
    }
    let mut values = values(&words)?;
    let what = format!("{name}, component {number}");
    if !is_flag && values.len() > QUANTITIES {
        values.pop();
        reports.push(format!(
            "{what}: its distance along the line of sight ({last}) is not taken over: it is a core component"
        ));
    }
    if values.len() > QUANTITIES {
        let more = values.len() - QUANTITIES;
        reports.push(format!("{what}: {more} further columns (dust, or another profile) are not taken over"));
        values.truncate(QUANTITIES);
    }
    let (size, rest) = match values.len() {
        QUANTITIES => (Some(values[0]), &values[1..]),
        4 => (None, &values[..]),
        n => {
            return Err(format!(
                "{what}: {n} quantities, but size (for a core), temperature, column density, width and velocity are needed"
            ));
        }
    };
    let &[tex_k, n, fwhm_kms, v_kms] = rest else { return Err(format!("{what}: quantities are missing")) };
    if n.value <= 0.0 || tex_k.value <= 0.0 || fwhm_kms.value <= 0.0 {
        return Err(format!("{what}: temperature, column density and width must be positive"));
    }
    let log10_n = if n.value < LOWEST_COLUMN {
        reports.push(format!("{what}: the column density {} is taken as a logarithm", n.value));
        n
    } else {
        n.map(|x| x.max(1.0).log10())
    };
    Ok(Component {
        name: name.to_owned(),
        tag: None,
        foreground,
        size_arcsec: size,
        tex_k,
        log10_n,
        fwhm_kms,
        v_kms,
    })
}

/// The quantities of a component.
fn values(words: &[&str]) -> Result<Vec<Value>, String> {
    let flag = |word: &str| match word.to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" => Some(true),
        "n" | "no" | "false" => Some(false),
        _ => None,
    };
    let mut values = Vec::new();
    let mut rest = words;
    while let Some((first, tail)) = rest.split_first() {
        let Some(fitted) = flag(first) else {
            let value = number(first)?;
            values.push(Value { value, limits: None, fitted: false, flagged: false });
            rest = tail;
            continue;
        };
        let count = tail.iter().take_while(|word| flag(word).is_none()).count();
        let numbers: Vec<f64> = tail[..count].iter().map(|word| number(word)).collect::<Result<_, _>>()?;
        let value = match numbers[..] {
            [value] => Value { value, limits: None, fitted, flagged: true },
            [low, high, value] if low <= high => {
                Value { value, limits: Some((low, high)), fitted, flagged: true }
            }
            [low, high, _] => return Err(format!("the limits {low} and {high} are the wrong way round")),
            _ => {
                return Err(format!(
                    "\"{first}\" is followed by {count} numbers: a value, or lower limit, upper limit and value expected"
                ));
            }
        };
        values.push(value);
        rest = &tail[count..];
    }
    Ok(values)
}

fn number(word: &str) -> Result<f64, String> {
    match word.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err(format!("\"{word}\" is not a number")),
    }
}

/// An isotopologue whose column density is that of its main species over a ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotopologue {
    /// Its name.
    pub name: String,
    /// The main species.
    pub main: String,
    /// Main species over isotopologue.
    pub ratio: f64,
    /// Limits of the ratio, where it is fitted.
    pub limits: Option<(f64, f64)>,
}

/// Reads a table of isotopologues: name, main species, ratio and, at will, limits of the ratio.
///
/// # Errors
/// [`InterchangeError`], with the line.
pub fn parse_isotopologues(text: &str, file: &str) -> Result<Vec<Isotopologue>, InterchangeError> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('%').next().unwrap_or("").split_whitespace().collect();
        let (name, main, numbers) = match words.as_slice() {
            [] => continue,
            [name, main, numbers @ ..] => (name, main, numbers),
            _ => return Err(error(file, index, "isotopologue, main species and ratio expected".into())),
        };
        let numbers: Vec<f64> = numbers
            .iter()
            .map(|w| number(w))
            .collect::<Result<_, _>>()
            .map_err(|problem| error(file, index, problem))?;
        let (ratio, limits) = match numbers[..] {
            [ratio] => (ratio, None),
            [ratio, low, high] if low < high => (ratio, Some((low, high))),
            _ => {
                return Err(error(
                    file,
                    index,
                    format!("{} numbers: a ratio, or a ratio and its limits, expected", numbers.len()),
                ));
            }
        };
        if ratio <= 0.0 || limits.is_some_and(|l| l.0 <= 0.0) {
            return Err(error(file, index, format!("the ratio {ratio} must be positive")));
        }
        all.push(Isotopologue { name: name.to_string(), main: main.to_string(), ratio, limits });
    }
    Ok(all)
}
