//! EventBridge rules that invoke a function on a schedule: what monitors and schedules share.

mod cron;
pub mod members;
mod read;
mod write;

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::RuleState;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sagemaker::Others;
use crate::desired::Scope;
use crate::kind::{Access, When, World};
use crate::units::Seconds;

pub use read::{namesakes, observe};
pub use write::{create, delete, update};

/// The one target of a rule that scones writes.
const TARGET: &str = "function";
/// The alias of a function that callers call.
const ALIAS: &str = "live";
/// How long the input of a target may be. Source: the type `Target` in EventBridge's API reference.
pub const LONGEST_INPUT: usize = 8192;

/// What making a rule sends; whether it is made is seen by describing it.
pub const CREATE: &[&str] =
    &["events:PutRule", "events:TagResource", "events:DescribeRule", "events:RemoveTargets", "events:PutTargets"];

/// A rule with all of its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    rule: Rule,
    targets: BTreeMap<String, Target>,
}

/// When, and whether.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rule {
    schedule: Option<String>,
    state: String,
    description: String,
    /// What also sets it off: events, which scones does not write.
    pattern: Option<Value>,
    role: Option<String>,
    /// The service that made it and that alone may change it.
    managed_by: Option<String>,
}

/// What a rule sets off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Target {
    arn: String,
    input: Option<Value>,
    role: Option<String>,
    dead_letter: Option<String>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

impl Scheduled {
    /// A rule that invokes the alias `live` of a function. Without an input, the function gets EventBridge's own event.
    pub fn invoking(function_arn: &str, input: Option<Value>, schedule: String, enabled: bool) -> Self {
        let arn = format!("{function_arn}:{ALIAS}");
        let target = Target { arn, input, role: None, dead_letter: None, other: Others::new() };
        let state = if enabled { RuleState::Enabled } else { RuleState::Disabled };
        let rule = Rule {
            schedule: Some(schedule),
            state: state.as_str().to_owned(),
            description: String::new(),
            pattern: None,
            role: None,
            managed_by: None,
        };
        Self { rule, targets: [(TARGET.to_owned(), target)].into() }
    }
}

/// A look at the environment lists the rules that bear its prefix; others are described one by one.
pub fn accesses(world: &World, name: &str) -> Vec<Access> {
    let arn = world.arn("events", &format!("rule/{name}"));
    let is_listed = name.starts_with(&world.prefix());
    (!is_listed).then(|| Access::of(When::Read, "events:DescribeRule", arn)).into_iter().collect()
}

/// The expression of an interval, written under `every`.
pub fn rate(every: Seconds, scope: &mut Scope<'_>) -> Option<String> {
    let rate = cron::rate(every.0);
    if rate.is_none() {
        scope.fault_with_help(&["every"], "EventBridge counts whole minutes", "such as 30m, 1h or 1d");
    }
    rate
}

/// The expression written under `schedule`.
pub fn cron(schedule: &str, scope: &mut Scope<'_>) -> String {
    if let Err(why) = cron::check(schedule) {
        let help = "such as \"cron(0 6 * * ? *)\", each day at 6:00 UTC; for an interval write `every: 1h`";
        scope.fault_with_help(&["schedule"], format!("`{schedule}` is no schedule of EventBridge: {why}"), help);
    }
    schedule.to_owned()
}

/// A rule whose function does not let it in fails each time, where only a metric of EventBridge's tells. `attribute` is the
/// one of the scope's resource that is its rule's ARN.
pub fn check_permission(function: &str, section: &str, attribute: &str, scope: &mut Scope<'_>) {
    let rule = scope.world().arn("events", &format!("rule/{}", scope.name()));
    let spec = scope.other("functions", function).unwrap_or_default();
    let text = |permission: &Value, key: &str| permission.get(key).and_then(Value::as_str).map(str::to_owned);
    let lets_in = |permission: &Value| {
        text(permission, "principal").as_deref() == Some("events.amazonaws.com")
            && text(permission, "source_arn").is_none_or(|source| source == rule || source.contains("${"))
    };
    let permissions = spec.get("permissions").and_then(Value::as_object);
    if !permissions.is_some_and(|permissions| permissions.values().any(lets_in)) {
        let entry = scope.entry_name();
        let help = format!(
            "give functions.{function} `permissions: {{ {entry}: {{ principal: events.amazonaws.com, source_arn: \"${{{section}.{entry}.{attribute}}}\" }} }}`"
        );
        scope.fault_with_help(&["function"], format!("functions.{function} lets no rule of EventBridge invoke it"), help);
    }
}
