//! Finds bursts in the powers of all stations and in their sum: the strongest first, taken out, again.

use super::super::chance::{ln_chance_of_many, sigma};
use super::dedisperse::{running, track_sums};
use super::grid::{WIDEST, WIDTHS};
use super::powers::{Powers, quartiles, scatter};
use super::scale::{Scale, evenness, expected};
use super::scan::Scan;
use super::weak::weak;

/// Arrivals of a tile, within which the strongest burst is kept.
const TILE: usize = 256;
/// Bursts of a unit at most: where there are more it is full of interference.
const MOST_BURSTS: usize = 200;
/// Boxcars with less than this of the powers that they should have are not looked at.
pub(super) const LEAST_SHARE: f64 = 0.25;
/// A boxcar's probability is worked out where its standard deviations are at most so much below the threshold's sigma.
const BELOW_S: f64 = 0.9;
/// Standard deviations above which a boxcar beside a burst belongs to it.
const BESIDE_S: f64 = 4.0;
/// Boxcars beside a burst at most that belong to it.
const MOST_BESIDE: i64 = 64;
/// How often the noise is measured at most.
const MOST_PASSES: usize = 3;
/// Standard deviations of an estimated scatter that are put up with.
const SCATTER_S: f64 = 2.5;

/// A track in time and frequency whose power noise does not reach.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Burst {
    /// Station among the group's that has it; their number where it is their sum that has.
    pub stream: usize,
    /// Index of the dispersion measure.
    pub dm: usize,
    /// First dump of the boxcar at the top frequency, counted from the first that was read.
    pub start: i64,
    /// Dumps of the boxcar.
    pub width: usize,
    /// Sum of its powers less that of noise, and their number.
    pub sum: (f64, f64),
    /// The same of every station in the same boxcar.
    pub sum_m: Vec<(f64, f64)>,
    /// Natural logarithm of the probability that noise does as much in one trial.
    pub ln_chance: f64,
    /// The same of every station in the same boxcar; 0 where it has no data.
    pub ln_chance_m: Vec<f64>,
    /// Share of the boxcar's powers that every station has.
    pub share_m: Vec<f64>,
}

/// What a search gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    pub bursts: Vec<Burst>,
    /// Boxcars that were tried.
    pub trials: f64,
    /// There are more.
    pub crowded: bool,
    /// Weaker ones in the sum of the stations, for the cross test; few overlap.
    pub weak: Vec<Burst>,
    /// Natural logarithm of the probability of the likeliest powers among those.
    pub ln_first: f64,
}

/// What the search is made over.
pub(super) struct Search<'a> {
    /// Powers by station.
    pub powers: &'a mut [Powers],
    /// How late every channel is, in dumps, by dispersion measure.
    pub shifts: &'a [Vec<usize>],
    /// Channels of a band.
    pub band_channels: usize,
    /// Arrivals that are searched, in dumps from the first that was read: own ones, and those whose tracks cross them.
    pub arrivals: (i64, i64),
    /// Arrivals that are told.
    pub own: (i64, i64),
    pub ln_threshold: f64,
}

/// Sums along tracks from an arrival on, running: by stream, less the mean of noise, and how many powers.
#[derive(Default)]
struct Rows {
    excess: Vec<Vec<f64>>,
    count: Vec<Vec<f64>>,
}

pub(super) struct Worker<'a, 'b> {
    pub search: &'b mut Search<'a>,
    pub scales: Vec<Vec<Scale>>,
    /// By stream and tile.
    best: Vec<Vec<Option<Burst>>>,
    /// Powers of a dump in which nothing is missing, by stream.
    pub full: Vec<f64>,
    /// Scatter squared of the total power of a band, less 1, by stream and band.
    evenness: Vec<Vec<f64>>,
    rows: Rows,
    scratch: [Vec<f32>; 4],
}

