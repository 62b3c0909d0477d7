//! Tells what a stream's samples were, by recorded channel: how many were valid and how many had each code, and tones.

use super::stream::Held;
use super::tones::Tones;
use crate::integrate::STATES;
use crate::job::Job;
use mirinae_simd::{Simd, count_codes};
use num_complex::Complex32;

/// Between the inner and the outer level of 2-bit samples.
const BETWEEN_LEVELS: f32 = 2.0;

/// Counts of one stream since the last [`Self::clear`].
pub(super) struct Tally {
    simd: Simd,
    bits: u32,
    components: usize,
    /// Runs of samples of a batch, from the first that was read on: blocks that follow one another are one.
    spans: Vec<(usize, usize)>,
    tones: Option<Tones>,
    /// Valid samples by channel.
    pub samples_c: Vec<u64>,
    /// Numbers by channel and code.
    pub states_ck: Vec<[u64; STATES]>,
}

impl Tally {
    /// Zero counts of a stream.
    pub fn new(job: &Job, index: usize, simd: Simd) -> Self {
        let stream = &job.streams[index];
        let channels = stream.channels.len();
        Self {
            simd,
            bits: stream.bits,
            components: if stream.sampling.is_complex() { 2 } else { 1 },
            spans: Vec::new(),
            tones: Tones::new(job, index),
            samples_c: vec![0; channels],
            states_ck: vec![[0; STATES]; channels],
        }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.samples_c.fill(0);
        self.states_ck.fill([0; STATES]);
        self.tones.iter_mut().for_each(Tones::clear);
    }

    /// Adds the tones of all channels to a list.
    pub fn tones(&mut self, into: &mut Vec<Complex32>) {
        if let Some(tones) = &mut self.tones {
            tones.finish(&self.samples_c, into);
        }
    }

    /// Adds the blocks of a batch to the channels that are `counted`, of so many samples each, which begin at `starts` of what is held; `first` is the number
    /// of its first sample since the start of the job. A sample that is in two blocks counts twice, as it does in the
    /// products.
    pub fn add(
        &mut self,
        (held, first): (&Held, i64),
        counted: &[bool],
        starts: impl Iterator<Item = usize>,
        samples: usize,
    ) {
        self.spans.clear();
        for start in starts {
            match self.spans.last_mut() {
                Some(last) if last.1 == start => last.1 += samples,
                _ => self.spans.push((start, start + samples)),
            }
        }
        let (channels, validities) = (self.samples_c.len(), held.validities());
        for channel in (0..channels).filter(|&channel| counted[channel]) {
            let validity = &validities[channel * validities.len() / channels];
            for &(from, to) in &self.spans {
                for range in validity.within(from, to) {
                    self.samples_c[channel] += (range.1 - range.0) as u64;
                    let counts = self.count(held, channel, range);
                    self.states_ck[channel].iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
                    if let Some(tones) = &mut self.tones {
                        tones.add(held, channel, range, first);
                    }
                }
            }
        }
    }

    fn count(&self, held: &Held, channel: usize, (from, to): (usize, usize)) -> [u64; STATES] {
        match held {
            Held::Codes(codes) => count_codes(self.simd, codes.channel(channel), (from, to)),
            Held::Numbers { samples, .. } => count_values(
                self.bits,
                &samples.channel(channel)[from * self.components..to * self.components],
            ),
        }
    }
}

/// How many of some values stand for each code; zeros where there are more codes than are counted.
fn count_values(bits: u32, values: &[f32]) -> [u64; STATES] {
    let count = |is: &dyn Fn(f32) -> bool| values.iter().filter(|&&x| is(x)).count() as u64;
    let (all, negative) = (values.len() as u64, count(&|x| x < 0.0));
    match bits {
        1 => [negative, all - negative, 0, 0],
        2 => {
            let (lowest, highest) = (count(&|x| x < -BETWEEN_LEVELS), count(&|x| x > BETWEEN_LEVELS));
            [lowest, negative - lowest, all - negative - highest, highest]
        }
        _ => [0; STATES],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseband::Levels;

    #[test]
    fn values_stand_for_their_codes() {
        for bits in [1u32, 2] {
            let codes: Vec<u16> = (0..100).map(|i| (i * i / 3) % (1 << bits)).collect();
            let values: Vec<f32> = codes.iter().map(|&c| Levels::DIFX.value(bits as usize, c)).collect();
            let mut slow = [0; STATES];
            codes.iter().for_each(|&c| slow[usize::from(c)] += 1);
            assert_eq!(count_values(bits, &values), slow);
        }
        assert_eq!(count_values(8, &[1.0, -1.0]), [0; STATES]);
    }
}
