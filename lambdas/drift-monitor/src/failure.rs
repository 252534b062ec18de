//! What can go wrong, under the names that a caller's `Catch` and `Retry` know.

/// A failure of this function. The variant's name is the `errorType` that a caller matches;
/// the text says what to do about it, and never holds picture data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The event lacks a field, has one too many, or a field is wrong.
    #[error("{0}")]
    InvalidInput(String),
    /// There is no such baseline.
    #[error("{0}")]
    BaselineNotFound(String),
    /// There is one, but it is none, or one of other classes.
    #[error("{0}")]
    BaselineInvalid(String),
    /// The function's role may not read or write what it must.
    #[error("{0}")]
    AccessDenied(String),
    /// A service does not answer at the moment. Worth a retry.
    #[error("{0}")]
    ServiceUnavailable(String),
    /// Something else is set up wrongly, such as a bucket that does not exist: no retry helps.
    #[error("{0}")]
    ConfigurationError(String),
}

impl Failure {
    /// The name that a `Catch` or `Retry` matches.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "InvalidInput",
            Self::BaselineNotFound(_) => "BaselineNotFound",
            Self::BaselineInvalid(_) => "BaselineInvalid",
            Self::AccessDenied(_) => "AccessDenied",
            Self::ServiceUnavailable(_) => "ServiceUnavailable",
            Self::ConfigurationError(_) => "ConfigurationError",
        }
    }

    /// Writes one JSON line to the log, for metric filters: the runtime logs no failures by itself.
    pub fn log(&self, request_id: &str) {
        let line = serde_json::json!({
            "level": "ERROR",
            "requestId": request_id,
            "errorType": self.error_type(),
            "errorMessage": self.to_string(),
        });
        eprintln!("{line}");
    }
}

// Without this the runtime would use the Rust type's path as the error's name, which no `Catch` can rely on.
#[cfg(feature = "function")]
impl From<Failure> for lambda_runtime::Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type().into(), error_message: failure.to_string() }
    }
}
