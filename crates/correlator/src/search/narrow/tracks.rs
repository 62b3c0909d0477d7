//! Spectra of all stations around a line, for its cross test and its picture.

use super::between::Between;
use super::common::Common;
use super::find::Line;
use super::station::Station;
use num_complex::{Complex32, Complex64};

/// Spectra of all stations around one signal's line, in units of the roots of their noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Spectra.
    pub spectra: usize,
    /// Steps to either side of the line.
    pub half: usize,
    /// By station, spectrum and step; 0 where a spectrum is not used.
    pub z_mtk: Vec<Vec<Complex32>>,
    /// What stations have in common beside the line, if anything.
    pub common: Option<Common>,
}

impl Track {
    /// Room for `members` stations.
    pub fn new(members: usize, spectra: usize, half: usize) -> Self {
        let z_mtk = vec![vec![Complex32::default(); spectra * (2 * half + 1)]; members];
        Self { spectra, half, z_mtk, common: None }
    }

    /// A value: station, spectrum, steps above the line.
    pub fn at(&self, member: usize, t: usize, above: i64) -> Complex32 {
        let place = self.half as i64 + above;
        let row = 2 * self.half as i64 + 1;
        if !(0..row).contains(&place) {
            return Complex32::default();
        }
        self.z_mtk[member][t * row as usize + place as usize]
    }

    /// Sum of the powers of a station along the line, so far above it, and the number of spectra that are used.
    pub fn power(&self, member: usize, above: i64) -> (f64, usize) {
        let powers = (0..self.spectra).map(|t| f64::from(self.at(member, t, above).norm_sqr()));
        powers.fold((0.0, 0), |(sum, n), p| if p > 0.0 { (sum + p, n + 1) } else { (sum, n) })
    }

    /// The same for two stations in the spectra that both have, the second so many steps above the line.
    pub fn powers_of_both(&self, (a, b): (usize, usize), above: i64) -> (f64, f64, usize) {
        let of = |t: usize| [self.at(a, t, 0), self.at(b, t, above)].map(|z| f64::from(z.norm_sqr()));
        let both = (0..self.spectra).map(of).filter(|p| p[0] > 0.0 && p[1] > 0.0);
        both.fold((0.0, 0.0, 0), |(a, b, n), p| (a + p[0], b + p[1], n + 1))
    }

    /// X_a conj(X_b) of a spectrum, b so many steps above the line, less what it is beside the line; and its variance if b has
    /// nothing but noise. Both 0 where the spectrum is not used.
    pub fn product(&self, (a, b): (usize, usize), above: i64, t: usize) -> (Complex64, f64) {
        let (x, y) = (self.at(a, t, 0), self.at(b, t, above));
        if y == Complex32::default() {
            return (Complex64::default(), 0.0);
        }
        let (product, variance) = (wide(x) * wide(y).conj(), f64::from(x.norm_sqr()));
        match &self.common {
            Some(common) if variance > 0.0 => {
                let (mean, of_mean) = common.product((a, b), above, t);
                (product - mean, variance + of_mean)
            }
            _ => (product, variance),
        }
    }

    /// Stations that have data.
    pub fn with_data(&self) -> Vec<usize> {
        (0..self.z_mtk.len()).filter(|&m| self.power(m, 0).1 > 0).collect()
    }

    /// How many they are.
    pub fn stations(&self) -> usize {
        self.with_data().len()
    }
}

/// In double precision.
pub fn wide(z: Complex32) -> Complex64 {
    Complex64::new(z.re.into(), z.im.into())
}

/// The spectra `half` steps to either side of a line (in steps of the unit), in units of the roots of their noise.
pub(super) fn track(between: &mut Between, stations: &[Station], line: &Line, half: usize) -> Track {
    let spectra = stations.first().map_or(0, |s| s.spectra);
    let mut track = Track::new(stations.len(), spectra, half);
    let row = 2 * half + 1;
    let first_t: Vec<i64> = (0..spectra).map(|t| line.step(spectra, t) - half as i64).collect();
    let (low, high) = first_t.iter().fold((i64::MAX, i64::MIN), |(a, b), &s| (a.min(s), b.max(s)));
    for (station, z_tk) in stations.iter().zip(&mut track.z_mtk) {
        let noise = station.noise(low..high.saturating_add(row as i64));
        let roots: Vec<f64> = noise.into_iter().map(f64::sqrt).collect();
        for (t, values) in z_tk.chunks_exact_mut(row).enumerate() {
            let time = station.scale.time_t[t];
            if time <= 0.0 {
                continue;
            }
            between.row((&station.voltages, t), first_t[t], values);
            let time = time.sqrt();
            for (z, root) in values.iter_mut().zip(&roots[(first_t[t] - low) as usize..]) {
                *z = if *root > 0.0 { *z / (time * root) as f32 } else { Complex32::default() };
            }
        }
    }
    track
}
