//! Tests of where a configuration's lines come from.

use crate::plan::{Plan, prepare};
use std::path::Path;

/// A fit of CO (1-0) and its neighbourhood in a flat spectrum; `keys` say where the lines are from.
fn plan(folder: &Path, model: &str, species: &str) -> Result<Plan, String> {
    let spectrum: String =
        (0..100).map(|i| format!("{} {}\n", 115_260.0 + 0.2 * f64::from(i), i % 2)).collect();
    std::fs::write(folder.join("s.txt"), spectrum).unwrap();
    let rest = "logn = { uniform = [14, 18] }\ntex_k = { uniform = [20, 200] }\n\
                fwhm_kms = { fixed = 3.0 }\nv_kms = { fixed = 0.0 }\n";
    let text = format!(
        "[model]\n{model}\n[[spectrum]]\nfile = \"s.txt\"\nnoise = \"0.5 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n\
         [[species]]\n{species}\n{rest}"
    );
    std::fs::write(folder.join("fit.toml"), text).unwrap();
    prepare(&folder.join("fit.toml")).map_err(|failure| failure.to_string())
}

const CO_CAT: &str = "  115271.2018  0.0005 -5.0105 2    0.0000  3 -28503 101 1           0           \n";

#[test]
fn a_species_without_files_takes_the_entry_of_its_name_or_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let own = plan(dir.path(), "", "name = \"CO\"").unwrap();
    assert_eq!((own.species[0].lines().len(), own.species[0].tag()), (1, 28503));
    assert!(own.species[0].source().contains("tag 28503"), "{}", own.species[0].source());
    assert!(own.inputs.iter().any(|file| file.name.ends_with(":CO.cat.gz")), "{:?}", own.inputs);
    assert!(
        own.notes.iter().any(|note| note.starts_with("CO: ") && note.contains("licence")),
        "{:?}",
        own.notes
    );
    let cold = plan(dir.path(), "", "name = \"cold\"\nentry = \"CO\"").unwrap();
    assert_eq!((cold.species[0].name(), cold.species[0].lines()), ("cold", own.species[0].lines()));
    let error = plan(dir.path(), "", "name = \"C0\"").unwrap_err();
    assert!(error.contains("\"C0\"") && error.contains("CO"), "{error}");
    let error = plan(dir.path(), "", "name = \"CO\"\ntag = 28001").unwrap_err();
    assert!(error.contains("28001") && error.contains("28503"), "{error}");
}

#[test]
fn files_of_the_users_own_win() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("my.cat"), CO_CAT).unwrap();
    std::fs::write(dir.path().join("my.qpart"), "300 108.8651\n75 27.4545\n9.375 3.7435\n").unwrap();
    let own = plan(dir.path(), "", "name = \"CO\"\ncat = \"my.cat\"\nqpart = \"my.qpart\"").unwrap();
    assert_eq!(own.species[0].source(), "my.cat");
    let error = plan(dir.path(), "", "name = \"CO\"\ncat = \"my.cat\"").unwrap_err();
    assert!(error.contains("without qpart"), "{error}");
    let error = plan(dir.path(), "", "name = \"CO\"\nqpart = \"my.qpart\"").unwrap_err();
    assert!(error.contains("without cat"), "{error}");
}

#[test]
fn lines_listed_twice_are_used_once_and_told() {
    let dir = tempfile::tempdir().unwrap();
    // Half of it in each of two components, the whole beside them.
    let half = CO_CAT.replace("-5.0105", "-5.3115");
    let part = |n: &str| {
        half.replace("101 1           0 ", &format!("102 1 {n}         0 1")).replacen("  \n", " \n", 1)
    };
    let cat = format!("{CO_CAT}{}{}", part("1"), part("2"));
    std::fs::write(dir.path().join("my.cat"), cat).unwrap();
    std::fs::write(dir.path().join("my.qpart"), "300 108.8651\n75 27.4545\n9.375 3.7435\n").unwrap();
    let species = "name = \"CO\"\ncat = \"my.cat\"\nqpart = \"my.qpart\"";
    for (model, n, word) in [
        ("", 2, "components are used"),
        ("duplicates = \"unsplit\"", 1, "unsplit lines are used"),
        ("duplicates = \"keep\"", 3, "BOTH"),
    ] {
        let plan = plan(dir.path(), model, species).unwrap();
        assert_eq!(plan.species[0].lines().len(), n, "{model}");
        assert!(plan.notes.iter().any(|note| note.contains(word)), "{:?}", plan.notes);
    }
}

#[test]
fn a_database_has_both() {
    let dir = tempfile::tempdir().unwrap();
    crate::catalog::write_small_database(&dir.path().join("small.db"));
    let species = "name = \"CO\"\nentry = \"CO;v=0;\"\ncat = \"small.db\"";
    let plan_of = plan(dir.path(), "", species).unwrap();
    assert_eq!((plan_of.species[0].tag(), plan_of.species[0].lines().len()), (28503, 1));
    assert!(plan_of.notes.iter().any(|note| note.contains("1 rows of small.db")), "{:?}", plan_of.notes);
    let error = plan(dir.path(), "", &format!("{species}\nqpart = \"small.db\"")).unwrap_err();
    assert!(error.contains("leave out qpart"), "{error}");
}
