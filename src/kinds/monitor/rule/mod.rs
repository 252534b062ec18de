//! Engine `lambda`: an EventBridge rule that invokes a function on a schedule.

pub mod members;
mod read;
mod write;

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::RuleState;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cron;
use super::spec::{Baseline, Spec, s3_folder};
use super::watched::Watched;
use crate::desired::Scope;
use crate::kinds::sagemaker::Others;

pub use read::observe;
pub use write::{create, delete, update};

/// The one target of a rule that scones writes.
const TARGET: &str = "function";
/// The alias of a function that callers call.
const ALIAS: &str = "live";
/// What the function is told if nothing else is said.
const VARIANT: &str = "AllTraffic";
const LOW_CONFIDENCE: f64 = 0.8;
const MINIMUM_RECORDS: u32 = 20;
/// Where the function's metrics are published.
const NAMESPACE: &str = "Scones/Model";
/// The longest window that the function takes, in seconds, and the most classes.
const LONGEST_WINDOW: u32 = 7 * 24 * 60 * 60;
const MOST_CLASSES: usize = 100;
/// How long the input of a target may be. Source: the type `Target` in EventBridge's API reference.
const LONGEST_INPUT: usize = 8192;

/// A rule with all of its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    rule: Rule,
    targets: BTreeMap<String, Target>,
}

/// When, and whether.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rule {
    schedule: Option<String>,
    state: String,
    description: String,
    /// What also sets it off: events, which scones does not write.
    pattern: Option<Value>,
    role: Option<String>,
    /// The service that made it and that alone may change it.
    managed_by: Option<String>,
}

/// What a rule sets off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Target {
    arn: String,
    input: Option<Value>,
    role: Option<String>,
    dead_letter: Option<String>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<Scheduled> {
    let watched = Watched::of(&spec.endpoint, scope)?;
    let schedule = schedule(&spec, scope);
    let window = window(&spec, scope);
    let classes = spec.classes.unwrap_or_default();
    check_classes(&classes, scope);
    let variant = spec.variant.unwrap_or_else(|| VARIANT.to_owned());
    watched.check_for_lambda(&variant, scope);
    let capture = watched.captured_to(spec.capture.as_deref(), scope);
    if let (Some(window), Some(capture)) = (window, &capture) {
        watched.check_kept(window, capture, if spec.window.is_some() { "window" } else { "every" }, scope);
    }
    let baseline = baseline(&spec.baseline, scope);
    let reports = s3_folder(&spec.reports, "reports", scope);
    let function = spec.function?;
    let arn = scope.mention("functions", &function, &["function"])?.arn;
    check_permission(&function, scope);
    let input = json!({
        "monitor": scope.name(),
        "endpoint": watched.name,
        "variant": variant,
        "capture": capture?,
        "window_minutes": window? / 60,
        "classes": classes,
        "baseline": baseline?,
        "reports": reports?,
        "namespace": NAMESPACE,
        "low_confidence": spec.low_confidence.unwrap_or(LOW_CONFIDENCE),
        "minimum_records": spec.minimum_records.unwrap_or(MINIMUM_RECORDS),
    });
    if input.to_string().chars().count() > LONGEST_INPUT {
        let help = format!("EventBridge passes {LONGEST_INPUT} characters on: use fewer or shorter classes");
        scope.fault_with_help(&["classes"], "this makes the function's event too long", help);
    }
    let target =
        Target { arn: format!("{arn}:{ALIAS}"), input: Some(input), role: None, dead_letter: None, other: Others::new() };
    let state = if spec.enabled { RuleState::Enabled } else { RuleState::Disabled };
    let rule = Rule {
        schedule: Some(schedule?),
        state: state.as_str().to_owned(),
        description: String::new(),
        pattern: None,
        role: None,
        managed_by: None,
    };
    scope.is_sound().then(|| Scheduled { rule, targets: [(TARGET.to_owned(), target)].into() })
}

