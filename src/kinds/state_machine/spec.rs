//! What a person writes of a state machine, and what follows from it.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::{LogLevel, StateMachineType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LoggingState, State, current_alias, express, log_group_name};
use crate::asl;
use crate::desired::Scope;
use crate::kind::Written;
use crate::kind::written::Form;
use crate::kinds::log_group::{LogGroup, Retention};
use crate::kinds::rollout;

pub const WRITTEN: &[Written] = &[
    Written::same("type", "type"),
    Written::same("role", "role"),
    Written::same("logging.level", "logging.level"),
    Written::same("logging.include_execution_data", "logging.include_execution_data"),
    Written { state: "logging.destination", spec: "logging.level", form: Form::Follows("it follows from `logging.level`") },
    Written::same("log_group.retention", "logging.retention"),
    Written::same("tracing", "tracing"),
    Written::by_hand("definition", "definition", "the workflow is a file of its own: edit that"),
    Written {
        state: "alias.version",
        spec: "",
        form: Form::Follows("apply publishes a version, and moves the alias `live` to it"),
    },
];

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
    /// How the alias `live` gets to a new version; without it, at once.
    rollout: Option<rollout::Spec>,
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

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
    let role = scope.role(&spec.role, &["role"]);
    let rollout = spec.rollout.and_then(|rollout| rollout::desired(rollout, scope));
    let definition = scope.document(&spec.definition)?;
    scope.document_findings(&spec.definition, asl::check(&definition));
    if spec.kind == Type::Express {
        scope.document_findings(&spec.definition, express::check(&definition));
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
        alias: Some(current_alias()),
        other_aliases: BTreeMap::new(),
        rollout,
    })
}
