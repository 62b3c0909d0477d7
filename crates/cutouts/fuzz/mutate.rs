//! Changes the cards of a header as a FITS file can be wrong: libFuzzer alone seldom hits a value of a card.

const CARD: usize = 80;

/// Values at the edges of what a reader may meet.
const VALUES: [&str; 30] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "8",
    "16",
    "32",
    "64",
    "-32",
    "-64",
    "999",
    "1000",
    "127",
    "-32768",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1E30",
    "1D-310",
    "T",
    "F",
    "''",
    "'RICE_1'",
    "'1PB(0)'",
    "NaN",
];

/// Keywords that steer a reader.
const KEYWORDS: [&str; 48] = [
    "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "GROUPS", "BSCALE", "BZERO",
    "BLANK", "XTENSION", "EXTNAME", "DATASUM", "CHECKSUM", "TFIELDS", "TFORM1", "TFORM2", "TFORM3", "TTYPE1",
    "TTYPE2", "TNULL1", "TSCAL1", "TZERO1", "ZIMAGE", "ZCMPTYPE", "ZBITPIX", "ZNAXIS", "ZNAXIS1", "ZNAXIS2",
    "ZNAXIS3", "ZTILE1", "ZTILE2", "ZBLANK", "ZSCALE", "ZZERO", "ZQUANTIZ", "ZDITHER0", "ZNAME1", "ZVAL1",
    "ZVAL2", "THEAP", "CTYPE1", "CRVAL1", "CRPIX1", "CD1_1", "PV2_1", "A_ORDER",
];

const STRINGS: [&str; 16] = [
    "'RICE_1'",
    "'GZIP_1'",
    "'GZIP_2'",
    "'HCOMPRESS_1'",
    "'PLIO_1'",
    "'NOCOMPRESS'",
    "'1PB(9)'",
    "'1QB(9)'",
    "'1PI(9)'",
    "'1PJ(9)'",
    "'COMPRESSED_DATA'",
    "'SUBTRACTIVE_DITHER_2'",
    "'IMAGE'",
    "'BINTABLE'",
    "'RA---TAN-SIP'",
    "'DEC--ZPN'",
];

/// The next of a row of numbers that look random (xorshift).
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

/// Writes other values or keywords into one to three cards; returns the new length.
pub fn cards(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let cards: Vec<usize> = (0..size / CARD).filter(|c| data[c * CARD + 8..].starts_with(b"= ")).collect();
    if cards.is_empty() {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..1 + next(&mut state) % 3 {
        let card = cards[next(&mut state) % cards.len()] * CARD;
        let other = cards[next(&mut state) % cards.len()] * CARD;
        let (value, digits) = (next(&mut state), next(&mut state) % 300);
        let text = match value % 8 {
            0..3 => VALUES[value / 8 % VALUES.len()].to_owned(),
            3 => STRINGS[value / 8 % STRINGS.len()].to_owned(),
            4..7 => digits.to_string(),
            _ => format!("-{digits}"),
        };
        match next(&mut state) % 10 {
            0 => data.copy_within(other..other + CARD, card),
            1 => write(&mut data[card..card + 10], &format!("{:<8}= ", KEYWORDS[value / 8 % KEYWORDS.len()])),
            2 => {
                write(&mut data[card..card + 10], &format!("{:<8}= ", KEYWORDS[value / 8 % KEYWORDS.len()]));
                write(&mut data[card + 10..card + CARD], &format!("{text:<70}"));
            }
            _ if text.starts_with('\'') => write(&mut data[card + 10..card + CARD], &format!("{text:<70}")),
            _ => write(&mut data[card + 10..card + CARD], &format!("{text:>20}{:50}", "")),
        }
    }
    size
}

fn write(to: &mut [u8], text: &str) {
    to.copy_from_slice(text.as_bytes());
}
