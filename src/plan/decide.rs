//! What must happen to each declared resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::ignored::{Silenced, silence};
use super::{Action, Conflict, Observed, Step, Unread, is_owned, may_be_drift};
use crate::address::Address;
use crate::attempt::{self, is_rolled_out};
use crate::desired::{Desired, Resource, tag};
use crate::diff::{Cause, Change, Rule, diff, rule_holds};
use crate::environment::reference::fill;
use crate::kind::{AnyKind, Live, Registry, Status, Tags, Target, World, name_by_content};
use crate::stamp;

pub struct Decided {
    pub steps: Vec<Step>,
    pub unchanged: BTreeSet<Address>,
    pub conflicts: Vec<Conflict>,
    pub ignored: Vec<Silenced>,
    /// What cannot be compared, since what it refers to could not be read.
    pub unknown: BTreeMap<Address, Unread>,
}

/// Decides in the order in which things are made, since one resource's name may fill another's hole.
pub fn decide(desired: &Desired, observed: &Observed, registry: &Registry, retry: bool) -> Decided {
    let mut decided =
        Decided { steps: vec![], unchanged: BTreeSet::new(), conflicts: vec![], ignored: vec![], unknown: BTreeMap::new() };
    let mut known = brought_about(desired, observed);
    let mut blocked: BTreeSet<Address> = BTreeSet::new();
    // Those that work, but not as they should: what needs them waits only if it changes too.
    let mut held: BTreeSet<&Address> = BTreeSet::new();
    for (address, resource) in &desired.resources {
        let Some(kind) = registry.get(&address.section) else { continue };
        if observed.unknown.contains_key(address) {
            continue;
        }
        if let Some(source) = unread_source(resource, observed) {
            let why = format!("it refers to {source}, which could not be read");
            decided.unknown.insert(address.clone(), Unread { what: String::new(), why, help: None });
            continue;
        }
        let live = observed.resources.get(address);
        let mut target =
            Target { name: String::new(), state: filled(&resource.state, &resource.holes, &known), tags: resource.tags.clone() };
        if let Some(live) = live
            && let Some(conflict) = conflict(address, kind, live, &desired.world)
        {
            decided.conflicts.push(conflict);
            continue;
        }
        let mut changes = live.map(|live| changes(kind, live, &target, &desired.ignore_tags)).unwrap_or_default();
        if let Some(live) = live {
            let Target { state, tags, .. } = &mut target;
            decided.ignored.extend(silence(&desired.ignored, address, live, &mut changes, state, tags));
        }
        let to = target.state.clone();
        let step = match obstacle(address, resource, observed, &blocked, &known) {
            Some(reason) => {
                blocked.insert(address.clone());
                let step = Step { reason: Some(reason), ..step(address, resource, Action::Blocked) };
                // What moved on the live side shows all the same: an artifact that was overwritten.
                let drifted = observed.obstacles.contains_key(address) && changes.iter().any(may_be_drift);
                Some(match live.filter(|_| drifted) {
                    Some(live) => Step { from: Some(live.clone()), to: Some(to.clone()), changes, ..step },
                    None => step,
                })
            }
            None => judge(address, kind, resource, target, live, changes),
        };
        let step = match step.as_ref().filter(|_| !retry).and_then(refused) {
            Some(why) => {
                held.insert(address);
                Some(Step { reason: Some(why), ..self::step(address, resource, Action::Blocked) })
            }
            None => match resource.needs.iter().find(|need| held.contains(need)) {
                Some(need) if step.as_ref().is_some_and(Step::acts) => {
                    held.insert(address);
                    Some(Step { reason: Some(format!("waits for {need}")), ..self::step(address, resource, Action::Blocked) })
                }
                _ => step,
            },
        };
        let acts = step.as_ref().is_some_and(Step::acts);
        if kind.named_by_content() {
            let name = match live {
                Some(live) if !acts => Some(live.name.clone()),
                _ if has_holes(&to, &resource.holes) => None,
                _ => Some(name_by_content(&resource.name, &to)),
            };
            known.extend(name.map(|name| (format!("{address}.name"), name)));
        }
        if let Some(live) = live.filter(|_| !acts) {
            known.extend(live.attributes.iter().map(|(key, value)| (format!("{address}.{key}"), value.clone())));
            known.insert(format!("{address}.arn"), live.arn.clone());
        }
        if let Some((live, step)) = live.zip(step.as_ref()).filter(|(_, step)| step.action == Action::Update) {
            let after = kind.after(&live.attributes, &step.changes);
            known.extend(after.into_iter().map(|(key, value)| (format!("{address}.{key}"), value)));
        }
        match step {
            Some(step) => decided.steps.push(step),
            None => {
                decided.unchanged.insert(address.clone());
            }
        }
    }
    let acting: BTreeSet<Address> = decided.steps.iter().map(|step| step.address.clone()).collect();
    for step in &mut decided.steps {
        step.needs.retain(|need| acting.contains(need));
    }
    decided
}

