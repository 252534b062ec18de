//! Environment → the graph of resources that should exist. Pure: all names and ARNs are computed here, before anything
//! exists, and what only AWS can know stays as a hole, written as the reference that asks for it.

mod blocks;
mod drift_check;
mod ignore;
mod resolve;
mod rollout_alarms;
mod scope;
mod sort;
mod workflows;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use ignore::Ignored;
pub use scope::{Link, Scope};

use crate::address::Address;
use crate::environment::drift_check::NAME;
use crate::environment::shape::nearest;
use crate::environment::{Blocks, Diagnostic, Diagnostics, Environment};
use crate::kind::{AnyKind, Attribute, Needs, Registry, Tags, World};
use crate::packages::PROGRAM;
use crate::units::Day;
use resolve::Resolver;

/// Tag keys that scones writes itself.
pub mod tag {
    pub const APP: &str = "scones:app";
    pub const ENVIRONMENT: &str = "scones:environment";
    pub const REGION: &str = "scones:region";
    pub const ADDRESS: &str = "scones:address";
    pub const STAMP: &str = "scones:stamp";
    /// How the last rollout went.
    pub const ROLLOUT: &str = "scones:rollout";
    /// The tags that tell of what was applied, and are no part of it.
    pub const RECORDS: [&str; 2] = [STAMP, ROLLOUT];
    /// On functions: the digest of the package's inputs, and the CodeSha256 that was uploaded for it.
    pub const PACKAGE: &str = "scones:package";
    pub const CODE: &str = "scones:code";
    pub const PREFIX: &str = "scones:";
}

/// All that should exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    pub world: World,
    /// The role that was assumed to read it, and must be to apply it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
    /// Keys of tags that others set.
    pub ignore_tags: Vec<String>,
    /// Differences that are left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
    /// The same whose last day has passed, so that they count again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired: Vec<Ignored>,
    pub protect: bool,
    /// The most resources that one plan may delete or replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletions: Option<usize>,
    /// What the workload does besides being deployed, by the key of its block.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocks: BTreeMap<String, Value>,
    /// In an order in which they can be made.
    pub resources: IndexMap<Address, Resource>,
}

impl Desired {
    /// Ends what was to be left alone until a day before this one.
    pub fn let_expire(&mut self, today: &Day) {
        let (expired, ignored) = std::mem::take(&mut self.ignored).into_iter().partition(|one| one.until < *today);
        self.ignored = ignored;
        self.expired.extend::<Vec<Ignored>>(expired);
    }

    /// The function that the block `drift_check` stands for, if the environment has it.
    pub fn drift_check(&self) -> Option<&Resource> {
        let function = self.resources.get(&Address::new("functions", NAME))?;
        (function.source.as_deref() == Some(PROGRAM)).then_some(function)
    }
}

/// One resource that should exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// The name in AWS; of kinds named by content, the part before the hash.
    pub name: String,
    pub state: Value,
    /// All tags but the stamp.
    pub tags: Tags,
    pub needs: Needs,
    /// References in the state whose value is not known offline.
    pub holes: BTreeSet<String>,
    /// Those of the holes that applying cannot bring about, each with what to say while its value is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub awaits: BTreeMap<String, String>,
    /// What it waits for that applying cannot bring about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// Attributes that were computed offline although only AWS decides them: a stack's outputs. Applying stops where
    /// AWS decided otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: BTreeMap<String, String>,
    /// Where it is declared: `file:line:column`.
    pub declared_at: String,
    /// The folder its package is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Computes what should exist in an account.
