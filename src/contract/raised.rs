//! Errors: that handlers name what can be raised, and that outcomes are handled.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Workflow;
use super::called::Called;
use crate::finding::{Finding, below, slips};

/// What may be raised.
#[derive(Default)]
struct Raised {
    /// The names that are known.
    names: Vec<String>,
    /// The outcomes among them that nothing caught, with where they come from and whose they are.
    business: Vec<Outcome>,
    /// Whether there may be others.
    open: bool,
}

#[derive(Clone)]
struct Outcome {
    name: String,
    function: String,
    path: Vec<String>,
}

/// Names that Lambda's integration raises, besides what a function raises.
///
/// Source: Lambda API reference, `Invoke`, "Errors"; Step Functions developer guide, "Handle Lambda service exceptions" and
/// "Handling errors in Step Functions workflows". Others with this beginning pass, unless they are nearly one of these.
const LAMBDA: [&str; 12] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ResourceNotFoundException",
    "Lambda.ResourceNotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.InvalidParameterValueException",
    "Lambda.RequestTooLargeException",
    "Lambda.EC2ThrottledException",
    "Lambda.Unknown",
];

/// What errors begin with that a Lambda function's surroundings raise.
const SURROUNDINGS: [&str; 5] = ["Lambda.", "Sandbox.", "Runtime.", "Function.", "Extension."];

/// Checks the handlers of a workflow.
pub(super) fn check(workflow: &Workflow) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(machine) = workflow.definition.as_object() else { return findings };
    let raised = of_machine(machine, &[], workflow, &mut findings);
    findings.extend(raised.business.into_iter().map(|outcome| uncaught(&outcome)));
    findings
}

fn uncaught(outcome: &Outcome) -> Finding {
    let Outcome { name, function, path } = outcome;
    let message = format!("`{name}` is an outcome of `{function}`, and nothing catches it: the execution would count as failed");
    Finding::new(path, message).help(format!("add a `Catch` of `{name}` that leads to an end of its own"))
}

fn of_machine(machine: &Map<String, Value>, path: &[String], workflow: &Workflow, findings: &mut Vec<Finding>) -> Raised {
    let mut all = Raised::default();
    let path = below(path, "States");
    let Some(states) = machine.get("States").and_then(Value::as_object) else { return all };
    for (name, state) in states {
        let Some(state) = state.as_object() else { continue };
        let here = below(&path, name);
        let raised = of_state(state, &here, workflow, findings);
        check_handlers(state, &here, &raised, workflow, findings);
        all.join(handled(state, states, raised, findings));
    }
    all
}

impl Raised {
    fn unknown() -> Self {
        Self { open: true, ..Self::default() }
    }

    fn join(&mut self, other: Self) {
        self.open |= other.open;
        self.business.extend(other.business);
        for name in other.names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }
}

/// Returns what a state may raise before its handlers.
fn of_state(state: &Map<String, Value>, path: &[String], workflow: &Workflow, findings: &mut Vec<Finding>) -> Raised {
    match state.get("Type").and_then(Value::as_str) {
        Some("Task") => of_task(state, path, workflow),
        Some("Fail") => match state.get("Error").and_then(Value::as_str) {
            Some(name) if !name.contains("${") && !name.starts_with("{%") => {
                Raised { names: vec![name.to_owned()], ..Raised::default() }
            }
            _ => Raised::unknown(),
        },
        Some("Parallel") => {
            let mut all = Raised::default();
            let path = below(path, "Branches");
            for (index, branch) in state.get("Branches").and_then(Value::as_array).into_iter().flatten().enumerate() {
                if let Some(machine) = branch.as_object() {
                    all.join(of_machine(machine, &below(&path, index), workflow, findings));
                }
            }
            all
        }
        Some("Map") => {
            let mut all = Raised::default();
            for key in ["ItemProcessor", "Iterator"] {
                let Some(machine) = state.get(key).and_then(Value::as_object) else { continue };
                all.join(of_machine(machine, &below(path, key), workflow, findings));
                // The executions of a distributed map fail by themselves; the map fails by States.… alone.
                all.open |= machine.contains_key("ProcessorConfig");
            }
            all
        }
        _ => Raised::default(),
    }
}

fn of_task(state: &Map<String, Value>, path: &[String], workflow: &Workflow) -> Raised {
    let Called::Function { known: Some(function), .. } = Called::by(state, workflow.functions) else { return Raised::unknown() };
    // Who holds the token of a callback may fail the task with any name.
    let callback = state.get("Resource").and_then(Value::as_str).is_some_and(|resource| resource.ends_with(".waitForTaskToken"));
    let Some(contract) = function.contract.as_ref().filter(|_| !callback) else { return Raised::unknown() };
    let outcome = |name: &String| Outcome { name: name.clone(), function: function.name.clone(), path: path.to_vec() };
    Raised { names: contract.errors.clone(), business: contract.business.iter().map(outcome).collect(), open: false }
}

