//! Lambda functions, each with what callers see of it: its code, its configuration, the version behind the alias `live`,
//! who may call that alias, and its log group. Callers always call the alias, so a change reaches them when all of it is
//! there, and a step back is moving the alias.

mod alias;
mod list;
mod members;
mod read;
mod runtime;
mod spec;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Kind, Live, Part, Target, Wanted, When, World};
use crate::kinds::log_group::{self, LogGroup};
use crate::kinds::rollout::Rollout;
use crate::policy;
use spec::Spec;

/// The alias that callers call.
const LIVE: &str = "live";
/// What the version of the alias `live` should be: the one that equals what was deployed last.
const CURRENT: &str = "current";
/// The attribute that is the ARN of the published version that equals what is deployed.
const VERSION_ARN: &str = "version_arn";
/// The same of what is declared, where it is published already: after somebody changed only what is deployed.
const DECLARED_VERSION: &str = "declared_version_arn";
/// What a version keeps: a change of any of these publishes a new one.
const PUBLISHED: &[&str] = &[
    "package",
    "architecture",
    "runtime",
    "handler",
    "role",
    "memory",
    "timeout",
    "environment",
    "layers",
    "tracing",
    "ephemeral_storage",
    "dead_letter",
    "kms_key",
    "logging",
    "vpc",
    "file_systems",
    "snap_start",
    "failed_change",
];
/// Stands for the value of a variable that no file declares.
const HIDDEN: &str = "(hidden)";

/// A function with its versions and aliases.
const FUNCTION: &[&str] =
    &["arn:{partition}:lambda:{region}:{account}:function:{name}", "arn:{partition}:lambda:{region}:{account}:function:{name}:*"];
/// IAM is asked with one form for tags, and with the other for all else.
const LOG_GROUP: &[&str] = &[
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}:*",
];
const PACKAGES: &str = "arn:{partition}:s3:::{bootstrap}/packages/*";

pub struct Function;

/// All of a function that a person could change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The digest of what the package was made of.
    package: String,
    /// The key that encrypts the code, if it is not Lambda's own.
    #[serde(default)]
    code_kms_key: Option<String>,
    #[serde(flatten)]
    configuration: Configuration,
    reserved_concurrency: Option<i32>,
    log_group: Option<LogGroup>,
    alias: Option<Alias>,
    other_aliases: BTreeMap<String, OtherAlias>,
    /// The statements of the policy of the alias `live`, by their id.
    permissions: BTreeMap<String, Value>,
    /// The same of the function itself, where scones writes none.
    function_permissions: BTreeMap<String, Value>,
    /// What Lambda fixes when it makes a function.
    fixed: BTreeMap<String, String>,
    /// Why the last change did not get through: the function shows it, but runs as it was before.
    failed_change: Option<String>,
    /// How the alias gets from one version to the next; Lambda keeps nothing of it.
    rollout: Option<Rollout>,
}

