//! What went wrong at AWS, and what to do about it.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

/// The code of rollouts that went back; AWS has none for it.
const ROLLED_BACK: &str = "RolledBack";
/// The code of changes that were not made, since the plan is no longer right.
const STALE: &str = "PlanMismatch";

/// A failed request, with all that AWS's support would ask for.
#[derive(Clone, Debug)]
pub struct AwsError {
    /// The action as IAM names it, such as `lambda:GetFunction`; empty for what failed on this side.
    pub operation: String,
    /// What the request was about.
    pub resource: String,
    /// AWS's code, such as `AccessDeniedException`; empty if no answer came.
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
}

impl AwsError {
    /// A failure on this side of the wire.
    pub fn local(message: impl Into<String>) -> Self {
        Self { operation: String::new(), resource: String::new(), code: String::new(), message: message.into(), request_id: None }
    }

    /// A request that was answered, but not with what was asked for.
    pub fn unexpected(operation: &str, resource: &str, message: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            resource: resource.into(),
            code: String::new(),
            message: message.into(),
            request_id: None,
        }
    }

    /// A rollout that was begun and went back, by itself or because an alarm went off.
    pub fn rolled_back(operation: &str, resource: &str, message: impl Into<String>) -> Self {
        Self { code: ROLLED_BACK.into(), ..Self::unexpected(operation, resource, message) }
    }

    /// The same as the reason why a change was not made: the plan is no longer right.
    pub fn into_stale(self) -> Self {
        Self { code: STALE.into(), ..self }
    }

    /// Whether the plan is no longer right.
    pub fn is_stale(&self) -> bool {
        self.code == STALE
    }

    /// Whether a rollout went back.
    pub fn is_rolled_back(&self) -> bool {
        self.code == ROLLED_BACK
    }

    pub(super) fn from_sdk<E>(operation: &str, resource: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let said = |error: &SdkError<E, HttpResponse>| without_repetition(&DisplayErrorContext(error).to_string());
        let (code, message) = match error.as_service_error() {
            // What came could not be understood, as from a proxy that answers for itself.
            Some(service) if service.code().is_none() && status.is_some_and(|status| status < 300) => {
                (String::new(), said(&error))
            }
            Some(service) => (service.code().unwrap_or_default().to_owned(), service.message().unwrap_or_default().to_owned()),
            None => (String::new(), said(&error)),
        };
        // HEAD requests have no body, so the status is all there is.
        let code = match (code.as_str(), status) {
            ("", Some(status)) if status >= 300 => format!("HTTP {status}"),
            _ => code,
        };
        Self { operation: operation.into(), resource: resource.into(), code, message, request_id }
    }

    /// Whether AWS says that the resource does not exist; each service says it in another way.
    ///
    /// SageMaker and CloudFormation answer with a general validation error, so the message decides.
    pub fn is_not_found(&self) -> bool {
        match self.code.as_str() {
            "NoSuchEntity"
            | "NoSuchEntityException"
            | "ResourceNotFoundException"
            | "ResourceNotFound"
            | "StateMachineDoesNotExist"
            | "ObjectNotFoundException"
            | "NoSuchBucket"
            | "NoSuchKey"
            | "NotFound"
            | "HTTP 404"
            | "ChangeSetNotFound" => true,
            "ValidationException" | "ValidationError" => {
                let starts = ["Could not find", "Cannot find"];
                starts.iter().any(|start| self.message.starts_with(start)) || self.message.contains("does not exist")
            }
            _ => false,
        }
    }

    /// Whether the caller lacks a permission.
    pub fn is_access_denied(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedOperation"
                | "NotAuthorized"
                | "AuthorizationError"
                | "HTTP 403"
        )
    }

    /// Whether every other request fails for the same reason: nothing answered, or the credentials are no good.
    pub fn concerns_all(&self) -> bool {
        let credentials = [
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
        ];
        credentials.contains(&self.code.as_str()) || self.is_without_credentials() || self.message.contains("dispatch failure")
    }

    /// Whether there were no credentials to send with.
    pub fn is_without_credentials(&self) -> bool {
        let words =
            ["no providers in chain", "no credentials found in chain", "while loading credentials", "failed to load IMDS"];
        words.iter().any(|words| self.message.contains(words))
    }

    /// What to do next, where that can be said.
    pub fn help(&self) -> Option<String> {
        if self.is_without_credentials() {
            return Some("sign in (`aws sso login`), or set AWS_PROFILE, or for the local cloud: . target/cloud/env.sh".into());
        }
        if self.is_access_denied() {
            let on = if self.resource.is_empty() { String::new() } else { format!(" on {}", self.resource) };
            let all = "`scones permissions` prints all that is needed";
            return Some(format!("allow {}{on} to whoever runs this; {all}", self.operation));
        }
        match self.code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                Some("sign in again: the credentials have expired".into())
            }
            "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => {
                Some("check which credentials are in use: `aws sts get-caller-identity`".into())
            }
            "ResourceLimitExceeded" | "ServiceQuotaExceededException" => {
                Some("ask for a higher quota in the Service Quotas console, or use less".into())
            }
            "" if self.message.contains("dispatch failure") => {
                Some("check the network, and AWS_ENDPOINT_URL if it is set; for the local cloud: make cloud-up".into())
            }
            _ => None,
        }
    }
}

/// The SDK's context repeats the same cause down its chain; its debug tail is for developers of the SDK.
fn without_repetition(text: &str) -> String {
    let text = text.split(" (DispatchFailure(").next().unwrap_or(text);
    let text = text.split(" (TimeoutError(").next().unwrap_or(text);
    text.split(" (ConstructionFailure(").next().unwrap_or(text).chars().take(600).collect()
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_without_credentials() {
            return write!(f, "{}: there are no credentials", self.operation);
        }
        if !self.operation.is_empty() {
            f.write_str(&self.operation)?;
            if !self.resource.is_empty() {
                write!(f, " on {}", self.resource)?;
            }
            f.write_str(": ")?;
        }
        let code = if [ROLLED_BACK, STALE].contains(&self.code.as_str()) { "" } else { self.code.as_str() };
        match (code, self.message.as_str()) {
            ("", message) => f.write_str(message)?,
            (code, "") => f.write_str(code)?,
            (code, message) => write!(f, "{code}: {message}")?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AwsError {}

/// Turns "does not exist" into `None`.
pub trait Optional<T> {
    /// # Errors
    /// All other errors.
    fn optional(self) -> Result<Option<T>, AwsError>;
}

impl<T> Optional<T> for Result<T, AwsError> {
    fn optional(self) -> Result<Option<T>, AwsError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
