//! Automatic scaling of variants by Application Auto Scaling: a scalable target and one target-tracking policy each.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTarget, ScalingPolicy, ServiceNamespace,
    SuspendedState, TargetTrackingScalingPolicyConfiguration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Variant;
use crate::aws::{Aws, AwsError, Optional};
use crate::desired::Scope;
use crate::kinds::sagemaker::{Others, note};
use crate::units::Seconds;

/// The name of the policy that scones writes.
const POLICY: &str = "scones";
/// What Application Auto Scaling waits between two steps of a variant where it is not told, in seconds.
const COOLDOWN: u32 = 300;
/// How many targets and policies come with a page.
const PAGE: i32 = 50;

/// How a variant is scaled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScalingSpec")]
pub struct Spec {
    /// The fewest instances, at least 1.
    #[schemars(range(min = 1))]
    pub min: i32,
    /// The most instances.
    #[schemars(range(min = 1))]
    pub max: i32,
    /// How many invocations per minute each instance should get.
    #[schemars(range(min = 0))]
    target: f64,
    /// How long to wait after instances were taken away; by default 5m.
    #[serde(default = "cooldown")]
    scale_in_cooldown: Seconds,
    /// How long to wait after instances were added; by default 5m.
    #[serde(default = "cooldown")]
    scale_out_cooldown: Seconds,
}

fn cooldown() -> Seconds {
    Seconds(COOLDOWN)
}

/// The scaling of a variant, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    min: i32,
    max: i32,
    policy: Option<Policy>,
    /// Policies that scones does not write, by name.
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other_policies: Others,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

/// Keeps the invocations per minute and instance at a target; cooldowns in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Policy {
    target: f64,
    scale_in_cooldown: i32,
    scale_out_cooldown: i32,
}

/// The scaling of an endpoint's variants, by name.
pub type Scalings = BTreeMap<String, Scaling>;

impl Scaling {
    /// Whether so many instances are its own business.
    fn owns(&self, count: Option<i32>) -> bool {
        count.is_some_and(|count| (self.min..=self.max).contains(&count))
    }
}

/// Checks against the limits of the API.
pub fn desired(spec: Spec, variant: &str, scope: &mut Scope<'_>) -> Option<Scaling> {
    if spec.max < spec.min {
        scope.fault(&["variants", variant, "scaling", "max"], format!("the most instances are fewer than {}", spec.min));
    }
    if spec.target <= 0.0 {
        scope.fault(&["variants", variant, "scaling", "target"], "the target is more than 0 invocations per minute");
    }
    let policy = Policy {
        target: spec.target,
        scale_in_cooldown: spec.scale_in_cooldown.0.try_into().ok()?,
        scale_out_cooldown: spec.scale_out_cooldown.0.try_into().ok()?,
    };
    let (other_policies, other) = (Others::new(), Others::new());
    Some(Scaling { min: spec.min, max: spec.max, policy: Some(policy), other_policies, other })
}

/// Takes live counts that scaling may set for the declared ones: they are no drift.
pub fn fold(live: &mut BTreeMap<String, Variant>, declared: &BTreeMap<String, Variant>, scalings: &Scalings) {
    for (name, scaling) in scalings {
        if let (Some(live), Some(declared)) = (live.get_mut(name), declared.get(name))
            && scaling.owns(live.count)
        {
            live.count = declared.count;
        }
    }
}

/// Whether the variant's instances are left to scaling.
pub fn owns(scalings: &Scalings, variant: &str, count: Option<i32>) -> bool {
    scalings.get(variant).is_some_and(|scaling| scaling.owns(count))
}

/// Reads the scaling of many endpoints: one request for all targets of the region, and one for all policies if any target
/// is one of theirs.
///
/// # Errors
/// What Application Auto Scaling answers.
pub async fn read(aws: &Aws, endpoints: &BTreeSet<&str>) -> Result<BTreeMap<String, Scalings>, AwsError> {
    let mut found: BTreeMap<String, Scalings> = BTreeMap::new();
    for target in targets(aws).await? {
        if let Some((endpoint, variant)) = place(&target.resource_id).filter(|(endpoint, _)| endpoints.contains(endpoint)) {
            found.entry(endpoint.to_owned()).or_default().insert(variant.to_owned(), scaling(&target));
        }
    }
    if !found.is_empty() {
        for policy in policies(aws).await? {
            let Some((endpoint, variant)) = place(&policy.resource_id) else { continue };
            if let Some(scaling) = found.get_mut(endpoint).and_then(|scalings| scalings.get_mut(variant)) {
                add(scaling, policy);
            }
        }
    }
    Ok(found)
}