/// The resource that could not be read and has the value of one of the holes.
fn unread_source(resource: &Resource, observed: &Observed) -> Option<Address> {
    let sources = resource.holes.iter().filter_map(|hole| hole.rsplit_once('.')?.0.parse::<Address>().ok());
    sources.into_iter().find(|source| observed.unknown.contains_key(source))
}

/// What others than apply have brought about by now: no step of a plan moves it.
pub fn brought_about(desired: &Desired, observed: &Observed) -> BTreeMap<String, String> {
    let holes = desired.resources.values().flat_map(|resource| resource.awaits.keys());
    let value = |hole: &String| {
        let (address, attribute) = hole.rsplit_once('.')?;
        observed.resources.get(&address.parse().ok()?)?.attributes.get(attribute).cloned()
    };
    holes.filter_map(|hole| Some((hole.clone(), value(hole)?))).collect()
}

/// Fills the holes of a state whose values are known.
pub fn filled(state: &Value, holes: &BTreeSet<String>, known: &BTreeMap<String, String>) -> Value {
    match state {
        Value::String(text) if text.contains("${") => {
            Value::String(fill(text, &|reference| holes.contains(reference).then(|| known.get(reference).cloned()).flatten()))
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, holes, known)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), filled(value, holes, known))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn has_holes(state: &Value, holes: &BTreeSet<String>) -> bool {
    let text = state.to_string();
    holes.iter().any(|hole| text.contains(&format!("${{{hole}}}")))
}

fn step(address: &Address, resource: &Resource, action: Action) -> Step {
    Step {
        address: address.clone(),
        action,
        name: resource.name.clone(),
        needs: resource.needs.clone(),
        changes: vec![],
        reason: None,
        fingerprint: None,
        from: None,
        to: None,
        tags: Tags::new(),
        generations: vec![],
        who: None,
    }
}

/// A resource of a declared name that is not ours is never touched.
fn conflict(address: &Address, kind: &dyn AnyKind, live: &Live<Value>, world: &World) -> Option<Conflict> {
    // A name with a hash in it is nobody else's by chance, and its tags may lag behind.
    if kind.named_by_content() {
        return None;
    }
    let tags = live.tags.clone().unwrap_or_default();
    if is_owned(&tags, world) {
        return None;
    }
    let title = kind.title();
    let elsewhere = tags.get(tag::APP) == Some(&world.app) && tags.get(tag::ENVIRONMENT) == Some(&world.environment);
    let (message, help) = match tags.get(tag::REGION) {
        Some(region) if elsewhere => (
            format!("the {title} {} belongs to this environment in {region}", live.name),
            "one environment name belongs to one region: choose another name for this one".to_owned(),
        ),
        _ => (
            format!("the {title} {} exists already and is not this environment's", live.name),
            format!("take it over with `scones adopt {} {address}`, or give yours another name with `name:`", world.environment),
        ),
    };
    Some(Conflict { address: address.clone(), message, help })
}

fn obstacle(
    address: &Address,
    resource: &Resource,
    observed: &Observed,
    blocked: &BTreeSet<Address>,
    known: &BTreeMap<String, String>,
) -> Option<String> {
    let missing = || resource.awaits.iter().find(|(hole, _)| !known.contains_key(*hole)).map(|(_, missing)| missing);
    let own = resource.blocked.as_ref().or_else(|| observed.obstacles.get(address)).or_else(missing);
    own.cloned().or_else(|| {
        let need = resource.needs.iter().find(|need| blocked.contains(*need))?;
        Some(format!("waits for {need}"))
    })
}

