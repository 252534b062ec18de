//! What happens to people: someone else's resource, a stale plan, a lost answer, an endpoint that does not come up.

use serde_json::json;

use crate::support::{Project, Run, actions, assert_no_violations, plant, sdk, wait};

/// Runs the program as a client that planted faults know by name.
fn as_client(project: &Project, client: &str, arguments: &[&str]) -> Run {
    project.command(arguments).env("AWS_SDK_UA_APP_ID", client).output().unwrap().into()
}

const ROLE: &str = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nroles:\n  run: { assumed_by: lambda.amazonaws.com }\n";

fn role_project(app: &str) -> Project {
    Project::of_text(&ROLE.replace("APP", app)).destroyed_at_end("toy")
}

fn make_role(name: &str) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let client = aws_sdk_iam::Client::new(sdk());
    wait(client.create_role().role_name(name).path("/scones/foreign/toy/").assume_role_policy_document(trust).send()).unwrap();
}

#[test]
fn what_is_not_ours_is_refused_until_adopted() {
    let project = role_project("foreign");
    make_role("foreign-toy-run");
    let plan = project.scones(&["plan", "toy"]).expect(1);
    assert!(
        plan.stdout.contains("is not this environment's") && plan.stdout.contains("scones adopt toy roles.run"),
        "{}",
        plan.stdout
    );
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("nothing was changed") && run.stderr.contains("scones adopt toy roles.run"), "{}", run.stderr);
    let run = project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert!(run.stdout.contains("Nothing to delete"), "{}", run.stdout);

    project.scones(&["adopt", "toy", "roles.rum"]).expect(1);
    project.scones(&["adopt", "toy", "roles.run"]).expect(0);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    let run = project.scones(&["explain", "toy", "roles.run"]).expect(0);
    assert!(
        run.stdout.contains("owner        this environment") && run.stdout.contains("environments/toy.yaml:6:3"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_saved_plan_is_applied_exactly_or_refused() {
    let project = role_project("saved");
    project.scones(&["plan", "toy", "--out", "plan.json"]).expect(2);
    // The files move on; the saved plan does not.
    project.edit("environments/toy.yaml", "lambda.amazonaws.com }", "lambda.amazonaws.com, description: later }");
    project.scones(&["apply", "plan.json", "--yes"]).expect(0);
    let plan = project.scones(&["plan", "toy", "--format", "json", "--out", "plan.json"]).expect(2).json();
    assert_eq!(actions(&plan), [("roles.run".to_owned(), "update".to_owned())]);

    let client = aws_sdk_iam::Client::new(sdk());
    wait(client.update_role().role_name("saved-toy-run").description("someone else").send()).unwrap();
    let run = project.scones(&["apply", "plan.json", "--yes"]).expect(3);
    assert!(run.stderr.contains("stale") && run.stderr.contains("roles.run"), "{}", run.stderr);

    project.edit("plan.json", "later", "never");
    let run = project.scones(&["apply", "plan.json", "--yes"]).expect(1);
    assert!(run.stderr.contains("changed after it was saved"), "{}", run.stderr);
    project.write("plan.json", "{}");
    let run = project.scones(&["apply", "plan.json", "--yes"]).expect(1);
    assert!(run.stderr.contains("no saved plan"), "{}", run.stderr);
}

#[test]
fn access_denied_names_the_action_and_the_resource() {
    let project = role_project("denied");
    plant("scones-denied", json!([{ "service": "iam", "operation": "GetRole", "kind": "access_denied", "times": 2 }]));
    let run = as_client(&project, "scones-denied", &["plan", "toy"]).expect(1);
    assert!(run.stdout.contains("allow iam:GetRole on denied-toy-run") && run.stdout.contains("request"), "{}", run.stdout);
    // Denied while writing: said, and finished once it is allowed.
    plant("scones-denied", json!([{ "service": "iam", "operation": "CreateRole", "kind": "access_denied" }]));
    let run = as_client(&project, "scones-denied", &["apply", "toy", "--yes"]).expect(1);
    assert!(
        run.stderr.contains("failed roles.run")
            && run.stderr.contains("iam:CreateRole")
            && run.stderr.contains("scones apply toy"),
        "{}",
        run.stderr
    );
    project.scones(&["apply", "toy", "--yes"]).expect(0);
}

#[test]
fn throttling_and_broken_connections_are_ridden_out() {
    let project = role_project("weather");
    plant(
        "scones-weather",
        json!([
            { "service": "iam", "operation": "GetRole", "kind": "throttle", "times": 2 },
            { "service": "tagging", "operation": "GetResources", "kind": "error500", "times": 1 },
            { "service": "sts", "operation": "GetCallerIdentity", "kind": "reset", "times": 1 },
        ]),
    );
    let run = as_client(&project, "scones-weather", &["apply", "toy", "--yes"]).expect(0);
    assert!(run.stderr.contains("AWS throttled 2 requests; they were sent again"), "{}", run.stderr);
    let run = project.scones(&["plan", "toy"]).expect(0);
    assert!(!run.stderr.contains("throttled"), "{}", run.stderr);
}

/// Each request that creates something is carried out, but its answer gets lost.
#[test]
fn a_lost_answer_leaves_no_orphan_and_no_duplicate() {
    let creating = [
        ("iam", "CreateRole"),
        ("lambda", "CreateFunction"),
        ("lambda", "PublishVersion"),
        ("lambda", "CreateAlias"),
        ("lambda", "AddPermission"),
        ("stepfunctions", "CreateStateMachine"),
        ("stepfunctions", "PublishStateMachineVersion"),
        ("stepfunctions", "CreateStateMachineAlias"),
        ("sagemaker", "CreateModel"),
        ("sagemaker", "CreateEndpointConfig"),
        ("sagemaker", "CreateEndpoint"),
        ("cloudformation", "CreateChangeSet"),
        ("cloudformation", "ExecuteChangeSet"),
        ("cloudwatch", "PutMetricAlarm"),
        ("logs", "CreateLogGroup"),
    ];
    let project = Project::from_fixture("toy", "lost").destroyed_at_end("toy");
    for (service, operation) in creating {
        plant("scones-lost", json!([{ "service": service, "operation": operation, "kind": "lost_response" }]));
        let run = as_client(&project, "scones-lost", &["apply", "toy", "--yes"]);
        // The SDK sends it again and may be told that it is there already; then running it again must finish.
        assert!([0, 1].contains(&run.code), "{operation}: {run:?}");
        if run.code == 1 {
            project.scones(&["apply", "toy", "--yes"]).expect(0);
        }
        project.scones(&["plan", "toy"]).expect(0);
        project.scones(&["destroy", "toy", "--yes"]).expect(0);
    }
    assert_no_violations();
}

#[test]
fn an_endpoint_that_does_not_come_up_fails_with_its_reason() {
    let project = Project::from_fixture("toy", "failing").destroyed_at_end("toy");
    project.edit(
        "environments/toy.yaml",
        "    role: run\n\nendpoints",
        "    role: run\n    environment: { SCONES_LOCAL_FAIL: the container ran out of luck }\n\nendpoints",
    );
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("endpoints.net") && run.stderr.contains("ran out of luck"), "{}", run.stderr);
    // It is still failed: said so, not called done.
    let run = project.scones(&["plan", "toy"]).expect(2);
    assert!(run.stdout.contains("ran out of luck"), "{}", run.stdout);
    project.edit("environments/toy.yaml", "    environment: { SCONES_LOCAL_FAIL: the container ran out of luck }\n", "");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

#[test]
fn an_update_that_aws_rolls_back_is_a_failure() {
    let project = Project::from_fixture("toy", "rolled").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit(
        "environments/toy.yaml",
        "    role: run\n\nendpoints",
        "    role: run\n    environment: { SCONES_LOCAL_FAIL: out of luck }\n\nendpoints",
    );
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("rolled") && run.stderr.contains("out of luck"), "{}", run.stderr);
    project.scones(&["plan", "toy"]).expect(2);
    project.edit("environments/toy.yaml", "    environment: { SCONES_LOCAL_FAIL: out of luck }\n", "");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

#[test]
fn an_endpoint_without_a_model_is_blocked_and_the_rest_is_deployed() {
    let project = Project::from_fixture("toy", "blocked").destroyed_at_end("toy");
    project.edit(
        "environments/toy.yaml",
        "artifact: s3://scones-local-models/classifier/model.tar.gz",
        "artifact: \"${pins.net}\"",
    );
    let run = project.scones(&["apply", "toy", "--yes"]).expect(5);
    assert!(run.stderr.contains("pins.net is not set") && run.stderr.contains("environments/toy.yaml"), "{}", run.stderr);
    let run = project.scones(&["plan", "toy"]).expect(0);
    // The model, its endpoint, and the monitor that SageMaker runs on it.
    assert!(run.stdout.contains("3 blocked"), "{}", run.stdout);
    project.edit(
        "environments/toy.yaml",
        "ignore_tags:",
        "pins: { net: s3://scones-local-models/nowhere/model.tar.gz }\nignore_tags:",
    );
    let run = project.scones(&["apply", "toy", "--yes"]).expect(5);
    assert!(run.stderr.contains("s3://scones-local-models/nowhere/model.tar.gz"), "{}", run.stderr);
    project.edit("environments/toy.yaml", "nowhere", "classifier");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

#[test]
fn what_is_declared_no_more_is_kept_until_pruned() {
    let project = Project::from_fixture("toy", "pruned").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let text = project.read("environments/toy.yaml");
    let (from, to) = (text.find("\nalarms:").unwrap(), text.find("\nmonitors:").unwrap());
    project.write("environments/toy.yaml", &format!("{}{}", &text[..from], &text[to..]));
    let run = project.scones(&["plan", "toy"]).expect(0);
    assert!(
        run.stdout.contains("alarms.errors") && run.stdout.contains("--prune") && run.stdout.contains(" orphans"),
        "{}",
        run.stdout
    );
    let plan = project.scones(&["plan", "toy", "--prune", "--format", "json"]).expect(2).json();
    // CloudWatch deletes no alarm that a composite one watches.
    let order: Vec<String> = actions(&plan).into_iter().map(|(address, action)| format!("{action} {address}")).collect();
    assert_eq!(order[..2], ["delete dashboards.overview", "delete composite_alarms.broken"]);
    assert!(order.len() > 2 && order[2..].iter().all(|step| step.starts_with("delete alarms.")), "{order:?}");
    project.scones(&["apply", "toy", "--prune", "--yes"]).expect(0);
    let run = project.scones(&["plan", "toy", "--prune"]).expect(0);
    assert!(!run.stdout.contains("orphan"), "{}", run.stdout);
}

#[test]
fn a_moved_address_keeps_its_resource() {
    let project = role_project("moving");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "  run:", "  walk:");
    project.edit("environments/toy.yaml", "roles:", "moved: { roles.run: roles.walk }\nroles:");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), [("roles.walk".to_owned(), "update".to_owned())]);
    assert_eq!(plan["steps"][0]["changes"][0]["path"], "tags[\"scones:address\"]");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}

