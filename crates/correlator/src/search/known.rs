//! Sources that are known already: a list of names and positions, by which candidates are marked.

use super::SearchError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A source of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Right ascension (J2000), degrees.
    pub ra_deg: f64,
    /// Declination (J2000), degrees.
    pub dec_deg: f64,
}

impl Known {
    /// Right ascension and declination, rad.
    pub fn place_rad(&self) -> (f64, f64) {
        (self.ra_deg.to_radians(), self.dec_deg.to_radians())
    }
}

/// Reads a CSV file with the columns `name`, `ra_deg` and `dec_deg`; others are passed over.
///
/// # Errors
/// The file cannot be read; a row (told with its line) has no such columns or is nowhere on the sky.
pub fn read_known(path: &Path) -> Result<Vec<Known>, SearchError> {
    let failed = |problem: String| SearchError::Known { path: path.to_owned(), problem };
    let mut rows =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|e| failed(e.to_string()))?;
    let mut all = Vec::new();
    for row in rows.deserialize::<Known>() {
        let known = row.map_err(|e| failed(e.to_string()))?;
        if !((0.0..=360.0).contains(&known.ra_deg) && (-90.0..=90.0).contains(&known.dec_deg)) {
            let Known { name, ra_deg, dec_deg } = known;
            return Err(failed(format!("{name} at {ra_deg}, {dec_deg} is nowhere on the sky (degrees)")));
        }
        all.push(known);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Known>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known.csv");
        std::fs::write(&path, text).unwrap();
        read_known(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn lists_are_read() {
        let found =
            read("dec_deg, ra_deg, name, flux\n16.1, 343.5, 3C454.3, 10\n-29, 266.4, Sgr A*, 1\n").unwrap();
        assert_eq!((found.len(), found[1].name.as_str()), (2, "Sgr A*"));
        assert_eq!(found[0].place_rad(), (343.5f64.to_radians(), 16.1f64.to_radians()));
        assert!(read("name,ra_deg,dec_deg\n").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("name,ra_deg\nA,1\n", "dec_deg"),
            ("name,ra_deg,dec_deg\nA,1,2\nB,x,2\n", "line: 3"),
            ("name,ra_deg,dec_deg\nA,1,91\n", "A at 1, 91"),
            ("name,ra_deg,dec_deg\nA,NaN,1\n", "A at NaN"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("known.csv") && error.contains(told), "{error}");
        }
        assert!(read_known(Path::new("/nowhere.csv")).unwrap_err().to_string().contains("/nowhere.csv"));
    }
}
