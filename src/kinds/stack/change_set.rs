//! Change sets: the way in which stacks are made and changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{
    BeforeValueFrom, Capability, ChangeAction, ChangeSetStatus, ChangeSetType, DeploymentMode, EvaluationType, Parameter,
    Replacement, RequiresRecreation, ResourceChange, ResourceChangeDetail, StackResourceDriftStatus,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{EMPTY_ON_DESTROY, State, inside, text};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, bootstrap, tags};
use crate::diff::Deviation;
use crate::kind::{Tags, Target, digest};
use crate::template::{self, INLINE_LIMIT};

/// How long CloudFormation may take to compute a change set.
const PATIENCE: Duration = Duration::from_secs(300);
const DESCRIBE: &str = "cloudformation:DescribeChangeSet";

/// All that a stack is made of, as CloudFormation takes it.
struct Request {
    /// The template itself, or where it lies.
    body: Option<String>,
    url: Option<String>,
    parameters: Vec<Parameter>,
    capabilities: Vec<Capability>,
    tags: Vec<aws_sdk_cloudformation::types::Tag>,
    /// Whether resources are compared as they are, not as they were made.
    mode: Option<DeploymentMode>,
}

/// The tags of a stack, with the one that says what becomes of its buckets.
pub fn all_tags(to: &Target<State>) -> Tags {
    let mut tags = to.tags.clone();
    if to.state.empty_on_destroy {
        tags.insert(EMPTY_ON_DESTROY.to_owned(), "true".to_owned());
    }
    tags
}

/// Makes a change set and executes it, unless it does what the plan did not show. Says whether an operation was begun.
///
/// With `reverts`, it also sets right what somebody changed inside of the stack.
pub async fn apply(
    aws: &Aws,
    to: &Target<State>,
    kind: ChangeSetType,
    from: Option<&State>,
    reverts: bool,
) -> Result<bool, AwsError> {
    let request = request(aws, to, reverts).await?;
    // Named by what it leads to, so that one that an interrupted run left is found again.
    let content = json!([to.state.template, to.state.parameters, all_tags(to), reverts]);
    let name = format!("scones-{}", &digest(&content)[..12]);
    let id = make(aws, &to.name, &name, &kind, &request).await?;
    let (made, changes) = made(aws, &id).await?;
    if made.status != Some(ChangeSetStatus::CreateComplete) {
        let reason = made.status_reason.unwrap_or_default();
        discard(aws, &id).await?;
        if kind == ChangeSetType::Update && changes_nothing(&reason) {
            return update(aws, to, &request, from).await;
        }
        if kind == ChangeSetType::Create
            && let Some(stack) = &made.stack_id
        {
            // What is left is a stack that holds nothing but its name.
            aws.call("cloudformation:DeleteStack", stack, aws.cloudformation().delete_stack().stack_name(stack).send()).await?;
        }
        return Err(AwsError::unexpected("cloudformation:CreateChangeSet", &to.name, reason));
    }
    if let Some(from) = from {
        let surprises = surprises(from, &to.state, &changes);
        if !surprises.is_empty() {
            discard(aws, &id).await?;
            let message = format!("{}, which the plan did not show; nothing was changed", surprises.join(", and "));
            return Err(AwsError::unexpected("cloudformation:CreateChangeSet", &to.name, message).into_stale());
        }
    }
    let request = aws.cloudformation().execute_change_set().change_set_name(&id);
    match aws.call("cloudformation:ExecuteChangeSet", &to.name, request.send()).await {
        // The first answer was lost, and the request sent again.
        Err(error) if error.code.starts_with("InvalidChangeSetStatus") => Ok(true),
        answer => answer.map(|_| true),
    }
}

async fn request(aws: &Aws, to: &Target<State>, reverts: bool) -> Result<Request, AwsError> {
    let text = text::canonical(&to.state.template);
    let (body, url) = if text.len() <= INLINE_LIMIT {
        (Some(text), None)
    } else {
        let hash: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("templates/{hash}.json");
        bootstrap::upload(aws, &key, text.into_bytes()).await?;
        let world = &aws.world;
        let suffix = if world.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        (None, Some(format!("https://s3.{}.{suffix}/{}/{key}", world.region, world.bootstrap_bucket())))
    };
    let parameter = |(key, value): (String, String)| Parameter::builder().parameter_key(key).parameter_value(value).build();
    Ok(Request {
        body,
        url,
        parameters: to.state.all_parameters().into_iter().map(parameter).collect(),
        capabilities: to.state.capabilities.iter().map(|name| Capability::from(name.as_str())).collect(),
        tags: tags::for_cloudformation(&all_tags(to)),
        mode: reverts.then_some(DeploymentMode::RevertDrift),
    })
}

