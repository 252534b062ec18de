//! The way back from a state to a file, for each field that has one: no cloud, a live side that differs in one value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scones::accept::{self, Sources, Wanted};
use scones::desired::{Desired, desired, tag};
use scones::diff::split;
use scones::environment::edit;
use scones::environment::load::{inherited, load_text};
use scones::environment::source::Source;
use scones::environment::yaml::{Tags, parse};
use scones::kind::written::{Form, Written, place};
use scones::kind::{Live, Registry, name_by_content};
use scones::kinds::registry;
use scones::plan::{Mode, Observed, drift_of, filled, plan, stamp_of};
use serde_json::{Value, json};

use crate::support::repository;

const ACCOUNT: &str = "123456789012";

/// A value that somebody gave a field: address, path, value.
fn rows() -> Vec<(&'static str, &'static str, Value)> {
    let arn = "arn:aws:sns:us-east-1:123456789012:other";
    let role = "arn:aws:iam::123456789012:role/other";
    let managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let invoke = json!({
        "Effect": "Allow", "Principal": { "Service": ["s3.amazonaws.com"] }, "Action": ["lambda:InvokeFunction"],
        "Resource": ["arn:aws:lambda:us-east-1:123456789012:function:written-toy-echo:live"],
    });
    vec![
        ("functions.echo", "runtime", json!("python3.13")),
        ("functions.echo", "handler", json!("main.other")),
        ("functions.echo", "role", json!(role)),
        ("functions.echo", "description", json!("says: # what ${it} hears")),
        ("functions.echo", "memory", json!(512)),
        ("functions.echo", "timeout", json!(20)),
        ("functions.echo", "architecture", json!("arm64")),
        ("functions.echo", "environment.GREETING", json!("no")),
        ("functions.echo", "environment", json!({})),
        ("functions.echo", "layers", json!(["arn:aws:lambda:us-east-1:123456789012:layer:x:1"])),
        ("functions.echo", "tracing", json!("Active")),
        ("functions.echo", "ephemeral_storage", json!(1024)),
        ("functions.echo", "dead_letter", json!(arn)),
        ("functions.echo", "kms_key", json!("arn:aws:kms:us-east-1:123456789012:key/k")),
        ("functions.echo", "reserved_concurrency", json!(3)),
        ("functions.echo", "log_group.retention", json!(7)),
        (
            "functions.echo",
            "logging",
            json!({ "format": "JSON", "application_level": "INFO", "system_level": "INFO", "group": "/aws/lambda/written-toy-echo" }),
        ),
        ("functions.echo", "permissions.bucket", invoke),
        ("roles.run", "description", json!("")),
        ("roles.run", "max_session_duration", json!(7200)),
        ("roles.run", "managed_policies", json!([read_only, managed])),
        ("roles.run", "managed_policies", json!([])),
        ("roles.run", "boundary", json!(read_only)),
        ("state_machines.flow", "type", json!("EXPRESS")),
        ("state_machines.flow", "role", json!(role)),
        ("state_machines.flow", "logging.level", json!("ALL")),
        ("state_machines.flow", "logging.include_execution_data", json!(true)),
        ("state_machines.flow", "log_group.retention", json!(1)),
        ("state_machines.flow", "tracing", json!(true)),
        ("alarms.errors", "metric", json!("AWS/Lambda Throttles")),
        ("alarms.errors", "statistic", json!("Maximum")),
        ("alarms.errors", "period", json!(300)),
        ("alarms.errors", "threshold", json!(2.0)),
        ("alarms.errors", "comparison", json!("GreaterThanOrEqualToThreshold")),
        ("alarms.errors", "missing_data", json!("breaching")),
        ("alarms.errors", "unit", json!("Count")),
        ("alarms.errors", "description", json!("It rings.")),
        ("alarms.errors", "actions", json!([])),
        ("alarms.errors", "ok_actions", json!([arn])),
        ("alarms.errors", "insufficient_data_actions", json!([arn])),
        ("alarms.errors", "enabled", json!(false)),
        ("composite_alarms.broken", "rule", json!("FALSE")),
        ("composite_alarms.broken", "description", json!("Is it?")),
        ("composite_alarms.broken", "actions", json!([arn])),
        ("composite_alarms.broken", "ok_actions", json!([arn])),
        ("composite_alarms.broken", "insufficient_data_actions", json!([arn])),
        ("composite_alarms.broken", "enabled", json!(false)),
        ("composite_alarms.broken", "suppressor", Value::Null),
        ("composite_alarms.broken", "suppressor.alarm", json!("other")),
        ("composite_alarms.broken", "suppressor.wait", json!(90)),
        ("composite_alarms.broken", "suppressor.extension", json!(0)),
        ("stacks.base", "parameters.Days", json!("60")),
        ("stacks.base", "capabilities", json!(["CAPABILITY_IAM"])),
        ("stacks.base", "termination_protection", json!(true)),
        ("model_package_groups.nets", "delete_packages_on_destroy", json!(true)),
        ("model_package_groups.nets", "description", json!("Nets")),
        ("endpoints.net", "variants.AllTraffic.instance", json!("ml.m5.xlarge")),
        ("endpoints.net", "variants.AllTraffic.count", json!(2)),
        ("endpoints.net", "variants.AllTraffic.weight", json!(0.5)),
        ("endpoints.net", "scaling.AllTraffic.max", json!(4)),
        ("endpoints.net", "scaling.AllTraffic.policy.target", json!(10.5)),
        ("endpoints.net", "scaling.AllTraffic.policy.scale_in_cooldown", json!(90)),
        ("endpoints.net", "scaling.AllTraffic.policy.scale_out_cooldown", json!(60)),
        ("endpoints.net", "capture.percent", json!(7)),
        ("endpoints.net", "capture.input", json!(false)),
        ("endpoints.net", "capture.json_content_types", json!(["application/json", "text/json"])),
        ("endpoints.net", "capture.csv_content_types", json!(["text/csv"])),
        ("endpoints.net", "kms_key", json!("alias/other")),
        ("monitors.predictions", "rule.state", json!("DISABLED")),
        ("monitors.predictions", "targets.function.input.low_confidence", json!(0.5)),
        ("monitors.predictions", "targets.function.input.minimum_records", json!(5)),
        ("monitors.predictions", "targets.function.input.classes", json!(["bicycle", "car"])),
        ("monitors.predictions", "targets.function.input.baseline", json!("s3://other-bucket/b.json")),
        ("monitors.predictions", "targets.function.input.reports", json!("s3://other-bucket/reports")),
        ("monitors.features", "schedule.enabled", json!(false)),
        ("monitors.features", "definition.role", json!(role)),
        ("monitors.features", "definition.instance", json!("ml.m5.large")),
        ("monitors.features", "definition.volume", json!(30)),
        ("monitors.features", "definition.max_runtime", json!(1800)),
        ("monitors.features", "definition.preprocessor", json!("s3://other-bucket/p.py")),
        ("monitors.features", "definition.network_isolation", json!(true)),
        ("monitors.features", "definition.reports", json!("s3://other-bucket/reports")),
    ]
}

