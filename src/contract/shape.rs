//! What is known of a value before a workflow runs: its type, its fields, and how large it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::function::{Contract, Field, Rest, Type};

/// More than this is not remembered of a value: a definition could have it double with each state.
const MOST_NODES: usize = 2_000;

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing.
    Any,
    /// A number, a boolean or `null`.
    Scalar,
    /// A string of up to so many bytes, as far as that is known.
    Text(u64),
    /// A list.
    List(Arc<List>),
    /// An object.
    Object(Arc<Object>),
}

/// What is known of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    elements: Elements,
    bytes: u64,
    nodes: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Elements {
    /// Each is one of these, in this order.
    Each(Vec<Shape>),
    /// All are like this, however many.
    All(Shape),
}

/// What is known of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    members: BTreeMap<String, Shape>,
    /// Those of the members that it has on some ways to a state, and lacks on others.
    sometimes: BTreeSet<String>,
    /// Whether there may be fields that are not known.
    open: bool,
    /// Bytes that the members may have together, beyond what is known of each.
    slack: u64,
    bytes: u64,
    nodes: usize,
}

impl Shape {
    /// An object with the given members.
    pub(super) fn object(members: BTreeMap<String, Self>, open: bool, slack: u64) -> Self {
        Self::object_with(members, BTreeSet::new(), open, slack)
    }

    fn object_with(members: BTreeMap<String, Self>, sometimes: BTreeSet<String>, open: bool, slack: u64) -> Self {
        let nodes = members.values().map(Self::nodes).fold(1, usize::saturating_add);
        if nodes > MOST_NODES {
            return Self::Any;
        }
        // A key has its quotes and colon, and a comma goes before the next.
        let each = members.iter().map(|(key, shape)| shape.bytes().saturating_add(key.len() as u64 + 4));
        let bytes = each.fold(slack.saturating_add(2), u64::saturating_add);
        Self::Object(Arc::new(Object { members, sometimes, open, slack, bytes, nodes }))
    }

    /// A list of known length.
    pub(super) fn list(items: Vec<Self>) -> Self {
        let nodes = items.iter().map(Self::nodes).fold(1, usize::saturating_add);
        let bytes = items.iter().map(|item| item.bytes().saturating_add(1)).fold(2, u64::saturating_add);
        if nodes > MOST_NODES {
            return Self::Any;
        }
        Self::List(Arc::new(List { elements: Elements::Each(items), bytes, nodes }))
    }

    /// A list of unknown length, whose size counts nothing.
    pub(super) fn list_of(element: Self) -> Self {
        let nodes = element.nodes().saturating_add(1);
        Self::List(Arc::new(List { elements: Elements::All(element), bytes: 2, nodes }))
    }

    /// What Step Functions gives to a catcher.
    pub(super) fn error() -> Self {
        Self::object([("Error".to_owned(), Self::Text(0)), ("Cause".to_owned(), Self::Text(0))].into(), false, 0)
    }

