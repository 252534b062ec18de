//! YAML as a tree that remembers where each key and value was written.

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use super::source::Span;

/// A YAML value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub data: Data,
    pub span: Span,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Sequence(Vec<Node>),
    Mapping(IndexMap<String, Entry>),
}

/// A value of a mapping, with the place of its key.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key_span: Span,
    pub node: Node,
}

impl Node {
    /// Names the type in the words of YAML, with its article.
    pub fn type_name(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_mapping(&self) -> Option<&IndexMap<String, Entry>> {
        match &self.data {
            Data::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key).map(|entry| &entry.node)
    }

    /// The value that a path of keys and list indexes leads to.
    pub fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.child(key.as_ref()))
    }

    fn child(&self, key: &str) -> Option<&Node> {
        match &self.data {
            Data::Mapping(entries) => entries.get(key).map(|entry| &entry.node),
            Data::Sequence(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        }
    }

    /// Finds the place of a path of keys and list indexes, or of its longest part that exists.
    pub fn span_at<S: AsRef<str>>(&self, path: &[S]) -> Span {
        let Some((first, rest)) = path.split_first() else { return self.span.clone() };
        let child = match &self.data {
            Data::Mapping(entries) => match entries.get(first.as_ref()) {
                Some(entry) if rest.is_empty() && matches!(entry.node.data, Data::Mapping(_) | Data::Sequence(_)) => {
                    return entry.key_span.clone();
                }
                Some(entry) => Some(&entry.node),
                None => None,
            },
            Data::Sequence(items) => first.as_ref().parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match child {
            Some(node) => node.span_at(rest),
            None => self.span.clone(),
        }
    }

    /// Finds the place of a path's longest part that exists; of a mapping or a list, its key.
    pub fn nearest_span<S: AsRef<str>>(&self, path: &[S]) -> Span {
        let known = (0..=path.len()).rev().find(|length| self.find(&path[..*length]).is_some());
        self.span_at(&path[..known.unwrap_or_default()])
    }

    /// Lays `over` on top: mappings merge by key, `null` takes an inherited key away, all else replaces.
    pub fn overlay(self, over: Node) -> Node {
        match (self.data, over.data) {
            (Data::Mapping(mut base), Data::Mapping(entries)) => {
                for (key, entry) in entries {
                    if matches!(entry.node.data, Data::Null) {
                        base.shift_remove(&key);
                        continue;
                    }
                    match base.get_mut(&key) {
                        Some(slot) => {
                            let below = std::mem::replace(&mut slot.node.data, Data::Null);
                            let below = Node { data: below, span: slot.node.span.clone() };
                            slot.node = below.overlay(entry.node);
                            slot.key_span = entry.key_span;
                        }
                        None => {
                            base.insert(key, entry);
                        }
                    }
                }
                Node { data: Data::Mapping(base), span: over.span }
            }
            (_, data) => Node { data, span: over.span },
        }
    }

    /// A value that no file holds, with the place that it is there for.
    pub fn standing_for(value: &Value, span: &Span) -> Node {
        let child = |value: &Value| Node::standing_for(value, span);
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(*value),
            Value::Number(value) => Data::Number(value.clone()),
            Value::String(value) => Data::String(value.clone()),
            Value::Array(items) => Data::Sequence(items.iter().map(child).collect()),
            Value::Object(map) => {
                let entry = |value: &Value| Entry { key_span: span.clone(), node: child(value) };
                Data::Mapping(map.iter().map(|(key, value)| (key.clone(), entry(value))).collect())
            }
        };
        Node { data, span: span.clone() }
    }

    /// Drops the places.
    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::String(value) => Value::String(value.clone()),
            Data::Sequence(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Mapping(entries) => {
                Value::Object(entries.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}
