//! Measures CPU seconds: of whole runs of this program, and of the transforms alone.
use anyhow::{Context as _, ensure};
use mirinae_fourier::{FftDirection, Instructions, single};
use num_complex::Complex32;
use std::path::Path;
use std::process::{Command, Stdio};

/// Ticks per second of the times in `/proc` (the kernel's USER_HZ, 100 on all its systems that we build for).
const TICKS_PER_S: f64 = 100.0;
/// Least CPU time of a measurement of the transforms.
const LEAST_S: f64 = 0.5;

/// User and system time of this process, and of its children that have ended, in s.
fn cpu_s() -> anyhow::Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    // Fields count from the end of the command's name, which may hold anything; user time is field 14 (proc(5)).
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let field = |i: usize| fields.get(i - 3).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    Ok(((field(14) + field(15)) / TICKS_PER_S, (field(16) + field(17)) / TICKS_PER_S))
}

/// CPU seconds of a run of the job, from start to end: what `getrusage` or `time` say of it from outside.
pub(super) fn run_s(input: &Path, out: &Path, rotation: &str) -> anyhow::Result<f64> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let before = cpu_s()?.1;
    let mut command = Command::new(program);
    command.arg("run").arg(input).arg("--out").arg(out);
    command.args(["--fresh", "-q", "--rotation", rotation]);
    let status = command.stdout(Stdio::null()).status().context("cannot start this program")?;
    ensure!(status.success(), "the measured run ended with {status}");
    Ok(cpu_s()?.1 - before)
}

/// CPU seconds of one forward complex transform of `n` points by rustfft, single precision, in place.
pub(super) fn transform_s(n: usize) -> anyhow::Result<f64> {
    let fft = single(n, FftDirection::Forward, Instructions::Any);
    let mut scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
    let fresh: Vec<Complex32> =
        (0..n).map(|i| Complex32::new((i % 17) as f32 - 8.0, (i % 5) as f32 - 2.0)).collect();
    let mut buffer = fresh.clone();
    let (mut done, started) = (0usize, cpu_s()?.0);
    loop {
        for _ in 0..(1 << 22) / n {
            fft.process_with_scratch(&mut buffer, &mut scratch);
            done += 1;
            // Every transform multiplies by sqrt(n): start again before it is too large.
            if done.is_multiple_of(8) {
                buffer.copy_from_slice(&fresh);
            }
        }
        let took_s = cpu_s()?.0 - started;
        if took_s >= LEAST_S {
            return Ok(took_s / done as f64);
        }
    }
}
