//! Payload templates: JSON with paths (in JSONPath states) or expressions (in JSONata states) in it.

use serde_json::{Map, Value};

use super::Language;
use super::fields::is_unresolved;
use super::paths::check_selected;
use crate::finding::{Finding, below};

/// The longest name of a variable. Source: the specification's "State Machine Variables".
const LONGEST_NAME: usize = 80;

/// Tells whether a value is, or means to be, a JSONata expression.
pub(super) fn is_expression(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("{%"))
}

/// Checks a template, however deep.
pub(super) fn check_template(value: &Value, path: &[String], language: Language, findings: &mut Vec<Finding>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                check_member(members, key, value, path, language, findings);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_template(item, &below(path, index), language, findings);
            }
        }
        Value::String(text) if language == Language::Jsonata => findings.extend(check_expression(text, path)),
        _ => {}
    }
}

fn check_member(
    members: &Map<String, Value>,
    key: &str,
    value: &Value,
    path: &[String],
    language: Language,
    findings: &mut Vec<Finding>,
) {
    let here = below(path, key);
    let Some(plain) = key.strip_suffix(".$") else {
        return check_template(value, &here, language, findings);
    };
    if language == Language::Jsonata {
        let finding = Finding::new(&here, "keys that end in `.$` belong to JSONPath, and the state's language is JSONata");
        findings.push(finding.help(format!("write `{plain}: \"{{% … %}}\"`")));
        return;
    }
    if members.contains_key(plain) {
        findings.push(Finding::new(&here, format!("`{plain}` is given twice, with and without `.$`")));
    }
    if !is_unresolved(value) {
        findings.extend(check_selected(value, &here));
    }
}

/// Checks variables with their templates.
pub(super) fn check_assign(value: &Value, path: &[String], language: Language, findings: &mut Vec<Finding>) {
    let Some(variables) = value.as_object() else {
        findings.push(Finding::new(path, "`Assign` is a map of variables"));
        return;
    };
    for name in variables.keys() {
        findings.extend(check_variable(variable(name, language), &below(path, name)));
    }
    check_template(value, path, language, findings);
}

/// Returns the variable that a key of `Assign` names.
pub(super) fn variable(key: &str, language: Language) -> &str {
    match language {
        Language::JsonPath => key.strip_suffix(".$").unwrap_or(key),
        Language::Jsonata => key,
    }
}

fn check_variable(name: &str, path: &[String]) -> Option<Finding> {
    let name = name.strip_suffix(".$").unwrap_or(name);
    let mut characters = name.chars();
    let identifier = characters.next().is_some_and(char::is_alphabetic)
        && characters.all(|c| c.is_alphanumeric() || c == '_')
        && name.chars().count() <= LONGEST_NAME;
    if !identifier {
        let finding = Finding::new(path, format!("`{name}` is no variable's name"));
        return Some(finding.help("a letter, then letters, digits and `_`, at most 80 characters, without `$`"));
    }
    (name == "states").then(|| Finding::new(path, "`states` is reserved and cannot be assigned"))
}

/// Checks a string of a JSONata state, which is an expression when it stands between `{%` and `%}`.
fn check_expression(text: &str, path: &[String]) -> Option<Finding> {
    let inside = match (text.strip_prefix("{%"), text.strip_suffix("%}")) {
        (Some(_), Some(_)) => text.get(2..text.len() - 2).unwrap_or_default(),
        (Some(_), None) => return Some(Finding::new(path, "the expression that starts with `{%` does not end with `%}`")),
        (None, Some(_)) => return Some(Finding::new(path, "the expression that ends with `%}` does not start with `{%`")),
        (None, None) => return None,
    };
    let fault = expression_fault(inside.trim())?;
    Some(Finding::new(path, format!("`{text}` is no JSONata expression: {fault}")))
}

/// Says what is roughly wrong with an expression, if anything: brackets and quotes.
fn expression_fault(expression: &str) -> Option<String> {
    if expression.is_empty() {
        return Some("it is empty".to_owned());
    }
    if expression.contains("$eval(") {
        return Some("Step Functions does not support `$eval`".to_owned());
    }
    // A slash may divide, or open a regular expression or a comment, in which brackets need not balance.
    if expression.contains('/') {
        return None;
    }
    let mut open: Vec<char> = Vec::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for character in expression.chars() {
        if let Some(mark) = quote {
            if !escaped && character == mark {
                quote = None;
            }
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '\'' | '"' | '`' => quote = Some(character),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(character) => return Some(format!("a `{character}` closes nothing")),
            _ => {}
        }
    }
    if quote.is_some() {
        return Some("a quote is left open".to_owned());
    }
    open.pop().map(|closing| format!("a `{closing}` is missing"))
}
