//! JSONPath as Step Functions takes it.
//!
//! The check is a rough one: it finds unbalanced brackets, open quotes, empty names and missing roots, and lets every
//! filter and script pass, because the service's own grammar (Jayway's, with restrictions) is not published.

use serde_json::Value;

use super::functions::{check_call, looks_like_call};
use crate::finding::Finding;

/// Checks a path or `null`.
pub(super) fn check_path(value: &Value, path: &[String]) -> Option<Finding> {
    match value {
        Value::Null => None,
        Value::String(text) => path_fault(text).map(|fault| wrong(path, text, &fault)),
        other => Some(no_path(path, other)),
    }
}

/// Checks a reference path: one that can lead to no more than one value.
pub(super) fn check_reference_path(value: &Value, path: &[String]) -> Option<Finding> {
    match value {
        Value::String(text) => reference_fault(text).map(|fault| wrong(path, text, &fault)),
        other => Some(no_path(path, other)),
    }
}

/// Checks a place for a result: a reference path into the input, or `null`.
pub(super) fn check_result_path(value: &Value, path: &[String]) -> Option<Finding> {
    match value {
        Value::Null => None,
        Value::String(text) if text.starts_with("$$") => {
            Some(wrong(path, text, "a result cannot be put into the context object"))
        }
        Value::String(text) if root_length(text) > 1 => {
            Some(wrong(path, text, "a result cannot be put into a variable").help("use `Assign`"))
        }
        other => check_reference_path(other, path),
    }
}

/// Checks a reference path or a call of an intrinsic function.
pub(super) fn check_function_or_path(value: &Value, path: &[String]) -> Option<Finding> {
    match value {
        Value::String(text) if looks_like_call(text) => check_call(text).err().map(|fault| wrong_call(path, text, &fault)),
        other => check_reference_path(other, path),
    }
}

/// Checks the value of a template's key that ends in `.$`: a path or a call of an intrinsic function.
pub(super) fn check_selected(value: &Value, path: &[String]) -> Option<Finding> {
    match value {
        Value::String(text) if looks_like_call(text) => check_call(text).err().map(|fault| wrong_call(path, text, &fault)),
        Value::String(text) if text.starts_with('$') => path_fault(text).map(|fault| wrong(path, text, &fault)),
        Value::String(text) => {
            let finding = Finding::new(path, format!("`{text}` is neither a path nor a call of an intrinsic function"));
            Some(finding.help("a key that ends in `.$` takes its value from a path; drop the `.$` to give the text itself"))
        }
        other => Some(no_path(path, other)),
    }
}

fn no_path(path: &[String], value: &Value) -> Finding {
    Finding::new(path, format!("{value} is no path")).help("a path is a string such as `$.detail.key`")
}

fn wrong(path: &[String], text: &str, fault: &str) -> Finding {
    Finding::new(path, format!("`{text}` is no path here: {fault}"))
}

fn wrong_call(path: &[String], text: &str, fault: &str) -> Finding {
    Finding::new(path, format!("`{text}` is no call of an intrinsic function: {fault}"))
}

/// Returns the length of a path's root: `$`, `$$` for the context object, `$name` for a variable, or 0.
fn root_length(text: &str) -> usize {
    if text.starts_with("$$") {
        return 2;
    }
    let Some(rest) = text.strip_prefix('$') else { return 0 };
    let name: usize = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    1 + name
}

/// Says what is wrong with a path, if anything.
pub(super) fn path_fault(text: &str) -> Option<String> {
    let root = root_length(text);
    if root == 0 {
        return Some("it does not start with `$`".to_owned());
    }
    let mut rest = text.get(root..).unwrap_or_default();
    while !rest.is_empty() {
        match step(rest) {
            Ok(length) => rest = rest.get(length..).unwrap_or_default(),
            Err(fault) => return Some(fault),
        }
    }
    None
}

/// Says what is wrong with a reference path, if anything.
fn reference_fault(text: &str) -> Option<String> {
    path_fault(text).or_else(|| {
        // Source: the specification's "Reference Paths": the operators `@ .. , : ? *` are not supported.
        let unquoted: String = text.split(['\'', '"']).step_by(2).collect();
        let operator = ["..", "@", ",", ":", "?", "*"].into_iter().find(|operator| unquoted.contains(operator))?;
        Some(format!("`{operator}` may lead to several values, and exactly one is wanted"))
    })
}

/// Returns the length in bytes of the first step of what follows a path's root.
fn step(rest: &str) -> Result<usize, String> {
    if rest.starts_with('[') {
        return bracket(rest);
    }
    let dots = rest.bytes().take_while(|byte| *byte == b'.').count();
    let after = rest.get(dots..).unwrap_or_default();
    match dots {
        0 => return Err(format!("`{}` follows where `.` or `[` should", rest.chars().next().unwrap_or_default())),
        1 | 2 => {}
        _ => return Err("it has three dots in a row".to_owned()),
    }
    // AWS takes `$.[0]` and `$..[0]`: the brackets are the next step.
    if after.starts_with('[') {
        return Ok(dots);
    }
    let name: usize = after.chars().take_while(|c| is_in_name(*c)).map(char::len_utf8).sum();
    if name == 0 {
        return Err("a name is missing behind `.`".to_owned());
    }
    let call = if after.get(name..).unwrap_or_default().starts_with("()") { 2 } else { 0 };
    Ok(dots + name + call)
}

fn is_in_name(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '.' | '[' | ']' | '(' | ')' | '\'' | '"' | ',')
}

/// Returns the length in bytes of a bracketed step, whose brackets, parentheses and quotes must balance.
fn bracket(rest: &str) -> Result<usize, String> {
    let mut open: Vec<char> = Vec::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, character) in rest.char_indices() {
        if let Some(mark) = quote {
            if !escaped && character == mark {
                quote = None;
            }
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '\'' | '"' => quote = Some(character),
            '[' => open.push(']'),
            '(' => open.push(')'),
            ']' | ')' => {
                if open.pop() != Some(character) {
                    return Err(format!("a `{character}` closes nothing"));
                }
                if open.is_empty() {
                    let inside = rest.get(1..at).unwrap_or_default();
                    return if inside.trim().is_empty() {
                        Err("`[]` is empty".to_owned())
                    } else {
                        index(inside).map(|()| at + 1)
                    };
                }
            }
            _ => {}
        }
    }
    Err(if quote.is_some() { "a quote is left open".to_owned() } else { "a bracket is left open".to_owned() })
}

/// Checks what stands in brackets: a quoted name, a filter, `*`, or numbers with `,` and `:`.
fn index(inside: &str) -> Result<(), String> {
    let inside = inside.trim();
    if inside == "*" || inside.starts_with(['\'', '"', '?', '(']) {
        return Ok(());
    }
    let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | ',' | ' ');
    if inside.chars().all(number) { Ok(()) } else { Err(format!("the name `{inside}` in brackets has no quotes")) }
}
