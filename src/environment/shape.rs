//! Holds a YAML tree against a JSON Schema, so that one run finds every misspelt key and wrong type, each with its place.
//!
//! The schema is the one that `scones schema` prints for editors; it comes from the types of the specs. Only the
//! keywords that schemars writes for those types are known here.

use serde_json::{Map, Value};

use super::node::{Data, Node};
use super::source::{Diagnostic, Span};

/// Checks a node against a schema whose `$ref`s point into `root`'s `$defs`.
pub fn check(node: &Node, schema: &Value, root: &Value) -> Vec<Diagnostic> {
    let mut found = vec![];
    Checker { root }.check(node, &node.span, schema, &mut found);
    found
}

/// Names the known word nearest to a misspelt one, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

struct Checker<'a> {
    root: &'a Value,
}

impl<'a> Checker<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.root.pointer(pointer).unwrap_or(&Value::Null),
            None => schema,
        }
    }

    /// `place` is where the node starts for a reader: its key, if it has one.
    fn check(&self, node: &Node, place: &Span, schema: &'a Value, found: &mut Vec<Diagnostic>) {
        let schema = self.resolve(schema);
        let Some(rules) = schema.as_object() else { return };
        if let Some(choices) = rules.get("anyOf").or_else(|| rules.get("oneOf")).and_then(Value::as_array) {
            return self.check_choices(node, place, choices, rules, found);
        }
        if let Some(allowed) = rules.get("enum").and_then(Value::as_array) {
            return self.check_word(node, allowed, found);
        }
        if let Some(types) = rules.get("type")
            && !type_fits(node, types)
        {
            found.push(wrong_type(node, types, rules));
            return;
        }
        match &node.data {
            Data::Mapping(_) => self.check_mapping(node, place, rules, found),
            Data::Sequence(items) => {
                if let Some(schema) = rules.get("items") {
                    items.iter().for_each(|item| self.check(item, &item.span, schema, found));
                }
            }
            Data::String(text) => check_pattern(node, text, rules, found),
            Data::Number(number) => check_range(node, number.as_f64().unwrap_or(0.0), rules, found),
            _ => {}
        }
    }

    fn check_mapping(&self, node: &Node, place: &Span, rules: &'a Map<String, Value>, found: &mut Vec<Diagnostic>) {
        let Data::Mapping(entries) = &node.data else { return };
        let properties = rules.get("properties").and_then(Value::as_object);
        let additional = rules.get("additionalProperties");
        for (key, entry) in entries {
            match (properties.and_then(|properties| properties.get(key)), additional) {
                (Some(schema), _) => self.check(&entry.node, &entry.key_span, schema, found),
                (None, Some(Value::Bool(false))) => {
                    let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                    found.push(unknown_key(key, &entry.key_span, known.collect()));
                }
                (None, Some(schema)) => {
                    if matches!(entry.node.data, Data::Null) {
                        found.push(Diagnostic::new(format!("`{key}` has no value"), &entry.key_span));
                    } else {
                        self.check(&entry.node, &entry.key_span, schema, found);
                    }
                }
                (None, None) => {}
            }
        }
        for required in rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !entries.contains_key(required) {
                let help = properties
                    .and_then(|properties| properties.get(required))
                    .map(|schema| self.resolve(schema))
                    .and_then(|schema| schema.get("description"))
                    .and_then(Value::as_str)
                    .and_then(|text| text.lines().next());
                let diagnostic = Diagnostic::new(format!("the key `{required}` is missing"), &head(place));
                found.push(match help {
                    Some(text) => diagnostic.help(format!("{required}: {text}")),
                    None => diagnostic,
                });
            }
        }
    }

    fn check_choices(
        &self,
        node: &Node,
        place: &Span,
        choices: &'a [Value],
        rules: &Map<String, Value>,
        found: &mut Vec<Diagnostic>,
    ) {
        let choices: Vec<&Value> = choices.iter().map(|choice| self.resolve(choice)).collect();
        let constants: Vec<Value> = choices.iter().filter_map(|choice| constants_of(choice)).flatten().collect();
        if constants.len() >= choices.len() && !constants.is_empty() {
            return self.check_word(node, &constants, found);
        }
        let fitting: Vec<&Value> =
            choices.iter().copied().filter(|choice| choice.get("type").is_none_or(|types| type_fits(node, types))).collect();
        let mut best: Option<Vec<Diagnostic>> = None;
        for choice in &fitting {
            let mut inner = vec![];
            self.check(node, place, choice, &mut inner);
            if best.as_ref().is_none_or(|best| inner.len() < best.len()) {
                best = Some(inner);
            }
        }
        match best {
            Some(inner) => found.extend(inner),
            None => {
                let types: Vec<Value> = choices.iter().filter_map(|choice| choice.get("type").cloned()).collect();
                found.push(wrong_type(node, &Value::Array(types), rules));
            }
        }
    }

    fn check_word(&self, node: &Node, allowed: &[Value], found: &mut Vec<Diagnostic>) {
        if allowed.contains(&node.to_json()) {
            return;
        }
        let words: Vec<String> =
            allowed.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
        let written = node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned);
        let diagnostic = Diagnostic::new(format!("`{written}` is not one of the values known here"), &node.span);
        found.push(match nearest(&written, words.iter().map(String::as_str)) {
            Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
            None => diagnostic.help(format!("write one of: {}", words.join(", "))),
        });
    }
}

