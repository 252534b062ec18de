use std::path::Path;

use granit_parser::ScalarStyle;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::layout;
use super::style::Style;
use super::*;
use crate::environment::node::Data;

fn keys(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn read(text: &str) -> Value {
    yaml::parse(&source(Path::new("a.yaml"), text.to_owned()), Tags::Refused).unwrap().to_json()
}

#[track_caller]
fn set_to(text: &str, path: &str, value: Value) -> String {
    let edited = set(&source(Path::new("a.yaml"), text.to_owned()), &keys(path), &value);
    edited.unwrap_or_else(|fault| panic!("{text:?} {path} {value}: {fault}"))
}

#[track_caller]
fn without(text: &str, path: &str) -> String {
    remove(&source(Path::new("a.yaml"), text.to_owned()), &keys(path)).unwrap()
}

#[test]
fn values_change_in_their_place_and_quotes() {
    let cases = [
        ("a: 1  # one\nb: 2\n", "a", json!(3), "a: 3  # one\nb: 2\n"),
        ("a: 'x'  # it\n", "a", json!("it's"), "a: 'it''s'  # it\n"),
        ("a: \"x\"\n", "a", json!("1 €"), "a: \"1 €\"\n"),
        ("a: 10s\n", "a", json!("5m"), "a: 5m\n"),
        ("a: x\n", "a", json!("no"), "a: \"no\"\n"),
        ("a: x\n", "a", json!(">="), "a: \">=\"\n"),
        ("a: x\n", "a", json!("2012-10-17"), "a: \"2012-10-17\"\n"),
        ("a: x\n", "a", json!("a: b"), "a: \"a: b\"\n"),
        ("a: x\n", "a", json!("b\u{202e}c"), "a: \"b\\u202ec\"\n"),
        ("a: { b: 1, c: [x, y] } # c\n", "a.b", json!(2), "a: { b: 2, c: [x, y] } # c\n"),
        ("a: { b: 1, c: [x, y] }\n", "a.c.1", json!("z, w"), "a: { b: 1, c: [x, \"z, w\"] }\n"),
        ("a: |\n  one\n  two\n\nb: 1\n", "a", json!("three"), "a: three\n\nb: 1\n"),
        ("a: one\n  two\nb: 1", "a", json!("x"), "a: x\nb: 1"),
        ("a:\n  # of b\n  b: 1\n", "a", json!(5), "a:\n  # of b\n  5\n"),
        ("a:\n  b: 1 # c\nd: 2\n", "a", json!(5), "a: 5 # c\nd: 2\n"),
        ("a:\n", "a", json!(5), "a: 5\n"),
        ("a: # later\nb: 1\n", "a", json!(5), "a: 5 # later\nb: 1\n"),
    ];
    for (text, path, value, expected) in cases {
        assert_eq!(set_to(text, path, value.clone()), expected, "{text:?} {path} {value}");
    }
}

#[test]
fn keys_are_added_as_the_file_writes_them() {
    let cases = [
        ("f:\n  a: { x: 1 } # x\n", "f.a.z", json!("b c"), "f:\n  a: { x: 1, z: b c } # x\n"),
        ("f:\n  a: {}\n", "f.a.z", json!(1), "f:\n  a: { z: 1 }\n"),
        (
            "f:\n    a:\n        x: 1 # one\n\n# end\ng: 2\n",
            "f.a.y2.z",
            json!(1),
            "f:\n    a:\n        x: 1 # one\n        y2:\n            z: 1\n\n# end\ng: 2\n",
        ),
        ("a: 1", "b.c", json!("x"), "a: 1\nb:\n  c: x"),
        ("a: 1\r\nb:\r\n  c: 1\r\n", "b.d", json!(true), "a: 1\r\nb:\r\n  c: 1\r\n  d: true\r\n"),
        ("a: 1\n\nb:\n  c: 1\n", "d.e", json!(1), "a: 1\n\nb:\n  c: 1\n\nd:\n  e: 1\n"),
        ("a:\n  b: |+\n    x\n\n", "a.c", json!(1), "a:\n  b: |+\n    x\n\n  c: 1\n"),
        ("a:\n- k: 1\n  l: 2\n", "a.0.m", json!([1, 2]), "a:\n- k: 1\n  l: 2\n  m: [1, 2]\n"),
        ("# nothing yet", "a", json!({"b": 1}), "# nothing yet\na:\n  b: 1"),
        ("a: null # none\n", "a.b", json!(1), "a:\n  b: 1 # none\n"),
        ("a: [x]\n", "a", json!(["x", "y: z"]), "a: [x, \"y: z\"]\n"),
        ("a: [x, y] # two\n", "a", json!(["n0", "x", "y"]), "a: [n0, x, y] # two\n"),
        ("a:\n  - x # one\n  # of y\n  - y\n", "a", json!(["x", "m", "y"]), "a:\n  - x # one\n  - m\n  # of y\n  - y\n"),
        ("a:\n- x\n- y", "a", json!(["x", "y", {"k": 1, "l": {"m": 2}}]), "a:\n- x\n- y\n- k: 1\n  l:\n    m: 2"),
    ];
    for (text, path, value, expected) in cases {
        assert_eq!(set_to(text, path, value.clone()), expected, "{text:?} {path} {value}");
    }
}

#[test]
fn what_is_taken_away_leaves_all_else() {
    let cases = [
        ("a: 1\n# of b\nb: 2 # two\nc: 3\n", "b", "a: 1\n# of b\nc: 3\n"),
        ("a: 1\nb:\n  c: 1\n  d: 2", "b", "a: 1"),
        ("a: 1\r\nb: 2\r\n", "b", "a: 1\r\n"),
        ("a: { b: 1, c: 2, d: 3 }\n", "a.b", "a: { c: 2, d: 3 }\n"),
        ("a: { b: 1, c: 2, d: 3 }\n", "a.c", "a: { b: 1, d: 3 }\n"),
        ("a: { b: 1, c: 2, d: 3 }\n", "a.d", "a: { b: 1, c: 2 }\n"),
        ("a: { b: 1 } # none left\n", "a.b", "a: {} # none left\n"),
        ("a:\n  b: 1\nc: 2\n", "a.b", "a: {}\nc: 2\n"),
        ("a:\n  - x\n  - y # y\n  - z\n", "a.1", "a:\n  - x\n  - z\n"),
        ("a:\n  - x\n", "a.0", "a: []\n"),
        ("a:\n  - k: 1\n    l: 2\n", "a.0.k", "a:\n  - l: 2\n"),
        (
            "a: {\n  b: 1, # of b\n  c: 2, # of c\n  d: 3 # of d\n}\n",
            "a.c",
            "a: {\n  b: 1, # of b\n   # of c\n  d: 3 # of d\n}\n",
        ),
        ("a: |\n  x\n\nb: 1\n", "a", "\nb: 1\n"),
        ("a: 1\n", "b", "a: 1\n"),
    ];
    for (text, path, expected) in cases {
        assert_eq!(without(text, path), expected, "{text:?} {path}");
    }
}

#[test]
fn what_others_hang_on_is_refused() {
    let text = "base: &base { x: 1 }\nother: *base\ntyped: !!str 5\n";
    for path in ["base.x", "base", "other.x", "other", "typed"] {
        let fault = set(&source(Path::new("a.yaml"), text.to_owned()), &keys(path), &json!(2)).unwrap_err();
        assert!(fault.message.contains("cannot be edited alone"), "{path}: {}", fault.message);
        assert!(fault.span.is_some());
    }
    assert!(remove(&source(Path::new("a.yaml"), text.to_owned()), &keys("base")).is_err());
    assert_eq!(set_to(text, "new", json!(1)), format!("{text}new: 1\n"));
    let fault = set(&source(Path::new("a.yaml"), "a: x\n".to_owned()), &keys("a.b"), &json!(2)).unwrap_err();
    assert!(fault.message.contains("no place for `a.b`"), "{}", fault.message);
    assert!(set(&source(Path::new("a.yaml"), "a: [\n".to_owned()), &keys("a"), &json!(2)).is_err());
}

#[test]
fn shipped_files_are_edited_value_by_value() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let before = source(&file, std::fs::read_to_string(&file).unwrap());
        let (tree, text) = (yaml::parse(&before, Tags::Refused).unwrap(), &before.text);
        let mut all = vec![];
        paths(&tree.to_json(), &[], &mut all);
        for (index, path) in all.into_iter().enumerate() {
            let place = tree.find(&path).unwrap();
            // Each is one parse; some of them are enough.
            if index % 8 == 0 {
                let fewer = remove(&before, &path).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
                let own = between(&fewer, text).trim();
                assert!(fewer.len() < text.len() && own.len() <= 3, "{path:?}: {own:?}");
            }
            if index % 8 == 1 && !matches!(place.data, Data::Mapping(_) | Data::Sequence(_)) {
                let range = place.span.range.clone();
                let after = set(&before, &path, &json!("it's new")).unwrap();
                let quotes = if text[range.clone()].starts_with('"') { "\"" } else { "" };
                assert_eq!(after, format!("{}{quotes}it's new{quotes}{}", &text[..range.start], &text[range.end..]));
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count}");
}

/// A document at random, and how it is written.
fn value(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        (-1.0e6..1.0e6).prop_map(|number: f64| Value::from(number)),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
    .boxed()
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,8}",
        "[ -~]{0,12}",
        "\\PC{0,8}",
        Just("${a.b.c}".to_owned()),
        Just("a\nb\n".to_owned()),
        "[0-9:.+-]{1,6}"
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[a-z:/ #{}-]{1,6}"]
}

/// Writes a document in styles drawn from a list of numbers, with comments between.
struct Writer {
    draws: Vec<u8>,
    at: usize,
    newline: &'static str,
    step: usize,
}

impl Writer {
    fn draw(&mut self, of: u8) -> u8 {
        self.at += 1;
        self.draws[self.at % self.draws.len()] % of
    }

    fn string(&mut self, text: &str, in_flow: bool) -> String {
        let like = [ScalarStyle::Plain, ScalarStyle::SingleQuoted, ScalarStyle::DoubleQuoted][usize::from(self.draw(3))];
        style_of_two().inline(&Value::from(text), Some(like), in_flow)
    }

    fn flow(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => self.string(text, true),
            Value::Array(items) if !items.is_empty() => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                let gap = if self.draw(2) == 0 { ", ".to_owned() } else { format!(",{}      ", self.newline) };
                format!("[{}]", items.join(&gap))
            }
            Value::Object(map) if !map.is_empty() => {
                let entries: Vec<String> =
                    map.iter().map(|(key, value)| format!("{}: {}", style_of_two().key(key, true), self.flow(value))).collect();
                format!("{{ {} }}", entries.join(", "))
            }
            other => other.to_string(),
        }
    }

    fn comment(&mut self, indent: usize, out: &mut String) {
        match self.draw(5) {
            0 => out.push_str(&format!("{}# a comment: {{ }}{}", " ".repeat(indent), self.newline)),
            1 => out.push_str(self.newline),
            _ => {}
        }
    }

    fn end(&mut self, out: &mut String) {
        let comment = if self.draw(4) == 0 { "  # it's said" } else { "" };
        out.push_str(comment);
        out.push_str(self.newline);
    }

    /// What stands behind a colon or a dash, to the end of its last line.
    fn behind(&mut self, value: &Value, indent: usize, out: &mut String) {
        let is_nested =
            value.as_object().is_some_and(|map| !map.is_empty()) || value.as_array().is_some_and(|items| !items.is_empty());
        match value {
            Value::String(text)
                if text.len() > 1 && text.ends_with('\n') && !text.starts_with([' ', '\n']) && self.draw(2) == 0 =>
            {
                out.push_str(&format!(" |{}", self.newline));
                for line in text.lines() {
                    out.push_str(&format!("{}{line}{}", " ".repeat(indent + self.step), self.newline));
                }
            }
            Value::Null if self.draw(2) == 0 => self.end(out),
            value if is_nested && self.draw(3) > 0 => {
                self.end(out);
                self.block(value, indent + self.step, out);
            }
            value => {
                let text = match value {
                    Value::String(text) => self.string(text, false),
                    other => self.flow(other),
                };
                out.push_str(&format!(" {text}"));
                self.end(out);
            }
        }
    }

    fn block(&mut self, value: &Value, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.comment(indent, out);
                    out.push_str(&format!("{pad}{}:", style_of_two().key(key, false)));
                    self.behind(value, indent, out);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.comment(indent, out);
                    out.push_str(&format!("{pad}-"));
                    self.behind(item, indent, out);
                }
            }
            _ => {}
        }
    }
}

