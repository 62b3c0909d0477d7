//! Writes the visibilities of an HDF5 file as DiFX's output folder.
use super::hdf_read::{CentreRecord, VisFile};
use super::meta::VisMeta;
use super::swin::{SwinHeader, write_record};
use mirinae_common::atomic::{self, WriteError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder within `folder`.
pub fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

/// Writes the file of one phase centre into `NAME.difx` in `folder`, in DiFX's order of records. As with DiFX, products of
/// weight 0 are left out and autocorrelations are in the first file. `tick` is called after every integration.
///
/// # Errors
/// [`WriteError`] where the file cannot be written; where the visibilities cannot be read.
pub fn write_swin(vis: &VisFile, folder: &Path, centre: usize, tick: &mut dyn FnMut()) -> anyhow::Result<()> {
    let meta = vis.meta();
    let folder = path(folder, &meta.swin_folder);
    std::fs::create_dir_all(&folder).map_err(|source| WriteError { path: folder.clone(), source })?;
    let name = format!("DIFX_{:05}_{:06}.s{centre:04}.b0000", meta.start_mjd, meta.start_second);
    Ok(atomic::write(&folder.join(name), |out| write_centre(vis, centre, out, tick))?)
}

fn write_centre(
    vis: &VisFile,
    centre: usize,
    out: &mut impl Write,
    tick: &mut dyn FnMut(),
) -> io::Result<()> {
    let meta = vis.meta();
    for (scan, info) in meta.scans.iter().enumerate().filter(|(_, s)| centre < s.centres.len()) {
        for integration in 0..info.integrations {
            let record = vis.centre_record(scan, integration, centre).map_err(io::Error::other)?;
            let place = Place { meta, scan, integration };
            place.crosses(&record, centre, out)?;
            if centre == 0 {
                place.autos(&record, out)?;
            }
            tick();
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

    fn crosses(&self, record: &CentreRecord, centre: usize, out: &mut impl Write) -> io::Result<()> {
        let (meta, channels) = (self.meta, self.meta.channels);
        for (index, product) in meta.crosses.iter().enumerate() {
            let weight = f64::from(record.cross_weight_x[index]);
            let baseline = &meta.baselines[product.of];
            let number = meta.baseline_number(baseline.a, baseline.b);
            let header = SwinHeader {
                freq: meta.bands[product.band].difx_index as i32,
                polarisations: product.polarisations,
                weight,
                uvw_m: record.uvw_b[product.of],
                ..self.header(number, meta.scans[self.scan].centres[centre])
            };
            if weight > 0.0 {
                write_record(out, &header, &record.cross_xf[index * channels..(index + 1) * channels])?;
            }
        }
        Ok(())
    }

    fn autos(&self, record: &CentreRecord, out: &mut impl Write) -> io::Result<()> {
        let (meta, channels) = (self.meta, self.meta.channels);
        let scan = &meta.scans[self.scan];
        let source = if scan.centres.len() == 1 { scan.centres[0] } else { scan.pointing };
        for (row, product) in meta.autos.iter().enumerate() {
            let weight = f64::from(record.auto_weight_y[row]);
            let header = SwinHeader {
                freq: meta.bands[product.band].difx_index as i32,
                polarisations: product.polarisations,
                weight,
                ..self.header(meta.baseline_number(product.of, product.of), source)
            };
            if weight > 0.0 {
                write_record(out, &header, &record.auto_yf[row * channels..(row + 1) * channels])?;
            }
        }
        Ok(())
    }
}
