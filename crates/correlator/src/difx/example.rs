//! A small job for tests: two stations, two bands (upper, lower) in two polarisations each.
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Text of the `.input`; lines as in DiFX's format.
pub fn input() -> String {
    let mut t = String::from("# COMMON SETTINGS ##!\n");
    let mut put = |key: &str, value: &str| {
        let _ = writeln!(t, "{:<20}{value}", format!("{key}:"));
    };
    put("CALC FILENAME", "job.calc");
    put("CORE CONF FILENAME", "job.threads");
    put("EXECUTE TIME (SEC)", "2");
    put("START MJD", "60000");
    put("START SECONDS", "10");
    put("ACTIVE DATASTREAMS", "2");
    put("ACTIVE BASELINES", "1");
    put("VIS BUFFER LENGTH", "8");
    put("OUTPUT FORMAT", "SWIN");
    put("OUTPUT FILENAME", "/elsewhere/job.difx");
    put("NUM CONFIGURATIONS", "1");
    put("CONFIG NAME", "default");
    put("INT TIME (SEC)", "0.5");
    put("SUBINT NANOSECONDS", "1000000");
    put("GUARD NANOSECONDS", "1000");
    put("FRINGE ROTN ORDER", "1");
    put("ARRAY STRIDE LENGTH", "0");
    put("XMAC STRIDE LENGTH", "0");
    put("NUM BUFFERED FFTS", "10");
    put("WRITE AUTOCORRS", "TRUE");
    put("PULSAR BINNING", "FALSE");
    put("PHASED ARRAY", "FALSE");
    put("DATASTREAM 0 INDEX", "0");
    put("DATASTREAM 1 INDEX", "1");
    put("BASELINE 0 INDEX", "0");
    put("NUM RULES", "1");
    put("RULE 0 CONFIG NAME", "default");
    put("FREQ ENTRIES", "2");
    for (i, (lo, sideband)) in [("22000.0", "U"), ("22004.0", "L")].iter().enumerate() {
        put(&format!("FREQ (MHZ) {i}"), lo);
        put(&format!("BW (MHZ) {i}"), "1.0");
        put(&format!("SIDEBAND {i}"), sideband);
        put(&format!("NUM CHANNELS {i}"), "16");
        put(&format!("CHANS TO AVG {i}"), "1");
        put(&format!("OVERSAMPLE FAC. {i}"), "1");
        put(&format!("DECIMATION FAC. {i}"), "1");
        put(&format!("PHASE CALS {i} OUT"), "0");
    }
    put("TELESCOPE ENTRIES", "2");
    for (i, name) in ["YS", "US"].iter().enumerate() {
        put(&format!("TELESCOPE NAME {i}"), name);
        put(&format!("CLOCK REF MJD {i}"), "60000.0");
        put(&format!("CLOCK POLY ORDER {i}"), "1");
        put("@ remark", "of DiFX");
        put(&format!("CLOCK COEFF {i}/0"), if i == 0 { "0.0" } else { "1.5" });
        put(&format!("CLOCK COEFF {i}/1"), "1e-6");
    }
    streams(&mut put);
    put("BASELINE ENTRIES", "1");
    put("D/STREAM A INDEX 0", "0");
    put("D/STREAM B INDEX 0", "1");
    put("NUM FREQS 0", "2");
    for f in 0..2 {
        put(&format!("TARGET FREQ 0/{f}"), &f.to_string());
        put(&format!("POL PRODUCTS 0/{f}"), "4");
        for (p, (a, b)) in [(0, 0), (1, 1), (0, 1), (1, 0)].iter().enumerate() {
            put(&format!("D/STREAM A BAND {p}"), &(2 * f + a).to_string());
            put(&format!("D/STREAM B BAND {p}"), &(2 * f + b).to_string());
        }
    }
    for i in 0..2 {
        put(&format!("D/STREAM {i} FILES"), "1");
        put(&format!("FILE {i}/0"), &format!("s{i}.vdif"));
    }
    t
}

fn streams(put: &mut impl FnMut(&str, &str)) {
    put("DATASTREAM ENTRIES", "2");
    put("DATA BUFFER FACTOR", "32");
    put("NUM DATA SEGMENTS", "8");
    for i in 0..2 {
        put("TELESCOPE INDEX", &i.to_string());
        put("TSYS", "0.000000");
        put("DATA FORMAT", "VDIF");
        put("QUANTISATION BITS", "2");
        put("DATA FRAME SIZE", "1032");
        put("DATA SAMPLING", "REAL");
        put("DATA SOURCE", "FILE");
        put("FILTERBANK USED", "FALSE");
        put("PHASE CAL INT (MHZ)", "0");
        put("NUM RECORDED FREQS", "2");
        for f in 0..2 {
            put(&format!("REC FREQ INDEX {f}"), &f.to_string());
            put(&format!("CLK OFFSET {f} (us)"), if f == 0 { "0.0" } else { "0.25" });
            put(&format!("FREQ OFFSET {f} (Hz)"), "0.000000");
            put(&format!("NUM REC POLS {f}"), "2");
        }
        for b in 0..4 {
            put(&format!("REC BAND {b} POL"), if b % 2 == 0 { "R" } else { "L" });
            put(&format!("REC BAND {b} INDEX"), &(b / 2).to_string());
        }
        put("NUM ZOOM FREQS", "0");
    }
}

