//! CloudWatch's answers → state.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{EvaluationCriteria, EvaluationWindow, MetricAlarm};
use serde_json::{Value, json};

use super::low_samples_of;
use crate::aws::{Aws, AwsError};
use crate::kind::{Live, Wanted};
use crate::kinds::cloudwatch::metric_alarm::{State, canonical, watched_configuration};
use crate::kinds::cloudwatch::{alarms, as_set, listed, query, refuse_taken, tags_propagation};

/// Reads metric alarms.
///
/// # Errors
/// What CloudWatch answers; a declared name that a composite alarm has.
pub async fn read(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let found = alarms(aws, wanted).await?;
    let taken = "this name is taken by a composite alarm: give the metric alarm another one with `name:`";
    refuse_taken(wanted, found.composite.iter().map(|other| other.alarm_name()), taken)?;
    let is_wanted = |name: Option<&str>| wanted.iter().any(|one| Some(one.name.as_str()) == name);
    Ok(found.metric.into_iter().filter(|one| is_wanted(one.alarm_name())).map(live).collect())
}

/// The names of the metric alarms that start as the environment's do, but for those of rollouts, which belong to their endpoint.
///
/// # Errors
/// What CloudWatch answers.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let steady = listed(aws).await?.metric.into_iter().filter(|alarm| watched_configuration(alarm).is_none());
    Ok(steady.filter_map(|alarm| alarm.alarm_name).collect())
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
        metrics: found.metrics.filter(|queries| !queries.is_empty()).map(query::live),
        others,
    };
    Live::settled(found.alarm_name.unwrap_or_default(), found.alarm_arn.unwrap_or_default(), state, None)
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
    let all = [
        ("threshold_metric", found.threshold_metric_id.as_ref().filter(|id| !id.is_empty()).map(|id| json!(id))),
        ("evaluation_window", window),
        ("evaluation_criteria", criteria),
        ("evaluation_interval", found.evaluation_interval.map(|seconds| json!(seconds))),
        ("warm_up", warm_up),
        ("tags_propagation", tags_propagation(found.action_configuration.as_ref())),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::MetricDataQuery;

    use super::*;

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
        assert!(state.metrics.is_some_and(|queries| queries.contains_key("e")));
        assert_eq!(state.others.get("threshold_metric"), Some(&json!("band")));
    }
}
