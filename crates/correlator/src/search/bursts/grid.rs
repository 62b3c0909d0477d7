//! Cuts bands into channels, time into dumps, dispersion into trials, scans into units of work.

use super::super::narrow::grid::{BINS, Shared, shared_bands};
use super::{BurstError, BurstSettings, dynamic};
use crate::dispersion::delay_s;
use crate::job::Job;
use serde::{Deserialize, Serialize};

/// Boxcars, in dumps: between two of them a pulse loses 6 % of its sigma at most.
pub(super) const WIDTHS: [usize; 19] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64];
/// The widest of them.
pub(super) const WIDEST: usize = 64;
/// Channels of a band where neither dispersion nor field ask for more.
const SOME_CHANNELS: usize = 64;
/// Spectra that a dump should have.
const SOME_SPECTRA: f64 = 8.0;
/// Spectra that a dump has at least.
const FEWEST_SPECTRA: f64 = 2.0;
/// A transform is so many times longer than the largest delay of the field.
const LONGER: f64 = 8.0;
/// Length of a unit of work, unless memory or dispersion have it otherwise, s.
const UNIT_S: f64 = 10.0;
/// Bands apart by more than so many times what they span are not added with their phases.
const APART: f64 = 4.0;

/// What is the same for all bands: they are equally wide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Width of a band, Hz.
    pub bandwidth_hz: f64,
    /// Channels of a band.
    pub channels: usize,
    /// Spectra of a dump.
    pub dump_blocks: usize,
}

impl Grid {
    /// The grid of a job whose field has delays up to `field_s` either way.
    ///
    /// # Errors
    /// Where channels and dumps asked for do not fit each other or the bands.
    pub fn new(job: &Job, settings: &BurstSettings, field_s: f64) -> Result<Self, BurstError> {
        let bandwidth_hz = 0.5 * job.sample_rate_hz as f64;
        let low_hz = job.bands.iter().map(|b| b.low_hz()).fold(f64::INFINITY, f64::min).max(1e6);
        // What a burst sweeps in a second at the lowest frequency.
        let smear_s_per_hz = 2.0 * delay_s(settings.dm_max, low_hz) / low_hz;
        let dispersion_hz = settings.dump_s / smear_s_per_hz.max(1e-300);
        let field_hz = 1.0 / (LONGER * field_s).max(1e-300);
        let needed = bandwidth_hz / dispersion_hz.min(field_hz);
        let some = (1..=SOME_CHANNELS)
            .rev()
            .find(|c| c.is_power_of_two() && settings.dump_s * bandwidth_hz / *c as f64 >= SOME_SPECTRA);
        let automatic = (needed.min(65_536.0) as usize).max(some.unwrap_or(8)).max(8).next_power_of_two();
        let channels = settings.channels.unwrap_or(automatic);
        if !channels.is_power_of_two() || !(8..=65_536).contains(&channels) {
            return Err(BurstError::Channels { asked: channels });
        }
        let spectrum_s = channels as f64 / bandwidth_hz;
        if settings.dump_s < FEWEST_SPECTRA * spectrum_s {
            return Err(BurstError::Dump {
                dump_ms: 1e3 * settings.dump_s,
                channel_khz: 1e-3 / spectrum_s,
                spectrum_ms: 1e3 * spectrum_s,
            });
        }
        let dump_blocks = (settings.dump_s / spectrum_s).round() as usize;
        Ok(Self { bandwidth_hz, channels, dump_blocks })
    }

    /// Width of a channel, Hz.
    pub fn channel_hz(&self) -> f64 {
        self.bandwidth_hz / self.channels as f64
    }

    /// Length of a spectrum, s.
    pub fn block_s(&self) -> f64 {
        self.channels as f64 / self.bandwidth_hz
    }

    /// Length of a dump, s.
    pub fn dump_s(&self) -> f64 {
        self.dump_blocks as f64 * self.block_s()
    }

