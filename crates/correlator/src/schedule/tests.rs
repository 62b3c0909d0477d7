//! A schedule of our own in both revisions, its faults, and bytes of all kinds.
use super::*;
use proptest::prelude::*;

pub(crate) const VEX_1_5: &str = include_str!("../../tests/kvn-1.5.vex");
pub(crate) const VEX_2_0: &str = include_str!("../../tests/kvn-2.0.vex");

fn parse(text: &str) -> Result<Schedule, VexError> {
    Schedule::parse(Path::new("obs.vex"), text)
}

fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    parse(&text.replacen(from, to, 1)).map_or_else(|e| e.to_string(), |s| format!("{:?}", s.notes))
}

#[test]
fn revision_1_5() {
    let s = parse(VEX_1_5).unwrap();
    assert_eq!((s.experiment.as_str(), s.stations.len(), s.scans.len()), ("k24001", 3, 2));
    let ky = &s.stations[0];
    assert_eq!((ky.code.as_str(), ky.name.as_str(), ky.mount), ("Ky", "KVNYS", Mount::AzEl));
    assert_eq!(ky.position_m, Some([-3_042_281.029, 4_045_902.667_3, 3_867_374.331_3]));
    assert_eq!(ky.clocks[0].early_s, [-22.3514e-6, 5.6827e-13]);
    assert_eq!(ky.equipment, ["rack none", "recorder Mark5C"]);
    assert_eq!(s.station("kvnus"), Some(1));
    // Two clocks: one from the start, one after a jump.
    assert_eq!(s.stations[1].clocks.len(), 2);
    assert!(s.stations[1].clocks[0].valid_from < s.stations[1].clocks[1].valid_from);
    let setup = &s.modes[0].setups[0];
    let channel = &setup.channels[1];
    assert_eq!((channel.edge_hz, channel.bandwidth_hz, channel.lower_sideband), (22.032e9, 16e6, true));
    assert_eq!(channel.polarisation, Some('L'));
    assert_eq!(channel.phase_cal_hz, 1e6);
    let stream = &setup.streams[0];
    assert_eq!((stream.format.clone(), stream.frame_bytes, stream.bits), (Format::Vdif, 8032, 2));
    assert_eq!(stream.channels, [0, 1, 2, 3]);
    assert_eq!(stream.sample_rate_hz, 32e6);
    // Mark5B: the order of the tracks, not of the channels.
    let mark5b = &s.modes[0].setups[2].streams[0];
    assert_eq!((mark5b.format.clone(), mark5b.channels.as_slice()), (Format::Mark5b, &[1, 0, 3, 2][..]));
    let scan = &s.scans[1];
    assert_eq!((scan.start.to_string().as_str(), scan.span_s()), ("2024-01-10T12:10:00", (0.0, 300.0)));
    assert_eq!(s.sources[scan.pointing].name, "3C345");
    assert!(!scan.stations[2].records && scan.stations[0].records);
    let [_, dec] = s.sources[1].direction_rad.unwrap();
    assert_eq!(summary::declination(dec), "-05d47'21.500000\"");
    assert_eq!((s.eop.len(), s.eop[1].mjd, s.eop[1].ut1_utc_s), (3, 60_319.0, -0.008_7));
    assert!(s.notes.is_empty(), "{:?}", s.notes);
}

#[test]
fn revision_2_0() {
    let s = parse(VEX_2_0).unwrap();
    let setup = &s.modes[0].setups[0];
    let stream = &setup.streams[0];
    assert_eq!((stream.threads.as_slice(), stream.channels.as_slice()), (&[0, 1][..], &[1, 3, 0, 2][..]));
    assert_eq!((stream.frame_bytes, stream.bits, stream.complex), (8032, 2, true));
    assert_eq!(s.modes[0].setups[1].streams[0].format, Format::Mark5b);
    assert_eq!(s.modes[0].setups[1].streams[0].channels, [2, 3, 0, 1]);
    let scan = &s.scans[0];
    assert_eq!((scan.pointing, scan.centres.as_slice()), (0, &[1, 2][..]));
    assert_eq!(s.stations[0].clocks[0].early_s[1], -2.2e-13);
    assert_eq!(s.eop.len(), 3);
    // The two revisions tell the same about what both can say.
    let old = parse(VEX_1_5).unwrap();
    assert_eq!((&s.stations[0].position_m, &s.sources[0]), (&old.stations[0].position_m, &old.sources[0]));
}

