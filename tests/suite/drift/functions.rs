//! Functions, state machines, and the log groups of both.

use aws_sdk_cloudwatchlogs::types::LogGroupClass;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder as Configuration;
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, EphemeralStorage, LogFormat, LoggingConfig, Runtime, SnapStart, SnapStartApplyOn,
    TracingConfig, TracingMode, VpcConfig,
};
use aws_sdk_sfn::operation::update_state_machine::builders::UpdateStateMachineFluentBuilder as Machine;
use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, EncryptionConfiguration, EncryptionType, LogDestination, LogLevel, LoggingConfiguration,
    RoutingConfigurationListItem,
};

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:theirs";
const LOGS: &str = "/aws/lambda/drift-toy-echo";
const MACHINE_ALIAS: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:drift-toy-flow:live";
const MACHINE_LOGS: &str = "/aws/vendedlogs/states/drift-toy-flow";
const MASKED: &str = r#"{"Name":"mask","Version":"2021-06-01","Statement":[
    {"Sid":"a","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Audit":{"FindingsDestination":{}}}},
    {"Sid":"b","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deidentify":{"MaskConfig":{}}}}]}"#;

fn configure() -> Configuration {
    lambda().update_function_configuration().function_name(FUNCTION)
}

fn machine() -> Machine {
    states().update_state_machine().state_machine_arn(MACHINE)
}

