//! Many phase centres: every rank writes products, none holds them, and the bytes are those of one rank.
#![allow(clippy::unwrap_used)]

use mirinae_tests::{KVN_SIM, Run, assert_same, products, simulate, until_struck};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// A simulated job with a grid of phase centres.
struct Field {
    folder: tempfile::TempDir,
    centres: usize,
}

impl Field {
    fn simulate(centres: usize, integration_s: f64) -> Self {
        let mut text = KVN_SIM
            .replace("integration_s = 0.064", &format!("integration_s = {integration_s}\nshift_ms = 8.0"));
        for centre in 0..centres {
            let (east, north) = (centre % 32, centre / 32);
            let _ = write!(
                text,
                "\n[[centres]]\nname = \"C{centre}\"\neast_arcsec = {east}.0\nnorth_arcsec = {north}.0\n"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        simulate(folder.path(), &text);
        Self { folder, centres }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, ranks: usize, out: &str) -> Run {
        let (input, out) = (self.path("small.input"), self.path(out));
        let args = ["run".as_ref(), input.as_os_str(), "--out".as_ref(), out.as_os_str()];
        Run::mpi("kvn-corr", ranks).args(args).args(["--swin", "--fits-idi", "--no-progress"])
    }

    /// MiB that each rank held at most.
    fn peaks_mib(&self, out: &str) -> Vec<u64> {
        let text = fs::read_to_string(self.path(out).join("small.run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&text).unwrap();
        let peaks = record["peak_memory_bytes"].as_array().unwrap();
        peaks.iter().map(|p| p.as_u64().unwrap().div_ceil(1 << 20)).collect()
    }

    /// MiB that the plan says.
    fn bound_mib(&self) -> u64 {
        let input = self.path("small.input");
        let ended = Run::alone("kvn-corr").args(["plan".as_ref(), input.as_os_str()]).end().expect(0);
        let rest = ended.stdout.split("memory of a rank: at most ").nth(1).unwrap();
        rest.split(" MiB").next().unwrap().parse().unwrap()
    }

    /// Runs it on some ranks; bytes of the products.
    fn is_the_same(&self, ranks: &[usize]) -> u64 {
        self.run(1, "np1").end().expect(0);
        let made = products(&self.path("np1"));
        assert_eq!(made.keys().filter(|name| name.ends_with(".idi")).count(), self.centres);
        assert_eq!(made.keys().filter(|name| name.contains("DIFX_")).count(), self.centres);
        let bound = self.bound_mib();
        assert!(self.peaks_mib("np1")[0] <= bound, "{:?}, {bound} MiB", self.peaks_mib("np1"));
        for &ranks in ranks {
            let out = format!("np{ranks}");
            self.run(ranks, &out).end().expect(0);
            assert_same(&self.path("np1"), &self.path(&out), &out);
            let peaks = self.peaks_mib(&out);
            println!("{} centres, {ranks} ranks: peaks {peaks:?} MiB, bound {bound} MiB", self.centres);
            assert!(
                peaks.len() == ranks && peaks.iter().all(|&p| p > 0 && p <= bound),
                "{peaks:?}, {bound} MiB"
            );
        }
        made.values().map(|bytes| bytes.len() as u64).sum()
    }
}

#[test]
fn memory_does_not_grow_with_what_is_written() {
    let centres = 150;
    let (short, long) = (Field::simulate(centres, 0.064), Field::simulate(centres, 0.004));
    let bytes = [short.is_the_same(&[3]), long.is_the_same(&[3])];
    assert!(bytes[1] > bytes[0] + (100 << 20), "{bytes:?}");
    for out in ["np1", "np3"] {
        let (few, many) = (short.peaks_mib(out), long.peaks_mib(out));
        for (few, many) in few.iter().zip(&many) {
            assert!(*many < few + 16, "{out}: {few} and {many} MiB");
        }
    }
}

#[test]
fn other_ranks_than_the_first_write_visibilities_and_centres() {
    let field = Field::simulate(60, 0.064);
    field.run(1, "whole").end().expect(0);
    for fault in ["kill:join:1:2", "kill:centre:1:3", "kill:centre:2:3"] {
        // It strikes only where that rank comes by so often.
        until_struck(|| {
            let _ = fs::remove_dir_all(field.path("out"));
            field.run(3, "out").env("MIRINAE_FAULT", fault)
        });
        field.run(2, "out").end().expect(0);
        assert_same(&field.path("whole"), &field.path("out"), fault);
    }
    // A signal is obeyed there too.
    for (fault, there) in [("term:join:0:2", false), ("term:centre:0:2", true)] {
        fs::remove_dir_all(field.path("out")).unwrap();
        field.run(1, "out").env("MIRINAE_FAULT", fault).end().expect(75);
        assert_eq!(field.path("out/small.h5").exists(), there, "{fault}");
        assert!(!field.path("out/small.run.json").exists(), "{fault}");
        field.run(2, "out").end().expect(0);
        assert_same(&field.path("whole"), &field.path("out"), fault);
    }
    // What fails once is done again.
    for fault in ["error:join:0:1", "error:centre:0:1", "error:join:1:1", "error:centre:1:2"] {
        fs::remove_dir_all(field.path("out")).unwrap();
        field.run(2, "out").env("MIRINAE_FAULT", fault).end().expect(0);
        assert_same(&field.path("whole"), &field.path("out"), fault);
    }
}
