//! From schedules and DiFX jobs to job.toml and back.
use super::*;
use crate::difx::DifxJob;
use crate::geometry::DelayModel;
use crate::job::Job;
use crate::schedule::Schedule;
use std::fs;

fn schedule(text: &str) -> Schedule {
    Schedule::parse(Path::new("obs.vex"), text).unwrap()
}

fn made(wishes: &init::Wishes) -> JobFile {
    init::init(&schedule(include_str!("../../../tests/kvn-1.5.vex")), wishes).unwrap()
}

/// The job with recordings that are there.
fn with_recordings(mut job: JobFile, folder: &Path) -> JobFile {
    for station in &mut job.stations {
        let name = format!("{}.vdif", station.code);
        fs::write(folder.join(&name), b"").unwrap();
        station.streams[0].recordings = vec![name];
    }
    job
}

#[test]
fn what_init_writes_is_what_it_made() {
    let job = made(&init::Wishes::default());
    let text = write::to_toml(&job, "obs.vex");
    let back: JobFile = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(back.stations, job.stations);
    assert_eq!((&back.scans, &back.sources, &back.correlation), (&job.scans, &job.sources, &job.correlation));
    assert_eq!(back.model.eop.len(), 3);
    assert!(text.contains("clock_early of VEX is the opposite"));
}

/// The clock of Ky is early by -22.3514 us, that is late by 22.3514 us; the job adds what is late to the delay.
#[test]
fn clocks_turn_their_sign() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("job.toml");
    let file = with_recordings(made(&init::Wishes::default()), dir.path());
    assert_eq!(file.stations[0].clocks[0].late_us, [22.3514, -5.6827e-7]);
    let with = file.job(&path).unwrap();
    let mut without = file.clone();
    without.stations.iter_mut().for_each(|s| s.clocks.clear());
    let without = without.job(&path).unwrap();
    let difference = |scan: usize, station: usize, t_s: f64| {
        let delay = |job: &Job| job.scans[scan].model.delay(1, station, t_s).delay_s;
        delay(&with) - delay(&without)
    };
    assert!((difference(0, 0, 100.0) - (22.3514e-6 - 5.6827e-13 * 100.0)).abs() < 1e-16);
    // Ku's clock jumps at 12:08, between the scans.
    assert!((difference(1, 1, 600.0) - (26.0e-6 + 1.5709e-12 * 600.0)).abs() < 1e-16);
}

#[test]
fn a_clock_that_jumps_in_a_scan_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = with_recordings(made(&init::Wishes::default()), dir.path());
    file.stations[1].clocks[1].from = Some("2024-01-10T12:03:00".to_owned());
    let text = file.job(&dir.path().join("job.toml")).unwrap_err().to_string();
    assert!(
        text.contains("station Ku") && text.contains("No0001") && text.contains("cut the scan"),
        "{text}"
    );
}

