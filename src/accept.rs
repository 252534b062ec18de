//! Drifted values → edits of the environment's own file, after which the files say what is live. Pure.
//!
//! Only that file is ever edited: what it extends, other environments extend too.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde_json::Value;

use crate::address::Address;
use crate::desired;
use crate::diff::{Change, Rule, join, rule_holds, split};
use crate::environment::node::Data;
use crate::environment::reference::{Part, parts};
use crate::environment::{Environment, Node};
use crate::kind::written::{Form, place};
use crate::kind::{AnyKind, Registry};
use crate::plan::{Action, Observed, Plan, Step, filled};
use crate::units;

/// What stands for a value that nobody may see.
const HIDDEN: &str = "(hidden)";

/// What is to be accepted: a resource, or a path of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub address: Address,
    /// Empty for all that drifted.
    pub path: Vec<String>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, path) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { address: address.parse()?, path: split(path) })
    }
}

/// One value to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub address: Address,
    /// The path in the state.
    pub path: Vec<String>,
    /// The path in the file.
    pub keys: Vec<String>,
    /// What to write; nothing takes the key away.
    pub value: Option<Value>,
    pub declared: Option<Value>,
    pub live: Option<Value>,
    /// The text with references that the value takes the place of.
    pub in_place_of: Option<String>,
    /// Where another file says what the own file now says otherwise.
    pub overrides: Option<String>,
}

impl Edit {
    fn covers(&self, address: &Address, path: &[String]) -> bool {
        self.address == *address && path.starts_with(&self.path)
    }
}

/// What comes of accepting.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    pub edits: Vec<Edit>,
    /// What is left to apply: path and reason.
    pub left: Vec<(String, String)>,
}

/// Why a path cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Empty for the resource as a whole.
    pub path: String,
    pub why: String,
}

/// What there is to know of an environment's files, and of what is live.
pub struct Sources<'a> {
    pub environment: &'a Environment,
    /// The own file alone.
    pub own: &'a Node,
    /// What it extends.
    pub inherited: Option<&'a Node>,
    pub drift: &'a Plan,
    pub observed: &'a Observed,
    pub registry: &'a Registry,
}

/// Finds the edits that accept what is wanted.
///
/// # Errors
/// All that cannot be written in a file, each with what to do; then nothing is accepted.
pub fn edits(wanted: &Wanted, sources: &Sources<'_>) -> Result<Accepted, Vec<Refused>> {
    let step = drifted(wanted, sources).map_err(|why| vec![Refused { path: String::new(), why }])?;
    let Some(kind) = sources.registry.get(&step.address.section) else { return Ok(Accepted::default()) };
    let one = One { step, kind, sources };
    let (mut accepted, mut refused) = (Accepted::default(), vec![]);
    for change in &step.changes {
        let path = split(&change.path);
        if !path.starts_with(&wanted.path) || accepted.edits.iter().any(|edit| edit.covers(&step.address, &path)) {
            continue;
        }
        match one.edit(&path) {
            Ok(Outcome::Edit(edit)) => accepted.edits.push(*edit),
            Ok(Outcome::Follows(why)) if wanted.path.is_empty() => accepted.left.push((change.path.clone(), why.to_owned())),
            Ok(Outcome::Follows(why)) => refused.push(Refused { path: change.path.clone(), why: why.to_owned() }),
            Err(why) => {
                // Of a document, one line tells it.
                let depth = place(kind.written(), &path).map_or(path.len(), |place| place.depth);
                let why = Refused { path: join(&path[..depth]), why };
                if !refused.contains(&why) {
                    refused.push(why);
                }
            }
        }
    }
    if accepted.edits.is_empty() && refused.is_empty() {
        let left = std::mem::take(&mut accepted.left);
        refused.extend(left.into_iter().map(|(path, why)| Refused { path, why }));
    }
    if refused.is_empty() { Ok(accepted) } else { Err(refused) }
}

