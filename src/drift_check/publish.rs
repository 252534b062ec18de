//! Readings → CloudWatch, and the memory of when each drift was first seen.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use jiff::Timestamp;

use super::kept::key_of;
use super::measure::{Metric, NAMESPACE, Reading, Unit, unknown};
use super::memory::Memory;
use crate::aws::{Aws, AwsError, Optional, bootstrap};
use crate::environment::drift_check::memory_key;
use crate::plan::Plan;

/// Publishes what a look found, and remembers it.
///
/// The metrics go first, and also where the memory cannot be read: it only makes ages right.
///
/// # Errors
/// CloudWatch or S3 refused; a memory that is missing or broken is no error, it starts anew.
pub async fn publish(aws: &Aws, drift: &Plan) -> Result<Reading, AwsError> {
    let now = Timestamp::now();
    let key = key_of(&aws.world, memory_key);
    let kept = bootstrap::read(aws, &key).await;
    let before = kept.as_ref().ok().and_then(Option::as_deref).and_then(Memory::parse);
    let after = before.clone().unwrap_or_default().after(drift, now);
    let reading = Reading::of(drift, after.oldest_age(drift, now));
    put(aws, &reading.metrics()).await?;
    let unchanged = before.as_ref() == Some(&after) || (kept?.is_none() && after == Memory::default());
    if !unchanged {
        let document = serde_json::to_vec(&after).map_err(|error| AwsError::local(error.to_string()))?;
        // Where the bucket is missing nothing was ever applied, and nothing is worth remembering.
        bootstrap::put(aws, &key, document).await.optional()?;
    }
    Ok(reading)
}

/// Publishes that a look failed as a whole.
///
/// # Errors
/// CloudWatch refused.
pub async fn publish_unknown(aws: &Aws) -> Result<(), AwsError> {
    put(aws, &[unknown(1)]).await
}

/// A request takes 1,000 metrics; there are as many as kinds, and three. Source: PutMetricData in CloudWatch's API reference.
async fn put(aws: &Aws, metrics: &[Metric]) -> Result<(), AwsError> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let data = metrics.iter().map(|metric| {
        let kind = metric.kind.as_deref().map(|kind| dimension("Kind", kind));
        let dimensions = [dimension("App", &aws.world.app), dimension("Environment", &aws.world.environment)];
        let unit = match metric.unit {
            Unit::Count => StandardUnit::Count,
            Unit::Seconds => StandardUnit::Seconds,
        };
        let dimensions = dimensions.into_iter().chain(kind).collect();
        MetricDatum::builder().metric_name(metric.name).set_dimensions(Some(dimensions)).value(metric.value).unit(unit).build()
    });
    let request = aws.cloudwatch().put_metric_data().namespace(NAMESPACE).set_metric_data(Some(data.collect()));
    aws.call("cloudwatch:PutMetricData", NAMESPACE, request.send()).await.map(drop)
}
