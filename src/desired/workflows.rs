//! Workflows are held against what surrounds them: the functions they call, the role they run with, and their input.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::Resource;
use super::resolve::Resolver;
use crate::address::Address;
use crate::contract::{self, Contract, Function, Role, Workflow};
use crate::environment::{Blocks, Diagnostic, Environment};
use crate::finding::Finding;
use crate::kind::Attribute;

/// The sections of which a workflow's contract speaks.
const MACHINES: &str = "state_machines";
const FUNCTIONS: &str = "functions";
const ROLES: &str = "roles";

/// Checks every state machine against its contract.
pub fn check(
    environment: &Environment,
    resolver: &Resolver<'_>,
    resources: &IndexMap<Address, Resource>,
    blocks: &Blocks,
    faults: &mut Vec<Diagnostic>,
) {
    let functions = functions(environment, resolver, faults);
    for (address, resource) in resources.iter().filter(|(address, _)| address.section == MACHINES) {
        let Some(declared) = environment.resources.get(address) else { continue };
        let document = declared.node.get("definition").and_then(|node| node.as_str());
        let Some(source) = document.and_then(|path| environment.documents.get(path)) else { continue };
        // What starts a workflow is only known of the one that `run` names.
        let run = blocks.run.as_ref().filter(|run| run.workflow == address.name);
        let input: Option<Vec<String>> = run.map(|run| run.input.keys().cloned().collect());
        let role =
            declared.node.get("role").and_then(|node| node.as_str()).and_then(|name| Some((name, policies(resources, name)?)));
        let found = contract::check(&Workflow {
            definition: resource.state.get("definition").unwrap_or(&Value::Null),
            source: &source.to_json(),
            functions: &functions,
            input: input.as_deref(),
            largest_input: None,
            largest_picture: run.and_then(|run| run.largest_picture),
            role: role.as_ref().map(|(name, policies)| Role { name, policies }),
        });
        let mut told = BTreeSet::new();
        for finding in found {
            let diagnostic = diagnostic(&finding, &source.span_at(&finding.path));
            if told.insert((finding.path.clone(), finding.message.clone())) {
                faults.push(diagnostic);
            }
        }
    }
}

/// The declared functions, each with its contract if there is one beside its sources.
fn functions(environment: &Environment, resolver: &Resolver<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Function> {
    let mut found = vec![];
    for address in environment.resources.keys().filter(|address| address.section == FUNCTIONS) {
        let Some(Attribute::Known(arn)) = resolver.attributes(address).remove("arn") else { continue };
        let contract = environment.contracts.get(address).and_then(|node| match Contract::read(&node.to_json()) {
            Ok(contract) => Some(contract),
            Err(findings) => {
                faults.extend(findings.iter().map(|finding| diagnostic(finding, &node.span_at(&finding.path))));
                None
            }
        });
        found.push(Function { name: address.name.clone(), arn, contract });
    }
    found
}

/// What a declared role may do, if that is all in its own policies.
fn policies(resources: &IndexMap<Address, Resource>, role: &str) -> Option<Vec<Value>> {
    let state = &resources.get(&Address::new(ROLES, role))?.state;
    let managed = state.get("managed_policies").and_then(Value::as_array).is_some_and(|policies| !policies.is_empty());
    let inline = state.get("policies").and_then(Value::as_object)?;
    (!managed).then(|| inline.values().cloned().collect())
}

fn diagnostic(finding: &Finding, span: &crate::environment::Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(finding.message.clone(), span);
    match &finding.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    }
}
