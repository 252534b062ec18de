//! An order in which resources can be made, the same every time; or the cycle that prevents one.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::Resource;
use crate::address::Address;

/// Sorts so that each resource stands after all it needs, and otherwise in the order given.
///
/// # Errors
/// A cycle's path, its first address repeated at its end.
pub fn sort(resources: IndexMap<Address, Resource>) -> Result<IndexMap<Address, Resource>, Vec<Address>> {
    let mut waiting = resources;
    let mut sorted = IndexMap::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().find(|(_, resource)| resource.needs.iter().all(|need| !waiting.contains_key(need)));
        match ready.map(|(address, _)| address.clone()) {
            Some(address) => {
                if let Some(resource) = waiting.shift_remove(&address) {
                    sorted.insert(address, resource);
                }
            }
            None => return Err(cycle(&waiting)),
        }
    }
    Ok(sorted)
}

/// Follows needs from the first resource until one comes again; every one of these waits, so one must.
fn cycle(waiting: &IndexMap<Address, Resource>) -> Vec<Address> {
    let mut path: Vec<Address> = vec![];
    let mut seen = BTreeSet::new();
    let mut next = waiting.keys().next().cloned();
    while let Some(address) = next {
        if !seen.insert(address.clone()) {
            let start = path.iter().position(|one| *one == address).unwrap_or(0);
            path.drain(..start);
            path.push(address);
            break;
        }
        next = waiting.get(&address).and_then(|resource| resource.needs.iter().find(|need| waiting.contains_key(*need)).cloned());
        path.push(address);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(needs: &[&str]) -> Resource {
        Resource {
            name: String::new(),
            state: serde_json::Value::Null,
            tags: Default::default(),
            needs: needs.iter().map(|name| Address::new("a", *name)).collect(),
            holes: BTreeSet::new(),
            awaits: Default::default(),
            blocked: None,
            expected: Default::default(),
            declared_at: String::new(),
            source: None,
        }
    }

    fn sorted(edges: &[(&str, &[&str])]) -> Result<Vec<String>, Vec<String>> {
        let resources = edges.iter().map(|(name, needs)| (Address::new("a", *name), resource(needs))).collect();
        let names = |list: Vec<Address>| list.into_iter().map(|address| address.name).collect();
        sort(resources).map(|sorted| names(sorted.into_keys().collect())).map_err(names)
    }

    #[test]
    fn needs_come_first_and_the_rest_keeps_its_order() {
        assert_eq!(sorted(&[("x", &["z"]), ("y", &[]), ("z", &[])]), Ok(vec!["y".into(), "z".into(), "x".into()]));
    }

    #[test]
    fn a_cycle_is_shown_from_its_own_start() {
        let found = sorted(&[("x", &["y"]), ("y", &["z"]), ("z", &["y"])]);
        assert_eq!(found, Err(vec!["y".into(), "z".into(), "y".into()]));
    }
}
