//! How to sample, resolved and checked.

use crate::config::{FitConfig, MoveKind, SamplerKind};
use crate::sampler::{KernelSpec, Mixture, MoveSpec, Scheme, WeightedMove};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Chains unless the user says otherwise: R-hat below 1.01 takes about 200 draws of each, however many there are.
const CHAINS: usize = 16;
/// Groups of chains of tempering: each has a chain at every temperature.
const GROUPS: usize = 8;
/// Doublings of a trajectory: 1023 steps.
const MAX_DEPTH: u32 = 10;
/// Trajectories of HMC: about a quarter of a turn and more, so that a draw lies on the other side of the mean.
const LENGTHS: [f64; 2] = [1.2, 2.4];

/// Which sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A gradient sampler, chosen when the peaks are known.
    Auto,
    /// Walkers that need no gradient.
    Ensemble,
    /// The no-U-turn sampler.
    Nuts,
    /// Hamiltonian trajectories of a random length.
    Hmc,
    /// No-U-turn chains at many temperatures.
    Tempering,
}

/// How the fit samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitPlan {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Which sampler.
    pub method: Method,
    /// Why this one; empty where the user chose.
    pub reason: String,
    /// Chains of a gradient sampler, groups of chains of tempering; `None`: what suits the sampler.
    pub chains: Option<usize>,
    /// Draws of each chain, at most.
    pub draws: u64,
    /// Effective samples that are enough.
    pub ess: f64,
    /// Mean acceptance probability that the warm-up aims for; `None`: what suits the sampler.
    pub acceptance: Option<f64>,
    /// Rounds of the warm-up, at most.
    pub warm_up: usize,
    /// Walkers of the ensemble.
    pub walkers: usize,
    /// Steps of the ensemble.
    pub steps: u64,
    /// Steps at the start that the results leave out.
    pub burn: u64,
    /// Generations that the search may take; 0: no search.
    pub search: u64,
    /// The mixture of moves.
    pub moves: Vec<WeightedMove>,
    /// Steps or draws in one part of the chain on disk.
    pub part: u64,
}

impl FitPlan {
    /// Resolves `[fit]` for `dim` free parameters.
    ///
    /// # Errors
    /// Where a number is out of its range or belongs to another sampler; names the key.
    pub fn new(config: &FitConfig, dim: usize) -> anyhow::Result<Self> {
        ensure!(dim > 0, "all parameters are fixed: nothing is left to fit");
        ensure!(config.part > 0, "part must be at least 1");
        let (method, reason) = method(config)?;
        let plan = Self {
            seed: config.seed,
            method,
            reason,
            chains: config.chains,
            draws: config.draws.unwrap_or(5000),
            ess: config.ess.unwrap_or(4000.0),
            acceptance: config.acceptance,
            warm_up: config.warm_up.unwrap_or(40),
            walkers: config.walkers.unwrap_or((4 * dim).max(32)),
            steps: config.steps.unwrap_or(3000),
            burn: config.burn.unwrap_or(1000),
            search: config.search.unwrap_or(1000),
            moves: moves(config, dim)?,
            part: config.part,
        };
        plan.check_chains()?;
        plan.check_ensemble(dim)?;
        Ok(plan)
    }

    /// The configuration with what the program chose: how a product says how it was made.
    pub fn filled(&self, config: &FitConfig) -> FitConfig {
        let common = FitConfig {
            seed: self.seed,
            part: self.part,
            moves: config.moves.clone(),
            ..FitConfig::default()
        };
        let sampler = match self.method {
            Method::Ensemble => SamplerKind::Ensemble,
            Method::Auto => SamplerKind::Auto,
            Method::Nuts => SamplerKind::Nuts,
            Method::Hmc => SamplerKind::Hmc,
            Method::Tempering => SamplerKind::Tempering,
        };
        if self.method == Method::Ensemble {
            let (walkers, steps) = (Some(self.walkers), Some(self.steps));
            return FitConfig {
                sampler,
                walkers,
                steps,
                burn: Some(self.burn),
                search: Some(self.search),
                ..common
            };
        }
        FitConfig {
            sampler,
            chains: self.chains,
            draws: Some(self.draws),
            ess: Some(self.ess),
            acceptance: self.acceptance,
            warm_up: Some(self.warm_up),
            ..common
        }
    }

    fn check_chains(&self) -> anyhow::Result<()> {
        let Self { chains, draws, ess, acceptance, warm_up, .. } = *self;
        if let Some(chains) = chains {
            ensure!(
                chains >= 2 && chains.is_multiple_of(2),
                "chains = {chains}: an even number of at least 2 is needed"
            );
        }
        ensure!(draws >= 4, "draws = {draws}: at least 4 are needed");
        ensure!(ess > 0.0, "ess = {ess}: it must be positive");
        if let Some(acceptance) = acceptance {
            ensure!(
                acceptance > 0.1 && acceptance < 0.999,
                "acceptance = {acceptance}: between 0.1 and 0.999"
            );
        }
        ensure!(warm_up > 0, "warm_up must be at least 1 round");
        Ok(())
    }

