//! Tests of the search on made-up powers and spectra.

use super::cross::{Correlations, Track};
use super::field::{FieldOfDelays, Uv};
use super::find::{Burst, Found, Search, find};
use super::grid::{Grid, Group, WIDEST, WIDTHS};
use super::powers::Powers;
use super::verdict::{Outcome, judge};
use crate::dispersion::delay_s;
use num_complex::{Complex32, Complex64};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::TAU;

pub(super) const GRID: Grid = Grid { bandwidth_hz: 1e6, channels: 32, dump_blocks: 16 };
const LN_9: f64 = -20.72;

pub(super) fn rng(seed: u64) -> impl Rng {
    mirinae_common::random::stream(11, seed, 0)
}

/// Two bands side by side, three stations.
pub(super) fn group() -> Group {
    let band = |band| super::super::narrow::grid::Shared { band, polarisation: 'L', members: Vec::new() };
    Group {
        polarisation: 'L',
        bands: vec![band(0), band(1)],
        stations: vec![0, 1, 2],
        sky_hz: (0..64).map(|c| 600e6 + f64::from(c) * GRID.channel_hz()).collect(),
        top_hz: 602e6,
        coherent: vec![0],
        dms: vec![0.0, 100.0, 200.0, 300.0, 400.0],
    }
}

/// Powers of noise, exponential; `put` adds power (units of noise) in a channel and spectrum.
fn noise(dumps: usize, rng: &mut impl Rng, put: &dyn Fn(usize, f64) -> f64) -> Powers {
    let blocks = GRID.dump_blocks;
    let mut sum_ft = Vec::new();
    for f in 0..64 {
        for t in 0..dumps {
            let sum = (0..blocks).map(|b| {
                let at = t as f64 + (b as f64 + 0.5) / blocks as f64;
                -libm::log(1.0 - rng.random::<f64>()) * (1.0 + put(f, at))
            });
            sum_ft.push(sum.sum::<f64>() as f32);
        }
    }
    let count_ft = vec![blocks as f32; sum_ft.len()];
    Powers { dumps, sum_ft, count_ft, noise_f: vec![1.0; 64], own: 0..dumps, spectra: (0, 0) }
}

/// A pulse of constant power: arrival of its middle at the top and width in dumps, dispersion measure, power.
fn pulse(group: &Group, (middle, width, dm, power): (f64, f64, f64, f64)) -> impl Fn(usize, f64) -> f64 {
    let late = group.late_dumps(&GRID, dm);
    move |f, t| if (t - late[f] - middle).abs() < 0.5 * width { power } else { 0.0 }
}

fn search(powers: &mut [Powers], ln_threshold: f64) -> Found {
    let group = group();
    let shifts: Vec<Vec<usize>> = group.dms.iter().map(|dm| group.shifts(&GRID, *dm)).collect();
    let dumps = powers[0].dumps as i64;
    let mut search = Search {
        powers,
        shifts: &shifts,
        band_channels: 32,
        arrivals: (0, dumps - 150),
        own: (0, dumps - 150),
        ln_threshold,
    };
    find(&mut search, None, &mut |_, _| {}, &mut || {})
}

#[test]
fn bursts_are_found_where_they_are_and_once() {
    let (group, mut rng) = (group(), rng(1));
    let sky = pulse(&group, (500.0, 8.0, 300.0, 0.35));
    let local = pulse(&group, (900.0, 5.0, 0.0, 3.0));
    let nothing = |_: usize, _: f64| 0.0;
    let mut powers = vec![
        noise(1500, &mut rng, &|f, t| sky(f, t) + local(f, t)),
        noise(1500, &mut rng, &sky),
        noise(1500, &mut rng, &sky),
    ];
    let found = search(&mut powers, LN_9);
    let told: Vec<(usize, usize)> = found.bursts.iter().map(|b| (b.stream, b.dm)).collect();
    assert_eq!(told, [(0, 0), (3, 3)], "{found:?}");
    for (burst, (middle, width)) in found.bursts.iter().zip([(900.0, 5.0), (500.0, 8.0)]) {
        let at = burst.start as f64 + 0.5 * burst.width as f64;
        assert!((at - middle).abs() <= 2.0 && (burst.width as f64 / width - 1.0).abs() < 0.6, "{burst:?}");
    }
    // The station that has no part of a local burst has no power there.
    assert!(found.bursts[0].ln_chance_m[1] > -8.0 && found.bursts[1].ln_chance_m[1] < -8.0, "{found:?}");
    assert_eq!(found.trials, 1350.0 * 4.0 * 5.0 * WIDTHS.len() as f64);
    // What was taken out is gone.
    assert_eq!(search(&mut powers, LN_9).bursts, []);
    let mut quiet: Vec<Powers> = (0..3).map(|_| noise(1500, &mut rng, &nothing)).collect();
    assert_eq!(search(&mut quiet, LN_9).bursts, []);
}

