//! The field on a page: what the searches found, read from the tables that lie beside the visibilities.

use super::map::{Map, Mark};
use super::{MOST_ROWS, ReportError};
use crate::job::Source;
use crate::search::Known;
use crate::writer::VisFile;
use mirinae_common::page::{Cell, Page, escaped};
use mirinae_common::picture;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Endings of the tables, and what is in them.
const TABLES: [(&str, &str); 3] =
    [("search", "compact source"), ("narrow", "narrow-band signal"), ("bursts", "burst")];
const ARCSEC: f64 = 3600.0;

/// A candidate of any search.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    what: &'static str,
    /// Row of its table, from 0.
    row: usize,
    /// Arcsec from the pointing, and errors.
    place: [f64; 2],
    error: [f64; 2],
    columns: HashMap<String, String>,
    /// Links to what belongs to it, with their words.
    links: Vec<(String, &'static str)>,
}

/// One table: candidates with a place, and rows that are none.
#[derive(Debug, Default)]
struct Table {
    found: Vec<Found>,
    refused: usize,
}

/// Writes the section of the field, with its map as `field.png`; nothing where no search was made. Returns the picture.
pub(super) fn section(
    page: &mut Page,
    vis: &VisFile,
    (file, folder, pictures): (&Path, &Path, &Path),
    known: &[Known],
) -> Result<Option<PathBuf>, ReportError> {
    let stem = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.parent().unwrap_or(Path::new(""));
    let Some(pointing) = vis.meta().scans.first().map(|scan| &vis.meta().sources[scan.pointing]) else {
        return Ok(None);
    };
    let mut tables = Vec::new();
    for (ending, what) in TABLES {
        let name = format!("{stem}.{ending}.csv");
        // The table of this folder counts before that beside the visibilities.
        if let Some(path) = [folder, beside].map(|f| f.join(&name)).into_iter().find(|p| p.is_file()) {
            tables.push((name, read(&path, what, (folder, pointing))?));
        }
    }
    if tables.is_empty() {
        return Ok(None);
    }
    page.section("Field");
    for (name, table) in &tables {
        let refused = match table.refused {
            0 => String::new(),
            n => format!("; {n} rows more that are no candidates or have no place"),
        };
        page.paragraph(&format!("{name}: {} candidates{refused}.", table.found.len()));
    }
    let found: Vec<Found> = tables.into_iter().flat_map(|(_, table)| table.found).collect();
    let path = pictures.join("field.png");
    let (size, rgb) = map(vis, pointing, &found, known)
        .draw()
        .map_err(|e| ReportError::Draw { path: path.clone(), message: e.to_string() })?;
    picture::write_png(&path, size, &rgb)?;
    let caption = format!(
        "Around the pointing {}: phase centres (crosses), known sources (squares) and candidates with three times their errors; \
         grey: what is left of a stronger one, maybe.",
        pointing.name
    );
    page.picture(&path, &caption)?;
    let heads = [
        "",
        "what",
        "RA [°]",
        "Dec [°]",
        "east [\"]",
        "north [\"]",
        "sigma",
        "P(noise)",
        "flux density [Jy]",
        "remark",
        "plots",
    ];
    page.table(&heads, found.iter().take(MOST_ROWS).map(|f| f.cells(pointing)));
    if found.len() > MOST_ROWS {
        page.paragraph(&format!("{} more are in the tables.", found.len() - MOST_ROWS));
    }
    Ok(Some(path))
}

