//! Writes a `job.toml` with comments that explain every key.

use super::{
    Angle, JobFile, MosaicEntry, ResolutionEntry, RotationName, ScanEntry, SidebandName, StationEntry,
    StreamEntry, ZeroName, ZoomEntry,
};
use crate::eop::EopPoint;
use crate::job::Quantisation;
use crate::schedule::Format;
use std::fmt::Write as _;

/// The text of a job; `made_from` is told in its first line.
pub fn to_toml(job: &JobFile, made_from: &str) -> String {
    let mut t = String::new();
    let _ = writeln!(t, "# A correlation, made from {made_from}. kvn-corr run job.toml correlates it.");
    let _ = writeln!(t, "# Names of files count from the folder of this file.");
    if let Some(obscode) = &job.obscode {
        let _ = writeln!(t, "obscode = {}", text(obscode));
    }
    correlation(&mut t, job);
    mosaic(&mut t, job.mosaic.as_ref());
    job.resolutions.iter().for_each(|r| resolution(&mut t, r));
    model(&mut t, job);
    products(&mut t, job);
    windows(&mut t, job);
    for station in &job.stations {
        station_entry(&mut t, station);
    }
    let _ = writeln!(
        t,
        "\n# Right ascension and declination are of J2000 (ICRF): text as here, degrees as a number, or \"1.5 rad\"."
    );
    for source in &job.sources {
        let _ = writeln!(t, "[[sources]]");
        let _ = writeln!(t, "name = {}", text(&source.name));
        let _ = writeln!(t, "ra = {}", angle(&source.ra));
        let _ = writeln!(t, "dec = {}", angle(&source.dec));
        if let Some(orbit) = &source.orbit {
            let _ = writeln!(t, "orbit = {}", text(&orbit.display().to_string()));
        }
    }
    let _ = writeln!(
        t,
        "\n# source: what the antennas point to. centres = [\"A\", \"B\"]: phase centres (default: the source)."
    );
    for scan in &job.scans {
        scan_entry(&mut t, scan);
    }
    t
}

/// A TOML string.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn list<T>(values: &[T], one: impl Fn(&T) -> String) -> String {
    format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The shortest text of a number that reads back to the same.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn angle(angle: &Angle) -> String {
    match angle {
        Angle::Degrees(degrees) => number(*degrees),
        Angle::Text(t) => text(t),
    }
}

/// Phase centres with a resolution of their own.
fn resolution(t: &mut String, entry: &ResolutionEntry) {
    let _ = writeln!(t, "\n[[resolutions]]");
    let _ = writeln!(t, "name = {}", text(&entry.name));
    let _ = writeln!(t, "centres = {}", list(&entry.centres, |c| text(c)));
    if let Some(average) = entry.average {
        let _ = writeln!(t, "average = {average}");
    }
    if let Some(integration_s) = entry.integration_s {
        let _ = writeln!(t, "integration_s = {}", number(integration_s));
    }
}

