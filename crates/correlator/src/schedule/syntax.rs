//! Reads the grammar of VEX: blocks, definitions, statements, fields, each with its place in the text.
//!
//! A file is blocks (`$FREQ;`) of definitions (`def NAME; ... enddef;`, in `$SCHED` `scan NAME; ... endscan;`) of
//! statements (`key = field : field;` and `ref $BLOCK = name : station;`). `*` begins a comment that ends with the line.
//! VEX 1.5 and 2.0 differ in the statements, not in this.

use super::error::Problem;
use std::ops::Range;
use winnow::Parser;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::take_till;

/// One field of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its text without surrounding blanks and, if it was quoted, without quotation marks.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// `key = field : field;` or `ref $TARGET = field : field;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What is set; of a reference the block that it points to, without the dollar sign.
    pub key: String,
    /// Whether it is a reference.
    pub is_ref: bool,
    /// What it is set to.
    pub fields: Vec<Field>,
    /// Where it stands.
    pub span: Range<usize>,
}

/// `def NAME; ... enddef;` or `scan NAME; ... endscan;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: Field,
    /// What it holds.
    pub statements: Vec<Statement>,
}

/// `$NAME;` and all up to the next block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its name without the dollar sign.
    pub name: String,
    /// Where it begins.
    pub span: Range<usize>,
    /// Statements outside of definitions.
    pub statements: Vec<Statement>,
    /// Definitions in the order of the file.
    pub definitions: Vec<Definition>,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// `VEX_rev`, such as 1.5.
    pub revision: String,
    /// Blocks in the order of the file; a name may come more than once.
    pub blocks: Vec<Block>,
}

type Input<'a> = LocatingSlice<&'a str>;

impl<'a> winnow::error::ParserError<Input<'a>> for Problem {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        let at = input.current_token_start();
        Self::new(at..at, "this cannot be understood")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// What a file is made of.
enum Item {
    Block(String, Range<usize>),
    Begin(Field, Closing),
    End(Closing, Range<usize>),
    Statement(Statement),
}

/// How a definition ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    Def,
    Scan,
}

impl Closing {
    fn word(self) -> &'static str {
        match self {
            Self::Def => "enddef",
            Self::Scan => "endscan",
        }
    }
}

/// Reads a VEX text.
///
/// # Errors
/// The first place that breaks the grammar.
pub fn parse(text: &str) -> Result<Document, Problem> {
    let mut input = LocatingSlice::new(text);
    let mut document = Document { revision: revision(&mut input)?, blocks: Vec::new() };
    let mut open: Option<(Definition, Closing)> = None;
    while let Some(item) = item(&mut input)? {
        match item {
            Item::Block(name, span) => {
                refuse_open(open.as_ref(), &span, "a new block begins")?;
                document.blocks.push(Block { name, span, statements: Vec::new(), definitions: Vec::new() });
            }
            Item::Begin(name, closing) => {
                refuse_open(open.as_ref(), &name.span, "another one begins")?;
                if document.blocks.is_empty() {
                    return Err(Problem::new(name.span, "a definition outside of any $BLOCK"));
                }
                open = Some((Definition { name, statements: Vec::new() }, closing));
            }
            Item::End(closing, span) => match (open.take(), document.blocks.last_mut()) {
                (Some((definition, opened)), Some(block)) if opened == closing => {
                    block.definitions.push(definition)
                }
                _ => return Err(Problem::new(span, format!("{} without its beginning", closing.word()))),
            },
            Item::Statement(statement) => match (&mut open, document.blocks.last_mut()) {
                (Some((definition, _)), _) => definition.statements.push(statement),
                (None, Some(block)) => block.statements.push(statement),
                (None, None) => {
                    return Err(Problem::new(statement.span, "a statement outside of any $BLOCK"));
                }
            },
        }
    }
    refuse_open(open.as_ref(), &(text.len()..text.len()), "the file ends")?;
    Ok(document)
}

fn refuse_open(open: Option<&(Definition, Closing)>, at: &Range<usize>, event: &str) -> Result<(), Problem> {
    let Some((definition, closing)) = open else { return Ok(()) };
    let what = format!("{event}, but \"{}\" has no {} before it", definition.name.text, closing.word());
    Err(Problem::new(at.clone(), what))
}

/// `VEX_rev = 1.5;`, which begins every file.
fn revision(input: &mut Input) -> Result<String, Problem> {
    let wrong = |span: Range<usize>| {
        Problem::new(span, "a VEX file begins with \"VEX_rev = 1.5;\" or \"VEX_rev = 2.0;\"")
    };
    blanks(input);
    let at = input.current_token_start();
    match item(input) {
        Ok(Some(Item::Statement(s))) if s.key.eq_ignore_ascii_case("VEX_rev") && s.fields.len() == 1 => {
            let number = s.fields[0].text.clone();
            let known = number.parse::<f64>().is_ok_and(|n| (1.5..3.0).contains(&n));
            if known { Ok(number) } else { Err(wrong(s.fields[0].span.clone())) }
        }
        _ => Err(wrong(at..at + 1)),
    }
}

/// All up to the first character that `stops`.
fn till<'a>(input: &mut Input<'a>, stops: impl Fn(char) -> bool) -> &'a str {
    let taken: Result<&str, Problem> = take_till(0.., stops).parse_next(input);
    taken.unwrap_or_default()
}

