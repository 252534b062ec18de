//! A machine: its states and the ways between them. Branches and item processors are machines too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Language;
use super::fields::{Field, LONGEST, Shape, TYPES, brief, check_fields, is_unresolved};
use super::templates::variable;
use crate::finding::{Finding, below, nearest};

/// The fields of the whole definition.
const TOP: &[Field] = &[
    ("Comment", Shape::Text, None),
    ("StartAt", Shape::Text, None),
    ("States", Shape::Members, None),
    ("Version", Shape::Text, None),
    ("TimeoutSeconds", Shape::Whole(1, LONGEST), None),
    ("QueryLanguage", Shape::Text, None),
];

/// The fields of a branch of a parallel state. AWS was seen to take `QueryLanguage` there; the specification is silent.
pub(super) const BRANCH: &[Field] = &[
    ("Comment", Shape::Text, None),
    ("StartAt", Shape::Text, None),
    ("States", Shape::Members, None),
    ("QueryLanguage", Shape::Text, None),
];

/// Checks one definition, and remembers what is unique to it.
pub(super) struct Checker<'f> {
    pub(super) findings: &'f mut Vec<Finding>,
    /// The language of every state that names none, however deep: a map or parallel state does not pass its own on.
    language: Language,
    /// Where each state's name was seen first.
    places: BTreeMap<String, String>,
    /// The variables that each machine from the outermost to the present one assigns.
    scopes: Vec<BTreeSet<String>>,
}

/// A way from one state to another, with the place that names it.
pub(super) struct Edge {
    target: String,
    path: Vec<String>,
}

impl<'f> Checker<'f> {
    pub(super) fn new(findings: &'f mut Vec<Finding>) -> Self {
        Self { findings, language: Language::JsonPath, places: BTreeMap::new(), scopes: Vec::new() }
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn check_definition(&mut self, definition: &Value) {
        let Some(members) = definition.as_object() else {
            return self.report(Finding::new(&[], "a state machine is a map").help("give it `StartAt` and `States`"));
        };
        self.language = self.check_language(members, &[]);
        if let Some(version) = members.get("Version").filter(|version| version.is_string() && *version != "1.0") {
            let finding = Finding::new(&["Version".to_owned()], format!("there is no version {version} of the language"));
            self.report(finding.help("write `\"1.0\"`, or leave it out"));
        }
        self.check_machine(members, &[], TOP, "a state machine");
    }

    /// Checks `QueryLanguage`, and returns the language that holds.
    pub(super) fn check_language(&mut self, members: &Map<String, Value>, path: &[String]) -> Language {
        let Some(written) = members.get("QueryLanguage") else { return self.language };
        let here = below(path, "QueryLanguage");
        match written.as_str() {
            Some("JSONata") => Language::Jsonata,
            Some("JSONPath") if self.language == Language::Jsonata => {
                let finding = Finding::new(&here, "a state cannot be JSONPath where the whole machine is JSONata");
                self.report(finding.help("make the machine JSONPath and the other states JSONata"));
                Language::JsonPath
            }
            Some("JSONPath") => Language::JsonPath,
            Some(other) => {
                let finding = Finding::new(&here, format!("`{other}` is no query language"));
                self.report(finding.nearest_of(other, ["JSONPath", "JSONata"]));
                self.language
            }
            None => self.language,
        }
    }

    /// Checks a machine: its own fields, its states, and that each can be reached and some way ends.
    pub(super) fn check_machine(&mut self, members: &Map<String, Value>, path: &[String], fields: &[Field], owner: &str) {
        check_fields(members, path, fields, self.language, owner, self.findings);
        let states = members.get("States");
        if states.is_none() {
            self.report(Finding::new(path, format!("{owner} needs `States`")));
        }
        if !members.contains_key("StartAt") {
            self.report(Finding::new(path, format!("{owner} needs `StartAt`")));
        }
        let Some(states) = states.and_then(Value::as_object) else { return };
        let states_path = below(path, "States");
        if states.is_empty() {
            return self.report(Finding::new(&states_path, "there are no states"));
        }
        self.scopes.push(assigned(states, self.language));
        for (name, state) in states {
            self.check_name(name, &below(&states_path, name));
            self.check_state(state, &below(&states_path, name));
        }
        self.scopes.pop();
        self.check_ways(members, states, path);
    }

    fn check_name(&mut self, name: &str, path: &[String]) {
        // Source: the specification's "States": at most 80 characters, unique within the whole machine.
        let length = name.chars().count();
        if length == 0 || length > 80 {
            self.report(Finding::new(path, format!("a state's name has 1 to 80 characters, and this one {length}")));
        }
        match self.places.get(name) {
            Some(first) => {
                let finding = Finding::new(path, format!("there is a state `{name}` already, at {first}"));
                self.report(finding.help("names are unique within the whole machine, branches and all"));
            }
            None => {
                self.places.insert(name.to_owned(), path.join("."));
            }
        }
    }

    /// Reports variables that a machine around the present one assigns too.
    pub(super) fn check_scope(&mut self, assign: &Map<String, Value>, path: &[String], language: Language) {
        let outer = self.scopes.len().saturating_sub(1);
        for key in assign.keys() {
            let name = variable(key, language);
            if self.scopes.iter().take(outer).any(|scope| scope.contains(name)) {
                let finding = Finding::new(&below(path, key), format!("`{name}` is assigned outside of this branch too"));
                self.findings.push(finding.help("give it another name: a branch cannot assign to what is outside"));
            }
        }
    }

    fn check_ways(&mut self, members: &Map<String, Value>, states: &Map<String, Value>, path: &[String]) {
        let start_path = below(path, "StartAt");
        let start =
            members.get("StartAt").and_then(Value::as_str).map(|target| Edge { target: target.to_owned(), path: start_path });
        let states_path = below(path, "States");
        let mut ways: BTreeMap<&str, Vec<Edge>> = BTreeMap::new();
        for (name, state) in states {
            ways.insert(name, edges(state, &below(&states_path, name)));
        }
        for edge in start.iter().chain(ways.values().flatten()) {
            if !states.contains_key(&edge.target) && !is_unresolved(&Value::from(edge.target.as_str())) {
                let message = format!("there is no state `{}` beside this one", edge.target);
                let near = nearest(&edge.target, states.keys().map(String::as_str));
                let finding = Finding::new(&edge.path, message);
                self.findings.push(match near {
                    Some(near) => finding.help(format!("did you mean `{near}`?")),
                    None => finding,
                });
            }
        }
        let Some(start) = start.filter(|start| states.contains_key(&start.target)) else { return };
        let reached = reached_from(&start.target, &ways);
        for name in states.keys().filter(|name| !reached.contains(name.as_str())) {
            let finding = Finding::new(&below(&states_path, name), format!("nothing leads to the state `{name}`"));
            self.findings.push(finding.help("name it in a `Next`, or remove it"));
        }
        // A state that leads nowhere is reported by itself.
        let may_end = |name: &&str| states.get(*name).is_none_or(is_end) || ways.get(name).is_none_or(Vec::is_empty);
        let leaves = |name: &&str| ways.get(name).is_some_and(|edges| edges.iter().any(|e| !states.contains_key(&e.target)));
        if !reached.iter().any(|name| may_end(name) || leaves(name)) {
            let finding = Finding::new(&states_path, "the machine never ends: its states lead only to each other");
            self.findings.push(finding.help("let one have `End: true`, or add a `Succeed` state"));
        }
    }
}

fn reached_from<'a>(start: &'a str, ways: &'a BTreeMap<&'a str, Vec<Edge>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![start];
    while let Some(name) = waiting.pop() {
        if ways.contains_key(name) && reached.insert(name) {
            waiting.extend(ways.get(name).into_iter().flatten().map(|edge| edge.target.as_str()));
        }
    }
    reached
}

