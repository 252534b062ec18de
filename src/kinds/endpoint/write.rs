//! Writing endpoints: each is moved from one configuration to another.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::types::{DesiredWeightAndCapacity, EndpointStatus, VariantProperty, VariantPropertyType};

use super::deployment::deployment;
use super::read::{self, TRANSIENT, describe, describe_config, pending};
use super::wait::{found_soon, is_busy, too_long, until_done, until_gone, until_settled};
use super::{Endpoint, State, Variant, alarms, config, scaling};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Kind, Target};

const UPDATE: &str = "sagemaker:UpdateEndpoint";
/// How long SageMaker may take to go back.
const GOING_BACK: Duration = Duration::from_secs(30 * 60);

/// Creates the endpoint, and has it scaled once it is in service.
pub async fn create(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    make(aws, to).await?;
    if to.state.scaling.is_empty() {
        return Ok(());
    }
    match until_settled(aws, &to.name, Endpoint::DEADLINE).await? {
        Some(endpoint) if endpoint.endpoint_status == Some(EndpointStatus::InService) => {
            scaling::ensure(aws, &to.name, &to.state.scaling).await
        }
        // Whoever waits for the endpoint tells how it failed.
        _ => Ok(()),
    }
}

/// Creates the endpoint with its configuration, after clearing away what failed under its name.
async fn make(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let config = config::ensure(aws, to, None).await?;
    let mut pace = Pace::new(Endpoint::DEADLINE);
    loop {
        let request = || {
            let request = aws
                .sagemaker()
                .create_endpoint()
                .endpoint_name(&to.name)
                .endpoint_config_name(&config)
                .set_tags(Some(tags::for_sagemaker(&to.tags)));
            aws.call("sagemaker:CreateEndpoint", &to.name, request.send())
        };
        match found_soon(request).await {
            Ok(_) => return Ok(()),
            Err(error) if !error.message.contains("already existing endpoint") => return Err(error),
            Err(_) => {}
        }
        if !pace.wait("its predecessor to go").await {
            return Err(too_long("sagemaker:CreateEndpoint", &to.name, "its predecessor is still there"));
        }
        let Some(endpoint) = describe(aws, &to.name).await? else { continue };
        match &endpoint.endpoint_status {
            // All that SageMaker lets be done with it is to delete it.
            Some(EndpointStatus::Failed) => delete(aws, &to.name).await?,
            Some(EndpointStatus::Deleting) => until_gone(aws, &to.name).await?,
            // These may still serve, so they are updated.
            Some(EndpointStatus::OutOfService | EndpointStatus::UpdateRollbackFailed) => {
                let coming = prepare(aws, &endpoint, to).await?;
                return deploy(aws, &endpoint, to, &coming).await;
            }
            // An interrupted run made it.
            _ if read::refers_to(&endpoint, &config) => return Ok(()),
            _ => {
                let other = endpoint.endpoint_config_name.unwrap_or_default();
                let message = format!("the endpoint exists by now, with the configuration {other}: plan again");
                return Err(AwsError::unexpected("sagemaker:CreateEndpoint", &to.name, message));
            }
        }
    }
}

/// Moves the endpoint to what it should be: by weights and counts alone where that is enough, else by a deployment.
///
/// What is live is read again, since a change that was on the way at the time of the plan is waited for first; one that
/// begins in between, such as AWS's own patching, is waited for as well.
pub async fn update(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let begun = describe(aws, &to.name).await?.and_then(|endpoint| pending(&endpoint).map(str::to_owned));
    let mut tries = 0;
    loop {
        tries += 1;
        let Some(endpoint) = until_settled(aws, &to.name, limit(to)).await? else { return create(aws, to).await };
        if let Some(config) = begun.as_deref().filter(|_| tries == 1) {
            went_on(aws, to, config, &endpoint).await?;
        }
        match change(aws, &endpoint, to).await {
            Err(error) if is_busy(&error) && tries < 3 => {}
            Ok(()) => return scaling::ensure(aws, &to.name, &to.state.scaling).await,
            Err(error) => return Err(error),
        }
    }
}

/// Refuses to begin anew what an interrupted run had begun, and SageMaker took back while this one waited for it.
async fn went_on(aws: &Aws, to: &Target<State>, config: &str, now: &DescribeEndpointOutput) -> Result<(), AwsError> {
    if !config::holds(aws, config, to).await? {
        return Ok(());
    }
    let result = outcome(&to.name, config, now);
    if result.is_err() {
        // The run that was interrupted may have ended it. That the rollout failed matters more.
        let _ = scaling::ensure(aws, &to.name, &to.state.scaling).await;
    }
    result
}

