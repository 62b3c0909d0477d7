//! The order of pixels, and the fit of one.

use super::*;
use crate::config::Config;
use crate::model::{Beam, ChannelResponse, SimdPath, Window, WindowNoise};
use crate::posterior::WindowData;
use std::collections::HashSet;
use std::path::Path;

fn square(n: usize) -> Vec<[usize; 2]> {
    (0..n).flat_map(|y| (0..n).map(move |x| [x, y])).collect()
}

#[test]
fn every_pixel_starts_from_coarser_grids() {
    let pixels = square(30);
    let order = Order::of(&pixels);
    for (k, parents) in order.parents.iter().enumerate() {
        let [x, y] = pixels[k];
        assert_eq!(parents.is_empty(), level(x, y) == TOP, "({x}, {y})");
        assert!(parents.len() <= 4 && parents.iter().collect::<HashSet<_>>().len() == parents.len());
        for &p in parents {
            assert!(level(pixels[p][0], pixels[p][1]) > level(x, y));
            assert!(order.children[p].contains(&k));
        }
    }
    // (5, 4) lies between (4, 4) and (6, 4), and is nearer to these than to the rows above and below.
    let place = |x: usize, y: usize| y * 30 + x;
    assert_eq!(order.parents[place(5, 4)][..2], [place(4, 4), place(6, 4)]);
}

#[test]
fn pixels_without_neighbours_start_by_themselves() {
    let order = Order::of(&[[1, 1], [2, 2], [17, 3]]);
    assert_eq!(order.parents, [vec![1], vec![], vec![]]);
    assert_eq!(Order::of(&[]), Order::default());
}

#[test]
fn seeds_of_pixels_differ() {
    let seeds: HashSet<u64> = (0..1000).map(|k| pixel_seed(7, k)).collect();
    assert_eq!(seeds.len(), 1000);
    assert!(pixel_seed(7, 0) != pixel_seed(8, 0));
}

#[test]
fn the_brightest_channel_counts() {
    let window = Window {
        name: "w".into(),
        freq_mhz: vec![1.0, 2.0, 3.0],
        beam: Beam::Elliptical { bmaj_arcsec: 1.0, bmin_arcsec: 1.0 },
        response: ChannelResponse::default(),
    };
    let data = WindowData {
        window,
        t_k: vec![1.0, -3.0, 900.0],
        sigma_k: vec![0.5, 0.5, f64::INFINITY],
        noise: WindowNoise::default(),
    };
    assert_eq!(signal_to_noise(&[data]), 6.0);
    assert_eq!(signal_to_noise(&[]), 0.0);
}

/// The plan of the fit of the calibration, two species whose lines blend.
fn plan() -> crate::plan::Plan {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/calibration/fit.toml");
    crate::plan::prepare_for(&root, SimdPath::Portable).unwrap()
}

#[test]
fn a_pixel_finds_the_peak_with_and_without_neighbours() {
    let plan = plan();
    let posterior = plan.posterior().unwrap();
    let settings = PixelSettings { chains: 4, ess: 100.0, draws: 200, tempering: true };
    let mut ticks = 0;
    let alone = fit_pixel(&posterior, 3, &[], settings, &mut || ticks += 1).unwrap();
    assert!(ticks > 10);
    assert_eq!(alone.flags & (flags::WITHOUT_FIT | flags::NOT_CONVERGED), 0, "{alone:?}");
    let helped = fit_pixel(&posterior, 3, std::slice::from_ref(&alone.peak), settings, &mut || ()).unwrap();
    assert!(helped.gradients < alone.gradients);
    let dim = plan.layout.parameters.len();
    for k in 0..dim {
        let half = 0.5 * (alone.quantiles[2][k] - alone.quantiles[0][k]);
        let [a, b] = [&alone, &helped].map(|fit| fit.quantiles[1][k]);
        assert!(half > 0.0 && (a - b).abs() < 0.6 * half, "{k}: {a} {b} {half}");
    }
    let again = fit_pixel(&posterior, 3, &[], settings, &mut || ()).unwrap();
    assert!(again == alone, "the same seed gives the same fit");
    assert!(fit_pixel(&posterior, 4, &[], settings, &mut || ()).unwrap() != alone, "control: another seed");
}

#[test]
fn the_configuration_knows_the_cube() {
    let config: Config = toml::from_str("[cube]\nsnr = 7\nx = [1, 3]\n").unwrap();
    let cube = config.cube.unwrap();
    assert_eq!((cube.snr, cube.x, cube.y, cube.chains), (7.0, Some([1, 3]), None, 8));
    assert!(toml::from_str::<Config>("[cube]\nsn = 7\n").is_err());
}

/// One line that may be either of two in the data.
fn one_line_for_two() -> crate::plan::Plan {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/calibration");
    std::fs::copy(from.join("A.qpart"), folder.path().join("A.qpart")).unwrap();
    std::fs::copy(from.join("spectrum.txt"), folder.path().join("spectrum.txt")).unwrap();
    let lines = std::fs::read_to_string(from.join("A.cat")).unwrap();
    std::fs::write(folder.path().join("A.cat"), lines.lines().next().unwrap()).unwrap();
    let text = std::fs::read_to_string(from.join("fit.toml")).unwrap();
    let of_b = text.rfind("[[species]]").unwrap();
    let text = text[..of_b].replace("v_kms = { normal = [0.0, 0.5] }", "v_kms = { uniform = [-10.0, 10.0] }");
    let path = folder.path().join("fit.toml");
    std::fs::write(&path, text).unwrap();
    let mut plan = crate::plan::prepare_for(&path, SimdPath::Portable).unwrap();
    let posterior = plan.posterior().unwrap();
    let mut work = posterior.work();
    let sum = [-4.0, 4.0].map(|v| posterior.spectrum(&[14.0, 60.0, 3.0, v], &mut work).unwrap().to_vec());
    for (k, t) in plan.windows[0].t_k.iter_mut().enumerate() {
        *t = sum[0][k] + sum[1][k];
    }
    plan
}

#[test]
fn temperatures_share_out_two_peaks() {
    let plan = one_line_for_two();
    let posterior = plan.posterior().unwrap();
    let settings = PixelSettings { chains: 4, ess: 200.0, draws: 1000, tempering: true };
    let fit = |settings, seed| fit_pixel(&posterior, seed, &[], settings, &mut || ()).unwrap();
    let shared = fit(settings, 3);
    assert_eq!(shared.flags & !flags::DIVERGENT, 0, "{shared:?}");
    let velocity = plan.names().iter().position(|n| n == "A.v_kms").unwrap();
    let [low, _, high] = shared.quantiles.each_ref().map(|q| q[velocity]);
    assert!((low + 4.0).abs() < 0.5 && (high - 4.0).abs() < 0.5, "{low} {high}");
    assert!(fit(settings, 3) == shared, "the same seed gives the same fit");
    let without = fit(PixelSettings { tempering: false, ..settings }, 3);
    assert!(without.flags & flags::SEVERAL_PEAKS != 0, "control: {without:?}");
}
