//! CloudWatch alarms on one metric. An alarm that someone turned into one on an expression shows as such.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, EvaluationCriteria, EvaluationWindow, MetricAlarm, MetricDataQuery, StandardUnit,
    Statistic,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::{Attribute, Kind, Live, Part, Tags, Target, Wanted, World};
use crate::kinds::units::Seconds;

/// The variant that an endpoint has if nothing else is said of it.
const VARIANT: &str = "AllTraffic";
/// How many alarms one DescribeAlarms takes by name.
const AT_ONCE: usize = 100;
const STATISTICS: [&str; 5] = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"];

/// Metrics that are often misspelt: CloudWatch takes any name, and the alarm then waits for ever.
///
/// Sources: the metrics pages of the SageMaker, Lambda and Step Functions developer guides.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "AWS/SageMaker",
        &[
            "Invocations",
            "InvocationsPerInstance",
            "InvocationsPerCopy",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
            "InvocationsFailed",
            "ModelLatency",
            "OverheadLatency",
            "ModelSetupTime",
            "TimeToFirstByte",
            "ConcurrentRequestsPerModel",
            "ConcurrentRequestsPerCopy",
        ],
    ),
    (
        "/aws/sagemaker/Endpoints",
        &["CPUUtilization", "MemoryUtilization", "GPUUtilization", "GPUMemoryUtilization", "DiskUtilization", "CPUReservation"],
    ),
    (
        "AWS/Lambda",
        &[
            "Invocations",
            "Errors",
            "DeadLetterErrors",
            "DestinationDeliveryFailures",
            "Throttles",
            "Duration",
            "PostRuntimeExtensionsDuration",
            "IteratorAge",
            "ConcurrentExecutions",
            "UnreservedConcurrentExecutions",
            "ClaimedAccountConcurrency",
            "AsyncEventsReceived",
            "AsyncEventAge",
            "AsyncEventsDropped",
        ],
    ),
    (
        "AWS/States",
        &[
            "ExecutionTime",
            "ExecutionThrottled",
            "ExecutionsStarted",
            "ExecutionsSucceeded",
            "ExecutionsFailed",
            "ExecutionsAborted",
            "ExecutionsTimedOut",
        ],
    ),
];

pub struct Alarm;

/// A CloudWatch alarm on one metric.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name in CloudWatch; by default `<app>-<environment>-<name>`.
    #[schemars(length(min = 1, max = 255))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// Namespace and name, such as AWS/SageMaker Invocation5XXErrors.
    #[schemars(regex(pattern = r"^[^:\s]\S{0,254} \S.{0,254}$"))]
    metric: String,
    /// What is watched: endpoints.NAME, endpoints.NAME.VARIANT, functions.NAME or state_machines.NAME.
    #[schemars(regex(pattern = r"^(endpoints\.[^.\s]+(\.[^.\s]+)?|(functions|state_machines)\.[^.\s]+)$"))]
    of: Option<String>,
    /// Dimensions of the metric, besides those that `of` gives.
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    /// Sum, Average, Minimum, Maximum, SampleCount, or one such as p99, tm95, IQM or PR(0:100).
    #[schemars(regex(
        pattern = r"^(Sum|Average|Minimum|Maximum|SampleCount|IQM|(p|tm|tc|ts|wm)([0-9]{1,2}(\.[0-9]{1,10})?|100)|(PR|TM|TC|TS|WM)\([0-9.%]*:[0-9.%]*\))$"
    ))]
    statistic: String,
    /// How long each data point is: 10s, 20s, 30s, or whole minutes.
    period: Seconds,
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

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
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
struct Unit(
    #[schemars(regex(
        pattern = r"^(Seconds|Microseconds|Milliseconds|Percent|None|(Count|(Kilo|Mega|Giga|Tera)(bytes|bits)|Bytes|Bits)(/Second)?)$"
    ))]
    String,
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

