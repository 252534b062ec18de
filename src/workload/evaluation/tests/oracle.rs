//! Agrees with numpy; `oracle.py` wrote what is expected.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::super::{Answer, Evaluation};
use super::context;

#[derive(Deserialize)]
struct Case {
    name: String,
    inputs: Inputs,
    expected: Value,
}

#[derive(Deserialize)]
struct Inputs {
    classes: Vec<String>,
    threshold: f64,
    wall_us: u64,
    answers: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    key: String,
    truth: usize,
    probabilities: Option<Vec<f64>>,
    latency_us: u64,
}

/// Says where two documents differ; numbers may differ by 1e-9 of themselves.
fn difference(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            let far = (one - other).abs() > 1e-9 * other.abs().max(1.0);
            far.then(|| format!("{path}: {one}, and numpy says {other}"))
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => ours
            .iter()
            .zip(theirs)
            .enumerate()
            .find_map(|(index, (one, other))| difference(&format!("{path}[{index}]"), one, other)),
        (Value::Object(ours), Value::Object(theirs)) => {
            theirs.iter().find_map(|(key, other)| difference(&format!("{path}.{key}"), &ours[key], other))
        }
        _ => (ours != theirs).then(|| format!("{path}: {ours}, and numpy says {theirs}")),
    }
}

#[test]
fn agrees_with_numpy() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("oracle.json")).unwrap();
    assert_eq!(cases.len(), 7);
    for Case { name, inputs, expected } in cases {
        let answers: Vec<Answer> = inputs
            .answers
            .into_iter()
            .map(|given| Answer {
                key: given.key,
                truth: given.truth,
                outcome: given.probabilities.ok_or_else(|| "timed out".into()),
                latency: Duration::from_micros(given.latency_us),
            })
            .collect();
        let wall = Duration::from_micros(inputs.wall_us);
        let ours = Evaluation::measure(context(), inputs.classes, inputs.threshold, &answers, wall).unwrap();
        let ours = serde_json::to_value(ours).unwrap();
        assert_eq!(difference(&name, &ours, &expected), None);
    }
}
