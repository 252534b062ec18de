//! CloudWatch composite alarms: rules over the states of other alarms.

mod members;
mod read;
mod rule;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{self, Change, Field};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Kind, Live, Part, Tags, Target, Wanted, When, World, Written};
use crate::kinds::cloudwatch::as_set;
use crate::units::{self, Seconds};
use rule::Rule;

const ALARM: &[&str] = &["arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"];

pub struct CompositeAlarm;

/// A CloudWatch alarm on the states of other alarms.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CompositeAlarmSpec")]
pub struct Spec {
    /// The name in CloudWatch; by default `<app>-<environment>-<name>`.
    #[schemars(length(min = 1, max = 255))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// When it rings, such as ALARM("${alarms.errors.name}") AND NOT ALARM("${alarms.deploying.name}").
    #[schemars(length(min = 1, max = 10240))]
    rule: String,
    /// Up to 1,024 characters.
    #[schemars(length(max = 1024))]
    #[serde(default)]
    description: String,
    /// ARNs of topics and others that are told when it rings.
    #[serde(default)]
    actions: Vec<ActionArn>,
    /// ARNs of those that are told when all is well again.
    #[serde(default)]
    ok_actions: Vec<ActionArn>,
    /// ARNs of those that are told when there is too little data.
    #[serde(default)]
    insufficient_data_actions: Vec<ActionArn>,
    /// Whether anyone is told at all.
    #[serde(default = "yes")]
    enabled: bool,
    /// Another alarm that keeps this one from telling anyone while it rings.
    suppressor: Option<SuppressorSpec>,
}

/// An alarm that silences another one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SuppressorSpec {
    /// Its name or ARN, such as ${alarms.deploying.name}.
    #[schemars(length(min = 1, max = 1600))]
    alarm: String,
    /// How long to wait for it to ring before anyone is told; by default not at all.
    #[serde(default = "no_time")]
    wait: Seconds,
    /// For how long after it rang nobody is told; by default not at all.
    #[serde(default = "no_time")]
    extension: Seconds,
}

/// The ARN of what an alarm tells.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct ActionArn(#[schemars(regex(pattern = r"^arn:\S{1,1020}$"))] String);

fn yes() -> bool {
    true
}

fn no_time() -> Seconds {
    Seconds(0)
}

/// All of a composite alarm that a person could change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// In [`Rule`]'s one form; as it is if it cannot be read.
    rule: String,
    description: String,
    actions: Vec<String>,
    ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    enabled: bool,
    suppressor: Option<Suppressor>,
    /// Which of its tags go out with what it tells; scones has none do.
    #[serde(default)]
    tags_propagation: Option<Value>,
}

/// An alarm that silences another one; durations in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Suppressor {
    alarm: String,
    wait: i32,
    extension: i32,
}

impl Suppressor {
    /// As a person writes it.
    fn written(live: &Value) -> Option<Value> {
        let live: Self = serde_json::from_value(live.clone()).ok()?;
        let seconds = |seconds: i32| Some(units::written(seconds.try_into().ok()?, None));
        Some(json!({ "alarm": live.alarm, "wait": seconds(live.wait)?, "extension": seconds(live.extension)? }))
    }
}

