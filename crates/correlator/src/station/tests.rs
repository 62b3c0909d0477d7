//! Spectra against the definition, and a tone that comes late by a fraction of a sample.
use super::*;
use crate::baseband::{BasebandError, SampleLayout, SampleSource, Samples, UtcSecond};
use mirinae_simd::SimdPath;
use num_complex::Complex64;
use proptest::prelude::*;
use std::f64::consts::TAU;

/// Samples of two channels, given by functions of the sample number.
struct Made<F> {
    layout: SampleLayout,
    value: F,
}

impl<F: Fn(usize, i64) -> f32> SampleSource for Made<F> {
    fn layout(&self) -> &SampleLayout {
        &self.layout
    }
    fn read(&mut self, start: i64, n: usize, out: &mut Samples) -> Result<(), BasebandError> {
        out.reset(&self.layout, n);
        let (data, valid) = out.thread_mut(0);
        for (at, x) in data.iter_mut().enumerate() {
            *x = (self.value)(at / n, start + (at % n) as i64);
        }
        valid.push(0, n);
        Ok(())
    }
}

fn samples(n: usize, value: impl Fn(usize, i64) -> f32) -> Samples {
    let layout = SampleLayout {
        channels: 2,
        components: 1,
        channels_per_thread: 2,
        sample_rate_hz: 32_000_000,
        reference: UtcSecond::new(60000, 0),
    };
    let mut out = Samples::default();
    Made { layout, value }.read(0, n, &mut out).unwrap();
    out
}

fn setup(channels: usize, rotation: Rotation) -> StationSetup {
    let channel = |lower_sideband, clock_offset_samples| ChannelSetup {
        lo_hz: 22.016e9,
        lower_sideband,
        clock_offset_samples,
    };
    let recorded = vec![channel(false, 0.0), channel(true, 0.15)];
    StationSetup { channels, sampling: Sampling::Real, rotation, recorded }
}

