//! What a task needs its role to be allowed.
//!
//! Source: Step Functions developer guide, "IAM policies for integrated services", and the service authorization
//! reference. What is not listed here needs nothing that is known.

use serde_json::{Map, Value};

use super::called::{Called, argument};
use super::function::Function;

/// One action on one resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// The action, such as `sns:Publish`.
    pub action: String,
    /// The resource; what is not known of it is `*`.
    pub resource: String,
}

impl Need {
    fn new(action: &str, resource: impl Into<String>) -> Self {
        Self { action: action.to_owned(), resource: resource.into() }
    }

    fn anywhere(action: &str) -> Self {
        Self::new(action, "*")
    }
}

/// The jobs that SageMaker's integration makes: the action, what its resources begin with, what describes one, what stops
/// one, and the rule by which Step Functions hears of its end.
const JOBS: [(&str, &str, &str, &str, &str); 5] = [
    ("createTrainingJob", "training-job", "DescribeTrainingJob", "StopTrainingJob", "TrainingJobs"),
    ("createTransformJob", "transform-job", "DescribeTransformJob", "StopTransformJob", "TransformJobs"),
    ("createProcessingJob", "processing-job", "DescribeProcessingJob", "StopProcessingJob", "ProcessingJobs"),
    (
        "createHyperParameterTuningJob",
        "hyper-parameter-tuning-job",
        "DescribeHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
        "TuningJobs",
    ),
    ("createLabelingJob", "labeling-job", "DescribeLabelingJob", "StopLabelingJob", "LabelingJobs"),
];

/// The services of the SDK integration whose actions have their operations' names, with the prefix of those actions.
const SDK: [(&str, &str); 21] = [
    ("athena", "athena"),
    ("cloudwatch", "cloudwatch"),
    ("cloudwatchlogs", "logs"),
    ("codebuild", "codebuild"),
    ("dynamodb", "dynamodb"),
    ("ecr", "ecr"),
    ("eventbridge", "events"),
    ("firehose", "firehose"),
    ("glue", "glue"),
    ("iam", "iam"),
    ("kinesis", "kinesis"),
    ("sagemaker", "sagemaker"),
    ("sagemakerruntime", "sagemaker"),
    ("scheduler", "scheduler"),
    ("secretsmanager", "secretsmanager"),
    ("sfn", "states"),
    ("sns", "sns"),
    ("sqs", "sqs"),
    ("ssm", "ssm"),
    ("sts", "sts"),
    ("kms", "kms"),
];

/// S3's operations, few of which have an action of their own name. Source: S3 user guide, "Required permissions for S3 API
/// operations".
const S3: [(&str, &str, bool); 14] = [
    ("putObject", "s3:PutObject", true),
    ("getObject", "s3:GetObject", true),
    ("headObject", "s3:GetObject", true),
    ("deleteObject", "s3:DeleteObject", true),
    ("deleteObjects", "s3:DeleteObject", false),
    ("copyObject", "s3:PutObject", true),
    ("createMultipartUpload", "s3:PutObject", true),
    ("uploadPart", "s3:PutObject", true),
    ("completeMultipartUpload", "s3:PutObject", true),
    ("getObjectTagging", "s3:GetObjectTagging", true),
    ("putObjectTagging", "s3:PutObjectTagging", true),
    ("listObjects", "s3:ListBucket", false),
    ("listObjectsV2", "s3:ListBucket", false),
    ("headBucket", "s3:ListBucket", false),
];

/// Returns what a state needs, if that is known.
pub(super) fn of(state: &Map<String, Value>, functions: &[Function]) -> Vec<Need> {
    // The task assumes another role, which may do what it needs.
    if state.contains_key("Credentials") {
        return Vec::new();
    }
    match Called::by(state, functions) {
        Called::Function { written, known, .. } => vec![invoke(written, known)],
        Called::Service { service, action, sdk: true, .. } => of_sdk(service, action, state),
        Called::Service { service, action, pattern, .. } => of_service(service, action, pattern, state),
        Called::Unknown => Vec::new(),
    }
}

/// Invoking a version or alias needs the permission on just that: the policy's resource must cover what stands behind
/// the name. Source: Lambda developer guide, "Resources and conditions for Lambda actions".
fn invoke(written: Option<&str>, known: Option<&Function>) -> Need {
    let resource = match (written, known) {
        (Some(written), _) if written.starts_with("arn:") => written.to_owned(),
        (Some(written), Some(function)) => match super::function::unqualified(written).1 {
            Some(qualifier) => format!("{}:{qualifier}", function.arn),
            None => function.arn.clone(),
        },
        (Some(written), None) if !written.contains(':') => format!("arn:*:lambda:*:*:function:{written}"),
        _ => "*".to_owned(),
    };
    Need::new("lambda:InvokeFunction", resource)
}

