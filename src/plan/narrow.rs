//! Keeping a plan to some addresses, and to what these need.

use std::collections::BTreeSet;

use super::Step;
use crate::address::Address;
use crate::desired::Desired;

/// The steps of the targets, and of what must exist before them. Without targets: all.
pub fn to_targets(mut steps: Vec<Step>, targets: &[Address], desired: &Desired) -> Vec<Step> {
    if targets.is_empty() {
        return steps;
    }
    let asked = with_needs(targets, desired);
    steps.retain(|step| asked.contains(&step.address));
    let left: BTreeSet<Address> = steps.iter().map(|step| step.address.clone()).collect();
    for step in &mut steps {
        step.needs.retain(|need| left.contains(need));
    }
    steps
}

/// Whether a plan that is kept to targets speaks of an address.
pub fn is_asked_for(address: &Address, targets: &[Address], desired: &Desired) -> bool {
    targets.is_empty() || with_needs(targets, desired).contains(address)
}

fn with_needs(targets: &[Address], desired: &Desired) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Address> = targets.iter().collect();
    while let Some(address) = open.pop() {
        if found.insert(address.clone()) {
            open.extend(desired.resources.get(address).into_iter().flat_map(|resource| &resource.needs));
        }
    }
    found
}
