//! Recorded streams: `$TRACKS` (1.5), `$BITSTREAMS` and `$DATASTREAMS` (2.0).
//!
//! The order of the channels in a recording: of Mark5B by the number of the bit stream; of Mark4 and VLBA by the track
//! (even tracks of a head stack before odd ones); of VDIF described by `$TRACKS`, which was not made for it, by the
//! channels' links, as DiFX's vex2difx does; of `$DATASTREAMS` by thread and place in it.

use super::modes::{Wiring, link, sample_rate};
use super::{Resolver, all, first};
use crate::schedule::error::Problem;
use crate::schedule::model::{Channel, Format, Stream};
use crate::schedule::syntax::Statement;
use crate::schedule::value::{self, Kind};
use std::collections::BTreeMap;

/// Bytes of a VDIF header and of a legacy one.
const HEADER_BYTES: usize = 32;
const LEGACY_HEADER_BYTES: usize = 16;
/// Bytes of a Mark5B frame.
const MARK5B_FRAME_BYTES: usize = 10_016;

/// Bits of a channel: numbers of the tracks of the sign and of the magnitude.
#[derive(Default)]
struct Bits {
    sign: Vec<i64>,
    magnitude: Vec<i64>,
}

impl<'a> Resolver<'a> {
    pub(super) fn streams(
        &mut self,
        wiring: &Wiring<'a>,
        channels: &[Channel],
    ) -> Result<Vec<Stream>, Problem> {
        let mut streams = if first(&wiring.bitstreams, "stream_def").is_some() {
            vec![bitstreams(wiring, channels)?]
        } else if first(&wiring.datastreams, "datastream").is_some() {
            datastreams(wiring, channels)?
        } else if let Some(format) = first(&wiring.tracks, "track_frame_format") {
            vec![self.tracks(wiring, format, channels)?]
        } else {
            self.note(wiring.at, format!("{}: how it is recorded is not said", wiring.name));
            return Ok(Vec::new());
        };
        for stream in &mut streams {
            let widest = stream.channels.iter().map(|&c| channels[c].bandwidth_hz).fold(0.0, f64::max);
            let nyquist_hz = if stream.complex { stream.sample_rate_hz } else { 0.5 * stream.sample_rate_hz };
            if stream.sample_rate_hz == 0.0 {
                let per_hz = if stream.complex { 1.0 } else { 2.0 };
                stream.sample_rate_hz = per_hz * widest;
                self.note(wiring.at, format!("{}: no sample rate; taken from the bandwidth", wiring.name));
            } else if widest > nyquist_hz * 1.000_001 {
                let what = format!(
                    "{}: {} samples/s are too few for {} MHz",
                    wiring.name,
                    stream.sample_rate_hz,
                    widest / 1e6
                );
                self.note(wiring.at, what);
            }
        }
        Ok(streams)
    }

    /// `track_frame_format = VDIF_8032-4096-16-2;` with `fanout_def = : &CH01 : sign : head stack : tracks`.
    fn tracks(
        &mut self,
        wiring: &Wiring<'a>,
        format: &Statement,
        channels: &[Channel],
    ) -> Result<Stream, Problem> {
        let name = &value::nth(format, 0, "the name of a format")?.text;
        let mut stream = named_format(name);
        stream.sample_rate_hz = sample_rate(&wiring.freq)?.unwrap_or(0.0);
        let mut bits: BTreeMap<String, Bits> = BTreeMap::new();
        for statement in all(&wiring.tracks, "fanout_def") {
            let channel = link(&value::nth(statement, 1, "the link of a channel")?.text).to_owned();
            let sign = value::nth(statement, 2, "sign or mag")?.text.to_ascii_lowercase().starts_with('s');
            let stack = value::integer(value::nth(statement, 3, "the number of a head stack")?)?;
            value::nth(statement, 4, "the number of a track")?;
            for track in &statement.fields[4..] {
                let number =
                    value::integer(track)?.saturating_add(stack.saturating_sub(1).saturating_mul(32));
                let of = bits.entry(channel.clone()).or_default();
                if sign { of.sign.push(number) } else { of.magnitude.push(number) }
            }
        }
        let recorded = recorded(channels, &bits);
        if bits.is_empty() {
            stream.channels = (0..channels.len()).collect();
        } else {
            if bits.values().any(|b| !b.magnitude.is_empty()) {
                stream.bits = stream.bits.max(2);
            } else if stream.bits == 0 {
                stream.bits = 1;
            }
            stream.channels = match stream.format {
                Format::Vdif | Format::VdifLegacy => by_link(channels, &recorded),
                Format::Mark4 | Format::Vlba => by_key(channels, &recorded, &bits, head_stack_order),
                _ => by_key(channels, &recorded, &bits, |track| track),
            };
        }
        if stream.channels.len() < channels.len() {
            let left = channels.len() - stream.channels.len();
            self.note(wiring.at, format!("{}: {left} channels are not recorded", wiring.name));
        }
        Ok(stream)
    }
}

