//! Step Functions state machines, each with the log group that its executions are logged to.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, EncryptionConfiguration, EncryptionType, LogDestination, LogLevel, LoggingConfiguration,
    StateMachineStatus, StateMachineType, TracingConfiguration,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::log_group::{self, LogGroup, Retention};
use crate::asl;
use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::finding::Finding;
use crate::kind::{Attribute, Call, Input, Kind, Live, Part, Target, Wanted, When, World};

pub struct StateMachine;

/// A Step Functions state machine.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StateMachineSpec")]
pub struct Spec {
    /// The name in Step Functions; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[0-9A-Za-z_-]{1,80}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The file of the workflow in Amazon States Language, as YAML or JSON, such as stacks/classify.asl.yaml.
    definition: String,
    /// STANDARD runs up to a year and each step once; EXPRESS runs up to five minutes, and costs less for many runs.
    #[serde(default, rename = "type")]
    kind: Type,
    /// The role that executions run with: a name under `roles`, or an ARN.
    ///
    /// For logging, which is on unless its level is OFF, the role needs logs:CreateLogDelivery, logs:GetLogDelivery,
    /// logs:UpdateLogDelivery, logs:DeleteLogDelivery, logs:ListLogDeliveries, logs:PutResourcePolicy,
    /// logs:DescribeResourcePolicies and logs:DescribeLogGroups, all on `*`. For tracing it needs
    /// xray:PutTraceSegments, xray:PutTelemetryRecords, xray:GetSamplingRules and xray:GetSamplingTargets on `*`.
    role: String,
    /// What is logged of executions; by default errors.
    #[serde(default)]
    logging: Logging,
    /// Whether executions are traced by X-Ray.
    #[serde(default)]
    tracing: bool,
}

/// The type of a state machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Type {
    #[default]
    Standard,
    Express,
}

/// What is logged of executions, to the log group `/aws/vendedlogs/states/<name>`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Logging {
    /// OFF, ERROR (the default), FATAL or ALL.
    #[serde(default)]
    level: Level,
    /// Whether inputs and outputs of states are logged too.
    #[serde(default)]
    include_execution_data: bool,
    /// How long logs are kept, in days; 30 by default, 0 keeps them for ever.
    #[serde(default)]
    retention: Retention,
}

/// Which events of executions are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Level {
    Off,
    #[default]
    Error,
    Fatal,
    All,
}

/// A state machine, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    #[serde(rename = "type")]
    kind: String,
    role: String,
    definition: Value,
    logging: LoggingState,
    /// Absent when nothing is logged.
    log_group: Option<LogGroup>,
    tracing: bool,
    /// The key that encrypts definition and execution history, if it is not AWS's own.
    encryption: Option<Encryption>,
}

/// The logging of a state machine, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LoggingState {
    level: String,
    include_execution_data: bool,
    /// The ARN of a log group, which ends in `:*` here.
    destination: Option<String>,
}

/// Encryption with a key of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Encryption {
    key: Option<String>,
    reuse_seconds: Option<i32>,
}

