//! Reads how what is deployed is doing → [`Health`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, Dimension, DimensionFilter, Metric, MetricDataQuery, MetricStat, ScanBy, StateValue};
use futures::future::join_all;
use serde_json::Value;

use super::unread::tolerated;
use crate::address::Address;
use crate::aws::{Aws, AwsError};
use crate::health::{Alarm, AlarmState, Execution, Health, Monitor, Workflow};
use crate::kind::Live;
use crate::plan::{Observed, Unread};

/// How many executions of a workflow are looked at.
const EXECUTIONS: i32 = 10;
/// How far back a monitor's numbers are looked for, and how long each is kept apart.
const RECENT: Duration = Duration::from_secs(2 * 24 * 60 * 60);
const PERIOD: i32 = 300;
/// How many alarms one DescribeAlarms takes by name.
const AT_ONCE: usize = 100;
/// The metrics of the drift monitor that say it all.
const METRICS: [&str; 3] = ["Records", "PredictionPSI", "LowConfidenceRate"];

type Resources<'a> = Vec<(&'a Address, &'a Live<Value>)>;

/// Reads the health of what exists.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn health(aws: &Aws, observed: &Observed) -> Result<Health, AwsError> {
    let machines = of(observed, &["state_machines"]);
    let (alarms, workflows, monitors) =
        futures::try_join!(alarms_of(aws, observed), workflows(aws, &machines), monitors_of(aws, observed))?;
    let unread = alarms.1.into_iter().chain(workflows.1).chain(monitors.1).collect();
    Ok(Health { alarms: alarms.0, monitors: monitors.0, workflows: workflows.0, unread })
}

fn of<'a>(observed: &'a Observed, sections: &[&str]) -> Resources<'a> {
    observed.resources.iter().filter(|(address, _)| sections.contains(&address.section.as_str())).collect()
}

/// Reads the states of all alarms, and what of them could not be read.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn alarms_of(aws: &Aws, observed: &Observed) -> Result<(Vec<Alarm>, Vec<Unread>), AwsError> {
    alarms(aws, &of(observed, &["alarms", "composite_alarms"])).await
}

/// Reads the newest numbers of all monitors, and what of them could not be read.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn monitors_of(aws: &Aws, observed: &Observed) -> Result<(Vec<Monitor>, Vec<Unread>), AwsError> {
    monitors(aws, &of(observed, &["monitors"])).await
}

async fn alarms(aws: &Aws, resources: &Resources<'_>) -> Result<(Vec<Alarm>, Vec<Unread>), AwsError> {
    let mut unread = vec![];
    let seen = MetricsSeen::of(aws, resources, &mut unread);
    let pages = join_all(resources.chunks(AT_ONCE).map(|some| states(aws, some)));
    let (seen, pages) = futures::join!(seen, pages);
    let seen = seen?;
    let mut found = BTreeMap::new();
    for page in pages {
        found.extend(tolerated("the states of alarms", page, &mut unread)?.unwrap_or_default());
    }
    let alarm = |(address, live): &(&Address, &Live<Value>)| {
        let (state, since, reason) = found.remove(&live.name)?;
        Some(Alarm { address: (*address).clone(), state, since, reason, without_data: seen.missing(&live.state) })
    };
    let mut alarm = alarm;
    let alarms = resources.iter().filter_map(&mut alarm).collect();
    Ok((alarms, unread))
}

type State = (AlarmState, Option<String>, String);

async fn states(aws: &Aws, resources: &[(&Address, &Live<Value>)]) -> Result<BTreeMap<String, State>, AwsError> {
    let names: Vec<String> = resources.iter().map(|(_, live)| live.name.clone()).collect();
    let request = aws
        .cloudwatch()
        .describe_alarms()
        .set_alarm_names(Some(names))
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .max_records(100);
    let answer = aws.call("cloudwatch:DescribeAlarms", "", request.send()).await?;
    let state = |value: Option<StateValue>, since: Option<DateTime>, reason: Option<String>| {
        let state = match value {
            Some(StateValue::Ok) => AlarmState::Ok,
            Some(StateValue::Alarm) => AlarmState::Alarm,
            _ => AlarmState::InsufficientData,
        };
        (state, since.map(minute), reason.unwrap_or_default())
    };
    let metric = answer.metric_alarms.unwrap_or_default().into_iter().map(|one| {
        let since = one.state_transitioned_timestamp.or(one.state_updated_timestamp);
        (one.alarm_name.unwrap_or_default(), state(one.state_value, since, one.state_reason))
    });
    let composite = answer.composite_alarms.unwrap_or_default().into_iter().map(|one| {
        let since = one.state_transitioned_timestamp.or(one.state_updated_timestamp);
        (one.alarm_name.unwrap_or_default(), state(one.state_value, since, one.state_reason))
    });
    Ok(metric.chain(composite).collect())
}

