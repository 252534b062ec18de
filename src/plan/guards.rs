//! What a plan must not do, whatever the files say.

use super::{Action, Conflict, Mode, Step, is_settled};
use crate::desired::Desired;

/// The conflicts of steps with the environment's own limits.
pub fn conflicts(steps: &[Step], desired: &Desired, mode: Mode) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = steps.iter().filter(|_| desired.protect).filter_map(protected).collect();
    found.extend(desired.max_deletions.filter(|_| mode != Mode::Destroy).and_then(|most| too_many(steps, most)));
    found
}

/// A protected environment loses nothing that works, neither by deletion nor by replacement.
fn protected(step: &Step) -> Option<Conflict> {
    let works = step.from.as_ref().is_none_or(is_settled);
    let loses = step.action == Action::Delete || (step.action == Action::Replace && works);
    loses.then(|| Conflict {
        address: step.address.clone(),
        message: format!("{} is protected, and would be deleted", step.address),
        help: "to delete it all the same, set `protect: false` in the environment's file first".to_owned(),
    })
}

/// More deletions than one apply may make look like a mistake: a section that was lost, a wrong base file.
fn too_many(steps: &[Step], most: usize) -> Option<Conflict> {
    let mut going = steps.iter().filter(|step| matches!(step.action, Action::Delete | Action::Replace));
    let first = going.next()?;
    let count = 1 + going.count();
    (count > most).then(|| Conflict {
        address: first.address.clone(),
        message: format!("with it {count} resources would be deleted or replaced, and `max_deletions` allows {most}"),
        help: "raise `max_deletions` in the environment's file, or take them one after the other with --target".to_owned(),
    })
}
