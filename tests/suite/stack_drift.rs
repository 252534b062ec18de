//! Changes made inside of stacks: each is found at the right resource and property, and reverted by apply.

use std::future::Future;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};
use serde_json::json;

use crate::support::{Project, Run, assert_no_violations, changes, gateway, plant, repository, sdk, wait};

const BUCKET: &str = "inside-toy-data-123456789012-us-east-1";
const PLAIN: &str = "inside-others-123456789012";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:inside-toy-alarms";
const PLAIN_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:inside-others";
const GROUP: &str = "inside-toy";
const CANARY: &str = "inside-toy-canary";
const LENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Others","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*"}]}"#;
const LOUD: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"TOPIC"}]}"#;

fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build())
}
fn sns() -> aws_sdk_sns::Client {
    aws_sdk_sns::Client::new(sdk())
}
fn scheduler() -> aws_sdk_scheduler::Client {
    aws_sdk_scheduler::Client::new(sdk())
}

/// One environment for all these tests, of the templates that are shipped; they take turns.
fn environment() -> MutexGuard<'static, Project> {
    static ENVIRONMENT: OnceLock<Mutex<Project>> = OnceLock::new();
    let environment = ENVIRONMENT.get_or_init(|| Mutex::new(made("inside")));
    let project = environment.lock().unwrap_or_else(PoisonError::into_inner);
    // A test that failed before this one may have left its change.
    project.scones(&["drift", "toy"]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn made(app: &str) -> Project {
    let project = Project::from_fixture("inside", app);
    for template in ["foundation", "schedules"] {
        let file = format!("stacks/{template}.yaml");
        project.write(&file, &std::fs::read_to_string(repository().join(&file)).unwrap());
    }
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn check(address: &str, path: &str, change: Pin<Box<dyn Future<Output = ()>>>) {
    let project = environment();
    wait(change);
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    let found = changes(&drift);
    assert!(found.iter().any(|(at, what)| at == address && what.starts_with(path)), "{address} {path} is not in {found:?}");
    assert!(found.iter().all(|(at, _)| at == address), "something else drifted too: {found:?}");
    let causes = drift["steps"].as_array().unwrap().iter().flat_map(|step| step["changes"].as_array().unwrap().clone());
    assert!(causes.into_iter().all(|change| change["cause"] == "drifted"), "{drift}");
    let text = project.scones(&["drift", "toy"]).expect(2).stdout;
    assert!(text.contains(path) && text.contains("changed outside"), "{text}");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), found, "the plan shows what was found");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

macro_rules! found_and_reverted {
    ($($name:ident: $address:literal, $path:literal, $change:expr;)*) => {
        $(
            #[test]
            fn $name() {
                check($address, $path, Box::pin(async { let _ = $change.await.unwrap(); }));
            }
        )*
    };
}

found_and_reverted! {
    bucket_versioning: "stacks.foundation", "resources.DataBucket.VersioningConfiguration.Status", s3().put_bucket_versioning().bucket(BUCKET).versioning_configuration(VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build()).send();
    bucket_lifecycle_changed: "stacks.foundation", "resources.DataBucket.LifecycleConfiguration.Rules.0.ExpirationInDays", lifecycle(1, true);
    bucket_lifecycle_rule_removed: "stacks.foundation", "resources.DataBucket.LifecycleConfiguration.Rules", lifecycle_of(vec![expiring(30)]);
    bucket_lifecycle_gone: "stacks.foundation", "resources.DataBucket.LifecycleConfiguration", s3().delete_bucket_lifecycle().bucket(BUCKET).send();
    bucket_marker_of_lifecycle: "stacks.foundation", "resources.DataBucket.LifecycleConfiguration.Rules.1.ExpiredObjectDeleteMarker", lifecycle(30, false);
    bucket_public_access: "stacks.foundation", "resources.DataBucket.PublicAccessBlockConfiguration", s3().delete_public_access_block().bucket(BUCKET).send();
    bucket_encryption: "stacks.foundation", "resources.DataBucket.BucketEncryption", encryption();
    bucket_ownership: "stacks.foundation", "resources.DataBucket.OwnershipControls", ownership();
    bucket_ownership_gone: "stacks.foundation", "resources.DataBucket.OwnershipControls", s3().delete_bucket_ownership_controls().bucket(BUCKET).send();
    bucket_tags: "stacks.foundation", "resources.DataBucket.Tags", s3().put_bucket_tagging().bucket(BUCKET).tagging(Tagging::builder().tag_set(Tag::builder().key("mine").value("now").build().unwrap()).build().unwrap()).send();
    bucket_policy_changed: "stacks.foundation", "resources.DataBucketPolicy.PolicyDocument", s3().put_bucket_policy().bucket(BUCKET).policy(LENT.replace("BUCKET", BUCKET)).send();
    bucket_policy_removed: "stacks.foundation", "resources.DataBucketPolicy.PolicyDocument", s3().delete_bucket_policy().bucket(BUCKET).send();
    bucket_policy_added: "stacks.others", "resources.Plain.BucketPolicy", s3().put_bucket_policy().bucket(PLAIN).policy(LENT.replace("BUCKET", PLAIN)).send();
    bucket_gone: "stacks.foundation", "resources.DataBucket", s3().delete_bucket().bucket(BUCKET).send();

    bucket_policy_of_another_stack: "stacks.policies", "resources.BucketPolicy.PolicyDocument", s3().delete_bucket_policy().bucket("inside-others-lent-123456789012").send();
    topic_policy_of_another_stack: "stacks.policies", "resources.TopicPolicy.PolicyDocument", topic_policy("arn:aws:sns:us-east-1:123456789012:inside-others-lent");
    topic_policy_changed: "stacks.foundation", "resources.AlarmTopicPolicy.PolicyDocument", topic_policy(TOPIC);
    topic_policy_of_a_topic_without_one: "stacks.others", "resources.Topic.TopicPolicy", topic_policy(PLAIN_TOPIC);
    topic_policy_statement_added: "stacks.others", "resources.Topic.TopicPolicy", sns().add_permission().topic_arn(PLAIN_TOPIC).label("more").aws_account_id("999999999999").action_name("Publish").send();
    topic_name_shown: "stacks.foundation", "resources.AlarmTopic.Tags", sns().tag_resource().resource_arn(TOPIC).tags(aws_sdk_sns::types::Tag::builder().key("mine").value("now").build().unwrap()).send();
    topic_gone: "stacks.others", "resources.Topic", sns().delete_topic().topic_arn(PLAIN_TOPIC).send();
    subscription_added: "stacks.foundation", "resources.AlarmTopic.Subscription", sns().subscribe().topic_arn(TOPIC).protocol("sqs").endpoint("arn:aws:sqs:us-east-1:123456789012:inside-stranger").send();
    subscription_of_another_account: "stacks.others", "resources.Topic.Subscription", sns().subscribe().topic_arn(PLAIN_TOPIC).protocol("sqs").endpoint("arn:aws:sqs:us-east-1:999999999999:inside").send();
    subscription_removed: "stacks.others", "resources.Listener", unsubscribed();

    schedule_state: "stacks.schedules", "resources.Canary.State", schedule(|one| one.state = ScheduleState::Enabled);
    schedule_expression: "stacks.schedules", "resources.Canary.ScheduleExpression", schedule(|one| one.expression = "rate(1 minute)");
    schedule_target: "stacks.schedules", "resources.Canary.Target.Arn", schedule(|one| one.target = "arn:aws:states:us-east-1:123456789012:stateMachine:other");
    schedule_input: "stacks.schedules", "resources.Canary.Target.Input", schedule(|one| one.input = Some("{}"));
    schedule_window: "stacks.schedules", "resources.Canary.FlexibleTimeWindow", schedule(|one| one.window = 5);
    schedule_gone: "stacks.schedules", "resources.Canary", scheduler().delete_schedule().name(CANARY).group_name(GROUP).send();
    schedule_group_gone: "stacks.schedules", "resources.Schedules", scheduler().delete_schedule_group().name(GROUP).send();
}

fn expiring(days: i32) -> LifecycleRule {
    let filter = LifecycleRuleFilter::builder().prefix("capture/").build();
    let expiration = LifecycleExpiration::builder().days(days).build();
    rule("expire-captures").filter(filter).expiration(expiration).build().unwrap()
}

fn rule(id: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled)
}

