//! Simulation-based calibration: spectra simulated at parameters drawn from the fit's own prior are fitted, over all ranks;
//! the truth must rank uniformly among the draws.
//!
//! `mpirun -np 2 calibration examples/calibration/fit.toml --out DIR [--assumed-noise F] [--lag1 R [--ignore-lag1]]`
//! writes ranks.csv and ecdf.svg; exit code 0: calibrated, 1: not.

use anyhow::Context as _;
use mirinae_common::comm::Comm as _;
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::pool::{Pool, Source};
use mirinae_common::runtime::{self, Context};
use mirinae_common::{atomic, random};
use mirinae_mcmc::diagnose::{bands, ecdf, quantile, sorted};
use mirinae_mcmc::plan::{self, Method, Plan};
use mirinae_mcmc::posterior::Standard;
use mirinae_mcmc::sampler::Alone;
use rand::RngExt as _;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Draws among which the truth is ranked.
const DRAWS: usize = 99;

#[derive(Debug, clap::Parser)]
struct Args {
    /// The problem: its spectra give the channels and the noise
    config: PathBuf,
    /// Number of simulated spectra
    #[arg(long, default_value_t = 500)]
    simulations: usize,
    /// The noise that the fit assumes, over the true one: other than 1 is a control that must fail
    #[arg(long, default_value_t = 1.0)]
    assumed_noise: f64,
    /// Correlation of the noise of neighbouring channels, 0 or 0.5 at most
    #[arg(long, default_value_t = 0.0)]
    lag1: f64,
    /// Do not tell the fit of the correlation: a control that must fail
    #[arg(long)]
    ignore_lag1: bool,
    #[command(flatten)]
    options: RunOptions,
}

/// One simulated spectrum's outcome, one entry a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ranked {
    simulation: usize,
    truth: Vec<f64>,
    rank: Vec<usize>,
    in_68: Vec<bool>,
    in_95: Vec<bool>,
    diverging: usize,
}

struct All {
    next: usize,
    total: usize,
    done: Vec<Ranked>,
}

impl Source for All {
    type Task = usize;
    type Result = Ranked;

    fn next(&mut self) -> Option<usize> {
        (self.next < self.total).then(|| {
            self.next += 1;
            self.next - 1
        })
    }

