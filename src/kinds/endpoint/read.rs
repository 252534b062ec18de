//! Reading endpoints with all of their configurations.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput;
use aws_sdk_sagemaker::types::{
    EndpointConfigSortKey, EndpointStatus, ManagedInstanceScalingStatus, MetricsConfig, OrderKey,
    PendingProductionVariantSummary, ProductionVariant, ProductionVariantServerlessConfig, ProductionVariantSummary,
    RoutingStrategy,
};
use futures::future::try_join_all;

use super::capture::{capturing, configured};
use super::scaling::{self, Scalings};
use super::status::status;
use super::{Serverless, State, Variant, weight};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Generation, Live, Namesake, Wanted};
use crate::kinds::sagemaker::{Others, Vpc, base, note, searches};

/// How reasons begin that say nothing of what was deployed: SageMaker's own services failed.
///
/// Source: the endpoint's hooks in AWS Controllers for Kubernetes, which try again after such a one alone.
pub const TRANSIENT: &str = "Request to service failed";

/// Reads all endpoints at once, then all configurations of those that exist.
pub async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let names = wanted.iter().map(|one| one.name.as_str()).collect();
    let (found, scalings) = futures::try_join!(fleets(aws, wanted), scaling::read(aws, &names))?;
    Ok(found.into_iter().map(|live| with_scaling(live, wanted, &scalings)).collect())
}

/// Adds what scales an endpoint; counts that it may set are as declared.
fn with_scaling(mut live: Live<State>, wanted: &[Wanted<State>], scalings: &BTreeMap<String, Scalings>) -> Live<State> {
    live.state.scaling = scalings.get(&live.name).cloned().unwrap_or_default();
    if let Some(declared) = wanted.iter().find(|one| one.name == live.name).and_then(|one| one.desired.as_ref()) {
        scaling::fold(&mut live.state.variants, &declared.variants, &declared.scaling);
    }
    live
}

async fn fleets(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let searches = searches(wanted.iter().map(|one| one.name.as_str()), &aws.world.prefix(), aws.looks_at_all());
    let endpoints = try_join_all(wanted.iter().map(|one| describe(aws, &one.name)));
    let configs = try_join_all(searches.iter().map(|text| list_configs(aws, text)));
    let (endpoints, configs) = futures::try_join!(endpoints, configs)?;
    let configs: Vec<String> = configs.concat().into_iter().map(|(name, _)| name).collect();
    // What is being deleted is gone, but for creating it anew, which waits until it is.
    let found =
        wanted.iter().zip(endpoints).filter_map(|(one, endpoint)| Some((one, endpoint.filter(|endpoint| !is_going(endpoint))?)));
    try_join_all(found.map(|(one, endpoint)| read(aws, one, endpoint, &configs))).await
}

pub async fn describe(aws: &Aws, name: &str) -> Result<Option<DescribeEndpointOutput>, AwsError> {
    let request = aws.sagemaker().describe_endpoint().endpoint_name(name);
    aws.call("sagemaker:DescribeEndpoint", name, request.send()).await.optional()
}

pub async fn describe_config(aws: &Aws, name: &str) -> Result<Option<DescribeEndpointConfigOutput>, AwsError> {
    let request = aws.sagemaker().describe_endpoint_config().endpoint_config_name(name);
    aws.call("sagemaker:DescribeEndpointConfig", name, request.send()).await.optional()
}

/// Configurations that bear the environment's prefix.
pub async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
    let prefix = aws.world.prefix();
    let found = list_configs(aws, &prefix).await?.into_iter().filter(|(name, _)| name.starts_with(&prefix));
    Ok(found.map(|(name, arn)| Namesake { what: "endpoint configuration", name, arn }).collect())
}

/// The configurations whose names contain a text, newest first: names and ARNs.
pub async fn list_configs(aws: &Aws, text: &str) -> Result<Vec<(String, String)>, AwsError> {
    aws.listing("sagemaker:ListEndpointConfigs", text, pages_of_configs(aws, text)).await
}

async fn pages_of_configs(aws: &Aws, text: &str) -> Result<Vec<(String, String)>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .sagemaker()
            .list_endpoint_configs()
            .name_contains(text)
            .sort_by(EndpointConfigSortKey::CreationTime)
            .sort_order(OrderKey::Descending)
            .max_results(100)
            .set_next_token(next);
        let answer = aws.call("sagemaker:ListEndpointConfigs", text, request.send()).await?;
        let configs = answer.endpoint_configs.unwrap_or_default().into_iter();
        found.extend(configs.filter_map(|config| Some((config.endpoint_config_name?, config.endpoint_config_arn?))));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn is_going(endpoint: &DescribeEndpointOutput) -> bool {
    endpoint.endpoint_status == Some(EndpointStatus::Deleting)
}