/// Rules that no value of the toy's can stand for alone, and why.
const ALONE: [(&str, &str, &str); 10] = [
    ("alarms", "evaluation_periods", "the data points to alarm are as many unless told"),
    ("alarms", "datapoints_to_alarm", "no more than the periods"),
    ("alarms", "evaluate_low_sample_count_percentile", "for percentiles"),
    ("endpoints", "variants.*.serverless.memory", "the toy has instances"),
    ("endpoints", "variants.*.serverless.max_concurrency", "the toy has instances"),
    ("endpoints", "scaling.*.min", "no more than the count"),
    ("endpoints", "capture.to", "the monitor reads there"),
    ("endpoints", "capture.output", "the monitor reads it"),
    ("monitors", "targets.function.input.variant", "one that the endpoint has"),
    ("monitors", "targets.function.input.capture", "where the endpoint captures to"),
];

fn toy(path: &str) -> Arc<Source> {
    let path = repository().join(path);
    let text = std::fs::read_to_string(&path).unwrap().replace("APP", "written");
    edit::source(&path, text)
}

/// All that is declared, live.
fn deployed(desired: &Desired, registry: &Registry) -> Observed {
    let mut known = BTreeMap::new();
    let mut observed = Observed { bootstrap: true, ..Observed::default() };
    for (address, resource) in &desired.resources {
        let state = filled(&resource.state, &resource.holes, &known);
        let kind = registry.get(&address.section).unwrap();
        let name = if kind.named_by_content() { name_by_content(&resource.name, &state) } else { resource.name.clone() };
        known.insert(format!("{address}.name"), name.clone());
        let mut tags = resource.tags.clone();
        tags.insert(tag::STAMP.to_owned(), stamp_of(&state, &tags));
        let mut live = Live::settled(name, format!("arn:of:{address}"), state, Some(tags));
        live.attributes = resource.expected.clone();
        observed.resources.insert(address.clone(), live);
    }
    observed
}

