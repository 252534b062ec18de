//! Edits of YAML text that leave all else as it is: comments, blank lines, quotes, indentation, line ends.
//!
//! What is to change is found by comparing values; each difference becomes one replaced stretch of text. Last, the new text
//! is read again: it must hold the wanted value, or nothing was done.

mod editor;
mod layout;
mod style;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::source::{Diagnostic, Source, Span};
use super::yaml::{self, Tags};
use editor::Editor;

/// Writes a value at a path of keys and list indexes; mappings on the way that are missing are made.
///
/// # Errors
/// Text that is no YAML, a path that leads through something else than mappings and lists, and places that cannot be
/// edited alone: anchors, aliases, tags.
pub fn set(source: &Arc<Source>, path: &[String], value: &Value) -> Result<String, Diagnostic> {
    let root = yaml::parse(source, Tags::Refused)?;
    let old = root.to_json();
    let mut new = old.clone();
    if !put(&mut new, path, value) {
        let message = format!("there is no place for `{}` here", path.join("."));
        return Err(Diagnostic::new(message, &root.span_at(path)));
    }
    let mut ops = vec![];
    towards(&mut vec![], &old, path, value, &mut ops);
    rewrite(source, ops, &new)
}

/// Takes away what stands at a path; what is not there is no error.
///
/// # Errors
/// As those of [`set`].
pub fn remove(source: &Arc<Source>, path: &[String]) -> Result<String, Diagnostic> {
    let old = yaml::parse(source, Tags::Refused)?.to_json();
    let mut new = old.clone();
    let Some((last, above)) = path.split_last() else { return Ok(source.text.clone()) };
    match above.iter().try_fold(&mut new, |value, key| child(value, key)) {
        Some(Value::Object(map)) => drop(map.shift_remove(last)),
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index: &usize| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
    let ops = if new == old { vec![] } else { vec![Op { path: path.to_vec(), what: What::Remove }] };
    rewrite(source, ops, &new)
}

fn child<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(map) => map.get_mut(key),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Puts a value where a path leads; `false` if it leads nowhere.
fn put(at: &mut Value, path: &[String], value: &Value) -> bool {
    let Some((key, rest)) = path.split_first() else {
        *at = value.clone();
        return true;
    };
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(map) => put(map.entry(key.clone()).or_insert(Value::Null), rest, value),
        Value::Array(items) => match key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
            Some(item) => put(item, rest, value),
            None => false,
        },
        _ => false,
    }
}

/// One difference between two values.
struct Op {
    path: Vec<String>,
    what: What,
}

enum What {
    Replace(Value),
    /// A key of a mapping, or an item of a list, which comes to stand at that index.
    Insert(Value),
    Remove,
}

fn rewrite(source: &Arc<Source>, ops: Vec<Op>, new: &Value) -> Result<String, Diagnostic> {
    let mut now = source.clone();
    for op in ops {
        let text = Editor::open(&now)?.apply(&op)?;
        now = Arc::new(Source { path: source.path.clone(), text });
    }
    match yaml::parse(&now, Tags::Refused) {
        Ok(root) if root.to_json() == *new => Ok(now.text.clone()),
        _ => Err(Diagnostic::new("this place cannot be edited alone", &Span::file(source)).help("edit it by hand")),
    }
}

/// Goes down a path as far as it leads, and finds the edits that are needed there.
fn towards(path: &mut Vec<String>, old: &Value, rest: &[String], value: &Value, ops: &mut Vec<Op>) {
    let nested = |keys: &[String]| {
        keys.iter().rev().fold(value.clone(), |value, key| Value::Object([(key.clone(), value)].into_iter().collect()))
    };
    let Some((key, below)) = rest.split_first() else { return difference(path, old, value, ops) };
    let inner = match old {
        Value::Object(map) => map.get(key),
        Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => return ops.push(Op { path: path.clone(), what: What::Replace(nested(rest)) }),
    };
    path.push(key.clone());
    match inner {
        Some(inner) => towards(path, inner, below, value, ops),
        None => ops.push(Op { path: path.clone(), what: What::Insert(nested(below)) }),
    }
    path.pop();
}

/// Finds the smallest edits; those of a list start at its end, so that indexes stay right.
fn difference(path: &mut Vec<String>, old: &Value, new: &Value, ops: &mut Vec<Op>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Value::Object(from), Value::Object(to)) => {
            for (key, value) in to {
                path.push(key.clone());
                match from.get(key) {
                    Some(old) => difference(path, old, value, ops),
                    None => ops.push(Op { path: path.clone(), what: What::Insert(value.clone()) }),
                }
                path.pop();
            }
            for key in from.keys().filter(|key| !to.contains_key(*key)) {
                let path = path.iter().chain([key]).cloned().collect();
                ops.push(Op { path, what: What::Remove });
            }
        }
        (Value::Array(from), Value::Array(to)) => list_difference(path, from, to, ops),
        (_, new) => ops.push(Op { path: path.clone(), what: What::Replace(new.clone()) }),
    }
}

fn list_difference(path: &mut Vec<String>, from: &[Value], to: &[Value], ops: &mut Vec<Op>) {
    let text = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
    let found = capture_diff_slices(Algorithm::Myers, &text(from), &text(to));
    for op in found.iter().rev().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        let (old, new) = (op.old_range(), op.new_range());
        let both = old.len().min(new.len());
        let at = |index: usize| path.iter().cloned().chain([index.to_string()]).collect::<Vec<_>>();
        for index in (old.start + both..old.end).rev() {
            ops.push(Op { path: at(index), what: What::Remove });
        }
        for (offset, item) in to[new.clone()].iter().enumerate().skip(both) {
            ops.push(Op { path: at(old.start + offset), what: What::Insert(item.clone()) });
        }
        for offset in 0..both {
            path.push((old.start + offset).to_string());
            difference(path, &from[old.start + offset], &to[new.start + offset], ops);
            path.pop();
        }
    }
}

/// A file's text with its path, for [`set`] and [`remove`].
pub fn source(path: &Path, text: String) -> Arc<Source> {
    Arc::new(Source { path: path.to_owned(), text })
}