/// Arcsec east and north of the pointing.
fn offset(pointing: &Source, ra_deg: f64, dec_deg: f64) -> [f64; 2] {
    let turn = (ra_deg - pointing.ra_rad.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
    [turn * libm::cos(pointing.dec_rad) * ARCSEC, (dec_deg - pointing.dec_rad.to_degrees()) * ARCSEC]
}

fn read(path: &Path, what: &'static str, (folder, pointing): (&Path, &Source)) -> Result<Table, ReportError> {
    let wrong = |e: csv::Error| ReportError::Table { path: path.to_owned(), message: e.to_string() };
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(wrong)?;
    let heads: Vec<String> = rows.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    let mut table = Table::default();
    for (row, record) in rows.records().enumerate() {
        let record = record.map_err(wrong)?;
        let columns: HashMap<String, String> =
            heads.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        match Found::new(what, row, columns, pointing) {
            Some(mut found) => {
                found.links = links(path, row, folder);
                table.found.push(found);
            }
            None => table.refused += 1,
        }
    }
    Ok(table)
}

/// The files of a row that are there: "NAME.search/3.png" and ".fits" of "NAME.search.csv", "NAME.narrow/000003.png".
fn links(table: &Path, row: usize, folder: &Path) -> Vec<(String, &'static str)> {
    let plots = table.with_extension("");
    let here = table.parent() == Some(folder);
    let name = plots.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let link = |(ending, word): (&str, &'static str)| {
        let files = [format!("{row}.{ending}"), format!("{row:06}.{ending}")];
        let file = files.into_iter().find(|file| plots.join(file).is_file())?;
        let to = if here { format!("{name}/{file}") } else { plots.join(file).display().to_string() };
        Some((to.replace('%', "%25").replace(' ', "%20").replace('#', "%23"), word))
    };
    [("png", "picture"), ("fits", "FITS")].into_iter().filter_map(link).collect()
}

impl Found {
    /// `None` for what is no candidate, or has no place.
    fn new(
        what: &'static str,
        row: usize,
        columns: HashMap<String, String>,
        pointing: &Source,
    ) -> Option<Self> {
        let number =
            |name: &str| columns.get(name).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite());
        if columns.get("outcome").is_some_and(|outcome| outcome != "passes") {
            return None;
        }
        let of_sky = number("ra_deg").zip(number("dec_deg")).map(|(ra, dec)| offset(pointing, ra, dec));
        // Without a place on the sky it is told from the pointing.
        let place = of_sky.or_else(|| Some([number("east_arcsec")?, number("north_arcsec")?]))?;
        let error = ["east_error_arcsec", "north_error_arcsec"].map(|name| number(name).unwrap_or(0.0));
        Some(Self { what, row, place, error, columns, links: Vec::new() })
    }

    fn text(&self, column: &str) -> &str {
        self.columns.get(column).map_or("", String::as_str)
    }

    fn remnant(&self) -> bool {
        self.text("remnant") == "true"
    }

    fn cells(&self, pointing: &Source) -> Vec<Cell> {
        let [east, north] = self.place;
        let dec_deg = pointing.dec_rad.to_degrees() + north / ARCSEC;
        let ra_deg = pointing.ra_rad.to_degrees() + east / ARCSEC / libm::cos(pointing.dec_rad);
        let or = |column: &str, value: f64| match self.text(column) {
            "" => format!("{:.7}", value.rem_euclid(360.0)),
            told => told.to_owned(),
        };
        let with_error = |value: f64, error: f64| format!("{value:.3} ± {error:.3}");
        let flux = match (self.text("flux_jy"), self.text("flux_error_jy")) {
            ("", _) => "–".to_owned(),
            (jy, error) => format!("{jy} ± {error}"),
        };
        let mut remarks = Vec::new();
        if !self.text("known").is_empty() {
            remarks.push(format!("known: {}", self.text("known")));
        }
        if self.remnant() {
            remarks.push("remnant of a stronger one?".to_owned());
        }
        for (column, unit) in
            [("sky_mhz", "MHz"), ("drift_hz_per_s", "Hz/s"), ("dm", "pc/cm³"), ("dm_pc_cm3", "pc/cm³")]
        {
            if !self.text(column).is_empty() {
                remarks.push(format!("{} {unit}", self.text(column)));
            }
        }
        let link = |(to, word): &(String, &str)| format!("<a href=\"{}\">{word}</a>", escaped(to));
        let links: Vec<String> = self.links.iter().map(link).collect();
        vec![
            Cell::Number(self.row.to_string()),
            Cell::Text(self.what.to_owned()),
            Cell::Number(or("ra_deg", ra_deg)),
            Cell::Number(if self.text("dec_deg").is_empty() {
                format!("{dec_deg:.7}")
            } else {
                self.text("dec_deg").to_owned()
            }),
            Cell::Number(with_error(east, self.error[0])),
            Cell::Number(with_error(north, self.error[1])),
            Cell::Number(self.text("sigma").to_owned()),
            Cell::Number(self.text("false_alarm").to_owned()),
            Cell::Number(flux),
            Cell::Text(remarks.join("; ")),
            Cell::Html(links.join(" ")),
        ]
    }
}

fn map(vis: &VisFile, pointing: &Source, found: &[Found], known: &[Known]) -> Map {
    let meta = vis.meta();
    let mut used: Vec<usize> = meta.scans.iter().flat_map(|scan| scan.centres.iter().copied()).collect();
    used.sort_unstable();
    used.dedup();
    let centre = |&source: &usize| {
        let s = &meta.sources[source];
        (s.name.clone(), offset(pointing, s.ra_rad.to_degrees(), s.dec_rad.to_degrees()))
    };
    let mark = |f: &Found| Mark {
        kind: TABLES.iter().position(|t| t.1 == f.what).unwrap_or(0),
        name: f.row.to_string(),
        place: f.place,
        error: f.error,
        faint: f.remnant(),
    };
    Map {
        kinds: TABLES.map(|t| t.1),
        centres: used.iter().map(centre).collect(),
        known: known.iter().map(|k| (k.name.clone(), offset(pointing, k.ra_deg, k.dec_deg))).collect(),
        marks: found.iter().map(mark).collect(),
    }
}
