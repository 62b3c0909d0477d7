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
    assert_eq!(job.block_sample(0, 3), 2_000_000 + 96);
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
