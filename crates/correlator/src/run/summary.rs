//! Tells how much of every station went into the visibilities.
use crate::integrate::STATES;
use crate::writer::{RecordedInfo, VisFile};
use mirinae_common::outcome::Outcome;
use ndarray::s;
use std::fmt;

/// Coverage below this is a gap; rounding is far smaller, a lost frame far larger.
const WHOLE: f32 = 1.0 - 1e-6;

/// Coverage of one stream in one scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Scan.
    pub scan: String,
    /// Station.
    pub station: String,
    /// Integrations of the scan.
    pub integrations: usize,
    /// Integrations with any samples.
    pub with_data: usize,
    /// Those among them, the first and the last left out, that miss samples.
    pub with_gaps: usize,
    /// Mean covered fraction of those with data.
    pub coverage: f64,
    /// Share of the outer two codes of 2-bit samples: least, mean and most of the channels; none of other samples.
    pub outer: Option<[f64; 3]>,
}

impl Row {
    /// Share of the outer codes with its range over the channels.
    pub fn outer_in_words(&self) -> String {
        self.outer.map(|outer| outer.map(|x| 100.0 * x)).map_or_else(
            || "-".to_owned(),
            |[least, mean, most]| format!("{mean:.1} % ({least:.1} to {most:.1})"),
        )
    }
}

/// Shares of the codes of a recorded channel's samples in one scan.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// Scan.
    pub scan: String,
    /// Station.
    pub station: String,
    /// Lower edge of its band on the sky in Hz.
    pub low_hz: f64,
    /// Polarisation.
    pub polarisation: char,
    /// Bits per sample.
    pub bits: u32,
    /// By code; all 0 where there are no samples, or samples of more than 2 bits.
    pub shares_k: [f64; STATES],
    stream: usize,
}

impl States {
    fn outer(&self) -> Option<f64> {
        let outer = self.shares_k[0] + self.shares_k[3];
        (self.bits == 2 && self.shares_k.iter().sum::<f64>() > 0.0).then_some(outer)
    }
}

/// How much of every station is in a file of visibilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    rows: Vec<Row>,
    states: Vec<States>,
}

fn row(scan: &str, station: &str, coverage_t: &[f32]) -> Row {
    let with_data: Vec<usize> = (0..coverage_t.len()).filter(|&t| coverage_t[t] > 0.0).collect();
    // Recordings seldom begin and end with an integration.
    let (first, last) = (with_data.first().copied().unwrap_or(0), with_data.last().copied().unwrap_or(0));
    let inside = coverage_t.get(first + 1..last).unwrap_or(&[]);
    let sum: f64 = coverage_t.iter().map(|&c| f64::from(c)).sum();
    Row {
        scan: scan.to_owned(),
        station: station.to_owned(),
        integrations: coverage_t.len(),
        with_data: with_data.len(),
        with_gaps: inside.iter().filter(|&&c| c < WHOLE).count(),
        coverage: sum / with_data.len().max(1) as f64,
        outer: None,
    }
}

/// Least, mean and most.
fn range(values: &[f64]) -> Option<[f64; 3]> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some([least, values.iter().sum::<f64>() / values.len() as f64, most])
}

/// The states of all recorded channels in a scan.
fn states(file: &VisFile, scan: usize) -> hdf5::Result<Vec<States>> {
    let meta = file.meta();
    let counts_trk = file.sampled(scan, 0..meta.scans[scan].integrations)?.states_trk;
    let of = |(r, info): (usize, &RecordedInfo)| {
        let counts: [u64; STATES] = std::array::from_fn(|k| counts_trk.slice(s![.., r, k]).sum());
        let all = counts.iter().sum::<u64>().max(1);
        States {
            scan: meta.scans[scan].name.clone(),
            station: meta.recorded_station(r).to_owned(),
            low_hz: meta.bands[info.band].low_hz(),
            polarisation: info.polarisation,
            bits: info.bits,
            shares_k: counts.map(|n| n as f64 / all as f64),
            stream: info.stream,
        }
    };
    Ok(meta.recorded.iter().enumerate().map(of).collect())
}

impl Summary {
    /// Reads the coverage of a file.
    ///
    /// # Errors
    /// What the library says.
    pub fn of(file: &VisFile) -> hdf5::Result<Self> {
        let meta = file.meta();
        let (mut rows, mut all_states) = (Vec::new(), Vec::new());
        for (index, scan) in meta.scans.iter().enumerate() {
            let coverage_ts = file.coverage_ts(index)?;
            let states = states(file, index)?;
            for (stream, &station) in meta.stream_stations.iter().enumerate() {
                let coverage_t = coverage_ts.column(stream).to_vec();
                let of_stream = states.iter().filter(|s| s.stream == stream);
                let outer: Vec<f64> = of_stream.filter_map(States::outer).collect();
                let row = row(&scan.name, &meta.stations[station].name, &coverage_t);
                rows.push(Row { outer: range(&outer), ..row });
            }
            all_states.extend(states);
        }
        Ok(Self { rows, states: all_states })
    }

    /// By scan and recorded channel.
    pub fn states(&self) -> &[States] {
        &self.states
    }

    /// By scan and stream.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Gaps and absent stations are trouble in the data.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for row in &self.rows {
            outcome
                .count(format!("integrations of {} with missing samples", row.station), row.with_gaps as u64);
            outcome.count(format!("scans without {}", row.station), u64::from(row.with_data == 0));
        }
        outcome
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<12} {:<10} {:>12} {:>10} {:>10} {:>9}   outer states",
            "scan", "station", "integrations", "with data", "with gaps", "coverage"
        )?;
        for r in &self.rows {
            let (scan, station) = (&r.scan, &r.station);
            write!(
                f,
                "\n{scan:<12} {station:<10} {:>12} {:>10} {:>10} {:>8.3} %   {}",
                r.integrations,
                r.with_data,
                r.with_gaps,
                100.0 * r.coverage,
                r.outer_in_words()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_no_gaps() {
        let r = row("S", "YS", &[0.0, 0.4, 1.0, 1.0, 0.2, 0.0]);
        assert_eq!((r.with_data, r.with_gaps), (4, 0));
        assert!((r.coverage - 0.65).abs() < 1e-7);
        let r = row("S", "YS", &[1.0, 0.9, 0.0, 1.0]);
        assert_eq!((r.with_data, r.with_gaps), (3, 2));
    }

    #[test]
    fn trouble_is_told() {
        let fine = Summary { rows: vec![row("S", "YS", &[0.5, 1.0, 0.1, 0.0])], states: Vec::new() };
        assert_eq!(fine.outcome(), Outcome::default());
        let rows = vec![row("S", "YS", &[0.0, 0.0]), row("S", "US", &[1.0, 0.5, 1.0])];
        let absent = Summary { rows, states: Vec::new() };
        let text = absent.outcome().to_string();
        assert!(text.contains("1 scans without YS") && text.contains("1 integrations of US"), "{text}");
    }
}
