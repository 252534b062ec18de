//! The SageMaker endpoint: what is sent to it, and what its answers mean.

use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::primitives::Blob;
use serde_json::Value;

use crate::failure::Failure;
use crate::picture::causes;

/// How far from 1 the probabilities may sum: models answer rounded 32-bit numbers.
pub const SUM_TOLERANCE: f64 = 0.02;

/// What the endpoint said about a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The probabilities of bicycle and motorcycle.
    pub inferences: [f64; 2],
    /// The production variant that answered.
    pub variant: String,
}

/// The endpoint's name from the text of the environment variable `ENDPOINT`.
pub fn name(variable: Option<&str>) -> Result<&str, Failure> {
    variable
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::ConfigurationError("ENDPOINT is not set: set it to the name of the SageMaker endpoint".into()))
}

/// Sends the picture, and checks the answer.
pub async fn classify(runtime: &Client, endpoint: &str, content_type: &str, bytes: Vec<u8>) -> Result<Verdict, Failure> {
    let answer = runtime
        .invoke_endpoint()
        .endpoint_name(endpoint)
        .content_type(content_type)
        .accept("application/json")
        .body(Blob::new(bytes))
        .send()
        .await
        .map_err(|error| explain(&error, endpoint))?;
    let inferences = inferences(answer.body().map_or(&[], |body| body.as_ref()))?;
    Ok(Verdict { inferences, variant: answer.invoked_production_variant().unwrap_or_default().to_owned() })
}

/// The two probabilities in the answer's body.
pub fn inferences(body: &[u8]) -> Result<[f64; 2], Failure> {
    // What the model said is told by its shape only: a model may echo its input.
    let wrong = |what: &str| {
        Failure::InvalidInference(format!(
            "the endpoint answered {what} in place of two probabilities [bicycle, motorcycle]: \
             check that the model was trained on two classes and honours Accept: application/json"
        ))
    };
    let answer: Value = serde_json::from_slice(body).map_err(|_| wrong("no JSON"))?;
    let list = answer.as_array().ok_or_else(|| wrong("no list"))?;
    let [first, second] = list.as_slice() else {
        return Err(wrong(&format!("{} values", list.len())));
    };
    let (Some(bicycle), Some(motorcycle)) = (first.as_f64(), second.as_f64()) else {
        return Err(wrong("something else than numbers"));
    };
    // A NaN or an infinity is in no range, so it is refused too.
    if ![bicycle, motorcycle].iter().all(|number| (0.0..=1.0).contains(number)) {
        return Err(wrong("numbers outside 0 to 1"));
    }
    // The tolerance must not fail by the rounding of the sum itself.
    if (bicycle + motorcycle - 1.0).abs() > SUM_TOLERANCE + 1e-9 {
        return Err(wrong("numbers that do not sum to 1"));
    }
    Ok([bicycle, motorcycle])
}

fn explain(error: &SdkError<InvokeEndpointError>, endpoint: &str) -> Failure {
    match error {
        SdkError::ServiceError(answer) => refusal(answer.raw().status().as_u16(), answer.err(), endpoint),
        SdkError::ConstructionFailure(_) => Failure::ConfigurationError(format!(
            "endpoint {endpoint} cannot be asked ({}): check ENDPOINT and the region",
            causes(error)
        )),
        _ => Failure::EndpointUnavailable(format!("endpoint {endpoint} did not answer ({}): try again", causes(error))),
    }
}

/// What an error of SageMaker means for the caller.
fn refusal(status: u16, error: &InvokeEndpointError, endpoint: &str) -> Failure {
    let code = error.code().unwrap_or_default();
    // SageMaker's text names the endpoint; it is cut short lest it ever quotes a request.
    let text: String = error.message().unwrap_or_default().chars().take(200).collect();
    match error {
        // Its message quotes the container's answer, which may quote the picture: the log is the place to read it.
        InvokeEndpointError::ModelError(model) => Failure::ModelFailed(format!(
            "the model behind endpoint {endpoint} answered {}: read its log {}",
            model.original_status_code().map_or("an error".into(), |status| status.to_string()),
            model.log_stream_arn().unwrap_or("under /aws/sagemaker/Endpoints/ in CloudWatch"),
        )),
        InvokeEndpointError::ValidationError(_) if is_absence(&text) => Failure::EndpointUnavailable(format!(
            "endpoint {endpoint} is not in service ({text}): wait for its deployment, or correct ENDPOINT"
        )),
        InvokeEndpointError::ServiceUnavailable(_)
        | InvokeEndpointError::InternalFailure(_)
        | InvokeEndpointError::InternalDependencyException(_)
        | InvokeEndpointError::ModelNotReadyException(_) => {
            Failure::EndpointUnavailable(format!("endpoint {endpoint} has no answer now ({code}): try again"))
        }
        _ if status == 429 || status >= 500 || is_throttle(code) => {
            Failure::EndpointUnavailable(format!("endpoint {endpoint} has no answer now ({status} {code}): try again"))
        }
        _ if status == 403 => Failure::ConfigurationError(format!(
            "the function may not ask endpoint {endpoint} ({code}): grant sagemaker:InvokeEndpoint on it to the function's role"
        )),
        _ => Failure::ConfigurationError(format!("SageMaker refuses the request to endpoint {endpoint} ({code}): {text}")),
    }
}