/// Indices of the channels that have tracks.
fn recorded(channels: &[Channel], bits: &BTreeMap<String, Bits>) -> Vec<usize> {
    (0..channels.len()).filter(|&c| bits.get(&channels[c].link).is_some_and(|b| !b.sign.is_empty())).collect()
}

fn by_link(channels: &[Channel], recorded: &[usize]) -> Vec<usize> {
    let mut order = recorded.to_vec();
    order.sort_by(|&a, &b| channels[a].link.cmp(&channels[b].link));
    order
}

fn by_key(
    channels: &[Channel],
    recorded: &[usize],
    bits: &BTreeMap<String, Bits>,
    key: impl Fn(i64) -> i64,
) -> Vec<usize> {
    let mut order = recorded.to_vec();
    order.sort_by_key(|&c| bits[&channels[c].link].sign.iter().map(|&t| key(t)).min());
    order
}

/// Of 64 tracks the even ones of a head stack come before the odd ones.
fn head_stack_order(track: i64) -> i64 {
    let (stack, within) = ((track - 2).div_euclid(32), (track - 2).rem_euclid(32));
    stack * 32 + within / 2 + 16 * (within % 2)
}

/// `stream_def = &CH01 : sign : input : bit stream;`: Mark5B.
fn bitstreams(wiring: &Wiring, channels: &[Channel]) -> Result<Stream, Problem> {
    let mut bits: BTreeMap<String, Bits> = BTreeMap::new();
    for statement in all(&wiring.bitstreams, "stream_def") {
        let channel = link(&value::nth(statement, 0, "the link of a channel")?.text).to_owned();
        let sign = value::nth(statement, 1, "sign or mag")?.text.to_ascii_lowercase().starts_with('s');
        let number = value::integer(value::nth(statement, 3, "the number of a bit stream")?)?;
        let of = bits.entry(channel).or_default();
        if sign { of.sign.push(number) } else { of.magnitude.push(number) }
    }
    let rate = first(&wiring.bitstreams, "stream_sample_rate");
    let rate =
        rate.map(|s| value::quantity(value::nth(s, 0, "a sample rate")?, Kind::SampleRate)).transpose()?;
    let recorded = recorded(channels, &bits);
    Ok(Stream {
        format: Format::Mark5b,
        frame_bytes: MARK5B_FRAME_BYTES,
        sample_rate_hz: rate.or(sample_rate(&wiring.freq)?).unwrap_or(0.0),
        bits: if bits.values().any(|b| !b.magnitude.is_empty()) { 2 } else { 1 },
        channels: by_key(channels, &recorded, &bits, |stream| stream),
        ..named_format("")
    })
}

/// A thread of a data stream.
struct Thread {
    stream: String,
    name: String,
    number: u16,
    channels: usize,
    first: usize,
}

/// `datastream`, `thread` and `channel` statements.
fn datastreams(wiring: &Wiring, channels: &[Channel]) -> Result<Vec<Stream>, Problem> {
    let mut streams = Vec::new();
    let mut links = Vec::new();
    for statement in all(&wiring.datastreams, "datastream") {
        links.push(link(&value::nth(statement, 0, "the link of a data stream")?.text).to_owned());
        let mut stream = named_format(&value::nth(statement, 1, "a format")?.text);
        stream.name = statement.fields.get(2).map(|f| f.text.clone()).unwrap_or_default();
        streams.push(stream);
    }
    let mut threads = Vec::new();
    for statement in all(&wiring.datastreams, "thread") {
        let index = index_of(statement, 0, &links)?;
        threads.push(thread(statement, &mut streams[index])?);
    }
    threads.sort_by_key(|t| t.number);
    for (stream, name) in streams.iter_mut().zip(&links) {
        let mut first = 0;
        for thread in threads.iter_mut().filter(|t| t.stream == *name) {
            thread.first = first;
            first += thread.channels;
            stream.threads.push(thread.number);
        }
        if stream.threads.len() == 1 {
            stream.threads.clear();
        }
    }
    place_channels(wiring, channels, &links, &threads, &mut streams)?;
    Ok(streams)
}

fn index_of(statement: &Statement, field: usize, links: &[String]) -> Result<usize, Problem> {
    let field = value::nth(statement, field, "the link of a data stream")?;
    let name = link(&field.text);
    links.iter().position(|l| l == name).ok_or_else(|| {
        Problem::new(field.span.clone(), format!("no data stream has the link \"{}\"", field.text))
    })
}

