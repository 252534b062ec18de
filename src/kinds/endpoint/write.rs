//! Writing endpoints: a configuration named by its content, then the endpoint that is moved to it.

use std::future::Future;
use std::time::{Duration, Instant};

use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::types::{
    CaptureContentTypeHeader, CaptureMode, CaptureOption, DataCaptureConfig, DesiredWeightAndCapacity, EndpointStatus,
    ProductionVariant, ProductionVariantInstanceType, ProductionVariantServerlessConfig,
};
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::read::{self, content, describe, describe_config};
use super::{Capture, Endpoint, State, Variant};
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Kind, Target, name_by_content};

/// How long SageMaker may not find what was made a moment ago.
const READ_LAG: Duration = Duration::from_secs(20);
/// How long an endpoint may show what it was before an update.
const BEGINS: Duration = Duration::from_secs(15);
/// How many names are tried for a configuration: the first is nearly always free, or holds the same content already.
const NAMES: u32 = 8;

/// Creates the endpoint with its configuration, after clearing away what failed under its name.
pub async fn create(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let config = ensure_config(aws, to, None).await?;
    let deadline = Instant::now() + Endpoint::DEADLINE;
    while Instant::now() < deadline {
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
        let Some(endpoint) = describe(aws, &to.name).await? else { continue };
        match &endpoint.endpoint_status {
            // All that SageMaker lets be done with it is to delete it.
            Some(EndpointStatus::Failed) => delete_endpoint(aws, &to.name).await?,
            Some(EndpointStatus::Deleting) => wait_until_gone(aws, &to.name).await?,
            // These may still serve, so they are updated.
            Some(EndpointStatus::OutOfService | EndpointStatus::UpdateRollbackFailed) => {
                return Box::pin(deploy(aws, &endpoint, to)).await;
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
    Err(too_long("sagemaker:CreateEndpoint", &to.name, "its predecessor is still there"))
}

/// Moves the endpoint to what it should be: by weights and counts alone where that is enough, else by a deployment.
///
/// What is live is read again, since a change that was on the way at the time of the plan is waited for first.
pub async fn update(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let Some(endpoint) = wait_until_settled(aws, &to.name, Endpoint::DEADLINE).await? else { return create(aws, to).await };
    if endpoint.endpoint_status == Some(EndpointStatus::Failed) {
        return create(aws, to).await;
    }
    let config = describe_config(aws, endpoint.endpoint_config_name().unwrap_or_default()).await?;
    if let Some(config) = config {
        let live = State { rollout: to.state.rollout.clone(), ..read::state(&endpoint, config) };
        if live == to.state && endpoint.endpoint_status == Some(EndpointStatus::InService) {
            return Ok(());
        }
        if scaled(live, &to.state) == to.state {
            return scale(aws, &endpoint, to).await;
        }
    }
    deploy(aws, &endpoint, to).await
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
    let wanted = to.state.variants.iter().map(|(name, variant)| {
        DesiredWeightAndCapacity::builder()
            .variant_name(name)
            .desired_weight(variant.weight as f32)
            .set_desired_instance_count(variant.count)
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
    let after = wait_until_done(aws, operation, before, Endpoint::DEADLINE).await?;
    let short = to.state.variants.iter().find(|(name, wanted)| {
        let live = after.production_variants().iter().find(|live| live.variant_name.as_ref() == Some(*name));
        live.is_none_or(|live| {
            let weight = live.desired_weight.or(live.current_weight).map(super::weight);
            let count = live.desired_instance_count.or(live.current_instance_count);
            weight.is_some_and(|weight| weight != wanted.weight) || wanted.count.is_some_and(|wanted| count != Some(wanted))
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

/// Moves the endpoint to another configuration, and sees to it that it is there in the end.
///
/// SageMaker goes back by itself if the new fleet fails or an alarm goes off, and then the endpoint is in service again:
/// only the configuration that it has tells.
async fn deploy(aws: &Aws, before: &DescribeEndpointOutput, to: &Target<State>) -> Result<(), AwsError> {
    let operation = "sagemaker:UpdateEndpoint";
    let config = ensure_config(aws, to, before.endpoint_config_name.as_deref()).await?;
    let rollout = to.state.rollout.as_ref();
    let request = || {
        // The configuration has the counts and weights to be, so those of the running variants are not kept.
        let request = aws
            .sagemaker()
            .update_endpoint()
            .endpoint_name(&to.name)
            .endpoint_config_name(&config)
            .retain_all_variant_properties(false)
            .retain_deployment_config(false)
            .set_deployment_config(rollout.map(super::Rollout::for_sagemaker));
        aws.call(operation, &to.name, request.send())
    };
    found_soon(request).await?;
    // SageMaker keeps to its own limit, and needs as long again to go back.
    let limit = rollout.map_or(0, super::Rollout::max_wait);
    let limit = Endpoint::DEADLINE.max(Duration::from_secs(2 * u64::from(limit)));
    let after = wait_until_done(aws, operation, before, limit).await?;
    if after.endpoint_status == Some(EndpointStatus::InService) && after.endpoint_config_name.as_deref() == Some(&config) {
        return Ok(());
    }
    let (status, has) = (after.endpoint_status.map(|status| status.to_string()), after.endpoint_config_name);
    let why = after.failure_reason.unwrap_or_else(|| "SageMaker gives no reason".to_owned());
    let message = match (status.as_deref(), has) {
        (Some("InService"), Some(has)) => format!("AWS rolled the endpoint back to {has}: {why}"),
        (status, _) => format!("the endpoint is {} on the way to {config}: {why}", status.unwrap_or("lost")),
    };
    Err(AwsError::unexpected(operation, &to.name, message))
}

/// Makes the configuration, or finds it made. Its name is never that of `besides`, which the endpoint has already and
/// which therefore would change nothing: a deployment is also what brings a capture back that stopped.
async fn ensure_config(aws: &Aws, to: &Target<State>, besides: Option<&str>) -> Result<String, AwsError> {
    let wanted = State { rollout: None, ..to.state.clone() };
    for attempt in 0..NAMES {
        let name = config_name(&to.name, &to.state, attempt);
        if besides == Some(&name) {
            continue;
        }
        match found_soon(|| create_config(aws, &name, to)).await {
            Ok(()) => return Ok(name),
            Err(error) if error.message.contains("already existing endpoint configuration") => {
                if describe_config(aws, &name).await?.is_some_and(|config| content(config) == wanted) {
                    return Ok(name);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let message = "all names for a new configuration are taken by others: delete those that no endpoint has";
    Err(AwsError::unexpected("sagemaker:CreateEndpointConfig", &to.name, message))
}

/// What goes into a configuration, in a form that does not move when [`State`] gets another field.
fn config_name(endpoint: &str, state: &State, attempt: u32) -> String {
    let variants = state.variants.iter().map(|(name, variant)| {
        let serverless = variant.serverless.as_ref().map(|capacity| json!([capacity.memory, capacity.max_concurrency]));
        (name.clone(), json!([variant.model, variant.instance, variant.count, variant.weight, serverless]))
    });
    let capture = state.capture.as_ref().map(|capture| {
        json!([capture.percent, capture.to, capture.input, capture.output, capture.json_content_types, capture.csv_content_types])
    });
    let content = json!([Value::Object(variants.collect()), capture, state.kms_key]);
    match attempt {
        0 => name_by_content(endpoint, &content),
        attempt => name_by_content(endpoint, &json!([content, attempt])),
    }
}

async fn create_config(aws: &Aws, name: &str, to: &Target<State>) -> Result<(), AwsError> {
    let request = aws
        .sagemaker()
        .create_endpoint_config()
        .endpoint_config_name(name)
        .set_production_variants(Some(to.state.variants.iter().map(|(name, one)| variant(name, one)).collect()))
        .set_data_capture_config(to.state.capture.as_ref().map(capture))
        .set_kms_key_id(to.state.kms_key.clone())
        .set_tags(Some(tags::for_sagemaker(&to.tags)));
    aws.call("sagemaker:CreateEndpointConfig", name, request.send()).await.map(drop)
}

fn variant(name: &str, variant: &Variant) -> ProductionVariant {
    let serverless = variant.serverless.as_ref().map(|serverless| {
        ProductionVariantServerlessConfig::builder()
            .memory_size_in_mb(serverless.memory)
            .max_concurrency(serverless.max_concurrency)
            .build()
    });
    ProductionVariant::builder()
        .variant_name(name)
        .set_model_name(variant.model.clone())
        .set_instance_type(variant.instance.as_deref().map(ProductionVariantInstanceType::from))
        .set_initial_instance_count(variant.count)
        .initial_variant_weight(variant.weight as f32)
        .set_serverless_config(serverless)
        .build()
}

fn capture(capture: &Capture) -> DataCaptureConfig {
    let modes = [(capture.input, CaptureMode::Input), (capture.output, CaptureMode::Output)];
    let modes = modes.into_iter().filter(|(wanted, _)| *wanted);
    let options = modes.map(|(_, mode)| CaptureOption::builder().capture_mode(mode).build()).collect();
    let types = |types: &[String]| (!types.is_empty()).then(|| types.to_vec());
    let (json, csv) = (types(&capture.json_content_types), types(&capture.csv_content_types));
    let header = (json.is_some() || csv.is_some())
        .then(|| CaptureContentTypeHeader::builder().set_json_content_types(json).set_csv_content_types(csv).build());
    DataCaptureConfig::builder()
        .enable_capture(capture.enabled)
        .initial_sampling_percentage(capture.percent)
        .destination_s3_uri(&capture.to)
        .set_capture_options(Some(options))
        .set_capture_content_type_header(header)
        .build()
}

/// Deletes the endpoint and waits until it is gone; while SageMaker works on it, it cannot be deleted.
pub async fn delete_endpoint(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(Endpoint::DEADLINE);
    loop {
        let request = aws.sagemaker().delete_endpoint().endpoint_name(name);
        match aws.call("sagemaker:DeleteEndpoint", name, request.send()).await.optional() {
            Ok(Some(_)) => return wait_until_gone(aws, name).await,
            Ok(None) => return Ok(()),
            Err(error) if is_busy(&error) && pace.wait().await => {}
            Err(error) => return Err(error),
        }
    }
}

pub async fn delete_configs(aws: &Aws, names: &[String]) -> Result<(), AwsError> {
    let deletions = names.iter().map(|name| async move {
        let request = aws.sagemaker().delete_endpoint_config().endpoint_config_name(name);
        aws.call("sagemaker:DeleteEndpointConfig", name, request.send()).await.optional().map(drop)
    });
    try_join_all(deletions).await.map(drop)
}

async fn wait_until_gone(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(Endpoint::DEADLINE);
    while describe(aws, name).await?.is_some() {
        if !pace.wait().await {
            return Err(too_long("sagemaker:DeleteEndpoint", name, "it is still there"));
        }
    }
    Ok(())
}

/// Waits until SageMaker takes an update; `None` if there is no such endpoint.
async fn wait_until_settled(aws: &Aws, name: &str, limit: Duration) -> Result<Option<DescribeEndpointOutput>, AwsError> {
    let mut pace = Pace::new(limit);
    loop {
        match describe(aws, name).await? {
            Some(endpoint) if is_busy_now(&endpoint) => {
                if !pace.wait().await {
                    let status = endpoint.endpoint_status.map(|status| status.to_string()).unwrap_or_default();
                    return Err(too_long("sagemaker:UpdateEndpoint", name, &format!("it is still {status}")));
                }
            }
            other => return Ok(other),
        }
    }
}

/// Waits until a change that was accepted is through, one way or the other.
async fn wait_until_done(
    aws: &Aws,
    operation: &str,
    before: &DescribeEndpointOutput,
    limit: Duration,
) -> Result<DescribeEndpointOutput, AwsError> {
    let name = before.endpoint_name.as_deref().unwrap_or_default();
    let begun = Instant::now();
    let mut pace = Pace::new(limit);
    loop {
        let lost = || AwsError::unexpected(operation, name, "the endpoint was deleted meanwhile");
        let endpoint = describe(aws, name).await?.ok_or_else(lost)?;
        // Reads lag: an endpoint in service may be the one that has not heard of the change yet.
        let moved = endpoint.last_modified_time != before.last_modified_time || begun.elapsed() > BEGINS;
        if moved && !is_busy_now(&endpoint) {
            return Ok(endpoint);
        }
        if !pace.wait().await {
            let status = endpoint.endpoint_status.map(|status| status.to_string()).unwrap_or_default();
            return Err(too_long(operation, name, &format!("it is still {status}")));
        }
    }
}

fn is_busy_now(endpoint: &DescribeEndpointOutput) -> bool {
    use EndpointStatus::{Creating, Deleting, RollingBack, SystemUpdating, Updating};
    let status = &endpoint.endpoint_status;
    let busy = matches!(status, Some(Creating | Deleting | RollingBack | SystemUpdating | Updating));
    busy || (*status == Some(EndpointStatus::InService) && read::pending(endpoint).is_some())
}

/// "Cannot update in-progress endpoint" is how SageMaker refuses a deletion too.
fn is_busy(error: &AwsError) -> bool {
    error.code == "ValidationException" && error.message.contains("in-progress endpoint")
}

fn too_long(operation: &str, name: &str, what: &str) -> AwsError {
    AwsError::unexpected(operation, name, format!("not done in time: {what}"))
}

/// Sends a request again while SageMaker does not find the model or the configuration that it names: it reads with
/// eventual consistency, and its documentation asks for such retries.
async fn found_soon<T, F>(attempt: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut pace = Pace::new(READ_LAG);
    loop {
        match attempt().await {
            Err(error) if names_something_new(&error) && pace.wait().await => {}
            answer => return answer,
        }
    }
}

fn names_something_new(error: &AwsError) -> bool {
    let parts = ["Could not find model", "Could not find endpoint configuration"];
    error.code == "ValidationException" && parts.iter().any(|part| error.message.starts_with(part))
}

/// The pauses between looks: dense at first, then every two seconds.
struct Pace {
    pause: Duration,
    deadline: Instant,
}

impl Pace {
    fn new(limit: Duration) -> Self {
        Self { pause: Duration::from_millis(100), deadline: Instant::now() + limit }
    }

    /// Waits a little; `false` if time is up.
    async fn wait(&mut self) -> bool {
        if Instant::now() + self.pause > self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        true
    }
}
