//! Retriers and catchers.

use serde_json::{Map, Value};

use super::Language;
use super::fields::{Field, LONGEST, Shape, brief};
use super::machine::Checker;
use crate::finding::{Finding, below, slips};

/// The longest `MaxDelaySeconds`, a year. Source: Step Functions developer guide, "Handling errors".
const LONGEST_DELAY: u64 = 31_622_400;

const RETRIER: &[Field] = &[
    ("ErrorEquals", Shape::Any, None),
    ("IntervalSeconds", Shape::Whole(1, LONGEST), None),
    ("MaxAttempts", Shape::Whole(0, LONGEST), None),
    ("BackoffRate", Shape::Any, None),
    ("MaxDelaySeconds", Shape::Whole(1, LONGEST_DELAY), None),
    ("JitterStrategy", Shape::Text, None),
    ("Comment", Shape::Text, None),
];

const CATCHER: &[Field] = &[
    ("ErrorEquals", Shape::Any, None),
    ("Next", Shape::Text, None),
    ("ResultPath", Shape::Result, Some(Language::JsonPath)),
    ("Output", Shape::Template, Some(Language::Jsonata)),
    ("Assign", Shape::Assign, None),
    ("Comment", Shape::Text, None),
];

/// The error names that the language reserves.
///
/// Source: the specification's appendix A, and the developer guide's "Error names" for those that AWS adds.
const RESERVED: [&str; 17] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

const ALL: &str = "States.ALL";

/// Checks the `Retry` and `Catch` of a state.
pub(super) fn check(checker: &mut Checker, state: &Map<String, Value>, path: &[String], language: Language) {
    for key in ["Retry", "Catch"] {
        let Some(handlers) = state.get(key).and_then(Value::as_array) else { continue };
        for (index, handler) in handlers.iter().enumerate() {
            let here = below(&below(path, key), index);
            let Some(members) = handler.as_object() else { continue };
            if key == "Retry" {
                check_retrier(checker, members, &here, language);
            } else {
                checker.check_part(members, &here, CATCHER, language, "a catcher");
                checker.require(members, "Next", &here, "a catcher");
            }
            check_names(checker, members, &here, index + 1 == handlers.len());
        }
    }
}

fn check_retrier(checker: &mut Checker, members: &Map<String, Value>, path: &[String], language: Language) {
    checker.check_part(members, path, RETRIER, language, "a retrier");
    if let Some(rate) = members.get("BackoffRate")
        && rate.as_f64().is_none_or(|rate| rate < 1.0)
    {
        let message = format!("the backoff rate is a number of at least 1, not {}", brief(rate));
        checker.report(Finding::new(&below(path, "BackoffRate"), message));
    }
    let interval = members.get("IntervalSeconds").map_or(Some(1), Value::as_u64);
    let longest = members.get("MaxDelaySeconds").and_then(Value::as_u64);
    if let (Some(interval), Some(longest)) = (interval, longest)
        && longest <= interval
    {
        let message = format!("the longest delay, {longest} s, must be greater than the interval, {interval} s");
        checker.report(Finding::new(&below(path, "MaxDelaySeconds"), message));
    }
    if let Some(strategy) = members.get("JitterStrategy").and_then(Value::as_str)
        && !matches!(strategy, "FULL" | "NONE")
    {
        let finding = Finding::new(&below(path, "JitterStrategy"), format!("`{strategy}` is no jitter strategy"));
        checker.report(finding.help("write `FULL` or `NONE`"));
    }
}

fn check_names(checker: &mut Checker, handler: &Map<String, Value>, path: &[String], last: bool) {
    let Some(names) = handler.get("ErrorEquals") else {
        return checker.report(Finding::new(path, "`ErrorEquals` is missing").help("name errors, or `States.ALL`"));
    };
    let here = below(path, "ErrorEquals");
    let Some(names) = names.as_array().filter(|names| !names.is_empty()) else {
        return checker.report(Finding::new(&here, format!("this is a list of error names, not {}", brief(names))));
    };
    for (index, name) in names.iter().enumerate() {
        let at = below(&here, index);
        match name.as_str() {
            None => checker.report(Finding::new(&at, format!("an error name is a string, not {}", brief(name)))),
            Some(ALL) if names.len() > 1 => {
                checker.report(Finding::new(&at, "`States.ALL` must stand alone, as it matches every other name"));
            }
            Some(ALL) if !last => {
                checker.report(Finding::new(&at, "`States.ALL` must be in the last entry, as it hides those behind it"));
            }
            Some(name) => checker.findings.extend(check_name(name, &at)),
        }
    }
}

/// Finds misspelt names in the reserved space.
///
/// Workflows in use make names of their own there (`States.QuorumMet`), against the specification but with AWS's leave:
/// only what is a slip away from a reserved name is reported.
fn check_name(name: &str, path: &[String]) -> Option<Finding> {
    // Longer than any reserved name by more than a slip; the comparison is not free.
    if name.len() > 60 || RESERVED.contains(&name) {
        return None;
    }
    let meant = RESERVED.into_iter().find(|reserved| reserved.eq_ignore_ascii_case(name) || slips(reserved, name) == 1)?;
    Some(Finding::new(path, format!("there is no error `{name}`")).help(format!("did you mean `{meant}`?")))
}
