//! What can be said of stacks without CloudFormation.

use aws_sdk_cloudformation::types::{
    BeforeValueFrom, ChangeAction, EvaluationType, Replacement, RequiresRecreation, ResourceChange, ResourceChangeDetail,
    ResourceTargetDefinition, Stack as Described, StackDriftInformation, StackDriftStatus, StackResourceDriftStatus, StackStatus,
};
use aws_smithy_types::DateTime;
use serde_json::{Value, json};

use super::live::{Phase, last_look, phase};
use super::{Stack, State, change_set, inside, text};
use crate::diff::{Deviation, diff};
use crate::kind::{Attribute, Kind, Part, World};

fn world() -> World {
    World { app: "app".into(), environment: "dev".into(), account: "123456789012".into(), region: "eu-west-1".into() }
}

fn state(template: Value, parameters: &[(&str, &str)]) -> State {
    State {
        template,
        parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        hidden_parameters: [("Secret".to_owned(), "hush".to_owned())].into(),
        capabilities: vec![],
        empty_on_destroy: false,
        termination_protection: false,
        resources: Default::default(),
    }
}

#[test]
fn a_template_comes_back_as_it_was_sent() {
    let template = json!({ "Description": "größe 😀", "Resources": { "A": { "Count": 2.0, "B": "\u{7f}\"" } } });
    let sent = text::canonical(&template);
    assert!(sent.is_ascii() && sent.contains(r"gr\u00f6\u00dfe \ud83d\ude00") && sent.contains("2.0"), "{sent}");
    assert_eq!(text::parse("x", &sent), Ok(template));
}

#[test]
fn live_templates_may_be_yaml() {
    let live = text::parse("x", "Resources:\n  A: !GetAtt B.C.D\n  E: !Sub '${F}'\n");
    assert_eq!(live, Ok(json!({ "Resources": { "A": { "Fn::GetAtt": ["B", "C.D"] }, "E": { "Fn::Sub": "${F}" } } })));
    assert!(text::parse("x", "a: b: c").is_err_and(|message| message.contains("x (live template):1:")));
}

#[test]
fn a_large_template_is_sent_without_spaces_while_that_fits() {
    let resources =
        |count: usize| (0..count).map(|index| (format!("R{index}"), json!(vec!["x"; 20]))).collect::<serde_json::Map<_, _>>();
    assert!(text::canonical(&json!({ "Resources": resources(10) })).contains("\n  "));
    assert!(!text::canonical(&json!({ "Resources": resources(500) })).contains('\n'));
    assert!(text::canonical(&json!({ "Resources": resources(1000) })).contains("\n  "));
}

#[test]
fn what_cloudformation_takes_only_along_with_more_is_no_difference() {
    let template = |description: &str, default: i32, topic: &str| {
        json!({
            "Description": description,
            "Parameters": { "P": { "Type": "Number", "Default": default } },
            "Resources": { "T": { "Type": "AWS::SNS::Topic", "Properties": { "DisplayName": topic } } },
        })
    };
    let declared = template("new", 2, "größe");
    assert_eq!(text::folded(template("old", 1, "größe"), Some(&declared)), declared);
    assert_eq!(text::folded(template("old", 1, "gr??e"), Some(&declared)), declared);
    let other = template("old", 1, "other");
    assert_eq!(text::folded(other.clone(), Some(&declared)), other);
    assert_eq!(text::folded(other.clone(), None), other);
}

#[test]
fn iam_resources_need_a_capability() {
    let role = |properties: Value| json!({ "Resources": { "R": { "Type": "AWS::IAM::Role", "Properties": properties } } });
    assert_eq!(text::needed_capability(&role(json!({}))), Some(("CAPABILITY_IAM", "R".to_owned())));
    assert_eq!(text::needed_capability(&role(json!({ "RoleName": "x" }))), Some(("CAPABILITY_NAMED_IAM", "R".to_owned())));
    assert_eq!(text::needed_capability(&json!({ "Resources": { "T": { "Type": "AWS::SNS::Topic" } } })), None);
}

