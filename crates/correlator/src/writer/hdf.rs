//! Writes visibilities in HDF5; [`super::hdf_read`] reads them.
//!
//! Axes in the names: t integration, c phase centre, x cross product, y auto product, f channel, b baseline,
//! s stream, r recorded channel, k code of a sample, g tone, 3 u, v, w. Complex numbers are pairs (r, i) of f32, as h5py knows them. Objects carry no times: the same
//! visibilities are the same bytes.
//!
//! ```text
//! /                   attributes: format, format_version, name, obscode, swin_folder, start_mjd, start_second,
//!                     integration_s, channels, provenance (JSON)
//! /stations           name, xyz_m, mount, axis_offset_m, diameter_m (0: not known)
//! /streams            station
//! /recorded_channels  stream, band, polarisation, bits
//! /tones              recorded_channel, frequency_hz (where phase-calibration tones are measured)
//! /bands              lo_hz, bandwidth_hz, lower_sideband (0, 1), difx_index, low_hz (edge on the sky)
//! /baselines          a, b (streams)
//! /cross_products     baseline, band, polarisation
//! /auto_products      stream, band, polarisation
//! /sources            name, ra_rad, dec_rad
//! /scans/0000 ...     attributes: name, start_s, end_s (since the start of the job), pointing (source)
//!     centre_source_c, time_s_t (centres, since the start of the job),
//!     cross_vis_tcxf, cross_weight_tcx, uvw_m_tcb3, auto_vis_tyf, auto_weight_ty, coverage_ts,
//!     samples_tr (valid ones that went into the spectra), states_trk (how many of them had each code),
//!     tones_tg (half the amplitude of each, and its phase)
//! ```

use super::meta::{ProductInfo, VisMeta};
use super::rows::VisPlaces;
use crate::integrate::{Record, STATES};
use crate::job::Band;
use hdf5::plist::dataset_create::AllocTime;
use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location, Result};
use ndarray::{Array1, Array2, ArrayView, Dimension, s};
use num_complex::Complex32;
use std::path::Path;

pub(super) const FORMAT: &str = "mirinae-visibilities";
pub(super) const FORMAT_VERSION: u64 = 2;

/// A file of visibilities that is being written.
pub struct VisWriter {
    file: File,
    scans: Vec<Group>,
}

fn text(value: &str) -> Result<VarLenUnicode> {
    value.parse().map_err(|_| format!("the text {value:?} holds a NUL").into())
}

fn attribute<T: H5Type>(place: &Location, name: &str, value: &T) -> Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(value)
}

fn column<T: H5Type, D: Dimension>(group: &Group, name: &str, values: ArrayView<T, D>) -> Result<()> {
    group.new_dataset::<T>().shape(values.shape()).obj_track_times(false).create(name)?.write(values)
}

fn numbers<T: H5Type>(group: &Group, name: &str, values: impl Iterator<Item = T>) -> Result<()> {
    column(group, name, Array1::from_iter(values).view())
}

fn texts<'a>(group: &Group, name: &str, values: impl Iterator<Item = &'a str>) -> Result<()> {
    let values = values.map(text).collect::<Result<Vec<_>>>()?;
    column(group, name, Array1::from_vec(values).view())
}

impl VisWriter {
    /// Creates a file with all its tables and room for all integrations. `provenance` says how it came to be.
    ///
    /// # Errors
    /// What the library says.
    pub fn create(path: &Path, meta: &VisMeta, provenance: &str) -> Result<Self> {
        let file = File::with_options().with_fcpl(|p| p.obj_track_times(false)).create(path)?;
        attribute(&file, "format", &text(FORMAT)?)?;
        attribute(&file, "format_version", &FORMAT_VERSION)?;
        for (name, value) in [
            ("name", &meta.name),
            ("obscode", &meta.obscode),
            ("swin_folder", &meta.swin_folder),
            ("provenance", &provenance.to_owned()),
        ] {
            attribute(&file, name, &text(value)?)?;
        }
        attribute(&file, "start_mjd", &meta.start_mjd)?;
        attribute(&file, "start_second", &meta.start_second)?;
        attribute(&file, "integration_s", &meta.integration_s)?;
        attribute(&file, "channels", &(meta.channels as u64))?;
        tables(&file, meta)?;
        let all = file.create_group("scans")?;
        let scans = (0..meta.scans.len()).map(|i| create_scan(&all, meta, i)).collect::<Result<_>>()?;
        Ok(Self { file, scans })
    }