impl Kind for StateMachine {
    const SECTION: &'static str = "state_machines";
    const TITLE: &'static str = "state machine";
    const LONGEST_NAME: usize = 80;
    const FIELDS: &'static [Field] = &[
        Field { path: "type", rule: Rule::Immutable, why: "UpdateStateMachine cannot change it" },
        Field { path: "definition", rule: Rule::Document, why: "a workflow; the order of Retry, Catch and Choices counts" },
    ];
    const INPUTS: &'static [(&'static str, Input)] = &[("definition", Input::Document)];
    const CALLS: &'static [Call] = &[
        Call { when: When::Create, actions: &["logs:CreateLogGroup", "logs:PutRetentionPolicy", "states:CreateStateMachine"] },
        Call {
            when: When::Update(&["log_group", "logging"]),
            actions: &["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:DeleteLogGroup"],
        },
        Call {
            when: When::Update(&["definition", "role", "logging", "tracing", "encryption"]),
            actions: &["states:UpdateStateMachine"],
        },
        Call { when: When::Delete, actions: &["states:DeleteStateMachine", "logs:DeleteLogGroup"] },
    ];

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = machine_arn(world, name);
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        if let Some(group) = arn::name(arn, "logs", "log-group:/aws/vendedlogs/states/") {
            return Some(Part { name: group.trim_end_matches(":*").to_owned(), main: false });
        }
        // Versions and aliases stand behind the name: `stateMachine:name:1`.
        let name = arn::name(arn, "states", "stateMachine:")?;
        Some(match name.split_once(':') {
            Some((name, _)) => Part { name: name.to_owned(), main: false },
            None => Part { name: name.to_owned(), main: true },
        })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        let role = scope.role(&spec.role, &["role"]);
        let definition = scope.document(&spec.definition)?;
        scope.document_findings(&spec.definition, asl::check(&definition));
        if spec.kind == Type::Express {
            let mut findings = vec![];
            check_express(&definition, &mut vec![], &mut findings);
            scope.document_findings(&spec.definition, findings);
        }
        let logged = spec.logging.level != Level::Off;
        let retention = spec.logging.retention.0;
        let destination = scope.world().arn("logs", &format!("log-group:{}:*", log_group_name(scope.name())));
        scope.is_sound().then_some(())?;
        Some(State {
            kind: match spec.kind {
                Type::Standard => StateMachineType::Standard.to_string(),
                Type::Express => StateMachineType::Express.to_string(),
            },
            role: role?,
            definition,
            logging: LoggingState {
                level: match spec.logging.level {
                    Level::Off => LogLevel::Off.to_string(),
                    Level::Error => LogLevel::Error.to_string(),
                    Level::Fatal => LogLevel::Fatal.to_string(),
                    Level::All => LogLevel::All.to_string(),
                },
                include_execution_data: logged && spec.logging.include_execution_data,
                destination: logged.then_some(destination),
            },
            log_group: logged.then(|| LogGroup::keeping(retention)),
            tracing: spec.tracing,
            encryption: None,
        })
    }

    /// One request per state machine, and one for the log groups of all that have computed names.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let names: Vec<String> = wanted.iter().map(|one| log_group_name(&one.name)).collect();
        let machines = try_join_all(wanted.iter().map(|one| read(aws, &one.name)));
        let (machines, mut groups) = futures::try_join!(machines, log_group::read(aws, &names))?;
        let mut found: Vec<Live<State>> = machines.into_iter().flatten().collect();
        for live in &mut found {
            live.state.log_group = groups.remove(&log_group_name(&live.name));
        }
        Ok(found)
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        ensure_log_group(aws, &to).await?;
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
            Ok(_) => Ok(()),
            // The same request again is answered as the first was. This is another one: an earlier run was interrupted
            // between making the state machine and hearing of it.
            Err(error) if error.code == "StateMachineAlreadyExists" => {
                put(aws, &to).await?;
                tags::write(aws, &machine_arn(&aws.world, &to.name), &to.tags, &[]).await
            }
            Err(error) => Err(error),
        }
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        let (old, new) = (&from.state, &to.state);
        if old.log_group != new.log_group {
            ensure_log_group(aws, &to).await?;
        }
        let apart_from_group = State { log_group: old.log_group.clone(), ..new.clone() };
        if *old != apart_from_group {
            put(aws, &to).await?;
        }
        if old.log_group.is_some() && new.log_group.is_none() {
            log_group::delete(aws, &log_group_name(&to.name)).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let machine = machine_arn(&aws.world, name);
        let request = aws.states().delete_state_machine().state_machine_arn(&machine);
        aws.call("states:DeleteStateMachine", name, request.send()).await.optional()?;
        gone(aws, name).await?;
        log_group::delete(aws, &log_group_name(name)).await
    }
}

fn machine_arn(world: &World, name: &str) -> String {
    world.arn("states", &format!("stateMachine:{name}"))
}

/// Log groups under this prefix share one resource policy of CloudWatch Logs, whose size is limited; others may fill it.
fn log_group_name(name: &str) -> String {
    format!("/aws/vendedlogs/states/{name}")
}

