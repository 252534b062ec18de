//! Brings stacks to where they should be, whatever an earlier run left.

use std::time::Duration;

use aws_sdk_cloudformation::types::{ChangeSetType, Stack as Described};
use tokio::time::Instant;

use super::live::{Phase, describe, id, phase, status, tags};
use super::{EMPTY_ON_DESTROY, Stack, State, buckets, change_set, detect, events, inside};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Kind, Live, Target};

/// How often a deletion is begun again because a bucket was written to meanwhile.
const MOST_DELETIONS: usize = 3;
/// How long an operation may take to show in the stack's status.
const START: Duration = Duration::from_secs(10);

/// Makes a stack what it should be, from any status it may have. `shown` is what the plan started from.
pub async fn converge(aws: &Aws, to: &Target<State>, shown: Option<&Live<State>>) -> Result<(), AwsError> {
    let deadline = Instant::now() + Stack::DEADLINE;
    let mut cleared: Option<Phase> = None;
    let stack = loop {
        let stack = describe(aws, &to.name).await?;
        let Some(stack) = stack.filter(|stack| phase(stack) != Phase::Planned) else {
            change_set::apply(aws, to, ChangeSetType::Create, None, false).await?;
            break finished(aws, &to.name, None, deadline).await?;
        };
        let phase = phase(&stack);
        // Once is enough: what does not help the first time never ends.
        if phase != Phase::Working && cleared.replace(phase) == Some(phase) {
            return Err(failed(aws, &stack).await);
        }
        match phase {
            Phase::Updatable => break update(aws, to, shown, stack, deadline).await?,
            Phase::Working => drop(settled(aws, stack, deadline).await?),
            Phase::NeverMade => remove(aws, &stack, deadline).await?,
            Phase::HalfUpdated => {
                let request = aws.cloudformation().rollback_stack().stack_name(id(&stack));
                aws.call("cloudformation:RollbackStack", &to.name, request.send()).await?;
                begun(aws, id(&stack), Some(&stack), deadline).await?;
            }
            Phase::HalfRolledBack => {
                let request = aws.cloudformation().continue_update_rollback().stack_name(id(&stack));
                aws.call("cloudformation:ContinueUpdateRollback", &to.name, request.send()).await?;
                begun(aws, id(&stack), Some(&stack), deadline).await?;
            }
            Phase::HalfDeleted | Phase::Planned | Phase::Gone => return Err(failed(aws, &stack).await),
        }
    };
    protect(aws, &stack, to.state.termination_protection).await
}

/// Updates a stack, if more than its protection differs, and sets right what was shown to be changed inside of it.
async fn update(
    aws: &Aws,
    to: &Target<State>,
    shown: Option<&Live<State>>,
    stack: Described,
    deadline: Instant,
) -> Result<Described, AwsError> {
    // Without a plan for it, what exists now is what an earlier run made.
    let read = match shown {
        Some(_) => None,
        None => super::live::read(aws, &to.name, Some(&to.state)).await?,
    };
    let from = shown.or(read.as_ref());
    let differs = from.is_none_or(|from| {
        let State { termination_protection, resources, .. } = to.state.clone();
        State { termination_protection, resources, ..from.state.clone() } != to.state || tags(&stack) != change_set::all_tags(to)
    });
    let shown = from.map(|from| &from.state.resources).filter(|shown| !shown.is_empty());
    let reverts = match (shown, from) {
        (Some(shown), Some(from)) => inside::is_for_cloudformation(aws, &inside_of(&to.name, &from.state), shown).await?,
        _ => false,
    };
    let begun =
        (differs || reverts) && change_set::apply(aws, to, ChangeSetType::Update, from.map(|from| &from.state), reverts).await?;
    let stack = if begun { finished(aws, &to.name, Some(&stack), deadline).await? } else { stack };
    if let Some(shown) = shown {
        inside::set_right(aws, &inside_of(&to.name, &to.state), shown).await?;
    }
    if reverts && !begun {
        // Somebody set it right meanwhile: what CloudFormation keeps of its last look is no longer so.
        detect::detect_one(aws, &to.name).await?;
    }
    Ok(stack)
}

fn inside_of<'a>(name: &'a str, state: &'a State) -> inside::Stack<'a> {
    let hidden = state.hidden_parameters.keys().map(String::as_str).collect();
    inside::Stack { name, template: &state.template, parameters: &state.parameters, hidden }
}

