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
        Requirement::Unknown { logical_id, what } => vec![Access::Unknown(format!("{what}, {logical_id} of the stack {stack}"))],
        Requirement::PassRole { role, service } => vec![Access::pass_role(role, service)],
        Requirement::Actions { type_name, on, actions } => {
            let is_bucket = type_name == "AWS::S3::Bucket";
            let own = on.iter().flat_map(|arn| actions.iter().map(move |action| Access::of(When::Create, action, arn.as_str())));
            let emptied = on.iter().filter(|_| is_bucket).flat_map(|arn| emptied(arn, state.empty_on_destroy));
            own.chain(emptied).collect()
        }
    }
}

/// A bucket is looked into before its stack is deleted, and emptied if it is declared so.
fn emptied(bucket: &str, may_empty: bool) -> Vec<Access> {
    let looks = ["s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
    let empties: &[&'static str] = if may_empty { &["s3:DeleteObjectVersion", "s3:AbortMultipartUpload"] } else { &[] };
    let looks = looks.into_iter().map(|action| Access::of(When::Delete, action, bucket));
    let empties = empties.iter().map(|action| Access::of(When::Delete, action, format!("{bucket}/*")));
    looks.chain(empties).collect()
}
