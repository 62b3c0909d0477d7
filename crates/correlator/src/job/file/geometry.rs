//! The delay model of a `job.toml`: sites, Earth orientation, polynomials for every scan.

use super::{JobFile, Model, StationEntry, epoch};
use crate::difx::{self, Im};
use crate::eop::{self, Eop, EopTable};
use crate::epoch::Epoch;
use crate::geometry::model::{Calculator, ModelOptions, Site, Target, fit, ocean};
use crate::geometry::{Clock, Interval, Polynomial, PolynomialModel, StationModel};
use std::path::Path;

/// Deviation of polynomials from the model that is allowed, in turns at the highest frequency on the sky.
const MOST_TURNS: f64 = 1e-4;
const YEAR_S: f64 = 365.25 * 86_400.0;

/// Where the delays of a job come from.
pub(super) enum Delays {
    /// Computed.
    Computed(Box<Calculator>),
    /// DiFX's polynomials.
    Table(Box<Im>),
}

impl Delays {
    /// Earth orientation at a time; none where the delays come from a table.
    pub(super) fn earth(&self, time: Epoch) -> Result<Option<Eop>, String> {
        match self {
            Self::Computed(calculator) => calculator.eop(time).map(Some).map_err(|e| format!("model: {e}")),
            Self::Table(_) => Ok(None),
        }
    }
}

/// A scan for which polynomials are wanted.
pub(super) struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Start and end in s after the start of the job.
    pub span_s: (f64, f64),
    /// Pointing and phase centres.
    pub targets: Vec<Target<'a>>,
    /// Their names.
    pub names: Vec<&'a str>,
    /// Number of the scan in the `.im`.
    pub im_scan: usize,
}

impl JobFile {
    /// The model that computes this job's delays; files count from `folder`.
    ///
    /// # Errors
    /// What is wrong with stations or Earth orientation.
    pub fn calculator(&self, folder: &Path) -> Result<Calculator, String> {
        let model = &self.model;
        let points = match (&model.eop_file, model.eop.is_empty()) {
            (Some(_), false) => {
                return Err("model: give either eop_file or eop, not both".to_owned());
            }
            (Some(file), true) => eop::read(&folder.join(file)).map_err(|e| e.to_string())?,
            (None, false) => model.eop.clone(),
            (None, true) => {
                let what =
                    "model: no Earth orientation: give eop_file (finals2000A or C04) or [[model.eop]] points";
                return Err(what.to_owned());
            }
        };
        let table = EopTable::new(points).map_err(|e| format!("model: {e}"))?;
        let sites = self.stations.iter().map(site).collect::<Result<Vec<_>, _>>()?;
        let options = ModelOptions { displacements: model.displacements, troposphere: model.troposphere };
        Ok(Calculator::new(sites, table, options))
    }

    pub(super) fn delays(&self, folder: &Path) -> Result<Delays, String> {
        match &self.model.difx_im {
            Some(im) => {
                let im = Im::open(&folder.join(im)).map_err(|e| e.to_string())?;
                Ok(Delays::Table(Box::new(im)))
            }
            None => Ok(Delays::Computed(Box::new(self.calculator(folder)?))),
        }
    }

    /// The highest frequency on the sky that is recorded, in Hz.
    pub(super) fn highest_hz(&self) -> f64 {
        let channels = self.stations.iter().flat_map(|s| &s.streams).flat_map(|s| &s.channels);
        channels.map(|c| (c.edge_mhz + c.bandwidth_mhz) * 1e6).fold(0.0, f64::max)
    }

    /// Delays of a scan, clocks included.
    pub(super) fn scan_model(
        &self,
        delays: &Delays,
        start: Epoch,
        wanted: &Wanted,
    ) -> Result<PolynomialModel, String> {
        let clocks = self.stations.iter().map(|s| clock(s, start, wanted)).collect::<Result<Vec<_>, _>>()?;
        let (interval_s, intervals) = match delays {
            Delays::Computed(calculator) => {
                let most_s = MOST_TURNS / self.highest_hz();
                let fitted = fit::fit(calculator, start, wanted.span_s, &wanted.targets, most_s);
                let fitted = fitted.map_err(|e| format!("scan {}: {e}", wanted.name))?;
                tracing::debug!(scan = wanted.name, worst_s = fitted.worst_s, "polynomials fitted");
                let turns = fitted.worst_s * self.highest_hz();
                if turns > MOST_TURNS {
                    let what = format!("the polynomials deviate from the model by {turns:.1e} turns");
                    return Err(format!("scan {}: {what}; does the source set?", wanted.name));
                }
                (fitted.interval_s, fitted.intervals)
            }
            Delays::Table(im) => (im.interval_s, table_intervals(im, &self.stations, start, wanted)?),
        };
        PolynomialModel::new(wanted.name, interval_s, intervals, clocks, wanted.span_s)
            .map_err(|e| e.to_string())
    }
}

