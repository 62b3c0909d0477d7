//! From correlation coefficients to flux densities: sensitivities of the stations, and what quantisation takes.

use crate::antab;
use crate::epoch::Epoch;
use crate::integrate::efficiency;
use crate::job::file::tsys_at;
use crate::writer::{VisFile, VisMeta};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The system equivalent flux density of a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sefd {
    /// Name of the station.
    pub station: String,
    /// Its polarisation; all where absent.
    pub polarisation: Option<char>,
    /// When, s from the start of the job; always where absent.
    pub time_s: Option<f64>,
    /// Jy.
    pub jy: f64,
}

/// All that is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sefds(Vec<Sefd>);

/// Efficiencies of quantisation at its best, where samples were not counted (integrate::efficiency has the equations).
const BEST: [(u32, f64); 2] = [(1, std::f64::consts::FRAC_2_PI), (2, 0.8825)];
/// Bands that begin so close to one another are the same part of the sky.
const SAME_HZ: f64 = 0.5;

impl Sefds {
    /// Takes `NAME=Jy` words.
    ///
    /// # Errors
    /// In words, where one is nothing such or there is no such station.
    pub fn add_words(&mut self, words: &[String], meta: &VisMeta) -> Result<(), String> {
        for word in words {
            let wrong = || {
                format!(
                    "--sefd {word}: a station and its Jy are needed, as {}=1200",
                    meta.stations.first().map_or("KY", |s| &s.name)
                )
            };
            let (station, jy) = word.split_once('=').ok_or_else(wrong)?;
            let jy: f64 =
                jy.trim().parse().ok().filter(|jy: &f64| *jy > 0.0 && jy.is_finite()).ok_or_else(wrong)?;
            let names: Vec<&str> = meta.stations.iter().map(|s| s.name.as_str()).collect();
            if !names.iter().any(|n| n.eq_ignore_ascii_case(station.trim())) {
                return Err(format!("--sefd {word}: the stations are {}", names.join(", ")));
            }
            self.0.push(Sefd { station: station.trim().to_owned(), polarisation: None, time_s: None, jy });
        }
        Ok(())
    }

    /// Takes system temperatures and gains of the stations that an ANTAB file has: SEFD = T / DPFU. What was given for a station
    /// before holds; temperatures of several bands are averaged.
    ///
    /// # Errors
    /// In words, where the file cannot be read or used.
    pub fn add_antab(&mut self, path: &Path, meta: &VisMeta) -> Result<(), String> {
        let wrong = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        let start = Epoch::new(meta.start_mjd, meta.start_second as f64);
        let before = self.0.len();
        for station in &meta.stations {
            let name = station.name.as_str();
            let given = self.0.iter().any(|s| s.station.eq_ignore_ascii_case(name));
            if given || !antab::names(&text).iter().any(|n| n.eq_ignore_ascii_case(name)) {
                continue;
            }
            let gains = antab::dpfu(&text, &[name]).map_err(wrong)?;
            for row in antab::read(&text, &[name]).map_err(wrong)? {
                let tsys = tsys_at(row, start);
                let mut letters: Vec<char> = tsys.values.iter().map(|v| v.0).collect();
                letters.dedup();
                for letter in letters {
                    let of: Vec<f64> =
                        tsys.values.iter().filter(|v| v.0 == letter).map(|v| f64::from(v.2)).collect();
                    let kelvin = of.iter().sum::<f64>() / of.len() as f64;
                    // The second gain is that of the second polarisation.
                    let gain = if matches!(letter, 'L' | 'Y') { gains[gains.len() - 1] } else { gains[0] };
                    self.0.push(Sefd {
                        station: name.to_owned(),
                        polarisation: Some(letter),
                        time_s: Some(tsys.time_s),
                        jy: kelvin / gain,
                    });
                }
            }
        }
        let names = || meta.stations.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        if self.0.len() == before {
            Err(wrong(format!("there are no system temperatures of {}", names())))
        } else {
            Ok(())
        }
    }

    /// That of a station nearest in time, Jy.
    fn of(&self, station: &str, polarisation: char, time_s: f64) -> Option<f64> {
        let ours = self.0.iter().filter(|s| {
            s.station.eq_ignore_ascii_case(station)
                && s.polarisation.is_none_or(|p| p.eq_ignore_ascii_case(&polarisation))
        });
        let far = |s: &Sefd| s.time_s.map_or(0.0, |t| (t - time_s).abs());
        ours.min_by(|a, b| far(a).total_cmp(&far(b))).map(|s| s.jy)
    }
}

