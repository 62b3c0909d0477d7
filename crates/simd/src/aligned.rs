//! Numbers in memory that begins at a cache line: vectors of 64 bytes do not lie across two.

use bytemuck::{Pod, Zeroable};
use std::ops::{Deref, DerefMut};

/// Numbers in a cache line.
const LINE: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A row of numbers whose first one is at the start of a cache line. It is as long as asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LINE]); len.div_ceil(LINE)], len }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl FromIterator<f32> for Aligned {
    fn from_iter<I: IntoIterator<Item = f32>>(numbers: I) -> Self {
        let numbers: Vec<f32> = numbers.into_iter().collect();
        let mut new = Self::zeros(numbers.len());
        new.copy_from_slice(&numbers);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_a_cache_line_and_is_as_long_as_asked_for() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let numbers: Aligned = (0..len).map(|i| i as f32).collect();
            assert_eq!(numbers.as_ptr() as usize % 64, 0);
            assert!(numbers.len() == len && numbers.iter().enumerate().all(|(i, &x)| x == i as f32));
            assert!(Aligned::zeros(len).iter().all(|&x| x == 0.0));
        }
    }
}
