use super::pulses_tests::pulse;
use super::receiver::Receiver;
use super::*;
use crate::baseband::{Recording, RecordingOptions, SampleSource, Samples};
use mirinae_fourier::{FftDirection, Instructions, double};
use num_complex::Complex;
use std::f64::consts::TAU;

pub(super) fn config(edge_mhz: f64, sideband: Sideband) -> SimConfig {
    let band = |i: usize| BandConfig {
        edge_mhz: edge_mhz + 4.0 * i as f64,
        bandwidth_mhz: 4.0,
        sideband,
        polarization: 'L',
    };
    let station = |code: &str, position_m, residual_ns: &[f64]| StationConfig {
        code: code.to_owned(),
        position_m,
        delay_us: None,
        residual_ns: residual_ns.to_vec(),
        lost_frames: 0.0,
        invalid_frames: 0.0,
        gain: 1.0,
        phase_cal: None,
        clock_steps: Vec::new(),
        recorder: Default::default(),
    };
    let source = SourceConfig {
        east_arcsec: 0.0,
        north_arcsec: 0.0,
        name: "J0000+2000".to_owned(),
        power_fraction: 0.9,
        offset_ns: Default::default(),
        lines: Vec::new(),
    };
    SimConfig {
        transmitters: Vec::new(),
        bursts: Vec::new(),
        pulses: Vec::new(),
        name: "test".to_owned(),
        seed: 11,
        start_mjd: 60_000,
        start_second: 7_000,
        duration_s: 0.03,
        bits: 2,
        frame_bytes: 32 + 1000,
        channels: 64,
        integration_s: 0.0048,
        ra_deg: 30.0,
        dec_deg: 20.0,
        bands: vec![band(0), band(1)],
        stations: vec![
            station("KY", [-3.042_280_9e6, 4.045_902_7e6, 3.867_374_4e6], &[]),
            station("KT", [-3.171_731_6e6, 4.292_678_5e6, 3.481_038_7e6], &[37.3, 0.1]),
        ],
        sources: vec![source],
        centres: Vec::new(),
        average: 1,
        shift_ms: None,
    }
}

/// The spectrum of one block of a station, aligned to geocentric time by the job's delays: slow, in double precision.
/// Every sample is turned by the delay at the very moment when it was taken, without a correlator's approximations.
fn aligned(
    scene: &Scene,
    station: usize,
    band: usize,
    block: i64,
    x: &[f32],
    from: i64,
) -> Vec<Complex<f64>> {
    const N: usize = 128;
    let rate = scene.sample_rate_hz as f64;
    let model = &scene.stations[station].model[0].delay_s;
    let t0 = block as f64 * N as f64 / rate;
    let start = (t0 - model.at(t0 + N as f64 / 2.0 / rate)) * rate;
    let nearest = (start + 0.5).floor();
    let (first, sign) = ((nearest as i64 - from) as usize, scene.bands[band].sign);
    let mut buffer: Vec<Complex<f64>> = (0..N)
        .map(|j| {
            let s = (nearest + j as f64) / rate;
            let delay = (0..4).fold(0.0, |delay, _| model.at(s + delay));
            let turns = scene.bands[band].edge_hz * delay;
            Complex::from_polar(f64::from(x[first + j]), -TAU * turns.rem_euclid(1.0))
        })
        .collect();
    double(N, FftDirection::Forward, Instructions::Any).process(&mut buffer);
    let channel = |k: usize| {
        let bin = if sign > 0.0 { k } else { (N - k) % N };
        let turns = sign * k as f64 / N as f64 * (start - nearest);
        buffer[bin] * Complex::from_polar(1.0, TAU * turns)
    };
    (0..N / 2).map(channel).collect()
}

