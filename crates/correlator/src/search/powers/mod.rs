//! Looks for drifting lines in a filterbank file: powers of one station that any program wrote, without a cross test.
//!
//! The tree and the threshold are those of [`super::narrow`]. A power that is a mean of many (two polarisations; channels wider than
//! one over the length of a spectrum) counts as so many powers of noise, with Erlang's distribution.

mod flatten;
mod looks;
mod sigproc;
mod table;
#[cfg(test)]
mod tests;

use super::ecsv::to_ecsv;
use super::narrow::find::{Line, MOST_HITS, find};
use super::narrow::plane::Plane;
use flatten::Flattener;
use mirinae_common::atomic;
use mirinae_simd::{Simd, SimdPath};
use sigproc::{Filterbank, SigprocError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Channels that are held at once, margins left out.
const OWN: usize = 1 << 15;
/// Channels that a margin has more than the largest drift.
const BESIDE: usize = 64;
/// Spectra of a stretch at least.
const FEWEST_SPECTRA: usize = 4;

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowersSettings {
    /// Largest drift, up or down, Hz/s.
    pub drift_hz_per_s: f64,
    /// Length of the stretches within which powers are added along lines, s; as long as the file allows if absent.
    pub stretch_s: Option<f64>,
    /// Natural logarithm of the probability with which noise exceeds the threshold on one line.
    pub ln_threshold: f64,
    /// Powers of noise that each of the file is the mean of; as their scatter tells if absent.
    pub looks: Option<usize>,
}

/// Why a file cannot be searched.
#[derive(Debug, thiserror::Error)]
pub enum PowersError {
    /// It is not what it should be, or cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SigprocError,
    },
    /// Too few spectra.
    #[error("{path}: {spectra} spectra: lines need {FEWEST_SPECTRA} at least", path = path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// What it has.
        spectra: usize,
    },
    /// A signal would leave the band.
    #[error("{path}: drifts of {asked} Hz/s cross half the band within {stretch_s:.3} s: a smaller drift or shorter stretch", path = path.display())]
    Drift {
        /// The file.
        path: PathBuf,
        /// Asked for, Hz/s.
        asked: f64,
        /// Length of a stretch, s.
        stretch_s: f64,
    },
    /// The table cannot be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
}

/// A line of a file; steps are channels of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FileLine {
    /// First spectrum of its stretch.
    pub spectrum: usize,
    /// The line. `sum` and `used` count powers of noise.
    pub line: Line,
}

/// What a file gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileLines {
    /// By stretch, the strongest first.
    pub lines: Vec<FileLine>,
    /// Lines that were tried.
    pub trials: f64,
    /// Pieces with more lines than are told.
    pub crowded: usize,
    /// Spectra of a stretch.
    pub spectra: usize,
    /// Powers of noise in each of the file.
    pub looks: usize,
}

/// Searches a file; writes `NAME.powers.csv` and `.ecsv` to `out`, and how it went to standard output.
///
/// # Errors
/// The file cannot be read or searched, or the tables not be written.
pub fn run(path: &Path, settings: &PowersSettings, out: &Path) -> Result<(), PowersError> {
    let failed = |source| PowersError::File { path: path.to_owned(), source };
    let file = Filterbank::open(path).map_err(failed)?;
    let found = search(&file, path, settings)?;
    let text = table::csv(&file, &found);
    std::fs::create_dir_all(out).map_err(|source| atomic::WriteError { path: out.to_owned(), source })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let csv = out.join(format!("{name}.powers.csv"));
    atomic::write(&csv, |f| f.write_all(text.as_bytes()))?;
    atomic::write(&csv.with_extension("ecsv"), |f| f.write_all(to_ecsv(&text, &[]).as_bytes()))?;
    let told = table::summary(&found, settings.ln_threshold);
    // The tables are there, whether or not anyone listens.
    let _ = writeln!(std::io::stdout().lock(), "{}: {told}\nwrote {}", path.display(), csv.display());
    Ok(())
}