    /// Dumps that lie wholly in a scan.
    pub fn dumps_of(&self, job: &Job, scan: usize) -> usize {
        let seconds = (job.scans[scan].end_s - job.scans[scan].start_s).max(0) as f64;
        (seconds / self.dump_s() + 1e-9) as usize
    }
}

/// All bands of one polarisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Polarisation.
    pub polarisation: char,
    /// Bands by rising frequency.
    pub bands: Vec<Shared>,
    /// Their stations.
    pub stations: Vec<usize>,
    /// Sky frequency of every channel (band by band), Hz.
    pub sky_hz: Vec<f64>,
    /// Upper edge of the highest band, Hz: where arrivals are told.
    pub top_hz: f64,
    /// First bands of those that are added with their phases.
    pub coherent: Vec<usize>,
    /// Dispersion measures that are tried, pc cm^-3.
    pub dms: Vec<f64>,
}

impl Group {
    /// The groups of a job.
    pub fn all(job: &Job, grid: &Grid, settings: &BurstSettings) -> Vec<Self> {
        let mut groups: Vec<(char, Vec<Shared>)> = Vec::new();
        for shared in shared_bands(job) {
            match groups.iter_mut().find(|(p, _)| *p == shared.polarisation) {
                Some((_, bands)) => bands.push(shared),
                None => groups.push((shared.polarisation, vec![shared])),
            }
        }
        groups.into_iter().map(|(p, bands)| Self::new(job, grid, settings, (p, bands))).collect()
    }

    fn new(
        job: &Job,
        grid: &Grid,
        settings: &BurstSettings,
        (polarisation, mut bands): (char, Vec<Shared>),
    ) -> Self {
        let low_hz = |s: &Shared| job.bands[s.band].low_hz();
        bands.sort_by(|a, b| low_hz(a).total_cmp(&low_hz(b)));
        let members = bands.iter().flat_map(|b| &b.members);
        let mut stations: Vec<usize> = members.map(|m| job.streams[m.stream].station).collect();
        stations.sort_unstable();
        stations.dedup();
        let of = |s: &Shared| {
            let low_hz = low_hz(s);
            (0..grid.channels).map(move |c| low_hz + c as f64 * grid.channel_hz())
        };
        let sky_hz: Vec<f64> = bands.iter().flat_map(of).collect();
        let top_hz = bands.iter().map(low_hz).fold(0.0, f64::max) + grid.bandwidth_hz;
        let mut coherent = vec![0];
        for b in 1..bands.len() {
            let before_hz = low_hz(&bands[b - 1]) + grid.bandwidth_hz;
            let spanned_hz = before_hz - low_hz(&bands[coherent[coherent.len() - 1]]);
            if low_hz(&bands[b]) - before_hz > APART * spanned_hz {
                coherent.push(b);
            }
        }
        let mut group = Self { polarisation, bands, stations, sky_hz, top_hz, coherent, dms: Vec::new() };
        group.dms = group.trials(grid, settings);
        group
    }

    /// Dispersion measures: from one to the next a burst moves by a dump between the lowest and the highest channel. 0 is among
    /// them: what is not dispersed is best taken out as that.
    fn trials(&self, grid: &Grid, settings: &BurstSettings) -> Vec<f64> {
        let least_hz = self.sky_hz.first().copied().unwrap_or(self.top_hz).max(1e6);
        let sweep_s = delay_s(1.0, least_hz) - delay_s(1.0, self.top_hz);
        let step = grid.dump_s() / sweep_s.max(1e-300);
        let steps = ((settings.dm_max - settings.dm_min) / step - 1e-9).ceil().max(0.0) as usize;
        let mut dms: Vec<f64> = (0..=steps)
            .map(|i| settings.dm_min + (settings.dm_max - settings.dm_min) * i as f64 / steps.max(1) as f64)
            .collect();
        if settings.dm_min > 0.0 {
            dms.insert(0, 0.0);
        }
        dms
    }

    /// How much later than at the top a burst arrives in every channel, in dumps.
    pub fn late_dumps(&self, grid: &Grid, dm: f64) -> Vec<f64> {
        let top_s = delay_s(dm, self.top_hz);
        self.sky_hz.iter().map(|hz| (delay_s(dm, hz.max(1e6)) - top_s) / grid.dump_s()).collect()
    }

