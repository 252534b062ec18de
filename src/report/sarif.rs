//! Drift as SARIF 2.1.0: one finding per drifted property, at the line of the file that declares it.
//!
//! Source: "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", an OASIS standard.

use std::path::{Component, Path};

use serde_json::{Value, json};

use super::lines::scalar;
use super::plain::shortened;
use crate::diff::{Cause, Change, Rule, rule_holds, split};
use crate::environment::{Environment, Span};
use crate::kind::{AnyKind, Registry, digest, written};
use crate::plan::{Action, Plan, Step};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The longest value that a message shows, in characters.
const LONGEST_VALUE: usize = 200;

/// The sorts of findings: identifier, in short, and what to do.
const RULES: [(&str, &str, &str); 7] = [
    ("drift/changed", "A property changed outside", "`scones apply` sets it right; `scones drift --accept` takes it over."),
    ("drift/gone", "A declared resource is gone", "`scones apply` makes it again, or take it out of the file."),
    ("drift/failed", "A resource failed", "`scones apply` makes it anew."),
    ("drift/orphan", "A resource that no file declares", "`scones apply --prune` deletes it, or declare it again."),
    ("drift/unmanaged", "A resource that is named like the environment's", "Declare it and `scones adopt` it, or delete it."),
    ("drift/unknown", "A resource that could not be read", "`scones permissions --for drift` prints what is needed to read it."),
    ("drift/conflict", "A resource of a declared name is someone else's", "`scones adopt` takes it over, or rename yours."),
];

/// Makes the log of a plan that [`drift_of`](crate::plan::drift_of) left drift in.
pub fn drift(plan: &Plan, registry: &Registry, environment: &Environment) -> Value {
    let mut findings = vec![];
    for step in &plan.steps {
        let Some(kind) = registry.get(&step.address.section) else { continue };
        findings.extend(of_step(step, kind, environment));
    }
    let file = || json!({ "artifactLocation": artifact(&environment.file), "region": { "startLine": 1 } });
    findings.extend(plan.orphans.iter().map(|(address, orphan)| Finding {
        rule: "drift/orphan",
        address: address.to_string(),
        path: None,
        cause: None,
        text: format!("{address}: {} is owned, but declared no more", shortened(&orphan.name, LONGEST_VALUE)),
        place: file(),
    }));
    findings.extend(plan.conflicts.iter().map(|conflict| Finding {
        rule: "drift/conflict",
        address: conflict.address.to_string(),
        path: None,
        cause: None,
        text: format!("{}: {}", conflict.address, shortened(&conflict.message, 2 * LONGEST_VALUE)),
        place: place(environment, &[conflict.address.section.clone(), conflict.address.name.clone()]),
    }));
    findings.extend(plan.neighbours.iter().map(|neighbour| Finding {
        rule: "drift/unmanaged",
        address: format!("{}:{}", neighbour.section, shortened(&neighbour.name, LONGEST_VALUE)),
        path: None,
        cause: None,
        text: format!(
            "{} {} is named like this environment's, and is not its own",
            neighbour.sort(),
            shortened(&neighbour.name, LONGEST_VALUE)
        ),
        place: file(),
    }));
    findings.extend(plan.unread().map(|(what, unread)| Finding {
        rule: "drift/unknown",
        address: what.clone(),
        path: None,
        cause: None,
        text: format!("{what} could not be read: {}", shortened(&unread.why, 2 * LONGEST_VALUE)),
        place: match what.split_once('.') {
            Some((section, name)) if !what.contains(' ') => place(environment, &[section.to_owned(), name.to_owned()]),
            _ => file(),
        },
    }));
    let rules = RULES.map(|(id, short, help)| {
        json!({ "id": id, "shortDescription": { "text": short }, "help": { "text": help }, "defaultConfiguration": { "level": level(id) } })
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "scones", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "automationDetails": { "id": format!("scones-drift/{}/{}/", plan.app, plan.environment) },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|finding| finding.result(plan)).collect::<Vec<_>>(),
        }],
    })
}

struct Finding {
    rule: &'static str,
    address: String,
    path: Option<String>,
    cause: Option<Cause>,
    text: String,
    place: Value,
}

impl Finding {
    fn result(&self, plan: &Plan) -> Value {
        let mut properties = json!({ "address": self.address });
        if let Some(path) = &self.path {
            properties["path"] = path.as_str().into();
        }
        if let Some(cause) = self.cause {
            properties["cause"] = json!(cause);
        }
        // The same from run to run, whatever the value is by then and wherever its line went.
        let same = digest(&json!([plan.app, plan.environment, self.rule, self.address, self.path]));
        json!({
            "ruleId": self.rule,
            "ruleIndex": RULES.iter().position(|(id, ..)| *id == self.rule),
            "level": level(self.rule),
            "message": { "text": self.text },
            "locations": [{ "physicalLocation": self.place }],
            "partialFingerprints": { "driftedProperty/v1": same },
            "properties": properties,
        })
    }
}

