//! What is pinned, what is refused, and that a second promotion finds nothing to do.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::evidence::{Alarm, Evaluated, Facts, Measured, Monitor, Newest, proofs};
use super::*;
use crate::environment::blocks::promotion::Promotion;
use crate::environment::edit;
use crate::environment::load::load_text;
use crate::health::AlarmState;
use crate::kinds::registry;
use crate::units::Seconds;
use crate::workload::evaluation::Accuracy;

const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1";

fn files(text: &str) -> (Environment, Desired) {
    let source = edit::source(Path::new("environments/unit.yaml"), text.to_owned());
    let files = load_text(&source, &registry()).unwrap();
    let account = files.header.account.clone().unwrap();
    let desired = crate::desired::desired(&files, &account, &registry()).unwrap();
    (files, desired)
}

fn text(environment: &str, account: &str, model: &str, more: &str) -> String {
    format!(
        r#"app: unit
environment: {environment}
account: "{account}"
region: us-east-1
roles:
  run: {{ assumed_by: [lambda.amazonaws.com, sagemaker.amazonaws.com], managed_policies: [] }}
functions:
  echo: {{ source: tests/fixtures/toy/app, runtime: python3.12, handler: main.handler, role: run }}
models:
  net: {{ {model}, role: run }}
endpoints:
  net: {{ variants: {{ AllTraffic: {{ model: net, instance: ml.m5.large }} }} }}
{more}"#
    )
}

fn dev() -> (Environment, Desired) {
    files(&text("dev", "123456789012", &format!("image: \"{IMAGE}\", artifact: s3://dev/net/model.tar.gz"), ""))
}

fn prod(model: &str, more: &str) -> (Environment, Desired) {
    files(&text("prod", "111122223333", model, more))
}

fn pinned() -> String {
    format!("image: \"{IMAGE}\", artifact: \"${{pins.net}}\"")
}

fn live(name: &str, state: Value) -> Live<Value> {
    Live::settled(name, "", state, None)
}

fn digest(letter: char) -> String {
    format!("sha256:{}", String::from(letter).repeat(64))
}

/// Development, live: a function, a model, and the endpoint that serves it.
fn observed() -> Observed {
    let function = json!({ "package": digest('a'), "alias": { "version": "current" }, "architecture": "x86_64" });
    let model = json!({ "image": IMAGE, "artifact": "s3://dev/net/model.tar.gz", "package": null, "environment": {} });
    let endpoint = json!({ "variants": { "AllTraffic": { "model": "unit-dev-net-00000001" } } });
    Observed {
        resources: [
            (Address::new("functions", "echo"), live("unit-dev-echo", function)),
            (Address::new("models", "net"), live("unit-dev-net-00000001", model)),
            (Address::new("endpoints", "net"), live("unit-dev-net", endpoint)),
        ]
        .into(),
        ..Observed::default()
    }
}

fn takes(observed: &Observed, to: &(Environment, Desired)) -> Taken {
    let from = dev();
    let (from, to) = (Side { files: &from.0, desired: &from.1 }, Side { files: &to.0, desired: &to.1 });
    taken(&from, observed, &to, &registry())
}

fn why(taken: &Taken) -> Vec<String> {
    taken.refused.iter().map(|reason| format!("{}: {}", reason.address, reason.why)).collect()
}

/// What is refused once something of the live side is another.
#[track_caller]
fn refused(address: &str, path: &str, value: Value, part: &str) {
    let mut observed = observed();
    *observed.resources.get_mut(&address.parse().unwrap()).unwrap().state.pointer_mut(path).unwrap() = value;
    let found = why(&takes(&observed, &prod(&pinned(), "")));
    assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
}

fn origin(bucket: &str, etag: &str) -> Origin {
    let artifact = Artifact { bucket: bucket.into(), key: "net/model.tar.gz".into(), etag: Some(etag.into()) };
    Origin { artifact, size: 9, overwritten: false, image: Some(IMAGE.into()), variables: BTreeMap::new() }
}

