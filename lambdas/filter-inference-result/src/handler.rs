//! From two probabilities to a label, or to the statement that there is none.

use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// The classes in the order in which the model was trained: the index in `inferences` is the class.
pub const LABELS: [&str; 2] = ["bicycle", "motorcycle"];

/// What the function answers. The workflow passes `body` on.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Always 200: what is below the threshold is an error that the workflow can catch, never a status inside a success.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// The workflow's result.
    pub body: Body,
}

/// A picture with its label.
#[derive(Debug, PartialEq, Serialize)]
pub struct Body {
    /// As given.
    pub s3_bucket: String,
    /// As given.
    pub s3_key: String,
    /// What the picture shows.
    pub label: &'static str,
    /// The probability of the label.
    pub confidence: f64,
    /// What it was held against.
    pub threshold: f64,
    /// The probabilities of bicycle and motorcycle.
    pub inferences: [f64; 2],
    /// The production variant that answered, if the event told.
    pub variant: Option<String>,
}

/// The threshold from the text of the environment variable `THRESHOLD`.
pub fn threshold(variable: Option<&str>) -> Result<f64, Failure> {
    let wrong =
        |what: &str| Failure::ConfigurationError(format!("THRESHOLD {what}: set it to a number from 0 to 1, such as 0.93"));
    let text = variable.ok_or_else(|| wrong("is not set"))?;
    match text.trim().parse::<f64>() {
        // A NaN is in no range, so it is refused too.
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err(wrong("is no number from 0 to 1")),
    }
}

/// The two probabilities, given as an array of numbers or as such an array in a string.
pub fn inferences(event: &Value) -> Result<[f64; 2], Failure> {
    let wrong = |what: &str| {
        Failure::InvalidInput(format!("`inferences` {what}: pass on what image-classification answered, two numbers from 0 to 1"))
    };
    let given = event.get("inferences").ok_or_else(|| wrong("is missing"))?;
    let parsed: Value;
    let list = match given {
        // Some models' wrappers keep the endpoint's answer as it came. Its characters are never compared.
        Value::String(text) => {
            parsed = serde_json::from_str(text).map_err(|_| wrong("is a string that holds no JSON"))?;
            &parsed
        }
        other => other,
    };
    let Some([first, second]) = list.as_array().map(Vec::as_slice) else {
        return Err(wrong("is no list of two"));
    };
    let probability = |value: &Value| {
        value
            .as_f64()
            .filter(|number| (0.0..=1.0).contains(number))
            .ok_or_else(|| wrong("holds something else than numbers from 0 to 1"))
    };
    Ok([probability(first)?, probability(second)?])
}

/// Handles one event; `variable` is the text of `THRESHOLD`.
pub fn handle(event: &Value, variable: Option<&str>) -> Result<Answer, Failure> {
    if event.get("inferences").is_none() && event.get("body").is_some() {
        return Err(Failure::InvalidInput(
            "the event has a `body` around its fields: pass on the body alone (OutputPath \"$.Payload.body\")".into(),
        ));
    }
    let inferences = inferences(event)?;
    let threshold = threshold(variable)?;
    let [bicycle, motorcycle] = inferences;
    // A tie passes only with a threshold of 0.5 or less, and then is a bicycle: the nearer orders are the cheaper mistake.
    let (label, confidence) = if bicycle >= motorcycle { (LABELS[0], bicycle) } else { (LABELS[1], motorcycle) };
    if confidence < threshold {
        return Err(Failure::ThresholdNotMet { label, confidence, threshold });
    }
    let body = Body {
        s3_bucket: text(event, "s3_bucket")?,
        s3_key: text(event, "s3_key")?,
        label,
        confidence,
        threshold,
        inferences,
        variant: event.get("variant").and_then(Value::as_str).map(Into::into),
    };
    Ok(Answer { status_code: 200, body })
}

