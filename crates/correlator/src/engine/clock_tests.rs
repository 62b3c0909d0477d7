//! A station's clock that jumps: the job says when and by how much, and the fringe stays where it is.
use super::tests::{as_job, correlate};
use super::*;
use crate::difx::DifxJob;
use crate::job::file::{ClockEntry, JobFile, convert};
use crate::run::open_stream;
use crate::sim::{SimConfig, simulate};
use num_complex::Complex64;
use std::path::Path;

/// The second station's clock becomes 80 ns later after a second.
const SKY: &str = r#"
name = "sky"
seed = 31
start_mjd = 60000
start_second = 36000
duration_s = 2.0
bits = 2
frame_bytes = 4032
channels = 64
integration_s = 0.256
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 4.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
clock_steps = [{ at_s = 1.0, late_ns = 80.0 }]
[[sources]]
name = "S"
power_fraction = 0.4
"#;

/// The job of two scans, one before and one after the jump.
fn two_scans(folder: &Path) -> JobFile {
    std::fs::write(folder.join("sim.toml"), SKY).unwrap();
    let config = SimConfig::read(&folder.join("sim.toml")).unwrap();
    let input = simulate(&config, folder).unwrap().input;
    let mut file = convert::convert(&DifxJob::open(&input).unwrap(), folder).unwrap();
    let mut second = file.scans[0].clone();
    file.scans[0].duration_s = 1.0;
    (second.name, second.start, second.duration_s) = ("After".to_owned(), AFTER.to_owned(), 1.0);
    file.scans.push(second);
    file
}

const AFTER: &str = "2023-02-25T10:00:01";

/// Fringe delays of both scans in ns, from the slope of the phase over the channels.
fn delays_ns(file: &JobFile, folder: &Path) -> [f64; 2] {
    let job = file.job(&folder.join("job.toml")).unwrap();
    let open = |s| -> Box<dyn SampleSource> { Box::new(open_stream(&job, s, false).unwrap()) };
    let rotations = as_job(&job);
    let mut engine =
        Engine::new(&job, &rotations, job.streams.iter().map(open).collect(), SimdPath::detect());
    let mut slopes = [Complex64::default(); 2];
    for (centre_s, record) in correlate(&mut engine, &job, 3) {
        let vis: Vec<Complex64> =
            record.cross_cpf.iter().map(|v| Complex64::new(v.re.into(), v.im.into())).collect();
        slopes[usize::from(centre_s > 1.0)] +=
            vis[2..].windows(2).map(|v| v[1] * v[0].conj()).sum::<Complex64>();
    }
    slopes.map(|slope| slope.arg() / std::f64::consts::TAU / job.channel_hz() * 1e9)
}

#[test]
fn a_jump_that_the_job_tells_does_not_move_the_fringe() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = two_scans(dir.path());
    // Negative control: the job does not know of it.
    let [before, after] = delays_ns(&file, dir.path());
    println!("not told: {before:.2} ns, {after:.2} ns");
    assert!(before.abs() < 2.0 && (after + 80.0).abs() < 2.0, "{before} {after}");
    let late = ClockEntry { from: Some(AFTER.to_owned()), epoch: AFTER.to_owned(), late_us: vec![0.08] };
    file.stations[1].clocks.push(late);
    let [before, after] = delays_ns(&file, dir.path());
    println!("told: {before:.2} ns, {after:.2} ns");
    assert!(before.abs() < 2.0 && after.abs() < 2.0, "{before} {after}");
}
