//! What a task calls.

use serde_json::{Map, Value};

use super::function::{Function, find};

/// What a task calls.
#[derive(Clone, Copy)]
pub(super) enum Called<'a> {
    /// A Lambda function.
    Function {
        /// What the definition calls it, if that is no expression.
        written: Option<&'a str>,
        /// Which of ours it is.
        known: Option<&'a Function>,
        /// How its answer comes back.
        answer: Answer,
    },
    /// An action of a service.
    Service {
        /// The service, such as `sagemaker`, or `sns` of the SDK integration.
        service: &'a str,
        /// The action, such as `createTrainingJob`.
        action: &'a str,
        /// How it is waited for, such as `sync`.
        pattern: Option<&'a str>,
        /// Whether it is an integration of the SDK (`aws-sdk`).
        sdk: bool,
    },
    /// Anything else: an activity, a reference that is not resolved, a mistake.
    Unknown,
}

/// How a function's answer comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// As it is: the task's resource is the function itself.
    Plain,
    /// As `Payload`, in what the integration `lambda:invoke` answers.
    Wrapped,
    /// Not at all, or from elsewhere.
    Unknown,
}

impl<'a> Called<'a> {
    /// Tells what a state calls, if it is a task.
    pub(super) fn by(state: &'a Map<String, Value>, functions: &'a [Function]) -> Self {
        let Some(resource) = state.get("Resource").and_then(Value::as_str) else { return Self::Unknown };
        if resource.contains("${") || resource.starts_with("{%") {
            return Self::Unknown;
        }
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, "lambda", _, _, _] => {
                Self::Function { written: Some(resource), known: find(functions, resource), answer: Answer::Plain }
            }
            ["arn", _, "states", "", "", called] => Self::by_integration(called, state, functions),
            _ => Self::Unknown,
        }
    }

    fn by_integration(called: &'a str, state: &'a Map<String, Value>, functions: &'a [Function]) -> Self {
        let (action, pattern) = called.split_once('.').map_or((called, None), |(action, pattern)| (action, Some(pattern)));
        let (sdk, action) = action.strip_prefix("aws-sdk:").map_or((false, action), |action| (true, action));
        let Some((service, action)) = action.split_once(':') else { return Self::Unknown };
        if (service, action, sdk) != ("lambda", "invoke", false) {
            return Self::Service { service, action, pattern, sdk };
        }
        let written = argument(state, "FunctionName");
        let at_once = pattern.is_none() && argument(state, "InvocationType").is_none_or(|kind| kind == "RequestResponse");
        let chosen = argument_is_dynamic(state, "InvocationType");
        Self::Function {
            written,
            known: written.and_then(|written| find(functions, written)),
            answer: if at_once && !chosen { Answer::Wrapped } else { Answer::Unknown },
        }
    }
}

/// Returns an argument of a task that is a string of the definition, and no reference or expression.
pub(super) fn argument<'a>(state: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = arguments(state)?.get(name)?.as_str()?;
    (!text.contains("${") && !text.starts_with("{%")).then_some(text)
}

fn argument_is_dynamic(state: &Map<String, Value>, name: &str) -> bool {
    let Some(arguments) = arguments(state) else { return state.contains_key("Arguments") || state.contains_key("Parameters") };
    arguments.contains_key(&format!("{name}.$")) || arguments.contains_key(name) && argument(state, name).is_none()
}

/// Returns what a task is called with.
pub(super) fn arguments(state: &Map<String, Value>) -> Option<&Map<String, Value>> {
    ["Parameters", "Arguments"].into_iter().find_map(|key| state.get(key)?.as_object())
}
