//! Cuts the scans of a job into integrations and these into units of work.
use super::Job;
use serde::{Deserialize, Serialize};

/// One accumulation of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Index of the scan.
    pub scan: usize,
    /// Number within the scan.
    pub index: u64,
    /// First block, counted from the start of the scan.
    pub first_block: u64,
    /// Number of blocks that lie in it and in the scan.
    pub blocks: u64,
    /// Its centre in s since the start of the job.
    pub centre_s: f64,
}

/// A slice of work: some integrations of one scan, done by one rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Index of the scan.
    pub scan: usize,
    /// First integration of the scan.
    pub first: u64,
    /// Number of integrations.
    pub count: u64,
}

impl Job {
    /// Number of integrations of a scan; the last may be cut short by its end.
    pub fn integrations(&self, scan: usize) -> u64 {
        let length_s = (self.scans[scan].end_s - self.scans[scan].start_s) as f64;
        (length_s / self.integration_s - 1e-9).ceil().max(0.0) as u64
    }

    /// Number of blocks that lie wholly in a scan.
    pub fn scan_blocks(&self, scan: usize) -> u64 {
        let seconds = (self.scans[scan].end_s - self.scans[scan].start_s).max(0) as u64;
        seconds * self.sample_rate_hz / self.block_samples() as u64
    }

    /// An integration: block k belongs to the integration in which it begins.
    pub fn integration(&self, scan: usize, index: u64) -> Integration {
        let per = self.blocks_per_integration();
        let end = self.scan_blocks(scan);
        let edge = |i: u64| ((i as f64 * per - 1e-6).ceil().max(0.0) as u64).min(end);
        let first_block = edge(index);
        let centre_s = self.scans[scan].start_s as f64 + (index as f64 + 0.5) * self.integration_s;
        Integration { scan, index, first_block, blocks: edge(index + 1) - first_block, centre_s }
    }

    /// First sample of a block of a stream since the start of the job.
    pub fn block_sample(&self, stream: usize, scan: usize, block: u64) -> i64 {
        let rate_hz = self.streams[stream].sample_rate_hz as i64;
        self.scans[scan].start_s * rate_hz + block as i64 * self.stream_samples(stream) as i64
    }
}

/// Cuts all scans into units of about `seconds` of data. Depends on the job alone, never on the number of ranks.
pub fn units(job: &Job, seconds: f64) -> Vec<Unit> {
    let per_unit = (seconds / job.integration_s).round().max(1.0) as u64;
    let mut units = Vec::new();
    for scan in 0..job.scans.len() {
        let all = job.integrations(scan);
        let mut first = 0;
        while first < all {
            let count = per_unit.min(all - first);
            units.push(Unit { scan, first, count });
            first += count;
        }
    }
    units
}
