//! Starts MPI, carries the plan to all ranks, and ends the run: one message, one exit code, never a hang.

use crate::checkpoint::Hash;
use crate::comm::{self, Comm, Tag, World};
use crate::logging;
use crate::options::RunOptions;
use crate::outcome::{Exit, Failure, Outcome};
use crate::plan;
use crate::watchdog::Watchdog;
use serde::{Serialize, de::DeserializeOwned};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

const PREPARED: Tag = Tag(3);
const FINISHED: Tag = Tag(4);

/// What `work` can stand on.
pub struct Context<'a> {
    /// The ranks.
    pub comm: &'a World,
    /// The hash of the plan.
    pub plan_hash: Hash,
    /// What the user asked for on the command line.
    pub options: &'a RunOptions,
    /// The host of every rank.
    pub hosts: Vec<String>,
    /// When the run started.
    pub started: SystemTime,
    stop: Arc<AtomicBool>,
}

impl Context<'_> {
    /// The same for one of several plans that a run carries out.
    pub fn with_plan(&self, plan_hash: Hash) -> Self {
        Self { plan_hash, hosts: self.hosts.clone(), stop: Arc::clone(&self.stop), ..*self }
    }

    /// Whether this rank has been asked to stop by SIGTERM, SIGINT or SIGUSR1. Other ranks may not have heard yet.
    pub fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Begins a watch over the ranks, with the time limit of the command line.
    pub fn watchdog(&self) -> Watchdog<'_, World> {
        Watchdog::new(self.comm, &self.hosts, Duration::from_secs(self.options.watchdog))
    }

    /// This rank's part of the watch, to be called often: ends the run, with exit code 2 and a message, where a rank has
    /// stalled.
    pub fn pulse(&self, watchdog: &Watchdog<'_, World>) {
        if let Err(stalled) = watchdog.look() {
            end_all_ranks(&Failure::run(stalled));
        }
    }
}

/// The rank that the launcher says this process will have; 0 without a launcher. Known before MPI starts.
pub fn launched_rank() -> usize {
    // Open MPI, PMIx (srun --mpi=pmix), MPICH's hydra, srun --mpi=pmi2.
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
        .unwrap_or(0)
}

/// Reads the command line; what cannot be understood ends the program with code 64, `--help` and `--version` with 0,
/// both before MPI starts and printed by rank 0. The others leave without a word and with 0: a code of theirs would make
/// the launcher end rank 0 before it has spoken.
pub fn parse_args<A: clap::Parser>() -> A {
    A::try_parse().unwrap_or_else(|error| {
        if launched_rank() > 0 {
            std::process::exit(Exit::Done as i32)
        }
        // Nothing can be done where even this cannot be printed.
        let _ = error.print();
        let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
        std::process::exit(code as i32)
    })
}

/// Runs a command that needs no other ranks: rank 0 does it, without MPI, the others leave at once.
pub fn serial(work: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    if launched_rank() > 0 {
        return ExitCode::SUCCESS;
    }
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Runs a command over all ranks, as [`parallel_at_level`] does, where all hosts can do the same.
pub fn parallel<P, Prepare, Describe, Work>(
    options: &RunOptions,
    prepare: Prepare,
    describe: Describe,
    work: Work,
) -> ExitCode
where
    P: Serialize + DeserializeOwned,
    Prepare: FnOnce() -> Result<P, Failure>,
    Describe: FnOnce(&P) -> String,
    Work: FnOnce(&Context, &P) -> Result<Outcome, Failure>,
{
    parallel_at_level(options, 0, |_| prepare(), describe, work)
}

/// Runs a command over all ranks. Each comes with a level of what its host can do (vector instructions); `prepare`
/// gets the lowest of all ranks, so that the plan names what all of them have. Rank 0 calls `prepare` (reads and checks everything); the plan is sent to all ranks,
/// and all call `work`. A dry run prepares, prints with `describe`, and ends without MPI.
pub fn parallel_at_level<P, Prepare, Describe, Work>(
    options: &RunOptions,
    level: u8,
    prepare: Prepare,
    describe: Describe,
    work: Work,
) -> ExitCode
where
    P: Serialize + DeserializeOwned,
    Prepare: FnOnce(u8) -> Result<P, Failure>,
    Describe: FnOnce(&P) -> String,
    Work: FnOnce(&Context, &P) -> Result<Outcome, Failure>,
{
    if options.dry_run {
        return serial(|| {
            println!("{}", describe(&prepare(level)?));
            Ok(())
        });
    }
    let started = SystemTime::now();
    let Some(comm) = World::start() else {
        eprintln!("error: MPI has been started before in this process");
        return ExitCode::from(Exit::Failed as u8);
    };
    stop_on_panic(comm.rank(), comm.size());
    if let Err(e) = logging::start(comm.rank(), options) {
        end_all_ranks(&Failure::run(anyhow::Error::new(e).context("cannot write the log file")));
    }
    let level = comm::lowest(&comm, level);
    let outcome = match prepare_on_rank_0(&comm, || prepare(level)) {
        Ok(plan) => run_plan(&comm, options, plan, started, work),
        Err(code) => return exit_code_of_rank_0(&comm, code),
    };
    match outcome {
        Ok(outcome) => finish(&comm, &outcome),
        Err(failure) => end_all_ranks(&failure),
    }
}

/// Ranks other than 0 wait without keeping their cores busy. `Err` carries the exit code of a plan that failed.
fn prepare_on_rank_0<P>(comm: &World, prepare: impl FnOnce() -> Result<P, Failure>) -> Result<Option<P>, u8> {
    if comm.rank() > 0 {
        let (_, code) = comm.receive_patiently(Some(0), PREPARED);
        return if code[0] == 0 { Ok(None) } else { Err(code[0]) };
    }
    let (plan, code) = match prepare() {
        Ok(plan) => (Ok(Some(plan)), 0),
        Err(failure) => {
            eprintln!("error: {failure}");
            (Err(failure.exit as u8), failure.exit as u8)
        }
    };
    (1..comm.size()).for_each(|rank| comm.send(rank, PREPARED, &[code]));
    plan
}

fn run_plan<P, Work>(
    comm: &World,
    options: &RunOptions,
    plan: Option<P>,
    started: SystemTime,
    work: Work,
) -> Result<Outcome, Failure>
where
    P: Serialize + DeserializeOwned,
    Work: FnOnce(&Context, &P) -> Result<Outcome, Failure>,
{
    let (plan, plan_hash) = plan::share(comm, plan).map_err(Failure::run)?;
    let hosts = comm.gather(0, logging::host().as_bytes());
    let hosts: Vec<String> = hosts.iter().map(|h| String::from_utf8_lossy(h).into_owned()).collect();
    let hosts = comm::share(comm, &hosts).map_err(Failure::run)?;
    let context = Context { comm, plan_hash, options, hosts, started, stop: stop_on_signal() };
    work(&context, &plan)
}

/// SIGTERM, SIGINT and SIGUSR1 set a flag that the program looks at between its steps. SIGUSR1 is the one that mpirun hands
/// on to all ranks without ending them a second later.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGUSR1] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&stop)) {
            tracing::warn!(signal, %error, "cannot catch the signal: it will end the run without a checkpoint");
        }
    }
    stop
}