    fn done(&mut self, ranked: Ranked) -> anyhow::Result<()> {
        self.done.push(ranked);
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = runtime::parse_args::<Args>();
    runtime::parallel(
        &args.options,
        || plan::prepare(&args.config),
        Plan::to_string,
        |context, plan| run(context, plan, &args).map_err(Failure::run),
    )
}

fn run(context: &Context, plan: &Plan, args: &Args) -> anyhow::Result<Outcome> {
    let mut all = All { next: 0, total: args.simulations, done: Vec::new() };
    let source = (context.comm.rank() == 0).then_some(&mut all);
    Pool::new(context.comm).run(source, |simulation, tick| {
        tick();
        one(plan, args, simulation)
    })?;
    let mut outcome = Outcome::default();
    if context.comm.rank() == 0 {
        all.done.sort_by_key(|r| r.simulation);
        let out = args.options.out.clone().unwrap_or_else(|| PathBuf::from("calibration.out"));
        std::fs::create_dir_all(&out)?;
        outcome.count("parameters that are not calibrated", judge(plan, &all.done, &out)?);
    }
    Ok(outcome)
}

/// Simulates one spectrum, fits it, ranks the truth.
fn one(plan: &Plan, args: &Args, simulation: usize) -> anyhow::Result<Ranked> {
    let mut rng = random::stream(plan.fit.seed, simulation as u64, 0);
    let truth: Vec<f64> = plan.layout.parameters.iter().map(|p| p.prior.draw(&mut rng)).collect();
    let mut simulated = plan.clone();
    let posterior = plan.posterior()?;
    let mut work = posterior.work();
    let model_k = posterior.spectrum(&truth, &mut work)?;
    let mut place = 0;
    for window in &mut simulated.windows {
        let n = window.t_k.len();
        let white: Vec<f64> = (0..=n).map(|_| rng.sample(StandardNormal)).collect();
        // A moving average: x_i + b x_(i+1) has the correlation b/(1 + b^2) at lag 1 and none beyond.
        let r = args.lag1;
        let b = if r == 0.0 { 0.0 } else { (1.0 - (1.0 - 4.0 * r * r).max(0.0).sqrt()) / (2.0 * r) };
        for i in 0..n {
            let noise = (white[i] + b * white[i + 1]) / (1.0 + b * b).sqrt();
            window.t_k[i] = model_k[place + i] + window.sigma_k[i] * noise;
            window.sigma_k[i] *= args.assumed_noise;
        }
        if r > 0.0 && !args.ignore_lag1 {
            window.noise.correlation = vec![r];
        }
        place += n;
    }
    let posterior = simulated.posterior()?;
    let mut standard = Standard::new(&posterior);
    let kernel = Method::Nuts.kernel().context("NUTS has a kernel")?;
    let acceptance = Method::Nuts.acceptance();
    let seed = plan.fit.seed + 1 + simulation as u64;
    let how = Alone { seed, kernel, acceptance, climbs: 6, chains: 8, draws: 120 };
    let found = how.sample(&mut standard)?.context("the model is not defined in the prior")?;
    let dim = truth.len();
    let draws: Vec<Vec<f64>> = found.z.chunks(dim).map(|z| standard.theta(z)).collect();
    let mut ranked = Ranked {
        simulation,
        truth,
        rank: Vec::new(),
        in_68: Vec::new(),
        in_95: Vec::new(),
        diverging: found.diverging,
    };
    for k in 0..dim {
        let x = ranked.truth[k];
        let picked = (0..DRAWS).map(|j| draws[j * draws.len() / DRAWS][k]);
        ranked.rank.push(picked.filter(|&d| d < x).count());
        let values = sorted(draws.iter().map(|d| d[k]));
        let within = |p: f64| quantile(&values, 0.5 - 0.5 * p) < x && x < quantile(&values, 0.5 + 0.5 * p);
        ranked.in_68.push(within(0.68));
        ranked.in_95.push(within(0.95));
    }
    Ok(ranked)
}

/// Tells the coverage and the verdict of every parameter, writes the ranks and the picture; counts what has failed.
fn judge(plan: &Plan, all: &[Ranked], out: &std::path::Path) -> anyhow::Result<u64> {
    let names = plan.names();
    atomic::write(&out.join("ranks.csv"), |file| {
        writeln!(file, "simulation,{}", names.join(","))?;
        all.iter().try_for_each(|r| {
            let ranks: Vec<String> = r.rank.iter().map(ToString::to_string).collect();
            writeln!(file, "{},{}", r.simulation, ranks.join(","))
        })
    })?;
    let n = all.len();
    let bins = DRAWS + 1;
    // 5 % over all parameters.
    let bands = bands(n, bins, 0.05 / names.len() as f64);
    let mut failed = 0;
    let mut curves = Vec::new();
    for (k, name) in names.iter().enumerate() {
        let curve = ecdf(&all.iter().map(|r| r.rank[k]).collect::<Vec<_>>(), bins);
        let share = |inside: &dyn Fn(&Ranked) -> bool| {
            100.0 * all.iter().filter(|r| inside(r)).count() as f64 / n as f64
        };
        let (in_68, in_95) = (share(&|r| r.in_68[k]), share(&|r| r.in_95[k]));
        let holds = bands.hold(&curve) && (in_68 - 68.0).abs() <= 6.0 && (in_95 - 95.0).abs() <= 3.0;
        failed += u64::from(!holds);
        let verdict = if holds { "calibrated" } else { "NOT calibrated" };
        println!("{name:12} 68 %: {in_68:.1}, 95 %: {in_95:.1}  {verdict}");
        curves.push(curve);
    }
    let diverging: usize = all.iter().map(|r| r.diverging).sum();
    println!(
        "{n} simulated spectra, {diverging} divergent transitions, {failed} of {} parameters not calibrated",
        names.len()
    );
    let svg = picture(&names, &curves, &bands);
    atomic::write(&out.join("ecdf.svg"), |file| file.write_all(svg.as_bytes()))?;
    Ok(failed)
}

/// The difference of the empirical distribution from the uniform one, with the bands.
fn picture(names: &[String], curves: &[Vec<f64>], bands: &mirinae_mcmc::diagnose::Bands) -> String {
    let (width, height, bins) = (720.0, 360.0, (DRAWS + 1) as f64);
    let x = |k: usize| 50.0 + (width - 200.0) * (k + 1) as f64 / bins;
    let y = |k: usize, value: f64| height / 2.0 - (value - (k + 1) as f64 / bins) * 1300.0;
    let line = |values: &[f64]| {
        let points: Vec<String> =
            values.iter().enumerate().map(|(k, &v)| format!("{:.1},{:.1}", x(k), y(k, v))).collect();
        points.join(" ")
    };
    let colours = ["#0072b2", "#e69f00", "#009e73", "#9450b4", "#56b4e9", "#965a1e", "#cc79a7", "#6e8c00"];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let back: Vec<String> = line(&bands.high).split(' ').rev().map(String::from).collect();
    let _ = writeln!(svg, "<polygon points=\"{} {}\" fill=\"#dddddd\"/>", line(&bands.low), back.join(" "));
    for (k, (name, curve)) in names.iter().zip(curves).enumerate() {
        let colour = colours[k % colours.len()];
        let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>", line(curve));
        let place = 40.0 + 18.0 * k as f64;
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{place}\" fill=\"{colour}\">{name}</text>", width - 140.0);
    }
    let _ = writeln!(
        svg,
        "<text x=\"50\" y=\"{}\">rank of the truth, 0 to {DRAWS}; grey: 95 % of calibrated samplers stay inside</text>",
        height - 12.0
    );
    let _ = writeln!(
        svg,
        "<text x=\"50\" y=\"20\">empirical minus uniform distribution (full height: {:.2})</text>\n</svg>",
        height / 1300.0
    );
    svg
}