/// The step of what is wanted, if something of it drifted.
fn drifted<'a>(wanted: &Wanted, sources: &Sources<'a>) -> Result<&'a Step, String> {
    let Sources { environment, drift, .. } = sources;
    let address = &wanted.address;
    let Some(declared) = environment.resources.get(address) else {
        return Err(match drift.orphans.contains_key(address) {
            true => "no file declares it: declare it again, or `scones apply --prune` deletes it".to_owned(),
            false => "it is not declared".to_owned(),
        });
    };
    if let Some(conflict) = drift.conflicts.iter().find(|conflict| conflict.address == *address) {
        return Err(conflict.message.clone());
    }
    let Some(step) = drift.steps.iter().find(|step| step.address == *address) else {
        return Err("it has not drifted".to_owned());
    };
    match step.action {
        Action::Create => Err(format!(
            "it is gone: to accept that, take it out of the files ({}); apply makes it again",
            declared.key_span.location()
        )),
        _ if step.changes.is_empty() => Err("it failed, and apply makes it anew: there is no value to accept".to_owned()),
        _ if step.changes.iter().any(|change| split(&change.path).starts_with(&wanted.path)) => Ok(step),
        _ => {
            let paths: BTreeSet<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
            let paths: Vec<&str> = paths.into_iter().collect();
            Err(format!("{} has not drifted; these have: {}", join(&wanted.path), paths.join(", ")))
        }
    }
}

enum Outcome {
    Edit(Box<Edit>),
    Follows(&'static str),
}

/// One resource that drifted.
struct One<'a> {
    step: &'a Step,
    kind: &'a dyn AnyKind,
    sources: &'a Sources<'a>,
}

