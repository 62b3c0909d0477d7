//! The names by which `emcee.backends.HDFBackend` finds the samples of an ensemble: `mcmc/chain`, `mcmc/log_prob`,
//! `mcmc/accepted` and attributes (emcee 3). The samples themselves are not stored twice: the names are links.

use super::hdf;
use hdf5::{File, Result};

/// The release of emcee whose layout this is.
const VERSION: &str = "3.1.6";

/// Adds them to a file that has `samples` and `log_density`. `accepted_fraction` is each walker's.
pub(super) fn add(file: &File, [draws, walkers, dim]: [usize; 3], accepted_fraction: &[f64]) -> Result<()> {
    let group = file.create_group("mcmc")?;
    hdf::write_text(&group, "version", VERSION)?;
    for (name, count) in [("nwalkers", walkers), ("ndim", dim), ("iteration", draws)] {
        hdf::write_count(&group, name, count as u64)?;
    }
    group.new_attr::<bool>().create("has_blobs")?.write_scalar(&false)?;
    group.link_hard("/samples", "chain")?;
    group.link_hard("/log_density", "log_prob")?;
    let accepted: Vec<f64> = accepted_fraction.iter().map(|f| (f * draws as f64).round()).collect();
    hdf::new_f64(&group, "accepted", &[walkers])?.write_raw(&accepted)
}
