//! What cannot be read: the rest is reported, nobody is told that all is well, and nothing is changed.

use serde_json::{Value, json};

use crate::support::{Project, Run, assert_no_violations, changes, plant, sdk, wait};

/// Reads that only one resource of the toy environment needs: the service, the operation, and whom it makes unknown.
const READS: &[(&str, &str, &str)] = &[
    ("iam", "GetRole", "roles.run"),
    ("iam", "ListAttachedRolePolicies", "roles.run"),
    ("lambda", "GetFunction", "functions.echo"),
    ("lambda", "GetPolicy", "functions.echo"),
    ("lambda", "ListAliases", "functions.echo"),
    ("stepfunctions", "DescribeStateMachine", "state_machines.flow"),
    ("sagemaker", "DescribeModelPackageGroup", "model_package_groups.nets"),
    ("sagemaker", "DescribeEndpoint", "endpoints.net"),
    ("cloudwatch", "GetDashboard", "dashboards.overview"),
    ("cloudformation", "GetTemplate", "stacks.base"),
    ("events", "ListTargetsByRule", "monitors.predictions"),
];

/// Runs the program while some requests are denied.
fn denied(project: &Project, client: &str, faults: &[(&str, &str)], arguments: &[&str]) -> Run {
    let row = |(service, operation): &(&str, &str)| json!({ "service": service, "operation": operation, "kind": "access_denied", "times": 1000 });
    plant(client, faults.iter().map(row).collect());
    project.command(arguments).env("AWS_SDK_UA_APP_ID", client).output().unwrap().into()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn the_rest_is_reported_and_the_verdict_is_unknown() {
    let project = Project::from_fixture("toy", "unknown").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let lambda = aws_sdk_lambda::Client::new(sdk());
    wait(lambda.update_function_configuration().function_name("unknown-toy-echo").memory_size(512).send()).unwrap();
    for (service, operation, address) in READS {
        let client = format!("scones-unknown-{operation}");
        let drift = denied(&project, &client, &[(*service, *operation)], &["drift", "toy", "--format", "json"]).expect(1).json();
        let unknown = keys(&drift["unknown"]);
        // What gets a value from it cannot be judged either: a stack's outputs are in many states.
        assert!(unknown.contains(address), "{operation}: {drift:#}");
        assert!(*address == "stacks.base" || unknown.len() <= 2, "{operation}: {unknown:?}");
        let why = drift["unknown"][*address].to_string();
        assert!(why.contains(operation), "{why}");
        if *address != "functions.echo" && *address != "stacks.base" && *address != "roles.run" {
            let found = changes(&drift);
            assert!(found.contains(&("functions.echo".to_owned(), "memory".to_owned())), "{operation}: {found:?}");
        }
    }
    assert_no_violations();
}

#[test]
fn no_drift_is_never_said_of_what_was_not_read() {
    let project = Project::from_fixture("toy", "blind").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let searches = [("tagging", "GetResources"), ("iam", "ListRoles"), ("lambda", "ListFunctions"), ("s3", "HeadBucket")];
    for (service, operation) in searches {
        let client = format!("scones-blind-{operation}");
        let run = denied(&project, &client, &[(service, operation)], &["drift", "toy"]).expect(1);
        assert!(run.stdout.contains("Unknown: no drift was seen") && !run.stdout.contains("No drift"), "{operation}: {run:?}");
        assert!(run.stdout.contains("could not be read"), "{run:?}");
    }
    let run = denied(&project, "scones-blind-plan", &[("cloudwatch", "DescribeAlarms")], &["plan", "toy"]).expect(1);
    assert!(run.stdout.contains("? alarms.errors") && run.stdout.contains("cloudwatch:DescribeAlarms"), "{}", run.stdout);
    assert!(run.stdout.lines().last().unwrap().contains("5 unknown"), "{}", run.stdout);
}

#[test]
fn nothing_is_changed_where_not_all_was_read() {
    let project = Project::from_fixture("toy", "careful").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "memory: 128", "memory: 256");
    for command in ["apply", "destroy"] {
        let client = format!("scones-careful-{command}");
        let faults = [("stepfunctions", "DescribeStateMachine")];
        let run = denied(&project, &client, &faults, &[command, "toy", "--yes"]).expect(1);
        assert!(run.stderr.contains("nothing was changed") && run.stderr.contains("states:DescribeStateMachine"), "{run:?}");
    }
    // A plan that was saved all the same is not applied either.
    let faults = [("stepfunctions", "DescribeStateMachine")];
    denied(&project, "scones-careful-saved", &faults, &["plan", "toy", "--out", "plan.json"]).expect(1);
    project.scones(&["apply", "plan.json", "--yes"]).expect(1);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), [("functions.echo".to_owned(), "memory".to_owned())]);
}

#[test]
fn without_the_search_by_tags_each_service_is_asked() {
    let project = Project::from_fixture("toy", "searching").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let run = denied(&project, "scones-searching", &[("tagging", "GetResources")], &["plan", "toy", "--format", "json"]);
    let plan = run.expect(1).json();
    assert_eq!(changes(&plan), []);
    assert_eq!(plan["conflicts"], json!([]));
    assert_eq!(plan["summary"]["unknown"], 1);
}
