//! Whether a saved plan is still what would be planned now.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Action, Plan, Step, moved};
use crate::address::Address;
use crate::kind::Registry;

/// A step of the old plan and the one of the new plan.
type Pair<'a> = (Option<&'a Step>, Option<&'a Step>);

/// What moved between two plans of the same files, a line for each resource; empty if they do the same.
pub fn moved_since(old: &Plan, new: &Plan, registry: &Registry) -> Vec<String> {
    // Collecting old generations is a step of its own.
    let mut pairs: BTreeMap<(&Address, bool), Pair<'_>> = BTreeMap::new();
    for step in &old.steps {
        pairs.entry((&step.address, step.action == Action::Collect)).or_default().0 = Some(step);
    }
    for step in &new.steps {
        pairs.entry((&step.address, step.action == Action::Collect)).or_default().1 = Some(step);
    }
    let line = |address: &Address, pair: Pair<'_>| Some(format!("{address}: {}", difference(pair, registry)?));
    let mut found: Vec<String> = pairs.into_iter().filter_map(|((address, _), pair)| line(address, pair)).collect();
    if old.bootstrap != new.bootstrap {
        found.push("the bootstrap bucket: it was made or deleted".to_owned());
    }
    let conflict = |plan: &Plan| plan.conflicts.iter().map(|one| one.message.clone()).collect::<Vec<_>>();
    let known = conflict(old);
    found.extend(conflict(new).into_iter().filter(|message| !known.contains(message)));
    found
}

fn difference(pair: Pair<'_>, registry: &Registry) -> Option<String> {
    match pair {
        (Some(old), Some(new)) => between(old, new, registry),
        (Some(old), None) => Some(format!("it need not be {} any more", becomes(old))),
        (None, Some(new)) => Some(format!("by now it would be {}", becomes(new))),
        (None, None) => None,
    }
}

fn between(old: &Step, new: &Step, registry: &Registry) -> Option<String> {
    // What a plan file does not keep does not count.
    let kept = |step: &Step| serde_json::to_value(step).unwrap_or_default();
    if kept(old) == kept(new) {
        return None;
    }
    let fields = registry.get(&old.address.section).map(|kind| kind.fields()).unwrap_or_default();
    Some(match (&old.from, &new.from) {
        (None, Some(_)) => "it exists by now".to_owned(),
        (Some(_), None) => "it is gone".to_owned(),
        (Some(before), Some(now)) if before.status != now.status => "AWS is busy with it, or was then".to_owned(),
        (Some(before), Some(now)) => match moved(before, now, fields).as_slice() {
            [] if before.tags != now.tags => "its tags".to_owned(),
            [] => format!("by now it would be {}", becomes(new)),
            paths => paths.iter().map(|path| shown(path, &before.state, &now.state)).collect::<Vec<_>>().join(", "),
        },
        (None, None) => format!("by now it would be {}", becomes(new)),
    })
}

/// A path with both its values where they are short.
fn shown(path: &str, before: &Value, now: &Value) -> String {
    let at = |state: &Value| {
        let value = crate::diff::split(path).iter().try_fold(state.clone(), |value, key| value.get(key).cloned());
        value.map(|value| value.to_string()).filter(|text| text.len() <= 40)
    };
    match (at(before), at(now)) {
        (Some(before), Some(now)) => format!("{path} was {before}, and is {now}"),
        _ => path.to_owned(),
    }
}

/// What becomes of a resource by a step.
fn becomes(step: &Step) -> &'static str {
    match step.action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Collect => "tidied up",
        Action::Wait => "waited for",
        Action::Blocked => "blocked",
    }
}
