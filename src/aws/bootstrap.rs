//! The one bucket that no environment owns: function packages and large templates lie there, and what checks for drift
//! leave.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::{Aws, AwsError, Optional};

/// Says whether the bucket exists and is this account's.
///
/// # Errors
/// A bucket of that name in another account answers with access denied.
pub async fn exists(aws: &Aws) -> Result<bool, AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let request = aws.s3().head_bucket().bucket(&bucket).expected_bucket_owner(&aws.world.account);
    Ok(aws.call("s3:ListBucket", &bucket, request.send()).await.optional()?.is_some())
}

/// Makes the bucket: private and encrypted. Safe to repeat.
///
/// # Errors
/// What S3 answers.
pub async fn create(aws: &Aws) -> Result<(), AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let region = &aws.world.region;
    // us-east-1 is the one region that must not be named.
    let place = (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region.as_str())).build()
    });
    let request = aws.s3().create_bucket().bucket(&bucket).set_create_bucket_configuration(place);
    match aws.call("s3:CreateBucket", &bucket, request.send()).await {
        Ok(_) => {}
        Err(error) if error.code == "BucketAlreadyOwnedByYou" => {}
        Err(error) => return Err(error),
    }
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let request = aws.s3().put_public_access_block().bucket(&bucket).public_access_block_configuration(block);
    aws.call("s3:PutBucketPublicAccessBlock", &bucket, request.send()).await?;
    let built = |error: aws_smithy_types::error::operation::BuildError| AwsError::local(error.to_string());
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build().map_err(built)?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(built)?;
    let request = aws.s3().put_bucket_encryption().bucket(&bucket).server_side_encryption_configuration(encryption);
    aws.call("s3:PutEncryptionConfiguration", &bucket, request.send()).await?;
    Ok(())
}

/// Where the package with a digest lies in the bucket.
pub fn package_key(digest: &str) -> String {
    format!("packages/{}.zip", digest.trim_start_matches("sha256:"))
}

/// Uploads bytes under a key, if nothing lies there yet.
///
/// # Errors
/// What S3 answers.
pub async fn upload(aws: &Aws, key: &str, bytes: Vec<u8>) -> Result<(), AwsError> {
    if size(aws, key).await? == Some(bytes.len() as i64) {
        return Ok(());
    }
    let bucket = aws.world.bootstrap_bucket();
    let request = aws.s3().put_object().bucket(&bucket).key(key).body(ByteStream::from(bytes));
    aws.call("s3:PutObject", &format!("{bucket}/{key}"), request.send()).await?;
    Ok(())
}

/// The size in bytes of what lies under a key, if anything does.
///
/// # Errors
/// What S3 answers.
pub async fn size(aws: &Aws, key: &str) -> Result<Option<i64>, AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let request = aws.s3().head_object().bucket(&bucket).key(key);
    let found = aws.call("s3:GetObject", &format!("{bucket}/{key}"), request.send()).await.optional()?;
    Ok(found.and_then(|head| head.content_length))
}

/// What lies under a key, if anything does.
///
/// # Errors
/// What S3 answers, or that the answer broke off.
pub async fn read(aws: &Aws, key: &str) -> Result<Option<Vec<u8>>, AwsError> {
    const OPERATION: &str = "s3:GetObject";
    let bucket = aws.world.bootstrap_bucket();
    let place = format!("{bucket}/{key}");
    let request = aws.s3().get_object().bucket(&bucket).key(key).expected_bucket_owner(&aws.world.account);
    let Some(answer) = aws.call(OPERATION, &place, request.send()).await.optional()? else { return Ok(None) };
    let body = answer.body.collect().await.map_err(|error| AwsError::unexpected(OPERATION, &place, error.to_string()))?;
    Ok(Some(body.into_bytes().to_vec()))
}

/// Puts a JSON document under a key, in place of what lies there.
///
/// # Errors
/// What S3 answers.
pub async fn put(aws: &Aws, key: &str, document: Vec<u8>) -> Result<(), AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let request = aws
        .s3()
        .put_object()
        .bucket(&bucket)
        .key(key)
        .expected_bucket_owner(&aws.world.account)
        .content_type("application/json")
        .body(ByteStream::from(document));
    aws.call("s3:PutObject", &format!("{bucket}/{key}"), request.send()).await.map(drop)
}

/// Removes what lies under a key; what is gone already is no error.
///
/// # Errors
/// What S3 answers.
pub async fn remove(aws: &Aws, key: &str) -> Result<(), AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let request = aws.s3().delete_object().bucket(&bucket).key(key).expected_bucket_owner(&aws.world.account);
    aws.call("s3:DeleteObject", &format!("{bucket}/{key}"), request.send()).await.optional().map(drop)
}
