//! Maps of a fitted cube: FITS with the cube's coordinates, pictures, a table of pixels, the report.

use super::cube_keeper::Pixel;
use crate::cube::flags;
use crate::plan::{CubePlan, Plan};
use crate::report::{
    Cards, CubePage, Figure, Image, MapAxes, MapPanel, write_cube_page, write_images, write_map_figure,
};
use crate::spectrum::CardValue;
use anyhow::Context as _;
use mirinae_common::checkpoint::{Checkpoint, Hash};
use mirinae_common::{atomic, provenance};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const MAPS: &str = "maps";
/// Panels of one picture.
const PANELS: usize = 12;
/// The plan and all pixels' results, which everything else is made from.
pub(crate) const PIXELS: &str = "pixels.bin";

/// A cube that has been fitted.
pub(crate) struct FittedCube<'a> {
    /// Where the products go.
    pub(crate) out: &'a Path,
    /// The fit.
    pub(crate) plan: &'a Plan,
    /// Its part for the cube.
    pub(crate) cube: &'a CubePlan,
    /// Its hash.
    pub(crate) plan_hash: Hash,
    /// All pixels of the region in their order.
    pub(crate) grid: &'a [Pixel],
}

/// What [`PIXELS`] holds: the version that wrote it, the plan as bytes, the pixels.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) version: String,
    pub(crate) plan: Vec<u8>,
    pub(crate) grid: Vec<Pixel>,
}

/// Keeps what `alma-fit report` makes everything again from.
pub(super) fn keep(fit: &FittedCube) -> anyhow::Result<()> {
    let plan = postcard::to_stdvec(fit.plan)?;
    let kept = Kept { version: provenance::VERSION.to_string(), plan, grid: fit.grid.to_vec() };
    Ok(Checkpoint::new(fit.out.join(PIXELS), fit.plan_hash).save(&kept)?)
}

/// Writes all products but the pixels' own file and returns their names.
pub(crate) fn write(fit: &FittedCube) -> anyhow::Result<Vec<String>> {
    let out = fit.out;
    let made = provenance::of_plan("alma-fit", &fit.plan_hash, &fit.plan.settings, &fit.plan.inputs);
    atomic::write(&out.join("provenance.json"), |file| writeln!(file, "{made}"))?;
    let mut names = vec!["provenance.json".to_string()];
    names.extend(fits_maps(fit)?);
    pixels_csv(fit)?;
    let text = summary(fit);
    atomic::write(&out.join("summary.txt"), |file| file.write_all(text.as_bytes()))?;
    names.extend(["pixels.csv", "summary.txt"].map(String::from));
    let figures = figures(fit)?;
    for (figure, _) in &figures {
        let name = |ending| figure.file(ending).strip_prefix(out).map(|p| p.display().to_string());
        names.extend(["png", "svg"].into_iter().map(name).collect::<Result<Vec<_>, _>>()?);
    }
    let species: Vec<&str> = fit.plan.species.iter().map(|s| s.name()).collect();
    let page = CubePage {
        title: format!("Maps of {}", species.join(", ")),
        told: text.lines().map(String::from).collect(),
        warnings: fit.plan.notes.clone(),
        figures: &figures,
        files: &names,
        made_by: &made_by(fit),
        provenance: &made,
        settings: &fit.plan.settings,
    };
    write_cube_page(&out.join("report.html"), &page)?;
    names.push("report.html".to_string());
    Ok(names)
}

fn made_by(fit: &FittedCube) -> String {
    provenance::in_a_line("alma-fit run", &fit.plan_hash)
}

/// A map over the whole cube; NaN where there is no value.
fn map(fit: &FittedCube, value: impl Fn(&Pixel) -> f64) -> Vec<f64> {
    let [nx, ny] = fit.cube.sky.shape;
    let mut values = vec![f64::NAN; nx * ny];
    for pixel in fit.grid {
        values[pixel.at[1] * nx + pixel.at[0]] = value(pixel);
    }
    values
}

/// One of a parameter's quantiles.
fn quantile(pixel: &Pixel, which: usize, parameter: usize) -> f64 {
    pixel.fit.as_ref().and_then(|fit| fit.quantiles[which].get(parameter).copied()).unwrap_or(f64::NAN)
}

