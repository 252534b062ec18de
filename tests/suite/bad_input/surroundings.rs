//! Wrong usage, missing credentials, wrong accounts, nobody to ask.

use std::time::{Duration, Instant};

use super::HEAD;
use crate::support::{Project, Run};

#[test]
fn wrong_usage_exits_1() {
    let project = Project::of_text(HEAD);
    for arguments in [
        &["plan"][..],
        &["plan", "toy", "--nonsense"],
        &["nonsense"],
        &["plan", "toy", "--format", "xml"],
        &["validate", "nowhere"],
        &[],
    ] {
        project.offline(arguments).expect(1);
    }
    let run = project.offline(&["validate", "tooy"]).expect(1);
    assert!(run.stderr.contains("did you mean toy?"), "{}", run.stderr);
}

#[test]
fn no_credentials_says_how_to_get_some() {
    let project = Project::of_text(&format!("{HEAD}roles:\n  run: {{ assumed_by: lambda.amazonaws.com }}\n"));
    let mut command = project.command(&["plan", "toy"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("HOME", project.path(""))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let begun = Instant::now();
    let run = Run::from(command.output().unwrap()).expect(1);
    assert!(run.stderr.contains("AWS_PROFILE"), "{}", run.stderr);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn nobody_answers_says_so() {
    let project = Project::of_text(&format!("{HEAD}roles:\n  run: {{ assumed_by: lambda.amazonaws.com }}\n"));
    let mut command = project.command(&["plan", "toy"]);
    // Port 9 on loopback: nothing listens there.
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let run = Run::from(command.output().unwrap()).expect(1);
    assert!(run.stderr.contains("sts:GetCallerIdentity") && run.stderr.contains("AWS_ENDPOINT_URL"), "{}", run.stderr);
}

#[test]
fn another_account_is_refused() {
    let project = Project::of_text(&HEAD.replace("123456789012", "999999999999"));
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("account 123456789012") && run.stderr.contains("belongs to 999999999999"), "{}", run.stderr);
}

#[test]
fn nobody_to_ask_wants_yes() {
    let project = Project::from_fixture("toy", "unasked");
    let run = project.scones(&["apply", "toy"]).expect(1);
    assert!(run.stderr.contains("add --yes"), "{}", run.stderr);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(plan["summary"]["unchanged"], 0);
}

#[test]
fn readers_that_go_away_are_no_error() {
    use std::process::Stdio;
    let project = Project::of_text(HEAD);
    let mut child = project.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}
