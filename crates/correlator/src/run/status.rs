//! Tells how a run goes while it runs: a few words behind the progress, and a JSON file for whoever wants to look.

use super::news::{News, StreamNews, baseline_name, data_s};
use super::plan::Plan;
use mirinae_common::atomic;
use mirinae_common::progress::Pace;
use mirinae_common::provenance;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// The file is written so often.
const EVERY: Duration = Duration::from_secs(3);

/// What rank 0 knows of the run.
pub(crate) struct Status<'a> {
    plan: &'a Plan,
    file: Option<PathBuf>,
    written: Option<Instant>,
    ranks: usize,
    units: (usize, usize),
    done_s: f64,
    total_s: f64,
    pace: Pace,
    streams: Vec<StreamNews>,
    newest: Option<News>,
}

/// Seconds of data in units of the plan, each of which is a unit for every lot.
fn sum_s(plan: &Plan, lots: usize, units: impl Iterator<Item = usize>) -> f64 {
    let of = |unit: usize| {
        let slice = &plan.units[unit / lots];
        let indices = slice.first..slice.first + slice.count;
        indices.map(|i| data_s(&plan.job, &plan.job.integration(slice.scan, i))).sum::<f64>()
    };
    units.map(of).sum::<f64>() / lots as f64
}

impl<'a> Status<'a> {
    /// Begins with the units that are to be done; written to `file`, which rank 0 alone should come with.
    pub(crate) fn new(
        plan: &'a Plan,
        lots: usize,
        todo: &[usize],
        ranks: usize,
        file: Option<PathBuf>,
    ) -> Self {
        let units = plan.units.len() * lots;
        let total_s = sum_s(plan, lots, 0..units);
        let done_s = total_s - sum_s(plan, lots, todo.iter().copied());
        Self {
            plan,
            file,
            written: None,
            ranks,
            units: (units - todo.len(), units),
            done_s,
            total_s,
            pace: Pace::new(done_s, total_s),
            streams: vec![StreamNews::default(); plan.job.streams.len()],
            newest: None,
        }
    }

    /// A unit is done.
    pub(crate) fn take(&mut self, news: News) {
        self.units.0 += 1;
        self.done_s += news.data_s;
        for (sum, new) in self.streams.iter_mut().zip(&news.streams) {
            sum.with_data += new.with_data;
            sum.coverage += new.coverage;
            sum.lost_frames += new.lost_frames;
        }
        // Units come in as ranks get done: an older one than the last seen is not news.
        if !news.fringes.is_empty() && self.newest.as_ref().is_none_or(|old| old.place <= news.place) {
            self.newest = Some(news);
        }
    }

    /// "2.1 x real time; KY 100.0 %, KU 98.7 %; 12 frames lost".
    pub(crate) fn in_words(&self) -> String {
        let stations = self.stations();
        let weights: Vec<String> = stations
            .iter()
            .map(|(name, weight, _)| {
                format!("{name} {}", weight.map_or_else(|| "-".to_owned(), |w| format!("{:.1} %", 100.0 * w)))
            })
            .collect();
        let lost: f64 = stations.iter().map(|s| s.2).sum();
        format!(
            "{:.2} x real time; {}; {lost:.0} frames lost",
            self.pace.rate(self.done_s),
            weights.join(", ")
        )
    }

    /// By station: name, mean share of the samples in integrations that have any, frames that these lack.
    fn stations(&self) -> Vec<(&str, Option<f64>, f64)> {
        let job = &self.plan.job;
        let of = |station: usize| {
            let mut sum = StreamNews::default();
            for (news, _) in self.streams.iter().zip(&job.streams).filter(|(_, s)| s.station == station) {
                sum.with_data += news.with_data;
                sum.coverage += news.coverage;
                sum.lost_frames += news.lost_frames;
            }
            let weight = (sum.with_data > 0).then(|| sum.coverage / f64::from(sum.with_data));
            (job.stations[station].name.as_str(), weight, sum.lost_frames)
        };
        (0..job.stations.len()).map(of).collect()
    }

    fn json(&self, state: &str) -> Value {
        let stations: Vec<Value> = self
            .stations()
            .into_iter()
            .map(|(name, weight, lost)| json!({ "station": name, "weight": weight, "lost_frames": lost }))
            .collect();
        json!({
            "job": self.plan.job.name,
            "state": state,
            "updated": provenance::date(SystemTime::now()),
            "ranks": self.ranks,
            "units": { "done": self.units.0, "total": self.units.1 },
            "data_s": { "done": self.done_s, "total": self.total_s },
            "elapsed_s": self.pace.elapsed().as_secs_f64(),
            "times_real_time": self.pace.rate(self.done_s),
            "eta_s": self.pace.left(self.done_s).map(|left| left.as_secs_f64()),
            "stations": stations,
            "fringes": self.newest.as_ref().map(|news| self.fringes(news)),
        })
    }

    fn fringes(&self, news: &News) -> Value {
        let job = &self.plan.job;
        let (scan, time_s) = (&job.scans[news.place.0], news.place.1);
        let baselines: Vec<Value> = news
            .fringes
            .iter()
            .map(|f| {
                json!({
                    "baseline": baseline_name(job, f.baseline),
                    "amplitude": f.amplitude,
                    "snr": f.snr,
                    "delay_ns": 1e9 * f.delay_s,
                })
            })
            .collect();
        let source = scan.centres.first().map(|&c| job.sources[c].name.as_str());
        json!({ "scan": scan.name, "source": source, "time_s": time_s, "baselines": baselines })
    }

    /// Writes the file where it is a while since it was written.
    pub(crate) fn write_now_and_then(&mut self) {
        if self.written.is_none_or(|at| at.elapsed() >= EVERY) {
            self.write("running");
        }
    }

    /// Writes the file: "running", "writing" (the products), "done" or "stopped".
    pub(crate) fn write(&mut self, state: &str) {
        let Some(file) = &self.file else { return };
        let text = format!("{:#}\n", self.json(state));
        self.written = Some(Instant::now());
        // Nobody's run should end because nobody can look at it.
        if let Err(error) = atomic::write(file, |to| to.write_all(text.as_bytes())) {
            tracing::warn!(%error, "no status file");
            self.file = None;
        }
    }
}
