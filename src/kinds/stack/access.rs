//! What deploying a stack takes besides CloudFormation's own actions.

use super::{State, text};
use crate::kind::{Access, When, World};
use crate::template::{Context, INLINE_LIMIT, Requirement, requirements};

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
            let on_each = |when: When, actions: Vec<&'static str>| {
                let of =
                    move |arn: &String| actions.iter().map(|action| Access::of(when, action, arn.as_str())).collect::<Vec<_>>();
                on.iter().flat_map(of).collect::<Vec<_>>()
            };
            let emptied = on.iter().filter(|_| type_name == "AWS::S3::Bucket");
            let emptied: Vec<Access> = emptied.flat_map(|arn| emptied_of(arn, state.empty_on_destroy)).collect();
            let ended = on.iter().filter(|_| type_name == "AWS::SNS::Topic").map(|topic| format!("{topic}:*"));
            let ended: Vec<Access> = ended.map(|all| Access::of(When::Create, "sns:Unsubscribe", all)).collect();
            // CloudFormation reads all of a type when it looks for drift.
            let own = [on_each(When::Drift, reads), on_each(When::Read, more_reads.to_vec())];
            let changed = [on_each(When::Create, writes), on_each(When::Create, more_writes.to_vec())];
            own.into_iter().chain(changed).chain([emptied, ended]).flatten().collect()
        }
    }
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
