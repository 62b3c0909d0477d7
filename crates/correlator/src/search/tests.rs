//! The search on made-up visibilities: sources where they were put, nothing in noise.

use super::block::{Block, Offset, Seen};
use super::find::{find, strongest};
use super::sky::Field;
use super::{SPEED_OF_LIGHT, SearchOptions, cosines, direction};
use crate::fringe::Visibilities;
use crate::job::Source;
use crate::transforms::Transforms;
use mirinae_simd::SimdPath;
use num_complex::{Complex32, Complex64};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

const TIMES: usize = 30;
const CHANNELS: usize = 32;
const STEP_HZ: f64 = 0.5e6;
const STEP_S: f64 = 1.0;
/// Kilometres east and north, and how they turn in a second.
const BASELINES: [[f64; 3]; 3] = [[300e3, 100e3, 50e3], [-120e3, 380e3, -80e3], [180e3, 480e3, -30e3]];

fn transforms() -> Transforms {
    Transforms::new(SimdPath::Portable)
}

fn uvw_t(baseline: usize) -> Vec<[f64; 3]> {
    let [u, v, w] = BASELINES[baseline];
    let turn = |t: usize| 7.29e-5 * STEP_S * t as f64;
    (0..TIMES).map(|t| [u + v * turn(t), v - 0.3 * u * turn(t), w]).collect()
}

/// Noise of variance 1 a component, with sources of an amplitude at an offset; each baseline has a phase of its own.
fn blocks(sources: &[(f64, Offset)], rng: &mut impl Rng) -> Vec<Block> {
    noisy_blocks(1.0, sources, rng)
}

fn noisy_blocks(noise: f64, sources: &[(f64, Offset)], rng: &mut impl Rng) -> Vec<Block> {
    let bands = [22.000e9, 22.016e9, 22.064e9];
    let one = |baseline: usize| {
        let uvw_t = uvw_t(baseline);
        let offset = rng.random::<f64>();
        let mut band = |first_hz: f64| noisy_band(noise, (first_hz, &uvw_t), sources, (offset, rng));
        let bands: Vec<_> = bands.iter().map(|&hz| band(hz)).collect();
        let seen =
            Seen { baseline: [format!("A{baseline}"), "B".to_owned()], jy: Some(1000.0), ..Seen::default() };
        Block::join(seen, &bands, &uvw_t, 0..TIMES, None).unwrap()
    };
    (0..3).map(one).collect()
}

/// A band of it, whose phase is told.
fn noisy_band(
    noise: f64,
    (first_hz, uvw_t): (f64, &[[f64; 3]]),
    sources: &[(f64, Offset)],
    (offset, rng): (f64, &mut impl Rng),
) -> Visibilities {
    let mut vis_tf = Vec::new();
    for uvw in uvw_t {
        for f in 0..CHANNELS {
            let hz = first_hz + f as f64 * STEP_HZ;
            let mut vis = Complex64::new(rng.sample(StandardNormal), rng.sample(StandardNormal));
            vis *= noise;
            for (amplitude, at) in sources {
                let delay_s = -(uvw[0] * at.l + uvw[1] * at.m) / SPEED_OF_LIGHT;
                vis += Complex64::from_polar(*amplitude, TAU * (hz * delay_s + offset));
            }
            vis_tf.push(Complex32::new(vis.re as f32, vis.im as f32));
        }
    }
    Visibilities {
        vis_tf,
        weight_t: vec![1.0; TIMES],
        first_hz,
        step_hz: STEP_HZ,
        first_s: 0.0,
        step_s: STEP_S,
    }
}

fn arcsec(east: f64, north: f64) -> Offset {
    let rad = |a: f64| (a / 3600.0).to_radians();
    Offset { l: rad(east), m: rad(north) }
}

fn rng(seed: u64) -> impl Rng {
    mirinae_common::random::stream(seed, 0, 0)
}

