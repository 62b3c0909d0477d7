//! Writes a station's recording, frame by frame.

use super::SimError;
use super::channels::{Channels, HOP};
use super::config::Sideband;
use super::noise::{Stream, generator};
use super::quantise::code;
use super::receiver::Receiver;
use super::scene::{Recorder, Scene, Station};
use crate::baseband::encode::pack;
use crate::baseband::header::LEGACY_HEADER_BYTES;
use crate::baseband::{UtcSecond, VdifHeader};
use mirinae_common::atomic;
use rand::RngExt;
use std::io::{self, Write};
use std::path::Path;

/// Samples of each band made at a time.
const PIECE: usize = HOP;

/// Writes all frames of `station` to `path`, which appears when it is complete.
pub(super) fn record(scene: &Scene, station: &Station, path: &Path) -> Result<(), SimError> {
    let format = &station.recorder.format;
    let mut samples = Codes::new(scene, station);
    let channels = samples.channels;
    let mut codes = vec![0; format.samples_per_frame() * channels * format.components()];
    let mut of_thread = vec![0; format.samples_per_frame() * format.elements()];
    let mut frame = vec![0; format.payload_bytes()];
    atomic::write(path, |file| {
        for number in station.frames.clone() {
            samples.fill(number * format.samples_per_frame() as i64, &mut codes);
            let Some(mut header) = header(scene, station, number) else { continue };
            for thread in 0..channels / format.channels {
                header.thread = thread as u16;
                let elements =
                    codes.chunks_exact(format.elements()).skip(thread).step_by(channels / format.channels);
                of_thread
                    .chunks_exact_mut(format.elements())
                    .zip(elements)
                    .for_each(|(to, x)| to.copy_from_slice(x));
                pack(format, &of_thread, &mut frame);
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
    let Recorder { format, frames_per_second, .. } = &station.recorder;
    let mut fate = generator(scene.seed, Stream::Losses { station: station.index }, number);
    if fate.random::<f64>() < station.lost_frames {
        return None;
    }
    let second = UtcSecond(scene.start.0 + number.div_euclid(*frames_per_second));
    let (ref_epoch, seconds) = second.to_vdif();
    Some(VdifHeader {
        invalid: fate.random::<f64>() < station.invalid_frames,
        legacy: format.header_bytes == LEGACY_HEADER_BYTES,
        seconds,
        unassigned: 0,
        ref_epoch,
        frame_number: number.rem_euclid(*frames_per_second) as u32,
        version: 1,
        log2_channels: format.channels.ilog2() as u8,
        frame_bytes: format.frame_bytes as u32,
        complex: format.complex,
        bits: format.bits as u8,
        thread: 0,
        station: station.id,
        extended: [0; 4],
    })
}

/// One band of a station: its receiver, and what cuts it into channels.
struct Input<'a> {
    receiver: Receiver<'a>,
    cutter: Option<Channels>,
}

/// Sample codes of all channels, made in pieces that begin at multiples of [`PIECE`] of the bands' samples.
struct Codes<'a> {
    bits: usize,
    gain: f32,
    channels: usize,
    /// Samples of a channel in a piece, and numbers of a sample.
    piece_samples: usize,
    components: usize,
    split: usize,
    inputs: Vec<Input<'a>>,
    piece: Option<i64>,
    /// Codes of the current piece: `[sample][channel][component]`.
    codes: Vec<u16>,
    values: Vec<f32>,
}

impl<'a> Codes<'a> {
    fn new(scene: &'a Scene, station: &'a Station) -> Self {
        let recorder = &station.recorder;
        let plain = recorder.split == 1 && recorder.sideband.is_none() && !recorder.format.complex;
        let input = |band: usize| Input {
            receiver: Receiver::new(scene, station, band),
            cutter: (!plain).then(|| {
                let sideband = recorder.sideband.unwrap_or(Sideband::Upper);
                Channels::new(recorder.split, sideband, recorder.sampling)
            }),
        };
        let channels = scene.bands.len() * recorder.split;
        let components = recorder.format.components();
        let piece_samples = PIECE / recorder.split / components;
        Self {
            bits: recorder.format.bits,
            gain: station.gain,
            channels,
            piece_samples,
            components,
            split: recorder.split,
            inputs: (0..scene.bands.len()).map(input).collect(),
            piece: None,
            codes: vec![0; piece_samples * channels * components],
            values: vec![0.0; 2 * PIECE],
        }
    }

    /// Fills `out` with the codes from sample `start` on.
    fn fill(&mut self, start: i64, out: &mut [u16]) {
        let width = self.channels * self.components;
        let samples = self.piece_samples as i64;
        let mut done = 0;
        while done < out.len() {
            let at = start + (done / width) as i64;
            let (piece, offset) = (at.div_euclid(samples), at.rem_euclid(samples) as usize);
            if self.piece != Some(piece) {
                self.make(piece);
            }
            let n = ((self.piece_samples - offset) * width).min(out.len() - done);
            out[done..done + n].copy_from_slice(&self.codes[offset * width..][..n]);
            done += n;
        }
    }

    fn make(&mut self, piece: i64) {
        let Self { bits, gain, channels, components, split, inputs, codes, values, .. } = self;
        let start = piece * PIECE as i64;
        let width = *channels * *components;
        for (band, input) in inputs.iter_mut().enumerate() {
            let Some(cutter) = &mut input.cutter else {
                input.receiver.fill(start, &mut values[..PIECE]);
                for (to, &x) in codes[band..].iter_mut().step_by(width).zip(values.iter()) {
                    *to = code(*bits, *gain * x);
                }
                continue;
            };
            let (first, n) = Channels::needs(start);
            input.receiver.fill(first, &mut values[..n]);
            cutter.take(values);
            for part in 0..*split {
                let place = (band * *split + part) * *components;
                let samples = cutter.make(part);
                for (to, z) in codes[place..].chunks_mut(width).zip(samples) {
                    to[0] = code(*bits, *gain * z.re);
                    if *components == 2 {
                        to[1] = code(*bits, *gain * z.im);
                    }
                }
            }
        }
        self.piece = Some(piece);
    }
}
