//! A plan as text: grouped by kind, changed words marked, one line of summary last.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::lines::{changed, lines, scalar};
use super::style::{ADDED, CHANGED, FAINT, HOLE, REMOVED, STRONG, paint};
use super::{remarks, rollout};
use crate::diff::{Cause, Change, Rule, rule_holds, split};
use crate::kind::{AnyKind, Registry};
use crate::plan::{Action, Mode, Plan, Step, Summary};

/// Renders drift: what was applied on the left, what is there now on the right, and what is gone.
pub fn drift(plan: &Plan, registry: &Registry) -> String {
    let words = |action| match action {
        Action::Create => (paint(REMOVED, "-"), "gone:"),
        _ => (paint(CHANGED, "~"), "changed:"),
    };
    text_in(&turned(plan), registry, words, false)
}

/// Drift as it came about: from what was applied to what is there now.
pub fn turned(plan: &Plan) -> Plan {
    let mut turned = plan.clone();
    for step in &mut turned.steps {
        if step.action == Action::Create {
            step.to = None;
        }
        for change in &mut step.changes {
            std::mem::swap(&mut change.from, &mut change.to);
        }
        if let (Some(from), Some(to)) = (&mut step.from, &mut step.to) {
            std::mem::swap(&mut from.state, to);
        }
    }
    turned
}

/// Renders a plan.
pub fn text(plan: &Plan, registry: &Registry) -> String {
    text_in(plan, registry, sign, true)
}

/// How an action is signed and called.
type Words = fn(Action) -> (String, &'static str);

/// `ahead` says whether the steps are still to be carried out.
fn text_in(plan: &Plan, registry: &Registry, words: Words, ahead: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", paint(STRONG, format!("{} / {}", plan.app, plan.environment)));
    let _ = writeln!(out, "{}", paint(FAINT, format!("account {}, {}", plan.account, plan.region)));
    if let Some(bucket) = &plan.bootstrap {
        let _ = writeln!(
            out,
            "\n{} bucket {bucket} {}",
            paint(ADDED, "+"),
            paint(FAINT, "for packages; shared by all environments, kept by destroy")
        );
    }
    let mut section = "";
    for step in sorted(plan, registry) {
        let Some(kind) = registry.get(&step.address.section) else { continue };
        if section != step.address.section {
            section = &step.address.section;
            let _ = writeln!(out, "\n{}", paint(STRONG, kind.section()));
        }
        write_step(&mut out, step, kind, plan, words, ahead);
    }
    remarks::write(&mut out, plan);
    for conflict in &plan.conflicts {
        let _ = writeln!(out, "\n{} {}: {}", paint(REMOVED, "!"), paint(STRONG, &conflict.address), conflict.message);
        let _ = writeln!(out, "  {}", conflict.help);
    }
    let _ = writeln!(out, "\n{}", summary(&plan.summary, plan.choices.mode));
    out
}

/// Steps by section, in the order of the file's sections, so that what belongs together stands together.
pub fn sorted<'a>(plan: &'a Plan, registry: &Registry) -> Vec<&'a Step> {
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.sort_by_key(|step| registry.rank(&step.address.section));
    steps
}

/// The sign and the word of an action.
pub fn sign(action: Action) -> (String, &'static str) {
    match action {
        Action::Create => (paint(ADDED, "+"), "create"),
        Action::Update => (paint(CHANGED, "~"), "change"),
        Action::Replace => (paint(REMOVED, "±"), "replace"),
        Action::Delete => (paint(REMOVED, "-"), "delete"),
        Action::Collect => (paint(FAINT, "-"), "remove old"),
        Action::Wait => (paint(CHANGED, "…"), "wait for"),
        Action::Blocked => (paint(HOLE, "?"), "blocked"),
    }
}

/// What a terminal has at least, and what of it is left of a step's lines.
const WIDTH: usize = 80;
const STEP_INDENT: usize = 6;

