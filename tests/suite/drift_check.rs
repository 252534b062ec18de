//! Drift that nobody asks for: what `--publish` leaves, the check inside AWS, and the sweep over several of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Project, Run, assert_no_violations, cloud, control, gateway, plant, repository, sdk, wait};

const BUCKET: &str = "scones-123456789012-us-east-1";

fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build())
}

fn cloudwatch() -> aws_sdk_cloudwatch::Client {
    aws_sdk_cloudwatch::Client::new(sdk())
}

/// What lies in the bootstrap bucket.
fn object(key: &str) -> Option<Value> {
    let object = wait(s3().get_object().bucket(BUCKET).key(key).send()).ok()?;
    let bytes = wait(object.body.collect()).unwrap().into_bytes();
    Some(serde_json::from_slice(&bytes).unwrap())
}

fn put(key: &str, text: &str) {
    let body = ByteStream::from(text.as_bytes().to_vec());
    wait(s3().put_object().bucket(BUCKET).key(key).body(body).send()).unwrap();
}

/// The largest value of a metric of an environment within the last hour.
fn most(app: &str, metric: &str, kind: Option<&str>) -> Option<f64> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let mut dimensions = vec![dimension("App", app), dimension("Environment", "toy")];
    dimensions.extend(kind.map(|kind| dimension("Kind", kind)));
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let found = cloudwatch()
        .get_metric_statistics()
        .namespace("Scones/Drift")
        .metric_name(metric)
        .set_dimensions(Some(dimensions))
        .start_time(DateTime::from(now - hour))
        .end_time(DateTime::from(now + hour))
        .period(60)
        .statistics(Statistic::Maximum);
    let points = wait(found.send()).unwrap().datapoints.unwrap_or_default();
    points.into_iter().filter_map(|point| point.maximum).reduce(f64::max)
}

fn alarm(name: &str) -> String {
    let found = wait(cloudwatch().describe_alarms().alarm_names(name).send()).unwrap();
    found.metric_alarms().first().and_then(|alarm| alarm.state_value()).map(|state| state.as_str().to_owned()).unwrap_or_default()
}

/// Asks again until it is so.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("not within two minutes: {what}");
}

fn describe_role(name: &str, description: &str) {
    wait(aws_sdk_iam::Client::new(sdk()).update_role().role_name(name).description(description).send()).unwrap();
}

