//! A plan or drift as a comment on a pull request or an issue, in GitHub's Markdown.
//!
//! All text from elsewhere stands in code: there GitHub turns no `@name` into a mention and no address into a link.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstream::adapter::strip_str;
use serde_json::Value;

use super::lines::{changed, lines, scalar};
use super::plain::{is_unsafe, one_line, shortened};
use super::plan::{at, is_empty, note, shown, sorted, summary, turned};
use super::risk::{risk, word};
use crate::diff::{Change, Rule, rule_holds, split};
use crate::kind::{AnyKind, Registry};
use crate::plan::{Action, Plan, Step};

/// GitHub takes 65,536 characters; counted as bytes, to be on the safe side.
pub const MOST: usize = 65_000;
/// What the table may take of it, so that there is room for details.
const MOST_ROWS: usize = 20_000;
/// What one resource's details may take.
const MOST_DETAILS: usize = 6_000;
/// Room for what is said of that which is left out.
const RESERVE: usize = 1_000;
/// The longest text of a cell, and the longest line of a difference, in characters.
const LONGEST_CELL: usize = 200;
const LONGEST_LINE: usize = 400;

/// Renders a plan. Its first line tells a workflow which comment to put this one in the place of.
pub fn plan(plan: &Plan, registry: &Registry) -> String {
    let headline = summary(&plan.summary, plan.choices.mode);
    render(plan, registry, &Words { what: "plan", title: "Plan", headline, word, risk })
}

/// Renders drift: what was applied, and what is there now.
pub fn drift(plan: &Plan, registry: &Registry) -> String {
    let gaps = plan.gaps();
    let blind = if gaps > 0 { format!(" {gaps} could not be read.") } else { String::new() };
    let headline = match plan.steps.len() {
        0 if gaps > 0 => format!("Unknown: no drift was seen, but {gaps} could not be read."),
        0 => "No drift: what runs is what was applied.".to_owned(),
        1 => format!("1 resource changed outside.{blind}"),
        count => format!("{count} resources changed outside.{blind}"),
    };
    let word = |step: &Step| if step.action == Action::Create { "gone" } else { "changed" };
    let risk = |step: &Step| u8::from(step.action != Action::Create);
    render(&turned(plan), registry, &Words { what: "drift", title: "Drift", headline, word, risk })
}

struct Words {
    what: &'static str,
    title: &'static str,
    headline: String,
    word: fn(&Step) -> &'static str,
    /// What comes first: 0.
    risk: fn(&Step) -> u8,
}

fn render(plan: &Plan, registry: &Registry, words: &Words) -> String {
    let mut steps = sorted(plan, registry);
    steps.sort_by_key(|step| (words.risk)(step));
    let mut out = format!("<!-- scones:{}:{}/{} -->\n", words.what, plan.app, plan.environment);
    let _ = writeln!(out, "### {}: {}\n", words.title, code(&format!("{} / {}", plan.app, plan.environment)));
    let _ = writeln!(out, "**{}** Account {}, {}.\n", words.headline, code(&plan.account), code(&plan.region));
    if let Some(bucket) = &plan.bootstrap {
        let _ = writeln!(out, "The bucket {} is made first.\n", code(bucket));
    }
    let conflicts = plan.conflicts.iter().map(|conflict| {
        let text = format!("{} ({})", conflict.message, conflict.help);
        format!("> {}: {}\n", code(&conflict.address.to_string()), code(&shortened(&text, 2 * LONGEST_CELL)))
    });
    bounded(&mut out, conflicts, "> [!CAUTION]\n", MOST_ROWS / 4, |left| format!("> …and {left} more\n"));
    write_table(&mut out, &steps, words);
    write_remarks(&mut out, plan);
    let mut left = 0;
    for step in steps {
        let Some(kind) = registry.get(&step.address.section) else { continue };
        let details = details(step, kind, words);
        match out.len() + details.len() + RESERVE <= MOST {
            true => out.push_str(&details),
            false => left += 1,
        }
    }
    if left > 0 {
        let _ = writeln!(out, "Details of {left} more are left out: `scones {} {}` shows them.", words.what, plan.environment);
    }
    out
}

