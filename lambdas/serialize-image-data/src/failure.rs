//! What can go wrong, under the names that the workflow's `Catch` and `Retry` know.

use lambda_runtime::Diagnostic;
use serde_json::json;

/// A failure of this function. The variant's name is the `errorType` that Step Functions matches;
/// the text says what to do about it, and never holds picture data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The event lacks a field, or a field has the wrong type.
    #[error("{0}")]
    InvalidInput(String),
    /// S3 has no such picture.
    #[error("{0}")]
    ImageNotFound(String),
    /// S3 has it, or hides that it has not, but the function's role may not read it.
    #[error("{0}")]
    ImageAccessDenied(String),
    /// It is neither PNG nor JPEG.
    #[error("{0}")]
    UnsupportedImage(String),
    /// It is larger than an endpoint accepts.
    #[error("{0}")]
    ImageTooLarge(String),
    /// A service does not answer at the moment. Worth a retry.
    #[error("{0}")]
    EndpointUnavailable(String),
    /// The function is set up wrongly: no retry and no other picture helps.
    #[error("{0}")]
    ConfigurationError(String),
}

impl Failure {
    /// The name that a `Catch` or `Retry` matches.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "InvalidInput",
            Self::ImageNotFound(_) => "ImageNotFound",
            Self::ImageAccessDenied(_) => "ImageAccessDenied",
            Self::UnsupportedImage(_) => "UnsupportedImage",
            Self::ImageTooLarge(_) => "ImageTooLarge",
            Self::EndpointUnavailable(_) => "EndpointUnavailable",
            Self::ConfigurationError(_) => "ConfigurationError",
        }
    }

    /// Writes one JSON line to the log, for metric filters: the runtime logs no failures by itself.
    pub fn log(&self, request_id: &str) {
        let line = json!({
            "level": "ERROR",
            "requestId": request_id,
            "errorType": self.error_type(),
            "errorMessage": self.to_string(),
        });
        eprintln!("{line}");
    }
}

// Without this the runtime would use the Rust type's path as the error's name, which no `Catch` can rely on.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type().into(), error_message: failure.to_string() }
    }
}
