//! Lots give the numbers of the whole, to the last bit.
use super::tests::{as_job, reference, sources};
use super::*;
use crate::writer::pack;

fn record_of(engine: &mut Engine, job: &Job, lot: usize, index: u64) -> Record {
    let mut record = Record::new(job, job.scans[0].centres.len());
    let mut accumulators = engine.accumulators(0);
    let integration = job.integration(0, index);
    engine.integrate_lot(lot, &integration, &mut accumulators, &mut record, &mut || {}).unwrap();
    record
}

#[test]
fn lots_are_the_whole() {
    let cuts = [(2, 1), (1, 3), (2, 2), (99, 99)];
    for name in ["G256pol", "G256postf", "S4096c3"] {
        let Some(folder) = reference(name) else { return };
        let mut job = Job::open(&folder.join("job.input")).unwrap();
        // Amplitudes are corrected by what other products say.
        job.normalise = true;
        let rotations = as_job(&job);
        let new = || Engine::new(&job, &rotations, sources(&job), SimdPath::detect());
        let whole = record_of(&mut new(), &job, 0, 0);
        assert!(whole.cross_cpf.iter().any(|v| v.norm() > 0.0));
        for (bands, baselines) in cuts {
            let lots = Cut { bands, baselines }.lots(&job, &groups(&job));
            let mut engine = new().with_lots(lots.clone());
            for (number, lot) in lots.iter().enumerate() {
                let ours = record_of(&mut engine, &job, number, 0);
                assert!(pack(&ours, &lot.kept) == pack(&whole, &lot.kept), "{name}{}", lot.name);
                assert!(lots.len() == 1 || ours != whole, "control: a lot is not the whole");
            }
        }
    }
}
