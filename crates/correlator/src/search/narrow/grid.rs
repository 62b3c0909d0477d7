//! Cuts bands into sub-bands and fine channels, scans into stretches, and both into units of work.

use super::{NarrowError, NarrowSettings};
use crate::job::Job;
use serde::{Deserialize, Serialize};

/// Frequencies that are looked at in a channel's width: a carrier an eighth of a channel away from the nearest has 0.95 of its power
/// there; half a channel away, as without steps between, it has 0.41.
pub(super) const STEPS: usize = 4;
/// Bins of a product's band in the first transforms.
pub(in crate::search) const BINS: usize = 1 << 13;
/// Bins of a sub-band, the guards at both ends included.
pub(super) const SUB_BINS: usize = 256;
/// Bins at each end of a sub-band that its neighbours have, too.
pub(super) const GUARD_BINS: usize = 16;
/// Bins from a sub-band to the next one.
pub(super) const STEP_BINS: usize = SUB_BINS - 2 * GUARD_BINS;
/// Bins of the guard that windows leave whole.
const WHOLE_GUARD_BINS: usize = GUARD_BINS - 2;
/// Steps that a margin has more than the largest drift.
const LEAST_MARGIN: usize = 32 * STEPS;
/// Part by which channels may be narrower or wider than asked for, for the sake of faster transforms.
const NEARLY: f64 = 0.02;
/// Spectra of a stretch at least.
const FEWEST_SPECTRA: usize = 4;

/// What is the same for all bands: they are equally wide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Width of a band, Hz.
    pub bandwidth_hz: f64,
    /// Samples of a sub-band in a spectrum: its fine channels, guards included.
    pub points: usize,
    /// Largest drift that is searched, in steps from the first spectrum of a stretch to the last.
    pub most_drift: usize,
    /// Spectra of a stretch in a scan of any length: a power of two.
    pub most_spectra: usize,
}

impl Grid {
    /// The grid of a job.
    ///
    /// # Errors
    /// Where channels and drifts asked for do not fit each other or the bands.
    pub fn new(job: &Job, settings: &NarrowSettings) -> Result<Self, NarrowError> {
        let bandwidth_hz = 0.5 * job.sample_rate_hz as f64;
        let sub_hz = bandwidth_hz * SUB_BINS as f64 / BINS as f64;
        let points = points(sub_hz / settings.channel_hz);
        if !(SUB_BINS..=1 << 22).contains(&points) {
            let (least, most) = (sub_hz / f64::from(1 << 22), sub_hz / SUB_BINS as f64);
            return Err(NarrowError::Channel { asked: settings.channel_hz, least, most });
        }
        let mut grid = Self { bandwidth_hz, points, most_drift: 0, most_spectra: 0 };
        let wanted = settings.stretch_s * grid.channel_hz();
        let power = libm::log2(wanted).round().clamp(0.0, 16.0) as u32;
        grid.most_spectra = (1usize << power).max(FEWEST_SPECTRA);
        let most = grid.channel_hz() * grid.channel_hz();
        if settings.drift_hz_per_s > most * (1.0 + 1e-9) {
            return Err(NarrowError::Drift { asked: settings.drift_hz_per_s, most });
        }
        grid.most_drift = grid.drift_steps(settings.drift_hz_per_s, grid.most_spectra);
        if grid.margin() < grid.most_drift + LEAST_MARGIN {
            let steps = grid.margin().saturating_sub(LEAST_MARGIN) as f64;
            let most_s = steps * grid.step_hz() / settings.drift_hz_per_s;
            return Err(NarrowError::Stretch { asked: settings.stretch_s, most_s });
        }
        Ok(grid)
    }

    /// Width of a fine channel, Hz: what is nearest to the one asked for.
    pub fn channel_hz(&self) -> f64 {
        self.sub_rate_hz() / self.points as f64
    }

    /// From one frequency that is looked at to the next, Hz.
    pub fn step_hz(&self) -> f64 {
        self.channel_hz() / STEPS as f64
    }

    /// Complex samples per second of a sub-band, which is its width in Hz.
    pub fn sub_rate_hz(&self) -> f64 {
        self.bandwidth_hz * SUB_BINS as f64 / BINS as f64
    }

    /// Length of a spectrum, s.
    pub fn spectrum_s(&self) -> f64 {
        1.0 / self.channel_hz()
    }

    /// Fine channels that a sub-band is there for.
    pub fn own_channels(&self) -> usize {
        self.points / 16 * (STEP_BINS * 16 / SUB_BINS)
    }

    /// Steps that a sub-band is there for.
    pub fn own_steps(&self) -> usize {
        STEPS * self.own_channels()
    }

    /// Steps of a guard.
    pub fn guard_steps(&self) -> usize {
        STEPS * self.points / 16
    }

    /// Fine channels of a band.
    pub fn channels(&self) -> usize {
        BINS / SUB_BINS * self.points
    }

    /// Sub-bands of a band.
    pub fn sub_bands(&self) -> usize {
        BINS.div_ceil(STEP_BINS)
    }

    /// Steps beyond both ends of a group of sub-bands that can be seen, too.
    pub fn margin(&self) -> usize {
        STEPS * (self.points * WHOLE_GUARD_BINS / SUB_BINS)
    }

    /// Steps by which a rate drifts over a stretch.
    fn drift_steps(&self, hz_per_s: f64, spectra: usize) -> usize {
        let each = self.drift_step(spectra);
        ((hz_per_s / each - 1e-9).ceil().max(0.0) as usize).min(STEPS * (spectra - 1))
    }

