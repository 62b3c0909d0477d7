//! Writes a station's recording, frame by frame.

use super::SimError;
use super::noise::{Stream, generator};
use super::quantise::code;
use super::receiver::Receiver;
use super::scene::{Scene, Station};
use crate::baseband::encode::pack;
use crate::baseband::{UtcSecond, VdifHeader};
use mirinae_common::atomic;
use rand::RngExt;
use std::io::{self, Write};
use std::path::Path;

/// Samples of each band made at a time.
const PIECE: usize = 1 << 13;

/// Writes all frames of `station` to `path`, which appears when it is complete.
pub(super) fn record(scene: &Scene, station: &Station, path: &Path) -> Result<(), SimError> {
    let mut samples = Codes::new(scene, station);
    let mut codes = vec![0; scene.format.samples_per_frame() * scene.bands.len()];
    let mut frame = vec![0; scene.format.payload_bytes()];
    atomic::write(path, |file| {
        for number in station.frames.clone() {
            samples.fill(number * scene.format.samples_per_frame() as i64, &mut codes);
            if let Some(header) = header(scene, station, number) {
                pack(&scene.format, &codes, &mut frame);
                file.write_all(&header.to_bytes().map_err(io::Error::other)?)?;
                file.write_all(&frame)?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// The header of a frame counted from the start second; `None` when the recorder loses it.
pub(super) fn header(scene: &Scene, station: &Station, number: i64) -> Option<VdifHeader> {
    let mut fate = generator(scene.seed, Stream::Losses { station: station.index }, number);
    if fate.random::<f64>() < station.lost_frames {
        return None;
    }
    let second = UtcSecond(scene.start.0 + number.div_euclid(scene.frames_per_second));
    let (ref_epoch, seconds) = second.to_vdif();
    Some(VdifHeader {
        invalid: fate.random::<f64>() < station.invalid_frames,
        legacy: false,
        seconds,
        unassigned: 0,
        ref_epoch,
        frame_number: number.rem_euclid(scene.frames_per_second) as u32,
        version: 1,
        log2_channels: scene.bands.len().ilog2() as u8,
        frame_bytes: scene.format.frame_bytes as u32,
        complex: false,
        bits: scene.format.bits as u8,
        thread: 0,
        station: station.id,
        extended: [0; 4],
    })
}

/// Sample codes of all bands, made in pieces that begin at multiples of [`PIECE`].
struct Codes<'a> {
    bits: usize,
    receivers: Vec<Receiver<'a>>,
    piece: Option<i64>,
    /// Codes of the current piece: `[sample][band]`.
    codes: Vec<u16>,
    values: Vec<f32>,
}

impl<'a> Codes<'a> {
    fn new(scene: &'a Scene, station: &'a Station) -> Self {
        let bands = scene.bands.len();
        Self {
            bits: scene.format.bits,
            receivers: (0..bands).map(|band| Receiver::new(scene, station, band)).collect(),
            piece: None,
            codes: vec![0; PIECE * bands],
            values: vec![0.0; PIECE],
        }
    }

    /// Fills `out` with the codes from sample `start` on.
    fn fill(&mut self, start: i64, out: &mut [u16]) {
        let bands = self.receivers.len();
        let mut done = 0;
        while done < out.len() {
            let at = start + (done / bands) as i64;
            let (piece, offset) = (at.div_euclid(PIECE as i64), at.rem_euclid(PIECE as i64) as usize);
            if self.piece != Some(piece) {
                self.make(piece);
            }
            let n = ((PIECE - offset) * bands).min(out.len() - done);
            out[done..done + n].copy_from_slice(&self.codes[offset * bands..][..n]);
            done += n;
        }
    }

    fn make(&mut self, piece: i64) {
        let bands = self.receivers.len();
        for (band, receiver) in self.receivers.iter_mut().enumerate() {
            receiver.fill(piece * PIECE as i64, &mut self.values);
            for (to, &x) in self.codes[band..].iter_mut().step_by(bands).zip(&self.values) {
                *to = code(self.bits, x);
            }
        }
        self.piece = Some(piece);
    }
}
