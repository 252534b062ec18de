//! State → requests to Lambda.
//!
//! Lambda works on one change of a function at a time and answers ResourceConflictException meanwhile, so each write of
//! code or configuration is waited for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_lambda::types::{
    ApplicationLogLevel, Architecture, DeadLetterConfig, Environment, EphemeralStorage, FunctionCode, LogFormat, LoggingConfig,
    Runtime, SnapStart, SnapStartApplyOn, SystemLogLevel, TracingConfig, TracingMode, VpcConfig,
};
use serde_json::Value;

use super::{Configuration, LIVE, State, alias, function_arn, log_group_name, read};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, bootstrap, tags};
use crate::desired::tag;
use crate::kind::{Status, Tags, Target};
use crate::kinds::log_group;

/// How long Lambda may work on one change; functions in a VPC are the slow ones.
const PATIENCE: Duration = Duration::from_secs(300);

/// Creates, or goes on where an earlier run was interrupted. What failed to come up is made anew.
pub async fn create(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    // Before the function, or Lambda makes it at the first call, without tags and for ever.
    ensure_log_group(aws, to).await?;
    let sha256 = match create_function(aws, to).await {
        Ok(sha256) => sha256,
        Err(error) if error.code == "ResourceConflictException" && error.message.contains("already exist") => {
            let Some(live) = read::one(aws, &to.name, &to.state).await? else { return Err(error) };
            if !is_ours(live.tags.as_ref(), &to.tags) {
                return Err(error);
            }
            if !matches!(live.status, Status::Failed(_)) {
                return update(aws, &live.state, to).await;
            }
            delete_function(aws, &to.name).await?;
            create_function(aws, to).await?
        }
        Err(error) => return Err(error),
    };
    settle(aws, &to.name).await?;
    tag_code(aws, to, &sha256).await?;
    if let Some(count) = to.state.reserved_concurrency {
        reserve(aws, &to.name, Some(count)).await?;
    }
    alias::point(aws, to).await?;
    for (sid, statement) in &to.state.permissions {
        allow(aws, &to.name, sid, statement).await?;
    }
    Ok(())
}

/// Makes a live function what it should be.
pub async fn update(aws: &Aws, from: &State, to: &Target<State>) -> Result<(), AwsError> {
    let (name, new) = (&to.name, &to.state);
    if from.log_group != new.log_group {
        ensure_log_group(aws, to).await?;
    }
    let (old, wanted) = (&from.configuration, &new.configuration);
    // The architecture belongs to the code.
    let failed = from.failed_change.is_some();
    let configured = !failed && Configuration { architecture: wanted.architecture.clone(), ..old.clone() } == *wanted;
    if !configured {
        configure(aws, old, to).await?;
    }
    // An upload that names no key leaves the code to Lambda's own.
    let code = (&new.package, &new.code_kms_key, &wanted.architecture);
    let coded = !failed && (&from.package, &from.code_kms_key, &old.architecture) == code;
    if !coded {
        let sha256 = upload(aws, to).await?;
        tag_code(aws, to, &sha256).await?;
    }
    if from.reserved_concurrency != new.reserved_concurrency {
        reserve(aws, name, new.reserved_concurrency).await?;
    }
    if !configured || !coded || from.alias != new.alias {
        alias::point(aws, to).await?;
    }
    update_permissions(aws, from, to).await?;
    for other in from.other_aliases.keys().filter(|other| !new.other_aliases.contains_key(*other)) {
        let request = aws.lambda().delete_alias().function_name(name).name(other);
        aws.call("lambda:DeleteAlias", name, request.send()).await.optional()?;
    }
    Ok(())
}

/// Deletes the function with its versions and aliases, then its logs. A call that is still running may write to the log
/// group again: Lambda then makes a new one, which no one owns.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    delete_function(aws, name).await?;
    log_group::delete(aws, &log_group_name(name)).await
}

async fn delete_function(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let request = || aws.call("lambda:DeleteFunction", name, aws.lambda().delete_function().function_name(name).send());
    aws.patiently(request).await.optional().map(drop)
}

/// Deletes published versions.
pub async fn collect(aws: &Aws, name: &str, versions: &[String]) -> Result<(), AwsError> {
    for version in versions {
        let request = || {
            let request = aws.lambda().delete_function().function_name(name).qualifier(version);
            aws.call("lambda:DeleteFunction", name, request.send())
        };
        aws.patiently(request).await.optional()?;
    }
    Ok(())
}

/// Whether a function that stands where one is to be made is this environment's own.
fn is_ours(live: Option<&Tags>, wanted: &Tags) -> bool {
    let owner = [tag::APP, tag::ENVIRONMENT, tag::ADDRESS];
    live.is_some_and(|live| owner.iter().all(|key| live.get(*key) == wanted.get(*key)))
}

