//! Finds the ANTAB files of the job that made visibilities.
//!
//! Visibilities keep name, length and SHA-256 of the job's files, not their folder: a file that has all three is looked for beside the
//! visibilities and in the folder above, where a job is whose products are in a folder of its own.

use crate::antab;
use mirinae_common::provenance::InputFile;
use std::fs;
use std::path::{Path, PathBuf};

/// Those that are found, in the order of the job. `provenance` is that of the visibilities.
pub fn job_antabs(provenance: &str, visibilities: &Path) -> Vec<PathBuf> {
    let made: serde_json::Value = serde_json::from_str(provenance).unwrap_or_default();
    let told: Vec<InputFile> = serde_json::from_value(made["inputs"].clone()).unwrap_or_default();
    let mut inputs = Vec::new();
    // A file of several stations is told for each of them.
    told.into_iter().for_each(|input| {
        if !inputs.contains(&input) {
            inputs.push(input)
        }
    });
    let beside = visibilities.parent().unwrap_or(Path::new(""));
    let above = beside.parent().map_or_else(|| PathBuf::from(".."), Path::to_path_buf);
    let folders = [beside.to_path_buf(), above];
    inputs.iter().filter_map(|input| folders.iter().find_map(|folder| antab_in(folder, input))).collect()
}

/// The file of an input if it is in a folder and has system temperatures.
fn antab_in(folder: &Path, input: &InputFile) -> Option<PathBuf> {
    let path = folder.join(Path::new(&input.name).file_name()?);
    let same_length = fs::metadata(&path).is_ok_and(|about| about.is_file() && about.len() == input.bytes);
    let same = same_length && InputFile::of(&input.name, &path).is_ok_and(|found| found == *input);
    let text = if same { fs::read_to_string(&path).ok()? } else { return None };
    (!antab::names(&text).is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_that_the_job_used() {
        let folder = tempfile::tempdir().unwrap();
        let job = folder.path();
        let out = job.join("job.out");
        fs::create_dir(&out).unwrap();
        let text = "TSYS KY FT=1.0 INDEX='R1' /\n056 10:00.00 100\n/\n";
        fs::write(job.join("ky.antab"), text).unwrap();
        fs::write(out.join("ku.antab"), text.replace("KY", "KU")).unwrap();
        fs::write(job.join("changed.antab"), text).unwrap();
        fs::write(job.join("job.toml"), "no temperatures").unwrap();
        let of = |path: PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            InputFile::of(&name, &path).unwrap()
        };
        let (ky, ku) = (of(job.join("ky.antab")), of(out.join("ku.antab")));
        let inputs = [of(job.join("job.toml")), ky.clone(), of(job.join("changed.antab")), ku, ky];
        let provenance = serde_json::json!({ "inputs": inputs }).to_string();
        fs::write(job.join("changed.antab"), text.replace("100", "200")).unwrap();
        let found = job_antabs(&provenance, &out.join("job.h5"));
        assert_eq!(found, [job.join("ky.antab"), out.join("ku.antab")]);
        assert!(job_antabs("{}", &out.join("job.h5")).is_empty());
    }
}
