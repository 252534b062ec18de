//! Compares two JSON states under field rules. Knows no AWS and no kind.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A change means another resource: delete and create.
    Immutable,
    /// A list that is a set: only its members count. Both sides come sorted from their kind.
    Unordered,
    /// A JSON document: shown whole, with marks inside.
    Document,
    /// Never shown; a changed value prints as `(hidden)`.
    Secret,
    /// A list of [`Deviation`]s from what AWS itself knows to be right; nobody declares any. Each is a change of its own,
    /// and always drift.
    Deviations,
    /// Made of what is declared elsewhere and compared there: neither compared nor shown.
    Derived,
    /// Changed where it is, although other changes of the resource are rolled out.
    InPlace,
}

/// One property of a part of a resource that is not as it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// The keys that lead to the property; none if it is the whole part.
    pub path: Vec<String>,
    /// What is there now, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// What should be there, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Value>,
}

/// A rule for a field of a state.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The path from the state's root; `*` stands for any one key. The rule holds for all below it too.
    pub path: &'static str,
    pub rule: Rule,
    /// Why the rule is right, for those who wonder.
    pub why: &'static str,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Keys joined by dots; a key that holds other than letters, digits, `-` and `_` stands in brackets: `tags["a.b"]`.
    pub path: String,
    /// The live value; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// The value to be; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The resource cannot keep its identity through this change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
}

impl Change {
    /// The first key of the path: the field of the state.
    pub fn field(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }
}

/// Why a change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The YAML moved since it was last applied.
    Declared,
    /// The live side moved since it was last applied.
    Drifted,
    /// Both moved.
    Both,
    /// Nobody keeps a record of who moved.
    Unknown,
}

/// Lists the differences between a live state and a desired one, in the order of the desired one's keys.
pub fn diff(from: &Value, to: &Value, fields: &[Field]) -> Vec<Change> {
    let mut walk = Walk { fields, found: vec![] };
    walk.value(&mut vec![], Some(from), Some(to));
    walk.found
}

/// Says whether a rule holds for a path of keys.
pub fn rule_holds(fields: &[Field], path: &[&str], rule: Rule) -> bool {
    fields.iter().any(|field| {
        field.rule == rule && {
            let pattern: Vec<&str> = field.path.split('.').collect();
            pattern.len() <= path.len() && pattern.iter().zip(path).all(|(want, have)| *want == "*" || want == have)
        }
    })
}

struct Walk<'a> {
    fields: &'a [Field],
    found: Vec<Change>,
}

impl Walk<'_> {
    fn value(&mut self, path: &mut Vec<String>, from: Option<&Value>, to: Option<&Value>) {
        match (from, to) {
            (Some(from), Some(to)) if same(from, to) => {}
            _ if self.holds(path, Rule::Derived) => {}
            (Some(Value::Object(from)), Some(Value::Object(to))) => self.object(path, from, to),
            (Some(Value::Array(from)), Some(Value::Array(to))) if self.holds(path, Rule::Unordered) => self.set(path, from, to),
            (Some(Value::Array(from)), Some(Value::Array(to))) if self.holds(path, Rule::Document) => self.list(path, from, to),
            (Some(Value::Null) | None, Some(Value::Null) | None) => {}
            (Some(Value::Array(from)), _) if self.holds(path, Rule::Deviations) => self.deviations(path, from),
            (from, to) => self.change(path, from, to),
        }
    }

    fn object(&mut self, path: &mut Vec<String>, from: &Map<String, Value>, to: &Map<String, Value>) {
        for (key, value) in to {
            path.push(key.clone());
            self.value(path, from.get(key), Some(value));
            path.pop();
        }
        for (key, value) in from.iter().filter(|(key, _)| !to.contains_key(*key)) {
            path.push(key.clone());
            self.value(path, Some(value), None);
            path.pop();
        }
    }

    fn list(&mut self, path: &mut Vec<String>, from: &[Value], to: &[Value]) {
        for index in 0..from.len().max(to.len()) {
            path.push(index.to_string());
            self.value(path, from.get(index), to.get(index));
            path.pop();
        }
    }

    fn deviations(&mut self, path: &[String], found: &[Value]) {
        for deviation in found.iter().filter_map(|one| serde_json::from_value::<Deviation>(one.clone()).ok()) {
            let path: Vec<String> = path.iter().cloned().chain(deviation.path).collect();
            self.change(&path, deviation.live.as_ref(), deviation.declared.as_ref());
        }
    }

    fn set(&mut self, path: &[String], from: &[Value], to: &[Value]) {
        let gone: Vec<&Value> = from.iter().filter(|value| !to.contains(value)).collect();
        let new: Vec<&Value> = to.iter().filter(|value| !from.contains(value)).collect();
        gone.into_iter().for_each(|value| self.change(path, Some(value), None));
        new.into_iter().for_each(|value| self.change(path, None, Some(value)));
    }

    fn change(&mut self, path: &[String], from: Option<&Value>, to: Option<&Value>) {
        let shown = |value: &Value| match self.holds(path, Rule::Secret) {
            true => Value::String("(hidden)".to_owned()),
            false => value.clone(),
        };
        let present = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(shown);
        self.found.push(Change {
            path: join(path),
            from: present(from),
            to: present(to),
            cause: None,
            replaces: self.holds(path, Rule::Immutable),
        });
    }

    fn holds(&self, path: &[String], rule: Rule) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        rule_holds(self.fields, &path, rule)
    }
}