/// All of an alarm that a person could change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Namespace and name; absent from alarms on an expression.
    metric: Option<String>,
    dimensions: BTreeMap<String, String>,
    statistic: Option<String>,
    /// In seconds.
    period: Option<i32>,
    threshold: Option<f64>,
    comparison: Option<String>,
    evaluation_periods: Option<i32>,
    datapoints_to_alarm: Option<i32>,
    missing_data: String,
    evaluate_low_sample_count_percentile: Option<String>,
    unit: Option<String>,
    description: String,
    actions: Vec<String>,
    ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    enabled: bool,
    /// The queries of an alarm on an expression, which scones does not write.
    metrics: Option<Value>,
    /// What else an alarm can have and scones does not write.
    others: BTreeMap<String, Value>,
}

impl Kind for Alarm {
    const SECTION: &'static str = "alarms";
    const TITLE: &'static str = "CloudWatch alarm";
    const LONGEST_NAME: usize = 255;
    const FIELDS: &'static [Field] = &[
        Field { path: "actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "ok_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "insufficient_data_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "metrics", rule: Rule::Document, why: "queries refer to each other" },
    ];
    const DEADLINE: Duration = Duration::from_secs(60);

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = world.arn("cloudwatch", &format!("alarm:{name}"));
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "cloudwatch", "alarm:")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        check(&spec, scope);
        let dimensions = dimensions(&spec, scope)?;
        let statistic = canonical(&spec.statistic);
        let low_samples = spec.evaluate_low_sample_count_percentile.map(|samples| match samples {
            LowSamples::Evaluate => "evaluate",
            LowSamples::Ignore => "ignore",
        });
        let state = State {
            metric: Some(spec.metric),
            dimensions,
            period: Some(spec.period.0.try_into().ok()?),
            threshold: Some(spec.threshold),
            comparison: Some(spec.comparison.operator().to_owned()),
            evaluation_periods: Some(spec.evaluation_periods),
            datapoints_to_alarm: Some(spec.datapoints_to_alarm.unwrap_or(spec.evaluation_periods)),
            missing_data: spec.missing_data.name().to_owned(),
            evaluate_low_sample_count_percentile: low_samples_of(Some(&statistic), low_samples),
            statistic: Some(statistic),
            unit: spec.unit.map(|unit| unit.0),
            description: spec.description,
            actions: as_set(spec.actions.into_iter().map(|action| action.0)),
            ok_actions: as_set(spec.ok_actions.into_iter().map(|action| action.0)),
            insufficient_data_actions: as_set(spec.insufficient_data_actions.into_iter().map(|action| action.0)),
            enabled: spec.enabled,
            metrics: None,
            others: BTreeMap::new(),
        };
        scope.is_sound().then_some(state)
    }

    /// One request for each hundred alarms. Tags come from the tagging API.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.chunks(AT_ONCE).map(|some| read(aws, some))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        put(aws, &to, Some(&to.tags)).await
    }

    /// PutMetricAlarm replaces an alarm whole, but for its state and its tags.
    async fn update(aws: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        put(aws, &to, None).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let request = aws.cloudwatch().delete_alarms().alarm_names(name);
        aws.call("cloudwatch:DeleteAlarms", name, request.send()).await.optional().map(drop)
    }
}

