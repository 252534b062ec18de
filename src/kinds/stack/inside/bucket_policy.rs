//! Policies of buckets, whether the template has one or not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Found, Read, Remedy, elsewhere, may_have};
use crate::aws::{Aws, AwsError, Optional};
use crate::diff::Deviation;
use crate::policy;
use crate::template::Expected;

const TYPE: &str = "AWS::S3::BucketPolicy";

/// Compares a declared policy with that of its bucket, whichever stack holds the bucket.
pub async fn declared(aws: &Aws, part: &str, properties: &Value) -> Result<Read, AwsError> {
    let bucket = properties.get("Bucket").and_then(Value::as_str).unwrap_or_default();
    let document = properties.get("PolicyDocument").cloned().unwrap_or_default();
    match live(aws, bucket).await? {
        Some(live) if policy::equivalent(&live, &document) => Ok(Read::default()),
        live => Ok(found(part, "PolicyDocument", bucket, live, Some(document))),
    }
}

/// Finds a policy of a bucket to which no stack of the environment gives one.
pub async fn undeclared(aws: &Aws, part: &str, bucket: &str, all: &BTreeMap<String, Expected>) -> Result<Read, AwsError> {
    let names = |properties: &Value| properties.get("Bucket").is_some_and(|one| one == bucket);
    if may_have(all, TYPE, names) {
        return Ok(Read::default());
    }
    match live(aws, bucket).await? {
        Some(live) if !elsewhere::is_given(aws, TYPE, "Bucket", bucket).await? => {
            Ok(found(part, "BucketPolicy", bucket, Some(live), None))
        }
        _ => Ok(Read::default()),
    }
}

fn found(part: &str, property: &str, bucket: &str, live: Option<Value>, document: Option<Value>) -> Read {
    let deviation = Deviation {
        path: vec![property.to_owned()],
        live: live.as_ref().map(policy::normalize),
        declared: document.as_ref().map(policy::normalize),
    };
    let remedy = Remedy::BucketPolicy { bucket: bucket.to_owned(), document };
    Read { found: vec![Found { part: part.to_owned(), deviation, remedy }], unchecked: vec![] }
}

async fn live(aws: &Aws, bucket: &str) -> Result<Option<Value>, AwsError> {
    const OPERATION: &str = "s3:GetBucketPolicy";
    let request = aws.s3().get_bucket_policy().bucket(bucket).expected_bucket_owner(&aws.world.account);
    let answer = match aws.call(OPERATION, bucket, request.send()).await.optional() {
        Err(error) if error.code == "NoSuchBucketPolicy" => None,
        answer => answer?,
    };
    let Some(text) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
    policy::parse_live(&text).map(Some).map_err(|error| AwsError::unexpected(OPERATION, bucket, error))
}

/// Puts a bucket's policy back, or takes away one that nobody declared.
pub async fn put(aws: &Aws, bucket: &str, document: Option<Value>) -> Result<(), AwsError> {
    let owner = &aws.world.account;
    match document {
        Some(document) => {
            let request = aws.s3().put_bucket_policy().bucket(bucket).expected_bucket_owner(owner).policy(document.to_string());
            aws.call("s3:PutBucketPolicy", bucket, request.send()).await.map(drop)
        }
        None => {
            let request = aws.s3().delete_bucket_policy().bucket(bucket).expected_bucket_owner(owner);
            aws.call("s3:DeleteBucketPolicy", bucket, request.send()).await.optional().map(drop)
        }
    }
}
