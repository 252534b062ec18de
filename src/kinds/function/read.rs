//! Lambda's answers → state.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{AliasConfiguration, FunctionConfiguration, LastUpdateStatus, LoggingConfig, State as Stage};
use futures::future::{join_all, try_join_all};
use serde_json::{Map, Value};

use super::alias::{Latest, generations, live_alias, runs, weights};
use super::list::{aliases, versions};
use super::{
    Configuration, DECLARED_VERSION, FileSystem, HIDDEN, LIVE, Logging, OtherAlias, State, VERSION_ARN, Vpc, log_group_name,
    normal_statement,
};
use crate::aws::{Aws, AwsError, Optional};
use crate::desired::tag;
use crate::kind::{Live, Status, Tags, Wanted};
use crate::kinds::log_group::{self, LogGroup};

pub async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let names: Vec<String> = wanted.iter().map(|one| log_group_name(&one.name)).collect();
    let found = try_join_all(wanted.iter().map(|one| answers(aws, &one.name)));
    let (found, mut groups) = futures::join!(found, log_group::read(aws, &names));
    let mut live = vec![];
    for (one, answers) in wanted.iter().zip(found?) {
        let group = groups.as_mut().map_err(|error| error.clone())?.remove(&log_group_name(&one.name));
        if let Some(answers) = answers {
            live.push(assemble(&one.name, answers, group, one.desired.as_ref())?);
        }
    }
    Ok(live)
}

/// Reads one function.
pub async fn one(aws: &Aws, name: &str, desired: &State) -> Result<Option<Live<State>>, AwsError> {
    let wanted = [Wanted { name: name.to_owned(), desired: Some(desired.clone()) }];
    Ok(observe(aws, &wanted).await?.into_iter().next())
}

/// All that Lambda tells of one function.
struct Answers {
    configuration: FunctionConfiguration,
    function: GetFunctionOutput,
    versions: Vec<FunctionConfiguration>,
    aliases: Vec<AliasConfiguration>,
    permissions: BTreeMap<String, Value>,
    function_permissions: BTreeMap<String, Value>,
}

async fn answers(aws: &Aws, name: &str) -> Result<Option<Answers>, AwsError> {
    let function = aws.call("lambda:GetFunction", name, aws.lambda().get_function().function_name(name).send());
    let policies = join_all([permissions(aws, name, Some(LIVE)), permissions(aws, name, None)]);
    let (function, versions, aliases, policies) = futures::join!(function, versions(aws, name), aliases(aws, name), policies);
    let Some(mut function) = function.optional()? else { return Ok(None) };
    let Some(configuration) = function.configuration.take() else { return Ok(None) };
    let mut policies = policies.into_iter();
    let mut next = || policies.next().unwrap_or_else(|| Ok(BTreeMap::new()));
    Ok(Some(Answers {
        configuration,
        function,
        versions: versions?,
        aliases: aliases?,
        permissions: next()?,
        function_permissions: next()?,
    }))
}

/// The statements of a policy by their id. Where there is no policy, GetPolicy answers that there is no resource.
async fn permissions(aws: &Aws, name: &str, qualifier: Option<&str>) -> Result<BTreeMap<String, Value>, AwsError> {
    let request = aws.lambda().get_policy().function_name(name).set_qualifier(qualifier.map(str::to_owned));
    let Some(answer) = aws.call("lambda:GetPolicy", name, request.send()).await.optional()? else {
        return Ok(BTreeMap::new());
    };
    let text = answer.policy.unwrap_or_else(|| "{}".to_owned());
    let document: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| AwsError::unexpected("lambda:GetPolicy", name, format!("the policy is not JSON: {error}")))?;
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => vec![],
    };
    let named = statements.into_iter().filter_map(|statement| match statement {
        Value::Object(members) => Some(members),
        _ => None,
    });
    Ok(named
        .map(|members| {
            let sid = members.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
            (sid, normal_statement(members))
        })
        .collect())
}

