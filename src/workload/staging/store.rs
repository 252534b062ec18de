//! Where pictures go: a prefix of a bucket.

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::StagingError;
use crate::aws::{Aws, AwsError};

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key below the prefix.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag, without quotes: the MD5 of what was put at once, unless a KMS key encrypts it.
    pub etag: String,
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Up to a thousand objects.
    pub objects: Vec<Object>,
    /// What the next page is asked for with.
    pub next: Option<String>,
}

/// What staging needs of S3. Keys are those below the prefix.
pub trait Store: Sync {
    /// Lists the objects whose key starts with `start`.
    fn page(&self, start: &str, next: Option<String>) -> impl Future<Output = Result<Page, AwsError>> + Send;

    /// Puts an object.
    fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Deletes up to a thousand objects.
    fn delete(&self, keys: &[String]) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Returns the place, for people.
    fn place(&self) -> String;
}

/// The prefix that `to:` names.
pub struct Bucket<'a> {
    aws: &'a Aws,
    bucket: String,
    /// Ends in `/`, if there is one.
    prefix: String,
}

impl<'a> Bucket<'a> {
    /// Reads `s3://bucket/prefix`.
    ///
    /// # Errors
    /// What is no such place.
    pub fn new(aws: &'a Aws, to: &str) -> Result<Self, StagingError> {
        let (bucket, prefix) = place(to).ok_or_else(|| StagingError::To(to.to_owned()))?;
        Ok(Self { aws, bucket, prefix })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// Splits `s3://bucket/prefix`, and ends the prefix with a slash.
fn place(to: &str) -> Option<(String, String)> {
    let (bucket, prefix) = to.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(plain);
    let valid = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(letter)
        && prefix.len() <= 800
        && (prefix.is_empty() || prefix.split('/').all(segment));
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    valid.then(|| (bucket.to_owned(), prefix))
}

impl Store for Bucket<'_> {
    async fn page(&self, start: &str, next: Option<String>) -> Result<Page, AwsError> {
        let start = self.key(start);
        let request = self.aws.s3().list_objects_v2().bucket(&self.bucket).prefix(&start).set_continuation_token(next);
        let answer = self.aws.call("s3:ListBucket", &self.bucket, request.send()).await?;
        let objects = answer.contents.unwrap_or_default().into_iter().filter_map(|object| {
            Some(Object {
                key: object.key?.strip_prefix(&self.prefix)?.to_owned(),
                size: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                etag: object.e_tag.unwrap_or_default().trim_matches('"').to_owned(),
            })
        });
        Ok(Page { objects: objects.collect(), next: answer.next_continuation_token })
    }

    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), AwsError> {
        let key = self.key(key);
        let body = ByteStream::from(bytes);
        let request = self.aws.s3().put_object().bucket(&self.bucket).key(&key).content_type(content_type).body(body);
        self.aws.call("s3:PutObject", &format!("{}/{key}", self.bucket), request.send()).await.map(drop)
    }

    async fn delete(&self, keys: &[String]) -> Result<(), AwsError> {
        let unusable = |error: aws_smithy_types::error::operation::BuildError| AwsError::local(error.to_string());
        let object = |key: &String| ObjectIdentifier::builder().key(self.key(key)).build().map_err(unusable);
        let objects = keys.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(unusable)?;
        let request = self.aws.s3().delete_objects().bucket(&self.bucket).delete(delete);
        let answer = self.aws.call("s3:DeleteObject", &self.bucket, request.send()).await?;
        // The request succeeds even where single objects could not be deleted. One error of each kind says it all.
        let errors: BTreeMap<_, _> = answer.errors().iter().map(|error| (error.code(), error)).collect();
        match errors.into_values().next() {
            None => Ok(()),
            Some(error) => Err(AwsError {
                code: error.code().unwrap_or_default().to_owned(),
                ..AwsError::unexpected(
                    "s3:DeleteObject",
                    &format!("{}/{}", self.bucket, error.key().unwrap_or_default()),
                    error.message().unwrap_or_default(),
                )
            }),
        }
    }

    fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_with_and_without_a_prefix() {
        let pair = |bucket: &str, prefix: &str| Some((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(place("s3://pictures/scones/v1"), pair("pictures", "scones/v1/"));
        assert_eq!(place("s3://pictures/scones/"), pair("pictures", "scones/"));
        assert_eq!(place("s3://pictures"), pair("pictures", ""));
        for to in ["pictures/x", "s3://", "s3://P/x", "s3://pictures//x", "s3://pictures/../x", "s3://pictures/a b", "s3://pi/x"]
        {
            assert_eq!(place(to), None, "{to}");
        }
    }
}