/// Text of the `.calc`.
pub fn calc() -> String {
    let mut t = String::new();
    let mut put = |key: &str, value: &str| {
        let _ = writeln!(t, "{:<20}{value}", format!("{key}:"));
    };
    put("JOB ID", "1");
    put("OBSCODE", "TEST");
    put("START MJD", "60000.0001157");
    start(&mut put);
    put("NUM TELESCOPES", "2");
    for (i, name) in ["YS", "US"].iter().enumerate() {
        put(&format!("TELESCOPE {i} NAME"), name);
        put(&format!("TELESCOPE {i} MOUNT"), "AZEL");
        put(&format!("TELESCOPE {i} OFFSET (m)"), "0.0");
        for axis in ["X", "Y", "Z"] {
            put(&format!("TELESCOPE {i} {axis} (m)"), "-3042280.9137");
        }
    }
    put("NUM SOURCES", "1");
    put("SOURCE 0 NAME", "M87");
    put("SOURCE 0 RA", "3.27");
    put("SOURCE 0 DEC", "0.21");
    put("SOURCE 0 CALCODE", "");
    put("SOURCE 0 QUAL", "0");
    put("NUM SCANS", "1");
    put("SCAN 0 IDENTIFIER", "No0001");
    put("SCAN 0 START (S)", "0");
    put("SCAN 0 DUR (S)", "60");
    put("SCAN 0 OBS MODE NAME", "default");
    put("SCAN 0 UVSHIFT INTERVAL (NS)", "2000000000");
    put("SCAN 0 AC AVG INTERVAL (NS)", "2000000000");
    put("SCAN 0 POINTING SRC", "0");
    put("SCAN 0 NUM PHS CTRS", "1");
    put("SCAN 0 PHS CTR 0", "0");
    put("NUM EOPS", "0");
    put("IM FILENAME", "job.im");
    t
}

fn start(put: &mut impl FnMut(&str, &str)) {
    for (key, value) in
        [("YEAR", "2023"), ("MONTH", "2"), ("DAY", "25"), ("HOUR", "0"), ("MINUTE", "0"), ("SECOND", "10")]
    {
        put(&format!("START {key}"), value);
    }
}

/// Text of the `.im`: station 0 at 100 us + 0.1 us/s t, station 1 at 103.3 us - 0.2 us/s t, t from 00:00:00.
pub fn im() -> String {
    let mut t = String::new();
    let mut put = |key: &str, value: &str| {
        let _ = writeln!(t, "{:<20}{value}", format!("{key}:"));
    };
    put("CALC SERVER", "hand");
    start(&mut put);
    put("POLYNOMIAL ORDER", "2");
    put("INTERVAL (SECS)", "120");
    put("NUM TELESCOPES", "2");
    put("TELESCOPE 0 NAME", "YS");
    put("TELESCOPE 1 NAME", "US");
    put("NUM SCANS", "1");
    put("SCAN 0 POINTING SRC", "M87");
    put("SCAN 0 NUM PHS CTRS", "1");
    put("SCAN 0 PHS CTR 0 SRC", "M87");
    put("SCAN 0 NUM POLY", "1");
    put("SCAN 0 POLY 0 MJD", "60000");
    put("SCAN 0 POLY 0 SEC", "0");
    for source in 0..2 {
        for (station, delay) in ["100 0.1 0", "103.3 -0.2 0"].iter().enumerate() {
            let key = |what: &str| format!("SRC {source} ANT {station} {what}");
            put(&key("DELAY (us)"), delay);
            put(&key("DRY (us)"), "0 0 0");
            put(&key("U (m)"), "1 2\t 3");
            put(&key("V (m)"), "4 5 6");
            put(&key("W (m)"), "7 8 9");
        }
    }
    t
}

/// Writes the job, with every `from` in one of its files replaced by `to`, and empty recordings; returns its `.input`.
pub fn write(folder: &Path, edits: &[(&str, &str)]) -> PathBuf {
    for (name, text) in [("job.input", input()), ("job.calc", calc()), ("job.im", im())] {
        let edited = edits.iter().fold(text, |text, (from, to)| text.replace(from, to));
        std::fs::write(folder.join(name), edited).unwrap();
    }
    for name in ["s0.vdif", "s1.vdif"] {
        std::fs::write(folder.join(name), b"").unwrap();
    }
    folder.join("job.input")
}
