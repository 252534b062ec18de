//! What CloudTrail is asked about a drifted resource, and which of its events tells who changed it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Event, Who};
use crate::kind::{AnyKind, Attribute, When, World};
use crate::plan::{Action, Step};

/// What an event has to do with a drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It cannot have caused it.
    Nothing,
    /// It made the resource, and counts where nothing later is known.
    Made,
    /// It may have caused it.
    Cause,
}

/// A drifted resource, in CloudTrail's words.
pub struct Question {
    /// What CloudTrail may call it: its name, its ARN.
    pub names: Vec<String>,
    /// IAM's events are in one region alone.
    pub global: bool,
    gone: bool,
    /// Whether tags drifted.
    tags: bool,
    service: String,
    sources: BTreeSet<String>,
    /// The writes that its kind knows, by (service, API).
    calls: BTreeMap<(&'static str, &'static str), Weight>,
}

impl Question {
    /// What to ask about a step of a drift.
    pub fn about(step: &Step, kind: &dyn AnyKind, world: &World) -> Self {
        let gone = step.action == Action::Create;
        let fields: BTreeSet<&str> = step.changes.iter().filter_map(|change| change.path.split(['.', '[']).next()).collect();
        let mut calls: BTreeMap<_, Weight> = BTreeMap::new();
        for call in kind.calls() {
            let weight = match (call.when, gone) {
                (When::Delete, true) => Weight::Cause,
                (When::Update(of), false) if concerns(of, &fields) => Weight::Cause,
                (When::Create, false) => Weight::Made,
                _ => Weight::Nothing,
            };
            for key in call.actions.iter().filter_map(|action| action.split_once(':')) {
                let held = calls.entry(key).or_insert(weight);
                *held = weight.max(*held);
            }
        }
        let (name, arn) = match &step.from {
            Some(live) => (live.name.clone(), Some(live.arn.clone())),
            None => (step.name.clone(), known_arn(step, kind, world)),
        };
        let service = arn.as_deref().and_then(|arn| arn.split(':').nth(2)).unwrap_or_default().to_owned();
        let global = service == "iam";
        // A role's ARN stands in each event of somebody who assumed it; IAM's own events have its name.
        let names = [Some(name), arn.filter(|_| !global)].into_iter().flatten().collect();
        let sources = calls.keys().map(|(service, _)| source(service)).collect();
        Self { names, global, gone, tags: fields.contains("tags"), service, sources, calls }
    }

    /// The names of events to ask for where CloudTrail does not know events by the resource.
    pub fn causes(&self) -> BTreeSet<String> {
        let by_tags = self.tags || self.is_set_by_tags();
        let causes = self.calls.iter().filter(|((_, api), weight)| **weight == Weight::Cause && (by_tags || !is_tagging(api)));
        let calls = causes.map(|(call, _)| *call);
        let calls = calls.flat_map(|(service, api)| std::iter::once(api).chain(twins(api)).map(move |api| event(service, api)));
        let tags = tag_calls(&self.service).into_iter().filter(|_| self.tags).map(|api| event(&self.service, api));
        calls.chain(tags).collect()
    }

    /// Whether the answer would not change with more events that are older.
    pub fn is_answered(&self, events: &[Event]) -> bool {
        events.iter().any(|event| self.weight(event) == Weight::Cause)
    }

    /// Who caused the drift, or made the resource if nothing else is known.
    pub fn answer(&self, events: &[Event]) -> Who {
        // CloudTrail tells whole seconds, and the newest first: of two at once the first is the later one.
        let counting =
            events.iter().rev().map(|event| (self.weight(event), event)).filter(|(weight, _)| *weight > Weight::Nothing);
        match counting.max_by(|(a, one), (b, other)| (a, &one.time).cmp(&(b, &other.time))) {
            Some((_, event)) => Who::Known(event.author()),
            None => Who::Nobody,
        }
    }

    /// Whether an event's request speaks of the resource.
    pub fn is_about(&self, event: &Event) -> bool {
        event.record.get("requestParameters").is_some_and(|value| self.is_mentioned(value))
    }

    fn is_mentioned(&self, value: &Value) -> bool {
        match value {
            // Names stand in ARNs, paths and identifiers too: `endpoint/NAME/variant/AllTraffic`.
            Value::String(text) => self.names.iter().any(|name| text == name || text.split(['/', ':']).any(|part| part == name)),
            Value::Array(items) => items.iter().any(|item| self.is_mentioned(item)),
            Value::Object(map) => map.values().any(|value| self.is_mentioned(value)),
            _ => false,
        }
    }

