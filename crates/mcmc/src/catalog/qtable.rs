//! Reads partition function tables: two columns, CDMS's list of all entries, JPL's directory.

use super::error::CatalogError;
use super::text::read_text;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Temperatures of JPL's `catdir.cat` (K), in its order of columns.
const JPL_T_K: [f64; 7] = [300.0, 225.0, 150.0, 75.0, 37.5, 18.75, 9.375];

/// The kinds of partition function files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QFormat {
    /// Two columns, T (K) and Q, for one entry; `#` starts a comment.
    Columns,
    /// CDMS's list: a line an entry, columns parted by `|`, headed `lg(Q(300))` and so on.
    Cdms,
    /// JPL's `catdir.cat`: a line an entry, fixed columns, log10 Q at 300 ... 9.375 K.
    Jpl,
}

/// A table of Q at some temperatures, of one catalogue entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QTable {
    t_k: Vec<f64>,
    q: Vec<f64>,
    tag: Option<u32>,
    source: String,
}

impl QTable {
    /// A table from temperatures (K) and values in any order; says what is wrong with them.
    pub fn new(t_k: Vec<f64>, q: Vec<f64>, tag: Option<u32>, source: &str) -> Result<Self, String> {
        let mut nodes: Vec<(f64, f64)> = t_k.into_iter().zip(q).collect();
        nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((t, q)) = nodes.iter().find(|(t, q)| !(*t > 0.0 && *q > 0.0 && (t * q).is_finite())) {
            return Err(format!("T = {t} K with Q = {q}: both must be positive"));
        }
        if let Some(pair) = nodes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("T = {} K is listed twice", pair[0].0));
        }
        if nodes.len() < 2 {
            return Err(format!("{} temperatures: at least two are needed", nodes.len()));
        }
        let (t_k, q) = nodes.into_iter().unzip();
        Ok(Self { t_k, q, tag, source: source.to_owned() })
    }

    /// Temperatures (K), ascending.
    pub fn t_k(&self) -> &[f64] {
        &self.t_k
    }

    /// Q at each temperature.
    pub fn q(&self) -> &[f64] {
        &self.q
    }

    /// Tag of the entry, where it is known.
    pub fn tag(&self) -> Option<u32> {
        self.tag
    }

    /// Where it is from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Reads the table of entry `tag` from a file of any of the formats, told from its content.
    /// A file of two columns holds one entry: `tag` is then only the fallback for its own.
    pub fn read(path: &Path, tag: Option<u32>) -> Result<Self, CatalogError> {
        let text = read_text(path)?;
        let (format, wanted) = (detect(&text), || {
            tag.ok_or_else(|| CatalogError::File {
                path: path.to_path_buf(),
                problem: "lists many entries: say which species tag is meant".into(),
            })
        });
        match format {
            QFormat::Columns => parse_columns(&text, path),
            QFormat::Cdms => parse_cdms(&text, path, wanted()?),
            QFormat::Jpl => parse_jpl(&text, path, wanted()?),
        }
    }
}

/// Tells the format from the first line with content.
fn detect(text: &str) -> QFormat {
    let first = text.lines().find(|l| !l.trim().is_empty() && !l.starts_with('#')).unwrap_or("");
    let words = first.split_whitespace().count();
    match first {
        _ if first.starts_with('|') => QFormat::Cdms,
        _ if words > 2 && first.len() > 75 => QFormat::Jpl,
        _ => QFormat::Columns,
    }
}

fn row_error(path: &Path, index: usize, problem: String) -> CatalogError {
    CatalogError::Row { path: path.to_path_buf(), line: index + 1, problem }
}

/// Turns what is wrong with a table into an error that names the file.
fn table(nodes: Vec<(f64, f64)>, tag: Option<u32>, path: &Path, what: &str) -> Result<QTable, CatalogError> {
    let (t_k, q) = nodes.into_iter().unzip();
    QTable::new(t_k, q, tag, &format!("{}{what}", path.display()))
        .map_err(|problem| CatalogError::File { path: path.to_path_buf(), problem })
}

/// Parses two columns; a comment `tag N` names the entry.
fn parse_columns(text: &str, path: &Path) -> Result<QTable, CatalogError> {
    let (mut nodes, mut tag) = (Vec::new(), None);
    for (index, line) in text.lines().enumerate() {
        let (content, comment) = line.split_once('#').unwrap_or((line, ""));
        let mut words = comment.split_whitespace();
        if words.any(|word| word == "tag") {
            tag = tag.or(words.next().and_then(|number| number.parse().ok()));
        }
        let numbers: Result<Vec<f64>, _> = content.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok([]) => {}
            Ok([t, q]) => nodes.push((*t, *q)),
            _ => {
                return Err(row_error(
                    path,
                    index,
                    format!("\"{content}\": two numbers, T [K] and Q, expected"),
                ));
            }
        }
    }
    table(nodes, tag, path, "")
}

