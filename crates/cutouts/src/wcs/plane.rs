//! Pixels and the plane of a projection: matrix, reference pixel, SIP polynomials.

use super::WcsError;
use crate::fits::Header;
use serde_json::{Map, Value};

/// PC001002, as the draft of the standard had it, is PC1_2.
fn modern(name: &str) -> String {
    let digits = name.strip_prefix("PC").or_else(|| name.strip_prefix("CD")).filter(|rest| rest.len() == 6);
    match digits.map(|d| (d[..3].parse::<u32>(), d[3..].parse::<u32>())) {
        Some((Ok(i), Ok(j))) => format!("{}{i}_{j}", &name[..2]),
        _ => name.to_owned(),
    }
}

/// Pixels and the plane of a projection: matrix, reference pixel, SIP polynomials.
#[derive(Debug)]
pub(super) struct Plane {
    reference: [f64; 2],
    /// Degrees to pixels, row after row.
    inverse: [f64; 4],
    /// Powers of u and v with their coefficient, for each axis (Shupe et al. 2005, equation 1).
    sip: [Vec<(i32, i32, f64)>; 2],
}

/// Rounds of the inversion of the polynomials: they are small, each round gains digits.
const ROUNDS: usize = 20;

impl Plane {
    pub(super) fn of(header: &Header<'_>) -> Result<Self, WcsError> {
        let mut values = Map::new();
        for (name, _) in header.values() {
            if let Some(value) = header.real(name) {
                values.entry(modern(name)).or_insert(Value::from(value));
            }
        }
        let real = |name: &str, absent: f64| values.get(name).and_then(Value::as_f64).unwrap_or(absent);
        let has = |name: &str| values.contains_key(name);
        let [a, b, c, d] = if ["CD1_1", "CD1_2", "CD2_1", "CD2_2"].into_iter().any(has) {
            ["CD1_1", "CD1_2", "CD2_1", "CD2_2"].map(|name| real(name, 0.0))
        } else {
            let (first, second) = (real("CDELT1", 1.0), real("CDELT2", 1.0));
            if has("CROTA2") && !has("PC1_1") {
                let angle = real("CROTA2", 0.0).to_radians();
                let (sin, cos) = (libm::sin(angle), libm::cos(angle));
                [first * cos, -second * sin, first * sin, second * cos]
            } else {
                [
                    first * real("PC1_1", 1.0),
                    first * real("PC1_2", 0.0),
                    second * real("PC2_1", 0.0),
                    second * real("PC2_2", 1.0),
                ]
            }
        };
        let determinant = a * d - b * c;
        if !(determinant != 0.0 && determinant.is_finite()) {
            return Err(WcsError::Unusable { what: "its matrix cannot be inverted".to_owned() });
        }
        let is_sip = header.text("CTYPE1").is_some_and(|c| c.ends_with("-SIP"));
        let polynomial = |axis: &str| {
            let order = real(&format!("{axis}_ORDER"), 0.0).clamp(0.0, 9.0) as i32;
            let terms = (0..=order).flat_map(|p| (0..=order - p).map(move |q| (p, q)));
            let terms = terms.map(|(p, q)| (p, q, real(&format!("{axis}_{p}_{q}"), 0.0)));
            if is_sip { terms.filter(|t| t.2 != 0.0).collect() } else { Vec::new() }
        };
        Ok(Self {
            reference: [real("CRPIX1", 0.0) - 1.0, real("CRPIX2", 0.0) - 1.0],
            inverse: [d / determinant, -b / determinant, -c / determinant, a / determinant],
            sip: [polynomial("A"), polynomial("B")],
        })
    }

    /// The pixel, from 0, of a point of the plane (degrees).
    pub(super) fn pixel(&self, x: f64, y: f64) -> [f64; 2] {
        let [p, q, r, s] = self.inverse;
        let focal = [p * x + q * y, r * x + s * y];
        let mut uv = focal;
        if self.sip.iter().any(|terms| !terms.is_empty()) {
            for _ in 0..ROUNDS {
                let power = |base: f64, n: i32| (0..n).fold(1.0, |product, _| product * base);
                let sum = |terms: &[(i32, i32, f64)]| {
                    terms.iter().map(|(m, n, c)| c * power(uv[0], *m) * power(uv[1], *n)).sum::<f64>()
                };
                uv = [focal[0] - sum(&self.sip[0]), focal[1] - sum(&self.sip[1])];
            }
        }
        [uv[0] + self.reference[0], uv[1] + self.reference[1]]
    }
}