/// chi2 over degrees of freedom.
fn reduced_chi2(fit: &FittedCube, pixel: &Pixel) -> f64 {
    let freedom = f64::from(pixel.look.channels) - fit.plan.layout.parameters.len() as f64;
    of_fit(pixel, |f| f.chi2 / freedom.max(1.0))
}

fn of_fit(pixel: &Pixel, value: impl Fn(&crate::cube::PixelFit) -> f64) -> f64 {
    pixel.fit.as_ref().filter(|f| f.flags & flags::WITHOUT_FIT == 0).map_or(f64::NAN, value)
}

fn flags_of(pixel: &Pixel) -> u32 {
    pixel.look.flags | pixel.fit.as_ref().map_or(0, |fit| fit.flags)
}

/// The cards of the cube that a map needs.
fn sky_cards(fit: &FittedCube, unit: &str, what: &str) -> Cards {
    let mut cards = Cards::default();
    if !unit.is_empty() {
        cards.text("BUNIT", unit, "");
    }
    for (key, value) in &fit.cube.sky.cards {
        match value {
            CardValue::Text(text) => cards.text(key, text, ""),
            CardValue::Number(x) => cards.number(key, *x, ""),
        };
    }
    cards.history(what).history(&made_by(fit));
    cards
}

fn image(fit: &FittedCube, name: &str, values: Vec<f64>, (unit, what): (&str, &str)) -> Image {
    Image {
        name: name.to_string(),
        shape: fit.cube.sky.shape.to_vec(),
        values,
        cards: sky_cards(fit, unit, what),
    }
}

/// A file a parameter (median, lower, upper) and one of how well the fits went.
fn fits_maps(fit: &FittedCube) -> anyhow::Result<Vec<String>> {
    let folder = fit.out.join(MAPS);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut names = Vec::new();
    for (k, parameter) in fit.plan.layout.parameters.iter().enumerate() {
        let unit =
            parameter.unit.replace("log10(cm^-2)", "log(cm**-2)").replace("log10(cm^-3)", "log(cm**-3)");
        let one = |which, name: &str, about: &str| {
            let what = format!("{} [{}]: {about}", parameter.name, parameter.unit);
            image(fit, name, map(fit, |p| quantile(p, which, k)), (&unit, &what))
        };
        let images = [
            one(1, "MEDIAN", "median"),
            one(0, "LOWER", "quantile 15.865 %"),
            one(2, "UPPER", "quantile 84.135 %"),
        ];
        let name = format!("{MAPS}/{}.fits", plain(&parameter.name));
        write_images(&fit.out.join(&name), &images)?;
        names.push(name);
    }
    let meaning = |(bit, text): &(u32, &str)| format!("{bit}: {text}");
    let meanings: Vec<String> = flags::MEANINGS.iter().map(meaning).collect();
    let what = format!("sum of bits; {}", meanings.join("; "));
    let images = [
        image(fit, "CHI2", map(fit, |p| reduced_chi2(fit, p)), ("", "chi2 over degrees of freedom")),
        image(fit, "FLAGS", map(fit, |p| f64::from(flags_of(p))), ("", &what)),
        image(fit, "SNR", map(fit, |p| p.look.snr), ("", "brightest channel over its noise")),
        image(fit, "R_HAT", map(fit, |p| of_fit(p, |f| f.r_hat)), ("", "largest R-hat")),
        image(fit, "ESS", map(fit, |p| of_fit(p, |f| f.ess)), ("", "smallest bulk ESS")),
    ];
    let name = format!("{MAPS}/quality.fits");
    write_images(&fit.out.join(&name), &images)?;
    names.push(name);
    Ok(names)
}

/// A name as a file can have it.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-._+".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

