//! CloudFormation templates as JSON values: offline checks, offline outputs, and what a change does.
//!
//! The short forms of YAML (`!Ref`, `!Sub`) are expected as the maps they stand for. Nothing here asks AWS: what cannot
//! be known without it is said to be unknown. Source: the CloudFormation template reference, and the resource schemas
//! that CloudFormation publishes.

mod access;
mod changes;
mod check;
mod cycle;
mod parameters;
mod references;
mod resolve;
mod resources;
mod retention;

use std::collections::BTreeMap;

use serde_json::Value;

pub use access::{Requirement, requirements};
pub use changes::resource_changes;
pub use check::check;
pub use parameters::{check_parameters, parameters};
pub use resources::replaced_by;
pub use retention::expires_after;

/// The longest template body, in bytes, that a request may carry itself. Source: CloudFormation quotas.
pub const INLINE_LIMIT: usize = 51_200;

/// The longest template body, in bytes, that CloudFormation reads from S3. Source: CloudFormation quotas.
pub const S3_LIMIT: usize = 1_048_576;

/// What a template is deployed with: everything its pseudo parameters and parameters stand for.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// `AWS::StackName`.
    pub stack_name: &'a str,
    /// `AWS::AccountId`.
    pub account: &'a str,
    /// `AWS::Region`.
    pub region: &'a str,
    /// `AWS::Partition`.
    pub partition: &'a str,
    /// The parameters given; a parameter that is absent has its default.
    pub parameters: &'a BTreeMap<String, String>,
}

/// What a template says of one of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its `Type`, such as `String`.
    pub type_name: String,
    /// Its default, if any.
    pub default: Option<String>,
    /// The only values it may have; empty when any may be given.
    pub allowed_values: Vec<String>,
    /// Whether CloudFormation hides its value.
    pub no_echo: bool,
    /// Its description, if any.
    pub description: Option<String>,
}

/// An output of a stack, as far as it is known before the stack exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The value that the stack will show.
    Known(String),
    /// Only AWS can tell.
    Unknown {
        /// What it hangs on.
        why: String,
    },
}

/// What a change does to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// The resource's name in the template.
    pub logical_id: String,
    /// Its type; the new one when the type itself changes.
    pub type_name: String,
    /// Whether it comes, goes or changes.
    pub action: Action,
    /// What changes, sorted: properties, and attributes such as `DeletionPolicy`. Empty for what comes or goes.
    pub properties: Vec<String>,
    /// Whether the change makes a new resource in the old one's place.
    pub replacement: Replacement,
}

/// Whether a resource comes, goes or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Add,
    /// It goes.
    Remove,
    /// It changes.
    Modify,
}

/// Whether a change makes a new resource in the old one's place; the later of two is the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// The resource is changed in place.
    No,
    /// That hangs on values known only to AWS, or on a type whose properties are not known here.
    Maybe,
    /// The resource is replaced.
    Yes,
}

/// Returns the outputs of a template, as far as they are known offline.
///
/// An output whose condition is known to be false is left out, as CloudFormation leaves it out.
#[must_use]
pub fn outputs(template: &Value, context: &Context) -> BTreeMap<String, Output> {
    let mut resolved = BTreeMap::new();
    for (name, output) in template.get("Outputs").and_then(Value::as_object).into_iter().flatten() {
        let resolver = resolve::Resolver::offline(template, context);
        let made = output.get("Condition").and_then(Value::as_str).map_or(Ok(true), |name| resolver.named_condition(name));
        let value = match made {
            Ok(false) => continue,
            Ok(true) => output.get("Value").ok_or_else(|| "it has no `Value`".to_owned()).and_then(|value| resolver.text(value)),
            Err(why) => Err(why),
        };
        resolved.insert(name.clone(), value.map_or_else(|why| Output::Unknown { why }, Output::Known));
    }
    resolved
}

/// A resource as a stack makes it, as far as that follows from the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its type, such as `AWS::S3::Bucket`.
    pub type_name: String,
    /// What `Ref` gives for it, or why that is not known.
    pub reference: Result<String, String>,
    /// Its properties with every function worked out and scalars as text, or why they are not known.
    pub properties: Result<Value, String>,
}

/// Returns the resources that a stack makes of a template. One whose condition is known to be false is left out.
#[must_use]
pub fn expected(template: &Value, context: &Context) -> BTreeMap<String, Expected> {
    let mut found = BTreeMap::new();
    for (name, resource) in template.get("Resources").and_then(Value::as_object).into_iter().flatten() {
        let resolver = resolve::Resolver::offline(template, context);
        let made = resource.get("Condition").and_then(Value::as_str).map_or(Ok(true), |name| resolver.named_condition(name));
        let properties = match made {
            Ok(false) => continue,
            Ok(true) => {
                resource.get("Properties").map_or_else(|| Ok(Value::Object(serde_json::Map::new())), |all| resolver.value(all))
            }
            Err(why) => Err(why),
        };
        let reference = resolver.text(&serde_json::json!({ "Ref": name }));
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        found.insert(name.clone(), Expected { type_name, reference, properties });
    }
    found
}

/// Writes a scalar as CloudFormation does, which knows only strings.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
