//! Lines out of a stream of chunks, in bounded memory.

/// A line that came by.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// One that was longer than allowed, and was not kept.
    TooLong,
}

/// Splits chunks at newlines and keeps no more than the longest line that is allowed.
#[derive(Debug)]
pub struct Lines {
    longest: usize,
    kept: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Lines of at most `longest` bytes.
    pub fn new(longest: usize) -> Self {
        Self { longest, kept: vec![], skipping: false }
    }

    /// Takes the next chunk, and gives the lines that end in it. Empty lines are left out.
    pub fn push(&mut self, chunk: &[u8], mut give: impl FnMut(Line)) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(end);
            self.keep(head);
            self.end(&mut give);
            rest = &tail[1..];
        }
        self.keep(rest);
    }

    /// Gives the last line, if it did not end in a newline.
    pub fn finish(mut self, mut give: impl FnMut(Line)) {
        self.end(&mut give);
    }

    fn keep(&mut self, part: &[u8]) {
        self.skipping |= self.kept.len() + part.len() > self.longest;
        if self.skipping {
            self.kept.clear();
        } else {
            self.kept.extend_from_slice(part);
        }
    }

    fn end(&mut self, give: &mut impl FnMut(Line)) {
        if self.skipping {
            give(Line::TooLong);
        } else if !self.kept.trim_ascii().is_empty() {
            give(Line::Whole(&self.kept));
        }
        self.skipping = false;
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]], longest: usize) -> Vec<Option<Vec<u8>>> {
        let mut found = vec![];
        let mut give = |line: Line| {
            found.push(match line {
                Line::Whole(line) => Some(line.to_vec()),
                Line::TooLong => None,
            });
        };
        let mut lines = Lines::new(longest);
        chunks.iter().for_each(|chunk| lines.push(chunk, &mut give));
        lines.finish(&mut give);
        found
    }

    #[test]
    fn lines_cross_chunks_and_the_last_needs_no_end() {
        assert_eq!(split(&[b"on", b"e\ntw", b"o\n\n \nthree"], 10), [b"one".to_vec(), b"two".into(), b"three".into()].map(Some));
    }

    #[test]
    fn a_long_line_is_told_once_and_its_follower_is_read() {
        assert_eq!(split(&[b"1234", b"5678", b"9\nnext"], 4), [None, Some(b"next".to_vec())]);
        assert_eq!(split(&[b"1234\n12345"], 4), [Some(b"1234".to_vec()), None]);
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "[ab\n]{0,60}", size in 1usize..9, longest in 1usize..9) {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let want: Vec<Option<Vec<u8>>> = text
                .split('\n')
                .filter(|line| !line.is_empty())
                .map(|line| (line.len() <= longest).then(|| line.as_bytes().to_vec()))
                .collect();
            prop_assert_eq!(split(&chunks, longest), want);
        }
    }
}