/// Correlates two stations' receivers over all blocks; returns the coherence of each channel.
pub(super) fn coherence(scene: &Scene, band: usize) -> Vec<Complex<f64>> {
    let samples = scene.sample_rate_hz as f64 * scene.duration_s;
    let record = |station: usize| {
        let frames = &scene.stations[station].frames;
        let from = (frames.start * scene.format.samples_per_frame() as i64).div_euclid(64) * 64;
        let to = frames.end * scene.format.samples_per_frame() as i64;
        let mut x = vec![0.0; ((to - from) as usize).next_multiple_of(64)];
        Receiver::new(scene, &scene.stations[station], band).fill(from, &mut x);
        (x, from)
    };
    let (a, b) = (record(0), record(1));
    let mut sums = vec![(Complex::default(), 0.0, 0.0); 64];
    for block in 0..(samples / 128.0) as i64 {
        let xa = aligned(scene, 0, band, block, &a.0, a.1);
        let xb = aligned(scene, 1, band, block, &b.0, b.1);
        for ((sum, xa), xb) in sums.iter_mut().zip(xa).zip(xb) {
            *sum = (sum.0 + xa * xb.conj(), sum.1 + xa.norm_sqr(), sum.2 + xb.norm_sqr());
        }
    }
    sums.iter().map(|(v, aa, bb)| v / (aa * bb).sqrt()).collect()
}

/// The visibility's phase is 2 pi times sky frequency times residual delay, whatever the band, within half a degree.
#[test]
fn delays_come_out_as_phases() {
    for (edge_mhz, sideband) in
        [(22_000.0, Sideband::Upper), (129_000.0, Sideband::Upper), (43_000.0, Sideband::Lower)]
    {
        let config = config(edge_mhz, sideband);
        let scene = Scene::new(&config).unwrap();
        for band in 0..2 {
            let found = coherence(&scene, band);
            let (edge_hz, sign) = (scene.bands[band].edge_hz, scene.bands[band].sign);
            // The residual at mid-scan: station A has none, V = A conj(B). A wave front that is late by r meets a model
            // that has moved on by r times its rate (0.4 degrees here).
            let moving = 1.0 + scene.stations[1].model[0].delay_s.0[1];
            let delay_s = -(37.3 + 0.1 * 0.015) * 1e-9 * moving;
            let turned = found.iter().enumerate().map(|(k, v)| {
                let sky_hz = edge_hz + sign * k as f64 * 62_500.0;
                v * Complex::from_polar(1.0, -TAU * (sky_hz * delay_s).rem_euclid(1.0))
            });
            let turned: Vec<Complex<f64>> = turned.collect();
            // The Earth's motion shifts the band by up to 200 kHz, three channels: stay away from its edges.
            let halves =
                [&turned[6..32], &turned[32..58]].map(|half| half.iter().sum::<Complex<f64>>() / 26.0);
            for mean in halves {
                assert!(
                    mean.arg().to_degrees().abs() < 0.5,
                    "{edge_mhz}: {} degrees",
                    mean.arg().to_degrees()
                );
                // The rate of 0.1 ns/s turns by 1e-10 x 0.03 x f: a known loss.
                let turn = 1e-10 * 0.03 * edge_hz * std::f64::consts::PI;
                let wanted = 0.9 * turn.sin() / turn;
                assert!((mean.norm() - wanted).abs() < 0.01, "{edge_mhz}: {} not {wanted}", mean.norm());
            }
        }
    }
}

#[test]
fn another_seed_has_no_fringe() {
    let mut scene = Scene::new(&config(22_000.0, Sideband::Upper)).unwrap();
    scene.stations[1].residual_s[0] = poly::Poly(vec![1e-3]);
    let mean = coherence(&scene, 0)[2..62].iter().sum::<Complex<f64>>() / 60.0;
    assert!(mean.norm() < 0.02, "{mean}");
}

