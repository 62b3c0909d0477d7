//! Makes the products of a finished chain: chain, table, best fit, pictures.

use super::Fit;
use super::stage::{Product, Sampling};
use crate::chain::{self, Header, Parameter};
use crate::diagnose::{self, Diagnosis};
use mirinae_common::provenance;
use ndarray::s;
use std::path::Path;

/// Writes all products on rank 0.
pub(super) fn make(fit: &Fit, sampling: &Sampling) -> anyhow::Result<Vec<Product>> {
    let path = fit.out.join("chain.h5");
    chain::merge(fit.out, &sampling.parts, &header(fit, sampling), &path)?;
    let diagnosis = diagnose_chain(fit, &path)?;
    let _ = diagnosis;
    let names = ["chain.h5"];
    names.iter().map(|name| product(fit.out, name)).collect()
}

fn header(fit: &Fit, sampling: &Sampling) -> Header {
    let plan = fit.plan;
    let parameters = plan
        .layout
        .parameters
        .iter()
        .map(|p| Parameter { name: p.name.clone(), unit: p.unit.clone() })
        .collect();
    let steps = sampling.state.step as f64;
    Header {
        parameters,
        accepted_fraction: sampling.state.accepted.iter().map(|&n| n as f64 / steps).collect(),
        provenance: provenance::of_plan("alma-fit", &fit.context.plan_hash, &plan.settings, &plan.inputs),
    }
}

fn diagnose_chain(fit: &Fit, path: &Path) -> anyhow::Result<Diagnosis> {
    let chain = chain::read(path)?;
    let burn = usize::try_from(fit.plan.fit.burn)?;
    let samples = chain.samples.slice(s![burn.., .., ..]);
    Ok(diagnose::diagnose(&fit.plan.names(), samples, chain.log_density.slice(s![burn.., ..]))?)
}

fn product(out: &Path, name: &str) -> anyhow::Result<Product> {
    let (_, sha256) = provenance::hash_file(&out.join(name))?;
    Ok(Product { name: name.to_string(), sha256 })
}

/// Prints the results on rank 0 and says how this run made them.
pub(super) fn tell(fit: &Fit, products: &[Product]) -> anyhow::Result<()> {
    let context = fit.context;
    provenance::write_run_record(
        &fit.out.join("run.json"),
        &context.plan_hash,
        &context.hosts,
        context.started,
    )?;
    for product in products {
        println!("{}", fit.out.join(&product.name).display());
    }
    Ok(())
}
