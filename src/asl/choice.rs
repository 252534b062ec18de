//! Choice states.

use serde_json::{Map, Value};

use super::Language;
use super::fields::{Field, Shape, brief, check_fields, is_time, is_unresolved};
use super::machine::{Checker, no_map};
use super::paths::check_path;
use super::templates::{check_template, is_expression};
use crate::finding::{Finding, below};

/// The fields of a rule that leads to a state. Comparison operators come beside them.
const RULE: &[Field] = &[
    ("Next", Shape::Text, None),
    ("Assign", Shape::Assign, None),
    ("Comment", Shape::Text, None),
    ("Condition", Shape::Any, Some(Language::Jsonata)),
    ("Output", Shape::Template, Some(Language::Jsonata)),
];

/// The fields of a rule within a rule.
const NESTED: &[Field] = &[("Comment", Shape::Text, None)];

const BOOLEAN: [&str; 3] = ["And", "Or", "Not"];

/// The comparison operators but those that end in `Path`. Source: the specification's "Data-test expression".
const OPERATORS: [&str; 23] = [
    "StringEquals",
    "StringLessThan",
    "StringGreaterThan",
    "StringLessThanEquals",
    "StringGreaterThanEquals",
    "StringMatches",
    "NumericEquals",
    "NumericLessThan",
    "NumericGreaterThan",
    "NumericLessThanEquals",
    "NumericGreaterThanEquals",
    "BooleanEquals",
    "TimestampEquals",
    "TimestampLessThan",
    "TimestampGreaterThan",
    "TimestampLessThanEquals",
    "TimestampGreaterThanEquals",
    "IsNull",
    "IsPresent",
    "IsNumeric",
    "IsString",
    "IsBoolean",
    "IsTimestamp",
];

/// The comparison operators that compare with another value of the input.
const WITH_PATH: [&str; 16] = [
    "StringEqualsPath",
    "StringLessThanPath",
    "StringGreaterThanPath",
    "StringLessThanEqualsPath",
    "StringGreaterThanEqualsPath",
    "NumericEqualsPath",
    "NumericLessThanPath",
    "NumericGreaterThanPath",
    "NumericLessThanEqualsPath",
    "NumericGreaterThanEqualsPath",
    "BooleanEqualsPath",
    "TimestampEqualsPath",
    "TimestampLessThanPath",
    "TimestampGreaterThanPath",
    "TimestampLessThanEqualsPath",
    "TimestampGreaterThanEqualsPath",
];

/// Checks the choices of a Choice state.
pub(super) fn check(checker: &mut Checker, state: &Map<String, Value>, path: &[String], language: Language) {
    checker.require(state, "Choices", path, "a Choice state");
    for (index, rule) in state.get("Choices").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let here = below(&below(path, "Choices"), index);
        let Some(members) = rule.as_object() else { continue };
        let mut fields = RULE.to_vec();
        if language == Language::JsonPath {
            fields.extend(test_fields());
        }
        checker.check_part(members, &here, &fields, language, "a choice rule");
        checker.require(members, "Next", &here, "a choice rule");
        match language {
            Language::JsonPath => check_test(members, &here, checker.findings),
            Language::Jsonata => check_condition(members, &here, checker.findings),
        }
    }
}

fn check_condition(rule: &Map<String, Value>, path: &[String], findings: &mut Vec<Finding>) {
    let here = below(path, "Condition");
    match rule.get("Condition") {
        None => findings.push(Finding::new(path, "a choice rule of a JSONata state needs `Condition`")),
        Some(Value::Bool(_)) => {}
        Some(condition) if is_expression(condition) => check_template(condition, &here, Language::Jsonata, findings),
        Some(condition) if is_unresolved(condition) => {}
        Some(other) => {
            let finding = Finding::new(&here, format!("{} is no condition", brief(other)));
            findings.push(finding.help("write an expression such as `{% $states.input.ready %}`"));
        }
    }
}

/// Returns the fields that test something, of which [`check_test`] sees to the values.
fn test_fields() -> impl Iterator<Item = Field> {
    let tested = BOOLEAN.into_iter().chain(["Variable"]).chain(OPERATORS).map(|name| (name, Shape::Any, None));
    tested.chain(WITH_PATH.into_iter().map(|name| (name, Shape::Reference, None)))
}