/// Tells whether a machine ends with a state; one of an unknown type is not known not to.
fn is_end(state: &Value) -> bool {
    let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "Succeed" | "Fail") || !TYPES.contains(&kind) || state.get("End") == Some(&Value::Bool(true))
}

/// Returns the ways that lead from a state.
fn edges(state: &Value, path: &[String]) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut add = |value: Option<&Value>, path: Vec<String>| {
        edges.extend(value.and_then(Value::as_str).map(|target| Edge { target: target.to_owned(), path }));
    };
    add(state.get("Next"), below(path, "Next"));
    add(state.get("Default"), below(path, "Default"));
    for list in ["Choices", "Catch"] {
        for (index, item) in state.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            add(item.get("Next"), below(&below(&below(path, list), index), "Next"));
        }
    }
    edges
}

/// Returns the variables that the states of a machine assign, those of branches left out.
fn assigned(states: &Map<String, Value>, default: Language) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for state in states.values() {
        let language = match state.get("QueryLanguage").and_then(Value::as_str) {
            Some("JSONata") => Language::Jsonata,
            Some("JSONPath") => Language::JsonPath,
            _ => default,
        };
        let lists = ["Choices", "Catch"].into_iter().filter_map(|list| state.get(list).and_then(Value::as_array));
        for holder in lists.flatten().chain([state]) {
            let assign = holder.get("Assign").and_then(Value::as_object);
            names.extend(assign.into_iter().flat_map(Map::keys).map(|key| variable(key, language).to_owned()));
        }
    }
    names
}

/// Says that a value should have been a map.
pub(super) fn no_map(value: &Value, path: &[String], what: &str) -> Finding {
    Finding::new(path, format!("{what} is a map, not {}", brief(value)))
}
