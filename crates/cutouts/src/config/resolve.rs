//! Turns a configuration into settings: defaults put in, every value checked.

use super::settings::{
    Align, Incomplete, Missing, Output, PlanesChoice, Settings, SkyUse, Source, SplitRule, ValueType, Zeros,
};
use super::{Config, ConfigError, Hdu, ImageSection, Input, PerBand};
use crate::fits::{HduChoice, Section};
use crate::kernel::nulls::NullPolicy;
use crate::kernel::planes::Planes;
use std::collections::BTreeSet;
use std::path::Path;

type Problem = (&'static str, String);

fn check(ok: bool, key: &'static str, problem: impl Into<String>) -> Result<(), Problem> {
    if ok { Ok(()) } else { Err((key, problem.into())) }
}

/// The value of each band; `absent` where the table leaves one out.
fn per_band<T: Clone>(
    key: &'static str,
    bands: &[String],
    value: Option<&PerBand<T>>,
    absent: T,
) -> Result<Vec<T>, Problem> {
    match value {
        None => Ok(vec![absent; bands.len()]),
        Some(PerBand::All(value)) => Ok(vec![value.clone(); bands.len()]),
        Some(PerBand::Each(table)) => {
            if let Some(other) = table.keys().find(|name| !bands.contains(name)) {
                return Err((key, format!("{other} is not among the bands {}", bands.join(", "))));
            }
            Ok(bands.iter().map(|band| table.get(band).cloned().unwrap_or_else(|| absent.clone())).collect())
        }
    }
}

/// Names between braces.
pub(crate) fn placeholders(template: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let end =
            rest[start..].find('}').ok_or_else(|| format!("{template}: a brace is not closed"))? + start;
        names.push(&rest[start + 1..end]);
        rest = &rest[end + 1..];
    }
    Ok(names)
}

fn source(input: &Input) -> Result<Source, Problem> {
    let names = placeholders(&input.path).map_err(|problem| ("input.path", problem))?;
    check(names.contains(&"band"), "input.path", "has no {band}: each band has a file of its own")?;
    match (&input.catalog, &input.scan) {
        (Some(file), None) => {
            let column =
                |name: &Option<String>, usual: &str| name.clone().unwrap_or_else(|| usual.to_owned());
            let columns = [column(&input.id, "id"), column(&input.ra, "ra"), column(&input.dec, "dec")];
            Ok(Source::Catalogue { file: file.clone(), columns, labels: input.labels.clone() })
        }
        (None, Some(folders)) => {
            check(!folders.is_empty(), "input.scan", "names no folder")?;
            let ok = names == ["id", "band"] || names == ["band", "id"];
            check(
                ok && !input.path.contains('/'),
                "input.path",
                "of a scan is a file name with {id} and {band}",
            )?;
            check(input.labels.is_empty(), "input.labels", "come from a catalogue")?;
            Ok(Source::Scan(folders.clone()))
        }
        _ => Err(("input", "needs either catalog or scan".to_owned())),
    }
}

fn planes(image: &ImageSection, bands: &[String]) -> Result<Planes, Problem> {
    let softening_b = per_band("image.softening", bands, image.softening.as_ref(), 0.1)?;
    let (q, stretch) = (image.lupton_q.unwrap_or(8.0), image.lupton_stretch.unwrap_or(0.5));
    let positive = |x: f32| x > 0.0 && x.is_finite();
    check(softening_b.iter().all(|s| positive(*s)), "image.softening", "must be positive")?;
    check(positive(q) && positive(stretch), "image.lupton_q, lupton_stretch", "must be positive")?;
    Ok(match image.planes.unwrap_or(PlanesChoice::Linear) {
        PlanesChoice::Linear => Planes::Linear,
        PlanesChoice::Asinh => Planes::Asinh { softening_b },
        PlanesChoice::Lupton => Planes::Lupton { q, stretch },
    })
}

impl Config {
    /// Everything resolved and checked; `path` is the file's, for messages.
    ///
    /// # Errors
    /// [`ConfigError::Value`] with the key.
    pub fn resolve(&self, path: &Path) -> Result<Settings, ConfigError> {
        let settings = self.settings();
        settings.map_err(|(key, problem)| ConfigError::Value { path: path.to_path_buf(), key, problem })
    }

