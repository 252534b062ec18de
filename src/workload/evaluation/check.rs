//! Reads an evaluation that was kept, and refuses one whose numbers can't all be true.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::statistics;
use super::{Confidence, Evaluation, EvaluationError, FORMAT, KEPT_FAILURES, KEPT_MISTAKES, Latency, MOST_CLASSES};

/// The longest text that is read, in bytes: a matrix of the most classes fits in.
const LONGEST: usize = 16 << 20;
/// Counts up to here are exact as floating-point numbers.
const MOST_PICTURES: u64 = 1 << 53;
/// The bins of a latency histogram: from a microsecond to nine hours.
const MOST_BINS: usize = 140;
/// How far numbers may be from what they are computed to: JSON's reader may miss the last bit.
const TOLERANCE: f64 = 1e-9;

/// All that is read of a document of unknown format.
#[derive(Deserialize)]
struct Form {
    format: u64,
}

impl Evaluation {
    /// Reads what [`json`](super::json) wrote, and computes again what follows from the counts.
    ///
    /// # Errors
    /// Text that is no evaluation, of another format, or that contradicts itself.
    pub fn parse(text: &str) -> Result<Self, EvaluationError> {
        if text.len() > LONGEST {
            let size = text.len();
            return Err(EvaluationError::Unreadable(format!("it has {size} bytes, more than the {LONGEST} that one may have")));
        }
        let unreadable = |error: serde_json::Error| EvaluationError::Unreadable(error.to_string());
        let form: Form = serde_json::from_str(text).map_err(unreadable)?;
        if form.format != u64::from(FORMAT) {
            return Err(EvaluationError::Format(form.format));
        }
        let evaluation: Self = serde_json::from_str(text).map_err(unreadable)?;
        evaluation.check().map_err(EvaluationError::Contradiction)?;
        Ok(evaluation)
    }

    fn check(&self) -> Result<(), String> {
        self.check_context()?;
        self.check_counts()?;
        self.check_scores()?;
        match (&self.confidence, &self.latency, self.answered) {
            (None, None, 0) => {}
            (Some(confidence), Some(latency), 1..) => {
                check_confidence(confidence, self)?;
                check_latency(latency, self.answered)?;
            }
            _ => return Err("confidence and latency are there if and only if pictures were answered".into()),
        }
        self.check_kept()
    }

    fn check_context(&self) -> Result<(), String> {
        let context = &self.context;
        let named = [
            ("app", &context.app),
            ("environment", &context.environment),
            ("endpoint", &context.endpoint),
            ("endpoint_config", &context.endpoint_config),
            ("model_digest", &context.model_digest),
            ("test_set.address", &context.test_set.address),
            ("test_set.digest", &context.test_set.digest),
            ("started_at", &context.started_at),
        ];
        match named.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(format!("context.{name} is empty")),
            None => require(!context.models.is_empty() && context.concurrency > 0, "there are no models, or no requests at once"),
        }
    }

    fn check_counts(&self) -> Result<(), String> {
        let count = self.classes.len();
        let distinct = self.classes.iter().collect::<BTreeSet<_>>().len() == count;
        require((2..=MOST_CLASSES).contains(&count) && distinct, "the classes are no 2 to 1000 different names")?;
        let square = self.confusion.len() == count && self.confusion.iter().all(|row| row.len() == count);
        require(square && self.per_class.len() == count, "the confusion matrix or the scores do not fit the classes")?;
        // 128 bits: the sum of hostile counts must not overflow.
        let sum: u128 = self.confusion.iter().flatten().map(|cell| u128::from(*cell)).sum();
        require(self.pictures <= MOST_PICTURES && self.answered <= self.pictures, "there are more pictures than can be")?;
        require(sum == u128::from(self.answered), "the confusion matrix does not sum to the pictures answered")?;
        let right = self.confusion.iter().enumerate().map(|(index, row)| row[index]).sum::<u64>();
        require(right == self.correct, "the confusion matrix's diagonal does not sum to the pictures correct")?;
        let failed: u128 = self.per_class.iter().map(|score| u128::from(score.failed)).sum();
        let reasons: u128 = self.failures.reasons.iter().map(|reason| u128::from(reason.count)).sum();
        let failures = u128::from(self.failures.count);
        require(failed == failures && reasons == failures, "the failures do not sum up")?;
        require(sum + failures == u128::from(self.pictures), "pictures answered and failed are not those sent")
    }

    fn check_scores(&self) -> Result<(), String> {
        let accuracy = statistics::accuracy(self.correct, self.pictures).ok_or("no picture was sent")?;
        let given = self.accuracy;
        let same = near(accuracy.value, given.value) && near(accuracy.low, given.low) && near(accuracy.high, given.high);
        require(same, "the accuracy does not follow from the counts")?;
        let failed: Vec<u64> = self.per_class.iter().map(|score| score.failed).collect();
        let scores = statistics::per_class(&self.classes, &self.confusion, &failed);
        for (score, given) in scores.iter().zip(&self.per_class) {
            let same = (&score.name, score.support) == (&given.name, given.support)
                && near_or_none(score.precision, given.precision)
                && near_or_none(score.recall, given.recall)
                && near_or_none(score.f1, given.f1);
            require(same, &format!("the scores of `{}` do not follow from the confusion matrix", score.name))?;
        }
        let per_second = self.answered as f64 / self.wall_ms * 1000.0;
        require(
            self.wall_ms > 0.0 && relatively_near(per_second, self.throughput),
            "the throughput does not follow from the time",
        )
    }

    fn check_kept(&self) -> Result<(), String> {
        let failures = &self.failures;
        let kept = failures.keys.len() as u64 == failures.count.min(KEPT_FAILURES as u64)
            && failures.reasons.len() <= KEPT_FAILURES + 1
            && self.mistakes.len() as u64 == (self.answered - self.correct).min(KEPT_MISTAKES as u64);
        require(kept, "the kept failures or mistakes are not as many as counted")?;
        let sound = self.mistakes.iter().all(|mistake| {
            mistake.truth != mistake.predicted
                && self.classes.contains(&mistake.truth)
                && self.classes.contains(&mistake.predicted)
                && is_share(mistake.confidence)
        });
        require(sound, "a mistake is none, or of unknown classes")
    }
}

