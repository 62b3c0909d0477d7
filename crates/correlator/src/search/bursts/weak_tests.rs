//! Tests of what finds weak bursts: the first look, the station against all others, the chance of both.

use super::super::chance::ln_joint;
use super::cross::Correlations;
use super::dynamic::Dynamic;
use super::phased::chance;
use super::scan::Scan;
use super::tests::{BURST, GRID, Sky, correlations, delays, field, group, rng, spectra, track};
use crate::search::chance::ln_chance;
use rand::RngExt;

/// Dynamic cross spectra give what the spectra themselves do where dumps and burst have the same edges.
#[test]
fn the_first_look_is_the_exact_one() {
    let (mut rng, track) = (rng(21), track(0.0));
    let field = field();
    for steady in [0.0, 0.7] {
        let sky = Sky { delay_s: delays(&field, [1e-4, -2e-4]), common: [0.4; 3], steady, ..Sky::default() };
        let mut exact = Correlations::new(3, (&group(), &GRID), &track);
        let (first, blocks) = track.span();
        let blocks_dumps = (first as usize + blocks).div_ceil(GRID.dump_blocks);
        let mut cross = Dynamic::new(3, 64, blocks_dumps);
        spectra(sky, &track, &mut rng, &mut |block, z_mf| {
            exact.add(&track, block, z_mf);
            cross.add(block as usize / GRID.dump_blocks, z_mf);
        });
        cross.run();
        let top = |pair: usize| {
            let (z, _) = exact.delays(pair, field.most_s(exact.pairs[pair]));
            // One step more is in that table on each side.
            z[1..z.len() - 1].iter().copied().fold(0.0, f64::max)
        };
        let wanted = ln_chance(3, (0..3).map(top).sum());
        let start = (BURST.0 / GRID.dump_blocks as f64 - 0.5 * BURST.1) as i64;
        let found =
            Scan::new(&cross, (&group(), &GRID), &field).ln_chance((start, BURST.1 as usize), &[0; 64]);
        assert!((found - wanted).abs() < 2e-3 * wanted.abs(), "{steady}: {found} {wanted}");
        assert!(wanted < -30.0, "{wanted}");
    }
}

/// A station of noise has an exponential power with the others, however much these have in common.
#[test]
fn noise_of_a_station_is_exponential_with_all_others() {
    let (field, mut rng) = (field(), rng(22));
    let (mut above, n) = ([0; 3], 500);
    let at = [1e-4, -3e-5];
    for _ in 0..n {
        let sky = Sky { delay_s: delays(&field, at), common: [0.7, 0.7, 0.0], ..Sky::default() };
        let all = correlations(sky, &mut rng);
        let z = -libm::log(chance(&all, (2, 3), (&field, at), 1.0));
        (0..3).for_each(|k| above[k] += i32::from(z > k as f64 + 1.0));
        assert!(chance(&all, (0, 3), (&field, at), 1.0) < 1e-9);
    }
    for (k, count) in above.into_iter().enumerate() {
        let wanted = f64::from(n) * libm::exp(-(k as f64) - 1.0);
        assert!((f64::from(count) - wanted).abs() < 4.0 * wanted.sqrt(), "{k}: {count} {wanted}");
    }
}

/// Powers that are rare enough to be looked at, and correlations, at random: both together are as rare as is told.
#[test]
fn both_together_are_as_rare_as_is_told() {
    let (mut rng, first, n) = (rng(23), 0.1f64, 400_000);
    let mut below = [0; 3];
    for _ in 0..n {
        let (p, q) = (1.0 - rng.random::<f64>(), 1.0 - rng.random::<f64>());
        if p <= first {
            let joint = ln_joint(p.ln(), q.ln(), first.ln());
            (0..3).for_each(|k| below[k] += i32::from(joint <= libm::log(0.03) - 2.0 * k as f64));
        }
    }
    for (k, count) in below.into_iter().enumerate() {
        let wanted = f64::from(n) * 0.03 * libm::exp(-2.0 * k as f64);
        assert!((f64::from(count) - wanted).abs() < 4.0 * wanted.sqrt(), "{k}: {count} {wanted}");
    }
    // What is not looked at is no rarer for its powers.
    assert!(ln_joint(0.0, -10.0, -5.0) >= ln_joint(-5.0, -10.0, -5.0));
}
