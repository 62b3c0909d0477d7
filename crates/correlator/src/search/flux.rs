//! From correlation coefficients to flux densities: sensitivities of the stations, and what quantisation takes.

use super::job_antab::job_antabs;
use crate::antab::{self, Gain};
use crate::eop::Eop;
use crate::epoch::Epoch;
use crate::geometry::model::vector::dot;
use crate::geometry::model::{Direction, Earth, Local};
use crate::integrate::efficiency;
use crate::job::file::tsys_at;
use crate::writer::{RecordedInfo, VisFile, VisMeta};
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
    /// Jy; K where there is a gain.
    pub value: f64,
    /// What turns K into Jy, by the elevation.
    pub gain: Option<Gain>,
}

/// All that is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sefds {
    all: Vec<Sefd>,
    /// What was found without being asked for, in words.
    told: Vec<String>,
}

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
            self.all.push(Sefd {
                station: station.trim().to_owned(),
                polarisation: None,
                time_s: None,
                value: jy,
                gain: None,
            });
        }
        Ok(())
    }

    /// Takes system temperatures and gains of the stations that an ANTAB file has: SEFD = T / (DPFU POLY(elevation)), of
    /// the groups of gains the one for the first band. What was given for a station
    /// before holds; temperatures of several bands are averaged.
    ///
    /// # Errors
    /// In words, where the file cannot be read or used.
    pub fn add_antab(&mut self, path: &Path, meta: &VisMeta) -> Result<(), String> {
        let wrong = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        let start = Epoch::new(meta.start_mjd, meta.start_second as f64);
        let mhz = meta.bands.first().map_or(0.0, |b| 1e-6 * (b.low_hz() + 0.5 * b.bandwidth_hz));
        let before = self.all.len();
        for station in &meta.stations {
            let name = station.name.as_str();
            if self.has(name) || !antab::names(&text).iter().any(|n| n.eq_ignore_ascii_case(name)) {
                continue;
            }
            let gain = antab::gain(&text, &[name], mhz).map_err(wrong)?;
            for row in antab::read(&text, &[name]).map_err(wrong)? {
                let tsys = tsys_at(row, start);
                let mut letters: Vec<char> = tsys.values.iter().map(|v| v.0).collect();
                letters.dedup();
                for letter in letters {
                    let of: Vec<f64> =
                        tsys.values.iter().filter(|v| v.0 == letter).map(|v| f64::from(v.2)).collect();
                    let kelvin = of.iter().sum::<f64>() / of.len() as f64;
                    self.all.push(Sefd {
                        station: name.to_owned(),
                        polarisation: Some(letter),
                        time_s: Some(tsys.time_s),
                        value: kelvin,
                        gain: Some(gain.clone()),
                    });
                }
            }
        }
        let names = || meta.stations.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        if self.all.len() == before {
            Err(wrong(format!("there are no system temperatures of {}", names())))
        } else {
            Ok(())
        }
    }

    fn has(&self, station: &str) -> bool {
        self.all.iter().any(|s| s.station.eq_ignore_ascii_case(station))
    }

    /// Takes those of the ANTAB files of the job that made the visibilities, as far as these are found and can be used, where some
    /// are lacking.
    pub fn add_job_antabs(&mut self, provenance: &str, visibilities: &Path, meta: &VisMeta) {
        if meta.stations.iter().all(|s| self.has(&s.name)) {
            return;
        }
        for path in job_antabs(provenance, visibilities) {
            let before = self.all.len();
            let told = match self.add_antab(&path, meta) {
                Ok(()) => format!("by {}, which the job used", path.display()),
                Err(why) => {
                    self.all.truncate(before);
                    format!("the job's {why}")
                }
            };
            self.told.push(told);
        }
    }

    /// That of a station nearest in time.
    fn of(&self, station: &str, polarisation: char, time_s: f64) -> Option<&Sefd> {
        let ours = self.all.iter().filter(|s| {
            s.station.eq_ignore_ascii_case(station)
                && s.polarisation.is_none_or(|p| p.eq_ignore_ascii_case(&polarisation))
        });
        let far = |s: &Sefd| s.time_s.map_or(0.0, |t| (t - time_s).abs());
        ours.min_by(|a, b| far(a).total_cmp(&far(b)))
    }
}