#[test]
fn faults_are_told_with_their_line() {
    for (from, to, line, what) in [
        ("sample_rate = 32.0 Ms/sec;", "sample_rate = 32.0 Ms/sec", "obs.vex:67:", "a ';' is missing after"),
        ("ref $SITE = KVNUS;", "ref $SITE = KVNXX;", "obs.vex:24:", "$SITE has no definition \"KVNXX\""),
        ("ref $SITE = KVNUS;", "ref $SITE = KVNXX;", "obs.vex:24:", "there are: KVNYS, KVNUS, KVNTN"),
        ("source=3C345;", "source=3C346;", "", "there is no source \"3C346\""),
        ("22032.00 MHz : L", "22032.00 sec : L", "", "is not a frequency"),
        ("22032.00 MHz : L", "22032.00 MHz : Q", "", "no sideband"),
        ("enddef;", "", "", "has no enddef"),
        ("VEX_rev = 1.5;", "$EXPER;", "obs.vex:1:1", "VEX_rev"),
        ("ref_coord_frame = J2000", "ref_coord_frame = B1950", "", "not in J2000"),
        ("\"KVN test, band K\"", "\"KVN test, band K", "", "has no end in its line"),
        ("&CH02 : &BBC02", "&CH02 : &BBC09", "", "polarisation of a channel is not known"),
        ("num_eop_points = 3", "num_eop_points = 4", "", "num_eop_points says 4"),
        ("TAI-UTC = 37 sec;", "", "", "has no TAI-UTC"),
        ("start=2024y010d12h00m00s", "start=2024y010d12h00m00", "", "no time like"),
    ] {
        let text = edited(VEX_1_5, from, to);
        assert!(text.contains(what) && text.contains(line), "{from} -> {to}: {text}");
    }
    let text = edited(VEX_1_5, "ref $SITE = KVNUS;", "ref $SITE = KVNXX;");
    assert!(text.contains("ref $SITE = KVNXX;"), "the line itself is shown: {text}");
}

#[test]
fn what_is_not_used_may_be_anything() {
    let more = VEX_1_5.replacen("$SCHED;", "$PROCEDURES;\ndef p;\n preob = on : 10 sec : \"x;y\"; enddef;\n$TUNING;\nstart_literal(zz); any = $thing ; def end_literal(zz);\n$SCHED;", 1);
    assert!(parse(&more).unwrap().notes.is_empty());
    let text = edited(VEX_1_5, "ref $DAS = RACK;", "ref $DAS = RACK; ref $TUNING = none;");
    assert!(text.contains("$TUNING has no definition"), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&format!("VEX_rev = 1.5;\n$SCHED;\n{}", String::from_utf8_lossy(&bytes)));
        let _ = parse(&String::from_utf8_lossy(&bytes)).map_err(|e| e.to_string());
    }

    /// Bytes of a good file changed, lost and doubled: an error with a line, or a schedule.
    #[test]
    fn damage_is_told(at in 0usize..4000, length in 0usize..40, with in "[ -~\n]{0,12}", two in any::<bool>()) {
        let text = if two { VEX_2_0 } else { VEX_1_5 };
        let start = at % text.len();
        let end = (start + length).min(text.len());
        let damaged = format!("{}{with}{}", &text[..start], &text[end..]);
        match parse(&damaged) {
            Ok(schedule) => prop_assert!(!schedule.to_string().is_empty()),
            Err(error) => prop_assert!(error.to_string().starts_with("obs.vex:")),
        }
    }
}
