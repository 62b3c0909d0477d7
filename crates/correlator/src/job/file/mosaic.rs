//! Lays out the mosaic of a `job.toml`: its phase centres, and the channels and times that its limit of smearing asks for.

use super::build::resolve_centres;
use super::{Angle, Correlation, JobFile, MosaicEntry, SidebandName, SourceEntry, StationEntry};
use crate::centres::mosaic::{about, beside, corner, hexagons, primary_beam_rad};
use crate::centres::resolution::{Field, Fixed, Losses, Resolution, longest_m};
use crate::job::known_diameter_m;
use std::f64::consts::PI;

/// More phase centres than this are not laid out.
const MOST_CENTRES: f64 = 20_000.0;
const ARCSEC_RAD: f64 = PI / 648_000.0;
/// The largest field, in rad: beyond it the grid is no longer even.
const WIDEST_RAD: f64 = 1.0 / 60.0;

impl StationEntry {
    /// Diameter of the antenna in m, where it is given or known.
    pub fn diameter(&self) -> Option<f64> {
        self.diameter_m.or_else(|| known_diameter_m(self.name.as_deref().unwrap_or(&self.code)))
    }
}

impl JobFile {
    /// The job without its mosaic, but with that one's phase centres, channels and times; and what was chosen, in words.
    ///
    /// # Errors
    /// What is wrong, or what contradicts the limit of smearing.
    pub(super) fn laid_out(&self) -> Result<(Self, Vec<String>), String> {
        let mut laid_out = self.clone();
        let Some(mosaic) = laid_out.mosaic.take() else { return Ok((laid_out, Vec::new())) };
        let wrong = |what: String| format!("mosaic: {what}");
        if self.model.difx_im.is_some() {
            let what =
                "model.difx_im knows no phase centres but its own: leave it out, and give Earth orientation";
            return Err(wrong(what.to_owned()));
        }
        mosaic.check().map_err(wrong)?;
        let radius_rad = self.radius_rad(&mosaic).map_err(wrong)?;
        let spacing_rad = mosaic.spacing_arcsec * ARCSEC_RAD;
        let count = about(radius_rad, spacing_rad);
        if count > MOST_CENTRES {
            return Err(wrong(format!(
                "about {count:.0} phase centres are too many; at most {MOST_CENTRES} are made"
            )));
        }
        let grid = hexagons(radius_rad, spacing_rad);
        laid_out.add_centres(&mosaic, &grid).map_err(wrong)?;
        let field = self.field(&mosaic, &grid).map_err(wrong)?;
        let fixed = self.correlation.fixed();
        let resolution = field
            .resolution(&fixed)
            .map_err(|(r, losses)| wrong(contradiction(&field, &fixed, (&r, &losses))))?;
        let told = in_words(&mosaic, (radius_rad, grid.len()), (&resolution, &field.losses(&resolution)));
        laid_out.correlation.channels = Some(resolution.channels);
        laid_out.correlation.average = Some(resolution.average);
        laid_out.correlation.shift_s = Some(resolution.shift_s);
        laid_out.correlation.integration_s = Some(resolution.integration_s);
        Ok((laid_out, vec![told]))
    }

    /// Radius of the field: given, or half the width of the largest primary beam.
    fn radius_rad(&self, mosaic: &MosaicEntry) -> Result<f64, String> {
        let radius_rad = match mosaic.radius_arcsec {
            Some(radius) => radius * ARCSEC_RAD,
            None => {
                let mut smallest_m = f64::INFINITY;
                for station in self.recording() {
                    let unknown = || {
                        format!(
                            "the diameter of station {} is not known: give its diameter_m, or radius_arcsec",
                            station.code
                        )
                    };
                    smallest_m = smallest_m.min(station.diameter().ok_or_else(unknown)?);
                }
                if !(smallest_m > 0.0 && smallest_m.is_finite()) {
                    return Err("an antenna's diameter_m is larger than 0".to_owned());
                }
                0.5 * primary_beam_rad(smallest_m, self.lowest_hz())
            }
        };
        if (0.0..WIDEST_RAD).contains(&radius_rad) {
            Ok(radius_rad)
        } else {
            Err(format!(
                "a radius of {:.0} arcsec is not between 0 and {:.0}",
                radius_rad / ARCSEC_RAD,
                WIDEST_RAD / ARCSEC_RAD
            ))
        }
    }

    fn recording(&self) -> impl Iterator<Item = &StationEntry> {
        self.stations.iter().filter(|s| !s.streams.is_empty())
    }

    /// Lowest frequency on the sky that is recorded.
    fn lowest_hz(&self) -> f64 {
        let channels = self.stations.iter().flat_map(|s| &s.streams).flat_map(|s| &s.channels);
        let lowest = channels.map(|c| match c.sideband {
            SidebandName::Upper => c.edge_mhz,
            SidebandName::Lower => c.edge_mhz - c.bandwidth_mhz,
        });
        lowest.fold(f64::INFINITY, f64::min) * 1e6
    }

    /// Width of the bands of the products: the zoom bands, or the narrowest that is recorded.
    fn bandwidth_hz(&self) -> f64 {
        let channels = self.stations.iter().flat_map(|s| &s.streams).flat_map(|s| &s.channels);
        let narrowest = channels.map(|c| c.bandwidth_mhz).fold(f64::INFINITY, f64::min);
        1e6 * self.correlation.zoom.first().map_or(narrowest, |zoom| zoom.bandwidth_mhz)
    }