/// What there is to say besides the steps, each group with a share of the room.
fn write_remarks(out: &mut String, plan: &Plan) {
    let item = |what: &str, more: &str| match more {
        "" => format!("- {}\n", code(&shortened(what, LONGEST_CELL))),
        more => format!("- {} {}\n", code(&shortened(what, LONGEST_CELL)), code(&shortened(more, LONGEST_CELL))),
    };
    let mut list = |head: &str, items: Vec<String>| {
        bounded(out, items.into_iter(), &format!("{head}:\n\n"), MOST_ROWS / 4, |left| format!("- …and {left} more\n"));
    };
    list("Unknown, since it could not be read", plan.unread().map(|(what, unread)| item(&what, &unread.why)).collect());
    let unchecked = plan.unchecked.iter().flat_map(|(address, parts)| parts.iter().map(move |part| (address, part)));
    let unchecked = unchecked.map(|(address, part)| item(&format!("{address} {}", part.part), &part.why));
    list("Not looked at", unchecked.collect());
    list(
        "Owned, but declared no more",
        plan.orphans.iter().map(|(address, one)| item(&address.to_string(), &one.name)).collect(),
    );
    let neighbours = plan.neighbours.iter().map(|one| item(one.sort(), &one.name));
    list("Named like this environment's, but not its own", neighbours.collect());
    let ignored = plan.ignored.iter().map(|one| {
        let rule = &one.rule;
        item(&rule.place(), &format!("until {}: {}", rule.until, rule.reason))
    });
    list("Ignored", ignored.collect());
    let expired = plan.desired.expired.iter().map(|rule| item(&rule.place(), &format!("no more since {}", rule.until)));
    list("Ignored no more", expired.collect());
}

/// Writes lines below a head until they take too much room, and then how many are left.
fn bounded(out: &mut String, lines: impl Iterator<Item = String>, head: &str, most: usize, rest: impl Fn(usize) -> String) {
    let start = out.len();
    let mut left = 0;
    for line in lines {
        if out.len() == start {
            out.push_str(head);
        }
        match out.len() - start + line.len() <= most {
            true => out.push_str(&line),
            false => left += 1,
        }
    }
    if left > 0 {
        out.push_str(&rest(left));
    }
    if out.len() > start {
        out.push('\n');
    }
}

fn write_table(out: &mut String, steps: &[&Step], words: &Words) {
    if steps.is_empty() {
        return;
    }
    out.push_str("| | resource | name | what |\n|---|---|---|---|\n");
    let start = out.len();
    let mut left: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    for step in steps {
        let word = (words.word)(step);
        let (address, name) = (step.address.to_string(), shortened(&step.name, LONGEST_CELL));
        let row = format!("| {word} | {} | {} | {} |\n", code(&address), code(&name), what(step));
        match left.is_empty() && out.len() - start + row.len() <= MOST_ROWS {
            true => out.push_str(&row),
            false => *left.entry(((words.risk)(step), word)).or_default() += 1,
        }
    }
    out.push('\n');
    if !left.is_empty() {
        let counts: Vec<String> = left.iter().map(|((_, word), count)| format!("{count} × {word}")).collect();
        let _ = writeln!(out, "…and {}.\n", counts.join(", "));
    }
}

/// The first paths that change, or the reason where there are none.
fn what(step: &Step) -> String {
    let mut paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
    paths.dedup();
    if paths.is_empty() {
        return step.reason.as_deref().map(|reason| code(&shortened(reason, LONGEST_CELL))).unwrap_or_default();
    }
    let shown: Vec<String> = paths.iter().take(3).map(|path| code(&shortened(path, 60))).collect();
    let more = if paths.len() > 3 { format!(", {} more", paths.len() - 3) } else { String::new() };
    let notes: Vec<String> = step.changes.iter().map(plain_note).collect();
    let outside = notes.iter().find(|note| note.contains("outside")).map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}{more}{outside}", shown.join(", "))
}

