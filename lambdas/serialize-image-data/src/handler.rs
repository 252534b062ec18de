//! From the address of a picture to the workflow's state.

use aws_sdk_s3::Client;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::picture::{self, Place};

/// A state of Step Functions holds 262,144 bytes. 180,000 bytes are 240,000 in base64; the rest is for the longest
/// key that S3 knows, escaped, and for what the Lambda integration wraps around an answer.
pub const MAX_INLINE_BYTES: u64 = 180_000;

/// Enough of a picture to know its type.
pub const MAGIC_BYTES: u64 = 8;

/// What the function answers. The workflow passes `body` on.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Always 200: a failure is an error that the workflow can catch, never a status inside a success.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// The workflow's next state, an object and never JSON in a string.
    pub body: Body,
}

/// A picture on its way to the endpoint.
#[derive(Debug, PartialEq, Serialize)]
pub struct Body {
    /// The picture in base64, or nothing if it would not fit in the workflow's state.
    pub image_data: String,
    /// As given.
    pub s3_bucket: String,
    /// As given.
    pub s3_key: String,
    /// By the picture's first bytes.
    pub content_type: &'static str,
    /// The picture's size in S3.
    pub size_bytes: u64,
    /// The ETag: who reads the picture later can insist on the same one.
    pub s3_version: String,
    /// Filled by the classification.
    pub inferences: [f64; 0],
}

/// Where the event says the picture is. Any `image_data` in it is ignored: what S3 holds counts.
pub fn place(event: &Value) -> Result<Place, Failure> {
    if event.get("s3_key").is_none() && event.get("body").is_some() {
        return Err(Failure::InvalidInput(
            "the event has a `body` around its fields: pass on the body alone (OutputPath \"$.Payload.body\")".into(),
        ));
    }
    let bucket = text(event, "s3_bucket")?;
    // A slash would move the request to another bucket; only an access point's ARN has one rightly.
    let named = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if !bucket.starts_with("arn:") && !bucket.chars().all(named) {
        return Err(Failure::InvalidInput(format!(
            "`s3_bucket` is {bucket:?}: give the bucket's name alone, without s3:// and without the key"
        )));
    }
    Ok(Place { bucket, key: text(event, "s3_key")? })
}

fn text(event: &Value, field: &str) -> Result<String, Failure> {
    match event.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(Failure::InvalidInput(format!("`{field}` is empty: give the picture's address"))),
        Some(_) => Err(Failure::InvalidInput(format!("`{field}` is not a string"))),
        None => Err(Failure::InvalidInput(format!("`{field}` is missing: the event is {{\"s3_bucket\": …, \"s3_key\": …}}"))),
    }
}

/// How many bytes to download: all of what will be inlined, else just enough to know the type.
pub fn bytes_to_read(size: u64) -> u64 {
    if size <= MAX_INLINE_BYTES { size } else { MAGIC_BYTES }
}

/// The answer for a picture of `size` bytes, of which `bytes` were read.
pub fn answer(place: Place, bytes: &[u8], size: u64, etag: String) -> Result<Answer, Failure> {
    let content_type = picture::supported(bytes, &place)?;
    let image_data = if size <= MAX_INLINE_BYTES { BASE64_STANDARD.encode(bytes) } else { String::new() };
    let body = Body {
        image_data,
        s3_bucket: place.bucket,
        s3_key: place.key,
        content_type,
        size_bytes: size,
        s3_version: etag,
        inferences: [],
    };
    Ok(Answer { status_code: 200, body })
}

