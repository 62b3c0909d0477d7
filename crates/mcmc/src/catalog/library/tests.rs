//! Tests of the line lists at hand, on the shipped one.

use super::*;
use crate::catalog::{Interpolation, PartitionFunction, Species};

fn shipped() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data"))
}

#[test]
fn every_shipped_species_can_be_read_and_is_what_the_list_says() {
    let library = Library::open(None, Some(&shipped())).unwrap();
    assert_eq!(library.entries().len(), 66);
    for entry in library.entries() {
        let [cat, _] = entry.files().unwrap();
        assert_eq!(cat.name, format!("shipped:{}.cat.gz", entry.name));
        let (lines, table) = entry.read().unwrap();
        assert_eq!(lines.len(), entry.lines, "{}", entry.name);
        assert!((lines[0].freq_mhz - entry.range_mhz[0]).abs() < 1e-3, "{}", entry.name);
        assert!((table.t_k()[0] - entry.q_range_k[0]).abs() < 1e-6, "{}", entry.name);
        let q = PartitionFunction::new(&table, Interpolation::Smooth, false);
        let species = Species::new(&entry.name, lines, q, "shipped").unwrap();
        assert_eq!(species.tag(), entry.tag, "{}", entry.name);
    }
}

#[test]
fn an_unknown_name_is_told_with_its_neighbours() {
    let library = Library::open(None, Some(&shipped())).unwrap();
    let message = |name| library.find(name).unwrap_err().to_string();
    assert!(message("CH3OG").contains("CH3OH"), "{}", message("CH3OG"));
    assert!(message("ch3cn_V8").contains("CH3CN_v8"));
    let none = Library::open(None, None).unwrap().find("CO").unwrap_err().to_string();
    assert!(none.contains("MIRINAE_DATA"), "{none}");
}

#[test]
fn provenance_tells_source_version_tag_and_licence() {
    let library = Library::open(None, Some(&shipped())).unwrap();
    let text = library.find("CH3OH").unwrap().provenance();
    for part in ["CDMS", "32504", "3*, May 2016", "MIT", "BSD-3-Clause", "linecat 0.14.1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!library.find("13CH3OH").unwrap().version.contains("NULL"));
}

#[test]
fn the_users_own_wins_and_damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let own = Library::open(None, Some(&shipped())).unwrap().find("CO").unwrap().clone();
    for name in [&own.cat, &own.qpart] {
        std::fs::copy(own.folder.join(name), dir.path().join(name)).unwrap();
    }
    let own = Entry { title: "mine".into(), ..own };
    std::fs::write(dir.path().join("CO.toml"), toml::to_string(&own).unwrap()).unwrap();
    let library = Library::open(Some(dir.path()), Some(&shipped())).unwrap();
    let entry = library.find("CO").unwrap();
    assert_eq!((entry.origin, entry.title.as_str(), library.entries().len()), (Origin::User, "mine", 66));
    assert_eq!(entry.files().unwrap()[0].name, "user:CO.cat.gz");
    std::fs::write(dir.path().join("CO.qpart"), "300 1\n150 2\n").unwrap();
    assert!(entry.files().unwrap_err().to_string().contains("CO.qpart"));
    std::fs::write(dir.path().join("bad.toml"), "name = 3").unwrap();
    assert!(Library::open(Some(dir.path()), None).unwrap_err().to_string().contains("bad.toml"));
}