fn published(app: &str) -> Project {
    let text = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\n\
        roles:\n  run: { assumed_by: lambda.amazonaws.com, description: As it was applied }\n\
        alarms:\n  drift:\n    metric: Scones/Drift DriftedResources\n    dimensions: { App: \"${app}\", Environment: \"${environment}\" }\n    \
        statistic: Maximum\n    period: 1m\n    comparison: \">\"\n    threshold: 0\n    missing_data: ignore\n";
    let project = Project::of_text(&text.replace("APP", app)).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

#[test]
fn what_is_published_makes_an_alarm_ring() {
    let project = published("published");
    project.scones(&["drift", "toy", "--publish"]).expect(0);
    assert_eq!((most("published", "DriftedResources", None), most("published", "OldestDriftAge", None)), (Some(0.0), Some(0.0)));
    assert_eq!(most("published", "DriftedResources", Some("roles")), Some(0.0));
    assert_eq!(object("drift/published/toy/first-seen.json"), None);
    until("the alarm is quiet", || alarm("published-toy-drift") == "OK");

    describe_role("published-toy-run", "someone else");
    project.scones(&["drift", "toy", "--publish"]).expect(2);
    let memory = object("drift/published/toy/first-seen.json").unwrap();
    assert_eq!(memory["first_seen"].as_object().unwrap().keys().collect::<Vec<_>>(), ["roles.run:description"]);
    let kinds = ["roles", "alarms"].map(|kind| most("published", "DriftedResources", Some(kind)));
    assert_eq!((most("published", "DriftedResources", None), kinds), (Some(1.0), [Some(1.0), Some(0.0)]));
    assert_eq!(most("published", "Unknown", None), Some(0.0));
    until("the alarm rings", || alarm("published-toy-drift") == "ALARM");

    // It is known since yesterday.
    let seen = SystemTime::now() - Duration::from_secs(86_400);
    let seen = aws_smithy_types::DateTime::from(seen).fmt(aws_smithy_types::date_time::Format::DateTime).unwrap();
    put(
        "drift/published/toy/first-seen.json",
        &json!({ "format": 1, "first_seen": { "roles.run:description": seen } }).to_string(),
    );
    project.scones(&["drift", "toy", "--publish"]).expect(2);
    assert!(most("published", "OldestDriftAge", None).is_some_and(|age| (86_399.0..87_000.0).contains(&age)));
    // A broken memory starts anew, and nothing else changes.
    put("drift/published/toy/first-seen.json", "{ not JSON");
    project.scones(&["drift", "toy", "--publish"]).expect(2);
    assert!(object("drift/published/toy/first-seen.json").unwrap()["first_seen"]["roles.run:description"].is_string());

    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["drift", "toy", "--publish"]).expect(0);
    assert_eq!(object("drift/published/toy/first-seen.json").unwrap()["first_seen"], json!({}));
    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert_eq!(object("drift/published/toy/first-seen.json"), None);
    assert_no_violations();
}

#[test]
fn a_check_that_fails_is_published_as_unknown() {
    let project = published("unreadable");
    let client = format!("scones-unreadable-{}", std::process::id());
    let run = |faults: Value| -> Run {
        plant(&client, faults);
        let command = &mut project.command(&["drift", "toy", "--publish"]);
        command.env("AWS_SDK_UA_APP_ID", &client).output().unwrap().into()
    };
    let denied = |operation: &str, service: &str| json!({ "service": service, "operation": operation, "kind": "access_denied", "times": 9 });
    let seen = run(json!([denied("GetRole", "iam")])).expect(1);
    assert!(seen.stdout.contains("iam:GetRole") && most("unreadable", "Unknown", None) == Some(1.0), "{seen:?}");
    assert_eq!(most("unreadable", "DriftedResources", None), None);
    // Where it cannot even be published, that is said beside what went wrong first.
    let seen = run(json!([denied("GetRole", "iam"), denied("PutMetricData", "cloudwatch")])).expect(1);
    assert!(seen.stdout.contains("iam:GetRole") && seen.stderr.contains("cloudwatch:PutMetricData"), "{seen:?}");
    // What was found is shown, though it could not be published.
    let seen = run(json!([denied("PutMetricData", "cloudwatch")])).expect(1);
    assert!(seen.stdout.contains("No drift in toy") && seen.stderr.contains("cloudwatch:PutMetricData"), "{seen:?}");
    assert_no_violations();
}

#[test]
fn a_check_that_is_killed_leaves_nothing_behind() {
    let project = published("killed");
    describe_role("killed-toy-run", "someone else");
    let client = format!("scones-killed-{}", std::process::id());
    plant(&client, json!([{ "service": "cloudwatch", "operation": "PutMetricData", "kind": "delay", "delay_ms": 5000 }]));
    let mut child = project
        .command(&["drift", "toy", "--publish"])
        .env("AWS_SDK_UA_APP_ID", &client)
        .stdout(std::process::Stdio::null())
        .spawn();
    let sent = format!("/__cloud__/cost?user_agent={client}");
    until("the memory is read", || gateway(&sent)["by_operation"].as_object().is_some_and(|by| by.contains_key("s3:GetObject")));
    child.as_mut().unwrap().kill().unwrap();
    child.unwrap().wait().unwrap();
    assert_eq!(object("drift/killed/toy/first-seen.json"), None);
    project.scones(&["drift", "toy", "--publish"]).expect(2);
    assert!(object("drift/killed/toy/first-seen.json").is_some());
    assert_no_violations();
}

/// This program without symbols: what is uploaded is a tenth of it.
fn stripped() -> &'static Path {
    static PROGRAM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PROGRAM.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("scones");
        let done = Command::new("strip").arg("-o").arg(&path).arg(env!("CARGO_BIN_EXE_scones")).status().unwrap();
        assert!(done.success());
        (folder, path)
    });
    path
}

fn apply(project: &Project) -> Run {
    let mut command = Command::new(stripped());
    command.args(["apply", "toy", "--yes"]).current_dir(project.path(".")).env("NO_COLOR", "1").envs(cloud());
    Run::from(command.env_remove("AWS_PROFILE").output().unwrap())
}