    fn settings(&self) -> Result<Settings, Problem> {
        let (input, image, bands) = (&self.input, &self.image, &self.bands);
        let names = &bands.names;
        check(!names.is_empty(), "bands.names", "names no band")?;
        let distinct = names.iter().collect::<BTreeSet<_>>().len() == names.len();
        check(distinct, "bands.names", "names a band twice")?;
        let settings = Settings {
            root: input.root.clone().unwrap_or_default(),
            source: source(input)?,
            path: input.path.clone(),
            hdu: match &input.hdu {
                None => HduChoice::First,
                Some(Hdu::Number(number)) => HduChoice::Number(*number),
                Some(Hdu::Name(name)) => HduChoice::Name(name.clone()),
            },
            plane: input.plane.unwrap_or(0),
            section: input.section.map(|[x0, x1, y0, y1]| Section { x: [x0, x1], y: [y0, y1] }),
            missing: input.missing.unwrap_or(Missing::Suspicious),
            missing_above: input.missing_above.unwrap_or(0.05),
            in_flight: input.in_flight.unwrap_or(6),
            attempts: input.attempts.unwrap_or(4),
            checksums: input.checksums.unwrap_or(true),
            zeros: input.zeros.unwrap_or(Zeros::Reject),
            bands: names.clone(),
            incomplete: bands.incomplete.unwrap_or(Incomplete::Mask),
            nulls_b: per_band("bands.nulls", names, bands.nulls.as_ref(), NullPolicy::Sky)?,
            saturation_b: per_band("bands.saturation", names, bands.saturation.as_ref(), f32::MAX)?,
            psf_keywords: bands
                .psf
                .clone()
                .unwrap_or_else(|| ["PSF_FWHM", "SEEING", "FWHM"].map(str::to_owned).to_vec()),
            size: image.size.unwrap_or(128),
            align: image.align.unwrap_or(Align::Pixels),
            pixel_arcsec: image.pixel_arcsec.unwrap_or(0.0),
            conserve_flux: image.conserve_flux.unwrap_or(false),
            max_null_fraction: image.max_null_fraction.unwrap_or(0.5),
            sky: image.sky.unwrap_or(SkyUse::Measure),
            foreground: image.foreground.unwrap_or(true),
            foreground_sigma: image.foreground_sigma.unwrap_or(3.0),
            foreground_pixels: image.foreground_pixels.unwrap_or(5),
            planes: planes(image, names)?,
            dtype: image.dtype.unwrap_or(ValueType::F4),
            split: SplitRule {
                fractions: self.split.fractions.unwrap_or([0.8, 0.1, 0.1]),
                nside: self.split.nside.unwrap_or(64),
                seed: self.split.seed.unwrap_or(1),
            },
            output: Output {
                galaxies: self.output.galaxies.unwrap_or(512),
                zarr: self.output.zarr.unwrap_or(false),
                hdf5: self.output.hdf5.unwrap_or(false),
                webdataset: self.output.webdataset.unwrap_or(false),
                stop_above: self.output.stop_above.unwrap_or(0.1),
                sheet: self.output.sheet.unwrap_or(36),
            },
        };
        checked(settings)
    }
}

/// Ranges of numbers, and what goes together.
fn checked(s: Settings) -> Result<Settings, Problem> {
    let share = |x: f64| (0.0..=1.0).contains(&x);
    check((1..=4096).contains(&s.size), "image.size", "must be 1 to 4096 pixels")?;
    check((1..=64).contains(&s.in_flight), "input.in_flight", "must be 1 to 64")?;
    check((1..=100).contains(&s.attempts), "input.attempts", "must be 1 to 100")?;
    check((1..=1_000_000).contains(&s.output.galaxies), "output.galaxies", "must be 1 to 1000000")?;
    check(s.output.sheet <= 400, "output.sheet", "must be 400 at most")?;
    check(share(s.output.stop_above), "output.stop_above", "must be 0 to 1")?;
    check(share(s.missing_above), "input.missing_above", "must be 0 to 1")?;
    check(share(s.max_null_fraction), "image.max_null_fraction", "must be 0 to 1")?;
    let nside = s.split.nside;
    check(nside.is_power_of_two() && nside <= 32_768, "split.nside", "must be a power of 2 up to 32768")?;
    let sum: f64 = s.split.fractions.iter().sum();
    let all = s.split.fractions.iter().all(|f| share(*f));
    check(
        all && (sum - 1.0).abs() < 1e-9,
        "split.fractions",
        "must be three numbers from 0 on that add up to 1",
    )?;
    check(s.foreground_sigma > 0.0, "image.foreground_sigma", "must be positive")?;
    check(s.saturation_b.iter().all(|x| !x.is_nan()), "bands.saturation", "must be a number")?;
    if s.align == Align::Pixels {
        check(s.pixel_arcsec == 0.0, "image.pixel_arcsec", "goes with align = \"bilinear\" or \"lanczos3\"")?;
    } else {
        let pixel = s.pixel_arcsec;
        check(
            pixel > 0.0 && pixel < 3600.0,
            "image.pixel_arcsec",
            "is needed to align bands: the pixel of the grid",
        )?;
        let positions = matches!(s.source, Source::Catalogue { .. });
        check(positions, "image.align", "needs the positions of a catalogue")?;
    }
    if s.foreground || s.sky == SkyUse::Subtract {
        check(s.sky != SkyUse::Ignore, "image.sky", "must be measured to find foreground objects")?;
    }
    Ok(s)
}
