//! `alma-fit plan`: what a run would do, and what it would cost.

use super::table::print;
use crate::cost::{self, Cost};
use crate::plan::{self, FitPlan, Plan};
use crate::posterior::Posterior;
use crate::sampler::start::recommended_population;
use anyhow::{Context as _, anyhow};
use mirinae_common::outcome::Failure;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The configuration
    config: PathBuf,
    /// Processes that the run would have
    #[arg(long, default_value_t = 1)]
    ranks: usize,
    /// Measure at these parameters rather than at points drawn from the prior, as CH3OH.logn=18.3; once for each
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Bytes of one number.
const F64: u64 = 8;

/// Prints what would be done.
pub(super) fn run(args: &PlanArgs) -> Result<(), Failure> {
    if args.ranks == 0 {
        return Err(Failure::usage(anyhow!("--ranks 0: at least one process is needed")));
    }
    let plan = plan::prepare(&args.config)?;
    let posterior = plan.posterior().map_err(Failure::input)?;
    let given = !args.set.is_empty();
    let points = match given {
        true => vec![plan.values_from(&args.set).map_err(Failure::usage)?],
        false => cost::prior_points(&posterior, plan.fit.seed),
    };
    let cost = cost::measure(&posterior, &points)
        .context("the model is not defined at any of 400 points drawn from the prior")
        .map_err(Failure::input)?;
    let report = Report { plan: &plan, posterior: &posterior, cost, given, ranks: args.ranks };
    match args.json {
        true => print(&format!("{:#}", report.json(&args.config))),
        false => print(&report.text()),
    }
}

struct Report<'a> {
    plan: &'a Plan,
    posterior: &'a Posterior,
    cost: Cost,
    given: bool,
    ranks: usize,
}

/// How many log densities a run computes.
struct Work {
    /// In the search for the mode, at most.
    search: u64,
    /// While sampling.
    sampling: u64,
    /// CPU and wall-clock seconds, at most.
    cpu_s: f64,
    wall_s: f64,
}

