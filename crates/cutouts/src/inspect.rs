//! Tells what FITS files hold, and writes their pixels as arrays.

use crate::fits::{FitsError, HduChoice, Image, hdus, unpack, verify};
use crate::shard::npy_header;
use mirinae_common::atomic;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// What a file holds.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
}

/// What an image is like.
#[derive(Debug, Serialize)]
pub struct ImageFacts {
    /// HDU, from 0.
    pub hdu: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Planes of a cube; 1 for an image.
    pub planes: usize,
    /// Pixels that are no finite number.
    pub nulls: usize,
    /// The least value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// What its checksums say.
    pub checksum: &'static str,
}

/// Looks at a file; its pixels go to `npy` in double precision (row, column; plane before them where there are several), nulls as NaN.
///
/// # Errors
/// Where the array cannot be written; what is wrong with the file is in the answer.
pub fn inspect(
    path: &Path,
    choice: &HduChoice,
    npy: Option<&Path>,
) -> Result<Inspection, atomic::WriteError> {
    let file = path.display().to_string();
    let failed = |error: String| Inspection { file: file.clone(), error: Some(error), image: None };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(failed(error.to_string())),
    };
    match look(&bytes, choice) {
        Err(error) => Ok(failed(error.to_string())),
        Ok((facts, values)) => {
            if let Some(npy) = npy {
                atomic::write(npy, |out| {
                    let shape = [facts.planes, facts.height, facts.width];
                    let shape = if facts.planes > 1 { &shape[..] } else { &shape[1..] };
                    out.write_all(&npy_header("<f8", shape))?;
                    values.iter().try_for_each(|v| out.write_all(&v.to_le_bytes()))
                })?;
            }
            Ok(Inspection { file, error: None, image: Some(facts) })
        }
    }
}

fn look(bytes: &[u8], choice: &HduChoice) -> Result<(ImageFacts, Vec<f64>), FitsError> {
    let unpacked = unpack(bytes)?;
    let image = Image::of(&unpacked, choice)?;
    let mut values = vec![0f64; image.width * image.height * image.planes];
    image.pixels.read(0, &mut values);
    let finite = values.iter().copied().filter(|v| v.is_finite());
    let checksum = match hdus(&unpacked).nth(image.hdu) {
        Some(Ok(hdu)) => match verify(&unpacked, &hdu) {
            crate::fits::Verdict::Absent => "absent",
            crate::fits::Verdict::Right => "right",
            crate::fits::Verdict::WrongData => "wrong",
            crate::fits::Verdict::WrongHeader => "wrong header",
        },
        _ => "absent",
    };
    let facts = ImageFacts {
        hdu: image.hdu,
        width: image.width,
        height: image.height,
        planes: image.planes,
        nulls: values.iter().filter(|v| !v.is_finite()).count(),
        least: finite.clone().fold(f64::INFINITY, f64::min),
        most: finite.fold(f64::NEG_INFINITY, f64::max),
        checksum,
    };
    Ok((facts, values))
}
