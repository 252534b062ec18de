mod corpus;
mod examples;
mod forms;
mod shipped;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::environment::source::Source;
use crate::environment::yaml::{self, Tags};

const FUNCTIONS: [&str; 3] = ["serialize-image-data", "image-classification", "filter-inference-result"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Value {
    let path = repository().join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let source = Arc::new(Source { path: PathBuf::from(&path), text });
    yaml::parse(&source, Tags::Refused).unwrap_or_else(|error| panic!("{error:?}")).to_json()
}

fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:scones-unlimited-dev-{function}")
}

/// The functions as shipped.
fn functions() -> Vec<Function> {
    let function = |name: &str| {
        let contract = Contract::read(&read(&format!("lambdas/{name}/contract.yaml")));
        let contract = contract.unwrap_or_else(|findings| panic!("{name}: {findings:#?}"));
        Function { name: name.to_owned(), arn: arn(name), contract: Some(contract) }
    };
    FUNCTIONS.map(function).into()
}

/// Replaces the references to functions, as the deployer does.
fn resolved(document: &Value) -> Value {
    let mut text = document.to_string();
    for name in FUNCTIONS {
        text = text.replace(&format!("${{functions.{name}.live_arn}}"), &format!("{}:live", arn(name)));
        text = text.replace(&format!("${{functions.{name}.arn}}"), &arn(name));
    }
    serde_json::from_str(&text).expect("it was JSON before")
}

/// Checks a definition as written; the first input has the fields that the shipped workflow wants.
fn findings(source: &Value, role: Option<Role>) -> Vec<Finding> {
    let input = ["s3_bucket".to_owned(), "s3_key".to_owned()];
    check(&Workflow {
        definition: &resolved(source),
        source,
        functions: &functions(),
        input: Some(&input),
        largest_input: Some(2_000),
        largest_picture: Some(10_000_000),
        role,
    })
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// Changes a document: a place such as `States/A/Next`, and what to put there; nothing takes it away.
fn change(document: &mut Value, place: &str, value: Option<Value>) {
    let mut steps: Vec<&str> = place.split('/').collect();
    let last = steps.pop().expect("a place has steps");
    let mut at = document;
    for step in steps {
        at = match at {
            Value::Array(items) => items.get_mut(step.parse::<usize>().expect("an index")).expect("the item exists"),
            other => other.get_mut(step).unwrap_or_else(|| panic!("{place}: no {step}")),
        };
    }
    match (at, value) {
        (Value::Array(items), value) => {
            let index: usize = last.parse().expect("an index");
            items.splice(index..(index + 1).min(items.len()), value);
        }
        (Value::Object(members), Some(value)) => {
            members.insert(last.to_owned(), value);
        }
        (Value::Object(members), None) => {
            members.remove(last).unwrap_or_else(|| panic!("{place}: nothing there"));
        }
        (other, _) => panic!("{place}: {other}"),
    }
}
