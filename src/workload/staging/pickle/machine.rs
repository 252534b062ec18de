//! The stack machine: one opcode after the other, from a list of those that data is written with.

use std::collections::HashMap;
use std::io::BufRead;

use super::input::Input;
use super::numpy::{self, Global};
use super::value::{Heap, Text, Value};
use super::{MAX_MARKS, MAX_OPCODES, MAX_VALUES, PickleError, ROW, Rows, payload};

/// The state of a pickle that is being read.
pub struct Machine<'a, R> {
    pub input: Input<R>,
    pub heap: Heap,
    rows: Rows<'a>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    made: usize,
    pixels_seen: bool,
}

impl<'a, R: BufRead> Machine<'a, R> {
    pub fn new(reader: R, rows: Rows<'a>) -> Self {
        Self {
            input: Input::new(reader),
            heap: Heap::default(),
            rows,
            stack: vec![],
            marks: vec![],
            memo: HashMap::new(),
            made: 0,
            pixels_seen: false,
        }
    }

    /// Runs until STOP and returns what is left.
    pub fn run(&mut self) -> Result<Value, PickleError> {
        for _ in 0..MAX_OPCODES {
            match self.input.byte()? {
                b'.' => return self.finish(),
                opcode => self.step(opcode)?,
            }
        }
        Err(PickleError::Limit { what: "opcodes", limit: MAX_OPCODES })
    }

