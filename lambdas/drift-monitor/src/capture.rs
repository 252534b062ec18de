//! One line of what SageMaker's data capture writes: a request to an endpoint, and the answer.
//!
//! The form is that of "Captured data" in the SageMaker developer guide, `eventVersion` "0". A line may come from
//! anyone who can write to the bucket: nothing in it is trusted.

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use serde::Deserialize;

/// The longest line that is read. An endpoint takes 6 MB per request, which are 8 MB in base64.
pub const MAX_LINE: usize = 12 * 1024 * 1024;

/// How far from 1 the probabilities may sum: models answer rounded 32-bit numbers.
pub const SUM_TOLERANCE: f64 = 0.02;

/// Why a line was not read. It never quotes the line, which holds somebody's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not the JSON of a captured record.
    #[error("it is no captured record")]
    Form,
    /// Written by another version of data capture.
    #[error("its eventVersion is not \"0\"")]
    Version,
    /// It holds neither request nor answer.
    #[error("it holds neither input nor output")]
    Empty,
    /// Data that is not in the encoding it claims.
    #[error("its data is not in the encoding that it names")]
    Encoding,
    /// The answer is no list of one probability for each class.
    #[error("its output is no list of one probability for each class")]
    Output,
}

/// One captured request.
#[derive(Debug)]
pub struct Record<'a> {
    /// When the endpoint answered.
    pub time: Timestamp,
    data: CaptureData<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    capture_data: CaptureData<'a>,
    event_metadata: EventMetadata,
    #[serde(borrow)]
    event_version: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaptureData<'a> {
    #[serde(borrow)]
    endpoint_input: Option<Part<'a>>,
    #[serde(borrow)]
    endpoint_output: Option<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventMetadata {
    inference_time: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Encoding {
    Base64,
    Json,
    Csv,
}

impl Part<'_> {
    fn bytes(&self) -> Result<Cow<'_, [u8]>, Unreadable> {
        match self.encoding {
            Encoding::Base64 => BASE64_STANDARD.decode(self.data.as_bytes()).map(Cow::Owned).map_err(|_| Unreadable::Encoding),
            Encoding::Json | Encoding::Csv => Ok(Cow::Borrowed(self.data.as_bytes())),
        }
    }
}

impl<'a> Record<'a> {
    /// Reads a line, but decodes nothing yet.
    pub fn read(line: &'a [u8]) -> Result<Self, Unreadable> {
        let line: Line = serde_json::from_slice(line).map_err(|_| Unreadable::Form)?;
        if line.event_version != "0" {
            return Err(Unreadable::Version);
        }
        if line.capture_data.endpoint_input.is_none() && line.capture_data.endpoint_output.is_none() {
            return Err(Unreadable::Empty);
        }
        Ok(Self { time: line.event_metadata.inference_time, data: line.capture_data })
    }