fn assemble(name: &str, answers: Answers, log_group: Option<LogGroup>, desired: Option<&State>) -> Result<Live<State>, AwsError> {
    let latest = &answers.configuration;
    let mut tags: Tags = tags(name, &answers.function)?;
    let (package, code) = (tags.remove(tag::PACKAGE), tags.remove(tag::CODE));
    let sha256 = latest.code_sha256.as_deref().unwrap_or_default();
    let mut configuration = configuration(name, latest)?;
    let published = Latest { name, configuration: &configuration.clone(), sha256 };
    let current = published.current(&answers.versions, &answers.aliases)?;
    let uploaded = desired.filter(|desired| package.as_ref() == Some(&desired.package));
    let declared = uploaded.zip(code.as_deref()).map(|(desired, sha256)| {
        let declared = Latest { name, configuration: &desired.configuration, sha256 };
        declared.current(&answers.versions, &answers.aliases)
    });
    let declared = declared.transpose()?.flatten();
    let (mut alias, mut other_aliases) = (None, BTreeMap::new());
    for found in &answers.aliases {
        let version = found.function_version.clone().unwrap_or_default();
        match found.name.as_deref() {
            Some(LIVE) => {
                alias = Some(live_alias(found, published.compared(&version, &answers.versions)?));
            }
            other => {
                let weights = weights(found.routing_config.as_ref());
                let alias = OtherAlias { version, weights, description: found.description.clone().unwrap_or_default() };
                other_aliases.insert(other.unwrap_or_default().to_owned(), alias);
            }
        }
    }
    if let Some(desired) = desired {
        let declared = &desired.configuration.environment;
        // What is left alone stands hidden among the declared ones.
        let shown = |key: &str| declared.get(key).is_some_and(|value| value != HIDDEN);
        let undeclared = configuration.environment.iter_mut().filter(|(key, _)| !shown(key));
        undeclared.for_each(|(_, value)| HIDDEN.clone_into(value));
    }
    let state = State {
        package: match package {
            Some(package) if code.as_deref() == Some(sha256) => package,
            Some(_) if code.is_some() => format!("code changed outside scones: sha256 {sha256}"),
            _ => format!("code that scones did not finish to upload: sha256 {sha256}"),
        },
        code_kms_key: answers.function.code.as_ref().and_then(|code| code.source_kms_key_arn.clone()),
        configuration,
        reserved_concurrency: answers.function.concurrency.as_ref().and_then(|kept| kept.reserved_concurrent_executions),
        log_group,
        alias,
        other_aliases,
        permissions: answers.permissions,
        function_permissions: answers.function_permissions,
        fixed: fixed(latest),
        failed_change: failed_change(latest),
        rollout: desired.and_then(|desired| desired.rollout.clone()),
    };
    let mut live = Live::settled(name, latest.function_arn.clone().unwrap_or_default(), state, Some(tags));
    live.revision = latest.revision_id.clone();
    live.status = status(latest);
    live.generations = generations(&live.arn, &answers.versions, &answers.aliases);
    let versions = [(VERSION_ARN, current), (DECLARED_VERSION, declared)];
    let arn = |(key, number): (&str, Option<String>)| Some((key.to_owned(), format!("{}:{}", live.arn, number?)));
    live.attributes = versions.into_iter().filter_map(arn).chain(runs(&answers.versions, &answers.aliases)).collect();
    Ok(live)
}

/// GetFunction leaves tags out where the caller may not list them.
fn tags(name: &str, function: &GetFunctionOutput) -> Result<Tags, AwsError> {
    if let Some(error) = &function.tags_error {
        let refused = AwsError::unexpected("lambda:ListTags", name, &error.message);
        return Err(AwsError { code: error.error_code.clone(), ..refused });
    }
    Ok(function.tags.clone().unwrap_or_default().into_iter().collect())
}

/// Folds what Lambda leaves out to what it means.
pub fn configuration(name: &str, found: &FunctionConfiguration) -> Result<Configuration, AwsError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let environment = found.environment.as_ref();
    if let Some(error) = environment.and_then(|environment| environment.error.as_ref()) {
        let reason = error.message.clone().or_else(|| error.error_code.clone()).unwrap_or_default();
        let message = format!("the environment variables cannot be decrypted: {reason}");
        return Err(AwsError::unexpected("lambda:GetFunction", name, message));
    }
    let variables = environment.and_then(|environment| environment.variables.clone()).unwrap_or_default();
    let vpc = found.vpc_config.as_ref().filter(|vpc| !vpc.subnet_ids().is_empty());
    let mut file_systems: Vec<FileSystem> = found
        .file_system_configs()
        .iter()
        .map(|mounted| FileSystem { arn: mounted.arn.clone(), path: mounted.local_mount_path.clone() })
        .collect();
    file_systems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Configuration {
        runtime: found.runtime.as_ref().map(|runtime| runtime.as_str().to_owned()),
        handler: given(&found.handler),
        role: found.role.clone().unwrap_or_default(),
        description: found.description.clone().unwrap_or_default(),
        memory: found.memory_size.unwrap_or(128),
        timeout: found.timeout.unwrap_or(3),
        architecture: found.architectures().first().map_or("x86_64", |architecture| architecture.as_str()).to_owned(),
        environment: variables.into_iter().collect(),
        layers: found.layers().iter().filter_map(|layer| layer.arn.clone()).collect(),
        tracing: found
            .tracing_config
            .as_ref()
            .and_then(|tracing| tracing.mode.as_ref())
            .map_or("PassThrough", |mode| mode.as_str())
            .to_owned(),
        ephemeral_storage: found.ephemeral_storage.as_ref().map_or(512, |storage| storage.size),
        dead_letter: found.dead_letter_config.as_ref().and_then(|config| given(&config.target_arn)),
        kms_key: given(&found.kms_key_arn),
        logging: logging(name, found.logging_config.as_ref()),
        vpc: vpc.map(|vpc| Vpc {
            subnets: in_order(vpc.subnet_ids()),
            security_groups: in_order(vpc.security_group_ids()),
            ipv6: vpc.ipv6_allowed_for_dual_stack.unwrap_or(false),
        }),
        file_systems,
        snap_start: found
            .snap_start
            .as_ref()
            .and_then(|snap| snap.apply_on.as_ref())
            .map_or("None", |apply| apply.as_str())
            .to_owned(),
    })
}

