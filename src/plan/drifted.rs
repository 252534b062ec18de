//! What of a plan nobody declared.

use super::{Action, Observed, Plan, is_owned, summary};
use crate::diff::{Cause, Change};

/// Whether the live side moved, or nobody can tell.
pub fn may_be_drift(change: &Change) -> bool {
    matches!(change.cause, Some(Cause::Drifted | Cause::Both | Cause::Unknown))
}

/// Keeps of a plan what nobody declared: values that moved on the live side, and resources that are gone.
///
/// AWS keeps no record of what is missing, so in an environment of which something exists, a declared resource that
/// does not counts as gone: either it was deleted, or it was never applied.
pub fn drift_of(mut plan: Plan, observed: &Observed) -> Plan {
    let deployed = observed.resources.values().any(|live| is_owned(&live.tags.clone().unwrap_or_default(), &plan.desired.world));
    plan.steps.retain_mut(|step| match step.action {
        Action::Create => {
            step.reason = Some("it is gone, or was never applied".to_owned());
            deployed
        }
        Action::Replace if step.changes.is_empty() => true,
        Action::Update | Action::Replace | Action::Blocked => {
            step.changes.retain(may_be_drift);
            step.is_drift()
        }
        _ => false,
    });
    plan.bootstrap = None;
    plan.summary = summary(&plan, plan.summary.unchanged);
    plan
}