    fn finish(&mut self) -> Result<Value, PickleError> {
        match (self.stack.as_slice(), self.marks.is_empty()) {
            (&[value], true) => Ok(value),
            _ => Err(PickleError::Malformed("it ends with more or less than one value")),
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            0x80 => match self.input.byte()? {
                2..=5 => Ok(()),
                protocol => Err(PickleError::Protocol(protocol)),
            },
            // FRAME has a length, for readers that prefetch.
            0x95 => self.input.array::<8>().map(drop),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' | b'M' | b'J' | 0x8a => self.integer(opcode),
            b'U' | b'T' | b'C' | b'B' | 0x8e | 0x96 => self.bytes(opcode),
            0x8c | b'X' | 0x8d => self.text(opcode),
            b'(' => self.mark(),
            b']' => self.push_new(Heap::add_list),
            b'}' => self.push_new(Heap::add_dict),
            b')' => self.push_new(|heap| heap.add_tuple([])),
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84)),
            b't' => {
                let count = self.stack.len() - self.unmark()?;
                self.tuple(count)
            }
            b'a' => self.extend_list(1),
            b'e' => {
                let count = self.stack.len() - self.unmark()?;
                self.extend_list(count)
            }
            b's' => self.extend_dict(2),
            b'u' => {
                let count = self.stack.len() - self.unmark()?;
                self.extend_dict(count)
            }
            b'q' | b'r' | 0x94 => self.remember(opcode),
            b'h' | b'j' => self.recall(opcode),
            b'c' | 0x93 => self.global(opcode),
            b'R' => {
                let [callable, arguments] = self.pop()?;
                let value = numpy::call(&mut self.heap, callable, arguments)?;
                self.push(value)
            }
            b'b' => {
                let [object, state] = self.pop()?;
                numpy::build(&mut self.heap, object, state)?;
                self.push(object)
            }
            _ => Err(PickleError::Opcode(opcode)),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        if self.made == MAX_VALUES {
            return Err(PickleError::Limit { what: "values", limit: MAX_VALUES });
        }
        self.made += 1;
        self.stack.push(value);
        Ok(())
    }

    fn push_new(&mut self, make: impl FnOnce(&mut Heap) -> Value) -> Result<(), PickleError> {
        let value = make(&mut self.heap);
        self.push(value)
    }

    /// Takes values off the stack, but none from below a mark.
    fn take(&mut self, count: usize) -> Result<std::vec::Drain<'_, Value>, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.drain(start..)),
            _ => Err(PickleError::Malformed("its stack is empty")),
        }
    }

    fn pop<const N: usize>(&mut self) -> Result<[Value; N], PickleError> {
        let mut values = [Value::None; N];
        for (place, value) in values.iter_mut().zip(self.take(N)?) {
            *place = value;
        }
        Ok(values)
    }

    fn top(&self) -> Result<Value, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.get(floor..).and_then(<[Value]>::last).copied().ok_or(PickleError::Malformed("its stack is empty"))
    }

    fn mark(&mut self) -> Result<(), PickleError> {
        if self.marks.len() == MAX_MARKS {
            return Err(PickleError::Limit { what: "levels", limit: MAX_MARKS });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn unmark(&mut self) -> Result<usize, PickleError> {
        self.marks.pop().ok_or(PickleError::Malformed("a mark is missing"))
    }

    fn integer(&mut self, opcode: u8) -> Result<(), PickleError> {
        let number = match opcode {
            b'K' => i64::from(self.input.byte()?),
            b'M' => i64::from(u16::from_le_bytes(self.input.array()?)),
            b'J' => i64::from(i32::from_le_bytes(self.input.array()?)),
            // LONG1, as Python 2 wrote the lengths of some arrays: so many bytes, the last one with the sign.
            _ => {
                let length = usize::from(self.input.byte()?);
                let mut bytes = [0; 8];
                let digits = bytes.get_mut(..length).ok_or(PickleError::Malformed("a number has more than 64 bits"))?;
                self.input.fill(digits)?;
                let unused = 64 - 8 * u32::try_from(length).unwrap_or(8);
                i64::from_le_bytes(bytes).checked_shl(unused).unwrap_or(0).checked_shr(unused).unwrap_or(0)
            }
        };
        self.push(Value::Int(number))
    }

    fn bytes(&mut self, opcode: u8) -> Result<(), PickleError> {
        let length = match opcode {
            b'U' | b'C' => u64::from(self.input.byte()?),
            b'T' => self.input.signed_length()?,
            b'B' => u64::from(u32::from_le_bytes(self.input.array()?)),
            _ => u64::from_le_bytes(self.input.array()?),
        };
        let value = match self.short(length)? {
            Some(text) => Value::Bytes(text),
            None => payload::bytes(&mut self.input, length, self.rows)?,
        };
        self.push(value)
    }

    fn text(&mut self, opcode: u8) -> Result<(), PickleError> {
        let length = match opcode {
            0x8c => u64::from(self.input.byte()?),
            b'X' => u64::from(u32::from_le_bytes(self.input.array()?)),
            _ => u64::from_le_bytes(self.input.array()?),
        };
        let value = match self.short(length)? {
            Some(text) => Value::Str(text),
            None => payload::text(&mut self.input, length, self.rows)?,
        };
        if self.heap.text(value).is_some_and(|bytes| str::from_utf8(bytes).is_err()) {
            return Err(PickleError::Malformed("a text is no UTF-8"));
        }
        self.push(value)
    }

    /// Reads a text that is shorter than a row; all that is longer can but be pixels, of which there is one array.
    fn short(&mut self, length: u64) -> Result<Option<Text>, PickleError> {
        match usize::try_from(length) {
            Ok(length) if length < ROW => {
                let input = &mut self.input;
                self.heap.add_text(length, |room| input.fill(room)).map(Some)
            }
            _ if std::mem::replace(&mut self.pixels_seen, true) => {
                Err(PickleError::form("it has a second array, or a long text"))
            }
            _ => Ok(None),
        }
    }

    fn tuple(&mut self, count: usize) -> Result<(), PickleError> {
        let items: Vec<Value> = self.take(count)?.collect();
        self.push_new(|heap| heap.add_tuple(items))
    }

    fn extend_list(&mut self, count: usize) -> Result<(), PickleError> {
        let items: Vec<Value> = self.take(count)?.collect();
        let list = self.top()?;
        self.heap.list_mut(list).ok_or(PickleError::Malformed("it appends to what is no list"))?.extend(items);
        Ok(())
    }

    fn extend_dict(&mut self, count: usize) -> Result<(), PickleError> {
        let items: Vec<Value> = self.take(count)?.collect();
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(PickleError::Malformed("a key has no value"));
        }
        let dict = self.heap.dict_mut(dict).ok_or(PickleError::Malformed("it sets a key of what is no dictionary"))?;
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn remember(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = match opcode {
            b'q' => u32::from(self.input.byte()?),
            b'r' => u32::from_le_bytes(self.input.array()?),
            _ => u32::try_from(self.memo.len()).unwrap_or(u32::MAX),
        };
        if self.memo.len() == MAX_VALUES {
            return Err(PickleError::Limit { what: "memo entries", limit: MAX_VALUES });
        }
        let value = self.top()?;
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = match opcode {
            b'h' => u32::from(self.input.byte()?),
            _ => u32::from_le_bytes(self.input.array()?),
        };
        let value = self.memo.get(&index).copied().ok_or(PickleError::Malformed("it recalls what it never kept"))?;
        self.push(value)
    }

    fn global(&mut self, opcode: u8) -> Result<(), PickleError> {
        let global = if opcode == b'c' {
            let module = self.input.line()?;
            Global::named(&module, &self.input.line()?)?
        } else {
            let [module, name] = self.pop()?;
            let text = |value| self.heap.text(value).map(|bytes| bytes.escape_ascii().to_string());
            match (text(module), text(name)) {
                (Some(module), Some(name)) => Global::named(&module, &name)?,
                _ => return Err(PickleError::Malformed("it names a callable by what is no text")),
            }
        };
        self.push(Value::Global(global))
    }
}
