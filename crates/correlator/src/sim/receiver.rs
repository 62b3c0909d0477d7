//! What a station's receiver puts out in one band: the sources at their delays, and noise.

use super::interpolate::{BEFORE, TAPS, convolve};
use super::noise::{Stream, WhiteNoise};
use super::pulses::Dispersed;
use super::scene::{Scene, Station};
use super::source::Envelope;
use super::tones::Tones;
use super::transmitters;
use num_complex::Complex;
use std::f64::consts::TAU;

/// Samples for which the delay is taken as linear: anchored at multiples of this number, so that no sample depends on
/// where a read begins. At 1e-10 s/s^2 (Earth) and 2 MHz of rate the phase at 129 GHz is wrong by 1e-8 turns.
pub(super) const ANCHOR: i64 = 64;

/// Samples whose phases are made from one by the same steps.
const RUN: usize = 8;

/// What comes from the sky as noise.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Source(usize),
    Pulse(usize),
}

/// One station's receiver for one band.
pub(super) struct Receiver<'a> {
    scene: &'a Scene,
    station: &'a Station,
    band: usize,
    noise: WhiteNoise,
    noise_gain: f32,
    tones: Option<Tones>,
    envelopes: Vec<Envelope>,
    pulses: Vec<Dispersed>,
    envelope: Vec<Complex<f32>>,
    aligned: Vec<Complex<f32>>,
}

impl<'a> Receiver<'a> {
    pub fn new(scene: &'a Scene, station: &'a Station, band: usize) -> Self {
        let stream = Stream::Receiver { station: station.index, band };
        let (edge_hz, sign) = (scene.bands[band].edge_hz, scene.bands[band].sign);
        let centre_hz = edge_hz + sign * scene.bandwidth_hz / 2.0;
        let envelope = |(index, source): (usize, &super::scene::Source)| {
            let density = |f_hz: f64| source.density(centre_hz + f_hz);
            Envelope::new(scene.seed, Stream::Source { source: index, band }, scene.bandwidth_hz, &density)
        };
        let from_sources: f64 = scene.sources.iter().map(|source| source.power_fraction).sum();
        Self {
            scene,
            station,
            band,
            noise: WhiteNoise::new(scene.seed, stream),
            noise_gain: (1.0 - from_sources).sqrt() as f32,
            // Those that cannot be made were refused with the scene.
            tones: Tones::new(scene, station, band).ok().flatten(),
            pulses: scene
                .pulses
                .iter()
                .enumerate()
                .map(|(i, pulse)| pulse.disperse(scene, i, band))
                .collect(),
            envelopes: scene.sources.iter().enumerate().map(envelope).collect(),
            envelope: vec![Complex::default(); ANCHOR as usize + TAPS],
            aligned: vec![Complex::default(); ANCHOR as usize],
        }
    }

    /// Fills `out` with samples from number `start` on (counted from the job's start in station time), in units of the
    /// system's standard deviation. `start` and the length are multiples of 64.
    pub fn fill(&mut self, start: i64, out: &mut [f32]) {
        self.noise.fill(start, out);
        out.iter_mut().for_each(|x| *x *= self.noise_gain);
        for burst in &self.station.bursts {
            burst.amplify(self.scene.sample_rate_hz as f64, start, out);
        }
        let sources = (0..self.envelopes.len()).map(Origin::Source);
        for origin in sources.chain((0..self.pulses.len()).map(Origin::Pulse)) {
            for (i, out) in out.chunks_mut(ANCHOR as usize).enumerate() {
                self.add_noise(origin, start + i as i64 * ANCHOR, out);
            }
        }
        if let Some(tones) = &self.tones {
            tones.add(start, out);
        }
        transmitters::add(self.scene, self.station, self.band, start, out);
    }

    /// Adds 64 samples of a source or pulse: its envelope at geocentric time, turned by the phase of the delay at the band's
    /// centre, mixed down to the edge, real part.
    fn add_noise(&mut self, origin: Origin, start: i64, out: &mut [f32]) {
        let rate_hz = self.scene.sample_rate_hz as f64;
        let band = &self.scene.bands[self.band];
        let centre_hz = band.edge_hz + band.sign * self.scene.bandwidth_hz / 2.0;
        let delay_s = |n: i64| match origin {
            Origin::Source(source) => self.station.delay_at_station_s(source, n as f64 / rate_hz),
            Origin::Pulse(pulse) => self.station.pulse_delay_s(pulse, n as f64 / rate_hz),
        };
        let (first_s, next_s) = (delay_s(start), delay_s(start + ANCHOR));
        // The envelope's sample numbers count geocentric time: middle of the piece, whole and fraction of a sample.
        let shift = (first_s + next_s) / 2.0 * rate_hz;
        let whole = shift.floor();
        let first = start + whole as i64 - BEFORE as i64;
        match origin {
            Origin::Source(source) => self.envelopes[source].fill(first, &mut self.envelope),
            Origin::Pulse(pulse) => {
                if !self.pulses[pulse].fill(first, &mut self.envelope) {
                    return;
                }
            }
        }
        convolve(&self.scene.kernels.at(shift - whole), &self.envelope, &mut self.aligned);
        let turns = |delay_s: f64| (centre_hz * delay_s).rem_euclid(1.0);
        let step_turns = centre_hz * (next_s - first_s) / ANCHOR as f64;
        // From the centre to the edge: half the bandwidth is a quarter turn per sample, from a multiple of four on.
        let step = |n: usize| Complex::from_polar(1.0, TAU * n as f64 * (step_turns + band.sign * 0.25));
        let steps: [Complex<f64>; RUN] = std::array::from_fn(step);
        let mut phasor = Complex::from_polar(1.0, TAU * turns(first_s));
        for (out, y) in out.chunks_exact_mut(RUN).zip(self.aligned.chunks_exact(RUN)) {
            for ((x, y), step) in out.iter_mut().zip(y).zip(&steps) {
                let turn = phasor * step;
                *x += y.re * turn.re as f32 - y.im * turn.im as f32;
            }
            phasor *= step(RUN);
        }
    }
}