fn plain_note(change: &Change) -> String {
    let note = note(change.cause, change.replaces);
    strip_str(&note).to_string().trim().replace("  ", ", ")
}

/// One resource's differences, folded.
fn details(step: &Step, kind: &dyn AnyKind, words: &Words) -> String {
    let shown = differences(step, kind);
    let reason = step.reason.as_ref().filter(|_| !step.changes.is_empty());
    if shown.is_empty() && reason.is_none() {
        return String::new();
    }
    let (word, address) = ((words.word)(step), step.address.to_string());
    let mut out = format!("<details><summary>{word} {}</summary>\n\n", code(&address));
    if let Some(reason) = reason {
        let _ = writeln!(out, "{}\n", code(&shortened(reason, 2 * LONGEST_CELL)));
    }
    let (mut body, mut left) = (String::new(), 0);
    for line in shown {
        let line = safe(&line);
        match left == 0 && body.len() + line.len() < MOST_DETAILS {
            true => body += &format!("{line}\n"),
            false => left += 1,
        }
    }
    if left > 0 {
        let _ = writeln!(body, "  … {left} more lines");
    }
    if !body.is_empty() {
        let fence = "`".repeat(longest_run(&body).max(2) + 1);
        let _ = write!(out, "{fence}diff\n{body}{fence}\n\n");
    }
    out.push_str("</details>\n\n");
    out
}

fn differences(step: &Step, kind: &dyn AnyKind) -> Vec<String> {
    match (&step.to, step.action) {
        (Some(state), Action::Create) => {
            let fields = state.as_object().into_iter().flatten();
            let fields = fields.map(|(field, value)| (field.clone(), shown(value, &mut vec![field.clone()], kind)));
            let fields = fields.filter(|(_, value)| !is_empty(value));
            let new = Value::Object(fields.collect());
            if is_empty(&new) { vec![] } else { marked("+", &new) }
        }
        _ => changes(step, kind),
    }
}

fn changes(step: &Step, kind: &dyn AnyKind) -> Vec<String> {
    let mut out = vec![];
    let mut documents: Vec<Vec<String>> = vec![];
    for change in &step.changes {
        let path = split(&change.path);
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let document = (1..=keys.len()).find(|length| rule_holds(kind.fields(), &keys[..*length], Rule::Document));
        let note = plain_note(change);
        match (document, &step.from, &step.to) {
            (Some(length), Some(from), Some(to)) => {
                let path = path[..length].to_vec();
                if !documents.contains(&path) {
                    out.push(heading(&path.join("."), &note));
                    out.extend(both(&at(&from.state, &path), &at(to, &path)));
                    documents.push(path);
                }
            }
            _ => {
                let nested = |value: &Option<Value>| value.as_ref().is_some_and(|value| value.is_object() || value.is_array());
                if nested(&change.from) || nested(&change.to) {
                    out.push(heading(&change.path, &note));
                    match (&change.from, &change.to) {
                        (Some(from), Some(to)) => out.extend(both(from, to)),
                        (from, to) => {
                            out.extend(from.iter().flat_map(|value| marked("-", value)));
                            out.extend(to.iter().flat_map(|value| marked("+", value)));
                        }
                    }
                } else {
                    if !note.is_empty() {
                        out.push(heading(&change.path, &note));
                    }
                    out.extend(change.from.iter().map(|value| format!("- {}: {}", change.path, scalar(value))));
                    out.extend(change.to.iter().map(|value| format!("+ {}: {}", change.path, scalar(value))));
                }
            }
        }
    }
    out
}

fn heading(path: &str, note: &str) -> String {
    if note.is_empty() { format!("@@ {path} @@") } else { format!("@@ {path}: {note} @@") }
}

