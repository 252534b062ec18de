//! Policies of buckets, whether the template has one or not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Found, Read, Remedy};
use crate::aws::{Aws, AwsError, Optional};
use crate::diff::Deviation;
use crate::policy;
use crate::template::Expected;

/// Compares a bucket's policy with the one that the template gives it.
pub async fn read(aws: &Aws, part: &str, bucket: &str, all: &BTreeMap<String, Expected>) -> Result<Read, AwsError> {
    let policies = || all.iter().filter(|(_, resource)| resource.type_name == "AWS::S3::BucketPolicy");
    // One that is not known may be this bucket's, and is said to be unknown elsewhere.
    if policies().any(|(_, resource)| resource.properties.is_err()) {
        return Ok(Read::default());
    }
    let declared = policies().find_map(|(name, resource)| {
        let properties = resource.properties.as_ref().ok()?;
        let document = properties.get("PolicyDocument")?;
        (properties.get("Bucket")?.as_str()? == bucket).then_some((name.as_str(), document.clone()))
    });
    let live = live(aws, bucket).await?;
    let (part, path, document) = match (&live, declared) {
        (None, None) => return Ok(Read::default()),
        (Some(live), Some((_, document))) if policy::equivalent(live, &document) => return Ok(Read::default()),
        (_, Some((name, document))) => (name, "PolicyDocument", Some(document)),
        (Some(_), None) => (part, "BucketPolicy", None),
    };
    let normal = |document: &Value| policy::normalize(document);
    let deviation =
        Deviation { path: vec![path.to_owned()], live: live.as_ref().map(normal), declared: document.as_ref().map(normal) };
    let remedy = Remedy::BucketPolicy { bucket: bucket.to_owned(), document };
    Ok(Read { found: vec![Found { part: part.to_owned(), deviation, remedy }], unchecked: vec![] })
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
