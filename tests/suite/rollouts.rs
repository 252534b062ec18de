//! Endpoints on their way to another configuration: the alarms that watch the new fleet, and updates that AWS takes back.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, MetricDatum, StateValue};
use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::types::EndpointStatus;
use scones::desired::tag;

use crate::support::{Project, Run, actions, assert_no_violations, changes, control, gateway, sdk, wait};

const FILE: &str = "environments/toy.yaml";
const TEXT: &str = r#"app: APP
environment: toy
account: "123456789012"
region: us-east-1

roles:
  run: { assumed_by: sagemaker.amazonaws.com }

models:
  net:
    image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1
    artifact: s3://scones-local-models/classifier/model.tar.gz
    role: run

endpoints:
  net:
    variants: { AllTraffic: { model: net, instance: ml.m5.large, count: 1 } }
    rollout: { canary: 10%, bake: 1m, roll_back_on: [errors, far] }

alarms:
  errors:
    { metric: AWS/SageMaker Invocation5XXErrors, of: endpoints.net, statistic: Sum, period: 1m, comparison: ">", threshold: 0, missing_data: breaching }
  far:
    { metric: AWS/Lambda Errors, dimensions: { FunctionName: far }, statistic: Sum, period: 1m, comparison: ">", threshold: 0 }
"#;

