//! A template's parameters, and the values given for them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ParameterInfo, scalar};
use crate::finding::{Finding, below};

/// Returns the parameters that a template declares.
#[must_use]
pub fn parameters(template: &Value) -> BTreeMap<String, ParameterInfo> {
    let declared = template.get("Parameters").and_then(Value::as_object);
    declared.into_iter().flatten().map(|(name, declared)| (name.clone(), info(declared))).collect()
}

fn info(declared: &Value) -> ParameterInfo {
    let text = |key: &str| declared.get(key).and_then(scalar);
    ParameterInfo {
        type_name: text("Type").unwrap_or_else(|| "String".to_owned()),
        default: text("Default"),
        allowed_values: allowed_values(declared),
        no_echo: text("NoEcho").is_some_and(|flag| flag.eq_ignore_ascii_case("true")),
        description: text("Description"),
    }
}

fn allowed_values(declared: &Value) -> Vec<String> {
    let values = declared.get("AllowedValues").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(scalar).collect()
}

/// Returns what is wrong with the parameters given to a template: those unknown, missing or out of bounds.
///
/// Paths start at the map of given parameters. `AllowedPattern` is left to CloudFormation, whose regular expressions
/// are Java's. A value with a reference that is filled later (`${…}`) is only checked by its name.
#[must_use]
pub fn check_parameters(template: &Value, given: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let empty = serde_json::Map::new();
    let declared = template.get("Parameters").and_then(Value::as_object).unwrap_or(&empty);
    for (name, value) in given {
        let path = [name.clone()];
        match declared.get(name) {
            None => {
                let finding = Finding::new(&path, format!("the template has no parameter `{name}`"));
                findings.push(finding.nearest_of(name, declared.keys().map(String::as_str)));
            }
            Some(_) if value.contains("${") => {}
            Some(declared) => findings.extend(fault(declared, value).map(|fault| Finding::new(&path, fault))),
        }
    }
    for (name, declared) in declared {
        if declared.get("Default").is_none() && !given.contains_key(name) {
            let finding = Finding::new(&[], format!("the parameter `{name}` has no value and no default"));
            let described = declared.get("Description").and_then(Value::as_str);
            findings.push(match described {
                Some(text) => finding.help(format!("it is: {text}")),
                None => finding,
            });
        }
    }
    findings
}

/// Checks that a parameter's default keeps the parameter's own bounds.
pub(super) fn check_default(declared: &Value, path: &[String]) -> Option<Finding> {
    let default = declared.get("Default")?;
    let here = below(path, "Default");
    match scalar(default) {
        None => Some(Finding::new(&here, "a default is a string, a number or a boolean")),
        Some(text) => fault(declared, &text).map(|fault| Finding::new(&here, fault)),
    }
}

/// Says what is wrong with a parameter's value, if anything.
fn fault(declared: &Value, value: &str) -> Option<String> {
    let kind = declared.get("Type").and_then(Value::as_str).unwrap_or_default();
    let several = is_list(kind);
    if several && allowed_values(declared).iter().any(|allowed| allowed == value) {
        return None;
    }
    let items: Vec<&str> = if several { value.split(',').map(str::trim).collect() } else { vec![value] };
    items.into_iter().find_map(|item| item_fault(declared, kind, item))
}

/// Tells whether a parameter of a type stands for a list.
pub(super) fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

fn item_fault(declared: &Value, kind: &str, item: &str) -> Option<String> {
    let allowed = allowed_values(declared);
    if !allowed.is_empty() && !allowed.iter().any(|value| value == item) {
        return Some(format!("`{item}` is none of the allowed values {}", allowed.join(", ")));
    }
    let bound = |key: &str| declared.get(key).and_then(scalar).and_then(|bound| bound.parse::<f64>().ok());
    let outside = |measured: f64, least: Option<f64>, most: Option<f64>| {
        least.is_some_and(|least| measured < least) || most.is_some_and(|most| measured > most)
    };
    if kind.contains("Number") {
        return match item.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => {
                let (least, most) = (bound("MinValue"), bound("MaxValue"));
                outside(number, least, most).then(|| format!("{item} is not {}", range(least, most)))
            }
            _ => Some(format!("`{item}` is no number")),
        };
    }
    let (least, most) = (bound("MinLength"), bound("MaxLength"));
    let length = item.chars().count();
    let measured = u32::try_from(length).map_or(f64::MAX, f64::from);
    outside(measured, least, most).then(|| format!("`{item}` has {length} characters, not {}", range(least, most)))
}

fn range(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("{most} or less"),
        (None, None) => "anything".to_owned(),
    }
}
