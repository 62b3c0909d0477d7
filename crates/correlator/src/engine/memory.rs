//! Bounds the memory of one rank, from the job alone.
use super::tiles::Tiling;
use crate::job::{Job, Scan};
use mirinae_simd::MAX_LANES;

/// Bytes of a recording that are held at once: a few blocks of some MiB of the file that is read, and of the next.
const RECORDING_BYTES: usize = 2 * 4 * (4 << 20);

/// Bytes of the recordings of all streams that are held at once.
pub fn recording_bytes(job: &Job) -> usize {
    job.streams.len() * RECORDING_BYTES
}

/// Bytes of the visibilities of one integration of a scan with so many phase centres.
pub fn record_bytes(job: &Job, centres: usize) -> usize {
    let rows = centres * job.crosses.len() + job.autos.len();
    // By recorded channel its valid samples and the counts of four codes, by tone a complex number.
    let recorded = 40 * job.recorded_channels() + 8 * job.tones().len();
    rows * (8 * job.output_channels() + 4) + 24 * centres * job.baselines.len() + recorded
}

/// Bytes of the sums over phase centres and of their delay model.
fn centres_bytes(job: &Job) -> usize {
    let per_centre = job.crosses.len() * job.output_channels() * 16;
    let sums = job.max_centres() * per_centre + job.autos.len() * job.output_channels() * 16;
    // Four polynomials of some ten coefficients for each station, source and interval, in vectors of their own.
    let of_scan = |s: &Scan| (s.centres.len() + 1) * job.stations.len() * 4 * 128 * s.model.intervals();
    let model: usize = job.scans.iter().map(of_scan).sum();
    sums + model
}

/// Bytes that correlating takes on one rank, besides the records: recordings, spectra, sums over blocks, sums over
/// centres, the delay model.
pub fn engine_bytes(job: &Job) -> usize {
    let tiling = Tiling::of(job, job.rotation);
    let row = |channels: usize| channels.next_multiple_of(MAX_LANES) + MAX_LANES;
    let of_stream = |s: usize| tiling.most_channels(s) * tiling.batch * row(job.stream_channels(s)) * 8;
    let spectra: usize = (0..job.streams.len()).map(of_stream).sum();
    let sums = (job.crosses.len() + job.autos.len()) * row(job.channels) * 16;
    let of_centres: usize = job.all().map(centres_bytes).sum();
    // Samples folded, their sums and phasors.
    let folds = |s: usize| {
        job.streams[s].phase_cal.map_or(0, |_| {
            let period = |c| job.cycle(s, c).map_or(0, |cycle| cycle.period.max(1024));
            (0..job.streams[s].channels.len()).map(|c| 40 * period(c)).sum()
        })
    };
    let folds: usize = (0..job.streams.len()).map(folds).sum();
    // The last integration of each view and the mean of those so far.
    let views: usize = job.views.iter().map(|view| 4 * record_bytes(view, view.max_centres())).sum();
    recording_bytes(job) + views + folds + spectra + sums + of_centres
}