#[test]
fn faults_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("job.toml");
    let good = with_recordings(
        made(&init::Wishes { stations: vec!["Ky".into(), "Ku".into()], ..Default::default() }),
        dir.path(),
    );
    assert!(good.job(&path).is_ok());
    let fault = |edit: &dyn Fn(&mut JobFile), what: &str| {
        let mut file = good.clone();
        edit(&mut file);
        let text = file.job(&path).unwrap_err().to_string();
        assert!(text.contains("job.toml") && text.contains(what), "{text}");
    };
    fault(&|f| f.stations[0].streams[0].recordings.clear(), "station Ky: no recordings are named");
    fault(&|f| f.stations[0].streams[0].recordings = vec!["*.none".into()], "no recording is called");
    fault(&|f| f.model.eop.clear(), "no Earth orientation");
    fault(&|f| f.model.eop.truncate(1), "at least two are needed");
    fault(&|f| f.model.eop.iter_mut().for_each(|p| p.mjd += 100.0), "Earth orientation is given from MJD");
    fault(&|f| f.scans[0].source = "X".into(), "there is no source X");
    fault(&|f| f.sources[0].ra = Angle::Text("noon".into()), "no right ascension");
    fault(&|f| f.stations[1].code = "KY".into(), "station KY is given twice");
    fault(&|f| f.correlation.average = Some(3), "must divide");
    fault(
        &|f| f.stations[1].streams[0].channels.iter_mut().for_each(|c| c.edge_mhz += 1.0),
        "same part of the sky",
    );
    fault(&|f| f.correlation.baselines = vec![["Ky".into(), "Kx".into()]], "no station Kx");
    fault(&|f| f.scans[1].start = "2024-01-10T12:01:00".into(), "begins before scan No0001 ends");
    fault(
        &|f| {
            let stream = &mut f.stations[1].streams[0];
            stream.sample_rate_hz = None;
            stream.channels.iter_mut().for_each(|c| c.bandwidth_mhz = 32.01);
        },
        "are not a whole number of spectral channels",
    );
    let zoom = |low_mhz, bandwidth_mhz| ZoomEntry { low_mhz, bandwidth_mhz };
    fault(&|f| f.correlation.zoom = vec![zoom(1.0, 2.0)], "same part of the sky");
    fault(&|f| f.correlation.zoom = vec![zoom(22000.0, 2.0), zoom(22004.0, 4.0)], "same bandwidth");
    fault(&|f| f.stations[0].position_m = [0.0; 3], "not on the Earth");
    fs::write(&path, "[correlation]\nchannels = 4\nchanels = 5\n").unwrap();
    let text = JobFile::open(&path).unwrap_err().to_string();
    assert!(text.contains("line 3") && text.contains("chanels"), "{text}");
}

#[test]
fn windows_cut_scans() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = with_recordings(made(&init::Wishes::default()), dir.path());
    let window = |from: &str, to: &str| Window {
        from: format!("2024-01-10T12:{from}"),
        to: format!("2024-01-10T12:{to}"),
    };
    file.windows = vec![window("01:00", "01:30"), window("02:00", "11:00")];
    file.stations[1].clocks.pop();
    let job = file.job(&dir.path().join("job.toml")).unwrap();
    let spans: Vec<_> = job.scans.iter().map(|s| (s.name.as_str(), s.start_s, s.end_s)).collect();
    assert_eq!(spans, [("No0001", 60, 90), ("No0001_2", 120, 420), ("No0002", 600, 660)]);
}

#[test]
fn modes_and_stations_are_chosen() {
    let one = made(&init::Wishes { stations: vec!["kvnus".into()], ..Default::default() });
    assert_eq!(one.stations.iter().map(|s| s.code.as_str()).collect::<Vec<_>>(), ["Ku"]);
    let s = schedule(include_str!("../../../tests/kvn-1.5.vex"));
    let wrong = |wishes: init::Wishes| init::init(&s, &wishes).unwrap_err();
    assert!(
        wrong(init::Wishes { stations: vec!["Kx".into()], ..Default::default() })
            .contains("it has Ky, Ku, Kt")
    );
    assert!(wrong(init::Wishes { mode: Some("W1".into()), ..Default::default() }).contains("it has K4x16"));
}

/// A converted job is the job itself, for all jobs of DiFX that are at hand.
#[test]
fn converted_jobs_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/vlbi/difx");
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    for name in ["G256", "G256clk", "G256pol", "G256postf", "G4096", "S4096c3"] {
        let job = folder.join(name);
        let difx = DifxJob::open(&job.join("job.input")).unwrap();
        let converted = convert::convert(&difx, &job).unwrap();
        let text = write::to_toml(&converted, "job.input");
        let back: JobFile = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(back, converted);
        let (ours, theirs) = (back.job(&job.join("job.toml")).unwrap(), Job::from_difx(&difx).unwrap());
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn system_temperatures_are_those_of_the_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = with_recordings(made(&init::Wishes::default()), dir.path());
    file.stations[1].clocks.pop();
    file.stations[0].tsys_file = Some("ky.antab".into());
    let path = dir.path().join("job.toml");
    let code = file.stations[0].code.clone();
    fs::write(dir.path().join("ky.antab"), format!("TSYS {code} INDEX='L1' /\n010 12:01.00 90.5\n/\n"))
        .unwrap();
    let job = file.job(&path).unwrap();
    assert_eq!(job.tsys[0], [crate::job::Tsys { time_s: 60.0, values: vec![('L', 0, 90.5)] }]);
    assert!(job.tsys[1..].iter().all(Vec::is_empty));
    fs::write(dir.path().join("ky.antab"), "TSYS XX INDEX='L1' /\n/\n").unwrap();
    let told = file.job(&path).unwrap_err().to_string();
    assert!(told.contains("ky.antab: there are no system temperatures"), "{told}");
}

