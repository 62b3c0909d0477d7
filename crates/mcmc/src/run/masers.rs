//! Tells where lines of species out of equilibrium amplify, and where they do so beyond what the escape probability is good for.

use crate::model::{EvalError, SpeciesParams};
use crate::nonlte::LOWEST_TAU;
use crate::posterior::Posterior;
use ndarray::ArrayView3;
use std::fmt::Write as _;

/// An opacity below this is worth a word: a brightness behind it grows by more than 10 per cent.
const NOTEWORTHY_TAU: f64 = -0.1;
/// Draws at which the lines are looked at.
const DRAWS: usize = 200;

/// The inverted lines of a species.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Masers {
    /// Index of the species.
    pub species: usize,
    /// Lines with an opacity below -0.1, and below -1.
    pub noteworthy: usize,
    pub invalid: usize,
    /// The strongest: rest frequency (MHz) and opacity at its centre.
    pub strongest: (f64, f64),
}

/// The species with inverted lines at `theta`, of all lines of their files, in the windows or not.
pub(crate) fn find(posterior: &Posterior, theta: &[f64]) -> Result<Vec<Masers>, EvalError> {
    let mut found = Vec::new();
    for (species, values) in posterior.layout().values(theta).enumerate() {
        let params = SpeciesParams::from_quantities(values);
        let lines = posterior.model().excited_opacities(species, &params)?;
        found.extend(of_lines(species, &lines));
    }
    Ok(found)
}

/// Of lines with their frequencies (MHz) and opacities; none where nothing amplifies noticeably.
fn of_lines(species: usize, lines: &[(f64, f64)]) -> Option<Masers> {
    let below = |limit: f64| lines.iter().filter(|line| line.1 < limit).count();
    let strongest = lines.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let strongest = strongest.filter(|line| line.1 < NOTEWORTHY_TAU)?;
    let (noteworthy, invalid) = (below(NOTEWORTHY_TAU), below(LOWEST_TAU));
    Some(Masers { species, noteworthy, invalid, strongest })
}

/// A sentence for each species with inverted lines.
pub(crate) fn notes(posterior: &Posterior, theta: &[f64]) -> Result<Vec<String>, EvalError> {
    let names: Vec<&str> = posterior.model().species_names().collect();
    Ok(find(posterior, theta)?.iter().map(|masers| sentence(names[masers.species], masers)).collect())
}

fn sentence(name: &str, masers: &Masers) -> String {
    let (freq_mhz, tau) = masers.strongest;
    let mut text = format!(
        "{name}: {} inverted lines amplify (opacity below {NOTEWORTHY_TAU}), most at {freq_mhz:.4} MHz with {tau:.2}",
        masers.noteworthy
    );
    if masers.invalid > 0 {
        let _ = write!(
            text,
            "; {} of them lie below {LOWEST_TAU}, where no local theory of the excitation holds: neither these lines nor the \
             level populations can be trusted there",
            masers.invalid
        );
    }
    text
}

/// Lines for the summary of a run: the best sample, and how many draws (shape: draw, chain, parameter) are beyond the
/// theory; none where all is in LTE or nothing amplifies.
pub(super) fn text(
    posterior: &Posterior,
    samples: ArrayView3<f64>,
    best: &[f64],
) -> Result<String, EvalError> {
    let mut text = String::new();
    let names: Vec<&str> = posterior.model().species_names().collect();
    for note in notes(posterior, best)? {
        let _ = writeln!(text, "MASERS in the best sample: {note}");
    }
    let all: Vec<_> = samples.rows().into_iter().collect();
    let step = all.len().div_ceil(DRAWS).max(1);
    let (mut looked, mut invalid) = (0, vec![0; names.len()]);
    for theta in all.iter().step_by(step) {
        looked += 1;
        for masers in find(posterior, &theta.to_vec())? {
            invalid[masers.species] += usize::from(masers.invalid > 0);
        }
    }
    for (name, n) in names.iter().zip(invalid).filter(|(_, n)| *n > 0) {
        let _ = writeln!(
            text,
            "MASERS of {name}: in {n} of {looked} draws a line has an opacity below {LOWEST_TAU}, where the escape \
             probability does not hold: limit log10_nh2, tkin_k or logn to where it does"
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::prepare;

    /// Three levels: collisions fill the highest, the middle one empties fast, so that the line between them is inverted.
    const LAMDA: &str = "!\nmade up\n!\n30\n!\n3\n!\n1 0.0 1.0 0\n2 3.0 3.0 1\n3 6.336 5.0 2\n!\n2\n!\n\
                         1 2 1 1e-3 89.937737\n2 3 2 1e-6 100.010764\n!\n1\n!\n1 X - H2\n!\n3\n!\n2\n!\n10 100\n!\n\
                         1 2 1 1e-14 1e-14\n2 3 1 1e-10 1e-10\n3 3 2 1e-14 1e-14\n";

    #[test]
    fn lines_that_amplify_are_told_and_those_beyond_the_theory_more_so() {
        assert_eq!(of_lines(0, &[(100.0, -0.05), (200.0, 3.0)]), None);
        let weak = of_lines(1, &[(100.0, -0.3), (200.0, 3.0), (300.0, -0.2)]).unwrap();
        assert_eq!((weak.species, weak.noteworthy, weak.invalid, weak.strongest), (1, 2, 0, (100.0, -0.3)));
        assert!(!sentence("X", &weak).contains("trusted"));
        let strong = of_lines(0, &[(100.0, -0.3), (200.0, 2.0 * LOWEST_TAU)]).unwrap();
        assert_eq!((strong.noteworthy, strong.invalid), (2, 1));
        assert!(
            sentence("X", &strong).contains("1 of them lie below")
                && sentence("X", &strong).contains("trusted")
        );
    }

    #[test]
    fn a_weak_inversion_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x.dat"), LAMDA).unwrap();
        let rows: String =
            (0..60).map(|i| format!("{} {}\n", 100_000.0 + 0.4 * f64::from(i), i % 3)).collect();
        std::fs::write(dir.path().join("s.txt"), rows).unwrap();
        let config = "[[spectrum]]\nfile = \"s.txt\"\nnoise = \"1 K\"\nbeam = [\"1 arcsec\", \"1 arcsec\"]\n\
                      [[species]]\nname = \"X\"\nlamda = \"x.dat\"\nlogn = { uniform = [11, 17] }\n\
                      tkin_k = { fixed = 50 }\nlog10_nh2 = { fixed = 4 }\nfwhm_kms = { fixed = 2 }\n\
                      v_kms = { fixed = 0 }\n";
        let path = dir.path().join("fit.toml");
        std::fs::write(&path, config).unwrap();
        let posterior = prepare(&path).unwrap().posterior().unwrap();
        // Its opacity is about -0.01 at 10^13 cm^-2: inverted, yet it changes nothing.
        let values = posterior.layout().values(&[13.0]).next().unwrap();
        let lines = posterior.model().excited_opacities(0, &SpeciesParams::from_quantities(values)).unwrap();
        assert!(lines.iter().any(|line| (-0.1..0.0).contains(&line.1)), "{lines:?}");
        assert_eq!(find(&posterior, &[13.0]).unwrap(), []);
        let samples = ndarray::array![[[11.0], [13.0]]];
        assert_eq!(text(&posterior, samples.view(), &[13.0]).unwrap(), "");
    }
}
