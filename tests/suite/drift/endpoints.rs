//! Endpoints and their configurations, models and their package groups.

use aws_sdk_applicationautoscaling::types::ScalableTargetAction;
use aws_sdk_sagemaker::operation::create_endpoint_config::builders::CreateEndpointConfigFluentBuilder as Config;
use aws_sdk_sagemaker::types::{
    AsyncInferenceConfig, AsyncInferenceOutputConfig, CaptureMode, CaptureOption, DataCaptureConfig,
    ProductionVariantRoutingConfig, RoutingStrategy,
};

use super::*;

const GROUP: &str = "drift-toy-nets";
const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":["sagemaker:CreateModelPackage","sagemaker:UpdateModelPackage"],"Resource":"arn:aws:sagemaker:us-east-1:123456789012:model-package/drift-toy-nets/*"}]}"#;

found_and_reverted! {
    endpoint_weight: "endpoints.net", Found::At("variants.AllTraffic.weight"), weight(0.5);
    endpoint_volume: "endpoints.net", Found::At("variants.AllTraffic.volume"), configured("volume", |variant| variant.volume_size_in_gb = Some(200), |config| config);
    endpoint_download_timeout: "endpoints.net", Found::At("variants.AllTraffic.download_timeout"), configured("download", |variant| variant.model_data_download_timeout_in_seconds = Some(600), |config| config);
    endpoint_startup_timeout: "endpoints.net", Found::At("variants.AllTraffic.startup_timeout"), configured("startup", |variant| variant.container_startup_health_check_timeout_in_seconds = Some(600), |config| config);
    endpoint_shell_access: "endpoints.net", Found::At("variants.AllTraffic.shell_access"), configured("shell", |variant| variant.enable_ssm_access = Some(true), |config| config);
    endpoint_routing: "endpoints.net", Found::At("variants.AllTraffic.other"), configured("routing", route_to_the_idle, |config| config);
    endpoint_shadow_variant: "endpoints.net", Found::At("shadow_variants"), configured("shadow", |_| {}, with_shadow);
    endpoint_key: "endpoints.net", Found::At("kms_key"), configured("key", |_| {}, |config| config.kms_key_id("alias/theirs"));
    endpoint_execution_role: "endpoints.net", Found::At("execution_role"), configured("role", |_| {}, |config| config.execution_role_arn("arn:aws:iam::123456789012:role/theirs"));
    endpoint_network_isolation: "endpoints.net", Found::At("network_isolation"), configured("isolation", |_| {}, |config| config.enable_network_isolation(true));
    endpoint_asynchronous: "endpoints.net", Found::At("other"), configured("async", |_| {}, asynchronous);
    endpoint_capture_off: "endpoints.net", Found::At("capture"), configured("uncaptured", |_| {}, |config| config.set_data_capture_config(None));
    endpoint_captures_elsewhere: "endpoints.net", Found::At("capture.to"), configured("elsewhere", |_| {}, |config| config.data_capture_config(captured("s3://theirs/capture")));
    endpoint_captures_less: "endpoints.net", Found::At("capture.percent"), configured("less", |_| {}, captured_less);
    endpoint_keeps_a_capture_from_before: "endpoints.net", Found::At("capture.to"), kept_capture();

    endpoint_scaling_least: "endpoints.net", Found::At("scaling.AllTraffic.min"), target(|target| target.min_capacity(2));
    endpoint_scaling_cooldown: "endpoints.net", Found::At("scaling.AllTraffic.policy.scale_in_cooldown"), slower_policy();
    endpoint_scaling_scheduled: "endpoints.net", Found::At("scaling.AllTraffic.scheduled"), scheduled();
    endpoint_tag_added: "endpoints.net", Found::At("tags.owner"), sagemaker().add_tags().resource_arn(ENDPOINT_ARN).tags(aws_sdk_sagemaker::types::Tag::builder().key("owner").value("me").build()).send();

    model_gone: "models.net", Found::Gone, no_model();
    model_tag_removed: "models.net", Found::At("tags.cost-centre"), untagged_model();

    package_group_shared: "model_package_groups.nets", Found::At("policy"), sagemaker().put_model_package_group_policy().model_package_group_name(GROUP).resource_policy(OPEN).send();
    package_group_tag_added: "model_package_groups.nets", Found::At("tags.owner"), sagemaker().add_tags().resource_arn(GROUP_ARN).tags(aws_sdk_sagemaker::types::Tag::builder().key("owner").value("me").build()).send();
}

async fn weight(weight: f32) -> Anything {
    let desired = DesiredWeightAndCapacity::builder().variant_name("AllTraffic").desired_weight(weight).build();
    let request = sagemaker().update_endpoint_weights_and_capacities().endpoint_name(ENDPOINT);
    request.desired_weights_and_capacities(desired).send().await?;
    in_service().await
}

/// Makes a configuration like the live one but for a change, and returns its name.
async fn other_config(
    name: &str,
    variant: fn(&mut ProductionVariant),
    change: fn(Config) -> Config,
) -> Result<String, Box<dyn std::error::Error>> {
    let endpoint = sagemaker().describe_endpoint().endpoint_name(ENDPOINT).send().await?;
    let live = endpoint.endpoint_config_name.unwrap_or_default();
    let live = sagemaker().describe_endpoint_config().endpoint_config_name(live).send().await?;
    let mut variants = live.production_variants.unwrap_or_default();
    variants.iter_mut().for_each(variant);
    let name = format!("someone-elses-{name}");
    // One cloud may see several runs of the tests.
    let _ = sagemaker().delete_endpoint_config().endpoint_config_name(&name).send().await;
    let config = sagemaker().create_endpoint_config().endpoint_config_name(&name).set_production_variants(Some(variants));
    change(config.set_data_capture_config(live.data_capture_config)).send().await?;
    Ok(name)
}

async fn configured(name: &str, variant: fn(&mut ProductionVariant), change: fn(Config) -> Config) -> Anything {
    let name = other_config(name, variant, change).await?;
    sagemaker().update_endpoint().endpoint_name(ENDPOINT).endpoint_config_name(name).send().await?;
    in_service().await
}

fn route_to_the_idle(variant: &mut ProductionVariant) {
    let routing = ProductionVariantRoutingConfig::builder().routing_strategy(RoutingStrategy::LeastOutstandingRequests);
    variant.routing_config = Some(routing.build());
}

fn with_shadow(config: Config) -> Config {
    let mut shadows = config.get_production_variants().clone().unwrap_or_default();
    shadows.iter_mut().for_each(|shadow| shadow.variant_name = Some("Shadow".to_owned()));
    config.set_shadow_production_variants(Some(shadows))
}

fn asynchronous(config: Config) -> Config {
    let output = AsyncInferenceOutputConfig::builder().s3_output_path("s3://theirs/answers").build();
    config.async_inference_config(AsyncInferenceConfig::builder().output_config(output).build())
}

fn captured(to: &str) -> DataCaptureConfig {
    let modes = [CaptureMode::Input, CaptureMode::Output].map(|mode| CaptureOption::builder().capture_mode(mode).build());
    let config = DataCaptureConfig::builder().enable_capture(true).initial_sampling_percentage(50).destination_s3_uri(to);
    config.set_capture_options(Some(modes.to_vec())).build()
}

fn captured_less(config: Config) -> Config {
    let mut capture = config.get_data_capture_config().clone();
    capture.iter_mut().for_each(|capture| capture.initial_sampling_percentage = Some(1));
    config.set_data_capture_config(capture)
}

/// Has the endpoint capture elsewhere, then moves it to a configuration like the declared one, keeping the capture.
async fn kept_capture() -> Anything {
    let like = other_config("innocent", |_| {}, |config| config).await?;
    configured("elsewhere", |_| {}, |config| config.data_capture_config(captured("s3://theirs/capture"))).await?;
    let update = sagemaker().update_endpoint().endpoint_name(ENDPOINT).endpoint_config_name(like);
    update.retain_all_variant_properties(true).send().await?;
    in_service().await
}

type Target = aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder;

async fn target(change: fn(Target) -> Target) -> Anything {
    let target = scaling().register_scalable_target().service_namespace(ServiceNamespace::Sagemaker).resource_id(VARIANT);
    change(target.scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)).send().await?;
    Ok(())
}

async fn slower_policy() -> Anything {
    let metric = PredefinedMetricSpecification::builder();
    let metric = metric.predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance).build()?;
    let config = TargetTrackingScalingPolicyConfiguration::builder().target_value(70.0).predefined_metric_specification(metric);
    scaling()
        .put_scaling_policy()
        .policy_name("scones")
        .policy_type(PolicyType::TargetTrackingScaling)
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(VARIANT)
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .target_tracking_scaling_policy_configuration(config.scale_in_cooldown(3600).build()?)
        .send()
        .await?;
    Ok(())
}

async fn scheduled() -> Anything {
    scaling()
        .put_scheduled_action()
        .scheduled_action_name("night")
        .service_namespace(ServiceNamespace::Sagemaker)
        .resource_id(VARIANT)
        .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
        .schedule("cron(0 22 * * ? *)")
        .scalable_target_action(ScalableTargetAction::builder().min_capacity(1).max_capacity(1).build())
        .send()
        .await?;
    Ok(())
}

async fn model() -> Result<(String, String), Box<dyn std::error::Error>> {
    let found = sagemaker().list_models().name_contains("drift-toy-net-").send().await?;
    let model = found.models.unwrap_or_default().into_iter().next().ok_or("there is no model")?;
    Ok((model.model_name.unwrap_or_default(), model.model_arn.unwrap_or_default()))
}

async fn no_model() -> Anything {
    sagemaker().delete_model().model_name(model().await?.0).send().await?;
    Ok(())
}

async fn untagged_model() -> Anything {
    sagemaker().delete_tags().resource_arn(model().await?.1).tag_keys("cost-centre").send().await?;
    Ok(())
}