fn both(from: &Value, to: &Value) -> Vec<String> {
    changed(from, to).iter().map(|line| strip_str(line).to_string()).collect()
}

fn marked(sign: &str, value: &Value) -> Vec<String> {
    lines(value).into_iter().map(|line| format!("{sign} {line}")).collect()
}

/// A line that stays one: what would move the cursor or turn the direction of writing is gone, what is too long is cut.
fn safe(line: &str) -> String {
    let line: String = line.chars().map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Text as code. It is written as entities, which no rule of Markdown's reads as more than the character: a backslash would
/// keep `@name` from none of GitHub's mentions, and a backtick or a bar from ending what it stands in.
fn code(text: &str) -> String {
    let mut out = "<code>".to_owned();
    let mut before = ' ';
    for c in one_line(text).chars() {
        match c {
            // `www.` begins a link.
            '.' if !before.eq_ignore_ascii_case(&'w') => out.push(c),
            '-' | '/' | ',' => out.push(c),
            c if c.is_ascii_punctuation() => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
        before = c;
    }
    out + "</code>"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::kinds::registry;

    fn plan_of(steps: Value) -> Plan {
        let world = json!({ "app": "shop", "environment": "dev", "account": "123456789012", "region": "us-east-1" });
        let desired = json!({ "world": world, "ignore_tags": [], "protect": false, "resources": {} });
        let summary = json!({
            "create": 0, "update": 1, "replace": 0, "delete": 0, "collect": 0, "unchanged": 2, "blocked": 0, "orphan": 0
        });
        let plan = json!({
            "format": 1, "app": "shop", "environment": "dev", "account": "123456789012", "region": "us-east-1", "digest": "",
            "summary": summary, "steps": steps, "orphans": {}, "conflicts": [], "mode": "apply", "desired": desired,
        });
        serde_json::from_value(plan).expect("a plan")
    }

    fn step(address: &str, action: &str, changes: Value) -> Value {
        json!({ "address": address, "action": action, "name": "x", "needs": [], "changes": changes })
    }

    #[test]
    fn reads_as_a_comment() {
        let memory = json!([{ "path": "memory", "from": 128, "to": 256, "cause": "drifted" }]);
        let steps = json!([step("functions.echo", "update", memory), step("alarms.old", "delete", json!([]))]);
        let expected = "<!-- scones:plan:shop/dev -->\n\
            ### Plan: <code>shop / dev</code>\n\n\
            **Plan: 1 to change, 2 unchanged.** Account <code>123456789012</code>, <code>us-east-1</code>.\n\n\
            | | resource | name | what |\n|---|---|---|---|\n\
            | delete | <code>alarms.old</code> | <code>x</code> |  |\n\
            | change | <code>functions.echo</code> | <code>x</code> | <code>memory</code> (changed outside) |\n\n\
            <details><summary>change <code>functions.echo</code></summary>\n\n\
            ```diff\n@@ memory: changed outside @@\n- memory: 128\n+ memory: 256\n```\n\n</details>\n\n";
        assert_eq!(plan(&plan_of(steps.clone()), &registry()), expected);
        let drift = drift(&plan_of(json!([steps[0]])), &registry());
        assert!(
            drift.starts_with("<!-- scones:drift:shop/dev -->\n") && drift.contains("- memory: 256\n+ memory: 128"),
            "{drift}"
        );
        assert!(drift.contains("**1 resource changed outside.**"), "{drift}");
    }

    #[test]
    fn secrets_of_new_resources_are_hidden() {
        let state = json!({ "parameters": { "A": "1" }, "hidden_parameters": { "Password": "hunter2" }, "capabilities": [] });
        let mut create = step("stacks.base", "create", json!([]));
        create["to"] = state;
        let text = plan(&plan_of(json!([create])), &registry());
        assert!(text.contains("(hidden)") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_plan_of_hundreds_stays_below_the_limit() {
        let long = "x|`@team <b>\u{202e}".repeat(60);
        let create = |index: usize| {
            let mut one = step(&format!("functions.f{index}"), "create", json!([]));
            one["to"] = json!({ "description": long, "environment": { "A": long }, "memory": 128 });
            one["reason"] = long.clone().into();
            one
        };
        let change = |index: usize| {
            let changes = json!([{ "path": "description", "from": long, "to": format!("{long}!") }]);
            step(&format!("functions.c{index}"), "update", changes)
        };
        let steps: Vec<Value> = (0..400).map(create).chain((0..300).map(change)).collect();
        let mut plan_of = plan_of(json!(steps));
        for index in 0..300 {
            let address = format!("alarms.a{index}").parse().expect("an address");
            plan_of.conflicts.push(crate::plan::Conflict { address, message: long.clone(), help: long.clone() });
        }
        let text = plan(&plan_of, &registry());
        assert!(text.len() <= MOST, "{}", text.len());
        assert!(text.len() > MOST / 2 && text.contains("× create") && text.contains("more are left out"), "{}", text.len());
        assert_eq!(text, plan(&plan_of, &registry()));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn what_may_hurt_comes_first_however_long_the_rest_is() {
        let long = "x".repeat(300);
        let change = |path: &str| json!([{ "path": path, "from": 1, "to": 2 }]);
        let mut steps: Vec<Value> = (0..400)
            .map(|index| {
                let mut one = step(&format!("functions.f{index}"), "create", json!([]));
                one["to"] = json!({ "description": long });
                one
            })
            .collect();
        steps.push(step("endpoints.weighed", "update", change("variants.A.weight")));
        steps.push(step("roles.other", "replace", change("description")));
        steps.push(step("endpoints.moved", "update", change("variants.A.model")));
        steps.push(step("alarms.old", "delete", json!([])));
        let text = plan(&plan_of(json!(steps)), &registry());
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).take(5).collect();
        let first: Vec<&str> = rows.iter().map(|row| row.split("</code>").next().unwrap_or_default()).collect();
        let wanted = [
            "| delete | <code>alarms.old",
            "| new fleet | <code>endpoints.moved",
            "| replace | <code>roles.other",
            "| change | <code>endpoints.weighed",
            "| create | <code>functions.f0",
        ];
        assert_eq!(first, wanted, "{text}");
        let at = |what: &str| text.find(&format!("<summary>{what} ")).unwrap_or(usize::MAX);
        assert!(at("new fleet") < at("replace") && at("replace") < at("change") && at("change") < at("create"), "{text}");
        assert!(text.len() <= MOST && text.contains("more are left out"), "{}", text.len());
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let changes = json!([{ "path": "description", "from": "````", "to": "```\n</details>@all" }]);
        let text = plan(&plan_of(json!([step("functions.echo", "update", changes)])), &registry());
        assert!(text.contains("\n`````diff\n") && text.contains("\n`````\n"), "{text}");
    }

    proptest! {
        #[test]
        fn no_text_ends_its_code(text in "\\PC{0,40}|[ -~\n\t]{0,60}|(www\\.|https?://|@)[a-z.]{1,9}") {
            let written = code(&text);
            let inner = written.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")).unwrap_or("<");
            prop_assert!(!inner.contains(['<', '>', '|', '`', '@', '*', '_', '[', '\\', ':', '\n']), "{}", inner);
            prop_assert!(!inner.to_lowercase().contains("www."));
            let mut read = inner.to_owned();
            for c in (33_u8..127).map(char::from).filter(char::is_ascii_punctuation).filter(|c| !"&#;".contains(*c)) {
                read = read.replace(&format!("&#{};", u32::from(c)), &c.to_string());
            }
            let read = read.replace("&#35;", "#").replace("&#59;", ";").replace("&#38;", "&");
            prop_assert_eq!(read, one_line(&text));
        }
    }
}
