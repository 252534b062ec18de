//! What a person writes of an alarm, and what follows from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{is_percentile, low_samples_of, query};
use crate::desired::Scope;
use crate::kind::Written;
use crate::kinds::cloudwatch::as_set;
use crate::kinds::cloudwatch::metric_alarm::{State, canonical};
use crate::metrics;
use crate::units::Seconds;

/// The variant that an endpoint has if nothing else is said of it.
const VARIANT: &str = "AllTraffic";
pub const STATISTIC: &str = concat!(
    "^(Sum|Average|Minimum|Maximum|SampleCount|IQM",
    r"|(p|tm|tc|ts|wm)([0-9]{1,2}(\.[0-9]{1,10})?|100)",
    r"|(PR|TM|TC|TS|WM)\([0-9.%]*:[0-9.%]*\))$",
);

pub const WRITTEN: &[Written] = &[
    Written::same("metric", "metric"),
    Written::same("statistic", "statistic"),
    Written::seconds("period", "period"),
    Written::same("threshold", "threshold"),
    Written::made("comparison", "comparison", sign),
    Written::same("evaluation_periods", "evaluation_periods"),
    Written::same("datapoints_to_alarm", "datapoints_to_alarm"),
    Written::same("missing_data", "missing_data"),
    Written::same("evaluate_low_sample_count_percentile", "evaluate_low_sample_count_percentile"),
    Written::same("unit", "unit"),
    Written::same("description", "description"),
    Written::same("actions", "actions"),
    Written::same("ok_actions", "ok_actions"),
    Written::same("insufficient_data_actions", "insufficient_data_actions"),
    Written::same("enabled", "enabled"),
    Written::by_hand("dimensions", "dimensions", "dimensions follow from `of` and `dimensions`: edit these"),
    Written::by_hand("metrics", "metrics", "its queries are a list that is written as a whole: edit that"),
];

/// A CloudWatch alarm on one metric, or on an expression of several.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AlarmSpec")]
pub struct Spec {
    /// The name in CloudWatch; by default `<app>-<environment>-<name>`.
    #[schemars(length(min = 1, max = 255))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// Namespace and name, such as AWS/SageMaker Invocation5XXErrors.
    #[schemars(regex(pattern = r"^[^:\s]\S{0,254} \S.{0,254}$"))]
    metric: Option<String>,
    /// Metrics and expressions on them, in place of `metric`: the alarm watches one of the expressions.
    metrics: Option<Vec<query::Spec>>,
    /// What is watched: endpoints.NAME, endpoints.NAME.VARIANT, functions.NAME or state_machines.NAME.
    #[schemars(regex(pattern = r"^(endpoints\.[^.\s]+(\.[^.\s]+)?|(functions|state_machines)\.[^.\s]+)$"))]
    of: Option<String>,
    /// Dimensions of the metric, besides those that `of` gives.
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    /// Sum, Average, Minimum, Maximum, SampleCount, or one such as p99, tm95, IQM or PR(0:100).
    #[schemars(regex(pattern = STATISTIC))]
    statistic: Option<String>,
    /// How long each data point is: 10s, 20s, 30s, or whole minutes.
    period: Option<Seconds>,
    /// What the statistic is compared with.
    threshold: f64,
    /// One of >, >=, <, <= (in quotes): the alarm rings when the statistic is that to the threshold.
    comparison: Comparison,
    /// How many periods are looked at.
    #[schemars(range(min = 1))]
    #[serde(default = "one")]
    evaluation_periods: i32,
    /// How many of them must be over the threshold; by default all.
    #[schemars(range(min = 1))]
    datapoints_to_alarm: Option<i32>,
    /// What a period without data counts as: missing, breaching, notBreaching or ignore.
    #[serde(default)]
    missing_data: MissingData,
    /// What a percentile of too few data counts as: evaluate or ignore.
    evaluate_low_sample_count_percentile: Option<LowSamples>,
    /// Only data of this unit; best left out.
    unit: Option<Unit>,
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
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Comparison {
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    GreaterThanThreshold,
    GreaterThanOrEqualToThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// CloudWatch's name.
    fn operator(self) -> &'static str {
        match self {
            Self::Greater | Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::GreaterOrEqual | Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::Less | Self::LessThanThreshold => "LessThanThreshold",
            Self::LessOrEqual | Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
        }
    }
}