#[test]
fn lines_are_where_they_should_be() {
    for sideband in [Sideband::Upper, Sideband::Lower] {
        let mut config = config(22_000.0, sideband);
        let sky_mhz = if sideband == Sideband::Upper { 22_001.0 } else { 21_999.0 };
        config.sources[0].power_fraction = 0.0;
        config.sources[0].lines = vec![LineConfig { sky_mhz, fwhm_khz: 150.0, peak_fraction: 3.0 }];
        let found = coherence(&Scene::new(&config).unwrap(), 0);
        let mut strongest: Vec<usize> = (0..64).collect();
        strongest.sort_by(|&a, &b| found[b].norm().total_cmp(&found[a].norm()));
        assert_eq!(strongest[0], 16);
        assert!((found[16].norm() - 0.75).abs() < 0.06, "{}", found[16].norm());
        assert!(found[40].norm() < 0.1);
    }
}

fn bytes(config: &SimConfig) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let made = simulate(config, folder.path()).unwrap();
    assert_eq!(made.input, folder.path().join("test.input"));
    made.recordings.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let mut config = config(22_000.0, Sideband::Upper);
    let (first, second) = (bytes(&config), bytes(&config));
    assert!(first == second);
    // A shorter job gives the beginning of a longer one, however the work is cut.
    config.duration_s = 0.02;
    let short = bytes(&config);
    assert!(
        first.iter().zip(&short).all(|(long, short)| long.len() > short.len() && long.starts_with(short))
    );
    config.seed += 1;
    assert!(bytes(&config).iter().zip(&short).all(|(a, b)| a.len() == b.len() && a[32..] != b[32..]));
}

#[test]
fn recordings_are_read_back() {
    let mut config = config(22_000.0, Sideband::Upper);
    config.stations[1].lost_frames = 0.1;
    config.stations[1].invalid_frames = 0.1;
    let folder = tempfile::tempdir().unwrap();
    let made = simulate(&config, folder.path()).unwrap();
    let options = RecordingOptions {
        sample_rate_hz: Some(8_000_000),
        reference: Some(crate::baseband::UtcSecond::new(60_000, 7_000)),
        ..Default::default()
    };
    let mut valid = Vec::new();
    for path in &made.recordings {
        let mut recording = Recording::open(&[path], &options).unwrap();
        let (from, to) = recording.span().unwrap();
        // 7.5 ms before the start because of the delay, and a margin of 1 ms.
        assert!((-72_000..=-60_000).contains(&from) && to > 80_000, "{from} {to}");
        let mut samples = Samples::default();
        recording.read(from, (to - from) as usize, &mut samples).unwrap();
        let n = samples.validity(0).count(0, samples.len());
        let power: f64 = samples.channel(1).iter().map(|x| f64::from(x * x)).sum::<f64>() / n as f64;
        // Mean square of optimally quantised noise: 1 + 0.3263 x (3.3359^2 - 1).
        assert!((power - 4.305).abs() < 0.04, "{power}");
        valid.push(n as f64 / samples.len() as f64);
    }
    assert_eq!(valid[0], 1.0);
    assert!((valid[1] - 0.81).abs() < 0.05, "{valid:?}");
}

