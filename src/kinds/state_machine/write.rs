//! State → Step Functions' calls.

use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, EncryptionConfiguration, EncryptionType, LogDestination, LogLevel, LoggingConfiguration,
    StateMachineType, TracingConfiguration,
};
use serde_json::Value;

use super::{State, StateMachine, alias, log_group_name, machine_arn};
use crate::asl;
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Kind, Live, Target};
use crate::kinds::log_group;

/// Makes a state machine, or finishes one that an earlier run made without hearing of it.
pub async fn create(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    ensure_log_group(aws, to).await?;
    let definition = text(&to.state.definition);
    let (logging, tracing) = (logging_of(&to.state), tracing_of(&to.state));
    let request = || {
        let request = aws
            .states()
            .create_state_machine()
            .name(&to.name)
            .r#type(StateMachineType::from(to.state.kind.as_str()))
            .definition(&definition)
            .role_arn(&to.state.role)
            .logging_configuration(logging.clone())
            .tracing_configuration(tracing.clone())
            .set_tags(Some(tags::for_states(&to.tags)));
        aws.call("states:CreateStateMachine", &to.name, request.send())
    };
    match aws.patiently(request).await {
        Ok(_) => {}
        // The same request again is answered as the first was. This is another one: an earlier run was interrupted
        // between making the state machine and hearing of it.
        Err(error) if error.code == "StateMachineAlreadyExists" => {
            put(aws, to).await?;
            tags::write(aws, &machine_arn(&aws.world, &to.name), &to.tags, &[]).await?;
        }
        Err(error) => return Err(error),
    }
    alias::point(aws, to, None).await
}

/// Makes of a live state machine what it should be.
pub async fn update(aws: &Aws, from: &Live<State>, to: &Target<State>) -> Result<(), AwsError> {
    let (old, new) = (&from.state, &to.state);
    if old.log_group != new.log_group {
        ensure_log_group(aws, to).await?;
    }
    let (log_group, others) = (old.log_group.clone(), old.other_aliases.clone());
    let deployed = *old == State { log_group, other_aliases: others, alias: old.alias.clone(), ..new.clone() };
    let revision = if deployed { None } else { put(aws, to).await? };
    if !deployed || old.alias != new.alias {
        alias::point(aws, to, revision).await?;
    }
    for other in old.other_aliases.keys().filter(|other| !new.other_aliases.contains_key(*other)) {
        alias::delete(aws, &to.name, other).await?;
    }
    if old.log_group.is_some() && new.log_group.is_none() {
        log_group::delete(aws, &log_group_name(&to.name)).await?;
    }
    Ok(())
}

/// Deletes a state machine with its versions and aliases, then the log group that it wrote to.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let machine = machine_arn(&aws.world, name);
    let request = aws.states().delete_state_machine().state_machine_arn(&machine);
    aws.call("states:DeleteStateMachine", name, request.send()).await.optional()?;
    gone(aws, name).await?;
    log_group::delete(aws, &log_group_name(name)).await
}

/// The definition as it is sent: for people to read, unless that makes it longer than Step Functions takes.
fn text(definition: &Value) -> String {
    match serde_json::to_string_pretty(definition) {
        Ok(pretty) if pretty.len() <= asl::LIMIT => pretty,
        _ => definition.to_string(),
    }
}

fn logging_of(state: &State) -> LoggingConfiguration {
    let group = |arn: &String| CloudWatchLogsLogGroup::builder().log_group_arn(arn).build();
    let destination =
        state.logging.destination.as_ref().map(|arn| LogDestination::builder().cloud_watch_logs_log_group(group(arn)).build());
    LoggingConfiguration::builder()
        .level(LogLevel::from(state.logging.level.as_str()))
        .include_execution_data(state.logging.include_execution_data)
        .set_destinations(Some(destination.into_iter().collect()))
        .build()
}

fn tracing_of(state: &State) -> TracingConfiguration {
    TracingConfiguration::builder().enabled(state.tracing).build()
}

async fn ensure_log_group(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    match &to.state.log_group {
        Some(group) => log_group::ensure(aws, &log_group_name(&to.name), group.retention, &to.tags).await,
        None => Ok(()),
    }
}

/// Makes an existing state machine what it should be. What UpdateStateMachine is not told, it keeps: all is always sent.
/// → the revision that it has then
async fn put(aws: &Aws, to: &Target<State>) -> Result<Option<String>, AwsError> {
    let machine = machine_arn(&aws.world, &to.name);
    let definition = text(&to.state.definition);
    // Building fails only without a type.
    let encryption = EncryptionConfiguration::builder()
        .r#type(EncryptionType::AwsOwnedKey)
        .build()
        .map_err(|error| AwsError::local(error.to_string()))?;
    let (logging, tracing) = (logging_of(&to.state), tracing_of(&to.state));
    let request = || {
        let request = aws
            .states()
            .update_state_machine()
            .state_machine_arn(&machine)
            .definition(&definition)
            .role_arn(&to.state.role)
            .logging_configuration(logging.clone())
            .tracing_configuration(tracing.clone())
            .encryption_configuration(encryption.clone());
        aws.call("states:UpdateStateMachine", &to.name, request.send())
    };
    Ok(aws.patiently(request).await?.revision_id)
}

/// Waits until a deleted state machine is gone: it is only once its running executions have ended.
async fn gone(aws: &Aws, name: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "states:DescribeStateMachine";
    let machine = machine_arn(&aws.world, name);
    let mut pace = Pace::new(StateMachine::DEADLINE);
    loop {
        let request = aws.states().describe_state_machine().state_machine_arn(&machine);
        if aws.call(OPERATION, name, request.send()).await.optional()?.is_none() {
            return Ok(());
        }
        if !pace.wait("its running executions to end").await {
            let message = "it is still being deleted: executions run on; stop them, or run this again later";
            return Err(AwsError::unexpected(OPERATION, name, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_keep_their_floats() {
        let sent = text(&json!({ "BackoffRate": 2.0, "MaxAttempts": 3 }));
        assert!(sent.contains("\"BackoffRate\": 2.0") && sent.contains("\"MaxAttempts\": 3"), "{sent}");
    }
}
