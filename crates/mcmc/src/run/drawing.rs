//! The chains of a gradient sampler with their draws so far: where they start, what the summary says of them.

use crate::chain::{PartRecord, Segment};
use crate::plan::{Method, Plan};
use crate::posterior::Standard;
use crate::sampler::modes::{Mode, mode_of, shares, starts};
use crate::sampler::{Chains, ChainsSpec, Stones, WarmUp, ladder};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What is told of every draw, besides its density.
pub(super) const STATISTICS: [&str; 5] = ["acceptance_rate", "n_steps", "tree_depth", "diverging", "energy"];
/// Share of exchanges between neighbouring temperatures below which the ladder is broken.
const LEAST_EXCHANGES: f64 = 0.05;
/// Journeys from the prior to the posterior below which the sampler has not shared the peaks out.
const LEAST_ARRIVALS: u64 = 10;
/// Difference of the two evidences, in standard errors, that is too large.
const EVIDENCES_DIFFER: f64 = 5.0;
/// Draws of each chain in a round.
const ROUND: usize = 10;
/// The same between exchanges of temperatures: a place needs as many exchanges as there are temperatures to get from the prior to
/// the posterior at all.
const TEMPERED_ROUND: usize = 2;
/// Draws of each chain before effective samples are counted.
const FIRST_CHECK: u64 = 40;

/// The chains and their draws so far; rank 0's counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Drawing {
    pub(super) method: Method,
    /// Why this method; empty where the user chose.
    pub(super) reason: String,
    pub(super) chains: Chains,
    pub(super) modes: Vec<Mode>,
    /// Draws on disk.
    pub(super) parts: Vec<PartRecord>,
    /// Draws since the last part.
    pub(super) pending: Segment,
    /// Draws of each chain.
    pub(super) draws: u64,
    /// Draws at which the effective samples are counted next.
    pub(super) check_at: u64,
    /// There are enough draws: a run that was killed while it wrote its products must not draw more.
    pub(super) enough: bool,
    pub(super) effort: Effort,
    /// What the evidence follows from, where there are several temperatures.
    pub(super) stones: Option<Stones>,
}

/// Gradients spent, and what the transitions told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Effort {
    pub(super) search: u64,
    pub(super) warm_up: u64,
    pub(super) sampling: u64,
    pub(super) diverging: u64,
    pub(super) acceptance: Vec<f64>,
}

impl Drawing {
    /// Starts near the modes, of which there is one at least.
    pub(super) fn start(
        plan: &Plan,
        (method, reason): (Method, String),
        (modes, search): (Vec<Mode>, u64),
        likelihood: &mut Standard,
    ) -> anyhow::Result<Self> {
        let (fit, dim) = (&plan.fit, plan.layout.parameters.len());
        let kernel = method.kernel().context("the plan is not for a gradient sampler")?;
        let groups = fit.chains.unwrap_or(method.chains());
        let tempered = method == Method::Tempering;
        let superchains = if tempered { groups } else { superchains(groups) };
        let peak = modes.iter().map(|m| m.place.ln_like).fold(f64::NEG_INFINITY, f64::max);
        let betas = if tempered {
            ladder::ladder(dim, ladder::range(fit.seed, dim, peak, likelihood))
        } else {
            vec![1.0]
        };
        let places = if tempered {
            let one = |g| ladder::starts(fit.seed, g, mode_of(&modes, g, groups), &betas, likelihood);
            (0..groups).map(one).collect()
        } else {
            let starts = starts(fit.seed, &modes, superchains, likelihood);
            starts.iter().flat_map(|s| vec![vec![s.clone()]; groups / superchains]).collect()
        };
        let tunings = ladder::tunings(&modes[0], &betas);
        let warm_up = WarmUp::new(fit.acceptance.unwrap_or(method.acceptance()), superchains, fit.warm_up);
        let round = if tempered { TEMPERED_ROUND } else { ROUND };
        let chains = Chains::new(ChainsSpec { seed: fit.seed, kernel, round }, places, tunings, warm_up);
        let effort = Effort { search, acceptance: vec![0.0; groups], ..Effort::default() };
        let pending = empty(plan, groups, 0);
        let (parts, stones) = (Vec::new(), None);
        Ok(Self {
            method,
            reason,
            chains,
            modes,
            parts,
            pending,
            draws: 0,
            check_at: FIRST_CHECK,
            enough: false,
            effort,
            stones,
        })
    }
}

