//! Recognises lines that an entry lists twice: unsplit and as their hyperfine components, or the same row again.
//!
//! Both sets together would double the opacity. Hyperfine components of one transition share its lower energy, lie
//! within a few MHz of it and have its intensity in sum. Where the rows have quantum numbers, those of a component
//! are the transition's and F behind them; where they have none, all that is near must add up to the transition.

use super::line::Line;
use serde::{Deserialize, Serialize};

/// How far from the unsplit line components are looked for (MHz): more than HCN's 3 and N2H+'s 5 at J = 1-0.
const WINDOW_MHZ: f64 = 10.0;
/// How much the lower energies may differ (cm^-1): the hyperfine splitting of the lower level, 60 MHz, and rounding.
const SAME_ENERGY_CM1: f64 = 0.002;
/// How well components without quantum numbers must add up to the transition: entries leave out components that
/// are weaker than this (HNCO's 2-1 lacks 0.6 %), and the rounding of LGINT is 0.01 %.
const SUM_WITHOUT_NUMBERS: f64 = 0.01;
/// Named components that miss more than this of the transition's intensity are not the whole of it.
const SUM_WITH_NUMBERS: f64 = 0.05;
/// How far the components' centroid may be from the unsplit line (MHz), where there are no quantum numbers.
const CENTROID_MHZ: f64 = 0.2;
/// Fewest components that are believed without quantum numbers: chance pairs of equal lines are common.
const FEWEST_WITHOUT_NUMBERS: usize = 3;

/// Which of the two sets is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// The hyperfine components: as good as the unsplit line where they blend, right where they do not.
    #[default]
    Components,
    /// The unsplit line: fewer lines to compute.
    Unsplit,
    /// Both, as the entry has them: for comparisons with programs that add both. Wrong for science.
    Keep,
}

/// What was found in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DuplicatesFound {
    /// Transitions that are listed unsplit and as components.
    pub transitions: usize,
    /// Their components.
    pub components: usize,
    /// Transitions among them whose components do not add up to them: there the unsplit line is used.
    pub incomplete: usize,
    /// Rows that occur once more, quantum numbers and all.
    pub repeated: usize,
}

impl DuplicatesFound {
    /// What was found and what is used, as a sentence; None where there is nothing to tell.
    pub fn describe(&self, keep: Duplicates) -> Option<String> {
        let mut parts = Vec::new();
        if self.transitions > 0 {
            let used = match keep {
                Duplicates::Components => "the components are used",
                Duplicates::Unsplit => "the unsplit lines are used",
                Duplicates::Keep => "BOTH are used, as duplicates = \"keep\" asks for",
            };
            let (n, components) = (self.transitions, self.components);
            parts.push(format!(
                "{n} transitions are listed unsplit and as {components} hyperfine components: {used}"
            ));
        }
        if self.incomplete > 0 && keep == Duplicates::Components {
            let n = self.incomplete;
            parts.push(format!("of {n} of them components are missing: there the unsplit lines are used"));
        }
        if self.repeated > 0 {
            let used = if keep == Duplicates::Keep { "all are used" } else { "one of each is used" };
            parts.push(format!("{} rows are listed twice: {used}", self.repeated));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// The lines (ascending in frequency) with one set only of what is listed twice, and what was found.
pub fn without_duplicates(lines: Vec<Line>, keep: Duplicates) -> (Vec<Line>, DuplicatesFound) {
    let mut found = DuplicatesFound::default();
    let mut dropped = vec![false; lines.len()];
    for i in 1..lines.len() {
        let mut run = lines[..i].iter().rev().take_while(|other| other.freq_mhz == lines[i].freq_mhz);
        dropped[i] = !lines[i].qn.is_empty() && run.any(|other| *other == lines[i]);
    }
    found.repeated = dropped.iter().filter(|&&dropped| dropped).count();
    for unsplit in 0..lines.len() {
        let Some((components, complete)) = components_of(&lines, unsplit, &dropped) else { continue };
        found.transitions += 1;
        found.components += components.len();
        found.incomplete += usize::from(!complete);
        if keep == Duplicates::Components && complete {
            dropped[unsplit] = true;
        } else {
            components.into_iter().for_each(|component| dropped[component] = true);
        }
    }
    if keep == Duplicates::Keep {
        return (lines, found);
    }
    let kept = lines.into_iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(line, _)| line);
    (kept.collect(), found)
}

fn intensity(line: &Line) -> f64 {
    10f64.powf(line.lgint)
}

/// The components of a line that is listed unsplit too, and whether they are all there; None: it is not.
fn components_of(lines: &[Line], unsplit: usize, dropped: &[bool]) -> Option<(Vec<usize>, bool)> {
    let whole = &lines[unsplit];
    if dropped[unsplit] {
        return None;
    }
    let first = lines.partition_point(|line| line.freq_mhz < whole.freq_mhz - WINDOW_MHZ);
    let last = lines.partition_point(|line| line.freq_mhz <= whole.freq_mhz + WINDOW_MHZ);
    let near: Vec<usize> = (first..last)
        .filter(|&j| j != unsplit && !dropped[j])
        .filter(|&j| (lines[j].e_low_cm1 - whole.e_low_cm1).abs() <= SAME_ENERGY_CM1)
        .collect();
    let of = |set: &[usize]| set.iter().map(|&j| intensity(&lines[j])).sum::<f64>() / intensity(whole);
    if !whole.qn.is_empty() {
        let named: Vec<usize> = near.into_iter().filter(|&j| extends(&lines[j].qn, &whole.qn)).collect();
        let complete = (of(&named) - 1.0).abs() <= SUM_WITH_NUMBERS;
        return (!named.is_empty()).then_some((named, complete));
    }
    let nameless = near.iter().all(|&j| lines[j].qn.is_empty() && lines[j].lgint < whole.lgint);
    let sum = of(&near);
    if !nameless || near.len() < FEWEST_WITHOUT_NUMBERS || (sum - 1.0).abs() > SUM_WITHOUT_NUMBERS {
        return None;
    }
    let shift = |j: &usize| intensity(&lines[*j]) / intensity(whole) * (lines[*j].freq_mhz - whole.freq_mhz);
    let centroid_mhz = near.iter().map(shift).sum::<f64>() / sum;
    let g_up: Vec<u32> = near.iter().map(|&j| lines[j].g_up).collect();
    (are_of_successive_f(g_up) && centroid_mhz.abs() <= CENTROID_MHZ).then_some((near, true))
}

/// Whether degeneracies are 2F+1 (times a constant) of three or more successive F. Chance coincidences in dense
/// spectra (C2H5OH, acetone) are of lines with one degeneracy.
fn are_of_successive_f(mut g_up: Vec<u32>) -> bool {
    g_up.sort_unstable();
    g_up.dedup();
    g_up.len() >= 3 && g_up.windows(3).all(|g| g[1] - g[0] == g[2] - g[1])
}

/// Whether quantum numbers are those of `whole` with further ones behind them, in both levels.
fn extends(component: &str, whole: &str) -> bool {
    let levels = |qn: &str| -> Option<[Vec<String>; 2]> {
        let (upper, lower) = qn.split_once(" - ")?;
        Some([upper, lower].map(|level| level.split_whitespace().map(str::to_owned).collect()))
    };
    match (levels(component), levels(whole)) {
        (Some(long), Some(short)) => {
            long.iter().zip(&short).all(|(long, short)| long.len() > short.len() && long.starts_with(short))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
