//! What must be proven before a promotion, held against what was found. Pure: the time is given.

use serde::Serialize;

use crate::address::Address;
use crate::environment::blocks::promotion::Promotion;
use crate::health::AlarmState;
use crate::units::written;
use crate::workload::evaluation::Accuracy;

/// How many runs of a monitor may be missing before its newest number counts as old.
const MISSED_RUNS: i64 = 2;
/// How long a run may take to show, in seconds.
const LATE: i64 = 15 * 60;
/// What is assumed of a monitor whose schedule is no plain interval, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// One demand, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub demand: String,
    pub held: bool,
    /// What holds, or what is missing.
    pub found: Vec<String>,
    /// What to do about what is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// What was found in the environment that is promoted from.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What to call it on the command line.
    pub name: String,
    /// Now, in seconds since 1970.
    pub now: i64,
    /// What drifted, and what could not be read; a line for each.
    pub drifted: Vec<String>,
    pub unread: Vec<String>,
    pub alarms: Vec<Alarm>,
    pub alarms_unread: Vec<String>,
    pub monitors: Vec<Monitor>,
    pub monitors_unread: Vec<String>,
    pub evaluations: Vec<Evaluated>,
}

/// A metric or composite alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub address: Address,
    pub state: AlarmState,
    /// When it was last in the state ALARM within the time asked about, for people.
    pub rang: Option<String>,
    /// Its metrics that CloudWatch has not seen for two weeks.
    pub without_data: Vec<String>,
}

/// The newest number of a monitor.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub address: Address,
    /// Seconds since 1970, and the same for people.
    pub at: Option<(i64, String)>,
    /// How often it runs, in seconds, where its schedule says it plainly.
    pub every: Option<u32>,
    pub measured: Measured,
}

/// What a monitor found last.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    /// The population stability index of what the model answers, if the newest run had one.
    Index(Option<f64>),
    /// SageMaker's own engine publishes no such index, but how its run ended, if one did.
    Ended(Option<String>),
}

/// The newest evaluation of an endpoint whose model is promoted.
#[derive(Clone, Debug)]
pub struct Evaluated {
    pub model: Address,
    /// Nothing if none was kept of the very model that runs; then why.
    pub newest: Result<Newest, String>,
}

/// An evaluation that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Newest {
    pub accuracy: Accuracy,
    pub pictures: u64,
    pub at: String,
}

/// Holds every demand against what was found. That nothing drifted is always demanded.
pub fn proofs(promotion: &Promotion, facts: &Facts) -> Vec<Proof> {
    let mut proofs = vec![without_drift(facts)];
    proofs.extend(promotion.alarms_quiet.map(|quiet| alarms_quiet(&written(quiet.0, Some("h")), facts)));
    proofs.extend(promotion.accuracy.map(|least| accurate(least, facts)));
    proofs.extend(promotion.drift_below.map(|most| stable(most, facts)));
    proofs
}

/// A demand of which each part holds (`Ok`) or is missing (`Err`).
fn proof(demand: String, parts: Vec<Result<String, String>>, help: Vec<String>) -> Proof {
    let missing: Vec<String> = parts.iter().filter_map(|part| part.clone().err()).collect();
    match missing.is_empty() {
        true => Proof { demand, held: true, found: parts.into_iter().filter_map(Result::ok).collect(), help: vec![] },
        false => Proof { demand, held: false, found: missing, help },
    }
}

fn without_drift(facts: &Facts) -> Proof {
    let name = &facts.name;
    let mut parts: Vec<Result<String, String>> = facts.drifted.iter().chain(&facts.unread).cloned().map(Err).collect();
    let mut help = vec![];
    if !facts.drifted.is_empty() {
        help.push(format!("see it with `scones drift {name}`, set it right with `scones apply {name}`"));
    }
    if !facts.unread.is_empty() {
        help.push("what cannot be read is no evidence: see what the credentials lack".to_owned());
    }
    if parts.is_empty() {
        parts.push(Ok("what runs is what was applied".to_owned()));
    }
    proof(format!("{name} without drift"), parts, help)
}

