//! CloudFormation templates as JSON values: offline checks, offline outputs, and what a change does.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::Finding;

/// The longest template body, in bytes, that a request may carry itself.
///
/// Source: AWS CloudFormation quotas.
pub const INLINE_LIMIT: usize = 51_200;
/// The longest template body, in bytes, that CloudFormation reads from S3.
///
/// Source: AWS CloudFormation quotas.
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
    /// The changed properties, sorted; attributes other than properties, such as `DeletionPolicy`, too.
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

/// Whether a change makes a new resource in the old one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// The resource is changed in place.
    No,
    /// It hangs on values known only to AWS.
    Maybe,
    /// The resource is replaced.
    Yes,
}

/// Returns everything that CloudFormation would refuse in a template, and what is surely a mistake.
#[must_use]
pub fn check(template: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !template.get("Resources").and_then(Value::as_object).is_some_and(|map| !map.is_empty()) {
        findings.push(Finding::new(&[], "a template needs `Resources`"));
    }
    findings
}

/// Returns the parameters that a template declares.
#[must_use]
pub fn parameters(template: &Value) -> BTreeMap<String, ParameterInfo> {
    let _ = template;
    BTreeMap::new()
}

/// Returns what is wrong with the parameters given to a template.
#[must_use]
pub fn check_parameters(template: &Value, given: &BTreeMap<String, String>) -> Vec<Finding> {
    let _ = (template, given);
    Vec::new()
}

/// Returns the outputs of a template, as far as they are known offline.
#[must_use]
pub fn outputs(template: &Value, context: &Context) -> BTreeMap<String, Output> {
    let _ = context;
    let Some(declared) = template.get("Outputs").and_then(Value::as_object) else { return BTreeMap::new() };
    let unknown = |name: &String| (name.clone(), Output::Unknown { why: "not resolved offline".into() });
    declared.keys().map(unknown).collect()
}

/// Returns the properties whose change replaces a resource, for the types that are known.
#[must_use]
pub fn replaced_by(type_name: &str) -> Option<&'static [&'static str]> {
    let _ = type_name;
    None
}

/// Compares two templates with their parameters, resource by resource.
#[must_use]
pub fn resource_changes(
    old: &Value,
    new: &Value,
    old_parameters: &BTreeMap<String, String>,
    new_parameters: &BTreeMap<String, String>,
) -> Vec<ResourceChange> {
    let _ = (old, new, old_parameters, new_parameters);
    Vec::new()
}
