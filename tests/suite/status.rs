//! One page and one exit code for all of it: configuration, alarms, monitors, executions.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StateValue};
use serde_json::json;

use crate::support::{Project, assert_no_violations, plant, sdk, wait};

fn cloudwatch() -> aws_sdk_cloudwatch::Client {
    aws_sdk_cloudwatch::Client::new(sdk())
}

#[test]
fn configuration_and_health_have_one_verdict() {
    let project = Project::from_fixture("toy", "page").destroyed_at_end("toy");
    let run = project.scones(&["status", "toy"]).expect(2);
    assert!(run.stdout.contains("+ functions.echo missing") && run.stdout.contains("resources are missing"), "{}", run.stdout);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let run = project.scones(&["status", "toy"]).expect(0);
    for words in ["16 of 16 as declared", "none rings", "workflow       flow never ran", "no numbers yet", "All is well."] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);

    // An alarm rings.
    let set = |state: StateValue| cloudwatch().set_alarm_state().alarm_name("page-toy-throttles").state_value(state);
    wait(set(StateValue::Alarm).state_reason("a drill").send()).unwrap();
    let run = project.scones(&["status", "toy"]).expect(2);
    assert!(run.stdout.contains("! throttles since") && run.stdout.contains("a drill"), "{}", run.stdout);
    assert!(run.stdout.contains("ring"), "{}", run.stdout);
    wait(set(StateValue::Ok).state_reason("over").send()).unwrap();

    // The model's answers shift.
    let of = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = MetricDatum::builder().metric_name("PredictionPSI").value(0.4).dimensions(of("Endpoint", "page-toy-net"));
    let datum = datum.dimensions(of("Monitor", "page-toy-predictions")).build();
    wait(cloudwatch().put_metric_data().namespace("Scones/Model").metric_data(datum).send()).unwrap();
    let run = project.scones(&["status", "toy"]).expect(2);
    assert!(run.stdout.contains("PredictionPSI 0.40 (shifted)") && run.stdout.contains("1 monitor sees drift"), "{}", run.stdout);

    // The workflow fails, again and again.
    let states = aws_sdk_sfn::Client::new(sdk());
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:page-toy-flow";
    wait(states.start_execution().state_machine_arn(machine).send()).unwrap();
    let report = || project.scones(&["status", "toy", "--format", "json"]).expect(2).json();
    while report()["health"]["workflows"][0]["executions"][0]["status"] == "RUNNING" {}
    let page = report();
    assert_eq!(page["health"]["workflows"][0]["executions"][0]["status"], "SUCCEEDED", "{page:#}");
    assert_eq!(page["verdict"]["code"], "attention", "{page:#}");
    assert_no_violations();
}

#[test]
fn alarms_without_data_are_named() {
    let project = Project::from_fixture("toy", "ghost").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let silent = |page: &serde_json::Value| -> Vec<String> {
        let alarms = page["health"]["alarms"].as_array().unwrap().iter();
        let silent = alarms.filter(|alarm| !alarm["without_data"].as_array().unwrap().is_empty());
        silent.map(|alarm| alarm["address"].as_str().unwrap().to_owned()).collect()
    };
    let page = project.scones(&["status", "toy", "--format", "json"]).json();
    assert_eq!(silent(&page), ["alarms.drift", "alarms.errors", "alarms.ratio", "alarms.throttles"]);

    let of = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = MetricDatum::builder().metric_name("Throttles").value(0.0).dimensions(of("FunctionName", "ghost-toy-echo"));
    let own = datum.clone().build();
    // Data of other dimensions is another metric's.
    let other = MetricDatum::builder().metric_name("Errors").value(0.0).dimensions(of("FunctionName", "ghost-toy-echo"));
    let other = other.dimensions(of("Resource", "ghost-toy-echo:live")).build();
    wait(cloudwatch().put_metric_data().namespace("AWS/Lambda").metric_data(own).metric_data(other).send()).unwrap();
    let page = project.scones(&["status", "toy", "--format", "json"]).json();
    assert_eq!(silent(&page), ["alarms.drift", "alarms.errors", "alarms.ratio"]);
    let text = project.scones(&["status", "toy"]).stdout;
    assert!(text.contains("drift Scones/Model PredictionPSI"), "{text}");
}

#[test]
fn what_cannot_be_read_is_no_good_news() {
    let project = Project::from_fixture("toy", "veiled").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    for (service, operation) in [("stepfunctions", "ListExecutions"), ("cloudwatch", "ListMetrics")] {
        let client = format!("scones-veiled-{operation}");
        plant(&client, json!([{ "service": service, "operation": operation, "kind": "access_denied", "times": 100 }]));
        let run = project.command(&["status", "toy"]).env("AWS_SDK_UA_APP_ID", &client).output().unwrap();
        let run = crate::support::Run::from(run).expect(1);
        assert!(run.stdout.contains("Unknown:") && run.stdout.contains(operation), "{}", run.stdout);
    }
}
