//! Two environments → how they differ. Pure.
//!
//! Both are computed as if they were one: of one name, in one account and region, and without names of their own for single
//! resources. What differs only because environments are called otherwise, or lie elsewhere, is then the same on both sides.

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::address::Address;
use crate::desired::{self, Desired};
use crate::diff::{Change, diff};
use crate::environment::node::Data;
use crate::environment::{Diagnostics, Environment, Header};
use crate::kind::Registry;

/// What both environments are called while they are compared: short, so that no name becomes too long by it.
const ENVIRONMENT: &str = "zz";
const ACCOUNT: &str = "000000000000";

/// How two environments differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub format: u32,
    pub app: String,
    pub from: String,
    pub to: String,
    /// Of what the files say besides resources: the head, and blocks such as `evaluation`.
    pub settings: Vec<Change>,
    pub only_from: Vec<Address>,
    pub only_to: Vec<Address>,
    pub differing: Vec<Differing>,
    /// How many resources are alike.
    pub same: usize,
}

/// A resource that both have, and not alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Differing {
    pub address: Address,
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.only_from.is_empty() && self.only_to.is_empty() && self.differing.is_empty()
    }
}

/// Compares two environments, as their files say.
///
/// # Errors
/// What is wrong in the files.
pub fn compare(from: &Environment, to: &Environment, registry: &Registry) -> Result<Comparison, Diagnostics> {
    let region = &from.header.region;
    let left = neutral(from, region, registry)?;
    // What names its own region, such as an image, can be in no other.
    let right = neutral(to, region, registry).or_else(|_| neutral(to, &to.header.region, registry))?;
    let only = |one: &Desired, other: &Desired| -> Vec<Address> {
        let mut found: Vec<Address> =
            one.resources.keys().filter(|address| !other.resources.contains_key(*address)).cloned().collect();
        found.sort_by_key(|address| (registry.rank(&address.section), address.name.clone()));
        found
    };
    let mut differing = vec![];
    let mut same = 0;
    for (address, resource) in &left.resources {
        let (Some(kind), Some(other)) = (registry.get(&address.section), right.resources.get(address)) else { continue };
        let mut changes = diff(&resource.state, &other.state, kind.fields());
        changes.iter_mut().for_each(|change| {
            change.replaces = false;
            readable(change, &left);
        });
        match changes.is_empty() {
            true => same += 1,
            false => differing.push(Differing { address: address.clone(), changes }),
        }
    }
    differing.sort_by_key(|one| (registry.rank(&one.address.section), one.address.name.clone()));
    let mut settings = diff(&settings(&from.header, &left), &settings(&to.header, &right), &[]);
    settings.iter_mut().for_each(|change| readable(change, &left));
    Ok(Comparison {
        format: 1,
        app: from.header.app.clone(),
        from: from.header.environment.clone(),
        to: to.header.environment.clone(),
        settings,
        only_from: only(&left, &right),
        only_to: only(&right, &left),
        differing,
        same,
    })
}

/// What should exist, were the environment called as all are here, in one account and a region.
fn neutral(environment: &Environment, region: &str, registry: &Registry) -> Result<Desired, Diagnostics> {
    let mut environment = environment.clone();
    environment.header.environment = ENVIRONMENT.to_owned();
    environment.header.region = region.to_owned();
    environment.header.moved.clear();
    // Ignored differences name what is only there under the own name; they are compared as they are written.
    environment.header.ignore.clear();
    for declared in environment.resources.values_mut() {
        if let Data::Mapping(entries) = &mut declared.node.data {
            entries.shift_remove("name");
        }
    }
    desired::desired(&environment, ACCOUNT, registry)
}

/// What counts besides the resources. Pins, values and the check for drift show in what is made of them; what one demands of
/// the other before a promotion is none of their differences.
fn settings(header: &Header, desired: &Desired) -> Value {
    let mut all = Map::new();
    let written = serde_json::to_value(header).unwrap_or_default();
    for key in ["tags", "ignore_tags", "ignore", "protect"] {
        all.insert(key.to_owned(), written.get(key).cloned().unwrap_or_default());
    }
    all.extend(desired.blocks.iter().filter(|(key, _)| *key != "promotion").map(|(key, value)| (key.clone(), value.clone())));
    Value::Object(all)
}

/// Puts references in the place of what both are called while they are compared.
fn readable(change: &mut Change, neutral: &Desired) {
    let world = &neutral.world;
    let (prefix, role_path) = (world.prefix(), world.role_path());
    let words = [
        (world.bootstrap_bucket(), "scones-${account}-${region}".to_owned()),
        (prefix.clone(), "${app}-${environment}-".to_owned()),
        (role_path, "/scones/${app}/${environment}/".to_owned()),
        (ACCOUNT.to_owned(), "${account}".to_owned()),
    ];
    let put = |value: &mut Option<Value>| {
        if let Some(value) = value {
            *value = replaced(value, &words);
        }
    };
    put(&mut change.from);
    put(&mut change.to);
}

fn replaced(value: &Value, words: &[(String, String)]) -> Value {
    match value {
        Value::String(text) if text == ENVIRONMENT => "${environment}".into(),
        Value::String(text) => words.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to)).into(),
        Value::Array(items) => items.iter().map(|item| replaced(item, words)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), replaced(value, words))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}
