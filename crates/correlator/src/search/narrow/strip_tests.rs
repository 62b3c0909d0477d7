//! Strips, the first look and the second one on made-up spectra.

use super::between::Between;
use super::find::{Line, find, take_out};
use super::fine::refined;
use super::grid::STEPS;
use super::noise::Scale;
use super::station::Station;
use super::strip::{LOOKS, Room, Strip};
use super::sums::Spectrum;
use super::tile::whole_unit;
use super::voltages::{Memory, Voltages};
use mirinae_simd::{Simd, SimdPath};
use num_complex::{Complex32, Complex64};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::{PI, TAU};

const SPECTRA: usize = 32;
const CHANNELS: usize = 5000;

/// A carrier in the first spectrum, at a step, that drifts by so many steps over the stretch.
#[derive(Clone, Copy)]
struct Carrier {
    first: f64,
    drift: f64,
    power: f64,
}

/// Noise of a power, with carriers whose power is told in units of it.
fn station(noise: f64, carriers: &[Carrier], rng: &mut impl Rng) -> Station {
    let simd = Simd::new(SimdPath::detect());
    let mut voltages = Voltages::new(SPECTRA, &[3000, CHANNELS - 3000], (Memory::default(), simd));
    for t in 0..SPECTRA {
        let mut value = || rng.sample::<f64, _>(StandardNormal) * (0.5 * noise).sqrt();
        let mut spectrum: Vec<Complex64> = (0..CHANNELS).map(|_| Complex64::new(value(), value())).collect();
        for carrier in carriers {
            let share = t as f64 / (SPECTRA - 1) as f64;
            let at = (carrier.first + carrier.drift * share) / STEPS as f64;
            let phase = TAU * rng.random::<f64>();
            for (k, z) in spectrum.iter_mut().enumerate().skip(at as usize - 40).take(80) {
                let x = PI * (at - k as f64);
                let amplitude =
                    (carrier.power * noise).sqrt() * if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
                // Without window the phase turns by half a turn from channel to channel.
                *z += Complex64::from_polar(amplitude, phase + x);
            }
        }
        let single = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
        let spectrum: Vec<Complex32> = spectrum.iter().map(single).collect();
        voltages.put((t, 0), Spectrum::Floats(&spectrum), 0);
        voltages.put((t, 1), Spectrum::Floats(&spectrum), 3000);
    }
    let scale = Scale::of_times(vec![noise; SPECTRA]);
    Station::of(voltages, (SPECTRA, CHANNELS), 0..CHANNELS, scale)
}

fn strip() -> Strip {
    Strip { from: 100, channels: CHANNELS - 200, margin: 200 }
}

/// Lines of a strip in steps of the unit, as a unit's search makes them.
fn lines(station: &Station, most: usize) -> Vec<Line> {
    let simd = Simd::new(SimdPath::detect());
    let (strip, mut room) = (strip(), Room::new());
    let mut plane = strip.powers::<f32>(station, (1.0, simd), &mut room).unwrap();
    let found = find(&mut plane, most.div_ceil(2), libm::log(1e-9) + 2.0, simd, &mut || {});
    let mut between = Between::new(simd);
    let fine = |line: &Line| {
        let around = strip.around(line);
        refined(&mut between, &[(station, &[])], (&around, most as i64))
    };
    found.lines.iter().map(fine).filter(|line| line.ln_chance() <= libm::log(1e-9)).collect()
}

#[test]
fn powers_are_those_of_spectra_and_between_them() {
    let mut rng = mirinae_common::random::stream(21, 0, 0);
    let station = station(3.0, &[], &mut rng);
    let strip = strip();
    for path in SimdPath::ALL {
        let simd = Simd::new(path);
        let plane = strip.powers::<f32>(&station, (1.0, simd), &mut Room::new()).unwrap();
        assert_eq!((plane.width, plane.margin), (LOOKS * strip.channels, LOOKS * strip.margin));
        let mean = plane.power_tf.iter().sum::<f32>() / plane.power_tf.len() as f32;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        let (mut re, mut im) = (vec![0.0; 8], vec![0.0; 8]);
        for (t, channel) in [(0, 0), (3, 77), (31, 2900), (31, strip.channels - 1)] {
            station.voltages.get(t, (strip.from + channel) as i64 - 3, &mut re, &mut im);
            let at = t * plane.width + LOOKS * channel;
            let middle = (re[3] * re[3] + im[3] * im[3]) / 3.0;
            assert!((plane.power_tf[at] - middle).abs() < 1e-5 * middle.max(1.0));
            let weights = [1.0, 1.0 / 3.0, 0.2, 1.0 / 7.0f32];
            let norm: f32 = 2.0 * weights.iter().map(|w| w * w).sum::<f32>();
            let between = |x: &[f32]| (0..4).map(|j| weights[j] * (x[3 - j] - x[4 + j])).sum::<f32>();
            let power = (between(&re).powi(2) + between(&im).powi(2)) / norm / 3.0;
            assert!((plane.power_tf[at + 1] - power).abs() < 1e-4 * power.max(1.0), "{path:?} {t} {channel}");
        }
    }
}