/// Looks for lines in all stretches of a file.
pub(crate) fn search(
    file: &Filterbank,
    path: &Path,
    settings: &PowersSettings,
) -> Result<FileLines, PowersError> {
    let path = || path.to_owned();
    if file.spectra < FEWEST_SPECTRA {
        return Err(PowersError::Short { path: path(), spectra: file.spectra });
    }
    let wanted = settings.stretch_s.map_or(file.spectra as f64, |s| (s / file.spectrum_s).round());
    let wanted = (wanted as usize).clamp(FEWEST_SPECTRA, file.spectra);
    let spectra = 1usize << wanted.ilog2();
    let length_s = spectra as f64 * file.spectrum_s;
    let drift = settings.drift_hz_per_s * (spectra - 1) as f64 * file.spectrum_s / file.channel_hz.abs();
    let most_drift = (drift - 1e-9).ceil().max(0.0);
    if most_drift > 0.5 * file.channels as f64 {
        return Err(PowersError::Drift { path: path(), asked: settings.drift_hz_per_s, stretch_s: length_s });
    }
    let looks = settings.looks.map_or_else(|| looks::measured(file, spectra), Ok);
    let looks = looks.map_err(|source| PowersError::File { path: path(), source })?.max(1);
    let mut firsts: Vec<usize> = (0..file.spectra / spectra).map(|i| i * spectra).collect();
    if !file.spectra.is_multiple_of(spectra) {
        firsts.push(file.spectra - spectra);
    }
    let mut found = FileLines { spectra, looks, ..FileLines::default() };
    let mut search = Search::new(file, most_drift as usize, (spectra, looks), settings.ln_threshold);
    for spectrum in firsts {
        let from = found.lines.len();
        for own in (0..file.channels).step_by(search.own) {
            let read = search.piece((spectrum, own), &mut found);
            read.map_err(|source| PowersError::File { path: path(), source })?;
        }
        found.lines[from..].sort_by(|a, b| a.line.ln_chance().total_cmp(&b.line.ln_chance()));
    }
    Ok(found)
}

/// Searches pieces of a file one by one, in the same room.
struct Search<'a> {
    file: &'a Filterbank,
    most_drift: usize,
    ln_threshold: f64,
    own: usize,
    margin: usize,
    simd: Simd,
    plane: Plane,
    flattener: Flattener,
    looks: usize,
}

impl<'a> Search<'a> {
    fn new(
        file: &'a Filterbank,
        most_drift: usize,
        (spectra, looks): (usize, usize),
        ln_threshold: f64,
    ) -> Self {
        let margin = most_drift + BESIDE;
        let own = OWN.max(4 * margin);
        let mut plane = Plane::one(spectra, 0, margin, Vec::new(), 0);
        plane.stations = looks;
        let simd = Simd::new(SimdPath::detect());
        Self {
            file,
            most_drift,
            ln_threshold,
            own,
            margin,
            simd,
            plane,
            flattener: Flattener::new(looks),
            looks,
        }
    }

    /// Channels from `own` on of the stretch that begins with `spectrum`.
    fn piece(&mut self, (spectrum, own): (usize, usize), found: &mut FileLines) -> Result<(), SigprocError> {
        let (margin, plane) = (self.margin, &mut self.plane);
        let count = self.own.min(self.file.channels - own);
        plane.width = count + 2 * margin;
        plane.power_tf.resize(plane.spectra * plane.width, 0.0);
        // What of it is in the file: beyond that there is nothing.
        let from = own.saturating_sub(margin);
        let to = (own + count + margin).min(self.file.channels);
        let inside = from + margin - own..to + margin - own;
        for (t, row) in plane.power_tf.chunks_exact_mut(plane.width).enumerate() {
            self.file.read(spectrum + t, from, &mut row[inside.clone()])?;
        }
        let used = self.flattener.run(self.simd, &mut plane.power_tf, plane.width, inside);
        plane.used = used * self.looks;
        let piece = find(plane, self.most_drift, self.ln_threshold, self.simd, &mut || {});
        found.trials += piece.trials;
        found.crowded += usize::from(piece.crowded);
        for mut line in piece.lines.into_iter().take(2 * MOST_HITS) {
            // Of a piece's own lines none begins before the file.
            line.first = (line.first + own).saturating_sub(margin);
            found.lines.push(FileLine { spectrum, line });
        }
        Ok(())
    }
}
