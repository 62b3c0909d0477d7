//! Rank 0's side of the fit of a cube: which pixels are done, and which come next.

use super::cube::CubeFit;
use crate::cube::{Order, PixelFit, level};
use mirinae_common::comm::Comm as _;
use mirinae_common::pool::Source;
use mirinae_common::progress::Progress;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// What an interruption may cost at most, where saving takes no time.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Saving may take this part of the time.
const SHARE_OF_SAVING: u32 = 30;

/// What a first look at a pixel tells.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Look {
    /// The brightest channel over its noise.
    pub(super) snr: f64,
    /// Channels with data.
    pub(super) channels: u32,
    /// Why it is not fitted; 0: it is.
    pub(super) flags: u32,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Per row of the region that has been looked at, its number (from 0) and its pixels.
    looks: Vec<(usize, Vec<Look>)>,
    /// Per pixel that has been fitted, its place among the pixels that are.
    fits: Vec<(usize, PixelFit)>,
}

impl State {
    /// Number of pixels that have been fitted.
    pub(super) fn fitted(&self) -> usize {
        self.fits.len()
    }
}

/// A piece of work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Task {
    Look { row: usize },
    Fit { place: usize, pixel: [usize; 2], starts: Vec<Vec<f64>> },
}

/// Its result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Work {
    Looked { row: usize, looks: Vec<Look> },
    Fitted { place: usize, fit: PixelFit },
}

/// A pixel in the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pixel {
    pub(super) at: [usize; 2],
    pub(super) look: Look,
    /// `None`: not fitted.
    pub(super) fit: Option<PixelFit>,
}

/// Rank 0's side.
pub(super) struct Keeper<'f, 'a> {
    fit: &'f CubeFit<'a>,
    state: State,
    /// Rows that have not been handed out.
    rows: Vec<usize>,
    /// Rows that have not come back.
    open_rows: usize,
    /// The pixels that are fitted, their looks and their order; empty until all rows have been looked at.
    pixels: Vec<[usize; 2]>,
    order: Order,
    /// Per pixel the place of its fit in the state, and neighbours that it waits for.
    done: Vec<Option<usize>>,
    waits: Vec<usize>,
    /// Pixels that can be fitted: grid, signal to noise (as ordered bits), place.
    ready: BinaryHeap<(u32, u64, Reverse<usize>)>,
    snr: Vec<f64>,
    stopped: bool,
    saved: Instant,
    saving: Duration,
    progress: Option<Progress>,
}

impl<'f, 'a> Keeper<'f, 'a> {
    pub(super) fn new(fit: &'f CubeFit<'a>, state: State) -> Self {
        let n = fit.cube.y[1] - fit.cube.y[0] + 1;
        let rows: Vec<usize> = (0..n).rev().filter(|row| state.looks.iter().all(|l| l.0 != *row)).collect();
        let mut keeper = Self {
            fit,
            open_rows: rows.len(),
            state,
            rows,
            pixels: Vec::new(),
            order: Order::default(),
            done: Vec::new(),
            waits: Vec::new(),
            ready: BinaryHeap::new(),
            snr: Vec::new(),
            stopped: false,
            saved: Instant::now(),
            saving: Duration::ZERO,
            progress: None,
        };
        if keeper.open_rows == 0 {
            keeper.set_out();
        }
        keeper
    }