    /// The request's body; nothing if only answers are captured.
    pub fn input(&self) -> Result<Option<Cow<'_, [u8]>>, Unreadable> {
        self.data.endpoint_input.as_ref().map(Part::bytes).transpose()
    }

    /// The probabilities of `classes` classes in the answer, as the image classification algorithm gives them:
    /// `[0.91, 0.09]`. Nothing if only requests are captured.
    pub fn probabilities(&self, classes: usize) -> Result<Option<Vec<f64>>, Unreadable> {
        let Some(output) = &self.data.endpoint_output else {
            return Ok(None);
        };
        let list: Vec<f64> = serde_json::from_slice(&output.bytes()?).map_err(|_| Unreadable::Output)?;
        let in_range = list.iter().all(|one| (0.0..=1.0).contains(one));
        // The tolerance must not fail by the rounding of the sum itself.
        let is_one = (list.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE + 1e-9;
        if list.len() == classes && in_range && is_one { Ok(Some(list)) } else { Err(Unreadable::Output) }
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A captured request as SageMaker writes it.
    pub fn line(time: &str, picture: &[u8], output: &str) -> Value {
        json!({
            "captureData": {
                "endpointInput": {"observedContentType": "image/png", "mode": "INPUT",
                                  "data": BASE64_STANDARD.encode(picture), "encoding": "BASE64"},
                "endpointOutput": {"observedContentType": "application/json", "mode": "OUTPUT",
                                   "data": output, "encoding": "JSON"}
            },
            "eventMetadata": {"eventId": "6f0c5a3e-3c1b-4d0e-8a4e-2f4f1f6d0b1a", "inferenceTime": time},
            "eventVersion": "0"
        })
    }

    fn changed(pointer: &str, value: Value) -> String {
        let mut line = line("2026-11-22T09:30:00Z", b"picture", "[0.91, 0.09]");
        *line.pointer_mut(pointer).unwrap() = value;
        line.to_string()
    }

    fn without(member: &str) -> String {
        let mut line = line("2026-11-22T09:30:00Z", b"picture", "[0.91, 0.09]");
        line["captureData"].as_object_mut().unwrap().remove(member);
        line.to_string()
    }

    #[test]
    fn a_record_gives_its_time_picture_and_probabilities() {
        let text = line("2026-11-22T09:30:00Z", b"picture", "[0.91, 0.09]").to_string();
        let record = Record::read(text.as_bytes()).unwrap();
        assert_eq!(record.time, "2026-11-22T09:30:00Z".parse().unwrap());
        assert_eq!(record.input().unwrap().unwrap(), &b"picture"[..]);
        assert_eq!(record.probabilities(2), Ok(Some(vec![0.91, 0.09])));
    }

    #[test]
    fn an_output_may_be_base64_as_it_is_without_json_content_types() {
        let mut line = line("2026-11-22T09:30:00Z", b"", &BASE64_STANDARD.encode("[0.25, 0.75]\n"));
        line["captureData"]["endpointOutput"]["encoding"] = json!("BASE64");
        let text = line.to_string();
        assert_eq!(Record::read(text.as_bytes()).unwrap().probabilities(2), Ok(Some(vec![0.25, 0.75])));
    }

    #[test]
    fn one_side_may_not_be_captured_but_both() {
        let text = without("endpointInput");
        let record = Record::read(text.as_bytes()).unwrap();
        assert_eq!((record.input(), record.probabilities(2).unwrap().is_some()), (Ok(None), true));
        let text = without("endpointOutput");
        let record = Record::read(text.as_bytes()).unwrap();
        assert_eq!((record.input().unwrap().is_some(), record.probabilities(2)), (true, Ok(None)));
        let text = changed("/captureData", json!({}));
        assert_eq!(Record::read(text.as_bytes()).unwrap_err(), Unreadable::Empty);
    }

    #[test]
    fn a_line_of_another_form_is_unreadable() {
        for (text, why) in [
            (String::new(), Unreadable::Form),
            ("{".into(), Unreadable::Form),
            ("[]".into(), Unreadable::Form),
            ("{}".into(), Unreadable::Form),
            ("[".repeat(100_000), Unreadable::Form),
            (changed("/eventMetadata/inferenceTime", json!("yesterday")), Unreadable::Form),
            (changed("/captureData/endpointInput/encoding", json!("GZIP")), Unreadable::Form),
            (changed("/captureData/endpointOutput/data", json!(7)), Unreadable::Form),
            (changed("/eventVersion", json!("1")), Unreadable::Version),
        ] {
            assert_eq!(Record::read(text.as_bytes()).unwrap_err(), why, "{:.80}", text);
        }
        assert_eq!(Record::read(b"\xff\xfe").unwrap_err(), Unreadable::Form);
        let text = changed("/captureData/endpointInput/data", json!("~~~"));
        assert_eq!(Record::read(text.as_bytes()).unwrap().input(), Err(Unreadable::Encoding));
    }

    #[test]
    fn an_output_is_one_probability_for_each_class() {
        for output in [
            "",
            "[]",
            "[1.0]",
            "[0.5, 0.3, 0.2]",
            "[1.1, -0.1]",
            "[0.9, 0.9]",
            "[NaN, 1]",
            "[null, 1]",
            "0.9,0.1",
            "{\"predictions\": [0.9, 0.1]}",
        ] {
            let text = changed("/captureData/endpointOutput/data", json!(output));
            assert_eq!(Record::read(text.as_bytes()).unwrap().probabilities(2), Err(Unreadable::Output), "{output}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_line_never_panics(at in 0usize..500, byte in any::<u8>(), keep in 0usize..600) {
            let mut text = line("2026-11-22T09:30:00Z", b"picture", "[0.91, 0.09]").to_string().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            text.truncate(keep);
            if let Ok(record) = Record::read(&text) {
                let _ = (record.input(), record.probabilities(2));
            }
        }
    }
}
