//! Reads the few kinds of pickle that CIFAR's batches are written in, without executing anything.
//!
//! A pickle is a program for a stack machine. This one knows the opcodes that lists, texts, numbers and numpy arrays are
//! written with, and five callables by name, each of which it carries out itself. All else is refused. The pixels pass
//! through row by row and are never held.
//!
//! Opcodes: <https://github.com/python/cpython/blob/main/Lib/pickletools.py>.

mod input;
mod machine;
mod numpy;
mod payload;
mod value;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

pub use value::{Heap, Value};

use super::StagingError;
use machine::Machine;

/// Bytes of a picture: a red, a green and a blue plane of 32 × 32.
pub const ROW: usize = 3 * 1024;

/// The pixels of a picture, as a batch has them.
pub type Row = [u8; ROW];

/// What takes the pixels: the row's number, from 0, and its bytes.
pub type Rows<'a> = &'a mut dyn FnMut(usize, &Row) -> Result<(), StagingError>;

/// Values that a pickle may make. CIFAR-100's larger batch makes about 150,000: a name and two labels per picture.
pub const MAX_VALUES: usize = 1 << 20;

/// Bytes of text that a pickle may hold, over all. CIFAR-100's larger batch has about 1.2 MB.
pub const MAX_TEXT: usize = 16 << 20;

/// Opcodes that a pickle may have. CIFAR-100's larger batch has about 200,000.
pub const MAX_OPCODES: usize = 8 << 20;

/// Marks that may be open at once. CIFAR's pickles need three, one for each level of nesting.
pub const MAX_MARKS: usize = 16;

/// Why a pickle was refused.
#[derive(Debug, thiserror::Error)]
pub enum PickleError {
    /// It ends too early.
    #[error("it ends in the middle: the archive is truncated")]
    Truncated,
    /// The bytes could not be unpacked.
    #[error("{0}")]
    Io(io::Error),
    /// Python's newer protocols.
    #[error("its protocol is {0}, but only 2 to 5 are read")]
    Protocol(u8),
    /// An opcode that data needs none of.
    #[error("it uses the opcode {0:#04x}, which pictures and their labels do not need")]
    Opcode(u8),
    /// A callable that data needs none of.
    #[error("it names `{0}`, which pictures and their labels do not need: nothing is ever called")]
    Global(String),
    /// More than CIFAR could ever need.
    #[error("it has more {what} than the {limit} that are read")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
    /// A program that makes no sense.
    #[error("it is no valid pickle: {0}")]
    Malformed(&'static str),
    /// A value that is not what CIFAR has there.
    #[error("it has not CIFAR's form: {0}")]
    Form(String),
    /// What took the pixels failed.
    #[error(transparent)]
    Rows(Box<StagingError>),
}

impl PickleError {
    /// Says which part of a batch is not as CIFAR has it.
    pub fn form(reason: impl Into<String>) -> Self {
        Self::Form(reason.into())
    }
}

impl From<io::Error> for PickleError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// A refusal, and how many bytes were read until then.
pub type Refused = (u64, PickleError);

/// Reads a pickle and hands out the pixels in it.
///
/// # Errors
/// Whatever is truncated, not CIFAR's, or too much of it; and what `rows` fails with.
pub fn read(input: impl BufRead, rows: Rows<'_>) -> Result<(Heap, Value), Refused> {
    let mut machine = Machine::new(input, rows);
    match machine.run() {
        Ok(value) => Ok((machine.heap, value)),
        Err(error) => Err((machine.input.offset(), error)),
    }
}
