//! Reads system temperatures from an ANTAB file, as stations send them.
//!
//! A group `TSYS station FT=1.0 TIMEOFF=0 INDEX='R1','L1:4' /` says what the columns are: polarisation and number of the
//! band, or of several that share a value. Lines of day of the year, `hh:mm.mm` and the columns follow, up to a `/`.
//! Remarks begin with `!`. A group `GAIN station ELEV DPFU=0.07,0.08 POLY=1.0,2e-3 /` tells its sensitivity.

use serde::{Deserialize, Serialize};

const DAY_S: f64 = 86_400.0;
/// Far more than any recorder has.
const MOST_BANDS: usize = 4096;

/// System temperatures at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TsysRow {
    /// Seconds since the start of the day of the year 1 (day 1, 0h, is 0).
    pub since_new_year_s: f64,
    /// Polarisation, number of the band (from 0, by frequency) and temperature in K. What is not known is left out.
    pub values: Vec<(char, usize, f32)>,
}

/// A column: the bands of a polarisation that share it.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    polarisation: char,
    bands: std::ops::RangeInclusive<usize>,
}

#[derive(Debug, Default)]
struct Group {
    words: String,
    columns: Vec<Column>,
    factor: f64,
    offset_s: f64,
    ours: bool,
}

enum State {
    /// Between groups, or within one that is not of system temperatures.
    Head(String),
    Data(Group),
}

/// The system temperatures of a station, which any of `names` calls.
///
/// # Errors
/// What is wrong, with its line; or that the station is not in the file.
pub fn read(text: &str, names: &[&str]) -> Result<Vec<TsysRow>, String> {
    let mut rows = Vec::new();
    let mut found = false;
    let mut state = State::Head(String::new());
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: String| format!("line {}: {what}", number + 1);
        let line = line.split('!').next().unwrap_or_default();
        let mut parts = line.split('/').peekable();
        while let Some(part) = parts.next() {
            let ends = parts.peek().is_some();
            state = match state {
                State::Head(mut head) => {
                    head.push(' ');
                    head.push_str(part);
                    match ends {
                        true if is_tsys(&head) => {
                            let group = group(&head, names).map_err(wrong)?;
                            found |= group.ours;
                            State::Data(group)
                        }
                        true => State::Head(String::new()),
                        false => State::Head(head),
                    }
                }
                State::Data(group) => {
                    if group.ours && !part.trim().is_empty() {
                        rows.push(row(part, &group).map_err(wrong)?);
                    }
                    if ends { State::Head(String::new()) } else { State::Data(group) }
                }
            };
        }
    }
    if found { Ok(rows) } else { Err(format!("there are no system temperatures of {}", names.join(" or "))) }
}

/// Names of the stations that have system temperatures.
pub fn names(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split('!').next().unwrap_or_default());
    let words: Vec<&str> =
        lines.flat_map(|line| line.split(['/', ' ', '\t'])).filter(|w| !w.is_empty()).collect();
    words.windows(2).filter(|pair| pair[0].eq_ignore_ascii_case("TSYS")).map(|pair| pair[1]).collect()
}

/// The sensitivity of a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// K/Jy of its one or two polarisations, R or X first.
    pub dpfu: Vec<f64>,
    /// What these are multiplied by: a polynomial of the elevation in degrees, the constant first. Empty for 1.
    pub poly: Vec<f64>,
}

/// The gain of a station, which any of `names` calls, at a frequency: of several groups the first whose FREQ = low,high has it,
/// or the first that has none.
///
/// # Errors
/// That the station has none, that they are no numbers, or that they depend on something else than the elevation.
pub fn gain(text: &str, names: &[&str], mhz: f64) -> Result<Gain, String> {
    let station = names.join(" or ");
    let tidy: String =
        text.lines().map(|line| format!("{} ", line.split('!').next().unwrap_or_default())).collect();
    let tidy = tidy.replace(" =", "=").replace("= ", "=").replace(", ", ",").replace(" ,", ",");
    let ours = |group: &&str| {
        let mut words = group.split_whitespace();
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("GAIN"))
            && words.next().is_some_and(|name| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
    };
    let groups: Vec<&str> = tidy.split('/').filter(ours).collect();
    let ranges =
        groups.iter().map(|group| numbers(group, "FREQ", &station)).collect::<Result<Vec<_>, _>>()?;
    let within =
        |r: &Option<Vec<f64>>| matches!(r.as_deref(), Some([low, high]) if (*low..=*high).contains(&mhz));
    let place = ranges.iter().position(within).or_else(|| ranges.iter().position(Option::is_none));
    let place = place.ok_or_else(|| match groups.len() {
        0 => format!("there is no gain (GAIN ... DPFU = K/Jy) of {station}"),
        _ => format!("there is no gain of {station} at {mhz} MHz"),
    })?;
    let dpfu = numbers(groups[place], "DPFU", &station)?.unwrap_or_default();
    if dpfu.is_empty() || dpfu.iter().any(|gain| *gain <= 0.0) {
        return Err(format!("DPFU of {station}: positive numbers of K/Jy are needed"));
    }
    let poly = numbers(groups[place], "POLY", &station)?.unwrap_or_default();
    let elevation = groups[place].split_whitespace().any(|word| word.eq_ignore_ascii_case("ELEV"));
    if poly.len() > 1 && !elevation {
        return Err(format!("POLY of {station}: only gains over elevation (ELEV) are known"));
    }
    Ok(Gain { dpfu, poly })
}