/// Why a rollout is not tried once more: it was tried, went back, and nothing about it changed since.
fn refused(step: &Step) -> Option<String> {
    let (to, live) = (step.to.as_ref()?, step.from.as_ref()?);
    let moves = match step.action {
        Action::Update => step.changes.iter().any(|change| change.field() != "tags"),
        Action::Replace => matches!(live.status, Status::Failed(_)),
        _ => false,
    };
    let tag = live.tags.as_ref().and_then(|tags| tags.get(tag::ROLLOUT)).filter(|_| moves && is_rolled_out(to));
    let why = attempt::refused(tag.map(String::as_str), to, live.failure.as_deref())?;
    Some(format!("it went back when this was tried last ({why}): change it, or add --retry"))
}

fn judge(
    address: &Address,
    kind: &dyn AnyKind,
    resource: &Resource,
    to: Target<Value>,
    live: Option<&Live<Value>>,
    changes: Vec<Change>,
) -> Option<Step> {
    let made = |action: Action| Step { to: Some(to.state.clone()), tags: to.tags.clone(), ..step(address, resource, action) };
    let Some(live) = live else { return Some(made(Action::Create)) };
    let from = Some(live.clone());
    if let Status::Failed(why) = &live.status {
        return Some(Step { from, reason: Some(why.clone()), ..made(Action::Replace) });
    }
    if changes.is_empty() {
        return match &live.status {
            Status::InProgress(what) => Some(Step { from, reason: Some(what.clone()), ..made(Action::Wait) }),
            _ => None,
        };
    }
    let tags_only = changes.iter().all(|change| change.field() == "tags");
    let action = match () {
        () if kind.named_by_content() || tags_only => Action::Update,
        () if changes.iter().any(|change| change.replaces) => Action::Replace,
        () => Action::Update,
    };
    let reason =
        (kind.named_by_content() && !tags_only).then(|| "it cannot change in place: a new one is made beside it".to_owned());
    Some(Step { from, changes, reason, ..made(action) })
}

/// The differences of state and tags, each with its cause.
fn changes(kind: &dyn AnyKind, live: &Live<Value>, to: &Target<Value>, ignore_tags: &[String]) -> Vec<Change> {
    let live_tags = live.tags.clone().unwrap_or_default();
    let stamp = live_tags.get(tag::STAMP).cloned();
    let from = with_tags(&live.state, comparable(&live_tags, &to.tags, ignore_tags));
    let to = with_tags(&to.state, to.tags.clone());
    let mut found = diff(&from, &to, kind.fields());
    for change in &mut found {
        let field = change.field().to_owned();
        let value = |side: &Value| side.get(&field).cloned().unwrap_or_default();
        change.cause = Some(match kind.stamped() {
            _ if rule_holds(kind.fields(), &[&field], Rule::Deviations) => Cause::Drifted,
            true => stamp::cause(stamp.as_deref(), &field, &value(&from), &value(&to)),
            false => Cause::Unknown,
        });
        if field == "tags" {
            change.replaces = false;
        }
    }
    found
}

/// The live tags that count: not AWS's own, not the stamp, not those that others set.
pub fn comparable(live: &Tags, wanted: &Tags, ignored: &[String]) -> Tags {
    let counts = |key: &str| is_open(key) && (wanted.contains_key(key) || !is_ignored(key, ignored));
    live.iter().filter(|(key, _)| counts(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The keys of live tags that would count, were they not ignored.
pub fn silenced(live: &Tags, wanted: &Tags, ignored: &[String]) -> Vec<String> {
    let is_silenced = |key: &&String| is_open(key) && !wanted.contains_key(*key) && is_ignored(key, ignored);
    live.keys().filter(is_silenced).cloned().collect()
}

/// Whether a tag is neither AWS's own nor the stamp.
fn is_open(key: &str) -> bool {
    !tag::RECORDS.contains(&key) && !key.starts_with("aws:")
}

fn is_ignored(key: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == pattern,
    })
}

/// A state with its tags as one more field, as it is compared and stamped.
pub fn with_tags(state: &Value, tags: Tags) -> Value {
    let mut state = state.clone();
    if let Value::Object(map) = &mut state {
        map.insert("tags".into(), json!(tags));
    }
    state
}

/// The stamp of a state that was applied.
pub fn stamp_of(state: &Value, tags: &Tags) -> String {
    stamp::stamp(&with_tags(state, tags.clone()))
}
