//! Many chains, at one or several temperatures, that learn together and then go their own ways.
//!
//! One rank keeps this state and hands out stretches of chains ([`LegTask`]); any rank computes any of them. In the
//! warm-up all chains wait for one another after each round; later none waits, and whole rounds are given back in
//! their order. What comes out does not depend on who computed what, or when.

use super::flow::Place;
use super::kernel::{Kernel, KernelSpec};
use super::ladder::{Swaps, Traffic};
use super::leg::{Leg, LegTask, run_leg};
use super::warmup::{ROUND, WarmUp};
use super::{Likelihood, SamplerError, Tuning};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Rounds that a chain may be ahead of the slowest: minutes of work for the others where a rank stalls. Those that are least far come
/// first, so that in ordinary runs the distance stays at one or two.
const MOST_AHEAD: usize = 64;

/// What does not change while the chains run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainsSpec {
    /// Seed of the random streams.
    pub seed: u64,
    /// How a chain moves.
    pub kernel: KernelSpec,
    /// Transitions of each chain in a round after the warm-up.
    pub round: usize,
}

/// Chains that exchange their places: one for every temperature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Group {
    places: Vec<Place>,
    /// Transitions that each chain has made, whole rounds only.
    transitions: u64,
    /// Stretches of the present round that have come back.
    legs: Vec<Option<Leg>>,
    /// Whole rounds that wait for the other groups, with the traffic up to them.
    ready: VecDeque<(Vec<Leg>, Traffic)>,
    /// Between the temperatures, since the warm-up.
    traffic: Traffic,
    /// The same up to the last round that was given back: how far ahead a group is depends on who was fast.
    counted: Traffic,
    /// Stretches of the present round that have been handed out, or come back.
    #[serde(skip)]
    handed: Vec<bool>,
}

/// All chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chains {
    spec: ChainsSpec,
    tunings: Vec<Tuning>,
    groups: Vec<Group>,
    warm_up: WarmUp,
    warm: bool,
    /// The tunings have changed and the ranks have not heard yet.
    paused: bool,
}

/// A round that all chains have finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Whether it belongs to the warm-up: its draws are not of the posterior yet.
    pub learning: bool,
    /// The stretches, shape (group, temperature).
    pub legs: Vec<Vec<Leg>>,
}

impl Group {
    fn new(places: Vec<Place>) -> Self {
        let rungs = places.len();
        Self {
            places,
            transitions: 0,
            legs: vec![None; rungs],
            ready: VecDeque::new(),
            traffic: Traffic::new(rungs),
            counted: Traffic::new(rungs),
            handed: vec![false; rungs],
        }
    }

    /// Takes new temperatures, each with the place of the old one that `from` names; no stretch is being computed.
    fn respace(&mut self, from: &[usize]) {
        let places = from.iter().map(|&k| self.places[k].clone()).collect();
        let (transitions, ready) = (self.transitions, std::mem::take(&mut self.ready));
        *self = Self { transitions, ready, ..Self::new(places) };
    }
}

impl Chains {
    /// Chains that start at `places`, shape (group, temperature), with first `tunings`, one a temperature.
    pub fn new(spec: ChainsSpec, places: Vec<Vec<Place>>, tunings: Vec<Tuning>, warm_up: WarmUp) -> Self {
        let groups = places.into_iter().map(Group::new).collect();
        Self { spec, tunings, groups, warm_up, warm: false, paused: true }
    }

    /// The present tunings; the ranks need them before they compute stretches.
    pub fn tunings(&self) -> &[Tuning] {
        &self.tunings
    }

    /// The warm-up.
    pub fn warm_up(&self) -> &WarmUp {
        &self.warm_up
    }

    /// Whether the warm-up is over.
    pub fn is_warm(&self) -> bool {
        self.warm
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Exchanges between each temperature and the next since the warm-up, over all groups.
    pub fn swaps(&self) -> Vec<Swaps> {
        (1..self.tunings.len())
            .map(|k| {
                let sum =
                    |part: fn(&Swaps) -> u64| self.groups.iter().map(|g| part(&g.counted.swaps[k - 1])).sum();
                Swaps { tried: sum(|s| s.tried), done: sum(|s| s.done) }
            })
            .collect()
    }

    /// How often a place has come from the prior to the posterior since the warm-up, over all groups.
    pub fn arrivals(&self) -> u64 {
        self.groups.iter().map(|g| g.counted.arrivals).sum()
    }

    /// The constants.
    pub fn spec(&self) -> &ChainsSpec {
        &self.spec
    }

    /// To be called when the ranks have got the tunings, and after the state has been read back: nothing is being
    /// computed.
    pub fn resume(&mut self) {
        self.paused = false;
        for group in &mut self.groups {
            group.handed = group.legs.iter().map(Option::is_some).collect();
        }
    }

    /// Whether the ranks have to get the tunings before the chains can go on.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn draws(&self) -> usize {
        if self.warm { self.spec.round } else { ROUND }
    }

