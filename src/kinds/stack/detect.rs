//! Has CloudFormation look for drift in stacks: it does so only when asked, and keeps what it found.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::types::StackDriftDetectionStatus;
use futures::future::try_join_all;

use super::live;
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional};

/// How long CloudFormation may take to look at one stack.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Looks at all these stacks at once, and says of which CloudFormation could not look at all, and why.
pub async fn detect(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, String>, AwsError> {
    let looked = names.iter().map(|name| async move { Ok::<_, AwsError>((name.clone(), detect_one(aws, name).await?)) });
    let failed = try_join_all(looked).await?;
    aws.outdated(live::OPERATION, "");
    Ok(failed.into_iter().filter_map(|(name, why)| Some((name, why?))).collect())
}

/// Looks at one stack, and says what kept CloudFormation from looking at all of it. One that does not exist has no drift.
pub async fn detect_one(aws: &Aws, stack: &str) -> Result<Option<String>, AwsError> {
    let mut pace = Pace::new(PATIENCE);
    let detection = loop {
        let request = aws.cloudformation().detect_stack_drift().stack_name(stack);
        match aws.call("cloudformation:DetectStackDrift", stack, request.send()).await.optional() {
            Ok(Some(answer)) => break answer.stack_drift_detection_id.unwrap_or_default(),
            Ok(None) => return Ok(None),
            // Somebody else's, whose id nobody tells. It may have passed what changed just now: ours comes after it.
            Err(error) if error.message.contains("already in progress") => {
                if !pace.wait("another look for drift to end").await {
                    return Ok(Some("another look for drift does not end".to_owned()));
                }
            }
            // The stack is in a state in which CloudFormation does not look.
            Err(error) if error.code == "ValidationError" => return Ok(Some(error.message)),
            Err(error) => return Err(error),
        }
    };
    loop {
        let request = aws.cloudformation().describe_stack_drift_detection_status().stack_drift_detection_id(&detection);
        let answer = aws.call("cloudformation:DescribeStackDriftDetectionStatus", stack, request.send()).await?;
        match answer.detection_status {
            Some(StackDriftDetectionStatus::DetectionComplete) => return Ok(None),
            Some(StackDriftDetectionStatus::DetectionInProgress) => {}
            _ => {
                let reason = answer.detection_status_reason.filter(|reason| !reason.is_empty());
                return Ok(Some(reason.unwrap_or_else(|| "CloudFormation's look for drift failed".to_owned())));
            }
        }
        if !pace.wait("CloudFormation to look for drift").await {
            return Ok(Some(format!("CloudFormation still looks for drift after {} min", PATIENCE.as_secs() / 60)));
        }
    }
}
