//! The cross test of a burst: spectra of all stations along its track, correlated at the delays of directions on the sky.
//!
//! V_ab(f) = sum_t X_a conj(X_b) over the time that the burst takes in channel f, less the same (in proportion) beside it, where
//! steady sources are and the burst is not; its variance N_ab(f) is that of the noise of both. z(tau) = |sum_f V_ab
//! exp(-2 pi i f tau)|^2 / sum_f N_ab is exponential with mean 1 where one of the two stations has noise alone, whatever the other
//! has. Bands that lie together are added with their phases; z of those apart, and of all pairs, are added, for the delays
//! of one direction: of noise the sum is Erlang's.

use super::field::FieldOfDelays;
use super::grid::{Grid, Group};
use super::powers::Wanted;
use super::spectra::Spectra;
use crate::baseband::{BasebandError, SampleSource};
use num_complex::{Complex32, Complex64};
use std::f64::consts::TAU;
use std::ops::Range;

/// Points of a delay's grid in one independent cell.
pub(super) const PER_CELL: f64 = 4.0;
/// What is beside a burst, on each side, in widths of it.
pub(super) const BESIDE_WIDTHS: f64 = 10.0;
/// Between a burst and what is beside it: widths, and dumps.
pub(super) const APART: (f64, f64) = (1.0, 2.0);
/// Share of a transform within which delays are looked for.
const DELAYS: f64 = 0.4;

/// Where a burst is: in spectra from the start of the scan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    /// Middle of the burst in every channel.
    pub centre_f: Vec<f64>,
    /// Half its width.
    pub half: f64,
    /// From the middle to the near and the far end of what is beside it.
    pub beside: (f64, f64),
}

impl Track {
    /// Of a boxcar of `width` dumps.
    pub fn new(centre_f: Vec<f64>, width: f64, dump_blocks: f64) -> Self {
        let half = 0.5 * width * dump_blocks;
        let near = half + APART.0 * 2.0 * half + APART.1 * dump_blocks;
        Self { centre_f, half, beside: (near, near + BESIDE_WIDTHS * 2.0 * half) }
    }

    /// First block that is needed and the number of them.
    pub fn span(&self) -> (i64, usize) {
        let low = self.centre_f.iter().copied().fold(f64::INFINITY, f64::min) - self.beside.1;
        let high = self.centre_f.iter().copied().fold(f64::NEG_INFINITY, f64::max) + self.beside.1;
        if !(low.is_finite() && high.is_finite()) {
            return (0, 0);
        }
        let first = low.floor().max(0.0) as i64;
        (first, (high.ceil() as i64 - first).max(0) as usize)
    }

    /// Whether a block is in the burst (`Some(true)`), beside it, or neither.
    fn part(&self, channel: usize, block: i64) -> Option<bool> {
        let off = (block as f64 + 0.5 - self.centre_f[channel]).abs();
        if off <= self.half {
            Some(true)
        } else {
            (self.beside.0..=self.beside.1).contains(&off).then_some(false)
        }
    }
}

/// Sums of a pair in one channel, on the burst and beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cell {
    pub sum: [Complex64; 2],
    pub norm: [f64; 2],
    pub count: [u32; 2],
}

impl Cell {
    /// The burst's part and its variance.
    pub fn burst(&self) -> (Complex64, f64) {
        let share = self.share();
        (self.sum[0] - share * self.sum[1], self.norm[0] + share * share * self.norm[1])
    }

    /// Blocks of the burst over those beside it.
    pub fn share(&self) -> f64 {
        if self.count[1] > 0 { f64::from(self.count[0]) / f64::from(self.count[1]) } else { 0.0 }
    }
}

/// Correlations of all pairs of stations over one burst.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Correlations {
    pub pairs: Vec<(usize, usize)>,
    /// By pair and channel.
    pub cell_pf: Vec<Vec<Cell>>,
    /// Sky frequency of every channel, Hz.
    pub sky_hz: Vec<f64>,
    /// How much later than the field's time the burst is there, s.
    pub late_s: Vec<f64>,
    /// Channels that are added with their phases.
    pub coherent: Vec<Range<usize>>,
    /// Largest delay that spectra this short can show, s.
    pub longest_s: f64,
}

