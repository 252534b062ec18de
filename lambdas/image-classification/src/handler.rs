//! From a picture to its two probabilities.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value, json};

use crate::endpoint::{self, Verdict};
use crate::failure::Failure;
use crate::picture::{self, Place};

/// The event: what `serialize-image-data` answered as its body.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Where the picture is.
    pub place: Place,
    /// The picture itself, or what is needed to read it.
    pub source: Source,
    /// All fields as they came, to be passed on.
    pub fields: Map<String, Value>,
}

/// Where the bytes of the picture come from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// They were in the event.
    Inline(Vec<u8>),
    /// They were too many for it; the ETag makes sure that the same picture is read.
    S3 {
        /// The ETag of the picture that was looked at.
        etag: String,
    },
}

/// Reads the event.
pub fn request(event: Value) -> Result<Request, Failure> {
    let Value::Object(fields) = event else {
        return Err(Failure::InvalidInput("the event is no object: pass on the body of serialize-image-data".into()));
    };
    if !fields.contains_key("s3_key") && fields.contains_key("body") {
        return Err(Failure::InvalidInput(
            "the event has a `body` around its fields: pass on the body alone (OutputPath \"$.Payload.body\")".into(),
        ));
    }
    let place = Place { bucket: text(&fields, "s3_bucket")?, key: text(&fields, "s3_key")? };
    let source = match fields.get("image_data").and_then(Value::as_str) {
        None => return Err(missing("image_data")),
        Some("") => Source::S3 { etag: text(&fields, "s3_version")? },
        Some(data) => Source::Inline(BASE64_STANDARD.decode(data).map_err(|_| {
            // The decoder's own words would quote a byte of the picture.
            Failure::InvalidInput("`image_data` is not base64: pass on what serialize-image-data answered".into())
        })?),
    };
    Ok(Request { place, source, fields })
}

fn text(fields: &Map<String, Value>, field: &str) -> Result<String, Failure> {
    fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Into::into).ok_or_else(|| missing(field))
}

fn missing(field: &str) -> Failure {
    Failure::InvalidInput(format!("`{field}` is missing, or is no text: pass on the body of serialize-image-data"))
}

/// The answer. The picture is dropped: nobody after this function needs it, and every state keeps its input for 90 days.
pub fn answer(mut fields: Map<String, Value>, verdict: &Verdict) -> Value {
    fields.insert("image_data".into(), json!(""));
    fields.insert("inferences".into(), json!(verdict.inferences));
    fields.insert("variant".into(), json!(verdict.variant));
    json!({ "statusCode": 200, "body": fields })
}

/// Handles one event; `variable` is the text of `ENDPOINT`.
pub async fn handle(
    s3: &aws_sdk_s3::Client,
    runtime: &aws_sdk_sagemakerruntime::Client,
    event: Value,
    variable: Option<&str>,
) -> Result<Value, Failure> {
    let Request { place, source, fields } = request(event)?;
    let endpoint = endpoint::name(variable)?;
    let bytes = match source {
        Source::Inline(bytes) => bytes,
        Source::S3 { etag } => {
            let object = picture::open(s3, &place, Some(&etag)).await?;
            let size = object.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            picture::small_enough(size, &place)?;
            picture::read(object.body, size, &place).await?
        }
    };
    let content_type = picture::supported(&bytes, &place)?;
    let verdict = endpoint::classify(runtime, endpoint, content_type, bytes).await?;
    Ok(answer(fields, &verdict))
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Diagnostic;

    use super::*;

    fn event(image_data: &str) -> Value {
        json!({"image_data": image_data, "s3_bucket": "b", "s3_key": "k", "content_type": "image/png",
               "size_bytes": 8, "s3_version": "\"etag\"", "inferences": []})
    }

    #[test]
    fn the_picture_comes_inline_or_from_s3() {
        assert_eq!(request(event("iVBORw0KGgo=")).unwrap().source, Source::Inline(b"\x89PNG\r\n\x1a\n".into()));
        assert_eq!(request(event("")).unwrap().source, Source::S3 { etag: "\"etag\"".into() });
    }

    #[test]
    fn a_wrong_event_is_invalid_input() {
        let without = |field: &str| {
            let mut event = event("");
            event.as_object_mut().unwrap().remove(field);
            event
        };
        for (event, says) in [
            (json!("text"), "no object"),
            (without("s3_bucket"), "`s3_bucket`"),
            (without("s3_key"), "`s3_key`"),
            (without("image_data"), "`image_data`"),
            (without("s3_version"), "`s3_version`"),
            (json!({"statusCode": 200, "body": event("")}), "$.Payload.body"),
            (json!({"statusCode": 200, "body": event("").to_string()}), "$.Payload.body"),
        ] {
            let failure = request(event).unwrap_err();
            assert_eq!(failure.error_type(), "InvalidInput");
            assert!(failure.to_string().contains(says), "{failure}");
        }
    }

    #[test]
    fn a_message_never_holds_picture_data() {
        let text = request(event("iVBOR~secret~")).unwrap_err().to_string();
        assert!(!text.contains("iVBOR") && !text.contains("secret") && !text.contains('~'), "{text}");
    }

    /// A bug of public copies: the endpoint's answer is kept as a string, and the filter compares its characters.
    #[test]
    fn bug_inferences_kept_as_a_string() {
        let verdict = Verdict { inferences: [0.91, 0.09], variant: "AllTraffic".into() };
        let answer = answer(request(event("iVBORw0KGgo=")).unwrap().fields, &verdict);
        assert_eq!(
            answer,
            json!({"statusCode": 200, "body": {
                "image_data": "", "s3_bucket": "b", "s3_key": "k", "content_type": "image/png", "size_bytes": 8,
                "s3_version": "\"etag\"", "inferences": [0.91, 0.09], "variant": "AllTraffic"
            }})
        );
    }

    /// A bug of public copies: `body` is JSON in a string, which the next function indexes like an object.
    #[test]
    fn bug_body_is_json_in_a_string() {
        let verdict = Verdict { inferences: [0.0, 1.0], variant: String::new() };
        assert!(answer(Map::new(), &verdict)["body"].is_object());
    }

    /// A bug of public copies: a failure answered as `statusCode` 500 is a success to the workflow.
    #[test]
    fn bug_failure_answered_as_status_500() {
        let failure = request(json!({})).unwrap_err();
        assert_eq!(Diagnostic::from(failure).error_type, "InvalidInput");
    }
}