fn level(rule: &str) -> &'static str {
    match rule {
        "drift/conflict" | "drift/unknown" => "error",
        "drift/unmanaged" => "note",
        _ => "warning",
    }
}

fn of_step(step: &Step, kind: &dyn AnyKind, environment: &Environment) -> Vec<Finding> {
    let resource = [step.address.section.clone(), step.address.name.clone()];
    let whole = |rule, what: &str| Finding {
        rule,
        address: step.address.to_string(),
        path: None,
        cause: None,
        text: format!("{}: {what}", step.address),
        place: place(environment, &resource),
    };
    let reason = step.reason.as_deref().unwrap_or_default();
    match step.action {
        Action::Create => return vec![whole("drift/gone", reason)],
        _ if step.changes.is_empty() => return vec![whole("drift/failed", &shortened(reason, 2 * LONGEST_VALUE))],
        _ => {}
    }
    let mut groups: Vec<(Vec<String>, Vec<&Change>)> = vec![];
    for change in &step.changes {
        let path = property(change, kind);
        match groups.iter_mut().find(|(known, _)| *known == path) {
            Some((_, changes)) => changes.push(change),
            None => groups.push((path, vec![change])),
        }
    }
    groups.into_iter().map(|(path, changes)| of_property(step, kind, environment, &path, &changes)).collect()
}

/// The property that a change belongs to: of a document, the document.
fn property(change: &Change, kind: &dyn AnyKind) -> Vec<String> {
    let path = split(&change.path);
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let document = (1..=keys.len()).find(|length| rule_holds(kind.fields(), &keys[..*length], Rule::Document));
    document.map_or(path.clone(), |length| path[..length].to_vec())
}

fn of_property(step: &Step, kind: &dyn AnyKind, environment: &Environment, path: &[String], changes: &[&Change]) -> Finding {
    let shown = crate::diff::join(path);
    let value = |value: &Value| shortened(&scalar(value), LONGEST_VALUE);
    // A change goes from what is live to what is declared.
    let told = changes.iter().map(|change| match (&change.to, &change.from) {
        _ if change.path != shown => split(&change.path)[path.len()..].join("."),
        (Some(declared), Some(live)) => format!("{} → {}", value(declared), value(live)),
        (Some(declared), None) => format!("{} is missing", value(declared)),
        (None, Some(live)) => format!("{} was added", value(live)),
        (None, None) => String::new(),
    });
    let told: Vec<String> = told.collect();
    let told = if told.len() > 5 { format!("{} and {} more", told[..5].join(", "), told.len() - 5) } else { told.join(", ") };
    let tag = path.first().is_some_and(|field| field == "tags");
    let mut keys = vec![step.address.section.clone(), step.address.name.clone()];
    if tag && environment.root.find(path).is_some() {
        keys = path.to_vec();
    } else if let Some(place) = written::place(kind.written(), path) {
        keys.extend(place.spec);
    }
    Finding {
        rule: "drift/changed",
        address: step.address.to_string(),
        path: Some(shown.clone()),
        cause: changes.iter().find_map(|change| change.cause),
        text: format!("{}: {shown}: {told}", step.address),
        place: place(environment, &keys),
    }
}

/// Where the files say what a path leads to, or the nearest around it.
fn place(environment: &Environment, keys: &[String]) -> Value {
    let span = environment.root.nearest_span(keys);
    let (line, column) = Span::line_column(&span);
    json!({ "artifactLocation": artifact(&span.source.path), "region": { "startLine": line, "startColumn": column } })
}

/// A path as a URI reference, relative to the repository's root where it is relative.
fn artifact(path: &Path) -> Value {
    let mut parts: Vec<String> = vec![];
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(encoded(&part.to_string_lossy())),
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => drop(parts.pop()),
            Component::ParentDir => parts.push("..".to_owned()),
            _ => {}
        }
    }
    match path.is_absolute() {
        true => json!({ "uri": format!("file:///{}", parts.join("/")) }),
        false => json!({ "uri": parts.join("/"), "uriBaseId": "%SRCROOT%" }),
    }
}