#[test]
fn wrong_configurations_are_named() {
    let expect = |change: &dyn Fn(&mut SimConfig), field: &str| {
        let mut config = config(22_000.0, Sideband::Upper);
        change(&mut config);
        match Scene::new(&config) {
            Err(SimError::Config { field: found, .. }) => {
                assert!(found.contains(field), "{found} not {field}")
            }
            other => panic!("{field}: {}", other.is_ok()),
        }
    };
    expect(&|c| c.bands.clear(), "bands");
    expect(&|c| c.bands[1].bandwidth_mhz = 8.0, "bandwidth_mhz");
    expect(&|c| c.bits = 3, "bits");
    expect(&|c| c.frame_bytes = 8000, "frame_bytes");
    expect(&|c| c.stations[1].code = "KY".to_owned(), "code");
    expect(&|c| c.stations[1].code = "K".to_owned(), "code");
    expect(&|c| c.stations.clear(), "stations");
    expect(&|c| c.sources[0].power_fraction = 1.0, "power_fraction");
    expect(&|c| c.integration_s = 0.001_001, "integration_s");
    expect(&|c| c.duration_s = -1.0, "duration_s");
    expect(&|c| c.stations[0].lost_frames = 1.5, "lost_frames");
    expect(&|c| c.stations[0].gain = 0.0, "gain");
    let tones = |interval_mhz| PhaseCalConfig {
        interval_mhz,
        base_mhz: 0.0,
        amplitude: 0.1,
        phase_deg: 0.0,
        delay_ns: 0.0,
    };
    expect(&|c| c.stations[0].phase_cal = Some(tones(0.0)), "phase_cal");
    expect(&|c| c.stations[0].phase_cal = Some(tones(0.123_457)), "phase_cal");
    expect(&|c| c.stations[0].delay_us = Some(vec![0.0, 1000.0]), "delay_us");
    expect(&|c| drop(c.sources[0].offset_ns.insert("XX".to_owned(), vec![1.0])), "offset_ns");
    let line = LineConfig { sky_mhz: 22_001.0, fwhm_khz: 0.1, peak_fraction: 1.0 };
    expect(&|c| c.sources[0].lines = vec![line.clone()], "fwhm_khz");
    let tone = carrier(22_001.0, None);
    expect(&|c| c.transmitters = vec![TransmitterConfig { sky_mhz: 1.0, ..tone.clone() }], "sky_mhz");
    expect(&|c| c.transmitters = vec![TransmitterConfig { amplitude: 0.0, ..tone.clone() }], "amplitude");
    let nowhere = Some("XX".to_owned());
    expect(
        &|c| c.transmitters = vec![TransmitterConfig { station: nowhere.clone(), ..tone.clone() }],
        "station",
    );
    let burst = BurstConfig { station: "KY".to_owned(), at_s: 0.0, duration_ms: 0.0, amplitude: 1.0 };
    expect(&|c| c.bursts = vec![burst.clone()], "bursts");
    expect(&|c| c.pulses = vec![PulseConfig { width_ms: 0.0, ..pulse() }], "pulses.frb.width_ms");
    expect(&|c| c.pulses = vec![PulseConfig { amplitude: -1.0, ..pulse() }], "amplitude");
    expect(&|c| c.pulses = vec![PulseConfig { dm_pc_cm3: -1.0, ..pulse() }], "dm_pc_cm3");
    expect(&|c| c.pulses = vec![PulseConfig { dm_pc_cm3: 1e12, ..pulse() }], "dm_pc_cm3");
    expect(&|c| c.pulses = vec![PulseConfig { at_s: f64::NAN, ..pulse() }], "at_s");
}

#[test]
fn the_example_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kvn3/sim.toml");
    Scene::new(&SimConfig::read(&path).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.toml");
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(&wrong, format!("colour = 1\n{text}")).unwrap();
    let told = format!("{:#}", anyhow::Error::from(SimConfig::read(&wrong).unwrap_err()));
    assert!(told.contains("colour"), "{told}");
    assert!(matches!(SimConfig::read(&folder.path().join("none")), Err(SimError::Read { .. })));
}

fn carrier(sky_mhz: f64, station: Option<&str>) -> TransmitterConfig {
    TransmitterConfig {
        name: "tone".to_owned(),
        sky_mhz,
        drift_hz_per_s: 40_000.0,
        amplitude: 0.5,
        phase_deg: 30.0,
        station: station.map(str::to_owned),
        orbit: None,
        east_arcsec: 100.0,
        north_arcsec: -50.0,
    }
}

