//! What is found in the environment that is promoted from, for its evidence.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{all_that_rang, newest_evaluation};
use crate::address::Address;
use crate::aws::{Aws, AwsError};
use crate::desired::Desired;
use crate::environment::Blocks;
use crate::environment::blocks::promotion::Promotion;
use crate::health::{self, AlarmState};
use crate::observe;
use crate::plan::{Action, Observed, Plan, Unread};
use crate::promote::Model;
use crate::promote::evidence::{Alarm, Evaluated, Facts, Measured, Monitor, Newest};
use crate::report::plain::one_line;
use crate::workload::measuring::{Served, served};

/// The metric of a monitor's index.
const INDEX: &str = "PredictionPSI";
/// How times stand in what was read of the environment's health: to the minute.
const TIME: &str = "%Y-%m-%d %H:%M UTC";

/// The environment that is promoted from.
pub struct Source<'a> {
    pub aws: &'a Aws,
    /// What to call it on the command line.
    pub name: &'a str,
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    pub drift: &'a Plan,
    pub blocks: &'a Blocks,
}

/// Reads what the demands are about, and nothing else.
///
/// # Errors
/// A failure that concerns all reads alike, and evaluations that cannot be read.
pub async fn facts(source: &Source<'_>, promotion: &Promotion, models: &[Model]) -> Result<Facts, AwsError> {
    let now = jiff::Timestamp::now().as_second();
    let mut facts = Facts { name: source.name.to_owned(), now, drifted: drifted(source.drift), ..Facts::default() };
    facts.unread = source.drift.unread().map(|(what, unread)| format!("{what}: {}", one_line(&unread.why))).collect();
    let parts = source.drift.unchecked.iter().flat_map(|(address, parts)| parts.iter().map(move |part| (address, part)));
    facts.unread.extend(parts.filter(|(_, part)| part.failed).map(|(address, part)| format!("{address}: {}", part.why)));
    if let Some(quiet) = promotion.alarms_quiet {
        let (found, unread) = observe::alarms_of(source.aws, source.observed).await?;
        facts.alarms_unread = lines(&unread);
        let known = |address: &&Address| found.iter().any(|alarm| alarm.address == **address);
        let declared =
            source.desired.resources.keys().filter(|address| ["alarms", "composite_alarms"].contains(&address.section.as_str()));
        facts.alarms_unread.extend(declared.filter(|address| !known(address)).map(|address| format!("{address} has no state")));
        facts.alarms = alarms(source, &found, now - i64::from(quiet.0)).await?;
    }
    if promotion.drift_below.is_some() {
        let (found, unread) = observe::monitors_of(source.aws, source.observed).await?;
        facts.monitors_unread = lines(&unread);
        facts.monitors = found.into_iter().map(|monitor| self::monitor(monitor, source.observed)).collect();
    }
    if promotion.accuracy.is_some() {
        facts.evaluations = evaluations(source, models).await?;
    }
    Ok(facts)
}

fn lines(unread: &[Unread]) -> Vec<String> {
    unread.iter().map(|unread| format!("{}: {}", unread.what, one_line(&unread.why))).collect()
}

/// A line for each resource that is not as it was applied, or that AWS is not done with.
fn drifted(drift: &Plan) -> Vec<String> {
    let fields = |step: &crate::plan::Step| {
        let mut fields: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
        fields.dedup();
        fields.join(", ")
    };
    let steps = drift.steps.iter().map(|step| match step.action {
        Action::Create => format!("{} is gone, or was never applied", step.address),
        _ if step.changes.is_empty() => format!("{} failed", step.address),
        _ => format!("{} changed outside: {}", step.address, fields(step)),
    });
    steps.chain(drift.conflicts.iter().map(|conflict| format!("{}: {}", conflict.address, conflict.message))).collect()
}