/// Brings an endpoint's scaling to what it should be; its variants must be in service. Safe to repeat.
///
/// # Errors
/// What Application Auto Scaling answers.
pub async fn ensure(aws: &Aws, endpoint: &str, wanted: &Scalings) -> Result<(), AwsError> {
    let live = read(aws, &[endpoint].into()).await?.remove(endpoint).unwrap_or_default();
    for variant in live.keys().filter(|variant| !wanted.contains_key(*variant)) {
        deregister(aws, &resource(endpoint, variant)).await?;
    }
    for (variant, wanted) in wanted {
        let live = live.get(variant);
        if live != Some(wanted) {
            write(aws, &resource(endpoint, variant), live, wanted).await?;
        }
    }
    Ok(())
}

/// Ends all scaling of an endpoint, which takes its policies along. Says what there was.
///
/// # Errors
/// What Application Auto Scaling answers.
pub async fn remove(aws: &Aws, endpoint: &str) -> Result<Scalings, AwsError> {
    let live = read(aws, &[endpoint].into()).await?.remove(endpoint).unwrap_or_default();
    for variant in live.keys() {
        deregister(aws, &resource(endpoint, variant)).await?;
    }
    Ok(live)
}

fn resource(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

/// The endpoint and the variant of `endpoint/<name>/variant/<name>`.
fn place(resource: &str) -> Option<(&str, &str)> {
    resource.strip_prefix("endpoint/")?.split_once("/variant/")
}

/// All variants of the region that are scaled.
async fn targets(aws: &Aws) -> Result<Vec<ScalableTarget>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .scaling()
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Sagemaker)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .max_results(PAGE)
            .set_next_token(next);
        let answer = aws.call("application-autoscaling:DescribeScalableTargets", "", request.send()).await?;
        found.extend(answer.scalable_targets.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

async fn policies(aws: &Aws) -> Result<Vec<ScalingPolicy>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .scaling()
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Sagemaker)
            .max_results(PAGE)
            .set_next_token(next);
        let answer = aws.call("application-autoscaling:DescribeScalingPolicies", "", request.send()).await?;
        let of_variants =
            |policy: &ScalingPolicy| policy.scalable_dimension == ScalableDimension::SageMakerVariantDesiredInstanceCount;
        found.extend(answer.scaling_policies.unwrap_or_default().into_iter().filter(of_variants));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn scaling(target: &ScalableTarget) -> Scaling {
    let mut other = Others::new();
    let is_on = |state: &&SuspendedState| {
        [state.dynamic_scaling_in_suspended, state.dynamic_scaling_out_suspended, state.scheduled_scaling_suspended]
            .contains(&Some(true))
    };
    note(&mut other, "suspended", target.suspended_state.as_ref().filter(is_on));
    let (min, max) = (target.min_capacity, target.max_capacity);
    Scaling { min, max, policy: None, other_policies: Others::new(), other }
}

fn add(scaling: &mut Scaling, found: ScalingPolicy) {
    let ours = found.target_tracking_scaling_policy_configuration.as_ref().filter(|_| found.policy_name == POLICY);
    match ours.and_then(policy) {
        Some(policy) => scaling.policy = Some(policy),
        None => {
            let what = found.target_tracking_scaling_policy_configuration.map(|config| format!("{config:?}"));
            let what = what.or(found.step_scaling_policy_configuration.map(|config| format!("{config:?}")));
            note(&mut scaling.other_policies, &found.policy_name, Some(what.unwrap_or_else(|| found.policy_type.to_string())));
        }
    }
}

/// The settings of a policy, if it is one that a spec can say.
fn policy(config: &TargetTrackingScalingPolicyConfiguration) -> Option<Policy> {
    let metric = config.predefined_metric_specification.as_ref()?;
    let plain = metric.predefined_metric_type == MetricType::SageMakerVariantInvocationsPerInstance
        && config.customized_metric_specification.is_none()
        && !config.disable_scale_in.unwrap_or_default();
    let cooldown = |seconds: Option<i32>| seconds.unwrap_or(i32::try_from(COOLDOWN).unwrap_or_default());
    plain.then(|| Policy {
        target: config.target_value,
        scale_in_cooldown: cooldown(config.scale_in_cooldown),
        scale_out_cooldown: cooldown(config.scale_out_cooldown),
    })
}

async fn write(aws: &Aws, resource: &str, live: Option<&Scaling>, wanted: &Scaling) -> Result<(), AwsError> {
    let nothing = SuspendedState::builder()
        .dynamic_scaling_in_suspended(false)
        .dynamic_scaling_out_suspended(false)
        .scheduled_scaling_suspended(false)
        .build();
    let request = || {
        let request = aws
            .scaling()
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .min_capacity(wanted.min)
            .max_capacity(wanted.max)
            .suspended_state(nothing.clone());
        aws.call("application-autoscaling:RegisterScalableTarget", resource, request.send())
    };
    aws.patiently(request).await?;
    for name in live.into_iter().flat_map(|live| live.other_policies.keys()) {
        delete_policy(aws, resource, name).await?;
    }
    match (&wanted.policy, live.and_then(|live| live.policy.as_ref())) {
        (Some(policy), live) if live != Some(policy) => put_policy(aws, resource, policy).await,
        (None, Some(_)) => delete_policy(aws, resource, POLICY).await,
        _ => Ok(()),
    }
}