fn put(at: &mut Value, path: &[String], value: Value) {
    match path.split_first() {
        None => *at = value,
        Some((key, rest)) => put(&mut at[key.as_str()], rest, value),
    }
}

#[test]
fn every_field_that_a_file_can_say_finds_its_way_back() {
    let registry = registry();
    let own = toy("tests/fixtures/toy/environments/toy.yaml");
    let environment = load_text(&own, &registry).unwrap();
    let asked = desired(&environment, ACCOUNT, &registry).unwrap();
    let as_declared = deployed(&asked, &registry);
    assert_eq!(plan(&asked, &as_declared, &registry, Mode::Apply).steps, vec![]);
    let tree = parse(&own, Tags::Refused).unwrap();
    let below = inherited(&own).unwrap();
    let mut used = BTreeSet::new();
    for (address, path, value) in rows() {
        let wanted: Wanted = format!("{address}:{path}").parse().unwrap();
        let keys = split(path);
        let mut observed = as_declared.clone();
        put(&mut observed.resources.get_mut(&wanted.address).unwrap().state, &keys, value.clone());
        let before = plan(&asked, &observed, &registry, Mode::Apply);
        let drift = drift_of(before.clone(), &observed);
        let sources = Sources {
            environment: &environment,
            own: &tree,
            inherited: below.as_ref(),
            drift: &drift,
            observed: &observed,
            registry: &registry,
        };
        let accepted = accept::edits(&wanted, &sources).unwrap_or_else(|wrong| panic!("{address} {path}: {wrong:?}"));
        let mut now = own.clone();
        for one in &accepted.edits {
            let text = match &one.value {
                Some(value) => edit::set(&now, &one.keys, value),
                None => edit::remove(&now, &one.keys),
            };
            now = edit::source(&own.path, text.unwrap());
        }
        let edited = load_text(&now, &registry).unwrap_or_else(|faults| panic!("{address} {path}: {faults}"));
        let asked = desired(&edited, ACCOUNT, &registry).unwrap_or_else(|faults| panic!("{address} {path}: {faults}"));
        let after = plan(&asked, &observed, &registry, Mode::Apply);
        accept::check(&before, &after, &accepted.edits).unwrap_or_else(|wrong| panic!("{address} {path}: {wrong:?}"));
        let left: Vec<_> = accept::changes(&after).collect();
        assert_eq!(left, vec![], "{address} {path}");
        let rules = registry.get(&wanted.address.section).unwrap().written();
        used.extend(
            rules.iter().filter(|rule| holds(rule, rules, &keys)).map(|rule| (wanted.address.section.clone(), rule.state)),
        );
    }
    for kind in registry.iter() {
        for rule in kind.written().iter().filter(|rule| !matches!(rule.form, Form::ByHand(_) | Form::Follows(_))) {
            let alone = ALONE.iter().any(|(section, state, _)| (*section, *state) == (kind.section(), rule.state));
            let is_used = used.contains(&(kind.section().to_owned(), rule.state));
            assert_ne!(is_used, alone, "{}: {}", kind.section(), rule.state);
        }
    }
}

/// Whether a rule is the one that holds for a path or for what is below it.
fn holds(rule: &Written, rules: &[Written], path: &[String]) -> bool {
    let deeper: Vec<String> = path.iter().cloned().chain(["GREETING".to_owned()]).collect();
    let depth = rule.state.split('.').count();
    let fits = |path: &[String]| {
        place(rules, path).is_some_and(|place| place.depth == depth) && place(std::slice::from_ref(rule), path).is_some()
    };
    fits(path) || fits(&deeper)
}
