//! The chain as InferenceData, in a netCDF-4 file: what `arviz.from_netcdf` and `xarray` open.
//!
//! Groups as ArviZ names them: `posterior` (a variable a parameter), `sample_stats` (`lp` and what the sampler tells),
//! `observed_data` and `constant_data`; dimensions chain and draw, and channel for the data. Draws that the results leave out
//! are not in it.

use super::netcdf::{ScaleText, add_dimension, add_variable};
use super::{Chain, ChainError, hdf, read_statistics};
use mirinae_common::{atomic, provenance};
use ndarray::{Array2, ArrayView2, Axis, aview1, s};
use std::path::Path;

/// The data that the chain was fitted to, channel by channel over all windows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// Channel centres in MHz.
    pub freq_mhz: Vec<f64>,
    /// Brightness temperatures in K; NaN where there are no data.
    pub t_k: Vec<f64>,
    /// Noise in K; NaN where there are no data.
    pub sigma_k: Vec<f64>,
    /// Draws at the start of the chain that are left out.
    pub burn: usize,
}

/// Statistics that are whole numbers, and yes or no.
const COUNTS: [&str; 2] = ["n_steps", "tree_depth"];
const FLAGS: [&str; 1] = ["diverging"];

/// Writes the file, whole or not at all. The statistics are read from the chain's own file at `chain_path`.
///
/// # Errors
/// [`ChainError`] of any kind, with the file and the cause.
pub fn write_inference(
    path: &Path,
    chain_path: &Path,
    chain: &Chain,
    observed: &Observed,
) -> Result<(), ChainError> {
    let mut statistics = vec![("lp".to_string(), chain.log_density.clone())];
    for name in &chain.header.statistics {
        statistics.push((name.clone(), read_statistics(chain_path, name)?));
    }
    let fill = |tmp: &Path| fill(tmp, chain, observed, &statistics).map_err(ChainError::hdf5("write", path));
    atomic::write_by_path(path, fill, ChainError::io("write", path))
}

fn fill(
    tmp: &Path,
    chain: &Chain,
    observed: &Observed,
    statistics: &[(String, Array2<f64>)],
) -> hdf5::Result<()> {
    let text = ScaleText::read_at(tmp)?;
    let file = hdf::create(tmp)?;
    hdf::write_text(&file, "inference_library", "alma-fit")?;
    hdf::write_text(&file, "inference_library_version", provenance::VERSION)?;
    hdf::write_text(&file, "provenance", &chain.header.provenance)?;
    let (draws, chains, _) = chain.samples.dim();
    let burn = observed.burn.min(draws);
    let of_chains = [("chain", chains), ("draw", draws - burn)];
    let names = ["chain", "draw"];
    let mut dimensions = Dimensions { file: &file, text, next: 0 };
    let group = dimensions.new_group("posterior", &of_chains)?;
    for (k, parameter) in chain.header.parameters.iter().enumerate() {
        let values = by_chain(chain.samples.index_axis(Axis(2), k), burn);
        // A slash would make a group.
        let name = parameter.name.replace('/', "_");
        let variable = add_variable(&group, &name, &names, values.view())?;
        hdf::write_text(&variable, "units", &parameter.unit)?;
    }
    let group = dimensions.new_group("sample_stats", &of_chains)?;
    for (name, values) in statistics {
        let values = by_chain(values.view(), burn);
        if FLAGS.contains(&name.as_str()) {
            let flags = values.mapv(|v| i8::from(v != 0.0));
            let variable = add_variable(&group, name, &names, flags.view())?;
            hdf::write_text(&variable, "dtype", "bool")?;
        } else if COUNTS.contains(&name.as_str()) {
            add_variable(&group, name, &names, values.mapv(|v| v as i64).view())?;
        } else {
            add_variable(&group, name, &names, values.view())?;
        }
    }
    let channels = [("channel", observed.freq_mhz.len())];
    let group = dimensions.new_group("observed_data", &channels)?;
    let variable = add_variable(&group, "t_k", &["channel"], aview1(&observed.t_k))?;
    hdf::write_text(&variable, "units", "K")?;
    let group = dimensions.new_group("constant_data", &channels)?;
    for (name, values, unit) in [("freq_mhz", &observed.freq_mhz, "MHz"), ("sigma_k", &observed.sigma_k, "K")]
    {
        let variable = add_variable(&group, name, &["channel"], aview1(values))?;
        hdf::write_text(&variable, "units", unit)?;
    }
    file.flush()?;
    file.close()
}

/// Gives each dimension of the file a number of its own, as netCDF wants it.
struct Dimensions<'a> {
    file: &'a hdf5::File,
    text: ScaleText,
    next: i32,
}

impl Dimensions<'_> {
    fn new_group(&mut self, name: &str, dimensions: &[(&str, usize)]) -> hdf5::Result<hdf5::Group> {
        let group = self.file.create_group(name)?;
        for (name, length) in dimensions {
            add_dimension(&group, &self.text, name, *length, self.next)?;
            self.next += 1;
        }
        Ok(group)
    }
}

/// (draw, chain) to (chain, draw), without the first draws.
fn by_chain(values: ArrayView2<'_, f64>, burn: usize) -> Array2<f64> {
    values.slice(s![burn.., ..]).t().as_standard_layout().into_owned()
}
