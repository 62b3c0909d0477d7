//! What must hold for any bytes that may be a file of a kind: nothing panics, and what is written is read as the same.

use mirinae_mcmc::catalog::{Duplicates, format_spfit, parse_spfit, without_duplicates};
use mirinae_mcmc::config::Config;
use mirinae_mcmc::nonlte::parse_lamda;
use std::path::Path;

/// What is done with the bytes of a file.
pub type Check = fn(&[u8]);

/// Name and check of every target.
pub const TARGETS: [(&str, Check); 3] = [("cat", cat), ("fit", fit), ("lamda", lamda)];

/// Catalogues of CDMS and JPL.
pub fn cat(bytes: &[u8]) {
    let path = Path::new("a.cat");
    let lines = match parse_spfit(&String::from_utf8_lossy(bytes), path) {
        Err(error) => return assert!(error.to_string().contains("a.cat")),
        Ok(lines) => lines,
    };
    assert!(lines.is_sorted_by(|a, b| a.freq_mhz <= b.freq_mhz));
    for line in &lines {
        assert!(line.freq_mhz > 0.0 && line.freq_sigma_mhz >= 0.0 && line.g_up > 0, "{line:?}");
        let Some(row) = format_spfit(line) else { continue };
        let back = parse_spfit(&row, path).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((back[0].g_up, back[0].tag, back[0].measured), (line.g_up, line.tag, line.measured));
        assert!((back[0].freq_mhz - line.freq_mhz).abs() < 1e-4, "{line:?}");
    }
    for keep in [Duplicates::Components, Duplicates::Unsplit, Duplicates::Keep] {
        let (kept, found) = without_duplicates(lines.clone(), keep);
        assert!(!kept.is_empty() && kept.len() <= lines.len());
        let _ = found.describe(keep);
    }
}

/// Molecular data of LAMDA.
pub fn lamda(bytes: &[u8]) {
    match parse_lamda(&String::from_utf8_lossy(bytes), Path::new("a.dat")) {
        Err(error) => assert!(error.to_string().contains("a.dat")),
        Ok(molecule) => {
            let n = molecule.levels.len();
            assert!(molecule.lines.iter().all(|line| line.up < n && line.low < n));
            assert!((0..n).all(|level| molecule.energy_k(level).is_finite()));
        }
    }
}

/// The configuration of a fit.
pub fn fit(bytes: &[u8]) {
    match Config::parse(Path::new("fit.toml"), &String::from_utf8_lossy(bytes)) {
        Err(error) => assert!(error.to_string().starts_with("fit.toml")),
        Ok(config) => {
            let text = toml::to_string(&config).unwrap_or_else(|e| panic!("{e}"));
            let back = Config::parse(Path::new("fit.toml"), &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(toml::to_string(&back).ok(), Some(text));
        }
    }
}
