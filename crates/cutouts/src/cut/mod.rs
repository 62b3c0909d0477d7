//! Makes the arrays of one galaxy from the bytes of its files.

mod band;
#[cfg(test)]
mod tests;
mod thumbnail;

pub use thumbnail::THUMB;

use crate::config::{Incomplete, Settings, SkyUse};
use crate::fits::FitsError;
use crate::kernel::components::{self, Detection, mark_foreground};
use crate::kernel::{bits, nulls, planes, sky};
use crate::plan::Galaxy;
use crate::wcs::WcsError;

/// Why a file or an object is not used, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no such file.
    Missing,
    /// It cannot be opened or read.
    Open,
    /// It ends too early.
    Truncated,
    /// Its header is wrong.
    Header,
    /// Its pixels cannot be decoded.
    Decode,
    /// Its checksum is wrong.
    Checksum,
    /// A block of it is exactly zero.
    Zeros,
    /// Its image has another size than the other bands', or not the section.
    Size,
    /// Too many pixels are null.
    Nulls,
    /// Its WCS is missing or wrong.
    Wcs,
    /// The object misses bands.
    Incomplete,
}

impl Reason {
    /// As it stands in the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Open => "open",
            Self::Truncated => "truncated",
            Self::Header => "header",
            Self::Decode => "decode",
            Self::Checksum => "checksum",
            Self::Zeros => "zeros",
            Self::Size => "size",
            Self::Nulls => "nulls",
            Self::Wcs => "wcs",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What is wrong with a band's file, or (without a band) with the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// The band.
    pub band: Option<usize>,
    /// In one word.
    pub reason: Reason,
    /// The message.
    pub detail: String,
}

/// A band that cannot be used.
type BandError = (Reason, String);

fn fits_error(error: FitsError) -> BandError {
    let reason = match error {
        FitsError::Empty | FitsError::Truncated { .. } | FitsError::NoEnd { .. } => Reason::Truncated,
        FitsError::NotFits { .. } | FitsError::Header { .. } | FitsError::NoImage { .. } => Reason::Header,
        FitsError::Section { .. } | FitsError::Plane { .. } => Reason::Size,
        FitsError::Decode { .. } => Reason::Decode,
    };
    (reason, error.to_string())
}

fn wcs_error(error: WcsError) -> BandError {
    (Reason::Wcs, error.to_string())
}

/// What there is of a band's file.
#[derive(Debug, Clone, Copy)]
pub enum FileBytes<'a> {
    /// Its bytes.
    Read(&'a [u8]),
    /// It is not there, or cannot be read.
    Unreadable(Reason, &'a str),
}

/// What is known of a band besides its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandFacts {
    /// Level of the sky (files' units); NaN where it was not measured.
    pub sky: f32,
    /// Noise of a pixel.
    pub noise: f32,
    /// Width of the point spread function, as the header has it; NaN where it does not.
    pub psf: f32,
    /// Null pixels.
    pub nulls: u32,
    /// Saturated pixels.
    pub saturated: u32,
    /// Whether the band is there.
    pub is_there: bool,
}

const NOTHING: BandFacts =
    BandFacts { sky: f32::NAN, noise: f32::NAN, psf: f32::NAN, nulls: 0, saturated: 0, is_there: false };

/// The arrays of one galaxy; letters at the end of a name are its axes: b band, p pixel.
#[derive(Debug, Clone)]
pub struct Cut {
    /// Values, zero where there is nothing.
    pub image_bp: Vec<f32>,
    /// Bits of [`bits`].
    pub mask_bp: Vec<u8>,
    /// Facts of each band.
    pub facts_b: Vec<BandFacts>,
    /// Foreground objects.
    pub foreground: usize,
    /// Whether the galaxy can be used.
    pub is_used: bool,
    /// What is wrong.
    pub troubles: Vec<Trouble>,
}

/// Makes galaxy after galaxy in the same memory.
pub struct Cutter<'a> {
    settings: &'a Settings,
    cut: Cut,
    shape: Option<[usize; 2]>,
    source: Vec<f32>,
    sample: Vec<f32>,
    plane: Vec<f32>,
    labels: components::Scratch,
}

impl<'a> Cutter<'a> {
    /// For galaxies of these settings.
    pub fn new(settings: &'a Settings) -> Self {
        let (bands, pixels) = (settings.bands.len(), settings.size * settings.size);
        let cut = Cut {
            image_bp: vec![0.0; bands * pixels],
            mask_bp: vec![0; bands * pixels],
            facts_b: vec![NOTHING; bands],
            foreground: 0,
            is_used: true,
            troubles: Vec::new(),
        };
        let (source, sample, plane) = (Vec::new(), Vec::new(), vec![0.0; pixels]);
        Self { settings, cut, shape: None, source, sample, plane, labels: components::Scratch::default() }
    }

    /// The galaxy as it is now.
    pub fn cut(&self) -> &Cut {
        &self.cut
    }

