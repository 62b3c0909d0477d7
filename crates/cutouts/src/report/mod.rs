//! Tells people what became of their galaxies: a list of what is not used, contact sheets, a page.

mod page;
mod sheet;

use crate::plan::{Plan, Unused};
use crate::run::{Index, Joined};
use mirinae_common::atomic;
use std::io::{self, Write};
use std::path::Path;

/// Folder of the report below the products.
pub const FOLDER: &str = "report";

/// Writes `report/unused.csv`, `random.png`, `worst.png` and `index.html`.
///
/// # Errors
/// Where one cannot be written.
pub(crate) fn write(plan: &Plan, index: &Index, joined: &Joined, out: &Path) -> anyhow::Result<()> {
    let folder = out.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    atomic::write(&folder.join("unused.csv"), |file| unused(file, &joined.unused))?;
    for (name, pictures) in [("random.png", &joined.sheet), ("worst.png", &joined.worst)] {
        atomic::write(&folder.join(name), |file| sheet::png(file, pictures))?;
    }
    let page = page::html(plan, index, joined);
    atomic::write(&folder.join("index.html"), |file| file.write_all(page.as_bytes()))?;
    Ok(())
}

fn unused(file: &mut impl Write, unused: &[Unused]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(["object_id", "band", "reason", "file", "detail"]).map_err(io::Error::other)?;
    for u in unused {
        let fields = [&u.id, &u.band, &u.reason, &u.file, &u.detail];
        writer.write_record(fields).map_err(io::Error::other)?;
    }
    writer.flush()
}
