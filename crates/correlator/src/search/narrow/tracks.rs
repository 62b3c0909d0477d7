//! Spectra of all stations around a line, for its cross test and its picture.

use super::between::Between;
use super::cross::Track;
use super::find::Line;
use super::station::Station;

/// The spectra `half` steps to either side of a line (in steps of the unit), in units of the roots of their noise.
pub(super) fn track(between: &mut Between, stations: &[Station], line: &Line, half: usize) -> Track {
    let spectra = stations.first().map_or(0, |s| s.spectra);
    let mut track = Track::new(stations.len(), spectra, half);
    let row = 2 * half + 1;
    for (station, z_tk) in stations.iter().zip(&mut track.z_mtk) {
        for (t, values) in z_tk.chunks_exact_mut(row).enumerate() {
            if station.scale.time_t[t] <= 0.0 {
                continue;
            }
            let first = line.step(spectra, t) - half as i64;
            between.row((&station.voltages, t), first, values);
            for (k, z) in values.iter_mut().enumerate() {
                let noise = station.noise(t, first + k as i64);
                *z = noise.map_or(Default::default(), |noise| *z / noise.sqrt() as f32);
            }
        }
    }
    track
}
