//! The bytes of a pickle, counted.

use std::io::BufRead;

use super::PickleError;

/// A reader that knows how far it is.
pub struct Input<R> {
    reader: R,
    offset: u64,
}

impl<R: BufRead> Input<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, offset: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<(), PickleError> {
        self.reader.read_exact(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Result<u8, PickleError> {
        let byte = *self.reader.fill_buf()?.first().ok_or(PickleError::Truncated)?;
        self.reader.consume(1);
        self.offset += 1;
        Ok(byte)
    }

    /// A length in four bytes. Protocol 2 has it signed; a negative one is refused.
    pub fn signed_length(&mut self) -> Result<u64, PickleError> {
        u64::try_from(i32::from_le_bytes(self.array()?)).map_err(|_| PickleError::Malformed("a length is negative"))
    }

    /// A line of GLOBAL, without its end.
    pub fn line(&mut self) -> Result<String, PickleError> {
        /// The longest name on the list has 23 bytes.
        const LONGEST: usize = 64;
        let mut line = String::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(line),
                _ if line.len() == LONGEST => return Err(PickleError::Global(format!("{line}…"))),
                byte if byte.is_ascii_graphic() => line.push(char::from(byte)),
                byte => line.push_str(&byte.escape_ascii().to_string()),
            }
        }
    }
}
