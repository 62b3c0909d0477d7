//! Tests of importing into a folder of the test's own.

use super::*;
use crate::catalog::write_small_database;

const CO: &str = "  115271.2018  0.0005 -5.0105 2    0.0000  3 -28503 101 1           0           \n";

#[test]
fn a_cat_file_goes_in_with_its_partition_function_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (file, folder) = (dir.path().join("mine.cat"), dir.path().join("share/lines"));
    std::fs::write(&file, CO).unwrap();
    let run = |options: &ImportOptions| import(&file, options, &folder).unwrap().remove(0).1;
    let lacking = run(&ImportOptions::default()).unwrap_err().to_string();
    assert!(lacking.contains("mine.qpart") && lacking.contains("--qpart"), "{lacking}");
    std::fs::write(dir.path().join("mine.qpart"), "300 108.8651\n150 54.5814\n").unwrap();
    let options = ImportOptions {
        name: Some("CO".into()),
        source: Some("CDMS c028503.cat".into()),
        version: Some("1*, Oct. 2000".into()),
        ..ImportOptions::default()
    };
    let entry = run(&options).unwrap();
    assert_eq!((entry.name.as_str(), entry.tag, entry.lines), ("CO", 28503, 1));
    let library = Library::open(Some(&folder), None).unwrap();
    let found = library.find("CO").unwrap();
    assert_eq!(*found, entry);
    let (lines, table) = found.read().unwrap();
    assert_eq!(lines, parse_spfit(CO, &file).unwrap());
    assert_eq!((table.t_k(), table.q()), (&[150.0, 300.0][..], &[54.5814, 108.8651][..]));
    assert_eq!(table.tag(), Some(28503));
    assert!(found.provenance().contains("CDMS c028503.cat (user list), tag 28503, version 1*"));
    // Of another entry: refused, and nothing is left behind.
    std::fs::write(dir.path().join("mine.qpart"), "# tag 28001\n300 1\n150 2\n").unwrap();
    let other = ImportOptions { name: Some("XO".into()), ..ImportOptions::default() };
    assert!(run(&other).unwrap_err().to_string().contains("28001"));
    assert!(!folder.join("XO.cat.gz").exists());
    let same_files = ImportOptions { name: Some("C/O".into()), ..ImportOptions::default() };
    std::fs::write(dir.path().join("mine.qpart"), "300 108.8651\n150 54.5814\n").unwrap();
    run(&same_files).unwrap();
    let clash = ImportOptions { name: Some("C:O".into()), ..ImportOptions::default() };
    assert!(run(&clash).unwrap_err().to_string().contains("C/O"));
}

#[test]
fn a_database_goes_in_species_by_species() {
    let dir = tempfile::tempdir().unwrap();
    let (file, folder) = (dir.path().join("small.db"), dir.path().join("lines"));
    write_small_database(&file);
    let all = import(&file, &ImportOptions::default(), &folder).unwrap();
    let good: Vec<_> = all.iter().filter(|(_, entry)| entry.is_ok()).map(|(name, _)| name.as_str()).collect();
    assert_eq!((all.len(), good), (3, vec!["CO;v=0;"]));
    let one =
        ImportOptions { entry: Some("CO;v=0;".into()), name: Some("CO".into()), ..ImportOptions::default() };
    let entry = import(&file, &one, &folder).unwrap().remove(0).1.unwrap();
    assert!(entry.title.contains("1 rows"), "{}", entry.title);
    let library = Library::open(Some(&folder), None).unwrap();
    assert_eq!(library.entries().len(), 2);
    let (lines, _) = library.find("CO").unwrap().read().unwrap();
    assert_eq!((lines.len(), lines[0].qn.as_str()), (2, "1 - 0"));
    assert!((lines[1].a_ul(108.8651) / 6.910e-7 - 1.0).abs() < 2e-4);
    let bad = ImportOptions { entry: Some("nothing".into()), ..ImportOptions::default() };
    assert!(import(&file, &bad, &folder).unwrap()[0].1.is_err());
}
