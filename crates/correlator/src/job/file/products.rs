//! Which spectra of which streams are multiplied.

use super::{JobFile, Polarisations};
use crate::job::{Band, Baseline, Product, Stream};

/// Pairs of streams: those that the job names, or all of different stations.
pub(super) fn baselines(file: &JobFile, streams: &[Stream]) -> Result<Vec<Baseline>, String> {
    let of = |code: &str| {
        let station = file.stations.iter().position(|s| s.code.eq_ignore_ascii_case(code));
        let station = station.ok_or_else(|| format!("correlation.baselines: there is no station {code}"))?;
        streams
            .iter()
            .position(|s| s.station == station)
            .ok_or_else(|| format!("station {code} has no stream"))
    };
    let named = &file.correlation.baselines;
    if !named.is_empty() {
        return named.iter().map(|[a, b]| Ok(Baseline { a: of(a)?, b: of(b)? })).collect();
    }
    let n = streams.len();
    let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| Baseline { a, b }));
    Ok(pairs.filter(|p| streams[p.a].station != streams[p.b].station).collect())
}

/// Products by baseline, band and polarisation: parallel ones first, as DiFX has them.
pub(super) fn crosses(
    file: &JobFile,
    streams: &[Stream],
    bands: &[Band],
    baselines: &[Baseline],
) -> Vec<Product> {
    let mut products = Vec::new();
    for (of, baseline) in baselines.iter().enumerate() {
        let (a, b) = (&streams[baseline.a], &streams[baseline.b]);
        let same_sky = |x: usize, y: usize| {
            (bands[x].low_hz() - bands[y].low_hz()).abs() < 0.5
                && bands[x].bandwidth_hz == bands[y].bandwidth_hz
        };
        let mut pairs: Vec<(usize, bool, usize, usize)> = Vec::new();
        for (i, left) in a.channels.iter().enumerate() {
            for (j, right) in b.channels.iter().enumerate() {
                let crossed = left.polarisation != right.polarisation;
                let wanted = !crossed || file.correlation.polarisations == Polarisations::All;
                if wanted && same_sky(left.band, right.band) {
                    pairs.push((left.band, crossed, i, j));
                }
            }
        }
        pairs.sort_unstable();
        products.extend(pairs.iter().map(|&(band, _, i, j)| Product {
            of,
            a: (baseline.a, i),
            b: (baseline.b, j),
            band,
        }));
    }
    products
}
