//! Finds what is too weak to be told by its powers alone: boxcars whose powers and correlations together are rare.

use super::super::chance::{ln_chance_of_many, ln_joint, sigma};
use super::find::{Burst, LEAST_SHARE, Worker};
use super::grid::WIDTHS;
use super::scan::Scan;

/// Powers of a boxcar that is correlated are at most as likely in noise.
const LIKELIEST: f64 = 0.01;
/// Boxcars may be as many times likelier in the first look as exp of this than what is told.
const SLACK: f64 = 2.0;
/// The same before what is beside a boxcar is taken off.
const SLACK_ALONE: f64 = 6.0;
/// Multiplications of all looks of a unit at most, about.
const MOST_WORK: f64 = 4e10;
/// Boxcars that are kept at most before those that overlap are left out.
const MOST_BOXCARS: usize = 1 << 16;
/// Weak ones of a unit at most: the rarest of them.
const MOST_WEAK: usize = 400;
/// Boxcars that overlap and are tested at most: which of them passes best is not told by a first look.
const PER_BURST: usize = 4;
/// Boxcars begin at every dump, or so many times in a width.
const PER_WIDTH: usize = 6;
/// A boxcar's probability is worked out where its standard deviations are at most so much below what is asked for.
const BELOW_S: f64 = 0.6;

/// A boxcar of the sum of all stations and what the first look says of it.
struct Seen {
    burst: Burst,
    ln_joint: f64,
}

/// The rarest boxcars of the sum of all stations of which few overlap, and the natural logarithm of the probability of the likeliest
/// powers that were looked at.
pub(super) fn weak(worker: &mut Worker, scan: &mut Scan, tick: &mut dyn FnMut()) -> (Vec<Burst>, f64) {
    let own = (worker.search.own.1 - worker.search.own.0).max(0) as f64;
    let looks: f64 =
        WIDTHS.iter().map(|w| own / step(*w) as f64).sum::<f64>() * worker.search.shifts.len() as f64;
    let ln_first = libm::log((MOST_WORK / (looks * scan.cost()).max(1.0)).min(LIKELIEST));
    let mut all: Vec<Seen> = Vec::new();
    for dm in 0..worker.search.shifts.len() {
        look(worker, scan, (dm, ln_first), &mut all);
        if all.len() > MOST_BOXCARS {
            all.sort_by(|a, b| a.ln_joint.total_cmp(&b.ln_joint));
            all.truncate(MOST_BOXCARS / 2);
        }
        tick();
    }
    all.sort_by(|a, b| a.ln_joint.total_cmp(&b.ln_joint));
    let mut kept: Vec<Burst> = Vec::new();
    for Seen { burst, .. } in all {
        let beside = kept.iter().filter(|k| overlap(k, &burst, worker.search.shifts)).count();
        if kept.len() < MOST_WEAK && beside < PER_BURST {
            kept.push(burst);
        }
    }
    let told = |burst| {
        let mut burst = worker.told(burst);
        worker.judge(&mut burst);
        burst
    };
    (kept.into_iter().map(told).collect(), ln_first)
}

fn step(width: usize) -> usize {
    (width / PER_WIDTH).max(1)
}

/// Adds the boxcars of a dispersion measure.
fn look(worker: &mut Worker, scan: &mut Scan, (dm, ln_first): (usize, f64), all: &mut Vec<Seen>) {
    let (stream, (from, to)) = (worker.search.streams() - 1, worker.search.own);
    let n = (to - from).max(0) as usize;
    worker.sum(dm, from, n);
    let scale = worker.scales[stream][dm];
    let wanted = worker.search.ln_threshold + SLACK;
    // Of few powers the tail is longer than a Gaussian's: from lower standard deviations on.
    let worth_s = (sigma(ln_first) - 2.0 * BELOW_S).max(0.0);
    for (w, &width) in WIDTHS.iter().enumerate() {
        let scatter = scale.scatter_w[w];
        let (worth, least) = ((scatter * worth_s).powi(2), LEAST_SHARE * worker.full[stream] * width as f64);
        for t in (0..n).step_by(step(width)) {
            let (e, c) = worker.boxcar(stream, t, width);
            if e <= 0.0 || e * e <= worth * c || c < least {
                continue;
            }
            let ln_chance = ln_chance_of_many(c, c + e / scatter);
            if ln_chance > ln_first {
                continue;
            }
            let start = from + t as i64;
            let alone = scan.ln_chance_alone((start, width), &worker.search.shifts[dm]);
            if ln_joint(ln_chance, alone, ln_first) > worker.search.ln_threshold + SLACK_ALONE {
                continue;
            }
            let ln_coherence = scan.ln_chance((start, width), &worker.search.shifts[dm]);
            let ln_joint = ln_joint(ln_chance, ln_coherence, ln_first);
            if ln_joint <= wanted {
                let burst = Burst { stream, dm, start, width, sum: (e, c), ln_chance, ..Burst::default() };
                all.push(Seen { burst, ln_joint });
            }
        }
    }
}

/// Whether two boxcars share time at the lowest and at the highest frequency.
fn overlap(a: &Burst, b: &Burst, shifts: &[Vec<usize>]) -> bool {
    let share = |late_a: usize, late_b: usize| {
        let (from_a, from_b) = (a.start + late_a as i64, b.start + late_b as i64);
        from_a < from_b + b.width as i64 && from_b < from_a + a.width as i64
    };
    let (first_a, first_b) =
        (shifts[a.dm].first().copied().unwrap_or(0), shifts[b.dm].first().copied().unwrap_or(0));
    let (last_a, last_b) =
        (shifts[a.dm].last().copied().unwrap_or(0), shifts[b.dm].last().copied().unwrap_or(0));
    share(first_a, first_b) && share(last_a, last_b)
}
