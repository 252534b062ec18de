//! Saved plans: applied exactly, or refused with what moved since they were made.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use aws_sdk_iam::Client;
use serde_json::{Value, json};

use crate::conformance::CHANGES;
use crate::support::{Project, actions, assert_no_violations, plant, sdk, wait};

const ROLE: &str = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nroles:\n  run: { assumed_by: lambda.amazonaws.com, description: first }\n";

fn role_project(app: &str) -> Project {
    let project = Project::of_text(&ROLE.replace("APP", app)).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

/// Of each kind a plan is saved, then its resource is changed, and the plan is refused by its address.
#[test]
fn a_stale_plan_of_each_kind_is_refused() {
    let project = Project::from_fixture("toy", "stale").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    for (section, from, to) in CHANGES {
        project.edit("environments/toy.yaml", from, to);
        let plan = project.scones(&["plan", "toy", "--format", "json", "--out", "plan.json"]).expect(2).json();
        let steps = plan["steps"].as_array().unwrap();
        assert!(
            steps.iter().all(|step| step["fingerprint"].as_str().is_some_and(|digits| digits.starts_with("sha256:"))),
            "{plan:#}"
        );
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        let run = project.scones(&["apply", "plan.json", "--yes"]).expect(3);
        let told = format!("  {section}.");
        assert!(run.stderr.contains("since it was made, this moved") && run.stderr.contains(&told), "{section}: {}", run.stderr);
        assert!(run.stderr.contains("it need not be changed any more"), "{section}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{section}: {}", run.stdout);
    }
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

#[test]
fn what_moved_is_said_with_both_values() {
    let project = role_project("moved-plan");
    project.edit("environments/toy.yaml", "first", "second");
    project.scones(&["plan", "toy", "--out", "plan.json"]).expect(2);
    let client = Client::new(sdk());
    wait(client.update_role().role_name("moved-plan-toy-run").description("somebody").send()).unwrap();
    let run = project.scones(&["apply", "plan.json", "--yes"]).expect(3);
    assert!(run.stderr.contains("roles.run: description was \"first\", and is \"somebody\""), "{}", run.stderr);
    assert!(run.stderr.contains("scones plan toy --out plan.json"), "{}", run.stderr);
    wait(client.update_role().role_name("moved-plan-toy-run").description("first").send()).unwrap();
    // A plan is applied as it is: what is chosen was chosen when it was made.
    let run = project.scones(&["apply", "plan.json", "--yes", "--prune"]).expect(1);
    assert!(run.stderr.contains("is applied as it is"), "{}", run.stderr);
    project.scones(&["apply", "plan.json", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

/// What is not a step is no less part of the plan: another tag or another owner would be written.
#[test]
fn a_plan_that_was_tampered_with_is_refused_wherever_that_is() {
    let project = role_project("tampered");
    project.edit("environments/toy.yaml", "first", "second");
    project.scones(&["plan", "toy", "--out", "plan.json"]).expect(2);
    let plan: Value = serde_json::from_str(&project.read("plan.json")).unwrap();
    for (path, value) in [
        ("/desired/resources/roles.run/state/description", json!("third")),
        ("/desired/protect", json!(true)),
        ("/mode", json!("prune")),
        ("/steps/0/to/description", json!("third")),
        ("/steps/0/fingerprint", json!("sha256:0")),
    ] {
        let mut changed = plan.clone();
        *changed.pointer_mut(path).unwrap() = value;
        project.write("plan.json", &changed.to_string());
        let run = project.scones(&["apply", "plan.json", "--yes"]).expect(1);
        assert!(run.stderr.contains("changed after it was saved"), "{path}: {}", run.stderr);
    }
    // White space is none of it.
    project.write("plan.json", &plan.to_string());
    project.scones(&["apply", "plan.json", "--yes"]).expect(0);
}

/// Between the plan and the write somebody changes the resource; its lease is asked for so slowly that there is time.
#[test]
fn what_moves_while_a_plan_is_applied_is_not_written_over() {
    let project = role_project("moving-target");
    project.edit("environments/toy.yaml", "first", "second");
    let slow = json!([{ "service": "s3", "operation": "PutObject", "kind": "delay", "delay_ms": 4000 }]);
    plant("scones-moving-target", slow);
    let mut command = project.command(&["apply", "toy", "--yes"]);
    command.env("AWS_SDK_UA_APP_ID", "scones-moving-target").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Plan:")));
    let client = Client::new(sdk());
    wait(client.update_role().role_name("moving-target-toy-run").description("somebody").send()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{told}");
    assert!(told.contains("failed roles.run: the plan was made against another state of it: description"), "{told}");
    let live = wait(client.get_role().role_name("moving-target-toy-run").send()).unwrap();
    assert_eq!(live.role.unwrap().description.as_deref(), Some("somebody"));
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), [("roles.run".to_owned(), "update".to_owned())]);
}