/// What the schema cannot say.
fn check(spec: &Spec, scope: &mut Scope<'_>) {
    let period = spec.period.0;
    if ![10, 20, 30].contains(&period) && (period == 0 || !period.is_multiple_of(60)) {
        scope.fault(&["period"], "a period is 10s, 20s, 30s, or whole minutes");
    }
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
    if spec.evaluate_low_sample_count_percentile.is_some() && !is_percentile(&spec.statistic) {
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
    if let Some((namespace, name)) = spec.metric.split_once(' ') {
        check_metric(namespace, name, &spec.statistic, scope);
    }
}

/// Finds the slips that CloudWatch takes without a word.
fn check_metric(namespace: &str, name: &str, statistic: &str, scope: &mut Scope<'_>) {
    let known = |wanted: &str| KNOWN.iter().find(|(known, _)| *known == wanted);
    if let Some((right, _)) = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(namespace) && *known != namespace) {
        let message = format!("there is no data under {namespace}: the case of letters counts");
        scope.fault_with_help(&["metric"], message, format!("did you mean `{right}`?"));
    }
    let names = known(namespace).map_or(&[][..], |(_, names)| names);
    // A name that is new here may be new at AWS; only one that nearly is a known one is a slip.
    let near = |known: &&&str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()) <= 2;
    if let Some(right) = names.iter().find(near).filter(|_| !names.contains(&name)) {
        scope.fault_with_help(&["metric"], format!("{namespace} has no metric {name}"), format!("did you mean `{right}`?"));
    }
    if namespace == "AWS/SageMaker" && ["Invocations", "InvocationsPerInstance"].contains(&name) && statistic != "Sum" {
        scope.fault(&["statistic"], format!("SageMaker's {name} means something as a Sum only"));
    }
}

/// The dimensions written, and those of the resource that is watched.
fn dimensions(spec: &Spec, scope: &mut Scope<'_>) -> Option<BTreeMap<String, String>> {
    let mut dimensions = spec.dimensions.clone();
    if let Some(of) = &spec.of {
        let mut parts = of.split('.');
        let (section, name) = (parts.next()?, parts.next()?);
        // No edge: an endpoint may roll back on alarms that watch it.
        let link = scope.mention(section, name, &["of"])?;
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
                scope.fault(&["dimensions", key], format!("`of` gives {key} already"));
            }
        }
    }
    if dimensions.len() > 30 {
        scope.fault(&["dimensions"], "a metric has at most 30 dimensions");
    }
    for (key, value) in &spec.dimensions {
        if key.is_empty() || key.len() > 255 || key.starts_with(':') || value.is_empty() || value.len() > 1024 {
            scope.fault(&["dimensions", key], "a dimension has a name of 1 to 255 characters and a value of 1 to 1024");
        }
    }
    Some(dimensions)
}

fn as_set(members: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut members: Vec<String> = members.into_iter().collect();
    members.sort();
    members.dedup();
    members
}

fn is_percentile(statistic: &str) -> bool {
    statistic.starts_with('p')
}

/// What CloudWatch makes of percentiles over few data, if it was not told; nothing for other statistics.
fn low_samples_of(statistic: Option<&str>, told: Option<&str>) -> Option<String> {
    statistic.filter(|statistic| is_percentile(statistic)).map(|_| told.unwrap_or("evaluate").to_owned())
}

/// `p99.0` and `p99` are one statistic, and CloudWatch may answer either.
fn canonical(statistic: &str) -> String {
    let mut out = String::new();
    let mut rest = statistic;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        let short = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        out.push_str(before);
        out.push_str(short);
        rest = after;
    }
    out + rest
}

