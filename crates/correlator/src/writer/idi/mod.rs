//! Writes visibilities as FITS-IDI, which AIPS and CASA read: a file for each phase centre.
//!
//! The convention is AIPS Memo 114 (Greisen 2009), and where that leaves room what AIPS and CASA take from DiFX:
//! visibilities are conjugated and u, v, w turned round against ours and SWIN's (A conj(B), A - B), seconds for u, v, w,
//! UTC. Weights are covered fractions and visibilities are not multiplied by them (`WEIGHTYP` NORMAL). The correlator's name
//! (`CORRELAT`) is not DIFX: readers then leave the amplitudes as they are, and `accor` or ACCOR scales them.

mod antennas;
mod delays;
mod flags;
mod layout;
mod phase_cal;
mod sky;
mod table;
#[cfg(test)]
mod tests;
mod tsys;
mod visibilities;

use super::hdf_read::VisFile;
use crate::baseband::UtcSecond;
use crate::job::Job;
use layout::Layout;
use mirinae_common::atomic;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
pub(crate) use table::Header;

/// What all tables of a file need.
struct File<'a> {
    job: &'a Job,
    vis: &'a VisFile,
    layout: Layout,
    /// Index of the phase centre in each scan.
    centre: usize,
}

/// `NAME.idi`, or `NAME.c0000.idi` and so on where scans have several phase centres, in `folder`.
pub fn path(folder: &Path, name: &str, (centre, centres): (usize, usize)) -> PathBuf {
    folder.join(if centres == 1 { format!("{name}.idi") } else { format!("{name}.c{centre:04}.idi") })
}

/// Writes the file of one phase centre into `folder`. `tick` is called after every integration.
///
/// # Errors
/// [`mirinae_common::atomic::WriteError`] where the file cannot be written; where FITS-IDI cannot hold the correlation, or the
/// visibilities cannot be read.
pub fn write(
    job: &Job,
    vis: &VisFile,
    folder: &Path,
    centre: usize,
    tick: &mut dyn FnMut(),
) -> anyhow::Result<()> {
    let meta = vis.meta();
    let layout = Layout::new(meta, job.average).map_err(anyhow::Error::msg)?;
    let provenance = vis.provenance()?;
    let centres = meta.scans.iter().map(|s| s.centres.len()).max().unwrap_or(0);
    let file = File { job, vis, layout, centre };
    let path = path(folder, &meta.name, (centre, centres));
    Ok(atomic::write(&path, |out| file.write(&provenance, out, tick))?)
}

/// What [`write()`] has put into `folder` for the phase centres of a job of this name.
///
/// # Errors
/// What the system says; a folder that is not there has none.
pub fn files(folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let ours = |file: &str| {
        let middle = file.strip_prefix(name).and_then(|rest| rest.strip_suffix(".idi"));
        middle.is_some_and(|m| m.is_empty() || m.strip_prefix(".c").is_some_and(|n| n.parse::<u32>().is_ok()))
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if ours(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

impl File<'_> {
    fn write(&self, provenance: &str, out: &mut impl Write, tick: &mut dyn FnMut()) -> io::Result<()> {
        self.primary(provenance).write(out)?;
        self.array_geometry(out)?;
        self.antenna(out)?;
        self.frequency(out)?;
        self.source(out)?;
        self.system_temperature(out)?;
        self.phase_cal(out)?;
        self.flag(out)?;
        let spans = self.spans();
        self.interferometer_model(&spans, out)?;
        self.model_comps(&spans, out)?;
        self.uv_data(out, tick)
    }

    /// The first day, as 2024-01-31.
    fn date(&self) -> String {
        UtcSecond::new(self.job.start_mjd, 0).to_string().chars().take(10).collect()
    }

    /// Days since 0h of the first day.
    fn days(&self, since_start_s: f64) -> f64 {
        (self.job.start_second as f64 + since_start_s) / 86_400.0
    }

    fn primary(&self, provenance: &str) -> Header {
        let mut header = Header::default();
        header.logical("SIMPLE", true);
        header.integer("BITPIX", 8);
        header.integer("NAXIS", 0);
        header.logical("EXTEND", true);
        header.logical("GROUPS", true);
        header.integer("GCOUNT", 0);
        header.integer("PCOUNT", 0);
        header.text("OBJECT", "BINARYTB");
        header.text("TELESCOP", "KVN");
        header.text("CORRELAT", "MIRINAE");
        header.text("OBSERVER", &self.job.obscode);
        header.text("ORIGIN", "kvn-corr");
        header.text("DATE-OBS", &self.date());
        header.history(provenance);
        header
    }

    /// The keywords that all tables carry.
    fn keys(&self, revision: i64) -> Header {
        let layout = &self.layout;
        let mut keys = Header::default();
        keys.integer("TABREV", revision);
        keys.text("OBSCODE", &self.job.obscode);
        keys.text("RDATE", &self.date());
        keys.integer("NO_STKD", layout.stokes.len() as i64);
        keys.integer("STK_1", layout.first_stokes);
        keys.integer("NO_BAND", layout.bands() as i64);
        keys.integer("NO_CHAN", layout.channels as i64);
        keys.real("REF_FREQ", layout.band_low_hz[0]);
        keys.real("CHAN_BW", layout.channel_hz());
        keys.real("REF_PIXL", layout.reference_pixel);
        keys
    }

    /// Polarisations of a feed that are in the visibilities.
    fn polarisations(&self) -> usize {
        if self.layout.stokes.len() > 1 { 2 } else { 1 }
    }
}
