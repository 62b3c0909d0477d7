//! The table UV_DATA.

use super::File;
use super::table::{Form, Header, Table};
use crate::epoch::Epoch;
use crate::geometry::LIGHT_M_S;
use crate::writer::hdf_read::CentreRecord;
use num_complex::Complex32;
use std::io::{self, Write};

/// A pair of stations: which visibilities make its row.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    /// 256 (A + 1) + (B + 1), A not after B.
    number: i32,
    /// Index of the baseline that u, v, w are taken from; none for autocorrelations.
    baseline: Option<usize>,
    /// Whether our first station is the second here.
    turned: bool,
    /// Index of the product, place of its band and of its polarisations.
    products: Vec<(usize, usize, usize)>,
}

/// Where an integration is and which rows it has.
struct Moment {
    scan: usize,
    integration: usize,
    pairs: Vec<usize>,
}

impl File<'_> {
    pub(super) fn uv_data(&self, out: &mut impl Write, tick: &mut dyn FnMut()) -> io::Result<()> {
        let layout = &self.layout;
        let flux = 2 * layout.products() * layout.channels;
        let columns = [
            ("UU---SIN", Form::Single, 1, "SECONDS"),
            ("VV---SIN", Form::Single, 1, "SECONDS"),
            ("WW---SIN", Form::Single, 1, "SECONDS"),
            ("DATE", Form::Double, 1, "DAYS"),
            ("TIME", Form::Double, 1, "DAYS"),
            ("BASELINE", Form::Integer, 1, ""),
            ("FILTER", Form::Integer, 1, ""),
            ("SOURCE", Form::Integer, 1, ""),
            ("FREQID", Form::Integer, 1, ""),
            ("INTTIM", Form::Single, 1, "SECONDS"),
            ("WEIGHT", Form::Single, layout.products(), ""),
            ("FLUX", Form::Single, flux, "UNCALIB"),
        ];
        let pairs = self.pairs();
        let moments = self.moments(&pairs).map_err(io::Error::other)?;
        let rows = moments.iter().map(|m| m.pairs.len()).sum();
        let mut table = Table::begin(out, "UV_DATA", &columns, rows, &self.uv_keys())?;
        let mut buffer = Buffer::new(layout.products(), flux);
        for moment in &moments {
            let record = self.vis.centre_record(moment.scan, moment.integration, self.centre);
            let record = record.map_err(io::Error::other)?;
            for &pair in &moment.pairs {
                let pair = &pairs[pair];
                buffer.fill(self, pair, &record);
                self.uv_row(&mut table, moment, pair, &record, &buffer)?;
            }
            tick();
        }
        table.finish()
    }

    fn uv_row<W: Write>(
        &self,
        table: &mut Table<W>,
        moment: &Moment,
        pair: &Pair,
        record: &CentreRecord,
        buffer: &Buffer,
    ) -> io::Result<()> {
        let meta = self.vis.meta();
        let at = Epoch::new(
            meta.start_mjd,
            meta.start_second as f64 + meta.time_s(moment.scan, moment.integration),
        );
        let sign = if pair.turned { 1.0 } else { -1.0 };
        let uvw_m = pair.baseline.map_or([0.0; 3], |b| record.uvw_b[b]);
        table.row(|row| {
            row.singles(&uvw_m.map(|x| (sign * x / LIGHT_M_S) as f32));
            row.doubles(&[2_400_000.5 + at.mjd as f64, at.second / 86_400.0]);
            let source = meta.scans[moment.scan].centres[self.centre] as i32 + 1;
            row.integers(&[pair.number, 0, source, 1]);
            row.singles(&[meta.integration_s as f32]);
            row.singles(&buffer.weight);
            row.singles(&buffer.flux);
        })
    }

    fn uv_keys(&self) -> Header {
        let layout = &self.layout;
        let mut keys = self.keys(2);
        keys.integer("NMATRIX", 1);
        keys.text("DATE-OBS", &self.date());
        keys.text("EQUINOX", "J2000");
        keys.text("WEIGHTYP", "NORMAL");
        keys.text("TELESCOP", "KVN");
        keys.text("OBSERVER", &self.job.obscode);
        keys.real("VIS_SCAL", 1.0);
        keys.text("SORT", "T*");
        keys.integer("MAXIS", 6);
        let axes = [
            ("COMPLEX", 2, 1.0, 1.0, 1.0),
            ("STOKES", layout.stokes.len(), -1.0, 1.0, layout.first_stokes as f64),
            ("FREQ", layout.channels, layout.channel_hz(), layout.reference_pixel, layout.band_low_hz[0]),
            ("BAND", layout.bands(), 1.0, 1.0, 1.0),
            ("RA", 1, 0.0, 1.0, 0.0),
            ("DEC", 1, 0.0, 1.0, 0.0),
        ];
        for (index, (name, length, step, pixel, value)) in axes.into_iter().enumerate() {
            let n = index + 1;
            keys.integer(&format!("MAXIS{n}"), length as i64);
            keys.text(&format!("CTYPE{n}"), name);
            keys.real(&format!("CDELT{n}"), step);
            keys.real(&format!("CRPIX{n}"), pixel);
            keys.real(&format!("CRVAL{n}"), value);
        }
        keys.logical("TMATX12", true);
        keys
    }

    /// The rows of an integration: autocorrelations by station, then baselines, in FITS's order of numbers.
    fn pairs(&self) -> Vec<Pair> {
        let meta = self.vis.meta();
        let mut pairs: Vec<Pair> = Vec::new();
        let mut add = |stations: [usize; 2], baseline: Option<usize>, product: (usize, usize, usize)| {
            let turned = stations[0] > stations[1];
            let [a, b] = if turned { [stations[1], stations[0]] } else { stations };
            let number = 256 * (a as i32 + 1) + b as i32 + 1;
            let same = |p: &&mut Pair| {
                p.number == number && p.turned == turned && p.baseline.is_some() == baseline.is_some()
            };
            match pairs.iter_mut().find(same) {
                Some(pair) => pair.products.push(product),
                None => pairs.push(Pair { number, baseline, turned, products: vec![product] }),
            }
        };
        for (index, auto) in meta.autos.iter().enumerate() {
            let station = meta.stream_stations[auto.of];
            if let Some((band, stokes)) = self.layout.place(auto.band, auto.polarisations) {
                add([station; 2], None, (index, band, stokes));
            }
        }
        for (index, cross) in meta.crosses.iter().enumerate() {
            let baseline = &meta.baselines[cross.of];
            let stations = [baseline.a, baseline.b].map(|stream| meta.stream_stations[stream]);
            let [p, q] = cross.polarisations;
            let seen = if stations[0] > stations[1] { [q, p] } else { [p, q] };
            if let Some((band, stokes)) = self.layout.place(cross.band, seen) {
                add(stations, Some(cross.of), (index, band, stokes));
            }
        }
        pairs.sort_by_key(|p| p.number);
        pairs
    }

    /// Integrations of all scans with the pairs that have any weight.
    fn moments(&self, pairs: &[Pair]) -> hdf5::Result<Vec<Moment>> {
        let meta = self.vis.meta();
        let mut moments = Vec::new();
        for scan in (0..meta.scans.len()).filter(|&s| self.centre < meta.scans[s].centres.len()) {
            let (cross_tx, auto_ty) = self.vis.weights(scan, self.centre)?;
            for integration in 0..meta.scans[scan].integrations {
                let weighs = |pair: &Pair| {
                    let of = if pair.baseline.is_some() { &cross_tx } else { &auto_ty };
                    pair.products.iter().any(|&(product, ..)| of[[integration, product]] > 0.0)
                };
                let pairs = (0..pairs.len()).filter(|&p| weighs(&pairs[p])).collect();
                moments.push(Moment { scan, integration, pairs });
            }
        }
        Ok(moments)
    }
}