/// The sign of an operator of CloudWatch's.
fn sign(operator: &Value) -> Option<Value> {
    let sign = match operator.as_str()? {
        "GreaterThanThreshold" => ">",
        "GreaterThanOrEqualToThreshold" => ">=",
        "LessThanThreshold" => "<",
        "LessThanOrEqualToThreshold" => "<=",
        _ => return None,
    };
    Some(sign.into())
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
enum MissingData {
    #[default]
    Missing,
    Breaching,
    NotBreaching,
    Ignore,
}

impl MissingData {
    fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
        }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum LowSamples {
    Evaluate,
    Ignore,
}

/// A unit as CloudWatch spells it.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Unit(
    #[schemars(regex(
        pattern = r"^(Seconds|Microseconds|Milliseconds|Percent|None|(Count|(Kilo|Mega|Giga|Tera)(bytes|bits)|Bytes|Bits)(/Second)?)$"
    ))]
    pub String,
);

/// The ARN of what an alarm tells.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct ActionArn(#[schemars(regex(pattern = r"^arn:\S{1,1020}$"))] String);

fn one() -> i32 {
    1
}

fn yes() -> bool {
    true
}

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
    check(&spec, scope);
    let dimensions = dimensions(spec.of.as_deref(), &spec.dimensions, &[], scope)?;
    if let Some((namespace, name)) = spec.metric.as_deref().and_then(|metric| metric.split_once(' ')) {
        let names: Vec<&str> = dimensions.keys().map(String::as_str).collect();
        let (statistic, unit) = (spec.statistic.as_deref().unwrap_or_default(), spec.unit.as_ref().map(|unit| unit.0.as_str()));
        note(metrics::check(namespace, name, &names, statistic, unit, spec.threshold), &[], scope);
    }
    let statistic = spec.statistic.as_deref().map(canonical);
    let low_samples = spec.evaluate_low_sample_count_percentile.map(|samples| match samples {
        LowSamples::Evaluate => "evaluate",
        LowSamples::Ignore => "ignore",
    });
    let state = State {
        metric: spec.metric,
        dimensions,
        period: spec.period.map(|period| period.0.try_into()).transpose().ok()?,
        threshold: Some(spec.threshold),
        comparison: Some(spec.comparison.operator().to_owned()),
        evaluation_periods: Some(spec.evaluation_periods),
        datapoints_to_alarm: Some(spec.datapoints_to_alarm.unwrap_or(spec.evaluation_periods)),
        missing_data: spec.missing_data.name().to_owned(),
        evaluate_low_sample_count_percentile: low_samples_of(statistic.as_deref(), low_samples),
        statistic,
        unit: spec.unit.map(|unit| unit.0),
        description: spec.description,
        actions: as_set(spec.actions.into_iter().map(|action| action.0)),
        ok_actions: as_set(spec.ok_actions.into_iter().map(|action| action.0)),
        insufficient_data_actions: as_set(spec.insufficient_data_actions.into_iter().map(|action| action.0)),
        enabled: spec.enabled,
        metrics: spec.metrics.and_then(|metrics| query::desired(metrics, scope)),
        others: BTreeMap::new(),
    };
    scope.is_sound().then_some(state)
}

/// What the schema cannot say.
fn check(spec: &Spec, scope: &mut Scope<'_>) {
    check_subject(spec, scope);
    if let Some(period) = spec.period {
        check_period(period.0, &["period"], scope);
    }
    // CloudWatch evaluates an expression by the longest of its periods.
    let longest = spec.metrics.iter().flatten().filter_map(query::Spec::period).max();
    let period = spec.period.map(|period| period.0).or(longest).unwrap_or(60);
    // CloudWatch looks back one day, and seven with periods of an hour or more.
    let (longest, allowed) = if period < 3600 { (86_400, "one day") } else { (604_800, "seven days") };
    if u64::from(period) * u64::from(spec.evaluation_periods.unsigned_abs()) > longest {
        let what = format!("{} periods of {period} seconds are longer than {allowed}", spec.evaluation_periods);
        scope.fault_with_help(
            &["evaluation_periods"],
            what,
            "periods of an hour or more may reach back seven days, shorter ones one",
        );
    }
    if spec.datapoints_to_alarm.is_some_and(|points| points > spec.evaluation_periods) {
        let message = format!("these are more than the periods that are looked at, which are {}", spec.evaluation_periods);
        scope.fault(&["datapoints_to_alarm"], message);
    }
    if spec.evaluate_low_sample_count_percentile.is_some() && !spec.statistic.as_deref().is_some_and(is_percentile) {
        scope.fault(&["evaluate_low_sample_count_percentile"], "this is for percentiles, such as statistic: p99");
    }
    let actions = [
        ("actions", &spec.actions),
        ("ok_actions", &spec.ok_actions),
        ("insufficient_data_actions", &spec.insufficient_data_actions),
    ];
    for (key, _) in actions.into_iter().filter(|(_, actions)| actions.len() > 5) {
        scope.fault(&[key], "an alarm takes at most 5 actions for each state");
    }
}

