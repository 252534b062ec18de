//! What of a plan to read first: what is lost, then what is exchanged while it serves.

use super::plan::sign;
use crate::diff::{Change, split};
use crate::plan::{Action, Step};

/// What a step is called.
pub fn word(step: &Step) -> &'static str {
    if replaces_fleet(step) { "new fleet" } else { sign(step.action).1 }
}

/// What comes first because it may hurt: 0.
pub fn risk(step: &Step) -> u8 {
    match step.action {
        Action::Delete => 0,
        _ if replaces_fleet(step) => 1,
        Action::Replace => 2,
        Action::Update => 3,
        Action::Wait => 4,
        Action::Create => 5,
        Action::Collect => 6,
        Action::Blocked => 7,
    }
}

/// Whether all instances of an endpoint that serves are exchanged for new ones: anything but counts, weights and what scales
/// takes another endpoint configuration, and SageMaker a new fleet for it.
fn replaces_fleet(step: &Step) -> bool {
    let stays = |change: &Change| {
        let path = split(&change.path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(path[..], ["scaling" | "rollout" | "tags", ..] | ["variants" | "shadow_variants", _, "count" | "weight", ..])
    };
    let changes = matches!(step.action, Action::Update | Action::Replace);
    step.address.section == "endpoints" && changes && !step.changes.iter().all(stays)
}