/// Equality in which `1` and `1.0` are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Joins keys as [`Change::path`] describes.
pub fn join<S: AsRef<str>>(path: &[S]) -> String {
    let mut out = String::new();
    for key in path.iter().map(AsRef::as_ref) {
        if key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) && !key.is_empty() {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(key);
        } else {
            out.push_str(&format!("[{}]", Value::from(key)));
        }
    }
    out
}

/// Takes a path apart that [`join`] made.
pub fn split(path: &str) -> Vec<String> {
    let mut out = vec![];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('[') {
            let mut stream = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
            let Some(Ok(key)) = stream.next() else { break };
            rest = quoted[stream.byte_offset()..].trim_start_matches(']').trim_start_matches('.');
            out.push(key);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            out.push(rest[..end].to_owned());
            rest = rest[end..].trim_start_matches('.');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        Field { path: "name", rule: Rule::Immutable, why: "" },
        Field { path: "actions", rule: Rule::Unordered, why: "" },
        Field { path: "environment.*", rule: Rule::Secret, why: "" },
        Field { path: "definition", rule: Rule::Document, why: "" },
        Field { path: "resources", rule: Rule::Deviations, why: "" },
    ];

    fn paths(from: Value, to: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        diff(&from, &to, FIELDS).into_iter().map(|change| (change.path, change.from, change.to)).collect()
    }

    #[test]
    fn paths_come_apart_as_they_were_joined() {
        for path in [vec!["a", "b"], vec!["tags", "a.b", "c"], vec!["we\"ird]", "x"], vec!["scones:app"]] {
            assert_eq!(split(&join(&path)), path, "{path:?}");
        }
    }

    #[test]
    fn equal_states_have_no_difference() {
        assert_eq!(paths(json!({"a": 1, "b": {"c": null}}), json!({"b": {}, "a": 1.0})), []);
    }

    #[test]
    fn finds_changed_added_and_removed() {
        assert_eq!(
            paths(json!({"memory": 128, "tags": {"a.b": "1"}}), json!({"memory": 256, "role": "r"})),
            [
                ("memory".into(), Some(json!(128)), Some(json!(256))),
                ("role".into(), None, Some(json!("r"))),
                ("tags".into(), Some(json!({"a.b": "1"})), None)
            ]
        );
        assert_eq!(paths(json!({"tags": {"a.b": "1"}}), json!({"tags": {}})), [("tags[\"a.b\"]".into(), Some(json!("1")), None)]);
    }

    #[test]
    fn sets_name_only_the_members_that_differ() {
        assert_eq!(
            paths(json!({"actions": ["a", "b"]}), json!({"actions": ["b", "c"]})),
            [("actions".into(), Some(json!("a")), None), ("actions".into(), None, Some(json!("c")))]
        );
    }

    #[test]
    fn documents_are_compared_leaf_by_leaf_and_lists_by_place() {
        assert_eq!(
            paths(json!({"definition": {"s": [{"x": 1}, {"x": 2}]}}), json!({"definition": {"s": [{"x": 1}, {"x": 3}]}})),
            [("definition.s.1.x".into(), Some(json!(2)), Some(json!(3)))]
        );
    }

    #[test]
    fn deviations_are_changes_of_their_own() {
        let found = json!({ "resources": { "Bucket": [
            { "path": ["Versioning", "Status"], "live": "Suspended", "declared": "Enabled" },
            { "path": [], "declared": "AWS::S3::Bucket" },
        ] } });
        assert_eq!(
            paths(found.clone(), json!({ "resources": {} })),
            [
                ("resources.Bucket.Versioning.Status".into(), Some(json!("Suspended")), Some(json!("Enabled"))),
                ("resources.Bucket".into(), None, Some(json!("AWS::S3::Bucket"))),
            ]
        );
        assert_eq!(paths(json!({ "resources": {} }), json!({ "resources": {} })), []);
    }

    #[test]
    fn secrets_are_hidden_and_immutable_fields_replace() {
        let found =
            diff(&json!({"environment": {"A": "x"}, "name": "a"}), &json!({"environment": {"A": "y"}, "name": "b"}), FIELDS);
        assert_eq!(found[0].from, Some(json!("(hidden)")));
        assert!(found[1].replaces && !found[0].replaces);
    }
}