/// Weights and visibilities of a row.
struct Buffer {
    /// By band and polarisations.
    weight: Vec<f32>,
    /// By band, channel, polarisations; pairs of real and imaginary part.
    flux: Vec<f32>,
}

impl Buffer {
    fn new(products: usize, flux: usize) -> Self {
        Self { weight: vec![0.0; products], flux: vec![0.0; flux] }
    }

    fn fill(&mut self, file: &File, pair: &Pair, record: &CentreRecord) {
        let (channels, pairs) = (file.layout.channels, file.layout.stokes.len());
        self.weight.fill(0.0);
        self.flux.fill(0.0);
        let (weights, vis) = match pair.baseline {
            Some(_) => (&record.cross_weight_x, &record.cross_xf),
            None => (&record.auto_weight_y, &record.auto_yf),
        };
        for &(product, band, stokes) in &pair.products {
            self.weight[band * pairs + stokes] = weights[product];
            let spectrum: &[Complex32] = &vis[product * channels..(product + 1) * channels];
            for (channel, v) in spectrum.iter().enumerate() {
                let at = 2 * ((band * channels + channel) * pairs + stokes);
                // FITS-IDI's visibility is the conjugate of ours; once more where the stations change places.
                self.flux[at] = v.re;
                self.flux[at + 1] = if pair.turned { v.im } else { -v.im };
            }
        }
    }
}
