//! Gradient samplers on targets with known answers; order of work and interruptions that must not matter.

use super::modes::{self, climb_start};
use super::*;
use mirinae_common::random;
use rand::RngExt;
use std::ops::ControlFlow;

/// A normal likelihood of 5 parameters with correlated errors, far narrower than the prior in some.
fn normal(z: &[f64], gradient: &mut [f64]) -> f64 {
    let sigma = [0.02, 0.3, 0.1, 2.0, 0.05];
    let x: Vec<f64> = z.iter().zip(sigma).map(|(z, s)| (z - 0.5) / s).collect();
    // Precision (in units of the sigmas): 1 on the diagonal and 0.8 between the first two, -0.5 between the next two.
    let p = [x[0] + 0.8 * x[1], x[1] + 0.8 * x[0], x[2] - 0.5 * x[3], x[3] - 0.5 * x[2], x[4]];
    gradient.iter_mut().zip(p.iter().zip(sigma)).for_each(|(g, (p, s))| *g = -p / s);
    -0.5 * x.iter().zip(p).map(|(x, p)| x * p).sum::<f64>()
}

/// Mean and covariance of the posterior of [`normal`], from its precision.
fn truth() -> (Vec<f64>, Matrix) {
    let sigma = [0.02, 0.3, 0.1, 2.0, 0.05];
    let mut likelihood = Matrix::identity(5);
    for (i, j, r) in [(0, 1, 0.8), (2, 3, -0.5)] {
        *likelihood.at_mut(i, j) = r;
        *likelihood.at_mut(j, i) = r;
    }
    for i in 0..5 {
        for j in 0..5 {
            *likelihood.at_mut(i, j) /= sigma[i] * sigma[j];
        }
    }
    let mut pull = vec![0.0; 5];
    likelihood.times(&[0.5; 5], &mut pull);
    let mut precision = likelihood;
    (0..5).for_each(|i| *precision.at_mut(i, i) += 1.0);
    let covariance = precision.map_eigenvalues(|x| 1.0 / x);
    let mut mean = vec![0.0; 5];
    covariance.times(&pull, &mut mean);
    (mean, covariance)
}

fn banana(z: &[f64], gradient: &mut [f64]) -> f64 {
    // y | x ~ N(x^2, 0.3) as the likelihood; the prior of both is standard normal.
    let r = (z[1] - z[0] * z[0]) / 0.3;
    gradient[0] = 2.0 * z[0] * r / 0.3;
    gradient[1] = -r / 0.3;
    -0.5 * r * r
}

type Target = fn(&[f64], &mut [f64]) -> f64;

fn chains(kernel: KernelSpec, (function, dim): (Target, usize), n: usize) -> Chains {
    let mut likelihood = FnLikelihood { dim, function };
    let climbs: Vec<Climb> = (0..8).map(|k| climb(&mut likelihood, &climb_start(3, k, dim), 500)).collect();
    let (modes, _) = modes::merge(&climbs, &mut likelihood);
    let starts = modes::starts(3, &modes, n / 4, &mut likelihood);
    let places = starts.into_iter().flat_map(|s| vec![vec![s]; 4]).collect();
    let tuning = Tuning { beta: 1.0, step: first_step(dim), factor: modes[0].factor.clone() };
    let spec = ChainsSpec { seed: 3, kernel, round: 10 };
    Chains::new(spec, places, vec![tuning], WarmUp::new(0.8, n / 4, 30))
}

/// Computes rounds, with up to `open` stretches handed out at a time and come back in the order that `shuffle` gives.
fn drive(
    chains: &mut Chains,
    (function, dim): (Target, usize),
    rounds: usize,
    (open, shuffle): (usize, u64),
) -> Vec<Round> {
    let mut likelihood = FnLikelihood { dim, function };
    let mut kernel = Kernel::new(chains.spec().kernel, dim);
    let mut rng = random::stream(shuffle, 0, 0);
    let (mut out, mut done) = (Vec::new(), Vec::new());
    let mut tunings = chains.tunings().to_vec();
    while done.len() < rounds {
        if chains.is_paused() && out.is_empty() {
            tunings = chains.tunings().to_vec();
            chains.resume();
        }
        while out.len() < open {
            let Some(task) = chains.hand_out() else { break };
            out.push(task);
        }
        let task = out.swap_remove(rng.random_range(0..out.len()));
        let tuning = (chains.spec().seed, &tunings[task.rung]);
        let leg = run_leg(tuning, &task, &mut kernel, &mut likelihood, || Ok::<(), ()>(())).unwrap();
        done.extend(chains.done(leg).unwrap().filter(|round| !round.learning));
    }
    done
}

