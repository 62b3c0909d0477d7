//! One recording that several readers share: what it holds in memory serves all of them.

use super::codes::Codes;
use super::error::BasebandError;
use super::recording::Recording;
use super::samples::{SampleLayout, SampleSource, Samples};
use std::cell::RefCell;
use std::rc::Rc;

/// A reader of a shared recording, with channels of its own that are wanted.
#[derive(Debug, Clone)]
pub struct SharedRecording {
    recording: Rc<RefCell<Recording>>,
    layout: SampleLayout,
    has_codes: bool,
    wanted: Vec<bool>,
}

impl SharedRecording {
    /// A first reader; its clones are others.
    pub fn new(recording: Recording) -> Self {
        let (layout, has_codes) = (recording.layout().clone(), recording.has_codes());
        let wanted = vec![true; layout.channels];
        Self { recording: Rc::new(RefCell::new(recording)), layout, has_codes, wanted }
    }

    /// Holds some samples for all readers, as [`Recording::hold`] does.
    pub fn hold(&self, samples: Option<(i64, i64)>) {
        self.recording.borrow_mut().hold(samples);
    }
}

impl SampleSource for SharedRecording {
    fn layout(&self) -> &SampleLayout {
        &self.layout
    }

    fn read(&mut self, start: i64, n: usize, out: &mut Samples) -> Result<(), BasebandError> {
        let mut recording = self.recording.borrow_mut();
        recording.want(&self.wanted);
        recording.read(start, n, out)
    }

    fn want(&mut self, channels: &[bool]) {
        self.wanted.clear();
        self.wanted.extend(channels);
    }

    fn has_codes(&self) -> bool {
        self.has_codes
    }

    fn read_codes(&mut self, start: i64, n: usize, out: &mut Codes) -> Result<(), BasebandError> {
        let mut recording = self.recording.borrow_mut();
        recording.want(&self.wanted);
        recording.read_codes(start, n, out)
    }
}
