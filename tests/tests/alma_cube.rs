//! Fits of a cube, pixel by pixel, as a user runs them: any number of ranks, interruptions, masks, bad input.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{CH3CN_SPECTRUM, Run, assert_same, ch3cn_fit, next_random, until_struck};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NX: usize = 7;
const NY: usize = 5;
/// A pixel without data.
const BLANK: [usize; 2] = [4, 1];
const NOISE_K: f64 = 0.15;

const HEAD: &str = r#"
[fit]
seed = 11
"#;

const SPECIES: &str = r#"
[[species]]
name = "CH3CN"
cat = "CH3CN.cat"
qpart = "CH3CN.qpart"
logn = { uniform = [13.0, 19.0] }
tex_k = { fixed = 150.0 }
fwhm_kms = { uniform = [1.0, 6.0] }
v_kms = { normal = [0.0, 2.0] }
size_arcsec = { fixed = 0.5 }
"#;

const CUBE: &str = r#"
[cube]
snr = 6
chains = 4
ess = 60
draws = 100

[[spectrum]]
file = "cube.fits"
noise = "0.15 K"
"#;

/// True log10 N and velocity (km/s) of a pixel: a core with a gradient of velocity; nothing is seen far out.
fn truth([x, y]: [usize; 2]) -> (f64, f64) {
    let r2 = (x as f64 - 2.0).powi(2) + (y as f64 - 2.0).powi(2);
    (16.0 - 0.17 * r2, 0.4 * (x as f64 - 2.0))
}

/// A simulated cube: the model of the program itself with noise, in a FITS file.
struct Simulated {
    folder: TempDir,
}

impl Simulated {
    fn new() -> Self {
        let folder = ch3cn_fit(&format!("{HEAD}{CH3CN_SPECTRUM}{SPECIES}"));
        let path = |name: &str| folder.path().join(name);
        let mut random = 5;
        let (mut freq_hz, mut spectra) = (Vec::new(), Vec::new());
        for y in 0..NY {
            for x in 0..NX {
                let (logn, v) = truth([x, y]);
                let set =
                    [format!("CH3CN.logn={logn}"), "CH3CN.fwhm_kms=3".into(), format!("CH3CN.v_kms={v}")];
                let csv = path("model.csv");
                let args = ["model".into(), path("fit.toml").display().to_string()];
                let args = args.into_iter().chain(set.into_iter().flat_map(|s| ["--set".into(), s]));
                Run::alone("alma-fit").args(args).args(["--csv".as_ref(), csv.as_os_str()]).end().expect(0);
                let text = fs::read_to_string(csv).unwrap();
                let rows = text.lines().skip(1).map(|l| l.split_once(',').unwrap());
                let (freq, t_k): (Vec<f64>, Vec<f64>) =
                    rows.map(|(f, t)| (1e6 * f.parse::<f64>().unwrap(), t.parse::<f64>().unwrap())).unzip();
                let noisy =
                    |t: f64| if [x, y] == BLANK { f64::NAN } else { t + NOISE_K * normal(&mut random) };
                spectra.push(t_k.into_iter().map(noisy).collect::<Vec<f64>>());
                freq_hz = freq;
            }
        }
        fs::write(path("cube.fits"), cube_bytes(&freq_hz, &spectra)).unwrap();
        let simulated = Self { folder };
        simulated.write(&format!("{HEAD}{CUBE}{SPECIES}"));
        simulated
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, config: &str) {
        fs::write(self.path("fit.toml"), config).unwrap();
    }

    fn mpi(&self, ranks: usize, out: &str) -> Run {
        let text = |p: &Path| p.display().to_string();
        let args = ["run".into(), text(&self.path("fit.toml")), "--out".into(), text(&self.path(out))];
        Run::mpi("alma-fit", ranks).args(args).args(["--no-progress"])
    }
}

/// About normal: the sum of twelve uniform numbers.
fn normal(random: &mut u64) -> f64 {
    (0..12).map(|_| next_random(random) as f64 / (1u64 << 31) as f64).sum::<f64>() - 6.0
}

