//! Fits every pixel of a cube: rank 0 keeps the list and what is done, all ranks read and fit pixels.
//!
//! First all rows are looked at, for the pixels' signal to noise; then pixels are handed out as soon as the neighbours that
//! they start from are done, those of coarse grids and the brightest (which take longest) first. A pixel's fit depends on its
//! data, its number and its neighbours' peaks alone, so that neither the number of ranks nor an interruption matters.

use super::cube_keeper::{Keeper, Look, State, Task, Work};
use super::cube_products::{self, FittedCube, PIXELS};
use super::stage::Product;
use crate::chain;
use crate::config::Config;
use crate::cube::{PixelFit, fit_pixel, flags, pixel_seed, signal_to_noise};
use crate::plan::{CubePlan, Plan, pixel_windows};
use crate::posterior::WindowData;
use anyhow::Context as _;
use mirinae_common::checkpoint::Checkpoint;
use mirinae_common::comm::{self, Comm as _};
use mirinae_common::outcome::{Failure, Outcome};
use mirinae_common::pool::Pool;
use mirinae_common::runtime::Context;
use mirinae_common::{fault, provenance};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Stage {
    Fitting(State),
    Done(Vec<Product>),
}

/// A cube that is being fitted, on every rank.
pub(super) struct CubeFit<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) plan: &'a Plan,
    pub(super) cube: &'a CubePlan,
    pub(super) out: &'a Path,
    config: Config,
    folder: &'a Path,
    checkpoint: Checkpoint,
}

/// Fits the cube; `folder` is what the names of files are relative to.
///
/// # Errors
/// Exit 2 with the cause; exit 65 where the folder holds another fit.
pub(super) fn run(
    context: &Context,
    (plan, cube): (&Plan, &CubePlan),
    folder: &Path,
    out: &Path,
) -> Result<Outcome, Failure> {
    let config: Config = toml::from_str(&plan.settings).map_err(Failure::run)?;
    let checkpoint = Checkpoint::new(out.join("checkpoint"), context.plan_hash);
    let fit = CubeFit { context, plan, cube, out, config, folder, checkpoint };
    let is_root = context.comm.rank() == 0;
    let found = if is_root { fit.find()? } else { None };
    let is_done = matches!(found, Some(Stage::Done(_)));
    if !comm::share(context.comm, &is_done).map_err(Failure::run)? {
        let state = match found {
            Some(Stage::Fitting(state)) => state,
            _ => State::default(),
        };
        let mut keeper = is_root.then(|| Keeper::new(&fit, state));
        let done = fit.work(keeper.as_mut()).map_err(Failure::run)?;
        if !done {
            return Ok(Outcome::stopped());
        }
        if let Some(keeper) = keeper {
            fit.finish(keeper).map_err(Failure::run)?;
        }
    }
    if is_root {
        fit.tell().map_err(Failure::run)?;
    }
    Ok(Outcome::default())
}

