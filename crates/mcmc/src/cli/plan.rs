//! `alma-fit plan`: what a run would do, and what it would cost.

use super::table::print;
use crate::cost::{self, Cost};
use crate::estimate::Estimate;
use crate::plan::{self, FitPlan, Method, Plan};
use crate::posterior::Posterior;
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
    let estimate = Estimate::new(&plan.fit, &posterior);
    let report = Report { plan: &plan, posterior: &posterior, cost, estimate, given, ranks: args.ranks };
    match args.json {
        true => print(&format!("{:#}", report.json(&args.config))),
        false => print(&report.text()),
    }
}

struct Report<'a> {
    plan: &'a Plan,
    posterior: &'a Posterior,
    cost: Cost,
    estimate: Estimate,
    given: bool,
    ranks: usize,
}

impl Report<'_> {
    /// Milliseconds of what the sampler computes most.
    fn ms(&self) -> f64 {
        if self.estimate.gradients { self.cost.gradient_ms } else { self.cost.likelihood_ms }
    }

    fn sampler(&self) -> String {
        let FitPlan { walkers, steps, burn, search, seed, moves, method, .. } = &self.plan.fit;
        if *method != Method::Ensemble {
            return self.plan.fit.to_string();
        }
        let moves: Vec<String> = moves.iter().map(|m| format!("{:?} x {}", m.kind, m.weight)).collect();
        format!(
            "ensemble of {walkers} walkers, {steps} steps ({burn} left out), after a search of at most {search} \
             generations; moves {}; seed {seed}",
            moves.join(", ")
        )
    }

    /// Bytes that rank 0 holds when it makes the products: all draws.
    fn chain_bytes(&self) -> u64 {
        self.estimate.draws.1 * (self.plan.layout.parameters.len() as u64 + 1) * F64
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
        let estimate = &self.estimate;
        let (likely, most) =
            (estimate.seconds(self.ms(), self.ranks, true), estimate.seconds(self.ms(), self.ranks, false));
        let (search, sampling) = (estimate.of("search"), estimate.of("sampling"));
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
            "evaluations": match estimate.gradients {
                false => json!({ "search_at_most": search.at_most, "sampling": sampling.likely }),
                true => Value::Null,
            },
            "gradients": match estimate.gradients {
                false => Value::Null,
                true => estimate.stages.iter().map(|s| json!({
                    "stage": s.name, "likely": s.likely, "at_most": s.at_most, "at_a_time": s.at_a_time,
                })).collect(),
            },
            "temperatures": estimate.temperatures,
            "cpu_s": likely.0,
            "wall_s": likely.1,
            "cpu_s_at_most": most.0,
            "wall_s_at_most": most.1,
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
        text.push_str(&self.effort());
        let chain = 1.0e-6 * self.chain_bytes() as f64;
        let _ = write!(text, "memory: {:.0} MB a rank, {chain:.0} MB more on rank 0", resident_mb());
        text
    }
}

impl Report<'_> {
    /// How much is computed, and how long that takes.
    fn effort(&self) -> String {
        let (estimate, ranks) = (&self.estimate, self.ranks);
        let (cpu_s, wall_s) = estimate.seconds(self.ms(), ranks, true);
        let most = estimate.seconds(self.ms(), ranks, false);
        let (search, sampling) = (estimate.of("search"), estimate.of("sampling"));
        if !estimate.gradients {
            return format!(
                "{} likelihoods while sampling, at most {} in the search: {} of CPU; with {ranks} ranks {}, messages and \
                 products not counted\n",
                sampling.likely,
                search.at_most,
                duration(cpu_s),
                duration(wall_s)
            );
        }
        let warm_up = estimate.of("warm-up");
        let mut text = format!(
            "gradients, likely (at most): search {} ({}; {} a climb), warm-up {} ({}), sampling {} ({}){}\n",
            search.likely,
            search.at_most,
            estimate.climb,
            warm_up.likely,
            warm_up.at_most,
            sampling.likely,
            sampling.at_most,
            match estimate.temperatures {
                1 => String::new(),
                n => format!(", at {n} temperatures"),
            }
        );
        let _ = writeln!(
            text,
            "{} (at most {}) of CPU; with {ranks} ranks {} ({}), messages and products not counted",
            duration(cpu_s),
            duration(most.0),
            duration(wall_s),
            duration(most.1)
        );
        text.push_str(
            "likely: one peak, and a posterior that is not far from normal; trajectories in a curved one are up to 100 times \
             longer, and several peaks want tempering\n",
        );
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
