//! The report of a cube: one HTML file with its maps, what is to be said of them, and how they were made.

use super::{Figure, ReportError};
use mirinae_common::atomic;
use mirinae_common::page::Page;
use std::io::Write as _;
use std::path::Path;

/// Everything that the report shows.
#[derive(Debug, Clone)]
pub struct CubePage<'a> {
    /// Title.
    pub title: String,
    /// The sentences of the summary, one a line.
    pub told: Vec<String>,
    /// What was assumed or found odd.
    pub warnings: Vec<String>,
    /// Pages of maps with their captions.
    pub figures: &'a [(Figure, String)],
    /// Other files in the folder.
    pub files: &'a [String],
    /// Program, version and plan.
    pub made_by: &'a str,
    /// How all was made, as JSON.
    pub provenance: &'a str,
    /// The configuration with all defaults.
    pub settings: &'a str,
}

/// Writes the report.
///
/// # Errors
/// [`ReportError::Read`] of a picture, [`ReportError::Write`].
pub fn write_cube_page(path: &Path, cube: &CubePage<'_>) -> Result<(), ReportError> {
    let mut page = Page::new(&cube.title);
    page.section("Summary");
    cube.told.iter().for_each(|line| {
        page.paragraph(line);
    });
    cube.warnings.iter().for_each(|warning| {
        page.note("note", warning);
    });
    let mut last = "";
    for (figure, caption) in cube.figures {
        if caption != last {
            page.section(caption);
            last = caption;
        }
        page.picture(&figure.file("png"), caption)?;
    }
    page.section("How this was made");
    page.paragraph(cube.made_by);
    page.paragraph(&format!("Files beside this page: {}.", cube.files.join(", ")));
    page.details("Configuration with all defaults", cube.settings);
    page.details("Program, inputs and their checksums", cube.provenance);
    let text = page.finish();
    Ok(atomic::write(path, |file| file.write_all(text.as_bytes()))?)
}
