//! The engine against DiFX's visibilities of the same recordings.
use super::*;
use crate::baseband::{Recording, RecordingOptions, UtcSecond};
use crate::job::units;
use crate::writer::swin::{SwinHeader, read_records};
use crate::xcorr::Scalar;
use num_complex::Complex32;
use std::path::{Path, PathBuf};

pub(super) fn reference(job: &str) -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vlbi/difx")).join(job);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", folder.display());
    println!("skipped: {} is not there", folder.display());
    None
}

pub(super) fn sources(job: &Job) -> Vec<Box<dyn SampleSource>> {
    let reference = Some(UtcSecond::new(job.start_mjd, job.start_second));
    let options = RecordingOptions {
        reference,
        sample_rate_hz: Some(job.sample_rate_hz),
        ..RecordingOptions::default()
    };
    let open =
        |files: &[PathBuf]| -> Box<dyn SampleSource> { Box::new(Recording::open(files, &options).unwrap()) };
    job.streams.iter().map(|s| open(&s.files)).collect()
}

pub(super) fn as_job(job: &Job) -> Vec<ScanRotation> {
    choose(job, RotationChoice::Job, 0.0)
}

/// Visibilities of all integrations with their time.
pub(super) fn correlate(engine: &mut Engine, job: &Job, integrations: u64) -> Vec<(f64, Record)> {
    let mut all = Vec::new();
    for unit in units(job, 0.0) {
        let mut accumulators = engine.accumulators(unit.scan);
        for index in (unit.first..unit.first + unit.count).filter(|&i| i < integrations) {
            let integration = job.integration(unit.scan, index);
            let mut record = Record::new(job, job.scans[unit.scan].centres.len());
            engine.integrate(&integration, &mut accumulators, &mut record, &mut || {}).unwrap();
            all.push((integration.centre_s, record));
        }
    }
    all
}

type Found = Vec<(SwinHeader, Vec<Complex32>)>;

/// Largest relative difference of full records, of partial ones, largest difference of a weight.
fn compare(job: &Job, ours: &[(f64, Record)], centre: usize, theirs: &Found) -> (f64, f64, f64) {
    let (mut full, mut partial, mut weights) = (0.0f64, 0.0f64, 0.0f64);
    for (header, channels) in theirs {
        let (_, record) = ours.iter().find(|(t, _)| (t - header.seconds).abs() < 1e-6).unwrap();
        let matches = |p: &&Product| {
            job.baseline_number(p.a.0, p.b.0) == header.baseline as usize
                && job.bands[p.band].difx_index == header.freq as usize
                && job.polarisations(p) == header.polarisations
        };
        let out = channels.len();
        let (vis, weight) = match job.crosses.iter().position(|p| matches(&p)) {
            Some(i) => {
                let row = centre * job.crosses.len() + i;
                (&record.cross_cpf[row * out..(row + 1) * out], record.cross_weight_cp[row])
            }
            None => {
                let i = job.autos.iter().position(|p| matches(&p)).unwrap();
                (&record.auto_pf[i * out..(i + 1) * out], record.auto_weight_p[i])
            }
        };
        let sum = |f: &dyn Fn(usize) -> f64| (0..out).map(f).sum::<f64>();
        let off = sum(&|i| f64::from((vis[i] - channels[i]).norm_sqr()));
        let relative = (off / sum(&|i| f64::from(channels[i].norm_sqr()))).sqrt();
        let into = if header.weight < 0.95 { &mut partial } else { &mut full };
        *into = into.max(relative);
        weights = weights.max((f64::from(weight) - header.weight).abs());
    }
    (full, partial, weights)
}

/// The largest differences with any of the instruction sets that this machine has.
fn check(name: &str, integrations: u64) -> Option<(f64, f64, f64)> {
    let folder = reference(name)?;
    let job = Job::open(&folder.join("job.input")).unwrap();
    let rotations = as_job(&job);
    let paths = SimdPath::ALL.into_iter().filter(|path| path.is_available());
    let ours: Vec<Vec<(f64, Record)>> = paths
        .map(|path| {
            let mut engine = Engine::new(&job, &rotations, sources(&job), path);
            correlate(&mut engine, &job, integrations)
        })
        .collect();
    for others in &ours[1..] {
        for ((_, one), (_, other)) in ours[0].iter().zip(others) {
            agree(&one.cross_cpf, &other.cross_cpf, job.output_channels());
            agree(&one.auto_pf, &other.auto_pf, job.output_channels());
        }
    }
    let worst = ours.iter().map(|ours| against(&folder, &job, (name, integrations), ours));
    let most = |a: (f64, f64, f64), b: (f64, f64, f64)| (a.0.max(b.0), a.1.max(b.1), a.2.max(b.2));
    Some(worst.fold((0.0, 0.0, 0.0), most))
}

/// Instruction sets give the same to 1e-5 of a spectrum's power.
#[track_caller]
fn agree(one: &[Complex32], other: &[Complex32], channels: usize) {
    for (one, other) in one.chunks(channels).zip(other.chunks(channels)) {
        let off: f64 = one.iter().zip(other).map(|(a, b)| f64::from((a - b).norm_sqr())).sum();
        let all: f64 = one.iter().map(|a| f64::from(a.norm_sqr())).sum();
        assert!(off <= 1e-10 * all, "{} of {}", off.sqrt(), all.sqrt());
    }
}

