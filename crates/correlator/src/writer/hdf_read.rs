//! Reads visibilities in HDF5, as [`super::hdf`] writes and describes them.

use super::hdf::{FORMAT, FORMAT_VERSION};
use super::meta::{ProductInfo, RecordedInfo, ScanInfo, VisMeta};
use crate::integrate::{Record, STATES};
use crate::job::{Band, Baseline, Source, Station, Tone};
use crate::schedule::Mount;
use hdf5::types::VarLenUnicode;
use hdf5::{File, Group, H5Type, Location, Result};
use ndarray::{Array1, Array2, Array3, Ix1, Ix2, s};
use num_complex::Complex32;
use std::ops::Range;
use std::path::Path;

/// The library reads so much around what is asked for, and no more: its own 64 KiB are many times the spectrum of one product,
/// and the next one of the same phase centre is further away.
const SIEVE_BYTES: usize = 1024;

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
        let file = File::with_options().with_fapl(|p| p.sieve_buf_size(SIEVE_BYTES)).open(path)?;
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

    /// Visibilities of one cross product at one phase centre of a scan, by integration and channel.
    ///
    /// # Errors
    /// What the library says.
    pub fn cross_tf(&self, scan: usize, centre: usize, product: usize) -> Result<Array2<Complex32>> {
        self.scan(scan)?.dataset("cross_vis_tcxf")?.read_slice(s![.., centre, product, ..])
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

    /// u, v, w in m of all baselines of a phase centre of a scan, by integration, baseline and component.
    ///
    /// # Errors
    /// What the library says.
    pub fn uvw_tb3(&self, scan: usize, centre: usize) -> Result<Array3<f64>> {
        self.scan(scan)?.dataset("uvw_m_tcb3")?.read_slice(s![.., centre, .., ..])
    }

    /// Covered fraction of every stream in every integration of a scan.
    ///
    /// # Errors
    /// What the library says.
    pub fn coverage_ts(&self, scan: usize) -> Result<Array2<f32>> {
        self.scan(scan)?.dataset("coverage_ts")?.read_2d()
    }

    /// What the samples of some integrations of a scan were.
    ///
    /// # Errors
    /// What the library says.
    pub fn sampled(&self, scan: usize, of: Range<usize>) -> Result<Sampled> {
        let (group, n) = (self.scan(scan)?, of.len());
        let mut sampled = Sampled {
            samples_tr: Array2::zeros((n, 0)),
            states_trk: Array3::zeros((n, 0, STATES)),
            tones_tg: Array2::zeros((n, 0)),
        };
        if !self.meta.recorded.is_empty() && n > 0 {
            sampled.samples_tr = group.dataset("samples_tr")?.read_slice(s![of.clone(), ..])?;
            sampled.states_trk = group.dataset("states_trk")?.read_slice(s![of.clone(), .., ..])?;
        }
        if !self.meta.tones.is_empty() && n > 0 {
            sampled.tones_tg = group.dataset("tones_tg")?.read_slice(s![of, ..])?;
        }
        Ok(sampled)
    }

    /// All visibilities of one integration.
    ///
    /// # Errors
    /// What the library says.
    pub fn record(&self, scan: usize, integration: usize) -> Result<Record> {
        let group = self.scan(scan)?;
        let uvw: Vec<f64> = row(&group, "uvw_m_tcb3", integration)?;
        let (mut samples_r, mut states) = (Vec::new(), Vec::new());
        if !self.meta.recorded.is_empty() {
            samples_r = row(&group, "samples_tr", integration)?;
            states = row::<u64>(&group, "states_trk", integration)?;
        }
        let tones_g =
            if self.meta.tones.is_empty() { Vec::new() } else { row(&group, "tones_tg", integration)? };
        Ok(Record {
            cross_cpf: row(&group, "cross_vis_tcxf", integration)?,
            cross_weight_cp: row(&group, "cross_weight_tcx", integration)?,
            auto_pf: row(&group, "auto_vis_tyf", integration)?,
            auto_weight_p: row(&group, "auto_weight_ty", integration)?,
            coverage_s: row(&group, "coverage_ts", integration)?,
            uvw_cb: uvw.chunks_exact(3).map(|u| [u[0], u[1], u[2]]).collect(),
            samples_r,
            states_rk: states.as_chunks().0.to_vec(),
            tones_g,
        })
    }
}

/// What the samples of some integrations were; without channels in files of format 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Valid samples of every recorded channel that went into the spectra.
    pub samples_tr: Array2<u64>,
    /// How many of them had each code.
    pub states_trk: Array3<u64>,
    /// Phase-calibration tones.
    pub tones_tg: Array2<Complex32>,
}

