//! The hits of a search in words and numbers: CSV, titles of pictures, a summary.

use super::super::chance::{of_any, sigma};
use super::super::ecsv::to_ecsv;
use super::super::{arcsec, direction};
use super::around::Picture;
use super::grid::Group;
use super::hdf::WORDS;
use super::picture;
use super::plan::BurstPlan;
use super::unit::{Hit, UnitResult, overlap};
use super::verdict::Outcome;
use crate::dispersion::delay_s;
use mirinae_common::atomic;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Pictures of a search at most; those of what passes come first.
const MOST_PICTURES: usize = 200;

/// All rows of a search.
pub(super) struct Rows<'a> {
    pub rows: Vec<Row<'a>>,
    trials: f64,
    crowded: usize,
}

/// A hit in words and numbers.
pub(super) struct Row<'a> {
    pub hit: &'a Hit,
    pub unit: usize,
    /// Bursts are counted over the whole search.
    pub signal: usize,
    /// Middle of the burst at the upper edge of the highest band, s from the start of the job, at the geocentre.
    pub arrival_s: f64,
    pub dm_pc_cm3: f64,
    dm_error: f64,
    false_alarm: f64,
}

/// All rows, in the order of units. What two units tell, at the border between them, is told once, as the stronger.
pub(super) fn rows<'a>(plan: &'a BurstPlan, results: &'a [UnitResult]) -> Rows<'a> {
    let trials = results.iter().map(|r| r.trials).sum();
    let (mut rows, mut signals) = (Vec::new(), 0);
    for (index, (unit, result)) in plan.units.iter().zip(results).enumerate() {
        let (scan, group) = (&plan.base.job.scans[unit.scan], &plan.groups[unit.group]);
        let mut seen: Vec<usize> = Vec::new();
        for hit in result.hits.iter().filter(|hit| !told_elsewhere(plan, results, index, hit)) {
            let middle = hit.start as f64 + 0.5 * hit.width as f64;
            let place = seen.iter().position(|s| *s == hit.signal).unwrap_or_else(|| {
                seen.push(hit.signal);
                seen.len() - 1
            });
            rows.push(Row {
                hit,
                unit: index,
                signal: signals + place + 1,
                arrival_s: scan.start_s as f64 + middle * plan.grid.dump_s(),
                dm_pc_cm3: group.dms[hit.dm],
                dm_error: dm_error(plan, group, hit),
                false_alarm: of_any(hit.ln_chance, trials),
            });
        }
        signals += seen.len();
    }
    Rows { rows, trials, crowded: results.iter().filter(|r| r.crowded).count() }
}

/// Whether a neighbouring unit tells the same, and it is the other's.
fn told_elsewhere(plan: &BurstPlan, results: &[UnitResult], index: usize, hit: &Hit) -> bool {
    let unit = &plan.units[index];
    plan.units.iter().zip(results).enumerate().any(|(other, (of, result))| {
        let beside = of.scan == unit.scan && of.group == unit.group && other != index;
        let near = of.first == unit.first + unit.dumps || unit.first == of.first + of.dumps;
        let better = |h: &Hit| h.ln_chance < hit.ln_chance || h.ln_chance == hit.ln_chance && other < index;
        let all = plan.groups[unit.group].stations.len();
        let alike = |h: &Hit| h.stream == hit.stream || h.stream == all || hit.stream == all;
        beside && near && result.hits.iter().any(|h| alike(h) && overlap(h, hit) && better(h))
    })
}

/// Arrival times are known to a boxcar over sigma and to a dump: their slope over all frequencies, and the step between trials.
fn dm_error(plan: &BurstPlan, group: &Group, hit: &Hit) -> f64 {
    let (dump_s, least_hz) = (plan.grid.dump_s(), group.sky_hz.first().copied().unwrap_or(1e6));
    let sweep_s = delay_s(1.0, least_hz) - delay_s(1.0, group.top_hz);
    let arrival_s = dump_s * hit.width as f64 / hit.sigma().max(1.0);
    ((12.0 * arrival_s * arrival_s + dump_s * dump_s).sqrt() / sweep_s.max(1e-300)).min(1e9)
}

