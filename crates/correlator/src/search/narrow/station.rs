//! One station's spectra of a unit, and the noise around each channel.

use super::channelise::{Channeliser, Wanted, first_step};
use super::grid::{Grid, STEPS};
use super::noise::{PIECE, Scale, median, median_of_mean};
use super::sums::{Spectrum, Sums};
use super::voltages::{Memory, Voltages};
use crate::baseband::{BasebandError, SampleSource};
use mirinae_simd::Simd;
use std::ops::Range;

/// Spectra with less of their samples than this are not used.
const LEAST_VALID: f64 = 0.5;
/// Powers of a spectrum whose median is its noise: more tell little more.
const ENOUGH: usize = 1 << 14;
/// Channels of a piece of the band.
const PIECE_CHANNELS: usize = PIECE / STEPS;
/// Pieces whose noise is measured at once.
const PIECES_AT_ONCE: usize = 16;

/// What a station has of a unit.
pub(super) struct Station {
    /// Spectra.
    pub voltages: Voltages,
    /// Number of them.
    pub spectra: usize,
    /// Channels, margins included.
    pub channels: usize,
    /// Channels that the station has recorded over all of the stretch.
    pub inside: Range<usize>,
    /// Noise; its steps begin with the first channel.
    pub scale: Scale,
}

/// Sky frequency of the first channel of a unit's spectra, in steps from the band's lower edge.
pub(super) fn first_step_of(grid: &Grid, first_sub_band: usize) -> i64 {
    first_step(grid, first_sub_band) + (grid.guard_steps() - grid.margin()) as i64
}

impl Station {
    /// What spectra and their noise make.
    #[cfg(test)]
    pub fn of(
        voltages: Voltages,
        (spectra, channels): (usize, usize),
        inside: Range<usize>,
        scale: Scale,
    ) -> Self {
        Self { voltages, spectra, channels, inside, scale }
    }

    /// Noise power at steps, in units of that of a spectrum; 0 where there is nothing.
    pub fn noise(&self, steps: Range<i64>) -> Vec<f64> {
        let of = |step: i64| {
            let inside = usize::try_from(step).ok().filter(|step| self.inside.contains(&(step / STEPS)));
            inside.map_or(0.0, |step| self.scale.piece(step))
        };
        steps.map(of).collect()
    }

    /// Whether there are enough data to be searched.
    pub fn is_usable(&self) -> bool {
        self.scale.used() > 0 && self.scale.used() * 2 >= self.spectra
    }

    /// Reads and transforms a station's part of a unit. `recorded` are the steps from the band's lower edge that the station,
    /// which moves, has recorded. `raw(spectrum, channel from the band's lower edge, powers)` sees every power, margins left out.
    ///
    /// # Errors
    /// Where the recording cannot be read.
    pub fn read(
        channeliser: &mut Channeliser,
        source: &mut dyn SampleSource,
        (grid, wanted, recorded): (&Grid, Wanted, Range<i64>),
        ((sums, memory), raw, simd): ((&mut Sums, Memory), Option<super::unit::RawOf>, Simd),
        tick: &mut dyn FnMut(),
    ) -> Result<Self, BasebandError> {
        let (own, guard, margin) = (grid.own_channels(), grid.guard_steps() / STEPS, grid.margin() / STEPS);
        let count = wanted.sub_bands.len();
        // A sub-band's own channels, and the margins of the first and the last.
        let part = |place: usize| {
            let from = guard - if place == 0 { margin } else { 0 };
            from..guard + own + if place + 1 == count { margin } else { 0 }
        };
        let widths: Vec<usize> = (0..count).map(|place| part(place).len()).collect();
        let channels = widths.iter().sum();
        let mut voltages = Voltages::new(wanted.spectra, &widths, (memory, simd));
        let first = first_step_of(grid, wanted.sub_bands[0]);
        let place = |step: i64| ((step - first).max(0) as usize / STEPS).min(channels);
        let begin = place(recorded.start + STEPS as i64 - 1);
        let inside = begin..place(recorded.end).max(begin);
        let mut medians = Medians::new(&inside);
        let mut time_t = vec![0.0; wanted.spectra];
        let (mut line, mut raw, mut made) = (Vec::new(), raw, 0);
        let mut sink = |t: usize, place: usize, spectrum: Spectrum, valid: f64| {
            let range = part(place);
            voltages.put((t, place), spectrum, range.start);
            made += 1;
            // The margin before the first sub-band's own channels is counted, too.
            let at = place * own + margin + range.start - guard;
            medians.add(at, spectrum, range);
            if place + 1 == count {
                let noise = medians.take() / std::f64::consts::LN_2;
                time_t[t] = if valid >= LEAST_VALID && noise > 0.0 { noise } else { 0.0 };
            }
            if let Some(raw) = &mut raw {
                line.clear();
                line.extend((guard..guard + own).map(|channel| spectrum.power(channel)));
                raw(t, wanted.sub_bands[place] * grid.own_channels(), &line);
            }
        };
        channeliser.run(source, wanted, (sums, &mut sink), tick)?;
        debug_assert_eq!(made, wanted.spectra * count, "memory may hold other spectra");
        let scale = Scale::of_times(time_t);
        let mut station = Self { voltages, spectra: wanted.spectra, channels, inside, scale };
        let pieces = station.pieces(tick);
        station.scale = station.scale.with_pieces(pieces);
        Ok(station)
    }

