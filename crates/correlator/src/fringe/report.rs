//! The table of fringes, for people and for programs.

use super::FringeError;
use super::search::{Fringe, Plane};
use mirinae_common::atomic;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The outcome of one search.
#[derive(Debug, Clone, PartialEq)]
pub struct FringeRow {
    /// Scan.
    pub scan: String,
    /// Source at the phase centre.
    pub source: String,
    /// Names of the two stations, with a dash.
    pub baseline: String,
    /// Polarisations of the two stations.
    pub polarisations: String,
    /// Lower edge of the band on the sky, Hz.
    pub low_hz: f64,
    /// Bandwidth, Hz.
    pub bandwidth_hz: f64,
    /// Mean weight of the integrations: the share of the data that was there.
    pub weight: f64,
    /// The amplitude is a correlation coefficient.
    pub normalised: bool,
    /// The fringe is believed.
    pub detected: bool,
    /// The peak; `None` without data.
    pub fringe: Option<Fringe>,
    /// The transform about it.
    pub plane: Option<Plane>,
    /// Mean over time with the rate taken out: sky frequency (Hz), real and imaginary part.
    pub spectrum_f: Vec<(f64, f64, f64)>,
}

/// All searches of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FringeReport {
    /// The visibilities.
    pub path: PathBuf,
    /// The probability of a false alarm up to which a fringe is believed.
    pub most_false_alarm: f64,
    /// One for each scan, phase centre, baseline, band and polarisation.
    pub rows: Vec<FringeRow>,
}

const CSV_HEADER: &str = "scan,source,baseline,polarisations,low_hz,bandwidth_hz,weight,detected,delay_s,delay_error_s,\
rate_hz,rate_error_hz,amplitude,normalised,phase_rad,phase_error_rad,frequency_hz,time_s,snr,false_alarm\n";

impl FringeReport {
    /// How many fringes are believed.
    pub fn detections(&self) -> usize {
        self.rows.iter().filter(|row| row.detected).count()
    }

    /// The table as CSV, in SI units; rows without data have empty fields.
    pub fn to_csv(&self) -> String {
        let mut text = CSV_HEADER.to_owned();
        for r in &self.rows {
            let _ =
                write!(text, "{},{},{},{},", quoted(&r.scan), quoted(&r.source), r.baseline, r.polarisations);
            let _ = write!(text, "{},{},{:.6},{}", r.low_hz, r.bandwidth_hz, r.weight, r.detected);
            match &r.fringe {
                None => text.push_str(",,,,,,,,,,,,"),
                Some(f) => {
                    let _ = write!(text, ",{:.6e},{:.3e}", f.delay_s, f.delay_error_s);
                    let _ = write!(text, ",{:.6e},{:.3e}", f.rate_hz, f.rate_error_hz);
                    let _ = write!(text, ",{:.6e},{}", f.amplitude, r.normalised);
                    let _ = write!(text, ",{:.6},{:.6}", f.phase_rad, f.phase_error_rad);
                    let _ = write!(text, ",{},{}", f.frequency_hz, f.time_s);
                    let _ = write!(text, ",{:.3},{:.3e}", f.snr, f.false_alarm);
                }
            }
            text.push('\n');
        }
        text
    }

    /// Writes the table as CSV.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), FringeError> {
        atomic::write(path, |file| file.write_all(self.to_csv().as_bytes()))
            .map_err(|e| FringeError::Write { path: path.to_owned(), message: e.source.to_string() })
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

impl fmt::Display for FringeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:<12} {:<9} {:>9} {:<3} {:>6} {:>17} {:>18} {:>8} {:>9} {:>8} {:>8} {:>8}",
            "scan",
            "source",
            "baseline",
            "MHz",
            "pol",
            "weight",
            "delay ns",
            "rate mHz",
            "ps/s",
            "amplitude",
            "phase",
            "SNR",
            "P(noise)"
        )?;
        for r in &self.rows {
            let mhz = format!("{:.2}", r.low_hz / 1e6);
            write!(f, "{:<10} {:<12} {:<9} {mhz:>9} {:<3} ", r.scan, r.source, r.baseline, r.polarisations)?;
            let Some(x) = &r.fringe else {
                writeln!(f, "{:>6.3} no data", r.weight)?;
                continue;
            };
            let delay = format!("{:.3} +- {:.3}", x.delay_s * 1e9, x.delay_error_s * 1e9);
            let rate = format!("{:.2} +- {:.2}", x.rate_hz * 1e3, x.rate_error_hz * 1e3);
            let (ps_s, degrees) = (x.rate_hz / x.frequency_hz * 1e12, x.phase_rad.to_degrees());
            write!(
                f,
                "{:>6.3} {delay:>17} {rate:>18} {ps_s:>8.2} {:>9.3e} {degrees:>8.1} ",
                r.weight, x.amplitude
            )?;
            writeln!(
                f,
                "{:>8.1} {:>8.1e}{}",
                x.snr,
                x.false_alarm,
                if r.detected { "" } else { "  not detected" }
            )?;
        }
        let (found, all) = (self.detections(), self.rows.len());
        writeln!(
            f,
            "{found} of {all} detected (noise would do it with at most P = {:e})",
            self.most_false_alarm
        )
    }
}