/// What a version keeps, besides code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Configuration {
    runtime: Option<String>,
    handler: Option<String>,
    role: String,
    description: String,
    /// In MB.
    memory: i32,
    /// In seconds.
    timeout: i32,
    architecture: String,
    environment: BTreeMap<String, String>,
    layers: Vec<String>,
    tracing: String,
    /// In MB.
    ephemeral_storage: i32,
    dead_letter: Option<String>,
    kms_key: Option<String>,
    logging: Logging,
    vpc: Option<Vpc>,
    file_systems: Vec<FileSystem>,
    snap_start: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Logging {
    format: String,
    /// Levels belong to the format JSON alone.
    application_level: Option<String>,
    system_level: Option<String>,
    group: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Vpc {
    subnets: Vec<String>,
    security_groups: Vec<String>,
    ipv6: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FileSystem {
    arn: String,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alias {
    name: String,
    /// `current`, or a version and what it lacks.
    version: String,
    /// Shares of calls that go to other versions.
    weights: BTreeMap<String, f64>,
    description: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OtherAlias {
    version: String,
    weights: BTreeMap<String, f64>,
    description: String,
}

impl Kind for Function {
    const SECTION: &'static str = "functions";
    const TITLE: &'static str = "Lambda function";
    const LONGEST_NAME: usize = 64;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "fixed", rule: Rule::Immutable, why: "Lambda fixes these when it makes a function" },
        Field { path: "vpc.subnets", rule: Rule::Unordered, why: "subnets have no order" },
        Field { path: "vpc.security_groups", rule: Rule::Unordered, why: "security groups have no order" },
        Field { path: "permissions.*", rule: Rule::Document, why: "statements of a policy document" },
        Field { path: "function_permissions.*", rule: Rule::Document, why: "statements of a policy document" },
        Field { path: "permissions", rule: Rule::InPlace, why: "no version keeps it" },
        Field { path: "function_permissions", rule: Rule::InPlace, why: "no version keeps it" },
        Field { path: "log_group", rule: Rule::InPlace, why: "no version keeps it" },
        Field { path: "description", rule: Rule::InPlace, why: "a version is not published for it" },
        Field { path: "reserved_concurrency", rule: Rule::InPlace, why: "no version keeps it" },
        Field { path: "other_aliases", rule: Rule::InPlace, why: "they go at once" },
        Field { path: "code_kms_key", rule: Rule::InPlace, why: "a version is not published for it" },
    ];
    const INPUTS: &'static [(&'static str, crate::kind::Input)] = &[("source", crate::kind::Input::Package)];
    const KEPT_GENERATIONS: usize = 3;
    // Functions in a VPC take minutes to become active, all others seconds.
    const DEADLINE: Duration = Duration::from_secs(600);
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["lambda:ListFunctions"]),
        // GetFunction leaves tags out for whoever may not list them.
        Call::of(When::Read, FUNCTION, &["lambda:GetFunction", "lambda:ListTags", "lambda:GetPolicy"]),
        Call::of(When::Read, FUNCTION, &["lambda:ListAliases", "lambda:ListVersionsByFunction"]),
        Call::of(When::Read, ANY, &["logs:DescribeLogGroups"]),
        // Lambda fetches the package as whoever creates the function.
        Call::of(When::Create, &[PACKAGES], &["s3:GetObject", "s3:PutObject"]),
        Call::of(When::Create, LOG_GROUP, &["logs:CreateLogGroup", "logs:TagResource", "logs:PutRetentionPolicy"]),
        Call::of(
            When::Create,
            FUNCTION,
            &[
                "lambda:CreateFunction",
                "lambda:TagResource",
                "lambda:PutFunctionConcurrency",
                "lambda:PublishVersion",
                "lambda:CreateAlias",
                "lambda:AddPermission",
            ],
        ),
        Call::of(When::Update(&["package", "code_kms_key", "architecture"]), &[PACKAGES], &["s3:GetObject", "s3:PutObject"]),
        Call::of(When::Update(&["package", "code_kms_key", "architecture"]), FUNCTION, &["lambda:UpdateFunctionCode"]),
        Call::of(
            When::Update(&[
                "runtime",
                "handler",
                "role",
                "description",
                "memory",
                "timeout",
                "environment",
                "layers",
                "tracing",
                "ephemeral_storage",
                "dead_letter",
                "kms_key",
                "logging",
                "vpc",
                "file_systems",
                "snap_start",
                "failed_change",
            ]),
            FUNCTION,
            &["lambda:UpdateFunctionConfiguration"],
        ),
        Call::of(
            When::Update(&["reserved_concurrency"]),
            FUNCTION,
            &["lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"],
        ),
        Call::of(
            When::Update(&[
                "package",
                "architecture",
                "runtime",
                "handler",
                "role",
                "memory",
                "timeout",
                "environment",
                "layers",
                "tracing",
                "ephemeral_storage",
                "dead_letter",
                "kms_key",
                "logging",
                "vpc",
                "file_systems",
                "snap_start",
                "alias",
            ]),
            FUNCTION,
            &["lambda:PublishVersion", "lambda:CreateAlias", "lambda:UpdateAlias"],
        ),
        Call::of(When::Update(&["other_aliases"]), FUNCTION, &["lambda:DeleteAlias"]),
        Call::of(
            When::Update(&["permissions", "function_permissions"]),
            FUNCTION,
            &["lambda:RemovePermission", "lambda:AddPermission"],
        ),
        Call::of(When::Update(&["log_group"]), LOG_GROUP, log_group::CHANGES),
        Call::of(When::Update(&[]), FUNCTION, &["lambda:TagResource"]),
        Call::of(When::Update(&["tags"]), FUNCTION, &["lambda:UntagResource"]),
        Call::of(When::Delete, FUNCTION, &["lambda:DeleteFunction"]),
        Call::of(When::Delete, LOG_GROUP, &["logs:DeleteLogGroup"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = function_arn(world, name);
        let live_arn = format!("{arn}:{LIVE}");
        let known = [("name", name.to_owned()), ("arn", arn), ("live_arn", live_arn)];
        let later = Attribute::Later("a version has its number once it is published".to_owned());
        let known = known.map(|(key, value)| (key.to_owned(), Attribute::Known(value)));
        known.into_iter().chain([(VERSION_ARN.to_owned(), later)]).collect()
    }

    fn part(arn: &str) -> Option<Part> {
        if let Some(group) = arn::name(arn, "logs", "log-group:/aws/lambda/") {
            return Some(Part { name: group.trim_end_matches(":*").to_owned(), main: false });
        }
        let name = arn::name(arn, "lambda", "function:")?.split(':').next()?;
        Some(Part { name: name.to_owned(), main: true })
    }

    fn after(attributes: &BTreeMap<String, String>, changes: &[Change]) -> BTreeMap<String, String> {
        let publishes = changes.iter().any(|change| PUBLISHED.contains(&change.field()));
        let version = attributes.get(if publishes { DECLARED_VERSION } else { VERSION_ARN });
        version.map(|version| (VERSION_ARN.to_owned(), version.clone())).into_iter().collect()
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        spec::desired(spec, scope)
    }

    /// Source for keys: "Securing environment variables" in the Lambda developer guide.
    fn accesses(_: &World, _: &str, state: &State) -> Vec<Access> {
        let configuration = &state.configuration;
        let mut found = vec![Access::pass_role(&configuration.role, "lambda")];
        found.extend(configuration.layers.iter().map(|layer| Access::of(When::Create, "lambda:GetLayerVersion", layer)));
        found.extend(state.rollout.iter().flat_map(Rollout::accesses));
        if let Some(key) = &configuration.kms_key {
            found.push(Access::of(When::Read, "kms:Decrypt", key));
            found.extend(["kms:CreateGrant", "kms:Encrypt"].map(|action| Access::of(When::Create, action, key)));
        }
        found
    }

    /// Five requests per function, all at once: GetFunction (with tags and reserved concurrency), the versions, the
    /// aliases, and the policies of the function and its alias; and one for the log groups of all.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        read::observe(aws, wanted).await
    }

    /// Lambda lists all functions of the region, fifty at a time.
    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        list::names(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        write::create(aws, &to).await
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        write::update(aws, &from.state, &to).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        write::delete(aws, name).await
    }

    async fn collect(aws: &Aws, name: &str, generations: &[String]) -> Result<(), AwsError> {
        write::collect(aws, name, generations).await
    }
}

