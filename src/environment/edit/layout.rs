//! Where each part of a file stands, and in which style: what values alone do not tell.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle};

use crate::environment::source::{Diagnostic, Source, Span};

/// A value as it is written.
#[derive(Debug)]
pub struct Place {
    /// From its first character to its last, without comments around it; of a block scalar, with its header.
    pub range: Range<usize>,
    pub shape: Shape,
    /// What makes others hang on it, or it on others.
    pub mark: Option<&'static str>,
}

#[derive(Debug, PartialEq)]
pub enum Shape {
    Scalar(ScalarStyle),
    /// No character at all stands for it: `key:`.
    Nothing,
    Alias,
    Map {
        flow: bool,
        members: Vec<Member>,
    },
    List {
        flow: bool,
        members: Vec<Member>,
    },
}

/// An entry of a mapping or an item of a list.
#[derive(Debug)]
pub struct Member {
    /// The key, or the index.
    pub key: String,
    /// Where it begins: the key, the dash, or the value itself in a flow list.
    pub start: usize,
    /// Where the colon or the dash ends, if there is one.
    pub after: Option<usize>,
    pub place: Place,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start
    }
}

impl Place {
    pub fn members(&self) -> &[Member] {
        match &self.shape {
            Shape::Map { members, .. } | Shape::List { members, .. } => members,
            _ => &[],
        }
    }

    pub fn is_flow(&self) -> bool {
        matches!(self.shape, Shape::Map { flow: true, .. } | Shape::List { flow: true, .. })
    }

    /// A mark on it or on anything in it.
    pub fn any_mark(&self) -> Option<&'static str> {
        self.mark.or_else(|| self.members().iter().find_map(|member| member.place.any_mark()))
    }
}

/// Reads the layout of a file that [`yaml::parse`](crate::environment::yaml::parse) takes: its bounds hold here too.
///
/// # Errors
/// Text that is no YAML.
pub fn of(source: &Arc<Source>) -> Result<Place, Diagnostic> {
    let options = granit_parser::options! { emit_comments: false };
    let mut walk = Walk { parser: Parser::new_from_str_with_options(&source.text, options), source };
    loop {
        match walk.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => {
                let end = source.text.len();
                return Ok(Place { range: end..end, shape: Shape::Nothing, mark: None });
            }
            (event, range) => return walk.place(event, range.clone(), range.start),
        }
    }
}

/// Skips white space, line breaks and comments.
pub fn skip(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        match text.get(at..) {
            Some(rest) if rest.starts_with('#') => at += rest.find('\n').unwrap_or(rest.len()),
            _ => return at,
        }
    }
}

struct Walk<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: &'a Arc<Source>,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Diagnostic> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.byte_range().unwrap_or(0..0))),
            Some(Err(error)) => Err(self.fault(&format!("this is not YAML: {}", error.info()))),
            None => Err(self.fault("the file ends inside a value")),
        }
    }

    fn fault(&self, message: &str) -> Diagnostic {
        Diagnostic::new(message, &Span::file(self.source))
    }

    fn is_at(&self, at: usize, wanted: char) -> bool {
        self.source.text.get(at..).is_some_and(|rest| rest.starts_with(wanted))
    }

    /// `before` is where the colon, the dash or what else comes before the value ends.
    fn place(&mut self, event: Event<'a>, range: Range<usize>, before: usize) -> Result<Place, Diagnostic> {
        let mark = |anchor: usize, tagged: bool| match (anchor, tagged) {
            (0, false) => None,
            (0, true) => Some("a tag"),
            _ => Some("an anchor"),
        };
        Ok(match event {
            Event::Scalar(_, ScalarStyle::Plain, anchor, tag) if range.is_empty() => {
                Place { range: before..before, shape: Shape::Nothing, mark: mark(anchor, tag.is_some()) }
            }
            Event::Scalar(_, style, anchor, tag) => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let range = if is_block { self.block_scalar(before, range) } else { range };
                Place { range, shape: Shape::Scalar(style), mark: mark(anchor, tag.is_some()) }
            }
            Event::Alias(_) => Place { range, shape: Shape::Alias, mark: Some("an alias") },
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let (members, end) = self.map()?;
                let end = if flow && !range.is_empty() { end.end } else { last_end(&members, range.start) };
                Place { range: range.start..end, shape: Shape::Map { flow, members }, mark: mark(anchor, tag.is_some()) }
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                // Of a list whose dashes stand below its key, the parser's range starts behind the first dash.
                let dash = Some(skip(&self.source.text, before)).filter(|at| !flow && self.is_at(*at, '-'));
                let start = dash.unwrap_or(range.start);
                let (members, end) = self.list(start, flow)?;
                let end = if flow { end.end } else { last_end(&members, start) };
                Place { range: start..end, shape: Shape::List { flow, members }, mark: mark(anchor, tag.is_some()) }
            }
            _ => return Err(self.fault("a value is missing")),
        })
    }

    fn map(&mut self) -> Result<(Vec<Member>, Range<usize>), Diagnostic> {
        let mut members = vec![];
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, end) => return Ok((members, end)),
                (Event::Scalar(key, ..), range) => (key.into_owned(), range),
                _ => return Err(self.fault("a key must be plain text")),
            };
            let colon = skip(&self.source.text, at.end);
            let after = self.is_at(colon, ':').then_some(colon + 1);
            let (event, range) = self.next()?;
            let place = self.place(event, range, after.unwrap_or(at.end))?;
            members.push(Member { key, start: at.start, after, place });
        }
    }

    fn list(&mut self, start: usize, flow: bool) -> Result<(Vec<Member>, Range<usize>), Diagnostic> {
        let mut members: Vec<Member> = vec![];
        loop {
            let (event, range) = match self.next()? {
                (Event::SequenceEnd, end) => return Ok((members, end)),
                other => other,
            };
            let dash = match members.last() {
                Some(last) => skip(&self.source.text, last.place.range.end),
                None => start,
            };
            let after = (!flow && self.is_at(dash, '-')).then_some(dash + 1);
            let place = self.place(event, range.clone(), after.unwrap_or(range.start))?;
            let start = if after.is_some() { dash } else { place.range.start };
            members.push(Member { key: members.len().to_string(), start, after, place });
        }
    }

    /// The parser's range starts behind the header and holds the blank lines that follow.
    fn block_scalar(&self, before: usize, content: Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        let header = skip(text, before);
        let is_header = self.is_at(header, '|') || self.is_at(header, '>');
        let start = if is_header { header } else { content.start };
        let line = text.get(start..content.start.max(start)).unwrap_or_default();
        let keeps = line.split('#').next().unwrap_or_default().contains('+');
        let end = if keeps { content.end } else { text.get(..content.end).unwrap_or_default().trim_end().len() };
        start..end.max(start + 1)
    }
}

fn last_end(members: &[Member], start: usize) -> usize {
    members.last().map_or(start, |member| member.place.range.end)
}
