//! The second function of the classify workflow: asks the SageMaker endpoint what a picture shows.

#[cfg(test)]
mod contract;
mod endpoint;
mod failure;
mod handler;
mod picture;

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::Builder;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use failure::Failure;

/// Kept back from the function's timeout to answer with a name: Lambda's own end of a function has none to catch.
const MARGIN: Duration = Duration::from_millis(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let https = aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(https).load().await;
    // Emulators on loopback cannot serve a host name per bucket.
    let overridden = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().any(|name| std::env::var_os(name).is_some());
    let s3 = aws_sdk_s3::Client::from_conf(Builder::from(&config).force_path_style(overridden).build());
    let runtime = aws_sdk_sagemakerruntime::Client::new(&config);

    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (payload, context) = event.into_parts();
        let endpoint = std::env::var("ENDPOINT").ok();
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let answer = handler::handle(&s3, &runtime, payload, endpoint.as_deref());
        tokio::time::timeout(left.saturating_sub(MARGIN), answer)
            .await
            .unwrap_or_else(|_| {
                Err(Failure::EndpointUnavailable(
                    "the endpoint did not answer within the function's timeout: try again, raise `timeout`, \
                     or look at the endpoint's ModelLatency"
                        .into(),
                ))
            })
            .inspect_err(|failure| failure.log(&context.request_id))
    }))
    .await
}