/// Visibilities against DiFX's.
fn against(
    folder: &Path,
    job: &Job,
    (name, integrations): (&str, u64),
    ours: &[(f64, Record)],
) -> (f64, f64, f64) {
    let mut worst = (0.0f64, 0.0f64, 0.0f64);
    for centre in 0..job.max_centres() {
        let file = folder.join(format!("job.difx/DIFX_60000_000000.s{centre:04}.b0000"));
        let mut theirs = read_records(&std::fs::read(file).unwrap(), job.output_channels()).unwrap();
        theirs.retain(|(h, _)| h.seconds < integrations as f64 * job.integration_s);
        assert!(!theirs.is_empty());
        let (full, partial, weights) = compare(job, ours, centre, &theirs);
        worst = (worst.0.max(full), worst.1.max(partial), worst.2.max(weights));
    }
    println!("{name}: full {:.2e}, partial {:.2e}, weights {:.5}", worst.0, worst.1, worst.2);
    worst
}

#[test]
fn g256() {
    let Some((full, partial, weights)) = check("G256", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

#[test]
fn g256postf() {
    let Some((full, partial, weights)) = check("G256postf", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

#[test]
fn g4096() {
    let Some((full, partial, weights)) = check("G4096", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

#[test]
fn g256clk() {
    let Some((full, partial, weights)) = check("G256clk", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

#[test]
fn g256pol() {
    let Some((full, partial, weights)) = check("G256pol", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

#[test]
fn s4096c3() {
    let Some((full, partial, weights)) = check("S4096c3", 3) else { return };
    assert!(full < 1e-5 && partial < 3e-3 && weights < 2e-3);
}

/// Negative control: rotation after the transform is another correlation than rotation before it.
#[test]
fn another_rotation_differs() {
    let Some(folder) = reference("G256") else { return };
    let mut job = Job::open(&folder.join("job.input")).unwrap();
    job.rotation = crate::job::Rotation::AfterTransform;
    let rotations = as_job(&job);
    let mut engine =
        Engine::new(&job, &rotations, sources(&job), SimdPath::detect()).with_correlator(Box::new(Scalar));
    let ours = correlate(&mut engine, &job, 1);
    let bytes = std::fs::read(folder.join("job.difx/DIFX_60000_000000.s0000.b0000")).unwrap();
    let mut theirs = read_records(&bytes, 256).unwrap();
    theirs.retain(|(h, _)| h.seconds < job.integration_s);
    assert!(compare(&job, &ours, 0, &theirs).0 > 1e-3);
    // And swapped baselines are found: every cross-correlation is then the conjugate of what it should be.
    for (header, _) in &mut theirs {
        header.baseline = match header.baseline {
            258 => 259,
            259 => 258,
            other => other,
        };
    }
    assert!(compare(&job, &ours, 0, &theirs).0 > 0.5);
}

/// Copies of the job's recordings with every 50th, 40th or 30th frame lost and every 70th marked invalid.
fn damage(job: &mut Job, folder: &Path) -> Vec<f64> {
    let mut covered = Vec::new();
    for (index, stream) in job.streams.iter_mut().enumerate() {
        let bytes = std::fs::read(&stream.files[0]).unwrap();
        let (mut out, mut kept, mut all) = (Vec::new(), 0u32, 0u32);
        for (n, frame) in bytes.chunks(stream.frame_bytes).enumerate() {
            // Frames of 250 us; the first integration holds those from 40 ms to 142.4 ms of the recording.
            let inside = (160..569).contains(&n);
            all += u32::from(inside);
            if n % (50 - 10 * index) == 7 {
                continue;
            }
            let mut frame = frame.to_vec();
            let invalid = n % 70 == 11 + index;
            frame[3] |= if invalid { 0x80 } else { 0 };
            kept += u32::from(inside && !invalid);
            out.extend(frame);
        }
        covered.push(f64::from(kept) / f64::from(all));
        stream.files[0] = folder.join(format!("D_{index}.vdif"));
        std::fs::write(&stream.files[0], out).unwrap();
    }
    covered
}

/// Lost and invalid frames leave the others in their place: the fringe stays, the weights are what is covered.
#[test]
fn damaged_recordings() {
    let Some(folder) = reference("G256") else { return };
    let mut job = Job::open(&folder.join("job.input")).unwrap();
    let rotations = as_job(&job);
    let mut whole = Engine::new(&job, &rotations, sources(&job), SimdPath::detect());
    let whole = correlate(&mut whole, &job, 1).remove(0).1;
    let clean = job.clone();
    let dir = tempfile::tempdir().unwrap();
    let covered = damage(&mut job, dir.path());
    let rotations = as_job(&job);
    let mut engine = Engine::new(&job, &rotations, sources(&job), SimdPath::detect());
    let damaged = correlate(&mut engine, &job, 1).remove(0).1;
    for (stream, covered) in covered.iter().enumerate() {
        let coverage = f64::from(damaged.coverage_s[stream]);
        assert!((coverage - covered).abs() < 0.005 && coverage < 0.98, "{coverage} {covered}");
    }
    for (p, product) in clean.crosses.iter().enumerate() {
        let (a, b) = (f64::from(damaged.coverage_s[product.a.0]), f64::from(damaged.coverage_s[product.b.0]));
        let weight = f64::from(damaged.cross_weight_cp[p]);
        assert!(weight < a.min(b) && weight > a + b - 1.0 - 1e-6, "{weight} {a} {b}");
        let n = clean.output_channels();
        // The fringe's delay of about a nanosecond hardly turns the phase over 16 MHz.
        let mean = |r: &Record| r.cross_cpf[p * n..(p + 1) * n].iter().sum::<Complex32>() / n as f32;
        let (damaged, whole) = (mean(&damaged), mean(&whole));
        let ratio = damaged / whole;
        println!(
            "{} {:.5} {:.4} deg, weight {weight:.4}",
            whole.norm(),
            ratio.norm(),
            ratio.arg().to_degrees()
        );
        assert!((ratio.norm() - 1.0).abs() < 0.01 && ratio.arg().to_degrees().abs() < 0.5);
    }
}
