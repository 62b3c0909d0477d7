//! Sets phase centres apart that have a resolution of their own: each group is a correlation like the others, made in the same pass.

use super::Job;

/// Phase centres with a resolution of their own, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Goes into the names of its products.
    pub name: String,
    /// Sources of its phase centres.
    pub centres: Vec<usize>,
    /// How many spectral channels are averaged into one.
    pub average: usize,
    /// How many of the job's integrations are added into one.
    pub integrations: u64,
}

impl Job {
    /// Sets phase centres apart. A view has the scans, stations and products of the job, its own phase centres, and is named
    /// `job.view`.
    ///
    /// # Errors
    /// In words: a scan that keeps no phase centre.
    pub fn set_apart(&mut self, views: &[View]) -> Result<(), String> {
        let apart = |source: &usize| views.iter().any(|view| view.centres.contains(source));
        if let Some(scan) = self.scans.iter().find(|scan| scan.centres.iter().all(apart)) {
            return Err(format!(
                "scan {}: all of its phase centres are in resolutions; at least one must have that of [correlation]",
                scan.name
            ));
        }
        let made = views.iter().map(|view| self.view(view)).collect();
        if !views.is_empty() {
            self.keep_centres(|source| !apart(&source));
        }
        self.views = made;
        Ok(())
    }

    fn view(&self, view: &View) -> Self {
        let mut job = self.clone();
        job.keep_centres(|source| view.centres.contains(&source));
        job.swin_folder = match self.swin_folder.strip_suffix(".difx") {
            Some(stem) => format!("{stem}.{}.difx", view.name),
            None => format!("{}.{}", self.swin_folder, view.name),
        };
        job.name = format!("{}.{}", self.name, view.name);
        job.average = view.average;
        job.integration_s = self.integration_s * view.integrations as f64;
        job
    }

    fn keep_centres(&mut self, keep: impl Fn(usize) -> bool) {
        for scan in &mut self.scans {
            let places: Vec<usize> = (0..scan.centres.len()).filter(|&c| keep(scan.centres[c])).collect();
            scan.centres = places.iter().map(|&c| scan.centres[c]).collect();
            scan.model.keep_centres(&places);
        }
    }

    /// This correlation and its views.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.views)
    }

    /// How many of another job's integrations go into one of this view of it.
    pub fn integrations_of(&self, job: &Self) -> u64 {
        (self.integration_s / job.integration_s).round() as u64
    }
}