    fn check_ensemble(&self, dim: usize) -> anyhow::Result<()> {
        let Self { steps, burn, walkers, .. } = *self;
        ensure!(steps > burn, "steps ({steps}) must be more than burn ({burn})");
        let least = (2 * dim).max(4);
        ensure!(
            walkers >= least && walkers.is_multiple_of(2),
            "walkers = {walkers}: an even number of at least {least} is needed for {dim} free parameters"
        );
        Ok(())
    }
}

impl Method {
    /// The kernel of a gradient sampler; `None` for the others.
    pub fn kernel(self) -> Option<KernelSpec> {
        match self {
            Self::Auto | Self::Ensemble => None,
            Self::Nuts | Self::Tempering => {
                Some(KernelSpec::Nuts { max_depth: MAX_DEPTH, scheme: Scheme::Leapfrog })
            }
            Self::Hmc => Some(KernelSpec::Hmc { lengths: LENGTHS, scheme: Scheme::TwoStage }),
        }
    }

    /// Chains, or groups of chains, that suit it.
    pub fn chains(self) -> usize {
        if self == Self::Tempering { GROUPS } else { CHAINS }
    }

    /// Mean acceptance probability that suits it.
    pub fn acceptance(self) -> f64 {
        if self == Self::Hmc { 0.9 } else { 0.7 }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "a gradient sampler",
            Self::Ensemble => "ensemble",
            Self::Nuts => "NUTS",
            Self::Hmc => "HMC",
            Self::Tempering => "parallel tempering",
        }
    }
}

fn method(config: &FitConfig) -> anyhow::Result<(Method, String)> {
    let of_ensemble = given(&[
        ("walkers", config.walkers.is_some()),
        ("steps", config.steps.is_some()),
        ("burn", config.burn.is_some()),
        ("moves", config.moves.is_some()),
        ("search", config.search.is_some()),
    ]);
    let of_chains = given(&[
        ("chains", config.chains.is_some()),
        ("draws", config.draws.is_some()),
        ("ess", config.ess.is_some()),
        ("acceptance", config.acceptance.is_some()),
        ("warm_up", config.warm_up.is_some()),
    ]);
    let chosen = match config.sampler {
        SamplerKind::Ensemble => Method::Ensemble,
        SamplerKind::Nuts => Method::Nuts,
        SamplerKind::Hmc => Method::Hmc,
        SamplerKind::Auto if !of_ensemble.is_empty() && of_chains.is_empty() => {
            return Ok((
                Method::Ensemble,
                format!("chosen because {of_ensemble} of [fit] is the ensemble's"),
            ));
        }
        SamplerKind::Tempering => Method::Tempering,
        SamplerKind::Auto => Method::Auto,
    };
    let (foreign, of) = match chosen {
        Method::Ensemble => (of_chains, "gradient samplers"),
        _ => (of_ensemble, "the ensemble"),
    };
    ensure!(foreign.is_empty(), "[fit]: {foreign} belongs to {of}, but the sampler is {}", chosen.name());
    Ok((chosen, String::new()))
}

/// The names of the keys that are there, as "walkers, steps".
fn given(keys: &[(&str, bool)]) -> String {
    keys.iter().filter(|k| k.1).map(|k| k.0).collect::<Vec<_>>().join(", ")
}

fn moves(config: &FitConfig, dim: usize) -> anyhow::Result<Vec<WeightedMove>> {
    let spec = |kind| match kind {
        MoveKind::Stretch => MoveSpec::stretch(),
        MoveKind::De => MoveSpec::differential_evolution(dim),
        MoveKind::DeJump => MoveSpec::DifferentialEvolution { gamma0: 1.0, sigma: 1e-5 },
        MoveKind::Snooker => MoveSpec::snooker(),
    };
    let moves = match &config.moves {
        None => WeightedMove::defaults(dim),
        Some(moves) => moves.iter().map(|m| WeightedMove { weight: m.weight, kind: spec(m.kind) }).collect(),
    };
    Mixture::from_plan(&moves)?;
    Ok(moves)
}

impl fmt::Display for FitPlan {
    /// What would be done, for `--dry-run`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        write!(f, "{}{why}: ", self.method.name())?;
        if self.method == Method::Ensemble {
            let Self { walkers, steps, burn, search, .. } = self;
            write!(
                f,
                "{walkers} walkers, {steps} steps ({burn} left out), search of up to {search} generations"
            )?;
        } else {
            let Self { draws, ess, .. } = self;
            let chains = self.chains.map_or(String::new(), |n| format!("{n} "));
            write!(f, "{chains}chains of up to {draws} draws, until {ess} effective samples")?;
        }
        write!(f, ", seed {}", self.seed)
    }
}
