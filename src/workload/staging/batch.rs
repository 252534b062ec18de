//! What a batch says of its pictures, without their pixels.

use super::pickle::{Heap, PickleError, Value};

/// The names and labels of a batch's pictures, in the order of their rows.
#[derive(Debug, Default)]
pub struct Batch {
    /// Each picture's file name, as the archive has it: it may hold anything.
    pub names: Vec<Box<[u8]>>,
    /// Each picture's class, 0 to 99.
    pub labels: Vec<u8>,
}

impl Batch {
    /// Takes a batch out of a pickle.
    ///
    /// # Errors
    /// What lacks a part, or has parts of different lengths.
    pub fn new(heap: &Heap, value: Value) -> Result<Self, PickleError> {
        let names = list(heap, value, "filenames")?;
        let labels = list(heap, value, "fine_labels")?;
        let rows = heap
            .array(heap.key(value, "data")?)
            .flatten()
            .ok_or_else(|| PickleError::form("its `data` is no array of pixels"))?;
        if names.len() != rows || labels.len() != rows {
            let (names, labels) = (names.len(), labels.len());
            return Err(PickleError::form(format!("it has {rows} pictures, but {names} file names and {labels} labels")));
        }
        let label = |value: &Value| match *value {
            Value::Int(label @ 0..=99) => u8::try_from(label).ok(),
            _ => None,
        };
        let labels: Option<Vec<u8>> = labels.iter().map(label).collect();
        Ok(Self {
            names: texts(heap, names).ok_or_else(|| PickleError::form("one of its `filenames` is no text"))?,
            labels: labels.ok_or_else(|| PickleError::form("one of its `fine_labels` is no number from 0 to 99"))?,
        })
    }
}

/// Takes the names of the classes out of the pickle `meta`, in the order of their labels.
///
/// # Errors
/// What has none.
pub fn class_names(heap: &Heap, value: Value) -> Result<Vec<Box<[u8]>>, PickleError> {
    let names = list(heap, value, "fine_label_names")?;
    texts(heap, names).ok_or_else(|| PickleError::form("one of its `fine_label_names` is no text"))
}

fn list<'a>(heap: &'a Heap, dict: Value, key: &str) -> Result<&'a [Value], PickleError> {
    heap.list(heap.key(dict, key)?).ok_or_else(|| PickleError::form(format!("its `{key}` is no list")))
}

fn texts(heap: &Heap, values: &[Value]) -> Option<Vec<Box<[u8]>>> {
    values.iter().map(|value| heap.text(*value).map(Into::into)).collect()
}
