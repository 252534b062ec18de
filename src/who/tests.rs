//! Identities as AWS documents them, and which of several events counts.

use serde_json::{Value, json};

use super::pick::Question;
use super::{Event, Who};
use crate::diff::{Cause, Change};
use crate::kind::{Live, World};
use crate::kinds::registry;
use crate::plan::{Action, Step};

fn event(name: &str, source: &str, time: &str, record: Value) -> Event {
    Event { name: name.into(), source: source.into(), time: time.into(), record, ..Event::default() }
}

fn by(identity: Value, agent: &str) -> (String, Option<String>) {
    let author = event("X", "x", "", json!({ "userIdentity": identity, "userAgent": agent })).author();
    (author.identity, author.via)
}

#[test]
fn identities_are_called_as_people_know_them() {
    let role = json!({
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:alice@example.com",
        "arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_1a2b/alice@example.com",
        "sessionContext": { "sessionIssuer": { "type": "Role", "userName": "AWSReservedSSO_Admin_1a2b" } },
    });
    let mut through_service = role.clone();
    through_service["invokedBy"] = "cloudformation.amazonaws.com".into();
    let rows = [
        (json!({ "type": "IAMUser", "userName": "alice" }), "aws-cli/2.15.0 md/x", "alice", "AWS CLI"),
        (json!({ "type": "Root", "arn": "arn:aws:iam::123456789012:root" }), "signin.amazonaws.com", "root", "console"),
        (role, "APN/1.0 HashiCorp/1.0 Terraform/1.9", "AWSReservedSSO_Admin_1a2b/alice@example.com", "Terraform"),
        (
            through_service,
            "cloudformation.amazonaws.com",
            "AWSReservedSSO_Admin_1a2b/alice@example.com",
            "cloudformation.amazonaws.com",
        ),
        (
            json!({ "type": "AWSService", "invokedBy": "autoscaling.amazonaws.com" }),
            "autoscaling.amazonaws.com",
            "autoscaling.amazonaws.com",
            "autoscaling.amazonaws.com",
        ),
        (json!({ "type": "AWSAccount", "accountId": "210987654321" }), "Boto3/1.34 md/x", "account 210987654321", "boto3"),
        (json!({ "type": "WebIdentityUser", "userName": "ci" }), "aws-sdk-go-v2/1.30 os/linux", "ci", "aws-sdk-go-v2"),
        (json!({ "type": "IAMUser", "userName": "bob" }), "aws-sdk-rust/1.3 os/linux app/scones", "bob", "scones"),
        (json!({}), "x", "unknown", "x"),
    ];
    for (identity, agent, wanted, via) in rows {
        assert_eq!(by(identity, agent), (wanted.to_owned(), Some(via.to_owned())));
    }
    let console = event("X", "x", "", json!({ "sessionCredentialFromConsole": "true", "userAgent": "Mozilla/5.0" }));
    assert_eq!(console.author().via.as_deref(), Some("console"));
    assert_eq!(by(json!({}), "").1, None);
}

/// A step of the section in which these paths drifted; none stand for a resource that is gone.
fn question(section: &str, arn: &str, paths: &[&str]) -> Question {
    let world = World { app: "a".into(), environment: "e".into(), account: "123456789012".into(), region: "eu-west-1".into() };
    let change =
        |path: &&str| Change { path: (*path).to_owned(), from: None, to: None, replaces: false, cause: Some(Cause::Drifted) };
    let live = (!paths.is_empty()).then(|| Live::settled("a-e-x", arn, Value::Null, None));
    let step = Step {
        address: format!("{section}.x").parse().unwrap(),
        action: if live.is_some() { Action::Update } else { Action::Create },
        name: "a-e-x".into(),
        needs: Default::default(),
        changes: paths.iter().map(change).collect(),
        reason: None,
        fingerprint: None,
        from: live,
        to: None,
        tags: Default::default(),
        generations: vec![],
        who: None,
    };
    Question::about(&step, registry().get(section).unwrap(), &world)
}

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:a-e-x";
const ROLE: &str = "arn:aws:iam::123456789012:role/scones/a/e/a-e-x";
const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:a-e-x";

/// The event that counts among those of a service, which follow each other.
fn counts(question: &Question, source: &str, names: &[&str]) -> Option<String> {
    let numbered = names.iter().enumerate();
    let events: Vec<Event> =
        numbered.map(|(hour, name)| event(name, source, &format!("2026-11-27T{hour:02}:00:00Z"), Value::Null)).collect();
    match question.answer(&events) {
        Who::Known(author) => Some(author.event),
        Who::Nobody => None,
        Who::Unknown(why) => panic!("{why}"),
    }
}

