//! Clients for AWS: one connection, one way to send a request, one form of error.

pub mod arn;
pub mod bootstrap;
mod clock;
mod error;
mod limits;
mod listings;
mod retry;
pub mod tags;
mod throttles;
pub mod waiting;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub use error::{AwsError, Optional};

use crate::kind::World;

/// A connection to one account and region.
#[derive(Clone)]
pub struct Aws {
    pub world: World,
    pub caller: String,
    limits: Arc<limits::Limits>,
    throttles: throttles::Throttles,
    clock: clock::Clock,
    /// What was listed already, during one look at what exists.
    listings: Option<listings::Listings>,
    cloudformation: aws_sdk_cloudformation::Client,
    cloudtrail: aws_sdk_cloudtrail::Client,
    cloudtrail_global: aws_sdk_cloudtrail::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    eventbridge: aws_sdk_eventbridge::Client,
    iam: aws_sdk_iam::Client,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    s3: aws_sdk_s3::Client,
    sagemaker: aws_sdk_sagemaker::Client,
    sagemaker_runtime: aws_sdk_sagemakerruntime::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    scheduler: aws_sdk_scheduler::Client,
    sns: aws_sdk_sns::Client,
    states: aws_sdk_sfn::Client,
    tagging: aws_sdk_resourcegroupstagging::Client,
}

/// Credentials and their account, before it is known whether they are the right ones.
pub struct Session {
    config: SdkConfig,
    pub account: String,
    pub caller: String,
}

impl Session {
    /// Loads credentials the way all AWS tools do, assumes a role if one is named, and asks whose they are.
    ///
    /// # Errors
    /// No credentials, expired ones, or a role that may not be assumed.
    pub async fn open(region: &str, assume_role: Option<&str>) -> Result<Self, AwsError> {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(60))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(http)
            // Adaptive mode was measured at half a minute for two throttles; `limits` keeps below the rates instead.
            .retry_config(RetryConfig::standard().with_max_attempts(8))
            .timeout_config(timeouts);
        // The standard variable wins, so that a CI job can be told apart in CloudTrail.
        if std::env::var_os("AWS_SDK_UA_APP_ID").is_none()
            && let Ok(name) = AppName::new("scones")
        {
            loader = loader.app_name(name);
        }
        let mut config = loader.load().await;
        if let Some(role) = assume_role {
            let provider =
                aws_config::sts::AssumeRoleProvider::builder(role).session_name("scones").configure(&config).build().await;
            let provider = aws_sdk_sts::config::SharedCredentialsProvider::new(provider);
            config = config.into_builder().credentials_provider(provider).build();
        }
        let request = aws_sdk_sts::Client::new(&config).get_caller_identity();
        let identity = request.send().await.map_err(|error| AwsError::from_sdk("sts:GetCallerIdentity", "", error))?;
        Ok(Self { account: identity.account.unwrap_or_default(), caller: identity.arn.unwrap_or_default(), config })
    }

    /// Makes the clients.
    pub fn connect(self, world: World) -> Aws {
        let config = &self.config;
        // An endpoint of one's own is an emulator: it has no virtual hosts per bucket, and no request rates.
        let emulated = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"].iter().any(|name| std::env::var_os(name).is_some());
        let throttles = throttles::Throttles::default();
        let clock = clock::Clock::default();
        macro_rules! client {
            ($service:ident $(, $setting:ident($value:expr))*) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(config).interceptor(throttles.clone())$(.$setting($value))*.build(),
                )
            };
        }
        let global = world.global_region();
        Aws {
            world,
            caller: self.caller,
            limits: Arc::new(limits::Limits::new(!emulated)),
            throttles: throttles.clone(),
            clock: clock.clone(),
            listings: None,
            cloudformation: client!(aws_sdk_cloudformation),
            cloudtrail: client!(aws_sdk_cloudtrail),
            cloudtrail_global: client!(aws_sdk_cloudtrail, region(Region::new(global))),
            cloudwatch: client!(aws_sdk_cloudwatch),
            eventbridge: client!(aws_sdk_eventbridge),
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            logs: client!(aws_sdk_cloudwatchlogs),
            s3: client!(aws_sdk_s3, force_path_style(emulated), interceptor(clock.clone())),
            sagemaker: client!(aws_sdk_sagemaker),
            sagemaker_runtime: client!(aws_sdk_sagemakerruntime),
            scaling: client!(aws_sdk_applicationautoscaling),
            scheduler: client!(aws_sdk_scheduler),
            sns: client!(aws_sdk_sns),
            states: client!(aws_sdk_sfn),
            tagging: client!(aws_sdk_resourcegroupstagging),
        }
    }
}

