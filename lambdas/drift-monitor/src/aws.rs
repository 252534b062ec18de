//! S3 and CloudWatch, and what their errors mean.

use std::error::Error;
use std::ops::ControlFlow;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;

use crate::event::Event;
use crate::failure::Failure;
use crate::handler::{Cloud, File};
use crate::metrics::{Metric, Unit};
use crate::s3uri::S3Uri;

/// The services, for real.
#[derive(Debug, Clone)]
pub struct Aws {
    /// For captures, baselines and reports.
    pub s3: aws_sdk_s3::Client,
    /// For metrics.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
}

impl Cloud for Aws {
    async fn list(&self, prefix: &S3Uri, most: usize) -> Result<Vec<File>, Failure> {
        let request = self.s3.list_objects_v2().bucket(&prefix.bucket).prefix(&prefix.key);
        let mut pages = request.into_paginator().send();
        let mut files = vec![];
        while files.len() < most
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| explain(&error, prefix, "s3:ListBucket"))?;
            let found = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                let written = object.last_modified.and_then(|time| Timestamp::from_second(time.secs()).ok());
                Some(File { address: S3Uri { bucket: prefix.bucket.clone(), key: object.key? }, written })
            });
            files.extend(found);
        }
        files.truncate(most);
        Ok(files)
    }

    async fn read(&self, file: &S3Uri, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<bool, Failure> {
        let mut body = match self.s3.get_object().bucket(&file.bucket).key(&file.key).send().await {
            Ok(object) => object.body,
            Err(SdkError::ServiceError(answer)) if answer.err().code() == Some("NoSuchKey") => return Ok(false),
            Err(error) => return Err(explain(&error, file, "s3:GetObject")),
        };
        loop {
            match body.try_next().await {
                Ok(Some(chunk)) if take(&chunk).is_break() => return Ok(true),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(true),
                Err(error) => {
                    return Err(Failure::ServiceUnavailable(format!("S3 stopped sending {file}: {}; try again", causes(&error))));
                }
            }
        }
    }

    async fn write(&self, file: &S3Uri, content_type: &str, text: String) -> Result<(), Failure> {
        let body = ByteStream::from(text.into_bytes());
        let request = self.s3.put_object().bucket(&file.bucket).key(&file.key).content_type(content_type).body(body);
        request.send().await.map(drop).map_err(|error| explain(&error, file, "s3:PutObject"))
    }

    async fn publish(&self, event: &Event, metrics: &[Metric]) -> Result<(), Failure> {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        // The time of the window, not of its publishing: what is made up for later lands where it belongs.
        let time = aws_sdk_cloudwatch::primitives::DateTime::from_secs(event.window.end.as_second());
        let data = metrics.iter().map(|metric| {
            MetricDatum::builder()
                .metric_name(&metric.name)
                .dimensions(dimension("Endpoint", &event.endpoint))
                .dimensions(dimension("Monitor", &event.monitor))
                .timestamp(time)
                .value(metric.value)
                .unit(match metric.unit {
                    Unit::Count => StandardUnit::Count,
                    Unit::None => StandardUnit::None,
                })
                .build()
        });
        // A request takes 1000 metrics, and 100 classes do not come near.
        let request = self.cloudwatch.put_metric_data().namespace(&event.namespace).set_metric_data(Some(data.collect()));
        let what = format!("the namespace {}", event.namespace);
        request.send().await.map(drop).map_err(|error| explain(&error, &what, "cloudwatch:PutMetricData"))
    }
}

/// What a failed request means for the caller; `action` is the permission that it needs.
fn explain<E>(error: &SdkError<E>, what: &impl std::fmt::Display, action: &str) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let service = if action.starts_with("s3:") { "S3" } else { "CloudWatch" };
    match error {
        SdkError::ServiceError(answer) => {
            let text = answer.err().message().unwrap_or_default();
            refusal(answer.raw().status().as_u16(), answer.err().code().unwrap_or_default(), text, what, action)
        }
        SdkError::ConstructionFailure(_) => Failure::ConfigurationError(format!(
            "{service} cannot be asked for {what} ({}): check the event, the region and the function's role",
            causes(error)
        )),
        _ => Failure::ServiceUnavailable(format!("{service} did not answer for {what} ({}): try again", causes(error))),
    }
}