    /// Writes the record of an integration.
    ///
    /// # Errors
    /// What the library says; a record of another shape is an error.
    pub fn write(&self, scan: usize, integration: usize, record: &Record) -> Result<()> {
        let group = &self.scans[scan];
        let uvw: Vec<f64> = record.uvw_cb.iter().flatten().copied().collect();
        put(group, "cross_vis_tcxf", integration, &record.cross_cpf)?;
        put(group, "cross_weight_tcx", integration, &record.cross_weight_cp)?;
        put(group, "uvw_m_tcb3", integration, &uvw)?;
        put(group, "auto_vis_tyf", integration, &record.auto_pf)?;
        put(group, "auto_weight_ty", integration, &record.auto_weight_p)?;
        put(group, "coverage_ts", integration, &record.coverage_s)?;
        put(group, "samples_tr", integration, &record.samples_r)?;
        put(group, "states_trk", integration, record.states_rk.as_flattened())?;
        if record.tones_g.is_empty() { Ok(()) } else { put(group, "tones_tg", integration, &record.tones_g) }
    }

    /// Where [`super::VisRows`] can write the integrations once this is closed.
    ///
    /// # Errors
    /// What the library says.
    pub fn places(&self) -> Result<VisPlaces> {
        VisPlaces::of(&self.scans)
    }

    /// Closes the file.
    ///
    /// # Errors
    /// What the library says.
    pub fn finish(self) -> Result<()> {
        drop(self.scans);
        self.file.flush()?;
        self.file.close()
    }
}

/// Writes row `t` of a dataset whose further axes together hold `values`.
fn put<T: H5Type>(group: &Group, name: &str, t: usize, values: &[T]) -> Result<()> {
    let dataset = group.dataset(name)?;
    let mut shape = dataset.shape();
    shape[0] = 1;
    let row = ArrayView::from_shape(shape.as_slice(), values).map_err(|e| format!("{name}: {e}"))?;
    match row.ndim() {
        2 => dataset.write_slice(row, s![t..t + 1, ..]),
        3 => dataset.write_slice(row, s![t..t + 1, .., ..]),
        _ => dataset.write_slice(row, s![t..t + 1, .., .., ..]),
    }
}

