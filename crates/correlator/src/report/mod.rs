//! Makes a report of visibilities: one self-contained HTML page, and the pictures in it as PNG files, some for each scan.

mod field;
mod figures;
mod map;
#[cfg(test)]
mod tests;

use crate::fringe::{FringeError, FringeOptions, FringeReport, FringeRow, find_fringes, write_fringe_png};
use crate::run::{States, Summary};
use crate::search::Known;
use crate::writer::VisFile;
use mirinae_common::page::{Cell, Page, ReadError};
use mirinae_common::{atomic, picture, provenance};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Rows of the table of fringes on the page: a file with more says where the others are.
const MOST_ROWS: usize = 400;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No fringes can be sought.
    #[error(transparent)]
    Fringe(#[from] FringeError),
    /// The visibilities cannot be read.
    #[error("visibilities {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: hdf5::Error,
    },
    /// A picture that was written cannot be read.
    #[error(transparent)]
    Picture(#[from] ReadError),
    /// A product cannot be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    /// The table of a search cannot be used.
    #[error("{path}: {message}", path = path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A picture cannot be drawn.
    #[error("cannot draw {path}: {message}", path = path.display())]
    Draw {
        /// The picture.
        path: PathBuf,
        /// What the plotter said.
        message: String,
    },
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// The pictures.
    pub pictures: Vec<PathBuf>,
}

/// Writes a report as [`write_report_of`] does, without a list of sources.
///
/// # Errors
/// [`ReportError`], with the file.
pub fn write_report(file: &Path, folder: &Path) -> Result<Written, ReportError> {
    write_report_of(file, folder, &[])
}

/// Reads the visibilities `file` and writes `NAME.report.html` and `NAME.report/SCAN.*.png` to `folder`. What searches found
/// (`NAME.search.csv` and its like in the folder, or beside the visibilities) is shown on a map with sources that are known.
///
/// # Errors
/// [`ReportError`], with the file.
pub fn write_report_of(file: &Path, folder: &Path, known: &[Known]) -> Result<Written, ReportError> {
    let failed = |source| ReportError::Read { path: file.to_owned(), source };
    let vis = VisFile::open(file).map_err(failed)?;
    let stem = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let pictures = folder.join(format!("{stem}.report"));
    let made = std::fs::create_dir_all(&pictures);
    made.map_err(|source| atomic::WriteError { path: pictures.clone(), source })?;
    let fringes = match find_fringes(file, &FringeOptions::default()) {
        Err(FringeError::NoBaselines { .. }) => None,
        other => Some(other?),
    };
    let coverage = Summary::of(&vis).map_err(failed)?;
    let meta = vis.meta();
    let mut page = Page::new(&format!("Visibilities {} ({})", meta.name, meta.obscode));
    summary(&mut page, &vis, fringes.as_ref());
    let mut written = Written { page: folder.join(format!("{stem}.report.html")), pictures: Vec::new() };
    written.pictures.extend(field::section(&mut page, &vis, (file, folder, &pictures), known)?);
    page.section("Coverage");
    coverage_table(&mut page, &coverage);
    states_table(&mut page, &coverage);
    for scan in 0..meta.scans.len() {
        let name = &meta.scans[scan].name;
        page.section(&format!("Scan {name}"));
        // A scan's name may hold anything: its number keeps files apart.
        let at = |what: &str| pictures.join(format!("{scan:04}.{what}.png"));
        if let Some(all) = &fringes {
            let rows: Vec<FringeRow> = all.rows.iter().filter(|row| row.scan == *name).cloned().collect();
            fringe_table(&mut page, &rows);
            let of_scan = FringeReport { rows, ..all.clone() };
            write_fringe_png(&of_scan, &at("fringe"))?;
            page.picture(
                &at("fringe"),
                "Fringes: delay and rate, amplitude and phase over the bands (line: the fringe).",
            )?;
            written.pictures.push(at("fringe"));
        }
        for (what, caption, figure) in figures::of_scan(&vis, scan).map_err(failed)? {
            let path = at(what);
            let drawn = figure
                .draw()
                .map_err(|e| ReportError::Draw { path: path.clone(), message: e.to_string() })?;
            picture::write_png(&path, drawn.0, &drawn.1)?;
            page.picture(&path, caption)?;
            written.pictures.push(path);
        }
    }
    page.section("How this was made");
    page.paragraph(&format!("kvn-corr report, version {}.", provenance::VERSION));
    let how = vis.provenance().map_err(failed)?;
    page.details("Program, settings, inputs and recordings of the correlation", &how);
    let text = page.finish();
    atomic::write(&written.page, |to| to.write_all(text.as_bytes()))?;
    Ok(written)
}

