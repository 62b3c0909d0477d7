//! What a job resolves to.
use super::*;
use crate::difx::example;
use crate::geometry::DelayModel;
use proptest::prelude::*;

fn open(edits: &[(&str, &str)]) -> Result<Job, JobError> {
    let dir = tempfile::tempdir().unwrap();
    Job::open(&example::write(dir.path(), edits))
}

#[test]
fn a_job_is_resolved() {
    let job = open(&[]).unwrap();
    assert_eq!((job.sample_rate_hz, job.channels, job.block_samples()), (2_000_000, 16, 32));
    assert_eq!((job.name.as_str(), job.swin_folder.as_str()), ("job", "job.difx"));
    assert_eq!(job.bands[1].low_hz(), 22.003e9);
    // By band, then as in the table; parallel autocorrelations before cross-polarised ones.
    let names = |products: &[Product]| -> Vec<(usize, String)> {
        products.iter().map(|p| (p.band, job.polarisations(p).iter().collect())).collect()
    };
    let expected =
        |list: &[(usize, &str)]| list.iter().map(|(b, p)| (*b, (*p).to_owned())).collect::<Vec<_>>();
    let crosses = [(0, "RR"), (0, "LL"), (0, "RL"), (0, "LR"), (1, "RR"), (1, "LL"), (1, "RL"), (1, "LR")];
    assert_eq!(names(&job.crosses), expected(&crosses));
    let autos = [(0, "RR"), (0, "LL"), (1, "RR"), (1, "LL"), (0, "RL"), (0, "LR"), (1, "RL"), (1, "LR")];
    assert_eq!(names(&job.autos[..8]), expected(&autos));
    assert_eq!((job.autos.len(), job.baseline_number(0, 1)), (16, 258));
    let scan = &job.scans[0];
    assert_eq!((scan.start_s, scan.end_s), (0, 2));
    // Model from midnight, clock from midnight; the job starts 10 s later.
    let delay = scan.model.delay(1, 1, 1.0);
    assert!((delay.delay_s - (103.3e-6 - 0.2e-6 * 11.0 + 1.5e-6 + 11e-12)).abs() < 1e-15);
    assert!((delay.rate - (-0.2e-6 + 1e-12)).abs() < 1e-18);
}

/// TARGET FREQ names the entry of the frequency table under which products are written.
#[test]
fn products_are_of_the_target_frequency() {
    // A third entry: the same part of the sky as the second, as an upper sideband.
    let third = "FREQ (MHZ) 2:       22003.0\nBW (MHZ) 2:         1.0\nSIDEBAND 2:         U\n\
                 NUM CHANNELS 2:     16\nCHANS TO AVG 2:     1\nOVERSAMPLE FAC. 2:  1\nDECIMATION FAC. 2:  1\n\
                 PHASE CALS 2 OUT:   0\nTELESCOPE ENTRIES:";
    let with_third = |edits: &[(&'static str, &'static str)]| {
        open(
            &[&[("FREQ ENTRIES:       2", "FREQ ENTRIES:       3"), ("TELESCOPE ENTRIES:", third)], edits]
                .concat(),
        )
    };
    let bands = |job: &Job| job.crosses.iter().map(|p| p.band).collect::<Vec<_>>();
    let plain = with_third(&[]).unwrap();
    assert_eq!(bands(&plain), [0, 0, 0, 0, 1, 1, 1, 1]);
    let target = ("TARGET FREQ 0/1:    1", "TARGET FREQ 0/1:    2");
    let named = with_third(&[target]).unwrap();
    assert_eq!(bands(&named), [0, 0, 0, 0, 2, 2, 2, 2]);
    // Nothing else changes: the same channels are multiplied.
    let sides = |job: &Job| job.crosses.iter().map(|p| (p.a, p.b, p.first)).collect::<Vec<_>>();
    assert_eq!((sides(&named), &named.autos), (sides(&plain), &plain.autos));
    // Another part of the sky, or a wider one that several bands make up, is refused; so is what is not there.
    for (edits, what) in [
        (vec![("TARGET FREQ 0/1:    1", "TARGET FREQ 0/1:    0")], "bands are not put together"),
        (vec![target, ("BW (MHZ) 2:         1.0", "BW (MHZ) 2:         2.0")], "bands are not put together"),
        (vec![("TARGET FREQ 0/1:    1", "TARGET FREQ 0/1:    3")], "refers to frequency 3"),
    ] {
        let told = with_third(&edits).unwrap_err().to_string();
        assert!(
            told.contains("job.input") && told.contains("TARGET FREQ 0/1") && told.contains(what),
            "{told}"
        );
    }
}