#[test]
fn sources_are_found_where_they_are() {
    let (strong, weak) = (arcsec(6.3, -3.1), arcsec(-4.0, 5.5));
    let mut data = blocks(&[(1.0, strong), (0.25, weak)], &mut rng(1));
    let field = Field::new(&data, Some(arcsec(10.0, 0.0).l)).unwrap();
    let found = find(&mut data, &field, &[], (&SearchOptions::default(), &mut transforms()), &mut || {});
    assert_eq!(found.len(), 2, "{found:?}");
    for (one, (amplitude, at)) in found.iter().zip([(1.0, strong), (0.25, weak)]) {
        let off = [one.at.l - at.l, one.at.m - at.m];
        for (off, error) in off.into_iter().zip(one.error) {
            assert!(off.abs() < 4.5 * error && error < arcsec(0.3, 0.0).l, "{one:?}");
        }
        for (names, found) in &one.amplitudes {
            assert!((found - amplitude).abs() < 0.08, "{names:?} {found} {amplitude}");
        }
        // 1 is 1000 Jy: the smearing within channels and integrations is not in these made-up data, and is put back.
        let [jy, error] = one.flux_jy.unwrap();
        let lost = data[0].smeared(one.at);
        assert!(
            (jy * lost - 1000.0 * amplitude).abs() < 4.0 * error + 20.0 && error < 30.0,
            "{jy} +- {error}"
        );
        let image = one.image.as_ref().unwrap();
        let (middle, most) =
            (image.side * image.side / 2, image.brightness.iter().copied().fold(0.0, f32::max));
        assert!(
            (f64::from(image.brightness[middle]) / jy - 1.0).abs() < 0.1 && image.brightness[middle] == most
        );
        assert!(image.in_jy && (image.noise / error - 1.0).abs() < 0.2, "{} {error}", image.noise);
        assert!(one.fluxes_jy.len() == 3 && one.fluxes_jy[0].1[1] > error);
        assert!(one.sigma > 6.44 && one.false_alarm < 1e-4);
    }
}

#[test]
fn sources_outside_of_the_field_are_taken_out_where_they_are_known() {
    // As far out as a field's corner, and another one that is but a sidelobe of it, maybe.
    let (outside, weak) = (arcsec(14.0, -12.0), arcsec(-2.0, 3.0));
    let known = [outside, arcsec(13.0, 9.0)];
    let search = |known: &[Offset]| {
        let mut data = blocks(&[(2.0, outside), (0.25, weak)], &mut rng(5));
        let field = Field::new(&data, Some(arcsec(8.0, 0.0).l)).unwrap();
        let found =
            find(&mut data, &field, known, (&SearchOptions::default(), &mut transforms()), &mut || {});
        found.into_iter().filter(|d| !d.remnant).collect::<Vec<_>>()
    };
    let found = search(&known);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].at.l - weak.l).abs() < arcsec(1.0, 0.0).l, "{found:?}");
    assert!(search(&[]).len() > 1, "control: its sidelobes are candidates");
}

#[test]
fn places_are_found_again() {
    let around = Source { name: String::new(), ra_rad: 6.2, dec_rad: -0.7 };
    for (l, m) in [(0.01, -0.02), (-0.03, 0.005)] {
        let at = cosines(&around, direction(&around, l, m));
        assert!((at.l - l).abs() < 1e-12 && (at.m - m).abs() < 1e-12, "{at:?}");
    }
}

#[test]
fn control_swapped_baselines_do_not_show_the_place() {
    let strong = arcsec(6.3, -3.1);
    let mut data = blocks(&[(0.3, strong)], &mut rng(2));
    let mut swapped = blocks(&[(0.3, Offset { l: -strong.l, m: -strong.m })], &mut rng(2));
    let field = Field::new(&data, Some(arcsec(10.0, 0.0).l)).unwrap();
    let one = find(&mut data, &field, &[], (&SearchOptions::default(), &mut transforms()), &mut || {});
    let other = find(&mut swapped, &field, &[], (&SearchOptions::default(), &mut transforms()), &mut || {});
    assert!(
        (one[0].at.l - strong.l).abs() < field.step && (other[0].at.l - strong.l).abs() > 10.0 * field.step
    );
}

#[test]
fn noise_has_no_sources() {
    for seed in 10..14 {
        let mut data = blocks(&[], &mut rng(seed));
        let field = Field::new(&data, Some(arcsec(20.0, 0.0).l)).unwrap();
        assert!(
            find(&mut data, &field, &[], (&SearchOptions::default(), &mut transforms()), &mut || {})
                .is_empty()
        );
    }
}

#[test]
fn fields_are_as_wide_as_the_data_allow() {
    let data = blocks(&[], &mut rng(3));
    let field = Field::new(&data, None).unwrap();
    assert!(field.half > arcsec(5.0, 0.0).l && field.trials() > 100.0);
    assert!(Field::new(&data, Some(3.0 * field.half)).is_err());
}