fn of_service(service: &str, action: &str, pattern: Option<&str>, state: &Map<String, Value>) -> Vec<Need> {
    let waits = pattern.is_some_and(|pattern| pattern.starts_with("sync"));
    match (service, action) {
        ("sagemaker", _) => of_sagemaker(action, waits, state),
        ("states", "startExecution") => {
            let mut needs = vec![start(state)];
            if waits {
                needs.extend([Need::anywhere("states:DescribeExecution"), Need::anywhere("states:StopExecution")]);
                needs.extend(rule("StepFunctionsGetEventsForStepFunctionsExecutionRule"));
            }
            needs
        }
        ("sns", "publish") => vec![Need::new("sns:Publish", named(state, "TopicArn"))],
        ("sqs", "sendMessage") => vec![Need::anywhere("sqs:SendMessage")],
        ("events", "putEvents") => vec![Need::anywhere("events:PutEvents")],
        ("dynamodb", _) => vec![Need::anywhere(&format!("dynamodb:{}", pascal(action)))],
        _ => Vec::new(),
    }
}

/// Starting by an alias or a version needs the permission on the state machine itself.
///
/// Source: Step Functions developer guide, "Authorization for versions and aliases".
fn start(state: &Map<String, Value>) -> Need {
    let machine = named(state, "StateMachineArn");
    let plain = machine.match_indices(':').nth(6).and_then(|(colon, _)| machine.get(..colon)).unwrap_or(&machine).to_owned();
    Need::new("states:StartExecution", plain)
}

fn of_sagemaker(action: &str, waits: bool, state: &Map<String, Value>) -> Vec<Need> {
    let mut needs = vec![];
    match JOBS.into_iter().find(|(name, ..)| *name == action) {
        Some((_, kind, describe, stop, events)) => {
            let key = format!("{}Name", action.trim_start_matches("create"));
            let name = argument(state, &key).unwrap_or("*");
            let resource = format!("arn:*:sagemaker:*:*:{kind}/{name}");
            needs.push(Need::new(&format!("sagemaker:{}", pascal(action)), resource.clone()));
            if waits {
                needs.push(Need::new(&format!("sagemaker:{describe}"), resource.clone()));
                needs.push(Need::new(&format!("sagemaker:{stop}"), resource));
                needs.extend(rule(&format!("StepFunctionsGetEventsForSageMaker{events}Rule")));
            }
        }
        None => needs.push(Need::anywhere(&format!("sagemaker:{}", pascal(action)))),
    }
    needs.extend(pass_role(state));
    needs.extend(tags(state));
    needs
}

/// What is made with tags needs the permission to tag.
fn tags(state: &Map<String, Value>) -> Option<Need> {
    let arguments = super::called::arguments(state)?;
    (arguments.contains_key("Tags") || arguments.contains_key("Tags.$")).then(|| Need::anywhere("sagemaker:AddTags"))
}

/// Step Functions hears of a job's end by a rule of EventBridge that it manages itself.
fn rule(name: &str) -> [Need; 3] {
    ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
        .map(|action| Need::new(action, format!("arn:*:events:*:*:rule/{name}")))
}

/// Who hands a role to a service must be allowed to pass it.
fn pass_role(state: &Map<String, Value>) -> Option<Need> {
    let arguments = super::called::arguments(state)?;
    let given = ["RoleArn", "ExecutionRoleArn"].into_iter();
    let key = given.clone().find(|key| arguments.contains_key(*key) || arguments.contains_key(&format!("{key}.$")))?;
    Some(Need::new("iam:PassRole", named(state, key)))
}

fn of_sdk(service: &str, action: &str, state: &Map<String, Value>) -> Vec<Need> {
    if service == "s3" {
        return S3
            .into_iter()
            .filter(|(name, ..)| *name == action)
            .map(|(_, action, object)| of_s3(action, object, state))
            .collect();
    }
    let prefix = match (service, action) {
        ("lambda", "invoke") => return vec![invoke(argument(state, "FunctionName"), None)],
        ("sfn", "startExecution") => return vec![start(state)],
        ("sns", "publish") => return vec![Need::new("sns:Publish", named(state, "TopicArn"))],
        // Operations whose action has another name.
        ("dynamodb", "batchExecuteStatement" | "executeStatement" | "executeTransaction")
        | ("dynamodb", "transactGetItems" | "transactWriteItems")
        | ("sqs", "sendMessageBatch" | "deleteMessageBatch" | "changeMessageVisibilityBatch")
        | ("sns", "publishBatch")
        | ("sagemaker", "batchDescribeModelPackage") => return Vec::new(),
        _ => SDK.into_iter().find(|(name, _)| *name == service).map(|(_, prefix)| prefix),
    };
    let mut needs: Vec<Need> = prefix.map(|prefix| Need::anywhere(&format!("{prefix}:{}", pascal(action)))).into_iter().collect();
    if service == "sagemaker" && action.starts_with("create") {
        needs.extend(pass_role(state));
        needs.extend(tags(state));
    }
    needs
}

fn of_s3(action: &str, object: bool, state: &Map<String, Value>) -> Need {
    let bucket = argument(state, "Bucket").unwrap_or("*");
    let key = argument(state, "Key").unwrap_or("*");
    let key = if object { format!("/{key}") } else { String::new() };
    // The objects of a deletion in bulk stand in a list.
    if action == "s3:DeleteObject" && !object {
        return Need::new(action, format!("arn:*:s3:::{bucket}/*"));
    }
    Need::new(action, format!("arn:*:s3:::{bucket}{key}"))
}

/// The resource that an argument names, or any.
fn named(state: &Map<String, Value>, key: &str) -> String {
    argument(state, key).unwrap_or("*").to_owned()
}

/// Writes the name of an integration's action as IAM does.
fn pascal(action: &str) -> String {
    let mut letters = action.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