fn noise(channel: usize, i: i64) -> f32 {
    let x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(channel as u64 * 77);
    ((x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

fn kernel_spectrum(
    setup: &StationSetup,
    samples: &Samples,
    first: usize,
    delay: &BlockDelay,
    c: usize,
) -> Vec<Complex64> {
    let mut kernel = StationKernel::new(setup.clone(), Simd::new(SimdPath::detect()), 1);
    let mut spectra = Spectra::new(2, 1, setup.channels);
    let (re, im) = spectra.planes_mut(c, 0);
    // Complex samples are made of a run of real ones: two numbers each.
    let run = Run::Floats(&samples.channel(c)[first..first + 2 * setup.channels]);
    kernel.one(Item { channel: c, run, delay, block: 0, re, im });
    let (re, im) = spectra.planes(c, 0);
    re.iter().zip(im).map(|(r, i)| Complex64::new((*r).into(), (*i).into())).collect()
}

fn relative(a: &[Complex64], b: &[Complex64]) -> f64 {
    let off: f64 = a.iter().zip(b).map(|(x, y)| (x - y).norm_sqr()).sum();
    (off / b.iter().map(Complex64::norm_sqr).sum::<f64>()).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn kernel_is_the_oracle(
        channels in prop::sample::select(vec![4usize, 50, 64, 128, 256]),
        fraction_samples in -0.5f64..0.5, first_s in -0.03f64..0.03, rate in -3e-6f64..3e-6, first in 0usize..9,
        after in any::<bool>(),
        sampling in prop::sample::select(vec![Sampling::Real, Sampling::Complex, Sampling::ComplexCentred]),
    ) {
        let rotation = if after { Rotation::AfterTransform } else { Rotation::BeforeTransform };
        let setup = StationSetup { sampling, ..setup(channels, rotation) };
        let n = 2 * channels;
        let step_s = rate / 32e6;
        let centre_s = first_s + step_s * channels as f64;
        let delay = BlockDelay { nearest_sample: 0, fraction_samples, first_s, step_s, centre_s };
        let samples = samples(n + 10, noise);
        for c in 0..2 {
            let exact = oracle::spectrum(&setup, c, &samples.channel(c)[first..first + n], &delay);
            let found = kernel_spectrum(&setup, &samples, first, &delay, c);
            prop_assert!(relative(&found, &exact) < 1e-6, "{:e}", relative(&found, &exact));
        }
    }
}

/// A tone at a sky frequency reaches the station at t - tau. Whatever the delay and its rate, the spectrum must be that
/// of a station in the geocentre: the same bin, the same phase.
#[test]
fn a_delayed_tone_is_brought_back() {
    let (channels, rate_hz) = (64usize, 32e6f64);
    for (bin, lower) in [(20.0, false), (-13.0, true)] {
        let baseband_hz = bin * rate_hz / (2 * channels) as f64;
        let (lo_hz, c) = (22.016e9, usize::from(lower));
        for (delay_s, rate) in [(0.0, 0.0), (1.234_567e-6, 0.0), (3.21e-6, 1e-6), (-2.5e-6, -2e-6)] {
            let setup = StationSetup {
                recorded: [false, true]
                    .map(|lower_sideband| ChannelSetup { lo_hz, lower_sideband, clock_offset_samples: 0.0 })
                    .to_vec(),
                ..setup(channels, Rotation::BeforeTransform)
            };
            // Station time s = t - tau(t): the wave's phase there is that at geocentric time t, mixed down at s.
            let model = |t_s: f64| delay_s + rate * t_s;
            let geocentric = |s: f64| (s + delay_s) / (1.0 - rate);
            let value = |_: usize, i: i64| {
                let s = (i - 200) as f64 / rate_hz;
                let turns = (lo_hz + baseband_hz) * (geocentric(s) - s) + baseband_hz * s;
                (TAU * turns.fract()).cos() as f32
            };
            let samples = samples(600, value);
            let block_centre_s = channels as f64 / rate_hz;
            let shift = -model(block_centre_s) * rate_hz;
            let nearest = (shift + 0.5).floor();
            let delay = BlockDelay {
                nearest_sample: nearest as i64,
                fraction_samples: shift - nearest,
                first_s: model(0.0),
                step_s: rate / rate_hz,
                centre_s: model(block_centre_s),
            };
            let first = (200 + delay.nearest_sample) as usize;
            let found = kernel_spectrum(&setup, &samples, first, &delay, c);
            let at = if lower { (channels as f64 + bin) as usize } else { bin as usize };
            let expected = channels as f64;
            let error = (found[at] - Complex64::new(expected, 0.0)).norm() / expected;
            assert!(error < 0.03, "bin {bin}, delay {delay_s}, rate {rate}: {} off {error}", found[at]);
            // Without the fraction's correction the phase is off: the test can fail.
            if delay.fraction_samples.abs() > 0.3 {
                let wrong = BlockDelay { fraction_samples: 0.0, ..delay };
                let found = kernel_spectrum(&setup, &samples, first, &wrong, c)[at];
                assert!((found - Complex64::new(expected, 0.0)).norm() / expected > 0.1);
            }
        }
    }
}

/// Two channels (or blocks) by one transform, on every path, with both sidebands: the same as one by one.
#[test]
fn pairs_and_paths_agree() {
    let delay =
        BlockDelay { nearest_sample: 0, fraction_samples: 0.3, first_s: 0.01, step_s: 1e-14, centre_s: 0.01 };
    let n = 512;
    let samples = samples(n, noise);
    let exact = |setup: &StationSetup, c: usize| oracle::spectrum(setup, c, samples.channel(c), &delay);
    for path in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        for (rotation, second) in
            [(Rotation::AfterTransform, 1), (Rotation::AfterTransform, 0), (Rotation::BeforeTransform, 1)]
        {
            let setup = setup(n / 2, rotation);
            let mut kernel = StationKernel::new(setup.clone(), Simd::new(path), 2);
            let mut spectra = Spectra::new(2, 2, n / 2);
            let [a, b] = spectra.two_mut((0, 0), (1, 1)).unwrap();
            let item = |channel: usize, (re, im)| {
                let run = Run::Floats(samples.channel(channel));
                Item { channel, run, delay: &delay, block: 0, re, im }
            };
            kernel.two([item(0, a), item(second, b)]);
            for (c, place) in [(0, (0, 0)), (second, (1, 1))] {
                let (re, im) = spectra.planes(place.0, place.1);
                let found: Vec<Complex64> =
                    re.iter().zip(im).map(|(r, i)| Complex64::new((*r).into(), (*i).into())).collect();
                let error = relative(&found, &exact(&setup, c));
                assert!(error < 1e-6, "{path:?} {rotation:?} {c}: {error:e}");
            }
        }
    }
}

/// Codes under a window by one transform: the same as their products, on every path and beside numbers.
#[test]
fn windowed_codes_are_their_products() {
    let delay = BlockDelay {
        nearest_sample: 0,
        fraction_samples: -0.2,
        first_s: 0.01,
        step_s: 1e-14,
        centre_s: 0.01,
    };
    let (n, first) = (512, 3);
    let table: Vec<f32> = (0..1024).map(|i| [-3.3, -1.0, 1.0, 3.3][(i / 4) >> (2 * (i % 4)) & 3]).collect();
    let bytes: Vec<u8> =
        (0..n as u32 / 4 + 16).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let window: Vec<f32> = (0..n).map(|j| 0.2 + 0.001 * j as f32).collect();
    let code = |j: usize| table[4 * usize::from(bytes[(first + j) / 4]) + (first + j) % 4];
    let products: Vec<f32> = (0..n).map(|j| code(j) * window[j]).collect();
    let setup = setup(n / 2, Rotation::AfterTransform);
    let exact = |c: usize| oracle::spectrum(&setup, c, &products, &delay);
    let windowed = Run::Windowed { bytes: &bytes, first, table: &table, window: &window };
    for path in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
        for runs in [[windowed, windowed], [windowed, Run::Floats(&products)]] {
            let mut kernel = StationKernel::new(setup.clone(), Simd::new(path), 2);
            let mut spectra = Spectra::new(2, 2, n / 2);
            let [a, b] = spectra.two_mut((0, 0), (1, 1)).unwrap();
            let item =
                |c: usize, (re, im)| Item { channel: c, run: runs[c], delay: &delay, block: 0, re, im };
            kernel.two([item(0, a), item(1, b)]);
            let mut one = Spectra::new(1, 1, n / 2);
            let (re, im) = one.planes_mut(0, 0);
            kernel.one(Item { channel: 0, run: windowed, delay: &delay, block: 0, re, im });
            for (c, (re, im)) in [(0, spectra.planes(0, 0)), (1, spectra.planes(1, 1)), (0, one.planes(0, 0))]
            {
                let found: Vec<Complex64> =
                    re.iter().zip(im).map(|(r, i)| Complex64::new((*r).into(), (*i).into())).collect();
                let error = relative(&found, &exact(c));
                assert!(error < 1e-6, "{path:?} {c}: {error:e}");
            }
        }
    }
}