fn summary(page: &mut Page, vis: &VisFile, fringes: Option<&FringeReport>) {
    let meta = vis.meta();
    page.section("Summary");
    let stations: Vec<&str> = meta.stations.iter().map(|s| s.name.as_str()).collect();
    page.paragraph(&format!(
        "Stations {}; {} scans from {}; {} cross and {} auto products of {} channels; {} s integrations.",
        stations.join(", "),
        meta.scans.len(),
        crate::baseband::UtcSecond::new(meta.start_mjd, meta.start_second),
        meta.crosses.len(),
        meta.autos.len(),
        meta.channels,
        meta.integration_s
    ));
    let Some(report) = fringes else {
        page.note("note", "There are no cross-correlations.");
        return;
    };
    let (found, all) = (report.detections(), report.rows.len());
    let class = if found == all { "good" } else { "note" };
    let told = format!(
        "{found} of {all} fringes detected (noise alone would show one with a probability of {:e}).",
        report.most_false_alarm
    );
    page.note(class, &told);
}

fn coverage_table(page: &mut Page, coverage: &Summary) {
    let heads = ["scan", "station", "integrations", "with data", "with gaps", "covered"];
    let rows = coverage.rows().iter().map(|r| {
        vec![
            Cell::Text(r.scan.clone()),
            Cell::Text(r.station.clone()),
            Cell::Number(r.integrations.to_string()),
            Cell::Number(r.with_data.to_string()),
            Cell::Number(r.with_gaps.to_string()),
            Cell::Number(format!("{:.3} %", 100.0 * r.coverage)),
        ]
    });
    page.table(&heads, rows);
}

/// Shares of the codes of samples; nothing where they were not counted.
fn states_table(page: &mut Page, summary: &Summary) {
    let heads = ["scan", "station", "band [MHz]", "pol.", "code 0", "1", "2", "3"];
    let counted = || summary.states().iter().filter(|s| s.shares_k.iter().any(|share| *share > 0.0));
    if counted().next().is_none() {
        return;
    }
    page.section("Sample states");
    page.paragraph(
        "Share of the samples that had each code: of 2 bits best 16.3, 33.7, 33.7, 16.3 % (of 1 bit 50, 50 %).",
    );
    let cells = |s: &States| {
        let mut cells = vec![
            Cell::Text(s.scan.clone()),
            Cell::Text(s.station.clone()),
            Cell::Number(format!("{:.2}", s.low_hz / 1e6)),
            Cell::Text(s.polarisation.to_string()),
        ];
        cells.extend(s.shares_k.map(|share| Cell::Number(format!("{:.2} %", 100.0 * share))));
        cells
    };
    page.table(&heads, counted().take(MOST_ROWS).map(cells));
    let all = counted().count();
    if all > MOST_ROWS {
        page.paragraph(&format!("{} more are in the file (states_trk).", all - MOST_ROWS));
    }
}

fn fringe_table(page: &mut Page, rows: &[FringeRow]) {
    let heads = [
        "source",
        "baseline",
        "band [MHz]",
        "pol.",
        "weight",
        "delay [ns]",
        "rate [mHz]",
        "amplitude",
        "phase [°]",
        "SNR",
        "",
    ];
    let cells = |r: &FringeRow| {
        let mut cells = vec![
            Cell::Text(r.source.clone()),
            Cell::Text(r.baseline.clone()),
            Cell::Number(format!("{:.2}", r.low_hz / 1e6)),
            Cell::Text(r.polarisations.clone()),
            Cell::Number(format!("{:.3}", r.weight)),
        ];
        let Some(f) = &r.fringe else {
            cells.extend((0..5).map(|_| Cell::Number("–".to_owned())));
            cells.push(Cell::Text("no data".to_owned()));
            return cells;
        };
        cells.extend([
            Cell::Number(format!("{:.3} ± {:.3}", f.delay_s * 1e9, f.delay_error_s * 1e9)),
            Cell::Number(format!("{:.2} ± {:.2}", f.rate_hz * 1e3, f.rate_error_hz * 1e3)),
            Cell::Number(format!("{:.3e}", f.amplitude)),
            Cell::Number(format!("{:.1}", f.phase_rad.to_degrees())),
            Cell::Number(format!("{:.1}", f.snr)),
            Cell::Text(if r.detected { "detected" } else { "not detected" }.to_owned()),
        ]);
        cells
    };
    page.table(&heads, rows.iter().take(MOST_ROWS).map(cells));
    if rows.len() > MOST_ROWS {
        page.paragraph(&format!("{} more: kvn-corr fringe --csv writes them all.", rows.len() - MOST_ROWS));
    }
}