    /// A value that stands in the definition.
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Scalar,
            Value::String(text) => Self::Text(text.len() as u64),
            Value::Array(items) => Self::list(items.iter().map(Self::of_value).collect()),
            Value::Object(members) => {
                Self::object(members.iter().map(|(key, value)| (key.clone(), Self::of_value(value))).collect(), false, 0)
            }
        }
    }

    /// What a function answers to an event.
    pub(super) fn of_answer(contract: &Contract, event: &Self, largest_picture: Option<u64>) -> Self {
        let answer = of_field(&contract.output, "", contract, event, largest_picture);
        let known = answer.bytes();
        answer.with_slack(contract.largest_output.unwrap_or_default().saturating_sub(known))
    }

    /// Adds bytes that a value may have beyond what is known of its parts.
    ///
    /// They go to the one part that can hold them, so that they stay with it when it is picked out.
    pub(super) fn with_slack(self, slack: u64) -> Self {
        let Self::Object(object) = &self else { return self };
        let mut large = object.members.iter().filter(|(_, member)| !matches!(member, Self::Scalar));
        let mut members = object.members.clone();
        match (large.next(), large.next()) {
            (Some((key, member @ Self::Object(_))), None) if !object.open => {
                members.insert(key.clone(), member.clone().with_slack(slack));
                Self::object(members, object.open, object.slack)
            }
            _ => Self::object(members, object.open, object.slack.saturating_add(slack)),
        }
    }

    /// The most bytes of JSON, counting nothing for what is not known.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Any | Self::Scalar => 1,
            Self::Text(bytes) => bytes.saturating_add(2),
            Self::List(list) => list.bytes,
            Self::Object(object) => object.bytes,
        }
    }

    fn nodes(&self) -> usize {
        match self {
            Self::Any | Self::Scalar | Self::Text(_) => 1,
            Self::List(list) => list.nodes,
            Self::Object(object) => object.nodes,
        }
    }

    /// What is known of a value that is the one or the other.
    pub(super) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            _ if self == other => self.clone(),
            (Self::Text(one), Self::Text(two)) => Self::Text(*one.max(two)),
            (Self::List(_), Self::List(_)) => Self::list_of(Self::Any),
            (Self::Object(one), Self::Object(two)) => {
                let mut members = one.members.clone();
                for (key, shape) in &two.members {
                    let joined = members.get(key).map_or_else(|| shape.clone(), |mine| mine.or(shape));
                    members.insert(key.clone(), joined);
                }
                let lacks = |object: &Object, key: &String| !object.open && !object.members.contains_key(key);
                let sometimes = |key: &&String| {
                    one.sometimes.contains(*key) || two.sometimes.contains(*key) || lacks(one, key) || lacks(two, key)
                };
                let sometimes = members.keys().filter(sometimes).cloned().collect();
                Self::object_with(members, sometimes, one.open || two.open, one.slack.max(two.slack))
            }
            _ => Self::Any,
        }
    }

    /// The value of a field; `Err` says what kind of value this is instead, or which fields it has.
    pub(super) fn member(&self, name: &str) -> Result<Self, Absent> {
        match self {
            Self::Any => Ok(Self::Any),
            Self::Object(object) => match object.members.get(name) {
                Some(_) if object.sometimes.contains(name) => Err(Absent::Sometimes),
                Some(member) => Ok(member.clone()),
                None if object.open => Ok(Self::Any),
                None => Err(Absent::Field(object.members.keys().cloned().collect())),
            },
            Self::Scalar => Err(Absent::Kind("a number, a boolean or null")),
            Self::Text(_) => Err(Absent::Kind("a string")),
            Self::List(_) => Err(Absent::Kind("a list")),
        }
    }

    /// The value at an index of a list.
    pub(super) fn element(&self, index: usize) -> Result<Self, Absent> {
        match self {
            Self::Any => Ok(Self::Any),
            Self::List(list) => match &list.elements {
                Elements::All(shape) => Ok(shape.clone()),
                Elements::Each(items) => items.get(index).cloned().ok_or(Absent::Kind("a shorter list")),
            },
            Self::Scalar => Err(Absent::Kind("a number, a boolean or null")),
            Self::Text(_) => Err(Absent::Kind("a string")),
            Self::Object(_) => Err(Absent::Kind("an object")),
        }
    }

    /// What is known of every element of a list.
    pub(super) fn every_element(&self) -> Self {
        let Self::List(list) = self else { return Self::Any };
        match &list.elements {
            Elements::All(shape) => shape.clone(),
            Elements::Each(items) => items.iter().cloned().reduce(|one, other| one.or(&other)).unwrap_or(Self::Any),
        }
    }

    /// The value with another put below a way of fields, which come into being where they are not.
    pub(super) fn with(&self, way: &[String], value: Self) -> Self {
        let Some((first, rest)) = way.split_first() else { return value };
        match self {
            Self::Object(object) => {
                let inner = object.members.get(first).cloned();
                let inner = inner.unwrap_or_else(|| if object.open { Self::Any } else { Self::empty() });
                let mut members = object.members.clone();
                members.insert(first.clone(), inner.with(rest, value));
                let mut sometimes = object.sometimes.clone();
                sometimes.remove(first);
                Self::object_with(members, sometimes, object.open, object.slack)
            }
            // Whatever else it has, it has this.
            Self::Any => Self::object([(first.clone(), Self::Any.with(rest, value))].into(), true, 0),
            _ => Self::Any,
        }
    }

    /// The value behind a state that may have gone one way or another for what the value has: with all fields that it has
    /// on any way.
    pub(super) fn chosen(&self) -> Self {
        let Self::Object(object) = self else { return self.clone() };
        let members = object.members.iter().map(|(key, member)| (key.clone(), member.chosen())).collect();
        Self::object(members, object.open, object.slack)
    }

    /// An object without fields.
    pub(super) fn empty() -> Self {
        Self::object(BTreeMap::new(), false, 0)
    }

    /// The names of an object's fields, if all are known.
    pub(super) fn fields(&self) -> Option<Vec<&str>> {
        match self {
            Self::Object(object) if !object.open => Some(object.members.keys().map(String::as_str).collect()),
            _ => None,
        }
    }
}

/// Why a value has no such part.
#[derive(Debug)]
pub(super) enum Absent {
    /// It is an object, with these fields.
    Field(Vec<String>),
    /// It is an object that has the field on some ways to the state, and lacks it on others.
    Sometimes,
    /// It is something else.
    Kind(&'static str),
}

fn of_field(field: &Field, way: &str, contract: &Contract, event: &Shape, largest_picture: Option<u64>) -> Shape {
    let size = || contract.sizes.get(way).and_then(|size| size.bytes(largest_picture)).unwrap_or_default();
    match field {
        Field::Of(Type::Any) if size() > 0 => Shape::object(BTreeMap::new(), true, size()),
        Field::Of(Type::Any) => Shape::Any,
        Field::Of(Type::String) => Shape::Text(size()),
        Field::Of(Type::Number | Type::Boolean) => Shape::Scalar,
        Field::Of(Type::List) => Shape::list_of(Shape::Any),
        Field::Object(fields, rest) => {
            let mut members = BTreeMap::new();
            let mut open = *rest == Rest::Anything;
            if *rest == Rest::Input {
                match event {
                    Shape::Object(event) => {
                        members.clone_from(&event.members);
                        open = event.open;
                    }
                    _ => open = true,
                }
            }
            for (name, field) in fields {
                let below = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
                members.insert(name.clone(), of_field(field, &below, contract, event, largest_picture));
            }
            Shape::object(members, open, 0)
        }
    }
}