#[test]
fn false_bursts_are_as_many_as_the_threshold_says() {
    let mut rng = rng(2);
    // Neighbouring boxcars share powers and are found together: fewer than trials times chance, but not by much.
    let (mut bursts, mut expected) = (0, 0.0);
    for _ in 0..6 {
        let mut powers: Vec<Powers> = (0..2).map(|_| noise(2500, &mut rng, &|_, _| 0.0)).collect();
        let found = search(&mut powers, libm::log(1e-4));
        (bursts, expected) = (bursts + found.bursts.len(), expected + 1e-4 * found.trials);
    }
    let share = bursts as f64 / expected;
    assert!((0.05..1.0).contains(&share), "{bursts} of {expected}");
}

#[test]
fn gaps_are_weighted() {
    let (group, mut rng) = (group(), rng(3));
    let sky = pulse(&group, (500.0, 8.0, 200.0, 0.5));
    let mut powers: Vec<Powers> = (0..3).map(|_| noise(1500, &mut rng, &sky)).collect();
    // A third of the dumps of one station are half lost, some of another wholly.
    for at in 0..powers[0].sum_ft.len() {
        if at % 3 == 0 {
            powers[0].sum_ft[at] *= 0.5;
            powers[0].count_ft[at] *= 0.5;
        }
        if (at % 1500) / 40 % 5 == 1 {
            (powers[1].sum_ft[at], powers[1].count_ft[at]) = (0.0, 0.0);
        }
    }
    let found = search(&mut powers, LN_9);
    let told: Vec<(usize, usize)> = found.bursts.iter().map(|b| (b.stream, b.dm)).collect();
    assert_eq!(told, [(3, 2)], "{found:?}");
}

#[test]
fn tracks_are_those_of_the_plasma() {
    let group = group();
    for dm in [0.0, 77.0, 400.0] {
        for (hz, late) in group.sky_hz.iter().zip(group.late_dumps(&GRID, dm)) {
            let wanted_s = delay_s(dm, *hz) - delay_s(dm, 602e6);
            assert!((late * GRID.dump_s() - wanted_s).abs() < 1e-12);
        }
    }
    assert!(group.sweep(&GRID) as f64 * GRID.dump_s() > delay_s(400.0, 600e6) - delay_s(400.0, 602e6));
    assert!(WIDTHS.contains(&WIDEST));
}

/// u and v that tell delays of up to 0.6 us from the field.
pub(super) fn field() -> FieldOfDelays {
    let uv = [[0.0, 0.0], [3.1e5, -1.2e5], [-0.4e5, 4.2e5]];
    let of = |at_m| Uv { at_m, rate_m_s: [3.0, -2.0] };
    FieldOfDelays { half: 4e-4, uv: uv.map(of).to_vec() }
}

pub(super) const BURST: (f64, f64) = (2000.0, 8.0);

fn burst(stream: usize, ln_chance_m: [f64; 3]) -> Burst {
    let (share_m, sum_m) = (vec![1.0; 3], ln_chance_m.map(|ln| (1e2 * (-2.0 * ln).sqrt(), 1e4)).to_vec());
    let ln_chance_m = ln_chance_m.to_vec();
    Burst {
        stream,
        dm: 3,
        start: 121,
        width: 8,
        ln_chance: -40.0,
        ln_chance_m,
        share_m,
        sum_m,
        ..Burst::default()
    }
}

fn complex(rng: &mut impl Rng) -> Complex64 {
    let mut normal = || -> f64 { StandardNormal.sample(rng) };
    Complex64::new(normal(), normal()) * std::f64::consts::FRAC_1_SQRT_2
}

/// What the stations have: a burst of one place with amplitudes, one's own with others, a steady source with delays.
#[derive(Clone, Copy, Default)]
pub(super) struct Sky {
    /// Delays of the burst, s.
    pub delay_s: [f64; 3],
    pub common: [f64; 3],
    pub own: [f64; 3],
    pub steady: f64,
}

/// Spectra of the stations around a burst, told block by block.
pub(super) fn spectra(sky: Sky, track: &Track, rng: &mut impl Rng, told: &mut dyn FnMut(i64, &[Complex32])) {
    let group = group();
    let (first, blocks) = track.span();
    for block in first..first + blocks as i64 {
        let mut z_mf = vec![Complex32::default(); 3 * 64];
        for f in 0..64 {
            let on = (block as f64 + 0.5 - track.centre_f[f]).abs() <= track.half;
            let (shared, steady) = (complex(rng), complex(rng) * sky.steady);
            for m in 0..3 {
                let turn = Complex64::from_polar(1.0, TAU * (group.sky_hz[f] * sky.delay_s[m]).fract());
                let mut z = complex(rng) + steady;
                if on {
                    z += shared * sky.common[m] * turn + complex(rng) * sky.own[m];
                    // Coarse samples: a strong burst leaves less of all else.
                    z /= (1.0 + sky.own[m].powi(2)).sqrt();
                }
                z_mf[m * 64 + f] = Complex32::new(z.re as f32, z.im as f32);
            }
        }
        told(block, &z_mf);
    }
}

/// Where a burst of a dispersion measure is.
pub(super) fn track(dm: f64) -> Track {
    let late = group().late_dumps(&GRID, dm);
    let centre_f = late.iter().map(|l| BURST.0 + l * GRID.dump_blocks as f64).collect();
    Track::new(centre_f, BURST.1, GRID.dump_blocks as f64)
}