/// Looks for bursts, and with a scan for weak ones in the sum of several stations. `seen` is told each with the powers before it is taken out of them.
pub(super) fn find(
    search: &mut Search,
    scan: Option<&mut Scan>,
    seen: &mut dyn FnMut(&Burst, &[Powers]),
    tick: &mut dyn FnMut(),
) -> Found {
    let (streams, tiles) = (search.streams(), search.tiles());
    let own = (search.own.1 - search.own.0).max(0) as f64;
    let trials = own * (streams * search.shifts.len() * WIDTHS.len()) as f64;
    let mut found = Found { trials, ..Found::default() };
    let mut worker = Worker {
        scales: vec![Vec::new(); streams],
        best: vec![vec![None; tiles]; streams],
        full: vec![0.0; streams],
        evenness: Vec::new(),
        rows: Rows::default(),
        scratch: Default::default(),
        search,
    };
    let (mut taken, mut before) = (0, usize::MAX);
    // The noise is measured again without what was found, as long as that finds more.
    for _ in 0..MOST_PASSES {
        if taken == before || found.crowded {
            break;
        }
        before = taken;
        worker.look_at_all(tick);
        while let Some(burst) = worker.strongest() {
            if taken >= MOST_BURSTS {
                found.crowded = true;
                break;
            }
            taken += 1;
            let burst = worker.told(burst);
            let own = worker.search.own;
            if (own.0..own.1).contains(&(burst.start + burst.width as i64 / 2)) {
                seen(&burst, worker.search.powers);
                found.bursts.push(burst.clone());
            }
            worker.take_out(&burst, tick);
        }
    }
    found.bursts.iter_mut().for_each(|burst| worker.judge(burst));
    if let Some(scan) = scan {
        (found.weak, found.ln_first) = weak(&mut worker, scan, tick);
    }
    found
}

impl Search<'_> {
    /// Stations, and their sum where there are several.
    pub fn streams(&self) -> usize {
        self.powers.len() + usize::from(self.powers.len() > 1)
    }

    fn tiles(&self) -> usize {
        ((self.arrivals.1 - self.arrivals.0).max(0) as usize).div_ceil(TILE)
    }
}

impl Worker<'_, '_> {
    /// Sums along the tracks of a dispersion measure for `n` arrivals (and boxcars that begin there) from one on.
    pub fn sum(&mut self, dm: usize, from: i64, n: usize) {
        let Self { search, rows, scratch: [x, c, x_all, c_all], .. } = self;
        let streams = search.streams();
        rows.excess.resize(streams, Vec::new());
        rows.count.resize(streams, Vec::new());
        let length = n + WIDEST;
        for v in [&mut *x, c, x_all, c_all] {
            v.clear();
            v.resize(length, 0.0);
        }
        for (m, powers) in search.powers.iter().enumerate() {
            track_sums(&powers.sum_ft, powers.dumps, &search.shifts[dm], from, x);
            track_sums(&powers.count_ft, powers.dumps, &search.shifts[dm], from, c);
            x.iter_mut().zip(c.iter()).for_each(|(x, c)| *x -= c);
            x_all.iter_mut().zip(x.iter()).for_each(|(all, x)| *all += x);
            c_all.iter_mut().zip(c.iter()).for_each(|(all, c)| *all += c);
            running(x, &mut rows.excess[m]);
            running(c, &mut rows.count[m]);
        }
        if streams > search.powers.len() {
            running(x_all, &mut rows.excess[streams - 1]);
            running(c_all, &mut rows.count[streams - 1]);
        }
    }

