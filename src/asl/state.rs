//! One state.

use serde_json::{Map, Value};

use super::fields::{COMMON, Field, TYPES, brief, check_fields, of_type};
use super::machine::{Checker, no_map};
use super::{Language, choice, errors, map, task};
use crate::finding::{Finding, below};

/// Fields of which a state has at most one.
const RIVALS: [(&str, &str); 9] = [
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
];

impl Checker<'_> {
    pub(super) fn check_state(&mut self, state: &Value, path: &[String]) {
        let Some(members) = state.as_object() else { return self.report(no_map(state, path, "a state")) };
        let language = self.check_language(members, path);
        let Some(kind) = self.check_type(members, path) else { return };
        let Some(mut fields) = of_type(kind) else {
            let finding = Finding::new(&below(path, "Type"), format!("`{kind}` is no type of state"));
            return self.report(finding.nearest_of(kind, TYPES));
        };
        fields.extend_from_slice(COMMON);
        let owner = format!("a {kind} state");
        check_fields(members, path, &fields, language, &owner, self.findings);
        for (one, other) in RIVALS.into_iter().filter(|(one, other)| has(members, one) && has(members, other)) {
            self.report(Finding::new(&below(path, other), format!("`{one}` and `{other}` exclude each other")));
        }
        if fields.iter().any(|(name, ..)| *name == "Next") {
            self.check_what_follows(members, path);
        }
        if let Some(assign) = members.get("Assign").and_then(Value::as_object) {
            self.check_scope(assign, &below(path, "Assign"), language);
        }
        errors::check(self, members, path, language);
        match kind {
            "Task" => task::check(members, path, language, self.findings),
            "Choice" => choice::check(self, members, path, language),
            "Wait" => self.check_wait(members, path, language),
            "Parallel" => map::check_parallel(self, members, path),
            "Map" => map::check_map(self, members, path, language),
            _ => {}
        }
    }

    fn check_type<'v>(&mut self, members: &'v Map<String, Value>, path: &[String]) -> Option<&'v str> {
        match members.get("Type") {
            Some(Value::String(kind)) => return Some(kind),
            Some(other) => {
                self.report(Finding::new(&below(path, "Type"), format!("a type is a string, not {}", brief(other))));
            }
            None => {
                let finding = Finding::new(path, "the state has no `Type`");
                self.report(finding.help(format!("one of {}", TYPES.join(", "))));
            }
        }
        None
    }

    /// Checks that a state has either a next one or is an end.
    fn check_what_follows(&mut self, members: &Map<String, Value>, path: &[String]) {
        let ends = members.get("End") == Some(&Value::Bool(true));
        match (has(members, "Next"), ends) {
            (true, true) => self.report(Finding::new(&below(path, "End"), "the state has both `Next` and `End`")),
            (false, false) => {
                let finding = Finding::new(path, "nothing follows the state, and it is no end");
                self.report(finding.help("add `Next`, or `End: true`"));
            }
            _ => {}
        }
    }

    fn check_wait(&mut self, members: &Map<String, Value>, path: &[String], language: Language) {
        let all: &[&str] = match language {
            Language::JsonPath => &["Seconds", "SecondsPath", "Timestamp", "TimestampPath"],
            Language::Jsonata => &["Seconds", "Timestamp"],
        };
        let given: Vec<&str> = all.iter().copied().filter(|key| has(members, key)).collect();
        if given.len() != 1 {
            let finding = Finding::new(path, format!("a Wait state has exactly one of {}", all.join(", ")));
            self.report(if given.is_empty() { finding } else { finding.help(format!("it has {}", given.join(", "))) });
        }
    }

    /// Checks that a map has what it needs.
    pub(super) fn require(&mut self, members: &Map<String, Value>, key: &str, path: &[String], owner: &str) {
        if !has(members, key) {
            self.report(Finding::new(path, format!("{owner} needs `{key}`")));
        }
    }

    /// Checks the fields of a map that is no state, and the variables it assigns.
    pub(super) fn check_part(
        &mut self,
        members: &Map<String, Value>,
        path: &[String],
        fields: &[Field],
        language: Language,
        owner: &str,
    ) {
        check_fields(members, path, fields, language, owner, self.findings);
        if let Some(assign) = members.get("Assign").and_then(Value::as_object) {
            self.check_scope(assign, &below(path, "Assign"), language);
        }
    }
}

pub(super) fn has(members: &Map<String, Value>, key: &str) -> bool {
    members.contains_key(key)
}