/// The alarms, and of those that changed their state within the time, whether they rang in it.
async fn alarms(source: &Source<'_>, found: &[health::Alarm], since: i64) -> Result<Vec<Alarm>, AwsError> {
    let name = |address: &Address| source.observed.resources.get(address).map(|live| live.name.clone());
    // Where an alarm's state is older than the time asked about, it was the same in all of it.
    let doubtful = found.iter().filter(|alarm| {
        let changed = alarm.since.as_deref().and_then(seconds);
        alarm.state != AlarmState::Alarm && changed.is_none_or(|at| at + 60 > since)
    });
    let doubtful: Vec<String> = doubtful.filter_map(|alarm| name(&alarm.address)).collect();
    let rang: BTreeMap<String, i64> = all_that_rang(source.aws, &doubtful, since).await?;
    let alarm = |alarm: &health::Alarm| Alarm {
        address: alarm.address.clone(),
        state: alarm.state,
        rang: name(&alarm.address).and_then(|name| rang.get(&name)).map(|at| minute(*at)),
        without_data: alarm.without_data.clone(),
    };
    Ok(found.iter().map(alarm).collect())
}

fn monitor(monitor: health::Monitor, observed: &Observed) -> Monitor {
    let state = observed.resources.get(&monitor.address).map(|live| &live.state);
    let index = state.is_none_or(|state| state.get("targets").is_some());
    Monitor {
        every: state.and_then(every),
        at: monitor.at.as_deref().and_then(|text| Some((seconds(text)?, text.to_owned()))),
        measured: match index {
            true => Measured::Index(monitor.metrics.get(INDEX).copied()),
            false => Measured::Ended(monitor.execution),
        },
        address: monitor.address,
    }
}

/// How often a monitor runs, in seconds, if its schedule is a plain interval.
fn every(state: &Value) -> Option<u32> {
    let expression = ["/rule/schedule", "/schedule/expression"].iter().find_map(|path| state.pointer(path)?.as_str())?;
    // SageMaker's hourly schedule.
    if expression == "cron(0 * ? * * *)" {
        return Some(60 * 60);
    }
    let (number, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let length = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(length)
}

/// The newest evaluation of each model that is promoted, of the very content that its endpoint serves.
async fn evaluations(source: &Source<'_>, models: &[Model]) -> Result<Vec<Evaluated>, AwsError> {
    let Some(asked) = &source.blocks.evaluation else {
        let why = || format!("{} has no block `evaluation`, so nobody measures it", source.name);
        return Ok(models.iter().map(|model| Evaluated { model: model.address.clone(), newest: Err(why()) }).collect());
    };
    let endpoint = Address::new("endpoints", asked.endpoint.as_str());
    let Some(live) = source.observed.resources.get(&endpoint).filter(|_| !models.is_empty()) else { return Ok(vec![]) };
    let (served, newest) = match measured(source.aws, &live.name).await {
        Ok(found) => found,
        Err(error) if error.concerns_all() => return Err(error),
        Err(error) => {
            let missing = |model: &Model| Evaluated { model: model.address.clone(), newest: Err(one_line(&error.to_string())) };
            return Ok(models.iter().map(missing).collect());
        }
    };
    let of = |model: &Model| match served.models.contains(&model.runs.name) {
        true => newest.clone().ok_or_else(|| format!("no evaluation was kept of what {endpoint} serves now")),
        false => Err(format!("what is evaluated is {endpoint}, which does not serve it")),
    };
    Ok(models.iter().map(|model| Evaluated { model: model.address.clone(), newest: of(model) }).collect())
}

/// What an endpoint serves, and the newest evaluation of that.
async fn measured(aws: &Aws, endpoint: &str) -> Result<(Served, Option<Newest>), AwsError> {
    let served = served(aws, endpoint).await?;
    let found = newest_evaluation(aws, endpoint, &served.digest).await?;
    let newest = found.map(|found| Newest { accuracy: found.accuracy, pictures: found.pictures, at: found.context.started_at });
    Ok((served, newest))
}

fn minute(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| String::new(), |at| at.strftime(TIME).to_string())
}

fn seconds(text: &str) -> Option<i64> {
    let at = jiff::civil::DateTime::strptime(TIME, text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_come_back() {
        assert_eq!(seconds(&minute(1_764_252_000)), Some(1_764_252_000));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn plain_intervals_are_known() {
        let of = |expression: &str| every(&json!({ "rule": { "schedule": expression } }));
        assert_eq!(["rate(1 hour)", "rate(30 minutes)", "rate(2 days)"].map(of), [Some(3600), Some(1800), Some(172_800)]);
        assert_eq!(of("cron(0 6 * * ? *)"), None);
        assert_eq!(every(&json!({ "schedule": { "expression": "cron(0 * ? * * *)" } })), Some(3600));
    }
}
