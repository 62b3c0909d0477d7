use super::*;
use crate::baseband::{SharedRecording, Validity, VdifHeader};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tempfile::TempDir;

const PER_SECOND: i64 = 40;
const PAYLOAD: usize = 64;
/// Two 2-bit real channels in each thread.
const PER_FRAME: i64 = 128;
const BLOCK: u64 = 10 * 96;

/// Frames as they were sent, and which of them a reader should find.
#[derive(Default)]
struct Truth {
    payloads: BTreeMap<(i64, u16), [u8; PAYLOAD]>,
}

fn frame(slot: i64, thread: u16, invalid: bool, payload: &[u8]) -> Vec<u8> {
    let header = VdifHeader {
        invalid,
        legacy: false,
        seconds: (100 + slot.div_euclid(PER_SECOND)) as u32,
        unassigned: 0,
        ref_epoch: 46,
        frame_number: slot.rem_euclid(PER_SECOND) as u32,
        version: 0,
        log2_channels: 1,
        frame_bytes: 96,
        complex: false,
        bits: 2,
        thread,
        station: 0x4b59,
        extended: [9; 4],
    };
    let mut bytes = header.to_bytes().unwrap();
    bytes.extend(payload);
    bytes
}

fn payload(slot: i64, thread: u16) -> [u8; PAYLOAD] {
    let seed = (slot * 1_000_003 + i64::from(thread) * 7919) as u32;
    std::array::from_fn(|i| (seed.wrapping_add(i as u32).wrapping_mul(2_654_435_761) >> 13) as u8)
}

