//! What can go wrong, under the names that the workflow's `Catch` knows.

use lambda_runtime::Diagnostic;
use serde_json::json;

/// A failure of this function. The variant's name is the `errorType` that Step Functions matches;
/// the text says what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The event is not what `image-classification` answers.
    #[error("{0}")]
    InvalidInput(String),
    /// A business end rather than a fault: the model is not sure enough.
    #[error(
        "the best confidence, {confidence} for {label}, is below the threshold {threshold}: \
         let a person look at the picture, or lower THRESHOLD"
    )]
    ThresholdNotMet {
        /// The likelier class.
        label: &'static str,
        /// Its probability.
        confidence: f64,
        /// What `THRESHOLD` asks for.
        threshold: f64,
    },
    /// The function is set up wrongly: no retry and no other picture helps.
    #[error("{0}")]
    ConfigurationError(String),
}

impl Failure {
    /// The name that a `Catch` matches.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "InvalidInput",
            Self::ThresholdNotMet { .. } => "ThresholdNotMet",
            Self::ConfigurationError(_) => "ConfigurationError",
        }
    }

    /// Writes one JSON line to the log, for metric filters: the runtime logs no failures by itself.
    pub fn log(&self, request_id: &str) {
        // Pictures below the threshold are everyday business, and must not look like errors in the log.
        let level = if matches!(self, Self::ThresholdNotMet { .. }) { "INFO" } else { "ERROR" };
        let line = json!({
            "level": level,
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
