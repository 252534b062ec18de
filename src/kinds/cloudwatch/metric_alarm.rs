//! Alarms on one metric, or on an expression of several, as CloudWatch has them.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, StandardUnit, Statistic};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::{self, Query};
use crate::aws::{Aws, AwsError, tags};
use crate::kind::Tags;

const STATISTICS: [&str; 5] = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"];

/// All of an alarm that a person could change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Namespace and name; absent from alarms on an expression.
    pub metric: Option<String>,
    pub dimensions: BTreeMap<String, String>,
    pub statistic: Option<String>,
    /// In seconds.
    pub period: Option<i32>,
    pub threshold: Option<f64>,
    pub comparison: Option<String>,
    pub evaluation_periods: Option<i32>,
    pub datapoints_to_alarm: Option<i32>,
    pub missing_data: String,
    pub evaluate_low_sample_count_percentile: Option<String>,
    pub unit: Option<String>,
    pub description: String,
    pub actions: Vec<String>,
    pub ok_actions: Vec<String>,
    pub insufficient_data_actions: Vec<String>,
    pub enabled: bool,
    /// The queries of an alarm on an expression, by id.
    pub metrics: Option<BTreeMap<String, Query>>,
    /// What else an alarm can have and scones does not write.
    pub others: BTreeMap<String, Value>,
}

/// The dimension of the endpoint configuration that serves.
pub const CONFIGURATION: &str = "EndpointConfigName";

/// The endpoint configuration whose rollout an alarm watches: its name starts with that of the configuration.
pub fn watched_configuration(alarm: &MetricAlarm) -> Option<&str> {
    let inner = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric()).flat_map(|metric| metric.dimensions());
    let mut configurations = alarm.dimensions().iter().chain(inner).filter(|one| one.name() == Some(CONFIGURATION));
    let name = alarm.alarm_name()?;
    configurations
        .find_map(|one| one.value().filter(|config| name.strip_prefix(*config).is_some_and(|rest| rest.starts_with('-'))))
}

/// `p99.0` and `p99` are one statistic, and CloudWatch may answer either.
pub fn canonical(statistic: &str) -> String {
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

/// Writes an alarm whole, but for its state. Tags are taken of a new alarm only.
///
/// # Errors
/// What CloudWatch answers.
pub async fn put(aws: &Aws, name: &str, state: &State, tags: Option<&Tags>) -> Result<(), AwsError> {
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
