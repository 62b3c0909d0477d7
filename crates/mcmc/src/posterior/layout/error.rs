//! What can be wrong with the parameters that a configuration asks for.

use crate::posterior::prior::PriorError;

/// Parameters that cannot be fitted as the configuration asks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LayoutError {
    /// None or several of the ways to give a parameter.
    #[error("{parameter} needs exactly one of uniform, log_uniform, normal, fixed, same_as; it has {found}")]
    Ways {
        /// The parameter.
        parameter: String,
        /// How many it has.
        found: usize,
    },
    /// `limits` where there is no normal prior.
    #[error("{parameter}: limits go with a normal prior only")]
    Limits {
        /// The parameter.
        parameter: String,
    },
    /// A prior that cannot be.
    #[error("{parameter}")]
    Prior {
        /// The parameter.
        parameter: String,
        /// What is wrong.
        source: PriorError,
    },
    /// `same_as` names a parameter that is not there.
    #[error("{parameter} names {target}, which is not there; known are {known}")]
    Unknown {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
        /// All names.
        known: String,
    },
    /// A ratio of something that is no column density.
    #[error("{parameter}: ratio_to is for logn, and names the logn of another species; not {target}")]
    RatioOf {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
    },
    /// A ratio to a column density that is a ratio itself.
    #[error("{parameter}: {target} is a ratio to another species itself: name that species")]
    RatioOfRatio {
        /// The parameter.
        parameter: String,
        /// What it names.
        target: String,
    },
    /// `same_as` leads back to itself.
    #[error("{parameter} is the same as itself, by way of {by_way_of}")]
    Circle {
        /// The parameter.
        parameter: String,
        /// The last parameter of the way.
        by_way_of: String,
    },
    /// A parameter that must be given.
    #[error("{parameter} is missing")]
    Missing {
        /// The parameter.
        parameter: String,
    },
    /// A key of species in LTE where there is `lamda`, or the other way round.
    #[error(
        "{parameter} {}",
        if *out_of_lte { "does not go with lamda: the file has the lines, their temperature is tkin_k" }
        else { "goes with lamda only" }
    )]
    Misplaced {
        /// The parameter.
        parameter: String,
        /// Whether the species has `lamda`.
        out_of_lte: bool,
    },
    /// Two species with one name.
    #[error("there are two species with the name {0}")]
    Twice(String),
    /// Members of a group with different source sizes.
    #[error(
        "group {group}: {species} has another source size than the first, but the species of a group share one: give \
             size_arcsec to the [[group]], or size_arcsec = {{ same_as = ... }} to all but one of its species"
    )]
    GroupSize {
        /// The group.
        group: String,
        /// The species.
        species: String,
    },
    /// A group that cannot be.
    #[error("group {group}: {problem}")]
    Group {
        /// The group.
        group: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `[dust]` with several cores.
    #[error(
        "[dust] is for models whose cores are one group; here there are {n_cores}: give [group.dust] to a [[group]]"
    )]
    Dust {
        /// Number of groups in layer 0.
        n_cores: usize,
    },
    /// A setting that is not NAME=VALUE.
    #[error("\"{0}\" is not of the form SPECIES.QUANTITY=NUMBER")]
    Setting(String),
    /// A setting for a parameter that is fixed or the same as another.
    #[error("{parameter} cannot be set: it is {why}")]
    NotFree {
        /// The parameter.
        parameter: String,
        /// What it is instead.
        why: &'static str,
    },
    /// A free parameter without a value.
    #[error("{0} has no value: give --set {0}=NUMBER")]
    Unset(String),
    /// Prior or value outside of what the quantity can be.
    #[error("{parameter} must be positive, but may be {low}")]
    NotPositive {
        /// The parameter.
        parameter: String,
        /// The lowest value it may have.
        low: f64,
    },
}
