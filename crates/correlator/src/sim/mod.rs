//! Simulates recordings of sources and noise, with the job files that correlate them.
//!
//! A source is one common noise process per band in geocentric time `t`. Station `a` records at station time
//! `s = t - tau_a(t)`; its baseband is `Re[y(t) exp(2 pi i f_c tau_a) exp(2 pi i (f_c - f_0) s)]` with `y` the source's
//! complex envelope about the band's centre `f_c`, `f_0` the band edge and `tau_a` the model's delay plus the station's
//! residual (DiFX's sign: geocentre minus station). Receiver noise is added, then samples are quantised.
//!
//! A source fills the bands in geocentric frequency; the station's motion (1e-6 of the sky frequency at most) moves its
//! spectrum across the band edges, where the last channels are therefore weaker, as they are in real correlations.
//!
//! Every number is a function of the seed and its sample number alone: how the work is cut changes no byte.

mod channels;
pub mod config;
mod earth;
mod from_job;
mod interpolate;
mod job;
mod mixed;
mod noise;
mod poly;
mod pulses;
mod quantise;
mod random;
mod receiver;
mod recorder;
mod satellite;
mod scene;
mod source;
mod tones;
mod transmitters;

pub use config::{
    BandConfig, BurstConfig, CentreConfig, ClockStepConfig, LineConfig, PhaseCalConfig, PulseConfig,
    RecorderConfig, Sideband, SimConfig, SourceConfig, StationConfig, TransmitterConfig,
};
pub use from_job::delays_of_job;

use scene::Scene;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why a simulation could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The configuration cannot be read.
    #[error("simulation {path}", path = path.display())]
    Parse {
        /// The configuration.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
    /// The configuration cannot be read from disk.
    #[error("simulation {path}", path = path.display())]
    Read {
        /// The configuration.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A value is out of its range or contradicts another.
    #[error("simulation: {field}: {what}")]
    Config {
        /// The field, as in the file.
        field: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// The job of stations that record differently cannot be made.
    #[error("simulation: the job of {path}: {what}", path = path.display())]
    Job {
        /// The job without them.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A product could not be written.
    #[error(transparent)]
    Write(#[from] mirinae_common::atomic::WriteError),
}

/// What a simulation wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The job to be correlated: the `.input` file, or a `job.toml` where stations record differently.
    pub input: PathBuf,
    /// The recordings, in the order of the stations.
    pub recordings: Vec<PathBuf>,
}

/// Makes the recordings and the job files of `config` in `folder`, which is created if need be.
///
/// Stations are made in parallel threads; the result does not depend on their number. Files appear whole or not at all.
///
/// # Errors
/// The configuration is wrong, or a file cannot be written.
pub fn simulate(config: &SimConfig, folder: &Path) -> Result<Simulated, SimError> {
    let scene = Scene::new(config)?;
    std::fs::create_dir_all(folder)
        .map_err(|source| mirinae_common::atomic::WriteError { path: folder.to_owned(), source })?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(scene.stations.len());
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(station) = scene.stations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = folder.join(&station.file);
                    tracing::info!("simulating {}", path.display());
                    if let Err(e) = recorder::record(&scene, station, &path)
                        && let Ok(mut failure) = failure.lock()
                    {
                        *failure = Some(e);
                    }
                }
            });
        }
    });
    if let Some(e) = failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        return Err(e);
    }
    finish(&scene, folder)
}

/// Makes the job files of `config` in `folder`, and recordings of random bits: the same in all of them, which is
/// enough to measure how fast they are correlated.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_random_bits(config: &SimConfig, folder: &Path) -> Result<Simulated, SimError> {
    let scene = Scene::new(config)?;
    if mixed::is(&scene) {
        let what = "random bits are the same for all stations, which must record alike".to_owned();
        return Err(SimError::Config { field: "recorder".to_owned(), what });
    }
    random::record(&scene, folder)?;
    finish(&scene, folder)
}

fn finish(scene: &Scene, folder: &Path) -> Result<Simulated, SimError> {
    let input = job::write(scene, folder)?;
    let input = if mixed::is(scene) { mixed::write(scene, &input)? } else { input };
    let recordings = scene.stations.iter().map(|station| folder.join(&station.file)).collect();
    Ok(Simulated { input, recordings })
}

#[cfg(test)]
mod pulses_tests;
#[cfg(test)]
mod tests;