#[test]
fn powers_in_whole_numbers_are_the_nearest_ones_and_lines_the_same() {
    let mut rng = mirinae_common::random::stream(22, 0, 0);
    let carriers = [(8002.0, -33.0, 4.0), (12003.0, 70.0, 4.0)];
    let carriers = carriers.map(|(first, drift, power)| Carrier { first, drift, power });
    let station = station(3.0, &carriers, &mut rng);
    for path in SimdPath::ALL {
        let (simd, mut room, unit) = (Simd::new(path), Room::new(), whole_unit(SPECTRA, 3).unwrap());
        let mut powers = strip().powers::<f32>(&station, (1.0, simd), &mut room).unwrap();
        let mut whole = strip().powers::<u16>(&station, (unit, simd), &mut room).unwrap();
        for (i, (number, power)) in whole.power_tf.iter().zip(&powers.power_tf).enumerate() {
            // With AVX2 what is between channels is made of whole numbers, too: a thousandth of the noise's amplitude is rounded off.
            let rounded = simd.path() >= SimdPath::Avx2 && !i.is_multiple_of(LOOKS);
            let most = 0.5001 + if rounded { 0.004 * unit * power.sqrt() } else { 0.0 };
            assert!((f32::from(*number) - unit * power).abs() <= most, "{path:?}: {number} {power}");
        }
        let place =
            |lines: Vec<Line>| -> Vec<(usize, i64)> { lines.iter().map(|l| (l.first, l.drift)).collect() };
        let of_whole = find(&mut whole, 38, libm::log(1e-9), simd, &mut || {}).lines;
        assert_eq!(of_whole.len(), 2);
        assert_eq!(place(of_whole), place(find(&mut powers, 38, libm::log(1e-9), simd, &mut || {}).lines));
    }
}

#[test]
fn lines_of_noise_are_the_same_in_whole_numbers() {
    let mut rng = mirinae_common::random::stream(24, 0, 0);
    let station = station(1.0, &[], &mut rng);
    let (simd, mut room) = (Simd::new(SimdPath::detect()), Room::new());
    let mut powers = strip().powers::<f32>(&station, (1.0, simd), &mut room).unwrap();
    let mut whole = strip().powers::<u16>(&station, (16.0, simd), &mut room).unwrap();
    let place = |lines: Vec<Line>| lines.iter().map(|l| (l.first, l.drift)).collect::<Vec<_>>();
    let of_powers = place(find(&mut powers, 40, libm::log(1e-3), simd, &mut || {}).lines);
    let of_whole = place(find(&mut whole, 40, libm::log(1e-3), simd, &mut || {}).lines);
    let (same, all) = (of_whole.iter().filter(|line| of_powers.contains(line)).count(), of_powers.len());
    // Some are at the threshold, and of two that cross either may be the stronger one.
    assert!(all > 20 && same * 10 > 9 * all, "{same} of {all}");
    assert!(of_whole.iter().any(|line| line.1 > 31) && of_whole.iter().any(|line| line.1 < -31));
}

#[test]
fn spectra_without_data_count_as_noise_in_whole_numbers() {
    let mut rng = mirinae_common::random::stream(25, 0, 0);
    let carrier = Carrier { first: 8002.0, drift: -33.0, power: 8.0 };
    let mut station = station(1.0, &[carrier], &mut rng);
    let used = 20;
    station.scale.time_t[used..].fill(0.0);
    let (simd, mut room) = (Simd::new(SimdPath::detect()), Room::new());
    let mut powers = strip().powers::<f32>(&station, (1.0, simd), &mut room).unwrap();
    let of_powers = find(&mut powers, 40, libm::log(1e-9), simd, &mut || {}).lines;
    for unit in [whole_unit(SPECTRA, 1).unwrap(), whole_unit(512, 3).unwrap()] {
        let mut whole = strip().powers::<u16>(&station, (unit, simd), &mut room).unwrap();
        assert!(whole.power_tf[used * whole.width..].iter().all(|number| f32::from(*number) == unit));
        let of_whole = find(&mut whole, 40, libm::log(1e-9), simd, &mut || {}).lines;
        assert_eq!((of_whole.len(), of_powers.len()), (1, 1), "{unit}");
        assert_eq!(of_whole[0].used, used);
        assert!((of_whole[0].sum - of_powers[0].sum).abs() < 4.0, "{unit}: {of_whole:?} {of_powers:?}");
    }
}

