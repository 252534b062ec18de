//! Starts executions of a workflow, and follows them to their end.

use std::time::Duration;

use aws_sdk_sfn::types::{HistoryEvent, StateMachineType};
use serde_json::Value;

use super::execution::{Ending, Event, Follower, Line};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError};

/// Starts an execution by an alias and returns its ARN.
///
/// # Errors
/// An express workflow, which has no history to follow, and what Step Functions answers.
pub async fn start(aws: &Aws, alias: &str, name: &str, input: &Value) -> Result<String, AwsError> {
    let machine = alias.rsplit_once(':').map_or(alias, |(machine, _)| machine);
    let request = aws.states().describe_state_machine().state_machine_arn(machine);
    let found = aws.call("states:DescribeStateMachine", machine, request.send()).await?;
    if found.r#type == StateMachineType::Express {
        let message = "an express workflow keeps no history that could be followed: use a standard one";
        return Err(AwsError::unexpected("states:StartExecution", machine, message));
    }
    let request = aws.states().start_execution().state_machine_arn(alias).name(name).input(input.to_string());
    Ok(aws.call("states:StartExecution", machine, request.send()).await?.execution_arn)
}

/// Follows an execution; whatever happens in it is told to `hear`.
///
/// # Errors
/// An execution that does not end in time, and what Step Functions answers.
pub async fn follow(
    aws: &Aws,
    execution: &str,
    limit: Duration,
    mut hear: impl FnMut(Vec<Line>, &Follower),
) -> Result<Ending, AwsError> {
    const OPERATION: &str = "states:GetExecutionHistory";
    let mut follower = Follower::default();
    let mut pace = Pace::new(limit);
    let (mut page, mut seen) = (None, 0);
    loop {
        let request =
            aws.states().get_execution_history().execution_arn(execution).max_results(1000).set_next_token(page.clone());
        let answer = aws.call(OPERATION, execution, request.send()).await?;
        let events: Vec<Event> = answer.events.into_iter().filter(|event| event.id > seen).map(neutral).collect();
        seen = events.last().map_or(seen, |event| event.id);
        let lines = follower.feed(&events);
        hear(lines, &follower);
        if let Some(ending) = follower.ending() {
            return Ok(ending.clone());
        }
        // The last page is read again until it has more, or a next one.
        if answer.next_token.is_some() {
            page = answer.next_token;
            continue;
        }
        if !pace.wait("the execution to end").await {
            let message = format!("it has not ended after {} s; it goes on by itself", limit.as_secs());
            return Err(AwsError::unexpected(OPERATION, execution, message));
        }
    }
}

/// An event without the SDK's types: of its many details at most one is set.
fn neutral(event: HistoryEvent) -> Event {
    let mut found = Event {
        id: event.id,
        previous_id: event.previous_event_id,
        kind: event.r#type.as_str().to_owned(),
        timestamp_ms: event.timestamp.to_millis().unwrap_or_default(),
        ..Event::default()
    };
    if let Some(details) = event.state_entered_event_details {
        (found.state, found.input) = (Some(details.name), details.input);
    }
    if let Some(details) = event.state_exited_event_details {
        (found.state, found.output) = (Some(details.name), details.output);
    }
    if let Some(details) = event.execution_started_event_details {
        found.input = details.input;
    }
    if let Some(details) = event.execution_succeeded_event_details {
        found.output = details.output;
    }
    if let Some(details) = event.task_scheduled_event_details {
        found.resource = Some(details.resource);
    }
    if let Some(details) = event.map_state_started_event_details {
        found.length = u64::try_from(details.length).ok();
    }
    let iteration = event.map_iteration_started_event_details.or(event.map_iteration_succeeded_event_details);
    if let Some(details) = iteration.or(event.map_iteration_failed_event_details).or(event.map_iteration_aborted_event_details) {
        (found.state, found.index) = (details.name, u64::try_from(details.index).ok());
    }
    macro_rules! failure {
        ($($details:ident),*) => {
            $(if let Some(details) = event.$details {
                (found.error, found.cause) = (details.error, details.cause);
            })*
        };
    }
    failure!(
        activity_failed_event_details,
        activity_schedule_failed_event_details,
        activity_timed_out_event_details,
        execution_failed_event_details,
        execution_timed_out_event_details,
        execution_aborted_event_details,
        lambda_function_failed_event_details,
        lambda_function_schedule_failed_event_details,
        lambda_function_start_failed_event_details,
        lambda_function_timed_out_event_details,
        task_failed_event_details,
        task_start_failed_event_details,
        task_submit_failed_event_details,
        task_timed_out_event_details
    );
    found
}
