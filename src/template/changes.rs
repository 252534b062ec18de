//! What a change of templates or parameters does to each resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::references::{Target, references};
use super::resolve::{LATER, Resolver};
use super::resources::{replaced_by, sometimes_replaced_by};
use super::{Action, Replacement, ResourceChange};

/// The attributes of a resource whose change CloudFormation carries out. `DependsOn` is not among them.
const ATTRIBUTES: [&str; 5] = ["CreationPolicy", "DeletionPolicy", "Metadata", "UpdatePolicy", "UpdateReplacePolicy"];

/// Compares two templates with their parameters, resource by resource, sorted by logical id.
///
/// Both sides are worked out as far as possible first, so that a text that is put together in another way is no change,
/// and a changed parameter is a change wherever it counts. Pseudo parameters are taken to be the same on both sides.
/// A resource that refers to one that may be replaced changes with it, as in CloudFormation's change sets.
///
/// A resource whose type changes counts as replaced; CloudFormation itself refuses that under the same logical id.
#[must_use]
pub fn resource_changes(
    old: &Value,
    new: &Value,
    old_parameters: &BTreeMap<String, String>,
    new_parameters: &BTreeMap<String, String>,
) -> Vec<ResourceChange> {
    let before = Side { template: old, resolver: Resolver::symbolic(old, old_parameters) };
    let after = Side { template: new, resolver: Resolver::symbolic(new, new_parameters) };
    let names: BTreeSet<&String> = before.names().chain(after.names()).collect();
    let mut changes: BTreeMap<String, ResourceChange> = BTreeMap::new();
    for name in names {
        let change = match (before.resource(name), after.resource(name)) {
            (None, Some(made)) => Some(whole(name, made, Action::Add)),
            (Some(gone), None) => Some(whole(name, gone, Action::Remove)),
            (Some(was), Some(is)) => modified(name, was, is, &before.resolver, &after.resolver),
            (None, None) => None,
        };
        changes.extend(change.map(|change| (name.clone(), change)));
    }
    follow_replacements(&after, &mut changes);
    changes.into_values().collect()
}

/// One of the two templates.
struct Side<'a> {
    template: &'a Value,
    resolver: Resolver<'a>,
}

impl<'a> Side<'a> {
    fn names(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.template.get("Resources").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
    }

    /// Returns a resource, unless its condition is known to be false.
    fn resource(&self, name: &str) -> Option<&'a Value> {
        let resource = self.template.get("Resources")?.get(name)?;
        let condition = resource.get("Condition").and_then(Value::as_str);
        let absent = condition.is_some_and(|condition| self.resolver.named_condition(condition) == Ok(false));
        (!absent).then_some(resource)
    }
}

fn type_of(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}

fn whole(name: &str, resource: &Value, action: Action) -> ResourceChange {
    ResourceChange {
        logical_id: name.to_owned(),
        type_name: type_of(resource).to_owned(),
        action,
        properties: Vec::new(),
        replacement: Replacement::No,
    }
}

fn modified(name: &str, was: &Value, is: &Value, before: &Resolver, after: &Resolver) -> Option<ResourceChange> {
    let mut change = whole(name, is, Action::Modify);
    if type_of(was) != type_of(is) {
        change.properties.push("Type".to_owned());
        change.replacement = Replacement::Yes;
        return Some(change);
    }
    let properties = |resource: &'_ Value| resource.get("Properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let (old, new) = (properties(was), properties(is));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for property in names {
        let expanded = |value: Option<&Value>, resolver: &Resolver| {
            value.map(|value| resolver.expanded(value)).filter(|value| !value.is_null())
        };
        let (left, right) = (expanded(old.get(property), before), expanded(new.get(property), after));
        if left != right {
            let later = [&left, &right].into_iter().flatten().any(hangs_on_resources);
            change.replacement = change.replacement.max(replacement(type_of(is), property, later));
            change.properties.push(property.clone());
        }
    }
    for attribute in ATTRIBUTES {
        let expanded = |resource: &Value, resolver: &Resolver| resource.get(attribute).map(|value| resolver.expanded(value));
        if expanded(was, before) != expanded(is, after) {
            change.properties.push(attribute.to_owned());
        }
    }
    change.properties.sort();
    (!change.properties.is_empty()).then_some(change)
}

/// Tells what the change of a property does to its resource.
fn replacement(type_name: &str, property: &str, hangs_on_resources: bool) -> Replacement {
    match replaced_by(type_name) {
        None => Replacement::Maybe,
        Some(names) if names.contains(&property) => {
            if hangs_on_resources {
                Replacement::Maybe
            } else {
                Replacement::Yes
            }
        }
        Some(_) if sometimes_replaced_by(type_name).contains(&property) => Replacement::Maybe,
        Some(_) => Replacement::No,
    }
}

/// Tells whether an expanded value holds what only finished resources can tell.
fn hangs_on_resources(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(LATER),
        Value::Array(items) => items.iter().any(hangs_on_resources),
        Value::Object(members) => {
            members.iter().any(|(key, value)| key == "Ref" || key.starts_with("Fn::") || hangs_on_resources(value))
        }
        _ => false,
    }
}

/// Adds what changes because something it refers to may become another resource.
fn follow_replacements(after: &Side, changes: &mut BTreeMap<String, ResourceChange>) {
    let mut waiting: Vec<String> = moved(changes).collect();
    let mut followed: BTreeSet<String> = BTreeSet::new();
    while let Some(target) = waiting.pop() {
        if !followed.insert(target.clone()) {
            continue;
        }
        for (name, properties) in referring_to(&target, after) {
            let Some(resource) = after.resource(&name) else { continue };
            let change = changes.entry(name.clone()).or_insert_with(|| whole(&name, resource, Action::Modify));
            if change.action != Action::Modify || change.replacement == Replacement::Yes {
                continue;
            }
            for property in properties {
                // The new value is known only when the target has been replaced, and may yet be the old one.
                change.replacement = change.replacement.max(replacement(type_of(resource), &property, true));
                if !change.properties.contains(&property) {
                    change.properties.push(property);
                }
            }
            change.properties.sort();
            if may_move(change) {
                waiting.push(name);
            }
        }
    }
}

fn moved(changes: &BTreeMap<String, ResourceChange>) -> impl Iterator<Item = String> {
    changes.values().filter(|change| may_move(change)).map(|change| change.logical_id.clone())
}

/// Tells whether what refers to a changed resource must be looked at. Of an unknown type nothing is known to move it,
/// and to show all that refers to it would show far too much.
fn may_move(change: &ResourceChange) -> bool {
    change.replacement == Replacement::Yes
        || (change.replacement == Replacement::Maybe && replaced_by(&change.type_name).is_some())
}

/// Returns the resources that refer to one, with the properties that do.
fn referring_to(target: &str, after: &Side) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for name in after.names() {
        let properties = after.resource(name).and_then(|resource| resource.get("Properties")?.as_object());
        let refers = |value: &Value| {
            references(value).iter().any(|reference| match &reference.target {
                Target::Name(named) | Target::Attribute(named) => named == target,
                Target::Condition(_) | Target::Mapping(_) => false,
            })
        };
        let named: BTreeSet<String> =
            properties.into_iter().flatten().filter(|(_, value)| refers(value)).map(|(key, _)| key.clone()).collect();
        if !named.is_empty() {
            found.push((name.clone(), named));
        }
    }
    found
}