impl fmt::Display for Sefds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.0.iter().map(|s| s.station.as_str()).collect();
        names.dedup();
        if names.is_empty() {
            write!(f, "none (no --sefd, no --antab)")
        } else {
            write!(f, "with {}", names.join(", "))
        }
    }
}

/// Turns correlation coefficients of a scan into Jy.
pub struct Scale<'a> {
    meta: &'a VisMeta,
    sefds: &'a Sefds,
    /// Of every recorded channel; 1 where the job has corrected it.
    efficiency_r: Vec<f64>,
}

impl<'a> Scale<'a> {
    /// Reads how the samples of a scan were distributed.
    ///
    /// # Errors
    /// What the library says.
    pub fn new(file: &'a VisFile, sefds: &'a Sefds, scan: usize) -> hdf5::Result<Self> {
        let meta = file.meta();
        let mut scale = Self { meta, sefds, efficiency_r: vec![1.0; meta.recorded.len()] };
        if sefds.0.is_empty() || corrected(file)? {
            return Ok(scale);
        }
        let states_trk = file.sampled(scan, 0..meta.scans[scan].integrations)?.states_trk;
        for (r, (to, recorded)) in scale.efficiency_r.iter_mut().zip(&meta.recorded).enumerate() {
            let count = |k: usize| states_trk.outer_iter().map(|rk| rk[[r, k]]).sum::<u64>();
            let states_k = std::array::from_fn(count);
            let best = BEST.iter().find(|b| b.0 == recorded.bits).map_or(1.0, |b| b.1);
            let counted = states_k.iter().sum::<u64>() > 0;
            *to = if counted { efficiency(recorded.bits, &states_k) } else { best };
        }
        Ok(scale)
    }

    /// Jy of a correlation coefficient of 1: the root of both stations' SEFD over the root of both efficiencies.
    pub fn jy(&self, baseline: usize, polarisation: char, bands: &[usize], time_s: f64) -> Option<f64> {
        let sides = [self.meta.baselines[baseline].a, self.meta.baselines[baseline].b];
        let mut product = 1.0;
        for stream in sides {
            let name = &self.meta.stations[self.meta.stream_stations[stream]].name;
            product *=
                self.sefds.of(name, polarisation, time_s)? / self.efficiency(stream, polarisation, bands);
        }
        Some(product.sqrt())
    }

    /// Mean over bands.
    fn efficiency(&self, stream: usize, polarisation: char, bands: &[usize]) -> f64 {
        let same = |a: usize, b: usize| {
            a == b || (self.meta.bands[a].low_hz() - self.meta.bands[b].low_hz()).abs() < SAME_HZ
        };
        let ours = self.meta.recorded.iter().zip(&self.efficiency_r).filter(|(r, _)| {
            r.stream == stream && r.polarisation == polarisation && bands.iter().any(|&b| same(b, r.band))
        });
        let found: Vec<f64> = ours.map(|(_, e)| *e).collect();
        if found.is_empty() { 1.0 } else { found.iter().sum::<f64>() / found.len() as f64 }
    }
}

/// Whether the job has put back what quantisation takes.
fn corrected(file: &VisFile) -> hdf5::Result<bool> {
    let how: serde_json::Value = serde_json::from_str(&file.provenance()?).unwrap_or_default();
    Ok(how["settings"]["quantisation"] == "linear")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_in_time_of_the_polarisation_counts() {
        let one = |station: &str, polarisation, time_s, jy| Sefd {
            station: station.to_owned(),
            polarisation,
            time_s,
            jy,
        };
        let sefds = Sefds(vec![
            one("KY", Some('R'), Some(0.0), 1000.0),
            one("KY", Some('R'), Some(60.0), 1100.0),
            one("KY", Some('L'), Some(60.0), 900.0),
            one("KU", None, None, 2000.0),
        ]);
        assert_eq!(sefds.of("ky", 'R', 20.0), Some(1000.0));
        assert_eq!(sefds.of("KY", 'R', 40.0), Some(1100.0));
        assert_eq!(sefds.of("KY", 'L', 0.0), Some(900.0));
        assert_eq!(sefds.of("KU", 'L', 1e6), Some(2000.0));
        assert_eq!(sefds.of("KT", 'L', 0.0), None);
    }
}
