//! Reads SIGPROC filterbank files: header and powers.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Headers are shorter.
const MOST_HEADER: u64 = 1 << 16;
/// Words of a header whose value is an integer, and those whose value is a number.
const INTEGERS: [&str; 11] = [
    "machine_id",
    "telescope_id",
    "data_type",
    "nchans",
    "nbits",
    "nifs",
    "nbeams",
    "ibeam",
    "barycentric",
    "pulsarcentric",
    "nsamples",
];
const NUMBERS: [&str; 10] =
    ["tstart", "tsamp", "fch1", "foff", "src_raj", "src_dej", "az_start", "za_start", "refdm", "period"];

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum SigprocError {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another format.
    #[error("no filterbank file of SIGPROC")]
    Magic,
    /// The header cannot be understood.
    #[error("header: the word {0:?} is not known")]
    Word(String),
    /// What the header says is not used here.
    #[error("header: {name} of {value} cannot be searched")]
    Value {
        /// The word.
        name: &'static str,
        /// What it says.
        value: f64,
    },
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Filterbank {
    file: File,
    data_at: u64,
    bits: usize,
    /// Channels.
    pub channels: usize,
    /// Whole spectra.
    pub spectra: usize,
    /// Middle of the first channel, Hz.
    pub first_hz: f64,
    /// To the next channel, Hz: negative where frequencies fall.
    pub channel_hz: f64,
    /// Length of a spectrum, s.
    pub spectrum_s: f64,
}

struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SigprocError> {
        let (value, rest) = self.0.split_first_chunk::<N>().ok_or(SigprocError::Magic)?;
        self.0 = rest;
        Ok(*value)
    }

    fn word(&mut self) -> Result<String, SigprocError> {
        let length = i32::from_le_bytes(self.take()?);
        let length =
            usize::try_from(length).ok().filter(|n| *n <= self.0.len()).ok_or(SigprocError::Magic)?;
        let (word, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(String::from_utf8_lossy(word).into_owned())
    }

    fn integer(&mut self) -> Result<f64, SigprocError> {
        Ok(f64::from(i32::from_le_bytes(self.take()?)))
    }
}

impl Filterbank {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, is another format, or holds what cannot be searched.
    pub fn open(path: &Path) -> Result<Self, SigprocError> {
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        (&file).take(MOST_HEADER).read_to_end(&mut bytes)?;
        let mut header = Header(&bytes);
        if header.word()? != "HEADER_START" {
            return Err(SigprocError::Magic);
        }
        let mut found: Vec<(String, f64)> = Vec::new();
        loop {
            let word = header.word()?;
            match word.as_str() {
                "HEADER_END" => break,
                "rawdatafile" | "source_name" => drop(header.word()?),
                "signed" => found.push((word, f64::from(header.take::<1>()?[0]))),
                name if INTEGERS.contains(&name) => found.push((word, header.integer()?)),
                name if NUMBERS.contains(&name) => found.push((word, f64::from_le_bytes(header.take()?))),
                _ => return Err(SigprocError::Word(word)),
            }
        }
        let data_at = (bytes.len() - header.0.len()) as u64;
        let value = |name: &'static str| found.iter().find(|f| f.0 == name).map_or(0.0, |f| f.1);
        let needed = |name: &'static str, usable: &dyn Fn(f64) -> bool| {
            let value = value(name);
            if usable(value) { Ok(value) } else { Err(SigprocError::Value { name, value }) }
        };
        needed("nifs", &|n| n <= 1.0)?;
        let bits = needed("nbits", &|n| [8.0, 16.0, 32.0].contains(&n))? as usize;
        let channels = needed("nchans", &|n| n >= 1.0)? as usize;
        let first_hz = 1e6 * needed("fch1", &f64::is_finite)?;
        let channel_hz = 1e6 * needed("foff", &|x| x.is_finite() && x != 0.0)?;
        let spectrum_s = needed("tsamp", &|x| x.is_finite() && x > 0.0)?;
        let room = file.metadata()?.len().saturating_sub(data_at);
        let spectra = (room / (channels * bits / 8) as u64) as usize;
        Ok(Self { file, data_at, bits, channels, spectra, first_hz, channel_hz, spectrum_s })
    }

    /// Reads powers of a spectrum from a channel on.
    ///
    /// # Errors
    /// The file cannot be read so far.
    pub fn read(&self, spectrum: usize, channel: usize, out: &mut [f32]) -> Result<(), SigprocError> {
        let each = self.bits / 8;
        let at = self.data_at + ((spectrum * self.channels + channel) * each) as u64;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
        if self.bits == 32 {
            self.file.read_exact_at(bytes, at)?;
            out.iter_mut().for_each(|p| *p = f32::from_bits(u32::from_le(p.to_bits())));
            return Ok(());
        }
        let mut packed = vec![0; out.len() * each];
        self.file.read_exact_at(&mut packed, at)?;
        for (p, code) in out.iter_mut().zip(packed.chunks_exact(each)) {
            *p = if let &[low, high] = code {
                f32::from(u16::from_le_bytes([low, high]))
            } else {
                f32::from(code[0])
            };
        }
        Ok(())
    }
}
