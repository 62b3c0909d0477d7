//! The oracle of the tests: cfitsio reads an image in tiles out of memory, with NaN for every null.
//!
//! The raw pointer is needed: the safe wrapper passes no null value, and cfitsio then leaves whatever number the null decodes to.

use super::super::decode::{Encoding, Pixels};
use super::super::error::FitsError;
use fitsio_sys::{ffclos, ffcmsg, ffgerr, ffgpxvll, ffmahd, ffomem, ffpscl, fitsfile};
use std::os::raw::{c_char, c_int, c_long, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

const READ_ONLY: c_int = 0;
const TINT: c_int = 31;
const TLONG: c_int = 41;
const TFLOAT: c_int = 42;
const TDOUBLE: c_int = 82;

/// cfitsio keeps tables of open files and messages for the whole process; builds of it may not lock them.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A file in memory that is open in cfitsio.
struct Open<'a> {
    file: *mut fitsfile,
    // cfitsio keeps pointers to these two as long as the file is open.
    _place: Box<(*mut c_void, usize)>,
    _bytes: &'a [u8],
    _lock: MutexGuard<'static, ()>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the file has been opened by ffomem and is closed once, here; nothing is written to it.
        unsafe { ffclos(self.file, &raw mut status) };
    }
}

/// The message of a status, on which the stack of messages is emptied.
fn problem(status: c_int) -> FitsError {
    let mut text = [0 as c_char; 64];
    // SAFETY: ffgerr writes at most 31 characters (FLEN_STATUS) with a final zero; ffcmsg takes nothing.
    unsafe {
        ffgerr(status, text.as_mut_ptr());
        ffcmsg();
    }
    let letters = text.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect::<Vec<_>>();
    let problem = format!("{} (cfitsio status {status})", String::from_utf8_lossy(&letters));
    FitsError::Decode { what: "an image in tiles", problem }
}

impl<'a> Open<'a> {
    fn at(bytes: &'a [u8], hdu: usize) -> Result<Self, FitsError> {
        let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = Box::new((bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len()));
        let (mut file, mut status) = (ptr::null_mut(), 0);
        // SAFETY: the name ends with a zero; address and length describe `bytes`, which outlive the file, as does the box
        // that holds them; opened for reading with no function to reallocate, cfitsio neither writes to nor moves them.
        unsafe {
            let (address, length) = (&raw mut place.0, &raw mut place.1);
            ffomem(&raw mut file, c"tiles".as_ptr(), READ_ONLY, address, length, 0, None, &raw mut status);
        }
        if status != 0 || file.is_null() {
            return Err(problem(status));
        }
        let open = Self { file, _place: place, _bytes: bytes, _lock: lock };
        let number = c_int::try_from(hdu + 1).unwrap_or(c_int::MAX);
        // SAFETY: the file is open; a null pointer means that the kind of the HDU is not wanted.
        unsafe { ffmahd(open.file, number, ptr::null_mut(), &raw mut status) };
        if status == 0 { Ok(open) } else { Err(problem(status)) }
    }

    /// Reads `out.len()` pixels of the cfitsio type `kind`, which must be the one of T; `null` stands for nulls.
    fn read<T>(&self, kind: c_int, out: &mut [T], null: Option<T>) -> Result<(), FitsError> {
        // The axes that an image can have beyond two are of length 1.
        let mut first = [1; 999];
        let (mut any, mut status) = (0, 0);
        let mut null = null;
        let null = null.as_mut().map_or(ptr::null_mut(), |n| ptr::from_mut(n).cast::<c_void>());
        let count = i64::try_from(out.len()).unwrap_or(i64::MAX);
        // SAFETY: `first` has a number for each of up to 999 axes; `null` is null or points to a T; `out` has room for
        // `count` values of type T, which `kind` names; the file is open.
        unsafe {
            let array = out.as_mut_ptr().cast::<c_void>();
            ffgpxvll(self.file, kind, first.as_mut_ptr(), count, null, array, &raw mut any, &raw mut status);
        }
        if status == 0 { Ok(()) } else { Err(problem(status)) }
    }

    /// Makes cfitsio hand out stored integers.
    fn unscaled(&self) -> Result<(), FitsError> {
        let mut status = 0;
        // SAFETY: the file is open.
        unsafe { ffpscl(self.file, 1.0, 0.0, &raw mut status) };
        if status == 0 { Ok(()) } else { Err(problem(status)) }
    }
}

/// Unpacks the `count` pixels of the image in tiles in HDU `hdu`, counted from 0.
///
/// # Errors
/// [`FitsError::Decode`] with what cfitsio says.
pub(super) fn read(
    bytes: &[u8],
    hdu: usize,
    count: usize,
    encoding: Encoding,
) -> Result<Pixels<'static>, FitsError> {
    let open = Open::at(bytes, hdu)?;
    match encoding.bitpix {
        -32 => {
            let mut single = vec![0f32; count];
            open.read(TFLOAT, &mut single, Some(f32::NAN))?;
            Ok(Pixels::Numbers(single.into_iter().map(f64::from).collect()))
        }
        -64 => {
            let mut double = vec![0f64; count];
            open.read(TDOUBLE, &mut double, Some(f64::NAN))?;
            Ok(Pixels::Numbers(double))
        }
        // Tiles are not unpacked to long long integers.
        64 => {
            open.unscaled()?;
            let mut stored: Vec<c_long> = vec![0; count];
            open.read(TLONG, &mut stored, None)?;
            Ok(Pixels::Integers(stored, encoding))
        }
        _ => {
            open.unscaled()?;
            let mut stored: Vec<c_int> = vec![0; count];
            open.read(TINT, &mut stored, None)?;
            Ok(Pixels::Integers(stored.into_iter().map(i64::from).collect(), encoding))
        }
    }
}
