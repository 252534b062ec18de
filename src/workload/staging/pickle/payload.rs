//! The pixels, passed on row by row.

use std::io::BufRead;

use super::input::Input;
use super::value::Value;
use super::{PickleError, ROW, Row, Rows};

/// Passes on pixels that were written as bytes.
pub fn bytes<R: BufRead>(input: &mut Input<R>, length: u64, rows: Rows<'_>) -> Result<Value, PickleError> {
    let row_length = ROW as u64;
    if !length.is_multiple_of(row_length) {
        return Err(partial());
    }
    let count = usize::try_from(length / row_length).map_err(|_| partial())?;
    let mut row: Row = [0; ROW];
    for index in 0..count {
        input.fill(&mut row)?;
        hand_out(rows, index, &row)?;
    }
    Ok(Value::Pixels { rows: count, encoded: false })
}

/// Passes on pixels that Python 3 wrote as a text for Python 2: each byte is a character, in UTF-8.
pub fn text<R: BufRead>(input: &mut Input<R>, length: u64, rows: Rows<'_>) -> Result<Value, PickleError> {
    let mut row: Row = [0; ROW];
    let mut left = length;
    let mut count = 0;
    while left > 0 {
        for byte in &mut row {
            if left == 0 {
                return Err(partial());
            }
            let first = input.byte()?;
            left -= 1;
            *byte = match first {
                0..=0x7f => first,
                0xc2 | 0xc3 if left > 0 => {
                    left -= 1;
                    match input.byte()? {
                        second @ 0x80..=0xbf => (first & 0x03) << 6 | second & 0x3f,
                        _ => return Err(PickleError::Malformed("a text is no UTF-8")),
                    }
                }
                _ => return Err(PickleError::form("its pixels have characters beyond latin1")),
            };
        }
        hand_out(rows, count, &row)?;
        count += 1;
    }
    Ok(Value::Pixels { rows: count, encoded: true })
}

fn hand_out(rows: Rows<'_>, index: usize, row: &Row) -> Result<(), PickleError> {
    rows(index, row).map_err(|error| PickleError::Rows(Box::new(error)))
}

fn partial() -> PickleError {
    PickleError::form(format!("its pixels are no whole number of rows of {ROW} bytes"))
}