    /// Measures the scatter of all tracks and finds the strongest boxcars.
    fn look_at_all(&mut self, tick: &mut dyn FnMut()) {
        self.scales.iter_mut().for_each(Vec::clear);
        self.best.iter_mut().flatten().for_each(|best| *best = None);
        let (from, to) = self.search.arrivals;
        let n = (to - from).max(0) as usize;
        let dumps = |p: &Powers| p.count_ft.len() / p.dumps.max(1);
        for (m, powers) in self.search.powers.iter().enumerate() {
            // What a dump of all channels has, most of the time.
            let mut counts = vec![0.0f32; powers.dumps];
            track_sums(&powers.count_ft, powers.dumps, &vec![0; dumps(powers)], 0, &mut counts);
            self.full[m] = quartiles(&mut counts)[1];
        }
        let streams = self.search.streams();
        if streams > self.search.powers.len() {
            self.full[streams - 1] = self.full[..streams - 1].iter().sum();
        }
        self.evenness = self.search.powers.iter().map(|p| evenness(p, self.search.band_channels)).collect();
        if streams > self.search.powers.len() {
            let of = |band: usize| {
                self.evenness.iter().map(|bands| bands[band]).sum::<f64>() / self.search.powers.len() as f64
            };
            self.evenness.push((0..self.evenness[0].len()).map(of).collect());
        }
        for dm in 0..self.search.shifts.len() {
            self.sum(dm, from, n);
            for stream in 0..streams {
                let scale = self.scale((stream, dm), n);
                self.scales[stream].push(scale);
                for tile in 0..self.search.tiles() {
                    self.look((stream, dm), tile, tile * TILE);
                }
            }
            tick();
        }
    }

    /// The scatter of a stream's sums: what the evenness of its bands makes of it, or more where the sums themselves say so.
    /// From quartiles: bursts do not matter.
    fn scale(&self, (stream, dm): (usize, usize), n: usize) -> Scale {
        let mut scale = Scale { scatter_w: [1.0; WIDTHS.len()] };
        let mut values = Vec::with_capacity(n);
        for (w, &width) in WIDTHS.iter().enumerate() {
            values.clear();
            for t in (0..n).step_by(width.div_ceil(2)) {
                let (excess, count) = self.boxcar(stream, t, width);
                if count > LEAST_SHARE * self.full[stream] * width as f64 && count > 0.0 {
                    values.push((excess / count.sqrt()) as f32);
                }
            }
            let late = (&self.search.shifts[dm][..], self.search.band_channels);
            let expected = expected(&self.evenness[stream], late, width);
            scale.scatter_w[w] = expected;
            if values.is_empty() {
                continue;
            }
            let found = scatter(quartiles(&mut values));
            // Only what is more than its own error wider is taken for real.
            let independent = (n as f64 / width as f64).max(1.0);
            let error = SCATTER_S * 1.17 / independent.sqrt();
            scale.scatter_w[w] = expected.max(found / (1.0 + error));
        }
        scale
    }

    /// Excess and number of powers of a boxcar.
    pub fn boxcar(&self, stream: usize, t: usize, width: usize) -> (f64, f64) {
        let (excess, count) = (&self.rows.excess[stream], &self.rows.count[stream]);
        (excess[t + width] - excess[t], count[t + width] - count[t])
    }

    /// Keeps the strongest boxcar of a tile if it is stronger than what is kept; `at` is the tile's first place in the rows.
    fn look(&mut self, (stream, dm): (usize, usize), tile: usize, at: usize) {
        let (from, to) = self.search.arrivals;
        let begin = from + (tile * TILE) as i64;
        let n = TILE.min((to - begin).max(0) as usize);
        let scale = self.scales[stream][dm];
        let mut best = self.best[stream][tile].take();
        let mut top = best.as_ref().map_or(0.0, |b| sigma(b.ln_chance));
        for (w, &width) in WIDTHS.iter().enumerate() {
            let scatter = scale.scatter_w[w];
            let least = LEAST_SHARE * self.full[stream] * width as f64;
            let worth_s = (sigma(self.search.ln_threshold) - BELOW_S).max(top - 0.5);
            let lower = scatter * worth_s;
            let worth = lower.max(0.0).powi(2);
            let (excess, count) = (&self.rows.excess[stream][at..], &self.rows.count[stream][at..]);
            for t in 0..n {
                let (e, c) = (excess[t + width] - excess[t], count[t + width] - count[t]);
                if e <= 0.0 || e * e <= worth * c || c < least {
                    continue;
                }
                let s = e / c.sqrt() / scatter;
                if s + 0.5 <= top {
                    continue;
                }
                let ln_chance = ln_chance_of_many(c, c + s * c.sqrt());
                if ln_chance <= self.search.ln_threshold && sigma(ln_chance) > top {
                    top = sigma(ln_chance);
                    let (start, sum) = (begin + t as i64, (e, c));
                    best = Some(Burst { stream, dm, start, width, sum, ln_chance, ..Burst::default() });
                }
            }
        }
        self.best[stream][tile] = best;
    }