/// Takes away what a state's catchers catch. An outcome that leads straight to a Fail state is not handled.
fn handled(state: &Map<String, Value>, states: &Map<String, Value>, mut raised: Raised, findings: &mut Vec<Finding>) -> Raised {
    let catchers = || state.get("Catch").and_then(Value::as_array).into_iter().flatten();
    let catches = |catcher: &Value, wanted: &str| names(catcher).any(|(_, name)| name == wanted);
    let catches_all = |catcher: &Value| catches(catcher, "States.ALL") || catches(catcher, "States.TaskFailed");
    let failing = |catcher: &Value| {
        let next = catcher.get("Next").and_then(Value::as_str).and_then(|next| states.get(next));
        next.and_then(|next| next.get("Type")).and_then(Value::as_str) == Some("Fail")
    };
    raised.business.retain(|outcome| match catchers().find(|one| catches(one, &outcome.name) || catches_all(one)) {
        Some(catcher) if !catches(catcher, &outcome.name) && failing(catcher) => {
            findings.push(uncaught(outcome));
            false
        }
        found => found.is_none(),
    });
    raised.names.retain(|name| !catchers().any(|one| catches(one, name) || catches_all(one)));
    raised.open &= !catchers().any(catches_all);
    raised
}

/// Returns the error names of a handler, with their indexes.
fn names(handler: &Value) -> impl Iterator<Item = (usize, &str)> {
    let names = handler.get("ErrorEquals").and_then(Value::as_array).into_iter().flatten().enumerate();
    names.filter_map(|(index, name)| Some((index, name.as_str()?)))
}

fn check_handlers(
    state: &Map<String, Value>,
    path: &[String],
    raised: &Raised,
    workflow: &Workflow,
    findings: &mut Vec<Finding>,
) {
    let called = Called::by(state, workflow.functions);
    for key in ["Retry", "Catch"] {
        for (index, handler) in state.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let here = below(&below(&below(path, key), index), "ErrorEquals");
            for (index, name) in names(handler) {
                let reason = unraised(name, raised, &called, workflow);
                findings.extend(reason.map(|finding| Finding { path: below(&here, index), ..finding }));
            }
        }
    }
}

/// Says why an error surely is never raised, if so.
fn unraised(name: &str, raised: &Raised, called: &Called, workflow: &Workflow) -> Option<Finding> {
    if name.starts_with("States.") || name.contains("${") || raised.names.iter().any(|known| known == name) {
        return None;
    }
    if SURROUNDINGS.iter().any(|start| name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))) {
        return unraised_by_lambda(name, called);
    }
    let folded = |known: &&String| known.eq_ignore_ascii_case(name);
    if raised.open {
        let contracts = workflow.functions.iter().filter_map(|function| function.contract.as_ref());
        let declared: BTreeMap<&str, ()> =
            contracts.flat_map(|contract| &contract.errors).map(|name| (name.as_str(), ())).collect();
        if let Called::Service { service, action, .. } = called
            && declared.contains_key(name)
        {
            return Some(Finding::new(
                &[],
                format!("`{service}:{action}` never raises `{name}`, which is an error of a function"),
            ));
        }
        let meant = raised.names.iter().find(folded)?;
        return Some(Finding::new(&[], format!("nothing here raises `{name}`")).help(format!("did you mean `{meant}`?")));
    }
    let who = match called {
        Called::Function { known: Some(function), .. } => format!("`{}`", function.name),
        _ => "nothing in this state".to_owned(),
    };
    let verb = if who.starts_with('`') { "never raises" } else { "raises" };
    let finding = Finding::new(&[], format!("{who} {verb} `{name}`"));
    let near = raised.names.iter().find(folded).map(String::as_str);
    let near = near.or_else(|| crate::finding::nearest(name, raised.names.iter().map(String::as_str)));
    Some(match (near, raised.names.as_slice()) {
        (Some(near), _) => finding.help(format!("did you mean `{near}`?")),
        (None, []) => finding.help("it raises what begins with `States.` alone"),
        (None, names) => finding.help(format!("its errors are {}", names.join(", "))),
    })
}

fn unraised_by_lambda(name: &str, called: &Called) -> Option<Finding> {
    if let Called::Service { service, action, .. } = called {
        let finding = Finding::new(&[], format!("`{service}:{action}` never raises `{name}`"));
        return name.starts_with("Lambda.").then(|| finding.help("errors that begin with `Lambda.` come from Lambda functions"));
    }
    if LAMBDA.contains(&name) || name.len() > 80 {
        return None;
    }
    let meant = LAMBDA.into_iter().find(|known| known.eq_ignore_ascii_case(name) || slips(known, name) <= 2)?;
    Some(Finding::new(&[], format!("Lambda never raises `{name}`")).help(format!("did you mean `{meant}`?")))
}
