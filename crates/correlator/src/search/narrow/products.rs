//! The hits of a search, for people and for programs: CSV, HDF5, waterfalls, a summary.

use super::super::chance::{ln_chance, of_any, sigma};
use super::super::ecsv::to_ecsv;
use super::super::{arcsec, direction};
use super::hits::{Hit, PICTURE_HALF};
use super::picture::{self, Waterfall};
use super::plan::NarrowPlan;
use super::unit::UnitResult;
use super::verdict::Outcome;
use crate::geometry::DelayModel;
use hdf5::types::VarLenUnicode;
use mirinae_common::atomic;
use ndarray::{Array1, ArrayView};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Pictures of a search at most; those of what passes come first.
const MOST_PICTURES: usize = 200;
/// What stands for a station where a hit is of the powers of all together.
const ALL_STATIONS: &str = "all";

/// A hit in words and numbers.
pub(super) struct Row<'a> {
    hit: &'a Hit,
    unit: usize,
    /// Signals are counted over the whole search.
    pub signal: usize,
    station: &'a str,
    scan: &'a str,
    start_s: f64,
    polarisation: char,
    sky_hz: f64,
    drift_hz_per_s: f64,
    /// Frequency (Hz) and drift (Hz/s) in the station's own frame.
    at_station: Option<(f64, f64)>,
    width_hz: f64,
    false_alarm: f64,
}

/// All rows, in the order of units; `trials` are all lines of the search.
pub(super) fn rows<'a>(plan: &'a NarrowPlan, results: &'a [UnitResult], trials: f64) -> Vec<Row<'a>> {
    let (job, grid) = (&plan.base.job, &plan.grid);
    let (mut rows, mut signals) = (Vec::new(), 0);
    for (index, (unit, result)) in plan.units.iter().zip(results).enumerate() {
        let shared = &plan.shared[unit.shared];
        let scan = &job.scans[unit.scan];
        let middle_s = plan.middle_s(unit);
        for hit in &result.hits {
            let station = hit.member.map(|m| job.streams[shared.members[m].stream].station);
            let sky_hz = job.bands[shared.band].low_hz() + hit.line.middle() as f64 * grid.step_hz();
            let drift_hz_per_s = hit.line.drift as f64 * grid.drift_step(unit.spectra);
            // What the station saw, before its motion was taken out.
            let seen = |station: usize| {
                let rate = |t_s: f64| scan.model.delay(0, station, t_s).rate;
                let acceleration = rate(middle_s + 0.5) - rate(middle_s - 0.5);
                let doppler = 1.0 / (1.0 - rate(middle_s));
                (sky_hz * doppler, drift_hz_per_s * doppler + sky_hz * acceleration)
            };
            rows.push(Row {
                hit,
                unit: index,
                signal: signals + hit.signal + 1,
                station: station.map_or(ALL_STATIONS, |s| &job.stations[s].name),
                scan: &scan.name,
                start_s: scan.start_s as f64 + unit.first as f64 * grid.spectrum_s(),
                polarisation: shared.polarisation,
                sky_hz,
                drift_hz_per_s,
                at_station: station.map(seen),
                width_hz: (2 * hit.line.wide + 1) as f64 * grid.step_hz(),
                false_alarm: of_any(hit.ln_powers, trials),
            });
        }
        signals += result.hits.iter().map(|h| h.signal + 1).max().unwrap_or(0);
    }
    rows
}

impl Row<'_> {
    /// Right ascension and declination in degrees, and the nearest phase centre.
    fn place(&self, plan: &NarrowPlan) -> Option<(f64, f64, String)> {
        let at = self.hit.at.filter(|_| self.hit.outcome == Outcome::Passes)?;
        let job = &plan.base.job;
        let scan = &job.scans[plan.units[self.unit].scan];
        let (ra, dec) = direction(&job.sources[scan.pointing], at[0], at[1]);
        let far = |c: &usize| {
            let centre = &job.sources[*c];
            ((centre.ra_rad - ra) * dec.cos()).hypot(centre.dec_rad - dec)
        };
        let nearest = scan.centres.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
        Some((ra.to_degrees(), dec.to_degrees(), job.sources[*nearest].name.clone()))
    }
}

/// Header of the table: units are in the names.
const COLUMNS: &str = "signal,outcome,scan,start_s,length_s,station,polarisation,sky_mhz,drift_hz_per_s,station_mhz,\
station_drift_hz_per_s,width_hz,excess,sigma,ln_chance,false_alarm,sigma_all,ln_joint,cross_sigma,cross_false_alarm,centre,ra_deg,dec_deg,\
east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,error_correlation,closure_deg";

