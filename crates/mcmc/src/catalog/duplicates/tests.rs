//! Tests of lines that are listed twice, on real entries where they are at hand.

use super::*;
use crate::catalog::read_spfit;
use crate::testdata;

fn line(freq_mhz: f64, lgint: f64, g_up: u32, qn: &str) -> Line {
    Line {
        freq_mhz,
        freq_sigma_mhz: 0.0,
        lgint,
        dof: 2,
        e_low_cm1: 2.9,
        g_up,
        tag: 27501,
        measured: false,
        qn: qn.to_owned(),
    }
}

/// HCN-like: J = 2-1 whole, with its F components when `qn`, in the intensity ratios of I = 1.
fn triplet(qn: bool) -> Vec<Line> {
    let parts = [
        (177_259.7, 1.0 / 12.0, 5, "2 2 - 1 2"),
        (177_261.1, 0.75, 7, "2 3 - 1 2"),
        (177_261.9, 1.0 / 6.0, 3, "2 1 - 1 1"),
    ];
    let name = |text: &str| if qn { text.to_owned() } else { String::new() };
    let mut lines: Vec<Line> = parts
        .iter()
        .map(|(f, share, g, text)| line(*f, -2.0 + f64::log10(*share), *g, &name(text)))
        .collect();
    lines.push(line(177_261.117, -2.0, 5, &name("2 - 1")));
    lines.sort_by(|a, b| a.freq_mhz.total_cmp(&b.freq_mhz));
    lines
}

#[test]
fn one_set_is_used_with_or_without_quantum_numbers() {
    for qn in [true, false] {
        let (components, found) = without_duplicates(triplet(qn), Duplicates::Components);
        assert_eq!((components.len(), found.transitions, found.components), (3, 1, 3), "{qn}");
        let (unsplit, _) = without_duplicates(triplet(qn), Duplicates::Unsplit);
        assert_eq!(unsplit.len(), 1);
        assert_eq!(unsplit[0].lgint, -2.0);
        let (both, found) = without_duplicates(triplet(qn), Duplicates::Keep);
        assert_eq!((both.len(), found.transitions), (4, 1));
        assert!(found.describe(Duplicates::Keep).unwrap().contains("BOTH"));
        let sum: f64 = components.iter().map(intensity).sum();
        assert!((sum / intensity(&unsplit[0]) - 1.0).abs() < 1e-6);
    }
}

#[test]
fn what_only_looks_alike_stays() {
    // Two K doublets of equal strength, and an ether's AA, EE, EA, AE lines in the ratios 6:16:4:2.
    let pair = vec![line(87_898.42, -4.1, 9, ""), line(87_898.63, -4.1, 9, "")];
    let ether: Vec<Line> = [(6.0, -0.8f64), (16.0, 0.0), (4.0, 0.7), (2.0, 0.9)]
        .map(|(weight, shift)| line(96_850.0 + shift, f64::log10(weight) - 6.0, weight as u32 * 7, ""))
        .to_vec();
    for lines in [pair, ether] {
        let mut sorted = lines;
        sorted.sort_by(|a, b| a.freq_mhz.total_cmp(&b.freq_mhz));
        let (kept, found) = without_duplicates(sorted.clone(), Duplicates::Components);
        assert_eq!((kept, found), (sorted, DuplicatesFound::default()));
    }
    // Components of another level's energy are another transition's.
    let mut other = triplet(true);
    other.iter_mut().filter(|l| l.qn == "2 - 1").for_each(|l| l.e_low_cm1 += 0.5);
    assert_eq!(without_duplicates(other, Duplicates::Components).1.transitions, 0);
}

#[test]
fn missing_components_leave_the_unsplit_line_and_repeated_rows_go() {
    let mut lines = triplet(true);
    lines.retain(|l| l.g_up != 7);
    let (kept, found) = without_duplicates(lines, Duplicates::Components);
    assert_eq!((kept.len(), kept[0].qn.as_str(), found.incomplete), (1, "2 - 1", 1));
    let twice = vec![line(1e5, -3.0, 5, "2 - 1"), line(1e5, -3.0, 5, "2 - 1"), line(1e5, -3.0, 5, "3 - 2")];
    let (kept, found) = without_duplicates(twice, Duplicates::Components);
    assert_eq!((kept.len(), found.repeated), (2, 1));
    // Without quantum numbers two equal rows may be two lines: both stay.
    let nameless = vec![line(1e5, -3.0, 5, ""), line(1e5, -3.0, 5, "")];
    assert_eq!(without_duplicates(nameless, Duplicates::Components).0.len(), 2);
}

#[test]
fn dated_entries_list_h2co_hc3n_and_hnco_twice_and_no_others() {
    let Some(folder) = testdata::shared("data/alma/catalogs/derived") else { return };
    let mut all: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    let mut with = Vec::new();
    for path in all.iter().filter(|path| path.extension().is_some_and(|e| e == "cat")) {
        let lines = read_spfit(path).unwrap();
        let above: Vec<Line> = lines.iter().filter(|line| line.freq_mhz > 84e3).cloned().collect();
        let (_, found) = without_duplicates(lines, Duplicates::Components);
        let (_, found_above) = without_duplicates(above, Duplicates::Components);
        if found != DuplicatesFound::default() {
            with.push((
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                found.transitions,
                found_above.transitions,
            ));
        }
    }
    let expected = [("H2CO", 2, 0), ("HC3N", 21, 12), ("HNCO", 19, 12)];
    assert_eq!(with, expected.map(|(name, all, above)| (name.to_owned(), all, above)));
}
