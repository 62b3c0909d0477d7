//! Turns the sums of a shift interval to all phase centres of a scan.
//!
//! Stations first: D of every station and centre; a baseline's is the difference. Channels c of a group of those that are
//! averaged are turned by exp(2 pi i c step), the same for all groups and bands of a baseline, then the group by the phase
//! of its first channel. Blocks of centres keep their phasors in the first cache while all bands go by.

use super::{Shift, towards};
use crate::geometry::DelayModel;
use crate::integrate::{Accumulator, stations};
use crate::job::{Band, Job, Scan};
use crate::station::{Phasors, phasor};
use crate::xcorr::Sums;
use mirinae_simd::Aligned;
use mirinae_simd::{Fine, MAX_LANES, Simd, turn_groups};
use num_complex::Complex64;

/// Phase centres whose phasors are at hand at once.
const CENTRES: usize = 16;

/// A shift interval.
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    /// Its middle in s since the start of the job.
    pub middle_s: f64,
    /// Its length in s.
    pub length_s: f64,
}

/// Cross-correlations of one pair of stations.
struct Pair {
    a: usize,
    b: usize,
    products: Vec<usize>,
}

/// What turning needs, made once.
pub struct Turner {
    pairs: Vec<Pair>,
    /// By centre and station.
    of_station: Vec<Shift>,
    block: Block,
}

/// A block of phase centres.
struct Block {
    simd: Simd,
    channels: usize,
    average: usize,
    /// First centre.
    first: usize,
    /// A baseline's shifts, by centre.
    shifts: Vec<Shift>,
    /// Visibilities of a product in single precision, groups padded to whole vectors.
    vis: [Aligned; 2],
    /// Phasors of a group's channels by centre, padded the same.
    fine: [Aligned; 2],
    table: Phasors,
    sums_cg: Vec<[f32; 2]>,
}

impl Turner {
    /// For the cross-correlations of a job.
    pub fn new(job: &Job, simd: Simd) -> Self {
        let mut pairs: Vec<Pair> = Vec::new();
        for (index, product) in job.crosses.iter().enumerate() {
            let (a, b) = stations(job, product);
            match pairs.iter_mut().find(|p| (p.a, p.b) == (a, b)) {
                Some(pair) => pair.products.push(index),
                None => pairs.push(Pair { a, b, products: vec![index] }),
            }
        }
        let of_station = vec![Shift::default(); job.max_centres() * job.stations.len()];
        Self { pairs, of_station, block: Block::new(job, simd) }
    }

    /// Adds the sums of an interval, those of the products that are made, turned to every centre.
    pub fn turn(
        &mut self,
        job: &Job,
        scan: &Scan,
        (sums, made): (&Sums, &[bool]),
        interval: Interval,
        into: &mut Accumulator,
    ) {
        let Self { pairs, of_station, block } = self;
        let (centres, count) = (scan.centres.len(), job.stations.len());
        for station in 0..count {
            let pointing = scan.model.delay(0, station, interval.middle_s);
            for centre in 0..centres {
                let place = (station, interval.middle_s);
                of_station[centre * count + station] = towards(&scan.model, centre, pointing, place);
            }
        }
        for pair in pairs.iter() {
            // All bands have channels of the same width, and so the same phasors within a group.
            let products = || pair.products.iter().copied().filter(|&product| made[product]);
            let Some(first) = products().next() else { continue };
            for centres in of_station[..centres * count].chunks(CENTRES * count).enumerate() {
                let shifts = centres.1.chunks(count).map(|s| s[pair.a].minus(s[pair.b]));
                block.begin(centres.0 * CENTRES, shifts, &job.bands[job.crosses[first].band]);
                for index in products() {
                    block.product(sums.product(index));
                    block.add(index, &job.bands[job.crosses[index].band], interval.length_s, into);
                }
            }
        }
        into.end_interval(interval.length_s);
    }
}

impl Block {
    fn new(job: &Job, simd: Simd) -> Self {
        let (channels, average) = (job.channels, job.average);
        let (groups, row) = (channels / average, average.next_multiple_of(MAX_LANES));
        let room = |n: usize| [Aligned::zeros(n), Aligned::zeros(n)];
        Self {
            simd,
            channels,
            average,
            first: 0,
            shifts: Vec::with_capacity(CENTRES),
            vis: room(groups * row),
            fine: room(CENTRES * row),
            table: Phasors::new(simd, average, 1),
            sums_cg: vec![[0.0; 2]; CENTRES * groups],
        }
    }

    /// Length of a padded group.
    fn row(&self) -> usize {
        self.average.next_multiple_of(MAX_LANES)
    }

    /// Makes the phasors of a block of centres from `first` on.
    fn begin(&mut self, first: usize, shifts: impl Iterator<Item = Shift>, band: &Band) {
        let row = self.row();
        self.first = first;
        self.shifts.clear();
        self.shifts.extend(shifts);
        for (place, shift) in self.shifts.iter().enumerate() {
            let line = self.table.make(shift.turns(band, self.channels).1, 0.0);
            self.fine[0][place * row..][..self.average].copy_from_slice(line.fine.0);
            self.fine[1][place * row..][..self.average].copy_from_slice(line.fine.1);
        }
    }

    /// Turned sums of all groups of a product.
    fn product(&mut self, (re, im): (&[f64], &[f64])) {
        let row = self.row();
        for (vis, sums) in self.vis.iter_mut().zip([re, im]) {
            for (to, from) in vis.chunks_exact_mut(row).zip(sums.chunks_exact(self.average)) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from as f32);
            }
        }
        let (centres, groups) = (self.shifts.len(), self.channels / self.average);
        let [re, im] = self.fine.each_ref().map(|f| &f[..centres * row]);
        let fine = Fine { average: row, re, im };
        turn_groups(self.simd, fine, (&self.vis[0], &self.vis[1]), &mut self.sums_cg[..centres * groups]);
    }

    /// Turns groups by the phase of their first channel and adds them.
    fn add(&self, product: usize, band: &Band, length_s: f64, into: &mut Accumulator) {
        let groups = self.channels / self.average;
        for (place, shift) in self.shifts.iter().enumerate() {
            let (start, step) = shift.turns(band, self.channels);
            let (mut turn, per_group) = (phasor(start), phasor(step * self.average as f64));
            let sums = &self.sums_cg[place * groups..(place + 1) * groups];
            let coherence = length_s * shift.coherence(band, self.channels, length_s);
            let row = into.centre_mut((self.first + place, product), coherence);
            for (sum, [re, im]) in row.iter_mut().zip(sums) {
                *sum += turn * Complex64::new((*re).into(), (*im).into());
                turn *= per_group;
            }
        }
    }
}
