//! What a person writes of a function, and what follows from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Configuration, LIVE, Logging, State, current_alias, function_arn, log_group_name, normal_statement, runtime};
use crate::desired::Scope;
use crate::kind::Written;
use crate::kind::written::Form;
use crate::kinds::log_group::{LogGroup, Retention};
use crate::kinds::rollout;
use crate::units::Seconds;

/// The most bytes that all variables may have together, written as JSON, as Lambda counts them.
const ENVIRONMENT_LIMIT: usize = 4096;

/// Variables that Lambda sets itself and refuses to be given.
///
/// Source: "Defined runtime environment variables" in the Lambda developer guide.
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

pub const WRITTEN: &[Written] = &[
    Written::same("runtime", "runtime"),
    Written::same("handler", "handler"),
    Written::same("role", "role"),
    Written::same("description", "description"),
    Written::same("memory", "memory"),
    Written::seconds("timeout", "timeout"),
    Written::same("architecture", "architecture"),
    Written::same("environment.*", "environment.*"),
    Written::same("layers", "layers"),
    Written::same("tracing", "tracing"),
    Written::same("ephemeral_storage", "ephemeral_storage"),
    Written::same("dead_letter", "dead_letter"),
    Written::same("kms_key", "kms_key"),
    Written::same("reserved_concurrency", "reserved_concurrency"),
    Written::same("log_group.retention", "log_retention"),
    Written::made("logging", "log_format", log_format),
    Written::made("permissions.*", "permissions.*", permission),
    Written::by_hand("package", "source", "its code is made of the sources: change them"),
    Written {
        state: "alias.version",
        spec: "",
        form: Form::Follows("apply publishes a version, and moves the alias `live` to it"),
    },
];

