//! Records of applies, going back by them, and going back by itself where verifying fails.

use serde_json::{Value, json};

use crate::support::{Project, assert_no_violations, plant, repository, sdk, wait};

const ROLE: &str = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nroles:\n  run: { assumed_by: lambda.amazonaws.com, description: first }\n";

fn history(project: &Project) -> Vec<Value> {
    project.scones(&["history", "toy", "--format", "json"]).expect(0).json().as_array().unwrap().clone()
}

fn endings(project: &Project) -> Vec<String> {
    history(project).iter().map(|record| record["ending"].as_str().unwrap().to_owned()).collect()
}

fn description(role: &str) -> String {
    let client = aws_sdk_iam::Client::new(sdk());
    wait(client.get_role().role_name(role).send()).unwrap().role.unwrap().description.unwrap()
}

#[test]
fn every_apply_leaves_a_record_and_each_step_back_leads_further() {
    let project = Project::of_text(&ROLE.replace("APP", "recorded")).destroyed_at_end("toy");
    assert!(project.scones(&["history", "toy"]).expect(0).stdout.contains("nothing was applied yet"));
    let run = project.scones(&["rollback", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("there is no earlier state to go back to"), "{}", run.stderr);
    for (from, to) in [("first", "first"), ("first", "second"), ("second", "third")] {
        project.edit("environments/toy.yaml", from, to);
        project.scones(&["apply", "toy", "--yes"]).expect(0);
    }
    project.edit("environments/toy.yaml", "third", "fourth");
    plant("scones-recorded", json!([{ "service": "iam", "operation": "UpdateRole", "kind": "access_denied" }]));
    let failing = project.command(&["apply", "toy", "--yes"]).env("AWS_SDK_UA_APP_ID", "scones-recorded").output().unwrap();
    assert_eq!(failing.status.code(), Some(1));
    assert_eq!(endings(&project), ["failed", "done", "done", "done"]);
    let shown = project.scones(&["history", "toy"]).expect(0).stdout;
    assert!(shown.contains("roles.run: iam:UpdateRole") && shown.contains("+1 ~0 -0"), "{shown}");
    assert!(shown.lines().filter(|line| !line.starts_with(' ')).all(|line| line.chars().count() <= 100), "{shown}");
    let first = &history(&project)[3];
    assert_eq!(first["created"], json!(["roles.run"]));
    assert!(first["author"]["caller"].as_str().unwrap().starts_with("arn:aws:"), "{first}");

    // The failed apply is no state to go back to; where it wanted to go is left by one step.
    for expected in ["third", "second", "first"] {
        let run = project.scones(&["rollback", "toy", "--yes"]).expect(0);
        assert_eq!(description("recorded-toy-run"), expected, "{}", run.stdout);
    }
    let run = project.scones(&["rollback", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("there is no earlier state"), "{}", run.stderr);
    let second = history(&project).iter().rev().nth(1).unwrap()["id"].as_str().unwrap().rsplit('-').next().unwrap().to_owned();
    let run = project.scones(&["rollback", "toy", "--to", &second, "--yes"]).expect(0);
    assert!(run.stdout.contains(&format!("Back to what {second}")), "{}", run.stdout);
    assert_eq!(description("recorded-toy-run"), "second");
    project.scones(&["rollback", "toy", "--to", "nonsense", "--yes"]).expect(1);
    let run = project.scones(&["rollback", "toy", "--to", &second]).expect(0);
    assert!(run.stdout.contains("Nothing to do"), "{}", run.stdout);
    // The files go forward again.
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(description("recorded-toy-run"), "fourth");
    assert_no_violations();
}

#[test]
fn nothing_needs_the_records() {
    let project = Project::of_text(&ROLE.replace("APP", "unrecorded")).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let config = aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let bucket = "scones-123456789012-us-east-1";
    for prefix in ["applies/unrecorded/toy/history/", "applies/unrecorded/toy/lease.json"] {
        let found = wait(s3.list_objects_v2().bucket(bucket).prefix(prefix).send()).unwrap();
        assert!(!found.contents().is_empty(), "{prefix}");
        for object in found.contents() {
            wait(s3.delete_object().bucket(bucket).key(object.key().unwrap()).send()).unwrap();
        }
    }
    project.scones(&["plan", "toy"]).expect(0);
    project.edit("environments/toy.yaml", "first", "second");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
}

const VERIFIED: &str = r#"app: verified-back
environment: toy
account: "123456789012"
region: us-east-1
roles:
  flow: { assumed_by: states.amazonaws.com }
state_machines:
  check: { definition: stacks/check.asl.yaml, role: flow }
run:
  workflow: check
  upload: s3://scones-123456789012-us-east-1/verified-back
  input: { key: "{key}" }
verify: { picture: PICTURE, expect: { label: bicycle } }
"#;

fn flow(label: &str) -> String {
    format!("StartAt: Say\nStates:\n  Say: {{ Type: Pass, Result: {{ label: {label} }}, End: true }}\n")
}

#[test]
fn what_does_not_verify_is_taken_back() {
    let picture = repository().join("tests/fixtures/pictures/bicycle.png");
    let project = Project::of_text(&VERIFIED.replace("PICTURE", picture.to_str().unwrap())).destroyed_at_end("toy");
    // The first apply has nothing to go back to.
    project.write("stacks/check.asl.yaml", &flow("boat"));
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(
        run.stderr.contains("label should be \"bicycle\"") && run.stderr.contains("there is no earlier state"),
        "{}",
        run.stderr
    );
    project.write("stacks/check.asl.yaml", &flow("bicycle"));
    project.scones(&["apply", "toy", "--yes"]).expect(0);

    project.write("stacks/check.asl.yaml", &flow("motorcycle"));
    project.edit("environments/toy.yaml", "roles:\n", "roles:\n  other: { assumed_by: lambda.amazonaws.com }\n");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    for told in
        ["label should be \"bicycle\", but is \"motorcycle\"", "going back to what", "what it made stays: roles.other", "--prune"]
    {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
    assert_eq!(endings(&project), ["done", "unverified", "done", "unverified"]);
    assert_eq!(history(&project)[0]["restores"], history(&project)[2]["id"]);
    // The live workflow is the old one; the files still want the new one.
    let picture = picture.to_str().unwrap();
    assert!(project.scones(&["run", "toy", picture]).expect(0).stdout.contains("bicycle"));
    project.scones(&["plan", "toy"]).expect(2);
    // Where nothing is changed there is nothing to take back.
    project.write("stacks/check.asl.yaml", &flow("bicycle"));
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "label: bicycle", "label: train");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(!run.stderr.contains("going back"), "{}", run.stderr);
    project.edit("environments/toy.yaml", "label: train", "label: bicycle");
}