/// A file of `slots` with a fate for each frame: 0 lost, 1 invalid, 2 twice, 3 late, 4 garbage after it, 5 cut short.
fn damaged(slots: std::ops::Range<i64>, threads: &[u16], fates: &[u8], truth: &mut Truth) -> Vec<u8> {
    let (mut bytes, mut late) = (Vec::new(), Vec::new());
    let mut fate = fates.iter().cycle();
    for slot in slots {
        for &thread in threads {
            let data = payload(slot, thread);
            let whole = frame(slot, thread, false, &data);
            let fate = *fate.next().unwrap();
            match fate {
                0 => {}
                1 => bytes.extend(frame(slot, thread, true, &data)),
                2 => bytes.extend([whole.clone(), whole].concat()),
                3 => late.extend(whole),
                4 => bytes.extend([whole, vec![0x77; 13]].concat()),
                5 => bytes.extend(&whole[..50]),
                _ => bytes.extend(whole),
            }
            if !matches!(fate, 0 | 1 | 5) {
                truth.payloads.insert((slot, thread), data);
            }
        }
        // The frame that is late comes after the next slot's.
        if slot % 2 == 0 {
            bytes.append(&mut late);
        }
    }
    bytes.append(&mut late);
    bytes
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn options() -> RecordingOptions {
    RecordingOptions {
        sample_rate_hz: Some((PER_SECOND * PER_FRAME) as u64),
        reference: Some(UtcSecond::from_vdif(46, 100)),
        ..Default::default()
    }
}

/// Sample by sample from the frames as sent, bit by bit.
fn compare(truth: &Truth, threads: &[u16], start: i64, samples: &Samples) {
    let levels = Levels::default();
    for (t, thread) in threads.iter().enumerate() {
        let mut valid = Validity::default();
        for i in 0..samples.len() {
            let sample = start + i as i64;
            let key = (sample.div_euclid(PER_FRAME), *thread);
            let sent = truth.payloads.get(&key);
            for c in 0..2 {
                let bit = (sample.rem_euclid(PER_FRAME) as usize * 2 + c) * 2;
                let want = sent.map_or(0.0, |p| levels.value(2, u16::from(p[bit / 8] >> (bit % 8) & 3)));
                assert_eq!(
                    samples.channel(2 * t + c)[i],
                    want,
                    "sample {sample} of channel {c}, thread {thread}"
                );
            }
            if sent.is_some() {
                valid.push(i, i + 1);
            }
        }
        assert_eq!(samples.validity(2 * t), &valid);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn samples_are_where_their_time_is(
        fates in proptest::collection::vec(0u8..40, 1..97),
        reads in proptest::collection::vec((-300i64..14_000, 0usize..900), 6),
        shuffled: bool,
    ) {
        let threads: &[u16] = if shuffled { &[3, 0, 2] } else { &[7] };
        let mut truth = Truth::default();
        // Never let the beginning be lost: a file begins with a chain of headers.
        let mut fates = fates;
        fates.splice(0..0, [9; 12]);
        let bytes = damaged(5..100, threads, &fates, &mut truth);
        let folder = TempDir::new().unwrap();
        let path = write(&folder, "a.vdif", &bytes);
        let mut recording = Recording::open_in_blocks(&[path], &options(), BLOCK).unwrap();
        let order = recording.threads().to_vec();
        prop_assert!(order.is_sorted());
        let mut samples = Samples::default();
        for (start, n) in reads {
            recording.read(start, n, &mut samples).unwrap();
            compare(&truth, &order, start, &samples);
        }
    }
}

#[test]
fn files_and_long_gaps() {
    let mut truth = Truth::default();
    let folder = TempDir::new().unwrap();
    let late = damaged(900_000..900_050, &[1], &[9], &mut truth);
    let early =
        [damaged(-60..0, &[1], &[9], &mut truth), damaged(4_000..4_050, &[1], &[9], &mut truth)].concat();
    let paths = [write(&folder, "late", &late), write(&folder, "early", &early)];
    let mut recording = Recording::open_in_blocks(&paths, &options(), BLOCK).unwrap();
    assert_eq!(recording.span().unwrap(), (-60 * PER_FRAME, 900_050 * PER_FRAME));
    let mut samples = Samples::default();
    for slot in [-65, -5, 1_000, 3_995, 4_045, 899_995, 900_045] {
        recording.read(slot * PER_FRAME + 17, 1_300, &mut samples).unwrap();
        compare(&truth, &[1], slot * PER_FRAME + 17, &samples);
    }

    // By what is known of it: only what is read is open.
    let index = recording.index();
    let mut recording = Recording::asleep(&index);
    assert_eq!((recording.awake(), recording.index()), (0, index));
    for slot in [-65, 899_995, -5, 3_995, 900_045, 500_000] {
        recording.read(slot * PER_FRAME + 17, 1_300, &mut samples).unwrap();
        compare(&truth, &[1], slot * PER_FRAME + 17, &samples);
        assert_eq!(recording.awake(), usize::from(!(5_000..=800_000).contains(&slot)), "{slot}");
    }
}

#[test]
fn threads_that_nobody_wants_are_not_read() {
    let folder = TempDir::new().unwrap();
    let mut truth = Truth::default();
    let files: Vec<PathBuf> = [1, 2, 3]
        .map(|thread| write(&folder, &thread.to_string(), &damaged(0..120, &[thread], &[9], &mut truth)))
        .to_vec();
    let index = Recording::open_in_blocks(&files, &options(), BLOCK).unwrap().index();
    assert!(index.is_split());
    let mut recording = Recording::asleep(&index);
    let mut samples = Samples::default();
    recording.want(&[false, false, true, true, false, false]);
    recording.read(1_000, 3_000, &mut samples).unwrap();
    let valid = |samples: &Samples| [0, 1, 2].map(|t| samples.validities()[t].count(0, 3_000));
    assert_eq!((valid(&samples), recording.awake()), ([0, 3_000, 0], 1));
    recording.want(&[true; 6]);
    recording.read(1_000, 3_000, &mut samples).unwrap();
    compare(&truth, &[1, 2, 3], 1_000, &samples);
    assert_eq!((valid(&samples), recording.awake()), ([3_000; 3], 3));
    // Together in one file they are not split, and each is found in any file.
    let bytes = damaged(0..120, &[1, 2, 3], &[9], &mut truth);
    let both = Recording::open_in_blocks(&[write(&folder, "all", &bytes)], &options(), BLOCK).unwrap();
    assert!(!both.index().is_split());
}

#[test]
fn what_is_held_is_read_once_for_all_who_share_it() {
    let folder = TempDir::new().unwrap();
    let mut truth = Truth::default();
    let files = [0..200, 200..400].map(|slots| {
        write(&folder, &slots.start.to_string(), &damaged(slots, &[1, 2], &[9, 3, 9, 9, 2], &mut truth))
    });
    let index = Recording::open_in_blocks(&files, &options(), BLOCK).unwrap().index();
    let (from, to) = (150 * PER_FRAME, 250 * PER_FRAME);
    let whole = files.each_ref().map(|file| std::fs::read(file).unwrap());
    let (mut before, mut samples) = (Samples::default(), Samples::default());
    for held in [true, false] {
        let mut first = SharedRecording::new(Recording::asleep(&index));
        let mut second = first.clone();
        first.want(&[true, true, false, false]);
        first.hold(held.then_some((from, to)));
        second.read(from, (to - from) as usize, &mut before).unwrap();
        compare(&truth, &[1, 2], from, &before);
        // From here on the files hold other samples.
        for (file, bytes) in files.iter().zip(&whole) {
            let mut other = bytes.clone();
            other.chunks_exact_mut(96).for_each(|frame| frame[96 - PAYLOAD..].fill(0));
            std::fs::write(file, other).unwrap();
        }
        let mut same = true;
        for at in (0..(to - from) as usize - 500).step_by(499) {
            second.read(from + at as i64, 500, &mut samples).unwrap();
            same &= (0..4).all(|c| samples.channel(c) == &before.channel(c)[at..at + 500]);
            first.read(from + at as i64, 500, &mut samples).unwrap();
            same &= samples.channel(0) == &before.channel(0)[at..at + 500];
            assert_eq!(samples.validity(2).count(0, 500), 0, "nobody wants it here");
        }
        assert_eq!(same, held);
        files.iter().zip(&whole).for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
    }
}

#[test]
fn rate_is_measured_where_a_second_ends() {
    let folder = TempDir::new().unwrap();
    let bytes = damaged(30..60, &[2, 1], &[9], &mut Truth::default());
    let path = write(&folder, "a", &bytes);
    let open =
        |rate| Recording::open(&[&path], &RecordingOptions { sample_rate_hz: rate, ..Default::default() });
    assert_eq!(open(None).unwrap().layout().sample_rate_hz, (PER_SECOND * PER_FRAME) as u64);
    let wrong = open(Some(20 * PER_FRAME as u64)).unwrap_err();
    assert!(matches!(wrong, BasebandError::Contradiction { .. }), "{wrong}");
    let odd = open(Some(777)).unwrap_err();
    assert!(matches!(odd, BasebandError::Contradiction { .. }), "{odd}");
    let short = write(&folder, "b", &damaged(30..39, &[2, 1], &[9], &mut Truth::default()));
    let unknown = Recording::open(&[short], &RecordingOptions::default()).unwrap_err();
    assert!(matches!(unknown, BasebandError::RateUnknown { .. }), "{unknown}");
}

#[test]
fn contradictions_are_told() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a", &damaged(0..50, &[0, 1], &[9], &mut Truth::default()));
    let mut recording = Recording::open(&[&path], &options()).unwrap();
    let right = Expectation {
        format: Some("VDIF"),
        frame_bytes: Some(96),
        channels: Some(4),
        bits: Some(2),
        complex: Some(false),
    };
    recording.check(&right).unwrap();
    for wrong in [
        Expectation { frame_bytes: Some(97), ..right.clone() },
        Expectation { channels: Some(2), ..right.clone() },
        Expectation { bits: Some(1), ..right.clone() },
        Expectation { complex: Some(true), ..right.clone() },
    ] {
        let told = recording.check(&wrong).unwrap_err();
        assert!(matches!(told, BasebandError::Contradiction { .. }), "{told}");
    }
}

#[test]
fn unusable_files_are_named() {
    let folder = TempDir::new().unwrap();
    let open = |path: &Path| Recording::open(&[path], &options()).unwrap_err();
    assert!(matches!(open(&folder.path().join("none")), BasebandError::Missing { .. }));
    assert!(matches!(open(&write(&folder, "empty", &[])), BasebandError::Empty { .. }));
    assert!(matches!(open(&write(&folder, "zeros", &[0; 5000])), BasebandError::NotVdif { .. }));
    assert!(matches!(open(folder.path()), BasebandError::Read { .. }));
    let three = RecordingOptions { channels: Some(3), ..options() };
    let path = write(&folder, "a", &damaged(0..50, &[0], &[9], &mut Truth::default()));
    assert!(matches!(Recording::open(&[path], &three), Err(BasebandError::Unusable { .. })));
    assert!(matches!(Recording::open::<&Path>(&[], &options()), Err(BasebandError::NoFiles)));
}

#[test]
fn a_thread_without_its_date_is_put_right() {
    let mut truth = Truth::default();
    let folder = TempDir::new().unwrap();
    let mut bytes = damaged(5..60, &[0, 1, 2], &[9], &mut truth);
    for frame in bytes.chunks_mut(96).filter(|frame| frame[14] == 1) {
        frame[0] -= 90;
    }
    let path = write(&folder, "a", &bytes);
    let mut recording = Recording::open_in_blocks(&[path], &options(), BLOCK).unwrap();
    let mut samples = Samples::default();
    recording.read(500, 6_000, &mut samples).unwrap();
    compare(&truth, &[0, 1, 2], 500, &samples);
}

/// Mark5B frames of a tenth of a second each, from second 40 of day 821 of a thousand on; one of them is fill.
fn mark5b(frames: std::ops::Range<u32>, fill: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in frames {
        let second = 40 + number / 10;
        let digits = format!("821{second:05}").chars().fold(0, |w, c| w << 4 | c.to_digit(10).unwrap());
        for word in [0xabad_deed, number % 10, digits, 0] {
            bytes.extend(word.to_le_bytes());
        }
        let data = (0..2500u32)
            .map(|i| if number == fill { 0x1122_3344 } else { (number * 2500 + i) * 2_654_435_761 });
        bytes.extend(data.flat_map(u32::to_le_bytes));
    }
    bytes
}

/// Four channels of 2 bits: 10 000 samples in a frame.
fn mark5b_options() -> RecordingOptions {
    RecordingOptions {
        near: Some(UtcSecond::new(60_000, 0)),
        sample_rate_hz: Some(100_000),
        channels: Some(4),
        bits: Some(2),
        ..RecordingOptions::default()
    }
}

#[test]
fn mark5b_is_read_by_the_schedules_day() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.m5b");
    let bytes = mark5b(0..25, 7);
    std::fs::write(&path, &bytes).unwrap();
    let mut recording = Recording::open(&[&path], &mark5b_options()).unwrap();
    assert_eq!(recording.layout().reference, UtcSecond::new(59_821, 40));
    let mut samples = Samples::default();
    recording.read(69_000, 12_000, &mut samples).unwrap();
    assert_eq!(samples.validity(0).runs(), [(0, 1000), (11_000, 12_000)], "fill is not valid");
    // Sign and magnitude: the codes 0, 1, 2, 3 are the values -high, 1, -1, high.
    let payload = &bytes[6 * 10_016 + 16..];
    for i in 0..1000 {
        for channel in 0..4 {
            let code = usize::from(payload[9000 + i] >> (2 * channel) & 3);
            let value = [-3.3359, 1.0, -1.0, 3.3359][code];
            assert_eq!(samples.channel(channel)[i], value, "{i} {channel}");
        }
    }
    // As codes, which the correlator takes.
    let mut codes = Codes::default();
    assert!(recording.has_codes());
    recording.read_codes(69_000, 1000, &mut codes).unwrap();
    let mut numbers = vec![0.0; 1000];
    codes.numbers(2, 0, &mut numbers);
    assert_eq!(numbers, samples.channel(2)[..1000]);
    // KVN's order: a byte of each word belongs to one channel.
    let options = RecordingOptions { order: Some(BitOrder::Kvn5b), ..mark5b_options() };
    let mut kvn = Recording::open(&[&path], &options).unwrap();
    kvn.read(69_000, 1000, &mut samples).unwrap();
    for i in 0..1000 {
        for channel in 0..4 {
            let code = usize::from(payload[(9000 + i) / 4 * 4 + channel] >> (2 * (i % 4)) & 3);
            assert_eq!(samples.channel(channel)[i], [-3.3359, 1.0, -1.0, 3.3359][code], "{i} {channel}");
        }
    }
    let told =
        Recording::open(&[&path], &RecordingOptions { channels: None, ..mark5b_options() }).unwrap_err();
    assert!(told.to_string().contains("do not tell"), "{told}");
}