fn write_step(out: &mut String, step: &Step, kind: &dyn AnyKind, plan: &Plan, words: Words, ahead: bool) {
    let (sign, word) = words(step.action);
    let _ = writeln!(out, "  {sign} {}  {}", paint(STRONG, &step.address.name), paint(FAINT, format!("{word} {}", step.name)));
    if let Some(reason) = &step.reason {
        let _ = writeln!(out, "      {reason}");
    }
    if let Some(rollout) = rollout::line(step, kind, plan, WIDTH - STEP_INDENT).filter(|_| ahead) {
        let _ = writeln!(out, "      {}", paint(FAINT, rollout));
    }
    if let Some(age) = step.from.as_ref().and_then(|live| live.look.age).filter(|age| *age >= SHOWN_AGE) {
        let _ = writeln!(out, "      {}", paint(FAINT, format!("drift was last looked for {} ago", ago(age))));
    }
    if !step.generations.is_empty() {
        let _ = writeln!(out, "      {}", step.generations.join(", "));
    }
    match (&step.to, step.action) {
        (Some(state), Action::Create) => write_new(out, state, step, kind, plan),
        (Some(_), _) => write_changes(out, step, kind),
        _ => {}
    }
    for line in step.who.iter().flat_map(|who| super::who::lines(who, WIDTH - STEP_INDENT)) {
        let _ = writeln!(out, "      {}", paint(FAINT, line));
    }
}

/// What is younger counts as seen now.
const SHOWN_AGE: Duration = Duration::from_secs(60);

/// An age in its largest unit.
fn ago(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds >= 2 * 86_400 => format!("{} days", seconds / 86_400),
        seconds if seconds >= 3_600 => format!("{} h", seconds / 3_600),
        seconds => format!("{} min", seconds / 60),
    }
}

/// The longest document that a creation shows whole, in lines; the JSON form always has it.
const LONGEST_DOCUMENT: usize = 40;

fn write_new(out: &mut String, state: &Value, step: &Step, kind: &dyn AnyKind, plan: &Plan) {
    let holes = plan.desired.resources.get(&step.address).map(|resource| &resource.holes);
    for (field, value) in state.as_object().into_iter().flatten() {
        let is_document = rule_holds(kind.fields(), &[field], Rule::Document);
        let shown = shown(value, &mut vec![field.clone()], kind);
        if is_empty(&shown) {
            continue;
        }
        let shown = lines(&Value::Object([(field.clone(), shown)].into_iter().collect()));
        if is_document && shown.len() > LONGEST_DOCUMENT {
            let note = paint(FAINT, format!("{} lines; --format json shows them", shown.len() - 1));
            let _ = writeln!(out, "      {} {note}", paint(ADDED, format!("{field}:")));
            continue;
        }
        for line in shown {
            let hole = holes.into_iter().flatten().find(|hole| line.contains(&format!("${{{hole}}}")));
            let note = hole
                .map(|hole| format!("  {}", paint(HOLE, format!("known once {} is there", source_of(hole)))))
                .unwrap_or_default();
            let _ = writeln!(out, "      {}{note}", paint(ADDED, line));
        }
    }
}

/// A new value without what says nothing, and without secrets.
pub fn shown(value: &Value, path: &mut Vec<String>, kind: &dyn AnyKind) -> Value {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    if rule_holds(kind.fields(), &keys, Rule::Secret) {
        return if is_empty(value) { Value::Null } else { "(hidden)".into() };
    }
    if rule_holds(kind.fields(), &keys, Rule::Derived) {
        return Value::Null;
    }
    if rule_holds(kind.fields(), &keys, Rule::Document) {
        return value.clone();
    }
    match value {
        Value::Object(map) => {
            let mut inner = serde_json::Map::new();
            for (key, value) in map {
                path.push(key.clone());
                inner.insert(key.clone(), shown(value, path, kind));
                path.pop();
            }
            without_empty(&Value::Object(inner))
        }
        other => other.clone(),
    }
}

/// A value without what says nothing: most members of a state are defaults.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), without_empty(value)))
            .filter(|(_, value)| !is_empty(value))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn source_of(hole: &str) -> &str {
    hole.rsplit_once('.').map_or(hole, |(source, _)| source)
}

/// Whether a value says nothing.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}

fn write_changes(out: &mut String, step: &Step, kind: &dyn AnyKind) {
    let mut shown_documents: Vec<Vec<String>> = vec![];
    for change in &step.changes {
        let path = split(&change.path);
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let document = (1..=keys.len()).find(|length| rule_holds(kind.fields(), &keys[..*length], Rule::Document));
        match (document, &step.from, &step.to) {
            (Some(length), Some(from), Some(to)) => {
                let path = path[..length].to_vec();
                if shown_documents.contains(&path) {
                    continue;
                }
                let of_document = step.changes.iter().filter(|other| split(&other.path).starts_with(&path));
                let cause = of_document.filter_map(|change| change.cause).next();
                let _ = writeln!(out, "      {}{}", path.join("."), note(cause, change.replaces));
                let (old, new) = (at(&from.state, &path), at(to, &path));
                write_indented(out, changed(&old, &new));
                shown_documents.push(path);
            }
            _ => write_change(out, change),
        }
    }
}