/// Share of the sigma that is lost where sources are: at the nearest points of the grid, and of the fine one.
fn most_lost(rng: &mut impl Rng) -> [f64; 2] {
    let mut most = [0.0f64; 2];
    for _ in 0..40 {
        let at = arcsec(rng.random_range(-9.0..9.0), rng.random_range(-9.0..9.0));
        // Without noise to speak of, the noise that is measured is the source's own scatter: the same at all places.
        let data = noisy_blocks(1e-3, &[(1.0, at)], rng);
        let field = Field::new(&data, Some(arcsec(10.0, 0.0).l)).unwrap();
        let exact: f64 = data.iter().map(|block| block.power(at)).sum();
        let coarse = field.sums(&data, &mut transforms(), &mut || {}).into_iter().fold(0.0, f64::max);
        let (_, fine) = strongest(&data, &field, -20.0, &mut transforms(), &mut || {}).unwrap();
        // Powers go as the square of sigma.
        for (most, power) in most.iter_mut().zip([coarse, fine]) {
            *most = most.max(1.0 - (power / exact).sqrt());
        }
    }
    most
}

#[test]
fn little_is_lost_between_points() {
    let [coarse, fine] = most_lost(&mut rng(4));
    assert!(fine < 0.03, "{fine}");
    assert!(coarse > 1.5 * fine, "control: {coarse} {fine}");
    println!("lost at most: {coarse:.4} of sigma on the grid, {fine:.4} on the fine one");
}

#[test]
fn averages_around_a_place_have_its_sum() {
    let at = arcsec(3.0, -7.0);
    for block in blocks(&[(0.2, at)], &mut rng(6)) {
        // Groups that the channels and integrations do not divide into as well.
        for most in [[16, 16], [7, 5], [1, 1000]] {
            let near = block.averaged(at, most);
            let scale = block.noise_power().sqrt();
            assert!((near.sum(at) - block.sum(at)).norm() < 1e-5 * scale);
            assert!((near.weight() / block.weight() - 1.0).abs() < 1e-6);
        }
    }
}

#[test]
fn sums_are_the_powers_at_each_place() {
    let mut rng = rng(7);
    // Along the line of sight, a baseline so long that the third cosine counts.
    let uvw_t: Vec<[f64; 3]> =
        (0..TIMES).map(|t| [1e5, -5e4 + 20.0 * t as f64, 5e6 - 400.0 * t as f64]).collect();
    let mut number = || rng.sample::<f32, _>(StandardNormal);
    let vis_tf = (0..TIMES * CHANNELS).map(|_| Complex32::new(number(), number())).collect();
    let (weight_t, step_hz, step_s) = (vec![1.0; TIMES], STEP_HZ, STEP_S);
    let vis = Visibilities { vis_tf, weight_t, first_hz: 22e9, step_hz, first_s: 0.0, step_s };
    let block = Block::join(Seen::default(), &[vis], &uvw_t, 0..TIMES, None).unwrap();
    let field = Field { half: 2e-4, step: 1e-5, points: 20 };
    let sums = field.sums(std::slice::from_ref(&block), &mut transforms(), &mut || {});
    let powers = block.powers([1e-6, 0.5], &mut transforms());
    let ([east, north], along) = (block.slopes(), block.slope_along());
    let power = |at: Offset, n: f64| {
        let value = |k: usize| at.l * east[k] + at.m * north[k] + n * along[k];
        powers.at(value(0), value(1))
    };
    let places = || (0..sums.len()).map(|index| field.at(index)).zip(&sums);
    assert!(places().all(|(at, &sum)| sum > 0.0 && sum == power(at, at.n_less_one())));
    assert!(places().any(|(at, &sum)| sum != power(at, 0.0)), "control: the third cosine counts");
}

#[test]
fn polarisations_with_their_phases_show_weaker_sources() {
    let mut rng = rng(12);
    let band = |rng: &mut _, uvw_t: &[[f64; 3]]| {
        let one = noisy_band(1.0, (22e9, uvw_t), &[(0.15, arcsec(2.0, 1.0))], (0.0, rng));
        Block::join(Seen::default(), std::slice::from_ref(&one), uvw_t, 0..TIMES, None)
            .map(|block| (one, block))
            .unwrap()
    };
    let (mut together, mut apart) = (Vec::new(), Vec::new());
    for baseline in 0..3 {
        let uvw_t = uvw_t(baseline);
        let [(right, a), (left, b)] = [band(&mut rng, &uvw_t), band(&mut rng, &uvw_t)];
        apart.extend([a, b]);
        together.push(Block::join(Seen::default(), &[right, left], &uvw_t, 0..TIMES, None).unwrap());
    }
    let sigma = |mut blocks: Vec<Block>| {
        let field = Field::new(&blocks, Some(arcsec(8.0, 0.0).l)).unwrap();
        let options = SearchOptions { threshold: 1e-3, ..SearchOptions::default() };
        let found = find(&mut blocks, &field, &[], (&options, &mut transforms()), &mut || {});
        found.first().map_or(0.0, |one| one.sigma)
    };
    let (together, apart) = (sigma(together), sigma(apart));
    assert!(together > apart && apart > 5.0, "{together} {apart}");
}
