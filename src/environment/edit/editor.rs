//! Carries out one edit on a text whose layout is known.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::layout::{self, Member, Place, Shape};
use super::style::{self, Style};
use super::{Op, What};
use crate::environment::source::{Diagnostic, Source, Span};

/// A text with what is known of it.
pub struct Editor<'a> {
    source: &'a Arc<Source>,
    root: Place,
    style: Style,
}

/// A place, with what is around it.
struct Found<'a> {
    place: &'a Place,
    /// The place that holds it, and its number there.
    parent: Option<(&'a Place, usize)>,
    in_flow: bool,
}

impl<'a> Found<'a> {
    fn member(&self) -> Option<&'a Member> {
        self.parent.and_then(|(parent, index)| parent.members().get(index))
    }
}

impl<'a> Editor<'a> {
    pub fn open(source: &'a Arc<Source>) -> Result<Self, Diagnostic> {
        let root = layout::of(source)?;
        let style = Style::of(&source.text, &root);
        Ok(Self { source, root, style })
    }

    fn text(&self) -> &'a str {
        &self.source.text
    }

    pub fn apply(&self, op: &Op) -> Result<String, Diagnostic> {
        match (&op.what, op.path.split_last()) {
            (What::Replace(value), _) => Ok(self.replace(&self.find(&op.path)?, value)),
            (What::Insert(value), Some((key, above))) => self.insert(&self.find(above)?, key, value),
            (What::Remove, Some(_)) => {
                let found = self.find(&op.path)?;
                if let Some(mark) = found.place.any_mark() {
                    return Err(self.refusal(found.place, mark));
                }
                self.remove(&found)
            }
            // Nothing can be put beside a root, nor can it be taken away.
            (What::Insert(_) | What::Remove, None) => Ok(self.text().to_owned()),
        }
    }

    /// Finds a place that may be edited: others do not hang on it.
    fn find(&self, path: &[String]) -> Result<Found<'_>, Diagnostic> {
        let mut found = Found { place: &self.root, parent: None, in_flow: false };
        for key in path {
            self.check(found.place)?;
            let parent = found.place;
            let Some(index) = parent.members().iter().position(|member| member.key == *key) else {
                let message = format!("there is no place for `{}` here", path.join("."));
                return Err(Diagnostic::new(message, &self.span(parent)));
            };
            let in_flow = found.in_flow || parent.is_flow();
            found = Found { place: &parent.members()[index].place, parent: Some((parent, index)), in_flow };
        }
        self.check(found.place)?;
        Ok(found)
    }

    fn check(&self, place: &Place) -> Result<(), Diagnostic> {
        match place.mark {
            Some(mark) => Err(self.refusal(place, mark)),
            None => Ok(()),
        }
    }

    fn refusal(&self, place: &Place, mark: &str) -> Diagnostic {
        let message = format!("{mark} stands here, so that this cannot be edited alone");
        Diagnostic::new(message, &self.span(place)).help("edit it by hand")
    }

    fn span(&self, place: &Place) -> Span {
        Span { source: self.source.clone(), range: place.range.clone() }
    }

    fn with(&self, range: Range<usize>, new: &str) -> String {
        let text = self.text();
        let (before, after) = (text.get(..range.start).unwrap_or_default(), text.get(range.end..).unwrap_or_default());
        format!("{before}{new}{after}")
    }

    fn replace(&self, found: &Found<'_>, value: &Value) -> String {
        let Place { range, shape, .. } = found.place;
        let as_before = match shape {
            Shape::Scalar(style) => Some(*style),
            _ => None,
        };
        let flow = found.in_flow || found.place.is_flow();
        let Some(member) = found.member() else {
            let text = self.text();
            let gap = if *shape == Shape::Nothing && !text.is_empty() && !text.ends_with('\n') { self.style.newline } else { "" };
            return self.with(range.clone(), &format!("{gap}{}", self.style.lines(value, as_before, 0)));
        };
        let Some(after) = member.after else {
            // An item of a flow list; or a key of a flow mapping that has no colon yet.
            let colon = if *shape == Shape::Nothing { ": " } else { "" };
            return self.with(range.clone(), &format!("{colon}{}", self.style.inline(value, as_before, true)));
        };
        if !self.text().get(after..range.start).unwrap_or_default().trim().is_empty() {
            // A comment stands between; the value has lines of its own.
            let indent = self.column(range.start);
            return self.with(range.clone(), &self.style.lines(value, as_before, indent));
        }
        let in_list = found.parent.is_some_and(|(parent, _)| matches!(parent.shape, Shape::List { .. }));
        let written = match (flow, in_list) {
            (true, _) => format!(" {}", self.style.inline(value, as_before, true)),
            (false, true) => format!(" {}", self.style.lines(value, as_before, self.column(member.start) + 2)),
            (false, false) => self.style.after_colon(value, as_before, self.column(member.start)),
        };
        self.with(after..range.end, &written)
    }

    fn insert(&self, parent: &Found<'_>, key: &str, value: &Value) -> Result<String, Diagnostic> {
        let Place { range, shape, .. } = parent.place;
        let members = parent.place.members();
        let is_list = matches!(shape, Shape::List { .. });
        let nothing = matches!(shape, Shape::Nothing | Shape::Scalar(_)) || members.is_empty();
        if nothing {
            let value = if is_list {
                Value::Array(vec![value.clone()])
            } else {
                Value::Object([(key.to_owned(), value.clone())].into_iter().collect())
            };
            return Ok(self.replace(parent, &value));
        }
        let index = if is_list { key.parse().unwrap_or(members.len()).min(members.len()) } else { members.len() };
        let flow = parent.in_flow || parent.place.is_flow();
        if flow {
            let written = match is_list {
                true => self.style.inline(value, None, true),
                false => format!("{}: {}", self.style.key(key, true), self.style.inline(value, None, true)),
            };
            return Ok(match members.get(index) {
                Some(next) => self.with(next.start..next.start, &format!("{written}, ")),
                None => {
                    let end = members[members.len() - 1].place.range.end;
                    self.with(end..end, &format!(", {written}"))
                }
            });
        }
        let indent = self.column(members[0].start);
        let written = match is_list {
            true => format!("- {}", self.style.lines(value, None, indent + 2)),
            false => self.style.entry(key, value, indent),
        };
        let newline = self.style.newline;
        let pad = " ".repeat(indent);
        if index == 0 {
            let at = members[0].start;
            return Ok(self.with(at..at, &format!("{written}{newline}{pad}")));
        }
        let end = if index == members.len() { range.end } else { members[index - 1].place.range.end };
        let gap = if parent.parent.is_none() && value.is_object() && self.has_blank_before_last() { newline } else { "" };
        Ok(if self.text().get(..end).is_some_and(|text| text.ends_with('\n')) {
            // A block scalar that keeps its line ends.
            self.with(end..end, &format!("{gap}{pad}{written}{newline}"))
        } else {
            let end = self.line_end(end);
            self.with(end..end, &format!("{newline}{gap}{pad}{written}"))
        })
    }

    /// Whether the sections of the file stand apart.
    fn has_blank_before_last(&self) -> bool {
        let [.., before, last] = self.root.members() else { return false };
        let gap = self.text().get(before.place.range.end..last.start).unwrap_or_default();
        gap.lines().skip(1).any(|line| line.trim().is_empty()) && gap.matches('\n').count() > 1
    }

    fn remove(&self, found: &Found<'_>) -> Result<String, Diagnostic> {
        let Some((parent, index)) = found.parent else { return Ok(self.text().to_owned()) };
        let members = parent.members();
        let member = &members[index];
        if members.len() == 1 {
            let empty = if matches!(parent.shape, Shape::List { .. }) { Value::Array(vec![]) } else { Value::Object(Map::new()) };
            let above = self.above(parent);
            return Ok(self.replace(&above, &empty));
        }
        let (start, end) = (member.start, member.place.range.end);
        if parent.is_flow() {
            return Ok(self.remove_from_flow(members, index));
        }
        let line_start = self.line_start(start);
        let own_line = self.text().get(line_start..start).unwrap_or_default().trim().is_empty();
        if own_line {
            return Ok(self.without_lines(line_start, end));
        }
        // It shares its line with the dash of the list item that it begins.
        let next = members.get(index + 1).map(|next| next.start);
        let gap = next.and_then(|next| self.text().get(self.line_end(end)..next));
        match (next, gap) {
            (Some(next), Some(gap)) if gap.trim().is_empty() => Ok(self.with(start..next, "")),
            _ => Err(Diagnostic::new("this place cannot be edited alone", &self.span(found.place)).help("edit it by hand")),
        }
    }

    /// The place that was reached as a parent, with what is around it in turn.
    fn above<'b>(&'b self, wanted: &'b Place) -> Found<'b> {
        fn search<'b>(found: Found<'b>, wanted: &Place) -> Option<Found<'b>> {
            if std::ptr::eq(found.place, wanted) {
                return Some(found);
            }
            let in_flow = found.in_flow || found.place.is_flow();
            let members = found.place.members().iter().enumerate();
            let mut inner =
                members.map(|(index, member)| Found { place: &member.place, parent: Some((found.place, index)), in_flow });
            inner.find_map(|inner| search(inner, wanted))
        }
        let root = Found { place: &self.root, parent: None, in_flow: false };
        search(root, wanted).unwrap_or(Found { place: wanted, parent: None, in_flow: false })
    }

    /// Takes a member with one comma; on several lines, comments stay.
    fn remove_from_flow(&self, members: &[Member], index: usize) -> String {
        let member = &members[index];
        let (start, end) = (member.start, member.place.range.end);
        let before = index.checked_sub(1).map(|index| members[index].place.range.end);
        let next = members.get(index + 1).map(|next| next.start);
        let on_one_line = |range: Range<usize>| !self.text().get(range).unwrap_or("\n").contains('\n');
        match (before, next) {
            (Some(before), _) if on_one_line(before..start) => self.with(before..end, ""),
            (_, Some(next)) if on_one_line(end..next) => self.with(start..next, ""),
            (_, Some(_)) => {
                // Its comma comes right behind it, or behind a comment.
                let comma = layout::skip(self.text(), end);
                let without = self.with(comma..comma + 1, "");
                let line_start = self.line_start(start);
                let alone = self.text().get(line_start..start).is_some_and(|text| text.trim().is_empty())
                    && self.text().get(end..self.line_end(end)).is_some_and(|rest| rest.trim_matches([',', ' ']).is_empty());
                if alone { self.without_lines(line_start, end) } else { format!("{}{}", &without[..start], &without[end..]) }
            }
            (Some(before), None) => {
                let comma = layout::skip(self.text(), before);
                let head = self.text().get(..comma).unwrap_or_default();
                let between = self.text().get(comma + 1..start).unwrap_or_default();
                let tail = self.text().get(end..).unwrap_or_default();
                format!("{head}{between}{tail}")
            }
            (None, None) => self.with(start..end, ""),
        }
    }

    /// The text without the lines from one's start to the one that holds `end`.
    fn without_lines(&self, line_start: usize, end: usize) -> String {
        let text = self.text();
        if text.get(..end).is_some_and(|text| text.ends_with('\n')) {
            return self.with(line_start..end, "");
        }
        let line_end = self.line_end(end);
        match text.get(line_end..).unwrap_or_default() {
            "" => {
                // The last line had no line end; what is last now has none either.
                text.get(..line_start).unwrap_or_default().trim_end_matches(['\r', '\n']).to_owned()
            }
            rest => {
                let newline = if rest.starts_with("\r\n") { 2 } else { 1 };
                self.with(line_start..line_end + newline, "")
            }
        }
    }

    fn line_start(&self, at: usize) -> usize {
        style::line_start(self.text(), at)
    }

    /// Where the line ends that `at` is in, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text().get(at..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        at + rest[..length].trim_end_matches('\r').len()
    }

    fn column(&self, at: usize) -> usize {
        style::column(self.text(), at)
    }
}
