//! Whether SageMaker is done with an endpoint.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::types::{EndpointStatus, VariantStatus};

use super::read::pending;
use crate::kind::Status;

/// Whether SageMaker is done. In service is not enough: a deployment may still be on the way, or instances missing.
pub fn status(endpoint: &DescribeEndpointOutput) -> Status {
    let Some(status) = &endpoint.endpoint_status else { return Status::InProgress("SageMaker names no status".to_owned()) };
    match status {
        EndpointStatus::Failed | EndpointStatus::OutOfService | EndpointStatus::UpdateRollbackFailed => {
            let why = endpoint.failure_reason.as_deref().unwrap_or("SageMaker gives no reason");
            Status::Failed(if *status == EndpointStatus::Failed { why.to_owned() } else { format!("{status}: {why}") })
        }
        EndpointStatus::InService => match (pending(endpoint), short_of(endpoint)) {
            (Some(config), _) => Status::InProgress(format!("the deployment of {config}{}", stages(endpoint))),
            (None, Some(short)) => Status::InProgress(short),
            (None, None) => Status::Settled,
        },
        _ => match pending(endpoint) {
            Some(config) => Status::InProgress(format!("{status}, {config}{}", stages(endpoint))),
            None => Status::InProgress(status.to_string()),
        },
    }
}

/// A variant that has not come to the instances or the weight asked of it.
fn short_of(endpoint: &DescribeEndpointOutput) -> Option<String> {
    endpoint.production_variants().iter().find_map(|variant| {
        let name = variant.variant_name.as_deref().unwrap_or_default();
        match (variant.current_instance_count, variant.desired_instance_count) {
            (Some(current), Some(desired)) if current != desired => Some(format!("{name} has {current} of {desired} instances")),
            _ => None,
        }
    })
}

/// The stage of each variant of a deployment: Creating, ActivatingTraffic, Baking…
fn stages(endpoint: &DescribeEndpointOutput) -> String {
    let variants = endpoint.pending_deployment_summary.iter().flat_map(|pending| pending.production_variants());
    let stages: BTreeSet<&str> = variants
        .flat_map(|variant| variant.variant_status())
        .filter_map(|status| status.status.as_ref().map(VariantStatus::as_str))
        .collect();
    match stages.is_empty() {
        true => String::new(),
        false => format!(" ({})", stages.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::tests::{deploying, endpoint, summary};
    use super::*;

    #[test]
    fn in_service_is_not_enough() {
        assert_eq!(status(&endpoint(EndpointStatus::InService).production_variants(summary(2, 2)).build()), Status::Settled);
        let short = status(&endpoint(EndpointStatus::InService).production_variants(summary(1, 2)).build());
        assert_eq!(short, Status::InProgress("A has 1 of 2 instances".into()));
        let pending = endpoint(EndpointStatus::InService).pending_deployment_summary(deploying()).build();
        assert_eq!(status(&pending), Status::InProgress("the deployment of new".into()));
        let failed = endpoint(EndpointStatus::Failed).failure_reason("no image").build();
        assert_eq!(status(&failed), Status::Failed("no image".into()));
        let mixed = endpoint(EndpointStatus::UpdateRollbackFailed).failure_reason("no capacity").build();
        assert_eq!(status(&mixed), Status::Failed("UpdateRollbackFailed: no capacity".into()));
    }
}