/// The rules of the template but for what is given.
async fn lifecycle(days: i32, marker: bool) -> Result<(), aws_sdk_s3::Error> {
    let whole = || LifecycleRuleFilter::builder().prefix("").build();
    let older = aws_sdk_s3::types::NoncurrentVersionExpiration::builder().noncurrent_days(30).build();
    let uploads = aws_sdk_s3::types::AbortIncompleteMultipartUpload::builder().days_after_initiation(7).build();
    let mut versions = rule("expire-noncurrent-versions").filter(whole()).noncurrent_version_expiration(older);
    if marker {
        versions = versions.expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
    }
    let uploads = rule("abort-incomplete-uploads").filter(whole()).abort_incomplete_multipart_upload(uploads);
    lifecycle_of(vec![expiring(days), versions.build().unwrap(), uploads.build().unwrap()]).await
}

async fn lifecycle_of(rules: Vec<LifecycleRule>) -> Result<(), aws_sdk_s3::Error> {
    let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
    s3().put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules).send().await?;
    Ok(())
}

async fn encryption() -> Result<(), aws_sdk_s3::Error> {
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms).build().unwrap();
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    s3().put_bucket_encryption().bucket(BUCKET).server_side_encryption_configuration(rules).send().await?;
    Ok(())
}

