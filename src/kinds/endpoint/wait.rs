//! Waiting for SageMaker where it demands that between two requests.

use std::future::Future;
use std::time::{Duration, Instant};

use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::types::EndpointStatus;

use super::Endpoint;
use super::read::{describe, pending};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError};
use crate::kind::Kind;

/// How long SageMaker may not find what was made a moment ago.
const READ_LAG: Duration = Duration::from_secs(20);
/// How long an endpoint may show what it was before an update.
const BEGINS: Duration = Duration::from_secs(15);

pub async fn until_gone(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(Endpoint::DEADLINE);
    while describe(aws, name).await?.is_some() {
        if !pace.wait("SageMaker to delete it").await {
            return Err(too_long("sagemaker:DeleteEndpoint", name, "it is still there"));
        }
    }
    Ok(())
}

/// Waits until SageMaker takes an update; `None` if there is no such endpoint.
pub async fn until_settled(aws: &Aws, name: &str, limit: Duration) -> Result<Option<DescribeEndpointOutput>, AwsError> {
    let mut pace = Pace::new(limit);
    loop {
        match describe(aws, name).await? {
            Some(endpoint) if is_busy_now(&endpoint) => {
                let status = status(&endpoint);
                if !pace.wait(&format!("SageMaker, which has it in {status}")).await {
                    return Err(too_long("sagemaker:UpdateEndpoint", name, &format!("it is still {status}")));
                }
            }
            other => return Ok(other),
        }
    }
}

/// Waits until a change that was accepted is through, one way or the other.
pub async fn until_done(
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
        let status = status(&endpoint);
        if !pace.wait(&format!("SageMaker, which has it in {status}")).await {
            return Err(too_long(operation, name, &format!("it is still {status}")));
        }
    }
}

fn status(endpoint: &DescribeEndpointOutput) -> &str {
    endpoint.endpoint_status.as_ref().map_or("an unknown state", EndpointStatus::as_str)
}

fn is_busy_now(endpoint: &DescribeEndpointOutput) -> bool {
    use EndpointStatus::{Creating, Deleting, RollingBack, SystemUpdating, Updating};
    let status = &endpoint.endpoint_status;
    let busy = matches!(status, Some(Creating | Deleting | RollingBack | SystemUpdating | Updating));
    busy || (*status == Some(EndpointStatus::InService) && pending(endpoint).is_some())
}

/// "Cannot update in-progress endpoint" is how SageMaker refuses a deletion too.
pub fn is_busy(error: &AwsError) -> bool {
    error.code == "ValidationException" && error.message.contains("in-progress endpoint")
}

pub fn too_long(operation: &str, name: &str, what: &str) -> AwsError {
    AwsError::unexpected(operation, name, format!("not done in time: {what}"))
}

/// Sends a request again while SageMaker does not find the model or the configuration that it names: it reads with
/// eventual consistency, and its documentation asks for such retries.
pub async fn found_soon<T, F>(attempt: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut pace = Pace::new(READ_LAG);
    loop {
        match attempt().await {
            Err(error) if names_something_new(&error) && pace.wait("SageMaker to find what was just made").await => {}
            answer => return answer,
        }
    }
}

fn names_something_new(error: &AwsError) -> bool {
    let parts = ["Could not find model", "Could not find endpoint configuration"];
    error.code == "ValidationException" && parts.iter().any(|part| error.message.starts_with(part))
}