async fn read(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let names: Vec<String> = wanted.iter().map(|one| one.name.clone()).collect();
    let mut found = vec![];
    let mut next = None;
    loop {
        // Without the types, composite alarms would be left out, and their names seem free.
        let request = aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names(Some(names.clone()))
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .set_next_token(next);
        let answer = aws.call("cloudwatch:DescribeAlarms", "", request.send()).await?;
        if let Some(other) = answer.composite_alarms().first() {
            let name = other.alarm_name().unwrap_or_default();
            let message = "this name is taken by a composite alarm, which scones does not manage";
            return Err(AwsError::unexpected("cloudwatch:DescribeAlarms", name, message));
        }
        found.extend(answer.metric_alarms.unwrap_or_default().into_iter().map(live));
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Folds what CloudWatch leaves out to what it means.
fn live(found: MetricAlarm) -> Live<State> {
    let others = others(&found);
    let statistic = match (&found.statistic, &found.extended_statistic) {
        (Some(statistic), _) => Some(statistic.as_str().to_owned()),
        (None, extended) => extended.as_deref().map(canonical),
    };
    let metric = match (found.namespace, found.metric_name) {
        (Some(namespace), Some(name)) => Some(format!("{namespace} {name}")),
        (namespace, name) => name.or(namespace),
    };
    let dimensions = found.dimensions.unwrap_or_default().into_iter();
    let state = State {
        metric,
        dimensions: dimensions.map(|one| (one.name.unwrap_or_default(), one.value.unwrap_or_default())).collect(),
        evaluate_low_sample_count_percentile: low_samples_of(
            statistic.as_deref(),
            found.evaluate_low_sample_count_percentile.as_deref().filter(|told| !told.is_empty()),
        ),
        statistic,
        period: found.period,
        threshold: found.threshold,
        comparison: found.comparison_operator.map(|operator| operator.as_str().to_owned()),
        evaluation_periods: found.evaluation_periods,
        datapoints_to_alarm: found.datapoints_to_alarm.or(found.evaluation_periods),
        missing_data: found.treat_missing_data.filter(|told| !told.is_empty()).unwrap_or_else(|| "missing".to_owned()),
        unit: found.unit.map(|unit| unit.as_str().to_owned()),
        description: found.alarm_description.unwrap_or_default(),
        actions: as_set(found.alarm_actions.unwrap_or_default()),
        ok_actions: as_set(found.ok_actions.unwrap_or_default()),
        insufficient_data_actions: as_set(found.insufficient_data_actions.unwrap_or_default()),
        enabled: found.actions_enabled.unwrap_or(true),
        metrics: found.metrics.filter(|queries| !queries.is_empty()).map(|queries| queries.iter().map(query).collect()),
        others,
    };
    Live::settled(found.alarm_name.unwrap_or_default(), found.alarm_arn.unwrap_or_default(), state, None)
}

fn query(query: &MetricDataQuery) -> Value {
    let metric = query.metric_stat.as_ref().map(|stat| {
        let metric = stat.metric.as_ref();
        let dimensions: BTreeMap<&str, &str> = metric
            .map(|metric| metric.dimensions())
            .unwrap_or_default()
            .iter()
            .map(|one| (one.name().unwrap_or_default(), one.value().unwrap_or_default()))
            .collect();
        json!({
            "namespace": metric.and_then(|metric| metric.namespace()),
            "name": metric.and_then(|metric| metric.metric_name()),
            "dimensions": dimensions,
            "period": stat.period,
            "statistic": stat.stat,
            "unit": stat.unit.as_ref().map(|unit| unit.as_str()),
        })
    });
    json!({
        "id": query.id,
        "expression": query.expression,
        "metric": metric,
        "label": query.label,
        "period": query.period,
        "account": query.account_id,
        "returned": query.return_data.unwrap_or(true),
    })
}

/// What an alarm can have that scones does not write, and an update takes away.
fn others(found: &MetricAlarm) -> BTreeMap<String, Value> {
    let window = match &found.evaluation_window {
        Some(EvaluationWindow::WallClockWindow(window)) => Some(json!({ "wall_clock": window.timezone })),
        Some(EvaluationWindow::SlidingWindow(_)) | None => None,
        Some(_) => Some(json!("unknown")),
    };
    let criteria = found.evaluation_criteria.as_ref().map(|criteria| match criteria {
        EvaluationCriteria::PromQlCriteria(criteria) => {
            json!({ "query": criteria.query, "pending": criteria.pending_period, "recovery": criteria.recovery_period })
        }
        _ => json!("unknown"),
    });
    let warm_up = found.warm_up_configuration.as_ref().map(|warm_up| {
        let whole = warm_up.only_start_evaluating_after_warm_up_period_ends.unwrap_or(false);
        json!({ "minutes": warm_up.warm_up_period_duration_in_minutes, "whole": whole })
    });
    let propagation = found.action_configuration.as_ref().and_then(|actions| actions.alarm_tags_propagation.as_ref());
    let propagation = propagation.filter(|tags| tags.enabled == Some(true)).map(
        |tags| json!({ "only": as_set(tags.included_tag_keys().to_vec()), "not": as_set(tags.excluded_tag_keys().to_vec()) }),
    );
    let all = [
        ("threshold_metric", found.threshold_metric_id.as_ref().filter(|id| !id.is_empty()).map(|id| json!(id))),
        ("evaluation_window", window),
        ("evaluation_criteria", criteria),
        ("warm_up", warm_up),
        ("tags_propagation", propagation),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// Tags are taken of a new alarm only.
async fn put(aws: &Aws, to: &Target<State>, tags: Option<&Tags>) -> Result<(), AwsError> {
    let (name, state) = (&to.name, &to.state);
    let (namespace, metric) = state.metric.as_deref().and_then(|metric| metric.split_once(' ')).unwrap_or_default();
    let statistic = state.statistic.as_deref().unwrap_or_default();
    let simple = STATISTICS.contains(&statistic);
    let dimensions = state.dimensions.iter().map(|(key, value)| Dimension::builder().name(key).value(value).build());
    let request = aws
        .cloudwatch()
        .put_metric_alarm()
        .alarm_name(name)
        .alarm_description(&state.description)
        .actions_enabled(state.enabled)
        .set_alarm_actions(Some(state.actions.clone()))
        .set_ok_actions(Some(state.ok_actions.clone()))
        .set_insufficient_data_actions(Some(state.insufficient_data_actions.clone()))
        .namespace(namespace)
        .metric_name(metric)
        .set_dimensions(Some(dimensions.collect()))
        .set_statistic(simple.then(|| Statistic::from(statistic)))
        .set_extended_statistic((!simple).then(|| statistic.to_owned()))
        .set_period(state.period)
        .set_unit(state.unit.as_deref().map(StandardUnit::from))
        .set_evaluation_periods(state.evaluation_periods)
        .set_datapoints_to_alarm(state.datapoints_to_alarm)
        .set_threshold(state.threshold)
        .set_comparison_operator(state.comparison.as_deref().map(ComparisonOperator::from))
        .treat_missing_data(&state.missing_data)
        .set_evaluate_low_sample_count_percentile(state.evaluate_low_sample_count_percentile.clone())
        .set_tags(tags.map(tags::for_cloudwatch));
    aws.call("cloudwatch:PutMetricAlarm", name, request.send()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_have_one_form() {
        let forms = [("p99.0", "p99"), ("p99.90", "p99.9"), ("p100", "p100"), ("tm90", "tm90"), ("Sum", "Sum")];
        let ranges = [("PR(100:2000)", "PR(100:2000)"), ("TM(10.50%:90.0%)", "TM(10.5%:90%)"), ("TC(:0.50)", "TC(:0.5)")];
        for (given, wanted) in forms.into_iter().chain(ranges) {
            assert_eq!(canonical(given), wanted);
        }
    }

    #[test]
    fn what_cloudwatch_leaves_out_is_its_default() {
        let found = MetricAlarm::builder().alarm_name("a").extended_statistic("p99.0").evaluation_periods(3).build();
        let state = live(found).state;
        assert_eq!((state.statistic.as_deref(), state.datapoints_to_alarm), (Some("p99"), Some(3)));
        assert_eq!(state.evaluate_low_sample_count_percentile.as_deref(), Some("evaluate"));
        assert_eq!((state.missing_data.as_str(), state.enabled), ("missing", true));
        assert_eq!((state.metrics, state.others), (None, BTreeMap::new()));
    }

    #[test]
    fn an_expression_shows() {
        let query = MetricDataQuery::builder().id("e").expression("m1 / m2").return_data(true).build();
        let state = live(MetricAlarm::builder().alarm_name("a").metrics(query).threshold_metric_id("band").build()).state;
        assert_eq!(state.metrics.and_then(|queries| queries.pointer("/0/expression").cloned()), Some(json!("m1 / m2")));
        assert_eq!(state.others.get("threshold_metric"), Some(&json!("band")));
    }
}
