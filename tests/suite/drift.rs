//! Changes made behind the deployer's back: each is found at the right address and path, and reverted by apply.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, OnceLock};

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace, SuspendedState,
    TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Metric, MetricDataQuery, MetricStat, StandardUnit, Statistic};
use aws_sdk_sagemaker::types::{DesiredWeightAndCapacity, ProductionVariant, ProductionVariantInstanceType};

use crate::support::{Project, actions, assert_no_violations, changes, gateway, sdk, wait};

const FUNCTION: &str = "drift-toy-echo";
const ROLE: &str = "drift-toy-run";
const ALARM: &str = "drift-toy-errors";
const COMPOSITE: &str = "drift-toy-broken";
const COMPOSITE_RULE: &str = r#"ALARM("drift-toy-throttles") AND NOT (OK("arn:aws:cloudwatch:us-east-1:123456789012:alarm:drift-toy-throttles") OR FALSE)"#;
const SUPPRESSOR: &str = "drift-toy-throttles";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:drift-toy";
const DASHBOARD: &str = "drift-toy-overview";
const DASHBOARD_ARN: &str = "arn:aws:cloudwatch::123456789012:dashboard/drift-toy-overview";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:drift-toy-flow";
const ENDPOINT: &str = "drift-toy-net";
const RULE: &str = "drift-toy-predictions";
const NIGHTLY: &str = "drift-toy-nightly";
const RULE_ARN: &str = "arn:aws:events:us-east-1:123456789012:rule/drift-toy-predictions";
const VARIANT: &str = "endpoint/drift-toy-net/variant/AllTraffic";
const SCHEDULE: &str = "drift-toy-features";
const SCHEDULE_ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/drift-toy-features";
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:drift-toy-echo";
const ALARM_ARN: &str = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:drift-toy-errors";
const GROUP_ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/drift-toy-nets";
const ENDPOINT_ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/drift-toy-net";

fn iam() -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(sdk())
}
fn lambda() -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(sdk())
}
fn states() -> aws_sdk_sfn::Client {
    aws_sdk_sfn::Client::new(sdk())
}
fn sagemaker() -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk())
}
fn scaling() -> aws_sdk_applicationautoscaling::Client {
    aws_sdk_applicationautoscaling::Client::new(sdk())
}
fn cloudwatch() -> aws_sdk_cloudwatch::Client {
    aws_sdk_cloudwatch::Client::new(sdk())
}
fn events() -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(sdk())
}
fn logs() -> aws_sdk_cloudwatchlogs::Client {
    aws_sdk_cloudwatchlogs::Client::new(sdk())
}

/// One environment for all these tests: each sets right what it changed, so they take turns.
fn environment() -> &'static Mutex<Project> {
    static ENVIRONMENT: OnceLock<Mutex<Project>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let project = Project::from_fixture("toy", "drift");
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        Mutex::new(project)
    })
}

