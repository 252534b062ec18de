//! Alarms that watch a rollout: copies of the declared ones, each kept to the configuration that is rolled out.
//!
//! A declared alarm on an endpoint takes both fleets together, and nine tenths of the requests that are fine hide a canary
//! that is not. SageMaker's metrics have the configuration's name among their dimensions too, and that name is known before
//! the configuration serves.
//!
//! Source: "Auto-Rollback Configuration and Monitoring" in SageMaker's developer guide.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::State;
use super::wait::too_long;
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError};
use crate::kind::Target;
use crate::kinds::cloudwatch::metric_alarm::{self, CONFIGURATION, put, watched_configuration};
use crate::kinds::cloudwatch::{self, named};
use crate::kinds::rollout;

const ENDPOINT: &str = "EndpointName";
const VARIANT: &str = "VariantName";
/// The longest name that CloudWatch takes, and the longest description.
const LONGEST: usize = 255;
const LONGEST_DESCRIPTION: usize = 1024;
/// How long an alarm may go on ringing of an earlier try, beyond the periods that it looks at.
const RINGS_ON: u64 = 180;

/// How an endpoint is updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    #[serde(flatten)]
    pub way: rollout::Rollout,
    /// Those of the alarms that watch the endpoint itself, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watched: BTreeMap<String, Watched>,
}

/// An alarm that watches the endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Its name in the file.
    pub entry: String,
    pub alarm: metric_alarm::State,
}

/// The configuration in the name of a rollout's alarm: all up to its hash. Where there could be several, the first.
pub fn configuration(alarm: &str) -> Option<&str> {
    let ends = alarm.match_indices('-').map(|(end, _)| &alarm[..end]);
    ends.into_iter().find(|start| super::base(start).is_some())
}

/// The copies for a rollout to a configuration, by name.
fn copies(state: &State, endpoint: &str, config: &str) -> BTreeMap<String, metric_alarm::State> {
    let Some(rollout) = &state.rollout else { return BTreeMap::new() };
    let one = |watched: &Watched| {
        let name = format!("{config}-{}", watched.entry);
        if lacks_variant(&watched.alarm, endpoint) {
            let of_variant = |variant: &String| (format!("{name}.{variant}"), copy(&watched.alarm, endpoint, config, variant));
            state.variants.keys().map(of_variant).collect::<Vec<_>>()
        } else {
            vec![(name, copy(&watched.alarm, endpoint, config, ""))]
        }
    };
    let cut = |name: String| name.chars().take(LONGEST).collect::<String>();
    rollout.watched.values().flat_map(one).map(|(name, alarm)| (cut(name), alarm)).collect()
}

/// Whether an alarm takes all variants of the endpoint together; the metrics of a configuration have one each.
fn lacks_variant(alarm: &metric_alarm::State, endpoint: &str) -> bool {
    let mut alarm = alarm.clone();
    dimensions(&mut alarm, endpoint).into_iter().any(|dimensions| !dimensions.contains_key(VARIANT))
}

/// The same alarm on one configuration, which tells nobody but the rollout. Before the new fleet gets its first request there
/// is no data, which must not look like trouble.
fn copy(alarm: &metric_alarm::State, endpoint: &str, config: &str, variant: &str) -> metric_alarm::State {
    let mut copy = alarm.clone();
    for dimensions in dimensions(&mut copy, endpoint) {
        dimensions.insert(CONFIGURATION.to_owned(), config.to_owned());
        dimensions.entry(VARIANT.to_owned()).or_insert_with(|| variant.to_owned());
    }
    let description = format!("Watches the rollout of {config}. {}", alarm.description);
    copy.description = description.trim_end().chars().take(LONGEST_DESCRIPTION).collect();
    copy.missing_data = "notBreaching".to_owned();
    copy.actions.clear();
    copy.ok_actions.clear();
    copy.insufficient_data_actions.clear();
    copy
}

/// The dimensions of all metrics of an alarm that are the endpoint's.
fn dimensions<'a>(alarm: &'a mut metric_alarm::State, endpoint: &str) -> Vec<&'a mut BTreeMap<String, String>> {
    let inner = alarm.metrics.iter_mut().flat_map(|queries| queries.values_mut()).map(|query| &mut query.dimensions);
    let all = std::iter::once(&mut alarm.dimensions).chain(inner);
    all.filter(|dimensions| dimensions.get(ENDPOINT).is_some_and(|name| name == endpoint)).collect()
}