/// The list of numbers that `KEY=` has in a group, if it is there.
fn numbers(group: &str, key: &str, station: &str) -> Result<Option<Vec<f64>>, String> {
    let words = group.split_whitespace().filter_map(|word| word.split_once('='));
    let Some((_, list)) = words.into_iter().find(|w| w.0.eq_ignore_ascii_case(key)) else { return Ok(None) };
    let number = |word: &str| finite(word).ok_or_else(|| format!("{key} = {list} of {station}: not numbers"));
    list.trim_end_matches(',').split(',').map(number).collect::<Result<_, _>>().map(Some)
}

impl Gain {
    /// K/Jy of a polarisation (the second gain is that of L or Y) at an elevation; none where the polynomial is not positive.
    pub fn at(&self, polarisation: char, elevation_deg: f64) -> Option<f64> {
        let second = matches!(polarisation.to_ascii_uppercase(), 'L' | 'Y');
        let dpfu = if second { self.dpfu.last() } else { self.dpfu.first() };
        let shape = self.poly.iter().rev().fold(0.0, |sum, c| sum * elevation_deg + c);
        dpfu.map(|gain| gain * if self.poly.is_empty() { 1.0 } else { shape }).filter(|gain| *gain > 0.0)
    }
}

fn is_tsys(head: &str) -> bool {
    head.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("TSYS"))
}

/// `KEY = value` words of a group's head, in capitals; lists stay together.
fn group(head: &str, names: &[&str]) -> Result<Group, String> {
    let tidy = head.replace(" =", "=").replace("= ", "=").replace(", ", ",").replace(" ,", ",");
    let words: Vec<&str> = tidy.split_whitespace().collect();
    let name = words.get(1).copied().unwrap_or_default();
    let mut group = Group {
        ours: names.iter().any(|n| n.eq_ignore_ascii_case(name)),
        factor: 1.0,
        words: tidy.clone(),
        ..Group::default()
    };
    let number =
        |value: &str, key: &str| finite(value).ok_or_else(|| format!("{key} = {value}: not a number"));
    for word in words {
        let Some((key, value)) = word.split_once('=') else { continue };
        match key.to_ascii_uppercase().as_str() {
            "FT" => group.factor = number(value, "FT")?,
            "TIMEOFF" => group.offset_s = number(value, "TIMEOFF")?,
            "INDEX" => group.columns = value.split(',').map(column).collect::<Result<_, _>>()?,
            _ => {}
        }
    }
    if group.ours && group.columns.is_empty() {
        return Err(format!("{}: INDEX says what the columns are, and is missing", group.words.trim()));
    }
    Ok(group)
}

/// `'R1'`, `'L1:8'` or `'R1|L1'`, of which the first is taken.
fn column(text: &str) -> Result<Column, String> {
    let wrong = || format!("INDEX: {text} is no column such as 'R1' or 'L1:8'");
    let name = text.trim_matches(['\'', '"', ' ']);
    let polarisation = name.chars().next().filter(char::is_ascii_alphabetic).ok_or_else(wrong)?;
    let (first, last) = name[1..].split_once(':').unwrap_or((&name[1..], &name[1..]));
    let band = |n: &str| {
        let digits = n.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        digits
            .parse::<usize>()
            .ok()
            .and_then(|n| n.checked_sub(1))
            .filter(|n| *n < MOST_BANDS)
            .ok_or_else(wrong)
    };
    Ok(Column { polarisation: polarisation.to_ascii_uppercase(), bands: band(first)?..=band(last)? })
}

/// A number that is neither infinite nor NaN.
fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|x: &f64| x.is_finite())
}

