//! What a state reads of its values, and reports of what they surely lack.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::flow::Walk;
use super::path::{self, Lack, paths_of_call};
use super::shape::{Absent, Shape};
use crate::finding::{Finding, below};

/// The fields of a state, and of a choice rule, that hold a path into the state's input.
const PLACES: [&str; 9] = [
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "SecondsPath",
    "TimestampPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "ErrorPath",
    "CausePath",
];

const INPUT: &str = "the state's input";

/// Reads paths or expressions of one state.
pub(super) struct Reader<'w, 'a> {
    walk: &'w mut Walk<'a>,
    path: &'w [String],
}

impl<'w, 'a> Reader<'w, 'a> {
    pub(super) fn json_path(walk: &'w mut Walk<'a>, path: &'w [String]) -> Self {
        Self { walk, path }
    }

    pub(super) fn jsonata(walk: &'w mut Walk<'a>, path: &'w [String]) -> Self {
        Self { walk, path }
    }

    /// Reads a field that holds a path or `null`, `$` when absent.
    pub(super) fn optional_path(&mut self, state: &Map<String, Value>, key: &str, value: &Shape, owner: &str) -> Shape {
        match state.get(key) {
            None => value.clone(),
            Some(Value::Null) => Shape::empty(),
            Some(Value::String(path)) => self.path(path, key, value, owner),
            Some(_) => Shape::Any,
        }
    }

    /// Reads a path that stands in a field of the state.
    pub(super) fn path(&mut self, path: &str, key: &str, value: &Shape, owner: &str) -> Shape {
        let here = below(self.path, key);
        self.at(path, &here, value, owner)
    }

    fn at(&mut self, path: &str, here: &[String], value: &Shape, owner: &str) -> Shape {
        match path::select(path, value) {
            Ok(found) => found,
            Err(lack) => {
                self.walk.report(finding(path, &lack, here, owner));
                Shape::Any
            }
        }
    }

    /// Reads the fields that hold a path into the input and nothing else.
    pub(super) fn places(&mut self, state: &Map<String, Value>, input: &Shape, kind: &str) {
        // A Map state reads its limits from its input too, and a Fail state what it fails with.
        for key in PLACES.into_iter().filter(|_| kind != "Choice") {
            let Some(text) = state.get(key).and_then(Value::as_str) else { continue };
            self.selected(text, &below(self.path, key), input, INPUT);
        }
    }

    /// Reads what choice rules compare. Who asks whether a field is there may find that it is not.
    pub(super) fn choices(&mut self, state: &Map<String, Value>, input: &Shape) {
        let Some(choices) = state.get("Choices") else { return };
        let mut asked = BTreeSet::new();
        presence(choices, &mut asked);
        let path = below(self.path, "Choices");
        self.rule(choices, &path, input, &asked);
    }

