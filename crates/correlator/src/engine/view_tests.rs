//! Phase centres with a resolution of their own have the numbers of a correlation at that resolution, to the last bit.
use super::field_tests::{CORNERS, config};
use super::tests::{as_job, sources};
use super::*;
use crate::job::View;
use crate::sim::simulate;

fn engine<'a>(job: &'a Job, rotations: &'a [ScanRotation]) -> Engine<'a> {
    Engine::new(job, rotations, sources(job), SimdPath::detect())
}

fn record_of(engine: &mut Engine, job: &Job) -> Record {
    let mut record = Record::new(job, job.scans[0].centres.len());
    let mut accumulators = engine.accumulators(0);
    engine.integrate(&job.integration(0, 0), &mut accumulators, &mut record, &mut || {}).unwrap();
    record
}

/// What of a record belongs to some phase centres.
fn of_centres(record: &Record, centres: &[usize], all: usize) -> Record {
    fn rows<T: Clone>(values: &[T], centres: &[usize], all: usize) -> Vec<T> {
        let width = values.len() / all;
        centres.iter().flat_map(|c| values[c * width..(c + 1) * width].to_vec()).collect()
    }
    Record {
        cross_cpf: rows(&record.cross_cpf, centres, all),
        cross_weight_cp: rows(&record.cross_weight_cp, centres, all),
        uvw_cb: rows(&record.uvw_cb, centres, all),
        ..record.clone()
    }
}

#[test]
fn a_view_is_a_correlation_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::open(&simulate(&config(&CORNERS), dir.path()).unwrap().input).unwrap();
    let rotations = as_job(&job);
    let plain = |average| {
        let job = Job { average, normalise: true, ..job.clone() };
        record_of(&mut engine(&job, &rotations), &job)
    };
    let (coarse, fine) = (plain(16), plain(2));
    let view = |name: &str, centres: &[usize], average| View {
        name: name.to_owned(),
        centres: centres.iter().map(|&c| job.scans[0].centres[c]).collect(),
        average,
        integrations: 1,
    };
    // One of the views keeps a single centre, which is turned to all the same.
    for (views, kept) in
        [(vec![view("a", &[1, 3], 2)], vec![0, 2]), (vec![view("a", &[1], 2)], vec![0, 2, 3])]
    {
        let mut apart = Job { average: 16, normalise: true, ..job.clone() };
        apart.set_apart(&views).unwrap();
        let own: Vec<usize> = (0..4).filter(|c| !kept.contains(c)).collect();
        assert_eq!(
            (apart.scans[0].centres.len(), apart.views[0].scans[0].centres.len()),
            (kept.len(), own.len())
        );
        let mut engine = engine(&apart, &rotations);
        assert!(record_of(&mut engine, &apart) == of_centres(&coarse, &kept, 4));
        assert!(*engine.view(0) == of_centres(&fine, &own, 4));
        // Control: other centres are not these.
        assert!(*engine.view(0) != of_centres(&fine, &kept[..own.len()], 4));
    }
    let mut apart = job.clone();
    let told = apart.set_apart(&[view("a", &[0, 1], 2), view("b", &[2, 3], 4)]).unwrap_err();
    assert!(told.contains("at least one"), "{told}");
}
