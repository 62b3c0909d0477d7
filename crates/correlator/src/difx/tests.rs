//! What is read of a job, and what is said about a broken one.
use super::*;

fn open(edits: &[(&str, &str)]) -> Result<DifxJob, DifxError> {
    let dir = tempfile::tempdir().unwrap();
    DifxJob::open(&example::write(dir.path(), edits))
}

/// The message, without the folder.
fn message(edits: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = DifxJob::open(&example::write(dir.path(), edits)).unwrap_err();
    error.to_string().replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn a_job_is_read() {
    let job = open(&[]).unwrap();
    let input = &job.input;
    assert_eq!((input.start, input.execute_s, input.integration_s), ((60000, 10), 2, 0.5));
    assert_eq!(input.output_name, "job.difx");
    assert!(input.freqs[1].lower_sideband && input.freqs[1].lo_hz == 22.004e9);
    assert_eq!(input.telescopes[1].clock_s, [1.5e-6, 1e-12]);
    assert_eq!(input.datastreams[0].freqs[1].clock_offset_s, 0.25e-6);
    assert_eq!(input.datastreams[1].bands[3], RecordedBand { polarisation: 'L', recorded_freq: 1 });
    assert!(input.datastreams[1].files[0].0.ends_with("s1.vdif"));
    assert_eq!(input.baselines[0].products[1].len(), 4);
    assert_eq!((job.calc.start, job.calc.scans[0].duration_s), ((60000, 10), 60));
    let polynomials = &job.im.scans[0].intervals[0].by_source_station[1][1];
    let wanted_s = [103.3e-6, -0.2e-6, 0.0];
    assert!(polynomials.delay_s.iter().zip(wanted_s).all(|(d, w)| (d - w).abs() < 1e-19));
    assert_eq!((&polynomials.u_m[..], &polynomials.w_m[..]), (&[1.0, 2.0, 3.0][..], &[7.0, 8.0, 9.0][..]));
}

#[test]
fn a_moved_job_finds_its_files() {
    let moved = [("job.calc", "/old/place/job.calc"), ("s1.vdif", "/old/place/s1.vdif")];
    let dir = tempfile::tempdir().unwrap();
    let job = DifxJob::open(&example::write(dir.path(), &moved)).unwrap();
    assert_eq!(job.input.datastreams[1].files[0].0, dir.path().join("s1.vdif"));
}

#[test]
fn newer_versions_lines_are_passed_over() {
    let newer = [
        ("SIDEBAND 0:", "RX NAME 0: KQ\nSIDEBAND 0:"),
        ("PHASE CAL INT", "TCAL FREQUENCY: 0\nPHASE CAL INT"),
    ];
    let error = message(&newer[..1]);
    assert!(error.contains("expected \"SIDEBAND 0:\", found \"RX NAME 0\""), "{error}");
    assert!(open(&newer[1..]).is_ok());
    assert!(open(&[("NUM CHANNELS 0:", "RX NAME 0: KQ\nNUM CHANNELS 0:")]).is_ok());
}

#[test]
fn broken_references_are_told_with_file_and_line() {
    let cases: [(&str, &str, &str); 12] = [
        ("TELESCOPE INDEX:    1", "TELESCOPE INDEX:    7", "telescope 7, but there are 2"),
        ("REC FREQ INDEX 1:   1", "REC FREQ INDEX 1:   5", "frequency 5, but there are 2"),
        ("REC BAND 3 INDEX:   1", "REC BAND 3 INDEX:   2", "recorded frequency 2"),
        ("D/STREAM B INDEX 0: 1", "D/STREAM B INDEX 0: 2", "data stream 2, but there are 2"),
        ("D/STREAM B BAND 3:  2", "D/STREAM B BAND 3:  4", "band 4, but there are 4"),
        ("DATASTREAM 1 INDEX: 1", "DATASTREAM 1 INDEX: 3", "data stream 3, but the table has 2"),
        ("BASELINE 0 INDEX:   0", "BASELINE 0 INDEX:   1", "baseline 1, but the table has 1"),
        ("s0.vdif", "gone.vdif", "the recording DIR/gone.vdif is not there"),
        ("IM FILENAME:        job.im", "IM FILENAME:        x.im", "the delay model DIR/x.im is not there"),
        ("CALC FILENAME:      job.calc", "CALC FILENAME:      x.calc", "DIR/x.calc is not there"),
        ("SCAN 0 PHS CTR 0:   0", "SCAN 0 PHS CTR 0:   4", "source 4, but there are 1"),
        ("SRC 1 ANT 1 DELAY", "SRC 1 ANT 2 DELAY", "source 1, station 2"),
    ];
    for (from, to, what) in cases {
        let text = message(&[(from, to)]);
        let place = text.strip_prefix("DIR/job.").and_then(|t| t.split(':').nth(1)).map(str::parse::<usize>);
        assert!(text.contains(what) && matches!(place, Some(Ok(_))), "{to}: {text}");
    }
}

#[test]
fn what_is_not_done_is_refused() {
    for (from, to, what) in [
        ("TSYS:               0.0", "TSYS:               9.0", "TSYS"),
        ("DATA SAMPLING:      REAL", "DATA SAMPLING:      QUADRATURE", "only REAL"),
        ("DATA SOURCE:        FILE", "DATA SOURCE:        NETWORK", "from files"),
        ("PULSAR BINNING:     FALSE", "PULSAR BINNING:     TRUE", "pulsar"),
        ("FREQ OFFSET 1 (Hz): 0.0", "FREQ OFFSET 1 (Hz): 5.0", "local oscillator"),
        ("NUM CONFIGURATIONS: 1", "NUM CONFIGURATIONS: 2", "one configuration"),
    ] {
        let text = message(&[(from, to)]);
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn bad_values_are_told() {
    for (from, to, what) in [
        ("INT TIME (SEC):     0.5", "INT TIME (SEC):     nan", "\"nan\" is not a positive number"),
        ("NUM CHANNELS 1:     16", "NUM CHANNELS 1:     many", "\"many\" is not a number of channels"),
        ("103.3 -0.2 0", "103.3 -0.2", "polynomial of the order"),
        ("103.3 -0.2 0", "103.3 inf 0", "finite numbers"),
        ("REC BAND 1 POL:     L", "REC BAND 1 POL:     Q", "a polarisation"),
        ("NUM ZOOM FREQS:     0", "NUM ZOOM FREQS:     1", "expected \"ZOOM FREQ INDEX 0:\""),
        ("SRC 0 ANT 1 W (m)", "SRC 0 ANT 1 AZ", "is missing"),
        ("ACTIVE BASELINES:", "ACTIVE SOMETHING:", "expected \"ACTIVE BASELINES:\""),
    ] {
        let text = message(&[(from, to)]);
        assert!(text.contains(what), "{text}");
    }
    let half: String = example::input().lines().take(60).map(|l| format!("{l}\n")).collect();
    let error = Input::read(KeyFile::parse(Path::new("/nowhere/job.input"), &half)).unwrap_err().to_string();
    assert!(error.contains("job.calc is not there"), "{error}");
    let cut = open(&[("BASELINE ENTRIES:", "# ")]).unwrap_err().to_string();
    assert!(cut.contains("BASELINE ENTRIES"), "{cut}");
}