impl Report<'_> {
    /// A half of the ensemble moves at a time, and the ranks share it: the rank with most points sets the pace.
    fn work(&self) -> Work {
        let FitPlan { walkers, steps, search, .. } = self.plan.fit;
        let population = recommended_population(self.plan.layout.parameters.len());
        let ranks = self.ranks;
        let share = |n: usize| n.div_ceil(ranks) as u64;
        let generations = if search == 0 { 0 } else { search + 1 };
        let ms = self.cost.likelihood_ms;
        let (search, sampling) = (generations * population as u64, (steps + 1) * walkers as u64);
        let turns = generations * share(population) + (steps + 1) * 2 * share(walkers / 2);
        let cpu_s = 1.0e-3 * ms * (search + sampling) as f64;
        Work { search, sampling, cpu_s, wall_s: 1.0e-3 * ms * turns as f64 }
    }

    fn sampler(&self) -> String {
        let FitPlan { walkers, steps, burn, search, seed, moves, .. } = &self.plan.fit;
        let moves: Vec<String> = moves.iter().map(|m| format!("{:?} x {}", m.kind, m.weight)).collect();
        format!(
            "ensemble of {walkers} walkers, {steps} steps ({burn} left out), after a search of at most {search} \
             generations; moves {}; seed {seed}",
            moves.join(", ")
        )
    }

    /// Bytes that rank 0 holds when it makes the products: all draws.
    fn chain_bytes(&self) -> u64 {
        let FitPlan { walkers, steps, .. } = self.plan.fit;
        steps * walkers as u64 * (self.plan.layout.parameters.len() as u64 + 1) * F64
    }

    fn measured_at(&self) -> &'static str {
        if self.given { "the parameters of --set" } else { "points drawn from the prior" }
    }

    /// Lines of each species that can be seen in each window.
    fn lines(&self) -> Vec<(&str, Vec<usize>)> {
        let plan = self.plan;
        let count = |species: &crate::catalog::Species| {
            let ends = plan.windows.iter().map(|w| (&w.window.freq_mhz, w.window.freq_mhz.len()));
            ends.map(|(freq, n)| species.lines_in(freq[0], freq[n - 1], plan.options.velocity).len())
                .collect()
        };
        plan.species.iter().map(|species| (species.name(), count(species))).collect()
    }

    fn json(&self, config: &Path) -> Value {
        let plan = self.plan;
        let prior =
            |p: &crate::posterior::Parameter| json!({ "name": p.name, "unit": p.unit, "prior": p.prior });
        let window = |w: &crate::posterior::WindowData| {
            let freq = &w.window.freq_mhz;
            json!({ "name": w.window.name, "low_mhz": freq[0], "high_mhz": freq[freq.len() - 1],
                    "channels": freq.len() })
        };
        let lines = self.lines().into_iter().map(
            |(name, n)| json!({ "species": name, "lines": n.iter().sum::<usize>(), "lines_by_window": n }),
        );
        let work = self.work();
        json!({
            "config": config.display().to_string(),
            "parameters": plan.layout.parameters.iter().map(prior).collect::<Vec<_>>(),
            "windows": plan.windows.iter().map(window).collect::<Vec<_>>(),
            "channels": self.posterior.model().n_channels(),
            "channels_flagged": plan.flagged,
            "species": lines.collect::<Vec<_>>(),
            "notes": plan.notes,
            "likelihood_ms": self.cost.likelihood_ms,
            "gradient_ms": self.cost.gradient_ms,
            "measured": { "at": self.measured_at(), "points": self.cost.points, "calls": self.cost.calls,
                          "clock": "CPU time of the thread, medians", "instructions": format!("{:?}", plan.options.simd) },
            "sampler": self.sampler(),
            "ranks": self.ranks,
            "evaluations": { "search_at_most": work.search, "sampling": work.sampling },
            "cpu_s": work.cpu_s,
            "wall_s": work.wall_s,
            "memory_mb": { "each_rank": resident_mb(), "more_on_rank_0": 1.0e-6 * self.chain_bytes() as f64 },
        })
    }

    fn text(&self) -> String {
        let (plan, cost) = (self.plan, &self.cost);
        // Writing to a string cannot fail.
        let mut text = format!("{plan}\n\nlines that can be seen, by window:\n");
        for (name, n) in self.lines() {
            let by_window: Vec<String> = n.iter().map(usize::to_string).collect();
            let _ = writeln!(text, "  {name}: {} ({})", n.iter().sum::<usize>(), by_window.join(", "));
        }
        let _ = writeln!(
            text,
            "one likelihood {:.4} ms, with its gradient {:.4} ms: medians of the thread's CPU time over {} calls at {} \
             {}, {:?} instructions",
            cost.likelihood_ms,
            cost.gradient_ms,
            cost.calls,
            cost.points,
            self.measured_at(),
            plan.options.simd
        );
        let _ = writeln!(text, "sampler: {}", self.sampler());
        let work = self.work();
        let _ = writeln!(
            text,
            "{} likelihoods while sampling, at most {} in the search: {} of CPU; with {} ranks {}, messages and \
             products not counted",
            work.sampling,
            work.search,
            duration(work.cpu_s),
            self.ranks,
            duration(work.wall_s)
        );
        let chain = 1.0e-6 * self.chain_bytes() as f64;
        let _ = write!(text, "memory: {:.0} MB a rank, {chain:.0} MB more on rank 0", resident_mb());
        text
    }
}

/// "3.2 s", "41 min", "2.5 h".
fn duration(s: f64) -> String {
    match s {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Memory that this process holds (MB): data, lines, model and work space, as a rank would. 0 where the system does not
/// say.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kb.unwrap_or(0.0) * 1024.0 * 1.0e-6
}