pub(super) fn correlations(sky: Sky, rng: &mut impl Rng) -> Correlations {
    let track = track(300.0);
    let mut all = Correlations::new(3, (&group(), &GRID), &track);
    spectra(sky, &track, rng, &mut |block, z_mf| all.add(&track, block, z_mf));
    all
}

pub(super) fn delays(field: &FieldOfDelays, at: [f64; 2]) -> [f64; 3] {
    [0, 1, 2].map(|m| field.delay_s((m, 0), at, 0.0))
}

const POWER: [f64; 3] = [-20.0, -20.0, -20.0];

#[test]
fn bursts_of_the_sky_pass_with_their_place() {
    let (field, mut rng) = (field(), rng(4));
    let mut off = [0.0; 2];
    for _ in 0..12 {
        let at = [0.6 * field.half, -0.3 * field.half];
        let sky = Sky { delay_s: delays(&field, at), common: [0.5; 3], ..Sky::default() };
        let (outcome, fit) = judge(&burst(3, POWER), &correlations(sky, &mut rng), &field, 1.0);
        let fit = fit.unwrap();
        assert_eq!(outcome, Outcome::Passes, "{fit:?}");
        let error = fit.error.unwrap();
        (0..2).for_each(|k| off[k] += ((fit.at[k] - at[k]) / error[k]).powi(2) / 12.0);
    }
    // Squares of the offsets over the errors: 1 in the mean, within 3 of its own scatter.
    assert!(off.iter().all(|o| (0.15..2.3).contains(o)), "{off:?}");
}

#[test]
fn what_is_not_of_one_place_does_not() {
    let (field, mut rng) = (field(), rng(5));
    let mut outcome = |sky: Sky, burst: Burst| judge(&burst, &correlations(sky, &mut rng), &field, 1.0).0;
    let far = [0.0, 4e-6, -3e-6];
    let common = Sky { common: [0.6; 3], ..Sky::default() };
    assert_eq!(outcome(Sky { delay_s: far, ..common }, burst(3, POWER)), Outcome::NoPosition);
    let local = Sky { own: [1.5, 0.0, 0.0], ..Sky::default() };
    assert_eq!(outcome(local, burst(0, [-90.0, -1.0, -2.0])), Outcome::OneStation);
    // Power at all of them that is not the same.
    let alike = Sky { own: [1.0; 3], ..Sky::default() };
    assert_eq!(outcome(alike, burst(3, POWER)), Outcome::NoCorrelation);
    let two = Sky { common: [0.8, 0.8, 0.0], ..Sky::default() };
    assert_eq!(outcome(two, burst(3, [-40.0, -40.0, -1.0])), Outcome::NotEverywhere);
    // A strong steady source does not make a local burst one of the sky, however strong.
    for own in [0.7, 3.0] {
        let steady = Sky { own: [own, 0.0, 0.0], steady: 0.7, ..Sky::default() };
        assert_ne!(outcome(steady, burst(0, [-90.0, -1.0, -2.0])), Outcome::Passes, "{own}");
    }
    let mut missing = burst(0, POWER);
    missing.share_m = vec![1.0, 0.1, 0.0];
    assert_eq!(outcome(common, missing), Outcome::Untested);
}

#[test]
fn noise_of_the_other_station_is_exponential_whatever_the_burst_is() {
    let (field, mut rng) = (field(), rng(6));
    let (mut above, n) = ([0; 3], 500);
    for _ in 0..n {
        let all = correlations(Sky { own: [2.0, 0.0, 0.0], ..Sky::default() }, &mut rng);
        let z = all.exact(0, &field, [1e-4, -3e-5]);
        (0..3).for_each(|k| above[k] += i32::from(z > k as f64 + 1.0));
    }
    for (k, count) in above.into_iter().enumerate() {
        let wanted = f64::from(n) * libm::exp(-(k as f64) - 1.0);
        assert!((f64::from(count) - wanted).abs() < 4.0 * wanted.sqrt(), "{k}: {count} {wanted}");
    }
}

#[test]
fn delays_of_the_table_are_the_exact_ones() {
    let (field, mut rng) = (field(), rng(7));
    let still =
        FieldOfDelays { uv: field.uv.iter().map(|uv| Uv { rate_m_s: [0.0; 2], ..*uv }).collect(), ..field };
    let sky = Sky { delay_s: delays(&still, [2e-4, 1e-4]), common: [0.5; 3], ..Sky::default() };
    let all = correlations(sky, &mut rng);
    let (z, step_s) = all.delays(1, 5e-7);
    let middle = z.len() / 2;
    for (i, z) in z.iter().enumerate() {
        let delay_s = (i as f64 - middle as f64) * step_s;
        let [l, _] = still.slope_s(all.pairs[1]);
        let exact = all.exact(1, &still, [delay_s / l, 0.0]);
        assert!((z - exact).abs() < 1e-6 * exact.max(1.0), "{i}: {z} {exact}");
    }
}