/// Every sample of a carrier by its definition: cos 2 pi (f t - f_0 s + d t^2 / 2), t the time at which its wave front meets the
/// geocentre (station time where it is beside a station).
#[test]
fn carriers_have_their_phase_at_every_sample() {
    for (sideband, sky_mhz, local) in [
        (Sideband::Upper, 22_001.3, None),
        (Sideband::Lower, 21_998.1, None),
        (Sideband::Upper, 22_001.3, Some("KT")),
    ] {
        let mut config = config(22_000.0, sideband);
        config.transmitters = vec![carrier(sky_mhz, local)];
        let scene = Scene::new(&config).unwrap();
        for station in &scene.stations {
            let start = 64 * 700;
            let mut x = vec![0.0; 64 * 40];
            transmitters::add(&scene, station, 0, start, &mut x);
            let beside = local.is_some_and(|code| code == station.code);
            for (j, x) in x.iter().enumerate() {
                let s = (start + j as i64) as f64 / scene.sample_rate_hz as f64;
                let delay = if local.is_some() { 0.0 } else { station.transmitter_delay_s(0, s) };
                let t = s + delay;
                let edge_hz = scene.bands[0].edge_hz;
                let turns = ((sky_mhz * 1e6 - edge_hz) * s).fract() + (sky_mhz * 1e6 * delay).fract();
                let turns = turns + 0.5 * 40_000.0 * t * t + 30.0 / 360.0;
                let wanted = if local.is_some() && !beside { 0.0 } else { 0.5 * (TAU * turns).cos() };
                assert!(
                    (f64::from(*x) - wanted).abs() < 1e-4,
                    "{sideband:?} {} {j}: {x} {wanted}",
                    station.code
                );
            }
            let pieces = x.clone();
            let mut second = vec![0.0; 64 * 10];
            transmitters::add(&scene, station, 0, start + 64 * 20, &mut second);
            assert_eq!(second, pieces[64 * 20..64 * 30], "how it is cut does not matter");
        }
        // The direction counts: a carrier at the pointing has another phase.
        let x = |config: &SimConfig| {
            let scene = Scene::new(config).unwrap();
            let mut x = vec![0.0; 64];
            transmitters::add(&scene, &scene.stations[0], 0, 0, &mut x);
            x
        };
        let aside = x(&config);
        config.transmitters[0].east_arcsec = 0.0;
        assert_eq!(aside == x(&config), local.is_some());
    }
}

/// An orbit ephemeris message: a body that stands still, or nearly so, at the start of the configuration above.
fn orbit(position_m: [f64; 3], velocity_m_s: [f64; 3]) -> String {
    let mut text =
        "CCSDS_OEM_VERS = 2.0\nMETA_START\nOBJECT_NAME = SAT\nCENTER_NAME = EARTH\nREF_FRAME = ICRF\n\
                    TIME_SYSTEM = UTC\nMETA_STOP\n"
            .to_owned();
    // 7000 s of the day are 01:56:40.
    for second in [30, 40, 50] {
        text += &format!("2023-02-25T01:56:{second}");
        let at = |k: usize| position_m[k] + velocity_m_s[k] * f64::from(second - 40);
        (0..3).for_each(|k| text += &format!(" {:.9}", at(k) / 1e3));
        velocity_m_s.iter().for_each(|v| text += &format!(" {:.9}", v / 1e3));
        text.push('\n');
    }
    text
}