fn correlation(t: &mut String, job: &JobFile) {
    let c = &job.correlation;
    let _ = writeln!(t, "\n[correlation]");
    let _ = match c.channels {
        Some(channels) => writeln!(
            t,
            "channels = {channels}                # spectral channels of every (narrowest or zoom) band"
        ),
        None => writeln!(t, "# channels = 256             # default: what the mosaic needs"),
    };
    let _ = match c.average {
        Some(average) => {
            writeln!(t, "average = {average}                   # so many of them are averaged into one")
        }
        None => writeln!(t, "# average = 1                # default: 1, or what the mosaic allows"),
    };
    let _ = match c.integration_s {
        Some(seconds) => writeln!(t, "integration_s = {}        # accumulation time", number(seconds)),
        None => writeln!(t, "# integration_s = 0.8192     # default: what the mosaic allows"),
    };
    let rotation = if c.rotation == RotationName::After { "after" } else { "before" };
    let _ = writeln!(
        t,
        "rotation = \"{rotation}\"           # fringes are stopped before or after the transform"
    );
    let _ = match c.shift_s {
        Some(seconds) => writeln!(
            t,
            "shift_s = {}               # phase centres are turned to after so much time",
            number(seconds)
        ),
        None => writeln!(t, "# shift_s = 0.02             # default: 0.02, or what the mosaic needs"),
    };
    let polarisations = if c.polarisations == super::Polarisations::All { "all" } else { "parallel" };
    let _ = writeln!(t, "polarisations = \"{polarisations}\"    # parallel: RR, LL; all: RL, LR, too");
    let _ = writeln!(t, "autocorrelations = {}", c.autocorrelations);
    let quantisation = if c.quantisation == Quantisation::Linear { "linear" } else { "none" };
    let _ = writeln!(
        t,
        "quantisation = \"{quantisation}\"         # linear: what quantisation takes of weak correlations is put back"
    );
    let _ =
        writeln!(t, "normalise = {}              # visibilities as correlation coefficients", c.normalise);
    if c.baselines.is_empty() {
        let _ = writeln!(t, "# baselines = [[\"Ky\", \"Ku\"]]    # default: all pairs of stations");
    } else {
        let pair = |p: &[String; 2]| format!("[{}, {}]", text(&p[0]), text(&p[1]));
        let _ = writeln!(t, "baselines = {}", list(&c.baselines, pair));
    }
    if c.zoom.is_empty() {
        let _ = writeln!(
            t,
            "# zoom = [{{ low_mhz = 22235.0, bandwidth_mhz = 2.0 }}]   # only these parts of the bands"
        );
    } else {
        let entry = |z: &ZoomEntry| {
            format!("{{ low_mhz = {}, bandwidth_mhz = {} }}", number(z.low_mhz), number(z.bandwidth_mhz))
        };
        let _ = writeln!(t, "zoom = {}", list(&c.zoom, entry));
    }
    match &c.start {
        Some(start) => {
            let _ = writeln!(t, "start = {}   # times of the products count from here", text(start));
        }
        None => {
            let _ = writeln!(
                t,
                "# start = \"2024-01-10T12:00:00\"   # times count from here; default: the first scan"
            );
        }
    }
}

fn mosaic(t: &mut String, mosaic: Option<&MosaicEntry>) {
    let Some(m) = mosaic else {
        let _ = writeln!(
            t,
            "\n# Phase centres all over the field; channels and times above may be left out then: they follow from smearing."
        );
        let _ = writeln!(t, "# [mosaic]\n# spacing_arcsec = 20.0         # of neighbouring phase centres");
        let _ =
            writeln!(t, "# smearing = 0.05               # share of the amplitude that may be lost anywhere");
        let _ = writeln!(t, "# radius_arcsec = 60.0          # default: half the width of the primary beam");
        return;
    };
    let _ = writeln!(t, "\n[mosaic]                       # phase centres all over the field");
    if let Some(source) = &m.source {
        let _ = writeln!(t, "source = {}                # only scans that point there", text(source));
    }
    if let Some(radius) = m.radius_arcsec {
        let _ = writeln!(t, "radius_arcsec = {}", number(radius));
    }
    let _ = writeln!(
        t,
        "spacing_arcsec = {}           # of neighbouring phase centres",
        number(m.spacing_arcsec)
    );
    let _ = writeln!(
        t,
        "smearing = {}                # share of the amplitude that may be lost anywhere",
        number(m.smearing)
    );
}

fn model(t: &mut String, job: &JobFile) {
    let m = &job.model;
    let _ = writeln!(t, "\n[model]");
    if let Some(im) = &m.difx_im {
        let _ = writeln!(
            t,
            "difx_im = {}    # polynomials of DiFX, used as they are",
            text(&im.to_string_lossy())
        );
        return;
    }
    let _ = writeln!(
        t,
        "troposphere = {}            # zenith delays of a standard atmosphere, Niell's mapping",
        m.troposphere
    );
    let _ = writeln!(
        t,
        "displacements = {}          # tides of the Earth and of the oceans, pole tide",
        m.displacements
    );
    match &m.eop_file {
        Some(file) => {
            let _ = writeln!(t, "eop_file = {}", text(&file.to_string_lossy()));
        }
        None => {
            let _ = writeln!(
                t,
                "# eop_file = \"finals2000A.all\" # Earth orientation of the IERS (finals2000A, C04), in place of [[model.eop]]"
            );
        }
    }
    if m.is_empty() {
        let _ = writeln!(
            t,
            "# The schedule has no Earth orientation: name a file, or add [[model.eop]] entries."
        );
    }
    for point in &m.eop {
        eop(t, point);
    }
}

