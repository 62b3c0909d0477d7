//! Puts the image of one band on the galaxy's grid.

use super::{BandError, Cutter, NOTHING, Reason, fits_error, wcs_error};
use crate::config::{Align, Settings, Zeros};
use crate::fits::{self, Image, Pixels, Verdict};
use crate::kernel::bits;
use crate::kernel::nulls::longest_zero_run;
use crate::kernel::resample::{Nodes, Resampler, Source, resample};
use crate::plan::Galaxy;
use crate::wcs::{self, ImageWcs};

/// A lost block of a disk or of a network file system is at least as long.
const LOST_BLOCK_BYTES: usize = 4096;

impl Cutter<'_> {
    /// Decodes, checks, places and cleans a band.
    pub(super) fn band(&mut self, band: usize, galaxy: &Galaxy, bytes: &[u8]) -> Result<(), BandError> {
        let settings = self.settings;
        let unpacked = fits::unpack(bytes).map_err(fits_error)?;
        let mut image = Image::of(&unpacked, &settings.hdu).map_err(fits_error)?;
        if settings.checksums {
            check_sums(&unpacked, &mut image)?;
        }
        image.choose_plane(settings.plane).map_err(fits_error)?;
        check_zeros(&image, settings)?;
        let part = image.part(settings.section).map_err(fits_error)?;
        self.cut.facts_b[band] = NOTHING;
        let psf = settings.psf_keywords.iter().find_map(|keyword| image.header.real(keyword));
        self.cut.facts_b[band].psf = psf.map_or(f32::NAN, |width| width as f32);
        if settings.align != Align::Pixels {
            self.align(band, galaxy, &image, part)?;
        } else {
            let shape = [part[2], part[3]];
            let first = *self.shape.get_or_insert(shape);
            if first != shape {
                let detail = format!(
                    "{} x {} pixels, other bands have {} x {}",
                    shape[0], shape[1], first[0], first[1]
                );
                return Err((Reason::Size, detail));
            }
            self.place(band, &image, part);
        }
        self.clean(band)
    }

    /// Cuts the middle out of the image, or pads it.
    fn place(&mut self, band: usize, image: &Image<'_>, [x0, y0, width, height]: [usize; 4]) {
        let (size, range) = (self.settings.size, self.range(band));
        let (pixels, mask) = (&mut self.cut.image_bp[range.clone()], &mut self.cut.mask_bp[range]);
        if [x0, y0] == [0, 0] && [width, height] == [size, size] && image.width == size {
            mask.fill(0);
            // All rows at once: they follow one another.
            image.row(0, 0, pixels);
            return;
        }
        pixels.fill(0.0);
        mask.fill(bits::PADDED);
        let columns = overlap(width, size);
        let rows = overlap(height, size);
        for row in 0..rows.length {
            let start = (rows.to + row) * size + columns.to;
            let target = start..start + columns.length;
            image.row(x0 + columns.from, y0 + rows.from + row, &mut pixels[target.clone()]);
            mask[target].fill(0);
        }
    }

    /// Takes the values at the positions of a grid around the galaxy: tangent plane, north up, east left.
    fn align(
        &mut self,
        band: usize,
        galaxy: &Galaxy,
        image: &Image<'_>,
        [x0, y0, width, height]: [usize; 4],
    ) -> Result<(), BandError> {
        let settings = self.settings;
        let wcs = ImageWcs::of(&image.header).map_err(wcs_error)?;
        let step_deg = settings.pixel_arcsec / 3600.0;
        let centre = (settings.size - 1) as f64 / 2.0;
        let place = |x: f64, y: f64| {
            let (east, north) = ((centre - x) * step_deg, (y - centre) * step_deg);
            let (ra_deg, dec_deg) = wcs::offset(galaxy.ra_deg, galaxy.dec_deg, east, north);
            let [x, y] = wcs.pixel(ra_deg, dec_deg)?;
            Ok([x - x0 as f64, y - y0 as f64])
        };
        let nodes = Nodes::new(settings.size, place).map_err(wcs_error)?;
        self.source.resize(width * height, 0.0);
        for (row, pixels) in self.source.chunks_exact_mut(width).enumerate() {
            image.row(x0, y0 + row, pixels);
        }
        let kind = if settings.align == Align::Bilinear { Resampler::Bilinear } else { Resampler::Lanczos3 };
        let range = self.range(band);
        let (pixels, mask) = (&mut self.cut.image_bp[range.clone()], &mut self.cut.mask_bp[range]);
        mask.fill(0);
        resample(Source { pixels: &self.source, width }, &nodes, kind, settings.size, pixels, mask);
        if settings.conserve_flux {
            let area = wcs.pixel_area_arcsec2(galaxy.ra_deg, galaxy.dec_deg).map_err(wcs_error)?;
            let factor = (settings.pixel_arcsec * settings.pixel_arcsec / area) as f32;
            pixels.iter_mut().for_each(|pixel| *pixel *= factor);
        }
        Ok(())
    }
}

/// How a length lies in another, middle on middle.
struct Overlap {
    from: usize,
    to: usize,
    length: usize,
}

fn overlap(source: usize, target: usize) -> Overlap {
    if source >= target {
        Overlap { from: (source - target) / 2, to: 0, length: target }
    } else {
        Overlap { from: 0, to: (target - source) / 2, length: source }
    }
}

fn check_sums(bytes: &[u8], image: &mut Image<'_>) -> Result<(), BandError> {
    let Some(Ok(hdu)) = fits::hdus(bytes).nth(image.hdu) else { return Ok(()) };
    match fits::verify(bytes, &hdu) {
        Verdict::Absent => {}
        // A header that was edited is common, and does no harm to the pixels.
        Verdict::Right | Verdict::WrongHeader => image.is_verified = hdu.header.has("DATASUM"),
        Verdict::WrongData => {
            return Err((
                Reason::Checksum,
                format!(
                    "HDU {}: its data are not those that DATASUM was made of (a cutout that kept its parent's DATASUM: input.checksums = false)",
                    image.hdu
                ),
            ));
        }
    }
    Ok(())
}

/// Floating-point images of the sky have noise: a block of exact zeros has been lost.
fn check_zeros(image: &Image<'_>, settings: &Settings) -> Result<(), BandError> {
    let Pixels::Stored(bytes, encoding) = &image.pixels else { return Ok(()) };
    if settings.zeros == Zeros::Accept || image.is_verified || encoding.bitpix > 0 {
        return Ok(());
    }
    let run = longest_zero_run(bytes);
    if run < LOST_BLOCK_BYTES {
        return Ok(());
    }
    Err((Reason::Zeros, format!("{run} bytes of its pixels are exactly zero, one after the other")))
}