/// Asks for a change set and returns its ARN. One of the same name is an interrupted run's, computed from a stack that
/// may have changed since.
async fn make(aws: &Aws, stack: &str, name: &str, kind: &ChangeSetType, request: &Request) -> Result<String, AwsError> {
    const OPERATION: &str = "cloudformation:CreateChangeSet";
    let mut pace = Pace::new(PATIENCE);
    let mut discarded = false;
    loop {
        let attempt = || {
            let create = aws
                .cloudformation()
                .create_change_set()
                .stack_name(stack)
                .change_set_name(name)
                .change_set_type(kind.clone())
                .set_template_body(request.body.clone())
                .set_template_url(request.url.clone())
                .set_parameters(Some(request.parameters.clone()))
                .set_capabilities(Some(request.capabilities.clone()))
                .set_tags(Some(request.tags.clone()))
                .set_deployment_mode(request.mode.clone());
            aws.call(OPERATION, stack, create.send())
        };
        match aws.patiently(attempt).await {
            Ok(answer) => return Ok(answer.id.unwrap_or_default()),
            // A stack of the name answers with the same code.
            Err(error) if error.code == "AlreadyExistsException" && error.message.contains("ChangeSet") => {
                if !discarded {
                    let request = aws.cloudformation().delete_change_set().stack_name(stack).change_set_name(name);
                    aws.call("cloudformation:DeleteChangeSet", stack, request.send()).await.optional()?;
                    discarded = true;
                    continue;
                }
                if !pace.wait("CloudFormation to discard an earlier change set").await {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn discard(aws: &Aws, id: &str) -> Result<(), AwsError> {
    let request = aws.cloudformation().delete_change_set().change_set_name(id);
    aws.call("cloudformation:DeleteChangeSet", id, request.send()).await.optional().map(drop)
}

/// Waits until a change set is computed; returns it with all its changes.
async fn made(aws: &Aws, id: &str) -> Result<(DescribeChangeSetOutput, Vec<ResourceChange>), AwsError> {
    let mut pace = Pace::new(PATIENCE);
    let first = loop {
        let answer = aws.call(DESCRIBE, id, aws.cloudformation().describe_change_set().change_set_name(id).send()).await?;
        match answer.status {
            Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress)
                if pace.wait("CloudFormation to compute the changes").await => {}
            _ => break answer,
        }
    };
    let mut changes: Vec<ResourceChange> = first.changes().iter().filter_map(|change| change.resource_change.clone()).collect();
    let mut next = first.next_token.clone();
    while let Some(token) = next {
        let request = aws.cloudformation().describe_change_set().change_set_name(id).next_token(token);
        let answer = aws.call(DESCRIBE, id, request.send()).await?;
        changes.extend(answer.changes().iter().filter_map(|change| change.resource_change.clone()));
        next = answer.next_token;
    }
    Ok((first, changes))
}

fn changes_nothing(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// Updates a stack whose change set shows no changed resource: outputs or tags may still differ, which change sets
/// pass over. Nothing can be replaced here.
async fn update(aws: &Aws, to: &Target<State>, request: &Request, from: Option<&State>) -> Result<bool, AwsError> {
    const OPERATION: &str = "cloudformation:UpdateStack";
    let attempt = || {
        let update = aws
            .cloudformation()
            .update_stack()
            .stack_name(&to.name)
            .set_template_body(request.body.clone())
            .set_template_url(request.url.clone())
            .set_parameters(Some(request.parameters.clone()))
            .set_capabilities(Some(request.capabilities.clone()))
            .set_tags(Some(request.tags.clone()));
        aws.call(OPERATION, &to.name, update.send())
    };
    match aws.patiently(attempt).await {
        Ok(_) => Ok(true),
        Err(error) if changes_nothing(&error.message) => match from.map(|from| remaining(from, &to.state)) {
            Some(fields) if !fields.is_empty() => {
                let what = fields.join(" and ");
                let message = format!("CloudFormation sees nothing to do, though {what} differ: change a resource along with it");
                Err(AwsError::unexpected(OPERATION, &to.name, message))
            }
            _ => Ok(false),
        },
        Err(error) => Err(error),
    }
}

/// The fields that still differ when CloudFormation says that nothing does. It takes hidden parameters to be unchanged
/// where they are.
fn remaining(from: &State, to: &State) -> Vec<&'static str> {
    let fields = [("template", from.template != to.template), ("parameters", from.parameters != to.parameters)];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// What a change set would remove or replace although comparing the templates did not show it.
pub(super) fn surprises(from: &State, to: &State, changes: &[ResourceChange]) -> Vec<String> {
    let shown = template::resource_changes(&from.template, &to.template, &from.all_parameters(), &to.all_parameters());
    let removed = |change: &&template::ResourceChange| change.action == template::Action::Remove;
    let replaced = |change: &&template::ResourceChange| change.replacement != template::Replacement::No;
    let names = |of: Vec<&template::ResourceChange>| of.into_iter().map(|change| change.logical_id.clone()).collect();
    let shown_removed: BTreeSet<String> = names(shown.iter().filter(removed).collect());
    let mut shown_replaced: BTreeSet<String> = names(shown.iter().filter(replaced).collect());
    // What is gone is made anew.
    let is_gone = |all: &[Deviation]| all.iter().any(|one| one.path.is_empty());
    shown_replaced.extend(from.resources.iter().filter(|(_, all)| is_gone(all)).map(|(name, _)| name.clone()));
    let by_name: BTreeMap<&str, &ResourceChange> =
        changes.iter().map(|change| (change.logical_resource_id().unwrap_or_default(), change)).collect();
    let mut found = vec![];
    for (name, change) in &by_name {
        let type_name = change.resource_type().unwrap_or_default();
        if change.action == Some(ChangeAction::Remove) && !shown_removed.contains(*name) {
            found.push(format!("it would remove {name} ({type_name})"));
        } else if replaces(change, &by_name) && !shown_replaced.contains(*name) {
            found.push(format!("it would replace {name} ({type_name})"));
        } else if reverts(change) && !from.resources.contains_key(*name) {
            found.push(format!("it would set right {name} ({type_name})"));
        }
    }
    found
}

/// Whether a change sets something right that somebody changed, and that is not known to be reported wrongly.
fn reverts(change: &ResourceChange) -> bool {
    let drifted = [StackResourceDriftStatus::Modified, StackResourceDriftStatus::Deleted];
    let counts = |detail: &ResourceChangeDetail| {
        let target = detail.target.as_ref().filter(|target| target.before_value_from == Some(BeforeValueFrom::ActualState));
        let path = target.and_then(|target| target.path());
        path.is_some_and(|path| !inside::is_doubtful(change.resource_type().unwrap_or_default(), path))
    };
    change.action != Some(ChangeAction::SyncWithActual)
        && change.resource_drift_status.as_ref().is_some_and(|status| drifted.contains(status))
        && (change.resource_drift_status == Some(StackResourceDriftStatus::Deleted) || change.details().iter().any(counts))
}

/// Whether a change replaces its resource, for all that can be said.
///
/// CloudFormation calls a replacement conditional where a property refers to another resource that changes in place:
/// what is referred to stays as it is then, except for what custom resources and nested stacks answer.
fn replaces(change: &ResourceChange, all: &BTreeMap<&str, &ResourceChange>) -> bool {
    match change.replacement {
        Some(Replacement::True) => true,
        Some(Replacement::Conditional) => {
            let counts = |detail: &ResourceChangeDetail| {
                let target = detail.target.as_ref().and_then(|target| target.requires_recreation.clone());
                target != Some(RequiresRecreation::Never) && !stays(detail, all)
            };
            change.details().is_empty() || change.details().iter().any(counts)
        }
        _ => false,
    }
}

/// Whether a detail is only about a reference to a resource that keeps its identity.
fn stays(detail: &ResourceChangeDetail, all: &BTreeMap<&str, &ResourceChange>) -> bool {
    let cause = detail.causing_entity().and_then(|cause| cause.split('.').next()).and_then(|name| all.get(name));
    let in_place = |cause: &&ResourceChange| {
        let type_name = cause.resource_type().unwrap_or_default();
        cause.replacement == Some(Replacement::False)
            && !type_name.starts_with("Custom::")
            && !type_name.starts_with("AWS::CloudFormation::")
    };
    detail.evaluation == Some(EvaluationType::Dynamic) && cause.is_some_and(in_place)
}
