//! Tests of joining lines and partition functions, on real entries where they are at hand.

use super::*;
use crate::catalog::{Interpolation, QTable, read_spfit};
use crate::testdata;
use std::path::Path;

fn q(t_k: &[f64], tag: Option<u32>) -> PartitionFunction {
    let table = QTable::new(t_k.to_vec(), t_k.to_vec(), tag, "a table").unwrap();
    PartitionFunction::new(&table, Interpolation::Smooth, false)
}

fn lines(tags: &[u32]) -> Vec<Line> {
    let cat: String = tags
        .iter()
        .map(|tag| format!("  115271.2018  0.0005 -5.0105 2    0.0000  3{tag:>7} 101 1           0\n"))
        .collect();
    crate::catalog::parse_spfit(&cat, Path::new("co.cat")).unwrap()
}

#[test]
fn refuses_what_does_not_belong_together() {
    let table = [100.0, 300.0];
    assert!(Species::new("CO", lines(&[28503]), q(&table, Some(28503)), "f").is_ok());
    assert!(Species::new("CO", lines(&[28503]), q(&table, None), "f").is_ok());
    let foreign = Species::new("CO", lines(&[28503]), q(&table, Some(28001)), "f").unwrap_err();
    assert!(foreign.to_string().contains("28503") && foreign.to_string().contains("28001"), "{foreign}");
    let mixed = Species::new("CO", lines(&[28503, 29501]), q(&table, None), "f").unwrap_err();
    assert!(matches!(mixed, CatalogError::MixedTags { .. }));
    let cold = Species::new("CO", lines(&[28503]), q(&[10.0, 200.0], None), "f").unwrap_err();
    assert!(matches!(cold, CatalogError::NoReferenceQ { .. }), "{cold}");
}

#[test]
fn reads_every_entry_at_hand() {
    let Some(folder) = testdata::shared("data/alma/catalogs/derived") else { return };
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let mut n_species = 0;
    for path in names.iter().filter(|path| path.extension().is_some_and(|e| e == "cat")) {
        let table = QTable::read(&path.with_extension("qpart"), None).unwrap();
        let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
        let name = path.file_stem().unwrap().to_str().unwrap();
        let species = Species::new(name, read_spfit(path).unwrap(), q, "derived").unwrap();
        assert!(species.lines().iter().all(|l| l.a_ul(species.q_300()) > 0.0), "{name}");
        n_species += 1;
    }
    assert_eq!(n_species, 24);
}

#[test]
fn reads_the_lists_of_partition_functions() {
    let Some(folder) = testdata::shared("data/alma/partition") else { return };
    let cdms = QTable::read(&folder.join("partfunc.cat"), Some(32504)).unwrap();
    assert!((cdms.q()[cdms.t_k().iter().position(|t| *t == 300.0).unwrap()] / 37025.42 - 1.0).abs() < 2e-4);
    let jpl = QTable::read(&folder.join("jpl_catdir.cat"), Some(44003)).unwrap();
    assert!((jpl.q()[6] / 83598.79 - 1.0).abs() < 2e-4);
    assert!(QTable::read(&folder.join("partfunc.cat"), None).is_err());
}
