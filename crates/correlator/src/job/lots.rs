//! Cuts the products of a stretch of time into lots, by bands and by baselines: ranks make them apart from each other.
//!
//! A lot is made with the same batches and the same pairs of channels as the whole, so that its numbers are the same.

use super::Job;
use std::fmt;
use std::ops::Range;

/// Into how many lots a stretch of time is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Groups of bands.
    pub bands: usize,
    /// Groups of baselines: every one transforms what its stations recorded.
    pub baselines: usize,
}

/// What a lot makes, and what of it goes into the product.
#[derive(Debug, Clone, PartialEq)]
pub struct Lot {
    /// Names its parts; empty for the whole.
    pub name: String,
    /// Whether a stream is read.
    pub streams: Vec<bool>,
    /// Whether a cross-correlation is made.
    pub crosses: Vec<bool>,
    /// Whether an autocorrelation is made: cross-correlations may be corrected by them.
    pub autos: Vec<bool>,
    /// Whether the samples of a stream's channel are counted.
    pub channels: Vec<Vec<bool>>,
    /// Whether a stream's channel is read: also by the lot that keeps how much of the stream is there.
    pub wanted: Vec<Vec<bool>>,
    /// What goes into the product.
    pub kept: Kept,
}

/// Items of a row that a lot keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    /// Items of the row.
    pub all: usize,
    /// Those that are kept, ascending.
    pub ranges: Vec<Range<usize>>,
}

/// What of a record a lot keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Spectral channels of a product.
    pub output_channels: usize,
    /// Cross-correlations.
    pub crosses: Items,
    /// Autocorrelations.
    pub autos: Items,
    /// Baselines, for their coordinates.
    pub baselines: Items,
    /// Streams, for their coverage.
    pub streams: Items,
    /// Recorded channels of all streams.
    pub channels: Items,
    /// Tones.
    pub tones: Items,
}

impl Items {
    fn of(keep: impl Iterator<Item = bool>) -> Self {
        let (mut all, mut ranges) = (0, Vec::<Range<usize>>::new());
        for keep in keep {
            match ranges.last_mut() {
                Some(last) if keep && last.end == all => last.end += 1,
                _ if keep => ranges.push(all..all + 1),
                _ => {}
            }
            all += 1;
        }
        Self { all, ranges }
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// Those that are kept of any number of rows, one after the other; an item is `width` values.
    pub fn pack<T: Copy>(&self, rows: &[T], width: usize) -> Vec<T> {
        let mut packed = Vec::new();
        for row in rows.chunks(self.all.max(1) * width.max(1)) {
            for range in &self.ranges {
                packed.extend_from_slice(&row[range.start * width..range.end * width]);
            }
        }
        packed
    }
}

/// Groups of bands that each read all of the same recordings. A rank takes in 100 to 250 MB/s (256 channels), a client of
/// a network file system reads some 500 MB/s: more would wait for one another.
const MOST_READERS: usize = 4;

/// Group of the item at a place, of `groups` that are as large as can be had.
fn group(place: usize, items: usize, groups: usize) -> usize {
    place * groups / items.max(1)
}

/// How many groups of channels can be made apart, `group_of` as [`Cut::lots`] has it.
pub fn groups_apart(group_of: &[Vec<usize>]) -> usize {
    group_of.iter().flatten().max().map_or(1, |most| most + 1)
}

impl Cut {
    /// One lot.
    pub const WHOLE: Self = Self { bands: 1, baselines: 1 };

    /// As many lots as give every rank something to do: groups of bands first, since baselines share their stations'
    /// spectra. `stretches` are the units that the time is cut into, `apart` the groups of bands that can be had.
    /// Where the recordings are not `split` into files by bands every lot reads all of them: no more than
    /// four groups of bands then.
    pub fn for_ranks(job: &Job, stretches: usize, (apart, split): (usize, bool), ranks: usize) -> Self {
        let apart = if split { apart } else { apart.min(MOST_READERS) };
        let bands = ranks.div_ceil(stretches.max(1)).clamp(1, apart.max(1));
        let baselines = ranks.div_ceil(stretches.max(1) * bands).clamp(1, job.baselines.len().max(1));
        Self { bands, baselines }
    }

    /// The lots. `group_of` names the group of every stream's channels: those of one number cannot be made apart.
    pub fn lots(self, job: &Job, group_of: &[Vec<usize>]) -> Vec<Lot> {
        let apart = groups_apart(group_of);
        let cut = Self {
            bands: self.bands.clamp(1, apart),
            baselines: self.baselines.clamp(1, job.baselines.len().max(1)),
        };
        let places = (0..cut.bands).flat_map(|f| (0..cut.baselines).map(move |b| (f, b)));
        places.map(|place| cut.lot(job, (group_of, apart), place)).collect()
    }

