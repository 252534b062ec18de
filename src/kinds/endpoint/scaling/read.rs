//! Application Auto Scaling's answers → state.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_applicationautoscaling::types::{
    MetricType, ScalableDimension, ScalableTarget, ScalingPolicy, ScheduledAction, ServiceNamespace, SuspendedState,
    TargetTrackingScalingPolicyConfiguration,
};

use super::{COOLDOWN, POLICY, Policy, Scaling, Scalings};
use crate::aws::{Aws, AwsError};
use crate::kinds::sagemaker::{Others, note};

/// How many targets, policies and scheduled actions come with a page.
const PAGE: i32 = 50;

/// Reads the scaling of many endpoints: one request for all targets of the region, and if any target is one of theirs, one
/// for all policies and one for all scheduled actions.
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
    if found.is_empty() {
        return Ok(found);
    }
    let (policies, actions) = futures::try_join!(policies(aws), actions(aws))?;
    for policy in policies {
        if let Some(scaling) = of(&mut found, &policy.resource_id) {
            add(scaling, policy);
        }
    }
    for action in actions {
        if let Some(scaling) = of(&mut found, &action.resource_id) {
            scaling.scheduled.insert(action.scheduled_action_name.clone(), moved(&action));
        }
    }
    Ok(found)
}

fn of<'a>(found: &'a mut BTreeMap<String, Scalings>, resource: &str) -> Option<&'a mut Scaling> {
    let (endpoint, variant) = place(resource)?;
    found.get_mut(endpoint)?.get_mut(variant)
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

async fn actions(aws: &Aws) -> Result<Vec<ScheduledAction>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .scaling()
            .describe_scheduled_actions()
            .service_namespace(ServiceNamespace::Sagemaker)
            .max_results(PAGE)
            .set_next_token(next);
        let answer = aws.call("application-autoscaling:DescribeScheduledActions", "", request.send()).await?;
        let of_variants =
            |action: &ScheduledAction| action.scalable_dimension == Some(ScalableDimension::SageMakerVariantDesiredInstanceCount);
        found.extend(answer.scheduled_actions.unwrap_or_default().into_iter().filter(of_variants));
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
    Scaling { other, ..Scaling::between(target.min_capacity, target.max_capacity) }
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

/// What a scheduled action does, and when: in UTC, if it names no other time zone.
fn moved(action: &ScheduledAction) -> String {
    let to = action.scalable_target_action.as_ref();
    let bound = |name: &str, bound: Option<i32>| bound.map(|bound| format!(" {name} {bound}")).unwrap_or_default();
    let (min, max) = (to.and_then(|to| to.min_capacity), to.and_then(|to| to.max_capacity));
    let zone = action.timezone.as_deref().map(|zone| format!(" {zone}")).unwrap_or_default();
    let time = |word: &str, time: &Option<aws_smithy_types::DateTime>| {
        time.as_ref().map(|time| format!(" {word} {time}")).unwrap_or_default()
    };
    let (from, until) = (time("from", &action.start_time), time("until", &action.end_time));
    format!("{}{zone}{from}{until}:{}{}", action.schedule, bound("min", min), bound("max", max))
}

#[cfg(test)]
mod tests {
    use aws_sdk_applicationautoscaling::types::{PolicyType, PredefinedMetricSpecification, ScalableTargetAction};

    use super::super::resource;
    use super::super::tests::scaling;
    use super::*;

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
            let mut scaling = Scaling::between(1, 3);
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
    fn a_scheduled_action_says_what_it_does() {
        let night = ScheduledAction::builder().scheduled_action_name("night").scheduled_action_arn("a").resource_id("r");
        let night = night.service_namespace(ServiceNamespace::Sagemaker).schedule("cron(0 22 * * ? *)").timezone("Europe/Berlin");
        let to = ScalableTargetAction::builder().min_capacity(0).build();
        let night = night.creation_time(aws_smithy_types::DateTime::from_secs(0)).scalable_target_action(to);
        assert_eq!(moved(&night.build().expect("complete")), "cron(0 22 * * ? *) Europe/Berlin: min 0");
    }
}