/// All draws of one parameter, or a function of the parameters.
fn draws(rounds: &[Round], dim: usize, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    rounds.iter().flat_map(|r| r.legs.iter().flatten()).flat_map(|l| l.z.chunks(dim).map(&f)).collect()
}

fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt())
}

const HMC: KernelSpec = KernelSpec::Hmc { lengths: [1.2, 2.4], scheme: Scheme::TwoStage };
const KERNELS: [KernelSpec; 2] = [KernelSpec::Nuts { max_depth: 10, scheme: Scheme::Leapfrog }, HMC];

#[test]
fn a_correlated_normal_has_the_right_moments() {
    let (mean, covariance) = truth();
    for kernel in KERNELS {
        let mut all = chains(kernel, (normal, 5), 32);
        let rounds = drive(&mut all, (normal, 5), 40, (1, 0));
        for k in 0..5 {
            let sd = covariance.at(k, k).sqrt();
            let found = mean_and_sd(&draws(&rounds, 5, |z| z[k]));
            assert!((found.0 - mean[k]).abs() < 0.04 * sd, "{kernel:?} mean {k}: {found:?} {} {sd}", mean[k]);
            assert!((found.1 / sd - 1.0).abs() < 0.04, "{kernel:?} sd {k}: {found:?} {sd}");
        }
        let pair = draws(&rounds, 5, |z| (z[0] - mean[0]) * (z[1] - mean[1]));
        let expected = covariance.at(0, 1);
        assert!((mean_and_sd(&pair).0 / expected - 1.0).abs() < 0.1, "{kernel:?} covariance");
        let rounds_of_warm_up = all.warm_up().lessons.len();
        assert!(rounds_of_warm_up < 15, "{rounds_of_warm_up} rounds of warm-up for a normal distribution");
    }
}

#[test]
fn a_banana_has_the_right_moments() {
    // Quadrature over x of the density with y integrated out: N(x^2; 0, 1 + 0.09) N(x; 0, 1).
    let weight = |x: f64| (-0.5 * x * x - 0.5 * x.powi(4) / 1.09).exp();
    let grid = || (-6000..=6000).map(|i| f64::from(i) * 1e-3);
    let norm: f64 = grid().map(weight).sum();
    let var_x = grid().map(|x| x * x * weight(x)).sum::<f64>() / norm;
    let mean_y = var_x / 1.09;
    for kernel in KERNELS {
        let rounds = drive(&mut chains(kernel, (banana, 2), 32), (banana, 2), 80, (1, 0));
        let (x, y) = (mean_and_sd(&draws(&rounds, 2, |z| z[0])), mean_and_sd(&draws(&rounds, 2, |z| z[1])));
        assert!(x.0.abs() < 0.05 && (x.1 * x.1 / var_x - 1.0).abs() < 0.05, "{kernel:?} x {x:?} {var_x}");
        assert!((y.0 - mean_y).abs() < 0.03, "{kernel:?} y {y:?} {mean_y}");
    }
}

#[test]
fn a_wrong_gradient_costs_acceptance_but_not_the_truth() {
    // The Metropolis correction uses the density alone; here the gradient is 30 % too large.
    fn wrong(z: &[f64], gradient: &mut [f64]) -> f64 {
        let value = normal(z, gradient);
        gradient.iter_mut().for_each(|g| *g *= 1.3);
        value
    }
    let (mean, covariance) = truth();
    let rounds = drive(&mut chains(HMC, (wrong, 5), 32), (wrong, 5), 60, (1, 0));
    for k in 0..5 {
        let (sd, found) = (covariance.at(k, k).sqrt(), mean_and_sd(&draws(&rounds, 5, |z| z[k])));
        assert!(
            (found.0 - mean[k]).abs() < 0.1 * sd && (found.1 / sd - 1.0).abs() < 0.1,
            "{k}: {found:?} {sd}"
        );
    }
}

#[test]
fn the_order_of_work_does_not_matter() {
    for kernel in KERNELS {
        let one = drive(&mut chains(kernel, (banana, 2), 8), (banana, 2), 5, (1, 0));
        for (open, shuffle) in [(3, 1), (7, 2), (40, 3)] {
            let many = drive(&mut chains(kernel, (banana, 2), 8), (banana, 2), 5, (open, shuffle));
            assert_eq!(one, many);
        }
    }
}