    /// The same in whole dumps.
    pub fn shifts(&self, grid: &Grid, dm: f64) -> Vec<usize> {
        self.late_dumps(grid, dm).iter().map(|late| late.round().max(0.0) as usize).collect()
    }

    /// Dumps that the most dispersed burst takes to cross all bands.
    pub fn sweep(&self, grid: &Grid) -> usize {
        let dm = self.dms.last().copied().unwrap_or(0.0);
        self.late_dumps(grid, dm).into_iter().fold(0.0, f64::max).ceil() as usize + 1
    }

    /// First channel of what was recorded that is in the band, for a member of a band.
    pub fn first_channel(first_bin: usize, grid: &Grid) -> usize {
        first_bin * grid.channels / BINS
    }

    /// Bands that are added with their phases, as ranges of channels.
    pub fn coherent_channels(&self, grid: &Grid) -> Vec<std::ops::Range<usize>> {
        let ends = self.coherent.iter().skip(1).copied().chain([self.bands.len()]);
        self.coherent.iter().zip(ends).map(|(&a, b)| a * grid.channels..b * grid.channels).collect()
    }
}

/// A piece of work: bursts of one polarisation that arrive, at the top, in a stretch of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BurstUnit {
    /// Scan.
    pub scan: usize,
    /// Index into the groups.
    pub group: usize,
    /// First dump of the stretch.
    pub first: usize,
    /// Dumps.
    pub dumps: usize,
    /// First dump that is read.
    pub data_first: usize,
    /// Dumps that are read.
    pub data_dumps: usize,
}

/// Bytes of a dump: sums and counts of the powers of all stations, correlations of all pairs.
fn bytes_of_dump(group: &Group) -> usize {
    2 * size_of::<f32>() * group.sky_hz.len() * group.stations.len() + dynamic::bytes_of_dump(group)
}

impl BurstUnit {
    /// Bytes of its powers and correlations.
    pub fn bytes(&self, group: &Group) -> usize {
        self.data_dumps * bytes_of_dump(group)
    }
}

/// All units of a job.
///
/// # Errors
/// Where the memory is not enough for the dispersion, or all scans are too short.
pub fn units(
    job: &Job,
    grid: &Grid,
    groups: &[Group],
    settings: &BurstSettings,
) -> Result<Vec<BurstUnit>, BurstError> {
    let mut units = Vec::new();
    for scan in 0..job.scans.len() {
        let all = grid.dumps_of(job, scan);
        if all < 8 * WIDEST {
            continue;
        }
        for (index, group) in groups.iter().enumerate() {
            let sweep = group.sweep(grid);
            let around = 3 * sweep + 4 * WIDEST;
            let room = settings.memory_bytes / bytes_of_dump(group).max(1);
            let least = (8 * WIDEST).max(sweep).min(all);
            let fits = if room >= all { all } else { room.saturating_sub(around) };
            if fits < least {
                return Err(BurstError::Memory {
                    dm_max: settings.dm_max,
                    sweep_s: sweep as f64 * grid.dump_s(),
                    needed_mib: ((around + least).min(all) * bytes_of_dump(group)).div_ceil(1 << 20),
                });
            }
            let wanted = ((UNIT_S / grid.dump_s()) as usize).max(8 * sweep).max(least);
            let count = all.div_ceil(wanted.min(fits));
            let each = all.div_ceil(count);
            for first in (0..all).step_by(each) {
                let dumps = each.min(all - first);
                let data_first = first.saturating_sub(sweep + 2 * WIDEST);
                let data_end = (first + dumps + 2 * sweep + 2 * WIDEST).min(all);
                let data_dumps = data_end - data_first;
                units.push(BurstUnit { scan, group: index, first, dumps, data_first, data_dumps });
            }
        }
    }
    if units.is_empty() {
        return Err(BurstError::Short { needed_s: 8.0 * WIDEST as f64 * grid.dump_s() });
    }
    Ok(units)
}