/// Runs the sweep over some functions, to its output.
fn swept(machine: &str, topic: &str, checks: &[&str]) -> Value {
    let states = aws_sdk_sfn::Client::new(sdk());
    let input = json!({ "topic": topic, "checks": checks }).to_string();
    let execution = wait(states.start_execution().state_machine_arn(machine).input(input).send()).unwrap().execution_arn;
    let mut output = None;
    until("the sweep ends", || {
        let found = wait(states.describe_execution().execution_arn(&execution).send()).unwrap();
        assert!(["RUNNING", "SUCCEEDED"].contains(&found.status.as_str()), "{found:?}");
        output = found.output;
        found.status.as_str() == "SUCCEEDED"
    });
    let events = wait(states.get_execution_history().execution_arn(&execution).send()).unwrap().events;
    let told = |event: &aws_sdk_sfn::types::HistoryEvent| {
        event.task_succeeded_event_details().is_some_and(|task| task.resource_type() == "sns")
    };
    assert_eq!(events.iter().filter(|event| told(event)).count(), 1, "{events:?}");
    serde_json::from_str(&output.unwrap()).unwrap()
}

#[test]
fn the_check_inside_aws_rings_and_falls_silent() {
    const RULE: &str = "fire?rule=watched-toy-drift-check";
    const FOUND: &str = "watched-toy-drift-found";
    const CHECK: &str = "arn:aws:lambda:us-east-1:123456789012:function:watched-toy-drift-check:live";
    const MISSING: &str = "arn:aws:lambda:us-east-1:123456789012:function:nowhere-toy-drift-check:live";
    let project = Project::from_fixture("drift-check", "watched").destroyed_at_end("toy");
    let sweep = std::fs::read_to_string(repository().join("stacks/drift-sweep.asl.yaml")).unwrap();
    project.write("stacks/drift-sweep.asl.yaml", &sweep);
    apply(&project).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(object("drift/watched/toy/applied.json").unwrap()["desired"]["world"]["app"], "watched");
    // Apply itself asks for the first look.
    let report = || object("drift/watched/toy/last.json").unwrap_or_default();
    until("the first look", || report()["answer"]["verdict"] == "none");
    until("the alarm is quiet", || alarm(FOUND) == "OK");

    describe_role("watched-toy-watched", "someone else");
    control(RULE);
    until("the alarm rings", || alarm(FOUND) == "ALARM");
    until("the report is there", || report()["answer"]["verdict"] == "drift");
    assert_eq!(report()["drift"]["steps"][0]["address"], "roles.watched");
    assert!(object("drift/watched/toy/first-seen.json").unwrap()["first_seen"]["roles.watched:description"].is_string());

    let (machine, topic) = (
        "arn:aws:states:us-east-1:123456789012:stateMachine:watched-toy-sweep",
        "arn:aws:sns:us-east-1:123456789012:watched-toy",
    );
    let summary = swept(machine, topic, &[CHECK, MISSING]);
    assert_eq!([&summary["environments"], &summary["drifted"], &summary["unknown"]], [2, 1, 1], "{summary}");
    let lines: Vec<&str> = summary["summary"].as_str().unwrap().lines().collect();
    assert_eq!(lines[0], "watched toy: 1 resource changed outside: roles.watched");
    assert!(lines.len() == 2 && lines[1].starts_with(MISSING) && lines[1].contains("unknown"), "{lines:?}");

    apply(&project).expect(0);
    until("the alarm falls silent", || {
        // A minute in which both were published stays over the threshold; the next one does not.
        control(RULE);
        std::thread::sleep(Duration::from_secs(3));
        alarm(FOUND) == "OK"
    });
    let alone = swept(machine, topic, &[CHECK]);
    assert_eq!([&alone["environments"], &alone["drifted"], &alone["unknown"]], [1, 0, 0], "{alone}");

    // What apply left is no state: without it only the check is at a loss, and says so.
    wait(s3().delete_object().bucket(BUCKET).key("drift/watched/toy/applied.json").send()).unwrap();
    project.scones(&["plan", "toy"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);
    control(RULE);
    until("the check is at a loss", || report()["answer"]["verdict"] == "unknown");
    let said = report()["answer"]["summary"].as_str().unwrap().to_owned();
    assert!(said.contains("never applied") && said.contains("scones apply toy"), "{said}");
    assert_eq!(most("watched", "Unknown", None), Some(1.0));
    put("drift/watched/toy/applied.json", "{ not JSON");
    control(RULE);
    until("the check refuses it", || report()["answer"]["summary"].as_str().is_some_and(|text| text.contains("apply again")));

    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    for key in ["drift/watched/toy/applied.json", "drift/watched/toy/first-seen.json", "drift/watched/toy/last.json"] {
        assert_eq!(object(key), None, "{key}");
    }
    assert_no_violations();
}