/// A cube of x, y and frequency; `spectra` one a pixel, x fastest.
fn cube_bytes(freq_hz: &[f64], spectra: &[Vec<f64>]) -> Vec<u8> {
    let step = (freq_hz[freq_hz.len() - 1] - freq_hz[0]) / (freq_hz.len() - 1) as f64;
    let cards = [
        "SIMPLE  =                    T".to_string(),
        "BITPIX  =                  -64".to_string(),
        "NAXIS   =                    3".to_string(),
        format!("NAXIS1  = {NX:>20}"),
        format!("NAXIS2  = {NY:>20}"),
        format!("NAXIS3  = {:>20}", freq_hz.len()),
        "CTYPE1  = 'RA---SIN'".to_string(),
        "CRVAL1  =              83.8225".to_string(),
        "CRPIX1  =                  3.0".to_string(),
        "CDELT1  =              -3.0E-5".to_string(),
        "CUNIT1  = 'deg     '".to_string(),
        "CTYPE2  = 'DEC--SIN'".to_string(),
        "CRVAL2  =              -5.3736".to_string(),
        "CRPIX2  =                  3.0".to_string(),
        "CDELT2  =               3.0E-5".to_string(),
        "CUNIT2  = 'deg     '".to_string(),
        "CTYPE3  = 'FREQ    '".to_string(),
        format!("CRVAL3  = {:>20}", format!("{:.3}", freq_hz[0])),
        "CRPIX3  =                  1.0".to_string(),
        format!("CDELT3  = {:>20}", format!("{step:.9E}")),
        "CUNIT3  = 'Hz      '".to_string(),
        "RADESYS = 'ICRS    '".to_string(),
        "SPECSYS = 'LSRK    '".to_string(),
        "OBJECT  = 'simulated'".to_string(),
        "BUNIT   = 'K       '".to_string(),
        format!("BMAJ    = {:>20}", format!("{:.9E}", 0.5 / 3600.0)),
        format!("BMIN    = {:>20}", format!("{:.9E}", 0.4 / 3600.0)),
        "BPA     =                  0.0".to_string(),
        "END".to_string(),
    ];
    let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:<80}").into_bytes()).collect();
    bytes.resize(bytes.len().next_multiple_of(2880), b' ');
    for channel in 0..freq_hz.len() {
        bytes.extend(spectra.iter().flat_map(|spectrum| spectrum[channel].to_be_bytes()));
    }
    bytes.resize(bytes.len().next_multiple_of(2880), 0);
    bytes
}

/// A row of pixels.csv by the names of its columns.
fn rows(out: &Path) -> Vec<impl Fn(&str) -> f64> {
    let text = fs::read_to_string(out.join("pixels.csv")).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(String::from).collect();
    lines
        .map(|line| {
            let values: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
            let names = names.clone();
            move |name: &str| values[names.iter().position(|n| n == name).unwrap()]
        })
        .collect()
}

#[test]
fn maps_are_the_same_at_any_number_of_ranks_and_show_the_truth() {
    let cube = Simulated::new();
    cube.mpi(1, "np1").end().expect(0);
    for ranks in [2, 3, 5] {
        cube.mpi(ranks, "np").end().expect(0);
        assert_same(&cube.path("np1"), &cube.path("np"), &format!("np {ranks}"));
        fs::remove_dir_all(cube.path("np")).unwrap();
    }
    let (mut fitted, mut within, mut faint) = (0, 0, 0);
    for row in rows(&cube.path("np1")) {
        let at = [row("x") as usize, row("y") as usize];
        let flags = row("flags") as u32;
        let is_blank = at == BLANK;
        assert_eq!(flags & 2 != 0, is_blank, "{at:?}");
        assert_eq!(flags & 1 != 0, !is_blank && row("snr") < 6.0, "{at:?}");
        faint += flags & 1;
        if flags & 15 != 0 {
            assert!(row("CH3CN.logn").is_nan());
            continue;
        }
        let (logn, v) = truth(at);
        for (name, truth) in [("CH3CN.logn", logn), ("CH3CN.v_kms", v)] {
            fitted += 1;
            let ends = [row(&format!("{name}_lower")), row(&format!("{name}_upper"))];
            within += i32::from(ends[0] <= truth && truth <= ends[1]);
            let half = 0.5 * (ends[1] - ends[0]);
            assert!((row(name) - truth).abs() < 6.0 * half, "{at:?} {name}: {} {truth} {half}", row(name));
        }
    }
    assert!(fitted > 20 && faint > 2, "{fitted} values, {faint} faint pixels");
    let share = f64::from(within) / f64::from(fitted);
    assert!((0.4..0.95).contains(&share), "{share} of the truths lie within 68 % intervals");
    let map = fs::read(cube.path("np1/maps/CH3CN.v_kms.fits")).unwrap();
    let head = String::from_utf8_lossy(&map[..2880]).into_owned();
    for card in [
        "CTYPE1  = 'RA---SIN'",
        "CRVAL2  = -5.373600000000000E0",
        "OBJECT  = 'simulated'",
        "EXTNAME = 'MEDIAN",
    ] {
        assert!(head.contains(card), "{card} expected in {head}");
    }
    assert!(fs::read_to_string(cube.path("np1/report.html")).unwrap().contains("data:image/png"));
    cube.write(&format!("{}{CUBE}{SPECIES}", HEAD.replace("11", "12")));
    cube.mpi(2, "other").end().expect(0);
    let map = |out: &str| fs::read(cube.path(out).join("maps/CH3CN.logn.fits")).unwrap();
    assert!(map("np1") != map("other"), "control: another seed gives other maps");
}

