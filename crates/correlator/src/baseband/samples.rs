//! Samples by their number, with their validity: what a correlator asks of a recording.

use super::codes::Codes;
use super::error::BasebandError;
use super::time::UtcSecond;
use serde::{Deserialize, Serialize};

/// Runs of valid samples, ascending and apart: numbers count from the start of the read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    runs: Vec<(usize, usize)>,
}

impl Validity {
    /// Forgets all runs.
    pub fn clear(&mut self) {
        self.runs.clear();
    }

    /// Adds the valid samples `start .. end`, not before those already there.
    pub fn push(&mut self, start: usize, end: usize) {
        match self.runs.last_mut() {
            Some(last) if last.1 >= start => last.1 = last.1.max(end),
            _ if start < end => self.runs.push((start, end)),
            _ => {}
        }
    }

    /// The runs, as `(start, end)`.
    pub fn runs(&self) -> &[(usize, usize)] {
        &self.runs
    }

    /// How many of the samples `start .. end` are valid.
    pub fn count(&self, start: usize, end: usize) -> usize {
        self.within(start, end).map(|(from, to)| to - from).sum()
    }

    /// The runs of valid samples among `start .. end`.
    pub fn within(&self, start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = self.runs.partition_point(|run| run.1 <= start);
        let inside = self.runs[first..].iter().take_while(move |run| run.0 < end);
        inside.map(move |run| (run.0.max(start), run.1.min(end)))
    }

    /// How many of `n` pairs of samples are valid on both sides: here from `start`, in `other` from `other_start`.
    pub fn count_both(&self, start: usize, other: &Self, other_start: usize, n: usize) -> usize {
        let first = self.runs.partition_point(|run| run.1 <= start);
        let inside = self.runs[first..].iter().take_while(|run| run.0 < start + n);
        inside
            .map(|run| {
                let (from, to) = (run.0.max(start) - start, run.1.min(start + n) - start);
                other.count(other_start + from, other_start + to)
            })
            .sum()
    }
}

impl Validity {
    /// Share of a span of time that is valid on both sides: here `span.1` samples from `span.0`, in `other`, which may
    /// have another rate, as many as it has for the same time.
    pub fn share_both(&self, span: (usize, usize), other: &Self, other_span: (usize, usize)) -> f64 {
        let (n, m) = (span.1, other_span.1);
        if n == m {
            return self.count_both(span.0, other, other_span.0, n) as f64 / n as f64;
        }
        // Ends of runs in units in which both sides' samples are whole numbers of units.
        let ends = |validity: &Self, (start, length): (usize, usize), unit: usize| -> Vec<(usize, usize)> {
            let inside = validity.runs.iter().filter(|run| run.1 > start && run.0 < start + length);
            inside
                .map(|run| ((run.0.max(start) - start) * unit, (run.1.min(start + length) - start) * unit))
                .collect()
        };
        let mut fine = Self::default();
        ends(other, other_span, n).into_iter().for_each(|(from, to)| fine.push(from, to));
        let both: usize = ends(self, span, m).into_iter().map(|(from, to)| fine.count(from, to)).sum();
        both as f64 / (n * m) as f64
    }
}

/// What a source of samples delivers: fixed for the whole recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleLayout {
    /// Channels of all threads together: channel = position of the thread x channels per thread + channel in it.
    pub channels: usize,
    /// Floats per sample: 1 real, 2 complex (real and imaginary part in turn).
    pub components: usize,
    /// Channels that share their validity, because they come in the same frames.
    pub channels_per_thread: usize,
    /// Samples (complex ones count once) per second and channel.
    pub sample_rate_hz: u64,
    /// The second at whose beginning sample 0 was taken.
    pub reference: UtcSecond,
}

/// A piece of a recording: `n` samples of every channel.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    n: usize,
    components: usize,
    channels_per_thread: usize,
    data: Vec<f32>,
    valid: Vec<Validity>,
}

impl Samples {
    /// Makes room for `n` samples of every channel, all zero and not valid. Keeps its memory.
    pub fn reset(&mut self, layout: &SampleLayout, n: usize) {
        self.make_room(layout, n);
        self.data.fill(0.0);
    }

    /// Makes room for `n` samples of every channel, none valid; values are whatever was there. Keeps its memory.
    pub(super) fn make_room(&mut self, layout: &SampleLayout, n: usize) {
        self.n = n;
        self.components = layout.components;
        self.channels_per_thread = layout.channels_per_thread;
        self.data.resize(n * layout.components * layout.channels, 0.0);
        self.valid.resize(layout.channels / layout.channels_per_thread, Validity::default());
        self.valid.iter_mut().for_each(Validity::clear);
    }