fn check_confidence(given: &Confidence, evaluation: &Evaluation) -> Result<(), String> {
    let bins = &given.calibration;
    let counted: u128 = bins.iter().map(|bin| u128::from(bin.count)).sum();
    let expected = statistics::calibration(&[]);
    let fitting = bins.len() == expected.len()
        && bins.iter().zip(&expected).all(|(bin, expected)| {
            let filled = bin.count > 0;
            near(bin.from, expected.from)
                && near(bin.to, expected.to)
                && (bin.confidence.is_some(), bin.accuracy.is_some()) == (filled, filled)
                && bin.confidence.is_none_or(|mean| (bin.from - TOLERANCE..=bin.to + TOLERANCE).contains(&mean))
                && bin.accuracy.is_none_or(is_share)
        });
    require(fitting && counted == u128::from(evaluation.answered), "the calibration's bins do not hold the pictures answered")?;
    let right: f64 = bins.iter().filter_map(|bin| Some(bin.count as f64 * bin.accuracy?)).sum();
    let follows = near(given.mean, statistics::mean_confidence(bins))
        && near(given.calibration_error, statistics::calibration_error(bins))
        && relatively_near(right, evaluation.correct as f64);
    require(follows, "mean confidence, calibration error or correct pictures do not follow from the bins")?;
    let sound = is_share(given.below_threshold) && given.log_loss >= 0.0 && is_share(evaluation.threshold);
    require(sound, "the log loss, the threshold or the share below it is out of range")
}

fn check_latency(given: &Latency, answered: u64) -> Result<(), String> {
    let rising = [0.0, given.min_ms, given.p50_ms, given.p95_ms, given.p99_ms, given.max_ms].is_sorted();
    let mean = (given.min_ms - TOLERANCE..=given.max_ms + TOLERANCE).contains(&given.mean_ms);
    require(rising && mean, "the latency's percentiles do not rise from least to most")?;
    let (edges, counts) = (&given.histogram.edges_ms, &given.histogram.counts);
    let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let few = (1..=MOST_BINS).contains(&counts.len());
    let fits = few && edges.len() == counts.len() + 1 && edges.windows(2).all(|pair| pair[0] < pair[1]) && edges[0] > 0.0;
    require(fits && sum == u128::from(answered), "the latency's histogram does not hold the pictures answered")
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= TOLERANCE
}

fn relatively_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= TOLERANCE * one.abs().max(1.0)
}

fn near_or_none(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => near(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