fn text(event: &Value, field: &str) -> Result<String, Failure> {
    event
        .get(field)
        .and_then(Value::as_str)
        .map(Into::into)
        .ok_or_else(|| Failure::InvalidInput(format!("`{field}` is missing, or is not a string")))
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Diagnostic;
    use serde_json::json;

    use super::*;

    fn event(inferences: Value) -> Value {
        json!({"image_data": "", "s3_bucket": "b", "s3_key": "k", "inferences": inferences, "variant": "AllTraffic"})
    }

    fn error_type(inferences: Value) -> &'static str {
        handle(&event(inferences), Some("0.93")).unwrap_err().error_type()
    }

    #[test]
    fn a_confident_picture_gets_its_label() {
        let answer = handle(&event(json!([0.97, 0.03])), Some("0.93")).unwrap();
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"statusCode": 200, "body": {
                "s3_bucket": "b", "s3_key": "k", "label": "bicycle", "confidence": 0.97, "threshold": 0.93,
                "inferences": [0.97, 0.03], "variant": "AllTraffic"
            }})
        );
        assert_eq!(handle(&event(json!([0.02, 0.98])), Some("0.93")).unwrap().body.label, "motorcycle");
        assert_eq!(handle(&event(json!([0, 1])), Some("0.93")).unwrap().body.confidence, 1.0);
    }

    /// A bug of public copies: `raise("THRESHOLD_CONFIDENCE_NOT_MET")` raises a `TypeError`, which no `Catch` expects.
    #[test]
    fn bug_raising_a_string_raises_a_type_error() {
        let failure = handle(&event(json!([0.6, 0.4])), Some("0.93")).unwrap_err();
        assert_eq!(
            serde_json::to_value(Diagnostic::from(failure)).unwrap(),
            json!({"errorType": "ThresholdNotMet", "errorMessage":
                "the best confidence, 0.6 for bicycle, is below the threshold 0.93: \
                 let a person look at the picture, or lower THRESHOLD"})
        );
    }

    /// A bug of public copies: `for i in range(len(inferences)): meets = i > THRESHOLD` compares indexes,
    /// and keeps only the last verdict.
    #[test]
    fn bug_indexes_are_compared_instead_of_values() {
        assert_eq!(error_type(json!([0.5, 0.5])), "ThresholdNotMet"); // index 1 is above 0.93
        assert!(handle(&event(json!([0.99, 0.01])), Some("0.93")).is_ok()); // the last value is not
        assert!(handle(&event(json!([0.01, 0.99])), Some("0.93")).is_ok());
    }

    /// A bug of public copies: a catch-all answers `statusCode` 500, so the execution succeeds below the threshold.
    #[test]
    fn bug_below_threshold_succeeds_with_status_500() {
        assert_eq!(error_type(json!([0.1, 0.9])), "ThresholdNotMet");
    }

    /// A bug of public copies: `inferences` stays a string, so `any(x > THRESHOLD)` compares characters.
    #[test]
    fn bug_inferences_kept_as_a_string_compare_characters() {
        assert_eq!(handle(&event(json!("[0.97, 0.03]")), Some("0.93")).unwrap().body.inferences, [0.97, 0.03]);
        assert_eq!(error_type(json!("[0.5, 0.5]")), "ThresholdNotMet"); // has a '5', and a ']'
    }

    /// A bug of public copies: `>` in place of `>=`.
    #[test]
    fn bug_exactly_the_threshold_is_refused() {
        assert!(handle(&event(json!([0.93, 0.07])), Some("0.93")).is_ok());
        assert_eq!(error_type(json!([0.9299999999999999, 0.07])), "ThresholdNotMet");
    }

    #[test]
    fn anything_else_than_two_probabilities_is_invalid_input() {
        for inferences in [
            json!([]),
            json!([0.97]),
            json!([0.9, 0.05, 0.05]),
            json!([1.1, -0.1]),
            json!(["0.9", "0.1"]),
            json!([null, 1]),
            json!({"0": 0.9, "1": 0.1}),
            json!(0.97),
            json!(null),
            json!(""),
            json!("0.9 0.1"),
            json!("\"[0.9,0.1]\""),
            json!("[NaN, 1.0]"),
        ] {
            assert_eq!(error_type(inferences.clone()), "InvalidInput", "{inferences}");
        }
        assert_eq!(handle(&json!({}), Some("0.93")).unwrap_err().error_type(), "InvalidInput");
        let wrapped = handle(&json!({"statusCode": 200, "body": event(json!([0.97, 0.03]))}), Some("0.93"));
        assert!(wrapped.unwrap_err().to_string().contains("$.Payload.body"));
        let lost = handle(&json!({"s3_bucket": "b", "inferences": [0.97, 0.03]}), Some("0.93"));
        assert_eq!(lost.unwrap_err().error_type(), "InvalidInput");
    }

    #[test]
    fn a_threshold_is_a_number_from_0_to_1() {
        assert_eq!(threshold(Some("0.93")), Ok(0.93));
        assert_eq!(threshold(Some("1")), Ok(1.0));
        for bad in [None, Some(""), Some("93"), Some("0,93"), Some("-0.1"), Some("NaN"), Some("inf"), Some("93%")] {
            let failure = handle(&event(json!([0.97, 0.03])), bad).unwrap_err();
            assert_eq!(failure.error_type(), "ConfigurationError", "{bad:?}");
        }
    }
}