async fn ensure_log_group(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let retention = to.state.log_group.as_ref().map_or(0, |group| group.retention);
    log_group::ensure(aws, &log_group_name(&to.name), retention, &to.tags).await
}

/// → the CodeSha256 of what was uploaded
async fn create_function(aws: &Aws, to: &Target<State>) -> Result<String, AwsError> {
    let (name, wanted) = (&to.name, &to.state.configuration);
    let code =
        FunctionCode::builder().s3_bucket(aws.world.bootstrap_bucket()).s3_key(bootstrap::package_key(&to.state.package)).build();
    let tags: HashMap<String, String> = to.tags.clone().into_iter().collect();
    // Lambda cannot assume a new role at once.
    let request = || {
        let request = aws
            .lambda()
            .create_function()
            .function_name(name)
            .code(code.clone())
            .set_tags(Some(tags.clone()))
            .architectures(Architecture::from(wanted.architecture.as_str()))
            .set_runtime(wanted.runtime.as_deref().map(Runtime::from))
            .set_handler(wanted.handler.clone())
            .role(&wanted.role)
            .description(&wanted.description)
            .memory_size(wanted.memory)
            .timeout(wanted.timeout)
            .environment(environment(&wanted.environment))
            .set_layers(Some(wanted.layers.clone()))
            .tracing_config(tracing(wanted))
            .set_ephemeral_storage(storage(wanted))
            .set_dead_letter_config(wanted.dead_letter.as_ref().map(|arn| DeadLetterConfig::builder().target_arn(arn).build()))
            .set_kms_key_arn(wanted.kms_key.clone())
            .logging_config(logging(wanted));
        aws.call("lambda:CreateFunction", name, request.send())
    };
    Ok(aws.patiently(request).await?.code_sha256.unwrap_or_default())
}

/// What UpdateFunctionConfiguration is not told, it keeps: all is sent, with what Lambda takes for "none". What scones never
/// writes is only sent to take it away.
async fn configure(aws: &Aws, old: &Configuration, to: &Target<State>) -> Result<(), AwsError> {
    let (name, wanted) = (&to.name, &to.state.configuration);
    let mut variables = wanted.environment.clone();
    read::reveal(aws, name, &mut variables).await?;
    let no_vpc = VpcConfig::builder().set_subnet_ids(Some(vec![])).set_security_group_ids(Some(vec![]));
    let no_vpc = (old.vpc.is_some() && wanted.vpc.is_none()).then(|| no_vpc.ipv6_allowed_for_dual_stack(false).build());
    let no_snaps = old.snap_start != "None" && wanted.snap_start == "None";
    let no_snaps = no_snaps.then(|| SnapStart::builder().apply_on(SnapStartApplyOn::None).build());
    let no_files = !old.file_systems.is_empty() && wanted.file_systems.is_empty();
    let request = || {
        let request = aws
            .lambda()
            .update_function_configuration()
            .function_name(name)
            .set_runtime(wanted.runtime.as_deref().map(Runtime::from))
            .set_handler(wanted.handler.clone())
            .role(&wanted.role)
            .description(&wanted.description)
            .memory_size(wanted.memory)
            .timeout(wanted.timeout)
            .environment(environment(&variables))
            .set_layers(Some(wanted.layers.clone()))
            .tracing_config(tracing(wanted))
            .set_ephemeral_storage(storage(wanted))
            .dead_letter_config(DeadLetterConfig::builder().target_arn(wanted.dead_letter.clone().unwrap_or_default()).build())
            .kms_key_arn(wanted.kms_key.clone().unwrap_or_default())
            .logging_config(logging(wanted))
            .set_vpc_config(no_vpc.clone())
            .set_file_system_configs(no_files.then(Vec::new))
            .set_snap_start(no_snaps.clone());
        aws.call("lambda:UpdateFunctionConfiguration", name, request.send())
    };
    aws.patiently(request).await?;
    settle(aws, name).await
}

/// → the CodeSha256 of what was uploaded
async fn upload(aws: &Aws, to: &Target<State>) -> Result<String, AwsError> {
    let name = &to.name;
    let request = || {
        let request = aws
            .lambda()
            .update_function_code()
            .function_name(name)
            .s3_bucket(aws.world.bootstrap_bucket())
            .s3_key(bootstrap::package_key(&to.state.package))
            .architectures(Architecture::from(to.state.configuration.architecture.as_str()));
        aws.call("lambda:UpdateFunctionCode", name, request.send())
    };
    let answer = aws.patiently(request).await?;
    settle(aws, name).await?;
    Ok(answer.code_sha256.unwrap_or_default())
}

/// Says of which package the code is. Written after the code: an interruption in between shows as another package.
async fn tag_code(aws: &Aws, to: &Target<State>, sha256: &str) -> Result<(), AwsError> {
    let set = [(tag::PACKAGE, to.state.package.as_str()), (tag::CODE, sha256)];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    tags::write(aws, &function_arn(&aws.world, &to.name), &set, &[]).await
}