    fn lot(self, job: &Job, (group_of, apart): (&[Vec<usize>], usize), (f, b): (usize, usize)) -> Lot {
        let band_group =
            |(stream, channel): (usize, usize)| group(group_of[stream][channel], apart, self.bands);
        let baseline_group = |baseline: usize| group(baseline, job.baselines.len(), self.baselines);
        let uses = |stream: usize, b: usize| {
            let mut baselines = job.baselines.iter().enumerate();
            baselines.any(|(i, of)| baseline_group(i) == b && (of.a == stream || of.b == stream))
        };
        // What many lots make of a stream the first of them keeps.
        let owner = |stream: usize| (0..self.baselines).find(|&b| uses(stream, b)).unwrap_or(0);
        let read: Vec<bool> = (0..job.streams.len()).map(|s| uses(s, b) || owner(s) == b).collect();
        let crosses: Vec<bool> =
            job.crosses.iter().map(|p| band_group(p.a) == f && baseline_group(p.of) == b).collect();
        let autos: Vec<bool> = job.autos.iter().map(|p| band_group(p.a) == f && read[p.a.0]).collect();
        let counted = |s: usize| (0..group_of[s].len()).map(move |c| (s, c));
        let channels: Vec<Vec<bool>> = (0..job.streams.len())
            .map(|s| counted(s).map(|at| read[s] && band_group(at) == f).collect())
            .collect();
        let told = |s: usize| f == 0 && owner(s) == b;
        let wanted = channels.iter().enumerate().map(|(s, of)| of.iter().map(|c| *c || told(s)).collect());
        let wanted = wanted.collect();
        let recorded: Vec<bool> = (0..job.streams.len())
            .flat_map(|s| counted(s).map(move |at| (s, at)))
            .map(|(s, at)| owner(s) == b && band_group(at) == f)
            .collect();
        let kept = Kept {
            output_channels: job.output_channels(),
            crosses: Items::of(crosses.iter().copied()),
            autos: Items::of(job.autos.iter().zip(&autos).map(|(p, made)| *made && owner(p.a.0) == b)),
            baselines: Items::of((0..job.baselines.len()).map(|i| f == 0 && baseline_group(i) == b)),
            streams: Items::of((0..job.streams.len()).map(told)),
            channels: Items::of(recorded.iter().copied()),
            tones: Items::of(job.tones().iter().map(|tone| recorded[tone.recorded])),
        };
        let name = match self {
            Self::WHOLE => String::new(),
            Self { bands, baselines } => format!("-{f}of{bands}-{b}of{baselines}"),
        };
        Lot { name, streams: read, crosses, autos, channels, wanted, kept }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} groups of bands, {} of baselines", self.bands, self.baselines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difx::example;

    #[test]
    fn every_item_is_kept_by_one_lot() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::open(&example::write(dir.path(), &[])).unwrap();
        let group_of = crate::engine::groups(&job);
        for cut in [Cut::WHOLE, Cut { bands: 2, baselines: 1 }, Cut { bands: 9, baselines: 9 }] {
            let lots = cut.lots(&job, &group_of);
            let of: [fn(&Kept) -> &Items; 6] = [
                |k| &k.crosses,
                |k| &k.autos,
                |k| &k.baselines,
                |k| &k.streams,
                |k| &k.channels,
                |k| &k.tones,
            ];
            for items in of {
                let mut kept: Vec<usize> =
                    lots.iter().flat_map(|lot| items(&lot.kept).ranges.iter().cloned().flatten()).collect();
                kept.sort_unstable();
                assert_eq!(kept, (0..items(&lots[0].kept).all).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_is_kept_of_rows() {
        let items = Items::of([true, false, true, true].into_iter());
        assert_eq!(items, Items { all: 4, ranges: vec![0..1, 2..4] });
        assert_eq!(items.pack(&[0, 1, 2, 3, 4, 5, 6, 7], 1), [0, 2, 3, 4, 6, 7]);
        assert_eq!(items.pack(&[0, 1, 2, 3, 4, 5, 6, 7], 2), [0, 1, 4, 5, 6, 7]);
        assert!(
            items.pack::<u8>(&[], 3).is_empty() && Items::of([].into_iter()).pack::<u8>(&[], 1).is_empty()
        );
    }

    #[test]
    fn ranks_get_something_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::open(&example::write(dir.path(), &[])).unwrap();
        assert_eq!(Cut::for_ranks(&job, 10, (8, false), 10), Cut::WHOLE);
        assert_eq!(Cut::for_ranks(&job, 10, (8, false), 30), Cut { bands: 3, baselines: 1 });
        assert_eq!(
            Cut::for_ranks(&job, 10, (8, false), 60),
            Cut { bands: 4, baselines: job.baselines.len().min(2) }
        );
        assert_eq!(Cut::for_ranks(&job, 10, (8, true), 60), Cut { bands: 6, baselines: 1 });
        assert_eq!(
            Cut::for_ranks(&job, 1, (2, false), 256),
            Cut { bands: 2, baselines: job.baselines.len() }
        );
    }
}
