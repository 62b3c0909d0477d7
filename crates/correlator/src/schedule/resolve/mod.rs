//! Follows the references of a VEX document and makes a [`Schedule`] of it.

mod earth;
mod modes;
mod scans;
mod sources;
mod stations;
mod streams;

use super::error::{Problem, line_and_column};
use super::model::{Note, Schedule};
use super::syntax::{Block, Definition, Document, Statement};
use super::value;
use std::collections::{BTreeSet, VecDeque};

/// Blocks whose definitions are needed: a reference to one that is not there is an error. Clocks and Earth orientation
/// are often added later.
const NEEDED: [&str; 9] =
    ["FREQ", "IF", "BBC", "TRACKS", "BITSTREAMS", "DATASTREAMS", "SITE", "ANTENNA", "DAS"];

/// The document and what is noted about it.
pub(super) struct Resolver<'a> {
    document: &'a Document,
    text: &'a str,
    notes: Vec<Note>,
}

/// Makes a schedule of a document; `text` is for line numbers.
pub fn schedule(document: &Document, text: &str) -> Result<Schedule, Problem> {
    let mut resolver = Resolver { document, text, notes: Vec::new() };
    resolver.check_references()?;
    let (experiment, description, start, stop) = resolver.experiment()?;
    let stations = resolver.stations()?;
    let sources = resolver.sources()?;
    let modes = resolver.modes(&stations)?;
    let scans = resolver.scans(&stations, &modes, &sources)?;
    let eop = resolver.eop()?;
    let (notes, revision) = (resolver.notes, document.revision.clone());
    Ok(Schedule {
        revision,
        experiment,
        description,
        start,
        stop,
        stations,
        sources,
        modes,
        scans,
        eop,
        notes,
    })
}

impl<'a> Resolver<'a> {
    /// Notes something about a statement.
    fn note(&mut self, offset: usize, what: String) {
        let note = Note { line: line_and_column(self.text, offset).0, what };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn blocks(&self, name: &str) -> impl Iterator<Item = &'a Block> + use<'a> {
        let name = name.to_owned();
        self.document.blocks.iter().filter(move |b| b.name == name)
    }

    /// All definitions of a block, in the order of the file.
    fn definitions(&self, block: &str) -> impl Iterator<Item = &'a Definition> + use<'a> {
        self.blocks(block).flat_map(|b| &b.definitions)
    }

    fn definition(&self, block: &str, name: &str) -> Option<&'a Definition> {
        self.definitions(block).find(|d| d.name.text == name)
    }

    /// The definition that a reference names.
    fn target(&self, reference: &Statement) -> Result<&'a Definition, Problem> {
        let name = value::nth(reference, 0, "the name of a definition")?;
        self.definition(&reference.key, &name.text).ok_or_else(|| {
            let what = format!("${} has no definition \"{}\"", reference.key, name.text);
            let there: Vec<&str> = self.definitions(&reference.key).map(|d| d.name.text.as_str()).collect();
            let help = match there.as_slice() {
                [] => format!("there is no ${} block with definitions", reference.key),
                some => format!("there are: {}", shortened(some)),
            };
            Problem::new(name.span.clone(), what).help(help)
        })
    }

    /// Every reference must lead somewhere, or to a block that is not used.
    fn check_references(&mut self) -> Result<(), Problem> {
        for block in &self.document.blocks {
            let own = block.statements.iter();
            for statement in own.chain(block.definitions.iter().flat_map(|d| &d.statements)) {
                if !statement.is_ref {
                    continue;
                }
                if let Err(problem) = self.target(statement) {
                    if NEEDED.contains(&statement.key.as_str()) {
                        return Err(problem);
                    }
                    self.note(statement.span.start, format!("{}; passed over", problem.what));
                }
            }
        }
        Ok(())
    }

    /// Statements of the definitions of `block` that a list of statements refers to for a station, and of those that
    /// these refer to; in the order of the file.
    fn follow(
        &self,
        from: &'a [Statement],
        block: &str,
        station: &str,
    ) -> Result<Vec<&'a Statement>, Problem> {
        let applies = |s: &Statement| {
            s.fields.len() < 2 || s.fields[1..].iter().any(|f| f.text.eq_ignore_ascii_case(station))
        };
        let mut found = Vec::new();
        // A definition that refers to itself, or is referred to twice, counts once.
        let mut seen = BTreeSet::new();
        let mut pending = VecDeque::from([from]);
        while let Some(statements) = pending.pop_front() {
            for reference in statements.iter().filter(|s| s.is_ref && s.key == block && applies(s)) {
                let definition = match self.target(reference) {
                    Ok(definition) => definition,
                    Err(problem) if NEEDED.contains(&block) => return Err(problem),
                    Err(_) => continue,
                };
                if seen.insert(definition.name.span.start) {
                    found.extend(definition.statements.iter().filter(|s| !s.is_ref));
                    pending.push_back(&definition.statements);
                }
            }
        }
        Ok(found)
    }

    /// What `$GLOBAL` says.
    fn global(&self) -> &'a [Statement] {
        self.blocks("GLOBAL").next().map_or(&[], |b| &b.statements)
    }
}

/// The statements with a key.
fn all<'a, 'b>(
    statements: &'b [&'a Statement],
    key: &'b str,
) -> impl Iterator<Item = &'a Statement> + use<'a, 'b> {
    statements.iter().copied().filter(move |s| s.key.eq_ignore_ascii_case(key))
}

/// The first statement with a key.
fn first<'a>(statements: &[&'a Statement], key: &str) -> Option<&'a Statement> {
    statements.iter().copied().find(|s| s.key.eq_ignore_ascii_case(key))
}

/// Statements of a definition itself.
fn own(definition: &Definition) -> Vec<&Statement> {
    definition.statements.iter().filter(|s| !s.is_ref).collect()
}

/// The first names of a list.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}
