//! How far a fit has come: what its checkpoint holds, and how a run finds it again.

use super::Fit;
use super::climbs::Climbing;
use super::drawing::Drawing;
use crate::chain::{self, PartRecord, Segment};
use crate::diagnose::integrated_time;
use crate::sampler::State;
use crate::sampler::start::Search;
use mirinae_common::checkpoint::Hash;
use mirinae_common::outcome::Failure;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// The stages of a fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Looking for the mode.
    Search(Search),
    /// Climbing to the peaks.
    Climb(Climbing),
    /// Chains that follow the gradient; on rank 0.
    Chains(Option<Box<Drawing>>),
    /// Moving the ensemble.
    Sample(Sampling),
    /// All products are there.
    Done(Vec<Product>),
}

/// The ensemble and the draws so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sampling {
    /// The ensemble.
    pub(super) state: State,
    /// Draws on disk; known to rank 0 alone.
    pub(super) parts: Vec<PartRecord>,
    /// Draws since the last part.
    pub(super) pending: Segment,
}

/// A finished file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Product {
    /// Its name within the folder.
    pub(super) name: String,
    /// Its content.
    pub(super) sha256: Hash,
}

/// The state that an earlier run left in the folder, checked against what lies there; `None` starts from the
/// beginning. Makes the folder.
pub(super) fn find(fit: &Fit) -> Result<Option<Stage>, Failure> {
    std::fs::create_dir_all(fit.out).map_err(|e| {
        Failure::run(anyhow::Error::new(e).context(format!("cannot make {}", fit.out.display())))
    })?;
    let options = fit.context.options;
    if options.fresh {
        fit.checkpoint.remove().map_err(Failure::run)?;
    }
    let found = fit.checkpoint.load::<Stage>().map_err(Failure::input)?;
    match &found {
        None if options.resume => {
            let path = fit.checkpoint.path().display();
            return Err(Failure::input(anyhow::anyhow!("--resume: there is no checkpoint {path}")));
        }
        None => chain::remove_parts(fit.out).map_err(Failure::run)?,
        Some(Stage::Search(search)) => tracing::info!("going on at generation {}", search.generation),
        Some(Stage::Climb(_) | Stage::Chains(None)) => tracing::info!("going on with the climbs"),
        Some(Stage::Chains(Some(drawing))) => {
            verify(fit, &drawing.parts)?;
            tracing::info!("going on at draw {}", drawing.draws);
        }
        Some(Stage::Sample(sampling)) => {
            verify(fit, &sampling.parts)?;
            tracing::info!("going on at step {}", sampling.state.step);
        }
        Some(Stage::Done(products)) => {
            for product in products {
                chain::verify(&fit.out.join(&product.name), &product.sha256).map_err(Failure::input)?;
            }
            chain::remove_parts(fit.out).map_err(Failure::run)?;
            tracing::info!("the fit is done already; --fresh does it again");
        }
    }
    Ok(found)
}

fn verify(fit: &Fit, parts: &[PartRecord]) -> Result<(), Failure> {
    parts.iter().try_for_each(|part| {
        chain::verify(&chain::part_path(fit.out, part.index), &part.sha256).map_err(Failure::input)
    })
}

/// Follows acceptance and mixing for the progress bar.
#[derive(Default)]
pub(super) struct Watch {
    steps: u64,
    accepted_before: u64,
    ln_p: Vec<f64>,
}

impl Watch {
    pub(super) fn push(&mut self, state: &State) {
        if self.steps == 0 {
            self.accepted_before = state.accepted.iter().sum();
        }
        self.steps += 1;
        self.ln_p.extend(&state.log_density);
    }

    /// "acceptance 0.31, tau 52 (of ln p)".
    pub(super) fn message(&self, state: &State) -> String {
        let taken = state.accepted.iter().sum::<u64>() - self.accepted_before;
        let tried = (self.steps.max(2) - 1) * state.nwalkers() as u64;
        let acceptance = taken as f64 / tried as f64;
        let tau = ArrayView2::from_shape((self.ln_p.len() / state.nwalkers(), state.nwalkers()), &self.ln_p)
            .map_or(f64::NAN, integrated_time);
        format!(
            "acceptance {acceptance:.2}, tau {tau:.0} (of ln p), best ln p {:.2}",
            state.log_density.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        )
    }
}