///
/// # Errors
/// Every fault found, in the order of the file.
pub fn desired(environment: &Environment, account: &str, registry: &Registry) -> Result<Desired, Diagnostics> {
    let header = &environment.header;
    let world = World {
        app: header.app.clone(),
        environment: header.environment.clone(),
        account: account.to_owned(),
        region: header.region.clone(),
    };
    let mut faults = vec![];
    check_tags(environment, &mut faults);
    let moved = moved(environment, registry, &mut faults);
    let names = physical_names(environment, &world, &moved, registry, &mut faults);
    let resolver = Resolver::new(environment, &world, registry, &names);
    let blocks = blocks::resolve(environment, &resolver, &mut faults);
    let mut resources = IndexMap::new();
    for (address, declared) in &environment.resources {
        let Some(kind) = registry.get(&address.section) else { continue };
        let mut scope = Scope::new(&resolver, address, declared);
        let spec = scope.resolve_spec(kind.references_order());
        // Where a reference leads nowhere, what stands around it can only be judged wrongly.
        let state = match scope.is_sound().then(|| kind.desired(&spec, &mut scope)) {
            Some(Ok(state)) => state,
            Some(Err((path, message))) => {
                scope.fault(&path, message);
                None
            }
            None => None,
        };
        let finished = scope.finish(kind.inputs());
        faults.extend(finished.faults);
        let Some(state) = state else { continue };
        resources.insert(
            address.clone(),
            Resource {
                name: names[address].clone(),
                state,
                tags: tags(&world, &header.tags, address),
                needs: finished.needs,
                holes: finished.holes,
                awaits: finished.awaits,
                blocked: finished.blocked,
                expected: if kind.attributes_from_spec() { known(resolver.attributes(address)) } else { BTreeMap::new() },
                declared_at: declared.key_span.location(),
                source: finished.source,
            },
        );
    }
    rollout_alarms::add(environment, &mut resources, &mut faults);
    if let (true, Ok(blocks)) = (faults.is_empty(), Blocks::of(&blocks)) {
        workflows::check(environment, &resolver, &resources, &blocks, &mut faults);
    }
    let ignored = if faults.is_empty() { ignore::ignored(environment, &resources, &mut faults) } else { vec![] };
    // A cycle is only worth telling when the resources themselves are right.
    if faults.is_empty() {
        match sort::sort(resources) {
            Ok(resources) => {
                let mut desired = Desired {
                    world,
                    assume_role: header.assume_role.clone(),
                    ignore_tags: header.ignore_tags.clone(),
                    ignored,
                    expired: vec![],
                    protect: header.protect,
                    max_deletions: header.max_deletions,
                    blocks,
                    resources,
                };
                let granted = if header.drift_check.is_some() { drift_check::grant(&mut desired, registry) } else { Ok(()) };
                match granted {
                    Ok(()) => return Ok(desired),
                    Err(message) => faults.push(Diagnostic::new(message, &environment.root.span_at(&["drift_check"]))),
                }
            }
            Err(path) => {
                let shown: Vec<String> = path.iter().map(Address::to_string).collect();
                let span = &environment.resources[&path[0]].key_span;
                let message = format!("these wait for each other: {}", shown.join(" → "));
                faults.push(
                    Diagnostic::new(message, span).help("put one of them into a second stack, or name it without a reference"),
                );
            }
        }
    }
    Err(Diagnostics(faults))
}

/// What a resource is declared with, its references resolved as far as they are known offline.
pub fn declared(environment: &Environment, world: &World, registry: &Registry, address: &Address) -> Option<Value> {
    let moved = moved(environment, registry, &mut vec![]);
    let names = physical_names(environment, world, &moved, registry, &mut vec![]);
    let resolver = Resolver::new(environment, world, registry, &names);
    let node = &environment.resources.get(address)?.node;
    Some(resolver.tree(node, &mut resolve::Resolution::default()))
}

fn known(attributes: BTreeMap<String, Attribute>) -> BTreeMap<String, String> {
    let value = |attribute| match attribute {
        Attribute::Known(value) => Some(value),
        Attribute::Later(_) | Attribute::Elsewhere(_) => None,
    };
    attributes.into_iter().filter_map(|(key, attribute)| Some((key, value(attribute)?))).collect()
}

/// The tags of a resource: the environment's own, and those that say whose it is.
fn tags(world: &World, own: &BTreeMap<String, String>, address: &Address) -> Tags {
    let mut tags = own.clone();
    tags.insert(tag::APP.into(), world.app.clone());
    tags.insert(tag::ENVIRONMENT.into(), world.environment.clone());
    tags.insert(tag::REGION.into(), world.region.clone());
    tags.insert(tag::ADDRESS.into(), address.to_string());
    tags
}

