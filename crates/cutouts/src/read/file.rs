//! Reads one small file: open, read, close, and again where the error can go away.

use crate::fits::is_complete;
use mirinae_common::fault;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// Room for a file whose size is not known: more than most cutouts take.
const FIRST_BYTES: usize = 256 << 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How it went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum State {
    /// The bytes are there.
    #[default]
    Read,
    /// No path was known for it.
    Absent,
    /// The system says that there is no such file.
    NotFound,
    /// It cannot be read, and will not be readable later.
    Refused(String),
    /// It could not be read, again and again: a network that is down, a disk that fails.
    Failed(String),
}

/// A file's bytes, or why there are none. The memory is used again for the next file.
#[derive(Debug, Default)]
pub struct FileRead {
    buffer: Vec<u8>,
    length: usize,
    state: State,
}

/// What there is of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// No path was known for it.
    Absent,
    /// The system says that there is no such file.
    NotFound,
    /// It cannot be read, and why.
    Refused(&'a str),
    /// It could not be read although it was tried again: the volume is in trouble.
    Failed(&'a str),
}

impl FileRead {
    /// What there is.
    pub fn content(&self) -> Content<'_> {
        match &self.state {
            State::Read => Content::Bytes(&self.buffer[..self.length]),
            State::Absent => Content::Absent,
            State::NotFound => Content::NotFound,
            State::Refused(why) => Content::Refused(why),
            State::Failed(why) => Content::Failed(why),
        }
    }

    /// No path is known.
    pub fn set_absent(&mut self) {
        self.state = State::Absent;
    }
}

/// Whether an error can go away by itself, by Linux's number: EINTR, EIO, EAGAIN, EBUSY, ENFILE, EMFILE, ENETDOWN,
/// ENETUNREACH, ECONNABORTED, ECONNRESET, ENOTCONN, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ESTALE, EREMOTEIO.
fn is_transient(error: &io::Error) -> bool {
    const NUMBERS: [i32; 16] = [4, 5, 11, 16, 23, 24, 100, 101, 103, 104, 107, 110, 112, 113, 116, 121];
    error.raw_os_error().is_some_and(|number| NUMBERS.contains(&number))
        || error.kind() == io::ErrorKind::Other
}

/// Reads a whole file into `into`, trying up to `attempts` times where the error can go away.
pub fn read_file(path: &Path, attempts: u32, into: &mut FileRead) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match once(path, &mut into.buffer) {
            Ok(length) => {
                (into.length, into.state) = (length, State::Read);
                return;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                into.state = State::NotFound;
                return;
            }
            Err(error) if is_transient(&error) && attempt < attempts => {
                tracing::debug!(path = %path.display(), %error, attempt, "will be read again");
                std::thread::sleep(pause);
                pause *= 2;
            }
            Err(error) => {
                let why = error.to_string();
                into.state = if is_transient(&error) { State::Failed(why) } else { State::Refused(why) };
                return;
            }
        }
    }
}

/// Returns the number of bytes. A read that fills less than its room, after which a FITS file is complete, was the last: asking
/// for the end would be one more request.
fn once(path: &Path, buffer: &mut Vec<u8>) -> io::Result<usize> {
    fault::pass("read").map_err(io::Error::other)?;
    let mut file = File::open(path)?;
    if buffer.is_empty() {
        // Zeros of the system's: what is never read into is never touched.
        *buffer = vec![0; FIRST_BYTES];
    }
    let mut length = 0;
    loop {
        let room = buffer.len() - length;
        let got = file.read(&mut buffer[length..])?;
        length += got;
        if got == 0 || got < room && is_complete(&buffer[..length]) {
            return Ok(length);
        }
        if length == buffer.len() {
            buffer.resize(2 * length, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_length_are_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = FileRead::default();
        for length in [0, 1, FIRST_BYTES - 1, FIRST_BYTES, FIRST_BYTES + 1, 3 * FIRST_BYTES, 10] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            read_file(&path, 1, &mut file);
            assert_eq!(file.content(), Content::Bytes(&bytes));
        }
        read_file(&dir.path().join("gone"), 3, &mut file);
        assert_eq!(file.content(), Content::NotFound);
        read_file(dir.path(), 3, &mut file);
        assert!(matches!(file.content(), Content::Refused(_)));
    }

    #[test]
    fn errors_that_go_away_are_known() {
        let is = |number| is_transient(&io::Error::from_raw_os_error(number));
        assert!(is(5) && is(107) && is(116) && is(110));
        assert!(!is(2) && !is(13) && !is(21) && !is(36));
    }
}