found_and_reverted! {
    function_runtime: "functions.echo", Found::At("runtime"), configure().runtime(Runtime::Python313).send();
    function_handler: "functions.echo", Found::At("handler"), configure().handler("main.other").send();
    function_description: "functions.echo", Found::At("description"), configure().description("theirs").send();
    function_variable_removed: "functions.echo", Found::At("environment.GREETING"), configure().environment(aws_sdk_lambda::types::Environment::builder().set_variables(Some([].into())).build()).send();
    function_tracing: "functions.echo", Found::At("tracing"), configure().tracing_config(TracingConfig::builder().mode(TracingMode::Active).build()).send();
    function_storage: "functions.echo", Found::At("ephemeral_storage"), configure().ephemeral_storage(EphemeralStorage::builder().size(1024).build().unwrap()).send();
    function_dead_letter: "functions.echo", Found::At("dead_letter"), configure().dead_letter_config(DeadLetterConfig::builder().target_arn(QUEUE).build()).send();
    function_kms_key: "functions.echo", Found::At("kms_key"), configure().kms_key_arn(KEY).send();
    function_snap_start: "functions.echo", Found::At("snap_start"), configure().snap_start(SnapStart::builder().apply_on(SnapStartApplyOn::PublishedVersions).build()).send();
    function_vpc: "functions.echo", Found::At("vpc"), configure().vpc_config(VpcConfig::builder().subnet_ids("subnet-0a1b2c3d").security_group_ids("sg-0a1b2c3d").build()).send();
    function_log_format: "functions.echo", Found::At("logging.format"), configure().logging_config(LoggingConfig::builder().log_format(LogFormat::Json).build()).send();
    function_logs_elsewhere: "functions.echo", Found::At("logging.group"), configure().logging_config(LoggingConfig::builder().log_group("/aws/lambda/theirs").build()).send();
    function_architecture: "functions.echo", Found::At("architecture"), uploaded(|upload| upload.architectures(Architecture::Arm64));
    function_code_key: "functions.echo", Found::At("code_kms_key"), uploaded(|upload| upload.source_kms_key_arn(KEY));
    function_permission_swapped: "functions.echo", Found::At("permissions.topic"), swapped();
    function_permission_removed_and_another_added: "functions.echo", Found::At("permissions.upload"), replaced();
    function_alias_description: "functions.echo", Found::At("alias.description"), lambda().update_alias().function_name(FUNCTION).name("live").description("theirs").send();
    function_alias_on_an_older_version: "functions.echo", Found::At("alias.version"), older();
    function_tag_added: "functions.echo", Found::At("tags.owner"), lambda().tag_resource().resource(FUNCTION_ARN).tags("owner", "me").send();

    function_log_key: "functions.echo", Found::At("log_group.kms_key"), logs().associate_kms_key().log_group_name(LOGS).kms_key_id(KEY).send();
    function_log_group_protected: "functions.echo", Found::At("log_group.deletion_protection"), logs().put_log_group_deletion_protection().log_group_identifier(LOGS).deletion_protection_enabled(true).send();
    function_logs_masked: "functions.echo", Found::At("log_group.data_protection"), logs().put_data_protection_policy().log_group_identifier(LOGS).policy_document(MASKED).send();
    function_logs_open_to_tokens: "functions.echo", Found::At("log_group.bearer_tokens"), logs().put_bearer_token_authentication().log_group_identifier(LOGS).bearer_token_authentication_enabled(true).send();

    machine_tracing: "state_machines.flow", Found::At("tracing"), machine().tracing_configuration(aws_sdk_sfn::types::TracingConfiguration::builder().enabled(true).build()).send();
    machine_encryption: "state_machines.flow", Found::At("encryption"), encrypted();
    machine_logs_data: "state_machines.flow", Found::At("logging.include_execution_data"), machine().logging_configuration(logged(MACHINE_LOGS)).send();
    machine_log_retention: "state_machines.flow", Found::At("log_group.retention"), logs().put_retention_policy().log_group_name(MACHINE_LOGS).retention_in_days(365).send();
    machine_log_group_gone: "state_machines.flow", Found::At("log_group"), logs().delete_log_group().log_group_name(MACHINE_LOGS).send();
    machine_alias_gone: "state_machines.flow", Found::At("alias"), states().delete_state_machine_alias().state_machine_alias_arn(MACHINE_ALIAS).send();
    machine_alias_description: "state_machines.flow", Found::At("alias.description"), states().update_state_machine_alias().state_machine_alias_arn(MACHINE_ALIAS).description("theirs").send();
    machine_alias_on_another_version: "state_machines.flow", Found::At("alias.version"), routed(&[("theirs", 100)]);
    machine_alias_weights: "state_machines.flow", Found::At("alias"), routed(&[("ours", 90), ("theirs", 10)]);
    machine_alias_added: "state_machines.flow", Found::At("other_aliases.theirs"), another_alias();
    machine_tag_removed: "state_machines.flow", Found::At("tags.cost-centre"), states().untag_resource().resource_arn(MACHINE).tag_keys("cost-centre").send();
}

type Upload = aws_sdk_lambda::operation::update_function_code::builders::UpdateFunctionCodeFluentBuilder;

/// Uploads the very code that is there, with something else about it.
async fn uploaded(change: fn(Upload) -> Upload) -> Anything {
    let found = lambda().get_function().function_name(FUNCTION).send().await?;
    let package = found.tags.unwrap_or_default().remove(scones::desired::tag::PACKAGE).unwrap_or_default();
    let upload = lambda().update_function_code().function_name(FUNCTION).s3_bucket("scones-123456789012-us-east-1");
    change(upload.s3_key(scones::aws::bootstrap::package_key(&package))).send().await?;
    Ok(())
}

/// Lets another account in under an id that is declared.
async fn swapped() -> Anything {
    lambda().remove_permission().function_name(FUNCTION).qualifier("live").statement_id("topic").send().await?;
    let permission = lambda().add_permission().function_name(FUNCTION).qualifier("live").statement_id("topic");
    permission.principal("999999999999").action("lambda:InvokeFunction").send().await?;
    Ok(())
}

async fn replaced() -> Anything {
    lambda().remove_permission().function_name(FUNCTION).qualifier("live").statement_id("topic").send().await?;
    let permission = lambda().add_permission().function_name(FUNCTION).qualifier("live").statement_id("upload");
    permission.principal("s3.amazonaws.com").action("lambda:InvokeFunction").send().await?;
    Ok(())
}