async fn change(aws: &Aws, endpoint: &DescribeEndpointOutput, to: &Target<State>) -> Result<(), AwsError> {
    if endpoint.endpoint_status == Some(EndpointStatus::Failed) {
        return create(aws, to).await;
    }
    let config = describe_config(aws, endpoint.endpoint_config_name().unwrap_or_default()).await?;
    let Some(config) = config.filter(|_| endpoint.endpoint_status == Some(EndpointStatus::InService)) else {
        return redeploy(aws, endpoint, None, to).await;
    };
    let (rollout, scaling) = (to.state.rollout.clone(), to.state.scaling.clone());
    let mut live = State { rollout, scaling, ..read::state(endpoint, config) };
    scaling::fold(&mut live.variants, &to.state.variants, &to.state.scaling);
    if live == to.state {
        return Ok(());
    }
    if scaled(live.clone(), &to.state) == to.state {
        return scale(aws, endpoint, to).await;
    }
    redeploy(aws, endpoint, Some(&live), to).await
}

/// Moves the endpoint to another configuration. SageMaker refuses to remove a variant that is scaled, or to give it another
/// type of instance, so then nothing scales it meanwhile. An endpoint that does not get there is scaled on as before.
///
/// Source: "Update endpoints that use auto scaling" in SageMaker's developer guide.
async fn redeploy(
    aws: &Aws,
    endpoint: &DescribeEndpointOutput,
    from: Option<&State>,
    to: &Target<State>,
) -> Result<(), AwsError> {
    let coming = prepare(aws, endpoint, to).await?;
    if from.is_some_and(|from| may_stay_scaled(from, &to.state)) {
        return deploy(aws, endpoint, to, &coming).await;
    }
    let before = scaling::remove(aws, &to.name).await?;
    let result = deploy(aws, endpoint, to, &coming).await;
    if result.is_err() {
        // That it failed matters more than a variant that can be scaled no more.
        let _ = scaling::ensure(aws, &to.name, &before).await;
    }
    result
}

/// Whether SageMaker takes the update although variants are scaled.
fn may_stay_scaled(from: &State, to: &State) -> bool {
    let stays = |(name, variant): (&String, &Variant)| to.variants.get(name).is_some_and(|to| to.instance == variant.instance);
    from.variants.iter().all(stays)
}

/// The live state with the counts and weights to be.
fn scaled(mut live: State, to: &State) -> State {
    for (name, variant) in &mut live.variants {
        if let Some(wanted) = to.variants.get(name) {
            variant.weight = wanted.weight;
            variant.count = wanted.count.filter(|_| variant.count.is_some()).or(variant.count);
        }
    }
    live
}

/// Changes weights and counts; the fleet stays.
async fn scale(aws: &Aws, before: &DescribeEndpointOutput, to: &Target<State>) -> Result<(), AwsError> {
    let counts: BTreeMap<&String, Option<i32>> =
        to.state.variants.iter().map(|(name, variant)| (name, variant.count.filter(|_| !is_scaled(before, name, to)))).collect();
    let wanted = to.state.variants.iter().map(|(name, variant)| {
        DesiredWeightAndCapacity::builder()
            .variant_name(name)
            .desired_weight(variant.weight as f32)
            .set_desired_instance_count(counts.get(name).copied().flatten())
            .build()
    });
    let wanted: Vec<DesiredWeightAndCapacity> = wanted.collect();
    let operation = "sagemaker:UpdateEndpointWeightsAndCapacities";
    let request = aws
        .sagemaker()
        .update_endpoint_weights_and_capacities()
        .endpoint_name(&to.name)
        .set_desired_weights_and_capacities(Some(wanted));
    aws.call(operation, &to.name, request.send()).await?;
    let after = until_done(aws, operation, before, Endpoint::DEADLINE).await?;
    let short = to.state.variants.iter().find(|(name, wanted)| {
        let live = after.production_variants().iter().find(|live| live.variant_name.as_ref() == Some(*name));
        live.is_none_or(|live| {
            let weight = live.desired_weight.or(live.current_weight).map(super::weight);
            let count = live.desired_instance_count.or(live.current_instance_count);
            weight.is_some_and(|weight| weight != wanted.weight)
                || counts.get(name).copied().flatten().is_some_and(|wanted| count != Some(wanted))
        })
    });
    match (short, after.endpoint_status) {
        (None, Some(EndpointStatus::InService)) => Ok(()),
        _ => {
            let why = after.failure_reason.unwrap_or_else(|| "SageMaker gives no reason".to_owned());
            Err(AwsError::unexpected(operation, &to.name, format!("AWS did not keep the new counts and weights: {why}")))
        }
    }
}

