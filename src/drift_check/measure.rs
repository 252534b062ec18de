//! What a look comes to in metrics. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::Plan;

/// Where the metrics are. Their dimensions are `App` and `Environment`; of those by kind, also `Kind`.
pub const NAMESPACE: &str = "Scones/Drift";

/// One data point.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Option<String>,
    pub value: f64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
}

/// What a look found, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// How many resources drifted.
    pub drifted: usize,
    /// The same by section; those of the environment that have none are there too, with 0.
    pub kinds: BTreeMap<String, usize>,
    /// For how many seconds the oldest drift is known.
    pub oldest_seconds: u64,
    /// How many resources nothing can be said of.
    pub unknown: usize,
}

impl Reading {
    /// What belongs to someone else is as unknown as what could not be looked at.
    pub fn of(drift: &Plan, oldest_seconds: u64) -> Self {
        let declared = drift.desired.resources.keys().map(|address| (address.section.clone(), 0));
        let mut kinds: BTreeMap<String, usize> = declared.collect();
        for step in &drift.steps {
            *kinds.entry(step.address.section.clone()).or_default() += 1;
        }
        Self { drifted: drift.steps.len(), kinds, oldest_seconds, unknown: drift.gaps() + drift.conflicts.len() }
    }

    /// All data points; zeros too, since only they bring an alarm back to OK. But a zero says that nothing drifted, and where
    /// something is unknown nobody knows that.
    pub fn metrics(&self) -> Vec<Metric> {
        let count = |name, kind, value: usize| Metric { name, kind, value: value as f64, unit: Unit::Count };
        let mut metrics = vec![
            count("DriftedResources", None, self.drifted),
            Metric { name: "OldestDriftAge", kind: None, value: self.oldest_seconds as f64, unit: Unit::Seconds },
            unknown(self.unknown),
        ];
        metrics.extend(self.kinds.iter().map(|(kind, drifted)| count("DriftedResources", Some(kind.clone()), *drifted)));
        metrics.retain(|metric| self.unknown == 0 || metric.value > 0.0);
        metrics
    }
}

/// How many reads failed: all that can be said where none succeeded.
pub fn unknown(count: usize) -> Metric {
    Metric { name: "Unknown", kind: None, value: count as f64, unit: Unit::Count }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::{Conflict, Unread};

    /// A drift report of some addresses, each with the paths that moved; without any the resource is gone.
    pub fn drift(found: &[(&str, &[&str])]) -> Plan {
        let change = |path: &&str| json!({ "path": path, "from": 1, "to": 2, "cause": "drifted" });
        let step = |(address, paths): &(&str, &[&str])| {
            let changes: Vec<Value> = paths.iter().map(change).collect();
            let action = if paths.is_empty() { "create" } else { "update" };
            json!({ "address": address, "action": action, "name": "", "needs": [], "changes": changes })
        };
        let world = json!({ "app": "a", "environment": "b", "account": "123456789012", "region": "us-east-1" });
        let none = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), 0)).collect::<BTreeMap<String, usize>>();
        serde_json::from_value(json!({
            "format": 1, "app": "a", "environment": "b", "account": "123456789012", "region": "us-east-1", "digest": "",
            "summary": none(&["create", "update", "replace", "delete", "collect", "unchanged", "blocked", "orphan"]),
            "steps": found.iter().map(step).collect::<Vec<Value>>(), "orphans": {}, "conflicts": [], "mode": "apply",
            "desired": { "world": world, "ignore_tags": [], "protect": false, "resources": {} },
        }))
        .unwrap()
    }

    #[test]
    fn every_resource_counts_once() {
        let reading = Reading::of(&drift(&[("roles.a", &["trust", "path"]), ("roles.b", &[]), ("alarms.c", &["unit"])]), 60);
        assert_eq!((reading.drifted, reading.kinds["roles"], reading.kinds["alarms"]), (3, 2, 1));
        let points: Vec<(&str, Option<String>, f64)> =
            reading.metrics().into_iter().map(|metric| (metric.name, metric.kind, metric.value)).collect();
        let wanted = [
            ("DriftedResources", None, 3.0),
            ("OldestDriftAge", None, 60.0),
            ("Unknown", None, 0.0),
            ("DriftedResources", Some("alarms".to_owned()), 1.0),
            ("DriftedResources", Some("roles".to_owned()), 2.0),
        ];
        assert_eq!(points, wanted);
    }

    #[test]
    fn what_is_someone_elses_or_unread_is_unknown() {
        let mut report = drift(&[]);
        report.conflicts.push(Conflict { address: "roles.a".parse().unwrap(), message: String::new(), help: String::new() });
        let unread = Unread { what: "it".into(), why: "denied".into(), help: None };
        report.unknown.insert("roles.b".parse().unwrap(), unread.clone());
        report.unseen.push(unread);
        let reading = Reading::of(&report, 0);
        assert_eq!((reading.unknown, reading.metrics()), (3, vec![unknown(3)]));
    }

    #[test]
    fn alarms_on_these_metrics_are_valid() {
        for metric in Reading::of(&drift(&[("roles.a", &[])]), 1).metrics() {
            let mut dimensions = vec!["App", "Environment"];
            dimensions.extend(metric.kind.as_ref().map(|_| "Kind"));
            let unit = match metric.unit {
                Unit::Count => "Count",
                Unit::Seconds => "Seconds",
            };
            let faults = crate::metrics::check(NAMESPACE, metric.name, &dimensions, "Maximum", Some(unit), 0.0);
            assert_eq!(faults, [], "{metric:?}");
        }
        let typo = crate::metrics::check(NAMESPACE, "DriftedResource", &["App", "Environment"], "Maximum", None, 0.0);
        assert!(typo[0].help.as_deref().is_some_and(|help| help.contains("DriftedResources")), "{typo:?}");
        let alone = crate::metrics::check(NAMESPACE, "Unknown", &["App", "Environment", "Kind"], "Maximum", None, 0.0);
        assert_eq!(alone.len(), 1, "{alone:?}");
    }
}