    fn weight(&self, event: &Event) -> Weight {
        if event.read_only || event.failed() || !self.sources.contains(&event.source) {
            return Weight::Nothing;
        }
        let api = without_version(&event.name);
        let known = self.calls.iter().filter(|((service, name), _)| *name == api && source(service) == event.source);
        match known.map(|(_, weight)| *weight).max() {
            // Scones tags after other changes; that must not hide them.
            _ if is_tagging(api) => {
                if self.tags || self.is_set_by_tags() {
                    Weight::Cause
                } else {
                    Weight::Nothing
                }
            }
            Some(weight) => weight,
            None if self.gone && !api.starts_with("Delete") => Weight::Nothing,
            None if configures(api) => Weight::Cause,
            None => Weight::Nothing,
        }
    }

    /// Whether what drifted is kept in tags, such as a package group's.
    fn is_set_by_tags(&self) -> bool {
        let causes = self.calls.iter().filter(|(_, weight)| **weight == Weight::Cause);
        !self.gone && causes.map(|((_, api), _)| api).all(|api| is_tagging(api))
    }
}

fn concerns(of: &[&str], fields: &BTreeSet<&str>) -> bool {
    of.is_empty() || fields.is_empty() || of.iter().any(|field| fields.contains(field))
}

fn known_arn(step: &Step, kind: &dyn AnyKind, world: &World) -> Option<String> {
    match kind.attributes(world, &step.name, &Value::Null, None).remove("arn") {
        Some(Attribute::Known(arn)) => Some(arn),
        _ => None,
    }
}

/// CloudTrail's name of a service. Application Auto Scaling shares one with EC2 Auto Scaling.
///
/// Source: the pages on logging with CloudTrail of CloudWatch and of Application Auto Scaling.
fn source(service: &str) -> String {
    let name = match service {
        "cloudwatch" => "monitoring",
        "application-autoscaling" => "autoscaling",
        other => other,
    };
    format!("{name}.amazonaws.com")
}

/// APIs that change what another sets, and that no kind calls.
const TWINS: &[(&str, &[&str])] = &[
    ("PutMetricAlarm", &["EnableAlarmActions", "DisableAlarmActions"]),
    ("PutRule", &["EnableRule", "DisableRule"]),
    ("PutRetentionPolicy", &["DeleteRetentionPolicy"]),
    ("UpdateRole", &["UpdateRoleDescription"]),
];

fn twins(api: &str) -> impl Iterator<Item = &'static str> {
    TWINS.iter().filter(move |(call, _)| *call == api).flat_map(|(_, twins)| twins.iter().copied())
}

/// CloudTrail's name of an API's event. Lambda's older APIs carry their version.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html>.
fn event(service: &str, api: &str) -> String {
    let version = match (service, api) {
        ("lambda", "UpdateFunctionCode" | "UpdateFunctionConfiguration" | "AddPermission" | "RemovePermission") => "20150331v2",
        ("lambda", "PutFunctionConcurrency" | "DeleteFunctionConcurrency") => "20171031",
        ("lambda", "TagResource" | "UntagResource") => "20170331v2",
        ("lambda", _) => "20150331",
        _ => "",
    };
    format!("{api}{version}")
}

/// The API of an event: `UpdateAlias` of `UpdateAlias20150331`.
fn without_version(event: &str) -> &str {
    let version =
        |at: usize| event.get(at..at + 8).is_some_and(|date| date.starts_with("20") && date.bytes().all(|b| b.is_ascii_digit()));
    match event.find(|c: char| c.is_ascii_digit()) {
        Some(at) if version(at) => &event[..at],
        _ => event,
    }
}

fn tag_calls(service: &str) -> [&'static str; 2] {
    match service {
        "sagemaker" => ["AddTags", "DeleteTags"],
        "iam" => ["TagRole", "UntagRole"],
        _ => ["TagResource", "UntagResource"],
    }
}

fn is_tagging(api: &str) -> bool {
    ["Tag", "Untag", "AddTags", "DeleteTags", "RemoveTags"].iter().any(|word| api.starts_with(word))
}

/// Whether an API that no kind calls changes settings. Many writes only use a resource: they start executions, put data.
fn configures(api: &str) -> bool {
    const VERBS: &[&str] = &[
        "Add",
        "Associate",
        "Attach",
        "Change",
        "Continue",
        "Delete",
        "Deregister",
        "Detach",
        "Disable",
        "Disassociate",
        "Enable",
        "Execute",
        "Modify",
        "Publish",
        "Put",
        "Register",
        "Remove",
        "Restore",
        "Rollback",
        "Set",
        "Update",
    ];
    const USES: &[&str] = &["SetAlarmState", "PutMetricData", "PutEvents", "PutLogEvents", "DeleteChangeSet", "DeleteLogStream"];
    VERBS.iter().any(|verb| api.starts_with(verb)) && !USES.contains(&api)
}
