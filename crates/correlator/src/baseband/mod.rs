//! Reads and writes recordings: frames of VDIF and Mark5B, samples by time, validity.
//!
//! Five layers, each knowing only the ones before it:
//!
//! | layer | modules | job |
//! |---|---|---|
//! | bytes | [`bytes`], [`mark6`] | one run of bytes of a file, of the parts of a split one, of a scatter-gather set |
//! | header | [`header`], [`mark5b`], [`kind`], [`time`] | the words of a header, and when its frame was taken |
//! | frame | [`mod@format`], [`order`], [`levels`], [`decode`], [`encode`] | payload bytes to numbers and back |
//! | recording | [`scan`], [`mod@file`], [`gather`] | where in a recording the frames are, by their time stamps |
//! | samples | [`samples`], [`codes`], [`recording`], [`shared`] | samples by their number, with their validity |
//!
//! The correlator sees [`SampleSource`] and [`Samples`] only.

pub mod bytes;
pub mod codes;
pub mod decode;
pub mod encode;
pub mod error;
pub mod file;
pub mod format;
pub mod gather;
pub mod header;
pub mod kind;
pub mod levels;
pub mod mark5b;
pub mod mark6;
pub mod order;
pub mod recording;
pub mod samples;
pub mod scan;
pub mod shared;
pub mod time;

pub use codes::Codes;
pub use error::BasebandError;
pub use format::FrameFormat;
pub use header::VdifHeader;
pub use kind::FirstHeader;
pub use levels::Levels;
pub use order::BitOrder;
pub use recording::{Expectation, Recording, RecordingIndex, RecordingOptions};
pub use samples::{SampleLayout, SampleSource, Samples, Validity};
pub use shared::SharedRecording;
pub use time::UtcSecond;
