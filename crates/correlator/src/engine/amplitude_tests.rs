//! Correlation coefficients of simulated noise of a known correlation, whatever it was quantised to.
use super::tally_tests::simulated;
use super::tests::{as_job, correlate};
use super::*;
use crate::job::Quantisation;
use num_complex::Complex64;

const SHARE: f64 = 0.1;

/// A source of a tenth of the power of both stations; levels of the second one are set badly.
const SKY: &str = r#"
name = "sky"
seed = 23
start_mjd = 60000
start_second = 36000
duration_s = 1.0
bits = 2
frame_bytes = 8032
channels = 64
integration_s = 0.128
ra_deg = 343.5
dec_deg = 16.1
[[bands]]
edge_mhz = 22000.0
bandwidth_mhz = 8.0
sideband = "upper"
polarization = "L"
[[stations]]
code = "KY"
position_m = [-3042281.0290, 4045902.6673, 3867374.3313]
[[stations]]
code = "KU"
position_m = [-3287268.6591, 4023450.1291, 3687379.9883]
gain = 1.6
[stations.recorder]
#RECORDER
[[sources]]
name = "S"
power_fraction = 0.1
"#;

/// Mean visibility of the inner channels, with these settings, and the mean of the first autocorrelation.
fn mean(text: &str, quantisation: Quantisation, normalise: bool) -> (f64, f64) {
    let dir = tempfile::tempdir().unwrap();
    let (mut job, sources) = simulated(text, dir.path());
    (job.quantisation, job.normalise) = (quantisation, normalise);
    let rotations = as_job(&job);
    let mut engine = Engine::new(&job, &rotations, sources, SimdPath::detect());
    let (mut sum, mut auto, mut n) = (Complex64::default(), 0.0, 0.0);
    for (_, record) in correlate(&mut engine, &job, 7) {
        // The first channels are weaker: the Earth's motion shifts the source's band.
        for v in &record.cross_cpf[2..62] {
            sum += Complex64::new(v.re.into(), v.im.into());
            n += 1.0;
        }
        auto += record.auto_pf[..64].iter().map(|v| f64::from(v.re)).sum::<f64>() / 64.0 / 7.0;
    }
    assert!((sum / n).arg().abs() < 0.05, "{sum}");
    ((sum / n).norm(), auto)
}

/// Within 1 %: the noise is 0.0004 of 0.1 and what is not linear about 0.3 %.
#[test]
fn coefficients_are_those_that_were_put_in() {
    for recorder in ["", "bits = 1\nframe_bytes = 4032", "complex = true"] {
        let text = SKY.replace("#RECORDER", recorder);
        let (found, auto) = mean(&text, Quantisation::Linear, true);
        println!("{recorder}: {found:.5} of {SHARE}");
        assert!((found / SHARE - 1.0).abs() < 0.01, "{recorder}: {found}");
        assert!((auto - 1.0).abs() < 1e-5, "{auto}");
        // Negative controls: without the correction it is weaker by far, without normalisation in other units.
        let (raw, _) = mean(&text, Quantisation::None, true);
        assert!(raw / SHARE < 0.9, "{recorder}: {raw}");
        let (units, auto) = mean(&text, Quantisation::Linear, false);
        assert!(units / SHARE > 1.2 && (auto - 4.3).abs() < 0.1, "{recorder}: {units} {auto}");
    }
}