fn project(app: &str) -> Project {
    let project = Project::of_text(&TEXT.replace("APP", app)).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn endpoint(app: &str) -> DescribeEndpointOutput {
    let client = aws_sdk_sagemaker::Client::new(sdk());
    wait(client.describe_endpoint().endpoint_name(format!("{app}-toy-net")).send()).unwrap()
}

fn serving(app: &str) -> String {
    endpoint(app).endpoint_config_name.unwrap()
}

/// The names of all configurations, live or old.
fn configurations(app: &str) -> BTreeSet<String> {
    let request =
        aws_sdk_sagemaker::Client::new(sdk()).list_endpoint_configs().name_contains(format!("{app}-toy-")).max_results(100);
    let found = wait(request.send()).unwrap().endpoint_configs.unwrap_or_default();
    found.into_iter().filter_map(|config| config.endpoint_config_name).collect()
}

fn cloudwatch() -> aws_sdk_cloudwatch::Client {
    aws_sdk_cloudwatch::Client::new(sdk())
}

/// The alarms that watch rollouts.
fn copies(app: &str) -> Vec<MetricAlarm> {
    let found = wait(cloudwatch().describe_alarms().alarm_name_prefix(format!("{app}-toy-net-")).send()).unwrap();
    found.metric_alarms.unwrap_or_default()
}

fn copied(app: &str) -> BTreeSet<String> {
    copies(app).into_iter().filter_map(|alarm| alarm.alarm_name).collect()
}

fn set_state(alarm: &str, state: StateValue) {
    wait(cloudwatch().set_alarm_state().alarm_name(alarm).state_value(state).state_reason("a test").send()).unwrap();
}

/// Asks until it is so.
#[track_caller]
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Begins an apply whose canary bakes until it is released; answers the configuration that it is on the way to.
fn begin(project: &Project, app: &str) -> (Child, String) {
    control(&format!("bake?endpoint={app}-toy-net&do=hold"));
    let mut command = project.command(&["apply", "toy", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (child, until(|| baking(app)))
}

fn baking(app: &str) -> Option<String> {
    let pending = endpoint(app).pending_deployment_summary?;
    let status = format!("{:?}", pending.production_variants?.first()?.variant_status());
    status.contains("Baking").then_some(pending.endpoint_config_name?)
}

fn release(app: &str) {
    control(&format!("bake?endpoint={app}-toy-net&do=release"));
}

fn ended(child: Child) -> Run {
    child.wait_with_output().unwrap().into()
}

/// Holds that nothing is tried again, and that it is said why.
#[track_caller]
fn assert_held(project: &Project, reason: &str) {
    let run = project.scones(&["plan", "toy"]).expect(0);
    assert!(run.stdout.contains(reason) && run.stdout.contains("--retry"), "{}", run.stdout);
    let run = project.scones(&["apply", "toy", "--yes"]).expect(5);
    assert!(
        run.stderr.contains("endpoints.net") && run.stderr.contains(reason) && run.stderr.contains("--retry"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_rollout_has_alarms_of_its_own_that_go_with_its_configuration() {
    let project = project("canary");
    assert!(copies("canary").is_empty());
    let mut configs = vec![serving("canary")];
    for version in 1..5 {
        project.edit(FILE, &format!("net:{version}\n"), &format!("net:{}\n", version + 1));
        let run = project.scones(&["plan", "toy"]).expect(2);
        assert!(run.stdout.contains("rolled out as a canary of 10%, 1m, going back on errors, far\n"), "{}", run.stdout);
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        let config = serving("canary");
        assert!(!configs.contains(&config));
        let named = endpoint("canary").last_deployment_config.and_then(|config| config.auto_rollback_configuration).unwrap();
        let named: BTreeSet<String> = named.alarms.unwrap().into_iter().filter_map(|alarm| alarm.alarm_name).collect();
        assert_eq!(named, [format!("{config}-errors"), "canary-toy-far".to_owned()].into());
        configs.push(config);
        let run = project.scones(&["plan", "toy"]).expect(0);
        assert!(!run.stdout.contains("orphan") && !run.stdout.contains("unmanaged"), "{}", run.stdout);
        project.scones(&["drift", "toy"]).expect(0);
    }
    // Two older ones are kept besides the one that serves.
    let kept: BTreeSet<String> = configs[2..].iter().cloned().collect();
    assert_eq!(configurations("canary"), kept);
    assert_eq!(copied("canary"), kept.iter().map(|config| format!("{config}-errors")).collect());

    let copy = copies("canary").into_iter().find(|alarm| alarm.alarm_name() == Some(&format!("{}-errors", configs[4]))).unwrap();
    let dimensions: BTreeSet<(&str, &str)> =
        copy.dimensions().iter().map(|one| (one.name().unwrap_or_default(), one.value().unwrap_or_default())).collect();
    let expected =
        [("EndpointConfigName", configs[4].as_str()), ("EndpointName", "canary-toy-net"), ("VariantName", "AllTraffic")];
    assert_eq!(dimensions, expected.into());
    assert_eq!((copy.treat_missing_data(), copy.alarm_actions().len()), (Some("notBreaching"), 0));
    let tags = wait(cloudwatch().list_tags_for_resource().resource_arn(copy.alarm_arn.unwrap()).send()).unwrap().tags.unwrap();
    assert!(tags.iter().any(|one| one.key() == Some(tag::ADDRESS) && one.value() == Some("endpoints.net")), "{tags:?}");

    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert!(copies("canary").is_empty() && configurations("canary").is_empty());
    // What the alarms hold is said once, where they are declared.
    let run = project.scones(&["plan", "toy"]).expect(2);
    assert!(run.stdout.contains("canary: 10") && !run.stdout.contains("watched"), "{}", run.stdout);
    assert_no_violations();
}

#[test]
fn an_alarm_is_the_endpoints_only_while_it_is_rolled_out() {
    let project = project("alarming");
    let config = serving("alarming");
    project.edit(FILE, "threshold: 0, missing_data", "threshold: 5, missing_data");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), [("alarms.errors".to_owned(), "threshold".to_owned())]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    // Counts and weights keep the fleet, so there is nothing to watch.
    project.edit(FILE, "count: 1", "count: 2, weight: 3");
    let run = project.scones(&["plan", "toy"]).expect(2);
    assert!(run.stdout.contains("variants.AllTraffic.count") && !run.stdout.contains("rolled out"), "{}", run.stdout);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!((serving("alarming"), copies("alarming").len()), (config.clone(), 0));

    // An alarm that rings already would end the rollout at once.
    project.edit(FILE, "net:1\n", "net:2\n");
    set_state("alarming-toy-far", StateValue::Alarm);
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("alarming-toy-far rings already"), "{}", run.stderr);
    assert_eq!(serving("alarming"), config);
    set_state("alarming-toy-far", StateValue::Ok);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(copies("alarming")[0].threshold, Some(5.0));
    assert_no_violations();
}

#[test]
fn an_alarm_that_rings_in_mid_canary_takes_it_back() {
    let project = project("ringing");
    let old = serving("ringing");
    project.edit(FILE, "net:1\n", "net:2\n");
    let (child, new) = begin(&project, "ringing");
    assert_eq!(serving("ringing"), old);
    let dimensions = [("EndpointName", "ringing-toy-net"), ("VariantName", "AllTraffic"), ("EndpointConfigName", new.as_str())];
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let failure = MetricDatum::builder().metric_name("Invocation5XXErrors").value(1.0).set_dimensions(Some(dimensions.into()));
    wait(cloudwatch().put_metric_data().namespace("AWS/SageMaker").metric_data(failure.build()).send()).unwrap();
    let run = ended(child).expect(1);
    assert!(run.stderr.contains("rolled the endpoint back") && run.stderr.contains(&format!("{new}-errors")), "{}", run.stderr);
    assert_eq!(serving("ringing"), old);
    assert_held(&project, &format!("{new}-errors"));

    // What was tried is an older generation like any other, and something else may be tried.
    release("ringing");
    project.edit(FILE, "net:2\n", "net:3\n");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    let latest = serving("ringing");
    assert_eq!(configurations("ringing"), [old, new.clone(), latest.clone()].into());
    assert_eq!(copied("ringing"), [format!("{new}-errors"), format!("{latest}-errors")].into());
    assert_no_violations();
}

#[test]
fn what_aws_took_back_waits_until_it_changes() {
    let project = project("takenback");
    let old = serving("takenback");
    project.edit(FILE, "    role: run\n\n", "    role: run\n    environment: { SCONES_LOCAL_FAIL: out of luck }\n\n");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("endpoints.net") && run.stderr.contains("out of luck"), "{}", run.stderr);
    assert_eq!(serving("takenback"), old);
    assert_held(&project, "out of luck");
    let run = project.scones(&["apply", "toy", "--yes", "--retry"]).expect(1);
    assert!(run.stderr.contains("failed endpoints.net") && run.stderr.contains("out of luck"), "{}", run.stderr);
    assert_held(&project, "out of luck");
    project.edit(FILE, "net:1\n", "net:2\n");
    project.scones(&["plan", "toy"]).expect(2);
    project.edit(FILE, "    environment: { SCONES_LOCAL_FAIL: out of luck }\n", "");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);

    // The services' own trouble is none of what is deployed.
    let trouble = "    environment: { SCONES_LOCAL_FAIL: Request to service failed }\n";
    project.edit(FILE, "    role: run\n\n", &format!("    role: run\n{trouble}\n"));
    for _ in 0..2 {
        let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
        assert!(run.stderr.contains("Request to service failed"), "{}", run.stderr);
    }
    project.edit(FILE, trouble, "");
    assert_no_violations();
}

#[test]
fn an_update_that_cannot_even_go_back_is_a_failure() {
    let project = project("mixedup");
    let trouble = "    environment: { SCONES_LOCAL_FAIL: no capacity, SCONES_LOCAL_STUCK: yes }\n";
    project.edit(FILE, "    role: run\n\n", &format!("    role: run\n{trouble}\n"));
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("could not roll the endpoint back") && run.stderr.contains("no capacity"), "{}", run.stderr);
    assert_eq!(endpoint("mixedup").endpoint_status, Some(EndpointStatus::UpdateRollbackFailed));
    assert_held(&project, "no capacity");
    project.edit(FILE, trouble, "    environment: { LUCK: more }\n");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(endpoint("mixedup").endpoint_status, Some(EndpointStatus::InService));
    assert_no_violations();
}

#[test]
fn a_rollout_whose_apply_was_killed_is_judged_by_what_aws_says() {
    let project = project("killed");
    project.edit(FILE, "count: 1 }", "count: 1, scaling: { min: 1, max: 2, target: 70 } }");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let old = serving("killed");
    let scaled = || {
        let client = aws_sdk_applicationautoscaling::Client::new(sdk());
        let request = client
            .describe_scalable_targets()
            .service_namespace(aws_sdk_applicationautoscaling::types::ServiceNamespace::Sagemaker)
            .resource_ids("endpoint/killed-toy-net/variant/AllTraffic");
        wait(request.send()).unwrap().scalable_targets.unwrap_or_default().len()
    };
    project.edit(FILE, "net:1\n", "net:2\n");
    let (mut child, new) = begin(&project, "killed");
    child.kill().unwrap();
    child.wait().unwrap();
    set_state(&format!("{new}-errors"), StateValue::Alarm);
    until(|| (endpoint("killed").endpoint_status == Some(EndpointStatus::InService)).then_some(()));
    assert_eq!((serving("killed"), scaled()), (old.clone(), 1));
    assert_held(&project, &format!("{new}-errors"));

    // Another one is killed; who comes after that waits for its end, and hears how it ended.
    project.edit(FILE, "net:2\n", "net:3\n");
    let (mut child, new) = begin(&project, "killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), [("endpoints.net".to_owned(), "wait".to_owned())]);
    let looks =
        || gateway("/__cloud__/cost?user_agent=scones-killed-later")["by_operation"]["sagemaker:DescribeEndpoint"].as_u64();
    let before = looks().unwrap_or_default();
    let mut command = project.command(&["apply", "toy", "--yes"]);
    command.env("AWS_SDK_UA_APP_ID", "scones-killed-later").stdout(Stdio::piped()).stderr(Stdio::piped());
    let waiting = command.spawn().unwrap();
    // Its plan looks once at the endpoint, and then it waits.
    until(|| looks().filter(|looks| *looks > before + 2));
    set_state(&format!("{new}-errors"), StateValue::Alarm);
    let run = ended(waiting).expect(1);
    assert!(run.stderr.contains(&format!("{new}-errors")), "{}", run.stderr);
    assert_held(&project, &format!("{new}-errors"));
    assert_eq!((serving("killed"), scaled()), (old, 1));
    release("killed");
    assert_no_violations();
}
