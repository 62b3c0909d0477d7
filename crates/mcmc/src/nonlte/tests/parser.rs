//! Files of the LAMDA format, and what is no such file.

use super::made_up::{ROTOR, molecule, parse, rotor};
use crate::nonlte::{Partner, read_lamda};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

#[test]
fn reads_levels_lines_and_rates() {
    let m = rotor();
    assert_eq!((m.levels.len(), m.lines.len()), (12, 11));
    assert_eq!(m.partners().collect::<Vec<_>>(), [Partner::ParaH2, Partner::OrthoH2]);
    assert_eq!(m.collisions[1].t_k, [10.0, 20.0, 40.0, 80.0, 160.0, 320.0]);
    assert_eq!((m.lines[1].up, m.lines[1].low, m.lines[1].freq_mhz), (2, 1, 178_373.826_37));
    assert_eq!((m.levels[3].g, m.levels[3].qn.as_str()), (7.0, "3"));
    assert_eq!(m.temperatures_k(), (10.0, 320.0));
    assert!(m.notes.is_empty());
    let text: Vec<&str> = ROTOR.lines().nth(44 + 2).unwrap().split_whitespace().collect();
    let first: Vec<f64> = text[3..].iter().map(|w| w.parse().unwrap()).collect();
    for (k, rate) in first.into_iter().enumerate() {
        assert_eq!(m.collisions[0].row(k)[2], rate);
    }
}

#[test]
fn reads_what_real_files_have() {
    let plain = "!MOLECULE\nX\n!MASS\n28.0 amu\n!N\n 3 ! levels\n!LEVELS\n1 15.0 1.0 '0 0.5' ! ground\n2,17.0,3.0\n3 2.0D+01 5 \" 02 \"\n\
                 !N\n2\n!LINES\n1 2 1 1.0d-6 59.95 1.0\n2 3 2 1e-5 89.9\n!P\n1\n!WHO\n 4 electrons, someone\n!N\n2\n!T\n3\n!TEMPS\n10. 20.\n 50.\n\
                 !RATES\n1 2 1 1e-7 2e-7\n 3e-7\n2 3 1 1e-7 1e-7 1e-7 ! comment\n!NOTES\nanything\n";
    let check = |text: &str| {
        let m = parse(text).unwrap();
        assert_eq!(m.partners().collect::<Vec<_>>(), [Partner::Electron]);
        assert_eq!((m.levels[2].energy_cm1, m.levels[2].qn.as_str()), (20.0, "02"));
        assert_eq!(m.levels[0].qn, "0 0.5");
        assert_eq!((m.collisions[0].row(2), m.lines[0].a_ul), (&[3e-7, 1e-7][..], 1e-6));
        assert!((m.energy_k(1) - 2.0 * crate::physics::HCK_CM_K).abs() < 1e-12);
    };
    check(plain);
    check(&plain.replace('\n', "\r\n"));
    let inverted = plain.replace("2 3 1 1e-7 1e-7 1e-7 ! comment", "2 1 3 1e-7 1e-7 1e-7");
    assert!(parse(&inverted).unwrap().notes[0].starts_with("1 of 2 collision rates with e"));
    let shifted = plain.replace("59.95", "69.95");
    assert!(parse(&shifted).unwrap().notes[0].contains("differs by more than 1 %"));
}

#[test]
fn errors_name_file_and_line() {
    let level = (0.0, 1.0);
    let good = molecule(&[level, (3.0, 3.0)], &[(2, 1, 1e-6, 90.0)], &[(2, 1, 1e-10, 1e-10)]);
    parse(&good).unwrap();
    let cases = [
        (good.replace("2 3 3 1", "2 3 0 1"), "m.dat, line 9: level 2 has energy 3 cm^-1 and weight 0"),
        (good.replace("2 3 3 1", "3 3 3 1"), "m.dat, line 9: \"3\" stands where number 2 should"),
        (
            good.replace("1 2 1 1e-6", "1 3 1 1e-6"),
            "line 13: \"3\" is no level: must be a number from 1 to 2",
        ),
        (
            good.replace("1 2 1 1e-6", "1 1 2 1e-6"),
            "line 13: the line goes from level 1 to level 2, which is not lower",
        ),
        (good.replace("1 2 1 1e-6", "1 2 2 1e-6"), "line 13: a transition from level 2 to itself"),
        (
            good.replace("1 with H2", "H2"),
            "line 17: \"H2\" does not begin with the number of a collision partner",
        ),
        (good.replace("10 100", "100 10"), "must be positive and ascending"),
        (good.replace("1e-10 1e-10", "1e-10 x"), "line 25: \"x\" stands where a rate coefficient should"),
        (good.replace("1e-10 1e-10", "1e-10 -1e-10"), "must not be negative"),
        (
            good.replace("1e-10 1e-10", "1e-10"),
            "line 26: the file ends where a rate coefficient should stand",
        ),
        (
            molecule(&[level, (3.0, 3.0), (9.0, 5.0)], &[(2, 1, 1e-6, 90.0)], &[(2, 1, 1e-10, 1e-10)]),
            "m.dat: no transition connects level 3",
        ),
        (String::new(), "m.dat, line 1: the file ends where a comment should stand"),
    ];
    for (text, expected) in cases {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(read_lamda(Path::new("/nowhere/x.dat")).unwrap_err().to_string().contains("/nowhere/x.dat"));
}

/// All files that the user's folder of molecular data holds can be read or are told.
#[test]
fn reads_the_files_at_hand() {
    let Some(folder) = std::env::var_os("MIRINAE_LAMDA").map(PathBuf::from) else {
        println!("skipped: MIRINAE_LAMDA names no folder of LAMDA files");
        return;
    };
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "dat") {
            match read_lamda(&path) {
                Ok(m) => println!("{}: {} levels, notes {:?}", path.display(), m.levels.len(), m.notes),
                Err(e) => println!("{e}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_is_a_panic(at in 0..ROTOR.len(), with in "[-0-9.eD \n!]{0,6}", skip in 0..30usize) {
        let text = format!("{}{}{}", &ROTOR[..at], with, &ROTOR[(at + skip).min(ROTOR.len())..]);
        let _ = parse(&text);
    }
}
