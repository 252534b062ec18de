//! Which older generations go: those beyond the number kept, and never one that anything refers to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Action, Observed, Step};
use crate::address::Address;
use crate::kind::{Generation, Live, Needs, Registry, Tags};

/// Adds the steps that collect; they come after all steps that are there already.
///
/// A changed resource's present shape becomes a generation by the change, so it counts among those kept: the plan after
/// applying this one must have nothing left to collect.
pub fn collect(steps: &[Step], unchanged: &BTreeSet<Address>, observed: &Observed, registry: &Registry) -> Vec<Step> {
    let mut kept = BTreeSet::new();
    for step in steps {
        step.to.iter().for_each(|to| strings(to, &mut kept));
    }
    let mut candidates: Vec<(Address, Vec<Generation>)> = vec![];
    for (address, live) in &observed.resources {
        strings(&live.state, &mut kept);
        let Some(kind) = registry.get(&address.section) else { continue };
        let step = steps.iter().find(|step| step.address == *address);
        let changes = step.is_some_and(|step| matches!(step.action, Action::Update | Action::Replace));
        if step.is_none() && !unchanged.contains(address) {
            continue;
        }
        let count = kind.kept_generations().saturating_sub(usize::from(changes));
        let (stay, go) = live.generations.split_at(count.min(live.generations.len()));
        stay.iter().chain(go.iter().filter(|one| one.in_use)).for_each(|one| kept.extend(one.refers.iter().cloned()));
        candidates.push((address.clone(), go.iter().filter(|one| !one.in_use).cloned().collect()));
    }
    let earlier: Needs = steps.iter().filter(|step| step.acts()).map(|step| step.address.clone()).collect();
    let mut found: Vec<Step> = vec![];
    for (address, go) in candidates {
        let unreferred = go.into_iter().filter(|one| !kept.contains(one.reference()));
        let names: Vec<String> = unreferred.map(|one| one.name).collect();
        if let (false, Some(live)) = (names.is_empty(), observed.resources.get(&address)) {
            found.push(step(address, live, names, earlier.clone()));
        }
    }
    // What refers goes before what it refers to: endpoint configurations before models.
    found.sort_by_key(|step| std::cmp::Reverse(registry.rank(&step.address.section)));
    found
}

fn step(address: Address, live: &Live<Value>, generations: Vec<String>, needs: Needs) -> Step {
    Step {
        address,
        action: Action::Collect,
        name: live.name.clone(),
        needs,
        changes: vec![],
        reason: None,
        fingerprint: None,
        from: None,
        to: None,
        tags: Tags::new(),
        generations,
        who: None,
    }
}

fn strings(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(map) => map.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}