/// Columns that are no numbers.
const WORDS: [&str; 7] =
    ["outcome", "scan", "station", "polarisation", "cross_sigma", "centre", "closure_deg"];

/// The table as CSV.
pub(super) fn csv(plan: &NarrowPlan, rows: &[Row]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for row in rows {
        let (hit, unit) = (row.hit, &plan.units[row.unit]);
        let names = plan.stations(unit);
        let length_s = unit.spectra as f64 * plan.grid.spectrum_s();
        let _ = write!(text, "{},{},{},{:.6},{length_s:.6}", row.signal, hit.outcome, row.scan, row.start_s);
        let _ = write!(text, ",{},{},{:.9}", row.station, row.polarisation, row.sky_hz / 1e6);
        let _ = write!(text, ",{:.5},", row.drift_hz_per_s);
        let _ = match row.at_station {
            Some((hz, drift)) => write!(text, "{:.9},{drift:.5},{:.3}", hz / 1e6, row.width_hz),
            None => write!(text, ",,{:.3}", row.width_hz),
        };
        let chance = hit.ln_powers;
        let _ = write!(text, ",{:.4},{:.3},{chance:.3}", hit.line.excess(), sigma(chance));
        let together = sigma(ln_chance(hit.all.1, hit.all.0));
        let _ = write!(text, ",{:.3e},{together:.3},{:.3},", row.false_alarm, hit.ln_joint);
        let cross = hit.z_m.iter().enumerate().filter(|(m, _)| Some(*m) != hit.member);
        let cross: Vec<String> =
            cross.map(|(m, z)| format!("{}:{:.2}", names[m], (2.0 * z).sqrt())).collect();
        let _ = write!(text, "{},{:.3e}", cross.join(" "), hit.cross_false_alarm);
        match (row.place(plan), hit.at, hit.error) {
            (Some((ra, dec, centre)), Some(at), Some(error)) => {
                let _ = write!(text, ",{centre},{ra:.8},{dec:.8}");
                let _ = write!(text, ",{:.4},{:.4}", arcsec(at[0]), arcsec(error[0]));
                let _ = write!(text, ",{:.4},{:.4},{:.4},", arcsec(at[1]), arcsec(error[1]), error[2]);
            }
            _ => text.push_str(",,,,,,,,,"),
        }
        let closure = |(of, degrees, error): &([usize; 3], f64, f64)| {
            format!("{}:{degrees:.1}+-{error:.1}", of.map(|m| names[m]).join("-"))
        };
        text.push_str(&hit.closures.iter().map(closure).collect::<Vec<_>>().join(" "));
        text.push('\n');
    }
    text
}

/// Writes the table and the powers around the hits as HDF5.
///
/// # Errors
/// What the library says.
pub(super) fn write_hdf5(plan: &NarrowPlan, rows: &[Row], provenance: &str, path: &Path) -> hdf5::Result<()> {
    let file = hdf5::File::with_options().with_fcpl(|p| p.obj_track_times(false)).create(path)?;
    let word = |text: &str| -> hdf5::Result<VarLenUnicode> {
        text.parse().map_err(|_| format!("the text {text:?} holds a NUL").into())
    };
    file.new_attr::<VarLenUnicode>().create("format")?.write_scalar(&word("mirinae-narrow-hits")?)?;
    file.new_attr::<VarLenUnicode>().create("provenance")?.write_scalar(&word(provenance)?)?;
    file.new_attr::<f64>().create("channel_hz")?.write_scalar(&plan.grid.channel_hz())?;
    let table = csv(plan, rows);
    let group = file.create_group("hits")?;
    // The CSV's columns, so that both tell the same.
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    for (c, name) in lines[0].iter().enumerate() {
        let column: Vec<&str> = lines[1..].iter().map(|line| line[c]).collect();
        let number = |text: &&str| if text.is_empty() { Ok(f64::NAN) } else { text.parse::<f64>() };
        if WORDS.contains(name) {
            let column = column.into_iter().map(word).collect::<hdf5::Result<Vec<_>>>()?;
            let set = group.new_dataset::<VarLenUnicode>().shape(column.len()).obj_track_times(false);
            set.create(*name)?.write(&Array1::from_vec(column))?;
        } else {
            let column = column.iter().map(number).collect::<Result<Vec<_>, _>>();
            let column = column.map_err(|e| hdf5::Error::from(format!("{name}: {e}")))?;
            let set = group.new_dataset::<f64>().shape(column.len()).obj_track_times(false);
            set.create(*name)?.write(&Array1::from_vec(column))?;
        }
    }
    let pictures = file.create_group("powers_mtf")?;
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| !row.hit.picture_mtf.is_empty()) {
        let unit = &plan.units[row.unit];
        let shape = [plan.shared[unit.shared].members.len(), unit.spectra, 2 * PICTURE_HALF + 1];
        let view = ArrayView::from_shape(shape, &row.hit.picture_mtf).map_err(|e| e.to_string())?;
        let set = pictures.new_dataset::<f32>().shape(shape).obj_track_times(false);
        set.create(format!("{index:06}").as_str())?.write(view)?;
    }
    drop((group, pictures));
    file.flush()?;
    file.close()
}

