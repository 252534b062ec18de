//! Answers → evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::statistics;
use super::{
    Answer, Confidence, Context, Evaluation, EvaluationError, FORMAT, Failures, KEPT_FAILURES, KEPT_MISTAKES, MOST_CLASSES,
    Mistake, Reason,
};
use crate::report::plain::shortened;

/// The least probability whose logarithm is taken, so that one sure mistake does not make the loss infinite.
const LEAST_PROBABILITY: f64 = 1e-15;
/// How far probabilities may be from a sum of one: they are often single precision, or rounded.
const SUM_TOLERANCE: f64 = 0.01;
/// The longest reason of a failure, in characters.
const LONGEST_REASON: usize = 200;

/// An answer that can be used.
struct Used<'a> {
    key: &'a str,
    truth: usize,
    predicted: usize,
    confidence: f64,
    of_truth: f64,
    latency: Duration,
}

impl Evaluation {
    /// Measures what was answered. The order of the answers makes no difference.
    ///
    /// # Errors
    /// [`EvaluationError::Input`] if there is nothing to measure, or the test set does not fit the classes.
    pub fn measure(
        context: Context,
        classes: Vec<String>,
        threshold: f64,
        answers: &[Answer],
        wall: Duration,
    ) -> Result<Self, EvaluationError> {
        check(&classes, threshold, answers, wall)?;
        // Sums of floating-point numbers depend on the order, so there is one.
        let mut answers: Vec<&Answer> = answers.iter().collect();
        answers.sort_by(|a, b| (&a.key, a.truth, a.latency).cmp(&(&b.key, b.truth, b.latency)));
        let (used, failed) = split(&answers, classes.len());

        let mut confusion = vec![vec![0; classes.len()]; classes.len()];
        used.iter().for_each(|one| confusion[one.truth][one.predicted] += 1);
        let mut failed_by_class = vec![0; classes.len()];
        failed.iter().for_each(|(answer, _)| failed_by_class[answer.truth] += 1);
        let correct = used.iter().filter(|one| one.truth == one.predicted).count() as u64;
        let pictures = answers.len() as u64;
        let accuracy = statistics::accuracy(correct, pictures).ok_or_else(nothing_sent)?;
        Ok(Self {
            format: FORMAT,
            context,
            threshold,
            pictures,
            answered: used.len() as u64,
            correct,
            accuracy,
            per_class: statistics::per_class(&classes, &confusion, &failed_by_class),
            confusion,
            confidence: confidence(&used, threshold),
            failures: failures(&failed),
            latency: statistics::latency(used.iter().map(|one| milliseconds(one.latency)).collect()),
            wall_ms: milliseconds(wall),
            throughput: used.len() as f64 / wall.as_secs_f64(),
            mistakes: mistakes(used, &classes),
            classes,
        })
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn nothing_sent() -> EvaluationError {
    EvaluationError::Input("the test set is empty: stage it with `scones stage`".into())
}

fn check(classes: &[String], threshold: f64, answers: &[Answer], wall: Duration) -> Result<(), EvaluationError> {
    let wrong = |what: String| Err(EvaluationError::Input(what));
    if !(2..=MOST_CLASSES).contains(&classes.len()) {
        return wrong(format!("there are {} classes, and 2 to {MOST_CLASSES} are needed", classes.len()));
    }
    if classes.iter().collect::<BTreeSet<_>>().len() < classes.len() {
        return wrong("two classes have the same name: rename one".into());
    }
    if !(0.0..=1.0).contains(&threshold) {
        return wrong(format!("the threshold {threshold} is no number from 0 to 1"));
    }
    if wall.is_zero() {
        return wrong("no time has passed: measure it around all requests".into());
    }
    match answers.iter().find(|answer| answer.truth >= classes.len()) {
        Some(answer) => wrong(format!(
            "`{}` has class {}, and the classes are 0 to {}: stage the test set again",
            shortened(&answer.key, 100),
            answer.truth,
            classes.len() - 1
        )),
        None if answers.is_empty() => Err(nothing_sent()),
        None => Ok(()),
    }
}

/// Those that can be used, and the failures with their reasons.
fn split<'a>(answers: &[&'a Answer], classes: usize) -> (Vec<Used<'a>>, Vec<(&'a Answer, String)>) {
    let (mut used, mut failed) = (vec![], vec![]);
    for answer in answers {
        match &answer.outcome {
            Err(reason) => failed.push((*answer, reason.clone())),
            Ok(probabilities) => match unusable(probabilities, classes) {
                Some(reason) => failed.push((*answer, reason.into())),
                None => used.push(used_answer(answer, probabilities)),
            },
        }
    }
    (used, failed)
}

