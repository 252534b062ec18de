//! A picture in S3. The same file serves `serialize-image-data` and `image-classification`: each function is
//! packaged from its own folder alone, so that a change to one never makes a new package of the other unseen.

use std::error::Error;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;

use crate::failure::Failure;

/// `InvokeEndpoint` takes 6 MB; what is larger is refused before it is downloaded.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// Where a picture is. The key is used as given: an URL-encoded one names another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// The media type of a picture by its first bytes: names and stored content types are often wrong.
pub fn content_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else {
        None
    }
}

/// Refuses what is neither PNG nor JPEG.
pub fn supported(bytes: &[u8], place: &Place) -> Result<&'static str, Failure> {
    content_type(bytes).ok_or_else(|| {
        Failure::UnsupportedImage(format!("{place} is neither a PNG nor a JPEG by its first bytes: convert it first"))
    })
}

/// Refuses what is too large for an endpoint.
pub fn small_enough(size: u64, place: &Place) -> Result<u64, Failure> {
    if size <= MAX_BYTES {
        return Ok(size);
    }
    Err(Failure::ImageTooLarge(format!(
        "{place} has {size} bytes, more than the {MAX_BYTES} that can be sent to an endpoint: scale it down first"
    )))
}

/// Asks for the object, and reads no more than the answer's head. With an ETag, only that very version will do.
pub async fn open(s3: &Client, place: &Place, etag: Option<&str>) -> Result<GetObjectOutput, Failure> {
    s3.get_object()
        .bucket(&place.bucket)
        .key(&place.key)
        .set_if_match(etag.map(Into::into))
        .send()
        .await
        .map_err(|error| explain(&error, place))
}

/// Reads `limit` bytes of a body, or all there are.
pub async fn read(mut body: ByteStream, limit: u64, place: &Place) -> Result<Vec<u8>, Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < limit {
        match body.try_next().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(limit - bytes.len())]),
            Ok(None) => break,
            Err(error) => {
                return Err(Failure::EndpointUnavailable(format!("S3 stopped sending {place}: {}; try again", causes(&error))));
            }
        }
    }
    Ok(bytes)
}

fn explain(error: &SdkError<GetObjectError>, place: &Place) -> Failure {
    match error {
        SdkError::ServiceError(answer) => refusal(answer.raw().status().as_u16(), answer.err().code().unwrap_or_default(), place),
        SdkError::ConstructionFailure(_) => {
            Failure::InvalidInput(format!("{place} cannot be asked for ({}): correct s3_bucket and s3_key", causes(error)))
        }
        _ => Failure::EndpointUnavailable(format!("S3 did not answer for {place} ({}): try again", causes(error))),
    }
}

/// What an answer of S3 means for the caller.
fn refusal(status: u16, code: &str, place: &Place) -> Failure {
    match (status, code) {
        (_, "InvalidObjectState") => {
            Failure::ImageAccessDenied(format!("{place} is archived: restore it, or store pictures in S3 Standard"))
        }
        (_, "InvalidBucketName" | "KeyTooLongError") => {
            Failure::InvalidInput(format!("S3 refuses {place} ({code}): correct s3_bucket and s3_key"))
        }
        // These come with status 400 or 403, yet have nothing to do with the picture.
        (_, "ExpiredToken" | "InvalidToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed") => {
            Failure::ConfigurationError(format!("S3 refuses the function's credentials ({code}): check its role"))
        }
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed") => Failure::ConfigurationError(format!(
            "{place} is in another region than the function: use a bucket of the function's region"
        )),
        // Checked before the statuses: S3 reports some of these as 400.
        (429 | 500.., _) | (_, "SlowDown" | "RequestTimeout" | "InternalError" | "ServiceUnavailable") => {
            Failure::EndpointUnavailable(format!("S3 has no answer for {place} now ({status} {code}): try again"))
        }
        (404, _) => Failure::ImageNotFound(format!(
            "there is no {place}: upload the picture, or correct s3_bucket and s3_key (the key is used as given, never URL-decoded)"
        )),
        (412, _) => Failure::ImageNotFound(format!(
            "{place} was replaced after it had been looked at: start the execution again for the new picture"
        )),
        (403, _) => Failure::ImageAccessDenied(format!(
            "the function may not read {place}: grant s3:GetObject on it (without s3:ListBucket on the bucket a missing key is answered like this too)"
        )),
        _ => Failure::ConfigurationError(format!("S3 refuses to give {place} ({status} {code})")),
    }
}

/// An error with all that caused it, without the bodies that its debug form would show.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { bucket: "pictures".into(), key: "test/bicycle%20one.png".into() }
    }

    #[test]
    fn a_type_is_known_by_its_first_bytes_only() {
        assert_eq!(content_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(content_type(b"\xff\xd8\xff\xe0\0\x10JFIF"), Some("image/jpeg"));
        for other in [&b""[..], b"\x89PNG", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"<svg/>", b"\xff\xd8"] {
            assert_eq!(supported(other, &place()).unwrap_err().error_type(), "UnsupportedImage");
        }
    }

    #[test]
    fn the_upper_limit_is_five_mebibytes() {
        assert_eq!(small_enough(MAX_BYTES, &place()), Ok(MAX_BYTES));
        assert_eq!(small_enough(MAX_BYTES + 1, &place()).unwrap_err().error_type(), "ImageTooLarge");
    }

    #[test]
    fn every_answer_of_s3_has_a_name() {
        for (status, code, name) in [
            (404, "NoSuchKey", "ImageNotFound"),
            (404, "NoSuchBucket", "ImageNotFound"),
            (412, "PreconditionFailed", "ImageNotFound"),
            (403, "AccessDenied", "ImageAccessDenied"),
            (403, "InvalidObjectState", "ImageAccessDenied"),
            (403, "SignatureDoesNotMatch", "ConfigurationError"),
            (400, "ExpiredToken", "ConfigurationError"),
            (400, "AuthorizationHeaderMalformed", "ConfigurationError"),
            (301, "PermanentRedirect", "ConfigurationError"),
            (400, "InvalidBucketName", "InvalidInput"),
            (400, "KeyTooLongError", "InvalidInput"),
            (503, "SlowDown", "EndpointUnavailable"),
            (400, "RequestTimeout", "EndpointUnavailable"),
            (500, "InternalError", "EndpointUnavailable"),
            (429, "", "EndpointUnavailable"),
            (400, "", "ConfigurationError"),
        ] {
            assert_eq!(refusal(status, code, &place()).error_type(), name, "{status} {code}");
        }
    }

    #[test]
    fn a_key_is_never_url_decoded() {
        let message = refusal(404, "NoSuchKey", &place()).to_string();
        assert!(message.contains("s3://pictures/test/bicycle%20one.png"), "{message}");
    }

    #[test]
    fn a_request_that_cannot_be_built_is_the_events_fault() {
        let error = SdkError::construction_failure("the bucket's name is no host name");
        assert_eq!(explain(&error, &place()).error_type(), "InvalidInput");
        let error = SdkError::timeout_error("too slow");
        assert_eq!(explain(&error, &place()).error_type(), "EndpointUnavailable");
    }

    #[tokio::test]
    async fn no_more_is_read_than_was_asked_for() {
        let body = || ByteStream::from_static(b"0123456789");
        assert_eq!(read(body(), 8, &place()).await.unwrap(), b"01234567");
        assert_eq!(read(body(), 100, &place()).await.unwrap(), b"0123456789");
    }
}
