use super::*;
use serde_json::Value;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/vlbi");

/// A file of the shared data; `None`, and a word about it, when they are not here (an error under CI).
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(name);
    if !path.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
        println!("skipped: {} is missing", path.display());
        return None;
    }
    Some(path)
}

fn options(sample_rate_hz: Option<u64>) -> InspectOptions {
    let levels = Levels::OPTIMAL;
    InspectOptions {
        recording: RecordingOptions { sample_rate_hz, levels, ..Default::default() },
        ..Default::default()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn assert_close(what: &str, found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() <= tolerance, "{what}: {f} instead of {w}");
    }
}

/// What the baseband package decodes from its own samples; `MIRINAE_BASEBAND_SAMPLES` is the folder of its data.
#[test]
fn samples_of_the_baseband_package() {
    let Some(facts) = shared("baseband/baseband_facts.json") else { return };
    let Some(folder) = std::env::var_os("MIRINAE_BASEBAND_SAMPLES").map(PathBuf::from) else {
        println!("skipped: MIRINAE_BASEBAND_SAMPLES is not set");
        return;
    };
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(facts).unwrap()).unwrap();
    let mut compared = 0;
    for (name, fact) in facts.as_object().unwrap() {
        if name.ends_with(".vdif") && fact["error"].is_null() {
            compare(&inspect(&folder.join(name), &given_rate(fact)).unwrap(), fact);
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}

/// The rate, where the facts note that it was given.
fn given_rate(fact: &Value) -> InspectOptions {
    let given = fact["note"].as_str().unwrap().contains("sample_rate");
    options(given.then(|| (fact["rate_MHz"].as_f64().unwrap() * 1e6) as u64))
}

fn compare(found: &Inspection, fact: &Value) {
    let name = fact["file"].as_str().unwrap();
    // The facts have nine decimals or as many as they need.
    assert!(
        found.start().unwrap().starts_with(fact["start"].as_str().unwrap()),
        "{name}: {:?}",
        found.start()
    );
    assert!(found.stop().unwrap().starts_with(fact["stop"].as_str().unwrap()), "{name}: {:?}", found.stop());
    assert_eq!(found.sample_rate_hz.unwrap() as f64, fact["rate_MHz"].as_f64().unwrap() * 1e6, "{name}");
    let shape = numbers(&fact["shape"]);
    assert_eq!(found.samples(), Some(shape[0] as u64), "{name}");
    assert_eq!(found.channels.len() as f64, shape[1..].iter().product::<f64>(), "{name}");
    let head: Vec<f64> = found.head.iter().flatten().map(|&x| x.into()).collect();
    assert_close(name, &head, &numbers(&fact["first8"]), 1e-6);
    let some = &found.channels[..found.channels.len().min(8)];
    let mean: Vec<f64> = some.iter().flat_map(|c| c.mean.clone()).collect();
    assert_close(name, &mean, &numbers(&fact["mean"]), 1e-5);
    let power: Vec<f64> = some.iter().map(|c| c.power).collect();
    // The facts were summed in single precision, 40000 terms one after the other.
    let wanted = numbers(&fact["power"]);
    let ratio: Vec<f64> = power.iter().zip(&wanted).map(|(p, w)| p / w).collect();
    assert_close(name, &ratio, &vec![1.0; wanted.len()], 2e-4);
    if let Some(histogram) = fact["hist_all"].as_object() {
        let mut states: Vec<(f64, u64)> =
            histogram.iter().map(|(k, v)| (k.parse().unwrap(), v.as_u64().unwrap())).collect();
        states.sort_by(|a, b| a.0.total_cmp(&b.0));
        let sum = |i: usize| found.channels.iter().map(|c| c.states[i].1).sum::<u64>();
        let wanted: Vec<u64> = states.iter().map(|s| s.1).collect();
        assert_eq!((0..wanted.len()).map(sum).collect::<Vec<_>>(), wanted, "{name}");
    }
}

#[test]
fn a_wrong_fact_is_noticed() {
    let Some(folder) = std::env::var_os("MIRINAE_BASEBAND_SAMPLES").map(PathBuf::from) else {
        println!("skipped: MIRINAE_BASEBAND_SAMPLES is not set");
        return;
    };
    let Some(facts) = shared("baseband/baseband_facts.json") else { return };
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(facts).unwrap()).unwrap();
    let found = inspect(&folder.join("sample.vdif"), &options(None)).unwrap();
    for field in ["start", "mean", "hist_all", "first8"] {
        let mut wrong = facts["sample.vdif"].clone();
        wrong[field] = facts["sample_bps1.vdif"][field].clone();
        let noticed = std::panic::catch_unwind(|| compare(&found, &wrong)).is_err();
        assert!(noticed, "{field}");
    }
}

/// The headers say 4 channels where the data behave like 16: only then are neighbouring samples independent.
#[test]
fn a_header_that_lies() {
    let Some(path) = shared("baseband/kt_vdif_4ch_10frames.vdif") else { return };
    let mut sixteen = options(Some(128_000_000));
    sixteen.recording.channels = Some(16);
    let found = inspect(&path, &sixteen).unwrap();
    assert_eq!(found.header.station_name().unwrap(), "KT");
    assert_eq!((found.format.channels, found.format.samples_per_frame()), (16, 2048));
    assert_eq!(found.header.vdif().unwrap().channels(), Some(4));
    assert_eq!((found.frames.found, found.has_trouble()), (10, false));
    let text = found.to_string();
    assert!(text.contains("the header says 4 channels"), "{text}");
    // As 4 channels at the rate of 16, frame numbers would exceed the frames of a second.
    let four = inspect(&path, &options(Some(128_000_000)));
    assert!(matches!(four, Err(InspectError::Baseband(BasebandError::Contradiction { .. }))));
}