#[test]
fn a_stretch_that_does_not_come_back_holds_its_own_chain_only() {
    let mut all = chains(KERNELS[0], (banana, 2), 8);
    drive(&mut all, (banana, 2), 1, (1, 0));
    let mut likelihood = FnLikelihood { dim: 2, function: banana as Target };
    let mut kernel = Kernel::new(all.spec().kernel, 2);
    let (seed, tunings) = (all.spec().seed, all.tunings().to_vec());
    let stalled = all.hand_out().unwrap();
    let mut legs = vec![0; 8];
    while let Some(task) = all.hand_out() {
        legs[task.chain] += 1;
        let leg =
            run_leg((seed, &tunings[0]), &task, &mut kernel, &mut likelihood, || Ok::<(), ()>(())).unwrap();
        assert!(all.done(leg).unwrap().is_none(), "no round is whole without the stalled chain");
    }
    // The others are 64 rounds ahead of it; one may have been ahead of the rest before.
    assert!(
        legs.iter().enumerate().all(|(c, &n)| if c == stalled.chain { n == 0 } else { n >= 63 }),
        "{legs:?}"
    );
}

#[test]
fn stored_chains_go_on_bit_for_bit() {
    let mut whole = chains(KERNELS[0], (banana, 2), 8);
    let expected = drive(&mut whole, (banana, 2), 8, (1, 0));
    // Stored in the middle of a round, with stretches handed out that never come back, several times.
    let mut stored = chains(KERNELS[0], (banana, 2), 8);
    let mut found = Vec::new();
    for part in 0..4 {
        found.extend(drive(&mut stored, (banana, 2), 2, (5, part)));
        stored = postcard::from_bytes(&postcard::to_stdvec(&stored).unwrap()).unwrap();
        if !stored.is_paused() {
            stored.resume();
        }
    }
    assert_eq!(expected, found);
}

/// Two normal peaks at -1 and 1 in the first of three parameters, 1 and 3 high.
fn two(z: &[f64], gradient: &mut [f64]) -> f64 {
    let ln = |c: f64, w: f64| -0.5 * ((z[0] - c) / WIDTH).powi(2) + f64::ln(w);
    let (a, b) = (ln(-1.0, 1.0), ln(1.0, 3.0));
    let top = a.max(b);
    let sum = (a - top).exp() + (b - top).exp();
    let share = (a - top).exp() / sum;
    gradient.fill(0.0);
    gradient[0] = (-(z[0] + 1.0) * share - (z[0] - 1.0) * (1.0 - share)) / (WIDTH * WIDTH);
    top + sum.ln()
}

/// Width of the peaks of [`two`].
const WIDTH: f64 = 0.1;

