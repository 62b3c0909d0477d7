//! Writes the visibilities of an HDF5 file as DiFX's output folder.
use super::hdf_read::VisFile;
use super::meta::VisMeta;
use super::swin::{SwinHeader, write_record};
use crate::integrate::Record;
use mirinae_common::atomic;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `NAME.difx` into `folder`, one file for each phase centre, in DiFX's order of records; returns the
/// folder's path. As with DiFX, products of weight 0 are left out and autocorrelations are in the first file.
///
/// # Errors
/// Where a file cannot be written or the visibilities cannot be read.
pub fn write_swin(vis: &VisFile, folder: &Path) -> anyhow::Result<PathBuf> {
    let meta = vis.meta();
    let folder = folder.join(&meta.swin_folder);
    std::fs::create_dir_all(&folder)?;
    let centres = meta.scans.iter().map(|s| s.centres.len()).max().unwrap_or(0);
    for centre in 0..centres {
        let name = format!("DIFX_{:05}_{:06}.s{centre:04}.b0000", meta.start_mjd, meta.start_second);
        atomic::write(&folder.join(name), |out| write_centre(vis, centre, out))?;
    }
    Ok(folder)
}

fn write_centre(vis: &VisFile, centre: usize, out: &mut impl Write) -> io::Result<()> {
    let meta = vis.meta();
    for (scan, info) in meta.scans.iter().enumerate().filter(|(_, s)| centre < s.centres.len()) {
        for integration in 0..info.integrations {
            let record = vis.record(scan, integration).map_err(io::Error::other)?;
            let place = Place { meta, scan, integration };
            place.crosses(&record, centre, out)?;
            if centre == 0 {
                place.autos(&record, out)?;
            }
        }
    }
    Ok(())
}

struct Place<'a> {
    meta: &'a VisMeta,
    scan: usize,
    integration: usize,
}

impl Place<'_> {
    /// A header with this integration's time; DiFX takes the day from the start of the integration.
    fn header(&self, baseline: usize, source: usize) -> SwinHeader {
        let meta = self.meta;
        let half_s = 0.5 * meta.integration_s;
        let start_s = meta.start_second as f64 + meta.time_s(self.scan, self.integration) - half_s;
        // The sum's rounding must not turn the first moment of a day into the last of the day before.
        let days = ((start_s + 1e-6) / 86_400.0).floor();
        SwinHeader {
            baseline: baseline as i32,
            mjd: (meta.start_mjd + days as i64) as i32,
            seconds: start_s - days * 86_400.0 + half_s,
            config: 0,
            source: source as i32,
            freq: 0,
            polarisations: ['?', '?'],
            weight: 0.0,
            uvw_m: [0.0; 3],
        }
    }

    fn crosses(&self, record: &Record, centre: usize, out: &mut impl Write) -> io::Result<()> {
        let (meta, channels) = (self.meta, self.meta.channels);
        for (index, product) in meta.crosses.iter().enumerate() {
            let row = centre * meta.crosses.len() + index;
            let weight = f64::from(record.cross_weight_cp[row]);
            let baseline = &meta.baselines[product.of];
            let number = meta.baseline_number(baseline.a, baseline.b);
            let header = SwinHeader {
                freq: meta.bands[product.band].difx_index as i32,
                polarisations: product.polarisations,
                weight,
                uvw_m: record.uvw_cb[centre * meta.baselines.len() + product.of],
                ..self.header(number, meta.scans[self.scan].centres[centre])
            };
            if weight > 0.0 {
                write_record(out, &header, &record.cross_cpf[row * channels..(row + 1) * channels])?;
            }
        }
        Ok(())
    }

    fn autos(&self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        let (meta, channels) = (self.meta, self.meta.channels);
        let scan = &meta.scans[self.scan];
        let source = if scan.centres.len() == 1 { scan.centres[0] } else { scan.pointing };
        for (row, product) in meta.autos.iter().enumerate() {
            let weight = f64::from(record.auto_weight_p[row]);
            let header = SwinHeader {
                freq: meta.bands[product.band].difx_index as i32,
                polarisations: product.polarisations,
                weight,
                ..self.header(meta.baseline_number(product.of, product.of), source)
            };
            if weight > 0.0 {
                write_record(out, &header, &record.auto_pf[row * channels..(row + 1) * channels])?;
            }
        }
        Ok(())
    }
}
