//! A field: the grid of directions over which the powers of all baselines are added.

use super::SearchError;
use super::block::{Block, Offset};
use crate::fringe::PowerGrid;
use crate::transforms::Transforms;
use serde::{Deserialize, Serialize};

/// Half a field's width, and the step of its grid, in direction cosines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Half the width.
    pub half: f64,
    /// From point to point.
    pub step: f64,
    /// Points from the middle to an edge.
    pub points: usize,
}

/// A channel and an integration turn by so much at the field's edge at most: 10 % of the amplitude is lost there.
const MOST_TURN: f64 = 0.25;
/// Points of the grid in the narrowest cell.
const PER_CELL: f64 = 3.0;
/// Points of the grid at most.
pub(super) const MOST_POINTS: usize = 4_000_000;
/// Each cell of the grid has so many times as many points of the fine grid in each direction.
const FINE: usize = 4;

impl Field {
    /// The field that blocks can see, or the half width asked for.
    ///
    /// # Errors
    /// Where a wider field is asked for than channels and integrations allow, or one of too many points.
    pub fn new(blocks: &[Block], half: Option<f64>) -> Result<Self, SearchError> {
        let (mut widest, mut cell) = (f64::INFINITY, f64::INFINITY);
        for block in blocks {
            let (slopes, turns, cells) = (block.slopes(), block.turn(), block.cell());
            for k in 0..2 {
                let slope = slopes[0][k].hypot(slopes[1][k]);
                widest = widest.min(MOST_TURN * turns[k] / slope.max(1e-300));
                cell = cell.min(cells[k] / slope.max(1e-300));
            }
        }
        let limit = widest.min(0.1);
        let half = half.unwrap_or(limit);
        if half > 2.0 * limit {
            return Err(SearchError::Wide { asked: half, limit });
        }
        let step = (cell / PER_CELL).min(half);
        let points = (half / step).ceil() as usize;
        if (2 * points + 1).pow(2) > MOST_POINTS {
            let most = 0.5 * (MOST_POINTS as f64).sqrt() * step;
            return Err(SearchError::Large { asked: half, most });
        }
        Ok(Self { half, step, points })
    }

    fn side(&self) -> usize {
        2 * self.points + 1
    }

    /// Places that are tried: points of the fine grid.
    pub fn trials(&self) -> f64 {
        (FINE * self.side()).pow(2) as f64
    }

    /// From point to point of the fine grid.
    pub fn fine_step(&self) -> f64 {
        self.step / FINE as f64
    }

    /// The points of the fine grid that are nearer to a point of the grid than to others.
    pub fn fine(&self, index: usize) -> impl Iterator<Item = Offset> {
        let Offset { l, m } = self.at(index);
        let (half, step) = ((FINE / 2) as i32, self.fine_step());
        let line = move || (-half..=half).map(move |i| f64::from(i) * step);
        line().flat_map(move |dm| line().map(move |dl| Offset { l: l + dl, m: m + dm }))
    }

    /// Points of the grid where the sum is `least` or more and not less than at all their neighbours, the highest first.
    pub fn peaks(&self, sums: &[f64], least: f64) -> Vec<usize> {
        let side = self.side();
        let highest = |index: &usize| {
            let (x, y) = (index % side, index / side);
            let near = |i: usize| i.saturating_sub(1)..(i + 2).min(side);
            near(y).all(|y| near(x).all(|x| sums[y * side + x] <= sums[*index]))
        };
        let mut found: Vec<usize> = (0..sums.len()).filter(|&i| sums[i] >= least).filter(highest).collect();
        found.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
        found
    }

    /// A point of the grid.
    pub fn at(&self, index: usize) -> Offset {
        Offset { l: self.cosine(index % self.side()), m: self.cosine(index / self.side()) }
    }

    fn cosine(&self, i: usize) -> f64 {
        (i as f64 - self.points as f64) * self.step
    }

    /// The largest delay and rate that a block has anywhere on the grid, s and Hz.
    fn window(&self, block: &Block) -> [f64; 2] {
        let edge = self.points as f64 * self.step;
        let (slopes, along) = (block.slopes(), block.slope_along());
        let n = Offset { l: edge, m: edge }.n_less_one();
        [0, 1].map(|k| edge * (slopes[0][k].abs() + slopes[1][k].abs()) + (n * along[k]).abs())
    }

    /// The third cosines less one of a quarter of the grid, `[north][east]` from the middle.
    fn thirds(&self) -> Vec<f64> {
        let cosine = |i: usize| i as f64 * self.step;
        let of =
            |y: usize| (0..=self.points).map(move |x| Offset { l: cosine(x), m: cosine(y) }.n_less_one());
        (0..=self.points).flat_map(of).collect()
    }

    /// Adds a block's powers.
    fn add(&self, block: &Block, powers: &PowerGrid, thirds: &[f64], sums: &mut [f64]) {
        let ([east, north], along) = (block.slopes(), block.slope_along());
        for (y, line) in sums.chunks_exact_mut(self.side()).enumerate() {
            let m = self.cosine(y);
            let thirds = &thirds[y.abs_diff(self.points) * (self.points + 1)..][..=self.points];
            for (x, sum) in line.iter_mut().enumerate() {
                let (l, n) = (self.cosine(x), thirds[x.abs_diff(self.points)]);
                let value = |k: usize| l * east[k] + m * north[k] + n * along[k];
                *sum += powers.at(value(0), value(1));
            }
        }
    }

    /// Powers of all blocks added at all points of the grid.
    pub(super) fn sums(
        &self,
        blocks: &[Block],
        transforms: &mut Transforms,
        tick: &mut dyn FnMut(),
    ) -> Vec<f64> {
        let (mut sums, thirds) = (vec![0.0; self.side().pow(2)], self.thirds());
        for block in blocks {
            self.add(block, &block.powers(self.window(block), transforms), &thirds, &mut sums);
            tick();
        }
        sums
    }
}
