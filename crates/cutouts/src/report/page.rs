//! The page of the report, in HTML.

use super::sheet::COLUMNS;
use crate::plan::Plan;
use crate::run::{Index, Joined, Picture};

/// Rows of the list of unused files that the page shows; the CSV has all.
const ROWS: usize = 200;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |tag: &str, row: &[String]| {
        row.iter().map(|c| format!("<{tag}>{}</{tag}>", escaped(c))).collect::<String>()
    };
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let mut text = format!("<table><tr>{}</tr>\n", cells("th", &head));
    rows.for_each(|row| text += &format!("<tr>{}</tr>\n", cells("td", &row)));
    text + "</table>\n"
}

/// The names of the pictures of a sheet, in its rows.
fn names(plan: &Plan, pictures: &[Picture]) -> String {
    let name = |p: &Picture| {
        let (id, class) = (&plan.galaxies[p.galaxy].id, plan.class(p.galaxy));
        format!(
            "{id} {class} {}",
            if p.flagged > 0 { format!("({} flagged)", p.flagged) } else { String::new() }
        )
    };
    table(&[""; COLUMNS], pictures.chunks(COLUMNS).map(|row| row.iter().map(name).collect()))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.5e}"))
}

/// The whole page.
pub(super) fn html(plan: &Plan, index: &Index, joined: &Joined) -> String {
    let mut page = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>fits-pack</title>\n\
        <style>body{font:15px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}\
        td,th{border:1px solid #bbb;padding:2px 8px;text-align:left}img{image-rendering:pixelated}</style>\n"
        .to_owned();
    page += &format!(
        "<h1>{} of {} galaxies</h1>\n<p>{} files, {} shards, {}; plan {}</p>\n",
        index.used,
        index.galaxies,
        index.files,
        index.shards.len(),
        escaped(&index.program),
        &index.plan_sha256[..16],
    );
    page += "<h2>Not used</h2>\n";
    page += &table(&["reason", "number"], index.unused.iter().map(|(r, n)| vec![r.clone(), n.to_string()]));
    let rows = joined.unused.iter().take(ROWS);
    let row =
        |u: &crate::plan::Unused| [&u.id, &u.band, &u.reason, &u.file, &u.detail].map(Clone::clone).to_vec();
    page += &table(&["object", "band", "reason", "file", "detail"], rows.map(row));
    if joined.unused.len() > ROWS {
        page += &format!("<p>{} in all: see unused.csv</p>\n", joined.unused.len());
    }
    page += "<h2>Classes</h2>\n";
    let classes =
        index.classes.iter().map(|(c, [all, used])| vec![c.clone(), all.to_string(), used.to_string()]);
    page += &table(&["class", "galaxies", "used"], classes);
    page += "<h2>Bands</h2>\n";
    let median = |s: &crate::run::BandStatistics| s.quantiles.iter().find(|q| q.0 == 0.5).and_then(|q| q.1);
    let bands = (index.statistics.iter())
        .map(|s| vec![s.band.clone(), s.pixels.to_string(), number(s.mean), number(s.sd), number(median(s))]);
    page += &table(&["band", "pixels", "mean", "standard deviation", "median"], bands);
    page +=
        &table(&["mask", "pixels"], index.mask_pixels.iter().map(|(b, n)| vec![b.clone(), n.to_string()]));
    page += "<h2>Random galaxies</h2>\n<img src=\"random.png\" alt=\"random galaxies\">\n";
    page += &names(plan, &joined.sheet);
    page += "<h2>Most flagged pixels</h2>\n<img src=\"worst.png\" alt=\"galaxies with the most flagged pixels\">\n";
    page + &names(plan, &joined.worst) + "</html>\n"
}