fn tables(file: &File, meta: &VisMeta) -> Result<()> {
    let group = file.create_group("stations")?;
    texts(&group, "name", meta.stations.iter().map(|s| s.name.as_str()))?;
    let xyz = Array2::from_shape_fn((meta.stations.len(), 3), |(s, axis)| meta.stations[s].xyz_m[axis]);
    column(&group, "xyz_m", xyz.view())?;
    texts(&group, "mount", meta.stations.iter().map(|s| s.mount.name()))?;
    numbers(&group, "axis_offset_m", meta.stations.iter().map(|s| s.axis_offset_m))?;
    numbers(&group, "diameter_m", meta.stations.iter().map(|s| s.diameter_m.unwrap_or(0.0)))?;
    let group = file.create_group("streams")?;
    numbers(&group, "station", meta.stream_stations.iter().map(|&s| s as u64))?;
    let group = file.create_group("recorded_channels")?;
    numbers(&group, "stream", meta.recorded.iter().map(|r| r.stream as u64))?;
    numbers(&group, "band", meta.recorded.iter().map(|r| r.band as u64))?;
    numbers(&group, "bits", meta.recorded.iter().map(|r| r.bits))?;
    let names: Vec<String> = meta.recorded.iter().map(|r| r.polarisation.to_string()).collect();
    texts(&group, "polarisation", names.iter().map(String::as_str))?;
    if !meta.tones.is_empty() {
        let group = file.create_group("tones")?;
        numbers(&group, "recorded_channel", meta.tones.iter().map(|g| g.recorded as u64))?;
        numbers(&group, "frequency_hz", meta.tones.iter().map(|g| g.frequency_hz))?;
    }
    let group = file.create_group("bands")?;
    numbers(&group, "lo_hz", meta.bands.iter().map(|b| b.lo_hz))?;
    numbers(&group, "low_hz", meta.bands.iter().map(Band::low_hz))?;
    numbers(&group, "bandwidth_hz", meta.bands.iter().map(|b| b.bandwidth_hz))?;
    numbers(&group, "lower_sideband", meta.bands.iter().map(|b| u8::from(b.lower_sideband)))?;
    numbers(&group, "difx_index", meta.bands.iter().map(|b| b.difx_index as u64))?;
    let group = file.create_group("baselines")?;
    numbers(&group, "a", meta.baselines.iter().map(|b| b.a as u64))?;
    numbers(&group, "b", meta.baselines.iter().map(|b| b.b as u64))?;
    products(&file.create_group("cross_products")?, "baseline", &meta.crosses)?;
    products(&file.create_group("auto_products")?, "stream", &meta.autos)?;
    let group = file.create_group("sources")?;
    texts(&group, "name", meta.sources.iter().map(|s| s.name.as_str()))?;
    numbers(&group, "ra_rad", meta.sources.iter().map(|s| s.ra_rad))?;
    numbers(&group, "dec_rad", meta.sources.iter().map(|s| s.dec_rad))
}

fn products(group: &Group, of: &str, products: &[ProductInfo]) -> Result<()> {
    numbers(group, of, products.iter().map(|p| p.of as u64))?;
    numbers(group, "band", products.iter().map(|p| p.band as u64))?;
    let names: Vec<String> = products.iter().map(|p| p.polarisations.iter().collect()).collect();
    texts(group, "polarisation", names.iter().map(String::as_str))
}

fn create_scan(all: &Group, meta: &VisMeta, index: usize) -> Result<Group> {
    let scan = &meta.scans[index];
    let group = all.create_group(&format!("{index:04}"))?;
    attribute(&group, "name", &text(&scan.name)?)?;
    attribute(&group, "start_s", &scan.start_s)?;
    attribute(&group, "end_s", &scan.end_s)?;
    attribute(&group, "pointing", &(scan.pointing as u64))?;
    numbers(&group, "centre_source_c", scan.centres.iter().map(|&c| c as u64))?;
    numbers(&group, "time_s_t", (0..scan.integrations).map(|t| meta.time_s(index, t)))?;
    let (t, c) = (scan.integrations, scan.centres.len());
    let (x, y, f) = (meta.crosses.len(), meta.autos.len(), meta.channels);
    room::<Complex32>(&group, "cross_vis_tcxf", &[t, c, x, f])?;
    room::<f32>(&group, "cross_weight_tcx", &[t, c, x])?;
    room::<f64>(&group, "uvw_m_tcb3", &[t, c, meta.baselines.len(), 3])?;
    room::<Complex32>(&group, "auto_vis_tyf", &[t, y, f])?;
    room::<f32>(&group, "auto_weight_ty", &[t, y])?;
    room::<f32>(&group, "coverage_ts", &[t, meta.stream_stations.len()])?;
    room::<u64>(&group, "samples_tr", &[t, meta.recorded.len()])?;
    room::<u64>(&group, "states_trk", &[t, meta.recorded.len(), STATES])?;
    if !meta.tones.is_empty() {
        room::<Complex32>(&group, "tones_tg", &[t, meta.tones.len()])?;
    }
    Ok(group)
}

/// Contiguous room: visibilities are noise and do not compress. It has its place at once, and no bytes before they are written.
fn room<T: H5Type>(group: &Group, name: &str, shape: &[usize]) -> Result<()> {
    let early = Some(AllocTime::Early);
    group.new_dataset::<T>().shape(shape).alloc_time(early).obj_track_times(false).create(name).map(|_| ())
}
