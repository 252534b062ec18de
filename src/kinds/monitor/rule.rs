//! Engine `lambda`: an EventBridge rule that invokes a function on a schedule.

use serde_json::json;

use super::spec::{Baseline, Spec, s3_folder};
use super::watched::Watched;
use crate::desired::Scope;
use crate::kinds::rule::{self, LONGEST_INPUT, Scheduled};

/// What the function is told if nothing else is said.
const VARIANT: &str = "AllTraffic";
const LOW_CONFIDENCE: f64 = 0.8;
const MINIMUM_RECORDS: u32 = 20;
/// Where the function's metrics are published.
const NAMESPACE: &str = "Scones/Model";
/// The longest window that the function takes, in seconds, and the most classes.
const LONGEST_WINDOW: u32 = 7 * 24 * 60 * 60;
const MOST_CLASSES: usize = 100;

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
    rule::check_permission(&function, "monitors", "rule_arn", scope);
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
    let scheduled = Scheduled::invoking(&arn, Some(input), schedule?, spec.enabled);
    scope.is_sound().then_some(scheduled)
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
    match (spec.every, &spec.schedule) {
        (Some(every), None) => rule::rate(every, scope),
        (None, Some(schedule)) => Some(rule::cron(schedule, scope)),
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
