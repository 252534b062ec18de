//! Evaluations that were kept: read back, refused when changed, and the inputs that are refused at once.

use std::time::Duration;

use serde_json::{Value, json as value};

use super::super::{Evaluation, EvaluationError, MOST_CLASSES, json};
use super::{answer, context, failure, measured, sample, two};

#[test]
fn what_is_written_is_read_back() {
    let written = json(&sample());
    let read = Evaluation::parse(&written).unwrap();
    assert_eq!((read.correct, read.answered, read.pictures), (192, 201, 204));
    assert!(written.starts_with("{\n  \"format\": 1,\n  \"context\": {\n    \"app\": \"scones-unlimited\","));
}

#[test]
fn what_was_changed_is_refused() {
    let told = |pointer: &str, new: Value| {
        let mut document = serde_json::to_value(sample()).unwrap();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = new;
        Evaluation::parse(&document.to_string()).map(|_| ()).unwrap_err().to_string()
    };
    let cases = [
        ("/accuracy/value", value!(0.99), "the accuracy does not follow"),
        ("/accuracy/low", value!(0.95), "the accuracy does not follow"),
        ("/correct", value!(201), "the confusion matrix's diagonal"),
        ("/answered", value!(200), "the confusion matrix does not sum"),
        ("/pictures", value!(201), "are not those sent"),
        ("/confusion/0/0", value!(u64::MAX), "the confusion matrix does not sum"),
        ("/pictures", value!(u64::MAX), "more pictures than can be"),
        ("/confusion/0", value!([1, 2, 3]), "do not fit the classes"),
        ("/classes/0", value!("motorcycle"), "different names"),
        ("/per_class/1/recall", value!(1.0), "the scores of `motorcycle`"),
        ("/per_class/1/recall", value!(null), "the scores of `motorcycle`"),
        ("/per_class/0/failed", value!(0), "the failures do not sum up"),
        ("/confidence/mean", value!(0.5), "mean confidence"),
        ("/confidence/calibration/9/accuracy", value!(1.0), "mean confidence"),
        ("/confidence/calibration/0/accuracy", value!(0.5), "the calibration's bins"),
        ("/confidence", value!(null), "if and only if pictures were answered"),
        ("/confidence/log_loss", value!(-1), "the log loss"),
        ("/latency/p95_ms", value!(1.0), "percentiles do not rise"),
        ("/latency/histogram/counts/0", value!(100), "histogram does not hold"),
        ("/throughput", value!(1000), "the throughput does not follow"),
        ("/wall_ms", value!(0), "the throughput does not follow"),
        ("/mistakes", value!([]), "kept failures or mistakes"),
        ("/mistakes/0/truth", value!("unicycle"), "of unknown classes"),
        ("/context/model_digest", value!(""), "context.model_digest is empty"),
        ("/context/models", value!([]), "there are no models"),
        ("/context/concurrency", value!("8"), "can't be read"),
        ("/format", value!(2), "has format 2"),
    ];
    for (pointer, new, expected) in cases {
        let error = told(pointer, new);
        assert!(error.contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn what_is_no_evaluation_is_refused() {
    let mut unknown = serde_json::to_value(sample()).unwrap();
    unknown["verdict"] = value!("good");
    for text in ["", "null", "[]", "{}", r#"{"format": 1}"#, &unknown.to_string(), &"[".repeat(100_000), &" ".repeat(17 << 20)] {
        let refused = Evaluation::parse(text);
        assert!(matches!(refused, Err(EvaluationError::Unreadable(_))), "{refused:?}");
    }
}

#[test]
fn failures_count_as_wrong_and_nowhere_else() {
    let found = measured(&[answer("a", 0, &[0.9, 0.1], 10), failure("b", 0, "timed out"), failure("c", 1, "timed out")]);
    assert_eq!((found.accuracy.value, found.per_class[0].recall, found.per_class[1].recall), (1.0 / 3.0, Some(1.0), None));
    assert_eq!((found.failures.reasons[0].count, found.failures.keys.join(" ")), (2, "b c".into()));
    assert_eq!(found.latency.map(|latency| latency.max_ms), Some(10.0));
}

#[test]
fn rubbish_from_the_endpoint_is_a_failure() {
    let rubbish = [&[0.5][..], &[0.5, 0.6], &[f64::NAN, 1.0], &[-0.1, 1.1], &[f64::INFINITY, 0.0], &[]];
    let answers: Vec<_> = rubbish.iter().map(|probabilities| answer("a", 0, probabilities, 10)).collect();
    let found = measured(&answers);
    assert_eq!((found.answered, found.failures.count, found.failures.reasons.len()), (0, 6, 3));
    assert!(Evaluation::parse(&json(&found)).is_ok());
}

#[test]
fn reasons_and_keys_are_bounded() {
    let mut answers: Vec<_> = (0..50).map(|index| failure(&format!("{index:02}"), 0, &format!("request {index:02}"))).collect();
    answers.push(failure("zz", 0, "request 49"));
    let failures = measured(&answers).failures;
    assert_eq!((failures.keys.len(), failures.reasons.len(), failures.reasons[0].count), (10, 11, 2));
    assert_eq!((failures.reasons[10].reason.as_str(), failures.reasons[10].count), ("other reasons", 40));
}

#[test]
fn the_surest_mistakes_are_kept() {
    let mistakes = (51..=59)
        .map(|percent| answer(&percent.to_string(), 0, &[1.0 - f64::from(percent) / 100.0, f64::from(percent) / 100.0], 1));
    let found = measured(&mistakes.collect::<Vec<_>>()).mistakes;
    assert_eq!(found.iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(), ["59", "58", "57", "56", "55"]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let second = Duration::from_secs(1);
    let good = [answer("a", 0, &[0.9, 0.1], 10)];
    let many = (0..=MOST_CLASSES).map(|index| index.to_string()).collect();
    let told = |classes, threshold, answers: &[_], wall| {
        Evaluation::measure(context(), classes, threshold, answers, wall).unwrap_err().to_string()
    };
    assert!(told(two(), 0.5, &[], second).contains("the test set is empty"));
    assert!(told(two(), 0.5, &[answer("pictures/x", 2, &[0.9, 0.1], 10)], second).contains("`pictures/x` has class 2"));
    assert!(told(vec!["a".into()], 0.5, &good, second).contains("there are 1 classes"));
    assert!(told(many, 0.5, &good, second).contains("there are 1001 classes"));
    assert!(told(vec!["a".into(), "a".into()], 0.5, &good, second).contains("the same name"));
    assert!(told(two(), f64::NAN, &good, second).contains("the threshold NaN"));
    assert!(told(two(), 0.5, &good, Duration::ZERO).contains("no time has passed"));
}
