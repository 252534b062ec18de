//! What CloudFormation tells of its work on a stack.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::types::{Stack as Described, StackEvent};

use super::live::{id, status};
use crate::aws::{Aws, AwsError};

/// Says which resource is worked on at present.
pub async fn current(aws: &Aws, stack: &Described) -> Result<String, AwsError> {
    let request = aws.cloudformation().describe_stack_events().stack_name(id(stack));
    let answer = aws.call("cloudformation:DescribeStackEvents", id(stack), request.send()).await?;
    let mut done = BTreeSet::new();
    // Newest first: what a later event speaks of is not what it was.
    for event in answer.stack_events().iter().filter(|event| !is_of_stack(event)) {
        let name = event.logical_resource_id().unwrap_or_default();
        if done.insert(name) && event_status(event).ends_with("_IN_PROGRESS") {
            return Ok(format!("{name} ({}): {}", event.resource_type().unwrap_or_default(), event_status(event)));
        }
    }
    Ok(format!("CloudFormation: {}", status(stack)))
}

/// Says why a stack's last operation failed: the first failure, since what comes after is cancelled for it.
pub async fn failure(aws: &Aws, stack: &Described) -> Result<String, AwsError> {
    let first = first_failure(aws, id(stack)).await?;
    let whole = stack.stack_status_reason.clone().filter(|reason| !reason.is_empty());
    Ok(match (first, whole) {
        // Rolling back failed too, and that is what stands in the way.
        (Some(first), Some(whole)) if status(stack).ends_with("ROLLBACK_FAILED") => {
            format!("{}: {first}; then: {whole}", status(stack))
        }
        (Some(first), _) => format!("{}: {first}", status(stack)),
        (None, Some(whole)) => format!("{}: {whole}", status(stack)),
        (None, None) => status(stack).to_owned(),
    })
}

async fn first_failure(aws: &Aws, stack: &str) -> Result<Option<String>, AwsError> {
    let (mut found, mut of_stack) = (None, None);
    let mut next = None;
    loop {
        let request = aws.cloudformation().describe_stack_events().stack_name(stack).set_next_token(next);
        let answer = aws.call("cloudformation:DescribeStackEvents", stack, request.send()).await?;
        for event in answer.stack_events() {
            let (status, reason) = (event_status(event), event.resource_status_reason().unwrap_or_default());
            if is_of_stack(event) {
                if starts_operation(status) {
                    return Ok(found.or(of_stack));
                }
                if !reason.is_empty() {
                    of_stack = Some(reason.to_owned());
                }
            } else if status.ends_with("_FAILED") && !reason.is_empty() && !reason.ends_with("cancelled") {
                let name = event.logical_resource_id().unwrap_or_default();
                found = Some(format!("{name} ({}): {reason}", event.resource_type().unwrap_or_default()));
            }
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(found.or(of_stack));
        }
    }
}

/// Whether an event of the stack itself is the first of an operation; a rollback is part of what it rolls back.
fn starts_operation(status: &str) -> bool {
    matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" | "IMPORT_IN_PROGRESS")
}

fn is_of_stack(event: &StackEvent) -> bool {
    event.physical_resource_id().is_some_and(|id| Some(id) == event.stack_id())
}

fn event_status(event: &StackEvent) -> &str {
    event.resource_status().map(|status| status.as_str()).unwrap_or_default()
}