async fn ownership() -> Result<(), aws_sdk_s3::Error> {
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter).build().unwrap();
    let controls = OwnershipControls::builder().rules(rule).build().unwrap();
    s3().put_bucket_ownership_controls().bucket(BUCKET).ownership_controls(controls).send().await?;
    Ok(())
}

async fn topic_policy(topic: &str) -> Result<(), aws_sdk_sns::Error> {
    let policy = LOUD.replace("TOPIC", topic);
    sns().set_topic_attributes().topic_arn(topic).attribute_name("Policy").attribute_value(policy).send().await?;
    Ok(())
}

async fn unsubscribed() -> Result<(), aws_sdk_sns::Error> {
    let all = sns().list_subscriptions_by_topic().topic_arn(TOPIC).send().await?;
    for one in all.subscriptions() {
        sns().unsubscribe().set_subscription_arn(one.subscription_arn.clone()).send().await?;
    }
    Ok(())
}

/// What of the canary's schedule is changed.
struct Canary {
    state: ScheduleState,
    expression: &'static str,
    target: &'static str,
    input: Option<&'static str>,
    window: i32,
}

async fn schedule(change: impl FnOnce(&mut Canary)) -> Result<(), aws_sdk_scheduler::Error> {
    let now = scheduler().get_schedule().name(CANARY).group_name(GROUP).send().await?;
    let old = now.target().unwrap();
    let mut canary = Canary {
        state: ScheduleState::Disabled,
        expression: "rate(1 hour)",
        target: "arn:aws:states:us-east-1:123456789012:stateMachine:classify",
        input: None,
        window: 10,
    };
    change(&mut canary);
    let target = Target::builder()
        .arn(canary.target)
        .role_arn(old.role_arn())
        .input(canary.input.or(old.input()).unwrap())
        .set_retry_policy(old.retry_policy().cloned())
        .build()
        .unwrap();
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Flexible).maximum_window_in_minutes(canary.window);
    scheduler()
        .update_schedule()
        .name(CANARY)
        .group_name(GROUP)
        .set_description(now.description.clone())
        .schedule_expression(canary.expression)
        .state(canary.state)
        .target(target)
        .flexible_time_window(window.build().unwrap())
        .send()
        .await?;
    Ok(())
}

/// A client that the gateway tells from all others.
fn client(project: &Project, name: &str, arguments: &[&str]) -> (String, Run) {
    let client = format!("scones-{name}-{}", std::process::id());
    let run = project.command(arguments).env("AWS_SDK_UA_APP_ID", &client).output().unwrap();
    (client, run.into())
}

fn counted(client: &str) -> serde_json::Value {
    gateway(&format!("/__cloud__/cost?user_agent={client}"))["by_operation"].clone()
}

#[test]
fn what_cannot_be_checked_is_named() {
    let run = environment().scones(&["drift", "toy"]).expect(0);
    let named = "Handle (AWS::CloudFormation::WaitConditionHandle): CloudFormation cannot detect drift of this type";
    assert!(run.stdout.contains("No drift") && run.stdout.contains(named), "{}", run.stdout);
    assert!(!run.stdout.contains("DataBucketPolicy") && !run.stdout.contains("Canary"), "{}", run.stdout);
}

#[test]
fn a_plan_pays_for_a_look_only_after_there_was_one() {
    let project = made("inside-cost").destroyed_at_end("toy");
    let (before, run) = client(&project, "inside-before", &["plan", "toy"]);
    run.expect(0);
    let before = counted(&before);
    let asked = before.as_object().unwrap();
    assert!(
        asked.keys().all(|name| !name.contains("Drift") && !name.contains("BucketPolicy") && !name.contains("sns")),
        "{before}"
    );
    project.scones(&["drift", "toy"]).expect(0);
    let (after, run) = client(&project, "inside-after", &["plan", "toy"]);
    run.expect(0);
    let after = counted(&after);
    assert!(after.as_object().unwrap().keys().any(|name| name.contains("DescribeStackResourceDrifts")), "{after}");
    assert!(after.as_object().unwrap().keys().all(|name| !name.contains("DetectStackDrift")), "{after}");
}

