//! Writes and reads visibilities in HDF5.
//!
//! Axes in the names: t integration, c phase centre, x cross product, y auto product, f channel, b baseline,
//! s stream, 3 u, v, w. Complex numbers are pairs (r, i) of f32, as h5py knows them. Objects carry no times: the same
//! visibilities are the same bytes.
//!
//! ```text
//! /                   attributes: format, format_version, name, obscode, swin_folder, start_mjd, start_second,
//!                     integration_s, channels, provenance (JSON)
//! /stations           name, xyz_m
//! /streams            station
//! /bands              lo_hz, bandwidth_hz, lower_sideband (0, 1), difx_index, low_hz (edge on the sky)
//! /baselines          a, b (streams)
//! /cross_products     baseline, band, polarisation
//! /auto_products      stream, band, polarisation
//! /sources            name, ra_rad, dec_rad
//! /scans/0000 ...     attributes: name, start_s, end_s (since the start of the job), pointing (source)
//!     centre_source_c, time_s_t (centres, since the start of the job),
//!     cross_vis_tcxf, cross_weight_tcx, uvw_m_tcb3, auto_vis_tyf, auto_weight_ty, coverage_ts
//! ```

use super::meta::{ProductInfo, ScanInfo, VisMeta};
use crate::integrate::Record;
use crate::job::{Band, Baseline, Source, Station};
use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location, Result};
use ndarray::{Array1, Array2, ArrayView, Dimension, s};
use num_complex::Complex32;
use std::path::Path;

const FORMAT: &str = "mirinae-visibilities";
const FORMAT_VERSION: u64 = 1;

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
        put(group, "coverage_ts", integration, &record.coverage_s)
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
    let group = file.create_group("streams")?;
    numbers(&group, "station", meta.stream_stations.iter().map(|&s| s as u64))?;
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
    Ok(group)
}

/// Contiguous room: visibilities are noise and do not compress.
fn room<T: H5Type>(group: &Group, name: &str, shape: &[usize]) -> Result<()> {
    group.new_dataset::<T>().shape(shape).obj_track_times(false).create(name).map(|_| ())
}

/// A file of visibilities that is read.
pub struct VisFile {
    file: File,
    meta: VisMeta,
}

impl VisFile {
    /// Opens a file and reads its tables.
    ///
    /// # Errors
    /// Where the library cannot read it, or it is not a file of visibilities.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let format = file.attr("format").and_then(|a| a.read_scalar::<VarLenUnicode>());
        if format.map(|f| f.as_str() != FORMAT).unwrap_or(true) {
            return Err(format!("{} is not a file of visibilities of this program", path.display()).into());
        }
        let version: u64 = file.attr("format_version")?.read_scalar()?;
        if version > FORMAT_VERSION {
            let what = format!("{}: format {version} is newer than this program", path.display());
            return Err(what.into());
        }
        let meta = read_meta(&file)?;
        Ok(Self { file, meta })
    }

    /// Its tables.
    pub fn meta(&self) -> &VisMeta {
        &self.meta
    }

    /// How it came to be, as JSON.
    ///
    /// # Errors
    /// What the library says.
    pub fn provenance(&self) -> Result<String> {
        read_text(&self.file, "provenance")
    }

    fn scan(&self, scan: usize) -> Result<Group> {
        self.file.group(&format!("scans/{scan:04}"))
    }

    /// Visibilities of one cross product at one phase centre of a scan, by integration and channel, and their weights.
    ///
    /// # Errors
    /// What the library says.
    pub fn cross_tf(
        &self,
        scan: usize,
        centre: usize,
        product: usize,
    ) -> Result<(Array2<Complex32>, Array1<f32>)> {
        let group = self.scan(scan)?;
        let vis_tf = group.dataset("cross_vis_tcxf")?.read_slice(s![.., centre, product, ..])?;
        let weight_t = group.dataset("cross_weight_tcx")?.read_slice(s![.., centre, product])?;
        Ok((vis_tf, weight_t))
    }

    /// Visibilities of one auto product of a scan, by integration and channel, and their weights.
    ///
    /// # Errors
    /// What the library says.
    pub fn auto_tf(&self, scan: usize, product: usize) -> Result<(Array2<Complex32>, Array1<f32>)> {
        let group = self.scan(scan)?;
        let vis_tf = group.dataset("auto_vis_tyf")?.read_slice(s![.., product, ..])?;
        let weight_t = group.dataset("auto_weight_ty")?.read_slice(s![.., product])?;
        Ok((vis_tf, weight_t))
    }

    /// Covered fraction of every stream in every integration of a scan.
    ///
    /// # Errors
    /// What the library says.
    pub fn coverage_ts(&self, scan: usize) -> Result<Array2<f32>> {
        self.scan(scan)?.dataset("coverage_ts")?.read_2d()
    }

    /// All visibilities of one integration.
    ///
    /// # Errors
    /// What the library says.
    pub fn record(&self, scan: usize, integration: usize) -> Result<Record> {
        let group = self.scan(scan)?;
        let uvw: Vec<f64> = row(&group, "uvw_m_tcb3", integration)?;
        Ok(Record {
            cross_cpf: row(&group, "cross_vis_tcxf", integration)?,
            cross_weight_cp: row(&group, "cross_weight_tcx", integration)?,
            auto_pf: row(&group, "auto_vis_tyf", integration)?,
            auto_weight_p: row(&group, "auto_weight_ty", integration)?,
            coverage_s: row(&group, "coverage_ts", integration)?,
            uvw_cb: uvw.chunks_exact(3).map(|u| [u[0], u[1], u[2]]).collect(),
        })
    }
}