impl Correlations {
    /// Room for `stations` stations.
    pub fn new(stations: usize, (group, grid): (&Group, &Grid), track: &Track) -> Self {
        let pairs: Vec<(usize, usize)> =
            (0..stations).flat_map(|a| (a + 1..stations).map(move |b| (a, b))).collect();
        let channels = group.sky_hz.len();
        let middle = track.centre_f.iter().sum::<f64>() / channels.max(1) as f64;
        Self {
            cell_pf: vec![vec![Cell::default(); channels]; pairs.len()],
            pairs,
            sky_hz: group.sky_hz.clone(),
            late_s: track.centre_f.iter().map(|c| (c - middle) * grid.block_s()).collect(),
            coherent: group.coherent_channels(grid),
            longest_s: DELAYS * grid.block_s(),
        }
    }

    /// Reads all stations once more over a burst. `noise_mf` is the noise of their channels, 0 where one is not used.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn read(
        wanted: Wanted,
        track: &Track,
        noise_mf: &[&[f64]],
        sources: &mut [Box<dyn SampleSource>],
        tick: &mut dyn FnMut(),
    ) -> Result<Self, BasebandError> {
        let mut found = Self::new(wanted.group.stations.len(), (wanted.group, wanted.grid), track);
        let mut spectra = Spectra::new(wanted, noise_mf, sources);
        let needed = |block: i64, mut range: Range<usize>| range.any(|f| track.part(f, block).is_some());
        let told = |block: i64, z_mf: &[Complex32]| found.add(track, block, z_mf);
        spectra.each(sources, track.span(), needed, told, tick)?;
        Ok(found)
    }

    /// Adds the spectra of a block, by station and channel; 0 where there is none.
    pub fn add(&mut self, track: &Track, block: i64, z_mf: &[Complex32]) {
        let channels = self.sky_hz.len();
        for f in 0..channels {
            let Some(on) = track.part(f, block) else { continue };
            let part = usize::from(!on);
            for (&(a, b), cells) in self.pairs.iter().zip(&mut self.cell_pf) {
                let (x, y) = (z_mf[a * channels + f], z_mf[b * channels + f]);
                let norm = f64::from(x.norm_sqr()) * f64::from(y.norm_sqr());
                if norm > 0.0 {
                    let cell = &mut cells[f];
                    cell.sum[part] += wide(x) * wide(y).conj();
                    cell.norm[part] += norm;
                    cell.count[part] += 1;
                }
            }
        }
    }

    /// Bands that the widest of those that are added with their phases span, Hz.
    pub fn span_hz(sky_hz: &[f64], coherent: &[Range<usize>]) -> f64 {
        let span = |r: &Range<usize>| sky_hz[r.end - 1] - sky_hz[r.start];
        coherent.iter().map(span).fold(0.0, f64::max).max(1.0)
    }

    /// Sum of a pair's channels in some coherent bands, turned by the delays that `delay_s` tells for a channel; of what `value`
    /// takes of a cell.
    fn turned(
        &self,
        (pair, channels): (usize, &Range<usize>),
        delay_s: impl Fn(usize) -> f64,
        value: impl Fn(&Cell) -> Complex64,
    ) -> Complex64 {
        let reference_hz = self.sky_hz[channels.start];
        let mut sum = Complex64::default();
        for f in channels.clone() {
            let cell = &self.cell_pf[pair][f];
            if cell.count[0] > 0 {
                // The part of the phase that all channels share does not matter, unless the delay changes along the track.
                let turns = (self.sky_hz[f] - reference_hz) * delay_s(f)
                    + reference_hz * (delay_s(f) - delay_s(channels.start));
                let (sin, cos) = libm::sincos(-TAU * (turns - turns.round()));
                sum += value(cell) * Complex64::new(cos, sin);
            }
        }
        sum
    }

    /// Variance of a pair's sum over some coherent bands.
    pub fn norm(&self, pair: usize, channels: &Range<usize>) -> f64 {
        self.cell_pf[pair][channels.clone()].iter().map(|c| c.burst().1).sum()
    }

    /// Products that were summed over the burst of a pair in some coherent bands.
    pub fn count(&self, pair: usize, channels: &Range<usize>) -> f64 {
        self.cell_pf[pair][channels.clone()].iter().map(|c| f64::from(c.count[0])).sum()
    }

    /// Sum of a pair at a direction over some coherent bands.
    pub fn at(&self, pair: usize, channels: &Range<usize>, field: &FieldOfDelays, at: [f64; 2]) -> Complex64 {
        let delay_s = |f: usize| field.delay_s(self.pairs[pair], at, self.late_s[f]);
        self.turned((pair, channels), delay_s, |c| c.burst().0)
    }

    /// z of a pair at a direction, summed over the coherent bands.
    pub fn exact(&self, pair: usize, field: &FieldOfDelays, at: [f64; 2]) -> f64 {
        self.coherent
            .iter()
            .map(|channels| {
                let norm = self.norm(pair, channels);
                let sum = self.at(pair, channels, field, at);
                if norm > 0.0 { sum.norm_sqr() / norm } else { 0.0 }
            })
            .sum()
    }

    /// Correlated power of all pairs at a direction, with the burst and, in proportion, beside it.
    pub fn powers(&self, field: &FieldOfDelays, at: [f64; 2]) -> (f64, f64) {
        let mut powers = (0.0, 0.0);
        for pair in 0..self.pairs.len() {
            let delay_s = |f: usize| field.delay_s(self.pairs[pair], at, self.late_s[f]);
            for channels in &self.coherent {
                powers.0 += self.turned((pair, channels), delay_s, |c| c.sum[0]).norm_sqr();
                powers.1 += self.turned((pair, channels), delay_s, |c| c.share() * c.sum[1]).norm_sqr();
            }
        }
        powers
    }

    /// z of a pair at delays `k` steps from 0, `-most ..= most`, and the step.
    pub fn delays(&self, pair: usize, most_s: f64) -> (Vec<f64>, f64) {
        let step_s = 1.0 / (PER_CELL * Self::span_hz(&self.sky_hz, &self.coherent));
        let most = (most_s / step_s).ceil() as i64 + 1;
        let mut z = vec![0.0; (2 * most + 1) as usize];
        for channels in &self.coherent {
            let norm = self.norm(pair, channels);
            if norm <= 0.0 {
                continue;
            }
            let mut sums = vec![Complex64::default(); z.len()];
            for f in channels.clone() {
                let cell = &self.cell_pf[pair][f];
                if cell.count[0] == 0 {
                    continue;
                }
                let turns = (self.sky_hz[f] - self.sky_hz[channels.start]) * step_s;
                let turn = |turns: f64| Complex64::from_polar(1.0, -TAU * (turns - turns.round()));
                let (mut value, by) = (cell.burst().0 * turn(-(most as f64) * turns), turn(turns));
                for sum in &mut sums {
                    *sum += value;
                    value *= by;
                }
            }
            z.iter_mut().zip(&sums).for_each(|(z, s)| *z += s.norm_sqr() / norm);
        }
        (z, step_s)
    }

    /// Pairs that have data.
    pub fn used(&self) -> Vec<usize> {
        let used = |pair: &usize| self.coherent.iter().any(|c| self.norm(*pair, c) > 0.0);
        (0..self.pairs.len()).filter(used).collect()
    }

    /// Coherent bands in which a pair has data: each adds an independent power.
    pub fn parts(&self, pair: usize) -> usize {
        self.coherent.iter().filter(|c| self.norm(pair, c) > 0.0).count()
    }

    /// Root mean square of the frequencies of a coherent band about their mean, Hz.
    pub fn spread_hz(&self, pair: usize, channels: &Range<usize>) -> f64 {
        let used = || channels.clone().filter(|f| self.cell_pf[pair][*f].count[0] > 0);
        let n = used().count().max(1) as f64;
        let mean_hz = used().map(|f| self.sky_hz[f]).sum::<f64>() / n;
        (used().map(|f| (self.sky_hz[f] - mean_hz).powi(2)).sum::<f64>() / n).sqrt()
    }
}

fn wide(z: Complex32) -> Complex64 {
    Complex64::new(z.re.into(), z.im.into())
}
