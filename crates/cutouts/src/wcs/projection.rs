//! What of a header's WCS goes to the `wcs` crate, and what is refused because it does not know it.

use super::WcsError;
use crate::fits::Header;
use ::wcs::WCSParams;
use serde_json::{Map, Value};

/// What the projections do not know would be left out in silence: it is refused.
pub(super) fn check_known(header: &Header<'_>) -> Result<(), WcsError> {
    let refuse = |what: String| Err(WcsError::Unusable { what });
    for keyword in ["CPDIS1", "CPDIS2", "CQDIS1", "CQDIS2", "D2IMDIS1", "D2IMDIS2"] {
        if header.has(keyword) {
            return refuse(format!("{keyword}: distortion tables are not known here"));
        }
    }
    let is_tan = header.text("CTYPE1").is_some_and(|c| c.ends_with("TAN"));
    let beyond = |name: &str| {
        let term =
            name.strip_prefix("PV1_").map(|n| (n, 5)).or_else(|| name.strip_prefix("PV2_").map(|n| (n, 0)));
        term.is_some_and(|(n, first)| n.parse::<u32>().is_ok_and(|n| n >= first))
    };
    if let Some((name, _)) = header.values().find(|(name, _)| is_tan && beyond(name)) {
        return refuse(format!("{name}: polynomials of a TAN projection are not known here"));
    }
    let frame = header.text("RADESYS").or_else(|| header.text("RADECSYS")).unwrap_or_default();
    let equinox = header.real("EQUINOX").or_else(|| header.real("EPOCH"));
    if frame.trim().starts_with("FK4") || frame.is_empty() && equinox.is_some_and(|e| e < 1984.0) {
        return refuse("positions of 1950 (FK4): the catalogue's are ICRS".to_owned());
    }
    Ok(())
}

/// What the crate is given: the projection alone, with planes in degrees. Its inverse of a matrix that is not
/// symmetric is wrong (mapproj 0.4.0 transposes it), so pixels are left to [`super::plane`].
pub(super) fn parameters(header: &Header<'_>) -> Result<WCSParams, WcsError> {
    let mut map = Map::new();
    for (name, _) in header.values() {
        let is_parameter =
            ["CRVAL1", "CRVAL2", "LONPOLE", "LATPOLE"].contains(&name) || name.starts_with("PV");
        if let Some(value) = header.real(name).filter(|_| is_parameter) {
            map.entry(name).or_insert(Value::from(value));
        }
    }
    for (name, value) in
        [("CRPIX1", 0.0), ("CRPIX2", 0.0), ("CD1_1", 1.0), ("CD1_2", 0.0), ("CD2_1", 0.0), ("CD2_2", 1.0)]
    {
        map.insert(name.into(), value.into());
    }
    for name in ["CTYPE1", "CTYPE2"] {
        let text = header.text(name).unwrap_or_default();
        map.insert(name.into(), text.trim_end_matches("-SIP").into());
    }
    for (name, value) in [("NAXIS", 2), ("NAXIS1", 1), ("NAXIS2", 1)] {
        map.insert(name.into(), value.into());
    }
    serde_json::from_value(Value::Object(map)).map_err(|e| WcsError::Absent { what: e.to_string() })
}
