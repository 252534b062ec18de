//! The syntax of references: `${functions.image-classification.arn}`, `${environment}`, `${pins.classifier}`.

/// A piece of a string that may hold references.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text(&'a str),
    /// The text between `${` and `}`.
    Reference(&'a str),
    /// `${` without its `}`.
    Unclosed(&'a str),
}

/// Splits a string into text and references.
///
/// `$${` stands for a plain `${`. What holds a colon, such as `${aws:username}`, is a variable of AWS's own and stays
/// text, as does the empty `${}`.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = vec![];
    let (mut rest, mut start) = (text, 0);
    while let Some(at) = rest[start..].find("${").map(|at| at + start) {
        if rest[..at].ends_with('$') {
            found.push(Part::Text(&rest[..at - 1]));
            found.push(Part::Text("${"));
            rest = &rest[at + 2..];
            start = 0;
            continue;
        }
        let Some(end) = rest[at..].find('}').map(|end| end + at) else {
            found.push(Part::Text(&rest[..at]));
            found.push(Part::Unclosed(&rest[at..]));
            return found.into_iter().filter(|part| *part != Part::Text("")).collect();
        };
        let inner = &rest[at + 2..end];
        if inner.is_empty() || inner.contains(':') {
            start = end + 1;
            continue;
        }
        found.push(Part::Text(&rest[..at]));
        found.push(Part::Reference(inner));
        rest = &rest[end + 1..];
        start = 0;
    }
    found.push(Part::Text(rest));
    found.into_iter().filter(|part| *part != Part::Text("")).collect()
}

/// Replaces references whose value is known; all others stay as they are written.
///
/// This is how holes are filled: a value that only AWS knows stands in a state as the reference that asks for it.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}').map(|end| end + at) else { break };
        out.push_str(&rest[..at]);
        match value(&rest[at + 2..end]) {
            Some(known) => out.push_str(&known),
            None => out.push_str(&rest[at..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use Part::{Reference, Text, Unclosed};

    #[test]
    fn splits_text_and_references() {
        assert_eq!(parts("s3://${stacks.a.B}/x"), [Text("s3://"), Reference("stacks.a.B"), Text("/x")]);
        assert_eq!(parts("${a}${b}"), [Reference("a"), Reference("b")]);
        assert_eq!(parts("plain"), [Text("plain")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn leaves_what_is_not_ours() {
        assert_eq!(parts("x/${aws:username}/${environment}"), [Text("x/${aws:username}/"), Reference("environment")]);
        assert_eq!(parts("a $${b} c"), [Text("a "), Text("${"), Text("b} c")]);
        assert_eq!(parts("a ${b"), [Text("a "), Unclosed("${b")]);
    }

    #[test]
    fn fills_what_is_known() {
        let known = |name: &str| (name == "a.b").then(|| "1".to_owned());
        assert_eq!(fill("${a.b}-${c.d}-${aws:x}", &known), "1-${c.d}-${aws:x}");
    }
}