/// What is wrong with the probabilities. The reasons hold no numbers, so that like failures count together.
fn unusable(probabilities: &[f64], classes: usize) -> Option<&'static str> {
    if probabilities.len() != classes {
        Some("the answer has not one probability per class")
    } else if probabilities.iter().any(|one| !(0.0..=1.0).contains(one)) {
        Some("the answer has a number that is no probability")
    } else if (probabilities.iter().sum::<f64>() - 1.0).abs() > SUM_TOLERANCE {
        Some("the answer's probabilities do not sum to 1")
    } else {
        None
    }
}

fn used_answer<'a>(answer: &'a Answer, probabilities: &[f64]) -> Used<'a> {
    let mut best = (0, 0.0);
    for (class, probability) in probabilities.iter().enumerate() {
        // Only what is larger: of equal ones the first is the prediction.
        if *probability > best.1 {
            best = (class, *probability);
        }
    }
    let (predicted, confidence) = best;
    let of_truth = probabilities[answer.truth];
    Used { key: &answer.key, truth: answer.truth, predicted, confidence, of_truth, latency: answer.latency }
}

fn confidence(used: &[Used<'_>], threshold: f64) -> Option<Confidence> {
    if used.is_empty() {
        return None;
    }
    let count = used.len() as f64;
    let pairs: Vec<(f64, bool)> = used.iter().map(|one| (one.confidence, one.predicted == one.truth)).collect();
    let calibration = statistics::calibration(&pairs);
    Some(Confidence {
        mean: pairs.iter().map(|(confidence, _)| confidence).sum::<f64>() / count,
        // `+ 0.0` turns the minus zero of a perfect model into a zero.
        log_loss: -used.iter().map(|one| one.of_truth.max(LEAST_PROBABILITY).ln()).sum::<f64>() / count + 0.0,
        below_threshold: pairs.iter().filter(|(confidence, _)| *confidence < threshold).count() as f64 / count,
        calibration_error: statistics::calibration_error(&calibration),
        calibration,
    })
}

fn failures(failed: &[(&Answer, String)]) -> Failures {
    let mut by_reason: BTreeMap<String, u64> = BTreeMap::new();
    for (_, reason) in failed {
        *by_reason.entry(shortened(reason, LONGEST_REASON)).or_default() += 1;
    }
    let mut reasons: Vec<Reason> = by_reason.into_iter().map(|(reason, count)| Reason { reason, count }).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    let others: u64 = reasons.iter().skip(KEPT_FAILURES).map(|reason| reason.count).sum();
    reasons.truncate(KEPT_FAILURES);
    if others > 0 {
        reasons.push(Reason { reason: "other reasons".into(), count: others });
    }
    let keys = failed.iter().take(KEPT_FAILURES).map(|(answer, _)| answer.key.clone()).collect();
    Failures { count: failed.len() as u64, reasons, keys }
}

fn mistakes(mut used: Vec<Used<'_>>, classes: &[String]) -> Vec<Mistake> {
    used.retain(|one| one.predicted != one.truth);
    used.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    used.truncate(KEPT_MISTAKES);
    used.into_iter()
        .map(|one| Mistake {
            key: one.key.into(),
            truth: classes[one.truth].clone(),
            predicted: classes[one.predicted].clone(),
            confidence: one.confidence,
        })
        .collect()
}