#[test]
fn protected_environments_are_not_destroyed() {
    let project = role_project("guarded");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "roles:", "protect: true\nroles:");
    let run = project.scones(&["destroy", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("is protected"), "{}", run.stderr);
    // Neither by pruning nor by replacing.
    project.edit(
        "environments/toy.yaml",
        "  run: { assumed_by: lambda.amazonaws.com }",
        "  other: { assumed_by: lambda.amazonaws.com }",
    );
    let run = project.scones(&["apply", "toy", "--prune", "--yes"]).expect(1);
    assert!(run.stderr.contains("roles.run is protected") && run.stderr.contains("nothing was changed"), "{}", run.stderr);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "protect: true\n", "");
}

#[test]
fn tags_that_others_set_are_theirs() {
    let project =
        Project::of_text(&format!("{}ignore_tags: [\"audit:*\"]\n", ROLE.replace("APP", "tagged"))).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let client = aws_sdk_iam::Client::new(sdk());
    let tag = |key: &str| aws_sdk_iam::types::Tag::builder().key(key).value("x").build().unwrap();
    wait(client.tag_role().role_name("tagged-toy-run").tags(tag("audit:seen")).send()).unwrap();
    project.scones(&["plan", "toy"]).expect(0);
    wait(client.tag_role().role_name("tagged-toy-run").tags(tag("other")).send()).unwrap();
    let plan = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(plan["steps"][0]["changes"][0]["path"], "tags.other");
}

#[test]
fn explain_reads_well() {
    let project = role_project("shown");
    let run = project.scones(&["explain", "toy", "roles.run"]).expect(0);
    assert!(run.stdout.contains("it does not exist") && run.stdout.contains("create the IAM role"), "{}", run.stdout);
    assert!(run.stdout.contains("iam:CreateRole"), "{}", run.stdout);
    let run = project.scones(&["explain", "toy", "roles.rune"]).expect(1);
    assert!(run.stderr.contains("did you mean roles.run?"), "{}", run.stderr);
}