impl fmt::Display for Sefds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.all.iter().map(|s| s.station.as_str()).collect();
        names.dedup();
        if names.is_empty() {
            write!(f, "none (no --sefd, no --antab, no such file of the job)")?;
        } else {
            write!(f, "with {}", names.join(", "))?;
        }
        self.told.iter().try_for_each(|told| write!(f, "; {told}"))
    }
}

/// Turns correlation coefficients of a scan into Jy.
pub struct Scale<'a> {
    meta: &'a VisMeta,
    sefds: &'a Sefds,
    /// The source that the stations point to.
    pointing: Direction,
    /// Of every recorded channel; 1 where the job has corrected it.
    efficiency_r: &'a [f64],
}

/// The efficiency of quantisation of every recorded channel in a scan, from how its samples were distributed; 1 where it is not
/// needed, or the job has corrected it.
///
/// # Errors
/// What the library says.
pub fn efficiencies(file: &VisFile, sefds: &Sefds, scan: usize) -> hdf5::Result<Vec<f64>> {
    let meta = file.meta();
    if sefds.all.is_empty() || corrected(file)? {
        return Ok(vec![1.0; meta.recorded.len()]);
    }
    let states_trk = file.sampled(scan, 0..meta.scans[scan].integrations)?.states_trk;
    let of = |(r, recorded): (usize, &RecordedInfo)| {
        let count = |k: usize| states_trk.outer_iter().map(|rk| rk[[r, k]]).sum::<u64>();
        let states_k = std::array::from_fn(count);
        let best = BEST.iter().find(|b| b.0 == recorded.bits).map_or(1.0, |b| b.1);
        let counted = states_k.iter().sum::<u64>() > 0;
        if counted { efficiency(recorded.bits, &states_k) } else { best }
    };
    Ok(meta.recorded.iter().enumerate().map(of).collect())
}

impl<'a> Scale<'a> {
    /// For a scan whose [`efficiencies`] are known.
    pub fn new(meta: &'a VisMeta, sefds: &'a Sefds, scan: usize, efficiency_r: &'a [f64]) -> Self {
        let source = &meta.sources[meta.scans[scan].pointing];
        let pointing = Direction { ra_rad: source.ra_rad, dec_rad: source.dec_rad };
        Self { meta, sefds, pointing, efficiency_r }
    }

    /// Jy of a correlation coefficient of 1 of bands in some polarisations: the mean over these.
    pub fn jy(&self, baseline: usize, used: &[(char, usize)], time_s: f64) -> Option<f64> {
        let mut polarisations: Vec<char> = used.iter().map(|(p, _)| *p).collect();
        polarisations.sort_unstable();
        polarisations.dedup();
        let of = |&polarisation: &char| {
            let bands: Vec<usize> =
                used.iter().filter(|(p, _)| *p == polarisation).map(|(_, b)| *b).collect();
            self.jy_of(baseline, polarisation, &bands, time_s)
        };
        let all: Vec<f64> = polarisations.iter().map(of).collect::<Option<_>>()?;
        Some(all.iter().sum::<f64>() / all.len() as f64)
    }

    /// The root of both stations' SEFD over the root of both efficiencies.
    fn jy_of(&self, baseline: usize, polarisation: char, bands: &[usize], time_s: f64) -> Option<f64> {
        let sides = [self.meta.baselines[baseline].a, self.meta.baselines[baseline].b];
        let utc = Epoch::new(self.meta.start_mjd, self.meta.start_second as f64 + time_s);
        let mut product = 1.0;
        for stream in sides {
            let station = &self.meta.stations[self.meta.stream_stations[stream]];
            let sefd = self.sefds.of(&station.name, polarisation, time_s)?;
            let k_jy = match &sefd.gain {
                Some(gain) => gain.at(polarisation, elevation_deg(self.pointing, station.xyz_m, utc))?,
                None => 1.0,
            };
            product *= sefd.value / k_jy / self.efficiency(stream, polarisation, bands);
        }
        Some(product.sqrt())
    }