fn eop(t: &mut String, p: &EopPoint) {
    let _ = writeln!(t, "[[model.eop]]");
    let _ = writeln!(t, "mjd = {}", number(p.mjd));
    let _ = writeln!(t, "tai_utc_s = {}", number(p.tai_utc_s));
    let _ = writeln!(t, "ut1_utc_s = {}", number(p.ut1_utc_s));
    let tidy = |x: f64| format!("{:?}", (x * 1e9).round() / 1e9);
    let _ = writeln!(t, "x_arcsec = {}", tidy(p.x_arcsec));
    let _ = writeln!(t, "y_arcsec = {}", tidy(p.y_arcsec));
    if p.dx_mas != 0.0 || p.dy_mas != 0.0 {
        let _ = writeln!(t, "dx_mas = {}\ndy_mas = {}", number(p.dx_mas), number(p.dy_mas));
    }
}

fn products(t: &mut String, job: &JobFile) {
    let _ = writeln!(t, "\n[products]                     # NAME.h5 is always written");
    let _ = writeln!(t, "swin = {}                   # DiFX's own format, too", job.products.swin);
    let _ =
        writeln!(t, "fits_idi = {}               # FITS-IDI for CASA and AIPS, too", job.products.fits_idi);
    match &job.products.swin_folder {
        Some(folder) => {
            let _ = writeln!(t, "swin_folder = {}", text(folder));
        }
        None => {
            let _ = writeln!(t, "# swin_folder = \"job.difx\"");
        }
    }
}

fn windows(t: &mut String, job: &JobFile) {
    if job.windows.is_empty() {
        let _ = writeln!(t, "\n# Only these times are correlated (default: all scans):");
        let _ =
            writeln!(t, "# [[windows]]\n# from = \"2024-01-10T12:00:00\"\n# to = \"2024-01-10T12:05:00\"");
    }
    for window in &job.windows {
        let _ = writeln!(t, "\n[[windows]]\nfrom = {}\nto = {}", text(&window.from), text(&window.to));
    }
}

fn station_entry(t: &mut String, s: &StationEntry) {
    let _ = writeln!(t, "\n[[stations]]");
    let _ = writeln!(t, "code = {}", text(&s.code));
    if let Some(name) = &s.name {
        let _ = writeln!(t, "name = {}                 # in the table of ocean loading", text(name));
    }
    let _ = writeln!(t, "position_m = {}      # ITRF", list(&s.position_m, |x| number(*x)));
    if s.velocity_m_per_yr != [0.0; 3] {
        let _ = writeln!(t, "velocity_m_per_yr = {}", list(&s.velocity_m_per_yr, |x| number(*x)));
    }
    if let Some(epoch) = &s.position_epoch {
        let _ = writeln!(t, "position_epoch = {}", text(epoch));
    }
    let _ = writeln!(t, "mount = \"{}\"                # az-el, ha-dec, xy-east, xy-north", s.mount.name());
    let _ = writeln!(t, "axis_offset_m = {}", number(s.axis_offset_m));
    match s.diameter_m {
        Some(diameter) => {
            let _ = writeln!(t, "diameter_m = {}", number(diameter));
        }
        None => {
            let _ =
                writeln!(t, "# diameter_m = 21.0            # default: that of KVN's stations by their name");
        }
    }
    match s.pressure_hpa {
        Some(pressure) => {
            let _ = writeln!(t, "pressure_hpa = {}", number(pressure));
        }
        None => {
            let _ =
                writeln!(t, "# pressure_hpa = 1010.0        # at the antenna; default: standard atmosphere");
        }
    }
    match &s.tsys_file {
        Some(file) => {
            let _ = writeln!(t, "tsys_file = {}", text(&file.to_string_lossy()));
        }
        None => {
            let _ = writeln!(t, "# tsys_file = \"k24001ky.antab\"  # system temperatures for FITS-IDI");
        }
    }
    if s.clocks.is_empty() {
        let _ = writeln!(t, "# [[stations.clocks]]          # none in the schedule");
        let _ = writeln!(t, "# epoch = \"2024-01-10T12:00:00\"\n# late_us = [22.35, -5.7e-7]   # us, us/s");
    }
    for clock in &s.clocks {
        let _ = writeln!(t, "[[stations.clocks]]");
        if let Some(from) = &clock.from {
            let _ = writeln!(t, "from = {}   # holds from here on, after a jump", text(from));
        }
        let _ = writeln!(t, "epoch = {}", text(&clock.epoch));
        let _ = writeln!(
            t,
            "# How LATE the clock is: us, us/s, ...; the sign of .v2d and .input. clock_early of VEX is the opposite."
        );
        let _ = writeln!(t, "late_us = {}", list(&clock.late_us, |x| number(*x)));
    }
    for stream in &s.streams {
        stream_entry(t, stream);
    }
}

