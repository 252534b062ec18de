//! What a pickle makes: small values, with all that has a size in a heap of its own.
//!
//! Containers are numbers into the heap. So a pickle can neither nest deep enough to exhaust the stack nor tie knots that
//! would never be freed.

use super::numpy::{Array, Global};
use super::{MAX_TEXT, PickleError};

/// A value on the machine's stack or in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A `str`, in UTF-8.
    Str(Text),
    /// A `bytes` or `bytearray`, or the `str` of Python 2.
    Bytes(Text),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Array(usize),
    /// The type of an array's elements; there is but this one.
    Uint8,
    Global(Global),
    /// Pixels that were handed out: so many rows. `encoded` while they are a `str` that stands for bytes.
    Pixels {
        rows: usize,
        encoded: bool,
    },
}

/// A text in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    start: usize,
    end: usize,
}

/// What values refer to.
#[derive(Debug, Default)]
pub struct Heap {
    text: Vec<u8>,
    tuples: Vec<Box<[Value]>>,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    arrays: Vec<Array>,
}

impl Heap {
    /// Makes room for a text and fills it.
    pub fn add_text(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), PickleError>,
    ) -> Result<Text, PickleError> {
        let start = self.text.len();
        let end = start.saturating_add(length);
        if end > MAX_TEXT {
            return Err(PickleError::Limit { what: "bytes of text", limit: MAX_TEXT });
        }
        self.text.resize(end, 0);
        fill(self.text.get_mut(start..).unwrap_or_default())?;
        Ok(Text { start, end })
    }

    pub fn add_tuple(&mut self, items: impl Into<Box<[Value]>>) -> Value {
        self.tuples.push(items.into());
        Value::Tuple(self.tuples.len() - 1)
    }

    pub fn add_list(&mut self) -> Value {
        self.lists.push(vec![]);
        Value::List(self.lists.len() - 1)
    }

    pub fn add_dict(&mut self) -> Value {
        self.dicts.push(vec![]);
        Value::Dict(self.dicts.len() - 1)
    }

    pub fn add_array(&mut self, array: Array) -> Value {
        self.arrays.push(array);
        Value::Array(self.arrays.len() - 1)
    }

    /// The bytes of a `str` or `bytes`.
    pub fn text(&self, value: Value) -> Option<&[u8]> {
        match value {
            Value::Str(text) | Value::Bytes(text) => self.text.get(text.start..text.end),
            _ => None,
        }
    }

    pub fn tuple(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(index) => self.tuples.get(index).map(AsRef::as_ref),
            _ => None,
        }
    }

    pub fn list(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::List(index) => self.lists.get(index).map(AsRef::as_ref),
            _ => None,
        }
    }

    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => self.dicts.get(index).map(AsRef::as_ref),
            _ => None,
        }
    }

    pub fn array(&self, value: Value) -> Option<Array> {
        match value {
            Value::Array(index) => self.arrays.get(index).copied(),
            _ => None,
        }
    }

    pub fn list_mut(&mut self, value: Value) -> Option<&mut Vec<Value>> {
        match value {
            Value::List(index) => self.lists.get_mut(index),
            _ => None,
        }
    }

    pub fn dict_mut(&mut self, value: Value) -> Option<&mut Vec<(Value, Value)>> {
        match value {
            Value::Dict(index) => self.dicts.get_mut(index),
            _ => None,
        }
    }

    pub fn array_mut(&mut self, value: Value) -> Option<&mut Array> {
        match value {
            Value::Array(index) => self.arrays.get_mut(index),
            _ => None,
        }
    }

    /// Looks up a key of a dictionary.
    ///
    /// # Errors
    /// What is no dictionary, lacks the key, or has it twice.
    pub fn key(&self, dict: Value, key: &str) -> Result<Value, PickleError> {
        let items = self.dict(dict).ok_or_else(|| PickleError::form("it is no dictionary"))?;
        let mut found = items.iter().filter(|(name, _)| self.text(*name) == Some(key.as_bytes())).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(PickleError::form(format!("it has no `{key}`"))),
            (Some(_), Some(_)) => Err(PickleError::form(format!("it has `{key}` twice"))),
        }
    }
}