async fn put_policy(aws: &Aws, resource: &str, policy: &Policy) -> Result<(), AwsError> {
    let unset = |error: aws_smithy_types::error::operation::BuildError| AwsError::local(error.to_string());
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance)
        .build()
        .map_err(unset)?;
    let config = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(policy.target)
        .predefined_metric_specification(metric)
        .scale_in_cooldown(policy.scale_in_cooldown)
        .scale_out_cooldown(policy.scale_out_cooldown)
        .build()
        .map_err(unset)?;
    let request = || {
        let request = aws
            .scaling()
            .put_scaling_policy()
            .policy_name(POLICY)
            .policy_type(PolicyType::TargetTrackingScaling)
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount)
            .target_tracking_scaling_policy_configuration(config.clone());
        aws.call("application-autoscaling:PutScalingPolicy", resource, request.send())
    };
    aws.patiently(request).await.map(drop)
}

async fn delete_policy(aws: &Aws, resource: &str, name: &str) -> Result<(), AwsError> {
    let request = || {
        let request = aws
            .scaling()
            .delete_scaling_policy()
            .policy_name(name)
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount);
        aws.call("application-autoscaling:DeleteScalingPolicy", resource, request.send())
    };
    aws.patiently(request).await.optional().map(drop)
}

async fn deregister(aws: &Aws, resource: &str) -> Result<(), AwsError> {
    let request = || {
        let request = aws
            .scaling()
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount);
        aws.call("application-autoscaling:DeregisterScalableTarget", resource, request.send())
    };
    aws.patiently(request).await.optional().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaling() -> Scaling {
        let policy = Policy { target: 70.0, scale_in_cooldown: 300, scale_out_cooldown: 300 };
        Scaling { min: 1, max: 3, policy: Some(policy), other_policies: Others::new(), other: Others::new() }
    }

    fn config(metric: MetricType) -> TargetTrackingScalingPolicyConfiguration {
        let metric = PredefinedMetricSpecification::builder().predefined_metric_type(metric).build().expect("complete");
        let config = TargetTrackingScalingPolicyConfiguration::builder().target_value(70.0);
        config.predefined_metric_specification(metric).build().expect("complete")
    }

    #[test]
    fn tells_variants_by_their_resource() {
        assert_eq!(place(&resource("e", "AllTraffic")), Some(("e", "AllTraffic")));
        assert_eq!(place("inference-component/x"), None);
    }

    #[test]
    fn cooldowns_that_are_not_told_are_the_default() {
        assert_eq!(policy(&config(MetricType::SageMakerVariantInvocationsPerInstance)), scaling().policy);
        assert_eq!(policy(&config(MetricType::SageMakerVariantConcurrentRequestsPerModelHighResolution)), None);
    }

    #[test]
    fn a_policy_of_someone_else_shows_by_its_name() {
        let found = |name: &str, metric: MetricType| {
            let mut scaling = Scaling { policy: None, ..scaling() };
            let policy = ScalingPolicy::builder().policy_name(name).policy_type(PolicyType::TargetTrackingScaling);
            let policy = policy.policy_arn("a").service_namespace(ServiceNamespace::Sagemaker).resource_id("r");
            let policy = policy.scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount);
            let policy = policy.creation_time(aws_smithy_types::DateTime::from_secs(0));
            let policy = policy.target_tracking_scaling_policy_configuration(config(metric)).build().expect("complete");
            add(&mut scaling, policy);
            (scaling.policy.is_some(), scaling.other_policies.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(found(POLICY, MetricType::SageMakerVariantInvocationsPerInstance), (true, vec![]));
        assert_eq!(found("mine", MetricType::SageMakerVariantInvocationsPerInstance), (false, vec!["mine".to_owned()]));
        assert_eq!(found(POLICY, MetricType::AlbRequestCountPerTarget), (false, vec![POLICY.to_owned()]));
    }

    #[test]
    fn counts_within_the_bounds_are_as_declared() {
        let variants = |count: i32| BTreeMap::from([("A".to_owned(), Variant { count: Some(count), ..Variant::default() })]);
        let folded = |count: i32| {
            let mut live = variants(count);
            fold(&mut live, &variants(1), &BTreeMap::from([("A".to_owned(), scaling())]));
            live["A"].count
        };
        assert_eq!([1, 3, 4, 0].map(folded), [Some(1), Some(1), Some(4), Some(0)]);
    }
}