fn baseline(spec: &Baseline, scope: &mut Scope<'_>) -> Option<String> {
    match spec {
        Baseline::File(file) => s3_folder(file, "baseline", scope),
        Baseline::Parts(_) => {
            scope.fault_with_help(&["baseline"], "engine lambda has another baseline", "write s3://bucket/…/baseline.json");
            None
        }
    }
}

fn schedule(spec: &Spec, scope: &mut Scope<'_>) -> Option<String> {
    match (&spec.every, &spec.schedule) {
        (Some(every), None) => {
            let rate = cron::rate(every.0);
            if rate.is_none() {
                scope.fault_with_help(&["every"], "EventBridge counts whole minutes", "such as 30m, 1h or 1d");
            }
            rate
        }
        (None, Some(schedule)) => {
            if let Err(why) = cron::check(schedule) {
                let help = "such as \"cron(0 6 * * ? *)\", each day at 6:00 UTC; for an interval write `every: 1h`";
                scope.fault_with_help(&["schedule"], format!("`{schedule}` is no schedule of EventBridge: {why}"), help);
            }
            Some(schedule.clone())
        }
        _ => super::spec::one_schedule(spec, scope),
    }
}

/// The window in seconds.
fn window(spec: &Spec, scope: &mut Scope<'_>) -> Option<u32> {
    let (key, window) = match (spec.window, spec.every) {
        (Some(window), _) => ("window", window.0),
        (None, Some(every)) => ("every", every.0),
        (None, None) => {
            let help = "such as `window: 1d`: how far each run looks back";
            scope.fault_with_help::<&str>(&[], "with `schedule` the key `window` is needed", help);
            return None;
        }
    };
    if window == 0 || !window.is_multiple_of(60) || window > LONGEST_WINDOW {
        scope.fault_with_help(&[key], "a window is whole minutes, up to seven days", "write `window`, such as 1h or 7d");
        return None;
    }
    Some(window)
}

/// Each class has a metric of its own, named by the letters and digits in it.
fn check_classes(classes: &[String], scope: &mut Scope<'_>) {
    if !(2..=MOST_CLASSES).contains(&classes.len()) {
        scope.fault(&["classes"], format!("a model has 2 to {MOST_CLASSES} classes, not {}", classes.len()));
    }
    let word = |class: &String| class.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    for (at, class) in classes.iter().enumerate() {
        let at_text = at.to_string();
        if word(class).is_empty() {
            scope.fault(&["classes", &at_text], "a class's metric is named by its letters and digits, and this has none");
        } else if classes[..at].iter().any(|other| word(other) == word(class)) {
            scope.fault(&["classes", &at_text], format!("`{class}` has the same metric as another class"));
        }
    }
}

/// A rule whose function does not let it in fails each time, where only a metric of EventBridge's tells.
fn check_permission(function: &str, scope: &mut Scope<'_>) {
    let rule = rule_arn(scope);
    let spec = scope.other("functions", function).unwrap_or_default();
    let text = |permission: &Value, key: &str| permission.get(key).and_then(Value::as_str).map(str::to_owned);
    let lets_in = |permission: &Value| {
        text(permission, "principal").as_deref() == Some("events.amazonaws.com")
            && text(permission, "source_arn").is_none_or(|source| source == rule || source.contains("${"))
    };
    let permissions = spec.get("permissions").and_then(Value::as_object);
    if !permissions.is_some_and(|permissions| permissions.values().any(lets_in)) {
        let entry = scope.entry_name();
        let help = format!(
            "give functions.{function} `permissions: {{ {entry}: {{ principal: events.amazonaws.com, source_arn: \"${{monitors.{entry}.rule_arn}}\" }} }}`"
        );
        scope.fault_with_help(&["function"], format!("functions.{function} lets no rule of EventBridge invoke it"), help);
    }
}

fn rule_arn(scope: &Scope<'_>) -> String {
    scope.world().arn("events", &format!("rule/{}", scope.name()))
}
