//! A function that a schedule runs: it compares what an endpoint saw and answered with the baseline.

use std::time::{Duration, Instant, SystemTime};

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::Builder;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use drift_monitor::aws::Aws;
use drift_monitor::failure::Failure;
use drift_monitor::handler;
use drift_monitor::reading::Limits;

/// Kept back from the function's timeout to answer with a name: Lambda's own end of a function has none to catch.
const MARGIN: Duration = Duration::from_millis(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let https = aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(https).load().await;
    // Emulators on loopback cannot serve a host name per bucket.
    let overridden = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().any(|name| std::env::var_os(name).is_some());
    let s3 = aws_sdk_s3::Client::from_conf(Builder::from(&config).force_path_style(overridden).build());
    let aws = Aws { s3, cloudwatch: aws_sdk_cloudwatch::Client::new(&config) };

    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (payload, context) = event.into_parts();
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        // A fifth of the time is for reports and metrics: rather a sample than nothing.
        let limits = Limits { until: Instant::now().checked_add(left * 4 / 5), ..Limits::default() };
        tokio::time::timeout(left.saturating_sub(MARGIN), handler::handle(&aws, payload, Timestamp::now(), limits))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::ServiceUnavailable(
                    "S3 or CloudWatch did not answer within the function's timeout: try again, or raise `timeout`".into(),
                ))
            })
            .inspect_err(|failure| failure.log(&context.request_id))
    }))
    .await
}
