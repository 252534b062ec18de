//! JSONPath, as far as it matters what a path surely does not find.

use super::shape::{Absent, Shape};

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    /// Anything that may lead to several values, or that is not understood.
    Other,
}

/// A part of a path that its value lacks.
#[derive(Debug)]
pub(super) struct Lack {
    /// The field or index that is read.
    pub name: String,
    /// The path before it.
    pub before: String,
    /// What is there instead.
    pub absent: Absent,
}

/// Finds what a path leads to in a value.
///
/// A path into the context object (`$$`) or into a variable (`$name`) leads to anything.
pub(super) fn select(path: &str, value: &Shape) -> Result<Shape, Lack> {
    let Some(rest) = path.strip_prefix('$').filter(|rest| rest.is_empty() || rest.starts_with(['.', '['])) else {
        return Ok(Shape::Any);
    };
    let mut found = value.clone();
    let mut before = "$".to_owned();
    for step in steps(rest) {
        let (next, name) = match &step {
            Step::Name(name) => (found.member(name), name.clone()),
            Step::Index(index) => (found.element(*index), index.to_string()),
            Step::Other => return Ok(Shape::Any),
        };
        found = next.map_err(|absent| Lack { name: name.clone(), before: before.clone(), absent })?;
        before = match step {
            Step::Index(index) => format!("{before}[{index}]"),
            _ => format!("{before}.{name}"),
        };
    }
    Ok(found)
}

/// Returns the fields that a path to a place names, or nothing when it is more than that.
pub(super) fn place(path: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix('$').filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))?;
    let names = steps(rest).into_iter().map(|step| match step {
        Step::Name(name) => Some(name),
        _ => None,
    });
    names.collect()
}

/// Reads the steps behind a path's root, up to the first that is not understood.
fn steps(mut rest: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = step(rest).unwrap_or((Step::Other, ""));
        steps.push(step);
        rest = after;
    }
    steps
}

fn step(rest: &str) -> Option<(Step, &str)> {
    if let Some(inside) = rest.strip_prefix('[') {
        return bracket(inside);
    }
    let rest = rest.strip_prefix('.')?;
    if let Some(inside) = rest.strip_prefix('[') {
        return bracket(inside);
    }
    let end = rest.find(['.', '[', '(', ')', ' ', ',', '*', '\'', '"']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let plain = !name.is_empty() && (after.is_empty() || after.starts_with(['.', '[']));
    plain.then(|| (Step::Name(name.to_owned()), after))
}

fn bracket(inside: &str) -> Option<(Step, &str)> {
    if let Some(quote) = inside.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let (name, after) = inside.get(1..)?.split_once(quote)?;
        let after = after.strip_prefix(']').filter(|_| !name.contains('\\'))?;
        return Some((Step::Name(name.to_owned()), after));
    }
    let (index, after) = inside.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), after))
}

/// Returns the paths among the arguments of a call of an intrinsic function, nested calls included.
pub(super) fn paths_of_call(call: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut start = None;
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    for (at, character) in call.char_indices() {
        if quoted {
            quoted = escaped || character != '\'';
            escaped = !escaped && character == '\\';
            continue;
        }
        match (character, start) {
            ('\'', None) => quoted = true,
            ('$', None) => start = Some(at),
            ('[' | '(', Some(_)) => depth += 1,
            (',' | ')', Some(from)) if depth == 0 => {
                paths.extend(call.get(from..at).map(str::trim));
                start = None;
            }
            (']' | ')', Some(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lacks(path: &str) -> bool {
        let value = Shape::of_value(&json!({ "a": { "b c": [1, { "d": "text" }] }, "e": "text" }));
        select(path, &value).is_err()
    }

    #[test]
    fn finds_what_a_value_has() {
        for path in
            ["$", "$.a", "$['a']", "$.a['b c'][1].d", "$.a['b c'][*].x", "$..x", "$.a[?(@.x)]", "$$.x", "$x.y", "$.e.length()"]
        {
            assert!(!lacks(path), "{path}");
        }
        for path in ["$.x", "$['x']", "$.a.x.y", "$.a['b c'][2]", "$.a['b c'].d", "$.e.x", "$.a[0]", "$.a['b c'][0].x", "$.x..y"]
        {
            assert!(lacks(path), "{path}");
        }
    }

    #[test]
    fn what_may_lead_to_several_values_leads_to_anything() {
        let value = Shape::of_value(&json!({ "a": [1] }));
        for path in ["$..a", "$.a[*]", "$.a[0:1]", "$.a.length()", "$$.a", "$x"] {
            assert_eq!(select(path, &value).ok(), Some(Shape::Any), "{path}");
        }
    }

    #[test]
    fn knows_places() {
        assert_eq!(place("$.a['b']"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(place("$"), Some(vec![]));
        assert_eq!(place("$.a[0]"), None);
        assert_eq!(place("$$.a"), None);
    }

    #[test]
    fn finds_the_paths_of_a_call() {
        let call = "States.Format('{} $.no \\'$.no', $.a, States.Array($.b[0], $['x, y']), 1)";
        assert_eq!(paths_of_call(call), ["$.a", "$.b[0]", "$['x, y']"]);
    }

    proptest! {
        #[test]
        fn takes_any_text(path in "[$.\\[\\]()'\"?@a-cé,0-9 \\\\]{0,20}") {
            let _ = (lacks(&path), place(&path), paths_of_call(&path));
        }
    }
}