impl One<'_> {
    /// The edit for a path of the state, or why there is none.
    fn edit(&self, path: &[String]) -> Result<Outcome, String> {
        if path.first().is_some_and(|field| field == "tags") {
            return self.tag(path).map(|edit| Outcome::Edit(Box::new(edit)));
        }
        let Some(place) = place(self.kind.written(), path) else {
            return Err("no key of a file says this: apply sets it right".to_owned());
        };
        let path = &path[..place.depth];
        let (declared, live) =
            (self.at(self.step.to.as_ref(), path), self.at(self.step.from.as_ref().map(|live| &live.state), path));
        let mut keys = vec![self.step.address.section.clone(), self.step.address.name.clone()];
        keys.extend(place.spec.iter().cloned());
        let path_of_strs: Vec<&str> = path.iter().map(String::as_str).collect();
        if rule_holds(self.kind.fields(), &path_of_strs, Rule::Secret) || live.as_ref().is_some_and(is_hidden) {
            return Err("its value is hidden, as no file declares it: declare it by hand, or apply takes it away".to_owned());
        }
        let value = match (place.form, &live) {
            (Form::ByHand(what_to_do), _) => return Err(format!("{what_to_do} ({})", self.location(&keys))),
            (Form::Follows(how), _) => return Ok(Outcome::Follows(how)),
            (_, None) => None,
            (Form::Same, Some(Value::Array(items))) => Some(self.list(items, path, &place.spec)),
            (Form::Same, Some(live)) => Some(literal(live)),
            (Form::Seconds, Some(live)) => Some(self.duration(live, &keys).ok_or("this is no duration that a file can say")?),
            (Form::Made(form), Some(live)) => Some(literal(&form(live).ok_or("no file can say this: apply sets it right")?)),
        };
        self.finish(path, keys, value, declared, live).map(|edit| Outcome::Edit(Box::new(edit)))
    }

    /// Tags are declared once for all resources.
    fn tag(&self, path: &[String]) -> Result<Edit, String> {
        let [_, key] = path else { return Err("tags are accepted one by one".to_owned()) };
        if key.starts_with(desired::tag::PREFIX) {
            return Err("scones writes this tag itself: apply does".to_owned());
        }
        let live = self.step.from.as_ref().and_then(|live| live.tags.as_ref()?.get(key)).map(|text| Value::from(text.as_str()));
        let declared = self.step.tags.get(key).map(|text| Value::from(text.as_str()));
        self.finish(path, path.to_vec(), live.as_ref().map(literal), declared, live)
    }

    fn finish(
        &self,
        path: &[String],
        keys: Vec<String>,
        value: Option<Value>,
        declared: Option<Value>,
        live: Option<Value>,
    ) -> Result<Edit, String> {
        let inherited = self.sources.inherited.and_then(|node| node.find(&keys));
        let own = self.sources.own.find(&keys);
        let value = match value {
            // What is inherited is taken away by `null`.
            None if inherited.is_some() => Some(Value::Null),
            None if own.is_none() => return Err("what is missing is a default that no file says: apply sets it right".to_owned()),
            value => value,
        };
        let before = self.sources.environment.root.find(&keys).and_then(Node::as_str);
        let is_reference = |text: &&str| parts(text).iter().any(|part| matches!(part, Part::Reference(_)));
        let overrides = inherited.filter(|_| own.is_none()).map(|_| self.location(&keys));
        Ok(Edit {
            address: self.step.address.clone(),
            path: path.to_vec(),
            keys,
            value,
            declared,
            live,
            in_place_of: before.filter(is_reference).map(str::to_owned),
            overrides,
        })
    }

    fn at(&self, state: Option<&Value>, path: &[String]) -> Option<Value> {
        path.iter().try_fold(state?, |value, key| value.get(key)).filter(|value| !value.is_null()).cloned()
    }

    /// Where the files say something, or where they would.
    fn location(&self, keys: &[String]) -> String {
        self.sources.environment.root.nearest_span(keys).location()
    }

    fn duration(&self, live: &Value, keys: &[String]) -> Option<Value> {
        let seconds = u32::try_from(live.as_u64()?).ok()?;
        let before = self.sources.environment.root.find(keys).and_then(Node::as_str);
        Some(units::written(seconds, before).into())
    }

    /// A list, in which what was written as a reference stays one.
    fn list(&self, live: &[Value], path: &[String], spec: &[String]) -> Value {
        let environment = self.sources.environment;
        let world = self.sources.drift.world();
        let holes = self.sources.drift.desired.resources.get(&self.step.address).map(|resource| resource.holes.clone());
        let resolved = desired::declared(environment, world, self.sources.registry, &self.step.address);
        let resolved = resolved.map(|value| filled(&value, &holes.unwrap_or_default(), &self.known()));
        let resolved = self.at(resolved.as_ref(), spec);
        let resolved = resolved.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let node = environment.resources.get(&self.step.address).and_then(|declared| declared.node.find(spec));
        let written: Vec<Value> = match node.map(|node| &node.data) {
            Some(Data::Sequence(items)) => items.iter().map(Node::to_json).collect(),
            _ => vec![],
        };
        let pairs: Vec<(&Value, &Value)> = resolved.iter().zip(&written).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if rule_holds(self.kind.fields(), &path, Rule::Unordered) {
            let kept = pairs.iter().filter(|(value, _)| live.contains(value)).map(|(_, written)| (*written).clone());
            let new = live.iter().filter(|live| !resolved.contains(live)).map(literal);
            return kept.chain(new).collect();
        }
        let member = |live: &Value| match pairs.iter().find(|(value, _)| *value == live) {
            Some((_, written)) => (*written).clone(),
            None => literal(live),
        };
        live.iter().map(member).collect()
    }

    /// The attributes of what is live, by their references.
    fn known(&self) -> BTreeMap<String, String> {
        let of = |(address, live): (&Address, &crate::kind::Live<Value>)| {
            let own = [("name", &live.name), ("arn", &live.arn)].map(|(key, value)| (format!("{address}.{key}"), value.clone()));
            let others = live.attributes.iter().map(|(key, value)| (format!("{address}.{key}"), value.clone()));
            own.into_iter().chain(others).collect::<Vec<_>>()
        };
        self.sources.observed.resources.iter().flat_map(of).collect()
    }
}