/// What an error of a service means.
fn refusal(status: u16, code: &str, text: &str, what: &impl std::fmt::Display, action: &str) -> Failure {
    match (status, code) {
        (_, "InvalidObjectState") => Failure::AccessDenied(format!(
            "{what} is archived: keep captures and baselines in S3 Standard for as long as they are read"
        )),
        // These come with status 400 or 403, yet no grant helps.
        (
            _,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidToken"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed",
        ) => Failure::ConfigurationError(format!("the function's credentials are refused ({code}): check its role")),
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed") => Failure::ConfigurationError(format!(
            "{what} is in another region than the function: use a bucket of the function's region"
        )),
        // Checked before the statuses: some of these come with 400.
        (429 | 500.., _) | (_, "SlowDown" | "RequestTimeout" | "InternalError" | "ServiceUnavailable" | "Throttling") => {
            Failure::ServiceUnavailable(format!("there is no answer for {what} now ({status} {code}): try again"))
        }
        (_, code) if code.starts_with("Throttl") || code.starts_with("TooManyRequests") => {
            Failure::ServiceUnavailable(format!("there is no answer for {what} now ({status} {code}): try again"))
        }
        (404, _) => Failure::ConfigurationError(format!(
            "{what} is in a bucket that does not exist: correct the event, or make the bucket"
        )),
        (403, _) | (_, "AccessDenied" | "AccessDeniedException") => Failure::AccessDenied(match action {
            "s3:GetObject" => format!(
                "the function may not read {what}: grant {action} on it, kms:Decrypt if it is encrypted with a key of your own, \
                 and s3:ListBucket on the bucket (without it a missing key is answered like this too)"
            ),
            _ => format!("the function may not use {what}: grant {action} on it"),
        }),
        _ => {
            let text: String = text.chars().take(200).collect();
            Failure::ConfigurationError(format!("{what} is refused ({status} {code}): {text}"))
        }
    }
}

/// An error with all that caused it, without the bodies that its debug form would show.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::get_object::GetObjectError;

    use super::*;

    fn uri() -> S3Uri {
        S3Uri::read("s3://bucket/evidence/baseline.json").unwrap()
    }

    #[test]
    fn every_answer_has_a_name() {
        for (status, code, name) in [
            (404, "NoSuchBucket", "ConfigurationError"),
            (403, "AccessDenied", "AccessDenied"),
            (400, "AccessDeniedException", "AccessDenied"),
            (403, "InvalidObjectState", "AccessDenied"),
            (403, "SignatureDoesNotMatch", "ConfigurationError"),
            (400, "ExpiredToken", "ConfigurationError"),
            (301, "PermanentRedirect", "ConfigurationError"),
            (400, "AuthorizationHeaderMalformed", "ConfigurationError"),
            (503, "SlowDown", "ServiceUnavailable"),
            (400, "RequestTimeout", "ServiceUnavailable"),
            (400, "ThrottlingException", "ServiceUnavailable"),
            (500, "InternalServiceFault", "ServiceUnavailable"),
            (429, "", "ServiceUnavailable"),
            (400, "InvalidParameterValue", "ConfigurationError"),
        ] {
            assert_eq!(refusal(status, code, "", &uri(), "s3:GetObject").error_type(), name, "{status} {code}");
        }
    }

    #[test]
    fn a_denial_names_what_to_grant() {
        let text = refusal(403, "AccessDenied", "", &uri(), "s3:GetObject").to_string();
        assert!(text.contains("s3://bucket/evidence/baseline.json") && text.contains("s3:ListBucket"), "{text}");
        let text = refusal(403, "AccessDenied", "", &"the namespace Scones/Model", "cloudwatch:PutMetricData").to_string();
        assert!(text.contains("the namespace Scones/Model") && text.contains("cloudwatch:PutMetricData"), "{text}");
    }

    #[test]
    fn what_was_never_sent_or_never_answered() {
        let error: SdkError<GetObjectError> = SdkError::construction_failure("no region");
        assert_eq!(explain(&error, &uri(), "s3:GetObject").error_type(), "ConfigurationError");
        let error: SdkError<GetObjectError> = SdkError::timeout_error("too slow");
        assert_eq!(explain(&error, &uri(), "s3:GetObject").error_type(), "ServiceUnavailable");
    }
}