/// Whether SageMaker needs a configuration for what the endpoint serves or is on the way to.
pub fn refers_to(endpoint: &DescribeEndpointOutput, config: &str) -> bool {
    endpoint.endpoint_config_name.as_deref() == Some(config) || pending(endpoint) == Some(config)
}

/// The configuration that a deployment is on the way to.
pub fn pending(endpoint: &DescribeEndpointOutput) -> Option<&str> {
    endpoint.pending_deployment_summary.as_ref()?.endpoint_config_name.as_deref()
}

async fn read(
    aws: &Aws,
    wanted: &Wanted<State>,
    endpoint: DescribeEndpointOutput,
    configs: &[String],
) -> Result<Live<State>, AwsError> {
    let current = target_config(&endpoint).to_owned();
    let older: Vec<&String> = configs.iter().filter(|name| base(name) == Some(&wanted.name) && **name != current).collect();
    let older_configs = try_join_all(older.iter().map(|name| describe_config(aws, name)));
    let (config, older_configs) = futures::try_join!(describe_config(aws, &current), older_configs)?;
    let generations = older.into_iter().zip(older_configs).filter_map(|(name, config)| {
        Some(Generation { name: name.clone(), arn: None, in_use: refers_to(&endpoint, name), refers: models(&config?) })
    });
    let generations = generations.collect();
    let mut state = state(&endpoint, config.unwrap_or_else(lost));
    state.rollout = wanted.desired.as_ref().and_then(|desired| desired.rollout.clone());
    let name = endpoint.endpoint_name.clone().unwrap_or_else(|| wanted.name.clone());
    let arn = endpoint.endpoint_arn.clone().unwrap_or_default();
    let serves = matches!(endpoint.endpoint_status, Some(EndpointStatus::InService | EndpointStatus::UpdateRollbackFailed));
    let failure = endpoint.failure_reason.clone().filter(|why| serves && !why.starts_with(TRANSIENT));
    let revision = endpoint.endpoint_config_name.clone();
    Ok(Live { status: status(&endpoint), generations, failure, revision, ..Live::settled(name, arn, state, None) })
}

/// The configuration that the endpoint will have once it is settled, as far as that is known: on the way back it is
/// the one that it never left.
fn target_config(endpoint: &DescribeEndpointOutput) -> &str {
    let forward = matches!(endpoint.endpoint_status, Some(EndpointStatus::Creating | EndpointStatus::Updating));
    let pending = pending(endpoint).filter(|_| forward);
    pending.or(endpoint.endpoint_config_name.as_deref()).unwrap_or_default()
}

/// Stands for a configuration that was deleted under its endpoint: what that held cannot be known any more.
fn lost() -> DescribeEndpointConfigOutput {
    DescribeEndpointConfigOutput::builder().build()
}

