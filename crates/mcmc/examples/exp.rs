//! Scratch.
#![allow(missing_docs, clippy::unwrap_used)]
use mirinae_mcmc::posterior::Standard;
use mirinae_mcmc::{diagnose, plan, sampler::*};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::Path;

fn cpu() -> f64 {
    let t = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let plan = plan::prepare(Path::new(&arg[1])).unwrap_or_else(|e| panic!("{e}"));
    let posterior = plan.posterior().unwrap();
    let mut like = Standard::new(&posterior);
    let dim = like.dim();
    println!("prepare {:.2} s", cpu());
    let nclimb: usize = arg[2].parse().unwrap();
    let best_of: usize = arg[3].parse().unwrap();
    let chains_n: usize = arg[4].parse().unwrap();
    let draws: usize = arg[5].parse().unwrap();
    let acceptance: f64 = arg[6].parse().unwrap();
    let scheme = if arg[8] == "2" { Scheme::TwoStage } else { Scheme::Leapfrog };
    let kernel = if arg[7] == "hmc" {
        KernelSpec::Hmc { scheme, lengths: [arg[9].parse().unwrap(), arg[10].parse().unwrap()] }
    } else {
        KernelSpec::Nuts { max_depth: 10, scheme }
    };
    let t0 = cpu();
    let mut ends = Vec::new();
    let mut total = 0;
    for i in 0..nclimb {
        let mut best = (f64::NEG_INFINITY, vec![]);
        for k in 0..best_of {
            let mut rng = mirinae_common::random::stream(1, i as u64, k as u64);
            let z: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
            let place = Place::at(&z, &mut like);
            let v = place.ln_density(1.0);
            if v > best.0 {
                best = (v, z);
            }
        }
        let c = climb(&mut like, &best.1, 2000);
        total += c.gradients;
        ends.push(c);
    }
    ends.sort_by(|a, b| b.ln_density.total_cmp(&a.ln_density));
    println!("{nclimb} climbs: {:.2} s, {total} gradients", cpu() - t0);
    for c in ends.iter().take(40) {
        print!("{:.3}({},{}) ", c.ln_density, c.gradients, c.converged);
    }
    println!();
    let top = &ends[0];
    let t0 = cpu();
    let l = laplace(&mut like, &top.place);
    println!("laplace {:.2} s {} gradients", cpu() - t0, l.gradients);
    let superchains = chains_n / 4;
    let places: Vec<Vec<Place>> = (0..chains_n)
        .map(|c| {
            let s = c / (chains_n / superchains);
            let mut rng = mirinae_common::random::stream(1, 1 << 40 | s as u64, 0);
            let xi: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
            let mut off = vec![0.0; dim];
            l.factor.times(&xi, &mut off);
            let z: Vec<f64> = top.place.z.iter().zip(&off).map(|(a, b)| a + b).collect();
            vec![Place::at(&z, &mut like)]
        })
        .collect();
    let spec = ChainsSpec { seed: 1, kernel, round: 10 };
    let tuning = Tuning { beta: 1.0, step: 1.4 / (dim as f64).powf(0.25), factor: l.factor.clone() };
    let mut chains = Chains::new(spec, places, vec![tuning], WarmUp::new(acceptance, superchains, 40));
    let mut k = Kernel::new(kernel, dim);
    let t0 = cpu();
    let mut warm_g = 0u64;
    let (mut g, mut t_s) = (0u64, 0.0);
    let mut z: Vec<f64> = Vec::new();
    let mut n = 0;
    let mut div = 0;
    let mut acc = 0.0;
    while n < draws {
        if chains.is_paused() {
            chains.resume();
        }
        let tunings = chains.tunings().to_vec();
        while let Some(task) = chains.next() {
            let leg =
                run_leg((1, &tunings[task.rung]), &task, &mut k, &mut like, || Ok::<(), ()>(())).unwrap();
            if let Some(round) = chains.done(leg).unwrap() {
                let gs: u64 = round
                    .legs
                    .iter()
                    .flatten()
                    .flat_map(|l| &l.transitions)
                    .map(|t| u64::from(t.gradients))
                    .sum();
                if round.learning {
                    warm_g += gs;
                    println!("{:?}", chains.warm_up().lessons.last().unwrap());
                    t_s = cpu();
                } else {
                    g += gs;
                    for d in 0..10 {
                        for leg in round.legs.iter().flatten() {
                            z.extend_from_slice(&leg.z[d * dim..(d + 1) * dim]);
                            div += usize::from(leg.transitions[d].diverging);
                            acc += leg.transitions[d].acceptance;
                        }
                    }
                    n += 10;
                    if n >= draws {
                        break;
                    }
                }
            }
            if chains.is_paused() {
                break;
            }
        }
    }
    println!("warm-up {:.2} s {warm_g} gradients", t_s - t0);
    let t = cpu() - t_s;
    let mut worst = (f64::INFINITY, f64::INFINITY, 0.0f64);
    for p in 0..dim {
        let x = Array2::from_shape_fn((n, chains_n), |(d, c)| z[(d * chains_n + c) * dim + p]);
        let (b, ta, r) =
            (diagnose::ess_bulk(x.view()), diagnose::ess_tail(x.view()), diagnose::r_hat(x.view()));
        worst = (worst.0.min(b), worst.1.min(ta), worst.2.max(r));
        println!("{:12} bulk {b:.0} tail {ta:.0} rhat {r:.4}", plan.names()[p]);
    }
    println!(
        "draws {} sampling {t:.2} s, {g} gradients ({:.3} ms each), acceptance {:.3}, divergences {div}; ESS bulk {:.0} tail {:.0} rhat {:.4}: {:.2} gradients per ESS, {:.2} per tail ESS, {:.0} ESS/s",
        n * chains_n,
        1e3 * t / g as f64,
        acc / (n * chains_n) as f64,
        worst.0,
        worst.1,
        worst.2,
        g as f64 / worst.0,
        g as f64 / worst.1,
        worst.0 / t
    );
}
