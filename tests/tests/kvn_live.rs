//! kvn-corr while it runs: the status file, and ranks that stall.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{Ended, KVN_SIM, Run, assert_same, simulate};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Correlation coefficient of the simulated source, and what 2 bits leave of it at DiFX's levels.
const SOURCE: f64 = 0.2;
const TWO_BITS: f64 = 0.8825;

/// A simulated job in a folder of its own, with a folder for products for each name.
struct Job(tempfile::TempDir);

impl Job {
    fn simulate(change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        simulate(folder.path(), &change(KVN_SIM.to_string()));
        Self(folder)
    }

    /// Many short units of work, some seconds of it.
    fn long() -> Self {
        Self::simulate(|text| {
            text.replace("integration_s = 0.064", "integration_s = 0.0032")
                .replace("duration_s = 1.0", "duration_s = 6.0")
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, ranks: usize, out: &str) -> Run {
        let (input, out) = (self.path("small.input"), self.path(out));
        Run::mpi("kvn-corr", ranks).args([
            "run".as_ref(),
            input.as_os_str(),
            "--out".as_ref(),
            out.as_os_str(),
        ])
    }

    /// Starts it and waits until some parts are there.
    fn begun(&self, run: Run, out: &str) -> Child {
        let child = run.start();
        let started = Instant::now();
        while fs::read_dir(self.path(out).join("parts")).map_or(0, Iterator::count) < 6 {
            assert!(started.elapsed() < Duration::from_secs(60), "the run does not begin");
            std::thread::sleep(Duration::from_millis(2));
        }
        child
    }
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}:\n{text}", path.display()))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The process of a rank that mpirun has started.
fn process(mpirun: &Child, rank: usize) -> String {
    let children = Command::new("pgrep").args(["-P", &mpirun.id().to_string()]).output().unwrap();
    let children = String::from_utf8_lossy(&children.stdout).into_owned();
    let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
    let is_it = |id: &&str| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|&b| b == 0).any(|variable| variable == wanted.as_bytes())
    };
    children.lines().find(is_it).unwrap_or_else(|| panic!("no rank {rank} in {children}")).to_owned()
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

fn ended(child: Child) -> Ended {
    let started = Instant::now();
    Ended::of(&child.wait_with_output().unwrap(), started.elapsed())
}

#[test]
fn the_status_file_tells_rate_weights_losses_and_fringes() {
    for (ranks, lost) in [(1, 0.0), (3, 0.03)] {
        let stations = format!("code = \"KU\"\nlost_frames = {lost:?}");
        let job = Job::simulate(|text| {
            text.replace("code = \"KU\"", &stations).replace("integration_s = 0.064", "integration_s = 0.256")
        });
        let file = job.path("status.json");
        let run = job.run(ranks, "out").args(["--status-file".as_ref(), file.as_os_str()]);
        run.end().expect(i32::from(lost > 0.0));
        let status = json(&file);
        assert_eq!((status["job"].as_str(), status["state"].as_str()), (Some("small"), Some("done")));
        assert_eq!(number(&status["ranks"]), ranks as f64);
        assert_eq!(status["units"]["done"], status["units"]["total"]);
        assert!((number(&status["data_s"]["total"]) - 1.0).abs() < 1e-3, "{status:#}");
        assert_eq!(
            (number(&status["eta_s"]), status["data_s"]["done"] == status["data_s"]["total"]),
            (0.0, true)
        );
        let rate = number(&status["data_s"]["done"]) / number(&status["elapsed_s"]);
        assert!((number(&status["times_real_time"]) / rate - 1.0).abs() < 0.2 && rate > 0.0, "{status:#}");
        for station in status["stations"].as_array().unwrap() {
            let (weight, frames) = (number(&station["weight"]), number(&station["lost_frames"]));
            if lost > 0.0 && station["station"] == "KU" {
                // 2 channels of 4e6 samples of 2 bits in frames of 1000 bytes: 2000 frames in the second.
                assert!(
                    (1.0 - weight - lost).abs() < 0.02 && (frames / 2000.0 - lost).abs() < 0.02,
                    "{station}"
                );
            } else {
                // Delays shift the edges of the recordings in and out of the blocks.
                assert!(weight > 0.99 && frames < 20.0, "{station}");
            }
        }
        let baselines = status["fringes"]["baselines"].as_array().unwrap();
        assert_eq!((baselines.len(), status["fringes"]["source"].as_str()), (3, Some("S")));
        for baseline in baselines {
            let amplitude = number(&baseline["amplitude"]);
            let off = amplitude / (SOURCE * TWO_BITS) - 1.0;
            assert!(off.abs() < 0.05 && number(&baseline["snr"]) > 50.0, "{off}: {baseline}");
        }
    }
}

#[test]
fn the_status_file_is_there_while_it_runs_and_after_a_signal() {
    let job = Job::long();
    let file = job.path("status.json");
    let child = job.begun(job.run(2, "out").args(["--status-file".as_ref(), file.as_os_str()]), "out");
    let status = json(&file);
    assert_eq!(status["state"], "running");
    signal("-INT", &process(&child, 0));
    assert_eq!(ended(child).code, Some(75));
    let status = json(&file);
    assert_eq!(status["state"], "stopped");
    let (done, total) = (number(&status["units"]["done"]), number(&status["units"]["total"]));
    assert!(done >= 5.0 && done < total && number(&status["eta_s"]) > 0.0, "{status:#}");
    // Going on, in the same place: what is done counts as done, but not for the rate.
    job.run(2, "out").args(["--resume", "--no-progress"]).end().expect(0);
    job.run(1, "whole").args(["--no-progress"]).end().expect(0);
    assert_same(&job.path("whole"), &job.path("out"), "stopped by SIGINT");
}

#[test]
fn a_status_file_that_cannot_be_written_ends_no_run() {
    let job = Job::simulate(|text| text);
    let file = job.path("nowhere/status.json");
    job.run(1, "out").args(["--status-file".as_ref(), file.as_os_str()]).end().expect(0);
}

#[test]
fn a_stalled_rank_is_named_with_its_host_and_ends_the_run() {
    let job = Job::long();
    let host = Command::new("hostname").output().unwrap();
    let host = String::from_utf8_lossy(&host.stdout).trim().to_owned();
    job.run(1, "whole").args(["--no-progress"]).end().expect(0);
    for (rank, by) in [(2, 0), (0, 1)] {
        let out = format!("out{rank}");
        let child = job.begun(job.run(3, &out).args(["--watchdog", "5", "--no-progress"]), &out);
        signal("-STOP", &process(&child, rank));
        let ended = ended(child).expect(2);
        let told =
            format!("rank {by} of 3 on {host}: error: rank {rank} on {host} has given no sign of life for ");
        ended.expect_message(&[&told, "--watchdog"]);
        assert!(ended.took < Duration::from_secs(30), "{:?}", ended.took);
        job.run(2, &out).args(["--no-progress"]).end().expect(0);
        assert_same(&job.path("whole"), &job.path(&out), "gone on after a stall");
    }
    // Control: without a watchdog it is waited for.
    let child = job.begun(job.run(3, "out").args(["--watchdog", "0", "--no-progress"]), "out");
    let stopped = process(&child, 2);
    signal("-STOP", &stopped);
    std::thread::sleep(Duration::from_secs(3));
    signal("-CONT", &stopped);
    ended(child).expect(0);
    assert_same(&job.path("whole"), &job.path("out"), "waited for");
}