#[test]
fn files_split_anywhere_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let whole = mark5b(0..25, 99);
    let read = |paths: &[PathBuf]| {
        let mut recording = Recording::open(paths, &mark5b_options()).unwrap();
        let mut samples = Samples::default();
        recording.read(0, 250_000, &mut samples).unwrap();
        let read = (samples.validity(0).runs().to_vec(), samples.channel(1).to_vec());
        Recording::asleep(&recording.index()).read(0, 250_000, &mut samples).unwrap();
        assert!(read == (samples.validity(0).runs().to_vec(), samples.channel(1).to_vec()));
        read
    };
    let write = |cuts: &[usize]| {
        let ends = cuts.iter().copied().chain([whole.len()]);
        let mut from = 0;
        let mut paths = Vec::new();
        for (i, end) in ends.enumerate() {
            paths.push(dir.path().join(format!("{i}.m5b")));
            std::fs::write(&paths[i], &whole[from..end]).unwrap();
            from = end;
        }
        paths
    };
    let wanted = read(&write(&[]));
    assert_eq!(wanted.0, [(0, 250_000)]);
    for cuts in
        [&[100_160][..], &[3], &[10_016 * 5 + 9], &[50_000, 50_001, 120_000], &[7, 25_000, 25_100, 200_000]]
    {
        assert!(read(&write(cuts)) == wanted, "{cuts:?}");
    }
    // Control: without the middle part the frames there are not valid.
    let mut paths = write(&[50_000, 120_000]);
    paths.remove(1);
    assert_ne!(read(&paths), wanted);
}