/// An alarm watches one metric or an expression, and never half of either.
fn check_subject(spec: &Spec, scope: &mut Scope<'_>) {
    let of_metric =
        [("metric", spec.metric.is_some()), ("statistic", spec.statistic.is_some()), ("period", spec.period.is_some())];
    if spec.metrics.is_none() {
        let missing: Vec<String> = of_metric.iter().filter(|(_, written)| !written).map(|(key, _)| format!("`{key}`")).collect();
        if !missing.is_empty() {
            let help = "an alarm has `metric`, `statistic` and `period`, or `metrics` for an expression on several";
            scope.fault_with_help::<&str>(
                &[],
                format!("it is not said what is watched: {} is missing", missing.join(", ")),
                help,
            );
        }
        return;
    }
    let others = [("of", spec.of.is_some()), ("dimensions", !spec.dimensions.is_empty()), ("unit", spec.unit.is_some())];
    for (key, _) in of_metric.into_iter().chain(others).filter(|(_, written)| *written) {
        scope.fault(&[key], format!("beside `metrics` there is no `{key}`: it belongs to one of them"));
    }
}

/// A period in seconds.
pub fn check_period(period: u32, path: &[&str], scope: &mut Scope<'_>) {
    if ![10, 20, 30].contains(&period) && (period == 0 || !period.is_multiple_of(60)) {
        scope.fault(path, "a period is 10s, 20s, 30s, or whole minutes");
    }
}

/// Notes what keeps an alarm on a metric from ever ringing. `path` is where the metric stands.
pub fn note(faults: Vec<metrics::Fault>, path: &[&str], scope: &mut Scope<'_>) {
    for fault in faults {
        let place: Vec<&str> = path.iter().copied().chain([fault.field]).collect();
        match fault.help {
            Some(help) => scope.fault_with_help(&place, fault.message, help),
            None => scope.fault(&place, fault.message),
        }
    }
}

/// The dimensions written, and those of the resource that is watched. `path` is where `of` and `dimensions` stand.
pub fn dimensions(
    of: Option<&str>,
    written: &BTreeMap<String, String>,
    path: &[&str],
    scope: &mut Scope<'_>,
) -> Option<BTreeMap<String, String>> {
    let below = |keys: &[&'static str]| path.iter().copied().chain(keys.iter().copied()).collect::<Vec<&str>>();
    let mut dimensions = written.clone();
    if let Some(of) = of {
        let mut parts = of.split('.');
        let (section, name) = (parts.next()?, parts.next()?);
        // No edge: an endpoint may roll back on alarms that watch it.
        let link = scope.mention(section, name, &below(&["of"]))?;
        let given = match section {
            "endpoints" => {
                let variant = parts.next().unwrap_or(VARIANT).to_owned();
                vec![("EndpointName", link.name), ("VariantName", variant)]
            }
            "functions" => vec![("FunctionName", link.name)],
            _ => vec![("StateMachineArn", link.arn)],
        };
        for (key, value) in given {
            if dimensions.insert(key.to_owned(), value).is_some() {
                scope.fault(&below(&["dimensions", key]), format!("`of` gives {key} already"));
            }
        }
    }
    if dimensions.len() > 30 {
        scope.fault(&below(&["dimensions"]), "a metric has at most 30 dimensions");
    }
    for (key, value) in written {
        if key.is_empty() || key.len() > 255 || key.starts_with(':') || value.is_empty() || value.len() > 1024 {
            let place: Vec<&str> = below(&["dimensions"]).into_iter().chain([key.as_str()]).collect();
            scope.fault(&place, "a dimension has a name of 1 to 255 characters and a value of 1 to 1024");
        }
    }
    Some(dimensions)
}
