//! Tells what turning to each phase centre loses of a source there: over time and over bandwidth.

use super::of_station;
use crate::integrate::stations;
use crate::job::Job;
use std::fmt::Write as _;

/// Times of a scan that are looked at.
const TIMES: usize = 9;

/// Losses of amplitude at one phase centre of a scan: the largest of any product at any time. The correlator knows them:
/// visibilities are divided by what is left, and weights multiplied by it, as DiFX does.
#[derive(Debug, Clone, PartialEq)]
pub struct Smearing {
    /// Name of the scan.
    pub scan: String,
    /// Name of the phase centre.
    pub centre: String,
    /// By the turning of the phase within a shift interval.
    pub time: f64,
    /// By the differential delay against the length of a transform.
    pub bandwidth: f64,
}

/// Losses at every centre of every scan that has several.
pub fn smearing(job: &Job) -> Vec<Smearing> {
    let mut all = Vec::new();
    for scan in job.scans.iter().filter(|s| s.turned) {
        let shift_s = scan.shift_blocks as f64 * job.block_samples() as f64 / job.sample_rate_hz as f64;
        // An interval ends with the accumulation, however long it was asked for.
        let interval_s = shift_s.min(job.integration_s);
        for (centre, &source) in scan.centres.iter().enumerate() {
            let (mut time, mut bandwidth) = (0.0f64, 0.0f64);
            for i in 0..TIMES {
                let share = i as f64 / (TIMES - 1) as f64;
                let t_s = scan.start_s as f64 + share * (scan.end_s - scan.start_s) as f64;
                for product in &job.crosses {
                    let (a, b) = stations(job, product);
                    let of = |station| of_station(&scan.model, centre, station, t_s);
                    let (shift, band) = (of(a).minus(of(b)), &job.bands[product.band]);
                    time = time.max(1.0 - shift.left_over_time(band, interval_s));
                    bandwidth = bandwidth.max(1.0 - shift.left_over_bandwidth(band, job.channels));
                }
            }
            let (scan, centre) = (scan.name.clone(), job.sources[source].name.clone());
            all.push(Smearing { scan, centre, time, bandwidth });
        }
    }
    all
}

/// The table as CSV.
pub fn smearing_csv(rows: &[Smearing]) -> String {
    let mut text = "scan,centre,time_loss,bandwidth_loss\n".to_owned();
    for row in rows {
        let _ = writeln!(text, "{},{},{:.6},{:.6}", row.scan, row.centre, row.time, row.bandwidth);
    }
    text
}