#[test]
fn satellites_have_the_delays_of_their_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sat.oem");
    let mut config = config(22_000.0, Sideband::Upper);
    let (sin_ra, cos_ra) = 30f64.to_radians().sin_cos();
    let (sin_dec, cos_dec) = 20f64.to_radians().sin_cos();
    let toward = [cos_dec * cos_ra, cos_dec * sin_ra, sin_dec];
    let mut one = TransmitterConfig { east_arcsec: 0.0, north_arcsec: 0.0, ..carrier(22_001.3, None) };
    one.orbit = Some(path.clone());
    let on_sky = TransmitterConfig { orbit: None, ..one.clone() };
    config.transmitters = vec![one.clone(), on_sky];
    let delays = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let scene = Scene::new(&config).unwrap();
        let of = |station: &super::scene::Station| {
            let satellite = scene.satellites[0].as_ref().unwrap();
            (
                station.satellite_delay_s(satellite, 0.02),
                station.transmitter_delay_s(1, 0.02),
                station.position_m,
            )
        };
        assert!(scene.satellites[1].is_none());
        scene.stations.iter().map(of).collect::<Vec<_>>()
    };
    // Near by light takes the ways from where the body was when it left.
    let (start_m, velocity_m_s) = (toward.map(|x| 2.6e7 * x), [900.0, -3000.0, 1500.0]);
    for (near, far, position_m) in delays(&orbit(start_m, velocity_m_s)) {
        // The second station has a clock that is 37.3 ns off.
        let late_s = if (position_m[0] + 3.042_280_9e6).abs() < 1.0 { 0.0 } else { 37.3e-9 + 0.02e-9 * 0.1 };
        let start = crate::baseband::UtcSecond::new(60_000, 7000);
        let station_m = super::earth::celestial(position_m, start, 0.02 + near);
        let way_s = |sent_s: f64| {
            let at = |k: usize| start_m[k] + velocity_m_s[k] * sent_s;
            let apart = (0..3).map(|k| (at(k) - station_m[k]).powi(2)).sum::<f64>().sqrt();
            let to_centre = (0..3).map(|k| at(k).powi(2)).sum::<f64>().sqrt();
            (apart / 299_792_458.0, to_centre / 299_792_458.0)
        };
        let (mut low, mut high) = (-1.0, 0.02);
        for _ in 0..200 {
            let sent_s = 0.5 * (low + high);
            if sent_s + way_s(sent_s).0 < 0.02 + late_s { low = sent_s } else { high = sent_s }
        }
        let (apart_s, to_centre_s) = way_s(low);
        assert!((near - late_s - (to_centre_s - apart_s)).abs() < 1e-13, "{near}");
        assert!((near - far).abs() > 1e-4, "not what a direction has");
    }
    // What cannot be is told.
    let text = orbit(start_m, velocity_m_s);
    std::fs::write(&path, text.replace("2023-02-25", "2023-02-26")).unwrap();
    let told = format!("{:#}", anyhow::Error::from(Scene::new(&config).err().unwrap()));
    assert!(told.contains("transmitters.tone.orbit") && told.contains("no states"), "{told}");
    std::fs::write(&path, orbit(toward.map(|x| 1e12 * x), [0.0; 3])).unwrap();
    let told = format!("{:#}", anyhow::Error::from(Scene::new(&config).err().unwrap()));
    assert!(told.contains("light second"), "{told}");
    config.transmitters[0].station = Some("KT".to_owned());
    assert!(Scene::new(&config).is_err());
}

#[test]
fn bursts_are_as_long_and_strong_as_they_should_be() {
    let mut config = config(22_000.0, Sideband::Upper);
    config.sources.clear();
    config.bursts =
        vec![BurstConfig { station: "KT".to_owned(), at_s: 0.001, duration_ms: 2.0, amplitude: 3.0 }];
    let scene = Scene::new(&config).unwrap();
    let power = |station: usize, from: i64| {
        let mut x = vec![0.0; 8000];
        Receiver::new(&scene, &scene.stations[station], 0).fill(from, &mut x);
        x.iter().map(|x| f64::from(x * x)).sum::<f64>() / x.len() as f64
    };
    // 8 samples a microsecond: 8 000 to 24 000.
    for (station, from, wanted) in
        [(1, 8000, 10.0), (1, 16_000, 10.0), (1, 0, 1.0), (1, 24_000, 1.0), (0, 8000, 1.0)]
    {
        let found = power(station, from);
        assert!((found / wanted - 1.0).abs() < 0.07, "{station} {from}: {found}");
    }
}
