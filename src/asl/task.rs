//! Task states: what they call.

use serde_json::{Map, Value};

use super::Language;
use super::fields::is_unresolved;
use crate::finding::{Finding, below, nearest};

/// The actions of the optimised integrations, with those of the ways to wait for them that a name ends in.
///
/// Source: Step Functions developer guide, "Integrating optimized services". A name that is not here is let through
/// unless it is nearly one of these, because AWS adds to them.
const ACTIONS: [&str; 48] = [
    "apigateway:invoke",
    "athena:startQueryExecution",
    "athena:stopQueryExecution",
    "athena:getQueryExecution",
    "athena:getQueryResults",
    "batch:submitJob",
    "bedrock:invokeModel",
    "bedrock:createModelCustomizationJob",
    "codebuild:startBuild",
    "codebuild:stopBuild",
    "databrew:startJobRun",
    "dynamodb:getItem",
    "dynamodb:putItem",
    "dynamodb:updateItem",
    "dynamodb:deleteItem",
    "ecs:runTask",
    "eks:createCluster",
    "eks:deleteCluster",
    "eks:call",
    "eks:runJob",
    "elasticmapreduce:createCluster",
    "elasticmapreduce:terminateCluster",
    "elasticmapreduce:addStep",
    "elasticmapreduce:cancelStep",
    "emr-containers:startJobRun",
    "emr-serverless:startJobRun",
    "events:putEvents",
    "glue:startJobRun",
    "http:invoke",
    "lambda:invoke",
    "mediaconvert:createJob",
    "sagemaker:createEndpoint",
    "sagemaker:createEndpointConfig",
    "sagemaker:createHyperParameterTuningJob",
    "sagemaker:createLabelingJob",
    "sagemaker:createModel",
    "sagemaker:createProcessingJob",
    "sagemaker:createTrainingJob",
    "sagemaker:createTransformJob",
    "sagemaker:updateEndpoint",
    "sns:publish",
    "sqs:sendMessage",
    "states:startExecution",
    "codebuild:startBuildBatch",
    "codebuild:stopBuildBatch",
    "codebuild:retryBuildBatch",
    "eks:createNodegroup",
    "eks:deleteNodegroup",
];

/// The ways to wait for a called service.
const PATTERNS: [&str; 3] = ["sync", "sync:2", "waitForTaskToken"];

const CALLBACK: &str = ".waitForTaskToken";

/// Checks what a task calls, with what, and how long it waits.
pub(super) fn check(state: &Map<String, Value>, path: &[String], language: Language, findings: &mut Vec<Finding>) {
    check_times(state, path, findings);
    let Some(resource) = state.get("Resource") else {
        let finding = Finding::new(path, "a Task state needs `Resource`");
        return findings.push(finding.help("an ARN, such as `arn:aws:states:::lambda:invoke`"));
    };
    let Some(text) = resource.as_str().filter(|_| !is_unresolved(resource)) else { return };
    let here = below(path, "Resource");
    findings.extend(check_resource(text).map(|finding| Finding { path: here, ..finding }));
    check_arguments(text, state, path, language, findings);
}

fn check_times(state: &Map<String, Value>, path: &[String], findings: &mut Vec<Finding>) {
    let seconds = |key: &str| state.get(key).and_then(Value::as_u64);
    if let (Some(heartbeat), Some(timeout)) = (seconds("HeartbeatSeconds"), seconds("TimeoutSeconds"))
        && heartbeat >= timeout
    {
        let message = format!("the heartbeat, {heartbeat} s, must be shorter than the timeout, {timeout} s");
        findings.push(Finding::new(&below(path, "HeartbeatSeconds"), message));
    }
}

fn check_resource(resource: &str) -> Option<Finding> {
    const HELP: &str = "an ARN, such as `arn:aws:states:::lambda:invoke`, or `${functions.….arn}`";
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let ["arn", partition, service, _, _, called] = parts.as_slice() else {
        let finding = Finding::new(&[], format!("the resource `{resource}` is no ARN"));
        return (!resource.contains("${")).then(|| finding.help(HELP));
    };
    if resource.contains("${") {
        return None;
    }
    if !partition.starts_with("aws") || service.is_empty() || called.is_empty() {
        return Some(Finding::new(&[], format!("the ARN `{resource}` is incomplete")).help(HELP));
    }
    if *service != "states" || called.starts_with("activity:") {
        return None;
    }
    check_integration(called)
}

/// Checks what follows `arn:aws:states:::`: a service, an action, and perhaps how to wait for it.
fn check_integration(called: &str) -> Option<Finding> {
    let (action, pattern) = match called.split_once('.') {
        Some((action, pattern)) => (action, Some(pattern)),
        None => (called, None),
    };
    if let Some(pattern) = pattern.filter(|pattern| !PATTERNS.contains(pattern)) {
        let finding = Finding::new(&[], format!("`.{pattern}` is no way to wait for a service"));
        return Some(finding.nearest_of(pattern, PATTERNS));
    }
    let Some((service, name)) = action.split_once(':') else {
        return Some(Finding::new(&[], format!("`{called}` names no action")).help("write `service:action`"));
    };
    if service == "aws-sdk" {
        let (service, name) = name.split_once(':').unwrap_or((name, ""));
        let right = service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.starts_with(|c: char| c.is_ascii_lowercase());
        let finding = Finding::new(&[], format!("`{called}` is no call of the SDK integration"));
        return (!right).then(|| {
            finding.help("write the service in small letters and the action in camel case, as in `aws-sdk:s3:getObject`")
        });
    }
    if ACTIONS.contains(&action) || name.is_empty() {
        return None;
    }
    let near = nearest(action, ACTIONS.into_iter().filter(|known| known.split(':').next() == Some(service)))
        .or_else(|| nearest(action, ACTIONS.into_iter().filter(|known| known.ends_with(&format!(":{name}")))))?;
    let finding = Finding::new(&[], format!("Step Functions has no integration `{action}`"));
    Some(finding.help(format!("did you mean `{near}`?")))
}

/// Checks the arguments of the calls that this workload is made of.
fn check_arguments(resource: &str, state: &Map<String, Value>, path: &[String], language: Language, findings: &mut Vec<Finding>) {
    let key = if language == Language::JsonPath { "Parameters" } else { "Arguments" };
    let given = state.get(key);
    let here = if given.is_some() { below(path, key) } else { path.to_vec() };
    // The payload of the optimised integration names the function; AWS refuses a definition without it.
    if resource.contains(":states:::lambda:invoke")
        && !given.is_some_and(|given| {
            given.get("FunctionName").is_some() || given.get("FunctionName.$").is_some() || given.is_string()
        })
    {
        findings.push(Finding::new(&here, "`lambda:invoke` needs `FunctionName`").help(format!("add it to `{key}`")));
    }
    // Nobody could report success, so the task would only ever time out.
    if resource.ends_with(CALLBACK) && !given.is_some_and(|given| hands_over_token(&given.to_string())) {
        let token = if language == Language::JsonPath { "$$.Task.Token" } else { "$states.context.Task.Token" };
        let finding = Finding::new(&here, "the task waits for its token to come back, but hands it to nobody");
        findings.push(finding.help(format!("pass `{token}` in `{key}`")));
    }
}

fn hands_over_token(arguments: &str) -> bool {
    let whole = ["\"$$\"", "\"$$.Task\"", "$states.context ", "$states.context}", "$states.context)", "$states.context.Task "];
    arguments.contains("Task.Token") || whole.iter().any(|text| arguments.contains(text)) || arguments.contains("${")
}
