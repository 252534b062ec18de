//! The one place that reads YAML text: bounded, strict, and with the place of every key and value.
//!
//! Built on the event parser under serde-saphyr, since a typed reader loses the places of keys, stops at the first
//! error, and has no value for CloudFormation's short-form tags.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use indexmap::IndexMap;
use serde_json::Number;

use super::node::{Data, Entry, Node};
use super::source::{Diagnostic, Source, Span};

/// How deep collections may nest.
const DEEPEST: usize = 64;
/// How many nodes a file may have once its aliases are expanded: a bomb has billions.
const MOST_NODES: usize = 200_000;

/// Which tags a file may use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// None but YAML's own.
    Refused,
    /// CloudFormation's short forms: `!Ref x` becomes `{"Ref": "x"}`.
    CloudFormation,
}

/// Parses a file that holds one document.
///
/// # Errors
/// The first fault, with its place: broken syntax, a duplicate key, an unknown tag, nesting deeper than 64, an alias bomb.
pub fn parse(source: &Arc<Source>, tags: Tags) -> Result<Node, Diagnostic> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(&source.text, options),
        source,
        tags,
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut root = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event if root.is_none() => root = Some(reader.node(event, span, 0)?),
            _ => return Err(Diagnostic::new("a second document starts here", &span).help("write one document per file")),
        }
    }
    Ok(root.unwrap_or(Node { data: Data::Null, span: Span::file(source) }))
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    source: &'a Arc<Source>,
    tags: Tags,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Diagnostic> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(0..0);
                Ok(Some((event, Span { source: self.source.clone(), range })))
            }
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.source.text.len());
                let span = Span { source: self.source.clone(), range: at..at };
                let message = match error.info() {
                    info if info.contains("recursion limit") => "values nest too deep here".to_owned(),
                    info => format!("this is not YAML: {info}"),
                };
                Err(Diagnostic::new(message, &span))
            }
        }
    }

    fn expect(&mut self, open: &Span) -> Result<(Event<'a>, Span), Diagnostic> {
        self.next()?.ok_or_else(|| Diagnostic::new("the file ends inside this value", open))
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Diagnostic> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            return Err(Diagnostic::new(
                format!("the file has more than {MOST_NODES} values once its aliases are expanded"),
                span,
            ));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Diagnostic> {
        if depth > DEEPEST {
            return Err(Diagnostic::new(format!("values nest deeper than {DEEPEST} levels"), &span));
        }
        self.count(1, &span)?;
        let before = self.nodes;
        let (node, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let data = scalar(&text, style, tag.as_deref(), &span)?;
                (Node { data, span }, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (self.sequence(span, depth)?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.mapping(span, depth)?, anchor, tag),
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    return Err(Diagnostic::new("this alias stands inside its own anchor", &span));
                };
                self.count(size, &span)?;
                return Ok(node);
            }
            _ => return Err(Diagnostic::new("a value is missing here", &span)),
        };
        let node = self.tagged(node, tag.as_deref())?;
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before + 1));
        }
        Ok(node)
    }

    fn sequence(&mut self, open: Span, depth: usize) -> Result<Node, Diagnostic> {
        let mut items = vec![];
        loop {
            match self.expect(&open)? {
                (Event::SequenceEnd, end) => {
                    let span = Span { source: open.source, range: open.range.start..end.range.end };
                    return Ok(Node { data: Data::Sequence(items), span });
                }
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, open: Span, depth: usize) -> Result<Node, Diagnostic> {
        let mut entries: IndexMap<String, Entry> = IndexMap::new();
        loop {
            let (key, key_span) = match self.expect(&open)? {
                (Event::MappingEnd, end) => {
                    let span = Span { source: open.source, range: open.range.start..end.range.end };
                    return Ok(Node { data: Data::Mapping(entries), span });
                }
                (Event::Scalar(text, ..), span) => (text.into_owned(), span),
                (_, span) => return Err(Diagnostic::new("a key must be plain text", &span)),
            };
            if key == "<<" {
                return Err(Diagnostic::new("merge keys are not supported", &key_span)
                    .help("put what is shared into a file and name it with `extends`"));
            }
            if let Some(first) = entries.get(&key) {
                return Err(Diagnostic::new(format!("the key `{key}` stands here twice"), &key_span)
                    .related(&first.key_span, "the first is here"));
            }
            let (event, span) = self.expect(&open)?;
            let node = self.node(event, span, depth + 1)?;
            entries.insert(key, Entry { key_span, node });
        }
    }

    fn tagged(&self, node: Node, tag: Option<&Tag>) -> Result<Node, Diagnostic> {
        let Some(tag) = tag else { return Ok(node) };
        if tag.core_suffix().is_some() {
            return Ok(node);
        }
        if self.tags == Tags::Refused || tag.handle() != "!" {
            return Err(Diagnostic::new(format!("the tag {} is not known here", tag.original()), &node.span));
        }
        let key = match tag.suffix() {
            "Ref" => "Ref".to_owned(),
            "Condition" => "Condition".to_owned(),
            name => format!("Fn::{name}"),
        };
        let span = node.span.clone();
        let inner = match (&node.data, tag.suffix()) {
            // `!GetAtt Resource.Attribute` is short for a list; attributes may hold dots themselves.
            (Data::String(text), "GetAtt") => match text.split_once('.') {
                Some((resource, attribute)) => {
                    let part = |text: &str| Node { data: Data::String(text.to_owned()), span: span.clone() };
                    Node { data: Data::Sequence(vec![part(resource), part(attribute)]), span: span.clone() }
                }
                None => node,
            },
            _ => node,
        };
        let entry = Entry { key_span: span.clone(), node: inner };
        Ok(Node { data: Data::Mapping(IndexMap::from([(key, entry)])), span })
    }
}

/// Resolves a scalar by YAML 1.2's core schema, except that digits with a leading zero stay text: they are account
/// numbers more often than numbers.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Data, Diagnostic> {
    let wanted = tag.and_then(Tag::core_suffix);
    if wanted == Some("str") || (style != ScalarStyle::Plain && wanted.is_none()) || tag.is_some_and(Tag::is_custom) {
        return Ok(Data::String(text.to_owned()));
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    let starts_like_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ if leading_zero || !starts_like_number => Data::String(text.to_owned()),
        _ => {
            if let Ok(value) = text.parse::<i64>() {
                Data::Number(value.into())
            } else if let Ok(value) = text.parse::<u64>() {
                Data::Number(value.into())
            } else if let Some(value) = text.parse::<f64>().ok().filter(|_| !text.contains(['n', 'N', 'i', 'I'])) {
                let number = Number::from_f64(value).ok_or_else(|| Diagnostic::new("this number is out of range", span))?;
                Data::Number(number)
            } else {
                Data::String(text.to_owned())
            }
        }
    })
}
