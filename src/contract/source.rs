//! What a definition names outright: functions without a version, and accounts.

use serde_json::Value;

use super::Workflow;
use super::called::Called;
use super::function::{nearest_function, unqualified};
use crate::finding::{Finding, below};

/// Checks a definition as it is, and as it was written.
pub(super) fn check(workflow: &Workflow) -> Vec<Finding> {
    let mut findings = Vec::new();
    tasks(workflow.definition, &mut Vec::new(), workflow, &mut findings);
    accounts(workflow.source, &mut Vec::new(), &mut findings);
    findings
}

/// Visits every map of a document, with its path.
fn tasks(value: &Value, path: &mut Vec<String>, workflow: &Workflow, findings: &mut Vec<Finding>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            if members.get("Type").and_then(Value::as_str) == Some("Task")
                && let Called::Function { written: Some(written), .. } = Called::by(members, workflow.functions)
            {
                let here = place(members, path);
                findings.extend(check_version(written, workflow).map(|finding| Finding { path: here, ..finding }));
            }
            members.iter().map(|(key, child)| (key.clone(), child)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => return,
    };
    for (key, child) in children {
        path.push(key);
        tasks(child, path, workflow, findings);
        path.pop();
    }
}

/// Where a task names its function.
fn place(task: &serde_json::Map<String, Value>, path: &[String]) -> Vec<String> {
    for key in ["Parameters", "Arguments"] {
        if task.get(key).and_then(|arguments| arguments.get("FunctionName")).is_some() {
            return below(&below(path, key), "FunctionName");
        }
    }
    below(path, "Resource")
}

/// Finds what leads to whatever was uploaded last, rather than to a release.
fn check_version(written: &str, workflow: &Workflow) -> Option<Finding> {
    let message = match unqualified(written) {
        (_, Some("$LATEST")) => "`$LATEST` runs whatever was uploaded last, released or not",
        (_, None) => "without a version or alias the task runs `$LATEST`, whatever was uploaded last",
        _ => return None,
    };
    let known = super::function::find(workflow.functions, written).map(|function| function.name.as_str());
    let help = match known.or_else(|| nearest_function(workflow.functions, written)) {
        Some(name) => format!("use `${{functions.{name}.version_arn}}`"),
        None => "name one of its aliases or versions".to_owned(),
    };
    Some(Finding::new(&[], message).help(help))
}

fn accounts(value: &Value, path: &mut Vec<String>, findings: &mut Vec<Finding>) {
    match value {
        Value::String(text) => findings.extend(account_in(text).map(|account| {
            let message = format!("the account {account} stands in the definition, which then fits no other environment");
            Finding::new(path, message).help("write `${account}`, or a reference such as `${functions.….version_arn}`")
        })),
        Value::Object(members) => {
            for (key, child) in members.iter().filter(|(key, _)| *key != "Comment") {
                path.push(key.clone());
                accounts(child, path, findings);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                path.push(index.to_string());
                accounts(child, path, findings);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Finds an account where ARNs and the addresses of queues have it.
///
/// Registries of images are left out: AWS's own are in accounts that everybody writes out.
fn account_in(text: &str) -> Option<&str> {
    let is_account = |part: &&str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    let arns = text.match_indices("arn:").filter_map(|(at, _)| text.get(at..)?.split(':').nth(4)).find(is_account);
    arns.or_else(|| {
        let (_, behind) = text.split_once("://sqs.")?;
        behind.split('/').nth(1).filter(is_account)
    })
}
