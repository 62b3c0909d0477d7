//! Which lines are seen at given parameters, and which channels they reach.

use super::amplitude::{N_NODES, cubic_at, powers};
use super::lines::{LineSet, Span};
use super::lte::PlannedWindow;
use super::scratch::{Active, SpeciesState};
use super::simd::{Lanes, MAX_LANES};
use super::vector::{EXP_LIMIT, ln, one_minus_exp_neg};
use super::window::Grid;
use crate::physics::{C_KMS, FWHM_PER_SIGMA};

/// Largest ln(peak/cut): its exponential stays finite, summed over all lines too.
const HIGHEST_Z: f64 = 660.0;

/// What all lines of a species share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// `1 - v/c`.
    pub doppler: f64,
    /// sigma over the line's frequency.
    pub sigma_per_freq: f64,
    /// ln of the opacity at which profiles are cut.
    pub ln_cut: f64,
    /// That opacity.
    pub cut: f64,
}

impl Common {
    /// `cut_k` (K) is the brightness at which profiles end. The opacity there is `cut_k / (Tex + Tbg)`: at most
    /// `cut_k` is lost, as `1 - exp(-tau) <= tau` and `|J(Tex) - J(Tbg)| < Tex + Tbg`, and it changes smoothly.
    #[inline(always)]
    pub fn new(state: &SpeciesState, t_bg_k: f64, cut_k: f64) -> Self {
        let cut = cut_k / (state.params.tex_k + t_bg_k);
        Self {
            doppler: 1.0 - state.params.v_kms / C_KMS,
            sigma_per_freq: state.params.fwhm_kms / (FWHM_PER_SIGMA * C_KMS),
            ln_cut: libm::log(cut),
            cut,
        }
    }
}

/// Writes the lines that are seen into `active`, which has room for all lines and a vector more; returns how many.
/// `beyond_mhz` is added to the reach of each line; `KEEP` computes what derivatives need.
#[inline(always)]
pub(super) fn find<L: Lanes, const KEEP: bool>(
    window: &PlannedWindow,
    lines: &LineSet,
    state: &SpeciesState,
    common: &Common,
    beyond_mhz: f64,
    active: &mut [Active],
) -> usize {
    let per_t = L::splat(1.0 / state.params.tex_k);
    // The profile's width in frequency is that at the shifted centre.
    let width = state.params.fwhm_kms * common.doppler;
    let base = L::splat(state.ln_n_over_q - common.ln_cut - libm::log(width));
    let (doppler, sigma_per_freq) = (L::splat(common.doppler), L::splat(common.sigma_per_freq));
    let per_sigma_freq = L::splat(1.0 / (common.sigma_per_freq * common.doppler));
    let (zero, two) = (L::splat(0.0), L::splat(2.0));
    let mut cubics = None;
    if let Some(span) = lines.span {
        cubics = Some(Cubics::<L>::new(span, per_t));
    }
    let reach_of = Reach::<L>::new(&window.grid);
    let mut n = 0;
    for at in (0..lines.len()).step_by(L::N) {
        let (hnu_k, e_low_k) = (L::load(&lines.hnu_k[at..]), L::load(&lines.e_low_k[at..]));
        let freq_mhz = L::load(&lines.freq_mhz[at..]);
        let emission = match &cubics {
            Some(cubics) => cubics.at(freq_mhz),
            None => Emission::new(hnu_k, per_t),
        };
        let population = e_low_k.neg_mul_add(per_t, base.add(L::load(&lines.ln_strength[at..])));
        let z0 = population.add(emission.ln_stimulated).min(L::splat(HIGHEST_Z));
        let centre = freq_mhz.mul(doppler);
        let reach = two.mul(z0.max(zero)).sqrt().mul_add(centre.mul(sigma_per_freq), L::splat(beyond_mhz));
        let per_sigma = L::load(&lines.per_freq[at..]).mul(per_sigma_freq);
        let mut columns = Columns::default();
        z0.store(&mut columns.z0);
        centre.store(&mut columns.centre_mhz);
        per_sigma.store(&mut columns.per_sigma);
        if KEEP {
            e_low_k.sub(emission.emitted_k).mul(per_t.mul(per_t)).store(&mut columns.by_tex);
        }
        reach_of.channels(centre.sub(reach), centre.add(reach), &mut columns);
        for i in 0..L::N {
            active[n] = columns.line(i);
            n += usize::from(columns.z0[i] > 0.0 && columns.first[i] < columns.end[i]);
        }
    }
    n
}

/// What stimulated emission does to lines.
struct Emission<L> {
    /// `ln(1 - exp(-h nu/kT))`.
    ln_stimulated: L,
    /// `(h nu/k) / (exp(h nu/kT) - 1)` (K): the derivative of the former by `1/T`.
    emitted_k: L,
}

