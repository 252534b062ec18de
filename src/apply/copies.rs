//! Copies what a promotion pins into the bootstrap bucket of the account that pins it.

use std::io::Write as _;

use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::artifact::{Artifact, plain_etag};
use crate::aws::{Aws, AwsError, bootstrap};
use crate::promote::{Function, Origin};
use crate::workload::promoting::{MADE_OF, copied};

/// What S3 takes by one request: 5 GB.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html>.
const LARGEST_ARTIFACT: u64 = 5 << 30;
const GET: &str = "s3:GetObject";

/// Makes the bucket where there is none. Says whether it did.
///
/// # Errors
/// What S3 answers.
pub async fn make_room(to: &Aws) -> Result<bool, AwsError> {
    if bootstrap::exists(to).await? {
        return Ok(false);
    }
    bootstrap::create(to).await?;
    Ok(true)
}

/// Copies the package of a function into another account's bucket. Says whether there was anything to copy.
///
/// # Errors
/// A package that is gone, or is not what runs: its bytes have the digest that Lambda tells of its code.
pub async fn package(from: &Aws, to: &Aws, function: &Function) -> Result<bool, AwsError> {
    let key = bootstrap::package_key(&function.package);
    if bootstrap::size(to, &key).await?.is_some() {
        return Ok(false);
    }
    let place = format!("{}/{key}", from.world.bootstrap_bucket());
    let request = from.lambda().get_function_configuration().function_name(&function.name);
    let live = from.call("lambda:GetFunctionConfiguration", &function.name, request.send()).await?;
    let Some(bytes) = bootstrap::read(from, &key).await? else {
        let message = "the package of what runs is gone from the bucket; deploy the function anew, and it is put there";
        return Err(AwsError::unexpected(GET, &place, message));
    };
    let found = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
    if live.code_sha256.as_deref() != Some(found.as_str()) {
        let message = format!("this package is not what {} runs, so it is not promoted", function.name);
        return Err(AwsError::unexpected(GET, &place, message));
    }
    bootstrap::upload(to, &key, bytes).await?;
    Ok(true)
}

/// Copies a model's artifact, and answers with its address and the ETag that it has there.
///
/// # Errors
/// An artifact that is too large or was changed meanwhile, and what S3 answers.
pub async fn artifact(from: &Aws, to: &Aws, origin: &Origin, home: &Artifact) -> Result<Artifact, AwsError> {
    let place = origin.artifact.address();
    if origin.size > LARGEST_ARTIFACT {
        let message = format!("it has {} bytes; at most {LARGEST_ARTIFACT} can be copied", origin.size);
        return Err(AwsError::unexpected(GET, &place, message));
    }
    let etag = match copied(to, origin, home).await? {
        Some(etag) => etag,
        None => carry(from, to, origin, home).await?,
    };
    Ok(Artifact { etag: Some(plain_etag(&etag).to_owned()), ..home.clone() })
}

/// Takes an artifact over by a file of this machine: the accounts need not let each other in.
async fn carry(from: &Aws, to: &Aws, origin: &Origin, home: &Artifact) -> Result<String, AwsError> {
    let place = origin.artifact.address();
    let wrong = |message: String| AwsError::unexpected(GET, &place, message);
    let io = |error: std::io::Error| AwsError::local(format!("cannot write a temporary file: {error}"));
    let mut file = NamedTempFile::new().map_err(io)?;
    // Only what it was when it was looked at.
    let etag = origin.artifact.etag.clone();
    let request = from.s3().get_object().bucket(&origin.artifact.bucket).key(&origin.artifact.key).set_if_match(etag);
    let mut body = from.call(GET, &place, request.send()).await?.body;
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    while let Some(chunk) = body.try_next().await.map_err(|error| wrong(format!("it broke off: {error}")))? {
        hash.update(&chunk);
        size += chunk.len() as u64;
        file.write_all(&chunk).map_err(io)?;
    }
    file.flush().map_err(io)?;
    if size != origin.size {
        return Err(wrong(format!("{size} bytes came of {}", origin.size)));
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes =
        ByteStream::from_path(file.path()).await.map_err(|error| AwsError::local(format!("cannot read the copy: {error}")))?;
    let request = to
        .s3()
        .put_object()
        .bucket(&home.bucket)
        .key(&home.key)
        .expected_bucket_owner(&to.world.account)
        .metadata("sha256", digest)
        .metadata("from", &place)
        .metadata(MADE_OF, origin.artifact.etag.clone().unwrap_or_default())
        .body(bytes);
    let put = to.call("s3:PutObject", &home.address(), request.send()).await?;
    put.e_tag.ok_or_else(|| AwsError::unexpected("s3:PutObject", &home.address(), "S3 answered without an ETag"))
}
