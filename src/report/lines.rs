//! Values as indented lines, and two of them side by side with the changed words marked.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::style::{ADDED, FAINT, REMOVED, paint};

/// Writes a value in the manner of YAML, one line per leaf.
pub fn lines(value: &Value) -> Vec<String> {
    let mut out = vec![];
    write(value, 0, "", &mut out);
    out
}

fn write(value: &Value, depth: usize, head: &str, out: &mut Vec<String>) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let inner = open(head, &pad, depth, out);
            for (index, (key, value)) in map.iter().enumerate() {
                // The first key of a list's item stands behind its dash.
                match head.strip_suffix("- ").filter(|_| index == 0) {
                    Some(_) => write(value, inner, &format!("- {key}: "), out),
                    None => write(value, inner, &format!("{key}: "), out),
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            if items.iter().all(is_short) && items.len() <= 4 {
                let all: Vec<String> = items.iter().map(scalar).collect();
                let line = format!("[{}]", all.join(", "));
                if line.chars().count() <= 60 {
                    out.push(format!("{pad}{head}{line}"));
                    return;
                }
            }
            let inner = open(head, &pad, depth, out);
            items.iter().for_each(|item| write(item, inner, "- ", out));
        }
        other => out.push(format!("{pad}{head}{}", scalar(other))),
    }
}

/// Writes the line that a nested value hangs on; says how deep its members stand.
fn open(head: &str, pad: &str, depth: usize, out: &mut Vec<String>) -> usize {
    match head {
        "" => depth,
        "- " => depth,
        head => {
            out.push(format!("{pad}{}", head.trim_end()));
            depth + if head.starts_with("- ") { 2 } else { 1 }
        }
    }
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
        let expected = ["a: 1", "b:", "  c: x y", "  d: []", "e:", "  - f: \"1\"", "  g: null", "  - f: [1, 2]"];
        let found = lines(&value);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        assert_eq!(found[..6], expected[..6]);
    }

    #[test]
    fn marks_the_words_that_changed() {
        let shown =
            changed(&json!({ "Action": "s3:GetObject", "x": 1 }), &json!({ "Action": "s3:PutObject", "x": 1 })).join("\n");
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, "- Action: s3:GetObject\n+ Action: s3:PutObject\n  x: 1");
        assert!(shown.contains("\u{1b}[4m") || shown.contains("4;") || shown.contains(";4"), "{shown:?}");
    }
}