fn style_of_two() -> Style {
    Style::of("", &layout::of(&source(Path::new(""), String::new())).unwrap())
}

fn document() -> impl Strategy<Value = (Value, String)> {
    let root = prop::collection::btree_map(key(), value(4), 1..5);
    let draws = prop::collection::vec(any::<u8>(), 40);
    (root, draws, any::<bool>(), 1_usize..5, any::<bool>()).prop_map(|(root, draws, windows, step, ends)| {
        let root: Value = root.into_iter().collect::<Map<_, _>>().into();
        let newline = if windows { "\r\n" } else { "\n" };
        let mut writer = Writer { draws, at: 0, newline, step };
        let mut text = String::new();
        writer.block(&root, 0, &mut text);
        if !ends {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        (root, text)
    })
}

/// All paths of a value, and the place of each.
fn paths(value: &Value, at: &[String], out: &mut Vec<Vec<String>>) {
    let mut go = |key: String, inner: &Value| {
        let path: Vec<String> = at.iter().cloned().chain([key]).collect();
        out.push(path.clone());
        paths(inner, &path, out);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| go(key.clone(), inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| go(index.to_string(), inner)),
        _ => {}
    }
}

/// What one text has between the beginning and the end that it shares with another.
fn between<'a>(text: &'a str, other: &str) -> &'a str {
    let start = text.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let most = text.len().min(other.len()) - start;
    let end = text.bytes().rev().zip(other.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    text.get(start..text.len() - end).unwrap_or("")
}

