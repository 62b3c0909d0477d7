//! Parts of recorded bands that products are made of: all of a band, a zoom band, or what the other station has of it.

use super::{Band, Product, Stream};

/// Frequencies closer than this are the same.
const SAME_HZ: f64 = 0.5;
/// A band begins so close to a channel, in channels, or not on one.
const ON_CHANNEL: f64 = 1e-6;

/// A piece of the sky's spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    /// Its lower edge.
    pub low_hz: f64,
    /// Its width.
    pub bandwidth_hz: f64,
}

impl Range {
    /// What a band covers.
    pub fn of(band: &Band) -> Self {
        Self { low_hz: band.low_hz(), bandwidth_hz: band.bandwidth_hz }
    }

    /// Whether two are the same.
    pub fn same(self, other: Self) -> bool {
        (self.low_hz - other.low_hz).abs() < SAME_HZ
            && (self.bandwidth_hz - other.bandwidth_hz).abs() < SAME_HZ
    }

    /// Whether another one lies in it.
    pub fn holds(self, other: Self) -> bool {
        let high_hz = |r: Self| r.low_hz + r.bandwidth_hz;
        other.low_hz > self.low_hz - SAME_HZ && high_hz(other) < high_hz(self) + SAME_HZ
    }

    /// Number of the spectral channel of a band at which it begins.
    ///
    /// # Errors
    /// It does not begin on a channel; in words.
    pub fn first_channel(self, band: &Band, channel_hz: f64) -> Result<usize, String> {
        let channels = (self.low_hz - band.low_hz()) / channel_hz;
        if (channels - channels.round()).abs() < ON_CHANNEL {
            return Ok(channels.round().max(0.0) as usize);
        }
        Err(format!(
            "the band from {} MHz does not begin on a spectral channel of the one from {} MHz: channels are {} kHz wide",
            self.low_hz / 1e6,
            band.low_hz() / 1e6,
            channel_hz / 1e3
        ))
    }
}

/// Autocorrelations of all that cross-correlations are made of: by stream, first the parallel ones of all channels, then
/// (where any baseline has cross-polarised products) the cross-polarised ones. As DiFX has it, a whole band counts as
/// used where any baseline uses it.
pub(super) fn auto_products(
    streams: &[Stream],
    bands: &[Band],
    crosses: &[Product],
    polarised: bool,
) -> Vec<Product> {
    let mut products = Vec::new();
    for (of, stream) in streams.iter().enumerate() {
        let band_of = |c: usize| stream.channels[c].band;
        let product = |(a, band, first): (usize, usize, usize), b: usize| Product {
            of,
            a: (of, a),
            b: (of, b),
            first: [first, first],
            band,
        };
        let used: Vec<(usize, usize, usize)> =
            (0..stream.channels.len()).flat_map(|c| parts(streams, bands, crosses, (of, c))).collect();
        products.extend(used.iter().map(|&part| product(part, part.0)));
        if polarised {
            for &(a, band, first) in &used {
                let other =
                    |&&(b, _, at): &&(usize, usize, usize)| b != a && band_of(b) == band_of(a) && at == first;
                products.extend(used.iter().find(other).map(|&(b, ..)| product((a, band, first), b)));
            }
        }
    }
    products
}

/// The parts of a recorded channel that are used: the channel, the band that names the part, its first spectral channel.
fn parts(
    streams: &[Stream],
    bands: &[Band],
    crosses: &[Product],
    (of, channel): (usize, usize),
) -> Vec<(usize, usize, usize)> {
    let channel_band = |(s, c): (usize, usize)| streams[s].channels[c].band;
    let own = channel_band((of, channel));
    let whole = |p: &Product| Range::of(&bands[p.band]).same(Range::of(&bands[own]));
    let mut found = Vec::new();
    if crosses.is_empty() || crosses.iter().any(|p| whole(p) && [p.a, p.b].map(channel_band).contains(&own)) {
        found.push((channel, own, 0));
    }
    for product in crosses.iter().filter(|p| !whole(p)) {
        for (side, first) in [product.a, product.b].into_iter().zip(product.first) {
            if side == (of, channel) && !found.iter().any(|(_, _, at)| *at == first) {
                found.push((channel, product.band, first));
            }
        }
    }
    found.sort_by_key(|(_, _, first)| *first);
    found
}