#[test]
fn the_last_event_that_could_be_the_cause_counts() {
    const CONFIGURED: &str = "UpdateFunctionConfiguration20150331v2";
    let memory = question("functions", FUNCTION, &["memory"]);
    let lambda = "lambda.amazonaws.com";
    let last = |names: &[&str]| counts(&memory, lambda, names);
    // Later events that change something else do not hide it.
    let later = [CONFIGURED, "UpdateFunctionCode20150331v2", "TagResource20170331v2", "AddPermission20150331v2"];
    assert_eq!(last(&later).as_deref(), Some(CONFIGURED));
    // Who only made it is better than nothing, and no cause where there is one.
    assert_eq!(last(&["CreateFunction20150331"]).as_deref(), Some("CreateFunction20150331"));
    assert_eq!(last(&[CONFIGURED, "CreateFunction20150331"]).as_deref(), Some(CONFIGURED));
    // An API that scones does not call may be the cause.
    assert_eq!(last(&[CONFIGURED, "PutRuntimeManagementConfig"]).as_deref(), Some("PutRuntimeManagementConfig"));
    assert_eq!(last(&[]), None);
    // Another service's event names the same resource: a role of the same name.
    assert_eq!(counts(&memory, "iam.amazonaws.com", &["PutRolePolicy"]), None);

    let tags = question("functions", FUNCTION, &["tags.team"]);
    assert_eq!(counts(&tags, lambda, &["TagResource20170331v2", CONFIGURED]).as_deref(), Some("TagResource20170331v2"));
    let kept = question(
        "model_package_groups",
        "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/a-e-x",
        &["delete_packages_on_destroy"],
    );
    assert_eq!(counts(&kept, "sagemaker.amazonaws.com", &["CreateModelPackageGroup", "AddTags"]).as_deref(), Some("AddTags"));
    let code = question("functions", FUNCTION, &["package"]);
    let coded = ["UpdateFunctionCode20150331v2", "TagResource20170331v2"];
    assert_eq!(counts(&code, lambda, &coded).as_deref(), Some(coded[0]));
    let gone = question("functions", FUNCTION, &[]);
    assert_eq!(
        counts(&gone, lambda, &["DeleteFunction20150331", "CreateFunction20150331"]).as_deref(),
        Some("DeleteFunction20150331")
    );
    assert_eq!(counts(&gone, lambda, &[CONFIGURED]), None);
    let machine = question("state_machines", MACHINE, &["definition"]);
    let used = ["UpdateStateMachine", "StartExecution", "StopExecution"];
    assert_eq!(counts(&machine, "states.amazonaws.com", &used).as_deref(), Some("UpdateStateMachine"));
    let alarm = question("alarms", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a-e-x", &["enabled"]);
    let used = ["PutMetricAlarm", "DisableAlarmActions", "SetAlarmState"];
    assert_eq!(counts(&alarm, "monitoring.amazonaws.com", &used).as_deref(), Some("DisableAlarmActions"));
}

#[test]
fn refused_and_reading_requests_change_nothing() {
    let policies = question("roles", ROLE, &["policies.main"]);
    let mut events = vec![
        event("PutRolePolicy", "iam.amazonaws.com", "2026-11-27T01:00:00Z", Value::Null),
        event("PutRolePolicy", "iam.amazonaws.com", "2026-11-27T02:00:00Z", json!({ "errorCode": "AccessDenied" })),
        event("DeleteRolePolicy", "iam.amazonaws.com", "2026-11-27T03:00:00Z", Value::Null),
    ];
    events[2].read_only = true;
    let Who::Known(author) = policies.answer(&events) else { panic!() };
    assert_eq!(author.time, "2026-11-27T01:00:00Z");
    let at_once =
        ["DeleteRolePolicy", "PutRolePolicy"].map(|name| event(name, "iam.amazonaws.com", "2026-11-27T04:00:00Z", Value::Null));
    let Who::Known(author) = policies.answer(&at_once) else { panic!() };
    assert_eq!(author.event, "DeleteRolePolicy");
}

#[test]
fn each_service_is_asked_in_its_own_words() {
    let role = question("roles", ROLE, &["policies.main", "trust"]);
    assert_eq!((role.names.as_slice(), role.global), (["a-e-x".to_owned()].as_slice(), true));
    assert_eq!(role.causes().into_iter().collect::<Vec<_>>(), ["DeleteRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy"]);
    let function = question("functions", FUNCTION, &["memory", "tags.a"]);
    assert_eq!((function.names.as_slice(), function.global), (["a-e-x".to_owned(), FUNCTION.to_owned()].as_slice(), false));
    let causes = function.causes();
    for name in ["UpdateFunctionConfiguration20150331v2", "TagResource20170331v2", "UntagResource20170331v2"] {
        assert!(causes.contains(name), "{causes:?}");
    }
    assert_eq!(question("state_machines", "", &[]).names, ["a-e-x", MACHINE]);
    let rule = question("monitors", "arn:aws:events:eu-west-1:123456789012:rule/a-e-x", &["rule.state"]);
    assert!(rule.causes().contains("DisableRule"), "{:?}", rule.causes());
}

#[test]
fn a_request_speaks_of_a_resource_by_name_arn_or_as_part_of_either() {
    let endpoint = question("endpoints", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/a-e-x", &["scaling"]);
    let about = |parameters: Value| endpoint.is_about(&event("X", "x", "", json!({ "requestParameters": parameters })));
    assert!(about(json!({ "endpointName": "a-e-x" })));
    assert!(about(json!({ "resourceId": "endpoint/a-e-x/variant/AllTraffic" })));
    assert!(about(json!({ "deep": [{ "arn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/a-e-x" }] })));
    assert!(!about(json!({ "endpointName": "a-e-xy", "a-e-x": 1 })));
    assert!(!about(Value::Null));
    let scaled = event("RegisterScalableTarget", "autoscaling.amazonaws.com", "2026-11-27T01:00:00Z", Value::Null);
    assert!(endpoint.is_answered(&[scaled]));
}
