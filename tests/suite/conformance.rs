//! Every kind goes through one life: absent → create → observed equals desired → nothing to do → change → update →
//! nothing to do → delete → absent.

use scones::kind::When;
use scones::kinds::registry;
use serde_json::Value;

use crate::support::{Project, actions, assert_no_violations, changes, gateway};

/// For each section: a change to the toy environment that touches one resource of it in place.
pub const CHANGES: &[(&str, &str, &str)] = &[
    ("stacks", "    parameters: { Name: \"${app}-toy\" }", "    parameters: { Name: \"${app}-toy\", Days: 9 }"),
    ("roles", "description: Runs all of it", "description: Runs everything"),
    ("functions", "memory: 128", "memory: 256"),
    (
        "state_machines",
        "flow: { definition: stacks/pass.asl.yaml, role: run }",
        "flow: { definition: stacks/pass.asl.yaml, role: run, tracing: true }",
    ),
    (
        "model_package_groups",
        "{ description: Networks of all sorts }",
        "{ description: Networks of all sorts, delete_packages_on_destroy: true }",
    ),
    ("models", "net:1", "net:2"),
    ("endpoints", "percent: 50", "percent: 60"),
    ("alarms", "threshold: 0\n", "threshold: 4\n"),
    ("composite_alarms", "wait: 1m, extension: 2m }", "wait: 3m, extension: 2m }\n    enabled: false"),
    ("dashboards", "{ body: stacks/overview.yaml }", "{ widgets: [{ type: text, properties: { markdown: moved } }] }"),
    ("monitors", "every: 1h\n    classes", "every: 2h\n    classes"),
    ("schedules", "cron(0 2 * * ? *)", "cron(0 3 * * ? *)"),
];

fn life_of(section: &str, from: &str, to: &str) {
    life(&section.replace('_', "-"), section, from, to);
}

fn life(name: &str, section: &str, from: &str, to: &str) {
    let app = format!("life-{name}");
    let project = Project::from_fixture("toy", &app).destroyed_at_end("toy");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert!(actions(&plan).iter().all(|(_, action)| action == "create"), "{:?}", actions(&plan));
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);

    project.edit("environments/toy.yaml", from, to);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    let touched: Vec<(String, String)> = actions(&plan);
    assert!(touched.iter().all(|(_, action)| action == "update"), "{touched:?}");
    assert!(touched.iter().any(|(address, _)| address.starts_with(&format!("{section}."))), "{touched:?}");
    // A model is named by its content, so a new one changes the endpoint that serves it; all else stays alone.
    let expected = if section == "models" { 2 } else { 1 };
    assert_eq!(touched.len(), expected, "{touched:?}");
    let client = format!("scones-life-{name}-{}", std::process::id());
    let applied = project.command(&["apply", "toy", "--yes"]).env("AWS_SDK_UA_APP_ID", &client).output().unwrap();
    crate::support::Run::from(applied).expect(0);
    if section != "models" {
        assert_calls_are_listed(section, &plan, &client);
    }
    project.scones(&["plan", "toy"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);

    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert!(actions(&plan).iter().all(|(_, action)| action == "create"), "{:?}", actions(&plan));
    assert_eq!(plan["orphans"].as_object().map(serde_json::Map::len), Some(0));
    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    assert_no_violations();
}

/// Every writing request that an update sent is one that its kind lists for the fields that changed.
fn assert_calls_are_listed(section: &str, plan: &Value, client: &str) {
    let registry = registry();
    let fields: Vec<String> =
        changes(plan).into_iter().map(|(_, path)| path.split(['.', '[']).next().unwrap().to_owned()).collect();
    let listed: Vec<&str> = registry
        .get(section)
        .unwrap()
        .calls()
        .iter()
        .filter(|call| match call.when {
            When::Update(of) => of.is_empty() || of.iter().any(|field| fields.iter().any(|changed| changed == field)),
            _ => false,
        })
        .flat_map(|call| call.actions.iter().filter_map(|action| action.split(':').nth(1)))
        .collect();
    let sent = gateway(&format!("/__cloud__/cost?user_agent={client}"));
    let reads = ["Get", "List", "Describe", "Head"];
    for operation in sent["by_operation"].as_object().unwrap().keys() {
        let name = operation.split(':').nth(1).unwrap();
        let is_read = reads.iter().any(|read| name.starts_with(read));
        let name = name.trim_end_matches(char::is_numeric).trim_end_matches("_20150331");
        // The lease and the record are the engine's own.
        let is_engine = operation == "s3:PutObject";
        assert!(is_read || is_engine || listed.contains(&name), "{section} sent {operation}; listed are {listed:?}");
    }
}

macro_rules! conformance {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                let section = stringify!($name);
                let (_, from, to) = CHANGES.iter().find(|(name, ..)| *name == section).unwrap();
                life_of(section, from, to);
            }
        )*

        #[test]
        fn every_kind_is_tested() {
            let tested = [$(stringify!($name)),*];
            for section in registry().sections() {
                assert!(tested.contains(&section), "{section} has no conformance test");
            }
        }
    };
}

conformance!(
    stacks,
    roles,
    functions,
    state_machines,
    model_package_groups,
    models,
    endpoints,
    alarms,
    composite_alarms,
    dashboards,
    monitors,
    schedules
);

#[test]
fn monitors_with_another_schedule() {
    life("monitors-schedule", "monitors", "every: 6h", "every: 12h");
}

#[test]
fn schedules_with_another_event() {
    life("schedules-event", "schedules", "greeting: good night", "greeting: good morning");
}

#[test]
fn monitors_with_another_definition() {
    life("monitors-definition", "monitors", "volume: 20", "volume: 30");
}
