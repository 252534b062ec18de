//! What nobody here wrote has the last word: cfn-lint on templates, statelint on workflows, parliament on policies.

use std::path::{Path, PathBuf};
use std::process::Command;

use scones::kind::Registry;
use scones::kinds::registry;
use scones::{desired, environment};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::repository;

const ENVIRONMENTS: [&str; 3] = ["dev", "prod", "local"];

/// A program of the oracles' virtual environment.
pub fn oracle(program: &str) -> Command {
    let venvs = std::env::var_os("SCONES_VENVS").map_or_else(|| repository().join("target/cloud-venvs"), PathBuf::from);
    let path = venvs.join("oracles/bin").join(program);
    assert!(path.exists(), "{} is missing: python3 tests/cloud/cloud.py install", path.display());
    let mut command = Command::new(path);
    command.current_dir(repository());
    command
}

#[track_caller]
fn content(mut command: Command) {
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.trim().is_empty(), "{command:?}: {text}");
}

fn desired_of(name: &str, registry: &Registry) -> desired::Desired {
    let file = repository().join(format!("environments/{name}.yaml"));
    let environment = environment::load(&file, registry).unwrap();
    desired::desired(&environment, "123456789012", registry).unwrap()
}

fn states(section: &str) -> Vec<(String, Value)> {
    let registry = registry();
    let mut found = vec![];
    for name in ENVIRONMENTS {
        for (address, resource) in desired_of(name, &registry).resources {
            if address.section == section {
                found.push((format!("{name}-{}", address.name), resource.state));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn write(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, serde_json::to_string_pretty(value).unwrap()).unwrap();
    path
}

#[test]
fn cfn_lint_passes_the_templates() {
    let templates = ["stacks/foundation.yaml", "stacks/schedules.yaml"];
    let mut command = oracle("cfn-lint");
    command.args(["--regions", "us-east-1", "--"]).args(templates);
    content(command);
}

#[test]
fn statelint_passes_the_workflows() {
    let folder = TempDir::new().unwrap();
    for (name, state) in states("state_machines") {
        let mut command = oracle("statelint");
        command.arg(write(folder.path(), &name, &state["definition"]));
        content(command);
    }
}

#[test]
fn parliament_passes_the_policies() {
    let folder = TempDir::new().unwrap();
    let mut count = 0;
    for (name, state) in states("roles") {
        for (policy, document) in state["policies"].as_object().unwrap() {
            write(folder.path(), &format!("{name}-{policy}"), document);
            count += 1;
        }
    }
    assert!(count >= 15, "{count} policies");
    let mut command = oracle("parliament");
    command.arg("--directory").arg(folder.path()).arg("--include_policy_extension").arg("json");
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let findings: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("LOW") || line.starts_with("MEDIUM") || line.starts_with("HIGH") || line.starts_with("CRITICAL")
        })
        .collect();
    assert!(output.status.success() && findings.is_empty(), "{text}");
}

#[test]
fn the_shipped_schema_is_the_one_the_types_make() {
    let path = repository().join("environments/schema.json");
    let shipped: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let made = environment::schema::editor_schema(&registry());
    assert!(shipped == made, "{} is out of date: make schema", path.display());
}
