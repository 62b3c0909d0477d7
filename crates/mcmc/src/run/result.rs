//! The end of a fit: joins the chain, has its products made, tells the user.

use super::Fit;
use super::products::{self, Material};
use super::stage::Product;
use crate::chain::{self, Header, Parameter, PartRecord};
use mirinae_common::provenance;

/// What a sampler hands over when it is done.
#[derive(Default)]
pub(super) struct Drawn {
    /// The chain on disk.
    pub(super) parts: Vec<PartRecord>,
    /// Fraction of each walker's or chain's proposals that it took.
    pub(super) accepted_fraction: Vec<f64>,
    /// Draws at the start that the results leave out.
    pub(super) burn: usize,
    /// Names of what is told of every draw.
    pub(super) statistics: &'static [&'static str],
    /// Gradients that were computed for the draws; 0: none.
    pub(super) gradients: u64,
    /// How the draws were made, in lines for the summary.
    pub(super) told: String,
}

/// Writes all products on rank 0.
pub(super) fn make(fit: &Fit, drawn: &Drawn) -> anyhow::Result<Vec<Product>> {
    let (out, plan) = (fit.out, fit.plan);
    let path = out.join(products::CHAIN);
    chain::merge(out, &drawn.parts, &header(fit, drawn)?, &path)?;
    let chain = chain::read(&path)?;
    let (posterior, plan_hash) = (fit.evaluator.posterior(), fit.context.plan_hash);
    let mut names =
        products::write(&Material { out, source: &path, plan, plan_hash, posterior, chain: &chain })?;
    names.push(products::CHAIN.to_string());
    names.into_iter().map(|name| product(fit, name)).collect()
}

fn header(fit: &Fit, drawn: &Drawn) -> anyhow::Result<Header> {
    let plan = fit.plan;
    let parameters = plan
        .layout
        .parameters
        .iter()
        .map(|p| Parameter { name: p.name.clone(), unit: p.unit.clone() })
        .collect();
    Ok(Header {
        parameters,
        accepted_fraction: drawn.accepted_fraction.clone(),
        statistics: drawn.statistics.iter().map(ToString::to_string).collect(),
        burn: drawn.burn as u64,
        gradients: drawn.gradients,
        told: drawn.told.clone(),
        plan: postcard::to_stdvec(plan)?,
        provenance: provenance::of_plan("alma-fit", &fit.context.plan_hash, &plan.settings, &plan.inputs),
    })
}

fn product(fit: &Fit, name: String) -> anyhow::Result<Product> {
    let (_, sha256) = provenance::hash_file(&fit.out.join(&name))?;
    Ok(Product { name, sha256 })
}

/// Prints the results on rank 0 and writes down how this run made them.
pub(super) fn tell(fit: &Fit, products: &[Product]) -> anyhow::Result<()> {
    let context = fit.context;
    provenance::write_run_record(
        &fit.out.join("run.json"),
        &context.plan_hash,
        &context.hosts,
        context.started,
        &[],
    )?;
    let names: Vec<&str> = products.iter().map(|p| p.name.as_str()).collect();
    products::tell(fit.out, &names)
}
