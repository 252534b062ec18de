//! One apply at a time: two at once, a holder that is killed, one elsewhere, one that lost its lease.

use std::process::{Child, Stdio};

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::support::{Project, assert_no_violations, plant, sdk, wait};

const BUCKET: &str = "scones-123456789012-us-east-1";
const ROLE: &str = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nroles:\n  run: { assumed_by: lambda.amazonaws.com, description: first }\n";

fn project(app: &str) -> Project {
    let project = Project::of_text(&ROLE.replace("APP", app)).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build())
}

fn key(app: &str) -> String {
    format!("applies/{app}/toy/lease.json")
}

fn lease(app: &str) -> Value {
    let answer = wait(s3().get_object().bucket(BUCKET).key(key(app)).send()).unwrap();
    serde_json::from_slice(&wait(answer.body.collect()).unwrap().into_bytes()).unwrap()
}

fn put_lease(app: &str, lease: &Value) {
    let body = ByteStream::from(lease.to_string().into_bytes());
    wait(s3().put_object().bucket(BUCKET).key(key(app)).body(body).send()).unwrap();
}

/// An apply that hangs where it writes, and so holds the lease.
fn hanging(project: &Project, client: &str) -> Child {
    plant(client, json!([{ "service": "iam", "operation": "UpdateRole", "kind": "delay", "delay_ms": 120000 }]));
    let mut command = project.command(&["apply", "toy", "--yes"]);
    command.env("AWS_SDK_UA_APP_ID", client).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn until_held(app: &str) {
    while lease(app)["released"] != json!(false) {
        std::thread::yield_now();
    }
}

#[test]
fn of_two_applies_at_once_one_works_and_the_other_is_told_who() {
    let project = project("twice");
    let mut refused = 0;
    for round in 0..50 {
        let text = project.read("environments/toy.yaml");
        let old = text.split("description: ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        project.edit("environments/toy.yaml", &format!("description: {old}"), &format!("description: round-{round}"));
        let start = || {
            let mut command = project.command(&["apply", "toy", "--yes"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let (one, other) = (start(), start());
        let ended = [one, other].map(|child| child.wait_with_output().unwrap());
        let codes = ended.each_ref().map(|output| output.status.code());
        assert!(codes.contains(&Some(0)), "{round}: {ended:?}");
        assert!(codes.iter().all(|code| [Some(0), Some(4)].contains(code)), "{round}: {ended:?}");
        for output in ended.iter().filter(|output| output.status.code() == Some(4)) {
            refused += 1;
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(
                told.contains("applies to this environment, since") || told.contains("applied while this was planned"),
                "{told}"
            );
        }
        project.scones(&["plan", "toy"]).expect(0);
    }
    // They start within milliseconds, and each takes several times as long.
    assert!(refused > 10, "only {refused} of 50 met");
    assert_no_violations();
}

#[test]
fn a_killed_holder_is_known_to_be_gone_on_its_own_machine() {
    let project = project("killed-holder");
    project.edit("environments/toy.yaml", "first", "second");
    let mut holder = hanging(&project, "scones-killed-holder");
    until_held("killed-holder");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(4);
    assert!(
        run.stderr.contains("applies to this environment, since") && run.stderr.contains("scones lease toy --release"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    // Plans never wait for it.
    project.scones(&["plan", "toy"]).expect(2);
    let shown = project.scones(&["lease", "toy"]).expect(0).stdout;
    assert!(shown.contains("held by  arn:aws:") && shown.contains("unless it is renewed"), "{shown}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(project.scones(&["lease", "toy"]).expect(0).stdout.contains("nobody applies"));
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

#[test]
fn a_holder_elsewhere_blocks_nobody_longer_than_its_term() {
    let project = project("elsewhere");
    project.edit("environments/toy.yaml", "first", "second");
    let mut elsewhere = lease("elsewhere");
    elsewhere["released"] = json!(false);
    elsewhere["process"]["host"] = json!("another-machine");
    elsewhere["holder"]["host"] = json!("another-machine");
    elsewhere["holder"]["job"] = json!("https://ci.example/jobs/7");
    put_lease("elsewhere", &elsewhere);
    let run = project.scones(&["apply", "toy", "--yes"]).expect(4);
    assert!(run.stderr.contains("https://ci.example/jobs/7"), "{}", run.stderr);
    let run = project.scones(&["lease", "toy", "--release"]).expect(1);
    assert!(run.stderr.contains("add --yes"), "{}", run.stderr);
    assert!(project.scones(&["lease", "toy", "--release", "--yes"]).expect(0).stdout.contains("the lease is ended"));
    project.scones(&["apply", "toy", "--yes"]).expect(0);

    // With a term that is over by now it is taken over; S3 counts in whole seconds.
    elsewhere["term"] = json!(-2);
    put_lease("elsewhere", &elsewhere);
    project.edit("environments/toy.yaml", "second", "third");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(lease("elsewhere")["released"], json!(true));
    // Nor does a lease of another version of scones, which nobody here understands, go unsaid.
    put_lease("elsewhere", &json!({ "format": 2 }));
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("is no lease that this version of scones knows"), "{}", run.stderr);
    elsewhere["released"] = json!(true);
    put_lease("elsewhere", &elsewhere);
}

#[test]
fn a_lost_answer_is_no_other_holder() {
    let project = project("lost-lease");
    project.edit("environments/toy.yaml", "first", "second");
    plant("scones-lost-lease", json!([{ "service": "s3", "operation": "PutObject", "kind": "lost_response", "times": 2 }]));
    let output = project.command(&["apply", "toy", "--yes"]).env("AWS_SDK_UA_APP_ID", "scones-lost-lease").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