impl Row<'_> {
    /// Whose powers show it: a station, or the sum of all.
    fn found_in<'b>(&self, names: &[&'b str]) -> &'b str {
        names.get(self.hit.stream).copied().unwrap_or("sum")
    }

    /// What else is to be said.
    fn remark(&self) -> &'static str {
        if self.dm_pc_cm3 <= 2.0 * self.dm_error { "not dispersed" } else { "" }
    }

    /// Right ascension and declination in degrees, and the nearest phase centre.
    fn place(&self, plan: &BurstPlan) -> Option<(f64, f64, String)> {
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
const COLUMNS: &str = "burst,outcome,remark,scan,polarisation,arrival_s,arrival_mjd,top_mhz,dm_pc_cm3,dm_error,width_ms,\
found_in,excess,sigma,ln_chance,false_alarm,ln_joint,station_sigma,cross_sigma,cross_false_alarm,delay_ns,centre,ra_deg,dec_deg,\
east_arcsec,east_error_arcsec,north_arcsec,north_error_arcsec,error_correlation";

/// The table as CSV.
pub(super) fn csv(plan: &BurstPlan, rows: &Rows) -> String {
    let mut text = format!("{COLUMNS}\n");
    for row in &rows.rows {
        line(plan, row, &mut text);
        text.push('\n');
    }
    text
}

fn line(plan: &BurstPlan, row: &Row, text: &mut String) {
    let (job, hit, unit) = (&plan.base.job, row.hit, &plan.units[row.unit]);
    let (group, names) = (&plan.groups[unit.group], plan.stations(unit));
    let scan = &job.scans[unit.scan].name;
    let day = job.start_mjd as f64 + (job.start_second as f64 + row.arrival_s) / 86_400.0;
    let _ = write!(text, "{},{},{},{scan},{}", row.signal, hit.outcome, row.remark(), group.polarisation);
    let _ = write!(text, ",{:.7},{day:.11},{:.6}", row.arrival_s, group.top_hz / 1e6);
    let width_ms = 1e3 * hit.width as f64 * plan.grid.dump_s();
    let _ = write!(text, ",{:.4},{:.4},{width_ms:.4}", row.dm_pc_cm3, row.dm_error);
    let _ = write!(text, ",{},{:.5},{:.3}", row.found_in(&names), hit.excess, hit.sigma());
    let _ = write!(text, ",{:.3},{:.3e},{:.3},", hit.ln_chance, row.false_alarm, hit.ln_joint);
    let station = |(m, ln): (usize, &f64)| format!("{}:{:.2}", names[m], sigma(*ln));
    let stations: Vec<String> = hit.ln_chance_m.iter().enumerate().map(station).collect();
    let pair = |p: usize| format!("{}-{}", names[hit.pairs[p].0], names[hit.pairs[p].1]);
    let cross = |(p, z): (usize, &f64)| format!("{}:{:.2}", pair(p), (2.0 * z).sqrt());
    let cross: Vec<String> = hit.z_p.iter().enumerate().map(cross).collect();
    let delay = |(p, s): (usize, &f64)| format!("{}:{:.3}", pair(p), 1e9 * s);
    let delays: Vec<String> = hit.delay_s_p.iter().enumerate().map(delay).collect();
    let _ = write!(text, "{},{},{:.3e}", stations.join(" "), cross.join(" "), hit.cross_false_alarm);
    let _ = write!(text, ",{}", delays.join(" "));
    match (row.place(plan), hit.at, hit.error) {
        (Some((ra, dec, centre)), Some(at), Some(error)) => {
            let _ = write!(text, ",{centre},{ra:.8},{dec:.8}");
            let _ = write!(text, ",{:.4},{:.4}", arcsec(at[0]), arcsec(error[0]));
            let _ = write!(text, ",{:.4},{:.4},{:.4}", arcsec(at[1]), arcsec(error[1]), error[2]);
        }
        _ => text.push_str(",,,,,,,,"),
    }
}

/// Draws the pictures; how many.
///
/// # Errors
/// A file cannot be written.
pub(super) fn draw(plan: &BurstPlan, rows: &Rows, folder: &Path) -> Result<usize, atomic::WriteError> {
    let mut shown: Vec<(usize, &Row, &Picture)> = rows
        .rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| Some((index, row, row.hit.picture.as_ref()?)))
        .collect();
    shown.sort_by_key(|(index, row, _)| (row.hit.outcome, *index));
    shown.truncate(MOST_PICTURES);
    for (index, row, picture) in &shown {
        let unit = &plan.units[row.unit];
        let (group, names) = (&plan.groups[unit.group], plan.stations(unit));
        let title = format!(
            "{:.4} s, DM {:.2} pc/cm3, {:.2} ms, {:.1} sigma in {}: {}",
            row.arrival_s,
            row.dm_pc_cm3,
            1e3 * row.hit.width as f64 * plan.grid.dump_s(),
            row.hit.sigma(),
            row.found_in(&names),
            row.hit.outcome
        );
        let sheet = picture::Sheet {
            title,
            stations: names,
            picture,
            dump_s: plan.grid.dump_s(),
            mhz: [group.sky_hz[0] / 1e6, group.top_hz / 1e6],
            bands: group.bands.len(),
        };
        picture::write(&sheet, &folder.join(format!("{index:06}.png")))?;
    }
    Ok(shown.len())
}

/// Writes the CSV, and the same as ECSV beside it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_csv(plan: &BurstPlan, rows: &Rows, path: &Path) -> Result<(), atomic::WriteError> {
    let text = csv(plan, rows);
    atomic::write(path, |file| file.write_all(text.as_bytes()))?;
    atomic::write(&path.with_extension("ecsv"), |file| file.write_all(to_ecsv(&text, &WORDS).as_bytes()))
}

/// How it went, in words.
pub(super) fn summary(plan: &BurstPlan, rows: &Rows) -> String {
    let mut text = String::new();
    let mut passed = std::collections::BTreeSet::new();
    for row in rows.rows.iter().filter(|row| row.hit.outcome == Outcome::Passes) {
        if !passed.insert(row.signal) {
            continue;
        }
        let place = row.place(plan).map_or_else(
            || "direction not told by these stations".to_owned(),
            |(ra, dec, centre)| format!("{ra:.6} {dec:+.6} deg, near {centre}"),
        );
        let _ = writeln!(
            text,
            "burst {}: {:.4} s, DM {:.2} +- {:.2} pc cm-3, {:.1} sigma in {}, P(noise correlates) {:.1e}, {place}",
            row.signal,
            row.arrival_s,
            row.dm_pc_cm3,
            row.dm_error,
            row.hit.sigma(),
            row.found_in(&plan.stations(&plan.units[row.unit])),
            row.hit.cross_false_alarm
        );
    }
    for outcome in Outcome::ALL {
        let n = rows.rows.iter().filter(|row| row.hit.outcome == outcome).count();
        if n > 0 {
            let _ = writeln!(text, "{n} hits: {outcome}");
        }
    }
    if rows.crowded > 0 {
        let _ = writeln!(
            text,
            "{} stretches were so full of bursts that only the strongest were tested",
            rows.crowded
        );
    }
    let expected = rows.trials * libm::exp(plan.settings.ln_threshold);
    let _ = write!(
        text,
        "{:.3e} boxcars tried; of noise alone fewer than {expected:.2} hits are expected",
        rows.trials
    );
    text
}
