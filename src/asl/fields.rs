//! Which fields a state may have, and what shape their values have.

use serde_json::{Map, Value};

use super::Language;
use super::Language::{JsonPath, Jsonata};
use super::paths::{check_function_or_path, check_path, check_reference_path, check_result_path};
use super::templates::{check_assign, check_template, is_expression};
use crate::finding::{Finding, below};

/// What the value of a field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Anything; whoever asks for it checks it.
    Any,
    /// A string.
    Text,
    /// A string, or an expression.
    Words,
    /// `true` or `false`.
    Flag,
    /// A map.
    Members,
    /// A list of maps with at least one.
    Several,
    /// A list of maps.
    Maps,
    /// A whole number from, to; or an expression.
    Whole(u64, u64),
    /// A time such as `2026-11-22T16:00:00Z`, or an expression.
    Time,
    /// A path or `null`.
    Path,
    /// A path to exactly one value.
    Reference,
    /// A path to one place in the input, or `null`.
    Result,
    /// A path to exactly one value, or a call of an intrinsic function.
    Computed,
    /// A payload template: JSON with paths or expressions in it.
    Template,
    /// Variables with their templates.
    Assign,
}

/// A field: its name, its shape, and the only language that has it, if not both do.
pub(super) type Field = (&'static str, Shape, Option<Language>);

/// The longest time in seconds. Source: Step Functions developer guide, "Task workflow state".
pub(super) const LONGEST: u64 = 99_999_999;

const P: Option<Language> = Some(JsonPath);
const A: Option<Language> = Some(Jsonata);

/// The fields of every state.
pub(super) const COMMON: &[Field] =
    &[("Type", Shape::Text, None), ("Comment", Shape::Text, None), ("QueryLanguage", Shape::Text, None)];

const NEXT: &[Field] = &[("Next", Shape::Text, None), ("End", Shape::Flag, None)];
const IN_OUT: &[Field] = &[("InputPath", Shape::Path, P), ("OutputPath", Shape::Path, P), ("Output", Shape::Template, A)];
const ASSIGN: &[Field] = &[("Assign", Shape::Assign, None)];
const RESULT: &[Field] =
    &[("Parameters", Shape::Template, P), ("ResultSelector", Shape::Template, P), ("ResultPath", Shape::Result, P)];
const ERRORS: &[Field] = &[("Retry", Shape::Maps, None), ("Catch", Shape::Maps, None)];
const ARGUMENTS: &[Field] = &[("Arguments", Shape::Template, A)];

const TASK: &[Field] = &[
    ("Resource", Shape::Text, None),
    ("TimeoutSeconds", Shape::Whole(1, LONGEST), None),
    ("TimeoutSecondsPath", Shape::Reference, P),
    ("HeartbeatSeconds", Shape::Whole(1, LONGEST), None),
    ("HeartbeatSecondsPath", Shape::Reference, P),
    ("Credentials", Shape::Template, None),
];
const PASS: &[Field] = &[("Result", Shape::Any, P), ("Parameters", Shape::Template, P), ("ResultPath", Shape::Result, P)];
const CHOICE: &[Field] = &[("Choices", Shape::Several, None), ("Default", Shape::Text, None)];
const WAIT: &[Field] = &[
    ("Seconds", Shape::Whole(0, LONGEST), None),
    ("SecondsPath", Shape::Reference, P),
    ("Timestamp", Shape::Time, None),
    ("TimestampPath", Shape::Reference, P),
];
const FAIL: &[Field] = &[
    ("Error", Shape::Words, None),
    ("ErrorPath", Shape::Computed, P),
    ("Cause", Shape::Words, None),
    ("CausePath", Shape::Computed, P),
];
const PARALLEL: &[Field] = &[("Branches", Shape::Several, None)];
const MAP: &[Field] = &[
    ("ItemProcessor", Shape::Members, None),
    ("Iterator", Shape::Members, None),
    ("ItemsPath", Shape::Reference, P),
    ("Items", Shape::Template, A),
    ("ItemSelector", Shape::Template, None),
    ("ItemReader", Shape::Members, None),
    ("ItemBatcher", Shape::Members, None),
    ("ResultWriter", Shape::Members, None),
    ("Label", Shape::Text, None),
    ("MaxConcurrency", Shape::Whole(0, LONGEST), None),
    ("MaxConcurrencyPath", Shape::Reference, P),
    ("ToleratedFailureCount", Shape::Whole(0, LONGEST), None),
    ("ToleratedFailureCountPath", Shape::Reference, P),
    ("ToleratedFailurePercentage", Shape::Whole(0, 100), None),
    ("ToleratedFailurePercentagePath", Shape::Reference, P),
];

/// The types of states.
pub(super) const TYPES: [&str; 8] = ["Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"];

/// Returns the fields of a state type beyond the [`COMMON`] ones, or nothing when there is no such type.
///
/// Source: the specification's "Table of State Types and Fields".
pub(super) fn of_type(name: &str) -> Option<Vec<Field>> {
    let groups: &[&[Field]] = match name {
        "Task" => &[TASK, NEXT, IN_OUT, ASSIGN, RESULT, ERRORS, ARGUMENTS],
        "Pass" => &[PASS, NEXT, IN_OUT, ASSIGN],
        "Choice" => &[CHOICE, IN_OUT, ASSIGN],
        "Wait" => &[WAIT, NEXT, IN_OUT, ASSIGN],
        "Succeed" => &[IN_OUT],
        "Fail" => &[FAIL],
        "Parallel" => &[PARALLEL, NEXT, IN_OUT, ASSIGN, RESULT, ERRORS, ARGUMENTS],
        "Map" => &[MAP, NEXT, IN_OUT, ASSIGN, RESULT, ERRORS],
        _ => return None,
    };
    Some(groups.iter().flat_map(|group| group.iter().copied()).collect())
}

/// Checks that a map has only the given fields, each in its shape.
pub(super) fn check_fields(
    members: &Map<String, Value>,
    path: &[String],
    fields: &[Field],
    language: Language,
    owner: &str,
    findings: &mut Vec<Finding>,
) {
    for (key, value) in members {
        let here = below(path, key);
        match fields.iter().find(|(name, ..)| name == key) {
            None => {
                let usable = fields.iter().filter(|(.., only)| only.is_none_or(|only| only == language));
                let finding = Finding::new(&here, format!("`{key}` is no field of {owner}"));
                findings.push(finding.nearest_of(key, usable.map(|(name, ..)| *name)));
            }
            Some((_, _, Some(only))) if *only != language => findings.push(foreign(key, &here, language)),
            Some((_, shape, _)) => check_shape(*shape, value, &here, language, findings),
        }
    }
}

/// Reports a field of the other language.
fn foreign(key: &str, path: &[String], language: Language) -> Finding {
    let (ours, theirs) = match language {
        JsonPath => ("JSONPath", "JSONata"),
        Jsonata => ("JSONata", "JSONPath"),
    };
    let finding = Finding::new(path, format!("`{key}` belongs to {theirs}, and the state's query language is {ours}"));
    match key {
        "Parameters" => finding.help("write `Arguments`"),
        "Arguments" => finding.help("write `Parameters`"),
        "ResultSelector" | "ResultPath" | "OutputPath" => finding.help("write `Output`"),
        "Output" => finding.help("write `ResultSelector`, `ResultPath` or `OutputPath`"),
        "ItemsPath" => finding.help("write `Items`"),
        "Items" => finding.help("write `ItemsPath`"),
        _ => finding,
    }
}

/// Tells whether a value is a reference that the deployer fills later.
pub(super) fn is_unresolved(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("${") && text.ends_with('}'))
}

