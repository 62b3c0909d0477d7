//! Phase centres with a resolution of their own: turned to in the same pass, from the same sums.

use super::uvw;
use crate::centres::{Interval, Turner};
use crate::integrate::{self, Accumulator, Record};
use crate::job::{Integration, Job};
use crate::xcorr::Sums;
use mirinae_simd::Simd;

/// What a view needs while an engine runs.
pub(super) struct View<'a> {
    job: &'a Job,
    turner: Turner,
    scan: usize,
    sums: Option<(Accumulator, Accumulator)>,
    record: Record,
}

impl<'a> View<'a> {
    pub fn new(job: &'a Job, simd: Simd) -> Self {
        Self { job, turner: Turner::new(job, simd), scan: usize::MAX, sums: None, record: Record::default() }
    }

    /// Begins another integration.
    pub fn begin(&mut self, scan: usize) {
        if self.scan != scan {
            self.scan = scan;
            self.sums = Some(super::accumulators(self.job, scan));
            self.record = Record::new(self.job, self.job.scans[scan].centres.len());
        }
        if let Some((cross, auto)) = &mut self.sums {
            cross.clear();
            auto.clear();
        }
    }

    /// Turns the sums of a shift interval to its phase centres.
    pub fn turn(&mut self, sums: (&Sums, &[bool]), interval: Interval) {
        if let Some((cross, _)) = &mut self.sums {
            self.turner.turn(self.job, &self.job.scans[self.scan], sums, interval, cross);
        }
    }

    /// Ends an integration of `job`: what is the same for all centres comes from what that counted and recorded.
    pub fn end(
        &mut self,
        (job, integration, whole): (&Job, &Integration, f64),
        (cross, auto): &(Accumulator, Accumulator),
        autos: &Sums,
        record: &Record,
    ) {
        let Some((own_cross, own_auto)) = &mut self.sums else { return };
        own_auto.add(autos);
        own_cross.count_as(cross);
        own_auto.count_as(auto);
        let own = &mut self.record;
        own_cross.finish(whole, &mut own.cross_cpf, &mut own.cross_weight_cp);
        own_auto.finish(whole, &mut own.auto_pf, &mut own.auto_weight_p);
        own.coverage_s.copy_from_slice(&record.coverage_s);
        own.samples_r.copy_from_slice(&record.samples_r);
        own.states_rk.copy_from_slice(&record.states_rk);
        own.tones_g.copy_from_slice(&record.tones_g);
        integrate::correct(self.job, own);
        let index = integration.index / self.job.integrations_of(job);
        uvw(self.job, &self.job.integration(integration.scan, index), &mut own.uvw_cb);
    }

    pub fn record(&self) -> &Record {
        &self.record
    }
}
