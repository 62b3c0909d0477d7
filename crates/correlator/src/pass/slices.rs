//! Cuts the units of work of several programs into slices of time.

use crate::search::recorded::Span;
use std::collections::BTreeMap;

/// A unit of one of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Task {
    /// Of the correlation.
    Correlate(usize),
    /// Of a search, by its place in the list of searches.
    Search(usize, usize),
}

/// What one rank does in one go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slice {
    /// All that its units read.
    pub span: Span,
    /// Its units, the correlation's first.
    pub tasks: Vec<Task>,
}

/// Slices of `length_s` or a little more, in the order of time: a unit belongs to the slice of its lot (the second number) that has
/// its middle. `starts_s` are those of the scans.
pub(super) fn slices(tasks: &[(Task, usize, Span)], length_s: f64, starts_s: &[f64]) -> Vec<Slice> {
    let mut found: BTreeMap<(usize, i64, usize), Slice> = BTreeMap::new();
    for &(task, lot, span) in tasks {
        let middle_s = 0.5 * (span.from_s + span.to_s) - starts_s[span.scan];
        let place = (span.scan, (middle_s / length_s).floor() as i64, lot);
        let slice = found.entry(place).or_insert_with(|| Slice { span, tasks: Vec::new() });
        slice.span.from_s = slice.span.from_s.min(span.from_s);
        slice.span.to_s = slice.span.to_s.max(span.to_s);
        slice.tasks.push(task);
    }
    let mut slices: Vec<Slice> = found.into_values().collect();
    slices.iter_mut().for_each(|slice| slice.tasks.sort_unstable());
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_in_the_slice_of_its_middle() {
        let span = |scan, from_s: f64, to_s: f64| Span { scan, from_s, to_s };
        let tasks = [
            (Task::Search(0, 0), 0, span(0, 100.0, 108.0)),
            (Task::Search(0, 1), 0, span(0, 108.0, 116.0)),
            // Reaches into the slice before.
            (Task::Search(1, 7), 0, span(0, 107.0, 117.5)),
            (Task::Correlate(0), 0, span(0, 100.0, 104.0)),
            (Task::Correlate(1), 0, span(0, 104.0, 108.0)),
            (Task::Correlate(2), 0, span(0, 108.0, 112.0)),
            (Task::Correlate(2), 1, span(0, 108.0, 112.0)),
            (Task::Correlate(9), 0, span(1, 50.0, 54.0)),
        ];
        let found = slices(&tasks, 8.0, &[100.0, 50.0]);
        let of = |tasks: &[Task], span| Slice { span, tasks: tasks.to_vec() };
        assert_eq!(
            found,
            [
                of(&[Task::Correlate(0), Task::Correlate(1), Task::Search(0, 0)], span(0, 100.0, 108.0)),
                of(&[Task::Correlate(2), Task::Search(0, 1), Task::Search(1, 7)], span(0, 107.0, 117.5)),
                of(&[Task::Correlate(2)], span(0, 108.0, 112.0)),
                of(&[Task::Correlate(9)], span(1, 50.0, 54.0)),
            ]
        );
    }
}
