//! Once it has begun, correlating takes no memory from the system: every allocation would be a lock, and a page to clear.
#![allow(clippy::unwrap_used)]

use mirinae_correlator::bench::CASES;
use mirinae_correlator::engine::Engine;
use mirinae_correlator::integrate::Record;
use mirinae_correlator::run::{Wishes, prepare, sources};
use mirinae_correlator::sim::{PhaseCalConfig, SimConfig, simulate_random_bits};
use mirinae_simd::SimdPath;
use std::path::Path;

/// Allocations while the third and later integrations of a job are made.
fn steady(config: &SimConfig, folder: &Path) -> u64 {
    let input = simulate_random_bits(config, folder).unwrap().input;
    let plan = prepare(&input, &Wishes::default(), SimdPath::detect()).unwrap();
    let mut engine = Engine::new(&plan.job, &plan.rotations, sources(&plan), plan.simd);
    let mut accumulators = engine.accumulators(0);
    let mut record = Record::new(&plan.job, plan.job.scans[0].centres.len());
    let mut integrate = |index| {
        let integration = plan.job.integration(0, index);
        engine.integrate(&integration, &mut accumulators, &mut record, &mut || {}).unwrap();
    };
    (0..2).for_each(&mut integrate);
    let last = plan.job.integrations(0);
    assert!(last >= 5);
    let found = allocation_counter::measure(|| (2..last).for_each(&mut integrate));
    assert!(record.cross_cpf.iter().any(|v| v.norm() > 0.0));
    found.count_total
}

#[test]
fn none_with_tones() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = CASES[0].simulation(1);
    config.integration_s = 0.1024;
    for station in &mut config.stations {
        station.phase_cal = Some(PhaseCalConfig {
            interval_mhz: 1.0,
            base_mhz: 0.0,
            amplitude: 0.1,
            phase_deg: 0.0,
            delay_ns: 0.0,
        });
    }
    assert_eq!(steady(&config, folder.path()), 0);
}

#[test]
fn none_in_the_steady_state() {
    for name in ["c5-256", "c5-256-pre", "c5-100c-fast"] {
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = case.simulation(1);
        config.integration_s = 0.1024;
        assert_eq!(steady(&config, folder.path()), 0, "{name}");
    }
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1.0; 100]))).count_total, 1);
}
