//! Radiative transfer through the layers of a sight line, at one vector of samples, and its adjoint.
//!
//! With the emission `E = sum tau_i S_i` in place of the source function, `(S - I) (1 - exp(-tau)) = h (E - I tau)`,
//! `h = (1 - exp(-tau)) / tau`: smooth through `tau = 0`, and right for inverted levels.

use super::amplitude::{N_NODES, Segment, cubic_at};
use super::sight::{PlannedGroup, function};
use super::simd::{Lanes, MAX_LANES};
use super::vector::{EXP_LIMIT, one_minus_exp_neg};

/// The smooth functions of a sight line at one vector of channels.
#[derive(Clone, Copy)]
pub(super) struct Local<'a, L> {
    pub cubics: &'a [[f64; N_NODES]],
    pub place: L,
}

impl<'a, L: Lanes> Local<'a, L> {
    #[inline(always)]
    pub fn new(cubics: &'a [[f64; N_NODES]], segment: &Segment, freq_mhz: L) -> Self {
        Self { cubics, place: segment.place(freq_mhz) }
    }

    /// One of [`function`].
    #[inline(always)]
    pub fn at(&self, function: usize) -> L {
        cubic_at(&self.cubics[function], self.place)
    }

    /// Opacity and emission of a group's dust.
    #[inline(always)]
    pub fn dust(&self, group: usize) -> (L, L) {
        let tau = self.at(function::tau_dust(group));
        (tau, tau.mul(self.at(function::j_dust(group))))
    }
}

/// What a group does at one vector of samples.
#[derive(Clone, Copy)]
pub(super) struct Slab<L> {
    pub eta: L,
    pub tau: L,
    /// `sum tau_i S_i` (K).
    pub emission_k: L,
}

/// Derivatives by the same.
#[derive(Clone, Copy)]
pub(super) struct SlabPull<L> {
    pub by_eta: L,
    pub by_tau: L,
    pub by_emission: L,
}

/// Far below any number that counts, far above the smallest.
const TINY: f64 = 1.0e-290;
/// Inverted levels amplify no more than e^50: far beyond where a solution means anything.
const MOST_AMPLIFIED: f64 = -50.0;

/// `h(tau)` and `exp(-tau)`.
#[inline(always)]
fn escape<L: Lanes>(tau: L) -> (L, L) {
    let bounded = tau.max(L::splat(MOST_AMPLIFIED)).min(L::splat(EXP_LIMIT));
    let u = one_minus_exp_neg(bounded);
    (u.add(L::splat(TINY)).div(tau.add(L::splat(TINY))), L::splat(1.0).sub(u))
}

/// `dh/dtau = (exp(-tau) - h) / tau`, which lies between `-1/2 + tau/3 - tau^2/8 max(1, exp(-tau))` and
/// `-1/2 + tau/3`: close to zero those leave nothing open, where the quotient has lost its digits.
#[inline(always)]
fn escape_slope<L: Lanes>(tau: L, h: L, screen: L) -> L {
    let highest = tau.mul_add(L::splat(1.0 / 3.0), L::splat(-0.5));
    let room = tau.mul(tau).mul(L::splat(0.125)).mul(screen.max(L::splat(1.0)));
    screen.sub(h).div(tau.add(L::splat(TINY))).max(highest.sub(room)).min(highest)
}

/// The groups of a sight line at one vector of samples. A trait, so that what implements it is inlined into its kernel, as
/// closures may not be.
pub(super) trait Slabs<L> {
    fn slab(&self, group: usize) -> Slab<L>;
}

/// Brightness (K) in front of all layers; `behind_k` is that behind them.
#[inline(always)]
pub(super) fn through<L: Lanes>(groups: &[PlannedGroup], behind_k: L, slabs: &impl Slabs<L>) -> L {
    let (mut behind, mut front, mut layer) = (behind_k, behind_k, groups[0].layer);
    for (g, group) in groups.iter().enumerate() {
        if group.layer != layer {
            (behind, layer) = (front, group.layer);
        }
        let Slab { eta, tau, emission_k } = slabs.slab(g);
        let (h, _) = escape(tau);
        front = eta.mul(h).mul_add(behind.neg_mul_add(tau, emission_k), front);
    }
    front
}

/// The same, going back.
pub(super) trait Column<L>: Slabs<L> {
    /// Takes the derivatives by a group; its slab is not asked for any more.
    fn give(&mut self, group: usize, by: SlabPull<L>);
}

/// The adjoint of [`through`]: gives `column` the derivatives by each group, returns that by `behind_k`. `behinds` is
/// work space of [`MAX_LANES`] numbers a group.
#[inline(always)]
pub(super) fn through_reverse<L: Lanes>(
    groups: &[PlannedGroup],
    behind_k: L,
    pull: L,
    behinds: &mut [f64],
    column: &mut impl Column<L>,
) -> L {
    let (mut behind, mut front, mut layer) = (behind_k, behind_k, groups[0].layer);
    for (g, group) in groups.iter().enumerate() {
        if group.layer != layer {
            (behind, layer) = (front, group.layer);
        }
        behind.store(&mut behinds[g * MAX_LANES..]);
        if groups[groups.len() - 1].layer != layer {
            let Slab { eta, tau, emission_k } = column.slab(g);
            front = eta.mul(escape(tau).0).mul_add(behind.neg_mul_add(tau, emission_k), front);
        }
    }
    // Within a layer all groups see the same; what they hand back reaches the layer behind.
    let (mut by_front, mut by_behind) = (pull, pull);
    for (g, group) in groups.iter().enumerate().rev() {
        if group.layer != layer {
            (by_front, layer) = (by_behind, group.layer);
        }
        let Slab { eta, tau, emission_k } = column.slab(g);
        let behind = L::load(&behinds[g * MAX_LANES..]);
        let (h, screen) = escape(tau);
        let excess = behind.neg_mul_add(tau, emission_k);
        let covered = by_front.mul(eta);
        let by_emission = covered.mul(h);
        let by_tau = covered.mul(excess.mul(escape_slope(tau, h, screen)).sub(h.mul(behind)));
        column.give(g, SlabPull { by_eta: by_front.mul(h).mul(excess), by_tau, by_emission });
        by_behind = by_emission.neg_mul_add(tau, by_behind);
    }
    by_behind
}
