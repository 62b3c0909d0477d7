//! Chooses, scan by scan, whether the fringe rotation comes before or after the transform.
//!
//! After it a block is turned by one phase, that of its centre. What a baseline loses is what its differential fringe rate
//! r turns within a block of length T: sinc(r T) = sin(pi r T) / (pi r T) is left. The loss is known and is taken out
//! again; the noise that it leaves is not, so that it has to stay small.

use crate::geometry::DelayModel;
use crate::integrate::stations;
use crate::job::{Job, Product, Rotation, Scan};
use serde::{Deserialize, Serialize};

/// Amplitude that the rotation after the transform may lose.
pub const LOSS_TOLERANCE: f64 = 1e-3;
/// Times of a scan at which rates are looked at.
const TIMES: usize = 17;

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum RotationChoice {
    /// As the job says (DiFX's FRINGE ROTN ORDER)
    Job,
    /// After the transform where that loses less than the tolerance
    Auto,
    /// Before the transform: right for all rates
    Before,
    /// After the transform, whatever it loses
    After,
}

/// How a scan is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScanRotation {
    /// Before or after the transform.
    pub rotation: Rotation,
    /// Largest loss of amplitude of any product at any time of the scan.
    pub loss: f64,
    /// The loss is taken out of the visibilities. DiFX leaves it in.
    pub corrected: bool,
}

/// What is left of a baseline's amplitude at a time, with the rotation after the transform.
pub fn left_over(job: &Job, scan: &Scan, product: &Product, t_s: f64) -> f64 {
    let towards = usize::from(!scan.turned);
    let rate = |station| scan.model.delay(towards, station, t_s).rate;
    let (a, b) = stations(job, product);
    let band = &job.bands[product.band];
    let block_s = job.block_samples() as f64 / job.sample_rate_hz as f64;
    let x = std::f64::consts::PI * (rate(a) - rate(b)) * band.lo_hz * block_s;
    if x.abs() < 1e-9 { 1.0 } else { libm::sin(x) / x }
}

fn largest_loss(job: &Job, scan: &Scan) -> f64 {
    let (from_s, to_s) = (scan.start_s as f64, scan.end_s as f64);
    let times = (0..TIMES).map(|i| from_s + (to_s - from_s) * i as f64 / (TIMES - 1) as f64);
    let losses = times.flat_map(|t_s| job.crosses.iter().map(move |p| 1.0 - left_over(job, scan, p, t_s)));
    losses.fold(0.0, f64::max)
}

/// The rotation of every scan.
pub fn choose(job: &Job, choice: RotationChoice, tolerance: f64) -> Vec<ScanRotation> {
    let of = |scan: &Scan| {
        let loss = largest_loss(job, scan);
        let rotation = match choice {
            RotationChoice::Job => job.rotation,
            RotationChoice::Auto if loss <= tolerance => Rotation::AfterTransform,
            RotationChoice::Auto | RotationChoice::Before => Rotation::BeforeTransform,
            RotationChoice::After => Rotation::AfterTransform,
        };
        match rotation {
            Rotation::BeforeTransform => ScanRotation { rotation, loss: 0.0, corrected: false },
            Rotation::AfterTransform => {
                ScanRotation { rotation, loss, corrected: choice != RotationChoice::Job }
            }
        }
    };
    job.scans.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::difx::example;

    #[test]
    fn the_tolerance_decides() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job::open(&example::write(dir.path(), &[])).unwrap();
        let after = choose(&job, RotationChoice::After, 0.0);
        assert!(after.iter().all(|s| s.rotation == Rotation::AfterTransform && s.corrected));
        let loss = after[0].loss;
        assert!(loss >= 0.0);
        let auto = |tolerance| choose(&job, RotationChoice::Auto, tolerance)[0].rotation;
        assert_eq!(auto(loss + 1e-9), Rotation::AfterTransform);
        assert_eq!(auto(loss - 1e-9), Rotation::BeforeTransform);
        assert_eq!(choose(&job, RotationChoice::Job, 1.0)[0].rotation, job.rotation);
        assert_eq!(choose(&job, RotationChoice::Before, 1.0)[0].loss, 0.0);
    }
}
