//! Tests of the `.cat` reader.

use super::*;

const CH3OH: &str = "       0.0010  0.0000-24.1097 3 1788.9481324  32504140540 932 3-1  40 931 3 1  ";
const CO: &str = "  115271.2018  0.0005 -5.0105 2    0.0000  3 -28503 101 1           0";

fn parse(text: &str) -> Result<Vec<Line>, CatalogError> {
    parse_spfit(text, Path::new("test.cat"))
}

#[test]
fn reads_letter_coded_degeneracies_and_negative_tags() {
    let lines = parse(&format!("{CO}\n{CH3OH}\n\n")).unwrap();
    assert_eq!(lines.len(), 2);
    let (ch3oh, co) = (&lines[0], &lines[1]);
    assert_eq!((ch3oh.g_up, ch3oh.tag, ch3oh.measured), (324, 32504, false));
    assert_eq!(ch3oh.e_low_cm1, 1788.9481);
    assert_eq!((co.g_up, co.tag, co.measured), (3, 28503, true));
    assert_eq!(co.qn, "1 - 0");
    let big = CH3OH.replace("324  32504", "A2C  32504");
    assert!(parse(&big).is_err());
    assert_eq!(parse(&CH3OH.replace("324  32504", "B24  32504")).unwrap()[0].g_up, 1124);
}

#[test]
fn decodes_letters() {
    assert_eq!(decode("A0", 2), Some(100));
    assert_eq!(decode("B7", 2), Some(117));
    assert_eq!(decode("a0", 2), Some(-10));
    assert_eq!(decode("b3", 2), Some(-23));
    assert_eq!(decode("A00", 3), Some(1000));
    assert_eq!(decode("-1", 2), Some(-1));
    assert_eq!(decode("A", 2), None);
    assert_eq!(decode("", 2), None);
}

#[test]
fn reads_negative_lower_energies_and_wavenumbers() {
    let negative = CO.replace("    0.0000  3", "   -0.0123  3");
    assert_eq!(parse(&negative).unwrap()[0].e_low_cm1, -0.0123);
    let wavenumbers = CO.replace("  115271.2018  0.0005", "       3.8450 -0.0001");
    let line = &parse(&wavenumbers).unwrap()[0];
    assert!((line.freq_mhz - 115_270.2).abs() < 0.1, "{}", line.freq_mhz);
    assert!((line.freq_sigma_mhz - 2.9979).abs() < 1e-3);
}

#[test]
fn names_file_line_and_column_of_broken_lines() {
    let broken = [
        (CO.replace("115271.2018", "115271.2x18"), "FREQ"),
        (CO.replace(" -5.0105", " -5.o105"), "LGINT"),
        (CO.replace("   0.0000  3", "   0.00.0  3"), "ELO"),
        (CO.replace("  3 -28503", "  0 -28503"), "GUP"),
        (CO.replace(" -28503", " -28x03"), "TAG"),
        (CO.replace("115271.2018", "-15271.2018"), "FREQ"),
    ];
    for (text, field) in broken {
        let message = parse(&format!("{CO}\n{text}\n")).unwrap_err().to_string();
        assert!(message.starts_with("test.cat, line 2: columns "), "{message}");
        assert!(message.contains(field), "{message}");
    }
    let short = parse(&format!("{CO}\n{}\n", &CO[..40])).unwrap_err().to_string();
    assert!(short.starts_with("test.cat, line 2: 40 characters"), "{short}");
    assert!(parse("\n").is_err());
}

#[test]
fn what_is_written_can_be_read() {
    for text in [CO, CH3OH] {
        let line = parse(text).unwrap().remove(0);
        assert_eq!(parse(&format_spfit(&line).unwrap()).unwrap(), [line]);
    }
    let co = parse(CO).unwrap().remove(0);
    let odd = Line { qn: "100 -10 3 - 99 -9 3".into(), g_up: 1124, e_low_cm1: -0.01, ..co.clone() };
    assert_eq!(parse(&format_spfit(&odd).unwrap()).unwrap(), [odd]);
    let words = Line { qn: "v=1 - v=0".into(), ..co.clone() };
    assert_eq!(parse(&format_spfit(&words).unwrap()).unwrap()[0].qn, "");
    assert_eq!(format_spfit(&Line { g_up: 3600, ..co.clone() }), None);
    assert_eq!(format_spfit(&Line { freq_mhz: 1.6e-5, ..co.clone() }), None);
    assert_eq!(format_spfit(&Line { lgint: -2000.0, ..co }), None);
    for number in [-269, -100, -10, -9, 0, 99, 100, 359] {
        assert_eq!(decode(&encode(number, 2).unwrap(), 2), Some(number as i32));
    }
    assert_eq!((encode(360, 2), encode(-270, 2)), (None, None));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_to_a_line_makes_the_parser_panic(
        place in 0usize..80,
        text in "[ -~]{0,9}|\\PC{0,3}",
        letters in "[A-Za-z0-9]{2}",
    ) {
        let mut line: Vec<char> = CH3OH.chars().collect();
        let at = place.min(line.len());
        line.splice(at..(at + text.chars().count()).min(line.len()), text.chars());
        if let Ok(lines) = parse(&line.into_iter().collect::<String>()) {
            let _ = format_spfit(&lines[0]);
        }
        let _ = decode(&letters, 2);
    }
}