    /// Noise of each piece of the band, relative to that of its spectra: the median of the means over time, which does not see
    /// signals, if they are narrow.
    fn pieces(&self, tick: &mut dyn FnMut()) -> Vec<f64> {
        let used = self.scale.used();
        if used == 0 {
            return Vec::new();
        }
        let expected = median_of_mean(used);
        let at_once = PIECES_AT_ONCE * PIECE_CHANNELS;
        let mut pieces = Vec::with_capacity(self.channels.div_ceil(PIECE_CHANNELS));
        let mut mean = vec![0.0f32; at_once];
        for from in (0..self.channels).step_by(at_once) {
            let n = at_once.min(self.channels - from);
            mean.fill(0.0);
            for t in 0..self.spectra {
                let time = self.scale.time_t[t];
                if time > 0.0 {
                    let weight = (1.0 / (time * used as f64)) as f32;
                    self.voltages.add_powers(t, from, weight, &mut mean[..n]);
                }
            }
            for (i, piece) in mean[..n].chunks_mut(PIECE_CHANNELS).enumerate() {
                let start = from + i * PIECE_CHANNELS;
                let range = self.inside.start.max(start)..self.inside.end.min(start + piece.len());
                let inside = piece.get_mut(range.start - start..range.end.max(start) - start);
                let inside = inside.unwrap_or_default();
                // A piece outside, or one that is nearly so, has its neighbour's noise.
                let whole = inside.len() * 4 >= PIECE_CHANNELS || self.channels < 2 * PIECE_CHANNELS;
                let noise = median(inside) / expected;
                pieces.push(if whole && noise > 0.0 { noise } else { 0.0 });
            }
            tick();
        }
        pieces
    }
}

/// Collects powers of a spectrum, evenly spread over what was recorded, for their median.
struct Medians {
    inside: Range<usize>,
    stride: usize,
    powers: Vec<f32>,
}

impl Medians {
    fn new(inside: &Range<usize>) -> Self {
        Self { inside: inside.clone(), stride: (inside.len() / ENOUGH).max(1), powers: Vec::new() }
    }

    /// Adds channels of a sub-band, the first of which is at `at`.
    fn add(&mut self, at: usize, spectrum: Spectrum, channels: Range<usize>) {
        let from = at.max(self.inside.start);
        let first = self.inside.start + (from - self.inside.start).next_multiple_of(self.stride);
        let end = self.inside.end.min(at + channels.len());
        let powers =
            (first..end).step_by(self.stride).map(|place| spectrum.power(place - at + channels.start));
        self.powers.extend(powers);
    }

    fn take(&mut self) -> f64 {
        let middle = median(&mut self.powers);
        self.powers.clear();
        middle
    }
}
