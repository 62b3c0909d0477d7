//! What the tests of the built programs share: starting them under mpirun, and comparing what they made.

pub mod swin;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A run that takes longer than this hangs.
const TIMEOUT: Duration = Duration::from_secs(240);

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_path_buf()
}

/// A built program: beside the test runner's own folder.
///
/// # Panics
/// Where it has not been built.
pub fn program(name: &str) -> PathBuf {
    let runner = std::env::current_exe().expect("a test runner has a path");
    let path = runner.parent().and_then(Path::parent).expect("target/PROFILE/deps").join(name);
    assert!(path.exists(), "{} is not built: cargo build --release --workspace", path.display());
    path
}

/// The demo's first spectrum as [`ch3cn_fit`] lays it out, in a fit.toml.
pub const CH3CN_SPECTRUM: &str = r#"
[[spectrum]]
file = "spectrum.txt"
freq_unit = "MHz"
intensity_unit = "K"
noise = "0.15 K"
beam = ["0.5 arcsec", "0.4 arcsec"]
windows = [["220.70 GHz", "220.75 GHz"]]
"#;

/// CH3CN with all but its size free, in a fit.toml.
const CH3CN_SPECIES: &str = r#"
[[species]]
name = "CH3CN"
cat = "CH3CN.cat"
qpart = "CH3CN.qpart"
logn = { uniform = [13.0, 19.0] }
tex_k = { uniform = [30.0, 300.0] }
fwhm_kms = { uniform = [1.0, 6.0] }
v_kms = { normal = [0.0, 2.0] }
size_arcsec = { fixed = 0.5 }
"#;

/// A fit.toml of CH3CN in the demo's first spectrum, with these settings before it.
pub fn ch3cn_config(settings: &str) -> String {
    settings.to_string() + CH3CN_SPECTRUM + CH3CN_SPECIES
}

/// A folder of its own for a fit to CH3CN in the demo's first spectrum, with this configuration as fit.toml.
///
/// # Panics
/// Where it cannot be made.
pub fn ch3cn_fit(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let from = root().join("examples/hotcore");
    let copies = [
        ("spectrum_1.txt", "spectrum.txt"),
        ("lines/CH3CN.cat", "CH3CN.cat"),
        ("lines/CH3CN.qpart", "CH3CN.qpart"),
    ];
    for (name, copy) in copies {
        std::fs::copy(from.join(name), folder.path().join(copy)).expect("the demo's files can be copied");
    }
    std::fs::write(folder.path().join("fit.toml"), config).expect("a configuration can be written");
    folder
}

/// A simulation of a job of three stations, "small", that is correlated in a fraction of a second: 16 integrations, each a
/// unit of work.
pub const KVN_SIM: &str = r#"
name = "small"
seed = 5
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 1032
channels = 32
integration_s = 0.064
ra_deg = 343.5
dec_deg = 16.1

