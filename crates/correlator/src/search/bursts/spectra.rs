//! Spectra of all stations side by side, in units of their noise.

use super::blocks::Blocks;
use super::powers::{Place, Wanted, streams_of};
use crate::baseband::{BasebandError, SampleSource};
use num_complex::Complex32;

/// A station's number in its group, a stream of it, and the bands that it has.
struct Stream<'a> {
    station: usize,
    stream: usize,
    places: Vec<Place>,
    blocks: Blocks<'a>,
}

/// Makes spectra of all stations of a unit.
pub(super) struct Spectra<'a> {
    wanted: Wanted<'a>,
    noise_mf: &'a [&'a [f64]],
    streams: Vec<Stream<'a>>,
    z_mf: Vec<Complex32>,
}

impl<'a> Spectra<'a> {
    /// `noise_mf` is the noise of the stations' channels, 0 where one is not used.
    pub fn new(wanted: Wanted<'a>, noise_mf: &'a [&'a [f64]], sources: &[Box<dyn SampleSource>]) -> Self {
        let Wanted { job, grid, group, simd, .. } = wanted;
        let mut streams = Vec::new();
        for (station, &of) in group.stations.iter().enumerate() {
            for (stream, places) in streams_of(job, grid, group, of) {
                let blocks = Blocks::new(job, stream, grid, sources[stream].as_ref(), simd);
                streams.push(Stream { station, stream, places, blocks });
            }
        }
        let z_mf = vec![Complex32::default(); group.stations.len() * group.sky_hz.len()];
        Self { wanted, noise_mf, streams, z_mf }
    }

    /// Tells the spectra of blocks, counted from the start of the scan, one after the other: by station and channel, 0 where there is none.
    /// Bands (ranges of channels) that are not needed in a block are not made.
    ///
    /// # Errors
    /// Where a recording cannot be read.
    pub fn each(
        &mut self,
        sources: &mut [Box<dyn SampleSource>],
        (first, count): (i64, usize),
        needed: impl Fn(i64, std::ops::Range<usize>) -> bool,
        mut told: impl FnMut(i64, &[Complex32]),
        tick: &mut dyn FnMut(),
    ) -> Result<(), BasebandError> {
        let batch = self.streams.iter().map(|s| s.blocks.batch()).min().unwrap_or(1);
        for from in (0..count).step_by(batch) {
            let n = batch.min(count - from);
            for one in &mut self.streams {
                let source = sources[one.stream].as_mut();
                one.blocks.read(source, self.wanted.unit.scan, (first + from as i64, n))?;
            }
            for k in 0..n {
                let block = first + (from + k) as i64;
                self.fill(k, |range| needed(block, range));
                told(block, &self.z_mf);
            }
            tick();
        }
        Ok(())
    }

    /// Makes the spectra of a block of those that were read.
    fn fill(&mut self, k: usize, needed: impl Fn(std::ops::Range<usize>) -> bool) {
        let (grid, channels) = (self.wanted.grid, self.wanted.group.sky_hz.len());
        self.z_mf.fill(Complex32::default());
        for one in &mut self.streams {
            for place in &one.places {
                let range = place.band * grid.channels..(place.band + 1) * grid.channels;
                if !needed(range.clone()) {
                    continue;
                }
                let Some((re, im)) = one.blocks.spectrum(k, place.channel) else { continue };
                for (c, f) in range.enumerate() {
                    let noise = self.noise_mf[one.station][f];
                    if noise > 0.0 {
                        let root = (1.0 / noise.sqrt()) as f32;
                        let at = place.first + c;
                        self.z_mf[one.station * channels + f] = Complex32::new(re[at] * root, im[at] * root);
                    }
                }
            }
        }
    }
}
