//! What came of an apply, as text.

use std::fmt::Write as _;

use super::style::{ADDED, HOLE, REMOVED, STRONG, paint};
use crate::apply::Outcome;
use crate::plan::Action;

/// Renders an outcome; `again` is the command that goes on where this one ended.
pub fn text(outcome: &Outcome, again: &str) -> String {
    let mut out = String::new();
    for failure in &outcome.failed {
        let _ = writeln!(out, "{} {}: {}", paint(REMOVED, "failed"), paint(STRONG, &failure.address), failure.message);
        if let Some(help) = &failure.help {
            let _ = writeln!(out, "       {help}");
        }
    }
    for (address, reason) in &outcome.blocked {
        let _ = writeln!(out, "{} {}: {reason}", paint(HOLE, "blocked"), paint(STRONG, address));
    }
    if !outcome.left.is_empty() {
        let names: Vec<String> = outcome.left.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "not begun: {}", names.join(", "));
    }
    let deleted = outcome.done.iter().filter(|done| done.action == Action::Delete).count();
    let made = outcome.done.len() - deleted;
    let mut parts = vec![];
    if made > 0 || deleted == 0 {
        parts.push(format!("{made} applied"));
    }
    if deleted > 0 {
        parts.push(format!("{deleted} deleted"));
    }
    if !outcome.failed.is_empty() {
        parts.push(format!("{} failed", outcome.failed.len()));
    }
    if !outcome.blocked.is_empty() {
        parts.push(format!("{} blocked", outcome.blocked.len()));
    }
    let word = match (outcome.interrupted, outcome.succeeded()) {
        (true, _) => paint(REMOVED, "Interrupted"),
        (false, true) => paint(ADDED, "Done"),
        (false, false) => paint(REMOVED, "Failed"),
    };
    let _ = write!(out, "{word}: {}.", parts.join(", "));
    if !outcome.succeeded() || outcome.interrupted {
        let _ = write!(out, "\nTo go on from here: {again}");
    }
    out
}
