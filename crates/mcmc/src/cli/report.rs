//! `alma-fit report`: makes all products of a fit again, from its chain or from a cube's pixels.

use crate::chain::{self, Chain};
use crate::model::SimdPath;
use crate::plan::Plan;
use crate::run::cube_products::{self, FittedCube, Kept, PIXELS};
use crate::run::products::{self, CHAIN, Material};
use anyhow::{Context as _, ensure};
use mirinae_common::checkpoint::{Checkpoint, Hash};
use mirinae_common::outcome::Failure;
use mirinae_common::{plan, provenance};
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// The folder of a fit that is done: what is made is made from its chain.h5 alone, of a cube from its pixels.bin
    dir: PathBuf,
    /// Folder to write to, instead of the same
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Reads what a fit has left, and writes and tells what follows from it.
pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let out = args.out.as_deref().unwrap_or(&args.dir);
    let (source, pixels) = (args.dir.join(CHAIN), args.dir.join(PIXELS));
    if !source.exists() && pixels.exists() { of_cube(&pixels, out) } else { of_chain(&source, out) }
}

fn make(out: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(out)
        .with_context(|| format!("cannot make {}", out.display()))
        .map_err(Failure::run)
}

/// The products of a cube.
fn of_cube(source: &Path, out: &Path) -> Result<(), Failure> {
    let checkpoint = Checkpoint::of_its_plan(source).map_err(Failure::input)?;
    let kept = checkpoint.load::<Kept>().map_err(Failure::input)?;
    let kept = kept.with_context(|| format!("{} is gone", source.display())).map_err(Failure::input)?;
    let (plan, plan_hash) = plan_of(source, &kept.plan, &kept.version).map_err(Failure::input)?;
    if plan_hash != checkpoint.plan() {
        told_of_version(&kept.version);
    }
    let cube = plan.cube.as_ref().with_context(|| format!("{} is of no cube", source.display()));
    let cube = cube.map_err(Failure::input)?;
    make(out)?;
    let fitted = FittedCube { out, plan: &plan, cube, plan_hash: checkpoint.plan(), grid: &kept.grid };
    let names = cube_products::write(&fitted).context("cannot make the products").map_err(Failure::run)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    products::tell(out, &names).map_err(Failure::run)
}

/// The products of a chain.
fn of_chain(source: &Path, out: &Path) -> Result<(), Failure> {
    let (chain, plan, plan_hash) = read(source).map_err(Failure::input)?;
    let posterior = plan.posterior().map_err(Failure::input)?;
    make(out)?;
    let material = Material { out, source, plan: &plan, plan_hash, posterior: &posterior, chain: &chain };
    let names = products::write(&material).context("cannot make the products").map_err(Failure::run)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    products::tell(out, &names).map_err(Failure::run)
}

/// The chain with the fit that it holds.
fn read(path: &Path) -> anyhow::Result<(Chain, Plan, Hash)> {
    ensure!(path.is_file(), "{} is not there: a fit that is done has one", path.display());
    let chain = chain::read(path)?;
    let bytes = &chain.header.plan;
    let made: serde_json::Value =
        serde_json::from_str(&chain.header.provenance).with_context(|| path.display().to_string())?;
    let text = |key: &str| made[key].as_str().unwrap_or("unknown").to_owned();
    let by = format!("{} ({})", text("version"), text("commit"));
    let (plan, hash) = plan_of(path, bytes, &by)?;
    if provenance::hex(&hash) != text("plan_sha256") {
        told_of_version(&by);
    }
    Ok((chain, at_hand(plan), hash))
}

fn told_of_version(by: &str) {
    eprintln!("note: the fit is by version {by}; the products will be by {}", provenance::VERSION);
}

/// The plan that a file holds, and its hash by this program.
fn plan_of(path: &Path, bytes: &[u8], by: &str) -> anyhow::Result<(Plan, Hash)> {
    let plan: Plan = postcard::from_bytes(bytes)
        .ok()
        .filter(|plan| postcard::to_stdvec(plan).is_ok_and(|again| again == *bytes))
        .with_context(|| {
            let path = path.display();
            format!(
                "{path} was written by version {by}: this program cannot read the fit in it, use that one"
            )
        })?;
    Ok((plan, plan::hash(bytes)))
}

/// The plan with vector instructions that this machine has.
fn at_hand(mut plan: Plan) -> Plan {
    let here = SimdPath::detect();
    if here.level() < plan.options.simd.level() {
        eprintln!(
            "note: this machine lacks vector instructions that the fit used: computed values may differ in their last bits"
        );
        plan.options.simd = here;
    }
    plan
}