/// Tags may have letters, digits, spaces and `_.:/=+-@`; 50 per resource, of which scones needs up to 8.
fn check_tags(environment: &Environment, faults: &mut Vec<Diagnostic>) {
    let own = &environment.header.tags;
    for (key, value) in own {
        let allowed = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
        let fault = match () {
            () if key.starts_with("aws:") || key.starts_with(tag::PREFIX) => Some("this prefix is taken"),
            () if key.is_empty() || key.chars().count() > 128 => Some("a tag's key has 1 to 128 characters"),
            () if value.chars().count() > 256 => Some("a tag's value has at most 256 characters"),
            () if !allowed(key) || !allowed(value) => Some("tags hold letters, digits, spaces and _.:/=+-@"),
            () => None,
        };
        if let Some(message) = fault {
            faults.push(Diagnostic::new(message, &environment.root.span_at(&["tags", key])));
        }
    }
    if own.len() > 42 {
        faults.push(Diagnostic::new(
            "AWS takes 50 tags per resource, and scones needs 8 of them",
            &environment.root.span_at(&["tags"]),
        ));
    }
}

/// The declared addresses that had another one before: new to old.
fn moved(environment: &Environment, registry: &Registry, faults: &mut Vec<Diagnostic>) -> BTreeMap<Address, Address> {
    let mut found = BTreeMap::new();
    for (old, new) in &environment.header.moved {
        let span = environment.root.span_at(&["moved", old]);
        match (old.parse::<Address>(), new.parse::<Address>()) {
            (Ok(old), Ok(new)) if old.section == new.section && registry.get(&old.section).is_some() => {
                if !environment.resources.contains_key(&new) {
                    faults.push(Diagnostic::new(format!("{new} is not declared"), &span));
                } else if environment.resources.contains_key(&old) {
                    faults.push(Diagnostic::new(format!("{old} is still declared, so nothing was moved"), &span));
                }
                found.insert(new, old);
            }
            (Ok(_), Ok(_)) => faults.push(Diagnostic::new("an address can only move inside its section", &span)),
            (Err(message), _) | (_, Err(message)) => faults.push(Diagnostic::new(message, &span)),
        }
    }
    found
}

fn physical_names(
    environment: &Environment,
    world: &World,
    moved: &BTreeMap<Address, Address>,
    registry: &Registry,
    faults: &mut Vec<Diagnostic>,
) -> BTreeMap<Address, String> {
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<String, Address> = BTreeMap::new();
    for (address, declared) in &environment.resources {
        let Some(kind) = registry.get(&address.section) else { continue };
        let entry_name = moved.get(address).map_or(&address.name, |old| &old.name);
        let name = declared.given_name().map_or_else(|| format!("{}{entry_name}", world.prefix()), str::to_owned);
        let span = declared.node.get("name").map_or(&declared.key_span, |node| &node.span);
        let (length, most) = (name.chars().count(), kind.longest_name());
        if length > most {
            let message = format!("the name {name} has {length} characters; a {} has at most {most}", kind.title());
            faults.push(Diagnostic::new(message, span).help("give a shorter one with `name:`"));
        }
        if let Some(other) = taken.insert(space(kind, world, &name), address.clone()) {
            faults.push(Diagnostic::new(format!("{other} has the name {name} too"), span));
        }
        names.insert(address.clone(), name);
    }
    names
}

/// Where a name must be the only one of its sort: kinds whose ARNs have one form, such as metric and composite alarms, or
/// schedules and monitors, share their names.
fn space(kind: &dyn AnyKind, world: &World, name: &str) -> String {
    let attributes = (!kind.attributes_from_spec()).then(|| kind.attributes(world, name, &Value::Null, None));
    let mut attributes = attributes.unwrap_or_default();
    match attributes.remove("arn").or_else(|| attributes.remove("rule_arn")) {
        Some(Attribute::Known(arn)) => arn,
        _ => format!("{}/{name}", kind.section()),
    }
}

/// Says which reference is meant by one that leads nowhere.
fn suggestion<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(wanted, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}