fn comments(text: &str) -> usize {
    text.matches("# a comment: { }").count() + text.matches("  # it's said").count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_set_value_is_read_again((root, text) in document(), pick in any::<prop::sample::Index>(), new in value(3), deeper in key()) {
        prop_assume!(read_or_none(&text).as_ref() == Some(&root));
        let mut all = vec![];
        paths(&root, &[], &mut all);
        let mut path = all[pick.index(all.len())].clone();
        let mut wanted = root.clone();
        path.push(deeper);
        if !put(&mut wanted, &path, &new) {
            path.pop();
            wanted = root.clone();
            prop_assert!(put(&mut wanted, &path, &new));
        }
        let before = source(Path::new("a.yaml"), text.clone());
        let after = set(&before, &path, &new);
        prop_assert!(after.is_ok(), "{path:?} = {new} in\n{text}: {:?}", after.map_err(|fault| fault.message));
        let after = after.unwrap_or_default();
        prop_assert_eq!(read(&after), wanted.clone(), "{}", after);
        // What is there already is not touched, and line ends stay what they were.
        let again = set(&source(Path::new("a.yaml"), after.clone()), &path, &new).unwrap_or_default();
        prop_assert_eq!(&again, &after);
        if text.contains('\n') {
            let windows = text.contains("\r\n");
            prop_assert!(after.split_inclusive('\n').all(|line| !line.ends_with('\n') || line.ends_with("\r\n") == windows), "{after:?}");
        }
        prop_assert_eq!(text.ends_with('\n'), after.ends_with('\n'), "{:?}", after);
    }

    #[test]
    fn a_leaf_is_changed_within_its_span((root, text) in document(), pick in any::<prop::sample::Index>(), new in words()) {
        prop_assume!(read_or_none(&text).as_ref() == Some(&root));
        let before = source(Path::new("a.yaml"), text.clone());
        let tree = yaml::parse(&before, Tags::Refused).unwrap();
        let mut all = vec![];
        paths(&root, &[], &mut all);
        all.retain(|path| {
            let node = tree.find(path).unwrap();
            let is_block = text[..node.span.range.start].trim_end().ends_with('|');
            !is_block && matches!(node.data, Data::String(_) | Data::Number(_) | Data::Bool(_)) && node.as_str() != Some(new.as_str())
        });
        prop_assume!(!all.is_empty());
        let path = &all[pick.index(all.len())];
        let node = tree.find(path).unwrap();
        let after = set(&before, path, &Value::from(new.clone())).unwrap();
        prop_assert!(after.starts_with(&text[..node.span.range.start]), "{after}");
        prop_assert!(after.ends_with(&text[node.span.range.end..]), "{after}");
    }

    #[test]
    fn what_is_taken_away_is_one_stretch((root, text) in document(), pick in any::<prop::sample::Index>()) {
        prop_assume!(read_or_none(&text).as_ref() == Some(&root));
        let mut all = vec![];
        paths(&root, &[], &mut all);
        let path = &all[pick.index(all.len())];
        let mut wanted = root.clone();
        let (last, above) = path.split_last().unwrap();
        match above.iter().try_fold(&mut wanted, |value, key| child(value, key)) {
            Some(Value::Object(map)) => drop(map.shift_remove(last)),
            Some(Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
            _ => unreachable!(),
        }
        let before = source(Path::new("a.yaml"), text.clone());
        let Ok(after) = remove(&before, path) else {
            // Only what begins on the line of a dash and is followed by comments.
            prop_assert!(text.contains('-'));
            return Ok(());
        };
        prop_assert_eq!(read(&after), wanted, "{} of\n{}", path.join("."), text);
        let gone = between(&text, &after);
        let own = between(&after, &text);
        prop_assert!(own.trim().len() <= 5, "{own:?} was written");
        // Comments go only with the lines that hold what was taken away.
        let lost = comments(&text) - comments(&after);
        prop_assert!(lost <= gone.lines().count(), "{gone:?}");
    }

    #[test]
    fn an_added_key_is_one_stretch((root, text) in document(), name in "z[a-z]{6}", new in value(2)) {
        prop_assume!(read_or_none(&text).as_ref() == Some(&root));
        let before = source(Path::new("a.yaml"), text.clone());
        let mut all = vec![vec![]];
        paths(&root, &[], &mut all);
        for mut path in all {
            let inside = path.iter().try_fold(&root, |value, key| match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                other => other.get(key),
            });
            if inside.and_then(Value::as_object).is_none_or(Map::is_empty) {
                continue;
            }
            path.push(name.clone());
            let after = set(&before, &path, &new).unwrap();
            prop_assert_eq!(between(&text, &after), "", "{}", after);
        }
    }

    #[test]
    fn any_text_is_edited_or_refused(text in "[a-c:\\-{}\\[\\], \n#&*!|>'\"]{0,40}", path in prop::collection::vec("[a-c]|0|1", 1..4), new in value(1)) {
        let before = source(Path::new("a.yaml"), text);
        if let Ok(after) = set(&before, &path, &new) {
            let mut wanted = yaml::parse(&before, Tags::Refused).unwrap().to_json();
            prop_assert!(put(&mut wanted, &path, &new));
            prop_assert_eq!(read(&after), wanted);
        }
        let _ = remove(&before, &path);
    }
}

fn read_or_none(text: &str) -> Option<Value> {
    Some(yaml::parse(&source(Path::new("a.yaml"), text.to_owned()), Tags::Refused).ok()?.to_json())
}
