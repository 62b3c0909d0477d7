//! Makes ECSV, which astropy reads with units, of a CSV table whose column names tell the units.

use std::fmt::Write as _;

/// Ends of names, and units as astropy writes them; longer ones first.
const UNITS: [(&str, &str); 13] = [
    ("_hz_per_s", "Hz / s"),
    ("_pc_cm3", "pc / cm3"),
    ("dm_error", "pc / cm3"),
    ("_arcsec", "arcsec"),
    ("_deg", "deg"),
    ("_mjd", "d"),
    ("_mhz", "MHz"),
    ("_hz", "Hz"),
    ("_ms", "ms"),
    ("_ns", "ns"),
    ("_jy", "Jy"),
    ("_rad", "rad"),
    ("_s", "s"),
];

/// A table as ECSV 1.0; `words` are the names of the columns that are no numbers. Empty fields are masked there.
pub(super) fn to_ecsv(csv: &str, words: &[&str]) -> String {
    let (names, rows) = csv.split_once('\n').unwrap_or((csv, ""));
    let mut text = String::from("# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n");
    for name in names.split(',') {
        let unit = UNITS.iter().find(|(end, _)| name.ends_with(end));
        let _ = match unit {
            _ if words.contains(&name) => writeln!(text, "# - {{name: {name}, datatype: string}}"),
            Some((_, unit)) => writeln!(text, "# - {{name: {name}, unit: {unit}, datatype: float64}}"),
            None => writeln!(text, "# - {{name: {name}, datatype: float64}}"),
        };
    }
    text.push_str("# schema: astropy-2.0\n");
    let _ = writeln!(text, "{names}");
    text.push_str(rows);
    text
}

#[cfg(test)]
mod tests {
    use super::to_ecsv;

    #[test]
    fn columns_have_types_and_units() {
        let text = to_ecsv("name,sky_mhz,closure_deg,dm_error\na,1.5,,\n", &["name", "closure_deg"]);
        assert!(text.starts_with("# %ECSV 1.0\n# ---\n# delimiter: ','\n"), "{text}");
        assert!(text.contains(
            "# - {name: name, datatype: string}\n# - {name: sky_mhz, unit: MHz, datatype: float64}\n"
        ));
        assert!(text.contains("# - {name: closure_deg, datatype: string}\n"));
        assert!(text.ends_with("# - {name: dm_error, unit: pc / cm3, datatype: float64}\n# schema: astropy-2.0\nname,sky_mhz,closure_deg,dm_error\na,1.5,,\n"));
    }
}