#[test]
fn vgos_recordings_with_extended_words_and_a_cut_frame() {
    for (name, station) in
        [("v15327_gs_328-185735_3m.vdif", 0x0adb), ("expxx_stnxx_328-185735_3m.vdif", 0x0bdb)]
    {
        let Some(path) = shared(&format!("baseband/correlx_vgos/media/{name}")) else { return };
        let found = inspect(&path, &options(Some(32_000_000))).unwrap();
        let header = found.header.vdif().unwrap();
        assert_eq!((header.edv(), header.extended[3]), (0, 0xabad_deed));
        assert_eq!((header.station, found.channels.len(), found.format.bits), (station, 64, 2));
        assert!(found.format.complex);
        assert_eq!((found.frames.found, found.frames.lost, found.frames.truncated), (95, 0, true));
        assert_eq!(found.start().unwrap(), "2015-11-24T18:57:35.000000000");
        let shares: Vec<f64> = found.channels[0].states.iter().map(|s| s.1 as f64).collect();
        assert!(shares.iter().all(|&n| n > 0.05 * shares.iter().sum::<f64>()), "{shares:?}");
    }
}

/// Sky frequencies of the upper edges of the first 16 channels, in MHz, as the recordings' own description has them.
const VGOS_EDGES_MHZ: [f64; 16] = [
    3480.4, 3448.4, 3384.4, 3320.4, 3224.4, 3096.4, 3064.4, 3032.4, 5720.4, 5688.4, 5624.4, 5560.4, 5464.4,
    5336.4, 5304.4, 5272.4,
];

/// How many of the six strongest bins lie within 32 kHz of a multiple of 5 MHz, when the upper edge is at `edge_mhz`.
fn comb_hits(spectra: &MeanSpectra, channel: usize, edge_mhz: f64) -> usize {
    let power = &spectra.power_cb[channel];
    let mut bins: Vec<usize> = (0..power.len()).collect();
    bins.sort_by(|&a, &b| power[b].total_cmp(&power[a]));
    let off_comb = |&bin: &usize| {
        // This recorder's complex channels begin, not centre, at zero frequency, 32 MHz below the upper edge.
        let sky_mhz = edge_mhz - 32.0 + (spectra.frequency[bin] / 1e6).rem_euclid(32.0);
        ((sky_mhz + 2.5).rem_euclid(5.0) - 2.5).abs()
    };
    bins.iter().take(6).filter(|bin| off_comb(bin) <= 0.032).count()
}

#[test]
fn the_phase_calibration_comb_is_where_the_sky_says() {
    for name in ["v15327_gs_328-185735_3m.vdif", "expxx_stnxx_328-185735_3m.vdif"] {
        let Some(path) = shared(&format!("baseband/correlx_vgos/media/{name}")) else { return };
        let wanted = InspectOptions { spectrum_bins: Some(1024), ..options(Some(32_000_000)) };
        let spectra = inspect(&path, &wanted).unwrap().spectra.unwrap();
        for (channel, &edge_mhz) in VGOS_EDGES_MHZ.iter().enumerate() {
            let hits = comb_hits(&spectra, channel, edge_mhz);
            assert!(hits >= 5, "{name} channel {channel}: {hits} of 6");
            let elsewhere = comb_hits(&spectra, channel, edge_mhz + 1.0);
            assert!(elsewhere <= 1, "{name} channel {channel} 1 MHz off: {elsewhere} of 6");
        }
    }
}

#[test]
fn products_are_written() {
    let Some(path) = shared("baseband/kt_vdif_4ch_10frames.vdif") else { return };
    let mut wanted = InspectOptions { spectrum_bins: Some(64), ..options(None) };
    wanted.recording.channels = Some(16);
    let found = inspect(&path, &wanted).unwrap();
    let spectra = found.spectra.as_ref().unwrap();
    assert!(!spectra.in_hertz);
    let folder = tempfile::tempdir().unwrap();
    let (csv, png) = (folder.path().join("s.csv"), folder.path().join("s.png"));
    write_spectrum_csv(spectra, &csv).unwrap();
    assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), 65);
    write_spectrum_png(spectra, "KT", &png).unwrap();
    assert!(png.metadata().unwrap().len() > 10_000);
    let nowhere = write_spectrum_csv(spectra, &folder.path().join("no/where.csv"));
    assert!(matches!(nowhere, Err(InspectError::Write { .. })));
    let json: Value = serde_json::from_str(&found.to_json().unwrap()).unwrap();
    assert_eq!(json["shape"], serde_json::json!([20480, 16]));
}

#[test]
fn white_noise_has_the_same_power_in_every_bin() {
    let Some(path) = shared("difx/data/G_0.vdif") else { return };
    let wanted = InspectOptions { spectrum_bins: Some(64), limit_bytes: Some(2 << 20), ..options(None) };
    let found = inspect(&path, &wanted).unwrap();
    assert_eq!(found.sample_rate_hz, Some(32_000_000));
    assert!(!found.has_trouble());
    let spectra = found.spectra.as_ref().unwrap();
    assert_eq!(spectra.frequency[1], 250_000.0);
    for (channel, power) in found.channels.iter().zip(&spectra.power_cb) {
        let error = 5.0 / (spectra.transforms[0] as f64).sqrt();
        assert!(power.iter().all(|p| (p / channel.power - 1.0).abs() < error), "{power:?}");
    }
}