/// Makes the alarms of a rollout to a configuration, and answers the names of all that take it back. None of them rings by
/// then: SageMaker would go back at once.
pub async fn ensure(aws: &Aws, to: &Target<State>, config: &str) -> Result<Vec<String>, AwsError> {
    let Some(rollout) = &to.state.rollout else { return Ok(vec![]) };
    let copies = copies(&to.state, &to.name, config);
    // Tags are taken of new alarms only; those of an earlier try have them.
    try_join_all(copies.iter().map(|(name, alarm)| put(aws, name, alarm, Some(&to.tags)))).await?;
    let others = rollout.way.roll_back_on.iter().filter(|name| !rollout.watched.contains_key(*name)).cloned();
    let names: BTreeSet<String> = copies.keys().cloned().chain(others).collect();
    let names: Vec<String> = names.into_iter().collect();
    until_quiet(aws, &to.name, &names, &copies).await?;
    Ok(names)
}

/// Waits while a copy still rings of an earlier try of the same configuration. Declared alarms that ring are not waited for.
async fn until_quiet(
    aws: &Aws,
    endpoint: &str,
    names: &[String],
    copies: &BTreeMap<String, metric_alarm::State>,
) -> Result<(), AwsError> {
    if names.is_empty() {
        return Ok(());
    }
    let looked_at = |alarm: &metric_alarm::State| {
        let longest = alarm.metrics.iter().flat_map(|queries| queries.values()).filter_map(|query| query.period).max();
        let period = u64::try_from(alarm.period.or(longest).unwrap_or(60)).unwrap_or_default();
        period * u64::try_from(alarm.evaluation_periods.unwrap_or(1)).unwrap_or_default()
    };
    let longest = copies.values().map(looked_at).max().unwrap_or_default();
    let mut pace = Pace::new(std::time::Duration::from_secs(longest + RINGS_ON));
    loop {
        let found = named(aws, names).await?;
        let ringing = ringing(found.metric, found.composite);
        let Some(name) = ringing.iter().find(|name| !copies.contains_key(*name)).or(ringing.first()) else { return Ok(()) };
        if !copies.contains_key(name) {
            let message = format!("the alarm {name} rings already, so the rollout would go back at once: see to that first");
            return Err(AwsError::unexpected("sagemaker:UpdateEndpoint", endpoint, message));
        }
        if !pace.wait(&format!("the alarm {name} to stop ringing of an earlier try")).await {
            return Err(too_long(
                "sagemaker:UpdateEndpoint",
                endpoint,
                &format!("the alarm {name} still rings of an earlier try"),
            ));
        }
    }
}

fn ringing(metric: Vec<MetricAlarm>, composite: Vec<aws_sdk_cloudwatch::types::CompositeAlarm>) -> Vec<String> {
    let metric = metric.into_iter().map(|alarm| (alarm.alarm_name, alarm.state_value));
    let composite = composite.into_iter().map(|alarm| (alarm.alarm_name, alarm.state_value));
    metric.chain(composite).filter(|(_, state)| *state == Some(StateValue::Alarm)).filter_map(|(name, _)| name).collect()
}