fn site(station: &StationEntry) -> Result<Site, String> {
    let name = station.name.clone().unwrap_or_else(|| station.code.clone());
    let place = format!("station {}", station.code);
    let loading = ocean::known(&name);
    match &loading {
        Some(l) if l.interpolated => {
            tracing::warn!(station = name, "ocean loading is interpolated from other stations")
        }
        None => tracing::warn!(
            station = name,
            "no ocean loading is known; it is left out (millimetres to centimetres)"
        ),
        _ => {}
    }
    if station.position_m.iter().map(|x| x * x).sum::<f64>().sqrt() < 6.3e6 {
        return Err(format!("{place}: position_m is not on the Earth's surface"));
    }
    let position_epoch = station.position_epoch.as_deref().map(|t| epoch(t, &place)).transpose()?;
    Ok(Site {
        name,
        position_m: station.position_m,
        velocity_m_s: station.velocity_m_per_yr.map(|v| v / YEAR_S),
        epoch: position_epoch,
        mount: station.mount,
        axis_offset_m: station.axis_offset_m,
        loading,
        pressure_hpa: station.pressure_hpa,
    })
}

/// The clock that holds during a scan.
fn clock(station: &StationEntry, start: Epoch, wanted: &Wanted) -> Result<Clock, String> {
    let place = format!("clock of station {}", station.code);
    let mut current = Clock { reference_s: 0.0, late_s: Polynomial { coefficients: vec![0.0] } };
    let mut latest = f64::NEG_INFINITY;
    for entry in &station.clocks {
        let from = entry.from.as_deref().map(|t| epoch(t, &place)).transpose()?;
        let from_s = from.map_or(f64::NEG_INFINITY, |f| f.since(start));
        if from_s > wanted.span_s.0 {
            if from_s < wanted.span_s.1 {
                let at = from.map(|f| f.to_string()).unwrap_or_default();
                return Err(format!(
                    "{place}: it changes at {at}, within scan {}: cut the scan there (two entries in scans)",
                    wanted.name
                ));
            }
            continue;
        }
        if from_s >= latest {
            latest = from_s;
            let reference_s = epoch(&entry.epoch, &place)?.since(start);
            let coefficients = entry.late_us.iter().map(|us| us * 1e-6).collect();
            current = Clock { reference_s, late_s: Polynomial { coefficients } };
        }
    }
    Ok(current)
}

/// The polynomials of a scan in an `.im`.
fn table_intervals(
    im: &Im,
    stations: &[StationEntry],
    start: Epoch,
    wanted: &Wanted,
) -> Result<Vec<Interval>, String> {
    let place = format!("{}: scan {}", im.path.display(), wanted.im_scan);
    let scan =
        im.scans.get(wanted.im_scan).ok_or_else(|| format!("{place}: there are {}", im.scans.len()))?;
    let names: Vec<&str> = std::iter::once(&scan.pointing).chain(&scan.centres).map(String::as_str).collect();
    if names != wanted.names {
        return Err(format!(
            "{place}: its sources ({}) are not those of scan {}",
            names.join(", "),
            wanted.name
        ));
    }
    let column = |s: &StationEntry| {
        let found = im.stations.iter().position(|name| name.eq_ignore_ascii_case(&s.code));
        found.ok_or_else(|| format!("{}: station {} is not in it", im.path.display(), s.code))
    };
    let columns = stations.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let polynomial = |c: &[f64]| Polynomial { coefficients: c.to_vec() };
    let station = |p: &difx::StationPolynomials| StationModel {
        delay_s: polynomial(&p.delay_s),
        uvw_m: [polynomial(&p.u_m), polynomial(&p.v_m), polynomial(&p.w_m)],
    };
    let interval = |i: &difx::Interval| Interval {
        start_s: Epoch::new(i.start.0, i.start.1 as f64).since(start),
        by_source_station: i
            .by_source_station
            .iter()
            .map(|of| columns.iter().map(|&c| station(&of[c])).collect())
            .collect(),
    };
    Ok(scan.intervals.iter().map(interval).collect())
}

impl Model {
    /// Whether nothing is known from which delays could be had.
    pub fn is_empty(&self) -> bool {
        self.eop_file.is_none() && self.eop.is_empty() && self.difx_im.is_none()
    }
}