impl Aws {
    /// Sends one request, not faster than AWS lets that API be called.
    ///
    /// `operation` is the action as IAM names it, `resource` what it is about, for the error.
    ///
    /// # Errors
    /// Whatever AWS answers once the SDK's own retries are used up.
    pub async fn call<O, E>(
        &self,
        operation: &'static str,
        resource: &str,
        request: impl Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    ) -> Result<O, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.limits.wait(operation).await;
        request.await.map_err(|error| AwsError::from_sdk(operation, resource, error))
    }

    /// The same connection for one look at the environment as a whole, in which no listing is sent twice. Whoever writes must
    /// not look through it: it would see what was there before.
    #[must_use]
    pub fn for_one_look(&self) -> Self {
        Self { listings: Some(listings::Listings::default()), ..self.clone() }
    }

    /// Whether the environment is looked at as a whole: all that bears its prefix is listed anyway.
    pub fn looks_at_all(&self) -> bool {
        self.listings.is_some()
    }

    /// A listing that others may ask for as well: during one look at the whole it is sent once.
    ///
    /// # Errors
    /// Whatever `list` answers.
    pub async fn listing<T: Clone + Send + Sync + 'static>(
        &self,
        operation: &'static str,
        text: &str,
        list: impl Future<Output = Result<T, AwsError>> + Send,
    ) -> Result<T, AwsError> {
        match &self.listings {
            Some(listings) => listings.once(operation, text, list).await,
            None => list.await,
        }
    }

    /// Has a listing sent again by whoever asks next: what it tells has changed.
    pub fn outdated(&self, operation: &'static str, text: &str) {
        if let Some(listings) = &self.listings {
            listings.forget(operation, text);
        }
    }

    /// How many requests AWS has throttled so far; the SDK sent them again.
    pub fn throttled(&self) -> usize {
        self.throttles.count()
    }

    /// The time by S3's clock once it has answered anything, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub fn cloudformation(&self) -> &aws_sdk_cloudformation::Client {
        &self.cloudformation
    }
    /// CloudTrail here, or where the events of services without a region are, such as IAM's.
    pub fn cloudtrail(&self, global: bool) -> &aws_sdk_cloudtrail::Client {
        if global { &self.cloudtrail_global } else { &self.cloudtrail }
    }
    pub fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        &self.cloudwatch
    }
    pub fn eventbridge(&self) -> &aws_sdk_eventbridge::Client {
        &self.eventbridge
    }
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        &self.iam
    }
    pub fn lambda(&self) -> &aws_sdk_lambda::Client {
        &self.lambda
    }
    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        &self.logs
    }
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }
    pub fn sagemaker(&self) -> &aws_sdk_sagemaker::Client {
        &self.sagemaker
    }
    pub fn sagemaker_runtime(&self) -> &aws_sdk_sagemakerruntime::Client {
        &self.sagemaker_runtime
    }
    pub fn scaling(&self) -> &aws_sdk_applicationautoscaling::Client {
        &self.scaling
    }
    pub fn scheduler(&self) -> &aws_sdk_scheduler::Client {
        &self.scheduler
    }
    pub fn sns(&self) -> &aws_sdk_sns::Client {
        &self.sns
    }
    pub fn states(&self) -> &aws_sdk_sfn::Client {
        &self.states
    }
    pub fn tagging(&self) -> &aws_sdk_resourcegroupstagging::Client {
        &self.tagging
    }
}