/// Deletes the alarms of rollouts whose names start with `prefix` and that watch configurations of which `is_one` holds.
pub async fn delete(aws: &Aws, prefix: &str, is_one: impl Fn(&str) -> bool) -> Result<(), AwsError> {
    let found = cloudwatch::named_alike(aws, prefix).await?.metric.into_iter();
    let ours = found.filter(|alarm| watched_configuration(alarm).is_some_and(&is_one));
    let names: Vec<String> = ours.filter_map(|alarm| alarm.alarm_name).collect();
    cloudwatch::delete(aws, &names).await
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::state;
    use super::*;

    const CONFIG: &str = "shop-dev-net-0a1b2c3d";

    fn rolled_out(alarm: metric_alarm::State) -> State {
        let way =
            rollout::Rollout { canary: Some(10), linear: None, bake: 60, roll_back_on: vec!["errors".into()], max_wait: 600 };
        let watched = [("shop-dev-errors".to_owned(), Watched { entry: "errors".into(), alarm })].into();
        State { rollout: Some(Rollout { way, watched }), ..state() }
    }

    fn alarm(dimensions: &[(&str, &str)]) -> metric_alarm::State {
        let dimensions: BTreeMap<&str, &str> = dimensions.iter().copied().collect();
        serde_json::from_value(serde_json::json!({
            "metric": "AWS/SageMaker Invocation5XXErrors", "dimensions": dimensions, "statistic": "Sum", "period": 60,
            "threshold": 3.0, "comparison": "GreaterThanThreshold", "evaluation_periods": 3, "datapoints_to_alarm": 2,
            "missing_data": "breaching", "description": "It fails.", "actions": ["arn:a"], "ok_actions": ["arn:b"],
            "insufficient_data_actions": ["arn:c"], "enabled": true, "others": {},
        }))
        .unwrap()
    }

    #[test]
    fn a_copy_watches_the_new_fleet_alone_and_tells_nobody() {
        let declared = alarm(&[(ENDPOINT, "shop-dev-net"), (VARIANT, "AllTraffic")]);
        let copies = copies(&rolled_out(declared.clone()), "shop-dev-net", CONFIG);
        let dimensions =
            [(ENDPOINT, "shop-dev-net"), (VARIANT, "AllTraffic"), (CONFIGURATION, CONFIG)].map(|(k, v)| (k.into(), v.into()));
        let expected = metric_alarm::State {
            dimensions: dimensions.into(),
            missing_data: "notBreaching".into(),
            description: format!("Watches the rollout of {CONFIG}. It fails."),
            actions: vec![],
            ok_actions: vec![],
            insufficient_data_actions: vec![],
            ..declared
        };
        assert_eq!(copies, [(format!("{CONFIG}-errors"), expected)].into());
    }

    #[test]
    fn an_alarm_on_all_variants_becomes_one_for_each() {
        let mut state = rolled_out(alarm(&[(ENDPOINT, "shop-dev-net")]));
        let variant = state.variants["AllTraffic"].clone();
        state.variants.insert("Other".into(), variant);
        let copies = copies(&state, "shop-dev-net", CONFIG);
        let names: Vec<&String> = copies.keys().collect();
        assert_eq!(names, [&format!("{CONFIG}-errors.AllTraffic"), &format!("{CONFIG}-errors.Other")]);
        assert_eq!(copies[names[1]].dimensions[VARIANT], "Other");
    }

    #[test]
    fn all_of_the_endpoints_metrics_in_an_expression_are_of_the_new_fleet() {
        let query = |endpoint: &str| {
            serde_json::json!({ "metric": "AWS/SageMaker Invocations", "statistic": "Sum", "period": 60, "returned": false,
                "dimensions": { "EndpointName": endpoint, "VariantName": "AllTraffic" } })
        };
        let mut declared = alarm(&[]);
        let queries = serde_json::json!({ "calls": query("shop-dev-net"), "others": query("shop-dev-other") });
        declared.metrics = serde_json::from_value(queries).unwrap();
        let copies = copies(&rolled_out(declared), "shop-dev-net", CONFIG);
        let metrics = copies[&format!("{CONFIG}-errors")].metrics.clone().unwrap();
        assert_eq!(metrics["calls"].dimensions.get(CONFIGURATION).map(String::as_str), Some(CONFIG));
        assert_eq!(metrics["others"].dimensions.get(CONFIGURATION), None);
    }

    #[test]
    fn names_are_cut_to_what_cloudwatch_takes() {
        let mut state = rolled_out(alarm(&[(ENDPOINT, "shop-dev-net")]));
        if let Some(rollout) = &mut state.rollout {
            rollout.watched.values_mut().for_each(|one| one.entry = "e".repeat(300));
        }
        assert!(copies(&state, "shop-dev-net", CONFIG).keys().all(|name| name.chars().count() == LONGEST));
    }

    #[test]
    fn a_name_tells_the_configuration() {
        assert_eq!(configuration("shop-dev-net-0a1b2c3d-errors"), Some(CONFIG));
        assert_eq!(configuration("shop-dev-net-0a1b2c3d-all-0a1b2c3e-x"), Some(CONFIG));
        assert_eq!([configuration("shop-dev-errors"), configuration("shop-dev-net-0a1b2c3d"), configuration("é-")], [None; 3]);
    }
}