    /// Adds the centres of every pointing that has some of the mosaic.
    fn add_centres(&mut self, mosaic: &MosaicEntry, grid: &[[f64; 2]]) -> Result<(), String> {
        let sources = self.sources()?;
        let mut any = false;
        for index in 0..self.scans.len() {
            let scan = &self.scans[index];
            let other = mosaic.source.as_ref().is_some_and(|source| *source != scan.source);
            if other || !scan.centres.is_empty() {
                continue;
            }
            any = true;
            let (pointing, _) = resolve_centres(scan, &sources)?;
            let pointing = &sources[pointing];
            let name =
                |i: usize| if i == 0 { pointing.name.clone() } else { format!("{}_{i:03}", pointing.name) };
            let names: Vec<String> = (0..grid.len()).map(name).collect();
            // Another scan may have had the same pointing.
            let there = self.scans[..index].iter().any(|s| s.source == pointing.name && s.centres == names);
            for (name, at) in names.iter().zip(grid).skip(1).filter(|_| !there) {
                if sources.iter().any(|s| s.name == *name) {
                    return Err(format!("there is a source {name} already"));
                }
                let (ra, dec) = beside(pointing.ra_rad, pointing.dec_rad, *at);
                let angle = |rad: f64| Angle::Text(format!("{rad} rad"));
                self.sources.push(SourceEntry {
                    name: name.clone(),
                    ra: angle(ra),
                    dec: angle(dec),
                    orbit: None,
                });
            }
            self.scans[index].centres = names;
        }
        match (any, &mosaic.source) {
            (true, _) => Ok(()),
            (false, Some(source)) => Err(format!("no scan without centres of its own points to {source}")),
            (false, None) => Err("all scans have centres of their own".to_owned()),
        }
    }

    /// The field as the array sees it.
    fn field(&self, mosaic: &MosaicEntry, grid: &[[f64; 2]]) -> Result<Field, String> {
        let named = &self.correlation.baselines;
        let wanted = |a: &StationEntry, b: &StationEntry| {
            let is = |pair: &[String; 2], x: &StationEntry, y: &StationEntry| {
                pair[0].eq_ignore_ascii_case(&x.code) && pair[1].eq_ignore_ascii_case(&y.code)
            };
            named.is_empty() || named.iter().any(|pair| is(pair, a, b) || is(pair, b, a))
        };
        let all: Vec<&StationEntry> = self.recording().collect();
        let pairs: Vec<_> = (0..all.len())
            .flat_map(|a| (a + 1..all.len()).map(move |b| (a, b)))
            .filter(|&(a, b)| wanted(all[a], all[b]))
            .map(|(a, b)| (all[a].position_m, all[b].position_m))
            .collect();
        let (longest_m, equatorial_m) = longest_m(&pairs);
        let cell_rad = corner() * mosaic.spacing_arcsec * ARCSEC_RAD;
        let outermost_rad = grid.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
        let field = Field {
            edge_rad: outermost_rad + cell_rad,
            cell_rad,
            longest_m,
            equatorial_m,
            highest_hz: self.highest_hz(),
            bandwidth_hz: self.bandwidth_hz(),
            limit: mosaic.smearing,
        };
        let sound =
            [field.longest_m, field.highest_hz, field.bandwidth_hz].iter().all(|x| *x > 0.0 && x.is_finite());
        if sound { Ok(field) } else { Err("there is no baseline, or no band".to_owned()) }
    }
}

impl Correlation {
    fn fixed(&self) -> Fixed {
        Fixed {
            channels: self.channels,
            average: self.average,
            shift_s: self.shift_s,
            integration_s: self.integration_s,
        }
    }
}

impl MosaicEntry {
    fn check(&self) -> Result<(), String> {
        if !(self.spacing_arcsec > 0.0 && self.spacing_arcsec * ARCSEC_RAD < WIDEST_RAD) {
            return Err(format!("spacing_arcsec = {} is no distance of phase centres", self.spacing_arcsec));
        }
        if !(0.001..=0.5).contains(&self.smearing) {
            return Err(format!("smearing = {} is not between 0.001 and 0.5", self.smearing));
        }
        Ok(())
    }
}

fn resolution_in_words(r: &Resolution) -> String {
    format!(
        "{} channels averaged by {}, shift interval {:.4} s, accumulation {:.4} s",
        r.channels, r.average, r.shift_s, r.integration_s
    )
}

fn losses_in_words(losses: &Losses) -> String {
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    format!(
        "at the edge of the field at most {} within a transform and {} within a shift interval, between phase centres {} by averaging \
         channels and {} within an accumulation; {} in all",
        percent(losses.transform),
        percent(losses.shift),
        percent(losses.average),
        percent(losses.integration),
        percent(losses.total())
    )
}

fn in_words(
    mosaic: &MosaicEntry,
    (radius_rad, count): (f64, usize),
    (resolution, losses): (&Resolution, &Losses),
) -> String {
    format!(
        "mosaic: {count} phase centres {} arcsec apart, {:.1} arcsec around the pointing: {}; lost {} (limit {} %)",
        mosaic.spacing_arcsec,
        radius_rad / ARCSEC_RAD,
        resolution_in_words(resolution),
        losses_in_words(losses),
        100.0 * mosaic.smearing
    )
}

/// Why a resolution that the user fixed does not do, and which one would.
fn contradiction(field: &Field, fixed: &Fixed, (resolution, losses): (&Resolution, &Losses)) -> String {
    let limit = 100.0 * field.limit;
    let what = format!(
        "with {} are lost {}: more than {limit} %",
        resolution_in_words(resolution),
        losses_in_words(losses)
    );
    match field.resolution(&Fixed::default()) {
        Ok(better) if *fixed != Fixed::default() => {
            format!(
                "{what}. {} do; leave out of [correlation] what is not meant to be fixed",
                resolution_in_words(&better)
            )
        }
        _ => format!("{what}, and nothing finer is tried; allow more smearing, or make the field smaller"),
    }
}
