//! Copies a piece of a recording, as VDIF.

use super::super::error::BasebandError;
use super::super::header::{FULL_HEADER_BYTES, VdifHeader};
use super::super::scan::FrameTime;
use super::super::time::UtcSecond;
use super::Recording;
use std::io::{self, Write};

/// Why a piece could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The recording cannot be read.
    #[error(transparent)]
    Read(#[from] BasebandError),
    /// The copy cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl Recording {
    /// Writes the valid frames of all threads that hold samples `start .. start + n` (counted as those of
    /// [`super::SampleSource`]), in the order of time and thread. Frames of VDIF are copied as they are; those of Mark5B get
    /// VDIF headers (of thread 0 and this station) and its order of bits.
    ///
    /// # Errors
    /// What cannot be copied or written, in words.
    pub fn copy_frames(
        &mut self,
        (start, n): (i64, usize),
        station: u16,
        out: &mut dyn Write,
    ) -> Result<(), CopyError> {
        let per_frame = self.format.samples_per_frame() as i64;
        let frames_per_second = self.layout.sample_rate_hz as i64 / per_frame;
        let end = start + n.max(1) as i64;
        let mut header = self.header(station);
        let (first, last) = (start.div_euclid(per_frame), (end - 1).div_euclid(per_frame));
        self.sleep_beside((first, last));
        for slot in first..=last {
            let second = UtcSecond(self.layout.reference.0 + slot.div_euclid(frames_per_second));
            let time = FrameTime { second, number: slot.rem_euclid(frames_per_second) as u32 };
            for thread in &self.threads {
                for timed in self.files.iter_mut().filter(|timed| timed.overlaps((slot, slot))) {
                    let Some(frame) = timed.file.frame(time, *thread)? else { continue };
                    if let Some(header) = &mut header {
                        (header.ref_epoch, header.seconds) = second.to_vdif();
                        header.frame_number = time.number;
                        out.write_all(&header.to_bytes()?)?;
                        out.write_all(&frame[self.format.header_bytes..])?;
                    } else {
                        out.write_all(frame)?;
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// The VDIF header of frames that have none.
    fn header(&self, station: u16) -> Option<VdifHeader> {
        (self.kind != "VDIF").then(|| VdifHeader {
            invalid: false,
            legacy: false,
            seconds: 0,
            unassigned: 0,
            ref_epoch: 0,
            frame_number: 0,
            version: 1,
            log2_channels: self.format.channels.ilog2() as u8,
            frame_bytes: (self.format.frame_bytes - self.format.header_bytes + FULL_HEADER_BYTES) as u32,
            complex: self.format.complex,
            bits: self.format.bits as u8,
            thread: 0,
            station,
            extended: [0; 4],
        })
    }
}