    fn rule(&mut self, rule: &Value, path: &[String], input: &Shape, asked: &BTreeSet<&str>) {
        match rule {
            Value::Array(rules) => {
                for (index, rule) in rules.iter().enumerate() {
                    self.rule(rule, &below(path, index), input, asked);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    let here = below(path, key);
                    match value.as_str() {
                        Some(text) if asked.iter().any(|known| text.starts_with(known)) => {}
                        Some(text) if key == "Variable" || key.ends_with("Path") => {
                            self.at(text, &here, input, INPUT);
                        }
                        _ if matches!(key.as_str(), "And" | "Or" | "Not") => self.rule(value, &here, input, asked),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Fills a payload template with what its paths select.
    pub(super) fn template(&mut self, template: &Value, key: &str, input: &Shape) -> Shape {
        let here = below(self.path, key);
        self.fill(template, &here, input, INPUT)
    }

    /// Fills a template with parts of the state's result.
    pub(super) fn result_template(&mut self, template: &Value, result: &Shape) -> Shape {
        let here = below(self.path, "ResultSelector");
        self.fill(template, &here, result, "the state's result")
    }

    fn fill(&mut self, template: &Value, path: &[String], value: &Shape, owner: &str) -> Shape {
        match template {
            Value::Object(members) => {
                let filled = members.iter().map(|(key, inner)| {
                    let here = below(path, key);
                    match (key.strip_suffix(".$"), inner.as_str()) {
                        (Some(plain), Some(text)) => (plain.to_owned(), self.selected(text, &here, value, owner)),
                        (Some(plain), None) => (plain.to_owned(), Shape::Any),
                        (None, _) => (key.clone(), self.fill(inner, &here, value, owner)),
                    }
                });
                let filled = filled.collect();
                Shape::object(filled, false, 0)
            }
            Value::Array(items) => {
                let filled = items.iter().enumerate().map(|(index, item)| self.fill(item, &below(path, index), value, owner));
                let filled = filled.collect();
                Shape::list(filled)
            }
            Value::String(text) if text.contains("${") => Shape::Text(0),
            scalar => Shape::of_value(scalar),
        }
    }

    /// Reads a path or the paths of a call.
    fn selected(&mut self, text: &str, here: &[String], value: &Shape, owner: &str) -> Shape {
        if text.starts_with('$') {
            return self.at(text, here, value, owner);
        }
        for path in paths_of_call(text) {
            self.at(path, here, value, owner);
        }
        match text.split_once('(').map(|(name, _)| name) {
            Some("States.Format" | "States.JsonToString" | "States.UUID" | "States.Hash" | "States.Base64Encode") => {
                Shape::Text(0)
            }
            Some("States.ArrayLength" | "States.MathAdd" | "States.MathRandom" | "States.ArrayContains") => Shape::Scalar,
            _ => Shape::Any,
        }
    }

    /// Fills a template of JSONata expressions, of which only plain ways into the input or the result are understood.
    pub(super) fn expressions(&mut self, template: &Value, key: &str, input: &Shape, result: Option<&Shape>) -> Shape {
        let here = below(self.path, key);
        self.fill_expressions(template, &here, input, result)
    }

    fn fill_expressions(&mut self, template: &Value, path: &[String], input: &Shape, result: Option<&Shape>) -> Shape {
        match template {
            Value::Object(members) => {
                let filled = members
                    .iter()
                    .map(|(key, inner)| (key.clone(), self.fill_expressions(inner, &below(path, key), input, result)));
                let filled = filled.collect();
                Shape::object(filled, false, 0)
            }
            Value::Array(items) => {
                let each = items.iter().enumerate();
                let filled = each.map(|(index, item)| self.fill_expressions(item, &below(path, index), input, result));
                let filled = filled.collect();
                Shape::list(filled)
            }
            Value::String(text) if text.starts_with("{%") => self.expression(text, path, input, result),
            Value::String(text) if text.contains("${") => Shape::Text(0),
            scalar => Shape::of_value(scalar),
        }
    }

    fn expression(&mut self, text: &str, here: &[String], input: &Shape, result: Option<&Shape>) -> Shape {
        let inside = text.trim_start_matches("{%").trim_end_matches("%}").trim();
        let (root, owner, value) = match (inside.strip_prefix("$states.input"), inside.strip_prefix("$states.result"), result) {
            (Some(rest), ..) => (rest, INPUT, input),
            (_, Some(rest), Some(result)) => (rest, "the state's result", result),
            _ => return Shape::Any,
        };
        let plain = root.split('.').skip(1).all(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !(root.is_empty() || root.starts_with('.') && plain) {
            return Shape::Any;
        }
        // A way into a list leads to that field of each of its elements.
        match path::select(&format!("${root}"), value) {
            Err(lack) if matches!(lack.absent, Absent::Kind("a list")) => Shape::Any,
            Err(lack) => {
                self.walk.report(finding(inside, &lack, here, owner));
                Shape::Any
            }
            Ok(found) => found,
        }
    }
}

fn finding(path: &str, lack: &Lack, here: &[String], owner: &str) -> Finding {
    let place = if lack.before == "$" { owner.to_owned() } else { format!("`{}` of {owner}", lack.before) };
    match &lack.absent {
        Absent::Kind("a string") => {
            let finding = Finding::new(here, format!("`{path}` reads `{}`, and {place} is a string", lack.name));
            finding.help("if it holds JSON, read it with `States.StringToJson`; better, answer an object")
        }
        Absent::Sometimes => {
            let message = format!("`{path}` reads `{}`, which {place} lacks on one of the ways to this state", lack.name);
            Finding::new(here, message).help("let each way bring it: the same `ResultPath` in each `Catch`, for one")
        }
        Absent::Kind(kind) => Finding::new(here, format!("`{path}` reads `{}`, and {place} is {kind}", lack.name)),
        Absent::Field(fields) => {
            let has = match fields.as_slice() {
                [] => "no field".to_owned(),
                fields => format!("only {}", fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")),
            };
            let finding = Finding::new(here, format!("`{path}` reads `{}`, and {place} has {has}", lack.name));
            finding.nearest_of(&lack.name, fields.iter().map(String::as_str))
        }
    }
}

/// Collects the variables of which some rule asks whether they are there.
fn presence<'v>(rule: &'v Value, asked: &mut BTreeSet<&'v str>) {
    match rule {
        Value::Array(rules) => rules.iter().for_each(|rule| presence(rule, asked)),
        Value::Object(members) => {
            if members.contains_key("IsPresent") {
                asked.extend(members.get("Variable").and_then(Value::as_str));
            }
            members.values().for_each(|value| presence(value, asked));
        }
        _ => {}
    }
}
