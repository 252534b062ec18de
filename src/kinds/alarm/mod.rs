//! CloudWatch alarms on one metric, or on an expression of several.

mod members;
mod query;
mod read;
mod spec;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StandardUnit, Statistic};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Kind, Live, Part, Tags, Target, Wanted, When, World};
use query::Query;
use spec::Spec;

const STATISTICS: [&str; 5] = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"];

const ALARM: &[&str] = &["arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"];

pub struct Alarm;

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
    /// The queries of an alarm on an expression, by id.
    metrics: Option<BTreeMap<String, Query>>,
    /// What else an alarm can have and scones does not write.
    others: BTreeMap<String, Value>,
}

impl Kind for Alarm {
    const SECTION: &'static str = "alarms";
    const TITLE: &'static str = "CloudWatch alarm";
    const LONGEST_NAME: usize = 255;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "ok_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "insufficient_data_actions", rule: Rule::Unordered, why: "actions have no order" },
        Field { path: "metrics", rule: Rule::Document, why: "a document: queries refer to each other" },
    ];
    const DEADLINE: Duration = Duration::from_secs(60);
    const CALLS: &'static [Call] = &[
        // CloudWatch tells of composite alarms, which are asked for as well, only where nothing narrower is allowed.
        Call::of(When::Search, ANY, &["cloudwatch:DescribeAlarms"]),
        Call::of(When::Search, ALARM, &["cloudwatch:ListTagsForResource"]),
        Call::of(When::Create, ALARM, &["cloudwatch:PutMetricAlarm"]),
        Call::of(When::Create, ALARM, &["cloudwatch:TagResource"]),
        Call::of(When::Update(&[]), ALARM, &["cloudwatch:PutMetricAlarm"]),
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

    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "cloudwatch", "alarm:")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        spec::desired(spec, scope)
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

    /// PutMetricAlarm replaces an alarm whole, but for its state and its tags.
    async fn update(aws: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        put(aws, &to, None).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let request = aws.cloudwatch().delete_alarms().alarm_names(name);
        aws.call("cloudwatch:DeleteAlarms", name, request.send()).await.optional().map(drop)
    }
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
/// Tags are taken of a new alarm only.
async fn put(aws: &Aws, to: &Target<State>, tags: Option<&Tags>) -> Result<(), AwsError> {
    let (name, state) = (&to.name, &to.state);
    let metric = state.metric.as_deref().and_then(|metric| metric.split_once(' '));
    let (simple, extended) = match state.statistic.as_deref() {
        Some(statistic) if STATISTICS.contains(&statistic) => (Some(statistic), None),
        other => (None, other),
    };
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
        .set_namespace(metric.map(|(namespace, _)| namespace.to_owned()))
        .set_metric_name(metric.map(|(_, name)| name.to_owned()))
        .set_dimensions(metric.map(|_| dimensions.collect()))
        .set_statistic(simple.map(Statistic::from))
        .set_extended_statistic(extended.map(str::to_owned))
        .set_metrics(state.metrics.as_ref().map(query::for_cloudwatch))
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
}