#[test]
fn outputs_are_attributes_as_far_as_they_are_known() {
    let template = json!({
        "Parameters": { "P": { "Type": "String" } },
        "Resources": { "B": { "Type": "AWS::S3::Bucket" } },
        "Outputs": { "Given": { "Value": { "Ref": "P" } }, "Bucket": { "Value": { "Ref": "B" } } },
    });
    let attributes =
        |value: &str| Stack::attributes(&world(), "app-dev-x", &json!({ "parameters": { "P": value } }), Some(&template));
    let known = attributes("7");
    assert_eq!(known["name"], Attribute::Known("app-dev-x".into()));
    assert_eq!(known["Given"], Attribute::Known("7".into()));
    assert!(matches!(known["Bucket"], Attribute::Later(_)) && matches!(known["arn"], Attribute::Later(_)));
    assert!(matches!(attributes("${stacks.other.Out}")["Given"], Attribute::Later(_)));
}

#[test]
fn knows_its_arns() {
    let part = |arn: &str| Stack::part(arn);
    let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/app-dev-x/3f1c";
    assert_eq!(part(stack), Some(Part { name: "app-dev-x".into(), main: true }));
    assert_eq!(part("arn:aws:cloudformation:eu-west-1:123456789012:changeSet/x/3f1c"), None);
}

#[test]
fn every_status_has_its_phase() {
    let of = |status: StackStatus| {
        phase(&Described::builder().stack_name("x").creation_time(DateTime::from_secs(0)).stack_status(status).build())
    };
    for (status, expected) in [
        (StackStatus::ReviewInProgress, Phase::Planned),
        (StackStatus::CreateInProgress, Phase::Working),
        (StackStatus::UpdateCompleteCleanupInProgress, Phase::Working),
        (StackStatus::DeleteInProgress, Phase::Working),
        (StackStatus::UpdateRollbackComplete, Phase::Updatable),
        (StackStatus::ImportRollbackComplete, Phase::Updatable),
        (StackStatus::CreateFailed, Phase::NeverMade),
        (StackStatus::RollbackComplete, Phase::NeverMade),
        (StackStatus::UpdateFailed, Phase::HalfUpdated),
        (StackStatus::UpdateRollbackFailed, Phase::HalfRolledBack),
        (StackStatus::DeleteFailed, Phase::HalfDeleted),
        (StackStatus::DeleteComplete, Phase::Gone),
    ] {
        assert_eq!(of(status.clone()), expected, "{status}");
    }
}

fn change(name: &str, replacement: Replacement, recreation: RequiresRecreation, cause: Option<&str>) -> ResourceChange {
    let evaluation = if cause.is_some() { EvaluationType::Dynamic } else { EvaluationType::Static };
    let detail = ResourceChangeDetail::builder()
        .target(ResourceTargetDefinition::builder().requires_recreation(recreation).build())
        .evaluation(evaluation)
        .set_causing_entity(cause.map(str::to_owned))
        .build();
    ResourceChange::builder()
        .action(ChangeAction::Modify)
        .logical_resource_id(name)
        .resource_type("AWS::X::Y")
        .replacement(replacement)
        .details(detail)
        .build()
}

#[test]
fn what_the_plan_did_not_show_is_a_surprise() {
    use Replacement::{Conditional, False, True};
    use RequiresRecreation::{Always, Never};
    let resources =
        |bucket: &str| json!({ "Resources": { "B": { "Type": "AWS::S3::Bucket", "Properties": { "BucketName": bucket } } } });
    let (same, renamed) = (state(resources("a"), &[]), state(resources("b"), &[]));
    let surprises = |to: &State, changes: &[ResourceChange]| change_set::surprises(&same, to, changes).len();
    // Announced, and not.
    assert_eq!(surprises(&renamed, &[change("B", True, Always, None)]), 0);
    assert_eq!(surprises(&same, &[change("B", True, Always, None)]), 1);
    assert_eq!(surprises(&same, &[change("B", False, Never, None)]), 0);
    let removed = ResourceChange::builder().action(ChangeAction::Remove).logical_resource_id("B").build();
    assert_eq!(surprises(&same, &[removed]), 1);
    // A reference to what changes in place stays as it is; to what is replaced, it does not.
    let policy = change("P", Conditional, Always, Some("B.Arn"));
    assert_eq!(surprises(&same, &[change("B", False, Never, None), policy.clone()]), 0);
    assert_eq!(surprises(&renamed, &[change("B", True, Always, None), policy]), 1);
    assert_eq!(surprises(&same, &[change("P", Conditional, Always, None)]), 1);
}

