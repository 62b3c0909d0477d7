//! Reads and writes recordings: VDIF frames, samples by time, validity.
//!
//! Four layers, each knowing only the one before it:
//!
//! | layer | modules | job |
//! |---|---|---|
//! | header | [`header`], [`time`] | the words of a VDIF header, and when its frame was taken |
//! | frame | [`mod@format`], [`levels`], [`decode`], [`encode`] | payload bytes to numbers and back |
//! | recording | [`scan`], [`mod@file`] | where in a file the frames are, by their time stamps |
//! | samples | [`samples`], [`codes`], [`recording`] | samples by their number, with their validity |
//!
//! The correlator sees [`SampleSource`] and [`Samples`] only.

pub mod codes;
pub mod decode;
pub mod encode;
pub mod error;
pub mod file;
pub mod format;
pub mod header;
pub mod levels;
pub mod recording;
pub mod samples;
pub mod scan;
pub mod time;

pub use codes::Codes;
pub use error::BasebandError;
pub use format::FrameFormat;
pub use header::VdifHeader;
pub use levels::Levels;
pub use recording::{Expectation, Recording, RecordingOptions};
pub use samples::{SampleLayout, SampleSource, Samples, Validity};
pub use time::UtcSecond;
