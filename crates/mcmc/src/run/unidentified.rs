//! Lines that the data have and the model lacks, with the species of the line lists that have a line there.

use crate::catalog::Library;
use crate::identify::{Assignment, Candidate, Data, assign, find_peaks, typical_fwhm_kms};
use crate::plan::Plan;
use crate::posterior::QUANTITIES;
use crate::report::FittedSpectrum;
use mirinae_common::atomic;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Signal to noise of a line.
const SIGMA: f64 = 5.0;
/// Velocities beyond those of the fit's species, and widths, at which candidates are looked for, in units of the width.
const REACH_FWHM: f64 = 3.0;
const WIDEST_FWHM: f64 = 2.5;

/// Writes the file at `path` and gives the lines of the summary; none where no line is left. `theta`: the best fit.
pub(super) fn write(
    path: &Path,
    plan: &Plan,
    spectra: &[FittedSpectrum],
    theta: &[f64],
) -> anyhow::Result<String> {
    let data = residual(plan, spectra);
    let mut peaks = Vec::new();
    for (index, s) in spectra.iter().enumerate() {
        let channels =
            s.residual_k().iter().map(|r| if r.is_finite() { *r } else { 0.0 }).collect::<Vec<_>>();
        let sigma_k: Vec<f64> =
            s.sigma_k.iter().map(|x| if x.is_finite() { *x } else { f64::INFINITY }).collect();
        let found = find_peaks(&s.freq_mhz, &channels, &sigma_k, SIGMA);
        peaks.extend(found.into_iter().map(|p| (index, p)));
    }
    if peaks.is_empty() {
        table(path, spectra, &[], &[])?;
        return Ok(String::new());
    }
    let (v_kms, of_species_kms) = source(plan, theta);
    let plain: Vec<_> = peaks.iter().map(|p| p.1.clone()).collect();
    let fwhm_kms = of_species_kms.or_else(|| typical_fwhm_kms(&plain)).unwrap_or(3.0);
    let reach = (v_kms.0 - REACH_FWHM * fwhm_kms, v_kms.1 + REACH_FWHM * fwhm_kms);
    let (species, notes) = match Library::standard() {
        Ok(library) => library.species(),
        Err(e) => (Vec::new(), vec![format!("there are no candidates: {e}")]),
    };
    let candidate = |s| Candidate::new(s, &data, reach, WIDEST_FWHM * fwhm_kms);
    let mut candidates: Vec<Candidate> = species.iter().filter_map(candidate).collect();
    let centre_kms = 0.5 * (v_kms.0 + v_kms.1);
    let found = assign(&data, &mut candidates, &[], peaks, (centre_kms, fwhm_kms));
    table(path, spectra, &found, &candidates)?;
    let mut text = format!(
        "{} unidentified lines above {SIGMA} sigma in the residual; candidates of {} species of the line lists, with how many \
         of the lines they would then show are there:\n",
        found.len(),
        species.len()
    );
    for a in &found {
        let (freq, t_k, signal) = (a.peak.freq_mhz, a.peak.t_k, a.peak.signal);
        let _ = writeln!(text, "{freq:13.3} MHz  {t_k:8.3} K  {signal:6.1} sigma  {}", names(a, &candidates));
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    Ok(text)
}

/// The residual as data to be identified.
fn residual(plan: &Plan, spectra: &[FittedSpectrum]) -> Data {
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    Data {
        windows: plan.windows.iter().map(|w| w.window.clone()).collect(),
        t_k: spectra.iter().flat_map(FittedSpectrum::residual_k).map(finite).collect(),
        per_k: spectra.iter().flat_map(|s| &s.sigma_k).map(|s| finite(1.0 / s)).collect(),
        threshold: SIGMA,
    }
}

/// Lowest and highest velocity of the fitted species (km/s), and the median of their widths.
fn source(plan: &Plan, theta: &[f64]) -> ((f64, f64), Option<f64>) {
    let place = |name: &str| QUANTITIES.iter().position(|q| q.0 == name);
    let values: Vec<_> = plan.layout.values(theta).collect();
    let of = |name: &str| -> Vec<f64> {
        place(name).map(|k| values.iter().map(|v| v[k]).collect()).unwrap_or_default()
    };
    let v = of("v_kms");
    let low = v.iter().copied().fold(f64::INFINITY, f64::min);
    let high = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let v_kms = if low <= high { (low, high) } else { (0.0, 0.0) };
    (v_kms, crate::spectrum::median(&of("fwhm_kms")))
}

/// "C2H5CN (3 of 12 lines); CH3CHO (1 of 4 lines)".
fn names(assignment: &Assignment, candidates: &[Candidate]) -> String {
    if assignment.possible.is_empty() {
        return "no species of the line lists".to_owned();
    }
    let one = |(k, expected, there): &(usize, usize, usize)| {
        format!("{} ({there} of {expected} lines)", candidates[*k].species.name())
    };
    assignment.possible.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn table(
    path: &Path,
    spectra: &[FittedSpectrum],
    found: &[Assignment],
    candidates: &[Candidate],
) -> anyhow::Result<()> {
    Ok(atomic::write(path, |file| {
        writeln!(file, "spectrum,freq_mhz,t_k,signal,fwhm_kms,candidates")?;
        for a in found {
            let name = crate::report::csv_field(&spectra[a.window].name);
            let candidates = crate::report::csv_field(&names(a, candidates));
            let p = &a.peak;
            writeln!(file, "{name},{},{},{},{},{candidates}", p.freq_mhz, p.t_k, p.signal, p.fwhm_kms)?;
        }
        Ok(())
    })?)
}
