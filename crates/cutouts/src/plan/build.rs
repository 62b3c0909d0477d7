//! Makes the plan from a catalogue or from what folders hold.

use super::scan::Found;
use super::{Files, Galaxy, Plan, Shard, Split, Unused};
use crate::catalog::{CatalogError, Catalogue, Column};
use crate::config::{Settings, Source, SplitRule};
use crate::kernel::healpix;
use mirinae_common::provenance::{self, InputFile};
use std::collections::{BTreeMap, HashSet};

/// A number from 0 to 1 that depends on the key alone.
fn uniform(seed: u64, key: &[u8]) -> f64 {
    let hash = provenance::hash(&[&seed.to_le_bytes(), key].concat());
    let bits = u64::from_le_bytes(hash[..8].try_into().unwrap_or_default());
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// All objects of a cell of the sky get the same; without positions, those of the same name.
pub(super) fn split(rule: &SplitRule, id: &str, ra_deg: f64, dec_deg: f64) -> Split {
    let u = if ra_deg.is_nan() {
        uniform(rule.seed, id.as_bytes())
    } else {
        uniform(rule.seed, &healpix::cell(rule.nside, ra_deg, dec_deg).to_le_bytes())
    };
    let [train, validation, _] = rule.fractions;
    if u < train {
        Split::Train
    } else if u < train + validation {
        Split::Validation
    } else {
        Split::Test
    }
}

fn duplicate(id: &str, file: String, detail: String) -> Unused {
    Unused { id: id.to_owned(), band: String::new(), file, reason: "duplicate".to_owned(), detail }
}

/// Plans the rows of a catalogue. A row whose name has been seen before is not used.
///
/// # Errors
/// A missing column, or a row without a name or with a position that cannot be.
pub fn from_catalogue(
    settings: Settings,
    catalogue: &Catalogue,
    inputs: Vec<InputFile>,
) -> Result<Plan, CatalogError> {
    let Source::Catalogue { columns, labels, .. } = &settings.source else {
        return Err(form(catalogue, "the configuration names no catalogue".to_owned()));
    };
    let [ids, ra, dec] = [&columns[0], &columns[1], &columns[2]].map(|name| catalogue.column(name));
    let (ids, ra, dec) = (ids?, ra?, dec?);
    let parts = template(&settings.path, catalogue)?;
    let (mut galaxies, mut rows, mut unused) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for row in 0..catalogue.rows() {
        let id = ids.text(row);
        let place = |problem: String| form(catalogue, format!("row {}: {problem}", row + 1));
        if id.is_empty() {
            return Err(place("it has no name".to_owned()));
        }
        let number = |column: &Column| column.real(row).unwrap_or(f64::NAN);
        let (ra_deg, dec_deg) = (number(ra), number(dec));
        if !(ra_deg.is_finite() && (-90.0..=90.0).contains(&dec_deg)) {
            return Err(place(format!("{id}: {} {} is no position in degrees", ra.text(row), dec.text(row))));
        }
        let path: String = parts.iter().map(|part| part.text(row)).collect();
        if !seen.insert(id.clone()) {
            unused.push(duplicate(&id, path, format!("row {}: the name has been there before", row + 1)));
            continue;
        }
        let split = split(&settings.split, &id, ra_deg, dec_deg);
        galaxies.push(Galaxy { id, ra_deg, dec_deg, split, files: Files::Template(path) });
        rows.push(row);
    }
    let mut order: Vec<usize> = (0..galaxies.len()).collect();
    order.sort_by_key(|g| galaxies[*g].split);
    let galaxies: Vec<Galaxy> = order.iter().map(|g| galaxies[*g].clone()).collect();
    let rows: Vec<usize> = order.iter().map(|g| rows[*g]).collect();
    let labels = labels.iter().map(|name| Ok((name.clone(), catalogue.column(name)?.select(&rows))));
    let labels = labels.collect::<Result<_, _>>()?;
    Ok(assemble(settings, galaxies, labels, unused, inputs))
}

/// Plans what folders hold. A second file of the same object and band is not used.
pub fn from_listing(settings: Settings, mut found: Vec<Found>, inputs: Vec<InputFile>) -> Plan {
    found.sort();
    let mut objects: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    let mut unused = Vec::new();
    for Found { id, band, path } in found {
        let bands = settings.bands.len();
        let place = &mut objects.entry(id.clone()).or_insert_with(|| vec![None; bands])[band];
        match place {
            Some(first) => unused.push(Unused {
                band: settings.bands[band].clone(),
                ..duplicate(&id, path, format!("{first} is the same object and band"))
            }),
            None => *place = Some(path),
        }
    }
    let galaxy = |(id, paths): (String, Vec<Option<String>>)| Galaxy {
        split: split(&settings.split, &id, f64::NAN, f64::NAN),
        id,
        ra_deg: f64::NAN,
        dec_deg: f64::NAN,
        files: Files::Listed(paths),
    };
    let mut galaxies: Vec<Galaxy> = objects.into_iter().map(galaxy).collect();
    galaxies.sort_by_key(|g| g.split);
    assemble(settings, galaxies, Vec::new(), unused, inputs)
}

fn form(catalogue: &Catalogue, problem: String) -> CatalogError {
    CatalogError::Form { path: catalogue.path().to_path_buf(), problem }
}

/// A piece of a path.
enum Piece<'a> {
    Letters(&'a str),
    Column(&'a Column),
}

impl Piece<'_> {
    fn text(&self, row: usize) -> String {
        match self {
            Self::Letters(text) => (*text).to_owned(),
            Self::Column(column) => column.text(row),
        }
    }
}

/// Cuts a template into letters and columns; `{band}` stays.
fn template<'a>(path: &'a str, catalogue: &'a Catalogue) -> Result<Vec<Piece<'a>>, CatalogError> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((before, from)) = rest.split_once('{') {
        let (name, after) = from.split_once('}').unwrap_or((from, ""));
        pieces.push(Piece::Letters(before));
        pieces.push(if name == "band" {
            Piece::Letters("{band}")
        } else {
            Piece::Column(catalogue.column(name)?)
        });
        rest = after;
    }
    pieces.push(Piece::Letters(rest));
    Ok(pieces)
}

fn assemble(
    settings: Settings,
    galaxies: Vec<Galaxy>,
    labels: Vec<(String, Column)>,
    unused: Vec<Unused>,
    inputs: Vec<InputFile>,
) -> Plan {
    let mut shards = Vec::new();
    let mut start = 0;
    for split in Split::ALL {
        let end = start + galaxies[start..].iter().take_while(|g| g.split == split).count();
        for (number, first) in (start..end).step_by(settings.output.galaxies).enumerate() {
            let last = end.min(first + settings.output.galaxies);
            shards.push(Shard { name: format!("{}-{number:05}", split.name()), galaxies: first..last });
        }
        start = end;
    }
    // The galaxies with the smallest numbers: a choice that does not depend on the order of the catalogue.
    let key = |g: &usize| provenance::hash(&[b"sheet", galaxies[*g].id.as_bytes()].concat());
    let mut sheet: Vec<usize> = (0..galaxies.len()).collect();
    sheet.sort_by_cached_key(key);
    sheet.truncate(settings.output.sheet);
    sheet.sort_unstable();
    Plan { settings, galaxies, labels, shards, unused, sheet, inputs }
}
