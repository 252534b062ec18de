//! How what is deployed is doing: its alarms, what its monitors measured, its last executions; and the verdict on all of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::address::Address;
use crate::plan::{Action, Plan, Unread};

/// From this population stability index on, by convention, what a model answers has shifted.
const SHIFTED: f64 = 0.25;
/// From this one on it has moved.
const MODERATE: f64 = 0.1;
/// So many failed executions in a row, the newest ones, are more than bad luck with one picture.
const IN_A_ROW: usize = 3;

/// What was read, besides configuration.
#[derive(Debug, Default, Serialize)]
pub struct Health {
    pub alarms: Vec<Alarm>,
    pub monitors: Vec<Monitor>,
    pub workflows: Vec<Workflow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// A metric or composite alarm.
#[derive(Debug, Serialize)]
pub struct Alarm {
    pub address: Address,
    pub state: AlarmState,
    /// When it last changed its state, in UTC.
    pub since: Option<String>,
    pub reason: String,
    /// Its metrics of which CloudWatch has seen nothing for two weeks.
    pub without_data: Vec<String>,
}

/// What an alarm says, in CloudWatch's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

/// The newest numbers of a monitor.
#[derive(Debug, Serialize)]
pub struct Monitor {
    pub address: Address,
    /// The end of the window they are of, in UTC; nothing if there are none of the last two days.
    pub at: Option<String>,
    pub metrics: BTreeMap<String, f64>,
    /// How the newest execution of a SageMaker schedule ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
}

/// The newest executions of a state machine, newest first.
#[derive(Debug, Serialize)]
pub struct Workflow {
    pub address: Address,
    pub executions: Vec<Execution>,
}

/// One execution.
#[derive(Debug, Serialize)]
pub struct Execution {
    /// In Step Functions' words.
    pub status: String,
    /// In UTC.
    pub started: String,
    /// Nothing while it runs.
    pub seconds: Option<f64>,
}

impl Execution {
    /// Whether it ended otherwise than it should.
    pub fn failed(&self) -> bool {
        matches!(self.status.as_str(), "FAILED" | "TIMED_OUT" | "ABORTED")
    }
}

/// What a population stability index is called.
pub fn stability(index: f64) -> &'static str {
    match index {
        _ if index > SHIFTED => "shifted",
        _ if index > MODERATE => "moderate",
        _ => "stable",
    }
}

/// What it all comes to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub code: Code,
    /// What needs somebody's attention, each in a few words.
    pub reasons: Vec<String>,
}

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Code {
    Well,
    Attention,
    /// Not all could be read, so nobody can tell.
    Unknown,
}

/// Judges configuration and health together.
pub fn verdict(plan: &Plan, health: &Health) -> Verdict {
    let mut reasons = vec![];
    let mut add = |count: usize, one: &str, many: &str| match count {
        0 => {}
        1 => reasons.push(format!("1 {one}")),
        count => reasons.push(format!("{count} {many}")),
    };
    let acting = |action: Action| plan.steps.iter().filter(|step| step.action == action).count();
    add(plan.conflicts.len(), "resource is not ours", "resources are not ours");
    add(acting(Action::Create), "resource is missing", "resources are missing");
    add(acting(Action::Update) + acting(Action::Replace), "resource differs", "resources differ");
    add(acting(Action::Wait), "resource is busy", "resources are busy");
    add(acting(Action::Blocked), "resource is blocked", "resources are blocked");
    add(health.alarms.iter().filter(|alarm| alarm.state == AlarmState::Alarm).count(), "alarm rings", "alarms ring");
    add(health.monitors.iter().filter(|monitor| monitor.is_alarming()).count(), "monitor sees drift", "monitors see drift");
    add(health.workflows.iter().filter(|workflow| workflow.keeps_failing()).count(), "workflow fails", "workflows fail");
    let unread = plan.gaps() + health.unread.len();
    add(unread, "could not be read", "could not be read");
    let code = match () {
        () if unread > 0 => Code::Unknown,
        () if reasons.is_empty() => Code::Well,
        () => Code::Attention,
    };
    Verdict { code, reasons }
}

impl Monitor {
    fn is_alarming(&self) -> bool {
        let shifted = self.metrics.get("PredictionPSI").is_some_and(|index| *index > SHIFTED);
        shifted || self.execution.as_deref().is_some_and(|ended| ["CompletedWithViolations", "Failed"].contains(&ended))
    }
}

impl Workflow {
    fn keeps_failing(&self) -> bool {
        let ended: Vec<&Execution> = self.executions.iter().filter(|one| one.status != "RUNNING").take(IN_A_ROW).collect();
        !ended.is_empty() && ended.iter().all(|one| one.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(statuses: &[&str]) -> Workflow {
        let executions =
            statuses.iter().map(|status| Execution { status: (*status).to_owned(), started: String::new(), seconds: None });
        Workflow { address: Address::new("state_machines", "w"), executions: executions.collect() }
    }

    #[test]
    fn one_bad_picture_is_no_failing_workflow() {
        assert!(!workflow(&["FAILED", "SUCCEEDED", "SUCCEEDED"]).keeps_failing());
        assert!(!workflow(&["FAILED", "FAILED", "SUCCEEDED"]).keeps_failing());
        assert!(!workflow(&[]).keeps_failing() && !workflow(&["RUNNING"]).keeps_failing());
        assert!(workflow(&["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"]).keeps_failing());
        assert!(workflow(&["RUNNING", "FAILED"]).keeps_failing());
    }

    #[test]
    fn a_shift_is_told_from_a_wobble() {
        assert_eq!([0.05, 0.2, 0.3].map(stability), ["stable", "moderate", "shifted"]);
        let monitor = |psi: f64, execution: Option<&str>| Monitor {
            address: Address::new("monitors", "m"),
            at: None,
            metrics: [("PredictionPSI".to_owned(), psi)].into(),
            execution: execution.map(str::to_owned),
        };
        assert!(monitor(0.3, None).is_alarming() && !monitor(0.2, None).is_alarming());
        assert!(monitor(0.0, Some("CompletedWithViolations")).is_alarming() && !monitor(0.0, Some("Completed")).is_alarming());
    }
}