    fn strongest(&self) -> Option<Burst> {
        let all = self.best.iter().flatten().flatten();
        all.reduce(|a, b| if b.ln_chance < a.ln_chance { b } else { a }).cloned()
    }

    /// Adds what every station has in the boxcar.
    pub fn told(&mut self, mut burst: Burst) -> Burst {
        self.sum(burst.dm, burst.start, 1);
        for m in 0..self.search.powers.len() {
            let (excess, count) = self.boxcar(m, 0, burst.width);
            let full = self.full[m] * burst.width as f64;
            burst.share_m.push(if full > 0.0 { (count / full).min(1.0) } else { 0.0 });
            burst.sum_m.push((excess, count));
        }
        burst
    }

    /// Tells the probabilities of a burst with the noise as it was measured last.
    pub fn judge(&self, burst: &mut Burst) {
        let w = WIDTHS.iter().position(|w| *w == burst.width).unwrap_or(0);
        let chance = |stream: usize, (excess, count): (f64, f64)| {
            let scale = self.scales[stream][burst.dm];
            let s = excess / count.max(1.0).sqrt() / scale.scatter_w[w];
            ln_chance_of_many(count, count + s * count.sqrt())
        };
        burst.ln_chance = chance(burst.stream, burst.sum);
        burst.ln_chance_m = burst.sum_m.iter().enumerate().map(|(m, sum)| chance(m, *sum)).collect();
    }

    /// Dumps before and after a boxcar that belong to the burst, too.
    fn beside(&mut self, burst: &Burst) -> (i64, i64) {
        let width = burst.width as i64;
        let reach = MOST_BESIDE * width;
        let from = burst.start - reach;
        self.sum(burst.dm, from, (2 * reach + width) as usize);
        let scale = self.scales[burst.stream][burst.dm];
        let bright = |k: i64| {
            let (excess, count) = self.boxcar(burst.stream, (reach + k * width) as usize, burst.width);
            count > 0.0 && excess / count.sqrt() / scale.scatter_w[0] > BESIDE_S
        };
        let before = (1..MOST_BESIDE).take_while(|k| bright(-k)).count() as i64;
        let after = (1..MOST_BESIDE).take_while(|k| bright(*k)).count() as i64;
        // A dump more: dispersion measures between two trials are off by part of one.
        (before * width + 1 + width / 4, after * width + 1 + width / 4)
    }

    /// Forgets a burst's powers at the stations that have it, and looks again where they were.
    fn take_out(&mut self, burst: &Burst, tick: &mut dyn FnMut()) {
        let (before, after) = self.beside(burst);
        let (from, to) = (burst.start - before, burst.start + burst.width as i64 + after);
        let stations = self.search.powers.len();
        let all = burst.stream == stations;
        for (m, powers) in self.search.powers.iter_mut().enumerate() {
            if all || m == burst.stream {
                for (f, shift) in self.search.shifts[burst.dm].iter().enumerate() {
                    powers.forget(f, (from + *shift as i64, to + *shift as i64));
                }
            }
        }
        let sweep = self.search.shifts.iter().flatten().copied().max().unwrap_or(0) as i64;
        let first = self.search.arrivals.0;
        let tile = |t: i64| ((t - first).max(0) as usize / TILE).min(self.search.tiles().saturating_sub(1));
        let (low, high) = (tile(from - sweep - WIDEST as i64), tile(to + sweep));
        let streams: Vec<usize> =
            (0..self.search.streams()).filter(|s| all || *s == burst.stream || *s == stations).collect();
        for &stream in &streams {
            self.best[stream][low..=high].fill(None);
        }
        for dm in 0..self.search.shifts.len() {
            self.sum(dm, first + (low * TILE) as i64, (high - low + 1) * TILE);
            for &stream in &streams {
                for tile in low..=high {
                    self.look((stream, dm), tile, (tile - low) * TILE);
                }
            }
        }
        tick();
    }
}