/// A metric as an alarm names it: namespace and name, and dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Watched {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, String>,
}

impl Watched {
    /// The metrics of an alarm's state: its own, and those of its expression.
    fn all(state: &Value) -> Vec<Self> {
        let queries = state.get("metrics").and_then(Value::as_object).into_iter().flat_map(|queries| queries.values());
        [state].into_iter().chain(queries).filter_map(Self::of).collect()
    }

    fn of(state: &Value) -> Option<Self> {
        let (namespace, name) = state.get("metric")?.as_str()?.split_once(' ')?;
        let dimensions = state.get("dimensions").and_then(Value::as_object).into_iter().flatten();
        let dimensions = dimensions.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Some(Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions: dimensions.collect() })
    }
}

/// Which of the alarms' metrics CloudWatch has not seen for two weeks.
struct MetricsSeen {
    missing: BTreeSet<Watched>,
}

impl MetricsSeen {
    async fn of(aws: &Aws, resources: &Resources<'_>, unread: &mut Vec<Unread>) -> Result<Self, AwsError> {
        let watched: BTreeSet<Watched> = resources.iter().flat_map(|(_, live)| Watched::all(&live.state)).collect();
        let looked = join_all(watched.into_iter().map(|one| async move {
            let seen = is_seen(aws, &one).await;
            (one, seen)
        }));
        let mut missing = BTreeSet::new();
        for (one, seen) in looked.await {
            let what = format!("whether there is data of {} {}", one.namespace, one.name);
            if tolerated(&what, seen, unread)? == Some(false) {
                missing.insert(one);
            }
        }
        Ok(Self { missing })
    }

    fn missing(&self, state: &Value) -> Vec<String> {
        let missing = Watched::all(state).into_iter().filter(|one| self.missing.contains(one));
        missing.map(|one| format!("{} {}", one.namespace, one.name)).collect()
    }
}

/// ListMetrics tells metrics that had data in the last two weeks; those with further dimensions are others.
async fn is_seen(aws: &Aws, watched: &Watched) -> Result<bool, AwsError> {
    let filter = |(name, value): (&String, &String)| DimensionFilter::builder().name(name).value(value).build();
    let mut next = None;
    loop {
        let request = aws
            .cloudwatch()
            .list_metrics()
            .namespace(&watched.namespace)
            .metric_name(&watched.name)
            .set_dimensions(Some(watched.dimensions.iter().map(filter).collect()))
            .set_next_token(next);
        let answer = aws.call("cloudwatch:ListMetrics", &watched.namespace, request.send()).await?;
        let same = |metric: &Metric| metric.dimensions().len() == watched.dimensions.len();
        if answer.metrics().iter().any(same) {
            return Ok(true);
        }
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(false);
        }
    }
}

async fn workflows(aws: &Aws, resources: &Resources<'_>) -> Result<(Vec<Workflow>, Vec<Unread>), AwsError> {
    // Express workflows keep no list of their executions.
    let standard = resources.iter().filter(|(_, live)| live.state.get("type").is_none_or(|kind| kind != "EXPRESS"));
    let reads = join_all(standard.map(|(address, live)| async move { (*address, executions(aws, &live.arn).await) }));
    let (mut found, mut unread) = (vec![], vec![]);
    for (address, read) in reads.await {
        let read = tolerated(&format!("the executions of {address}"), read, &mut unread)?;
        found.extend(read.map(|executions| Workflow { address: address.clone(), executions }));
    }
    Ok((found, unread))
}

async fn executions(aws: &Aws, machine: &str) -> Result<Vec<Execution>, AwsError> {
    let request = aws.states().list_executions().state_machine_arn(machine).max_results(EXECUTIONS);
    let answer = aws.call("states:ListExecutions", machine, request.send()).await?;
    let execution = |one: aws_sdk_sfn::types::ExecutionListItem| Execution {
        status: one.status.as_str().to_owned(),
        started: minute(one.start_date),
        seconds: one.stop_date.map(|stop| stop.as_secs_f64() - one.start_date.as_secs_f64()),
    };
    Ok(answer.executions.into_iter().map(execution).collect())
}