    /// All rows have been looked at: lays out the order of the pixels.
    fn set_out(&mut self) {
        self.state.looks.sort_by_key(|look| look.0);
        let looks = self.state.looks.iter().flat_map(|(_, looks)| looks);
        let chosen: Vec<([usize; 2], f64)> = self
            .fit
            .cube
            .pixels()
            .zip(looks)
            .filter(|(_, look)| look.flags == 0)
            .map(|(pixel, look)| (pixel, look.snr))
            .collect();
        self.pixels = chosen.iter().map(|c| c.0).collect();
        self.snr = chosen.iter().map(|c| c.1).collect();
        self.order = Order::of(&self.pixels);
        self.done = vec![None; self.pixels.len()];
        for (k, (place, _)) in self.state.fits.iter().enumerate() {
            self.done[*place] = Some(k);
        }
        let missing = |parents: &Vec<usize>| parents.iter().filter(|&&p| self.done[p].is_none()).count();
        self.waits = self.order.parents.iter().map(missing).collect();
        for place in 0..self.pixels.len() {
            if self.done[place].is_none() && self.waits[place] == 0 {
                self.make_ready(place);
            }
        }
        let context = self.fit.context;
        let (fitted, all) = (self.state.fits.len() as u64, self.pixels.len() as u64);
        self.progress = Some(Progress::new(context.comm.rank(), context.options, "pixels", fitted, all));
        tracing::info!("{all} of {} pixels are bright enough", self.fit.cube.pixels().count());
    }

    fn make_ready(&mut self, place: usize) {
        let [x, y] = self.pixels[place];
        // The bits of positive numbers are ordered as the numbers are.
        self.ready.push((level(x, y), self.snr[place].to_bits(), Reverse(place)));
    }

    /// The end of this run: saves what a signal interrupted; whether one did.
    pub(super) fn end(&mut self) -> anyhow::Result<bool> {
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
        if self.stopped {
            self.save()?;
        }
        Ok(self.stopped)
    }

    fn save(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        self.fit.save(&self.state)?;
        self.saving = start.elapsed();
        self.saved = Instant::now();
        Ok(())
    }

    /// All pixels of the region in their order.
    pub(super) fn grid(mut self) -> Vec<Pixel> {
        let looks: Vec<Look> = self.state.looks.iter().flat_map(|(_, looks)| looks.iter().copied()).collect();
        let mut fits: Vec<Option<PixelFit>> = vec![None; self.pixels.len()];
        for (place, fit) in self.state.fits.drain(..) {
            fits[place] = Some(fit);
        }
        let mut fits = fits.into_iter();
        let pixels = self.fit.cube.pixels().zip(looks);
        pixels
            .map(|(at, look)| Pixel {
                at,
                look,
                fit: if look.flags == 0 { fits.next().flatten() } else { None },
            })
            .collect()
    }
}

impl Source for Keeper<'_, '_> {
    type Task = Task;
    type Result = (Work, bool);

    fn next(&mut self) -> Option<Task> {
        if self.stopped {
            return None;
        }
        if let Some(row) = self.rows.pop() {
            return Some(Task::Look { row });
        }
        let (_, _, Reverse(place)) = self.ready.pop()?;
        let peak = |&parent: &usize| {
            let fit = &self.state.fits[self.done[parent]?].1;
            (!fit.peak.is_empty()).then(|| fit.peak.clone())
        };
        let starts = self.order.parents[place].iter().filter_map(peak).collect();
        Some(Task::Fit { place, pixel: self.pixels[place], starts })
    }

    fn done(&mut self, (work, stop): (Work, bool)) -> anyhow::Result<()> {
        match work {
            Work::Looked { row, looks } => {
                self.state.looks.push((row, looks));
                self.open_rows -= 1;
                if self.open_rows == 0 {
                    self.set_out();
                }
            }
            Work::Fitted { place, fit } => {
                self.done[place] = Some(self.state.fits.len());
                self.state.fits.push((place, fit));
                for child in self.order.children[place].clone() {
                    self.waits[child] -= 1;
                    if self.waits[child] == 0 {
                        self.make_ready(child);
                    }
                }
                let fitted = self.state.fits.len() as u64;
                if let Some(progress) = &mut self.progress {
                    progress.set(fitted, String::new);
                }
            }
        }
        self.stopped |= stop || self.fit.context.stop_requested();
        if self.saved.elapsed() >= SAVE_EVERY.max(self.saving * SHARE_OF_SAVING) {
            self.save()?;
        }
        Ok(())
    }
}
