//! Values written as the file around them is.

use granit_parser::ScalarStyle;
use serde_json::{Map, Value};

use super::layout::{Place, Shape};
use super::source;
use crate::environment::yaml::{self, Tags};

/// The longest collection that is written on one line, in characters.
const LONGEST_LINE: usize = 90;

/// How a file is laid out.
pub struct Style {
    pub newline: &'static str,
    /// How many spaces a nested mapping stands further in.
    step: usize,
    /// How many spaces the dashes of a list stand further in than its key.
    dashes: usize,
}

impl Style {
    pub fn of(text: &str, root: &Place) -> Self {
        let newline = if text.find('\n').is_some_and(|at| text[..at].ends_with('\r')) { "\r\n" } else { "\n" };
        let step = inset(text, root, &|shape| matches!(shape, Shape::Map { flow: false, .. })).unwrap_or(2);
        let dashes = inset(text, root, &|shape| matches!(shape, Shape::List { flow: false, .. })).unwrap_or(step);
        Self { newline, step: step.max(1), dashes }
    }

    /// What stands behind a key's colon; `indent` is where the key stands.
    pub fn after_colon(&self, value: &Value, like: Option<ScalarStyle>, indent: usize) -> String {
        let (further, text) = match value {
            Value::Object(map) if !map.is_empty() => (self.step, self.map(map, indent + self.step)),
            Value::Array(items) if !items.is_empty() && !self.fits(value, indent) => {
                (self.dashes, self.list(items, indent + self.dashes))
            }
            other => return format!(" {}", self.inline(other, like, false)),
        };
        format!("{}{}{text}", self.newline, " ".repeat(indent + further))
    }

    /// A key with its value.
    pub fn entry(&self, key: &str, value: &Value, indent: usize) -> String {
        format!("{}:{}", self.key(key, false), self.after_colon(value, None, indent))
    }

    /// A value on lines of its own, of which all but the first begin with their indentation.
    pub fn lines(&self, value: &Value, like: Option<ScalarStyle>, indent: usize) -> String {
        match value {
            Value::Object(map) if !map.is_empty() => self.map(map, indent),
            Value::Array(items) if !items.is_empty() && !self.fits(value, indent) => self.list(items, indent),
            other => self.inline(other, like, false),
        }
    }

    fn map(&self, map: &Map<String, Value>, indent: usize) -> String {
        let entries: Vec<String> = map.iter().map(|(key, value)| self.entry(key, value, indent)).collect();
        entries.join(&format!("{}{}", self.newline, " ".repeat(indent)))
    }

    fn list(&self, items: &[Value], indent: usize) -> String {
        let items: Vec<String> = items.iter().map(|item| format!("- {}", self.lines(item, None, indent + 2))).collect();
        items.join(&format!("{}{}", self.newline, " ".repeat(indent)))
    }

    fn fits(&self, value: &Value, indent: usize) -> bool {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let short = |item: &Value| !item.is_object() && !item.is_array();
        items.iter().all(short) && indent + self.inline(value, None, true).chars().count() <= LONGEST_LINE
    }

    /// A value on one line.
    pub fn inline(&self, value: &Value, like: Option<ScalarStyle>, in_flow: bool) -> String {
        match value {
            Value::Object(map) if map.is_empty() => "{}".to_owned(),
            Value::Object(map) => {
                let entry =
                    |(key, value): (&String, &Value)| format!("{}: {}", self.key(key, true), self.inline(value, None, true));
                format!("{{ {} }}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.inline(item, None, true)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::String(text) => string(text, like, in_flow),
            other => other.to_string(),
        }
    }

    pub fn key(&self, key: &str, in_flow: bool) -> String {
        let text = if in_flow { format!("{{ {key}: 1 }}") } else { format!("{key}: 1") };
        let plain = !key.is_empty() && holds(&text, |value| value.as_object().is_some_and(|map| map.contains_key(key)));
        if plain && !is_misread(key) { key.to_owned() } else { double(key) }
    }
}

/// Text in the quotes that it had before, if these can hold it.
fn string(text: &str, like: Option<ScalarStyle>, in_flow: bool) -> String {
    let quotable = !text.chars().any(|c| c.is_control() || is_special(c));
    match like {
        Some(ScalarStyle::DoubleQuoted) => double(text),
        Some(ScalarStyle::SingleQuoted) if quotable => format!("'{}'", text.replace('\'', "''")),
        _ if quotable && is_plain(text, in_flow) => text.to_owned(),
        _ => double(text),
    }
}

/// Whether text without quotes is read as that text: here, and by those who still take `yes` for a boolean.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let places =
        if in_flow { [format!("{{ k: {text} }}"), format!("[{text}, x]")] } else { [format!("k: {text}"), format!("- {text}")] };
    let first = |value: &Value| value.get("k").or_else(|| value.get(0)).and_then(Value::as_str) == Some(text);
    !text.is_empty() && !is_misread(text) && places.iter().all(|place| holds(place, first))
}

/// Words and numbers that some readers take for something else; signs alone are quoted for people.
fn is_misread(text: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let like_a_number = |c: char| c.is_ascii_digit() || "+-.:_eE,".contains(c);
    words.contains(&text.to_lowercase().as_str())
        || !text.contains(char::is_alphanumeric)
        || (text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(like_a_number))
}

fn holds(text: &str, right: impl Fn(&Value) -> bool) -> bool {
    let source = source(std::path::Path::new(""), text.to_owned());
    yaml::parse(&source, Tags::Refused).is_ok_and(|root| right(&root.to_json()))
}

/// JSON's escapes are YAML's too; what JSON leaves as it is and YAML does not is escaped besides.
fn double(text: &str) -> String {
    let json = Value::from(text).to_string();
    let escaped = |c: char| if is_special(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escaped).collect()
}

/// Characters that YAML does not print, or takes for a line break or the start of a file; and those that turn the
/// direction of writing, which nobody would see.
fn is_special(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// How far the first collection of a sort stands further in than its key.
fn inset(text: &str, place: &Place, wanted: &dyn Fn(&Shape) -> bool) -> Option<usize> {
    place.members().iter().find_map(|member| {
        let below = member.after.filter(|_| matches!(place.shape, Shape::Map { flow: false, .. }) && wanted(&member.place.shape));
        let inset = below.and_then(|_| column(text, member.place.range.start).checked_sub(column(text, member.start)));
        inset.or_else(|| self::inset(text, &member.place, wanted))
    })
}

pub fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1)
}

/// How many characters stand before a place on its line.
pub fn column(text: &str, at: usize) -> usize {
    text.get(line_start(text, at)..at).unwrap_or_default().trim_start_matches('\u{feff}').chars().count()
}
