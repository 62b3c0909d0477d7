//! Which spectra of which streams are multiplied, and which parts of the sky's spectrum products are made of.

use super::{JobFile, Polarisations};
use crate::job::parts::Range;
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

/// The parts of the spectrum that products are made of: the zoom bands, or the narrowest recorded bands.
pub(super) fn ranges(file: &JobFile, streams: &[Stream], bands: &[Band]) -> Result<Vec<Range>, String> {
    let wanted: Vec<Range> = file
        .correlation
        .zoom
        .iter()
        .map(|z| Range { low_hz: z.low_mhz * 1e6, bandwidth_hz: z.bandwidth_mhz * 1e6 })
        .collect();
    if let Some(first) = wanted.first() {
        if !(first.bandwidth_hz > 0.0 && first.bandwidth_hz.is_finite()) {
            return Err("correlation.zoom: a bandwidth is larger than 0".to_owned());
        }
        return match wanted.iter().find(|z| z.bandwidth_hz != first.bandwidth_hz) {
            Some(_) => {
                Err("correlation.zoom: all zoom bands need the same bandwidth; make one job for each"
                    .to_owned())
            }
            None => Ok(wanted),
        };
    }
    let recorded = || streams.iter().flat_map(|s| &s.channels).map(|c| Range::of(&bands[c.band]));
    let narrowest_hz = recorded().map(|r| r.bandwidth_hz).fold(f64::INFINITY, f64::min);
    let mut ranges: Vec<Range> = Vec::new();
    for range in recorded().filter(|r| r.bandwidth_hz == narrowest_hz) {
        if !ranges.iter().any(|r| r.same(range)) {
            ranges.push(range);
        }
    }
    Ok(ranges)
}

/// Products by baseline, band and polarisation: parallel ones first, as DiFX has them. Parts that no band is are added
/// to the bands.
///
/// # Errors
/// A part does not begin on a spectral channel, in words.
pub(super) fn crosses(
    file: &JobFile,
    streams: &[Stream],
    (bands, ranges): (&mut Vec<Band>, &[Range]),
    (baselines, channel_hz): (&[Baseline], f64),
) -> Result<Vec<Product>, String> {
    let mut products = Vec::new();
    for (of, baseline) in baselines.iter().enumerate() {
        let (a, b) = (&streams[baseline.a], &streams[baseline.b]);
        let mut of_baseline: Vec<(bool, Product)> = Vec::new();
        for (i, left) in a.channels.iter().enumerate() {
            for (j, right) in b.channels.iter().enumerate() {
                let crossed = left.polarisation != right.polarisation;
                if crossed && file.correlation.polarisations != Polarisations::All {
                    continue;
                }
                for range in ranges {
                    let sides = [left.band, right.band];
                    if !sides.iter().all(|&side| Range::of(&bands[side]).holds(*range)) {
                        continue;
                    }
                    let first = [
                        range.first_channel(&bands[left.band], channel_hz)?,
                        range.first_channel(&bands[right.band], channel_hz)?,
                    ];
                    let band = named(bands, sides, *range);
                    let (a, b) = ((baseline.a, i), (baseline.b, j));
                    of_baseline.push((crossed, Product { of, a, b, first, band }));
                }
            }
        }
        of_baseline.sort_by_key(|(crossed, p)| (p.band, *crossed, p.a.1, p.b.1));
        products.extend(of_baseline.into_iter().map(|(_, product)| product));
    }
    Ok(products)
}

/// The band that a part is: that of one side where it is all of it, else any, else a new one.
fn named(bands: &mut Vec<Band>, sides: [usize; 2], range: Range) -> usize {
    let is = |&band: &usize| Range::of(&bands[band]).same(range);
    let found = sides.into_iter().find(is).or_else(|| (0..bands.len()).find(is));
    found.unwrap_or_else(|| {
        let (lo_hz, bandwidth_hz, difx_index) = (range.low_hz, range.bandwidth_hz, bands.len());
        bands.push(Band { lo_hz, bandwidth_hz, lower_sideband: false, difx_index });
        bands.len() - 1
    })
}