/// Publishes something else, lets callers have that, and changes the function back.
async fn older() -> Anything {
    configure().timeout(11).send().await?;
    settled_function().await?;
    let version = lambda().publish_version().function_name(FUNCTION).send().await?.version.unwrap_or_default();
    lambda().update_alias().function_name(FUNCTION).name("live").function_version(version).send().await?;
    configure().timeout(3).send().await?;
    settled_function().await
}

async fn settled_function() -> Anything {
    loop {
        let found = lambda().get_function_configuration().function_name(FUNCTION).send().await?;
        if found.last_update_status != Some(aws_sdk_lambda::types::LastUpdateStatus::InProgress) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Publishes another workflow, changes the state machine back, and lets the alias `live` lead to both as asked.
async fn routed(shares: &[(&str, i32)]) -> Anything {
    let live = states().describe_state_machine().state_machine_arn(MACHINE).send().await?.definition;
    let ours = served().await?;
    machine().definition(r#"{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}"#).send().await?;
    let theirs = states().publish_state_machine_version().state_machine_arn(MACHINE).send().await?.state_machine_version_arn;
    machine().definition(live).send().await?;
    let mut request = states().update_state_machine_alias().state_machine_alias_arn(MACHINE_ALIAS);
    for (whose, share) in shares {
        let version = if *whose == "ours" { &ours } else { &theirs };
        let item = RoutingConfigurationListItem::builder().state_machine_version_arn(version).weight(*share).build()?;
        request = request.routing_configuration(item);
    }
    request.send().await?;
    Ok(())
}

/// The version that the alias `live` leads to.
async fn served() -> Result<String, Box<dyn std::error::Error>> {
    let alias = states().describe_state_machine_alias().state_machine_alias_arn(MACHINE_ALIAS).send().await?;
    let routing = alias.routing_configuration.unwrap_or_default();
    Ok(routing.into_iter().next().map(|one| one.state_machine_version_arn).unwrap_or_default())
}

async fn another_alias() -> Anything {
    let item = RoutingConfigurationListItem::builder().state_machine_version_arn(served().await?).weight(100).build()?;
    states().create_state_machine_alias().name("theirs").routing_configuration(item).send().await?;
    Ok(())
}

/// Step Functions takes a key along with the definition only.
async fn encrypted() -> Anything {
    let live = states().describe_state_machine().state_machine_arn(MACHINE).send().await?;
    let key = EncryptionConfiguration::builder().r#type(EncryptionType::CustomerManagedKmsKey).kms_key_id(KEY).build()?;
    machine().definition(live.definition).encryption_configuration(key).send().await?;
    Ok(())
}

fn logged(group: &str) -> LoggingConfiguration {
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{group}:*");
    let group = CloudWatchLogsLogGroup::builder().log_group_arn(arn).build();
    let destination = LogDestination::builder().cloud_watch_logs_log_group(group).build();
    LoggingConfiguration::builder().level(LogLevel::Error).include_execution_data(true).destinations(destination).build()
}

/// Of a log group that somebody made anew the class cannot be changed, and scones deletes no logs to get it back: apply
/// says what to do.
#[test]
fn function_log_group_swapped_for_one_of_another_class() {
    let project = environment().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let swap = async |class| {
        logs().delete_log_group().log_group_name(LOGS).send().await.unwrap();
        logs().create_log_group().log_group_name(LOGS).log_group_class(class).send().await.unwrap();
    };
    wait(swap(LogGroupClass::InfrequentAccess));
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    let found = changes(&drift);
    assert!(found.contains(&("functions.echo".to_owned(), "log_group.class".to_owned())), "{found:?}");
    let refused = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("its class is INFREQUENT_ACCESS"), "{refused:?}");
    wait(swap(LogGroupClass::Standard));
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}