#[test]
fn a_look_counts_until_something_is_made_of_the_stack() {
    let stack = |status: StackDriftStatus, looked: i64, updated: Option<i64>| {
        let drift = StackDriftInformation::builder().stack_drift_status(status);
        let drift = drift.last_check_timestamp(DateTime::from_secs(looked)).build();
        let stack = Described::builder().creation_time(DateTime::from_secs(10)).drift_information(drift);
        stack.set_last_updated_time(updated.map(DateTime::from_secs)).build()
    };
    let counts = |status, looked, updated| last_look(&stack(status, looked, updated)).is_some();
    assert!(counts(StackDriftStatus::InSync, 20, None) && counts(StackDriftStatus::Drifted, 20, Some(15)));
    assert!(!counts(StackDriftStatus::Drifted, 20, Some(25)) && !counts(StackDriftStatus::InSync, 5, None));
    // Only one of its resources was looked at.
    assert!(!counts(StackDriftStatus::NotChecked, 20, None));
    assert!(last_look(&Described::builder().build()).is_none());
}

#[test]
fn a_change_set_may_set_right_only_what_the_plan_showed() {
    let change = |name: &str, status: StackResourceDriftStatus, path: &str| {
        let target = ResourceTargetDefinition::builder().before_value_from(BeforeValueFrom::ActualState).path(path).build();
        ResourceChange::builder()
            .action(ChangeAction::Modify)
            .logical_resource_id(name)
            .resource_type("AWS::S3::Bucket")
            .replacement(Replacement::False)
            .resource_drift_status(status)
            .details(ResourceChangeDetail::builder().target(target).build())
            .build()
    };
    let mut from = state(json!({}), &[]);
    let to = from.clone();
    let gone = Deviation { path: vec![], live: None, declared: Some(json!("AWS::S3::Bucket")) };
    from.resources.insert("Shown".into(), vec![gone]);
    let surprises = |changes: &[ResourceChange]| change_set::surprises(&from, &to, changes).len();
    use StackResourceDriftStatus::{Deleted, InSync, Modified};
    let path = "/VersioningConfiguration/Status";
    assert_eq!(surprises(&[change("Shown", Modified, path)]), 0);
    assert_eq!(surprises(&[change("Other", Modified, path)]), 1);
    assert_eq!(surprises(&[change("Other", Deleted, path)]), 1);
    assert_eq!(surprises(&[change("Other", InSync, path)]), 0);
    assert_eq!(surprises(&[change("Other", Modified, "/Tags/0")]), 1);
    // CloudFormation is known to say so of what is there.
    assert_eq!(surprises(&[change("Other", Modified, "/LifecycleConfiguration/Rules/0/ExpiredObjectDeleteMarker")]), 0);
    let made_again = ResourceChange::builder().action(ChangeAction::Modify).logical_resource_id("Shown");
    assert_eq!(surprises(&[made_again.replacement(Replacement::True).build()]), 0);
}

#[test]
fn only_what_a_plan_shows_is_set_right() {
    let deviation = |path: &[&str]| Deviation {
        path: path.iter().map(|key| (*key).to_owned()).collect(),
        live: Some(json!("is")),
        declared: None,
    };
    let mut from = state(json!({}), &[]);
    let subscription = ["Subscription", "email a.b@example.com"];
    from.resources.insert("Topic".into(), vec![deviation(&subscription), deviation(&["TopicPolicy"])]);
    from.resources.insert("Bucket".into(), vec![deviation(&["Tags", "0"])]);
    let none = serde_json::to_value(state(json!({}), &[])).unwrap();
    let mut changes = diff(&serde_json::to_value(&from).unwrap(), &none, Stack::FIELDS);
    assert_eq!(changes.len(), 3);
    changes.retain(|change| change.path.contains("Subscription"));
    inside::keep_shown(&mut from.resources, &changes);
    assert_eq!(from.resources, [("Topic".to_owned(), vec![deviation(&subscription)])].into());
}
