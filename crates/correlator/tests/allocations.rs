//! Counts what the engine allocates once it is warm: nothing for a batch, an integration or a block of a recording.
#![allow(clippy::unwrap_used, unsafe_code)]

use mirinae_correlator::baseband::SampleSource;
use mirinae_correlator::engine::Engine;
use mirinae_correlator::integrate::Record;
use mirinae_correlator::run::{Plan, Wishes, open_stream, prepare};
use mirinae_correlator::sim::{SimConfig, simulate};
use mirinae_correlator::simd::SimdPath;
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, with a count of what is asked of it.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is done by the system's allocator, with the arguments as they came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above; `at` came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Two stations, two bands; recordings of some blocks of 4 MiB each.
fn job(folder: &Path, bits: u32, channels: usize, centres: usize, stations: &str) -> Plan {
    let mut text = format!(
        "name = \"warm\"\nseed = 3\nstart_mjd = 60000\nstart_second = 36000\nduration_s = 3.0\nbits = {bits}\n\
         frame_bytes = 8032\nchannels = {channels}\nintegration_s = 0.064\nshift_ms = 8.0\nra_deg = 343.5\ndec_deg = 16.1\n"
    );
    for (edge, sideband) in [(22000.0, "upper"), (22024.0, "lower")] {
        let _ = write!(
            text,
            "[[bands]]\nedge_mhz = {edge:?}\nbandwidth_mhz = 8.0\nsideband = \"{sideband}\"\npolarization = \"L\"\n"
        );
    }
    for (code, x, y, z) in
        [("KY", -3042281.029, 4045902.6673, 3867374.3313), ("KU", -3287268.6591, 4023450.1291, 3687379.9883)]
    {
        let _ =
            write!(text, "[[stations]]\ncode = \"{code}\"\nposition_m = [{x:?}, {y:?}, {z:?}]\n{stations}");
    }
    text.push_str("[[sources]]\nname = \"S\"\npower_fraction = 0.2\n");
    for centre in 0..centres {
        let _ =
            write!(text, "[[centres]]\nname = \"C{centre}\"\neast_arcsec = {centre}.0\nnorth_arcsec = 0.0\n");
    }
    let config = folder.join("sim.toml");
    std::fs::write(&config, text).unwrap();
    let made = simulate(&SimConfig::read(&config).unwrap(), folder).unwrap();
    prepare(&made.input, &Wishes::default(), SimdPath::detect()).unwrap()
}

/// Allocations while integrations of the only scan are correlated, after those before them: by range.
fn allocations(plan: &Plan, ranges: &[std::ops::Range<u64>]) -> Vec<u64> {
    let job = &plan.job;
    let open = |stream| -> Box<dyn SampleSource> { Box::new(open_stream(job, stream, false).unwrap()) };
    let sources = job.streams.iter().map(open).collect();
    let mut engine = Engine::new(job, &plan.rotations, sources, plan.simd);
    let mut accumulators = engine.accumulators(0);
    let mut record = Record::new(job, job.scans[0].centres.len());
    let mut count = |range: &std::ops::Range<u64>| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for index in range.clone() {
            engine.integrate(&job.integration(0, index), &mut accumulators, &mut record, &mut || {}).unwrap();
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    ranges.iter().map(&mut count).collect()
}

#[test]
fn nothing_is_allocated_once_the_engine_is_warm() {
    let cases = [
        ("one centre", 2, 256, 1, ""),
        ("many centres", 2, 256, 50, ""),
        ("8 bits", 8, 128, 1, ""),
        ("lost frames", 2, 256, 1, "lost_frames = 0.05\n"),
        ("long transforms", 2, 4096, 1, ""),
    ];
    for (name, bits, channels, centres, stations) in cases {
        let folder = tempfile::tempdir().unwrap();
        let plan = job(folder.path(), bits, channels, centres, stations);
        let warm = 0..14;
        let counts = allocations(&plan, &[warm, 14..24, 24..44]);
        println!("{name}: {counts:?}");
        assert!(counts[0] > 0, "control: the first integrations fill what is kept");
        assert_eq!(counts[1..], [0, 0], "{name}");
    }
}