fn stream_entry(t: &mut String, s: &StreamEntry) {
    let _ = writeln!(t, "[[stations.streams]]");
    let format = match &s.format {
        Format::Vdif => "\"vdif\"".to_owned(),
        Format::VdifLegacy => "\"vdif-legacy\"".to_owned(),
        Format::Mark5b => "\"mark5b\"".to_owned(),
        Format::Kvn5b => "\"kvn5b\"".to_owned(),
        Format::Mark4 => "\"mark4\"".to_owned(),
        Format::Vlba => "\"vlba\"".to_owned(),
        Format::None => "\"none\"".to_owned(),
        Format::Other(name) => format!("{{ other = {} }}", text(name)),
    };
    let _ = writeln!(t, "format = {format}");
    let _ = writeln!(t, "bits = {}", s.bits);
    let _ = writeln!(
        t,
        "frame_bytes = {}            # with the header; 0: whatever the recordings say",
        s.frame_bytes
    );
    if s.complex {
        let _ = writeln!(t, "complex = true");
        let zero = if s.zero == ZeroName::Centre { "centre" } else { "edge" };
        let _ = writeln!(
            t,
            "zero = \"{zero}\"                # where frequency 0 is in a band: at its edge or in its centre"
        );
    }
    if let Some(rate) = s.sample_rate_hz {
        let _ = writeln!(t, "sample_rate_hz = {}", number(rate));
    }
    if s.phase_cal_mhz == 0.0 {
        let _ = writeln!(
            t,
            "# phase_cal_mhz = 1.0            # interval of phase-calibration tones that are measured"
        );
    } else {
        let _ = writeln!(
            t,
            "phase_cal_mhz = {}            # interval of phase-calibration tones; 0: none are measured",
            number(s.phase_cal_mhz)
        );
    }
    if s.phase_cal_base_mhz != 0.0 {
        let _ = writeln!(
            t,
            "phase_cal_base_mhz = {}       # sky frequency of one of them",
            number(s.phase_cal_base_mhz)
        );
    }
    if s.threads.is_empty() {
        let _ = writeln!(
            t,
            "# threads = [0, 1]             # VDIF threads in the order of the channels; default: one holds all"
        );
    } else {
        let _ = writeln!(t, "threads = {}", list(&s.threads, u16::to_string));
    }
    if s.recordings.is_empty() {
        let _ = writeln!(t, "# Fill in: files or patterns, in the order of time, of one or several disks.");
        let _ = writeln!(t, "recordings = []                # [\"/disk?/k24001_ky_*.vdif\"]");
    } else {
        let _ = writeln!(t, "recordings = {}", list(&s.recordings, |r| text(r)));
    }
    let _ = writeln!(t, "channels = [                   # in the order of the recording");
    for c in &s.channels {
        let sideband = if c.sideband == SidebandName::Lower { "lower" } else { "upper" };
        let _ = write!(
            t,
            "  {{ edge_mhz = {}, bandwidth_mhz = {}, sideband = \"{sideband}\", polarisation = \"{}\"",
            number(c.edge_mhz),
            number(c.bandwidth_mhz),
            c.polarisation
        );
        if c.clock_offset_us != 0.0 {
            let _ = write!(t, ", clock_offset_us = {}", number(c.clock_offset_us));
        }
        let _ = writeln!(t, " }},");
    }
    let _ = writeln!(t, "]");
}

fn scan_entry(t: &mut String, s: &ScanEntry) {
    let _ = writeln!(t, "[[scans]]");
    let _ = writeln!(t, "name = {}", text(&s.name));
    let _ = writeln!(t, "start = {}", text(&s.start));
    let _ = writeln!(t, "duration_s = {}", number(s.duration_s));
    let _ = writeln!(t, "source = {}", text(&s.source));
    if !s.centres.is_empty() {
        let _ = writeln!(t, "centres = {}", list(&s.centres, |c| text(c)));
    }
    if let Some(number) = s.im_scan {
        let _ = writeln!(t, "im_scan = {number}                    # number of the scan in difx_im");
    }
}