/// Parses CDMS's list for one entry. Values that the list does not give (`nan`, `---`) are left out.
fn parse_cdms(text: &str, path: &Path, tag: u32) -> Result<QTable, CatalogError> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| line.starts_with('|'));
    let header = lines.next().map(|(_, line)| cells(line)).unwrap_or_default();
    let t_k: Vec<Option<f64>> = header
        .iter()
        .map(|name| name.strip_prefix("lg(Q(").and_then(|rest| rest.strip_suffix("))"))?.parse().ok())
        .collect();
    for (index, line) in lines {
        let row = cells(line);
        if row.first().and_then(|cell| cell.parse().ok()) != Some(tag) {
            continue;
        }
        let mut nodes = Vec::new();
        for (t_k, cell) in t_k.iter().zip(&row) {
            let Some(t_k) = t_k else { continue };
            if cell.eq_ignore_ascii_case("nan") || cell.chars().all(|c| c == '-') {
                continue;
            }
            let lg_q: f64 =
                cell.parse().map_err(|_| row_error(path, index, format!("\"{cell}\" is not log10 Q")))?;
            nodes.push((*t_k, 10f64.powf(lg_q)));
        }
        let name = row.get(1).cloned().unwrap_or_default();
        return table(nodes, Some(tag), path, &format!(", entry {tag} ({name})"));
    }
    Err(CatalogError::File { path: path.to_path_buf(), problem: format!("has no entry {tag}") })
}

/// Parses JPL's directory (`I6, X, A13, I6, 7F7.4, I2`) for one entry.
fn parse_jpl(text: &str, path: &Path, tag: u32) -> Result<QTable, CatalogError> {
    for (index, line) in text.lines().enumerate() {
        let field = |first: usize, last: usize| line.get(first..last).unwrap_or("").trim();
        if field(0, 6).parse() != Ok(tag) {
            continue;
        }
        let mut nodes = Vec::new();
        for (k, t_k) in JPL_T_K.iter().enumerate() {
            let text = field(26 + 7 * k, 33 + 7 * k);
            let lg_q: f64 = text
                .parse()
                .map_err(|_| row_error(path, index, format!("\"{text}\" is not log10 Q at {t_k} K")))?;
            nodes.push((*t_k, 10f64.powf(lg_q)));
        }
        return table(nodes, Some(tag), path, &format!(", entry {tag} ({})", field(7, 20)));
    }
    Err(CatalogError::File { path: path.to_path_buf(), problem: format!("has no entry {tag}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CDMS: &str = "\
| tag | molecule | #lines | lg(Q(1000)) | lg(Q(300)) | lg(Q(150)) |\n\
| 3501 | HD | 20 | nan | 0.7026 | 0.4322 |\n\
| 4501 | H2D+ | 196 | 2.2148 | bad | --- |\n";
    const JPL: &str = " 13002 CH              508 2.0822 1.9608 1.7924 1.5175 1.2752 1.0864 0.9523 2*\n";

    #[test]
    fn reads_two_columns_and_their_tag() {
        let text = "# T[K] Q from cdms tag 60503 (OCS)\n300 1028.7\n150\t514.4 # half\n\n";
        let table = parse_columns(text, Path::new("a.qpart")).unwrap();
        assert_eq!((table.t_k(), table.tag()), (&[150.0, 300.0][..], Some(60503)));
        let error = parse_columns("300 1\n150 x\n", Path::new("a.qpart")).unwrap_err().to_string();
        assert!(error.starts_with("a.qpart, line 2: "), "{error}");
        for bad in ["300 1\n", "300 1\n300 2\n", "300 1\n150 -2\n"] {
            assert!(parse_columns(bad, Path::new("a.qpart")).is_err());
        }
    }

    #[test]
    fn finds_entries_in_the_lists() {
        let path = Path::new("list");
        assert_eq!(
            (detect(CDMS), detect(JPL), detect("2.725\t1.4\n")),
            (QFormat::Cdms, QFormat::Jpl, QFormat::Columns)
        );
        let hd = parse_cdms(CDMS, path, 3501).unwrap();
        assert_eq!(hd.t_k(), [150.0, 300.0]);
        assert!((hd.q()[1] - 10f64.powf(0.7026)).abs() < 1e-12);
        assert!(parse_cdms(CDMS, path, 4501).unwrap_err().to_string().contains("line 3"));
        assert!(parse_cdms(CDMS, path, 9999).unwrap_err().to_string().contains("no entry 9999"));
        let ch = parse_jpl(JPL, path, 13002).unwrap();
        assert_eq!((ch.t_k().len(), ch.tag(), ch.source()), (7, Some(13002), "list, entry 13002 (CH)"));
        assert!((ch.q()[6] - 10f64.powf(2.0822)).abs() < 1e-9);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_parser_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            place in 0usize..90,
            text in "[ -~\\n]{0,9}|\\PC{0,3}",
        ) {
            let damaged = |whole: &str| {
                let mut chars: Vec<char> = whole.chars().collect();
                let at = place.min(chars.len());
                chars.splice(at..(at + 4).min(chars.len()), text.chars());
                chars.into_iter().collect::<String>()
            };
            for text in [String::from_utf8_lossy(&bytes).into_owned(), damaged(CDMS), damaged(JPL)] {
                let path = Path::new("f");
                let _ = detect(&text);
                let _ = parse_columns(&text, path);
                let _ = parse_cdms(&text, path, 3501);
                let _ = parse_jpl(&text, path, 13002);
            }
        }
    }
}