/// SageMaker answers for a missing endpoint, and for one that is still being made, that it was not found.
fn is_absence(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["not found", "could not find", "not in service"].iter().any(|words| text.contains(words))
}

fn is_throttle(code: &str) -> bool {
    code.starts_with("Throttl") || ["TooManyRequestsException", "RequestLimitExceeded"].contains(&code)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemakerruntime::error::ErrorMetadata;
    use aws_sdk_sagemakerruntime::types::error::{
        InternalFailure, ModelError, ModelNotReadyException, ServiceUnavailable, ValidationError,
    };

    use super::*;

    fn generic(code: &str) -> InvokeEndpointError {
        InvokeEndpointError::generic(ErrorMetadata::builder().code(code).message("no").build())
    }

    fn invalid(message: &str) -> InvokeEndpointError {
        let meta = ErrorMetadata::builder().code("ValidationError").message(message).build();
        InvokeEndpointError::ValidationError(ValidationError::builder().message(message).meta(meta).build())
    }

    #[test]
    fn two_probabilities_pass() {
        assert_eq!(inferences(b"[0.91, 0.09]"), Ok([0.91, 0.09]));
        assert_eq!(inferences(b"[0.9999999403953552, 4.5e-8]"), Ok([0.9999999403953552, 4.5e-8]));
        assert_eq!(inferences(b"[1, 0]"), Ok([1.0, 0.0]));
        assert_eq!(inferences(b"[0.92, 0.1]"), Ok([0.92, 0.1]));
        assert_eq!(inferences(b"[0.9, 0.08]"), Ok([0.9, 0.08]));
    }

    #[test]
    fn anything_else_is_an_invalid_inference() {
        for body in [
            "",
            "nonsense",
            "{}",
            "[]",
            "[1.0]",
            "[0.5, 0.3, 0.2]",
            "[[0.9, 0.1]]",
            "[NaN, 1.0]",
            "[1e999, 0]",
            "[null, 1]",
            "[\"0.9\", \"0.1\"]",
            "[1.1, -0.1]",
            "[0.9, 0.9]",
            "[0.5, 0.47]",
            "\"[0.9, 0.1]\"",
            "[0.9, 0.1] [0.9, 0.1]",
        ] {
            let failure = inferences(body.as_bytes()).unwrap_err();
            assert_eq!(failure.error_type(), "InvalidInference", "{body}");
            assert!(!failure.to_string().contains("nonsense"));
        }
    }

    /// A bug of public copies: the endpoint's name is in the code, where every deployment of an endpoint breaks it.
    #[test]
    fn bug_endpoint_name_is_hard_coded() {
        assert_eq!(name(Some("classifier")), Ok("classifier"));
        for missing in [None, Some(""), Some(" ")] {
            assert_eq!(name(missing).unwrap_err().error_type(), "ConfigurationError");
        }
    }

    #[test]
    fn a_missing_or_busy_endpoint_is_worth_a_retry() {
        let meta = || ErrorMetadata::builder().code("x").build();
        for (status, error) in [
            (400, invalid("Endpoint classifier of account 123456789012 not found.")),
            (400, invalid("Could not find endpoint classifier")),
            (503, InvokeEndpointError::ServiceUnavailable(ServiceUnavailable::builder().meta(meta()).build())),
            (500, InvokeEndpointError::InternalFailure(InternalFailure::builder().meta(meta()).build())),
            (429, InvokeEndpointError::ModelNotReadyException(ModelNotReadyException::builder().meta(meta()).build())),
            (400, generic("ThrottlingException")),
            (429, generic("")),
            (502, generic("")),
        ] {
            assert_eq!(refusal(status, &error, "classifier").error_type(), "EndpointUnavailable", "{status} {error:?}");
        }
        let slow = SdkError::timeout_error("too slow");
        assert_eq!(explain(&slow, "classifier").error_type(), "EndpointUnavailable");
    }

    #[test]
    fn what_no_retry_helps_is_a_configuration_error() {
        for (status, error) in [
            (400, invalid("1 validation error detected: Value at 'body' failed to satisfy constraint")),
            (403, generic("AccessDeniedException")),
            (403, generic("ExpiredTokenException")),
            (400, generic("SomethingNew")),
        ] {
            assert_eq!(refusal(status, &error, "classifier").error_type(), "ConfigurationError", "{status} {error:?}");
        }
    }

    #[test]
    fn a_failed_model_is_told_without_its_words() {
        let model = ModelError::builder()
            .original_status_code(500)
            .original_message("cannot decode iVBORw0KGgo=")
            .log_stream_arn("arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/classifier")
            .message("Received server error (500) from primary with message \"cannot decode iVBORw0KGgo=\"")
            .build();
        let failure = refusal(424, &InvokeEndpointError::ModelError(model), "classifier");
        assert_eq!(failure.error_type(), "ModelFailed");
        let text = failure.to_string();
        assert!(text.contains("500") && text.contains("arn:aws:logs:") && !text.contains("iVBORw0KGgo"), "{text}");
    }
}
