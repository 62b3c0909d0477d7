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

/// Writes frequency, data, noise, model and residual, then one column a species, as CSV; NaN where there are no data.
///
/// # Errors
/// [`ReportError::Shape`] and [`ReportError::Write`].
pub fn write_spectrum_csv(path: &Path, spectrum: &FittedSpectrum) -> Result<(), ReportError> {
    spectrum.check()?;
    let residual_k = spectrum.residual_k();
    atomic::write(path, |f| {
        write!(f, "freq_mhz,t_k_data,sigma_k,t_k_model,residual_k")?;
        for species in &spectrum.species {
            write!(f, ",{}", csv_field(&format!("t_k_{}", species.name)))?;
        }
        writeln!(f)?;
        for (k, residual) in residual_k.iter().enumerate() {
            let (freq, data) = (spectrum.freq_mhz[k], spectrum.t_k_data[k]);
            let (sigma, model) = (spectrum.sigma_k[k], spectrum.t_k_model[k]);
            write!(f, "{freq},{data},{sigma},{model},{residual}")?;
            for species in &spectrum.species {
                write!(f, ",{}", species.t_k[k])?;
            }
            writeln!(f)?;
        }
        Ok(())
    })?;
    Ok(())
}