[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 2.0
sideband = "upper"
polarization = "L"

[[bands]]
edge_mhz = 22004.0
bandwidth_mhz = 2.0
sideband = "lower"
polarization = "L"

[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]

[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]

[[stations]]
code = "KT"
position_m = [-3171731.6818, 4292678.5318, 3481038.7880]

[[sources]]
name = "S"
power_fraction = 0.2
"#;

/// Simulates an observation: recordings and job lie in the folder, beside the configuration.
///
/// # Panics
/// Where it cannot be made.
pub fn simulate(folder: &Path, config: &str) {
    let path = folder.join("sim.toml");
    std::fs::write(&path, config).expect("a configuration can be written");
    let args = ["simulate".as_ref(), path.as_os_str(), "--out".as_ref(), folder.as_os_str()];
    Run::alone("kvn-corr").args(args).end().expect(0);
}

/// A program to be started.
pub struct Run {
    command: Command,
}

/// How it ended.
pub struct Ended {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Run {
    /// The program without a launcher.
    pub fn alone(name: &str) -> Self {
        Self { command: Command::new(program(name)) }
    }

    /// The program on `ranks` ranks of this machine.
    pub fn mpi(name: &str, ranks: usize) -> Self {
        let mut command = Command::new("mpirun");
        command.args(["-np", &ranks.to_string(), "--oversubscribe"]).arg(program(name));
        Self { command }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(mut self) -> Child {
        let settings = [
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
            ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
            ("OMPI_MCA_hwloc_base_binding_policy", "none"),
            ("OMPI_MCA_mpi_yield_when_idle", "1"),
            ("OMPI_MCA_btl", "self,vader"),
            ("OMPI_MCA_pml", "ob1"),
        ];
        for (name, value) in settings {
            if !self.command.get_envs().any(|(set, _)| set == name) {
                self.command.env(name, value);
            }
        }
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().unwrap_or_else(|e| panic!("cannot start {:?}: {e}", self.command))
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it hangs.
    pub fn end(self) -> Ended {
        let started = Instant::now();
        let child = self.start();
        let id = child.id().to_string();
        let waiting = std::thread::spawn(move || child.wait_with_output());
        while !waiting.is_finished() {
            if started.elapsed() > TIMEOUT {
                let _ = Command::new("kill").args(["-9", &id]).status();
                panic!("still running after {TIMEOUT:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = waiting.join().expect("the waiting thread lives").expect("the output can be read");
        Ended::of(&output, started.elapsed())
    }
}

/// Starts a run with a fault again and again until the fault strikes: where work goes to whoever is free, which rank gets
/// how much differs from run to run, and a rank that starts late may get none.
///
/// # Panics
/// Where it never strikes.
pub fn until_struck(mut run: impl FnMut() -> Run) -> Ended {
    let struck = (0..20).map(|_| run().end()).find(|ended| ended.code != Some(0));
    struck.expect("the fault strikes in one of twenty runs")
}

impl Ended {
    /// What a process that was waited for has left.
    pub fn of(output: &Output, took: Duration) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took,
        }
    }

    /// Asserts the exit code, showing what was printed where it is another.
    ///
    /// # Panics
    /// Where it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Our own messages among what was printed to standard error.
    pub fn messages(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.contains("error: ")).collect()
    }

    /// Asserts that there is one message, with all of `parts`.
    ///
    /// # Panics
    /// Where it is not so.
    #[track_caller]
    pub fn expect_message(&self, parts: &[&str]) {
        assert_eq!(self.messages().len(), 1, "one message expected:\n{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "\"{part}\" expected in:\n{}", self.stderr);
        }
    }
}

/// All products in a folder: their names and bytes. What differs from run to run is left out.
///
/// # Panics
/// Where the folder cannot be read.
pub fn products(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

fn collect(top: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("an entry can be read").path();
        let name = path.strip_prefix(top).expect("below the top").display().to_string();
        if path.is_dir() {
            collect(top, &path, found);
        } else if !name.ends_with("run.json") && name != "checkpoint" {
            found.insert(name, std::fs::read(&path).expect("a product can be read"));
        }
    }
}

/// Asserts that two folders hold the same products, byte for byte.
///
/// # Panics
/// Where they differ, naming the file.
#[track_caller]
pub fn assert_same(a: &Path, b: &Path, what: &str) {
    let (a, b) = (products(a), products(b));
    let names = |p: &BTreeMap<String, Vec<u8>>| p.keys().cloned().collect::<Vec<_>>();
    assert!(!a.is_empty(), "{what}: no products");
    assert_eq!(names(&a), names(&b), "{what}: other files");
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "{what}: {name} differs");
    }
}

/// The next of a seeded sequence of numbers, for moments that are random but the same each time (Knuth's MMIX).
pub fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// A small file system that is full soon, where this machine lets us mount one.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts one of `kib` KiB; `None`, with a word on it, where that is not allowed.
    pub fn mount(kib: usize) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|o| o.status.success()) {
            return Some(Self { folder });
        }
        println!("skipped: mounting a small file system is not allowed here");
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}
