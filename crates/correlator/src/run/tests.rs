//! What is said about input that cannot be used, before any work.
use super::*;
use crate::difx::example;
use mirinae_common::outcome::Exit;
use mirinae_simd::SimdPath;

/// Prepares DiFX's reference job with a line of its `.input` changed; `None` where the data are not there.
fn reference(edit: (&str, &str), trust_job: bool) -> Option<Result<Plan, String>> {
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vlbi/difx"));
    if !data.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", data.display());
        println!("skipped: {} is not there", data.display());
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    for name in ["job.input", "job.calc", "job.im"] {
        let text = fs::read_to_string(data.join("G256").join(name)).unwrap();
        let text = text.replace(edit.0, edit.1).replace("../data", &data.join("data").display().to_string());
        fs::write(dir.path().join(name), text).unwrap();
    }
    Some(
        prepare(
            &dir.path().join("job.input"),
            &Wishes { trust_job, ..Wishes::default() },
            SimdPath::detect(),
        )
        .map_err(|failure| {
            assert_eq!(failure.exit, Exit::Input);
            failure.to_string()
        }),
    )
}

#[test]
fn a_good_job_is_planned() {
    let Some(plan) = reference(("", ""), false) else { return };
    let plan = plan.unwrap();
    assert_eq!((plan.units.len(), plan.recordings.len(), plan.inputs.len()), (10, 3, 3));
    assert_eq!(plan.recordings[0].bytes, 8_995_840);
    let text = plan.to_string();
    assert!(text.contains("10 integrations") && text.contains("before the transform"), "{text}");
    let provenance = || plan.provenance(&plan.job, &[0; 32]);
    assert_eq!(provenance(), provenance());
}

#[test]
fn recordings_that_contradict_the_job_are_refused() {
    for (from, to, what) in [
        ("QUANTISATION BITS:  2", "QUANTISATION BITS:  1", "bits 1, the recording says 2"),
        ("DATA FRAME SIZE:    8032", "DATA FRAME SIZE:    5032", "frame size in bytes 5032"),
        ("START MJD:          60000\n", "START MJD:          59000\n", ""),
    ] {
        let Some(plan) = reference((from, to), false) else { return };
        let text = plan.unwrap_err();
        assert!(text.contains(what), "{text}");
    }
    // One bit instead of two is twice as many samples in each frame: the frame numbers then contradict the rate.
    let Some(plan) = reference(("QUANTISATION BITS:  2", "QUANTISATION BITS:  1"), true) else { return };
    assert!(plan.is_err());
}

#[test]
fn empty_and_foreign_recordings_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let input = example::write(dir.path(), &[]);
    let failure = prepare(&input, &Wishes::default(), SimdPath::detect()).unwrap_err();
    assert_eq!(failure.exit, Exit::Input);
    let text = failure.to_string();
    assert!(text.contains("station YS") && text.contains("s0.vdif is empty"), "{text}");
    fs::write(dir.path().join("s0.vdif"), "no VDIF at all ".repeat(1000)).unwrap();
    let text = prepare(&input, &Wishes::default(), SimdPath::detect()).unwrap_err().to_string();
    assert!(text.contains("s0.vdif is not VDIF"), "{text}");
    fs::remove_file(dir.path().join("s0.vdif")).unwrap();
    let text = prepare(&input, &Wishes::default(), SimdPath::detect()).unwrap_err().to_string();
    assert!(text.contains("s0.vdif is not there"), "{text}");
    let text = prepare(&dir.path().join("gone.input"), &Wishes::default(), SimdPath::detect())
        .unwrap_err()
        .to_string();
    assert!(text.contains("gone.input") && text.matches("No such file").count() == 1, "{text}");
}