impl Kind for CompositeAlarm {
    const SECTION: &'static str = "composite_alarms";
    const TITLE: &'static str = "composite alarm";
    const LONGEST_NAME: usize = 255;
    const WRITTEN: &'static [Written] = &[
        Written::same("rule", "rule"),
        Written::same("description", "description"),
        Written::same("actions", "actions"),
        Written::same("ok_actions", "ok_actions"),
        Written::same("insufficient_data_actions", "insufficient_data_actions"),
        Written::same("enabled", "enabled"),
        Written::made("suppressor", "suppressor", Suppressor::written),
        Written::same("suppressor.alarm", "suppressor.alarm"),
        Written::seconds("suppressor.wait", "suppressor.wait"),
        Written::seconds("suppressor.extension", "suppressor.extension"),
    ];
    const FIELDS: &'static [Field] = &[
        Field { path: "actions", rule: diff::Rule::Unordered, why: "actions have no order" },
        Field { path: "ok_actions", rule: diff::Rule::Unordered, why: "actions have no order" },
        Field { path: "insufficient_data_actions", rule: diff::Rule::Unordered, why: "actions have no order" },
    ];
    /// PutCompositeAlarm refuses rules that name alarms that do not exist.
    const REFERENCES_ORDER: bool = true;
    const DEADLINE: Duration = Duration::from_secs(60);
    const CALLS: &'static [Call] = &[
        // CloudWatch lets composite alarms be read and written only where nothing narrower is allowed.
        Call::of(When::Search, ANY, &["cloudwatch:DescribeAlarms"]),
        Call::of(When::Search, ALARM, &["cloudwatch:ListTagsForResource"]),
        Call::of(When::Create, ANY, &["cloudwatch:PutCompositeAlarm"]),
        Call::of(When::Create, ALARM, &["cloudwatch:TagResource"]),
        Call::of(When::Update(&[]), ANY, &["cloudwatch:PutCompositeAlarm"]),
        Call::of(When::Update(&["enabled"]), ALARM, &["cloudwatch:EnableAlarmActions", "cloudwatch:DisableAlarmActions"]),
        Call::of(When::Update(&[]), ALARM, &["cloudwatch:TagResource"]),
        Call::of(When::Update(&["tags"]), ALARM, &["cloudwatch:UntagResource"]),
        Call::of(When::Delete, ALARM, &["cloudwatch:DeleteAlarms"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = world.arn("cloudwatch", &format!("alarm:{name}"));
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    /// Metric alarms have ARNs of the same form; the tags say which kind it is.
    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "cloudwatch", "alarm:")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        let rule = desired_rule(&spec.rule, scope);
        let lists = [
            ("actions", &spec.actions),
            ("ok_actions", &spec.ok_actions),
            ("insufficient_data_actions", &spec.insufficient_data_actions),
        ];
        for (key, _) in lists.into_iter().filter(|(_, actions)| actions.len() > 5) {
            scope.fault(&[key], "an alarm takes at most 5 actions for each state");
        }
        let suppressor = spec.suppressor.map(|suppressor| desired_suppressor(suppressor, scope));
        let as_set = |actions: Vec<ActionArn>| as_set(actions.into_iter().map(|action| action.0));
        let state = State {
            rule: rule?,
            description: spec.description,
            actions: as_set(spec.actions),
            ok_actions: as_set(spec.ok_actions),
            insufficient_data_actions: as_set(spec.insufficient_data_actions),
            enabled: spec.enabled,
            suppressor: suppressor.flatten(),
            tags_propagation: None,
        };
        scope.is_sound().then_some(state)
    }

    /// One request for each hundred alarms, those of the other sort among them. Tags come from the tagging API.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        read::read(aws, wanted).await
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        read::names(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        put(aws, &to, Some(&to.tags)).await
    }

    /// PutCompositeAlarm replaces an alarm whole, but for its state, its tags, and whether its actions are enabled, which
    /// has calls of its own.
    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        put(aws, &to, None).await?;
        match (from.state.enabled, to.state.enabled) {
            (false, true) => {
                let request = aws.cloudwatch().enable_alarm_actions().alarm_names(&to.name);
                aws.call("cloudwatch:EnableAlarmActions", &to.name, request.send()).await.map(drop)
            }
            (true, false) => {
                let request = aws.cloudwatch().disable_alarm_actions().alarm_names(&to.name);
                aws.call("cloudwatch:DisableAlarmActions", &to.name, request.send()).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let request = aws.cloudwatch().delete_alarms().alarm_names(name);
        aws.call("cloudwatch:DeleteAlarms", name, request.send()).await.optional().map(drop)
    }
}

fn desired_rule(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    let rule = match Rule::parse(text) {
        Ok(rule) => rule,
        Err(fault) => {
            match fault.help {
                Some(help) => scope.fault_with_help(&["rule"], fault.message, help),
                None => scope.fault(&["rule"], fault.message),
            }
            return None;
        }
    };
    if rule.children().into_iter().any(|alarm| is_itself(alarm, scope)) {
        scope.fault(&["rule"], "an alarm cannot watch itself");
    }
    Some(rule.to_string())
}

fn desired_suppressor(spec: SuppressorSpec, scope: &mut Scope<'_>) -> Option<Suppressor> {
    if is_itself(&spec.alarm, scope) {
        scope.fault(&["suppressor", "alarm"], "an alarm cannot silence itself");
    }
    Some(Suppressor { alarm: spec.alarm, wait: spec.wait.0.try_into().ok()?, extension: spec.extension.0.try_into().ok()? })
}

/// CloudWatch takes names and ARNs.
fn is_itself(alarm: &str, scope: &Scope<'_>) -> bool {
    alarm.strip_prefix(&scope.world().arn("cloudwatch", "alarm:")).unwrap_or(alarm) == scope.name()
}

/// Tags are taken of a new alarm only.
async fn put(aws: &Aws, to: &Target<State>, tags: Option<&Tags>) -> Result<(), AwsError> {
    let (name, state) = (&to.name, &to.state);
    let suppressor = state.suppressor.as_ref();
    let request = aws
        .cloudwatch()
        .put_composite_alarm()
        .alarm_name(name)
        .alarm_rule(&state.rule)
        .alarm_description(&state.description)
        .actions_enabled(state.enabled)
        .set_alarm_actions(Some(state.actions.clone()))
        .set_ok_actions(Some(state.ok_actions.clone()))
        .set_insufficient_data_actions(Some(state.insufficient_data_actions.clone()))
        .set_actions_suppressor(suppressor.map(|suppressor| suppressor.alarm.clone()))
        .set_actions_suppressor_wait_period(suppressor.map(|suppressor| suppressor.wait))
        .set_actions_suppressor_extension_period(suppressor.map(|suppressor| suppressor.extension))
        .set_tags(tags.map(tags::for_cloudwatch));
    aws.call("cloudwatch:PutCompositeAlarm", name, request.send()).await.map(drop)
}
