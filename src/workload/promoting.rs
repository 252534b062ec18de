//! Reads what a promotion is judged by, and where what it pins comes from.

mod facts;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, HistoryItemType, ScanBy};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_sagemaker::types::ModelApprovalStatus;
use futures::future::try_join_all;
use serde_json::Value;

pub use facts::{Source, facts};

use super::evaluation::Evaluation;
use super::picture::Place;
use crate::artifact::{Artifact, plain_etag};
use crate::aws::{Aws, AwsError, Optional as _, bootstrap};
use crate::promote::{Origin, Runs};

const HISTORY: &str = "cloudwatch:DescribeAlarmHistory";
const GET: &str = "s3:GetObject";
/// The key of a copy's metadata that holds the ETag of what it was made of.
pub const MADE_OF: &str = "made-of";

/// When an alarm was last in the state ALARM since a time, in seconds since 1970, if it was.
///
/// Its state itself is not asked: this is for alarms that are in another one now.
///
/// # Errors
/// What CloudWatch answers.
pub async fn rang(aws: &Aws, alarm: &str, since: i64) -> Result<Option<i64>, AwsError> {
    let mut next = None;
    loop {
        let request = aws
            .cloudwatch()
            .describe_alarm_history()
            .alarm_name(alarm)
            // Without the types those of composite alarms are left out.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .start_date(DateTime::from_secs(since))
            .end_date(DateTime::from(std::time::SystemTime::now()))
            .scan_by(ScanBy::TimestampDescending)
            .max_records(100)
            .set_next_token(next);
        let answer = aws.call(HISTORY, alarm, request.send()).await?;
        for item in answer.alarm_history_items() {
            let data: Value = serde_json::from_str(item.history_data().unwrap_or_default()).unwrap_or_default();
            let rings = |side: &str| data.pointer(&format!("/{side}/stateValue")).is_some_and(|state| state == "ALARM");
            // The older state too: an alarm that ends to ring within the time rang at its beginning.
            if rings("oldState") || rings("newState") {
                return Ok(Some(item.timestamp().map_or(since, DateTime::secs)));
            }
        }
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}

/// The newest evaluation that was kept of an endpoint with a model of this digest.
///
/// # Errors
/// What S3 answers, and a kept evaluation that was changed since.
pub async fn newest_evaluation(aws: &Aws, endpoint: &str, digest: &str) -> Result<Option<Evaluation>, AwsError> {
    let world = &aws.world;
    let bucket = world.bootstrap_bucket();
    let folder = evidence(&world.app, &world.environment, endpoint, digest);
    let mut keys = vec![];
    let mut next = None;
    loop {
        let request = aws.s3().list_objects_v2().bucket(&bucket).prefix(format!("{folder}/")).set_continuation_token(next);
        let answer = aws.call("s3:ListBucket", &bucket, request.send()).await?;
        let found = answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
        keys.extend(found.filter(|key| key.ends_with(".json")));
        next = answer.next_continuation_token;
        if next.is_none() {
            break;
        }
    }
    // Their names are times.
    let Some(key) = keys.into_iter().max() else { return Ok(None) };
    let place = format!("{bucket}/{key}");
    let text = bootstrap::read(aws, &key).await?.unwrap_or_default();
    let evaluation = Evaluation::parse(&String::from_utf8_lossy(&text))
        .map_err(|error| AwsError::unexpected(GET, &place, error.to_string()))?;
    let about = &evaluation.context;
    let fits = about.app == world.app
        && about.environment == world.environment
        && about.endpoint == endpoint
        && about.model_digest == digest;
    match fits {
        true => Ok(Some(evaluation)),
        false => Err(AwsError::unexpected(GET, &place, "it speaks of another model than its place says")),
    }
}

/// The folder of the bootstrap bucket that keeps the evaluations of an endpoint with a model.
pub fn evidence(app: &str, environment: &str, endpoint: &str, digest: &str) -> String {
    let model: String = digest.trim_start_matches("sha256:").chars().take(16).collect();
    format!("evidence/{app}/{environment}/{endpoint}/{model}")
}

/// Finds out where the artifact of a model comes from, and what runs it.
///
/// # Errors
/// An artifact or a package that is gone, or is of several parts.
pub async fn origin(aws: &Aws, runs: &Runs) -> Result<Origin, AwsError> {
    let (image, address, variables) = match &runs.package {
        Some(package) => of_package(aws, package).await?,
        None => (runs.image.clone(), runs.artifact.clone(), BTreeMap::new()),
    };
    let unfit = || AwsError::local(format!("{} has no artifact of one object in S3, so none can be copied", runs.name));
    let mut artifact = address.as_deref().and_then(Artifact::parse).ok_or_else(unfit)?;
    let (place, name) = (artifact.address(), &runs.name);
    let head = aws.s3().head_object().bucket(&artifact.bucket).key(&artifact.key);
    let model = aws.sagemaker().describe_model().model_name(name);
    let (head, model) =
        futures::try_join!(aws.call(GET, &place, head.send()), aws.call("sagemaker:DescribeModel", name, model.send()))?;
    let etag = head.e_tag().map(plain_etag).filter(|etag| !etag.is_empty()).ok_or_else(unfit)?;
    artifact.etag = Some(etag.to_owned());
    let overwritten = head.last_modified > model.creation_time;
    Ok(Origin { artifact, size: head.content_length().unwrap_or_default().unsigned_abs(), overwritten, image, variables })
}

type Made = (Option<String>, Option<String>, BTreeMap<String, String>);

/// Image, artifact and variables of a package's one container.
async fn of_package(aws: &Aws, package: &str) -> Result<Made, AwsError> {
    const OPERATION: &str = "sagemaker:DescribeModelPackage";
    let request = aws.sagemaker().describe_model_package().model_package_name(package);
    let found = aws.call(OPERATION, package, request.send()).await?;
    let mut containers = found.inference_specification.and_then(|specification| specification.containers).unwrap_or_default();
    match (containers.pop(), containers.is_empty()) {
        (Some(one), true) => {
            let variables = one.environment.unwrap_or_default().into_iter().collect();
            Ok((one.image, one.model_data_url, variables))
        }
        _ => Err(AwsError::unexpected(OPERATION, package, "it has not one container, so it cannot be promoted")),
    }
}

/// Says what keeps an account from using a model package.
///
/// # Errors
/// What SageMaker answers besides a refusal.
pub async fn unusable(aws: &Aws, package: &str) -> Result<Option<String>, AwsError> {
    let request = aws.sagemaker().describe_model_package().model_package_name(package);
    match aws.call("sagemaker:DescribeModelPackage", package, request.send()).await {
        Ok(found) => Ok(match found.model_approval_status {
            Some(ModelApprovalStatus::Approved) | None => None,
            Some(status) => Some(format!("{package} is {status} there")),
        }),
        Err(error) if error.is_access_denied() || error.is_not_found() => {
            Ok(Some(format!("account {} may not see {package}", aws.world.account)))
        }
        Err(error) => Err(error),
    }
}

/// The ETag of a copy that scones made before and nobody overwrote: whoever does takes its metadata away.
///
/// # Errors
/// What S3 answers.
pub async fn copied(to: &Aws, origin: &Origin, home: &Artifact) -> Result<Option<String>, AwsError> {
    let request = to.s3().head_object().bucket(&home.bucket).key(&home.key);
    let found = to.call(GET, &home.address(), request.send()).await.optional()?;
    let made_of = |head: &HeadObjectOutput| head.metadata().and_then(|metadata| metadata.get(MADE_OF)).cloned();
    let ours = found.filter(|head| made_of(head) == origin.artifact.etag && made_of(head).is_some());
    Ok(ours.and_then(|head| head.e_tag().map(|etag| plain_etag(etag).to_owned())))
}

/// Says of several alarms when each rang last, at once.
///
/// # Errors
/// What CloudWatch answers.
pub async fn all_that_rang(aws: &Aws, alarms: &[String], since: i64) -> Result<BTreeMap<String, i64>, AwsError> {
    let asked = alarms.iter().map(|alarm| async move { Ok::<_, AwsError>((alarm.clone(), rang(aws, alarm, since).await?)) });
    let found = try_join_all(asked).await?;
    Ok(found.into_iter().filter_map(|(alarm, at)| Some((alarm, at?))).collect())
}

/// Where an evaluation is kept, by the digest of the model that it speaks of.
pub fn kept_below(aws: &Aws, evaluation: &Evaluation) -> Place {
    let about = &evaluation.context;
    let key = evidence(&about.app, &about.environment, &about.endpoint, &about.model_digest);
    Place { bucket: aws.world.bootstrap_bucket(), key }
}
