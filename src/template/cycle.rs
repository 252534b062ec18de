//! Cycles among resources.

use std::collections::{BTreeMap, BTreeSet};

/// Returns one cycle in a graph, as the way round it from its first node back to the same, if there is any.
pub(super) fn find(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let left = without_ends(graph);
    // Every node left leads to another that is left, so walking on comes back to where it was.
    let mut way: Vec<&str> = vec![left.first()?];
    loop {
        let next = graph.get(*way.last()?)?.iter().map(String::as_str).find(|to| left.contains(to))?;
        if let Some(start) = way.iter().position(|node| *node == next) {
            let round = way.get(start..).unwrap_or_default().iter().copied().chain([next]);
            return Some(round.map(str::to_owned).collect());
        }
        way.push(next);
    }
}

/// Returns the nodes that lead to a cycle: what leads nowhere goes, then what leads only there, and so on.
fn without_ends(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&str> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    for (node, next) in graph {
        let known = next.iter().filter(|to| graph.contains_key(*to));
        let mut count = 0;
        for to in known {
            sources.entry(to).or_default().push(node);
            count += 1;
        }
        ways.insert(node, count);
    }
    let mut ends: Vec<&str> = ways.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
    let mut left: BTreeSet<&str> = ways.keys().copied().collect();
    while let Some(end) = ends.pop() {
        left.remove(end);
        for source in sources.get(end).into_iter().flatten() {
            if let Some(count) = ways.get_mut(source) {
                *count -= 1;
                if *count == 0 {
                    ends.push(source);
                }
            }
        }
    }
    left
}
