//! Writes recordings of random bits, for measurements of speed alone.

use super::SimError;
use super::noise::{Stream, generator};
use super::recorder::header;
use super::scene::Scene;
use mirinae_common::atomic::{self, WriteError};
use rand::Rng;
use std::io::{self, Write};
use std::path::Path;

/// One file for all stations, under the name of each: it covers what any of them needs.
pub(super) fn record(scene: &Scene, folder: &Path) -> Result<(), SimError> {
    let Some(first) = scene.stations.first() else { return Ok(()) };
    let from = scene.stations.iter().map(|s| s.frames.start).min().unwrap_or(0);
    let to = scene.stations.iter().map(|s| s.frames.end).max().unwrap_or(0);
    let path = folder.join(&first.file);
    let mut payload = vec![0u8; scene.format.payload_bytes()];
    atomic::write(&path, |file| {
        for number in from..to {
            let mut bits = generator(scene.seed, Stream::Receiver { station: 0, band: 0 }, number);
            bits.fill_bytes(&mut payload);
            let Some(header) = header(scene, first, number) else { continue };
            file.write_all(&header.to_bytes().map_err(io::Error::other)?)?;
            file.write_all(&payload)?;
        }
        Ok(())
    })?;
    for station in &scene.stations[1..] {
        let link = folder.join(&station.file);
        std::fs::hard_link(&path, &link).map_err(|source| WriteError { path: link, source })?;
    }
    Ok(())
}
