//! What is deleted, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Observed, Orphan, Step, is_owned};
use crate::address::Address;
use crate::desired::Desired;
use crate::kind::{Needs, Registry, Tags};

fn delete(address: Address, name: String, reason: Option<String>) -> Step {
    Step {
        address,
        action: Action::Delete,
        name,
        needs: Needs::new(),
        changes: vec![],
        reason,
        fingerprint: None,
        from: None,
        to: None,
        tags: Tags::new(),
        generations: vec![],
        who: None,
    }
}

/// Everything owned: what is declared in the opposite order of making it, then orphans by the order of their sections.
pub fn all(desired: &Desired, observed: &Observed, registry: &Registry) -> Vec<Step> {
    let mut steps = vec![];
    for (address, resource) in desired.resources.iter().rev() {
        let by_content = registry.get(&address.section).is_some_and(|kind| kind.named_by_content());
        let live = observed.resources.get(address);
        let owned = live.is_some_and(|live| by_content || is_owned(&live.tags.clone().unwrap_or_default(), &desired.world));
        if owned {
            steps.push(Step { from: live.cloned(), ..delete(address.clone(), resource.name.clone(), None) });
        } else if live.is_none() && observed.residues.contains_key(address) {
            steps.push(delete(address.clone(), resource.name.clone(), Some("left over from an interrupted deletion".into())));
        }
    }
    let going: BTreeSet<Address> = steps.iter().map(|step| step.address.clone()).collect();
    for step in &mut steps {
        let users = desired.resources.iter().filter(|(_, resource)| resource.needs.contains(&step.address));
        step.needs = users.map(|(address, _)| address.clone()).filter(|address| going.contains(address)).collect();
    }
    steps.extend(orphans(&observed.orphans, &going, registry));
    steps
}

/// Deletes orphans after everything else, the sections in the opposite order of making them.
pub fn orphans(orphans: &BTreeMap<Address, Orphan>, after: &Needs, registry: &Registry) -> Vec<Step> {
    let mut sorted: Vec<(&Address, &Orphan)> = orphans.iter().collect();
    sorted.sort_by_key(|(address, _)| std::cmp::Reverse(registry.rank(&address.section)));
    let mut steps: Vec<Step> = vec![];
    for (address, orphan) in sorted {
        let mut needs = after.clone();
        let rank = registry.rank(&address.section);
        needs.extend(steps.iter().map(|step| &step.address).filter(|other| registry.rank(&other.section) > rank).cloned());
        let step = delete(address.clone(), orphan.name.clone(), Some("owned, but declared no more".into()));
        steps.push(Step { needs, ..step });
    }
    steps
}