    /// Mean over bands.
    fn efficiency(&self, stream: usize, polarisation: char, bands: &[usize]) -> f64 {
        let same = |a: usize, b: usize| {
            a == b || (self.meta.bands[a].low_hz() - self.meta.bands[b].low_hz()).abs() < SAME_HZ
        };
        let ours = self.meta.recorded.iter().zip(self.efficiency_r).filter(|(r, _)| {
            r.stream == stream && r.polarisation == polarisation && bands.iter().any(|&b| same(b, r.band))
        });
        let found: Vec<f64> = ours.map(|(_, e)| *e).collect();
        if found.is_empty() { 1.0 } else { found.iter().sum::<f64>() / found.len() as f64 }
    }
}

/// Elevation of a direction at a place, to an arc minute (UT1 is taken for UTC, no aberration, no refraction).
fn elevation_deg(pointing: Direction, at_m: [f64; 3], utc: Epoch) -> f64 {
    let eop = Eop { tai_utc_s: 37.0, ut1_utc_s: 0.0, x_arcsec: 0.0, y_arcsec: 0.0, dx_mas: 0.0, dy_mas: 0.0 };
    let [_, _, up] = Local::geodetic(at_m).axes();
    dot(up, Earth::at(utc, &eop).to_itrs(pointing.unit())).asin().to_degrees()
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
    fn elevations_are_those_of_sidereal_time() {
        let yonsei_m = [-3_042_281.029, 4_045_902.667, 3_867_374.331];
        let (latitude_deg, longitude_deg): (f64, f64) = (37.565, 126.941);
        for (hour, ra_deg, dec_deg) in [(0.0, 10.0, 20.0), (7.0, 343.5, 16.1), (15.0, 187.7, 12.4)] {
            let days = (59_620 - 51_544) as f64 - 0.5 + hour / 24.0;
            // Mean sidereal time at Greenwich (Meeus, Astronomical Algorithms, equation 12.4).
            let angle_deg = 280.460_618_37 + 360.985_647_366_29 * days + longitude_deg - ra_deg;
            let (latitude, dec, angle): (f64, f64, f64) =
                (latitude_deg.to_radians(), f64::to_radians(dec_deg), angle_deg.to_radians());
            let sin = latitude.sin() * dec.sin() + latitude.cos() * dec.cos() * angle.cos();
            let pointing = Direction { ra_rad: f64::to_radians(ra_deg), dec_rad: dec };
            let found = elevation_deg(pointing, yonsei_m, Epoch::new(59_620, 3600.0 * hour));
            // 22 years of precession are 0.3 degrees.
            assert!((found - sin.asin().to_degrees()).abs() < 0.4, "{found} {}", sin.asin().to_degrees());
        }
    }

    #[test]
    fn the_nearest_in_time_of_the_polarisation_counts() {
        let one = |station: &str, polarisation, time_s, value| Sefd {
            station: station.to_owned(),
            polarisation,
            time_s,
            value,
            gain: None,
        };
        let all = vec![
            one("KY", Some('R'), Some(0.0), 1000.0),
            one("KY", Some('R'), Some(60.0), 1100.0),
            one("KY", Some('L'), Some(60.0), 900.0),
            one("KU", None, None, 2000.0),
        ];
        let sefds = Sefds { all, told: Vec::new() };
        assert_eq!(sefds.of("ky", 'R', 20.0).map(|s| s.value), Some(1000.0));
        assert_eq!(sefds.of("KY", 'R', 40.0).map(|s| s.value), Some(1100.0));
        assert_eq!(sefds.of("KY", 'L', 0.0).map(|s| s.value), Some(900.0));
        assert_eq!(sefds.of("KU", 'L', 1e6).map(|s| s.value), Some(2000.0));
        assert_eq!(sefds.of("KT", 'L', 0.0).map(|s| s.value), None);
    }
}
