//! How two environments differ, as text within a terminal's width.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::lines::{lines, scalar};
use super::plain::shortened;
use super::style::{ADDED, FAINT, REMOVED, STRONG, paint};
use crate::address::Address;
use crate::compare::Comparison;
use crate::diff::Change;

/// What a terminal has at least.
const WIDTH: usize = 80;

/// Renders a comparison; what it comes to stands last.
pub fn text(comparison: &Comparison) -> String {
    let Comparison { app, from, to, .. } = comparison;
    let mut out = vec![paint(STRONG, format!("{app}: {from} → {to}"))];
    only(&mut out, &format!("only in {from}"), &comparison.only_from, &paint(REMOVED, "-"));
    only(&mut out, &format!("only in {to}"), &comparison.only_to, &paint(ADDED, "+"));
    if !comparison.settings.is_empty() {
        out.extend([String::new(), paint(STRONG, "settings")]);
        comparison.settings.iter().for_each(|one| change(&mut out, one));
    }
    for one in &comparison.differing {
        out.extend([String::new(), paint(STRONG, &one.address)]);
        one.changes.iter().for_each(|one| change(&mut out, one));
    }
    out.extend([String::new(), verdict(comparison)]);
    out.join("\n")
}

fn verdict(comparison: &Comparison) -> String {
    let Comparison { from, to, same, .. } = comparison;
    if comparison.is_empty() {
        return format!("{from} and {to} say the same: {same} resources.");
    }
    let count = |count: usize, what: &str| format!("{count} {what}");
    let parts = [
        count(*same, "alike"),
        count(comparison.differing.len(), "differ"),
        count(comparison.only_from.len(), &format!("only in {from}")),
        count(comparison.only_to.len(), &format!("only in {to}")),
    ];
    let settings = match comparison.settings.len() {
        0 => String::new(),
        1 => "; 1 setting differs".to_owned(),
        count => format!("; {count} settings differ"),
    };
    format!("Resources: {}{settings}.", parts.join(", "))
}

fn only(out: &mut Vec<String>, heading: &str, addresses: &[Address], sign: &str) {
    if !addresses.is_empty() {
        out.extend([String::new(), paint(STRONG, heading)]);
        out.extend(addresses.iter().map(|address| format!("  {sign} {address}")));
    }
}

/// One difference: on one line where it fits, else below its path.
fn change(out: &mut Vec<String>, change: &Change) {
    let nested = |value: &Option<Value>| value.as_ref().is_some_and(|value| value.is_object() || value.is_array());
    let side = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), scalar);
    let (from, to) = (side(&change.from), side(&change.to));
    let length = change.path.chars().count() + from.chars().count() + to.chars().count();
    if !nested(&change.from) && !nested(&change.to) && length + 7 <= WIDTH && !from.contains('\n') && !to.contains('\n') {
        out.push(format!("  {}: {} → {}", change.path, paint(REMOVED, from), paint(ADDED, to)));
        return;
    }
    out.push(format!("  {}", shortened(&change.path, WIDTH - 2)));
    let text = |value: &Option<Value>| value.as_ref().map_or(String::new(), |value| lines(value).join("\n") + "\n");
    let (old, new) = (text(&change.from), text(&change.to));
    for one in TextDiff::from_lines(&old, &new).iter_all_changes() {
        let (sign, style) = match one.tag() {
            ChangeTag::Delete => ("-", REMOVED),
            ChangeTag::Insert => ("+", ADDED),
            ChangeTag::Equal => continue,
        };
        out.push(format!("    {}", paint(style, format!("{sign} {}", kept(one.value())))));
    }
    if old == new {
        out.push(paint(FAINT, "    in its type"));
    }
}

/// A line without its end, cut to the width; its indentation stays.
fn kept(line: &str) -> String {
    let line = line.trim_end_matches('\n');
    let indent = line.len() - line.trim_start().len();
    let indent = indent.min(WIDTH / 2);
    format!("{}{}", " ".repeat(indent), shortened(line, WIDTH - 6 - indent))
}
