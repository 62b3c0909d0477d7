//! The order of the pixels: a coarse grid first, then grids twice as fine; a pixel starts from its neighbours on coarser
//! grids. It follows from which pixels are fitted alone, not from who is free when.

use std::collections::HashMap;

/// The coarsest grid: every eighth pixel.
pub const TOP: u32 = 3;
/// Neighbours that a pixel starts from, at most.
const MOST_PARENTS: usize = 4;

/// The grid that a pixel belongs to: 0 the finest, [`TOP`] the coarsest.
pub fn level(x: usize, y: usize) -> u32 {
    (x | y).trailing_zeros().min(TOP)
}

/// Which pixels start from which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Per pixel, the places (in the list of pixels) of those that it starts from; none: it starts by itself.
    pub parents: Vec<Vec<usize>>,
    /// Per pixel, those that start from it.
    pub children: Vec<Vec<usize>>,
}

impl Order {
    /// The order of pixels (x, y), each given once.
    pub fn of(pixels: &[[usize; 2]]) -> Self {
        let places: HashMap<[usize; 2], usize> = pixels.iter().enumerate().map(|(k, p)| (*p, k)).collect();
        let parents: Vec<Vec<usize>> = pixels.iter().map(|p| parents(*p, &places)).collect();
        let mut children = vec![Vec::new(); pixels.len()];
        for (child, parents) in parents.iter().enumerate() {
            parents.iter().for_each(|&parent| children[parent].push(child));
        }
        Self { parents, children }
    }
}

/// The nearest pixels of coarser grids, within one step of the next coarser.
fn parents([x, y]: [usize; 2], places: &HashMap<[usize; 2], usize>) -> Vec<usize> {
    let own = level(x, y);
    if own == TOP {
        return Vec::new();
    }
    let step = 2usize << own;
    let near = |c: usize| {
        let below = c - c % step;
        (below.saturating_sub(step)..=below + step).step_by(step).filter(move |n| n.abs_diff(c) <= step)
    };
    let mut found: Vec<(usize, usize)> = near(y)
        .flat_map(|v| near(x).map(move |u| [u, v]))
        .filter_map(|[u, v]| {
            let place = *places.get(&[u, v])?;
            Some((u.abs_diff(x).pow(2) + v.abs_diff(y).pow(2), place))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(MOST_PARENTS).map(|(_, place)| place).collect()
}