    /// Makes the arrays with linear values from the bytes of the bands' files.
    pub fn make(&mut self, galaxy: &Galaxy, files_b: &[FileBytes<'_>]) {
        self.cut.troubles.clear();
        self.cut.is_used = true;
        self.cut.foreground = 0;
        self.shape = None;
        for (band, file) in files_b.iter().enumerate() {
            let made = match *file {
                FileBytes::Read(bytes) => self.band(band, galaxy, bytes),
                FileBytes::Unreadable(reason, detail) => Err((reason, detail.to_owned())),
            };
            if let Err((reason, detail)) = made {
                self.clear_band(band);
                self.cut.troubles.push(Trouble { band: Some(band), reason, detail });
            }
        }
        let there = self.cut.facts_b.iter().filter(|f| f.is_there).count();
        let bands = self.settings.bands.len();
        if there == 0 || there < bands && self.settings.incomplete == Incomplete::Reject {
            (0..bands).for_each(|band| self.clear_band(band));
            self.cut.is_used = false;
            let detail = format!("{there} of {bands} bands can be used");
            self.cut.troubles.push(Trouble { band: None, reason: Reason::Incomplete, detail });
        } else if self.settings.foreground {
            self.mark_foreground();
        }
    }

    /// Turns the linear values into what is stored; `done` gets the values and the mask of each band that is there.
    pub fn finish(&mut self, mut done: impl FnMut(usize, &[f32], &[u8])) {
        let Cut { image_bp, mask_bp, facts_b, is_used, .. } = &mut self.cut;
        let pixels = self.plane.len();
        if *is_used {
            planes::apply(&self.settings.planes, image_bp, &mut self.plane, |band, values| {
                if facts_b[band].is_there {
                    done(band, values, &mask_bp[band * pixels..][..pixels]);
                }
            });
        }
    }

    fn clear_band(&mut self, band: usize) {
        let range = self.range(band);
        self.cut.image_bp[range.clone()].fill(0.0);
        self.cut.mask_bp[range].fill(bits::MISSING);
        self.cut.facts_b[band] = NOTHING;
    }

    fn range(&self, band: usize) -> std::ops::Range<usize> {
        let pixels = self.settings.size * self.settings.size;
        band * pixels..(band + 1) * pixels
    }

    /// Marks nulls and saturation, measures the sky, fills the nulls.
    fn clean(&mut self, band: usize) -> Result<(), BandError> {
        let (settings, range) = (self.settings, self.range(band));
        let (pixels, mask) = (&mut self.cut.image_bp[range.clone()], &mut self.cut.mask_bp[range]);
        let nulls = nulls::mark(pixels, mask);
        let policy = settings.nulls_b[band];
        let padded = mask.iter().fold(0u32, |n, bits| n + u32::from(bits & bits::PADDED != 0));
        let inside = mask.len() - padded as usize;
        if inside == 0 {
            return Err((Reason::Size, "the image does not reach into the cutout".to_owned()));
        }
        let fraction = nulls as f64 / inside as f64;
        if fraction > settings.max_null_fraction || policy == nulls::NullPolicy::Reject && nulls > 0 {
            return Err((Reason::Nulls, format!("{nulls} of {inside} pixels are null")));
        }
        let mut saturated = 0;
        if settings.saturation_b[band] < f32::MAX {
            let level = settings.saturation_b[band];
            for (pixel, bits) in pixels.iter().zip(mask.iter_mut()) {
                let is_saturated = *pixel >= level;
                *bits |= u8::from(is_saturated) * bits::SATURATED;
                saturated += u32::from(is_saturated);
            }
        }
        let facts = &mut self.cut.facts_b[band];
        let mut level = 0.0;
        if settings.sky != SkyUse::Ignore {
            let found = sky::sky(pixels, mask, &mut self.sample);
            (facts.sky, facts.noise) = (found.level, found.noise);
            level = if found.level.is_finite() { found.level } else { 0.0 };
        }
        if settings.sky == SkyUse::Subtract && level != 0.0 {
            for (pixel, bits) in pixels.iter_mut().zip(mask.iter()) {
                if bits & bits::PADDED == 0 {
                    *pixel -= level;
                }
            }
            level = 0.0;
        }
        if nulls > 0 {
            nulls::fill(policy, pixels, mask, settings.size, level);
        }
        (facts.nulls, facts.saturated, facts.is_there) = (nulls as u32, saturated, true);
        Ok(())
    }

    /// Objects on the mean of the bands, each in units of its noise.
    fn mark_foreground(&mut self) {
        let settings = self.settings;
        self.plane.fill(0.0);
        let mut bands = 0;
        for band in 0..settings.bands.len() {
            let facts = self.cut.facts_b[band];
            if !(facts.is_there && facts.noise > 0.0) {
                continue;
            }
            bands += 1;
            let level = if settings.sky == SkyUse::Subtract { 0.0 } else { facts.sky };
            let pixels = &self.cut.image_bp[self.range(band)];
            let mask = &self.cut.mask_bp[self.range(band)];
            for ((sum, pixel), bits) in self.plane.iter_mut().zip(pixels).zip(mask) {
                let good = bits & (bits::NULL | bits::PADDED) == 0;
                *sum += if good { (pixel - level) / facts.noise } else { 0.0 };
            }
        }
        if bands == 0 {
            return;
        }
        // The noise of a sum of n bands is the root of n.
        let threshold = settings.foreground_sigma * (bands as f32).sqrt();
        let reach = (settings.size as f32 * 0.05).max(2.0);
        let detection = Detection { threshold, pixels: settings.foreground_pixels, reach };
        let mask = &mut self.cut.mask_bp;
        self.cut.foreground = mark_foreground(&self.plane, settings.size, detection, mask, &mut self.labels);
    }
}
