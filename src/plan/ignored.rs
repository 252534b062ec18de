//! Differences that are left alone: what is written keeps the live value in their place.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::Address;
use crate::desired::{Ignored, tag};
use crate::diff::Change;
use crate::kind::{Live, Tags};

/// Changes that would show, were they not to be left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silenced {
    #[serde(flatten)]
    pub rule: Ignored,
    pub changes: Vec<Change>,
}

/// Takes out of `changes` what is to be left alone, and puts the live values into the target in its place, so that an update
/// of something else does not undo it.
pub fn silence(
    rules: &[Ignored],
    address: &Address,
    live: &Live<Value>,
    changes: &mut Vec<Change>,
    to: &mut Value,
    tags: &mut Tags,
) -> Vec<Silenced> {
    let mut found = vec![];
    for rule in rules.iter().filter(|rule| rule.address == *address) {
        let (silenced, rest) = std::mem::take(changes).into_iter().partition(|change| rule.covers(address, &change.path));
        *changes = rest;
        let silenced: Vec<Change> = silenced;
        if silenced.is_empty() {
            continue;
        }
        let mut live_tags = live.tags.clone().unwrap_or_default();
        live_tags.retain(|key, _| !tag::RECORDS.contains(&key.as_str()) && !key.starts_with("aws:"));
        match rule.path.split_first() {
            None => to.clone_from(&live.state),
            Some((first, [])) if first == "tags" => *tags = live_tags,
            Some((first, rest)) if first == "tags" => match live_tags.get(&rest.concat()) {
                Some(value) => drop(tags.insert(rest.concat(), value.clone())),
                None => drop(tags.remove(&rest.concat())),
            },
            Some(_) => put(to, &rule.path, at(&live.state, &rule.path)),
        }
        found.push(Silenced { rule: rule.clone(), changes: silenced });
    }
    found
}

/// A state as it was declared, where what is written keeps live values: what the stamp is made of, so that these do not count
/// as applied.
pub fn as_declared(state: &Value, declared: &Value, silenced: &[Silenced], address: &Address) -> Value {
    let mut state = state.clone();
    for one in silenced.iter().filter(|one| one.rule.address == *address && one.rule.path.first().is_none_or(|key| key != "tags"))
    {
        put(&mut state, &one.rule.path, at(declared, &one.rule.path));
    }
    state
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })
}

/// Sets what lies at a path, or takes it away.
fn put(root: &mut Value, path: &[String], value: Option<&Value>) {
    let Some((last, parents)) = path.split_last() else {
        *root = value.cloned().unwrap_or_default();
        return;
    };
    let mut place = root;
    for key in parents {
        place = match place {
            Value::Array(items) => match key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => item,
                None => return,
            },
            Value::Object(map) => map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())),
            other => {
                *other = Value::Object(Map::new());
                match other {
                    Value::Object(map) => map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())),
                    _ => return,
                }
            }
        };
    }
    match (place, value) {
        (Value::Array(items), Some(value)) => match last.parse::<usize>() {
            Ok(index) if index < items.len() => items[index] = value.clone(),
            _ => items.push(value.clone()),
        },
        (Value::Array(items), None) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        (Value::Object(map), Some(value)) => drop(map.insert(last.clone(), value.clone())),
        (Value::Object(map), None) => drop(map.shift_remove(last)),
        (place, Some(value)) => *place = Value::Object([(last.clone(), value.clone())].into_iter().collect()),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::diff;
    use crate::units::Day;

    fn rule(path: &[&str]) -> Ignored {
        Ignored {
            address: Address::new("functions", "f"),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            reason: "known".into(),
            until: Day::parse("2027-01-31").unwrap(),
        }
    }

    /// What is left of the differences, and what would be written.
    fn of(path: &[&str], live: Value, declared: Value) -> (Vec<String>, Value) {
        let mut to = declared.clone();
        let mut changes = diff(&live, &to, &[]);
        let live = Live::settled("f", "arn", live, None);
        let address = Address::new("functions", "f");
        let silenced = silence(&[rule(path)], &address, &live, &mut changes, &mut to, &mut Tags::new());
        assert_eq!(as_declared(&to, &declared, &silenced, &address), declared, "the stamp is of what was declared");
        (changes.into_iter().map(|change| change.path).collect(), to)
    }

    #[test]
    fn the_live_value_is_written_again() {
        let (live, declared) = (json!({"memory": 512, "timeout": 9}), json!({"memory": 256, "timeout": 3}));
        assert_eq!(of(&["memory"], live, declared), (vec!["timeout".to_owned()], json!({"memory": 512, "timeout": 3})));
    }

    #[test]
    fn what_was_added_stays_and_what_was_removed_stays_away() {
        let (live, declared) = (json!({"environment": {"B": "2"}}), json!({"environment": {"A": "1"}}));
        let (left, to) = of(&["environment", "B"], live.clone(), declared.clone());
        assert_eq!((left, to), (vec!["environment.A".to_owned()], json!({"environment": {"A": "1", "B": "2"}})));
        let (left, to) = of(&["environment", "A"], live.clone(), declared.clone());
        assert_eq!((left, to), (vec!["environment.B".to_owned()], json!({"environment": {}})));
        let (left, to) = of(&[], live.clone(), declared);
        assert_eq!((left, to), (vec![], live));
    }

    #[test]
    fn what_does_not_differ_is_left_as_it_is() {
        let both = json!({"a": {"b": [1, 2]}});
        assert_eq!(of(&["a", "b"], both.clone(), both.clone()), (vec![], both));
    }

    #[test]
    fn tags_are_left_alone_one_by_one() {
        let live =
            Live::settled("f", "arn", json!({}), Some([("owner".into(), "ann".into()), ("team".into(), "x".into())].into()));
        let mut tags: Tags = [("owner".into(), "bob".into()), ("team".into(), "y".into())].into();
        let mut changes = diff(&json!({"tags": live.tags}), &json!({"tags": tags}), &[]);
        let address = Address::new("functions", "f");
        silence(&[rule(&["tags", "owner"])], &address, &live, &mut changes, &mut json!({}), &mut tags);
        assert_eq!(changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["tags.team"]);
        assert_eq!(tags, [("owner".into(), "ann".into()), ("team".into(), "y".into())].into());
    }
}