fn constants_of(choice: &Value) -> Option<Vec<Value>> {
    match choice.get("const") {
        Some(value) => Some(vec![value.clone()]),
        None => choice.get("enum").and_then(Value::as_array).cloned(),
    }
}

fn unknown_key(key: &str, span: &Span, known: Vec<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("the key `{key}` is not known here"), span);
    match nearest(key, known.iter().copied()) {
        Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
        None => diagnostic.help(format!("known keys: {}", known.join(", "))),
    }
}

/// The first line of a block is enough to say where a key is missing.
fn head(place: &Span) -> Span {
    let mut span = place.clone();
    let text = span.source.text.get(span.range.clone()).unwrap_or_default();
    let length = text.find('\n').unwrap_or(text.len());
    span.range.end = span.range.start + length;
    span
}

fn type_fits(node: &Node, types: &Value) -> bool {
    match types {
        Value::String(name) => match (name.as_str(), &node.data) {
            ("null", Data::Null)
            | ("boolean", Data::Bool(_))
            | ("string", Data::String(_))
            | ("array", Data::Sequence(_))
            | ("object", Data::Mapping(_))
            | ("number", Data::Number(_)) => true,
            ("integer", Data::Number(number)) => number.is_i64() || number.is_u64(),
            _ => false,
        },
        Value::Array(names) => names.iter().any(|name| type_fits(node, name)),
        _ => true,
    }
}

fn wrong_type(node: &Node, types: &Value, rules: &Map<String, Value>) -> Diagnostic {
    fn names(types: &Value, out: &mut Vec<&'static str>) {
        match types {
            Value::Array(items) => items.iter().for_each(|item| names(item, out)),
            Value::String(name) => out.push(match name.as_str() {
                "boolean" => "true or false",
                "string" => "a string",
                "array" => "a list",
                "object" => "a mapping",
                "integer" => "a whole number",
                "number" => "a number",
                _ => return,
            }),
            _ => {}
        }
    }
    let mut wanted = vec![];
    names(types, &mut wanted);
    wanted.dedup();
    let diagnostic =
        Diagnostic::new(format!("this is {}, but {} belongs here", node.type_name(), wanted.join(" or ")), &head(&node.span));
    if matches!(node.data, Data::Number(_) | Data::Bool(_)) && wanted.contains(&"a string") {
        let text = node.span.source.text.get(node.span.range.clone()).unwrap_or_default();
        return diagnostic.help(format!("put it in quotes: \"{text}\""));
    }
    match rules.get("description").and_then(Value::as_str).and_then(|text| text.lines().next()) {
        Some(text) => diagnostic.help(text.to_owned()),
        None => diagnostic,
    }
}

fn check_pattern(node: &Node, text: &str, rules: &Map<String, Value>, found: &mut Vec<Diagnostic>) {
    // What still holds a reference is checked once its value is known.
    if text.contains("${") {
        return;
    }
    let length = text.chars().count() as u64;
    let limit = |name: &str| rules.get(name).and_then(Value::as_u64);
    if limit("minLength").is_some_and(|least| length < least) || limit("maxLength").is_some_and(|most| length > most) {
        found.push(Diagnostic::new(
            format!(
                "this has {length} characters; {} to {} are allowed",
                limit("minLength").unwrap_or(0),
                limit("maxLength").map_or("any number".to_owned(), |most| most.to_string())
            ),
            &node.span,
        ));
        return;
    }
    let Some(pattern) = rules.get("pattern").and_then(Value::as_str) else { return };
    if regex_lite::Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
        let diagnostic = Diagnostic::new(format!("`{text}` has not the right form"), &node.span);
        let help =
            rules.get("description").and_then(Value::as_str).map_or_else(|| format!("it must match {pattern}"), str::to_owned);
        found.push(diagnostic.help(help));
    }
}

fn check_range(node: &Node, value: f64, rules: &Map<String, Value>, found: &mut Vec<Diagnostic>) {
    let limit = |name: &str| rules.get(name).and_then(Value::as_f64);
    let (least, most) = (limit("minimum"), limit("maximum"));
    if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("{least} to {most} is allowed"),
            (Some(least), None) => format!("{least} is the least"),
            (_, most) => format!("{} is the most", most.unwrap_or_default()),
        };
        found.push(Diagnostic::new(format!("{value} is out of range: {range}"), &node.span));
    }
}