/// The visibilities of one integration at one phase centre; axes as in [`Record`].
#[derive(Debug, Clone, PartialEq)]
pub struct CentreRecord {
    /// Cross-correlations.
    pub cross_xf: Vec<Complex32>,
    /// Their weights.
    pub cross_weight_x: Vec<f32>,
    /// u, v, w in m by baseline.
    pub uvw_b: Vec<[f64; 3]>,
    /// Autocorrelations.
    pub auto_yf: Vec<Complex32>,
    /// Their weights.
    pub auto_weight_y: Vec<f32>,
}

impl VisFile {
    /// All visibilities of one integration at one phase centre.
    ///
    /// # Errors
    /// What the library says.
    pub fn centre_record(&self, scan: usize, t: usize, centre: usize) -> Result<CentreRecord> {
        let group = self.scan(scan)?;
        let uvw = group.dataset("uvw_m_tcb3")?.read_slice::<f64, _, Ix2>(s![t, centre, .., ..])?;
        let cross_xf =
            group.dataset("cross_vis_tcxf")?.read_slice::<Complex32, _, Ix2>(s![t, centre, .., ..])?;
        let weight_x = group.dataset("cross_weight_tcx")?.read_slice::<f32, _, Ix1>(s![t, centre, ..])?;
        Ok(CentreRecord {
            cross_xf: cross_xf.into_iter().collect(),
            cross_weight_x: weight_x.to_vec(),
            uvw_b: uvw.rows().into_iter().map(|r| [r[0], r[1], r[2]]).collect(),
            auto_yf: row(&group, "auto_vis_tyf", t)?,
            auto_weight_y: row(&group, "auto_weight_ty", t)?,
        })
    }

    /// Weights of the cross products at one phase centre of a scan and of the auto products, by integration and product.
    ///
    /// # Errors
    /// What the library says.
    pub fn weights(&self, scan: usize, centre: usize) -> Result<(Array2<f32>, Array2<f32>)> {
        let group = self.scan(scan)?;
        let cross_tx = group.dataset("cross_weight_tcx")?.read_slice(s![.., centre, ..])?;
        Ok((cross_tx, group.dataset("auto_weight_ty")?.read_2d()?))
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
    let names = read_texts(file, "stations/name")?;
    let (mounts, offsets) =
        (read_texts(file, "stations/mount")?, read_numbers(file, "stations/axis_offset_m")?);
    // Files of the first versions lack it.
    let diameters = read_numbers(file, "stations/diameter_m").unwrap_or_default();
    let station = |(i, name): (usize, String)| Station {
        name,
        xyz_m: [xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2]],
        mount: Mount::from_name(&mounts[i]),
        axis_offset_m: offsets[i],
        diameter_m: diameters.get(i).copied().filter(|d| *d > 0.0),
    };
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
        stations: names.into_iter().enumerate().map(station).collect(),
        stream_stations: indices("streams/station")?,
        recorded: read_recorded(file)?,
        tones: read_tones(file)?,
        bands: read_bands(file)?,
        baselines: a.iter().zip(&b).map(|(&a, &b)| Baseline { a, b }).collect(),
        crosses: read_products(file, "cross_products", "baseline")?,
        autos: read_products(file, "auto_products", "stream")?,
        sources: sources.map(|(name, (&ra_rad, &dec_rad))| Source { name, ra_rad, dec_rad }).collect(),
        scans: (0..scans).map(|i| read_scan(file, i)).collect::<Result<_>>()?,
    })
}

/// Recorded channels; format 1 does not tell them.
fn read_recorded(file: &File) -> Result<Vec<RecordedInfo>> {
    if !file.link_exists("recorded_channels") {
        return Ok(Vec::new());
    }
    let of = |name: &str| read_indices(file, file, &format!("recorded_channels/{name}"));
    let (stream, band) = (of("stream")?, of("band")?);
    let bits = file.dataset("recorded_channels/bits")?.read_1d::<u32>()?;
    let names = read_texts(file, "recorded_channels/polarisation")?;
    let recorded = |r: usize| RecordedInfo {
        stream: stream[r],
        band: band[r],
        polarisation: names[r].chars().next().unwrap_or('?'),
        bits: bits[r],
    };
    Ok((0..stream.len()).map(recorded).collect())
}

fn read_tones(file: &File) -> Result<Vec<Tone>> {
    if !file.link_exists("tones") {
        return Ok(Vec::new());
    }
    let recorded = read_indices(file, file, "tones/recorded_channel")?;
    let frequency_hz = read_numbers(file, "tones/frequency_hz")?;
    let tones = recorded.into_iter().zip(frequency_hz);
    Ok(tones.map(|(recorded, frequency_hz)| Tone { recorded, frequency_hz }).collect())
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
