//! Automatic scaling of variants by Application Auto Scaling: a scalable target and one target-tracking policy each.

mod read;

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace, SuspendedState,
    TargetTrackingScalingPolicyConfiguration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Variant;
use crate::aws::{Aws, AwsError, Optional};
use crate::desired::Scope;
use crate::kinds::sagemaker::Others;
use crate::units::Seconds;

pub use read::read;

/// The name of the policy that scones writes.
const POLICY: &str = "scones";
/// What Application Auto Scaling waits between two steps of a variant where it is not told, in seconds.
const COOLDOWN: u32 = 300;

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
    /// What moves the bounds at set times, by name; scones writes none.
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    scheduled: Others,
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
    /// Bounds that nothing moves a count between.
    fn between(min: i32, max: i32) -> Self {
        Self { min, max, policy: None, other_policies: Others::new(), scheduled: Others::new(), other: Others::new() }
    }

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
    Some(Scaling { policy: Some(policy), ..Scaling::between(spec.min, spec.max) })
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

/// Ends all scaling of an endpoint, which takes its policies and scheduled actions along. Says what there was.
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
    for name in live.into_iter().flat_map(|live| live.scheduled.keys()) {
        delete_action(aws, resource, name).await?;
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

async fn delete_action(aws: &Aws, resource: &str, name: &str) -> Result<(), AwsError> {
    let request = || {
        let request = aws
            .scaling()
            .delete_scheduled_action()
            .scheduled_action_name(name)
            .service_namespace(ServiceNamespace::Sagemaker)
            .resource_id(resource)
            .scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount);
        aws.call("application-autoscaling:DeleteScheduledAction", resource, request.send())
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
pub mod tests {
    use super::*;

    pub fn scaling() -> Scaling {
        let policy = Policy { target: 70.0, scale_in_cooldown: 300, scale_out_cooldown: 300 };
        Scaling { policy: Some(policy), ..Scaling::between(1, 3) }
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