fn environment(variables: &BTreeMap<String, String>) -> Environment {
    Environment::builder().set_variables(Some(variables.clone().into_iter().collect())).build()
}

fn tracing(wanted: &Configuration) -> TracingConfig {
    TracingConfig::builder().mode(TracingMode::from(wanted.tracing.as_str())).build()
}

/// Building fails only without a size, and it is given.
fn storage(wanted: &Configuration) -> Option<EphemeralStorage> {
    EphemeralStorage::builder().size(wanted.ephemeral_storage).build().ok()
}

fn logging(wanted: &Configuration) -> LoggingConfig {
    let logging = &wanted.logging;
    LoggingConfig::builder()
        .log_format(LogFormat::from(logging.format.as_str()))
        .set_application_log_level(logging.application_level.as_deref().map(ApplicationLogLevel::from))
        .set_system_log_level(logging.system_level.as_deref().map(SystemLogLevel::from))
        .log_group(&logging.group)
        .build()
}

/// Waits until Lambda is done with a change.
async fn settle(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(PATIENCE);
    loop {
        let failed = |message: String| Err(AwsError::unexpected("lambda:GetFunction", name, message));
        match read::progress(aws, name).await? {
            Some(Status::Settled) => return Ok(()),
            Some(Status::Failed(reason)) => return failed(format!("Lambda could not make the change: {reason}")),
            Some(Status::InProgress(what)) => {
                if !pace.wait(&what).await {
                    return failed(format!("{what}, since {} seconds", PATIENCE.as_secs()));
                }
            }
            // A function that was just made may not be readable everywhere yet.
            None => {
                if !pace.wait("Lambda to show the function").await {
                    return failed("the function does not appear".to_owned());
                }
            }
        }
    }
}

async fn reserve(aws: &Aws, name: &str, count: Option<i32>) -> Result<(), AwsError> {
    let put = || {
        let request = aws.lambda().put_function_concurrency().function_name(name).set_reserved_concurrent_executions(count);
        aws.call("lambda:PutFunctionConcurrency", name, request.send())
    };
    let delete = || {
        let request = aws.lambda().delete_function_concurrency().function_name(name);
        aws.call("lambda:DeleteFunctionConcurrency", name, request.send())
    };
    match count {
        Some(_) => aws.patiently(put).await.map(drop),
        None => aws.patiently(delete).await.map(drop),
    }
}

/// One after the other: Lambda refuses changes to one policy at the same time.
async fn update_permissions(aws: &Aws, from: &State, to: &Target<State>) -> Result<(), AwsError> {
    let (name, old, new) = (&to.name, &from.permissions, &to.state.permissions);
    // What is allowed comes before what is taken away, so that no caller is refused in between. A statement that
    // changes has to go first all the same: ids are unique.
    for (sid, statement) in new.iter().filter(|(sid, _)| !old.contains_key(*sid)) {
        allow(aws, name, sid, statement).await?;
    }
    for (sid, statement) in new.iter().filter(|(sid, statement)| old.get(*sid).is_some_and(|old| old != *statement)) {
        disallow(aws, name, sid, Some(LIVE)).await?;
        allow(aws, name, sid, statement).await?;
    }
    for sid in old.keys().filter(|sid| !new.contains_key(*sid)) {
        disallow(aws, name, sid, Some(LIVE)).await?;
    }
    for sid in from.function_permissions.keys() {
        disallow(aws, name, sid, None).await?;
    }
    Ok(())
}

async fn allow(aws: &Aws, name: &str, sid: &str, statement: &Value) -> Result<(), AwsError> {
    let text = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let principal =
        text("/Principal").or_else(|| text("/Principal/Service/0")).or_else(|| text("/Principal/AWS/0")).unwrap_or_default();
    let request = || {
        let request = aws
            .lambda()
            .add_permission()
            .function_name(name)
            .qualifier(LIVE)
            .statement_id(sid)
            .set_action(text("/Action/0"))
            .principal(&principal)
            .set_source_arn(text("/Condition/ArnLike/AWS:SourceArn/0"))
            .set_source_account(text("/Condition/StringEquals/AWS:SourceAccount/0"));
        aws.call("lambda:AddPermission", name, request.send())
    };
    match aws.patiently(request).await {
        // The answer to an earlier attempt was lost; were it another statement, the next reading would show it.
        Err(error) if error.code == "ResourceConflictException" && error.message.contains("already exists") => Ok(()),
        answer => answer.map(drop),
    }
}

async fn disallow(aws: &Aws, name: &str, sid: &str, qualifier: Option<&str>) -> Result<(), AwsError> {
    let request = || {
        let request =
            aws.lambda().remove_permission().function_name(name).statement_id(sid).set_qualifier(qualifier.map(str::to_owned));
        aws.call("lambda:RemovePermission", name, request.send())
    };
    aws.patiently(request).await.optional().map(drop)
}