/// What a change should look like: the path of a changed field, or the action on what is gone.
enum Found {
    At(&'static str),
    Gone,
}

fn check(address: &str, found: Found, change: Pin<Box<dyn Future<Output = ()>>>) {
    let project = environment().lock().unwrap_or_else(|poisoned| {
        // A test that failed before this one may have left its change.
        environment().clear_poison();
        let project = poisoned.into_inner();
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        project
    });
    wait(change);
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    match found {
        Found::At(path) => {
            let found = changes(&drift);
            assert!(
                found.iter().any(|(at, what)| at == address && what.starts_with(path)),
                "{address} {path} is not in {found:?}"
            );
            assert!(found.iter().all(|(at, _)| at == address), "something else drifted too: {found:?}");
        }
        Found::Gone => {
            let found = actions(&drift);
            assert_eq!(found, [(address.to_owned(), "create".to_owned())]);
        }
    }
    let text = project.scones(&["drift", "toy"]).expect(2).stdout;
    assert!(text.contains(address.split_once('.').unwrap().1), "{text}");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["drift", "toy"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

macro_rules! found_and_reverted {
    ($($name:ident: $address:literal, $found:expr, $change:expr;)*) => {
        $(
            #[test]
            fn $name() {
                check($address, $found, Box::pin(async { let _ = $change.await.unwrap(); }));
            }
        )*
    };
}

mod alarms;
mod endpoints;
mod functions;
mod monitors;
mod suppressed;

const ADMIN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const OPEN_TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole"}]}"#;

found_and_reverted! {
    role_description: "roles.run", Found::At("description"), iam().update_role().role_name(ROLE).description("x").send();
    role_session: "roles.run", Found::At("max_session_duration"), iam().update_role().role_name(ROLE).description("Runs all of it").max_session_duration(7200).send();
    role_trust: "roles.run", Found::At("trust"), iam().update_assume_role_policy().role_name(ROLE).policy_document(OPEN_TRUST).send();
    role_inline_changed: "roles.run", Found::At("policies.scones"), iam().put_role_policy().role_name(ROLE).policy_name("scones").policy_document(ADMIN).send();
    role_inline_added: "roles.run", Found::At("policies.backdoor"), iam().put_role_policy().role_name(ROLE).policy_name("backdoor").policy_document(ADMIN).send();
    role_inline_removed: "roles.run", Found::At("policies.scones"), iam().delete_role_policy().role_name(ROLE).policy_name("scones").send();
    role_managed_added: "roles.run", Found::At("managed_policies"), iam().attach_role_policy().role_name(ROLE).policy_arn("arn:aws:iam::aws:policy/AdministratorAccess").send();
    role_managed_removed: "roles.run", Found::At("managed_policies"), iam().detach_role_policy().role_name(ROLE).policy_arn("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole").send();
    role_boundary: "roles.run", Found::At("boundary"), iam().put_role_permissions_boundary().role_name(ROLE).permissions_boundary("arn:aws:iam::aws:policy/ReadOnlyAccess").send();
    role_tag_changed: "roles.run", Found::At("tags.cost-centre"), iam().tag_role().role_name(ROLE).tags(aws_sdk_iam::types::Tag::builder().key("cost-centre").value("other").build().unwrap()).send();

    function_memory: "functions.echo", Found::At("memory"), lambda().update_function_configuration().function_name(FUNCTION).memory_size(512).send();
    function_timeout: "functions.echo", Found::At("timeout"), lambda().update_function_configuration().function_name(FUNCTION).timeout(60).send();
    function_variable_changed: "functions.echo", Found::At("environment.GREETING"), lambda().update_function_configuration().function_name(FUNCTION).environment(aws_sdk_lambda::types::Environment::builder().variables("GREETING", "bye").build()).send();
    function_variable_added: "functions.echo", Found::At("environment.EXTRA"), lambda().update_function_configuration().function_name(FUNCTION).environment(aws_sdk_lambda::types::Environment::builder().variables("GREETING", "hello").variables("EXTRA", "secret").build()).send();
    function_concurrency: "functions.echo", Found::At("reserved_concurrency"), lambda().put_function_concurrency().function_name(FUNCTION).reserved_concurrent_executions(1).send();
    function_permission_added: "functions.echo", Found::At("permissions.everyone"), lambda().add_permission().function_name(FUNCTION).qualifier("live").statement_id("everyone").principal("999999999999").action("lambda:InvokeFunction").send();
    function_permission_on_the_function: "functions.echo", Found::At("function_permissions.everyone"), lambda().add_permission().function_name(FUNCTION).statement_id("everyone").principal("999999999999").action("lambda:InvokeFunction").send();
    function_permission_removed: "functions.echo", Found::At("permissions.topic"), lambda().remove_permission().function_name(FUNCTION).qualifier("live").statement_id("topic").send();
    function_alias_added: "functions.echo", Found::At("other_aliases.beta"), lambda().create_alias().function_name(FUNCTION).name("beta").function_version("1").send();
    function_alias_gone: "functions.echo", Found::At("alias"), lambda().delete_alias().function_name(FUNCTION).name("live").send();
    function_tag_removed: "functions.echo", Found::At("tags.cost-centre"), lambda().untag_resource().resource(FUNCTION_ARN).tag_keys("cost-centre").send();
    function_log_retention: "functions.echo", Found::At("log_group"), logs().put_retention_policy().log_group_name("/aws/lambda/drift-toy-echo").retention_in_days(1).send();
    function_log_group_gone: "functions.echo", Found::At("log_group"), logs().delete_log_group().log_group_name("/aws/lambda/drift-toy-echo").send();
    function_code: "functions.echo", Found::At("package"), other_code();
    function_gone: "functions.echo", Found::Gone, lambda().delete_function().function_name(FUNCTION).send();

    machine_definition: "state_machines.flow", Found::At("definition"), states().update_state_machine().state_machine_arn(MACHINE).definition(r#"{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}"#).send();
    machine_logging: "state_machines.flow", Found::At("logging"), states().update_state_machine().state_machine_arn(MACHINE).logging_configuration(aws_sdk_sfn::types::LoggingConfiguration::builder().level(aws_sdk_sfn::types::LogLevel::Off).build()).send();
    machine_tag_added: "state_machines.flow", Found::At("tags.owner"), states().tag_resource().resource_arn(MACHINE).tags(aws_sdk_sfn::types::Tag::builder().key("owner").value("me").build()).send();
    machine_gone: "state_machines.flow", Found::Gone, states().delete_state_machine().state_machine_arn(MACHINE).send();

    alarm_threshold: "alarms.errors", Found::At("threshold"), alarm(100.0, true);
    alarm_actions_removed: "alarms.errors", Found::At("actions"), alarm(0.0, false);
    alarm_disabled: "alarms.errors", Found::At("enabled"), cloudwatch().disable_alarm_actions().alarm_names(ALARM).send();
    alarm_tag_changed: "alarms.errors", Found::At("tags.cost-centre"), cloudwatch().tag_resource().resource_arn(ALARM_ARN).tags(aws_sdk_cloudwatch::types::Tag::builder().key("cost-centre").value("x").build()).send();
    alarm_gone: "alarms.errors", Found::Gone, cloudwatch().delete_alarms().alarm_names(ALARM).send();

    alarm_expression: "alarms.ratio", Found::At("metrics.share.expression"), expression("errors / calls", 300);
    alarm_period_of_a_query: "alarms.ratio", Found::At("metrics.calls.period"), expression(SHARE, 60);
    alarm_expression_instead_of_its_metric: "alarms.errors", Found::At("metrics"), expression_on_another_alarm();

    composite_alarm_rule: "composite_alarms.broken", Found::At("rule"), cloudwatch().put_composite_alarm().alarm_name(COMPOSITE).alarm_rule("FALSE").alarm_description("All of it is broken").alarm_actions(TOPIC).actions_suppressor(SUPPRESSOR).actions_suppressor_wait_period(60).actions_suppressor_extension_period(120).send();
    composite_alarm_suppressor_removed: "composite_alarms.broken", Found::At("suppressor"), cloudwatch().put_composite_alarm().alarm_name(COMPOSITE).alarm_rule(COMPOSITE_RULE).alarm_description("All of it is broken").alarm_actions(TOPIC).send();
    composite_alarm_action_added: "composite_alarms.broken", Found::At("ok_actions"), cloudwatch().put_composite_alarm().alarm_name(COMPOSITE).alarm_rule(COMPOSITE_RULE).alarm_description("All of it is broken").alarm_actions(TOPIC).ok_actions(TOPIC).actions_suppressor(SUPPRESSOR).actions_suppressor_wait_period(60).actions_suppressor_extension_period(120).send();
    composite_alarm_disabled: "composite_alarms.broken", Found::At("enabled"), cloudwatch().disable_alarm_actions().alarm_names(COMPOSITE).send();
    composite_alarm_gone: "composite_alarms.broken", Found::Gone, cloudwatch().delete_alarms().alarm_names(COMPOSITE).send();

    dashboard_widget_changed: "dashboards.overview", Found::At("body.widgets"), cloudwatch().put_dashboard().dashboard_name(DASHBOARD).dashboard_body(r#"{"start":"-PT3H","widgets":[]}"#).send();
    dashboard_tag_removed: "dashboards.overview", Found::At("tags.cost-centre"), cloudwatch().untag_resource().resource_arn(DASHBOARD_ARN).tag_keys("cost-centre").send();
    dashboard_gone: "dashboards.overview", Found::Gone, cloudwatch().delete_dashboards().dashboard_names(DASHBOARD).send();

    package_group_flag_added: "model_package_groups.nets", Found::At("delete_packages_on_destroy"), sagemaker().add_tags().resource_arn(GROUP_ARN).tags(aws_sdk_sagemaker::types::Tag::builder().key("scones:delete-packages-on-destroy").value("true").build()).send();
    package_group_tag_removed: "model_package_groups.nets", Found::At("tags.cost-centre"), sagemaker().delete_tags().resource_arn(GROUP_ARN).tag_keys("cost-centre").send();
    package_group_gone: "model_package_groups.nets", Found::Gone, sagemaker().delete_model_package_group().model_package_group_name("drift-toy-nets").send();

    endpoint_count: "endpoints.net", Found::At("variants.AllTraffic.count"), capacity(3);
    endpoint_other_configuration: "endpoints.net", Found::At("variants.AllTraffic.instance"), other_configuration();
    endpoint_scaling_bounds: "endpoints.net", Found::At("scaling.AllTraffic.max"), scaling().register_scalable_target().service_namespace(ServiceNamespace::Sagemaker).resource_id(VARIANT).scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).min_capacity(1).max_capacity(5).send();
    endpoint_scaling_suspended: "endpoints.net", Found::At("scaling.AllTraffic.other"), scaling().register_scalable_target().service_namespace(ServiceNamespace::Sagemaker).resource_id(VARIANT).scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).suspended_state(SuspendedState::builder().dynamic_scaling_in_suspended(true).build()).send();
    endpoint_scaling_target: "endpoints.net", Found::At("scaling.AllTraffic.policy.target"), policy("scones");
    endpoint_scaling_policy_added: "endpoints.net", Found::At("scaling.AllTraffic.other_policies"), policy("mine");
    endpoint_scaling_policy_removed: "endpoints.net", Found::At("scaling.AllTraffic.policy"), scaling().delete_scaling_policy().policy_name("scones").service_namespace(ServiceNamespace::Sagemaker).resource_id(VARIANT).scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).send();
    endpoint_scaling_gone: "endpoints.net", Found::At("scaling.AllTraffic"), unscaled();
    endpoint_tag_removed: "endpoints.net", Found::At("tags.cost-centre"), sagemaker().delete_tags().resource_arn(ENDPOINT_ARN).tag_keys("cost-centre").send();
    endpoint_gone: "endpoints.net", Found::Gone, sagemaker().delete_endpoint().endpoint_name(ENDPOINT).send();

    rule_disabled: "monitors.predictions", Found::At("rule.state"), events().disable_rule().name(RULE).send();
    rule_schedule: "monitors.predictions", Found::At("rule.schedule"), events().put_rule().name(RULE).schedule_expression("cron(0 6 * * ? *)").send();
    rule_input: "monitors.predictions", Found::At("targets.function.input.endpoint"), target_of(RULE, "function", r#"{"endpoint":"other"}"#);
    rule_target_added: "monitors.predictions", Found::At("targets.copy"), target_of(RULE, "copy", "{}");
    rule_target_removed: "monitors.predictions", Found::At("targets.function"), events().remove_targets().rule(RULE).ids("function").send();
    rule_tag_changed: "monitors.predictions", Found::At("tags.cost-centre"), events().tag_resource().resource_arn(RULE_ARN).tags(aws_sdk_eventbridge::types::Tag::builder().key("cost-centre").value("x").build().unwrap()).send();
    rule_gone: "monitors.predictions", Found::Gone, no_rule(RULE);

    nightly_disabled: "schedules.nightly", Found::At("rule.state"), events().disable_rule().name(NIGHTLY).send();
    nightly_schedule: "schedules.nightly", Found::At("rule.schedule"), events().put_rule().name(NIGHTLY).schedule_expression("rate(1 minute)").send();
    nightly_input: "schedules.nightly", Found::At("targets.function.input.greeting"), target_of(NIGHTLY, "function", r#"{"greeting":"other"}"#);
    nightly_target_added: "schedules.nightly", Found::At("targets.copy"), target_of(NIGHTLY, "copy", "{}");
    nightly_target_removed: "schedules.nightly", Found::At("targets.function"), events().remove_targets().rule(NIGHTLY).ids("function").send();
    nightly_gone: "schedules.nightly", Found::Gone, no_rule(NIGHTLY);

    schedule_expression: "monitors.features", Found::At("schedule.expression"), schedule("cron(0 * ? * * *)", None);
    schedule_stopped: "monitors.features", Found::At("schedule.enabled"), stopped();
    schedule_other_definition: "monitors.features", Found::At("definition.instance"), other_definition();
    schedule_tag_removed: "monitors.features", Found::At("tags.cost-centre"), sagemaker().delete_tags().resource_arn(SCHEDULE_ARN).tag_keys("cost-centre").send();
    schedule_gone: "monitors.features", Found::Gone, no_schedule();

    stack_parameter: "stacks.base", Found::At("parameters.Days"), other_parameter();
}

type Anything = Result<(), Box<dyn std::error::Error>>;

/// Uploads code of the same handler that does something else.
async fn other_code() -> Anything {
    let mut bytes = std::io::Cursor::new(vec![]);
    let mut archive = zip::ZipWriter::new(&mut bytes);
    archive.start_file("main.py", zip::write::SimpleFileOptions::default())?;
    std::io::Write::write_all(&mut archive, b"def handler(event, context):\n    return 'mine'\n")?;
    archive.finish()?;
    let blob = aws_sdk_lambda::primitives::Blob::new(bytes.into_inner());
    lambda().update_function_code().function_name(FUNCTION).zip_file(blob).send().await?;
    Ok(())
}

async fn alarm(threshold: f64, with_action: bool) -> Anything {
    let actions = with_action.then(|| vec!["arn:aws:sns:us-east-1:123456789012:drift-toy".to_owned()]);
    cloudwatch()
        .put_metric_alarm()
        .alarm_name(ALARM)
        .namespace("AWS/Lambda")
        .metric_name("Errors")
        .dimensions(aws_sdk_cloudwatch::types::Dimension::builder().name("FunctionName").value(FUNCTION).build())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(threshold)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .set_alarm_actions(actions)
        .set_unit(None::<StandardUnit>)
        .send()
        .await?;
    Ok(())
}

const SHARE: &str = "100 * errors / MAX([calls, FILL(calls, 1)])";

fn queries(expression: &str, period: i32) -> Vec<MetricDataQuery> {
    let one = |id: &str, metric: &str, period: i32| {
        let dimension = Dimension::builder().name("FunctionName").value(FUNCTION).build();
        let metric = Metric::builder().namespace("AWS/Lambda").metric_name(metric).dimensions(dimension).build();
        let stat = MetricStat::builder().metric(metric).period(period).stat("Sum").build();
        MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
    };
    let share = MetricDataQuery::builder().id("share").expression(expression).label("Errors, %").return_data(true).build();
    vec![one("calls", "Invocations", period), one("errors", "Errors", 300), share]
}

fn put_expression(name: &str, queries: Vec<MetricDataQuery>) -> PutMetricAlarmFluentBuilder {
    let request = cloudwatch().put_metric_alarm().alarm_name(name).set_metrics(Some(queries)).evaluation_periods(1);
    request.threshold(10.0).comparison_operator(ComparisonOperator::GreaterThanThreshold)
}

async fn expression(expression: &str, period: i32) -> Anything {
    put_expression("drift-toy-ratio", queries(expression, period)).send().await?;
    Ok(())
}

async fn expression_on_another_alarm() -> Anything {
    put_expression(ALARM, queries(SHARE, 300)).send().await?;
    Ok(())
}

async fn target_of(rule: &str, id: &str, input: &str) -> Anything {
    let target = aws_sdk_eventbridge::types::Target::builder().id(id).arn(format!("{FUNCTION_ARN}:live")).input(input).build()?;
    events().put_targets().rule(rule).targets(target).send().await?;
    Ok(())
}

async fn no_rule(rule: &str) -> Anything {
    events().remove_targets().rule(rule).ids("function").send().await?;
    events().delete_rule().name(rule).send().await?;
    Ok(())
}

async fn settled_schedule() -> Result<Option<aws_sdk_sagemaker::types::MonitoringScheduleConfig>, Box<dyn std::error::Error>> {
    loop {
        let live = sagemaker().describe_monitoring_schedule().monitoring_schedule_name(SCHEDULE).send().await?;
        if live.monitoring_schedule_status != Some(aws_sdk_sagemaker::types::ScheduleStatus::Pending) {
            return Ok(live.monitoring_schedule_config);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn schedule(expression: &str, definition: Option<String>) -> Anything {
    let config = settled_schedule().await?.unwrap();
    let when = aws_sdk_sagemaker::types::ScheduleConfig::builder().schedule_expression(expression).build();
    let config = aws_sdk_sagemaker::types::MonitoringScheduleConfig::builder()
        .schedule_config(when)
        .set_monitoring_job_definition_name(definition.or(config.monitoring_job_definition_name))
        .monitoring_type(aws_sdk_sagemaker::types::MonitoringType::DataQuality)
        .build();
    sagemaker().update_monitoring_schedule().monitoring_schedule_name(SCHEDULE).monitoring_schedule_config(config).send().await?;
    settled_schedule().await?;
    Ok(())
}

async fn stopped() -> Anything {
    settled_schedule().await?;
    sagemaker().stop_monitoring_schedule().monitoring_schedule_name(SCHEDULE).send().await?;
    settled_schedule().await?;
    Ok(())
}

async fn no_schedule() -> Anything {
    settled_schedule().await?;
    sagemaker().delete_monitoring_schedule().monitoring_schedule_name(SCHEDULE).send().await?;
    Ok(())
}

/// Moves the schedule to a definition of somebody else's, which has another type of instance.
async fn other_definition() -> Anything {
    use aws_sdk_sagemaker::types::{MonitoringClusterConfig, MonitoringResources, ProcessingInstanceType};
    const OTHER: &str = "someone-elses-definition";
    let name = settled_schedule().await?.and_then(|config| config.monitoring_job_definition_name).unwrap();
    let live = sagemaker().describe_data_quality_job_definition().job_definition_name(name).send().await?;
    let cluster = MonitoringClusterConfig::builder()
        .instance_type(ProcessingInstanceType::MlM5Large)
        .instance_count(1)
        .volume_size_in_gb(20)
        .build();
    let request = sagemaker()
        .create_data_quality_job_definition()
        .job_definition_name(OTHER)
        .set_data_quality_baseline_config(live.data_quality_baseline_config)
        .set_data_quality_app_specification(live.data_quality_app_specification)
        .set_data_quality_job_input(live.data_quality_job_input)
        .set_data_quality_job_output_config(live.data_quality_job_output_config)
        .job_resources(MonitoringResources::builder().cluster_config(cluster).build())
        .set_network_config(live.network_config)
        .set_role_arn(live.role_arn)
        .set_stopping_condition(live.stopping_condition);
    match request.send().await {
        // One cloud may see several runs of the tests.
        Err(error) if !format!("{error:?}").contains("already exist") => return Err(error.into()),
        _ => {}
    }
    schedule("cron(0 0/6 ? * * *)", Some(OTHER.to_owned())).await
}

async fn capacity(count: i32) -> Anything {
    let desired = DesiredWeightAndCapacity::builder().variant_name("AllTraffic").desired_instance_count(count).build();
    sagemaker()
        .update_endpoint_weights_and_capacities()
        .endpoint_name(ENDPOINT)
        .desired_weights_and_capacities(desired)
        .send()
        .await?;
    in_service().await
}

/// Switches the endpoint to a configuration of someone else's, on a larger instance.
async fn other_configuration() -> Anything {
    let models = sagemaker().list_models().name_contains(ENDPOINT).send().await?;
    let model = models.models.unwrap_or_default().into_iter().next().and_then(|model| model.model_name).unwrap_or_default();
    let variant = ProductionVariant::builder()
        .variant_name("AllTraffic")
        .model_name(model)
        .instance_type(ProductionVariantInstanceType::MlM5Xlarge)
        .initial_instance_count(1)
        .build();
    let name = "someone-elses-configuration";
    let _ = sagemaker().delete_endpoint_config().endpoint_config_name(name).send().await;
    // Another type of instance is refused while the variant is scaled.
    unscaled().await?;
    sagemaker().create_endpoint_config().endpoint_config_name(name).production_variants(variant).send().await?;
    sagemaker().update_endpoint().endpoint_name(ENDPOINT).endpoint_config_name(name).send().await?;
    in_service().await
}

async fn policy(name: &str) -> Anything {
    let metric = PredefinedMetricSpecification::builder();
    let metric = metric.predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance).build()?;
    let config = TargetTrackingScalingPolicyConfiguration::builder().target_value(5.0).predefined_metric_specification(metric);
    scaling()
        .put_scaling_policy()
        .policy_name(name)
        .policy_type(PolicyType::TargetTrackingScaling)
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(VARIANT)
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .target_tracking_scaling_policy_configuration(config.build()?)
        .send()
        .await?;
    Ok(())
}

async fn unscaled() -> Anything {
    scaling()
        .deregister_scalable_target()
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(VARIANT)
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .send()
        .await?;
    Ok(())
}

async fn in_service() -> Anything {
    loop {
        let endpoint = sagemaker().describe_endpoint().endpoint_name(ENDPOINT).send().await?;
        if endpoint.endpoint_status.is_some_and(|status| status.as_str() == "InService") {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn other_parameter() -> Anything {
    let client = aws_sdk_cloudformation::Client::new(sdk());
    let parameter = |key: &str, value: &str| {
        aws_sdk_cloudformation::types::Parameter::builder().parameter_key(key).parameter_value(value).build()
    };
    let before = client.describe_stacks().stack_name("drift-toy-base").send().await?;
    let tags = before.stacks.unwrap_or_default().into_iter().next().and_then(|stack| stack.tags);
    client
        .update_stack()
        .stack_name("drift-toy-base")
        .use_previous_template(true)
        .parameters(parameter("Name", "drift-toy"))
        .parameters(parameter("Days", "30"))
        .set_tags(tags)
        .send()
        .await?;
    Ok(())
}

#[test]
fn at_least_150_changes_are_tested() {
    let files = ["drift.rs", "drift/alarms.rs", "drift/endpoints.rs", "drift/functions.rs", "drift/monitors.rs"];
    let text = |file| std::fs::read_to_string(crate::support::repository().join("tests/suite").join(file)).unwrap();
    let count: usize = files.iter().map(|file| text(file).lines().filter(|line| line.contains(", Found::")).count()).sum();
    assert!(count >= 150, "{count}");
    assert!(gateway("/__cloud__/violations").is_array());
}