#[test]
fn a_model_that_does_not_cover_the_scan_is_refused() {
    for edit in [("INTERVAL (SECS):    120", "INTERVAL (SECS):    11"), ("POLY 0 SEC:  0", "POLY 0 SEC:  11")]
    {
        let text = open(&[edit]).unwrap_err().to_string();
        assert!(
            text.contains("job.im") && text.contains("No0001") && text.contains("to be correlated"),
            "{text}"
        );
    }
    assert!(open(&[("INTERVAL (SECS):    120", "INTERVAL (SECS):    12")]).is_ok());
}

#[test]
fn disagreements_are_told() {
    for (from, to, what) in [
        ("TELESCOPE NAME 1:   US", "TELESCOPE NAME 1:   XX", "station XX is not in"),
        ("SCAN 0 PHS CTR 0 SRC:M87", "SCAN 0 PHS CTR 0 SRC:M84", "its sources of scan No0001"),
        ("SCAN 0 START (S):   0", "SCAN 0 START (S):   30", "no scan lies between"),
        ("BW (MHZ) 1:         1.0", "BW (MHZ) 1:         2.0", "same bandwidth"),
        ("DATA FORMAT:        VDIF", "DATA FORMAT:        MARK5B-x", "only VDIF"),
        (
            "DATA FORMAT:        VDIF",
            "DATA FORMAT:        INTERLACEDVDIF/0:1:2",
            "do not fit 4 recorded bands",
        ),
        ("D/STREAM A BAND 0:  0", "D/STREAM A BAND 0:  2", "the same part of the sky"),
    ] {
        let text = open(&[(from, to)]).unwrap_err().to_string();
        assert!(text.contains(what), "{text}");
    }
    let threads =
        open(&[("DATA FORMAT:        VDIF", "DATA FORMAT:        INTERLACEDVDIF/3:1:2:0")]).unwrap();
    assert_eq!(threads.streams[0].threads, [3, 1, 2, 0]);
}

#[test]
fn scans_begin_and_end_with_the_job() {
    let job = open(&[("SCAN 0 START (S):   0", "SCAN 0 START (S):   -5")]).unwrap();
    assert_eq!((job.scans[0].start_s, job.scans[0].end_s), (0, 2));
    let job = open(&[("SCAN 0 START (S):   0", "SCAN 0 START (S):   1")]).unwrap();
    assert_eq!((job.scans[0].start_s, job.scans[0].end_s), (1, 2));
    assert_eq!(job.block_sample(0, 0, 3), 2_000_000 + 96);
}

proptest! {
    /// Integrations hold every block of a scan once, in order, and units hold every integration once.
    #[test]
    fn the_grid_is_complete(integration_s in 0.001f64..1.5, unit_s in 0.0f64..3.0) {
        let mut job = open(&[]).unwrap();
        job.integration_s = integration_s;
        let mut next = 0;
        for i in 0..job.integrations(0) {
            let integration = job.integration(0, i);
            prop_assert_eq!(integration.first_block, next);
            next += integration.blocks;
            let block_s = 32.0 / 2e6;
            prop_assert!((integration.blocks as f64 * block_s) < integration_s + block_s * 1.001);
        }
        prop_assert_eq!(next, job.scan_blocks(0));
        let mut expected = 0;
        for unit in units(&job, unit_s) {
            prop_assert_eq!(unit.first, expected);
            expected += unit.count;
        }
        prop_assert_eq!(expected, job.integrations(0));
    }
}

#[test]
fn jobs_go_through_the_plans_encoding() {
    let job = open(&[]).unwrap();
    let bytes = postcard::to_stdvec(&job).unwrap();
    assert_eq!(postcard::from_bytes::<Job>(&bytes).unwrap(), job);
}