#[test]
fn what_runs_is_taken() {
    let taken = takes(&observed(), &prod(&pinned(), ""));
    assert_eq!(why(&taken), Vec::<String>::new());
    let [function] = &taken.functions[..] else { panic!("{taken:?}") };
    assert_eq!((function.name.as_str(), &function.package), ("unit-dev-echo", &digest('a')));
    let [model] = &taken.models[..] else { panic!("{taken:?}") };
    assert_eq!((model.pin.as_str(), model.form, model.runs.name.as_str()), ("net", Form::Artifact, "unit-dev-net-00000001"));
    assert_eq!(unfit(model, &origin("dev", "0f")), None);
}

#[test]
fn what_cannot_be_told_for_certain_is_refused() {
    refused("functions.echo", "/package", json!("code changed outside scones: sha256 x"), "only a package that scones deployed");
    refused("functions.echo", "/alias/version", json!("7, which differs in code"), "its alias `live` runs version 7");
    refused("functions.echo", "/architecture", json!("arm64"), "its package is for arm64, but x86_64 is declared here");
    refused("endpoints.net", "/variants/AllTraffic/model", json!("unit-dev-net-00000002"), "still serves unit-dev-net-00000002");
    refused("endpoints.net", "/variants/AllTraffic/model", json!("unit-dev-other-00000001"), "no endpoint of dev serves it");
    let mut observed = observed();
    observed.resources.get_mut(&Address::new("endpoints", "net")).unwrap().status = Status::InProgress("Updating".into());
    observed.resources.remove(&Address::new("functions", "echo"));
    let found = why(&takes(&observed, &prod(&pinned(), "")));
    assert!(found[0].contains("functions.echo: it does not run in dev: scones apply dev"), "{found:?}");
    assert!(found[1].contains("models.net: endpoints.net: AWS still works on it in dev: Updating"), "{found:?}");
}

#[test]
fn a_model_must_take_its_pin() {
    let found = why(&takes(&observed(), &prod(&format!("image: \"{IMAGE}\", artifact: s3://prod/model.tar.gz"), "")));
    assert!(found[0].contains("models.net: it takes no pin here") && found[0].contains("${pins.net}"), "{found:?}");
    let package = prod("package: \"${pins.net}\"", "");
    let found = why(&takes(&observed(), &package));
    assert!(found[0].contains("made of an artifact, not of a model package"), "{found:?}");
    let mut observed = observed();
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/nets/3";
    observed.resources.get_mut(&Address::new("models", "net")).unwrap().state["package"] = json!(arn);
    let taken = takes(&observed, &package);
    assert_eq!((taken.models[0].form, taken.models[0].runs.package.as_deref()), (Form::Package, Some(arn)));
}

#[test]
fn a_pin_is_one_things() {
    let model = format!("image: \"{IMAGE}\", artifact: \"${{pins.echo}}\"");
    let found = why(&takes(&observed(), &prod(&model, "")));
    assert!(found[0].contains("models.net: the pin echo is that of functions.echo already"), "{found:?}");
}

#[test]
fn what_is_of_one_environment_alone_stays() {
    let text = text("prod", "111122223333", &pinned(), "").replace(
        "models:\n",
        "models:\n  own: { image: \"123456789012.dkr.ecr.us-east-1.amazonaws.com/net:1\", artifact: s3://own/model.tar.gz, role: run }\n",
    );
    let taken = takes(&observed(), &files(&text));
    assert_eq!(taken.left.len(), 1);
    assert!(taken.left[0].address.name == "own" && taken.left[0].why.contains("not in dev"), "{taken:?}");
}

#[test]
fn another_image_is_another_model() {
    let taken = takes(&observed(), &prod(&pinned(), ""));
    let mut other = origin("dev", "0f");
    other.image = Some(format!("{IMAGE}0"));
    assert!(unfit(&taken.models[0], &other).unwrap().contains("it runs with the image"));
    let mut other = origin("dev", "0f");
    other.variables.insert("LAYERS".into(), "18".into());
    assert!(unfit(&taken.models[0], &other).unwrap().contains("not declared here: LAYERS"));
    let mut other = origin("dev", "0f");
    other.overwritten = true;
    assert!(unfit(&taken.models[0], &other).unwrap().contains("was overwritten after unit-dev-net-00000001 was made"));
}