/// Row `t` of a dataset, flat.
fn row<T: H5Type>(group: &Group, name: &str, t: usize) -> Result<Vec<T>> {
    let dataset = group.dataset(name)?;
    let values = match dataset.ndim() {
        2 => dataset.read_slice::<T, _, ndarray::Ix1>(s![t, ..])?.into_dyn(),
        3 => dataset.read_slice::<T, _, ndarray::Ix2>(s![t, .., ..])?.into_dyn(),
        _ => dataset.read_slice::<T, _, ndarray::Ix3>(s![t, .., .., ..])?.into_dyn(),
    };
    Ok(values.into_iter().collect())
}

fn read_text(place: &Location, name: &str) -> Result<String> {
    Ok(place.attr(name)?.read_scalar::<VarLenUnicode>()?.to_string())
}

fn read_texts(file: &File, name: &str) -> Result<Vec<String>> {
    Ok(file.dataset(name)?.read_1d::<VarLenUnicode>()?.iter().map(ToString::to_string).collect())
}

fn read_indices(group: &Location, file: &File, name: &str) -> Result<Vec<usize>> {
    let path = format!("{}/{name}", group.name());
    Ok(file.dataset(&path)?.read_1d::<u64>()?.iter().map(|&i| i as usize).collect())
}

fn read_numbers(file: &File, name: &str) -> Result<Vec<f64>> {
    file.dataset(name)?.read_raw()
}

fn read_meta(file: &File) -> Result<VisMeta> {
    let indices = |name: &str| read_indices(file, file, name);
    let xyz = read_numbers(file, "stations/xyz_m")?;
    let names = read_texts(file, "stations/name")?.into_iter().zip(xyz.chunks_exact(3));
    let stations = names.map(|(name, x)| Station { name, xyz_m: [x[0], x[1], x[2]] }).collect();
    let (a, b) = (indices("baselines/a")?, indices("baselines/b")?);
    let (ra, dec) = (read_numbers(file, "sources/ra_rad")?, read_numbers(file, "sources/dec_rad")?);
    let sources = read_texts(file, "sources/name")?.into_iter().zip(ra.iter().zip(&dec));
    let scans = file.group("scans")?.member_names()?.len();
    Ok(VisMeta {
        name: read_text(file, "name")?,
        obscode: read_text(file, "obscode")?,
        swin_folder: read_text(file, "swin_folder")?,
        start_mjd: file.attr("start_mjd")?.read_scalar()?,
        start_second: file.attr("start_second")?.read_scalar()?,
        integration_s: file.attr("integration_s")?.read_scalar()?,
        channels: file.attr("channels")?.read_scalar::<u64>()? as usize,
        stations,
        stream_stations: indices("streams/station")?,
        bands: read_bands(file)?,
        baselines: a.iter().zip(&b).map(|(&a, &b)| Baseline { a, b }).collect(),
        crosses: read_products(file, "cross_products", "baseline")?,
        autos: read_products(file, "auto_products", "stream")?,
        sources: sources.map(|(name, (&ra_rad, &dec_rad))| Source { name, ra_rad, dec_rad }).collect(),
        scans: (0..scans).map(|i| read_scan(file, i)).collect::<Result<_>>()?,
    })
}

fn read_bands(file: &File) -> Result<Vec<Band>> {
    let (lo, bandwidth) = (read_numbers(file, "bands/lo_hz")?, read_numbers(file, "bands/bandwidth_hz")?);
    let lower = file.dataset("bands/lower_sideband")?.read_1d::<u8>()?;
    let difx = read_indices(file, file, "bands/difx_index")?;
    let band = |i: usize| Band {
        lo_hz: lo[i],
        bandwidth_hz: bandwidth[i],
        lower_sideband: lower[i] != 0,
        difx_index: difx[i],
    };
    Ok((0..lo.len()).map(band).collect())
}

fn read_products(file: &File, group: &str, of: &str) -> Result<Vec<ProductInfo>> {
    let group = file.group(group)?;
    let (of, band) = (read_indices(&group, file, of)?, read_indices(&group, file, "band")?);
    let names = read_texts(file, &format!("{}/polarisation", group.name()))?;
    let letters = |name: &str| {
        let mut letters = name.chars();
        [letters.next().unwrap_or('?'), letters.next().unwrap_or('?')]
    };
    let product = |i: usize| ProductInfo { of: of[i], band: band[i], polarisations: letters(&names[i]) };
    Ok((0..of.len()).map(product).collect())
}

fn read_scan(file: &File, index: usize) -> Result<ScanInfo> {
    let group = file.group(&format!("scans/{index:04}"))?;
    Ok(ScanInfo {
        name: read_text(&group, "name")?,
        start_s: group.attr("start_s")?.read_scalar()?,
        end_s: group.attr("end_s")?.read_scalar()?,
        pointing: group.attr("pointing")?.read_scalar::<u64>()? as usize,
        centres: read_indices(&group, file, "centre_source_c")?,
        integrations: group.dataset("time_s_t")?.size(),
    })
}