#[test]
fn a_report_makes_the_same_maps_from_the_pixels_alone() {
    let cube = Simulated::new();
    cube.mpi(2, "out").end().expect(0);
    let again = cube.path("again");
    fs::create_dir(&again).unwrap();
    fs::copy(cube.path("out/pixels.bin"), again.join("pixels.bin")).unwrap();
    // Neither the cube nor the line lists are needed.
    fs::remove_file(cube.path("cube.fits")).unwrap();
    let report = || Run::alone("alma-fit").args(["report".as_ref(), again.as_os_str()]).end();
    let told = report().expect(0);
    assert!(told.stdout.contains("maps/CH3CN.logn.fits"), "{}", told.stdout);
    assert_same(&cube.path("out"), &again, "report");
    let whole = fs::read(again.join("pixels.bin")).unwrap();
    fs::write(again.join("pixels.bin"), &whole[..whole.len() / 2]).unwrap();
    report().expect(65).expect_message(&["pixels.bin", "damaged"]);
}

#[test]
fn a_killed_cube_goes_on_to_the_same_maps() {
    let cube = Simulated::new();
    cube.mpi(2, "whole").end().expect(0);
    let mut random = 20_261_128;
    for case in 0..12 {
        // The first write is a checkpoint or a product, whichever comes first; pixels go to whoever is free.
        let (point, most) = [("unit", 8), ("write", 9), ("rename", 9)][case % 3];
        let rank = if point == "unit" { next_random(&mut random) % 2 } else { 0 };
        let fault = format!("kill:{point}:{rank}:{}", 1 + next_random(&mut random) % most);
        let killed = until_struck(|| {
            let _ = fs::remove_dir_all(cube.path("killed"));
            cube.mpi(3, "killed").env("MIRINAE_FAULT", &fault)
        });
        assert_ne!(killed.code, Some(0), "{fault} did not strike");
        cube.mpi(1 + case % 3, "killed").end().expect(0);
        assert_same(&cube.path("whole"), &cube.path("killed"), &fault);
    }
    cube.mpi(2, "whole").args(["--resume"]).end().expect(0);
    fs::remove_file(cube.path("whole/maps/CH3CN.logn.fits")).unwrap();
    cube.mpi(2, "whole").end().expect(65).expect_message(&["CH3CN.logn.fits"]);
}

#[test]
fn an_error_on_any_rank_stops_the_cube() {
    let cube = Simulated::new();
    for (action, rank) in [("panic", 0), ("error", 1)] {
        let fault = format!("{action}:unit:{rank}:2");
        let ended = until_struck(|| {
            let _ = fs::remove_dir_all(cube.path("broken"));
            cube.mpi(2, "broken").env("MIRINAE_FAULT", &fault)
        });
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        ended.expect_message(&["injected at unit"]);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cube = Simulated::new();
    let whole = format!("{HEAD}{CUBE}{SPECIES}");
    for (from, to, parts) in [
        ("snr = 6", "snr = 6\nx = [3, 9]", ["x = [3, 9]", "0 to 6"]),
        ("noise = ", "pixel = [1, 1]\nnoise = ", ["pixel and circle", "[cube]"]),
        ("\"cube.fits\"", "\"spectrum.txt\"", ["spectrum.txt", "this is none"]),
        ("chains = 4", "chains = 3", ["chains = 3", "even"]),
    ] {
        assert!(whole.contains(from));
        cube.write(&whole.replace(from, to));
        cube.mpi(2, "bad").end().expect(65).expect_message(&parts);
        assert!(!cube.path("bad").exists());
    }
}