#[test]
fn an_artifact_lies_in_the_own_accounts_bucket() {
    let world = prod(&pinned(), "").1.world;
    let bucket = "scones-111122223333-us-east-1";
    let copy = Artifact { bucket: bucket.into(), key: "models/0f-2/model.tar.gz".into(), etag: None };
    assert_eq!(home(&origin("dev", "0f-2"), &world, None), Home::Copy(copy.clone()));
    // The pin alone, without an ETag, says nothing of the object.
    assert_eq!(home(&origin("dev", "0f-2"), &world, Some(&copy.to_string())), Home::Copy(copy.clone()));
    let there = Artifact { etag: Some("aa".into()), ..copy };
    assert_eq!(home(&origin("dev", "0f-2"), &world, Some(&there.to_string())), Home::There(there.clone()));
    assert!(matches!(home(&origin("dev", "0e"), &world, Some(&there.to_string())), Home::Copy(_)));
    assert_eq!(home(&origin(bucket, "0f"), &world, None), Home::There(origin(bucket, "0f").artifact));
}

fn facts() -> Facts {
    let alarm =
        |name: &str| Alarm { address: Address::new("alarms", name), state: AlarmState::Ok, rang: None, without_data: vec![] };
    let monitor = Monitor {
        address: Address::new("monitors", "m"),
        at: Some((1_000_000, "then".into())),
        every: Some(3600),
        measured: Measured::Index(Some(0.1)),
    };
    let newest = Newest { accuracy: Accuracy { value: 0.95, low: 0.9, high: 0.98 }, pictures: 200, at: "then".into() };
    Facts {
        name: "dev".into(),
        now: 1_003_000,
        alarms: vec![alarm("a"), alarm("b")],
        monitors: vec![monitor],
        evaluations: vec![Evaluated { model: Address::new("models", "net"), newest: Ok(newest) }],
        ..Facts::default()
    }
}

fn demands() -> Promotion {
    Promotion { from: None, alarms_quiet: Some(Seconds(86_400)), accuracy: Some(0.9), drift_below: Some(0.25) }
}

/// Exactly one demand is missing, and says so with these words.
#[track_caller]
fn missing(facts: &Facts, demand: &str, part: &str) {
    let proofs = proofs(&demands(), facts);
    let missing: Vec<&evidence::Proof> = proofs.iter().filter(|proof| !proof.held).collect();
    assert!(proofs.len() == 4 && missing.len() == 1, "{proofs:?}");
    let text = format!("{:?}", missing[0]);
    assert!(missing[0].demand.contains(demand) && text.contains(part) && !missing[0].help.is_empty(), "{text}");
}

