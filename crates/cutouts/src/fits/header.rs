//! Looks up keywords in the cards of a header, without copying them.

/// Bytes of a card.
pub const CARD: usize = 80;

/// The cards of one header, up to END.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    cards: &'a [u8],
}

/// The text of a card's value: after `= `, without the comment.
fn value_field(card: &[u8]) -> Option<&str> {
    if card.len() < 10 || &card[8..10] != b"= " {
        return None;
    }
    std::str::from_utf8(card[10..].trim_ascii()).ok()
}

impl<'a> Header<'a> {
    /// A header of these cards, 80 bytes each.
    pub fn new(cards: &'a [u8]) -> Self {
        Self { cards }
    }

    /// The bytes of the cards.
    pub fn bytes(&self) -> &'a [u8] {
        self.cards
    }

    /// The first card with this keyword.
    fn card(&self, keyword: &str) -> Option<&'a [u8]> {
        let mut padded = [b' '; 8];
        padded.get_mut(..keyword.len())?.copy_from_slice(keyword.as_bytes());
        let wanted = u64::from_ne_bytes(padded);
        let starts = |card: &&[u8]| card.first_chunk().is_some_and(|k| u64::from_ne_bytes(*k) == wanted);
        self.cards.chunks_exact(CARD).find(starts)
    }

    /// The number, logical value or string of a keyword as it stands there; `None` where it is not there or undefined.
    fn raw(&self, keyword: &str) -> Option<&'a str> {
        let text = value_field(self.card(keyword)?)?;
        if text.starts_with('\'') {
            return Some(text);
        }
        let text = text.split('/').next()?.trim_ascii();
        (!text.is_empty()).then_some(text)
    }

    /// Whether there is a card with this keyword.
    pub fn has(&self, keyword: &str) -> bool {
        self.card(keyword).is_some()
    }

    /// An integer; a real number with an integer value counts.
    pub fn integer(&self, keyword: &str) -> Option<i64> {
        let text = self.raw(keyword)?;
        if let Ok(value) = text.parse() {
            return Some(value);
        }
        let value = real(text)?;
        (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
    }

    /// A real number; FITS writes exponents with D, too.
    pub fn real(&self, keyword: &str) -> Option<f64> {
        real(self.raw(keyword)?)
    }

    /// A logical value.
    pub fn logical(&self, keyword: &str) -> Option<bool> {
        match self.raw(keyword)?.as_bytes().first()? {
            b'T' => Some(true),
            b'F' => Some(false),
            _ => None,
        }
    }

    /// A string, without its trailing blanks.
    pub fn text(&self, keyword: &str) -> Option<String> {
        let inside = self.raw(keyword)?.strip_prefix('\'')?;
        let mut value = String::new();
        let mut letters = inside.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '\'' && letters.next_if_eq(&'\'').is_none() {
                break;
            }
            value.push(letter);
        }
        value.truncate(value.trim_end().len());
        Some(value)
    }

    /// All keywords with a value, in order: name and value as it stands there.
    pub fn values(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.cards.chunks_exact(CARD).filter_map(|card| {
            let name = std::str::from_utf8(&card[..8]).ok()?.trim_end();
            Some((name, value_field(card)?))
        })
    }
}

fn real(text: &str) -> Option<f64> {
    if let Ok(value) = text.parse::<f64>() {
        // FITS knows no words for numbers.
        return text.bytes().any(|b| b.is_ascii_digit()).then_some(value);
    }
    text.replace(['D', 'd'], "E").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(lines: &[&str]) -> Vec<u8> {
        lines.iter().flat_map(|line| format!("{line:<80}").into_bytes()).collect()
    }

    #[test]
    fn values_of_all_kinds_are_read() {
        let bytes = cards(&[
            "SIMPLE  =                    T / standard",
            "NAXIS1  =                  128",
            "BSCALE  =              1.5D-03 / with a D",
            "NAME    = 'it''s a / name  '   / comment",
            "FREE    = 7/ free format",
            "EMPTY   =                      / undefined",
            "COMMENT = no value",
            "WORD    =                  NaN",
            "NAXIS1  =                  256 / the first counts",
        ]);
        let header = Header::new(&bytes);
        assert_eq!(header.logical("SIMPLE"), Some(true));
        assert_eq!(header.integer("NAXIS1"), Some(128));
        assert_eq!(header.real("BSCALE"), Some(1.5e-3));
        assert_eq!(header.text("NAME").as_deref(), Some("it's a / name"));
        assert_eq!(header.integer("FREE"), Some(7));
        assert_eq!(header.integer("EMPTY"), None);
        assert_eq!(header.real("WORD"), None);
        assert!(header.has("EMPTY") && !header.has("MISSING") && !header.has("LONGER_THAN_8"));
    }
}
