//! What an endpoint is worth, measured on a test set: answers → [`Evaluation`], shown as text, JSON and a page.
//!
//! An evaluation is evidence for a promotion, so [`Evaluation::parse`] believes nothing that can be computed again.

mod check;
mod html;
mod measure;
mod statistics;
mod text;

#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use html::html;
pub use text::text;

/// The form of the evaluations that are written.
pub const FORMAT: u32 = 1;
/// More classes than this are refused: the confusion matrix grows with their square.
pub const MOST_CLASSES: usize = 1000;
/// The failed pictures whose keys are kept, and the reasons of failures that are told apart.
const KEPT_FAILURES: usize = 10;
/// The mistakes that are kept.
const KEPT_MISTAKES: usize = 5;

/// What the endpoint answered for one picture of the test set.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Where the picture lies in the test set.
    pub key: String,
    /// The index of its true class.
    pub truth: usize,
    /// A probability per class, or why there are none.
    pub outcome: Result<Vec<f64>, String>,
    /// From the request to the whole answer, as the caller saw it.
    pub latency: Duration,
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The classes, the answers or the threshold can't be measured.
    #[error("can't evaluate: {0}")]
    Input(String),
    /// A kept evaluation is no JSON, or lacks fields.
    #[error("the evaluation can't be read: {0}: run `scones evaluate` again")]
    Unreadable(String),
    /// A kept evaluation of a later release.
    #[error("the evaluation has format {0}, this scones reads format {FORMAT}: use the release that wrote it, or a later one")]
    Format(u64),
    /// A kept evaluation whose numbers contradict each other.
    #[error("the evaluation contradicts itself: {0}: it was changed since it was written, run `scones evaluate` again")]
    Contradiction(String),
}

/// What was evaluated, with what, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The application.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The endpoint configuration that was live.
    pub endpoint_config: String,
    /// The models behind it, by name.
    pub models: Vec<String>,
    /// The digest of what the models hold: the evaluation says something about this alone.
    pub model_digest: String,
    /// The pictures that were sent.
    pub test_set: TestSet,
    /// When the first picture was sent (RFC 3339).
    pub started_at: String,
    /// The requests that were under way at once.
    pub concurrency: usize,
}

/// The pictures that were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestSet {
    /// Where they lie.
    pub address: String,
    /// The digest of the list that names them.
    pub digest: String,
}

/// How an endpoint did on a test set.
///
/// A picture whose call failed, or whose answer is no probability per class, is a *failure*. Failures count as wrong in
/// `accuracy`, which is over all pictures sent: who sends a picture and gets nothing was not served. All else
/// (precision, recall, confidence, latency) is over the pictures *answered*. With equal probabilities the first class
/// is the prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The form of this document.
    pub format: u32,
    /// What was evaluated.
    pub context: Context,
    /// The classes, in the order of the endpoint's probabilities.
    pub classes: Vec<String>,
    /// The confidence below which the workflow gives no label.
    pub threshold: f64,
    /// The pictures sent.
    pub pictures: u64,
    /// Those answered.
    pub answered: u64,
    /// Those answered with the true class.
    pub correct: u64,
    /// The share of all pictures sent that were classified rightly.
    pub accuracy: Accuracy,
    /// One entry per class.
    pub per_class: Vec<ClassScore>,
    /// Pictures answered: a row per true class, a column per predicted class.
    pub confusion: Vec<Vec<u64>>,
    /// Nothing if no picture was answered.
    pub confidence: Option<Confidence>,
    /// The pictures that were not answered.
    pub failures: Failures,
    /// Nothing if no picture was answered.
    pub latency: Option<Latency>,
    /// How long all of it took, in milliseconds.
    pub wall_ms: f64,
    /// Pictures answered per second.
    pub throughput: f64,
    /// The most confident of the wrong answers, at most five.
    pub mistakes: Vec<Mistake>,
}

/// A share with its Wilson score interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// The share.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// How one class did. A number whose denominator is zero is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassScore {
    /// The class.
    pub name: String,
    /// Of those called so, the share that is so.
    pub precision: Option<f64>,
    /// Of those that are so, the share that was called so.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
    /// The pictures of this class that were answered.
    pub support: u64,
    /// The pictures of this class that were not.
    pub failed: u64,
}

/// What the probabilities are worth. The confidence of an answer is its largest probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// The mean confidence.
    pub mean: f64,
    /// The mean of -ln of the true class's probability, which is taken as 1e-15 at least.
    pub log_loss: f64,
    /// The share with a confidence below the threshold.
    pub below_threshold: f64,
    /// Expected calibration error: the distance of confidence and accuracy, weighted by the bins' counts.
    pub calibration_error: f64,
    /// Ten bins of equal width; a bin holds its lower edge, the last one both.
    pub calibration: Vec<Bin>,
}

/// Answers of like confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// The lowest confidence.
    pub from: f64,
    /// The next bin's lowest.
    pub to: f64,
    /// The answers in it.
    pub count: u64,
    /// Their mean confidence; null if there are none.
    pub confidence: Option<f64>,
    /// The share of them that is right; null if there are none.
    pub accuracy: Option<f64>,
}

/// The pictures that were not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// By reason, the most frequent first; all beyond ten are one last entry.
    pub reasons: Vec<Reason>,
    /// At most ten of their keys.
    pub keys: Vec<String>,
}

/// A reason of failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The reason.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// Times of the pictures answered, in milliseconds. Percentiles are interpolated between the closest ranks, as
/// `numpy.percentile` does by default (`linear`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Half took no longer.
    pub p50_ms: f64,
    /// 95 % took no longer.
    pub p95_ms: f64,
    /// 99 % took no longer.
    pub p99_ms: f64,
    /// The fastest.
    pub min_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// Four bins per doubling, with the same edges in every evaluation.
    pub histogram: Histogram,
}

/// Counts between edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// Ascending, in milliseconds.
    pub edges_ms: Vec<f64>,
    /// One fewer than the edges.
    pub counts: Vec<u64>,
}

/// A picture that was classified wrongly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Where it lies in the test set.
    pub key: String,
    /// What it shows.
    pub truth: String,
    /// What the endpoint took it for.
    pub predicted: String,
    /// The probability of that.
    pub confidence: f64,
}

/// Renders an evaluation as JSON, the form that [`Evaluation::parse`] reads.
pub fn json(evaluation: &Evaluation) -> String {
    // The type has string keys and finite numbers alone, so this does not fail; `null` would be refused on reading.
    serde_json::to_string_pretty(evaluation).unwrap_or_else(|_| "null".into()) + "\n"
}
