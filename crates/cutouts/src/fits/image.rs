//! Finds the image of a file and says how its pixels are written.

use super::decode::{Encoding, Pixels};
use super::error::FitsError;
use super::hdu::{Hdu, hdus};
use super::header::Header;
use super::tiles;
use serde::{Deserialize, Serialize};

/// Which HDU of a file holds the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum HduChoice {
    /// The first with an image.
    #[default]
    First,
    /// By its number, from 0.
    Number(usize),
    /// By its EXTNAME.
    Name(String),
}

/// Pixels of an image, from 1 and with both ends as FITS has it: `[x0:x1, y0:y1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// First and last column.
    pub x: [usize; 2],
    /// First and last row.
    pub y: [usize; 2],
}

/// A two-dimensional image, or the planes of a cube; further axes follow one another.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// The number of its HDU, from 0.
    pub hdu: usize,
    /// Its header; for images in tiles that of the table.
    pub header: Header<'a>,
    /// Pixels along the first axis.
    pub width: usize,
    /// Pixels along the second axis.
    pub height: usize,
    /// Images of that size, one after the other: the product of the further axes.
    pub planes: usize,
    /// The plane that [`Image::row`] takes, from 0.
    plane: usize,
    /// Its pixels, row after row, plane after plane.
    pub pixels: Pixels<'a>,
    /// Whether its checksums were there and right.
    pub is_verified: bool,
}

fn is_tiled(header: &Header<'_>) -> bool {
    header.logical("ZIMAGE") == Some(true)
}

fn has_image(hdu: &Hdu<'_>) -> bool {
    let kind = hdu.header.text("XTENSION");
    let is_image = hdu.index == 0 || kind.as_deref() == Some("IMAGE");
    is_tiled(&hdu.header) || is_image && !hdu.data.is_empty()
}

impl<'a> Image<'a> {
    /// The image of a file that has been unpacked.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn of(bytes: &'a [u8], choice: &HduChoice) -> Result<Self, FitsError> {
        let hdu = find(bytes, choice)?;
        let tiled = is_tiled(&hdu.header);
        let [width, height, planes] = shape(&hdu, if tiled { "ZNAXIS" } else { "NAXIS" })?;
        let count = width * height * planes;
        let encoding = encoding(&hdu, tiled)?;
        let pixels = if tiled {
            tiles::read_tiles(bytes, &hdu, encoding)?
        } else {
            Pixels::Stored(&bytes[hdu.data.clone()], encoding)
        };
        // PCOUNT and GCOUNT could make the data longer or shorter than the axes say.
        if pixels.len() < count {
            return Err(hdu.wrong("GCOUNT", "makes the data shorter than the axes say"));
        }
        let (header, hdu) = (hdu.header, hdu.index);
        Ok(Self { hdu, header, width, height, planes, plane: 0, pixels, is_verified: false })
    }

    /// Takes a plane of a cube, from 1; 0 for the only one.
    ///
    /// # Errors
    /// [`FitsError::Plane`] where there is no such plane, or where 0 leaves it open which.
    pub fn choose_plane(&mut self, plane: usize) -> Result<(), FitsError> {
        if plane > self.planes || plane == 0 && self.planes > 1 {
            return Err(FitsError::Plane { planes: self.planes, wanted: plane });
        }
        self.plane = plane.saturating_sub(1);
        Ok(())
    }

    /// Pixels `x0..x0 + out.len()` of a row of the chosen plane, all from 0.
    pub fn row<P: super::decode::Pixel>(&self, x0: usize, y: usize, out: &mut [P]) {
        self.pixels.read((self.plane * self.height + y) * self.width + x0, out);
    }

    /// The part of the image that a section names: first column, first row, width, height, from 0.
    ///
    /// # Errors
    /// [`FitsError::Section`] where the image does not have it.
    pub fn part(&self, section: Option<Section>) -> Result<[usize; 4], FitsError> {
        let Some(Section { x, y }) = section else { return Ok([0, 0, self.width, self.height]) };
        let inside = |[from, to]: [usize; 2], length| 1 <= from && from <= to && to <= length;
        if inside(x, self.width) && inside(y, self.height) {
            return Ok([x[0] - 1, y[0] - 1, x[1] + 1 - x[0], y[1] + 1 - y[0]]);
        }
        let section = format!("[{}:{}, {}:{}]", x[0], x[1], y[0], y[1]);
        Err(FitsError::Section { section, width: self.width, height: self.height })
    }
}