/// Groups of chains with the same start: of 4, where the number allows it.
fn superchains(chains: usize) -> usize {
    let of_a_start = (1..=4).rev().find(|n| chains.is_multiple_of(*n) && chains / n >= 2);
    chains / of_a_start.unwrap_or(1)
}

impl Drawing {
    /// How the draws were made, for the summary.
    pub(super) fn told(&self) -> String {
        let Effort { search, warm_up, sampling, diverging, .. } = &self.effort;
        let (groups, rounds) = (self.chains.groups(), self.chains.warm_up().lessons.len());
        let draws = self.draws * groups as u64;
        let mut text = format!("{}{}\n", self.method.name(), self.reason);
        let _ = writeln!(
            text,
            "{groups} chains, {rounds} rounds of warm-up; gradients: {search} in the search, {warm_up} in the warm-up, \
             {sampling} for {draws} draws"
        );
        for (mode, share) in self.modes.iter().zip(shares(&self.modes)) {
            let (ln_p, hits) = (mode.ln_density, mode.hits);
            let _ = writeln!(
                text,
                "peak with {share:.4} of the mass (normal approximation), found by {hits} climbs, ln p {ln_p:.2}"
            );
        }
        if let Some(stones) = &self.stones {
            text.push_str(&self.told_of_temperatures(stones));
        }
        if *diverging > 0 {
            let _ = writeln!(
                text,
                "{diverging} transitions diverged: if they are many, raise acceptance of [fit]"
            );
        }
        text
    }

    /// Exchanges and evidence.
    fn told_of_temperatures(&self, stones: &Stones) -> String {
        let rates: Vec<f64> = self.chains.swaps().iter().map(|s| s.done as f64 / s.tried as f64).collect();
        let (low, mean) =
            (rates.iter().copied().fold(1.0, f64::min), rates.iter().sum::<f64>() / rates.len() as f64);
        let (temperatures, arrivals) = (rates.len() + 1, self.chains.arrivals());
        let mut text = format!(
            "{temperatures} temperatures, exchanges {mean:.2} (least {low:.2}), {arrivals} journeys from the prior to the \
             posterior\n"
        );
        if let Some(evidence) = stones.evidence() {
            let (ln_z, error, integrated) = (evidence.ln_z, evidence.error, evidence.ln_z_integrated);
            let _ = writeln!(
                text,
                "ln evidence {ln_z:.2} +- {error:.2} (stepping stones), {integrated:.2} (thermodynamic integration)"
            );
            if (ln_z - integrated).abs() > EVIDENCES_DIFFER * error.max(0.1) {
                text.push_str(
                    "the two evidences differ by more than their errors: trust neither; more draws\n",
                );
            }
        }
        if low < LEAST_EXCHANGES {
            let _ = writeln!(
                text,
                "neighbouring temperatures hardly exchange places: neither the shares of the peaks nor the evidence can be \
                 trusted; more rounds of warm_up"
            );
        }
        if arrivals < LEAST_ARRIVALS {
            text.push_str(
                "few journeys: the shares of the peaks are those of the search, not of the sampler; more draws\n",
            );
        }
        text
    }
}

pub(super) fn empty(plan: &Plan, chains: usize, first: u64) -> Segment {
    Segment::new(first, chains, plan.layout.parameters.len()).with_statistics(&STATISTICS)
}