/// Waits for the end of what was begun. A stack that was rolled back is a failure.
async fn finished(aws: &Aws, name: &str, before: Option<&Described>, deadline: Instant) -> Result<Described, AwsError> {
    let id = match before {
        Some(before) => Some(id(before).to_owned()),
        None => describe(aws, name).await?.map(|stack| id(&stack).to_owned()),
    };
    let stack = match id {
        Some(id) => begun(aws, &id, before, deadline).await?,
        None => None,
    };
    match stack {
        Some(stack) if matches!(status(&stack), "CREATE_COMPLETE" | "UPDATE_COMPLETE") => Ok(stack),
        Some(stack) => Err(failed(aws, &stack).await),
        None => Err(AwsError::unexpected("cloudformation:DescribeStacks", name, "it is gone: somebody deleted it meanwhile")),
    }
}

/// Waits until an operation that was just begun shows, and then for its end. `before` is the stack as it was, if it was.
async fn begun(aws: &Aws, stack: &str, before: Option<&Described>, deadline: Instant) -> Result<Option<Described>, AwsError> {
    let mut pace = Pace::new(START);
    loop {
        let Some(now) = describe(aws, stack).await? else { return Ok(None) };
        let waits = match (phase(&now), before) {
            (Phase::Working, _) => false,
            (Phase::Planned, _) => true,
            (_, Some(before)) => (status(&now), now.last_updated_time) == (status(before), before.last_updated_time),
            (_, None) => false,
        };
        if !waits || !pace.wait("CloudFormation to begin").await {
            return settled(aws, now, deadline).await;
        }
    }
}

/// Waits until CloudFormation is done with a stack; `None` once it is gone.
async fn settled(aws: &Aws, mut stack: Described, deadline: Instant) -> Result<Option<Described>, AwsError> {
    let mut pace = Pace::until(deadline);
    while phase(&stack) == Phase::Working {
        let current = events::current(aws, &stack).await?;
        if !pace.wait(&current).await {
            let message = format!("still not done; it works on {current}");
            return Err(AwsError::unexpected("cloudformation:DescribeStacks", id(&stack), message));
        }
        match describe(aws, id(&stack)).await? {
            Some(now) => stack = now,
            None => return Ok(None),
        }
    }
    Ok(Some(stack))
}

async fn failed(aws: &Aws, stack: &Described) -> AwsError {
    match events::failure(aws, stack).await {
        Ok(reason) => AwsError::unexpected("", stack.stack_name().unwrap_or_default(), reason),
        Err(error) => error,
    }
}

async fn protect(aws: &Aws, stack: &Described, wanted: bool) -> Result<(), AwsError> {
    if stack.enable_termination_protection.unwrap_or(false) == wanted {
        return Ok(());
    }
    let request =
        aws.cloudformation().update_termination_protection().stack_name(id(stack)).enable_termination_protection(wanted);
    aws.call("cloudformation:UpdateTerminationProtection", id(stack), request.send()).await.map(drop)
}

/// Deletes a stack, its buckets' contents included where it is declared that they go.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let deadline = Instant::now() + Stack::DEADLINE;
    let Some(stack) = describe(aws, name).await? else { return Ok(()) };
    // CloudFormation takes a deletion while it creates, but not while it updates.
    let stack = match status(&stack) {
        "CREATE_IN_PROGRESS" => stack,
        _ => match settled(aws, stack, deadline).await? {
            Some(stack) => stack,
            None => return Ok(()),
        },
    };
    remove(aws, &stack, deadline).await
}

async fn remove(aws: &Aws, stack: &Described, deadline: Instant) -> Result<(), AwsError> {
    let empties = stack.tags().iter().any(|tag| tag.key() == Some(EMPTY_ON_DESTROY) && tag.value() == Some("true"));
    let mut round = 1;
    loop {
        let emptied = buckets::prepare(aws, stack, empties).await?;
        protect(aws, stack, false).await?;
        let request = aws.cloudformation().delete_stack().stack_name(id(stack));
        aws.call("cloudformation:DeleteStack", id(stack), request.send()).await.optional()?;
        match begun(aws, id(stack), Some(stack), deadline).await? {
            None => return Ok(()),
            // Somebody may have written to a bucket after it was emptied.
            Some(_) if emptied && round < MOST_DELETIONS => round += 1,
            Some(left) => return Err(failed(aws, &left).await),
        }
    }
}