fn function_arn(world: &World, name: &str) -> String {
    world.arn("lambda", &format!("function:{name}"))
}

fn log_group_name(name: &str) -> String {
    format!("/aws/lambda/{name}")
}

/// What the alias `live` should be.
fn current_alias() -> Alias {
    Alias { name: LIVE.to_owned(), version: CURRENT.to_owned(), weights: BTreeMap::new(), description: String::new() }
}

/// The fields that differ between the configurations of two versions, but for the description: a version is not worth
/// publishing for a text that no caller sees.
fn differing_fields(one: &Configuration, other: &Configuration) -> Vec<String> {
    let (one, other) = (json!(one), json!(other));
    let fields = one.as_object().into_iter().flat_map(Map::iter);
    fields.filter(|(key, value)| *key != "description" && other.get(*key) != Some(value)).map(|(key, _)| key.clone()).collect()
}

/// A statement of a function's policy in normal form, without its id.
fn normal_statement(mut statement: Map<String, Value>) -> Value {
    statement.shift_remove("Sid");
    // Condition keys have no case; AWS writes these two as here.
    for keys in statement.get_mut("Condition").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        let Some(found) = keys.as_object() else { continue };
        let known = |key: &String| ["AWS:SourceArn", "AWS:SourceAccount"].into_iter().find(|name| name.eq_ignore_ascii_case(key));
        let renamed: Map<String, Value> =
            found.iter().map(|(key, value)| (known(key).map_or_else(|| key.clone(), str::to_owned), value.clone())).collect();
        *keys = Value::Object(renamed);
    }
    let mut normal = policy::normalize(&json!({ "Statement": [statement] }));
    normal.pointer_mut("/Statement/0").map(Value::take).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_belong_to_functions() {
        let part = |name: &str, main| Some(Part { name: name.to_owned(), main });
        assert_eq!(Function::part("arn:aws:lambda:us-east-1:123456789012:function:a-b"), part("a-b", true));
        assert_eq!(Function::part("arn:aws:lambda:us-east-1:123456789012:function:a-b:live"), part("a-b", true));
        assert_eq!(Function::part("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/a-b"), part("a-b", false));
        assert_eq!(Function::part("arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/a-b:*"), part("a-b", false));
        assert_eq!(Function::part("arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/a"), None);
        assert_eq!(Function::part("arn:aws:lambda:us-east-1:123456789012:layer:a"), None);
    }

    #[test]
    fn statements_have_one_form() {
        let as_aws_answers = json!({
            "Sid": "upload", "Effect": "Allow", "Principal": { "Service": "s3.amazonaws.com" }, "Action": "lambda:InvokeFunction",
            "Resource": "arn:f:live", "Condition": { "StringEquals": { "aws:sourceaccount": "123456789012" } },
        });
        let normal = json!({
            "Effect": "Allow", "Principal": { "Service": ["s3.amazonaws.com"] }, "Action": ["lambda:InvokeFunction"],
            "Resource": ["arn:f:live"], "Condition": { "StringEquals": { "AWS:SourceAccount": ["123456789012"] } },
        });
        assert_eq!(normal_statement(as_aws_answers.as_object().cloned().unwrap_or_default()), normal);
    }
}
