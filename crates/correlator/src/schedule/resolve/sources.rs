//! Sources: `$SOURCE`.

use super::{Resolver, all, first, own};
use crate::schedule::error::Problem;
use crate::schedule::model::Source;
use crate::schedule::syntax::Definition;
use crate::schedule::value;

/// Parameters that say where a source is that moves.
const EPHEMERIS: [&str; 6] = ["bsp_file_name", "bsp_object_id", "tle0", "tle1", "tle2", "ephem_file_name"];

impl<'a> Resolver<'a> {
    pub(super) fn sources(&mut self) -> Result<Vec<Source>, Problem> {
        let definitions: Vec<_> = self.definitions("SOURCE").collect();
        definitions.into_iter().map(|definition| self.source(definition)).collect()
    }

    fn source(&mut self, definition: &'a Definition) -> Result<Source, Problem> {
        let statements = own(definition);
        let name = definition.name.text.clone();
        let ra =
            first(&statements, "ra").map(|s| value::right_ascension(value::nth(s, 0, "a right ascension")?));
        let dec = first(&statements, "dec").map(|s| value::declination(value::nth(s, 0, "a declination")?));
        let direction_rad = match (ra.transpose()?, dec.transpose()?) {
            (Some(ra), Some(dec)) => Some([ra, dec]),
            _ => None,
        };
        if let Some(frame) = first(&statements, "ref_coord_frame")
            && let Some(field) = frame.fields.first()
            && !["J2000", "ICRF", "ICRF2", "ICRF3", "ICRS"].iter().any(|f| field.text.eq_ignore_ascii_case(f))
        {
            let what = format!("source {name} is given in {}, not in J2000", field.text);
            return Err(Problem::new(field.span.clone(), what).help("give its J2000 (ICRF) coordinates"));
        }
        let mut ephemeris = Vec::new();
        for key in EPHEMERIS {
            let texts = all(&statements, key).flat_map(|s| &s.fields).map(|f| format!("{key} {}", f.text));
            ephemeris.extend(texts);
        }
        if direction_rad.is_none() {
            let what = format!("source {name} has no fixed direction; it needs a near-field ephemeris");
            self.note(definition.name.span.start, what);
        }
        Ok(Source { name, direction_rad, ephemeris })
    }
}