    /// Sets the samples that are not valid to 0: cheaper than all of them beforehand.
    pub(super) fn zero_gaps(&mut self) {
        let stride = self.n * self.components;
        let threads = self.data.chunks_mut((stride * self.channels_per_thread).max(1)).zip(&self.valid);
        for (data, valid) in threads {
            for channel in data.chunks_exact_mut(stride) {
                let ends = valid.runs.iter().map(|run| run.1).chain([self.n]);
                let starts = valid.runs.iter().map(|run| run.0).chain([self.n]);
                let mut from = 0;
                for (start, end) in starts.zip(ends) {
                    channel[from * self.components..start * self.components].fill(0.0);
                    from = end;
                }
            }
        }
    }

    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.valid.len() * self.channels_per_thread
    }

    /// Values of a channel: `n` floats, or `2 n` (real and imaginary part in turn) of complex samples. Samples that
    /// are not valid are 0.
    pub fn channel(&self, channel: usize) -> &[f32] {
        let stride = self.n * self.components;
        &self.data[channel * stride..(channel + 1) * stride]
    }

    /// Threads that share their validity.
    pub fn validities(&self) -> &[Validity] {
        &self.valid
    }

    /// Which samples of a channel are valid.
    pub fn validity(&self, channel: usize) -> &Validity {
        &self.valid[channel / self.channels_per_thread]
    }

    /// All values of a thread's channels and its validity, to be filled in.
    pub(crate) fn thread_mut(&mut self, thread: usize) -> (&mut [f32], &mut Validity) {
        let size = self.n * self.components * self.channels_per_thread;
        (&mut self.data[thread * size..(thread + 1) * size], &mut self.valid[thread])
    }
}

/// Something that has samples: a recording, or a simulation of one.
pub trait SampleSource {
    /// Channels, components, rate, and the second that sample numbers count from.
    fn layout(&self) -> &SampleLayout;

    /// Fills `out` with samples `start .. start + n` of every channel.
    ///
    /// Numbers count from the layout's reference second and may be negative. What was not recorded is 0 and not valid.
    /// Reading forward in pieces is cheap; jumps are allowed. The result does not depend on earlier reads.
    ///
    /// # Errors
    /// [`BasebandError::Read`] when the system fails to read.
    fn read(&mut self, start: i64, n: usize, out: &mut Samples) -> Result<(), BasebandError>;

    /// Says which channels are wanted from now on: others need not be read, and are not valid then.
    fn want(&mut self, _channels: &[bool]) {}

    /// Whether [`Self::read_codes`] works: samples are real and have 2 bits.
    fn has_codes(&self) -> bool {
        false
    }

    /// The same as they were recorded, where [`Self::has_codes`]; otherwise nothing is valid.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_codes(&mut self, _start: i64, _n: usize, _out: &mut Codes) -> Result<(), BasebandError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn validity(flags: &[bool]) -> Validity {
        let mut validity = Validity::default();
        flags.iter().enumerate().filter(|(_, v)| **v).for_each(|(i, _)| validity.push(i, i + 1));
        validity
    }

    proptest! {
        #[test]
        fn counts(
            a in proptest::collection::vec(any::<bool>(), 40),
            b in proptest::collection::vec(any::<bool>(), 40),
            (start, other, n) in (0usize..20, 0usize..20, 0usize..20),
        ) {
            let (va, vb) = (validity(&a), validity(&b));
            let alone = (start..start + n).filter(|&i| a[i]).count();
            prop_assert_eq!(va.count(start, start + n), alone);
            let both = (0..n).filter(|&i| a[start + i] && b[other + i]).count();
            prop_assert_eq!(va.count_both(start, &vb, other, n), both);
        }

        #[test]
        fn shares_of_other_rates(
            a in proptest::collection::vec(any::<bool>(), 12),
            b in proptest::collection::vec(any::<bool>(), 40),
            (start, other) in (0usize..6, 0usize..20),
        ) {
            // Six samples here, fifteen there.
            let (va, vb) = (validity(&a), validity(&b));
            let both = (0..30).filter(|i| a[start + i / 5] && b[other + i / 2]).count() as f64 / 30.0;
            let share = va.share_both((start, 6), &vb, (other, 15));
            prop_assert!((share - both).abs() < 1e-12, "{} {}", share, both);
            prop_assert!((vb.share_both((other, 15), &va, (start, 6)) - both).abs() < 1e-12);
        }
    }
}