fn models(config: &DescribeEndpointConfigOutput) -> Vec<String> {
    let variants = config.production_variants().iter().chain(config.shadow_production_variants());
    variants.filter_map(|variant| variant.model_name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What an endpoint serves, or will serve once a deployment is through.
pub fn state(endpoint: &DescribeEndpointOutput, config: DescribeEndpointConfigOutput) -> State {
    let mut state = content(config);
    // Until a deployment is through, the summary of its variants tells what they will be.
    let forward = pending(endpoint).is_some_and(|name| name == target_config(endpoint));
    let (live, shadows) = match endpoint.pending_deployment_summary.as_ref().filter(|_| forward) {
        Some(pending) => (
            pending.production_variants().iter().map(Scale::coming).collect::<Vec<_>>(),
            pending.shadow_production_variants().iter().map(Scale::coming).collect::<Vec<_>>(),
        ),
        None => (
            endpoint.production_variants().iter().map(Scale::live).collect(),
            endpoint.shadow_production_variants().iter().map(Scale::live).collect(),
        ),
    };
    live.into_iter().for_each(|scale| scale.apply(&mut state.variants));
    shadows.into_iter().for_each(|scale| scale.apply(&mut state.shadow_variants));
    // While it changes, capturing pauses.
    if let Some(told) = &endpoint.data_capture_config
        && endpoint.endpoint_status == Some(EndpointStatus::InService)
    {
        state.capture = capturing(state.capture, told);
    }
    state
}

/// What can change of a variant without another configuration.
struct Scale {
    name: String,
    count: Option<i32>,
    weight: Option<f32>,
    serverless: Option<ProductionVariantServerlessConfig>,
}

impl Scale {
    fn live(summary: &ProductionVariantSummary) -> Self {
        Self {
            name: summary.variant_name.clone().unwrap_or_default(),
            count: summary.desired_instance_count.or(summary.current_instance_count),
            weight: summary.desired_weight.or(summary.current_weight),
            serverless: summary.desired_serverless_config.clone().or(summary.current_serverless_config.clone()),
        }
    }

    fn coming(summary: &PendingProductionVariantSummary) -> Self {
        Self {
            name: summary.variant_name.clone().unwrap_or_default(),
            count: summary.desired_instance_count.or(summary.current_instance_count),
            weight: summary.desired_weight.or(summary.current_weight),
            serverless: summary.desired_serverless_config.clone().or(summary.current_serverless_config.clone()),
        }
    }

    fn apply(self, variants: &mut BTreeMap<String, Variant>) {
        let variant = variants.entry(self.name).or_default();
        variant.serverless = self.serverless.map(serverless).or(variant.serverless.take());
        // A serverless variant has no instances, whatever is echoed of them.
        variant.count = if variant.serverless.is_some() { None } else { self.count.or(variant.count) };
        variant.weight = self.weight.map_or(variant.weight, weight);
    }
}

/// What a configuration holds, its defaults folded.
pub fn content(config: DescribeEndpointConfigOutput) -> State {
    let variants = |variants: Option<Vec<ProductionVariant>>| {
        let named = |one: ProductionVariant| (one.variant_name.clone().unwrap_or_default(), variant(one));
        variants.unwrap_or_default().into_iter().map(named).collect()
    };
    let mut other = Others::new();
    note(&mut other, "async_inference", config.async_inference_config);
    note(&mut other, "explainer", config.explainer_config);
    note(&mut other, "metrics", config.metrics_config.filter(|metrics| !are_default(metrics)));
    State {
        variants: variants(config.production_variants),
        shadow_variants: variants(config.shadow_production_variants),
        capture: config.data_capture_config.map(configured),
        kms_key: config.kms_key_id,
        execution_role: config.execution_role_arn,
        network_isolation: config.enable_network_isolation.unwrap_or_default(),
        vpc: config.vpc_config.map(Vpc::of),
        other,
        scaling: Scalings::new(),
        rollout: None,
    }
}

fn are_default(metrics: &MetricsConfig) -> bool {
    !metrics.enable_enhanced_metrics.unwrap_or_default()
        && !metrics.enable_detailed_observability.unwrap_or_default()
        && metrics.metric_publish_frequency_in_seconds.is_none_or(|seconds| seconds == 60)
}

fn variant(given: ProductionVariant) -> Variant {
    let mut other = Others::new();
    note(&mut other, "accelerator", given.accelerator_type);
    note(&mut other, "accelerator_partitions", given.accelerator_partition_layouts.filter(|layouts| !layouts.is_empty()));
    note(&mut other, "capacity_reservation", given.capacity_reservation_config);
    note(&mut other, "core_dump", given.core_dump_config);
    note(&mut other, "inference_ami", given.inference_ami_version);
    note(&mut other, "instance_pools", given.instance_pools.filter(|pools| !pools.is_empty()));
    note(&mut other, "provision_timeout", given.variant_instance_provision_timeout_in_seconds);
    let is_on = |scaling: &_| *scaling != Some(ManagedInstanceScalingStatus::Disabled);
    note(&mut other, "managed_scaling", given.managed_instance_scaling.filter(|scaling| is_on(&scaling.status)));
    let is_set = |strategy: &_| *strategy != Some(RoutingStrategy::Random);
    note(&mut other, "routing", given.routing_config.filter(|routing| is_set(&routing.routing_strategy)));
    let serverless = given.serverless_config.map(serverless);
    let is_serverless = serverless.is_some();
    Variant {
        model: given.model_name,
        instance: given.instance_type.map(|instance| instance.as_str().to_owned()),
        count: given.initial_instance_count.filter(|_| !is_serverless),
        weight: weight(given.initial_variant_weight.unwrap_or(1.0)),
        serverless,
        // SageMaker names a volume for serverless variants too, which have none.
        volume: given.volume_size_in_gb.filter(|_| !is_serverless),
        download_timeout: given.model_data_download_timeout_in_seconds,
        startup_timeout: given.container_startup_health_check_timeout_in_seconds,
        shell_access: given.enable_ssm_access.unwrap_or_default(),
        other,
    }
}

fn serverless(config: ProductionVariantServerlessConfig) -> Serverless {
    Serverless {
        memory: config.memory_size_in_mb.unwrap_or_default(),
        max_concurrency: config.max_concurrency.unwrap_or_default(),
        provisioned_concurrency: config.provisioned_concurrency,
    }
}

/// The names of the endpoints that start as the environment's do.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let prefix = aws.world.prefix();
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.sagemaker().list_endpoints().name_contains(&prefix).max_results(100).set_next_token(next);
        let answer = aws.call("sagemaker:ListEndpoints", &prefix, request.send()).await?;
        let names = answer.endpoints.unwrap_or_default().into_iter().filter_map(|endpoint| endpoint.endpoint_name);
        found.extend(names.filter(|name| name.starts_with(&prefix)));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use aws_sdk_sagemaker::types::{
        PendingDeploymentSummary, ProductionVariantManagedInstanceScaling, ProductionVariantRoutingConfig,
    };

    use super::*;

    fn config(variant: ProductionVariant) -> DescribeEndpointConfigOutput {
        DescribeEndpointConfigOutput::builder().production_variants(variant).build()
    }

    fn bare() -> aws_sdk_sagemaker::types::builders::ProductionVariantBuilder {
        ProductionVariant::builder().variant_name("A").model_name("m").initial_instance_count(1)
    }

    pub fn endpoint(
        status: EndpointStatus,
    ) -> aws_sdk_sagemaker::operation::describe_endpoint::builders::DescribeEndpointOutputBuilder {
        DescribeEndpointOutput::builder().endpoint_name("e").endpoint_config_name("old").endpoint_status(status)
    }

    pub fn summary(current: i32, desired: i32) -> ProductionVariantSummary {
        let summary = ProductionVariantSummary::builder().variant_name("A").current_weight(1.0).desired_weight(0.3);
        summary.current_instance_count(current).desired_instance_count(desired).build()
    }

    pub fn deploying() -> PendingDeploymentSummary {
        let variant = PendingProductionVariantSummary::builder().variant_name("A").desired_instance_count(4).build();
        PendingDeploymentSummary::builder().endpoint_config_name("new").production_variants(variant).build()
    }

    #[test]
    fn folds_what_sagemaker_adds() {
        let echoed = bare()
            .initial_variant_weight(1.0)
            .enable_ssm_access(false)
            .routing_config(ProductionVariantRoutingConfig::builder().routing_strategy(RoutingStrategy::Random).build())
            .managed_instance_scaling(
                ProductionVariantManagedInstanceScaling::builder().status(ManagedInstanceScalingStatus::Disabled).build(),
            )
            .build();
        let plain = content(config(bare().build()));
        assert_eq!(content(config(echoed)), plain);
        let metrics = MetricsConfig::builder().enable_enhanced_metrics(false).metric_publish_frequency_in_seconds(60).build();
        let echoed = DescribeEndpointConfigOutput::builder().production_variants(bare().build()).metrics_config(metrics);
        assert_eq!(content(echoed.enable_network_isolation(false).build()), plain);
    }

    #[test]
    fn a_serverless_variant_has_neither_instances_nor_a_volume() {
        let capacity = ProductionVariantServerlessConfig::builder().memory_size_in_mb(2048).max_concurrency(5).build();
        let given = ProductionVariant::builder().variant_name("A").serverless_config(capacity).volume_size_in_gb(8).build();
        let mut state = content(config(given));
        let variant = state.variants.remove("A").expect("the variant");
        assert_eq!((variant.volume, variant.count, variant.serverless.map(|capacity| capacity.memory)), (None, None, Some(2048)));
    }

    #[test]
    fn counts_and_weights_are_the_endpoint_s_own() {
        let endpoint = endpoint(EndpointStatus::InService).production_variants(summary(3, 3)).build();
        let variant = state(&endpoint, config(bare().build())).variants.remove("A").expect("the variant");
        assert_eq!((variant.count, variant.weight, variant.model.as_deref()), (Some(3), 0.3, Some("m")));
        let variant = state(&endpoint, lost()).variants.remove("A").expect("the variant");
        assert_eq!((variant.count, variant.model), (Some(3), None));
    }

    #[test]
    fn a_deployment_is_shown_as_what_it_leads_to() {
        let updating =
            endpoint(EndpointStatus::Updating).production_variants(summary(1, 1)).pending_deployment_summary(deploying());
        let updating = updating.build();
        assert_eq!(target_config(&updating), "new");
        assert_eq!(state(&updating, config(bare().build())).variants["A"].count, Some(4));
        let back =
            endpoint(EndpointStatus::RollingBack).production_variants(summary(1, 1)).pending_deployment_summary(deploying());
        let back = back.build();
        assert_eq!(target_config(&back), "old");
        assert_eq!(state(&back, config(bare().build())).variants["A"].count, Some(1));
        assert!(refers_to(&back, "old") && refers_to(&back, "new"));
    }
}
