//! Differences that an environment leaves alone until a day.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Resource, suggestion};
use crate::address::Address;
use crate::diff::{join, split};
use crate::environment::{Diagnostic, Environment};
use crate::units::Day;

/// A difference that is left alone: nobody is told of it as of a change, and apply does not undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub address: Address,
    /// The path of the state below which it lies; empty for all of the resource.
    pub path: Vec<String>,
    pub reason: String,
    /// The last day.
    pub until: Day,
}

impl Ignored {
    /// Whether a change at a path of this resource is meant.
    pub fn covers(&self, address: &Address, path: &str) -> bool {
        self.address == *address && split(path).starts_with(&self.path)
    }

    /// How it is written: ADDRESS or ADDRESS:PATH.
    pub fn place(&self) -> String {
        match self.path.as_slice() {
            [] => self.address.to_string(),
            path => format!("{}:{}", self.address, join(path)),
        }
    }
}

/// What the environment's head says of it, held against the resources there are.
pub fn ignored(environment: &Environment, resources: &IndexMap<Address, Resource>, faults: &mut Vec<Diagnostic>) -> Vec<Ignored> {
    let mut found = vec![];
    for (index, rule) in environment.header.ignore.iter().enumerate() {
        let span = environment.root.span_at(&["ignore", &index.to_string(), "path"]);
        let (address, path) = rule.path.split_once(':').unwrap_or((&rule.path, ""));
        let Ok(address) = address.parse::<Address>() else { continue };
        let Some(resource) = resources.get(&address) else {
            let known: Vec<String> = resources.keys().map(ToString::to_string).collect();
            let help = suggestion(&address.to_string(), known.iter().map(String::as_str));
            faults.push(Diagnostic::new(format!("{address} is not declared"), &span).help(help));
            continue;
        };
        let path = split(path);
        let fields = resource.state.as_object().into_iter().flat_map(|state| state.keys().map(String::as_str)).chain(["tags"]);
        let fields: Vec<&str> = fields.collect();
        if let Some(field) = path.first().filter(|field| !fields.contains(&field.as_str())) {
            let message = format!("{address} has no field {field}");
            faults.push(Diagnostic::new(message, &span).help(suggestion(field, fields)));
            continue;
        }
        found.push(Ignored { address, path, reason: rule.reason.clone(), until: rule.until.clone() });
    }
    found
}
