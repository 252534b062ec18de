//! The contract of a workflow: that its states fit together, with the functions they call, and with its role.
//!
//! [`crate::asl`] checks a definition by itself. Here it is held against what surrounds it: which errors a task can raise,
//! which fields it answers, how large they are, and what the role may do. What is not known passes; only what surely
//! fails, or surely was not meant, is a finding.

mod access;
mod called;
mod flow;
mod function;
mod needs;
mod path;
mod raised;
mod reads;
mod shape;
mod source;
mod state;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::Finding;
use shape::Shape;

pub use function::{Contract, Field, Function, Input, Rest, Size, Type};

/// The most bytes that an input or output may have. Source: Step Functions service quotas, "Maximum input or output size".
pub const LIMIT: u64 = 262_144;

/// A workflow with what it is held against.
#[derive(Clone, Copy)]
pub struct Workflow<'a> {
    /// The definition, its references resolved as far as they can be.
    pub definition: &'a Value,
    /// The definition as it was written.
    pub source: &'a Value,
    /// The functions that it may call.
    pub functions: &'a [Function],
    /// All fields of the input that executions are started with, if they are known.
    pub input: Option<&'a [String]>,
    /// The largest such input, in bytes.
    pub largest_input: Option<u64>,
    /// The largest picture that comes along, in bytes.
    pub largest_picture: Option<u64>,
    /// What its role may do, if all of that is known.
    pub role: Option<Role<'a>>,
}

/// A role's permissions.
#[derive(Clone, Copy)]
pub struct Role<'a> {
    /// Its name in the environment file.
    pub name: &'a str,
    /// Its policy documents.
    pub policies: &'a [Value],
}

/// Returns what does not fit in a workflow. The paths lead into its definition.
#[must_use]
pub fn check(workflow: &Workflow) -> Vec<Finding> {
    let definition = function::with_versions(workflow.definition, workflow.functions);
    let workflow = &Workflow { definition: &definition, ..*workflow };
    let mut findings = source::check(workflow);
    findings.extend(raised::check(workflow));
    findings.extend(flow::check(workflow, first_input(workflow)));
    findings.extend(workflow.role.iter().flat_map(|role| access::check(workflow, role)));
    findings
}

fn first_input(workflow: &Workflow) -> Shape {
    let slack = workflow.largest_input.unwrap_or_default();
    match workflow.input {
        Some(fields) => {
            let members: BTreeMap<String, Shape> = fields.iter().map(|field| (field.clone(), Shape::Any)).collect();
            let known = Shape::object(members.clone(), false, 0).bytes();
            Shape::object(members, false, slack.saturating_sub(known))
        }
        None if slack > 0 => Shape::object(BTreeMap::new(), true, slack),
        None => Shape::Any,
    }
}

#[cfg(test)]
mod tests;
