//! Folds a stream's samples at the period of its phase-calibration tones, which leaves these alone.
//!
//! A tone is (1/N) sum x_n exp(-2 pi i (f - f_0) n / rate) over N valid samples, n the number of a sample since the start
//! of the job by the station's own clock, f_0 the sky frequency that is 0 in the samples; of complex samples, conjugated
//! in a lower sideband as for spectra, half of that. So it is half the amplitude of the tone's real signal.

use super::stream::Held;
use crate::job::{Cycle, Job};
use num_complex::{Complex32, Complex64};
use std::f64::consts::TAU;

/// Samples that are turned into numbers at once.
const CHUNK: usize = 4096;
/// Samples that are folded at least: short periods are taken together.
const LEAST_FOLD: usize = 1024;
/// Numbers that a place is the sum of at most before it goes on in double precision.
const MOST_SUMMED: usize = 4096;

/// The tones of a stream.
pub(super) struct Tones {
    components: usize,
    channels: Vec<Channel>,
    numbers: Vec<f32>,
}

struct Channel {
    cycle: Cycle,
    conjugated: bool,
    /// Sums by sample of a whole number of periods and by part of a sample: since a while, and before.
    fold: Vec<f32>,
    sums: Vec<f64>,
    /// Samples in the first of them.
    folded: usize,
    /// exp(-2 pi i j / period).
    turns: Vec<Complex64>,
    /// Room for sums by sample of one period.
    sum_j: Vec<Complex64>,
}

impl Tones {
    /// Those of a stream; none where it has none.
    pub fn new(job: &Job, stream: usize) -> Option<Self> {
        let of = &job.streams[stream];
        of.phase_cal?;
        let components = if of.sampling.is_complex() { 2 } else { 1 };
        let channel = |index: usize| {
            let cycle = job.cycle(stream, index).unwrap_or(Cycle { period: 1, turns: Vec::new() });
            let length = components * cycle.period * LEAST_FOLD.div_ceil(cycle.period);
            let turn = |j: usize| Complex64::cis(-TAU * j as f64 / cycle.period as f64);
            Channel {
                conjugated: components == 2 && job.bands[of.channels[index].band].lower_sideband,
                fold: vec![0.0; length],
                sums: vec![0.0; length],
                folded: 0,
                turns: (0..cycle.period).map(turn).collect(),
                sum_j: vec![Complex64::default(); cycle.period],
                cycle,
            }
        };
        let channels = (0..of.channels.len()).map(channel).collect();
        Some(Self { components, channels, numbers: vec![0.0; CHUNK] })
    }

    /// Forgets all samples.
    pub fn clear(&mut self) {
        for channel in &mut self.channels {
            channel.fold.fill(0.0);
            channel.sums.fill(0.0);
            channel.folded = 0;
        }
    }

    /// Adds the valid samples `from .. to` of a channel of what is held; `number` is that of its first sample.
    pub fn add(&mut self, held: &Held, channel: usize, (from, to): (usize, usize), number: i64) {
        let Self { components, channels, numbers } = self;
        let of = &mut channels[channel];
        if of.cycle.turns.is_empty() {
            return;
        }
        for at in (from..to).step_by(CHUNK) {
            let n = CHUNK.min(to - at);
            match held {
                Held::Codes(codes) => {
                    codes.values(channel, at, &mut numbers[..n]);
                    of.add(&numbers[..n], *components, number + at as i64);
                }
                Held::Numbers { samples, .. } => {
                    let values = &samples.channel(channel)[at * *components..(at + n) * *components];
                    of.add(values, *components, number + at as i64);
                }
            }
        }
    }

    /// The tones of all channels, of each one as many valid samples as `samples_c` says. Where there are none it is 0.
    pub fn finish(&mut self, samples_c: &[u64], into: &mut Vec<Complex32>) {
        for (channel, &samples) in self.channels.iter_mut().zip(samples_c) {
            channel.finish(self.components, samples, into);
        }
    }
}

impl Channel {
    fn add(&mut self, values: &[f32], components: usize, number: i64) {
        let samples = (self.fold.len() / components) as i64;
        let mut place = components * number.rem_euclid(samples) as usize;
        let mut rest = values;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.fold.len() - place));
            self.fold[place..].iter_mut().zip(now).for_each(|(sum, x)| *sum += x);
            (rest, place) = (later, 0);
        }
        self.folded += values.len();
        if self.folded > MOST_SUMMED * self.fold.len() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.sums.iter_mut().zip(&mut self.fold).for_each(|(sum, x)| *sum += f64::from(std::mem::take(x)));
        self.folded = 0;
    }

    fn finish(&mut self, components: usize, samples: u64, into: &mut Vec<Complex32>) {
        self.flush();
        let Self { cycle: Cycle { period, turns: of_tones }, sums, turns, conjugated, sum_j, .. } = self;
        sum_j.fill(Complex64::default());
        for (index, values) in sums.chunks(components).enumerate() {
            let im = values.get(1).copied().unwrap_or(0.0);
            sum_j[index % *period] += Complex64::new(values[0], if *conjugated { -im } else { im });
        }
        let scale = if samples > 0 { 1.0 / (components as f64 * samples as f64) } else { 0.0 };
        for &of_tone in of_tones.iter() {
            let turned = sum_j.iter().enumerate().map(|(j, sum)| sum * turns[of_tone * j % *period]);
            let tone = turned.sum::<Complex64>() * scale;
            into.push(Complex32::new(tone.re as f32, tone.im as f32));
        }
    }
}
