//! Checks products: files against their manifests, manifests against the index, galaxies against their original files.

use crate::catalog::Column;
use crate::config::ValueType;
use crate::cut::{Cutter, FileBytes, Reason};
use crate::plan::{Files, Galaxy};
use crate::read::{Content, FileRead, read_file};
use crate::run::{INDEX, Index, ShardEntry};
use crate::shard::{Manifest, NpyArray, TABLE, sha256_of};
use half::slice::HalfFloatSliceExt;
use mirinae_common::provenance;
use std::collections::BTreeSet;
use std::path::Path;

/// What has been checked, and what is wrong.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Shards.
    pub shards: usize,
    /// Files whose checksum was compared.
    pub files: usize,
    /// Galaxies that were made again from their files.
    pub galaxies: usize,
    /// What is wrong, a line each.
    pub wrong: Vec<String>,
}

/// Checks the products in a folder, and `sample` galaxies against the files below `root`.
///
/// # Errors
/// Where there are no products, or their index cannot be read.
pub fn verify(out: &Path, root: &Path, sample: usize) -> anyhow::Result<Verdict> {
    let index = Index::read(out)?;
    let index =
        index.ok_or_else(|| anyhow::anyhow!("{} is not there: no products", out.join(INDEX).display()))?;
    let mut verdict = Verdict::default();
    for shard in &index.shards {
        verdict.shards += 1;
        if let Err(problem) = check_shard(out, &index, shard, &mut verdict) {
            verdict.wrong.push(format!("{}: {problem:#}", shard.name));
        }
    }
    let total: usize = index.shards.iter().map(|s| s.galaxies).sum();
    let mut cutter = Cutter::new(&index.settings);
    for pick in picks(&index.plan_sha256, total, sample) {
        let Some((shard, slot)) = place(&index.shards, pick) else { continue };
        verdict.galaxies += 1;
        if let Err(problem) = check_galaxy(out, root, &index, (shard, slot), &mut cutter) {
            verdict.wrong.push(format!("{} slot {slot}: {problem:#}", shard.name));
        }
    }
    Ok(verdict)
}

/// `sample` different numbers below `total`, in order, the same for the same plan.
fn picks(plan: &str, total: usize, sample: usize) -> Vec<usize> {
    let number = |i: usize| {
        let hash = provenance::hash(format!("verify {plan} {i}").as_bytes());
        u64::from_le_bytes(hash[..8].try_into().unwrap_or_default())
    };
    if sample >= total {
        return (0..total).collect();
    }
    let mut picks = BTreeSet::new();
    let mut i = 0;
    while picks.len() < sample {
        picks.insert((number(i) % total as u64) as usize);
        i += 1;
    }
    picks.into_iter().collect()
}

fn place(shards: &[ShardEntry], mut galaxy: usize) -> Option<(&ShardEntry, usize)> {
    for shard in shards {
        if galaxy < shard.galaxies {
            return Some((shard, galaxy));
        }
        galaxy -= shard.galaxies;
    }
    None
}

fn check_shard(out: &Path, index: &Index, shard: &ShardEntry, verdict: &mut Verdict) -> anyhow::Result<()> {
    let manifest = Manifest::read(out, &shard.name)?;
    anyhow::ensure!(manifest.sha256()? == shard.manifest_sha256, "its manifest is not the one in the index");
    anyhow::ensure!(manifest.plan_sha256 == index.plan_sha256, "its manifest is of another plan");
    for file in &manifest.files {
        verdict.files += 1;
        match sha256_of(&out.join(&file.name)) {
            Ok((bytes, sum)) if bytes == file.bytes && sum == file.sha256 => {}
            Ok((bytes, _)) if bytes != file.bytes => {
                verdict.wrong.push(format!("{}: {bytes} bytes, the manifest says {}", file.name, file.bytes));
            }
            Ok(_) => verdict.wrong.push(format!("{}: its checksum is not the manifest's", file.name)),
            Err(error) => verdict.wrong.push(format!("{}: {error}", file.name)),
        }
    }
    Ok(())
}

/// Makes a galaxy again and compares its bytes.
fn check_galaxy(
    out: &Path,
    root: &Path,
    index: &Index,
    (shard, slot): (&ShardEntry, usize),
    cutter: &mut Cutter<'_>,
) -> anyhow::Result<()> {
    let s = &index.settings;
    let folder = out.join(&shard.name);
    let galaxy = galaxy_of(&folder.join(TABLE), slot, shard)?;
    let mut reads: Vec<FileRead> = Vec::new();
    for (band, name) in s.bands.iter().enumerate() {
        let mut file = FileRead::default();
        match galaxy.files.of(band, name) {
            Some(path) if !path.is_empty() => read_file(&root.join(path), s.attempts, &mut file),
            _ => file.set_absent(),
        }
        reads.push(file);
    }
    let bytes = |file: &FileRead| -> Option<Vec<u8>> {
        if let Content::Bytes(bytes) = file.content() { Some(bytes.to_vec()) } else { None }
    };
    let contents: Vec<Option<Vec<u8>>> = reads.iter().map(bytes).collect();
    let files: Vec<FileBytes<'_>> = (contents.iter())
        .map(|c| c.as_deref().map_or(FileBytes::Unreadable(Reason::Missing, "not there"), FileBytes::Read))
        .collect();
    cutter.make(&galaxy, &files);
    cutter.finish(|_, _, _| {});
    let cut = cutter.cut();
    let image: Vec<u8> = match s.dtype {
        ValueType::F4 => cut.image_bp.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ValueType::F2 => {
            let mut half = vec![half::f16::ZERO; cut.image_bp.len()];
            half.convert_from_f32_slice(&cut.image_bp);
            half.iter().flat_map(|v| v.to_le_bytes()).collect()
        }
    };
    let stored = NpyArray::open(&folder.join("image.npy"), image.len())?.item(slot)?;
    let mask = NpyArray::open(&folder.join("mask.npy"), cut.mask_bp.len())?.item(slot)?;
    anyhow::ensure!(stored == image, "{}: the image is not what its files give", galaxy.id);
    anyhow::ensure!(mask == cut.mask_bp, "{}: the mask is not what its files give", galaxy.id);
    Ok(())
}

/// A row of a shard's table.
fn galaxy_of(table: &Path, slot: usize, shard: &ShardEntry) -> anyhow::Result<Galaxy> {
    let table = crate::catalog::Catalogue::read(table)?;
    anyhow::ensure!(table.rows() == shard.galaxies, "{}: {} rows", table.path().display(), table.rows());
    let real = |name: &str| table.column(name).map(|c| c.real(slot).unwrap_or(f64::NAN));
    let path = match table.column("path")? {
        Column::Text(paths) => paths[slot].clone(),
        other => other.text(slot),
    };
    let files = if path.contains("{band}") {
        Files::Template(path)
    } else {
        Files::Listed(path.split('\n').map(|p| Some(p.to_owned())).collect())
    };
    let id = table.column("object_id")?.text(slot);
    Ok(Galaxy { id, ra_deg: real("ra")?, dec_deg: real("dec")?, split: shard.split, files })
}