#[test]
fn powers_too_strong_for_whole_numbers_are_none() {
    let mut rng = mirinae_common::random::stream(23, 0, 0);
    let (simd, mut room) = (Simd::new(SimdPath::detect()), Room::new());
    for (power, fits) in [(60.0, true), (200.0, false)] {
        let carrier = Carrier { first: 8000.0, drift: 0.0, power };
        let station = station(1.0, &[carrier], &mut rng);
        assert_eq!(strip().powers::<u16>(&station, (16.0, simd), &mut room).is_some(), fits, "{power}");
    }
    assert_eq!((whole_unit(32, 3), whole_unit(1024, 1)), (Some(16.0), None));
    // As many as noise where there are no data needs to be told exactly.
    assert_eq!((whole_unit(512, 1), whole_unit(512, 3)), (Some(4.0), Some(2.0)));
}

#[test]
fn strips_hold_every_channel_once() {
    for (channels, margin, most) in
        [(70_000, 3000, 40), (5000, 500, 40), (40_000, 1100, 900), (16_384 + 20, 10, 2)]
    {
        let strips = Strip::all(channels, margin, most);
        let mut next = margin;
        for strip in &strips {
            assert_eq!(strip.from + strip.margin, next);
            assert!(strip.margin >= most.min(margin) && strip.from + strip.channels <= channels);
            next = strip.from + strip.channels - strip.margin;
        }
        assert_eq!(next, channels - margin);
    }
}

#[test]
fn carriers_between_the_steps_of_the_first_look_are_found_where_they_are() {
    let mut rng = mirinae_common::random::stream(7, 0, 0);
    let put = [
        (4001.0, 21.0, 4.0),
        (8002.0, -33.0, 4.0),
        (12003.0, 70.0, 4.0),
        (16001.0, 0.0, 400.0),
        (14001.0, -4.0, 1e4),
    ];
    let carriers = put.map(|(first, drift, power)| Carrier { first, drift, power });
    let lines = lines(&station(1e-8, &carriers, &mut rng), 75);
    for carrier in carriers {
        let off = |line: &&Line| {
            let middle = line.middle() as f64 - carrier.first - 0.5 * carrier.drift;
            middle.abs() <= 1.0 && (line.drift as f64 - carrier.drift).abs() <= 2.0
        };
        let line = lines.iter().find(off).unwrap_or_else(|| panic!("{} {lines:?}", carrier.first));
        let excess = line.excess() / carrier.power;
        assert!((0.6..1.5).contains(&excess), "{line:?}");
    }
    assert_eq!(lines.len(), put.len(), "{lines:?}");
}

#[test]
fn what_a_station_has_by_itself_is_none_of_the_sum() {
    let mut rng = mirinae_common::random::stream(8, 0, 0);
    let strong = Carrier { first: 9000.0, drift: 8.0, power: 100.0 };
    let (a, b) = (station(1.0, &[strong], &mut rng), station(2.0, &[], &mut rng));
    let (simd, mut room) = (Simd::new(SimdPath::detect()), Room::new());
    let own = lines(&a, 75);
    assert_eq!(own.len(), 1);
    let mut plane = strip().powers::<f32>(&a, (1.0, simd), &mut room).unwrap();
    let found = find(&mut plane, 38, libm::log(1e-9), simd, &mut || {}).lines;
    let mut plane = strip().powers::<f32>(&a, (1.0, simd), &mut room).unwrap();
    let mut line = own[0];
    line.wide = STEPS / LOOKS * take_out(&mut plane, &found[0]);
    let mut between = Between::new(simd);
    let mut at = |taken: &[Line]| refined(&mut between, &[(&a, taken), (&b, &[])], (&own[0], 75)).sum;
    // Two powers of noise in each of 32 spectra, and the carrier.
    assert!(at(&[]) > 2000.0);
    assert!((40.0..100.0).contains(&at(&[line])), "{}", at(&[line]));
}
