//! Tells what a recording holds: frames, times, threads, levels, spectra.

mod census;
mod levels;
mod picture;
mod report;
mod spectrum;

pub use census::FrameCounts;
pub use levels::ChannelLevels;
pub use picture::write_spectrum_png;
pub use report::Inspection;
pub use spectrum::{MeanSpectra, mean_spectra, write_spectrum_csv};

use crate::baseband::file::{BLOCK_TARGET, FrameFile};
use crate::baseband::gather;
use crate::baseband::{
    BasebandError, BitOrder, FirstHeader, FrameFormat, Levels, Recording, RecordingOptions, SampleSource,
    Samples, UtcSecond,
};
use census::Census;
use levels::LevelCounter;
use std::path::{Path, PathBuf};

/// Frames per second taken when nobody knows: more than any frame number, so that the frames of one second stay apart.
const FRAME_NUMBERS: u64 = 1 << 24;
/// 1970-01-01.
const UNIX_EPOCH_MJD: i64 = 40_587;
/// Samples and channels that are listed as they are.
const HEAD_SAMPLES: usize = 4;
const HEAD_CHANNELS: usize = 8;
/// Time slots for each frame of a file within which spectra are looked for.
const MOST_GAPS: u64 = 64;

/// Why a recording could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The recording cannot be used.
    #[error(transparent)]
    Baseband(#[from] BasebandError),
    /// The samples cannot be turned into text or a picture on disk.
    #[error("cannot write {path}: {message}")]
    Write {
        /// The product.
        path: PathBuf,
        /// What the system or the plotter said.
        message: String,
    },
}

/// What to look at, and what the caller knows better than the headers.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// Overrides; the reference is not used.
    pub recording: RecordingOptions,
    /// Bins of the mean spectrum of each channel; none is made if `None`.
    pub spectrum_bins: Option<usize>,
    /// Look no further than about so many bytes; the whole file if `None`.
    pub limit_bytes: Option<u64>,
}

/// Inspects one file.
///
/// # Errors
/// The file is missing, empty, unreadable, neither VDIF nor Mark5B, or cannot be decoded as the headers or the overrides say.
pub fn inspect(path: &Path, options: &InspectOptions) -> Result<Inspection, InspectError> {
    let near = options.recording.near.unwrap_or_else(|| date_of(path));
    let overrides = &RecordingOptions { near: Some(near), ..options.recording.clone() };
    let mut opened = gather::open(&[path], near, BLOCK_TARGET)?;
    let mut file = opened.pop().ok_or(BasebandError::NoFiles)?;
    let format = FrameFormat::of(file.header(), overrides.channels, overrides.bits, overrides.complex)
        .map_err(|what| BasebandError::Unusable { path: path.to_owned(), what })?;
    if let FirstHeader::Mark5b(..) = file.header() {
        file.set_order(overrides.order.unwrap_or(BitOrder::Mark5b), &format);
    }
    let block_bytes = file.frames_per_block() * format.frame_bytes as u64;
    let wanted = options.limit_bytes.map_or(u64::MAX, |limit| limit.div_ceil(block_bytes).max(1));
    let blocks = file.blocks().min(wanted);
    let mut census = Census::default();
    let mut counter = LevelCounter::new(format);
    for index in 0..blocks {
        let start = file.block_start(index);
        let block = file.block(index)?;
        census.add(start, block.frames(), format.frame_bytes as u64);
        for frame in block.frames().iter().filter(|frame| !frame.invalid) {
            counter.add(frame.thread, &block.frame_bytes(frame, format.frame_bytes)[format.header_bytes..]);
        }
    }
    let rate = known_rate(&mut file, &format, overrides)?;
    let frames_per_second = rate.map(|hz| hz / format.samples_per_frame() as u64);
    let whole = blocks == file.blocks();
    let frames = census.finish(&mut file, frames_per_second, whole)?;
    let threads = overrides.threads.clone().unwrap_or_else(|| census.threads());
    let (head, spectra) = look(path, (options, overrides), &format, &threads, rate)?;
    Ok(Inspection {
        path: path.to_owned(),
        bytes: file.size(),
        header: *file.header(),
        corrected_threads: file.corrected_threads(),
        format,
        sample_rate_hz: rate,
        channels: counter.finish(&threads, &overrides.levels),
        threads,
        first: census.first(),
        last: census.last(),
        frames,
        head,
        spectra,
    })
}

/// When the file was last written: as near as anything tells.
fn date_of(path: &Path) -> UtcSecond {
    let since = std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = since.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    UtcSecond::new(UNIX_EPOCH_MJD, since.as_secs() as i64)
}

fn known_rate(
    file: &mut FrameFile,
    format: &FrameFormat,
    overrides: &RecordingOptions,
) -> Result<Option<u64>, BasebandError> {
    if let Some(rate) = overrides.sample_rate_hz.or_else(|| file.header().sample_rate_hz()) {
        return Ok(Some(rate));
    }
    let measured = file.frames_per_second()?;
    Ok(measured.map(|frames| frames * format.samples_per_frame() as u64))
}

/// The first samples of the first channels, and the mean spectra.
fn look(
    path: &Path,
    (options, overrides): (&InspectOptions, &RecordingOptions),
    format: &FrameFormat,
    threads: &[u16],
    rate: Option<u64>,
) -> Result<(Vec<Vec<f32>>, Option<MeanSpectra>), BasebandError> {
    let samples_per_frame = format.samples_per_frame() as u64;
    let chosen = RecordingOptions {
        reference: None,
        sample_rate_hz: Some(rate.unwrap_or(samples_per_frame * FRAME_NUMBERS)),
        threads: Some(threads.to_vec()),
        ..overrides.clone()
    };
    let mut recording = Recording::open(&[path], &chosen)?;
    let (from, to) = recording.span()?;
    // A damaged header may claim years: frames that are there do not fill more than this with gaps between them.
    let frames =
        recording.paths().iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum::<u64>()
            / format.frame_bytes as u64;
    let most = (MOST_GAPS * frames).saturating_mul(samples_per_frame);
    let to = to.min(from.saturating_add_unsigned(most));
    let mut samples = Samples::default();
    recording.read(from, HEAD_SAMPLES, &mut samples)?;
    let width = format.components();
    let channels = samples.channels().min(HEAD_CHANNELS);
    let row =
        |t: usize| (0..channels).flat_map(|c| samples.channel(c)[t * width..][..width].to_vec()).collect();
    let head = (0..HEAD_SAMPLES).map(row).collect();
    let Some(bins) = options.spectrum_bins else { return Ok((head, None)) };
    let to = match options.limit_bytes {
        Some(limit) => to.min(from + (limit / format.frame_bytes as u64 * samples_per_frame) as i64),
        None => to,
    };
    Ok((head, Some(mean_spectra(&mut recording, from..to, bins, rate.is_some())?)))
}

/// Sample values by name: `difx` (2-bit outer level 3.3359) or `optimal` (3.3165).
pub fn levels_by_name(name: &str) -> Option<Levels> {
    match name {
        "difx" => Some(Levels::DIFX),
        "optimal" => Some(Levels::OPTIMAL),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
