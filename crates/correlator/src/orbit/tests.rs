//! Orbits: readers and interpolation against closed forms.
use super::*;
use std::f64::consts::TAU;

/// A circle of 7000 km about the Earth in 5828.5 s.
fn circle(t_s: f64) -> State {
    let (radius_m, turn) = (7.0e6, TAU / 5828.5);
    let (sin, cos) = (turn * t_s).sin_cos();
    State {
        time: Epoch::new(60_000, 3600.0).plus(t_s),
        position_m: [radius_m * cos, radius_m * sin, 0.0],
        velocity_m_s: [-radius_m * turn * sin, radius_m * turn * cos, 0.0],
    }
}

fn message(rows: &str, frame: &str) -> String {
    format!(
        "CCSDS_OEM_VERS = 2.0\nCREATION_DATE = 2023-02-25T00:00:00\nORIGINATOR = US\n\nMETA_START\nOBJECT_NAME = MOUSE\n\
         OBJECT_ID = 2023-001A\nCENTER_NAME = EARTH\nREF_FRAME = {frame}\nTIME_SYSTEM = UTC\nMETA_STOP\nCOMMENT states\n{rows}"
    )
}

fn parse(text: &str) -> Result<Orbit, String> {
    Orbit::parse(Path::new("mouse.oem"), text).map_err(|e| e.to_string())
}

#[test]
fn between_states_it_is_the_orbit() {
    let states: Segment = (0..20).map(|i| circle(60.0 * i as f64)).collect();
    let orbit = Orbit::new("mouse".to_owned(), Centre::Earth, Scale::Utc, vec![states]).unwrap();
    for t_s in [0.0, 12.3, 60.0, 570.9, 1139.9, 1140.0] {
        let (found, truth) = (orbit.position_m(circle(t_s).time).unwrap(), circle(t_s).position_m);
        for axis in 0..3 {
            assert!((found[axis] - truth[axis]).abs() < 2e-4, "{t_s}: {found:?} {truth:?}");
        }
    }
    let outside = orbit.position_m(circle(1141.0).time).unwrap_err().to_string();
    assert!(outside.contains("no states around"), "{outside}");
}

#[test]
fn messages_are_read() {
    let rows = "2023-02-25T01:00:00.5 7000.0 0.0 1.0 0.0 7.5 0.0\n2023-056T01:01:00.5 6990.0 450.0 1.0 -0.1 7.4 0.0 0 0 0\n";
    let orbit = parse(&message(rows, "ICRF")).unwrap();
    assert_eq!((orbit.body.as_str(), orbit.centre, orbit.scale), ("MOUSE", Centre::Earth, Scale::Utc));
    assert_eq!(orbit.segments[0][0].position_m, [7.0e6, 0.0, 1000.0]);
    assert_eq!(orbit.segments[0][1].time, Epoch::parse("2023-02-25T01:01:00.5").unwrap());
    // The frame bias is 23 milliarcseconds at most: 0.8 m at 7000 km.
    let turned = parse(&message(rows, "EME2000")).unwrap().segments[0][0].position_m;
    let moved = (0..3).map(|i| (turned[i] - orbit.segments[0][0].position_m[i]).powi(2)).sum::<f64>().sqrt();
    assert!(moved > 0.1 && moved < 1.0, "{moved}");
    // Two parts: nothing is known between them.
    let second = message(rows, "ICRF").replace("01:0", "02:0");
    let both = format!("{}{}", message(rows, "ICRF"), &second[second.find("META_START").unwrap()..]);
    let hole = parse(&both).unwrap().position_m(Epoch::parse("2023-02-25T01:30:00").unwrap()).unwrap_err();
    assert!(hole.to_string().contains("with a hole"), "{hole}");
}

#[test]
fn damaged_messages_are_refused_with_their_line() {
    let rows =
        "2023-02-25T01:00:00.5 7000.0 0.0 1.0 0.0 7.5 0.0\n2023-02-25T01:01:00.5 6990.0 450.0 1.0 -0.1 7.4\n";
    for (text, said) in [
        (message(rows, "ICRF"), "mouse.oem:14: \"\" in place of"),
        (message("yesterday 1 2 3 4 5 6\n", "ICRF"), "mouse.oem:13: \"yesterday\""),
        (message(rows, "TEME"), "mouse.oem:11: REF_FRAME = TEME"),
        (message("2023-02-25T01:00:00.5 7000.0 0.0 1.0 0.0 7.5 0.0\n", "ICRF"), "less than two states"),
        (message(&rows.replace("-0.1 7.4", "-0.1 7.4 0").replace("01:01", "00:59"), "ICRF"), "order of time"),
        (message("", "ICRF"), "no states"),
        ("CCSDS_OEM_VERS = 2.0".to_owned(), "META_START"),
        ("name,x,y,z".to_owned(), "neither an orbit ephemeris message"),
        (message(&rows.replace("7000.0", "NaN"), "ICRF"), "\"NaN\" in place"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(said), "{error} does not say {said}");
    }
}

fn horizons(table: &str) -> String {
    format!(
        "Target body name: Mouse (-1) {{source: mouse}}\nCenter body name: Earth (399) {{source: DE441}}\n\
         Output units    : KM-S\nOutput type     : GEOMETRIC cartesian states\nReference frame : ICRF\n\
         JDTDB, Calendar Date (TDB), X, Y, Z, VX, VY, VZ,\n$$SOE\n{table}$$EOE\n"
    )
}

#[test]
fn tables_of_horizons_are_read() {
    let rows = "2460000.541672, A.D. 2023-Feb-25 01:00:00.5000,  7.0E+03, 0.0, 1.0E+00, 0.0, 7.5E+00, 0.0,\n\
                2460000.542366, A.D. 2023-Feb-25 01:01:00.5000,  6.99E+03, 4.5E+02, 1.0E+00, -1E-01, 7.4E+00, 0.0,\n";
    let orbit = parse(&horizons(rows)).unwrap();
    assert_eq!((orbit.body.as_str(), orbit.scale), ("Mouse (-1)", Scale::Tdb));
    let blocks = "2460000.541672 = A.D. 2023-Feb-25 01:00:00.5000 TDB\n X = 7.0E+03 Y = 0.0E+00 Z = 1.0E+00\n \
                  VX= 0.0E+00 VY= 7.5E+00 VZ= 0.0E+00\n LT= 1.0 RG= 2.0 RR= 3.0\n\
                  2460000.542366 = A.D. 2023-Feb-25 01:01:00.5000 TDB\n X = 6.99E+03 Y = 4.5E+02 Z = 1.0E+00\n \
                  VX=-1.0E-01 VY= 7.4E+00 VZ= 0.0E+00\n";
    assert_eq!(parse(&horizons(blocks)).unwrap().segments, orbit.segments);
    for (text, said) in [
        (horizons(rows).replace("KM-S", "AU-D"), "ask for km and seconds"),
        (horizons(rows).replace("$$EOE", ""), "the file is cut"),
        (horizons(rows).replace("Earth (399)", "Seoul @ 399"), "its centre is"),
        (horizons(rows).replace("GEOMETRIC", "Astrometric"), "light time is corrected for here"),
        (horizons(&rows.replace("6.99E+03", "")), "mouse.oem:9"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.contains(said), "{error} does not say {said}");
    }
}
