//! Text from elsewhere (S3 keys, causes of errors) made safe for one line of a terminal.

/// Text on one line: white space becomes single spaces, and what would move the cursor, colour the line or turn the
/// direction of writing is shown as `�`.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a character is a control character, or one of Unicode's marks that reorder text.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of at most `most` characters; what is too long loses its end.
pub fn shortened(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// One line of at most `most` characters; what is too long loses its beginning, since the end of a key tells the most.
pub fn tail(text: &str, most: usize) -> String {
    let line = one_line(text);
    let length = line.chars().count();
    if length <= most {
        return line;
    }
    let kept: String = line.chars().skip(length - most.saturating_sub(1)).collect();
    format!("…{kept}")
}

/// Breaks a line between words; what follows the first line is indented.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let mut lines: Vec<String> = vec![];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{INDENT}{word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(one_line("a\n\tb\u{1b}[31mred\u{202e}c\u{7}"), "a b�[31mred�c�");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shortened("the end is near", 9), "the end…");
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(tail("pictures/test/bicycle-0001.png", 17), "…bicycle-0001.png");
        assert_eq!(tail("kéy", 3), "kéy");
        assert_eq!((shortened("ab", 0), tail("ab", 1)), ("…".into(), "…".into()));
    }
}