/// `thread = &DS1 : &thread0 : number : channels : rate : bits : real : payload bytes`.
fn thread(statement: &Statement, stream: &mut Stream) -> Result<Thread, Problem> {
    let field = |n: usize, what: &str| value::nth(statement, n, what);
    let small = |n: usize, what: &str, most: i64| {
        let field = field(n, what)?;
        let number = value::integer(field)?;
        let wrong = || Problem::new(field.span.clone(), format!("{number} is not {what}"));
        if (0..=most).contains(&number) { Ok(number as usize) } else { Err(wrong()) }
    };
    let name = link(&field(1, "the link of a thread")?.text).to_owned();
    let number = small(2, "the number of a thread", 1023)? as u16;
    let channels = small(3, "a number of channels", 65_536)?;
    stream.sample_rate_hz = value::quantity(field(4, "a sample rate")?, Kind::SampleRate)?;
    stream.bits = small(5, "a number of bits", 32)? as u32;
    let kind = statement.fields.get(6).map(|f| f.text.to_ascii_lowercase()).unwrap_or_default();
    stream.complex = kind.starts_with("complex");
    let payload = statement.fields.get(7).filter(|f| !f.text.is_empty());
    if payload.is_some() {
        let header = if stream.format == Format::VdifLegacy { LEGACY_HEADER_BYTES } else { HEADER_BYTES };
        stream.frame_bytes = small(7, "a number of bytes", 1 << 27)? + header;
    }
    Ok(Thread {
        stream: link(&field(0, "the link of a data stream")?.text).to_owned(),
        name,
        number,
        channels,
        first: 0,
    })
}

/// `channel = &DS1 : &thread0 : &CH01 : place in the thread`.
fn place_channels(
    wiring: &Wiring,
    channels: &[Channel],
    links: &[String],
    threads: &[Thread],
    streams: &mut [Stream],
) -> Result<(), Problem> {
    let mut placed: Vec<Vec<(usize, usize)>> = vec![Vec::new(); streams.len()];
    for statement in all(&wiring.datastreams, "channel") {
        let stream = index_of(statement, 0, links)?;
        let name = value::nth(statement, 1, "the link of a thread")?;
        let thread = threads.iter().find(|t| t.stream == links[stream] && t.name == link(&name.text));
        let thread = thread.ok_or_else(|| {
            Problem::new(name.span.clone(), format!("its data stream has no thread \"{}\"", name.text))
        })?;
        let channel = value::nth(statement, 2, "the link of a channel")?;
        let index = channels.iter().position(|c| c.link == link(&channel.text)).ok_or_else(|| {
            Problem::new(
                channel.span.clone(),
                format!("$FREQ has no channel \"{}\" for {}", channel.text, wiring.name),
            )
        })?;
        let place = value::nth(statement, 3, "the place of the channel")?;
        let at = value::integer(place)?;
        if !(0..thread.channels as i64).contains(&at) {
            let what = format!("place {at} is not in a thread of {} channels", thread.channels);
            return Err(Problem::new(place.span.clone(), what));
        }
        placed[stream].push((thread.first + at as usize, index));
    }
    for (stream, mut order) in streams.iter_mut().zip(placed) {
        order.sort_unstable();
        stream.channels = order.into_iter().map(|(_, channel)| channel).collect();
    }
    Ok(())
}

/// What the name of a format says: `VDIF_8032-4096-16-2`, `VDIF/8032/2`, `INTERLACEDVDIF/0:1/5032/2`, `VDIF5032`,
/// `MARK5B-1024-8-2`, `MKIV1:4`, `VLBA1_2`, ...
pub(super) fn named_format(name: &str) -> Stream {
    let upper = name.to_ascii_uppercase();
    let base = upper.trim_start_matches("INTERLACED");
    let format = match base {
        _ if base.starts_with("VDIFL")
            || base.starts_with("VDIF_LEGACY")
            || base.starts_with("LEGACYVDIF") =>
        {
            Format::VdifLegacy
        }
        _ if base.starts_with("VDIF") => Format::Vdif,
        _ if base.starts_with("KVN5B") => Format::Kvn5b,
        _ if base.starts_with("MARK5B") || base.starts_with("MK5B") => Format::Mark5b,
        _ if base.starts_with("MARK4") || base.starts_with("MKIV") || base.starts_with("MARK-IV") => {
            Format::Mark4
        }
        _ if base.starts_with("VLBA") || base.starts_with("VLBN") => Format::Vlba,
        "NONE" | "" => Format::None,
        _ => Format::Other(name.to_owned()),
    };
    let threads = upper.split('/').nth(1).filter(|_| upper.starts_with("INTERLACED"));
    let threads =
        threads.map(|t| t.split([':', '_']).filter_map(|n| n.parse().ok()).collect()).unwrap_or_default();
    let numbers: Vec<usize> =
        base.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let is_vdif = matches!(format, Format::Vdif | Format::VdifLegacy);
    let (frame_bytes, bits) = match (is_vdif, numbers.as_slice()) {
        // Payloads are multiples of 8 bytes: a number that is too small for a frame is one of bits.
        (true, [frame, .., bits]) if *frame > 64 && *bits <= 32 => (*frame, *bits as u32),
        (true, [frame, ..]) if *frame > 64 => (*frame, 0),
        (true, [bits]) if *bits <= 32 => (0, *bits as u32),
        (false, [5, _, _, bits]) if *bits <= 32 => (0, *bits as u32),
        _ => (0, 0),
    };
    let frame_bytes = match format {
        Format::Mark5b | Format::Kvn5b => MARK5B_FRAME_BYTES,
        _ => frame_bytes,
    };
    Stream {
        name: String::new(),
        format,
        sample_rate_hz: 0.0,
        bits,
        complex: false,
        frame_bytes,
        threads,
        channels: Vec::new(),
    }
}
