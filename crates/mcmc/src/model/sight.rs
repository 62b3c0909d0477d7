//! Sight lines: groups of species that are not just one Gaussian species in LTE in front of the background.

use super::error::ModelError;
use super::excitation::Excitation;
use super::structure::{Continuum, Dust, Group, N_DUST_PARAMS, Structure};
use std::sync::Arc;

/// A group as planned.
#[derive(Debug, Clone)]
pub(super) struct PlannedGroup {
    pub layer: u32,
    pub members: Vec<usize>,
    /// With the first of its parameters among the extra ones.
    pub dust: Option<(Dust, usize)>,
}

/// Groups that are computed together: a single core, or, where there are layers, everything.
#[derive(Debug, Clone)]
pub(super) struct Sightline {
    /// By layer.
    pub groups: Vec<PlannedGroup>,
    /// With the first of its parameters among the extra ones.
    pub continuum: Option<(Continuum, usize)>,
    /// Whether all channels get the continuum; that behind the cores comes with the first sight line.
    pub continuum_goes_in: bool,
    pub is_first: bool,
    /// For each window the place of its cubics and moments in the work space.
    pub first_smooth: Vec<usize>,
}

/// The order of the smooth functions of a sight line.
pub(super) mod function {
    /// `J(Tbg)`.
    pub const J_BG: usize = 0;
    /// What is behind the cores: `J(Tbg)` and the continuum.
    pub const BEHIND: usize = 1;
    /// Beam filling of a group.
    pub const fn eta(group: usize) -> usize {
        2 + 3 * group
    }
    /// Opacity of its dust.
    pub const fn tau_dust(group: usize) -> usize {
        3 + 3 * group
    }
    /// `J` of its dust's temperature (K).
    pub const fn j_dust(group: usize) -> usize {
        4 + 3 * group
    }
}

/// Number of smooth functions of a sight line.
pub(super) const fn n_functions(n_groups: usize) -> usize {
    function::eta(n_groups)
}

/// Which species go the fast way, and which along sight lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways {
    /// Species alone in front of the background, with Gaussian lines in LTE.
    pub plain: Vec<usize>,
    pub sightlines: Vec<Sightline>,
    /// Numbers of work space for the cubics of all sight lines.
    pub n_smooth: usize,
    /// How each species' levels are populated; None: by one temperature.
    pub excitations: Vec<Option<Arc<dyn Excitation>>>,
    /// Whether its lines are Voigt profiles.
    pub voigt: Vec<bool>,
}

impl Ways {
    /// `n_segments`: of each window.
    pub fn new(
        structure: &Structure,
        excitations: Vec<Option<Arc<dyn Excitation>>>,
        n_segments: &[usize],
    ) -> Result<Self, ModelError> {
        let n_species = excitations.len();
        let groups = structure.groups_of(n_species)?;
        let voigt: Vec<bool> = (0..n_species).map(|i| structure.voigt.contains(&i)).collect();
        let is_plain = |group: &Group| {
            let alone = group.members.len() == 1 && group.dust.is_none();
            alone && !voigt[group.members[0]] && excitations[group.members[0]].is_none()
        };
        let layered = groups.iter().any(|group| group.layer > 0);
        let together = layered || structure.continuum.is_some();
        let (mut planned, mut plain, mut first) = (Vec::new(), Vec::new(), 0);
        for group in &groups {
            let dust = group.dust.map(|dust| (dust, first));
            first += if dust.is_some() { N_DUST_PARAMS } else { 0 };
            if is_plain(group) && !together {
                plain.push(group.members[0]);
            } else {
                planned.push(PlannedGroup { layer: group.layer, members: group.members.clone(), dust });
            }
        }
        let continuum = structure.continuum.map(|continuum| (continuum, first));
        planned.sort_by_key(|group| group.layer);
        let bundles: Vec<Vec<PlannedGroup>> =
            if layered { vec![planned] } else { planned.into_iter().map(|group| vec![group]).collect() };
        let mut ways = Self { plain, excitations, voigt, ..Self::default() };
        for groups in bundles {
            let n_functions = n_functions(groups.len());
            let mut first_smooth = Vec::with_capacity(n_segments.len());
            for n in n_segments {
                first_smooth.push(ways.n_smooth);
                ways.n_smooth += n * n_functions;
            }
            let (continuum_goes_in, is_first) = (structure.keeps_continuum, ways.sightlines.is_empty());
            ways.sightlines.push(Sightline { groups, continuum, continuum_goes_in, is_first, first_smooth });
        }
        Ok(ways)
    }
}

impl Sightline {
    /// Whether any group has dust.
    pub fn is_dusty(&self) -> bool {
        self.groups.iter().any(|group| group.dust.is_some())
    }

    /// The function that is taken off its continuum where that belongs to the spectrum: what other sight lines give.
    pub fn behind_continuum(&self) -> usize {
        if self.is_first { function::J_BG } else { function::BEHIND }
    }

    /// Its species, group by group.
    pub fn members(&self) -> impl Iterator<Item = (usize, usize)> {
        self.groups.iter().enumerate().flat_map(|(g, group)| group.members.iter().map(move |m| (g, *m)))
    }

    /// The cubics of a segment of a window, in the work space.
    pub fn smooth_range(&self, window: usize, segment: usize) -> std::ops::Range<usize> {
        let n = n_functions(self.groups.len());
        let first = self.first_smooth[window] + segment * n;
        first..first + n
    }
}