fn check_shape(shape: Shape, value: &Value, path: &[String], language: Language, findings: &mut Vec<Finding>) {
    let expression = language == Jsonata && is_expression(value);
    let mut expect = |right: bool, what: &str| {
        if !right {
            findings.push(Finding::new(path, format!("this must be {what}, not {}", brief(value))));
        }
    };
    match shape {
        Shape::Any => {}
        _ if is_unresolved(value) => {}
        Shape::Text => expect(value.is_string(), "a string"),
        Shape::Words => {
            expect(value.is_string(), "a string");
            if language == Jsonata {
                check_template(value, path, language, findings);
            }
        }
        Shape::Flag => expect(value.is_boolean(), "`true` or `false`"),
        Shape::Members => expect(value.is_object(), "a map"),
        Shape::Several => expect(is_list_of_maps(value) && value != &Value::Array(Vec::new()), "a list of at least one map"),
        Shape::Maps => expect(is_list_of_maps(value), "a list of maps"),
        Shape::Whole(..) | Shape::Time if expression => check_template(value, path, language, findings),
        Shape::Whole(least, most) => {
            let within = value.as_u64().is_some_and(|number| (least..=most).contains(&number));
            expect(within, &format!("a whole number from {least} to {most}"));
        }
        Shape::Time => {
            expect(value.as_str().is_some_and(is_time), "a time such as `2026-11-22T16:00:00Z`");
        }
        Shape::Path => findings.extend(check_path(value, path)),
        Shape::Reference => findings.extend(check_reference_path(value, path)),
        Shape::Result => findings.extend(check_result_path(value, path)),
        Shape::Computed => findings.extend(check_function_or_path(value, path)),
        Shape::Template => check_template(value, path, language, findings),
        Shape::Assign => check_assign(value, path, language, findings),
    }
}

fn is_list_of_maps(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_object))
}

/// Shows a value in a message: scalars as they are, the rest by its kind.
pub(super) fn brief(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::String(text) => format!("`{text}`"),
        scalar => scalar.to_string(),
    }
}

/// Tells whether a text is a time as the specification's "Timestamps" wants it: RFC 3339 with capital `T` and `Z`.
pub(super) fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let (clock, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => return false,
    };
    let seconds = match clock.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && all_digits(fraction) => whole,
        Some(_) => return false,
        None => clock,
    };
    let zone = offset == "Z" || fits(offset.get(1..).unwrap_or_default(), ':', &[(0, 23), (0, 59)], 2);
    let date_fits = date
        .split_once('-')
        .is_some_and(|(year, rest)| year.len() == 4 && all_digits(year) && fits(rest, '-', &[(1, 12), (1, 31)], 2));
    date_fits && fits(seconds, ':', &[(0, 23), (0, 59), (0, 60)], 2) && zone
}

fn fits(text: &str, separator: char, ranges: &[(u32, u32)], width: usize) -> bool {
    let parts: Vec<&str> = text.split(separator).collect();
    let within = |(part, (least, most)): (&&str, &(u32, u32))| {
        part.len() == width && all_digits(part) && part.parse().is_ok_and(|number: u32| (*least..=*most).contains(&number))
    };
    parts.len() == ranges.len() && parts.iter().zip(ranges).all(within)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
