//! What an offline check found wrong in a JSON document, and where.

use std::fmt;

/// One thing wrong in a document: where it is, what is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The way from the document's root to the offending value: map keys, and list indexes as decimal text.
    pub path: Vec<String>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What would be right, where that is known.
    pub help: Option<String>,
}

impl Finding {
    /// Makes a finding at a path.
    #[must_use]
    pub fn new(path: &[String], message: impl Into<String>) -> Self {
        Self { path: path.to_vec(), message: message.into(), help: None }
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest of the known names as help, when one is near enough to be meant.
    #[must_use]
    pub fn nearest_of<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(name) = nearest(written, known) {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Returns the path one step further down.
#[must_use]
pub fn below(path: &[String], segment: impl ToString) -> Vec<String> {
    let mut longer = path.to_vec();
    longer.push(segment.to_string());
    longer
}

/// Returns the known name that a misspelt one most likely stands for, if any is near enough.
///
/// Case is ignored, because a wrong capital is the commonest slip in AWS's documents. The first of equally near
/// names wins, so the answer does not depend on anything but the order of `known`.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody misspells a name this long, and the comparison's cost is the product of the lengths.
    const LONGEST: usize = 100;
    let folded: Vec<char> = written.to_lowercase().chars().collect();
    if folded.is_empty() || folded.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let candidate: Vec<char> = name.to_lowercase().chars().collect();
        if candidate.len() > LONGEST {
            continue;
        }
        let far = distance(&folded, &candidate);
        let tolerated = (folded.len().max(candidate.len()) / 3).max(1);
        if far <= tolerated && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Counts the slips of the fingers that lie between two words: letters too many, missing, wrong, or swapped.
#[must_use]
pub fn slips(one: &str, other: &str) -> usize {
    distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
}

/// Counts the insertions, deletions, substitutions and swaps of neighbours that turn one word into another.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, &ours) in from.iter().enumerate() {
        let mut current = Vec::with_capacity(to.len() + 1);
        current.push(row + 1);
        for (column, &theirs) in to.iter().enumerate() {
            let substituted = above[column] + usize::from(ours != theirs);
            let mut least = substituted.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && ours == to[column - 1] && from[row - 1] == theirs {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant() {
        let known = ["Resource", "NotResource", "Action"];
        assert_eq!(nearest("Resources", known), Some("Resource"));
        assert_eq!(nearest("resource", known), Some("Resource"));
        assert_eq!(nearest("Acitno", known), Some("Action"));
        assert_eq!(nearest("Elephant", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn shows_where_and_what() {
        let finding = Finding::new(&["States".into(), "A".into()], "no `Type`").help("add one");
        assert_eq!(finding.to_string(), "States.A: no `Type` (add one)");
        assert_eq!(Finding::new(&[], "not a map").to_string(), "not a map");
    }
}
