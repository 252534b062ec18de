//! The callables that numpy's arrays are pickled with, carried out by hand.

use super::value::{Heap, Value};
use super::{PickleError, ROW};

/// A callable that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// Makes an empty array, which BUILD fills. Protocols 2 to 4.
    Reconstruct,
    /// Makes an array of a buffer. Protocol 5.
    FromBuffer,
    /// The array type, an argument of `_reconstruct`.
    Ndarray,
    /// The type of an array's elements.
    Dtype,
    /// How Python 3 writes bytes for Python 2.
    Encode,
}

impl Global {
    /// Finds a callable on the list. numpy 2 renamed `numpy.core` to `numpy._core`.
    pub fn named(module: &str, name: &str) -> Result<Self, PickleError> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Ok(Self::Reconstruct),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Ok(Self::FromBuffer),
            ("numpy", "ndarray") => Ok(Self::Ndarray),
            ("numpy", "dtype") => Ok(Self::Dtype),
            ("_codecs", "encode") => Ok(Self::Encode),
            _ => Err(PickleError::Global(format!("{module}.{name}"))),
        }
    }
}

/// A numpy array: nothing until it is built, then so many rows of pixels.
pub type Array = Option<usize>;

/// Carries out REDUCE: a call with its arguments.
pub fn call(heap: &mut Heap, callable: Value, arguments: Value) -> Result<Value, PickleError> {
    let Value::Global(global) = callable else { return Err(PickleError::Malformed("it calls what is no callable")) };
    let arguments = heap.tuple(arguments).ok_or(PickleError::Malformed("it calls without a tuple of arguments"))?;
    match (global, arguments) {
        (Global::Encode, &[text, codec]) => encode(heap, text, codec),
        // Python 2 has (name, 0, 1), Python 3 (name, False, True).
        (Global::Dtype, &[name, _, _]) if heap.text(name) == Some(b"u1") => Ok(Value::Uint8),
        (Global::Dtype, &[name, ..]) => {
            let name = heap.text(name).unwrap_or_default().escape_ascii();
            Err(PickleError::form(format!("its array has elements of type `{name}`, not uint8")))
        }
        (Global::Reconstruct, &[Value::Global(Global::Ndarray), _, _]) => Ok(heap.add_array(None)),
        (Global::FromBuffer, &[buffer, Value::Uint8, shape, order]) => {
            if heap.text(order) != Some(b"C") {
                return Err(column_order());
            }
            let rows = checked(heap, shape, buffer)?;
            Ok(heap.add_array(Some(rows)))
        }
        _ => Err(PickleError::form(format!("it calls {global:?} with unusual arguments"))),
    }
}

/// Carries out BUILD: gives an object its state.
pub fn build(heap: &mut Heap, object: Value, state: Value) -> Result<(), PickleError> {
    let state = heap.tuple(state).ok_or(PickleError::Malformed("it builds without a tuple"))?;
    match (object, state) {
        // (version, byte order, sub-array, names, fields, size, alignment, flags): bytes have no order, and pixels no parts.
        (Value::Uint8, &[_, _, Value::None, Value::None, Value::None, _, _, _]) => Ok(()),
        (Value::Array(_), &[_, shape, Value::Uint8, fortran, pixels]) => {
            // Python 2 wrote the flag as a number where numpy gave it one.
            if !matches!(fortran, Value::Bool(false) | Value::Int(0)) {
                return Err(column_order());
            }
            let rows = checked(heap, shape, pixels)?;
            match heap.array_mut(object) {
                Some(array @ None) => {
                    *array = Some(rows);
                    Ok(())
                }
                _ => Err(PickleError::Malformed("it builds an array twice")),
            }
        }
        _ => Err(PickleError::form("its array has an unusual state")),
    }
}

/// Checks the shape of an array against its pixels, and returns its rows.
fn checked(heap: &Heap, shape: Value, pixels: Value) -> Result<usize, PickleError> {
    let Value::Pixels { rows, encoded: false } = pixels else {
        return Err(PickleError::form(format!("its array has less than one row of {ROW} bytes")));
    };
    let width = i64::try_from(ROW).unwrap_or(i64::MAX);
    match heap.tuple(shape) {
        Some(&[Value::Int(height), Value::Int(across)]) if across == width && usize::try_from(height) == Ok(rows) => Ok(rows),
        _ => Err(PickleError::form(format!("its array's shape is not ({rows}, {ROW}), which its bytes would fill"))),
    }
}

/// `_codecs.encode(text, 'latin1')`.
fn encode(heap: &mut Heap, text: Value, codec: Value) -> Result<Value, PickleError> {
    if heap.text(codec) != Some(b"latin1") {
        return Err(PickleError::form("it has bytes in another encoding than latin1"));
    }
    match text {
        Value::Pixels { rows, encoded: true } => Ok(Value::Pixels { rows, encoded: false }),
        Value::Str(_) => {
            let text = heap.text(text).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default();
            let latin1: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
            let latin1 = latin1.map_err(|_| PickleError::form("it has bytes beyond latin1"))?;
            let text = heap.add_text(latin1.len(), |room| {
                room.copy_from_slice(&latin1);
                Ok(())
            })?;
            Ok(Value::Bytes(text))
        }
        _ => Err(PickleError::Malformed("it encodes what is no text")),
    }
}

fn column_order() -> PickleError {
    PickleError::form("its array lies column by column (Fortran's order), where CIFAR's lies row by row")
}