/// All ranks leave together with rank 0's outcome.
fn finish(comm: &World, outcome: &Outcome) -> ExitCode {
    if comm.rank() == 0 {
        let trouble = outcome.to_string();
        if !trouble.is_empty() {
            eprintln!("trouble in the data: {trouble}");
        }
    }
    exit_code_of_rank_0(comm, outcome.exit() as u8)
}

/// The others wait for it without keeping their cores busy: rank 0 may still be writing.
fn exit_code_of_rank_0(comm: &World, code: u8) -> ExitCode {
    if comm.rank() > 0 {
        return ExitCode::from(comm.receive_patiently(Some(0), FINISHED).1[0]);
    }
    (1..comm.size()).for_each(|rank| comm.send(rank, FINISHED, &[code]));
    ExitCode::from(code)
}

static PLACE: OnceLock<(usize, usize)> = OnceLock::new();
/// A second panic while the first is being told must not be told.
static ENDING: AtomicUsize = AtomicUsize::new(0);

/// A panic on one rank would leave the others waiting for ever: it ends them all.
fn stop_on_panic(rank: usize, size: usize) {
    // Set once: MPI starts once.
    let _ = PLACE.set((rank, size));
    std::panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("panic");
        let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        tell_and_abort(&format!("internal error: {text}{place}; please report this"), Exit::Failed as u8);
    }));
}

fn end_all_ranks(failure: &Failure) -> ! {
    tell_and_abort(&failure.to_string(), failure.exit as u8)
}

/// Prints the message, if no other rank has printed one, and ends all ranks.
fn tell_and_abort(message: &str, code: u8) -> ! {
    let (rank, size) = PLACE.get().copied().unwrap_or((0, 1));
    if ENDING.fetch_add(1, Ordering::SeqCst) == 0 {
        let claim = claim_the_word(rank, size);
        if claim.is_some() {
            tracing::error!(target: logging::LAST_WORDS, message);
            let line = format!("rank {rank} of {size} on {}: error: {message}\n", logging::host());
            // Nothing can be done where even this cannot be printed.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
            World::abort(i32::from(code));
        }
        // Another rank is speaking, and its abort will end this one.
        std::thread::sleep(Duration::from_secs(4));
        World::abort(i32::from(code));
    }
    std::thread::sleep(Duration::from_secs(10));
    std::process::exit(i32::from(code))
}

/// Of ranks that fail together one speaks: rank 0 at once, else the first on its host to bind a name that the system
/// frees when the process ends (an abstract Unix socket).
fn claim_the_word(rank: usize, size: usize) -> Option<Option<std::os::unix::net::UnixDatagram>> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    if size == 1 {
        return Some(None);
    }
    if rank > 0 {
        std::thread::sleep(Duration::from_millis(200));
    }
    let job = ["PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "SLURM_JOB_ID", "PMI_ID"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "unknown".to_string());
    let Ok(name) = SocketAddr::from_abstract_name(format!("mirinae-error-{job}")) else {
        return Some(None);
    };
    match UnixDatagram::bind_addr(&name) {
        Ok(socket) => Some(Some(socket)),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => None,
        Err(_) => Some(None),
    }
}