fn row(line: &str, group: &Group) -> Result<TsysRow, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [day, time, values @ ..] = words.as_slice() else {
        return Err("a day of the year, a time and temperatures were expected".to_owned());
    };
    let wrong = |word: &str| format!("{word} is no number");
    let day = finite(day).ok_or_else(|| wrong(day))?;
    let mut seconds = 0.0;
    for (part, unit_s) in time.split(':').zip([3600.0, 60.0, 1.0]) {
        seconds += unit_s * finite(part).ok_or_else(|| wrong(time))?;
    }
    if values.len() != group.columns.len() {
        return Err(format!("{} temperatures, but INDEX has {} columns", values.len(), group.columns.len()));
    }
    let mut found = Vec::new();
    for (column, word) in group.columns.iter().zip(values) {
        let kelvin: f64 = word.parse().map_err(|_| wrong(word))?;
        let value = (kelvin * group.factor) as f32;
        // Nothing is that cold: stations write so where they know nothing.
        if value > 0.0 && value.is_finite() {
            found.extend(column.bands.clone().map(|band| (column.polarisation, band, value)));
        }
    }
    Ok(TsysRow { since_new_year_s: (day - 1.0) * DAY_S + seconds + group.offset_s, values: found })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "! KVN\nGAIN KY ELEV DPFU = 0.07 POLY = 1.0,2e-3 /\n\
        TSYS KY FT = 2.0 TIMEOFF=10\nINDEX = 'R1:2', 'L1' /\n056 22:00.50 100.0 -1.0 ! warm\n056 22:01.50 110.0 80.5\n/\n\
        TSYS KU FT=1.0 INDEX='L1' /\n1 00:00 50\n/\n";

    #[test]
    fn groups_of_a_station_are_read() {
        let rows = read(FILE, &["KVNYS", "ky"]).unwrap();
        let at = 55.0 * DAY_S + 22.0 * 3600.0 + 30.0 + 10.0;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], TsysRow { since_new_year_s: at, values: vec![('R', 0, 200.0), ('R', 1, 200.0)] });
        assert_eq!(rows[1].values, [('R', 0, 220.0), ('R', 1, 220.0), ('L', 0, 161.0)]);
        assert_eq!(read(FILE, &["KU"]).unwrap()[0].since_new_year_s, 0.0);
    }

    #[test]
    fn gains_are_read() {
        assert_eq!(names(FILE), ["KY", "KU"]);
        let read = gain(FILE, &["KVNYS", "ky"], 22_000.0).unwrap();
        assert_eq!(read, Gain { dpfu: vec![0.07], poly: vec![1.0, 2e-3] });
        assert_eq!(read.at('L', 50.0), Some(0.07 * 1.1));
        assert_eq!(read.at('L', -600.0), None);
        let two = gain(&FILE.replace("0.07", "0.07, 0.08"), &["KY"], 22_000.0).unwrap();
        assert_eq!((two.at('R', 0.0), two.at('y', 0.0)), (Some(0.07), Some(0.08)));
        assert!(gain(FILE, &["KU"], 22_000.0).unwrap_err().contains("no gain"));
        let refused = |from: &str, to: &str, what: &str| {
            let told = gain(&FILE.replace(from, to), &["KY"], 22_000.0).unwrap_err();
            assert!(told.contains(what), "{told}");
        };
        refused("0.07", "-1", "positive");
        refused("0.07", "x", "DPFU = x of KY: not numbers");
        refused("ELEV", "EQUAT", "only gains over elevation");
        refused("ELEV", "ELEV FREQ = 42000, 44000", "no gain of KY at 22000 MHz");
        let by_band = format!("GAIN KY ELEV FREQ=42000,44000 DPFU=0.05 /\n{FILE}");
        assert_eq!(gain(&by_band, &["KY"], 43_000.0).unwrap().dpfu, [0.05]);
        assert_eq!(gain(&by_band, &["KY"], 22_000.0).unwrap().dpfu, [0.07]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (from, to, what) in [
            ("110.0 80.5", "110.0", "line 6: 1 temperatures"),
            ("'R1:2', 'L1'", "'R1:2', '1'", "no column"),
            ("FT = 2.0", "FT = two", "line 4: FT = two"),
            ("22:01.50", "22:0x", "line 6: 22:0x"),
            ("INDEX = 'R1:2', 'L1' /", "/", "INDEX says"),
        ] {
            let told = read(&FILE.replace(from, to), &["KY"]).unwrap_err();
            assert!(told.contains(what), "{told}");
        }
        assert!(read(FILE, &["KT"]).unwrap_err().contains("no system temperatures of KT"));
    }
}
