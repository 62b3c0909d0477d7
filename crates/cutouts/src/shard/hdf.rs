//! HDF5 in the layout of the Multimodal Universe: a dataset for each property, a row for each galaxy.
//!
//! `object_id`, `ra`, `dec`, `healpix`, `image_array` (galaxy, band, row, column), `image_mask`, `image_band`, `image_psf_fwhm`,
//! `image_scale` (arcsec, NaN where bands are not aligned), and `used`, which the layout does not have.

use super::{FileRecord, Item, ShardError, Sink};
use crate::kernel::healpix;
use crate::plan::{Plan, Shard};
use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, File, H5Type};
use mirinae_common::atomic::Pending;
use std::path::{Path, PathBuf};

const FOLDER: &str = "hdf5";

pub(super) struct HdfSink<'a> {
    plan: &'a Plan,
    shard: &'a Shard,
    out: &'a Path,
    path: PathBuf,
    pending: Pending,
    file: File,
    image: Dataset,
    mask: Dataset,
    used: Vec<u8>,
    psf_gb: Vec<f32>,
}

fn library(path: &Path) -> impl Fn(hdf5::Error) -> ShardError + '_ {
    // The library's text is a stack of lines, the first of which tells.
    |e| ShardError::Library { path: path.to_path_buf(), problem: e.to_string() }
}

fn dataset<T: H5Type>(file: &File, name: &str, shape: &[usize]) -> hdf5::Result<Dataset> {
    file.new_dataset::<T>().shape(shape).obj_track_times(false).create(name)
}

fn column<T: H5Type>(file: &File, name: &str, shape: &[usize], values: &[T]) -> hdf5::Result<()> {
    dataset::<T>(file, name, shape)?.write_raw(values)
}

impl<'a> HdfSink<'a> {
    pub(super) fn create(plan: &'a Plan, shard: &'a Shard, out: &'a Path) -> Result<Self, ShardError> {
        let folder = out.join(FOLDER);
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|source| ShardError::Io { path: folder.clone(), source })?;
        let path = folder.join(format!("{}.hdf5", shard.name));
        let pending = Pending::new(&path);
        let s = &plan.settings;
        let shape = [shard.galaxies.len(), s.bands.len(), s.size, s.size];
        let create = || {
            let file =
                File::with_options().with_fcpl(|p| p.obj_track_times(false)).create(pending.temporary())?;
            let image = dataset::<f32>(&file, "image_array", &shape)?;
            let mask = dataset::<u8>(&file, "image_mask", &shape)?;
            Ok((file, image, mask))
        };
        let (file, image, mask) = create().map_err(library(&path))?;
        let (used, psf_gb) = (Vec::new(), Vec::new());
        Ok(Self { plan, shard, out, path, pending, file, image, mask, used, psf_gb })
    }

    fn columns(&self) -> hdf5::Result<()> {
        let galaxies = &self.plan.galaxies[self.shard.galaxies.clone()];
        let (n, s) = (galaxies.len(), &self.plan.settings);
        let text = |value: &str| -> hdf5::Result<VarLenUnicode> {
            value.parse().map_err(|_| format!("the text {value:?} holds a NUL").into())
        };
        let ids = galaxies.iter().map(|g| text(&g.id)).collect::<hdf5::Result<Vec<_>>>()?;
        let bands = s.bands.iter().map(|b| text(b)).collect::<hdf5::Result<Vec<_>>>()?;
        let bands: Vec<VarLenUnicode> = (0..n).flat_map(|_| bands.iter().cloned()).collect();
        let cell = |g: &crate::plan::Galaxy| {
            if g.ra_deg.is_nan() { -1 } else { healpix::cell(s.split.nside, g.ra_deg, g.dec_deg) as i64 }
        };
        let reals = |of: fn(&crate::plan::Galaxy) -> f64| galaxies.iter().map(of).collect::<Vec<_>>();
        let scale = if s.pixel_arcsec > 0.0 { s.pixel_arcsec as f32 } else { f32::NAN };
        column(&self.file, "object_id", &[n], &ids)?;
        column(&self.file, "ra", &[n], &reals(|g| g.ra_deg))?;
        column(&self.file, "dec", &[n], &reals(|g| g.dec_deg))?;
        column(&self.file, "healpix", &[n], &galaxies.iter().map(cell).collect::<Vec<_>>())?;
        column(&self.file, "image_band", &[n, s.bands.len()], &bands)?;
        column(&self.file, "image_psf_fwhm", &[n, s.bands.len()], &self.psf_gb)?;
        column(&self.file, "image_scale", &[n, s.bands.len()], &vec![scale; n * s.bands.len()])?;
        column(&self.file, "used", &[n], &self.used)
    }
}

impl Sink for HdfSink<'_> {
    fn add(&mut self, item: &Item<'_>) -> Result<(), ShardError> {
        let s = &self.plan.settings;
        let shape = (s.bands.len(), s.size, s.size);
        let write = || {
            let image = ndarray::ArrayView3::from_shape(shape, &item.cut.image_bp);
            let mask = ndarray::ArrayView3::from_shape(shape, &item.cut.mask_bp);
            if let (Ok(image), Ok(mask)) = (image, mask) {
                self.image.write_slice(image, (item.slot, .., .., ..))?;
                self.mask.write_slice(mask, (item.slot, .., .., ..))?;
            }
            Ok(())
        };
        write().map_err(library(&self.path))?;
        self.used.push(u8::from(item.cut.is_used));
        self.psf_gb.extend(item.cut.facts_b.iter().map(|f| f.psf));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<FileRecord>, ShardError> {
        self.columns().map_err(library(&self.path))?;
        let Self { out, path, pending, file, image, mask, .. } = *self;
        drop((image, mask));
        file.close().map_err(library(&path))?;
        pending.commit()?;
        Ok(vec![FileRecord::of(out, &path)?])
    }
}