/// Whether a text begins as a VEX file does.
pub fn is_vex(text: &str) -> bool {
    let mut input = LocatingSlice::new(text);
    blanks(&mut input);
    input.as_bytes().get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"VEX_rev"))
}

/// White space and comments.
fn blanks(input: &mut Input) {
    loop {
        // Some old files end with bytes of padding.
        till(input, |c| !(c.is_whitespace() || matches!(c, '\0' | '\u{1a}')));
        if !input.starts_with('*') {
            return;
        }
        till(input, |c| c == '\n');
    }
}

/// The next thing in the file; none at its end.
fn item(input: &mut Input) -> Result<Option<Item>, Problem> {
    blanks(input);
    if input.is_empty() {
        return Ok(None);
    }
    let start = input.current_token_start();
    if input.starts_with('$') {
        let name = block_name(input)?;
        let span = start..input.previous_token_end();
        end(input, span.end)?;
        return Ok(Some(Item::Block(name, span)));
    }
    let key = word(input)?;
    let span = start..input.previous_token_end();
    blanks(input);
    let found = match key.as_str() {
        "def" | "scan" => {
            let name = name(input)?;
            end(input, name.span.end)?;
            Item::Begin(name, if key == "def" { Closing::Def } else { Closing::Scan })
        }
        "enddef" | "endscan" => {
            end(input, span.end)?;
            Item::End(if key == "enddef" { Closing::Def } else { Closing::Scan }, span)
        }
        "ref" => {
            let target = block_name(input)?;
            Item::Statement(Statement { key: target, is_ref: true, fields: values(input, span.end)?, span })
        }
        "start_literal" => literal(input, start)?,
        _ => Item::Statement(Statement { key, is_ref: false, fields: values(input, span.end)?, span }),
    };
    Ok(Some(found))
}

/// `start_literal(mark); ... end_literal(mark);`: text for others, kept as one field.
fn literal(input: &mut Input, start: usize) -> Result<Item, Problem> {
    const CLOSE: &str = "end_literal";
    let body = input.current_token_start();
    let Some(length) = input.find(CLOSE) else {
        return Err(Problem::new(start..body, "start_literal without end_literal"));
    };
    input.next_slice(length);
    let text = String::new();
    let fields = vec![Field { text, span: body..body + length }];
    till(input, |c| c == ';');
    end(input, body)?;
    let key = "literal".to_owned();
    Ok(Item::Statement(Statement { key, is_ref: false, fields, span: start..body }))
}

fn block_name(input: &mut Input) -> Result<String, Problem> {
    let at = input.current_token_start();
    if !input.starts_with('$') {
        return Err(Problem::new(at..at + 1, "the name of a block is due here, such as $FREQ"));
    }
    input.next_token();
    Ok(word(input)?.to_ascii_uppercase())
}

/// A word of letters that have no other meaning.
fn word(input: &mut Input) -> Result<String, Problem> {
    let at = input.current_token_start();
    let special = |c: char| c.is_whitespace() || matches!(c, ';' | ':' | '=' | '*' | '$' | '"' | '&' | '(');
    let word = till(input, special);
    if word.is_empty() {
        return Err(Problem::new(
            at..at + 1,
            "a word is due here, such as def, ref or the name of a parameter",
        ));
    }
    Ok(word.to_owned())
}

/// The name of a definition.
fn name(input: &mut Input) -> Result<Field, Problem> {
    let field = field(input)?;
    if field.text.is_empty() { Err(Problem::new(field.span, "a name is due here")) } else { Ok(field) }
}

/// `= field : field;`, or `;` alone; `after` is where what stands before it ends.
fn values(input: &mut Input, mut after: usize) -> Result<Vec<Field>, Problem> {
    blanks(input);
    let mut fields: Vec<Field> = Vec::new();
    let mut mark = '=';
    while input.starts_with(mark) {
        input.next_token();
        let field = field(input)?;
        after = field.span.end;
        fields.push(field);
        mark = ':';
    }
    end(input, after)?;
    Ok(fields)
}

/// The semicolon after a statement, whose text ends at `after`.
fn end(input: &mut Input, after: usize) -> Result<(), Problem> {
    blanks(input);
    if input.starts_with(';') {
        input.next_token();
        return Ok(());
    }
    Err(Problem::new(after.saturating_sub(1)..after, "a ';' is missing after this"))
}

/// One field: quoted, or all up to the next `:`, `;`, comment or end of the line.
fn field(input: &mut Input) -> Result<Field, Problem> {
    blanks(input);
    let start = input.current_token_start();
    let text = if input.starts_with('"') { quoted(input)? } else { bare(input) };
    let span = start..start + text.1;
    blanks(input);
    Ok(Field { text: text.0, span })
}

fn bare(input: &mut Input) -> (String, usize) {
    let text = till(input, |c| matches!(c, ':' | ';' | '*' | '=' | '\n')).trim_end();
    (text.to_owned(), text.len())
}

/// `"text"`, in which a backslash takes the meaning from a quotation mark.
fn quoted(input: &mut Input) -> Result<(String, usize), Problem> {
    let start = input.current_token_start();
    input.next_token();
    let mut text = String::new();
    loop {
        text.push_str(till(input, |c| matches!(c, '"' | '\\' | '\n')));
        match input.next_token() {
            Some('"') => return Ok((text, input.previous_token_end() - start)),
            Some('\\') => text.extend(input.next_token()),
            _ => {
                return Err(Problem::new(
                    start..start + 1,
                    "the quotation that begins here has no end in its line",
                ));
            }
        }
    }
}
