//! Properties of buckets of which CloudFormation is known to say that they are gone when they are not.

use aws_sdk_s3::types::LifecycleRule;
use serde_json::{Map, Value, json};

use super::text;
use crate::aws::{Aws, AwsError};

/// Whether a bucket has what it should have at a path, for all that the template says of it.
pub async fn has(aws: &Aws, bucket: &str, path: &[String], expected: &Value) -> Result<bool, AwsError> {
    let property = path.first().map(String::as_str).unwrap_or_default();
    let live = match property {
        "LifecycleConfiguration" => lifecycle(aws, bucket, expected).await?,
        "BucketEncryption" => encryption(aws, bucket).await?,
        "OwnershipControls" => ownership(aws, bucket).await?,
        _ => return Ok(false),
    };
    let live = json!({ property: live });
    let at = |side: &Value| path.iter().try_fold(side.clone(), |value, key| step(&value, key));
    Ok(at(expected).is_some_and(|should| at(&live).is_some_and(|is| covers(&is, &should))))
}

fn step(value: &Value, key: &str) -> Option<Value> {
    match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?).cloned(),
        other => other.get(key).cloned(),
    }
}

/// Whether a value has all that is asked of it; what else it has, the template leaves open.
fn covers(is: &Value, should: &Value) -> bool {
    match (is, should) {
        (Value::Object(is), Value::Object(should)) => {
            should.iter().all(|(key, should)| is.get(key).is_some_and(|is| covers(is, should)))
        }
        (Value::Array(is), Value::Array(should)) => {
            is.len() == should.len() && is.iter().zip(should).all(|(is, should)| covers(is, should))
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        _ => text(is) == text(should),
    }
}

/// Answers with `None` where a bucket has none of what is asked for, or is gone.
fn absent<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    const CODES: [&str; 4] = [
        "NoSuchBucket",
        "NoSuchLifecycleConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
    ];
    match answer {
        Err(error) if CODES.contains(&error.code.as_str()) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The lifecycle in CloudFormation's form, each rule at the place where the template has the one of its name.
async fn lifecycle(aws: &Aws, bucket: &str, expected: &Value) -> Result<Value, AwsError> {
    let owner = &aws.world.account;
    let request = aws.s3().get_bucket_lifecycle_configuration().bucket(bucket).expected_bucket_owner(owner);
    let answer = absent(aws.call("s3:GetLifecycleConfiguration", bucket, request.send()).await)?;
    let live = answer.and_then(|answer| answer.rules).unwrap_or_default();
    let wanted = expected.pointer("/LifecycleConfiguration/Rules").and_then(Value::as_array).cloned().unwrap_or_default();
    let placed = wanted.iter().map(|rule| {
        let name = rule.get("Id").and_then(Value::as_str);
        live.iter().find(|one| one.id() == name).map_or(Value::Null, lifecycle_rule)
    });
    Ok(json!({ "Rules": placed.collect::<Vec<_>>() }))
}

fn lifecycle_rule(rule: &LifecycleRule) -> Value {
    let expiration = rule.expiration();
    let noncurrent = rule.noncurrent_version_expiration();
    let uploads = rule.abort_incomplete_multipart_upload();
    let transitions = rule.transitions().iter().map(|one| {
        let class = one.storage_class().map(|class| class.as_str());
        Some(json!({ "StorageClass": class, "TransitionInDays": one.days() }))
    });
    #[expect(deprecated, reason = "rules that were made without a filter have it")]
    let prefix = rule.prefix();
    let transitions: Option<Vec<Value>> = (!rule.transitions().is_empty()).then(|| transitions.flatten().collect());
    let members = json!({
        "Id": rule.id(),
        "Status": rule.status().as_str(),
        "Prefix": rule.filter().and_then(|filter| filter.prefix()).or(prefix).filter(|prefix| !prefix.is_empty()),
        "ExpirationInDays": expiration.and_then(|one| one.days()),
        "ExpiredObjectDeleteMarker": expiration.and_then(|one| one.expired_object_delete_marker()),
        "NoncurrentVersionExpirationInDays": noncurrent.and_then(|one| one.noncurrent_days()),
        "NoncurrentVersionExpiration": noncurrent.map(|one| json!({
            "NoncurrentDays": one.noncurrent_days(),
            "NewerNoncurrentVersions": one.newer_noncurrent_versions(),
        })),
        "AbortIncompleteMultipartUpload": uploads.map(|one| json!({ "DaysAfterInitiation": one.days_after_initiation() })),
        "Transitions": transitions,
    });
    let members = members.as_object().cloned().unwrap_or_default();
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}

async fn encryption(aws: &Aws, bucket: &str) -> Result<Value, AwsError> {
    let request = aws.s3().get_bucket_encryption().bucket(bucket).expected_bucket_owner(&aws.world.account);
    let answer = absent(aws.call("s3:GetEncryptionConfiguration", bucket, request.send()).await)?;
    let rules = answer.and_then(|answer| answer.server_side_encryption_configuration).map(|found| found.rules);
    let rules = rules.unwrap_or_default().into_iter().map(|rule| {
        let default = rule.apply_server_side_encryption_by_default();
        json!({
            "BucketKeyEnabled": rule.bucket_key_enabled().unwrap_or(false),
            "ServerSideEncryptionByDefault": {
                "SSEAlgorithm": default.map(|one| one.sse_algorithm().as_str()),
                "KMSMasterKeyID": default.and_then(|one| one.kms_master_key_id()),
            },
        })
    });
    Ok(json!({ "ServerSideEncryptionConfiguration": rules.collect::<Vec<_>>() }))
}

async fn ownership(aws: &Aws, bucket: &str) -> Result<Value, AwsError> {
    let request = aws.s3().get_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(&aws.world.account);
    let answer = absent(aws.call("s3:GetBucketOwnershipControls", bucket, request.send()).await)?;
    let rules = answer.and_then(|answer| answer.ownership_controls).map(|found| found.rules).unwrap_or_default();
    let rules = rules.iter().map(|rule| json!({ "ObjectOwnership": rule.object_ownership().as_str() }));
    Ok(json!({ "Rules": rules.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_template_leaves_open_may_be_anything() {
        let live = json!({ "Rules": [{ "BucketKeyEnabled": false, "By": { "SSEAlgorithm": "AES256" } }] });
        assert!(covers(&live, &json!({ "Rules": [{ "By": { "SSEAlgorithm": "AES256" } }] })));
        assert!(covers(&live, &json!({ "Rules": [{ "BucketKeyEnabled": "false" }] })));
        assert!(!covers(&live, &json!({ "Rules": [{ "By": { "SSEAlgorithm": "aws:kms" } }] })));
        assert!(!covers(&live, &json!({ "Rules": [] })) && !covers(&json!(null), &live));
    }
}