fn encoded(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    segment.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::edit::source;
    use crate::environment::load::load_text;
    use crate::kinds::registry;

    const FILE: &str = "app: shop\nenvironment: dev\nregion: us-east-1\ntags: { team: a }\nalarms:\n  errors:\n    metric: AWS/Lambda Errors\n    statistic: Sum\n    period: 1m\n    comparison: \">\"\n    threshold: 1\n";

    fn log(steps: Value, orphans: Value) -> Value {
        let environment =
            load_text(&source(Path::new("environments/../environments/dev env.yaml"), FILE.to_owned()), &registry());
        let world = json!({ "app": "shop", "environment": "dev", "account": "123456789012", "region": "us-east-1" });
        let desired = json!({ "world": world, "ignore_tags": [], "protect": false, "resources": {} });
        let plan = json!({
            "format": 1, "app": "shop", "environment": "dev", "account": "123456789012", "region": "us-east-1", "digest": "",
            "summary": serde_json::to_value(crate::plan::Summary::default()).unwrap_or_default(), "steps": steps,
            "orphans": orphans, "conflicts": [{ "address": "alarms.errors", "message": "not ours", "help": "" }],
            "mode": "apply", "desired": desired,
        });
        drift(&serde_json::from_value(plan).expect("a plan"), &registry(), &environment.expect("an environment"))
    }

    fn changed(changes: Value) -> Value {
        json!([{ "address": "alarms.errors", "action": "update", "name": "x", "needs": [], "changes": changes }])
    }

    #[test]
    fn findings_stand_at_their_lines() {
        let changes = json!([
            { "path": "threshold", "from": 5, "to": 1, "cause": "drifted" },
            { "path": "actions", "from": "arn:new", "cause": "drifted" },
            { "path": "actions", "to": "arn:old", "cause": "drifted" },
            { "path": "tags.team", "from": "b", "to": "a", "cause": "both" },
            { "path": "tags.other", "from": "b", "cause": "drifted" },
            { "path": "metrics.a.period", "from": 1, "to": 2, "cause": "drifted" },
            { "path": "metrics.b.label", "from": 1, "to": 2, "cause": "drifted" },
        ]);
        let log = log(changed(changes), json!({ "alarms.old": { "name": "shop-dev-old", "arns": [] } }));
        let results = log["runs"][0]["results"].as_array().cloned().unwrap_or_default();
        let short = |result: &Value| {
            let region = &result["locations"][0]["physicalLocation"]["region"];
            format!("{} {} {}", result["ruleId"].as_str().unwrap_or_default(), region["startLine"], result["message"]["text"])
        };
        let expected = [
            r#"drift/changed 11 "alarms.errors: threshold: 1 → 5""#,
            r#"drift/changed 6 "alarms.errors: actions: \"arn:new\" was added, \"arn:old\" is missing""#,
            r#"drift/changed 4 "alarms.errors: tags.team: a → b""#,
            r#"drift/changed 6 "alarms.errors: tags.other: b was added""#,
            r#"drift/changed 6 "alarms.errors: metrics: a.period, b.label""#,
            r#"drift/orphan 1 "alarms.old: shop-dev-old is owned, but declared no more""#,
            r#"drift/conflict 6 "alarms.errors: not ours""#,
        ];
        let expected = expected.map(|line| line.replace("\\\"arn:new\\\"", "arn:new").replace("\\\"arn:old\\\"", "arn:old"));
        assert_eq!(results.iter().map(short).collect::<Vec<_>>(), expected);
        let location = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"], json!({ "uri": "environments/dev%20env.yaml", "uriBaseId": "%SRCROOT%" }));
        assert_eq!(location["region"]["startColumn"], 16);
        assert_eq!(results[2]["properties"], json!({ "address": "alarms.errors", "path": "tags.team", "cause": "both" }));
    }

    #[test]
    fn a_finding_is_known_again() {
        let print = |from: u32| {
            let log = log(changed(json!([{ "path": "threshold", "from": from, "to": 1 }])), json!({}));
            log["runs"][0]["results"][0]["partialFingerprints"].clone()
        };
        assert_eq!(print(5), print(6));
        let other = log(changed(json!([{ "path": "period", "from": 5, "to": 1 }])), json!({}));
        assert_ne!(print(5), other["runs"][0]["results"][0]["partialFingerprints"]);
    }

    #[test]
    fn what_is_gone_is_found_at_its_declaration() {
        let gone = json!([{ "address": "alarms.errors", "action": "create", "name": "x", "needs": [], "changes": [],
            "reason": "it is gone, or was never applied" }]);
        let log = log(gone, json!({}));
        let result = &log["runs"][0]["results"][0];
        assert_eq!((result["ruleId"].as_str(), result["ruleIndex"].as_u64()), (Some("drift/gone"), Some(1)));
        assert_eq!(result["locations"][0]["physicalLocation"]["region"], json!({ "startLine": 6, "startColumn": 3 }));
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(artifact(Path::new("/a b/c.yaml")), json!({ "uri": "file:///a%20b/c.yaml" }));
        assert_eq!(artifact(Path::new("../x/./y/../é:.yaml"))["uri"], "../x/%C3%A9%3A.yaml");
    }
}
