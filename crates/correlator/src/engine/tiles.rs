//! Cuts the products of a job into tiles that can be worked on one after the other, within the cache.
use crate::job::{Job, Lot, Product, Rotation};
use crate::xcorr::Term;

/// Bytes of spectra that a batch should not exceed: they are read again by every product.
const BATCH_BYTES: usize = 256 * 1024;
/// Blocks that a batch should not exceed: its sums are in single precision.
const BATCH_BLOCKS: usize = 64;

/// Channels that go into one transform together where the rotation comes after it.
const PAIR: usize = 2;

/// The tile that every stream's channels belong to, two bands in one where they share transforms: tiles can be made apart
/// from each other.
pub fn groups(job: &Job) -> Vec<Vec<usize>> {
    let mut group_of: Vec<Vec<usize>> = job.streams.iter().map(|s| vec![0; s.channels.len()]).collect();
    for (number, tile) in Tiling::new(job, PAIR).tiles.iter().enumerate() {
        for (of, channels) in group_of.iter_mut().zip(&tile.channels) {
            channels.iter().for_each(|&channel| of[channel] = number);
        }
    }
    group_of
}

/// Products that need only each other's spectra: usually those of one band.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tile {
    /// Recorded channels by stream; a channel's place in it is its place in the spectra.
    pub channels: Vec<Vec<usize>>,
    /// Cross-correlations.
    pub crosses: Vec<Term>,
    /// Autocorrelations.
    pub autos: Vec<Term>,
}

impl Tile {
    fn spectra(&self) -> usize {
        self.channels.iter().map(Vec::len).sum()
    }

    /// Spectral channels of all spectra.
    fn spectral_channels(&self, job: &Job) -> usize {
        self.channels.iter().enumerate().map(|(s, of)| of.len() * job.stream_channels(s)).sum()
    }

    /// Place of a stream's channel in the tile.
    fn place(&mut self, (stream, channel): (usize, usize)) -> (usize, usize) {
        let channels = &mut self.channels[stream];
        let at = channels.iter().position(|&c| c == channel).unwrap_or_else(|| {
            channels.push(channel);
            channels.len() - 1
        });
        (stream, at)
    }

    fn term(&mut self, sum: usize, product: &Product) -> Term {
        Term { sum, a: self.place(product.a), b: self.place(product.b), first: product.first }
    }
}

/// All products of a job in tiles, and how many blocks are worked on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tiling {
    pub tiles: Vec<Tile>,
    pub batch: usize,
}

/// Which tile every (stream, channel) belongs to: those that products connect are in one.
fn connected(job: &Job) -> Vec<Vec<usize>> {
    let mut tile: Vec<Vec<usize>> = Vec::new();
    for stream in &job.streams {
        let next = tile.iter().map(Vec::len).sum::<usize>();
        tile.push((next..next + stream.channels.len()).collect());
    }
    for product in job.crosses.iter().chain(&job.autos) {
        let (a, b) = (tile[product.a.0][product.a.1], tile[product.b.0][product.b.1]);
        let (low, high) = (a.min(b), a.max(b));
        tile.iter_mut().flatten().filter(|t| **t == high).for_each(|t| *t = low);
    }
    tile
}

impl Tiling {
    /// The tiles for an order of rotation.
    pub fn of(job: &Job, rotation: Rotation) -> Self {
        Self::new(job, if rotation == Rotation::AfterTransform { PAIR } else { 1 })
    }

    /// Tiles of at least `least` channels of some stream (all channels where there are fewer). Depends on the job alone.
    pub fn new(job: &Job, least: usize) -> Self {
        let of = connected(job);
        let mut numbers: Vec<usize> = of.iter().flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut tiles: Vec<Tile> = Vec::new();
        for number in numbers {
            let small = |t: &Tile| t.channels.iter().all(|c| c.len() < least);
            if !tiles.last().is_some_and(small) {
                tiles.push(Tile { channels: vec![Vec::new(); job.streams.len()], ..Tile::default() });
            }
            let Some(tile) = tiles.last_mut() else { continue };
            let inside = |p: &Product| of[p.a.0][p.a.1] == number;
            for (sum, product) in job.crosses.iter().enumerate().filter(|(_, p)| inside(p)) {
                let term = tile.term(sum, product);
                tile.crosses.push(term);
            }
            for (sum, product) in job.autos.iter().enumerate().filter(|(_, p)| inside(p)) {
                let term = tile.term(sum, product);
                tile.autos.push(term);
            }
        }
        tiles.retain(|tile| tile.spectra() > 0);
        let most = tiles.iter().map(|tile| tile.spectral_channels(job)).max().unwrap_or(1);
        let bytes = most * 2 * size_of::<f32>();
        Self { tiles, batch: (BATCH_BYTES / bytes.max(1)).clamp(1, BATCH_BLOCKS) }
    }

    /// The tiles as far as a lot makes them, in the same batches and with the same pairs of channels.
    pub fn of_lot(&self, lot: &Lot) -> Vec<Tile> {
        let part = |tile: &Tile| {
            let mut tile = tile.clone();
            tile.crosses.retain(|term| lot.crosses[term.sum]);
            tile.autos.retain(|term| lot.autos[term.sum]);
            let uses = |s: usize| tile.crosses.iter().chain(&tile.autos).any(|t| t.a.0 == s || t.b.0 == s);
            let used: Vec<bool> = (0..tile.channels.len()).map(uses).collect();
            tile.channels.iter_mut().zip(used).filter(|(_, used)| !used).for_each(|(c, _)| c.clear());
            tile
        };
        self.tiles.iter().map(part).filter(|tile| tile.spectra() > 0).collect()
    }

    /// The most channels of a stream that a tile has.
    pub fn most_channels(&self, stream: usize) -> usize {
        self.tiles.iter().map(|tile| tile.channels[stream].len()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difx::example;

    #[test]
    fn every_product_is_in_one_tile() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::open(&example::write(dir.path(), &[])).unwrap();
        for least in [1, 2, 100] {
            let tiling = Tiling::new(&job, least);
            let sums = |of: fn(&Tile) -> &Vec<Term>| {
                let mut sums: Vec<usize> =
                    tiling.tiles.iter().flat_map(|t| of(t).iter().map(|t| t.sum)).collect();
                sums.sort_unstable();
                sums
            };
            assert_eq!(sums(|t| &t.crosses), (0..job.crosses.len()).collect::<Vec<_>>());
            assert_eq!(sums(|t| &t.autos), (0..job.autos.len()).collect::<Vec<_>>());
            for tile in &tiling.tiles {
                for term in &tile.crosses {
                    let product = &job.crosses[term.sum];
                    assert_eq!((term.a.0, tile.channels[term.a.0][term.a.1]), product.a);
                    assert_eq!((term.b.0, tile.channels[term.b.0][term.b.1]), product.b);
                }
            }
            assert!(least < 100 || tiling.tiles.len() == 1);
        }
    }
}
