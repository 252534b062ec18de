//! What deploying a stack takes besides CloudFormation's own actions.

use super::{State, text};
use crate::kind::{Access, When, World};
use crate::template::{Context, INLINE_LIMIT, Requirement, requirements};

/// Source: the Service Authorization Reference.
const OF_NO_RESOURCE: [&str; 3] = ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"];

pub fn of(world: &World, name: &str, state: &State) -> Vec<Access> {
    let parameters = state.all_parameters();
    let context = Context {
        stack_name: name,
        account: &world.account,
        region: &world.region,
        partition: world.partition(),
        parameters: &parameters,
    };
    let mut found: Vec<Access> =
        requirements(&state.template, &context).into_iter().flat_map(|one| needed(name, state, one)).collect();
    if text::canonical(&state.template).len() > INLINE_LIMIT {
        // CloudFormation fetches it as whoever deploys.
        let templates = format!("arn:{}:s3:::{}/templates/*", world.partition(), world.bootstrap_bucket());
        found.extend(["s3:GetObject", "s3:PutObject"].map(|action| Access::of(When::Create, action, templates.as_str())));
    }
    found
}

fn needed(stack: &str, state: &State, requirement: Requirement) -> Vec<Access> {
    match requirement {
        Requirement::Unknown { logical_id, what } => vec![Access::Unknown(format!("{what} ({logical_id} of the stack {stack})"))],
        Requirement::PassRole { role, service } => vec![Access::pass_role(role, service)],
        Requirement::Actions { type_name, on, reads, writes } => {
            let (more_reads, more_writes) = besides(type_name);
            let emptied = on.iter().filter(|_| type_name == "AWS::S3::Bucket");
            let emptied: Vec<Access> = emptied.flat_map(|arn| emptied_of(arn, state.empty_on_destroy)).collect();
            // CloudFormation reads all of a type when it looks for drift.
            [
                on_each(When::Drift, &reads, &on),
                on_each(When::Read, more_reads, &on),
                on_each(When::Create, &writes, &on),
                on_each(When::Create, more_writes, &on),
                emptied,
            ]
            .concat()
        }
    }
}

/// Each action on each of the resources, but for those of which IAM knows no resource.
fn on_each(when: When, actions: &[&'static str], on: &[String]) -> Vec<Access> {
    let place = |action: &str, arn: &str| if OF_NO_RESOURCE.contains(&action) { "*".to_owned() } else { arn.to_owned() };
    on.iter().flat_map(|arn| actions.iter().map(move |&action| Access::of(when, action, place(action, arn)))).collect()
}

/// What is read and set right of a type because CloudFormation passes it over, and what is read to judge its reports.
fn besides(type_name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match type_name {
        "AWS::S3::Bucket" => (
            &[
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
            ],
            &["s3:DeleteBucketPolicy"],
        ),
        "AWS::S3::BucketPolicy" => (&["s3:GetBucketPolicy"], &[]),
        "AWS::SNS::Topic" => (&["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"], &["sns:Unsubscribe"]),
        "AWS::SNS::TopicPolicy" => (&["sns:GetTopicAttributes"], &[]),
        "AWS::Scheduler::Schedule" => (&["scheduler:GetSchedule"], &[]),
        _ => (&[], &[]),
    }
}

/// A bucket is looked into before its stack is deleted, and emptied if it is declared so.
fn emptied_of(bucket: &str, may_empty: bool) -> Vec<Access> {
    let looks = ["s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
    let empties: &[&'static str] = if may_empty { &["s3:DeleteObjectVersion", "s3:AbortMultipartUpload"] } else { &[] };
    let looks = looks.into_iter().map(|action| Access::of(When::Delete, action, bucket));
    let empties = empties.iter().map(|action| Access::of(When::Delete, action, format!("{bucket}/*")));
    looks.chain(empties).collect()
}