fn is_operator(key: &str) -> bool {
    OPERATORS.contains(&key) || WITH_PATH.contains(&key)
}

/// Checks what a rule of a JSONPath state tests: one of `And`, `Or`, `Not`, or a variable by one operator.
fn check_test(rule: &Map<String, Value>, path: &[String], findings: &mut Vec<Finding>) {
    let combined: Vec<&str> = BOOLEAN.into_iter().filter(|key| rule.contains_key(*key)).collect();
    let operators: Vec<&String> = rule.keys().filter(|key| is_operator(key)).collect();
    let variable = rule.get("Variable");
    match (combined.as_slice(), variable, operators.as_slice()) {
        ([key], None, []) => check_combined(key, rule, path, findings),
        ([], Some(variable), [operator]) => {
            findings.extend(check_path(variable, &below(path, "Variable")).filter(|_| !is_unresolved(variable)));
            findings.extend(check_operand(operator, rule, path));
        }
        ([], None, [_, ..]) => findings.push(Finding::new(path, "the rule compares, but has no `Variable`")),
        ([], Some(_), []) => findings.push(Finding::new(path, "the rule has a `Variable`, but no comparison operator")),
        ([], Some(_), [first, second, ..]) => {
            let finding = Finding::new(path, format!("the rule has several operators, `{first}` and `{second}`"));
            findings.push(finding.help("join rules with `And` or `Or`"));
        }
        ([], None, []) => findings.push(Finding::new(path, "the rule tests nothing").help("add `Variable` and an operator")),
        _ => findings.push(Finding::new(path, "the rule mixes `And`, `Or`, `Not` and comparisons, and may have only one")),
    }
}

fn check_combined(key: &str, rule: &Map<String, Value>, path: &[String], findings: &mut Vec<Finding>) {
    let here = below(path, key);
    match (key, rule.get(key)) {
        ("Not", Some(Value::Object(nested))) => check_nested(nested, &here, findings),
        ("Not", Some(other)) => findings.push(no_map(other, &here, "`Not`")),
        (_, Some(Value::Array(rules))) if !rules.is_empty() => {
            for (index, nested) in rules.iter().enumerate() {
                match nested.as_object() {
                    Some(nested) => check_nested(nested, &below(&here, index), findings),
                    None => findings.push(no_map(nested, &below(&here, index), "a choice rule")),
                }
            }
        }
        (_, other) => {
            let found = other.map(brief).unwrap_or_default();
            findings.push(Finding::new(&here, format!("`{key}` is a list of at least one rule, not {found}")));
        }
    }
}

fn check_nested(rule: &Map<String, Value>, path: &[String], findings: &mut Vec<Finding>) {
    let mut fields = NESTED.to_vec();
    fields.extend(test_fields());
    for key in ["Next", "Assign"].into_iter().filter(|key| rule.contains_key(*key)) {
        findings.push(Finding::new(&below(path, key), format!("`{key}` belongs to the outermost rule")));
        fields.push((key, Shape::Any, None));
    }
    check_fields(rule, path, &fields, Language::JsonPath, "a nested choice rule", findings);
    check_test(rule, path, findings);
}

/// Checks the value that an operator compares with.
fn check_operand(operator: &str, rule: &Map<String, Value>, path: &[String]) -> Option<Finding> {
    let value = rule.get(operator).filter(|value| !is_unresolved(value))?;
    let (right, wanted) = match operator {
        _ if operator.ends_with("Path") => return None,
        _ if operator.starts_with("Is") || operator.starts_with("Boolean") => (value.is_boolean(), "`true` or `false`"),
        _ if operator.starts_with("Numeric") => (value.is_number(), "a number"),
        _ if operator.starts_with("Timestamp") => (value.as_str().is_some_and(is_time), "a time such as `2026-11-22T16:00:00Z`"),
        _ => (value.is_string(), "a string"),
    };
    let message = format!("`{operator}` compares with {wanted}, not {}", brief(value));
    (!right).then(|| Finding::new(&below(path, operator), message))
}