/// Draws the waterfalls; how many.
///
/// # Errors
/// A file cannot be written.
pub(super) fn draw(plan: &NarrowPlan, rows: &[Row], folder: &Path) -> Result<usize, atomic::WriteError> {
    let mut shown: Vec<(usize, &Row)> =
        rows.iter().enumerate().filter(|(_, row)| !row.hit.picture_mtf.is_empty()).collect();
    // One picture shows all stations: that of the strongest hit of what passes.
    let passes = |row: &Row| row.hit.outcome == Outcome::Passes;
    let chance = |row: &Row| row.hit.line.ln_chance();
    let shows = |&(index, row): &(usize, &Row)| {
        let stronger = |&(other, of): &(usize, &Row)| {
            passes(of) && of.signal == row.signal && (chance(of), other) < (chance(row), index)
        };
        !passes(row) || !rows.iter().enumerate().any(|other| stronger(&other))
    };
    shown.retain(shows);
    shown.sort_by_key(|(index, row)| (row.hit.outcome, *index));
    shown.truncate(MOST_PICTURES);
    for (index, row) in &shown {
        let unit = &plan.units[row.unit];
        let title = format!(
            "{} {:.6} MHz {:+.3} Hz/s {:.1} sigma: {}",
            row.station,
            row.sky_hz / 1e6,
            row.drift_hz_per_s,
            sigma(row.hit.ln_powers),
            row.hit.outcome
        );
        let waterfall = Waterfall {
            title,
            stations: plan.stations(unit),
            spectra: unit.spectra,
            channel_hz: plan.grid.channel_hz(),
            spectrum_s: plan.grid.spectrum_s(),
            power_mtf: &row.hit.picture_mtf,
        };
        picture::write(&waterfall, &folder.join(format!("{index:06}.png")))?;
    }
    Ok(shown.len())
}

/// Writes the CSV, and the same as ECSV beside it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_csv(plan: &NarrowPlan, rows: &[Row], path: &Path) -> Result<(), atomic::WriteError> {
    let text = csv(plan, rows);
    atomic::write(path, |file| file.write_all(text.as_bytes()))?;
    atomic::write(&path.with_extension("ecsv"), |file| file.write_all(to_ecsv(&text, &WORDS).as_bytes()))
}

/// How it went, in words.
pub(super) fn summary(plan: &NarrowPlan, rows: &[Row], results: &[UnitResult], trials: f64) -> String {
    let mut text = String::new();
    let mut passed = std::collections::BTreeSet::new();
    for row in rows.iter().filter(|row| row.hit.outcome == Outcome::Passes) {
        if !passed.insert(row.signal) {
            continue;
        }
        let place = row.place(plan).map_or_else(
            || "direction not told by these stations".to_owned(),
            |(ra, dec, centre)| format!("{ra:.6} {dec:+.6} deg, near {centre}"),
        );
        let _ = writeln!(
            text,
            "signal {}: {:.6} MHz {:+.4} Hz/s, {:.1} sigma at {}, P(noise correlates) {:.1e}, {place}",
            row.signal,
            row.sky_hz / 1e6,
            row.drift_hz_per_s,
            sigma(row.hit.ln_powers),
            row.station,
            row.hit.cross_false_alarm
        );
    }
    for outcome in Outcome::ALL {
        let n = rows.iter().filter(|row| row.hit.outcome == outcome).count();
        if n > 0 {
            let _ = writeln!(text, "{n} hits: {outcome}");
        }
    }
    let crowded: usize = results.iter().map(|r| r.crowded).sum();
    if crowded > 0 {
        let _ = writeln!(
            text,
            "{crowded} times a station was so full of signals that only the strongest were tested"
        );
    }
    let expected = trials * libm::exp(plan.settings.ln_threshold);
    let _ =
        write!(text, "{trials:.3e} lines tried; of noise alone fewer than {expected:.2} hits are expected");
    text
}