/// The HDU that is asked for; those after it are not looked at.
pub(crate) fn find<'a>(bytes: &'a [u8], choice: &HduChoice) -> Result<Hdu<'a>, FitsError> {
    for hdu in hdus(bytes) {
        let hdu = hdu?;
        let is_it = match choice {
            HduChoice::First => has_image(&hdu),
            HduChoice::Number(number) => hdu.index == *number,
            HduChoice::Name(name) => hdu.header.text("EXTNAME").is_some_and(|n| n.eq_ignore_ascii_case(name)),
        };
        if is_it && has_image(&hdu) {
            return Ok(hdu);
        }
    }
    let wanted = match choice {
        HduChoice::First => "any HDU".to_owned(),
        HduChoice::Number(number) => format!("HDU {number}"),
        HduChoice::Name(name) => format!("an HDU with EXTNAME {name}"),
    };
    Err(FitsError::NoImage { wanted })
}

/// Width, height, and the number of such images.
fn shape(hdu: &Hdu<'_>, prefix: &str) -> Result<[usize; 3], FitsError> {
    let length = |axis: i64| {
        let keyword = format!("{prefix}{axis}");
        let value = hdu.header.integer(&keyword).ok_or_else(|| hdu.wrong(&keyword, "is missing"))?;
        usize::try_from(value).ok().filter(|n| (1..1 << 28).contains(n)).ok_or_else(|| {
            hdu.wrong(&keyword, format!("is {value}: not a number of pixels that an image can have"))
        })
    };
    let naxis = hdu.header.integer(prefix).ok_or_else(|| hdu.wrong(prefix, "is missing"))?;
    if !(2..=999).contains(&naxis) {
        return Err(hdu.wrong(prefix, format!("is {naxis}: an image has two axes")));
    }
    let mut shape = [length(1)?, length(2)?, 1];
    for axis in 3..=naxis {
        shape[2] = shape[2].saturating_mul(length(axis)?);
    }
    let pixels = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
    if pixels.is_none_or(|n| n > 1 << 32) {
        return Err(hdu.wrong(prefix, "makes more than 2^32 pixels"));
    }
    Ok(shape)
}

fn encoding(hdu: &Hdu<'_>, tiled: bool) -> Result<Encoding, FitsError> {
    let header = &hdu.header;
    let keyword = if tiled { "ZBITPIX" } else { "BITPIX" };
    let bitpix = header.integer(keyword).ok_or_else(|| hdu.wrong(keyword, "is missing"))?;
    if ![8, 16, 32, 64, -32, -64].contains(&bitpix) {
        return Err(hdu.wrong(keyword, format!("is {bitpix}, not 8, 16, 32, 64, -32 or -64")));
    }
    let number = |keyword: &str, absent: f64| match header.real(keyword) {
        Some(value) => Ok(value),
        // An undefined value is none; a value that is no number is a mistake.
        None if header.text(keyword).is_none() => Ok(absent),
        None => Err(hdu.wrong(keyword, "is not a number")),
    };
    let blank = if bitpix > 0 { header.integer("BLANK") } else { None };
    let blank = if tiled && bitpix > 0 { blank.or(header.integer("ZBLANK")) } else { blank };
    Ok(Encoding { bitpix, scale: number("BSCALE", 1.0)?, zero: number("BZERO", 0.0)?, blank })
}