fn is_hidden(value: &Value) -> bool {
    match value {
        Value::String(text) => text == HIDDEN,
        Value::Array(items) => items.iter().any(is_hidden),
        Value::Object(map) => map.values().any(is_hidden),
        _ => false,
    }
}

/// A value as a file says it: text that would read as a reference is escaped, whole numbers have no decimals.
fn literal(value: &Value) -> Value {
    match value {
        Value::String(text) if parts(text) == [Part::Text(text)] || text.is_empty() => value.clone(),
        Value::String(text) => text.replace("${", "$${").into(),
        // Only whole numbers that a double holds exactly.
        Value::Number(number) => match number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15) {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            Some(whole) if number.is_f64() => (whole as i64).into(),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(literal).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), literal(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// All changes of a plan, each with its resource.
pub fn changes(plan: &Plan) -> impl Iterator<Item = (&Address, &Change)> {
    plan.steps.iter().flat_map(|step| step.changes.iter().map(move |change| (&step.address, change)))
}

/// Holds the plan that the edited files make against the one before: what was accepted is gone, and nothing new came.
///
/// # Errors
/// What is not so.
pub fn check(before: &Plan, after: &Plan, edits: &[Edit]) -> Result<(), Vec<Refused>> {
    let had: BTreeSet<(&Address, &str)> = changes(before).map(|(address, change)| (address, change.path.as_str())).collect();
    let mut wrong = vec![];
    for (address, change) in changes(after) {
        let path = split(&change.path);
        if edits.iter().any(|edit| edit.covers(address, &path)) {
            wrong.push(Refused { path: format!("{address}:{}", change.path), why: "a file cannot say exactly this".to_owned() });
        } else if !had.contains(&(address, change.path.as_str())) {
            wrong.push(Refused { path: format!("{address}:{}", change.path), why: "this would change with it".to_owned() });
        }
    }
    let acts = |plan: &Plan| {
        let heavy = |step: &&Step| !matches!(step.action, Action::Update | Action::Wait | Action::Collect);
        plan.steps.iter().filter(heavy).map(|step| (step.address.clone(), step.action)).collect::<BTreeSet<_>>()
    };
    let had = acts(before);
    for (address, _) in acts(after).into_iter().filter(|act| !had.contains(act)) {
        wrong.push(Refused { path: address.to_string(), why: "this would be made, replaced or blocked with it".to_owned() });
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_accepted_is_an_address_and_a_path() {
        let wanted: Wanted = "functions.echo:environment.GREETING".parse().expect("an address");
        assert_eq!(
            (wanted.address.to_string().as_str(), wanted.path.join("/").as_str()),
            ("functions.echo", "environment/GREETING")
        );
        assert_eq!("roles.run".parse::<Wanted>().map(|wanted| wanted.path), Ok(vec![]));
        assert_eq!("roles.run:tags[\"a:b\"]".parse::<Wanted>().map(|wanted| wanted.path), Ok(vec!["tags".into(), "a:b".into()]));
        assert!("echo:memory".parse::<Wanted>().is_err_and(|message| message.contains("SECTION.NAME")));
    }

    #[test]
    fn live_text_is_no_reference() {
        for text in ["", "plain", "${aws:username}", "a ${b.c.d}", "$${x}", "${", "a $${aws:x} ${y}"] {
            let written = literal(&json!(text));
            let read: String = parts(written.as_str().unwrap_or_default())
                .iter()
                .map(|part| match part {
                    Part::Text(text) => *text,
                    Part::Reference(_) | Part::Unclosed(_) => "a reference",
                })
                .collect();
            assert_eq!(read, text);
        }
        assert_eq!(literal(&json!([100.0, 0.5, 3])).to_string(), "[100,0.5,3]");
    }
}