#[test]
fn tempering_shares_peaks_rightly_and_gives_the_evidence() {
    let mut likelihood = FnLikelihood { dim: 3, function: two as Target };
    // All groups start at the lower peak.
    let low = climb(&mut likelihood, &[-1.2, 0.1, 0.1], 500);
    let (modes, _) = modes::merge(&[low], &mut likelihood);
    assert!(modes[0].place.z[0] < 0.0);
    let run = |betas: &[f64], likelihood: &mut FnLikelihood<Target>| {
        let places = (0..8).map(|g| ladder::starts(5, g, &modes[0], betas, likelihood)).collect();
        let spec = ChainsSpec { seed: 5, kernel: KERNELS[0], round: 5 };
        let tunings = ladder::tunings(&modes[0], betas);
        let mut chains = Chains::new(spec, places, tunings, WarmUp::new(0.7, 8, 30));
        let (mut stones, mut high, mut n) = (None, 0.0, 0.0);
        chains
            .run_alone(likelihood, |chains, round| {
                if !round.learning {
                    stones.get_or_insert_with(|| Stones::new(chains.tunings(), 8)).add(&round.legs);
                    for group in &round.legs {
                        high += group[0].z.chunks(3).filter(|z| z[0] > 0.0).count() as f64;
                        n += group[0].ln_like.len() as f64;
                    }
                }
                // Crossings are slow: of so many draws about a thousand are independent.
                if n < 100_000.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
        (high / n, stones.unwrap().evidence().unwrap(), chains)
    };
    let (share, evidence, chains) = run(&ladder::ladder(3, 100.0), &mut likelihood);
    println!("share of the higher peak {share}");
    assert!((share - 0.75).abs() < 0.04, "{share}");
    // Integral of (N-shaped peaks of width s) times the standard normal prior.
    let v: f64 = 1.0 + WIDTH * WIDTH;
    let truth = (4.0 * WIDTH / v.sqrt() * (-0.5 / v).exp()).ln();
    assert!((evidence.ln_z - truth).abs() < 4.0 * evidence.error.max(0.01), "{evidence:?} {truth}");
    assert!(evidence.error < 0.05 && (evidence.ln_z_integrated - truth).abs() < 0.3, "{evidence:?} {truth}");
    let rates: Vec<f64> = chains.swaps().iter().map(|s| s.done as f64 / s.tried as f64).collect();
    assert!(rates.iter().all(|&r| r > 0.2), "{rates:?}");
    assert!(chains.arrivals() > 100, "{}", chains.arrivals());
    // Control: without temperatures between, nothing crosses.
    let (share, ..) = run(&[1.0, 0.9999], &mut likelihood);
    assert!(share < 0.01, "{share}");
}

/// A narrow normal likelihood of 6 parameters far out in the prior, whose ln likelihood falls by 1e6 and more.
fn narrow(z: &[f64], gradient: &mut [f64]) -> f64 {
    let sigma = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
    let x: Vec<f64> = z.iter().zip(sigma).map(|(z, s)| (z - 1.5) / s).collect();
    gradient.iter_mut().zip(x.iter().zip(sigma)).for_each(|(g, (x, s))| *g = -x / s);
    -0.5 * x.iter().map(|x| x * x).sum::<f64>()
}

#[test]
fn the_evidence_of_a_narrow_normal_peak_is_right() {
    let mut likelihood = FnLikelihood { dim: 6, function: narrow as Target };
    let top = climb(&mut likelihood, &[0.0; 6], 500);
    let (modes, _) = modes::merge(&[top], &mut likelihood);
    // The first ladder is one of three temperatures only: the warm-up has to find out how many it needs, and where.
    let betas = [1.0, 0.1, 0.0];
    let places = (0..8).map(|g| ladder::starts(7, g, &modes[0], &betas, &mut likelihood)).collect();
    let spec = ChainsSpec { seed: 7, kernel: KERNELS[0], round: 5 };
    let mut chains = Chains::new(spec, places, ladder::tunings(&modes[0], &betas), WarmUp::new(0.7, 8, 30));
    let mut stones: Option<Stones> = None;
    let mut rounds = 0;
    chains
        .run_alone(&mut likelihood, |chains, round| {
            if !round.learning {
                stones.get_or_insert_with(|| Stones::new(chains.tunings(), 8)).add(&round.legs);
                rounds += 1;
            }
            if rounds < 60 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    let truth: f64 = [0.001_f64, 0.003, 0.01, 0.03, 0.1, 0.3]
        .iter()
        .map(|s| {
            let v = 1.0 + s * s;
            (s / v.sqrt()).ln() - 0.5 * 1.5 * 1.5 / v
        })
        .sum();
    let evidence = stones.unwrap().evidence().unwrap();
    let rates: Vec<f64> = chains.swaps().iter().map(|s| s.done as f64 / s.tried as f64).collect();
    assert!((evidence.ln_z - truth).abs() < 4.0 * evidence.error.max(0.02), "{evidence:?} {truth}");
    assert!((evidence.ln_z_integrated - truth).abs() < 0.5 && evidence.error < 0.3, "{evidence:?} {truth}");
    assert!(rates.len() > 10 && rates.iter().all(|&r| r > 0.2), "{rates:?}");
}

#[test]
fn peaks_are_found_and_merged() {
    let mut likelihood = FnLikelihood { dim: 3, function: two as Target };
    let climbs: Vec<Climb> = (0..20).map(|k| climb(&mut likelihood, &climb_start(1, k, 3), 500)).collect();
    let (modes, _) = modes::merge(&climbs, &mut likelihood);
    assert_eq!(modes.len(), 2, "{modes:?}");
    assert_eq!(modes.iter().map(|m| m.hits).sum::<usize>(), 20);
    let shares = modes::shares(&modes);
    assert!((shares[0] - 0.75).abs() < 0.01 && modes[0].place.z[0] > 0.9, "{shares:?}");
    let starts = modes::starts(1, &modes, 8, &mut likelihood);
    assert_eq!(starts.iter().filter(|p| p.z[0] > 0.0).count(), 6);
}