/// What a mosaic chooses, judged by the delay model itself at all of its phase centres.
#[test]
fn a_mosaic_keeps_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("job.toml");
    let mut file = with_recordings(made(&init::Wishes::default()), dir.path());
    let c = &mut file.correlation;
    (c.channels, c.average, c.integration_s, c.shift_s) = (None, None, None, None);
    let missing = file.job(&path).unwrap_err().to_string();
    assert!(missing.contains("correlation.channels is missing"), "{missing}");
    // The primary beam: KVN's diameters are known.
    let mosaic = MosaicEntry { source: None, radius_arcsec: None, spacing_arcsec: 20.0, smearing: 0.05 };
    file.mosaic = Some(mosaic);
    let back = JobFile::parse(&path, &write::to_toml(&file, "a test")).unwrap();
    assert_eq!((&back.mosaic, &back.correlation), (&file.mosaic, &file.correlation));
    let job = file.job(&path).unwrap();
    println!("{}", job.told[0]);
    // Half of 134" at 22.016 GHz: cells of 20" have 346 square seconds.
    let centres = job.scans[0].centres.len();
    assert!((40..70).contains(&centres), "{centres}");
    let first = &job.sources[job.scans[0].centres[1]].name;
    assert!(first.ends_with("_001") && job.scans[0].centres[0] == job.scans[0].pointing, "{first}");
    let rows = crate::centres::smearing(&job);
    assert!(rows.len() >= centres);
    let worst = |of: fn(&crate::centres::Smearing) -> f64| rows.iter().map(of).fold(0.0, f64::max);
    let (time, bandwidth) = (worst(|r| r.time), worst(|r| r.bandwidth));
    let share = 1.0 - 0.95f64.powf(0.25);
    assert!(time < share && bandwidth < share, "{time} {bandwidth}");
    // Not by far: the longest baseline is seen from some side.
    assert!(time > 0.1 * share && bandwidth > 0.2 * share, "{time} {bandwidth}");
    // Control: four times coarser by hand, without a mosaic, loses more at the same places.
    let mut coarse = file.laid_out().unwrap().0;
    let c = &mut coarse.correlation;
    (c.channels, c.average) = (c.channels.map(|n| n / 8), Some(1));
    c.shift_s = c.shift_s.map(|s| 4.0 * s);
    let rows = crate::centres::smearing(&coarse.job(&path).unwrap());
    assert!(rows.iter().any(|r| r.time > share) && rows.iter().any(|r| r.bandwidth > share));
    // An interval ends with the accumulation, however long it was asked for.
    let mut lost = |shift_s| {
        coarse.correlation.shift_s = Some(shift_s);
        let rows = crate::centres::smearing(&coarse.job(&path).unwrap());
        rows.iter().map(|row| row.time).fold(0.0, f64::max)
    };
    let integration_s = job.integration_s;
    assert_eq!(lost(100.0).to_bits(), lost(integration_s).to_bits());
    assert!(lost(integration_s) > lost(0.5 * integration_s));
    // Polynomials of others have no other centres.
    file.model.difx_im = Some("job.im".into());
    assert!(file.job(&path).unwrap_err().to_string().contains("no phase centres but its own"));
}
