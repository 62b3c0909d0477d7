//! Times the messages of the samplers between two ranks: stretches of chains, and log densities that all gather.
//!
//! `mpirun -np 2 messages [--dim 20] [--draws 10] [--walkers 80]`: what docs/src/dev/scaling.md reckons with.

use mirinae_common::comm::{Comm, Tag};
use mirinae_common::options::RunOptions;
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::runtime::{self, Context};
use mirinae_mcmc::sampler::{Leg, LegTask, Place, Transition};
use std::process::ExitCode;
use std::time::Instant;

const THERE: Tag = Tag(101);
const BACK: Tag = Tag(102);

#[derive(Debug, clap::Parser)]
struct Args {
    /// Free parameters
    #[arg(long, default_value_t = 20)]
    dim: usize,
    /// Transitions of a stretch
    #[arg(long, default_value_t = 10)]
    draws: usize,
    /// Walkers of the ensemble
    #[arg(long, default_value_t = 80)]
    walkers: usize,
    /// Messages to time
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    #[command(flatten)]
    options: RunOptions,
}

fn main() -> ExitCode {
    let args = runtime::parse_args::<Args>();
    runtime::parallel(
        &args.options,
        || Ok(()),
        |()| String::new(),
        |context, ()| time(context, &args).map_err(Failure::run),
    )
}

fn time(context: &Context, args: &Args) -> anyhow::Result<Outcome> {
    let comm = context.comm;
    anyhow::ensure!(comm.size() == 2, "two ranks are needed");
    let (task, leg) = stretch(args);
    let (to, from) = (postcard::to_stdvec(&Some(&task))?, postcard::to_stdvec(&(&leg, false))?);
    let n = args.messages;
    let seconds = |f: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<f64> {
        comm.barrier();
        let start = Instant::now();
        (0..n).try_for_each(|_| f())?;
        Ok(start.elapsed().as_secs_f64() / n as f64)
    };
    // As the pool does it, but for the work.
    let both_ways = seconds(&mut || {
        if comm.rank() == 0 {
            comm.send(1, THERE, &postcard::to_stdvec(&Some(&task))?);
            let (_, bytes) = comm.receive(Some(1), BACK);
            let _: (Leg, bool) = postcard::from_bytes(&bytes)?;
        } else {
            let (_, bytes) = comm.receive(Some(0), THERE);
            let _: Option<LegTask> = postcard::from_bytes(&bytes)?;
            comm.send(0, BACK, &postcard::to_stdvec(&(&leg, false))?);
        }
        Ok(())
    })?;
    let rank_0 = seconds(&mut || {
        std::hint::black_box(postcard::to_stdvec(&Some(&task))?);
        std::hint::black_box(postcard::from_bytes::<(Leg, bool)>(&from)?);
        Ok(())
    })?;
    let half = args.walkers / 2;
    let counts = [half / 2 + 1, half - half / 2 + 1];
    let (mine, mut all) = (vec![0.0; counts[comm.rank()]], vec![0.0; half + 2]);
    let gathered = seconds(&mut || {
        comm.all_gather_f64(&mine, &counts, &mut all);
        Ok(())
    })?;
    if comm.rank() == 0 {
        println!(
            "a stretch of {} draws of {} parameters: {} bytes there, {} back",
            args.draws,
            args.dim,
            to.len(),
            from.len()
        );
        println!(
            "there and back with both conversions: {:.2} us; conversions on rank 0: {:.2} us",
            1e6 * both_ways,
            1e6 * rank_0
        );
        println!(
            "log densities of {half} walkers to all ranks: {} bytes, {:.2} us",
            8 * (half + 2),
            1e6 * gathered
        );
    }
    Ok(Outcome::default())
}

/// A stretch and its result; what the numbers are does not matter.
fn stretch(args: &Args) -> (LegTask, Leg) {
    let (dim, draws) = (args.dim, args.draws);
    let place = Place { z: vec![0.5; dim], gradient: vec![0.5; dim], ln_like: -1.0 };
    let told = Transition { acceptance: 0.5, gradients: 7, depth: 3, diverging: false, energy: 1.0 };
    let task = LegTask { chain: 3, rung: 0, from: 100, draws, learning: false, place: place.clone() };
    let leg = Leg {
        chain: 3,
        last: place,
        z: vec![0.5; dim * draws],
        gradients: Vec::new(),
        ln_like: vec![0.5; draws],
        transitions: vec![told; draws],
    };
    (task, leg)
}
