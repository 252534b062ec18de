//! Values as indented lines, and two of them side by side with the changed words marked.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::style::{ADDED, FAINT, REMOVED, paint};

/// Writes a value in the manner of YAML, one line per leaf.
pub fn lines(value: &Value) -> Vec<String> {
    let mut out = vec![];
    write(value, "", "", &mut out);
    out
}

/// `lead` stands before the value's first line, `pad` before all others.
fn write(value: &Value, lead: &str, pad: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut lead = lead.to_owned();
            for (key, value) in map {
                if is_nested(value) && short_list(value).is_none() {
                    out.push(format!("{lead}{key}:"));
                    let inner = format!("{pad}  ");
                    write(value, &inner, &inner, out);
                } else {
                    write(value, &format!("{lead}{key}: "), pad, out);
                }
                lead = pad.to_owned();
            }
        }
        Value::Array(items) if !items.is_empty() => match short_list(value) {
            Some(line) => out.push(format!("{lead}{line}")),
            None => {
                let mut lead = lead.to_owned();
                for item in items {
                    write(item, &format!("{lead}- "), &format!("{pad}  "), out);
                    lead = pad.to_owned();
                }
            }
        },
        other => out.push(format!("{lead}{}", scalar(other))),
    }
}

fn is_nested(value: &Value) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty()) || value.as_array().is_some_and(|items| !items.is_empty())
}

/// A list that fits on the line of its key.
fn short_list(value: &Value) -> Option<String> {
    let items = value.as_array().filter(|items| !items.is_empty() && items.len() <= 4 && items.iter().all(is_short))?;
    let line = format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(", "));
    (line.chars().count() <= 60).then_some(line)
}

fn is_short(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// Writes a leaf: text as it is where that cannot be misread, all else as JSON.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains(['\n', '\t', '"', '#'])
        && text.parse::<f64>().is_err()
        && !["true", "false", "null"].contains(&text)
}

/// Shows how one value becomes another: changed lines with marked words, and two lines around them.
pub fn changed(from: &Value, to: &Value) -> Vec<String> {
    let (old, new) = (lines(from).join("\n") + "\n", lines(to).join("\n") + "\n");
    let diff = TextDiff::from_lines(&old, &new);
    let mut out = vec![];
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            out.push(paint(FAINT, "  …"));
        }
        for op in group {
            for change in diff.iter_inline_changes(op) {
                let (sign, style) = match change.tag() {
                    ChangeTag::Delete => ("- ", REMOVED),
                    ChangeTag::Insert => ("+ ", ADDED),
                    ChangeTag::Equal => ("  ", FAINT),
                };
                let mut line = paint(style, sign);
                for (marked, text) in change.iter_strings_lossy() {
                    let text = text.trim_end_matches('\n').to_owned();
                    line += &paint(if marked { style.underline().bold() } else { style }, text);
                }
                out.push(line);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_like_yaml() {
        let value = json!({ "a": 1, "b": { "c": "x y", "d": [] }, "e": [{ "f": "1", "g": null }, { "f": [1, 2] }] });
        let expected = ["a: 1", "b:", "  c: x y", "  d: []", "e:", "  - f: \"1\"", "    g: null", "  - f: [1, 2]"];
        assert_eq!(lines(&value), expected);
    }

    #[test]
    fn marks_the_words_that_changed() {
        let shown =
            changed(&json!({ "Action": "s3:GetObject", "x": 1 }), &json!({ "Action": "s3:PutObject", "x": 1 })).join("\n");
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "- Action: s3:GetObject\n+ Action: s3:PutObject\n  x: 1");
        // Only the word that changed is underlined.
        let underlined: Vec<&str> = shown
            .split("\u{1b}[4m")
            .skip(1)
            .map(|part| part.split('\u{1b}').find(|part| !part.is_empty()).unwrap_or(""))
            .collect();
        assert!(underlined.iter().all(|word| !word.contains("Action")) && !underlined.is_empty(), "{shown:?}");
    }
}