impl CubeFit<'_> {
    /// What an earlier run left in the folder, checked. Makes the folder.
    fn find(&self) -> Result<Option<Stage>, Failure> {
        std::fs::create_dir_all(self.out)
            .with_context(|| format!("cannot make {}", self.out.display()))
            .map_err(Failure::run)?;
        let options = self.context.options;
        if options.fresh {
            self.checkpoint.remove().map_err(Failure::run)?;
        }
        let found = self.checkpoint.load::<Stage>().map_err(Failure::input)?;
        match &found {
            None if options.resume => {
                let path = self.checkpoint.path().display();
                return Err(Failure::input(anyhow::anyhow!("--resume: there is no checkpoint {path}")));
            }
            None => {}
            Some(Stage::Fitting(state)) => tracing::info!("going on after {} pixels", state.fitted()),
            Some(Stage::Done(products)) => {
                for product in products {
                    chain::verify(&self.out.join(&product.name), &product.sha256).map_err(Failure::input)?;
                }
                tracing::info!("the fit is done already; --fresh does it again");
            }
        }
        Ok(found)
    }

    /// Does all tasks; whether all are done, or a signal stopped it.
    fn work(&self, mut keeper: Option<&mut Keeper>) -> anyhow::Result<bool> {
        let comm = self.context.comm;
        let watchdog = self.context.watchdog();
        let pulse = || self.context.pulse(&watchdog);
        Pool::new(comm).with_pulse(&pulse).run(keeper.as_deref_mut(), |task, tick| {
            fault::pass("unit")?;
            let work = match task {
                Task::Look { row } => Work::Looked { row, looks: self.look(row, tick)? },
                Task::Fit { place, pixel, starts } => {
                    Work::Fitted { place, fit: self.fit(pixel, &starts, tick)? }
                }
            };
            Ok((work, self.context.stop_requested()))
        })?;
        let stopped = keeper.map_or(Ok(false), Keeper::end)?;
        Ok(!comm::share(comm, &stopped)?)
    }

    /// Looks at the pixels of a row.
    fn look(&self, row: usize, tick: &mut dyn FnMut()) -> anyhow::Result<Vec<Look>> {
        let [first, last] = self.cube.x;
        let one = |x| -> anyhow::Result<Look> {
            tick();
            let Some(windows) = pixel_windows(&self.config, self.folder, [x, self.cube.y[0] + row])? else {
                return Ok(Look { flags: flags::NO_DATA, ..Look::default() });
            };
            let sigmas = || windows.iter().flat_map(|w| &w.sigma_k);
            let channels = sigmas().filter(|s| s.is_finite()).count() as u32;
            let snr = signal_to_noise(&windows);
            let same = |(a, b): (&WindowData, &WindowData)| {
                a.window.name == b.window.name && a.window.freq_mhz == b.window.freq_mhz
            };
            let alike =
                windows.len() == self.plan.windows.len() && windows.iter().zip(&self.plan.windows).all(same);
            let flags = match (alike, snr >= self.cube.snr) {
                (false, _) => flags::OTHER_WINDOWS,
                (true, false) => flags::FAINT,
                (true, true) => 0,
            };
            Ok(Look { snr, channels, flags })
        };
        (first..=last).map(one).collect()
    }

    /// Fits a pixel.
    fn fit(
        &self,
        [x, y]: [usize; 2],
        starts: &[Vec<f64>],
        tick: &mut dyn FnMut(),
    ) -> anyhow::Result<PixelFit> {
        let of_pixel = || format!("pixel ({x}, {y})");
        let windows = pixel_windows(&self.config, self.folder, [x, y])?
            .with_context(|| format!("{} has lost its data: have the files changed?", of_pixel()))?;
        let posterior = self.plan.posterior_of(&windows).with_context(of_pixel)?;
        let seed = pixel_seed(self.plan.fit.seed, y * self.cube.sky.shape[0] + x);
        fit_pixel(&posterior, seed, starts, self.cube.settings, tick).with_context(of_pixel)
    }

    fn finish(&self, keeper: Keeper) -> anyhow::Result<()> {
        let grid = keeper.grid();
        let (plan, cube, out, plan_hash) = (self.plan, self.cube, self.out, self.context.plan_hash);
        let fitted = FittedCube { out, plan, cube, plan_hash, grid: &grid };
        cube_products::keep(&fitted)?;
        let mut names = cube_products::write(&fitted).context("cannot make the results")?;
        names.push(PIXELS.to_string());
        let product = |name: String| -> anyhow::Result<Product> {
            let (_, sha256) = provenance::hash_file(&self.out.join(&name))?;
            Ok(Product { name, sha256 })
        };
        let products = names.into_iter().map(product).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(self.checkpoint.save(&Stage::Done(products))?)
    }

    /// Saves what is done.
    pub(super) fn save(&self, state: &State) -> anyhow::Result<()> {
        Ok(self.checkpoint.save(&Stage::Fitting(state.clone()))?)
    }

    fn tell(&self) -> anyhow::Result<()> {
        let context = self.context;
        let path = self.out.join("run.json");
        provenance::write_run_record(&path, &context.plan_hash, &context.hosts, context.started, &[])?;
        println!("{}", std::fs::read_to_string(self.out.join("summary.txt"))?);
        println!("maps and report.html in {}", self.out.display());
        Ok(())
    }
}