/// A Lambda function with its version, its alias `live`, its permissions and its log group.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FunctionSpec")]
pub struct Spec {
    /// The name in Lambda; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9_-]{1,64}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The folder of its sources: a Rust crate, or files that are packaged as they are.
    #[allow(dead_code, reason = "the scope knows the package that is made of it")]
    source: String,
    /// The name of a declared role, or a role's ARN.
    role: String,
    /// Such as python3.13; by default provided.al2023, which runs what a Rust crate is compiled to.
    #[schemars(regex(pattern = r"^[a-z0-9.]{1,40}$"))]
    #[serde(default = "own_runtime")]
    runtime: String,
    /// What the runtime calls, such as main.handler; by default bootstrap.
    #[schemars(regex(pattern = r"^\S{1,128}$"))]
    handler: Option<String>,
    /// In MB: 128 to 10240. The processor's share grows with it.
    #[schemars(range(min = 128, max = 10240))]
    #[serde(default = "default_memory")]
    memory: i32,
    /// How long a call may take, such as 30s; at most 15m.
    #[serde(default = "default_timeout")]
    timeout: Seconds,
    /// The processor that it runs on: x86_64 or arm64.
    #[serde(default)]
    architecture: Architecture,
    /// Up to 256 characters.
    #[schemars(length(max = 256))]
    #[serde(default)]
    description: String,
    /// Environment variables.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// ARNs of layer versions, in the order in which they are laid over each other.
    #[serde(default)]
    layers: Vec<LayerArn>,
    /// Active records traces of its own, PassThrough only goes on with those of the caller.
    #[serde(default)]
    tracing: Tracing,
    /// The size of /tmp in MB: 512 to 10240.
    #[schemars(range(min = 512, max = 10240))]
    #[serde(default = "default_storage")]
    ephemeral_storage: i32,
    /// How many calls may run at once: kept free for it, and never more.
    #[schemars(range(min = 0))]
    reserved_concurrency: Option<i32>,
    /// The ARN of a queue or topic that gets events whose calls failed.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:(sqs|sns):[a-z0-9-]+:[0-9]{12}:\S+$"))]
    dead_letter: Option<String>,
    /// The ARN of a key that encrypts the environment variables; by default Lambda's own.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:\S+$"))]
    kms_key: Option<String>,
    /// Days that its logs are kept; 0 keeps them for ever.
    #[serde(default)]
    log_retention: Retention,
    /// Text or JSON.
    #[serde(default)]
    log_format: LogFormat,
    /// Who else may call its alias `live`: statements by their id.
    #[serde(default)]
    permissions: BTreeMap<String, Permission>,
    /// How the alias `live` gets to a new version; without it, at once.
    rollout: Option<rollout::Spec>,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Architecture {
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Tracing {
    Active,
    #[default]
    PassThrough,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
enum LogFormat {
    #[default]
    Text,
    #[serde(rename = "JSON")]
    Json,
}

/// The ARN of a version of a layer, which ends in a number.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct LayerArn(#[schemars(regex(pattern = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[a-zA-Z0-9_-]+:[0-9]+$"))] String);

/// Allows someone to call the alias `live`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Permission {
    /// A service such as s3.amazonaws.com, an account, or the ARN of a role or user.
    #[schemars(regex(pattern = r"^(\*|[0-9]{12}|arn:\S+|[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?)$"))]
    principal: String,
    /// The ARN of the resource that calls on the service's behalf; may hold `*`.
    #[schemars(regex(pattern = r"^arn:\S+$"))]
    source_arn: Option<String>,
    /// The account of that resource, 12 digits in quotes.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    source_account: Option<String>,
    /// By default lambda:InvokeFunction.
    #[schemars(regex(pattern = r"^lambda:([a-zA-Z]+|\*)$"))]
    #[serde(default = "invoke")]
    action: String,
}

fn own_runtime() -> String {
    "provided.al2023".to_owned()
}

fn default_memory() -> i32 {
    128
}

fn default_timeout() -> Seconds {
    Seconds(3)
}

fn default_storage() -> i32 {
    512
}

fn invoke() -> String {
    "lambda:InvokeFunction".to_owned()
}

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
    check(&spec, scope);
    let rollout = spec.rollout.and_then(|rollout| rollout::desired(rollout, scope));
    let role = scope.role(&spec.role, &["role"])?;
    let package = scope.package();
    if package.is_none() && scope.is_sound() {
        scope.fault(&["source"], "no package is known for this folder");
    }
    let live_arn = format!("{}:{LIVE}", function_arn(scope.world(), scope.name()));
    let permissions = spec.permissions.iter().map(|(sid, permission)| (sid.clone(), statement(permission, &live_arn)));
    let permissions = permissions.collect();
    let json_logs = matches!(spec.log_format, LogFormat::Json);
    let level = json_logs.then(|| "INFO".to_owned());
    let state = State {
        package: package?,
        code_kms_key: None,
        configuration: Configuration {
            runtime: Some(spec.runtime),
            handler: Some(spec.handler.unwrap_or_else(|| "bootstrap".to_owned())),
            role,
            description: spec.description,
            memory: spec.memory,
            timeout: spec.timeout.0.try_into().ok()?,
            architecture: match spec.architecture {
                Architecture::X86 => "x86_64".to_owned(),
                Architecture::Arm => "arm64".to_owned(),
            },
            environment: spec.environment,
            layers: spec.layers.into_iter().map(|layer| layer.0).collect(),
            tracing: match spec.tracing {
                Tracing::Active => "Active".to_owned(),
                Tracing::PassThrough => "PassThrough".to_owned(),
            },
            ephemeral_storage: spec.ephemeral_storage,
            dead_letter: spec.dead_letter,
            kms_key: spec.kms_key,
            logging: Logging {
                format: if json_logs { "JSON".to_owned() } else { "Text".to_owned() },
                application_level: level.clone(),
                system_level: level,
                group: log_group_name(scope.name()),
            },
            vpc: None,
            file_systems: vec![],
            snap_start: "None".to_owned(),
        },
        reserved_concurrency: spec.reserved_concurrency,
        log_group: Some(LogGroup::keeping(spec.log_retention.0)),
        alias: Some(current_alias()),
        other_aliases: BTreeMap::new(),
        permissions,
        function_permissions: BTreeMap::new(),
        fixed: [("package_type".to_owned(), "Zip".to_owned())].into(),
        failed_change: None,
        rollout,
    };
    scope.is_sound().then_some(state)
}

/// What the schema cannot say.
fn check(spec: &Spec, scope: &mut Scope<'_>) {
    if !(1..=900).contains(&spec.timeout.0) {
        scope.fault(&["timeout"], "a call may take 1s to 15m");
    }
    if let Some((message, help)) = runtime::fault(&spec.runtime) {
        scope.fault_with_help(&["runtime"], message, help);
    } else if spec.handler.is_none() && !spec.runtime.starts_with("provided") {
        let message = format!("the runtime {} must be told what to call", spec.runtime);
        scope.fault_with_help(&["runtime"], message, "add `handler:`, such as main.handler");
    }
    if spec.layers.len() > 5 {
        scope.fault(&["layers"], "a function takes at most 5 layers");
    }
    for key in spec.environment.keys() {
        let mut characters = key.chars();
        let right = key.chars().count() >= 2
            && characters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if RESERVED.contains(&key.as_str()) {
            scope.fault(&["environment", key], format!("Lambda sets {key} itself"));
        } else if !right {
            scope.fault(&["environment", key], "a variable's name has two or more letters, digits and `_`, a letter first");
        }
    }
    // What is not known yet is not counted.
    let known: BTreeMap<&str, &str> = spec
        .environment
        .iter()
        .map(|(key, value)| (key.as_str(), if value.contains("${") { "" } else { value.as_str() }))
        .collect();
    let size = json!(known).to_string().len();
    if size > ENVIRONMENT_LIMIT {
        scope.fault_with_help(
            &["environment"],
            format!("the variables have {size} bytes; Lambda takes {ENVIRONMENT_LIMIT}"),
            "keep large values in Parameter Store or in a file of the package",
        );
    }
    for (sid, permission) in &spec.permissions {
        let right = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if sid.is_empty() || sid.len() > 100 || !sid.chars().all(right) {
            scope.fault(&["permissions", sid], "a statement's id has 1 to 100 letters, digits, `-` and `_`");
        }
        if permission.principal == "*" && permission.source_arn.is_none() && permission.source_account.is_none() {
            scope.fault_with_help(
                &["permissions", sid, "principal"],
                "this lets everyone in the world call the function",
                "name who calls, or add `source_arn:` or `source_account:`",
            );
        }
    }
}

/// The statement that AddPermission writes into the policy.
fn statement(permission: &Permission, live_arn: &str) -> Value {
    let principal = match permission.principal.as_str() {
        "*" => json!("*"),
        service if service.contains(".amazonaws.com") && !service.starts_with("arn:") => json!({ "Service": service }),
        other => json!({ "AWS": other }),
    };
    let mut statement = Map::new();
    statement.insert("Effect".into(), json!("Allow"));
    statement.insert("Principal".into(), principal);
    statement.insert("Action".into(), json!(permission.action));
    statement.insert("Resource".into(), json!(live_arn));
    let mut condition = Map::new();
    if let Some(account) = &permission.source_account {
        condition.insert("StringEquals".into(), json!({ "AWS:SourceAccount": account }));
    }
    if let Some(arn) = &permission.source_arn {
        condition.insert("ArnLike".into(), json!({ "AWS:SourceArn": arn }));
    }
    if !condition.is_empty() {
        statement.insert("Condition".into(), Value::Object(condition));
    }
    normal_statement(statement)
}

/// The format of logs, where its levels are those that come with it.
fn log_format(logging: &Value) -> Option<Value> {
    let logging: Logging = serde_json::from_value(logging.clone()).ok()?;
    let level = (logging.format == "JSON").then_some("INFO");
    let levels = [&logging.application_level, &logging.system_level];
    levels.iter().all(|one| one.as_deref() == level).then(|| logging.format.into())
}

/// The way back from a statement, where `permissions` has words for all of it.
fn permission(statement: &Value) -> Option<Value> {
    let only = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.first().filter(|_| items.len() == 1)?.as_str().map(str::to_owned),
        _ => None,
    };
    let statement = statement.as_object()?;
    let known = ["Effect", "Principal", "Action", "Resource", "Condition"];
    if statement.get("Effect")? != "Allow" || !statement.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let principal = match statement.get("Principal")? {
        Value::Object(map) if map.len() == 1 => map.get("Service").or_else(|| map.get("AWS")).and_then(only)?,
        other => only(other)?,
    };
    let mut spec = Map::from_iter([("principal".to_owned(), Value::from(principal))]);
    for (operator, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for (key, value) in keys.as_object()? {
            let name = match (operator.as_str(), key.as_str()) {
                ("ArnLike", "AWS:SourceArn") => "source_arn",
                ("StringEquals", "AWS:SourceAccount") => "source_account",
                _ => return None,
            };
            spec.insert(name.to_owned(), Value::from(only(value)?));
        }
    }
    let action = statement.get("Action").and_then(only)?;
    if action != invoke() {
        spec.insert("action".to_owned(), Value::from(action));
    }
    Some(Value::Object(spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_lead_back_to_permissions() {
        let specs = [
            json!({ "principal": "s3.amazonaws.com" }),
            json!({ "principal": "sns.amazonaws.com", "source_arn": "arn:aws:sns:us-east-1:123456789012:t" }),
            json!({ "principal": "*", "source_account": "123456789012" }),
            json!({ "principal": "arn:aws:iam::123456789012:role/r", "action": "lambda:GetFunction" }),
        ];
        for spec in specs {
            let written: Permission = serde_json::from_value(spec.clone()).expect("a permission");
            assert_eq!(permission(&statement(&written, "arn:f:live")), Some(spec));
        }
        let others = [
            json!({ "Effect": "Deny", "Principal": "*", "Action": ["lambda:*"] }),
            json!({ "Effect": "Allow", "Principal": { "AWS": ["a", "b"] }, "Action": ["lambda:*"] }),
            json!({ "Effect": "Allow", "Principal": "*", "Action": ["lambda:*"], "Condition": { "Bool": { "a:b": ["true"] } } }),
        ];
        assert!(others.iter().all(|other| permission(other).is_none()));
    }
}