/// Zoom bands of 0.25 MHz in both recorded bands, the second of which is a lower sideband, in place of the whole bands.
#[test]
fn zoom_bands_of_difx() {
    let freq = |i: usize, lo: &str| {
        format!(
            "FREQ (MHZ) {i}: {lo}\nBW (MHZ) {i}: 0.25\nSIDEBAND {i}: U\nNUM CHANNELS {i}: 4\nCHANS TO AVG {i}: 1\n\
             OVERSAMPLE FAC. {i}: 1\nDECIMATION FAC. {i}: 1\nPHASE CALS {i} OUT: 0\n"
        )
    };
    let (last, zoom) = ("PHASE CALS 1 OUT:   0\n", "NUM ZOOM FREQS:     0\n");
    let freqs = format!("{last}{}{}", freq(2, "22000.25"), freq(3, "22003.5"));
    let band =
        |i: usize| format!("ZOOM BAND {i} POL: {}\nZOOM BAND {i} INDEX: {}\n", ["R", "L"][i % 2], i / 2);
    let bands: String = (0..4).map(band).collect();
    let zooms = format!(
        "NUM ZOOM FREQS: 2\nZOOM FREQ INDEX 0: 2\nNUM ZOOM POLS 0: 2\nZOOM FREQ INDEX 1: 3\nNUM ZOOM POLS 1: 2\n{bands}"
    );
    let mut edits = vec![("FREQ ENTRIES:       2".to_owned(), "FREQ ENTRIES:       4".to_owned())];
    edits.extend([(last.to_owned(), freqs), (zoom.to_owned(), zooms)]);
    for (from, to) in [("0/0:    0", "0/0:    2"), ("0/1:    1", "0/1:    3")] {
        edits.push((format!("TARGET FREQ {from}"), format!("TARGET FREQ {to}")));
    }
    for (side, p, v) in
        ["A", "B"].iter().flat_map(|s| (0..4).flat_map(move |p| (0..4).map(move |v| (s, p, v))))
    {
        let line = |v: usize| format!("D/STREAM {side} BAND {p}:  {v}\n");
        edits.push((line(v), line(4 + v)));
    }
    let edits: Vec<(&str, &str)> = edits.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let job = open(&edits).unwrap();
    assert_eq!((job.sample_rate_hz, job.channels, job.stream_channels(0)), (500_000, 4, 16));
    assert_eq!((job.stream_samples(1), job.streams[1].sample_rate_hz), (32, 2_000_000));
    let parts =
        |products: &[Product]| products.iter().map(|p| (p.band, p.first[0], p.first[1])).collect::<Vec<_>>();
    assert_eq!(parts(&job.crosses), [[(2, 4, 4); 4], [(3, 8, 8); 4]].concat());
    assert_eq!(job.scale(&job.crosses[0]), 0.25);
    let autos = [[(2, 4, 4); 2], [(3, 8, 8); 2], [(2, 4, 4); 2], [(3, 8, 8); 2]].concat();
    assert_eq!(parts(&job.autos), [autos.clone(), autos].concat());
    // A zoom band that lies in no recorded band.
    let outside: Vec<(&str, &str)> = edits.iter().copied().chain([("22003.5\n", "22004.5\n")]).collect();
    let told = open(&outside).unwrap_err().to_string();
    assert!(told.contains("the same part of the sky"), "{told}");
}

#[test]
fn tones_of_difx() {
    let tones = |lines: &str| open(&[("PHASE CAL INT (MHZ):0\n", lines)]).map(|job| job.tones());
    assert!(open(&[]).unwrap().tones().is_empty());
    let found = tones("PHASE CAL INT (MHZ):0.25\nPHASE CAL BASE(MHZ):0.1\n").unwrap();
    for (tone, mhz) in found.iter().zip([22_000.1, 22_000.35, 22_000.6, 22_000.85]) {
        assert!(tone.recorded == 0 && (tone.frequency_hz - mhz * 1e6).abs() < 1e-3, "{tone:?}");
    }
    // Four in each of two bands of two polarisations of two stations.
    assert_eq!((found.len(), found[31].recorded), (32, 7));
    // Tones that cannot be followed are left out: visibilities do not need them.
    assert!(tones("PHASE CAL INT (MHZ):0.300001\n").unwrap().is_empty());
    let told = tones("PHASE CAL INT (MHZ):-1\n").unwrap_err().to_string();
    assert!(told.contains("an interval in MHz"), "{told}");
}
