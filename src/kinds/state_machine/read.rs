//! Step Functions' answers → state.

use std::collections::BTreeMap;

use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::{EncryptionType, LogLevel, LoggingConfiguration, StateMachineStatus};

use super::{Encryption, LIVE, LoggingState, OtherAlias, State, alias, machine_arn};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::Live;

const OPERATION: &str = "states:DescribeStateMachine";
/// The revision of a state machine that was never updated, where none is told.
const FIRST: &str = "INITIAL";

/// Reads all but the log group. What is being deleted counts as gone: creating it again waits until its name is free.
pub async fn machine(aws: &Aws, name: &str, desired: Option<&State>) -> Result<Option<Live<State>>, AwsError> {
    let machine = machine_arn(&aws.world, name);
    let (found, published) = futures::join!(describe(aws, name, &machine), alias::published(aws, name));
    let Some(found) = found?.filter(|found| found.status != Some(StateMachineStatus::Deleting)) else { return Ok(None) };
    let mut published = published?;
    let (arn, revision) = (found.state_machine_arn.clone(), found.revision_id.clone());
    let mut state = state(name, found)?;
    published.read_versions(aws, name, &state, revision.as_deref().unwrap_or(FIRST)).await?;
    state.alias = published.live(&state);
    let others = published.aliases.iter().filter(|(alias, _)| *alias != LIVE);
    let other = |found: &alias::Found| OtherAlias { versions: found.shares.clone(), description: found.description.clone() };
    state.other_aliases = others.map(|(alias, found)| (alias.clone(), other(found))).collect();
    state.rollout = desired.and_then(|desired| desired.rollout.clone());
    let generations = published.generations(&arn, &state);
    let attributes = published.runs(&aws.world, &state);
    Ok(Some(Live { revision, generations, attributes, ..Live::settled(name, arn, state, None) }))
}

/// Reads what was deployed last, and its revision.
pub async fn deployed(aws: &Aws, name: &str) -> Result<Option<(State, String)>, AwsError> {
    let Some(found) = describe(aws, name, &machine_arn(&aws.world, name)).await? else { return Ok(None) };
    let revision = found.revision_id.clone().unwrap_or_else(|| FIRST.to_owned());
    Ok(Some((state(name, found)?, revision)))
}

/// Reads a published version; none if it does not exist.
pub async fn version(aws: &Aws, name: &str, number: &str) -> Result<Option<State>, AwsError> {
    let found = describe(aws, name, &format!("{}:{number}", machine_arn(&aws.world, name))).await?;
    found.map(|found| state(name, found)).transpose()
}

async fn describe(aws: &Aws, name: &str, arn: &str) -> Result<Option<DescribeStateMachineOutput>, AwsError> {
    aws.call(OPERATION, name, aws.states().describe_state_machine().state_machine_arn(arn).send()).await.optional()
}

/// What a state machine and its versions have in common.
fn state(name: &str, live: DescribeStateMachineOutput) -> Result<State, AwsError> {
    let definition = serde_json::from_str(&live.definition)
        .map_err(|error| AwsError::unexpected(OPERATION, name, format!("its definition is not JSON: {error}")))?;
    let encryption = live.encryption_configuration.filter(|config| config.r#type != EncryptionType::AwsOwnedKey);
    Ok(State {
        kind: live.r#type.to_string(),
        role: live.role_arn,
        definition,
        logging: live_logging(live.logging_configuration),
        log_group: None,
        tracing: live.tracing_configuration.is_some_and(|config| config.enabled),
        encryption: encryption
            .map(|config| Encryption { key: config.kms_key_id, reuse_seconds: config.kms_data_key_reuse_period_seconds }),
        alias: None,
        other_aliases: BTreeMap::new(),
        rollout: None,
    })
}

/// A state machine that never had logging has no configuration at all, which is level OFF.
fn live_logging(config: Option<LoggingConfiguration>) -> LoggingState {
    let Some(config) = config else {
        return LoggingState { level: LogLevel::Off.to_string(), include_execution_data: false, destination: None };
    };
    // Step Functions takes one destination at most.
    let destination = config.destinations.unwrap_or_default().into_iter().next();
    LoggingState {
        level: config.level.unwrap_or(LogLevel::Off).to_string(),
        include_execution_data: config.include_execution_data,
        destination: destination.and_then(|one| one.cloud_watch_logs_log_group).and_then(|group| group.log_group_arn),
    }
}

/// The names of the state machines that start as the environment's do.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let prefix = aws.world.prefix();
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.states().list_state_machines().max_results(1000).set_next_token(next);
        let answer = aws.call("states:ListStateMachines", "", request.send()).await?;
        found.extend(answer.state_machines.into_iter().map(|one| one.name).filter(|name| name.starts_with(&prefix)));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_logging_is_level_off() {
        assert_eq!(live_logging(None), live_logging(Some(LoggingConfiguration::builder().level(LogLevel::Off).build())));
    }
}