/// Handles one event.
pub async fn handle(s3: &Client, event: &Value) -> Result<Answer, Failure> {
    let place = place(event)?;
    let object = picture::open(s3, &place, None).await?;
    // S3 always sends the length; an answer without one is no picture's.
    let size = object.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    picture::small_enough(size, &place)?;
    let etag = object.e_tag().unwrap_or_default().to_owned();
    let bytes = picture::read(object.body, bytes_to_read(size), &place).await?;
    answer(place, &bytes, size, etag)
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Diagnostic;
    use serde_json::json;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn at(key: &str) -> Place {
        Place { bucket: "b".repeat(63), key: key.into() }
    }

    fn png(size: u64) -> Vec<u8> {
        let mut bytes = PNG.to_vec();
        bytes.resize(usize::try_from(size).unwrap(), 0);
        bytes
    }

    #[test]
    fn the_event_needs_bucket_and_key_alone() {
        let want = Place { bucket: "b".into(), key: "test/bicycle_s_000513.png".into() };
        let event = json!({"image_data": "", "s3_bucket": "b", "s3_key": "test/bicycle_s_000513.png"});
        assert_eq!(place(&event), Ok(want.clone()));
        assert_eq!(place(&json!({"s3_bucket": "b", "s3_key": "test/bicycle_s_000513.png"})), Ok(want));
    }

    #[test]
    fn a_wrong_event_is_invalid_input_that_names_the_field() {
        for (event, says) in [
            (json!({"s3_key": "k"}), "`s3_bucket` is missing"),
            (json!({"s3_bucket": "b"}), "`s3_key` is missing"),
            (json!({"s3_bucket": "b", "s3_key": ""}), "`s3_key` is empty"),
            (json!({"s3_bucket": 1, "s3_key": "k"}), "`s3_bucket` is not a string"),
            (json!([]), "`s3_bucket` is missing"),
            (json!({"s3_bucket": "s3://b", "s3_key": "k"}), "without s3://"),
            (json!({"s3_bucket": "b/../other", "s3_key": "k"}), "without s3://"),
            (json!({"statusCode": 200, "body": {"s3_bucket": "b", "s3_key": "k"}}), "$.Payload.body"),
        ] {
            let failure = place(&event).unwrap_err();
            assert_eq!(failure.error_type(), "InvalidInput");
            assert!(failure.to_string().contains(says), "{failure}");
        }
    }

    #[test]
    fn a_small_picture_is_inlined() {
        let answer = answer(at("k"), PNG, 8, "\"etag\"".into()).unwrap();
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"statusCode": 200, "body": {
                "image_data": "iVBORw0KGgo=", "s3_bucket": "b".repeat(63), "s3_key": "k", "content_type": "image/png",
                "size_bytes": 8, "s3_version": "\"etag\"", "inferences": []
            }})
        );
    }

    /// A bug of public copies: the picture in base64 breaks the limit of the workflow's state.
    #[test]
    fn bug_base64_picture_exceeds_the_state_of_262144_bytes() {
        // The longest key of S3, of characters that JSON must escape at six bytes each.
        let largest = answer(at(&"\u{1}".repeat(1024)), &png(MAX_INLINE_BYTES), MAX_INLINE_BYTES, "e".repeat(40)).unwrap();
        let bytes = serde_json::to_vec(&largest).unwrap().len();
        assert!(!largest.body.image_data.is_empty());
        // Step Functions adds status, version and headers of the invocation around it.
        assert!(bytes + 8 * 1024 < 262_144, "{bytes}");

        let size = MAX_INLINE_BYTES + 1;
        assert_eq!(bytes_to_read(MAX_INLINE_BYTES), MAX_INLINE_BYTES);
        assert_eq!(bytes_to_read(size), MAGIC_BYTES);
        let next = answer(at("k"), PNG, size, "e".into()).unwrap();
        assert_eq!((next.body.image_data.as_str(), next.body.size_bytes), ("", size));
    }

    /// A bug of public copies: a failure answered as `statusCode` 500 is a success to the workflow.
    #[test]
    fn bug_failure_answered_as_status_500() {
        let failure = answer(at("k"), b"GIF89a", 6, "e".into()).unwrap_err();
        assert_eq!(Diagnostic::from(failure).error_type, "UnsupportedImage");
    }

    /// A bug of public copies: `body` is JSON in a string, which the next function indexes like an object.
    #[test]
    fn bug_body_is_json_in_a_string() {
        let answer = serde_json::to_value(answer(at("k"), PNG, 8, "e".into()).unwrap()).unwrap();
        assert!(answer["body"].is_object() && answer["body"]["inferences"].is_array());
    }

    #[test]
    fn an_empty_object_is_no_picture() {
        assert_eq!(answer(at("k"), b"", 0, "e".into()).unwrap_err().error_type(), "UnsupportedImage");
    }

    #[test]
    fn the_file_shared_with_image_classification_is_the_same() {
        assert!(include_str!("picture.rs") == include_str!("../../image-classification/src/picture.rs"));
    }
}