/// A piece that was copied is read as the recording itself is, and no more than the frames that hold it are there.
#[test]
fn pieces_are_copied_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::default();
    let bytes = damaged(0..90, &[0, 3], &[4, 9, 9, 0, 9, 9, 1, 9, 3, 9, 9], &mut truth);
    let path = write(&folder, "whole", &bytes);
    let mut whole = Recording::open_in_blocks(&[&path], &options(), BLOCK).unwrap();
    let (start, n) = (20 * PER_FRAME + 5, 40 * PER_FRAME as usize);
    let mut copied = Vec::new();
    whole.copy_frames((start, n), 7, &mut copied).unwrap();
    assert!(copied.len() <= 41 * 2 * 96 && copied.len() > 60 * 96, "{}", copied.len());
    assert!(copied.chunks_exact(96).all(|frame| bytes.windows(96).any(|w| w == frame)));
    let piece = write(&folder, "piece", &copied);
    let mut piece = Recording::open(&[&piece], &options()).unwrap();
    let (mut a, mut b) = (Samples::default(), Samples::default());
    whole.read(start, n, &mut a).unwrap();
    piece.read(start, n, &mut b).unwrap();
    assert_eq!(a.validities(), b.validities());
    assert!((0..4).all(|channel| a.channel(channel) == b.channel(channel)));
    // Negative control: another place is not the same.
    piece.read(start + PER_FRAME, n, &mut b).unwrap();
    assert!(a.channel(0) != b.channel(0));
}

#[test]
fn mark5b_becomes_vdif() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "mark5b", &mark5b(0..8, 5));
    let mut whole = Recording::open(&[&path], &mark5b_options()).unwrap();
    let (from, to) = whole.span().unwrap();
    let mut copied = Vec::new();
    whole.copy_frames((from, (to - from) as usize), 0x4b59, &mut copied).unwrap();
    let piece = write(&folder, "piece", &copied);
    let layout = whole.layout().clone();
    let options = RecordingOptions {
        reference: Some(layout.reference),
        sample_rate_hz: Some(layout.sample_rate_hz),
        ..RecordingOptions::default()
    };
    let mut piece = Recording::open(&[&piece], &options).unwrap();
    let (mut a, mut b) = (Samples::default(), Samples::default());
    whole.read(from, (to - from) as usize, &mut a).unwrap();
    piece.read(from, (to - from) as usize, &mut b).unwrap();
    assert_eq!(a.validities(), b.validities());
    assert!((0..layout.channels).all(|channel| a.channel(channel) == b.channel(channel)));
}