/// What an endpoint is moved to.
struct Coming {
    config: String,
    /// The names of the alarms that take it back.
    alarms: Vec<String>,
}

/// Makes what a deployment names: SageMaker starts none with a configuration or an alarm that does not exist.
async fn prepare(aws: &Aws, before: &DescribeEndpointOutput, to: &Target<State>) -> Result<Coming, AwsError> {
    let config = config::ensure(aws, to, before.endpoint_config_name.as_deref()).await?;
    let alarms = alarms::ensure(aws, to, &config).await?;
    Ok(Coming { config, alarms })
}

/// Moves the endpoint to another configuration, and sees to it that it is there in the end.
async fn deploy(
    aws: &Aws,
    before: &DescribeEndpointOutput,
    to: &Target<State>,
    Coming { config, alarms }: &Coming,
) -> Result<(), AwsError> {
    let rollout = to.state.rollout.as_ref().map(|rollout| &rollout.way);
    // The configuration has the counts and weights to be, so those of the running variants are not kept; but for counts
    // that scaling came to, which the traffic needs.
    let is_kept = |(name, variant): (&String, &Variant)| is_scaled(before, name, to) || count(before, name) == variant.count;
    let keeps_counts = !to.state.scaling.is_empty() && to.state.variants.iter().all(is_kept);
    let others = [VariantPropertyType::DesiredWeight, VariantPropertyType::DataCaptureConfig];
    let others = others.map(|property| VariantProperty::builder().variant_property_type(property).build());
    let request = || {
        let request = aws
            .sagemaker()
            .update_endpoint()
            .endpoint_name(&to.name)
            .endpoint_config_name(config)
            .retain_all_variant_properties(keeps_counts)
            .set_exclude_retained_variant_properties(keeps_counts.then(|| others.to_vec()))
            .retain_deployment_config(false)
            .set_deployment_config(rollout.map(|rollout| deployment(rollout, alarms)));
        aws.call(UPDATE, &to.name, request.send())
    };
    if let Err(error) = found_soon(request).await {
        // An answer that was lost: the request that is repeated finds its own work going on.
        let begun = is_busy(&error) && describe(aws, &to.name).await?.is_some_and(|now| read::refers_to(&now, config));
        if !begun {
            return Err(error);
        }
    }
    outcome(&to.name, config, &until_done(aws, UPDATE, before, limit(to)).await?)
}

/// How long a deployment may take: SageMaker goes back by itself after its own limit, and going back takes time too.
fn limit(to: &Target<State>) -> Duration {
    let own = to.state.rollout.as_ref().map(|rollout| Duration::from_secs(u64::from(rollout.way.max_wait)) + GOING_BACK);
    own.unwrap_or(Endpoint::DEADLINE)
}

/// Whether the endpoint came to the configuration that it was to have.
///
/// SageMaker goes back by itself if the new fleet fails or an alarm goes off, and then the endpoint is in service again:
/// only the configuration that it has tells.
fn outcome(name: &str, config: &str, after: &DescribeEndpointOutput) -> Result<(), AwsError> {
    let has = after.endpoint_config_name.as_deref().unwrap_or_default();
    let status = after.endpoint_status.as_ref();
    if status == Some(&EndpointStatus::InService) && has == config {
        return Ok(());
    }
    let why = after.failure_reason.as_deref().unwrap_or("SageMaker gives no reason");
    let (went_back, what) = match status {
        Some(EndpointStatus::InService) => (true, format!("AWS rolled the endpoint back to {has}")),
        Some(EndpointStatus::UpdateRollbackFailed) => (true, format!("AWS could not roll the endpoint back from {config}")),
        _ => {
            let status = status.map_or("in no status", EndpointStatus::as_str);
            (false, format!("the endpoint is {status}, on the way to {config}"))
        }
    };
    // Short, for a tag keeps it; and the reason first, for the tag cuts it.
    let message = format!("{why} ({what})");
    match went_back && !why.starts_with(TRANSIENT) {
        true => Err(AwsError::rolled_back(UPDATE, name, message)),
        false => Err(AwsError::unexpected(UPDATE, name, message)),
    }
}

