//! The one bucket that no environment owns: function packages and large templates lie there, leases, the records of what
//! was applied, and what checks for drift leave.

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
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
    Ok(stored(aws, key).await?.map(|found| found.document))
}

/// A document with the marks that S3 puts on it.
pub struct Stored {
    pub document: Vec<u8>,
    pub etag: String,
    /// In seconds since 1970, by S3's clock.
    pub modified: i64,
}

/// What lies under a key, with its marks, if anything does.
///
/// # Errors
/// What S3 answers, or that the answer broke off.
pub async fn stored(aws: &Aws, key: &str) -> Result<Option<Stored>, AwsError> {
    const OPERATION: &str = "s3:GetObject";
    let bucket = aws.world.bootstrap_bucket();
    let place = format!("{bucket}/{key}");
    let request = aws.s3().get_object().bucket(&bucket).key(key).expected_bucket_owner(&aws.world.account);
    let Some(answer) = aws.call(OPERATION, &place, request.send()).await.optional()? else { return Ok(None) };
    let etag = answer.e_tag.unwrap_or_default();
    let modified = answer.last_modified.map_or(0, |time| time.secs());
    let body = answer.body.collect().await.map_err(|error| AwsError::unexpected(OPERATION, &place, error.to_string()))?;
    Ok(Some(Stored { document: body.into_bytes().to_vec(), etag, modified }))
}

/// Puts a JSON document under a key if there is still nothing (`None`), or still what has this ETag. Answers its own ETag,
/// or nothing where somebody else was faster.
///
/// # Errors
/// What S3 answers.
///
/// Source: "Conditional writes" in the S3 user guide.
pub async fn put_if_unchanged(aws: &Aws, key: &str, document: Vec<u8>, seen: Option<&str>) -> Result<Option<String>, AwsError> {
    let request = document_put(aws, key, document)
        .set_if_none_match(seen.is_none().then(|| "*".to_owned()))
        .set_if_match(seen.map(str::to_owned));
    match aws.call("s3:PutObject", &format!("{}/{key}", aws.world.bootstrap_bucket()), request.send()).await {
        Ok(answer) => Ok(Some(answer.e_tag.unwrap_or_default())),
        // It changed, is changing just now, or is gone.
        Err(error) if ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].contains(&error.code.as_str()) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The first keys below a prefix, in the order of their bytes.
///
/// # Errors
/// What S3 answers.
pub async fn list(aws: &Aws, prefix: &str, most: i32) -> Result<Vec<String>, AwsError> {
    let bucket = aws.world.bootstrap_bucket();
    let request =
        aws.s3().list_objects_v2().bucket(&bucket).prefix(prefix).max_keys(most).expected_bucket_owner(&aws.world.account);
    let answer = aws.call("s3:ListBucket", &bucket, request.send()).await.optional()?;
    let objects = answer.and_then(|answer| answer.contents).unwrap_or_default();
    Ok(objects.into_iter().filter_map(|object| object.key).collect())
}

fn document_put(aws: &Aws, key: &str, document: Vec<u8>) -> PutObjectFluentBuilder {
    aws.s3()
        .put_object()
        .bucket(aws.world.bootstrap_bucket())
        .key(key)
        .expected_bucket_owner(&aws.world.account)
        .content_type("application/json")
        .body(ByteStream::from(document))
}

/// Puts a JSON document under a key, in place of what lies there.
///
/// # Errors
/// What S3 answers.
pub async fn put(aws: &Aws, key: &str, document: Vec<u8>) -> Result<(), AwsError> {
    let request = document_put(aws, key, document);
    aws.call("s3:PutObject", &format!("{}/{key}", aws.world.bootstrap_bucket()), request.send()).await.map(drop)
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
