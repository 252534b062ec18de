//! Reads stacks.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudformation::types::{Stack as Described, StackDriftStatus, TemplateStage};
use aws_smithy_types::DateTime;

use super::{EMPTY_ON_DESTROY, HIDDEN, State, events, inside, text};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Live, Look, Status, Tags};
use crate::template;

/// What stacks are described with.
pub const OPERATION: &str = "cloudformation:DescribeStacks";

/// What can be done with a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A change set waits to make it; nothing exists but its name.
    Planned,
    Updatable,
    /// CloudFormation works on it.
    Working,
    /// It never came up, and can only be deleted.
    NeverMade,
    /// An update failed, and nobody rolled it back.
    HalfUpdated,
    /// An update failed, and so did rolling it back.
    HalfRolledBack,
    /// Deleting failed: part of it is gone.
    HalfDeleted,
    Gone,
}

pub fn phase(stack: &Described) -> Phase {
    match status(stack) {
        "REVIEW_IN_PROGRESS" => Phase::Planned,
        "DELETE_COMPLETE" => Phase::Gone,
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => Phase::NeverMade,
        "UPDATE_FAILED" => Phase::HalfUpdated,
        "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" => Phase::HalfRolledBack,
        "DELETE_FAILED" => Phase::HalfDeleted,
        other if other.ends_with("_IN_PROGRESS") => Phase::Working,
        _ => Phase::Updatable,
    }
}

/// The status in CloudFormation's words.
pub fn status(stack: &Described) -> &str {
    stack.stack_status.as_ref().map(|status| status.as_str()).unwrap_or_default()
}

/// The stack's ARN, which still finds it once it is deleted, when its name may belong to another.
pub fn id(stack: &Described) -> &str {
    stack.stack_id.as_deref().unwrap_or_default()
}

/// Describes a stack by its name: where the environment is looked at as a whole, all are described at once.
async fn named(aws: &Aws, name: &str) -> Result<Option<Described>, AwsError> {
    if !aws.looks_at_all() {
        return describe(aws, name).await;
    }
    let found = all(aws).await?.into_iter().find(|stack| stack.stack_name() == Some(name));
    Ok(found.filter(|stack| phase(stack) != Phase::Gone))
}

/// Describes a stack by name or ARN.
pub async fn describe(aws: &Aws, stack: &str) -> Result<Option<Described>, AwsError> {
    let request = aws.cloudformation().describe_stacks().stack_name(stack);
    let answer = aws.call(OPERATION, stack, request.send()).await.optional()?;
    let found = answer.and_then(|answer| answer.stacks).unwrap_or_default().into_iter().next();
    Ok(found.filter(|stack| phase(stack) != Phase::Gone))
}

async fn body(aws: &Aws, stack: &str) -> Result<Option<String>, AwsError> {
    let request = aws.cloudformation().get_template().stack_name(stack).template_stage(TemplateStage::Original);
    let answer = aws.call("cloudformation:GetTemplate", stack, request.send()).await.optional()?;
    Ok(answer.and_then(|answer| answer.template_body))
}