/// Finds what only standard workflows may do: waiting for a job or for a callback, activities, and distributed maps.
///
/// Source: the Step Functions developer guide, "Choosing workflow type".
fn check_express(value: &Value, path: &mut Vec<String>, findings: &mut Vec<Finding>) {
    const HELP: &str = "leave `type` at STANDARD, or wait for it in another way";
    let mut found = |key: &str, message: String, path: &[String]| {
        findings.push(Finding::new(&[path, &[key.to_owned()]].concat(), message).help(HELP));
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("Type"), text("Resource")) {
        (Some("Task"), Some(resource)) => {
            let pattern = resource.split(':').skip(5).find(|part| part.contains('.')).and_then(|part| part.rsplit('.').next());
            if let Some(pattern @ ("sync" | "waitForTaskToken")) = pattern {
                found("Resource", format!("express workflows cannot wait for `.{pattern}`"), path);
            } else if resource.contains(":activity:") {
                found("Resource", "express workflows have no activities".to_owned(), path);
            }
        }
        (Some("Map"), _) => {
            let config = value.get("ItemProcessor").and_then(|processor| processor.get("ProcessorConfig"));
            if config.and_then(|config| config.get("Mode")).and_then(Value::as_str) == Some("DISTRIBUTED") {
                found("ItemProcessor", "express workflows have no distributed maps".to_owned(), path);
            }
        }
        _ => {}
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => return,
    };
    for (key, child) in children {
        path.push(key);
        check_express(child, path, findings);
        path.pop();
    }
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
async fn put(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
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
    aws.patiently(request).await.map(drop)
}

/// Reads all but the log group. What is being deleted counts as gone: creating it again waits until its name is free.
async fn read(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
    const OPERATION: &str = "states:DescribeStateMachine";
    let machine = machine_arn(&aws.world, name);
    let request = aws.states().describe_state_machine().state_machine_arn(&machine);
    let Some(live) = aws.call(OPERATION, name, request.send()).await.optional()? else { return Ok(None) };
    if live.status == Some(StateMachineStatus::Deleting) {
        return Ok(None);
    }
    let definition = serde_json::from_str(&live.definition)
        .map_err(|error| AwsError::unexpected(OPERATION, name, format!("its definition is not JSON: {error}")))?;
    let encryption = live.encryption_configuration.filter(|config| config.r#type != EncryptionType::AwsOwnedKey);
    let state = State {
        kind: live.r#type.to_string(),
        role: live.role_arn,
        definition,
        logging: live_logging(live.logging_configuration),
        log_group: None,
        tracing: live.tracing_configuration.is_some_and(|config| config.enabled),
        encryption: encryption
            .map(|config| Encryption { key: config.kms_key_id, reuse_seconds: config.kms_data_key_reuse_period_seconds }),
    };
    Ok(Some(Live::settled(name, live.state_machine_arn, state, None)))
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

/// Waits until a deleted state machine is gone: it is only once its running executions have ended.
async fn gone(aws: &Aws, name: &str) -> Result<(), AwsError> {
    const OPERATION: &str = "states:DescribeStateMachine";
    let machine = machine_arn(&aws.world, name);
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let request = aws.states().describe_state_machine().state_machine_arn(&machine);
        if aws.call(OPERATION, name, request.send()).await.optional()?.is_none() {
            return Ok(());
        }
        if begun.elapsed() > StateMachine::DEADLINE {
            let message = "it is still being deleted: executions run on; stop them, or run this again later";
            return Err(AwsError::unexpected(OPERATION, name, message));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
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

    #[test]
    fn express_workflows_wait_for_nobody() {
        let task = |resource: &str| json!({ "States": { "A": { "Type": "Task", "Resource": resource } } });
        let found = |definition: &Value| {
            let mut findings = vec![];
            check_express(definition, &mut vec![], &mut findings);
            findings.into_iter().map(|finding| finding.path.join(".")).collect::<Vec<_>>()
        };
        assert_eq!(found(&task("arn:aws:states:::sagemaker:createTrainingJob.sync")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:::states:startExecution.sync:2")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:::sqs:sendMessage.waitForTaskToken")), ["States.A.Resource"]);
        assert_eq!(found(&task("arn:aws:states:eu-west-1:123456789012:activity:x")), ["States.A.Resource"]);
        assert!(found(&task("arn:aws:states:::lambda:invoke")).is_empty());
        let map =
            json!({ "States": { "M": { "Type": "Map", "ItemProcessor": { "ProcessorConfig": { "Mode": "DISTRIBUTED" } } } } });
        assert_eq!(found(&map), ["States.M.ItemProcessor"]);
    }

    #[test]
    fn knows_its_arns() {
        let part = |arn: &str| StateMachine::part(arn).map(|part| (part.name, part.main));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:stateMachine:x"), Some(("x".into(), true)));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:stateMachine:x:3"), Some(("x".into(), false)));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:execution:x:y"), None);
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/x";
        assert_eq!(part(group), Some(("x".into(), false)));
        assert_eq!(part(&format!("{group}:*")), Some(("x".into(), false)));
        assert_eq!(part("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/x"), None);
    }

    #[test]
    fn no_logging_is_level_off() {
        assert_eq!(live_logging(None), live_logging(Some(LoggingConfiguration::builder().level(LogLevel::Off).build())));
    }
}
