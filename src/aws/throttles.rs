//! How often AWS said that it was asked too fast. The SDK waits and asks again; this only counts, so that people are told
//! why a command took its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Words of the codes that services throttle with, most of them with status 400.
///
/// Source: the SDKs' list of throttling codes, and the services' own pages of errors.
const WORDS: [&str; 6] =
    ["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "BandwidthLimitExceeded", "PriorRequestNotComplete"];

/// A count that all clients share.
#[derive(Clone, Debug, Default)]
pub struct Throttles(Arc<AtomicUsize>);

impl Throttles {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether an answer says that requests come too fast.
    fn is_throttle(status: u16, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body);
        status == 429 || (status >= 400 && WORDS.iter().any(|word| text.contains(word)))
    }
}

impl Intercept for Throttles {
    fn name(&self) -> &'static str {
        "Throttles"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // The body of an error was read to tell what it is; that of a download streams, and is none.
        let body = response.body().bytes().unwrap_or_default();
        if context.output_or_error().is_err() && Self::is_throttle(response.status().as_u16(), body) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttles_are_told_from_other_errors() {
        for (status, body) in [
            (429, ""),
            (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#),
            (503, "<Error><Code>SlowDown</Code></Error>"),
            (400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
        ] {
            assert!(Throttles::is_throttle(status, body.as_bytes()), "{status} {body}");
        }
        for (status, body) in
            [(400, r#"{"__type":"ValidationException"}"#), (500, ""), (403, "AccessDenied"), (200, r#"{"alarm":"Throttles"}"#)]
        {
            assert!(!Throttles::is_throttle(status, body.as_bytes()), "{status} {body}");
        }
    }
}