fn alarms_quiet(quiet: &str, facts: &Facts) -> Proof {
    let mut parts: Vec<Result<String, String>> = facts
        .alarms
        .iter()
        .filter_map(|alarm| match (alarm.state, &alarm.rang) {
            (AlarmState::Alarm, _) => Some(Err(format!("{} rings", alarm.address))),
            (_, Some(at)) => Some(Err(format!("{} rang until {at}", alarm.address))),
            _ => None,
        })
        .chain(facts.alarms_unread.iter().cloned().map(Err))
        .collect();
    if parts.is_empty() {
        parts = match facts.alarms.len() {
            0 => vec![Err("there is no alarm, so nobody would have noticed".to_owned())],
            count => vec![Ok(format!("{count} alarms were quiet"))],
        };
    }
    let silent = |alarm: &&Alarm| !alarm.without_data.is_empty() || alarm.state == AlarmState::InsufficientData;
    let blind: Vec<String> = facts.alarms.iter().filter(silent).map(|alarm| alarm.address.to_string()).collect();
    if !blind.is_empty() && parts.iter().all(Result::is_ok) {
        parts.push(Ok(format!("of these there is no data, so they could not ring: {}", blind.join(", "))));
    }
    let help = match facts.alarms.is_empty() {
        true => "declare alarms, or take `alarms_quiet` out of `promotion:`".to_owned(),
        false => format!("look with `scones status {}`, and promote once they were quiet for {quiet}", facts.name),
    };
    proof(format!("alarms quiet for {quiet}"), parts, vec![help])
}

fn accurate(least: f64, facts: &Facts) -> Proof {
    let judged = |one: &Evaluated| match &one.newest {
        Err(why) => Err(format!("{}: {why}", one.model)),
        Ok(newest) => {
            let Accuracy { value, low, .. } = newest.accuracy;
            let text = format!(
                "{}: {value:.3} on {} pictures, {low:.3} at least with 95 % confidence ({})",
                one.model, newest.pictures, newest.at
            );
            if value >= least { Ok(text) } else { Err(text) }
        }
    };
    let mut parts: Vec<Result<String, String>> = facts.evaluations.iter().map(judged).collect();
    if parts.is_empty() {
        parts.push(Err("no model is promoted that could be evaluated".to_owned()));
    }
    let help = vec![format!("measure with `scones evaluate {}`; a model that is too weak must be trained anew", facts.name)];
    proof(format!("accuracy of at least {least} of the very model"), parts, help)
}

fn stable(most: f64, facts: &Facts) -> Proof {
    let mut parts: Vec<Result<String, String>> = facts.monitors.iter().map(|monitor| steady(monitor, most, facts.now)).collect();
    parts.extend(facts.monitors_unread.iter().cloned().map(Err));
    let mut help = format!("look with `scones status {}`, and promote once the monitor has measured little", facts.name);
    if parts.is_empty() {
        parts.push(Err("there is no monitor, so nobody has measured".to_owned()));
        help = "declare a monitor, or take `drift_below` out of `promotion:`".to_owned();
    }
    proof(format!("predictions drifted by less than {most}"), parts, vec![help])
}

fn steady(monitor: &Monitor, most: f64, now: i64) -> Result<String, String> {
    let address = &monitor.address;
    let Some((at, shown)) = &monitor.at else { return Err(format!("{address} has measured nothing of late")) };
    let every = monitor.every.map_or(DAY, i64::from);
    if now - at > MISSED_RUNS * every + LATE {
        return Err(format!("{address} measured last at {shown}, and runs every {}", written(every as u32, None)));
    }
    match &monitor.measured {
        Measured::Index(Some(index)) if *index < most => Ok(format!("{address}: {index:.3} at {shown}")),
        Measured::Index(Some(index)) => Err(format!("{address}: {index:.3} at {shown}")),
        Measured::Index(None) => Err(format!("{address} had too few pictures for an index at {shown}")),
        Measured::Ended(Some(ended)) if ended == "Completed" => Ok(format!("{address} saw no violation at {shown}")),
        Measured::Ended(ended) => Err(format!("{address}: {} at {shown}", ended.as_deref().unwrap_or("nothing"))),
    }
}
