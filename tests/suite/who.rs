//! `scones drift --who`: the last writer of what drifted, from CloudTrail; and what is said where CloudTrail is not to be asked.

use std::collections::BTreeMap;

use aws_config::{AppName, SdkConfig};
use aws_sdk_sagemaker::types::DesiredWeightAndCapacity;
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_no_violations, gateway, plant, sdk, wait};

/// Clients of somebody else: other credentials, another name in the user agent.
fn alice() -> SdkConfig {
    let keys = SharedCredentialsProvider::new(Credentials::new("alice", "secret", None, None, "tests"));
    sdk().to_builder().credentials_provider(keys).app_name(AppName::new("probe-alice").unwrap()).build()
}

/// What alice does, and the event that tells of it: (address, event).
const DONE: &[(&str, &str)] = &[
    ("alarms.throttles", "DisableAlarmActions"),
    ("dashboards.overview", "DeleteDashboards"),
    ("endpoints.net", "UpdateEndpointWeightsAndCapacities"),
    ("functions.echo", "UpdateFunctionConfiguration20150331v2"),
    ("monitors.predictions", "DisableRule"),
    ("roles.run", "PutRolePolicy"),
    ("state_machines.flow", "UpdateStateMachine"),
];

async fn tamper() {
    let alice = alice();
    let lambda = aws_sdk_lambda::Client::new(&alice);
    lambda.update_function_configuration().function_name("who-toy-echo").memory_size(512).send().await.unwrap();
    // Refused, so it changed nothing; and what changed something else.
    lambda.update_function_configuration().function_name("who-toy-echo").memory_size(1).send().await.unwrap_err();
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:who-toy-echo";
    aws_sdk_lambda::Client::new(sdk()).tag_resource().resource(arn).tags("someone-elses:mark", "1").send().await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let iam = aws_sdk_iam::Client::new(&alice);
    iam.put_role_policy().role_name("who-toy-run").policy_name("more").policy_document(policy).send().await.unwrap();
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&alice);
    cloudwatch.disable_alarm_actions().alarm_names("who-toy-throttles").send().await.unwrap();
    cloudwatch.delete_dashboards().dashboard_names("who-toy-overview").send().await.unwrap();
    let weight = DesiredWeightAndCapacity::builder().variant_name("AllTraffic").desired_instance_count(3).build();
    let sagemaker = aws_sdk_sagemaker::Client::new(&alice);
    let endpoint = sagemaker.update_endpoint_weights_and_capacities().endpoint_name("who-toy-net");
    endpoint.desired_weights_and_capacities(weight).send().await.unwrap();
    aws_sdk_eventbridge::Client::new(&alice).disable_rule().name("who-toy-predictions").send().await.unwrap();
    let definition = r#"{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}"#;
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:who-toy-flow";
    let states = aws_sdk_sfn::Client::new(&alice);
    states.update_state_machine().state_machine_arn(machine).definition(definition).send().await.unwrap();
}

fn drift(project: &Project, client: &str, more: &[&str]) -> Run {
    let mut command = project.command(&[&["drift", "toy"], more].concat());
    command.env("AWS_SDK_UA_APP_ID", client).output().unwrap().into()
}

fn client(name: &str) -> String {
    format!("scones-who-{name}-{}", std::process::id())
}

/// How often CloudTrail was asked by a client.
fn lookups(client: &str) -> u64 {
    let cost = gateway(&format!("/__cloud__/cost?user_agent={client}"));
    cost["by_operation"]["cloudtrail:LookupEvents"].as_u64().unwrap_or(0)
}

/// Who is named, by address.
fn who(drift: &Value) -> BTreeMap<&str, &Value> {
    drift["steps"].as_array().unwrap().iter().map(|step| (step["address"].as_str().unwrap(), &step["who"])).collect()
}

#[test]
fn the_last_writer_is_named() {
    let project = Project::from_fixture("toy", "who").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let [quiet, silent, asking, denied] = ["quiet", "silent", "asking", "denied"].map(client);
    drift(&project, &quiet, &["--who"]).expect(0);
    assert_eq!(lookups(&quiet), 0, "there is no drift to ask about");

    wait(tamper());
    let plain = drift(&project, &silent, &["--format", "json"]).expect(2).json();
    assert!(lookups(&silent) == 0 && who(&plain).values().all(|who| who.is_null()));

    let found = drift(&project, &asking, &["--who", "--format", "json"]).expect(2).json();
    let named: Vec<(&str, &str)> =
        who(&found).into_iter().map(|(address, who)| (address, who["known"]["event"].as_str().unwrap_or_default())).collect();
    assert_eq!(named, DONE, "{found:#}");
    for (address, who) in who(&found) {
        let author = &who["known"];
        let fields =
            ["identity", "identity_type", "via", "source_address"].map(|field| author[field].as_str().unwrap_or_default());
        assert_eq!(fields, ["alice", "IAMUser", "aws-sdk-rust", "127.0.0.1"], "{address}: {who}");
        assert!(author["user_agent"].as_str().unwrap().contains("app/probe-alice"), "{address}: {who}");
        let time: jiff::Timestamp = author["time"].as_str().unwrap().parse().unwrap();
        assert!(jiff::Timestamp::now().duration_since(time).as_secs() < 600, "{address}: {who}");
    }
    // Two for each, one for the role, and those by the event's name where none is filed under the resource.
    assert!((13..=40).contains(&lookups(&asking)), "{}", lookups(&asking));

    let text = drift(&project, &asking, &["--who"]).expect(2).stdout;
    assert_eq!(text.matches("last changed by alice (aws-sdk-rust) at 20").count(), DONE.len(), "{text}");
    assert!(text.lines().filter(|line| line.contains("alice")).all(|line| line.chars().count() <= 80), "{text}");

    plant(&denied, json!([{ "service": "cloudtrail", "operation": "LookupEvents", "kind": "access_denied", "times": 1000 }]));
    let unknown = drift(&project, &denied, &["--who", "--format", "json"]).expect(2).json();
    assert!(who(&unknown).keys().eq(who(&found).keys()));
    let wanted = json!({ "unknown": "cloudtrail:LookupEvents is denied; allow it for the identity that runs this" });
    assert!(who(&unknown).values().all(|who| **who == wanted), "{unknown:#}");
    let text = drift(&project, &denied, &["--who"]).expect(2).stdout;
    assert!(text.contains("who changed it is unknown: cloudtrail:LookupEvents is denied"), "{text}");

    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_no_violations();
}
