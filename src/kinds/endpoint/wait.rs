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
    done(|| describe(aws, name), operation, before, limit).await
}

/// The same by looks of any sort.
async fn done<F>(
    look: impl Fn() -> F,
    operation: &str,
    before: &DescribeEndpointOutput,
    limit: Duration,
) -> Result<DescribeEndpointOutput, AwsError>
where
    F: Future<Output = Result<Option<DescribeEndpointOutput>, AwsError>>,
{
    let name = before.endpoint_name.as_deref().unwrap_or_default();
    let begun = Instant::now();
    let mut pace = Pace::new(limit);
    loop {
        let lost = || AwsError::unexpected(operation, name, "the endpoint was deleted meanwhile");
        let endpoint = look().await?.ok_or_else(lost)?;
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use aws_smithy_types::DateTime;

    use super::super::read::tests::{deploying, endpoint};
    use super::*;

    fn at(seconds: i64, status: EndpointStatus) -> DescribeEndpointOutput {
        endpoint(status).last_modified_time(DateTime::from_secs(seconds)).build()
    }

    async fn after(answers: Vec<DescribeEndpointOutput>, limit: Duration) -> Result<DescribeEndpointOutput, AwsError> {
        let answers = RefCell::new(answers);
        // The last answer stays.
        let look = || {
            let mut answers = answers.borrow_mut();
            std::future::ready(Ok(if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().cloned() }))
        };
        done(look, "sagemaker:UpdateEndpoint", &at(1, EndpointStatus::InService), limit).await
    }

    #[tokio::test]
    async fn what_never_ends_is_given_up_and_did_not_go_back() {
        let error = after(vec![at(2, EndpointStatus::Updating)], Duration::from_millis(250)).await.unwrap_err();
        assert!(error.message.contains("not done in time: it is still Updating") && !error.is_rolled_back(), "{error}");
        // In service, and still on the way.
        let pending = endpoint(EndpointStatus::InService).last_modified_time(DateTime::from_secs(2));
        let pending = pending.pending_deployment_summary(deploying()).build();
        assert!(after(vec![pending], Duration::from_millis(250)).await.is_err());
    }

    #[tokio::test]
    async fn an_endpoint_that_has_not_heard_of_the_change_is_not_done() {
        let answers = vec![
            at(1, EndpointStatus::InService),
            at(2, EndpointStatus::Updating),
            at(3, EndpointStatus::RollingBack),
            at(4, EndpointStatus::InService),
        ];
        let done = after(answers, Duration::from_secs(60)).await.unwrap();
        assert_eq!(done.last_modified_time, Some(DateTime::from_secs(4)));
    }
}