    /// The next stretch to compute: of a group that is least far; `None` where all have to wait.
    pub fn hand_out(&mut self) -> Option<LegTask> {
        if self.paused {
            return None;
        }
        let ahead = if self.warm { MOST_AHEAD } else { 1 };
        let (draws, learning, rungs) = (self.draws(), !self.warm, self.tunings.len());
        let free = |g: &&mut Group| g.ready.len() < ahead && g.handed.iter().any(|h| !h);
        let candidates = self.groups.iter_mut().enumerate();
        let (index, group) = candidates.filter(|(_, g)| free(g)).min_by_key(|(_, g)| g.ready.len())?;
        let rung = group.handed.iter().position(|h| !h)?;
        group.handed[rung] = true;
        Some(LegTask {
            chain: index * rungs + rung,
            rung,
            from: group.transitions,
            draws,
            learning,
            place: group.places[rung].clone(),
        })
    }

    /// Takes a stretch that has been computed; gives back a round where it was the last that was missing.
    ///
    /// # Errors
    /// [`SamplerError::Shape`] for a stretch that has not been handed out: a mistake in the program.
    pub fn done(&mut self, leg: Leg) -> Result<Option<Round>, SamplerError> {
        let (rungs, draws) = (self.tunings.len(), self.draws());
        let (index, rung) = (leg.chain / rungs, leg.chain % rungs);
        if index >= self.groups.len() || leg.transitions.len() != draws {
            let what = "transitions of a stretch";
            return Err(SamplerError::Shape { what, found: leg.transitions.len(), expected: draws });
        }
        let group = &mut self.groups[index];
        group.places[rung] = leg.last.clone();
        group.legs[rung] = Some(leg);
        if group.legs.iter().all(Option::is_some) {
            group.transitions += draws as u64;
            group.handed.fill(false);
            let key = (self.spec.seed, index, group.transitions);
            group.traffic.exchange(key, &self.tunings, &mut group.places);
            let legs = group.legs.iter_mut().filter_map(Option::take).collect();
            group.ready.push_back((legs, group.traffic.clone()));
        }
        Ok(self.whole_round())
    }

    /// Computes everything on this rank alone: for small fits by the thousand. `on_round` hears of every round and says
    /// whether to go on.
    ///
    /// # Errors
    /// As [`done`](Self::done).
    pub fn run_alone(
        &mut self,
        likelihood: &mut impl Likelihood,
        mut on_round: impl FnMut(&Self, Round) -> ControlFlow<()>,
    ) -> Result<(), SamplerError> {
        let mut kernel = Kernel::new(self.spec.kernel, likelihood.dim());
        loop {
            if self.paused {
                self.resume();
            }
            let tunings = self.tunings.clone();
            while let Some(task) = self.hand_out() {
                let tuning = (self.spec.seed, &tunings[task.rung]);
                let leg = run_leg(tuning, &task, &mut kernel, likelihood, || Ok::<(), SamplerError>(()))?;
                if let Some(round) = self.done(leg)?
                    && on_round(self, round).is_break()
                {
                    return Ok(());
                }
            }
        }
    }

    fn whole_round(&mut self) -> Option<Round> {
        if self.groups.iter().any(|g| g.ready.is_empty()) {
            return None;
        }
        let next = |g: &mut Group| {
            let (legs, traffic) = g.ready.pop_front()?;
            g.counted = traffic;
            Some(legs)
        };
        let legs: Vec<Vec<Leg>> = self.groups.iter_mut().filter_map(next).collect();
        let learning = !self.warm;
        if learning {
            let learned = self.warm_up.learn(&legs, &mut self.tunings, self.spec.kernel.longest_step());
            self.warm = learned.over;
            self.paused = true;
            if let Some(from) = learned.taken_from {
                self.groups.iter_mut().for_each(|g| g.respace(&from));
            }
            if self.warm {
                let traffic = Traffic::new(self.tunings.len());
                for group in &mut self.groups {
                    (group.traffic, group.counted) = (traffic.clone(), traffic.clone());
                }
            }
        }
        Some(Round { learning, legs })
    }
}
