//! What to try again although AWS called it an error: effects of earlier writes that have not spread yet.

use std::future::Future;
use std::time::Duration;

use super::waiting::Pace;
use super::{Aws, AwsError};

/// (service, code, part of the message); an empty code or part fits any.
///
/// Collected from AWS's documentation and from what other deployers retry. `lambda:CreateFunction` answers
/// ResourceConflictException for a name that is taken as well, with another message, which is not listed.
const PROPAGATION: &[(&str, &str, &str)] = &[
    ("lambda", "InvalidParameterValueException", "cannot be assumed by Lambda"),
    ("lambda", "InvalidParameterValueException", "execution role does not have permissions"),
    ("lambda", "InvalidParameterValueException", "KMS key is invalid for CreateGrant"),
    ("lambda", "ResourceConflictException", "in progress"),
    ("lambda", "ResourceConflictException", "concurrent update operation"),
    ("lambda", "ResourceConflictException", "currently in the following state: Pending"),
    ("states", "", "authorized to assume the provided role"),
    ("states", "", "not authorized to access the Log Destination"),
    ("states", "StateMachineDeleting", ""),
    ("sagemaker", "ValidationException", "Could not assume role"),
    ("sagemaker", "ValidationException", "ensure that the role exists and allows principal"),
    ("iam", "MalformedPolicyDocument", "Invalid principal in policy"),
    ("iam", "DeleteConflict", ""),
    ("iam", "ConcurrentModification", ""),
    ("cloudformation", "", "Rate exceeded"),
    ("cloudformation", "ValidationError", "IN_PROGRESS state and can not be updated"),
    ("events", "ConcurrentModificationException", ""),
    ("application-autoscaling", "ConcurrentUpdateException", ""),
    ("logs", "OperationAbortedException", ""),
    ("s3", "OperationAborted", "conflicting conditional operation"),
];

/// How long propagation is waited for; IAM's is known to take up to a minute, rarely two.
const PATIENCE: Duration = Duration::from_secs(120);

impl AwsError {
    /// Whether the same request may succeed in a moment, because an earlier write has not spread through AWS yet.
    pub fn is_propagation(&self) -> bool {
        let service = self.operation.split(':').next().unwrap_or_default();
        PROPAGATION.iter().any(|(wanted, code, part)| {
            service == *wanted && (code.is_empty() || self.code == *code) && self.message.contains(part)
        })
    }
}

impl Aws {
    /// Sends a request again while AWS answers that an earlier write has not spread yet: densely at first, then every
    /// two seconds.
    ///
    /// # Errors
    /// The last answer, once patience ends; any other error at once.
    pub async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let mut pace = Pace::new(PATIENCE);
        loop {
            match attempt().await {
                Err(error) if error.is_propagation() && pace.wait("an earlier change to spread through AWS").await => {}
                answer => return answer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(operation: &str, code: &str, message: &str) -> AwsError {
        AwsError { operation: operation.into(), code: code.into(), ..AwsError::local(message) }
    }

    #[test]
    fn tells_propagation_from_refusal() {
        let role = "The role defined for the function cannot be assumed by Lambda.";
        assert!(error("lambda:CreateFunction", "InvalidParameterValueException", role).is_propagation());
        assert!(!error("states:CreateStateMachine", "InvalidParameterValueException", role).is_propagation());
        assert!(!error("lambda:CreateFunction", "ResourceConflictException", "Function already exist: x").is_propagation());
        assert!(!error("sagemaker:CreateEndpoint", "ResourceLimitExceeded", "quota").is_propagation());
    }
}