async fn monitors(aws: &Aws, resources: &Resources<'_>) -> Result<(Vec<Monitor>, Vec<Unread>), AwsError> {
    let reads = join_all(resources.iter().map(|(address, live)| async move {
        let read = match input(&live.state) {
            Some(input) => measured(aws, address, input).await,
            None => scheduled(aws, address, &live.name).await,
        };
        (*address, read)
    }));
    let (mut found, mut unread) = (vec![], vec![]);
    for (address, read) in reads.await {
        found.extend(tolerated(&format!("what {address} measured"), read, &mut unread)?);
    }
    Ok((found, unread))
}

/// What a rule tells its function, of monitors of the engine `lambda`.
fn input(state: &Value) -> Option<&Value> {
    state.get("targets")?.as_object()?.values().find_map(|target| target.get("input").filter(|input| input.is_object()))
}

/// The newest numbers of a monitor of the engine `lambda`.
async fn measured(aws: &Aws, address: &Address, input: &Value) -> Result<Monitor, AwsError> {
    let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let query = |(index, name): (usize, &&str)| {
        let metric = Metric::builder()
            .namespace(text("namespace"))
            .metric_name(*name)
            .dimensions(dimension("Endpoint", text("endpoint")))
            .dimensions(dimension("Monitor", text("monitor")))
            .build();
        let statistic = MetricStat::builder().metric(metric).period(PERIOD).stat("Maximum").build();
        MetricDataQuery::builder().id(format!("m{index}")).metric_stat(statistic).return_data(true).build()
    };
    let now = SystemTime::now();
    let request = aws
        .cloudwatch()
        .get_metric_data()
        .set_metric_data_queries(Some(METRICS.iter().enumerate().map(query).collect()))
        .start_time(DateTime::from(now - RECENT))
        .end_time(DateTime::from(now))
        .scan_by(ScanBy::TimestampDescending);
    let answer = aws.call("cloudwatch:GetMetricData", text("namespace"), request.send()).await?;
    let results = answer.metric_data_results.unwrap_or_default();
    let newest = results.iter().flat_map(|result| result.timestamps()).max_by_key(|at| at.secs()).copied();
    let of_newest = |(index, name): (usize, &&str)| {
        let id = format!("m{index}");
        let result = results.iter().find(|result| result.id() == Some(&id))?;
        let mut points = result.timestamps().iter().zip(result.values());
        points
            .find(|(at, _)| newest.is_some_and(|newest| newest.secs() == at.secs()))
            .map(|(_, value)| ((*name).to_owned(), *value))
    };
    let metrics = METRICS.iter().enumerate().filter_map(of_newest).collect();
    Ok(Monitor { address: address.clone(), at: newest.map(minute), metrics, execution: None })
}

/// How the newest execution of a monitoring schedule ended.
async fn scheduled(aws: &Aws, address: &Address, name: &str) -> Result<Monitor, AwsError> {
    let request = aws.sagemaker().describe_monitoring_schedule().monitoring_schedule_name(name);
    let answer = aws.call("sagemaker:DescribeMonitoringSchedule", name, request.send()).await?;
    let last = answer.last_monitoring_execution_summary;
    let at = last.as_ref().and_then(|last| last.scheduled_time).map(minute);
    let execution = last.and_then(|last| last.monitoring_execution_status).map(|status| status.as_str().to_owned());
    Ok(Monitor { address: address.clone(), at, metrics: BTreeMap::new(), execution })
}

/// A time to the minute, in UTC.
fn minute(at: DateTime) -> String {
    let known = jiff::Timestamp::from_second(at.secs());
    known.map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expressions_metrics_are_all_looked_at() {
        let simple = json!({ "metric": "AWS/Lambda Errors", "dimensions": { "FunctionName": "f" }, "metrics": null });
        assert_eq!(Watched::all(&simple).len(), 1);
        let expression = json!({ "metric": null, "metrics": {
            "rate": { "expression": "a / b", "metric": null },
            "a": { "metric": "AWS/Lambda Errors", "dimensions": {} },
            "b": { "metric": "AWS/Lambda Invocations", "dimensions": {} } } });
        let names: Vec<String> = Watched::all(&expression).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["Errors", "Invocations"]);
        assert_eq!(Watched::all(&json!({ "rule": "TRUE" })).len(), 0);
    }
}