fn pixels_csv(fit: &FittedCube) -> anyhow::Result<()> {
    let parameters = &fit.plan.layout.parameters;
    Ok(atomic::write(&fit.out.join("pixels.csv"), |file| {
        write!(file, "x,y,snr,channels,flags,chi2,r_hat,ess,gradients")?;
        for p in parameters {
            write!(file, ",{0}_lower,{0},{0}_upper", p.name)?;
        }
        writeln!(file)?;
        for pixel in fit.grid {
            let ([x, y], look) = (pixel.at, pixel.look);
            write!(file, "{x},{y},{},{},{}", look.snr, look.channels, flags_of(pixel))?;
            let numbers = [of_fit(pixel, |f| f.chi2), of_fit(pixel, |f| f.r_hat), of_fit(pixel, |f| f.ess)];
            for number in numbers {
                write!(file, ",{number}")?;
            }
            write!(file, ",{}", pixel.fit.as_ref().map_or(0, |f| f.gradients))?;
            for k in 0..parameters.len() {
                for which in 0..3 {
                    write!(file, ",{}", quantile(pixel, which, k))?;
                }
            }
            writeln!(file)?;
        }
        Ok(())
    })?)
}

fn summary(fit: &FittedCube) -> String {
    let fitted: Vec<&Pixel> = fit.grid.iter().filter(|p| flags_of(p) & flags::WITHOUT_FIT == 0).collect();
    let mut text = format!("{} of {} pixels fitted\n", fitted.len(), fit.grid.len());
    // Writing to a String cannot fail.
    for (bit, meaning) in flags::MEANINGS {
        let n = fit.grid.iter().filter(|p| flags_of(p) & bit != 0).count();
        if n > 0 {
            let _ = writeln!(text, "{n} pixels: {meaning} (flag {bit})");
        }
    }
    let middle = |value: &dyn Fn(&Pixel) -> f64| {
        let values = crate::diagnose::sorted(fitted.iter().map(|p| value(p)).filter(|v| v.is_finite()));
        (!values.is_empty()).then(|| crate::diagnose::quantile(&values, 0.5))
    };
    if let (Some(chi2), Some(gradients)) = (
        middle(&|p| reduced_chi2(fit, p)),
        middle(&|p| p.fit.as_ref().map_or(f64::NAN, |f| f.gradients as f64)),
    ) {
        let _ =
            writeln!(text, "medians: chi2 {chi2:.3} a degree of freedom, {gradients:.0} gradients a pixel");
    }
    text
}

/// Pages of maps, with captions.
fn figures(fit: &FittedCube) -> anyhow::Result<Vec<(Figure, String)>> {
    let axes = MapAxes {
        shape: fit.cube.sky.shape,
        x: fit.cube.x,
        y: fit.cube.y,
        step_arcsec: match (fit.cube.sky.number("CDELT1"), fit.cube.sky.number("CDELT2")) {
            (Some(dx), Some(dy)) => Some([3600.0 * dx, 3600.0 * dy]),
            _ => None,
        },
    };
    let parameters = &fit.plan.layout.parameters;
    let panel = |title: &str, values: Vec<f64>| MapPanel { title: title.to_string(), values };
    let medians: Vec<MapPanel> = parameters
        .iter()
        .enumerate()
        .map(|(k, p)| panel(&format!("{} [{}]", p.name, p.unit), map(fit, |pixel| quantile(pixel, 1, k))))
        .collect();
    let errors: Vec<MapPanel> = parameters
        .iter()
        .enumerate()
        .map(|(k, p)| {
            let half = |pixel: &Pixel| 0.5 * (quantile(pixel, 2, k) - quantile(pixel, 0, k));
            panel(&format!("± {} [{}]", p.name, p.unit), map(fit, half))
        })
        .collect();
    let quality = vec![
        panel("signal to noise", map(fit, |p| p.look.snr)),
        panel("chi2 / degrees of freedom", map(fit, |p| reduced_chi2(fit, p))),
        panel("flags", map(fit, |p| f64::from(flags_of(p)))),
        panel("largest R-hat", map(fit, |p| of_fit(p, |f| f.r_hat))),
        panel("smallest ESS", map(fit, |p| of_fit(p, |f| f.ess))),
    ];
    let mut all = Vec::new();
    for (stem, panels, caption) in [
        ("median", medians, "Medians"),
        ("error", errors, "Half of the 68 % intervals"),
        ("quality", quality, "How well the fits went"),
    ] {
        for (k, page) in panels.chunks(PANELS).enumerate() {
            let figure = Figure::new(fit.out.join(format!("maps-{stem}-{:02}", k + 1)), &made_by(fit));
            write_map_figure(&figure, &axes, page)?;
            all.push((figure, caption.to_string()));
        }
    }
    Ok(all)
}