#[test]
fn each_demand_is_held_against_what_was_found() {
    assert!(proofs(&demands(), &facts()).iter().all(|proof| proof.held && !proof.found.is_empty()));
    let with = |change: fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        facts
    };
    let drifted = with(|facts| facts.drifted.push("functions.echo changed outside: memory".into()));
    missing(&drifted, "without drift", "scones apply dev");
    missing(&with(|facts| facts.unread.push("roles.x: denied".into())), "without drift", "roles.x: denied");
    missing(&with(|facts| facts.alarms[1].state = AlarmState::Alarm), "alarms quiet for 24h", "alarms.b rings");
    missing(&with(|facts| facts.alarms[0].rang = Some("noon".into())), "alarms quiet", "alarms.a rang until noon");
    missing(&with(|facts| facts.alarms.clear()), "alarms quiet", "there is no alarm");
    missing(&with(|facts| facts.alarms_unread.push("alarms.c has no state".into())), "alarms quiet", "alarms.c has no state");
    missing(&with(|facts| facts.monitors_unread.push("monitors.n: denied".into())), "drifted", "monitors.n: denied");
    missing(&with(|facts| facts.evaluations[0].newest = Err("nothing kept".into())), "accuracy", "nothing kept");
    missing(&with(|facts| facts.evaluations.clear()), "accuracy", "no model");
    let weak = with(|facts| facts.evaluations[0].newest.as_mut().unwrap().accuracy.value = 0.899);
    missing(&weak, "accuracy of at least 0.9", "0.899");
    missing(&with(|facts| facts.monitors[0].measured = Measured::Index(Some(0.25))), "drifted by less than 0.25", "0.250");
    missing(&with(|facts| facts.monitors[0].measured = Measured::Index(None)), "drifted", "too few pictures");
    missing(&with(|facts| facts.monitors[0].at = None), "drifted", "measured nothing of late");
    missing(&with(|facts| facts.now += 2 * 3600), "drifted", "and runs every 1h");
    missing(&with(|facts| facts.monitors.clear()), "drifted", "no monitor");
    let ended = |ended: &str| Measured::Ended(Some(ended.to_owned()));
    let mut violated = facts();
    violated.monitors[0].measured = ended("CompletedWithViolations");
    missing(&violated, "drifted", "CompletedWithViolations");
    violated.monitors[0].measured = ended("Completed");
    assert!(proofs(&demands(), &violated).iter().all(|proof| proof.held));
}

#[test]
fn what_is_not_demanded_is_not_held_against_anybody() {
    let mut facts = facts();
    facts.alarms[0].state = AlarmState::Alarm;
    facts.monitors.clear();
    let found = proofs(&Promotion::default(), &facts);
    assert!(found.len() == 1 && found[0].held, "{found:?}");
}

#[test]
fn alarms_without_data_are_told() {
    let mut facts = facts();
    facts.alarms[0].without_data.push("AWS/Lambda Errors".into());
    facts.alarms[1].state = AlarmState::InsufficientData;
    let proof = &proofs(&demands(), &facts)[1];
    assert!(proof.held && proof.found[1] == "of these there is no data, so they could not ring: alarms.a, alarms.b", "{proof:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was pinned before and runs now: once its pins are written, the same promotion finds nothing to do.
    #[test]
    fn the_second_promotion_has_nothing_to_do(
        package in "[0-9a-f]{64}", etag in "[0-9a-f]{32}(-[1-9])?", copied in "[0-9a-f]{32}",
        before in prop::option::of("[0-9a-f]{64}"), comment in "[a-z ]{0,20}",
    ) {
        let mut observed = observed();
        observed.resources.get_mut(&Address::new("functions", "echo")).unwrap().state["package"] = json!(format!("sha256:{package}"));
        let old = before.map_or(String::new(), |digits| format!("pins:\n  # {comment}\n  echo: sha256:{digits}\n"));
        let text = text("prod", "111122223333", &pinned(), &old);
        let pins = |text: &str, copied: Option<&str>| {
            let (files, desired) = files(text);
            let taken = takes(&observed, &(files.clone(), desired.clone()));
            assert!(taken.refused.is_empty(), "{taken:?}");
            let current = files.header.pins.get("net").map(String::as_str);
            let (Home::There(place) | Home::Copy(place)) = home(&origin("dev", &etag), &desired.world, current);
            let place = Artifact { etag: place.etag.clone().or(copied.map(str::to_owned)), ..place };
            let function = &taken.functions[0];
            let all = [
                Pin::of(&function.address, &function.address.name, function.package.clone(), &files),
                Pin::of(&taken.models[0].address, &taken.models[0].pin, place.to_string(), &files),
            ];
            all.into_iter().flatten().collect::<Vec<Pin>>()
        };
        let mut now = edit::source(Path::new("environments/unit.yaml"), text.clone());
        for pin in pins(&text, Some(&copied)) {
            now = edit::source(&now.path.clone(), edit::set(&now, &pin.keys(), &pin.value.clone().into()).unwrap());
        }
        prop_assert_ne!(&now.text, &text);
        prop_assert!(comment.trim().is_empty() || old.is_empty() || now.text.contains(comment.trim()));
        prop_assert_eq!(pins(&now.text, None), vec![]);
    }
}
