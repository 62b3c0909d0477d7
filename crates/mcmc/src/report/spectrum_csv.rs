//! The best fit of one spectrum, and its table.

use super::ReportError;
use super::table::csv_field;
use mirinae_common::atomic;
use std::io::Write;
use std::path::Path;

/// What one species adds to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Name of the species.
    pub name: String,
    /// Brightness temperature of each channel in K, as if the species were alone.
    pub t_k: Vec<f64>,
}

/// Quantiles over the draws of the posterior, channel by channel, in K.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bands {
    /// Of the model: 2.5, 15.865, 50, 84.135 and 97.5 %.
    pub model_k: [Vec<f64>; 5],
    /// Of data that another observation of the same noise would give: 2.5 and 97.5 %.
    pub predicted_k: [Vec<f64>; 2],
    /// Of each species: 15.865, 50 and 84.135 %, in the order of the species.
    pub species_k: Vec<[Vec<f64>; 3]>,
}

/// Ends of the names of the columns of [`Bands::model_k`].
const MODEL_COLUMNS: [&str; 5] = ["lower_95", "lower_68", "median", "upper_68", "upper_95"];

/// A line to be marked in the pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct LineLabel {
    /// Where the line is seen (Doppler shift included), in MHz.
    pub freq_mhz: f64,
    /// What to write.
    pub text: String,
    /// Peak of the line in K: of labels that would overlap, that of the stronger line is drawn.
    pub strength_k: f64,
}

/// A spectrum and its fit. The channels are in the order of frequency, rising or falling; NaN in `t_k_data` marks
/// channels without data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FittedSpectrum {
    /// Name for titles.
    pub name: String,
    /// Channel centres in MHz.
    pub freq_mhz: Vec<f64>,
    /// Observed brightness temperatures in K.
    pub t_k_data: Vec<f64>,
    /// Noise of each channel in K.
    pub sigma_k: Vec<f64>,
    /// Model in K.
    pub t_k_model: Vec<f64>,
    /// Each species by itself.
    pub species: Vec<Component>,
    /// Lines to be marked; may be empty.
    pub labels: Vec<LineLabel>,
    /// Posterior of each channel, where there is one.
    pub bands: Option<Bands>,
}

impl FittedSpectrum {
    /// Data minus model in K.
    pub fn residual_k(&self) -> Vec<f64> {
        self.t_k_data.iter().zip(&self.t_k_model).map(|(d, m)| d - m).collect()
    }

    /// Checks that all arrays have a value for each channel.
    ///
    /// # Errors
    /// [`ReportError::Shape`] with the first that has not.
    pub fn check(&self) -> Result<(), ReportError> {
        let own = [("data", &self.t_k_data), ("noise", &self.sigma_k), ("model", &self.t_k_model)];
        let own = own.map(|(name, values)| (name.to_string(), values.len()));
        let species = self.species.iter().map(|s| (format!("species {}", s.name), s.t_k.len()));
        let expected = self.freq_mhz.len();
        match own.into_iter().chain(species).find(|(_, found)| *found != expected) {
            None => Ok(()),
            Some((what, found)) => {
                Err(ReportError::Shape { spectrum: self.name.clone(), what, found, expected })
            }
        }
    }
}

impl FittedSpectrum {
    /// Everything of every channel as named columns: frequency in MHz, then temperatures in K.
    ///
    /// # Errors
    /// [`ReportError::Shape`].
    pub fn columns(&self) -> Result<Vec<(String, Vec<f64>)>, ReportError> {
        self.check()?;
        let named = |name: &str, values: &[f64]| (name.to_string(), values.to_vec());
        let mut columns = vec![
            named("freq_mhz", &self.freq_mhz),
            named("t_k_data", &self.t_k_data),
            named("sigma_k", &self.sigma_k),
            named("t_k_model", &self.t_k_model),
            ("residual_k".to_string(), self.residual_k()),
        ];
        if let Some(bands) = &self.bands {
            let model = MODEL_COLUMNS.iter().zip(&bands.model_k);
            columns.extend(model.map(|(end, values)| named(&format!("model_k_{end}"), values)));
            let predicted = ["lower_95", "upper_95"].iter().zip(&bands.predicted_k);
            columns.extend(predicted.map(|(end, values)| named(&format!("predicted_k_{end}"), values)));
        }
        for (k, species) in self.species.iter().enumerate() {
            columns.push(named(&format!("t_k_{}", species.name), &species.t_k));
            if let Some(bands) = &self.bands {
                let ends = ["lower_68", "median", "upper_68"].iter().zip(&bands.species_k[k]);
                columns.extend(ends.map(|(end, v)| named(&format!("t_k_{}_{end}", species.name), v)));
            }
        }
        Ok(columns)
    }
}

/// Writes frequency, data, noise, model and residual, the posterior's quantiles where there are any, then the species, as
/// CSV; NaN where there are no data.
///
/// # Errors
/// [`ReportError::Shape`] and [`ReportError::Write`].
pub fn write_spectrum_csv(path: &Path, spectrum: &FittedSpectrum) -> Result<(), ReportError> {
    let columns = spectrum.columns()?;
    atomic::write(path, |f| {
        let names: Vec<String> = columns.iter().map(|(name, _)| csv_field(name)).collect();
        writeln!(f, "{}", names.join(","))?;
        for k in 0..spectrum.freq_mhz.len() {
            for (column, (_, values)) in columns.iter().enumerate() {
                let comma = if column > 0 { "," } else { "" };
                write!(f, "{comma}{}", values[k])?;
            }
            writeln!(f)?;
        }
        Ok(())
    })?;
    Ok(())
}