    /// Drift of one step from the first spectrum of a stretch to the last, Hz/s.
    pub fn drift_step(&self, spectra: usize) -> f64 {
        self.step_hz() * self.channel_hz() / (spectra - 1) as f64
    }

    /// Largest drift in steps over a stretch of so many spectra.
    pub fn most_drift_of(&self, spectra: usize) -> usize {
        let hz_per_s = self.most_drift as f64 * self.drift_step(self.most_spectra);
        self.drift_steps(hz_per_s, spectra)
    }

    /// Bytes of the spectra of a sub-band over a stretch, of so many stations.
    pub fn bytes(&self, spectra: usize, stations: usize) -> usize {
        stations * spectra * super::voltages::bytes(self.own_channels())
    }

    /// Spectra that lie wholly in a scan.
    fn spectra_of(&self, job: &Job, scan: usize) -> usize {
        let seconds = (job.scans[scan].end_s - job.scans[scan].start_s).max(0) as f64;
        (seconds / self.spectrum_s() + 1e-9) as usize
    }

    /// First spectrum and number of spectra of each stretch of a scan. What the last whole one leaves is in a shorter one that
    /// ends with the scan: a power of two, too, so that few are looked at twice.
    pub fn stretches(&self, job: &Job, scan: usize) -> Vec<(usize, usize)> {
        let all = self.spectra_of(job, scan);
        if all < FEWEST_SPECTRA {
            return Vec::new();
        }
        let each = self.most_spectra.min(1 << all.ilog2());
        let mut stretches: Vec<(usize, usize)> = (0..all / each).map(|i| (i * each, each)).collect();
        let left = all % each;
        if left > 0 {
            let last = left.next_power_of_two().max(FEWEST_SPECTRA);
            stretches.push((all - last, last));
        }
        stretches
    }
}

/// Points of spectra for so many channels in a sub-band: such as long transforms in whole numbers have if they are nearly as many, else the nearest
/// for which others are fast.
fn points(channels: f64) -> usize {
    let whole = 256 * nearest(channels / 256.0, &[2, 3]);
    if (whole as f64 - channels).abs() <= NEARLY * channels {
        whole
    } else {
        16 * nearest(channels / 16.0, &[2, 3, 5])
    }
}

/// The number nearest to `x` that has no factors but some.
fn nearest(x: f64, factors: &[usize]) -> usize {
    let is_smooth = |n: usize| {
        let mut left = n;
        for factor in factors {
            while left > 0 && left.is_multiple_of(*factor) {
                left /= factor;
            }
        }
        left == 1
    };
    let nearest = x.round().clamp(0.0, 1e9) as usize;
    let below = (0..=nearest).rev().find(|n| is_smooth(*n)).unwrap_or(0);
    let above = (nearest.max(1)..).find(|n| is_smooth(*n)).unwrap_or(nearest);
    if x - below as f64 <= above as f64 - x { below } else { above }
}

/// Where a station has a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Stream.
    pub stream: usize,
    /// Its recorded channel.
    pub channel: usize,
    /// Bin of what it recorded at which the band begins.
    pub first_bin: usize,
}

/// A band in one polarisation, with all stations that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// Index into the job's bands.
    pub band: usize,
    /// Polarisation.
    pub polarisation: char,
    /// Stations.
    pub members: Vec<Member>,
}

/// The bands that the job's parallel products name.
pub fn shared_bands(job: &Job) -> Vec<Shared> {
    let mut found: Vec<Shared> = Vec::new();
    for product in job.crosses.iter().chain(&job.autos) {
        let [pa, pb] = job.polarisations(product);
        if pa != pb {
            continue;
        }
        let at = found.iter().position(|s| s.band == product.band && s.polarisation == pa);
        let at = at.unwrap_or_else(|| {
            found.push(Shared { band: product.band, polarisation: pa, members: Vec::new() });
            found.len() - 1
        });
        for ((stream, channel), first) in [(product.a, product.first[0]), (product.b, product.first[1])] {
            if found[at].members.iter().all(|m| m.stream != stream) {
                let first_bin = first * BINS / job.channels;
                found[at].members.push(Member { stream, channel, first_bin });
            }
        }
    }
    found.iter_mut().for_each(|s| s.members.sort_by_key(|m| m.stream));
    found
}

/// A piece of work: some sub-bands of a band over a stretch of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NarrowUnit {
    /// Scan.
    pub scan: usize,
    /// First spectrum of the stretch.
    pub first: usize,
    /// Spectra: a power of two.
    pub spectra: usize,
    /// Index into the shared bands.
    pub shared: usize,
    /// First sub-band.
    pub from: usize,
    /// Sub-band after the last one.
    pub to: usize,
}

/// All units of a job: depend on the job, the settings and the memory that may be used.
pub fn units(job: &Job, grid: &Grid, shared: &[Shared], memory_bytes: usize) -> Vec<NarrowUnit> {
    let mut units = Vec::new();
    for scan in 0..job.scans.len() {
        for (first, spectra) in grid.stretches(job, scan) {
            for (band, Shared { members, .. }) in shared.iter().enumerate() {
                let of_sub_band = grid.bytes(spectra, members.len()).max(1);
                let most = (memory_bytes / of_sub_band).clamp(1, grid.sub_bands());
                let groups = grid.sub_bands().div_ceil(most);
                let each = grid.sub_bands().div_ceil(groups);
                for from in (0..grid.sub_bands()).step_by(each) {
                    let to = (from + each).min(grid.sub_bands());
                    units.push(NarrowUnit { scan, first, spectra, shared: band, from, to });
                }
            }
        }
    }
    units
}