fn in_order(members: &[String]) -> Vec<String> {
    let mut members = members.to_vec();
    members.sort();
    members
}

fn logging(name: &str, found: Option<&LoggingConfig>) -> Logging {
    let format = found.and_then(|logging| logging.log_format.as_ref()).map_or("Text", |format| format.as_str());
    let json = format == "JSON";
    let application = found.and_then(|logging| logging.application_log_level.as_ref()).map_or("INFO", |level| level.as_str());
    let system = found.and_then(|logging| logging.system_log_level.as_ref()).map_or("INFO", |level| level.as_str());
    Logging {
        format: format.to_owned(),
        application_level: json.then(|| application.to_owned()),
        system_level: json.then(|| system.to_owned()),
        group: found.and_then(|logging| logging.log_group.clone()).unwrap_or_else(|| log_group_name(name)),
    }
}

/// What can only be had by making a function anew.
fn fixed(found: &FunctionConfiguration) -> BTreeMap<String, String> {
    let package_type = found.package_type.as_ref().map_or("Zip", |package| package.as_str());
    let mut fixed = BTreeMap::from([("package_type".to_owned(), package_type.to_owned())]);
    if let Some(tenancy) = &found.tenancy_config {
        fixed.insert("tenancy".to_owned(), tenancy.tenant_isolation_mode.as_str().to_owned());
    }
    if found.durable_config.is_some() {
        fixed.insert("durable".to_owned(), "true".to_owned());
    }
    if let Some(provider) = found
        .capacity_provider_config
        .as_ref()
        .and_then(|config| config.lambda_managed_instances_capacity_provider_config.as_ref())
    {
        fixed.insert("capacity_provider".to_owned(), provider.capacity_provider_arn.clone());
    }
    fixed
}

/// A change that failed is no failed function: that still runs as before, and is not made anew.
fn status(found: &FunctionConfiguration) -> Status {
    match (&found.state, &found.last_update_status) {
        (Some(Stage::Pending), _) => Status::InProgress("Lambda prepares the function".to_owned()),
        (Some(Stage::Failed), _) => Status::Failed(reason(found.state_reason.as_deref())),
        (_, Some(LastUpdateStatus::InProgress)) => Status::InProgress("Lambda updates the function".to_owned()),
        _ => Status::Settled,
    }
}

fn failed_change(found: &FunctionConfiguration) -> Option<String> {
    let failed = found.last_update_status == Some(LastUpdateStatus::Failed);
    failed.then(|| reason(found.last_update_status_reason.as_deref()))
}

fn reason(told: Option<&str>) -> String {
    told.filter(|told| !told.is_empty()).unwrap_or("AWS gives no reason").to_owned()
}

/// Puts the real values in the place of variables that are hidden, so that a change of something else keeps them.
pub async fn reveal(aws: &Aws, name: &str, environment: &mut BTreeMap<String, String>) -> Result<(), AwsError> {
    if environment.values().all(|value| value != HIDDEN) {
        return Ok(());
    }
    let answer = aws.call("lambda:GetFunction", name, aws.lambda().get_function().function_name(name).send()).await?;
    let live = answer.configuration.map(|found| configuration(name, &found)).transpose()?;
    let live = live.map(|live| live.environment).unwrap_or_default();
    environment.retain(|key, value| value != HIDDEN || live.contains_key(key));
    for (key, value) in environment.iter_mut().filter(|(_, value)| *value == HIDDEN) {
        value.clone_from(&live[key]);
    }
    Ok(())
}

/// Whether Lambda is done with a change, and whether that got through.
pub async fn progress(aws: &Aws, name: &str) -> Result<Option<Status>, AwsError> {
    let answer = aws.call("lambda:GetFunction", name, aws.lambda().get_function().function_name(name).send()).await.optional()?;
    Ok(answer.and_then(|answer| answer.configuration).map(|found| match (status(&found), failed_change(&found)) {
        (Status::Settled, Some(reason)) => Status::Failed(reason),
        (status, _) => status,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lambda_leaves_out_is_its_default() {
        let found = FunctionConfiguration::builder().build();
        let folded = configuration("f", &found).unwrap();
        assert_eq!((folded.memory, folded.timeout, folded.ephemeral_storage), (128, 3, 512));
        assert_eq!((folded.tracing.as_str(), folded.snap_start.as_str()), ("PassThrough", "None"));
        assert_eq!(folded.logging.group, "/aws/lambda/f");
        assert_eq!(fixed(&found), BTreeMap::from([("package_type".to_owned(), "Zip".to_owned())]));
    }

    #[test]
    fn a_failed_change_is_no_failed_function() {
        let active = FunctionConfiguration::builder().state(Stage::Active);
        let refused = active.last_update_status(LastUpdateStatus::Failed).last_update_status_reason("no addresses").build();
        assert_eq!((status(&refused), failed_change(&refused)), (Status::Settled, Some("no addresses".to_owned())));
        let broken = FunctionConfiguration::builder().state(Stage::Failed).build();
        assert_eq!(status(&broken), Status::Failed("AWS gives no reason".to_owned()));
    }
}