/// Reads one stack. A name that only a change set of an interrupted creation holds is no stack yet.
pub async fn read(aws: &Aws, name: &str, declared: Option<&State>) -> Result<Option<Live<State>>, AwsError> {
    let (described, body) = futures::join!(named(aws, name), body(aws, name));
    let Some(stack) = described?.filter(|stack| phase(stack) != Phase::Planned) else { return Ok(None) };
    let Some(body) = body? else { return Ok(None) };
    let template = text::parse(name, &body).map_err(|error| {
        AwsError::unexpected("cloudformation:GetTemplate", name, format!("its template cannot be read: {error}"))
    })?;
    let status = match phase(&stack) {
        Phase::Updatable => Status::Settled,
        Phase::Working => Status::InProgress(events::current(aws, &stack).await?),
        _ => Status::Failed(events::failure(aws, &stack).await?),
    };
    let mut tags = tags(&stack);
    let empty_on_destroy = tags.remove(EMPTY_ON_DESTROY).is_some_and(|value| value == "true");
    let (parameters, hidden_parameters) = parameters(&stack, &template, declared);
    // Capabilities are leave to do something, and bind nobody once it is done: a stack whose capabilities alone differ
    // cannot be updated.
    let capabilities = match declared {
        Some(declared) => declared.capabilities.clone(),
        None => {
            let mut live: Vec<String> = stack.capabilities().iter().map(|one| one.as_str().to_owned()).collect();
            live.sort();
            live
        }
    };
    let looked = last_look(&stack).filter(|_| status == Status::Settled);
    let (resources, unchecked) = match looked {
        Some(_) => {
            let hidden = hidden_parameters.keys().map(String::as_str).collect();
            inside::read(aws, &inside::Stack { name, template: &template, parameters: &parameters, hidden }).await?
        }
        None => Default::default(),
    };
    let look = Look { age: looked.and_then(age), unchecked };
    let state = State {
        resources,
        template: text::folded(template, declared.map(|declared| &declared.template)),
        parameters,
        hidden_parameters,
        capabilities,
        empty_on_destroy,
        termination_protection: stack.enable_termination_protection.unwrap_or(false),
    };
    let arn = id(&stack).to_owned();
    let mut attributes = BTreeMap::from([("name".to_owned(), name.to_owned()), ("arn".to_owned(), arn.clone())]);
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    attributes.extend(outputs.filter_map(|output| Some((output.output_key?, output.output_value.unwrap_or_default()))));
    Ok(Some(Live { status, attributes, look, ..Live::settled(name, arn, state, Some(tags)) }))
}

/// When CloudFormation last looked for drift in a stack, if nothing was made of the stack since.
pub fn last_look(stack: &Described) -> Option<DateTime> {
    let drift = stack.drift_information()?;
    let checked = *drift.last_check_timestamp()?;
    let made = *stack.last_updated_time().or_else(|| stack.creation_time())?;
    (drift.stack_drift_status != Some(StackDriftStatus::NotChecked) && checked >= made).then_some(checked)
}

fn age(time: DateTime) -> Option<Duration> {
    SystemTime::now().duration_since(SystemTime::try_from(time).ok()?).ok()
}

/// A stack's tags; those that AWS sets itself are left out.
pub fn tags(stack: &Described) -> Tags {
    let pair = |tag: &aws_sdk_cloudformation::types::Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
    stack.tags().iter().filter_map(pair).filter(|(key, _)| !key.starts_with("aws:")).collect()
}

type Parameters = BTreeMap<String, String>;

/// The parameters, and apart from them the hidden ones: their values cannot be read, so they count as declared.
fn parameters(stack: &Described, template: &serde_json::Value, declared: Option<&State>) -> (Parameters, Parameters) {
    let known = template::parameters(template);
    let (mut shown, mut hidden) = (BTreeMap::new(), BTreeMap::new());
    for parameter in stack.parameters() {
        let Some(key) = parameter.parameter_key.clone() else { continue };
        let value = parameter.parameter_value.clone().unwrap_or_default();
        if value == HIDDEN || known.get(&key).is_some_and(|info| info.no_echo) {
            let value = declared.and_then(|declared| declared.hidden_parameters.get(&key).cloned()).unwrap_or(value);
            hidden.insert(key, value);
        } else {
            shown.insert(key, value);
        }
    }
    (shown, hidden)
}

/// The names of the stacks that start as the environment's do; nested ones belong to their parents.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let prefix = aws.world.prefix();
    let stacks = all(aws).await?.into_iter().filter(|stack| stack.parent_id.is_none());
    Ok(stacks.filter_map(|stack| stack.stack_name).filter(|name| name.starts_with(&prefix)).collect())
}

/// All stacks of the region: those that are deleted are not among them.
pub async fn all(aws: &Aws) -> Result<Vec<Described>, AwsError> {
    aws.listing(OPERATION, "", pages(aws)).await
}

async fn pages(aws: &Aws) -> Result<Vec<Described>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.cloudformation().describe_stacks().set_next_token(next);
        let answer = aws.call(OPERATION, "", request.send()).await?;
        found.extend(answer.stacks.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}