/// The instances that a running variant has, or is on the way to.
fn count(endpoint: &DescribeEndpointOutput, variant: &str) -> Option<i32> {
    let live = endpoint.production_variants().iter().find(|live| live.variant_name() == Some(variant))?;
    live.desired_instance_count.or(live.current_instance_count)
}

/// Whether the count of a running variant is left to scaling.
fn is_scaled(endpoint: &DescribeEndpointOutput, variant: &str, to: &Target<State>) -> bool {
    scaling::owns(&to.state.scaling, variant, count(endpoint, variant))
}

/// Deletes the endpoint and waits until it is gone; while SageMaker works on it, it cannot be deleted.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    scaling::remove(aws, name).await?;
    let mut pace = Pace::new(Endpoint::DEADLINE);
    loop {
        let request = aws.sagemaker().delete_endpoint().endpoint_name(name);
        match aws.call("sagemaker:DeleteEndpoint", name, request.send()).await.optional() {
            Ok(Some(_)) => return until_gone(aws, name).await,
            Ok(None) => return Ok(()),
            Err(error) if is_busy(&error) && pace.wait("SageMaker to finish what it does with it").await => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::state;
    use super::super::read::tests::endpoint;
    use super::*;
    use crate::kinds::rollout::Rollout;

    #[test]
    fn only_counts_and_weights_are_scaled() {
        let change = |change: fn(&mut Variant)| {
            let mut to = state();
            to.variants.values_mut().for_each(change);
            scaled(state(), &to) == to
        };
        assert!(change(|variant| variant.count = Some(3)));
        assert!(change(|variant| variant.weight = 0.5));
        assert!(!change(|variant| variant.instance = Some("ml.m5.large".into())));
        assert!(!change(|variant| variant.count = None));
        assert!(scaled(state(), &State { capture: None, ..state() }) != State { capture: None, ..state() });
    }

    #[test]
    fn scaling_ends_only_where_sagemaker_refuses_the_update() {
        let changed = |change: fn(&mut Variant)| {
            let mut to = state();
            to.variants.values_mut().for_each(change);
            may_stay_scaled(&state(), &to)
        };
        assert!(changed(|variant| variant.model = Some("other".into())));
        assert!(!changed(|variant| variant.instance = Some("ml.m5.large".into())));
        assert!(!may_stay_scaled(&state(), &State { variants: BTreeMap::new(), ..state() }));
    }

    #[test]
    fn only_the_configuration_that_serves_tells() {
        let after = |status, has: &str, why: &str| {
            let endpoint = endpoint(status).endpoint_config_name(has).failure_reason(why).build();
            outcome("e", "new", &endpoint).map_err(|error| (error.is_rolled_back(), error.message))
        };
        assert_eq!(after(EndpointStatus::InService, "new", "of an earlier update"), Ok(()));
        let back = after(EndpointStatus::InService, "old", "an alarm rang");
        assert_eq!(back, Err((true, "an alarm rang (AWS rolled the endpoint back to old)".into())));
        let stuck = after(EndpointStatus::UpdateRollbackFailed, "old", "no capacity");
        assert_eq!(stuck, Err((true, "no capacity (AWS could not roll the endpoint back from new)".into())));
        // Its own services failed, which may go well the next time.
        assert_eq!(
            after(EndpointStatus::InService, "old", "Request to service failed: 500").map_err(|error| error.0),
            Err(false)
        );
        assert_eq!(after(EndpointStatus::OutOfService, "old", "x").map_err(|error| error.0), Err(false));
    }
    #[test]
    fn sagemaker_gets_time_to_go_back() {
        let way = |max_wait| Rollout { canary: Some(10), linear: None, bake: 0, roll_back_on: vec![], max_wait };
        let within = |max_wait| {
            let rollout = Some(alarms::Rollout { way: way(max_wait), watched: BTreeMap::new() });
            limit(&Target { name: "e".into(), state: State { rollout, ..state() }, tags: Default::default() }).as_secs()
        };
        assert_eq!([within(600), within(14_400)], [2_400, 16_200]);
        assert_eq!(limit(&Target { name: "e".into(), state: state(), tags: Default::default() }), Endpoint::DEADLINE);
    }
}
