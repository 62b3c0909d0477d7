//! The cube of a fit: which pixels, how each is fitted, and how a rank reads one.

use super::Inputs;
use super::data::{self, NoData};
use crate::config::{Config, CubeConfig};
use crate::cube::PixelSettings;
use crate::posterior::WindowData;
use crate::spectrum::{SkyHeader, SpectrumError, is_fits, sky_header};
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A fit of every pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CubePlan {
    /// Where the pixels lie.
    pub sky: SkyHeader,
    /// First and last column and row, zero-based.
    pub x: [usize; 2],
    /// The same of the rows.
    pub y: [usize; 2],
    /// Pixels whose brightest channel is this many times its noise are fitted.
    pub snr: f64,
    /// How each is fitted.
    pub settings: PixelSettings,
    /// The pixel that the plan was made from.
    pub template: [usize; 2],
}

impl CubePlan {
    /// Reads and checks `[cube]`, and finds a pixel with data.
    pub(super) fn new(config: &Config, cube: &CubeConfig, folder: &Path) -> anyhow::Result<Self> {
        let sky = sky_of(config, folder)?;
        let range = |name: &str, given: Option<[usize; 2]>, n: usize| {
            let [first, last] = given.unwrap_or([0, n - 1]);
            ensure!(
                first <= last && last < n,
                "[cube]: {name} = [{first}, {last}]: the cube has 0 to {}",
                n - 1
            );
            Ok([first, last])
        };
        let (x, y) = (range("x", cube.x, sky.shape[0])?, range("y", cube.y, sky.shape[1])?);
        ensure!(cube.snr >= 0.0 && cube.snr.is_finite(), "[cube]: snr = {}: 0 or more", cube.snr);
        let CubeConfig { chains, ess, draws, tempering, .. } = *cube;
        ensure!(
            chains >= 2 && chains.is_multiple_of(2),
            "[cube]: chains = {chains}: an even number of at least 2 is needed"
        );
        ensure!(draws >= 20, "[cube]: draws = {draws}: at least 20 are needed");
        ensure!(ess > 0.0, "[cube]: ess = {ess}: it must be positive");
        let settings = PixelSettings { chains, ess, draws, tempering };
        let mut plan = Self { sky, x, y, snr: cube.snr, settings, template: [0, 0] };
        plan.template = plan.first_with_data(config, folder)?;
        Ok(plan)
    }

    /// Pixels of the region.
    pub fn pixels(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let (x, y) = (self.x, self.y);
        (y[0]..=y[1]).flat_map(move |v| (x[0]..=x[1]).map(move |u| [u, v]))
    }

    /// A pixel with data, from the middle of the region outwards.
    fn first_with_data(&self, config: &Config, folder: &Path) -> anyhow::Result<[usize; 2]> {
        let middle = [(self.x[0] + self.x[1]) / 2, (self.y[0] + self.y[1]) / 2];
        let mut pixels: Vec<[usize; 2]> = self.pixels().collect();
        pixels.sort_by_key(|p| p[0].abs_diff(middle[0]).pow(2) + p[1].abs_diff(middle[1]).pow(2));
        for pixel in pixels {
            if pixel_windows(config, folder, pixel)?.is_some() {
                return Ok(pixel);
            }
        }
        anyhow::bail!("[cube]: no pixel of the region holds data")
    }
}

impl fmt::Display for CubePlan {
    /// What would be done, for `--dry-run`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([nx, ny], n) = (self.sky.shape, self.pixels().count());
        let PixelSettings { chains, ess, draws, tempering } = self.settings;
        let again = if tempering { "; by parallel tempering where these do not agree" } else { "" };
        write!(
            f,
            "every pixel above {} sigma of {n} (of {nx} x {ny}): {chains} chains of up to {draws} draws, until {ess} effective \
             samples{again}",
            self.snr
        )
    }
}

/// The sky of the first cube; all must have as many pixels.
fn sky_of(config: &Config, folder: &Path) -> anyhow::Result<SkyHeader> {
    let mut first: Option<SkyHeader> = None;
    for spectrum in &config.spectrum {
        let (path, name) = (folder.join(&spectrum.file), spectrum.file.display());
        ensure!(
            spectrum.pixel.is_none() && spectrum.circle.is_none(),
            "{name}: pixel and circle do not go with [cube], which fits every pixel"
        );
        ensure!(is_fits(&path)?, "{name}: [cube] is for FITS cubes, and this is none");
        let sky = sky_header(&path)?;
        if let Some(first) = &first {
            let (a, b) = (sky.shape, first.shape);
            ensure!(a == b, "{name}: {a:?} pixels, but the first cube has {b:?}: regrid one to the other");
        }
        first.get_or_insert(sky);
    }
    first.context("no [[spectrum]]: there are no data to fit")
}

/// The configuration of one pixel.
pub(super) fn of_pixel(config: &Config, pixel: [usize; 2]) -> Config {
    let mut config = config.clone();
    config.spectrum.iter_mut().for_each(|spectrum| spectrum.pixel = Some(pixel));
    config
}

/// The windows of one pixel; `None` where it holds no data.
///
/// # Errors
/// Where the files cannot be read, or the noise of a pixel with data is not known.
pub fn pixel_windows(
    config: &Config,
    folder: &Path,
    pixel: [usize; 2],
) -> anyhow::Result<Option<Vec<WindowData>>> {
    let config = of_pixel(config, pixel);
    let mut inputs = Inputs { folder: folder.to_path_buf(), unhashed: true, ..Inputs::default() };
    match data::Windows::read(&config, &mut inputs) {
        Ok(windows) => Ok(Some(windows.data)),
        Err(error) if is_without_data(&error) => Ok(None),
        Err(error) => Err(error.context(format!("pixel ({}, {})", pixel[0], pixel[1]))),
    }
}

fn is_without_data(error: &anyhow::Error) -> bool {
    error.is::<NoData>() || matches!(error.downcast_ref::<SpectrumError>(), Some(SpectrumError::Empty { .. }))
}