impl<L: Lanes> Emission<L> {
    #[inline(always)]
    fn new(hnu_k: L, per_t: L) -> Self {
        let stimulated = one_minus_exp_neg(hnu_k.mul(per_t).min(L::splat(EXP_LIMIT)));
        let emitted_k = hnu_k.mul(L::splat(1.0).sub(stimulated)).div(stimulated);
        Self { ln_stimulated: ln(stimulated), emitted_k }
    }
}

/// The same as cubics in the frequency, the second the derivative of the first.
struct Cubics<L> {
    mid_mhz: L,
    per_half_mhz: L,
    ln_stimulated: [f64; N_NODES],
    emitted_k: [f64; N_NODES],
}

impl<L: Lanes> Cubics<L> {
    #[inline(always)]
    fn new(span: Span, per_t: L) -> Self {
        let at_nodes = Emission::new(L::load(&span.hnu_k), per_t);
        Self {
            mid_mhz: L::splat(span.mid_mhz),
            per_half_mhz: L::splat(span.per_half_mhz),
            ln_stimulated: Self::cubic(at_nodes.ln_stimulated),
            emitted_k: Self::cubic(at_nodes.emitted_k),
        }
    }

    #[inline(always)]
    fn cubic(at_nodes: L) -> [f64; N_NODES] {
        let mut y = [0.0; MAX_LANES];
        at_nodes.store(&mut y);
        powers([y[0], y[1], y[2], y[3]])
    }

    #[inline(always)]
    fn at(&self, freq_mhz: L) -> Emission<L> {
        let place = freq_mhz.sub(self.mid_mhz).mul(self.per_half_mhz);
        Emission {
            ln_stimulated: cubic_at(&self.ln_stimulated, place),
            emitted_k: cubic_at(&self.emitted_k, place),
        }
    }
}

/// A vector of lines.
#[derive(Default)]
struct Columns {
    z0: [f64; MAX_LANES],
    centre_mhz: [f64; MAX_LANES],
    per_sigma: [f64; MAX_LANES],
    by_tex: [f64; MAX_LANES],
    first: [i32; MAX_LANES],
    end: [i32; MAX_LANES],
}

impl Columns {
    #[inline(always)]
    fn line(&self, i: usize) -> Active {
        Active {
            z0: self.z0[i],
            centre_mhz: self.centre_mhz[i],
            per_sigma: self.per_sigma[i],
            by_tex: self.by_tex[i],
            first: self.first[i] as u32,
            end: self.end[i] as u32,
        }
    }
}

/// Finds the channels between two frequencies.
struct Reach<'a, L> {
    freq_mhz: &'a [f64],
    /// First frequency and vectors a MHz of an even grid.
    even: Option<(L, L)>,
    n_vectors: L,
}

impl<'a, L: Lanes> Reach<'a, L> {
    #[inline(always)]
    fn new(grid: &'a Grid) -> Self {
        let lanes = L::N as f64;
        let even = grid.even.map(|(first, step)| (L::splat(first), L::splat(1.0 / (step * lanes))));
        let n_vectors = L::splat((grid.padded_mhz.len() / L::N) as f64);
        Self { freq_mhz: &grid.freq_mhz, even, n_vectors }
    }

    /// First channel, and one past the last, of the vectors with channels between two frequencies (MHz); some may have
    /// none. Not ascending where all lie outside.
    #[inline(always)]
    fn channels(&self, low_mhz: L, high_mhz: L, columns: &mut Columns) {
        let (first, end) = (&mut columns.first, &mut columns.end);
        if let Some((start_mhz, per_mhz)) = self.even {
            let (zero, one) = (L::splat(0.0), L::splat(1.0));
            let (low, high) = (low_mhz.sub(start_mhz).mul(per_mhz), high_mhz.sub(start_mhz).mul(per_mhz));
            low.max(zero).min(self.n_vectors).store_integers(first);
            high.add(one).max(zero).min(self.n_vectors).store_integers(end);
        } else {
            let (mut low, mut high) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
            low_mhz.store(&mut low);
            high_mhz.store(&mut high);
            for i in 0..L::N {
                let (from, to) = (low[i], high[i]);
                let channels = [
                    self.freq_mhz.partition_point(|f| *f < from),
                    self.freq_mhz.partition_point(|f| *f <= to).next_multiple_of(L::N),
                ];
                [first[i], end[i]] = channels.map(|channel| (channel / L::N) as i32);
            }
        }
        for i in 0..L::N {
            first[i] *= L::N as i32;
            end[i] *= L::N as i32;
        }
    }
}
