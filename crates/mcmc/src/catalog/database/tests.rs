//! Tests of databases, on small ones that the tests make.

use super::*;

/// A database in VAMDC's layout with CO (two lines and one without its coefficient) and a species named twice.
pub(crate) fn write_small_database(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE Transitions (T_ID INTEGER PRIMARY KEY, T_Name TEXT, T_Frequency REAL, T_EinsteinA REAL,
               T_Uncertainty REAL, T_EnergyLower REAL, T_UpperStateDegeneracy INTEGER,
               T_UpperStateQuantumNumbers TEXT, T_LowerStateQuantumNumbers TEXT);
             CREATE TABLE Partitionfunctions (PF_Name TEXT, PF_SpeciesID TEXT, PF_9_375 REAL, PF_75_000 REAL,
               PF_150_000 REAL, PF_300_000 REAL, PF_500_000 REAL, PF_Comment TEXT);
             INSERT INTO Partitionfunctions VALUES
               ('CO;v=0;', 'XCDMS-83', 3.7435, 27.4545, 54.5814, 108.8651, NULL, '28503- v1*:CO; v = 0;'),
               ('X;', 'a', 1, 2, 3, 4, 5, ''), ('X;', 'b', 1, 2, 3, 5, 6, ''),
               ('cold;', 'c', 1, 2, 3, NULL, NULL, NULL);
             INSERT INTO Transitions VALUES
               (1, 'CO;v=0;', 230538.0, 6.910e-7, 0.0005, 3.8450, 5, '2', '1'),
               (2, 'CO;v=0;', 115271.2018, 7.203e-8, 0.0005, 0.0, 3, '1', '0'),
               (3, 'CO;v=0;', 345795.9899, NULL, 0.0005, 11.5350, 7, '3', '2');",
        )
        .unwrap();
}

#[test]
fn reads_lines_with_intensities_of_their_own_partition_function() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.db");
    write_small_database(&path);
    assert!(is_database(&path));
    let database = Database::open(&path).unwrap();
    assert_eq!(database.names().unwrap(), ["CO;v=0;", "X;", "cold;"]);
    let co = database.read("CO;v=0;").unwrap();
    assert_eq!((co.lines.len(), co.unusable), (2, 1));
    assert_eq!(co.table.t_k(), [9.375, 75.0, 150.0, 300.0]);
    // CDMS's own file of CO has -5.0105 and -4.1197.
    for (line, (lgint, qn)) in co.lines.iter().zip([(-5.0105, "1 - 0"), (-4.1197, "2 - 1")]) {
        assert!((line.lgint - lgint).abs() < 5e-4, "{}", line.lgint);
        assert_eq!((line.qn.as_str(), line.tag), (qn, 28503));
    }
    assert!((co.lines[1].a_ul(108.8651) / 6.910e-7 - 1.0).abs() < 1e-9);
    assert!(co.source.contains("XCDMS-83"), "{}", co.source);
}

#[test]
fn what_is_wrong_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.db");
    write_small_database(&path);
    let database = Database::open(&path).unwrap();
    let message = |name| database.read(name).unwrap_err().to_string();
    assert!(message("CO;v=1;").contains("CO;v=0;"), "{}", message("CO;v=1;"));
    assert!(message("X;").contains("different partition functions"));
    assert!(message("cold;").contains("300 K"));
    let other = dir.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b INTEGER)").unwrap();
    assert!(Database::open(&other).unwrap_err().to_string().contains("without the table transitions"));
    std::fs::write(&other, [MAGIC, &[7; 200]].concat()).unwrap();
    assert!(Database::open(&other).unwrap_err().to_string().contains("other.db"));
    std::fs::write(&other, "no database").unwrap();
    assert!(!is_database(&other) && !is_database(&dir.path().join("none")));
}
