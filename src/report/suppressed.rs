//! What a plan does not show, and why: defaults that are folded, members that nobody looks at, tags that are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::style::{FAINT, STRONG, paint};
use crate::address::Address;
use crate::desired::Desired;
use crate::kind::answer::{Answer, Fate};
use crate::kind::{AnyKind, Registry};
use crate::plan::{Observed, silenced};

/// How wide the text is at most.
const WIDTH: usize = 80;

/// All that a plan leaves out.
#[derive(Debug, Serialize)]
pub struct Suppressed {
    /// Of each kind that is declared, what its answers hold besides what the plan compares.
    pub kinds: Vec<Left>,
    /// Of each live resource, the keys of the tags that `ignore_tags` silences.
    pub tags: BTreeMap<Address, Vec<String>>,
}

/// What is left out of one answer of one kind.
#[derive(Debug, Serialize)]
pub struct Left {
    pub section: &'static str,
    /// As IAM names it.
    pub operation: &'static str,
    pub folded: Vec<Folded>,
    pub ignored: Vec<Ignored>,
}

/// A member that counts as declared where it is its default.
#[derive(Debug, Serialize)]
pub struct Folded {
    pub member: &'static str,
    pub field: &'static str,
    pub default: &'static str,
    pub why: &'static str,
}

/// A member that nobody looks at.
#[derive(Debug, Serialize)]
pub struct Ignored {
    pub member: &'static str,
    pub why: &'static str,
}

/// Collects what a plan of these leaves out.
pub fn suppressed(desired: &Desired, observed: &Observed, registry: &Registry) -> Suppressed {
    let sections: BTreeSet<&str> = desired.resources.keys().map(|address| address.section.as_str()).collect();
    let kinds = registry.iter().filter(|kind| sections.contains(kind.section())).flat_map(left);
    let tags = observed.resources.iter().filter_map(|(address, live)| {
        let wanted = &desired.resources.get(address)?.tags;
        let keys = silenced(live.tags.as_ref()?, wanted, &desired.ignore_tags);
        (!keys.is_empty()).then(|| (address.clone(), keys))
    });
    Suppressed { kinds: kinds.collect(), tags: tags.collect() }
}

fn left(kind: &dyn AnyKind) -> Vec<Left> {
    let mut found: Vec<Left> = vec![];
    for Answer { operation, members } in kind.answers() {
        let at = match found.iter().position(|left| left.operation == *operation) {
            Some(at) => at,
            None => {
                found.push(Left { section: kind.section(), operation, folded: vec![], ignored: vec![] });
                found.len() - 1
            }
        };
        for member in *members {
            match (member.fate, member.path) {
                (Fate::Compared { .. }, _) => {}
                (Fate::Folded { field, default, why }, member) => {
                    found[at].folded.push(Folded { member, field, default, why });
                }
                (Fate::Ignored { why }, member) => found[at].ignored.push(Ignored { member, why }),
            }
        }
    }
    found.retain(|left| !left.folded.is_empty() || !left.ignored.is_empty());
    found
}

/// Renders it: by section and answer, members of one reason together.
pub fn text(suppressed: &Suppressed) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", paint(STRONG, "Left out of this plan"));
    let _ = writeln!(out, "= counts as declared where it says this, or nothing");
    let _ = writeln!(out, "- is not looked at");
    let mut section = "";
    for left in &suppressed.kinds {
        if section != left.section {
            section = left.section;
            let _ = writeln!(out, "\n{}", paint(STRONG, section));
        }
        let _ = writeln!(out, "  {}", left.operation);
        for (why, some) in by_reason(&left.folded, |one| one.why) {
            write_folded(&mut out, &some);
            write_why(&mut out, why);
        }
        for (why, some) in by_reason(&left.ignored, |one| one.why) {
            let members: Vec<&str> = some.iter().map(|one| one.member).collect();
            write_lines(&mut out, "    - ", "      ", &members.join(", "));
            write_why(&mut out, why);
        }
    }
    let _ = writeln!(out, "\n{}", paint(STRONG, "tags, by `ignore_tags`"));
    if suppressed.tags.is_empty() {
        let _ = writeln!(out, "  none");
    }
    for (address, keys) in &suppressed.tags {
        let _ = writeln!(out, "  {address}");
        let keys: Vec<String> = keys.iter().map(|key| super::plain::one_line(key)).collect();
        write_lines(&mut out, "    - ", "      ", &keys.join(", "));
    }
    out
}

/// Groups by reason, in the order in which the reasons first come.
fn by_reason<T>(all: &[T], why: fn(&T) -> &'static str) -> Vec<(&'static str, Vec<&T>)> {
    let mut groups: Vec<(&'static str, Vec<&T>)> = vec![];
    for one in all {
        match groups.iter_mut().find(|(reason, _)| *reason == why(one)) {
            Some((_, some)) => some.push(one),
            None => groups.push((why(one), vec![one])),
        }
    }
    groups
}

/// Members with their defaults, these below each other.
fn write_folded(out: &mut String, some: &[&Folded]) {
    const MOST: usize = 50;
    let width = some.iter().map(|one| one.member.len()).filter(|length| *length <= MOST).max().unwrap_or_default();
    for (index, one) in some.iter().enumerate() {
        let sign = if index == 0 { "    = " } else { "      " };
        if one.member.len() > width || sign.len() + width + 2 + one.default.len() > WIDTH {
            write_lines(out, sign, "      ", one.member);
            write_lines(out, "        ", "        ", one.default);
        } else {
            let _ = writeln!(out, "{sign}{:width$}  {}", one.member, one.default);
        }
    }
}

fn write_why(out: &mut String, why: &str) {
    for line in wrapped(why, WIDTH - 8) {
        let _ = writeln!(out, "        {}", paint(FAINT, line));
    }
}

fn write_lines(out: &mut String, first: &str, next: &str, text: &str) {
    for (index, line) in wrapped(text, WIDTH - first.len().max(next.len())).into_iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if index == 0 { first } else { next });
    }
}

/// Breaks text between words, and names that are too long for a line after a dot.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut add = |piece: &str, space: bool| {
        let Some(line) = lines.last_mut() else { return };
        let gap = usize::from(space && !line.is_empty());
        if line.is_empty() || line.chars().count() + gap + piece.chars().count() <= width {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(piece);
        } else {
            lines.push(piece.to_owned());
        }
    };
    for word in text.split(' ') {
        if word.chars().count() <= width {
            add(word, true);
        } else {
            word.split_inclusive('.').enumerate().for_each(|(index, piece)| add(piece, index == 0));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::registry;

    fn all() -> Suppressed {
        let kinds = registry().iter().flat_map(left).collect();
        Suppressed { kinds, tags: [(Address::new("roles", "run"), vec!["backup:plan".to_owned()])].into() }
    }

    #[test]
    fn every_member_that_is_left_out_is_named_with_its_reason() {
        let text = anstream::adapter::strip_str(&text(&all())).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for left in all().kinds {
            assert!(whole.contains(left.operation), "{}", left.operation);
            let folded = left.folded.iter().map(|one| (one.member, one.why));
            for (member, why) in folded.chain(left.ignored.iter().map(|one| (one.member, one.why))) {
                assert!(whole.replace(' ', "").contains(member) && whole.contains(why), "{member}: {why}");
            }
        }
        assert!(text.contains("  roles.run\n    - backup:plan\n"), "{text}");
    }

    #[test]
    fn long_names_are_broken_after_a_dot() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a Long.Name.Of.Something", 10), ["a Long.", "Name.Of.", "Something"]);
        assert_eq!(wrapped("", 10), [""]);
    }
}