#[test]
fn two_at_once_wait_for_each_other() {
    let project = environment();
    let start = || project.command(&["drift", "toy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let all = [start(), start(), start()];
    for one in all {
        let run: Run = one.wait_with_output().unwrap().into();
        assert!(run.expect(0).stdout.contains("No drift"));
    }
}

#[test]
fn a_missing_permission_is_named_and_is_no_clean_bill() {
    let project = environment();
    let name = format!("scones-inside-denied-{}", std::process::id());
    for (service, operation) in [
        ("cloudformation", "DetectStackDrift"),
        ("cloudformation", "DescribeStackDriftDetectionStatus"),
        ("cloudformation", "DescribeStackResourceDrifts"),
        ("s3", "GetBucketPolicy"),
        ("sns", "ListSubscriptionsByTopic"),
        ("scheduler", "GetSchedule"),
    ] {
        plant(&name, json!([{ "service": service, "operation": operation, "kind": "access_denied", "times": 99 }]));
        let run: Run = project.command(&["drift", "toy"]).env("AWS_SDK_UA_APP_ID", &name).output().unwrap().into();
        let run = run.expect(1);
        assert!(run.stdout.contains(&format!("{service}:{operation}")), "{operation}: {}", run.stdout);
        assert!(!run.stdout.contains("No drift"), "{}", run.stdout);
    }
}

#[test]
fn a_look_that_fails_for_one_resource_is_unknown_for_it() {
    let project = environment();
    let tags = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap());
        let tagging = Tagging::builder().set_tag_set(Some(tags.collect())).build().unwrap();
        wait(s3().put_bucket_tagging().bucket(PLAIN).tagging(tagging).send()).unwrap();
    };
    let kept = wait(s3().get_bucket_tagging().bucket(PLAIN).send()).unwrap();
    let kept: Vec<(&str, &str)> = kept.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    let mut more = kept.clone();
    more.push(("scones-local:unreadable", "1"));
    tags(&more);
    let run = project.scones(&["drift", "toy"]);
    let json = project.scones(&["drift", "toy", "--format", "json"]).json();
    tags(&kept);
    let run = run.expect(1);
    assert!(run.stdout.contains("Unknown: no drift was seen, but 2 could not be read."), "{}", run.stdout);
    assert!(run.stdout.contains("Plain (AWS::S3::Bucket): UNKNOWN: ") && run.stdout.contains("Access Denied"), "{}", run.stdout);
    assert_eq!(json["unchecked"]["stacks.others"].as_array().unwrap().iter().filter(|one| one["failed"] == true).count(), 2);
}

#[test]
fn what_came_after_the_plan_is_not_touched() {
    let project = environment();
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    wait(s3().put_bucket_versioning().bucket(BUCKET).versioning_configuration(suspended).send()).unwrap();
    project.scones(&["drift", "toy"]).expect(2);
    project.scones(&["plan", "toy", "--out", "plan.json"]).expect(2);
    // Another look finds the same, so the plan is as good as before.
    project.scones(&["drift", "toy"]).expect(2);
    let tag = aws_sdk_sns::types::Tag::builder().key("mine").value("now").build().unwrap();
    wait(sns().tag_resource().resource_arn(TOPIC).tags(tag).send()).unwrap();
    let run = project.scones(&["apply", "plan.json", "--yes"]).expect(3);
    assert!(run.stderr.contains("it would set right AlarmTopic (AWS::SNS::Topic)"), "{}", run.stderr);
    project.scones(&["drift", "toy"]).expect(2);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);
}

#[test]
fn what_was_set_right_by_hand_needs_no_more() {
    let project = environment();
    let versioning = |status: BucketVersioningStatus| {
        let configuration = VersioningConfiguration::builder().status(status).build();
        wait(s3().put_bucket_versioning().bucket(BUCKET).versioning_configuration(configuration).send()).unwrap();
    };
    versioning(BucketVersioningStatus::Suspended);
    project.scones(&["drift", "toy"]).expect(2);
    versioning(BucketVersioningStatus::Enabled);
    project.scones(&["plan", "toy"]).expect(2);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
}