fn write_change(out: &mut String, change: &Change) {
    let note = note(change.cause, change.replaces);
    let nested = |value: &Option<Value>| value.as_ref().is_some_and(|value| value.is_object() || value.is_array());
    if nested(&change.from) || nested(&change.to) {
        let side = |value: &Option<Value>| value.clone().unwrap_or(Value::Null);
        let _ = writeln!(out, "      {}{note}", change.path);
        let shown = match (&change.from, &change.to) {
            (None, Some(value)) => lines(value).into_iter().map(|line| paint(ADDED, format!("+ {line}"))).collect(),
            (Some(value), None) => lines(value).into_iter().map(|line| paint(REMOVED, format!("- {line}"))).collect(),
            _ => changed(&side(&change.from), &side(&change.to)),
        };
        write_indented(out, shown);
        return;
    }
    let _ = match (&change.from, &change.to) {
        (Some(from), Some(to)) => {
            writeln!(out, "      {}: {} → {}{note}", change.path, paint(REMOVED, scalar(from)), paint(ADDED, scalar(to)))
        }
        (None, Some(to)) => writeln!(out, "      {}: {}{note}", change.path, paint(ADDED, format!("+ {}", scalar(to)))),
        (Some(from), None) => writeln!(out, "      {}: {}{note}", change.path, paint(REMOVED, format!("- {}", scalar(from)))),
        (None, None) => Ok(()),
    };
}

fn write_indented(out: &mut String, lines: Vec<String>) {
    for line in lines {
        let _ = writeln!(out, "        {line}");
    }
}

/// What there is to say of a change besides its values.
pub fn note(cause: Option<Cause>, replaces: bool) -> String {
    let cause = match cause {
        Some(Cause::Drifted) => Some("changed outside"),
        Some(Cause::Both) => Some("changed in the file and outside"),
        Some(Cause::Unknown) => Some("changed in the file or outside"),
        Some(Cause::Declared) | None => None,
    };
    let mut out = String::new();
    if let Some(text) = cause {
        let _ = write!(out, "  {}", paint(CHANGED, text));
    }
    if replaces {
        let _ = write!(out, "  {}", paint(REMOVED, "cannot change in place"));
    }
    out
}

/// What a path of keys leads to; nothing if it leads nowhere.
pub fn at(value: &Value, path: &[String]) -> Value {
    path.iter().try_fold(value, |value, key| value.get(key)).cloned().unwrap_or(Value::Null)
}

/// The one line that says it all.
pub fn summary(summary: &Summary, mode: Mode) -> String {
    let mut parts = vec![];
    let mut add = |count: usize, text: &str| {
        if count > 0 {
            parts.push(format!("{count} {text}"));
        }
    };
    add(summary.create, "to create");
    add(summary.update, "to change");
    add(summary.replace, "to replace");
    add(summary.delete, "to delete");
    add(summary.collect, "to tidy up");
    let acting = !parts.is_empty();
    let mut parts_after = vec![];
    let mut add = |count: usize, text: &str| {
        if count > 0 {
            parts_after.push(format!("{count} {text}"));
        }
    };
    add(summary.unchanged, "unchanged");
    add(summary.blocked, "blocked");
    add(summary.orphan, if summary.orphan == 1 { "orphan" } else { "orphans" });
    add(summary.unmanaged, "unmanaged");
    add(summary.ignored, "ignored");
    add(summary.unknown, "unknown");
    if !acting {
        let nothing = if mode == Mode::Destroy { "Nothing to delete" } else { "Nothing to do" };
        return if parts_after.is_empty() { format!("{nothing}.") } else { format!("{nothing}: {}.", parts_after.join(", ")) };
    }
    parts.extend(parts_after);
    format!("Plan: {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_their_largest_unit() {
        let said: Vec<String> = [60, 3_599, 3_600, 100_000, 172_800].map(Duration::from_secs).into_iter().map(ago).collect();
        assert_eq!(said, ["1 min", "59 min", "1 h", "27 h", "2 days"]);
    }
}
