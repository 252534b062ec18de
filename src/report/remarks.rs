//! What a plan says besides its steps: orphans, neighbours, differences that are left alone, and what could not be read.

use std::fmt::Write as _;

use super::lines::scalar;
use super::style::{CHANGED, FAINT, HOLE, REMOVED, STRONG, paint};
use crate::desired::Ignored;
use crate::diff::{Change, join, split};
use crate::plan::{Mode, Plan, Silenced, Unread};

/// Writes all remarks, each group under its heading.
pub fn write(out: &mut String, plan: &Plan) {
    orphans(out, plan);
    neighbours(out, plan);
    ignored(out, plan);
    unread(out, plan);
    left_out(out, plan.left_out);
}

fn left_out(out: &mut String, count: usize) {
    if count > 0 {
        let what = if count == 1 { "1 more change is".to_owned() } else { format!("{count} more changes are") };
        let _ = writeln!(out, "\n{}", paint(FAINT, format!("{what} left out by --target")));
    }
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "\n{}", paint(STRONG, text));
}

fn orphans(out: &mut String, plan: &Plan) {
    if plan.orphans.is_empty() {
        return;
    }
    heading(out, "owned, but declared no more");
    for (address, orphan) in &plan.orphans {
        let _ = writeln!(out, "  {} {}  {}", paint(FAINT, "?"), address, paint(FAINT, &orphan.name));
    }
    let _ = writeln!(out, "  {}", paint(FAINT, "kept; `--prune` deletes them"));
}

fn neighbours(out: &mut String, plan: &Plan) {
    if plan.neighbours.is_empty() || plan.choices.mode == Mode::Destroy {
        return;
    }
    heading(out, "named like this environment's, but not its own");
    for neighbour in &plan.neighbours {
        let _ = writeln!(out, "  {} {}  {}", paint(HOLE, "?"), neighbour.sort(), neighbour.name);
    }
    let _ = writeln!(out, "  {}", paint(FAINT, "left alone; to take one over, declare it and `scones adopt` it"));
}

fn ignored(out: &mut String, plan: &Plan) {
    if plan.ignored.is_empty() && plan.desired.expired.is_empty() {
        return;
    }
    heading(out, "ignored");
    for Silenced { rule, changes } in &plan.ignored {
        let _ = writeln!(out, "  {} {}", paint(FAINT, "="), rule.place());
        for change in changes {
            let _ = writeln!(out, "      {}", paint(FAINT, what(rule, change)));
        }
        let _ = writeln!(out, "      until {}: {}", rule.until, rule.reason);
    }
    for rule in &plan.desired.expired {
        let _ = writeln!(out, "  {} {}", paint(CHANGED, "!"), rule.place());
        let _ = writeln!(out, "      no more since {}: it counts again, or give a new `until`", rule.until);
    }
}

/// The values of a change that is left alone: live, and declared.
fn what(rule: &Ignored, change: &Change) -> String {
    let value = |side: &Option<serde_json::Value>| match side {
        None => "nothing".to_owned(),
        Some(value) if value.is_object() || value.is_array() => "a document".to_owned(),
        Some(value) => scalar(value),
    };
    let below = join(&split(&change.path)[rule.path.len()..]);
    let place = if below.is_empty() { String::new() } else { format!("{below}: ") };
    format!("{place}is {}, declared {}", value(&change.from), value(&change.to))
}

fn unread(out: &mut String, plan: &Plan) {
    if plan.unread().next().is_none() {
        return;
    }
    heading(out, "unknown: could not be read");
    let mut helps: Vec<&str> = vec![];
    for (what, Unread { why, help, .. }) in plan.unread() {
        let _ = writeln!(out, "  {} {what}\n      {why}", paint(REMOVED, "?"));
        helps.extend(help.as_deref().filter(|help| !helps.contains(help)));
    }
    for help in helps {
        let _ = writeln!(out, "  {help}");
    }
}
