//! `baseline.json`: what the endpoint is expected to see and to answer.

use serde::{Deserialize, Serialize};

use crate::picture::Picture;
use crate::statistics::{Histogram, HistogramError, shares};
use crate::tally::{Inputs, Tally};

/// The format that is written and read.
pub const FORMAT: u64 = 1;

/// A baseline of more bytes is not read: a thousand bins need a hundredth of it.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// The most classes that can be told apart.
pub const MAX_CLASSES: usize = 100;

/// Who made a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// From the training pictures and their labels, before there is a model.
    Staging,
    /// From the test pictures and what the endpoint answered.
    Evaluation,
}

/// What the endpoint is expected to see and to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Always [`FORMAT`].
    pub format: u64,
    /// Who made it.
    pub source: Source,
    /// The classes, in the order of the model's answer.
    pub classes: Vec<String>,
    /// How many pictures it was made of.
    pub records: u64,
    /// The share of each class: of the predictions, or of the labels if staging made it. They sum to 1.
    pub shares: Vec<f64>,
    /// The histogram of [`crate::tally::score`]; nothing if staging made it.
    pub predictions: Option<Histogram>,
    /// Histograms of the pictures.
    pub inputs: Inputs,
}

/// Why something is no baseline.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Not the JSON that is expected.
    #[error("it is not a baseline: {0}")]
    Json(String),
    /// Made by another version.
    #[error("it has format {0}, and only format {FORMAT} can be read")]
    Format(u64),
    /// There are no classes, too many, or one twice.
    #[error("its `classes` must be 2 to {MAX_CLASSES} different names")]
    Classes,
    /// The shares do not fit.
    #[error("its `shares` must be {0} numbers from 0 to 1 that sum to 1")]
    Shares(usize),
    /// A histogram that is none.
    #[error("its histogram `{0}` is wrong: {1}")]
    Histogram(&'static str, HistogramError),
    /// Made of nothing.
    #[error("it was made of no records")]
    Empty,
    /// A class or a list of probabilities that does not fit the classes.
    #[error("a record is not of the baseline's {0} classes")]
    Record(usize),
}

impl Baseline {
    /// Reads and checks `baseline.json`.
    pub fn read(bytes: &[u8]) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_slice(bytes).map_err(|error| format_or(bytes, &error))?;
        baseline.check().map(|()| baseline)
    }

    /// The text of `baseline.json`.
    pub fn write(&self) -> Result<String, BaselineError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| BaselineError::Json(error.to_string()))?;
        Ok(text + "\n")
    }

    /// An empty tally whose histograms can be compared with this baseline's.
    pub fn tally(&self) -> Tally {
        let predictions = self.predictions.as_ref().map_or_else(Histogram::of_shares, Histogram::emptied);
        Tally::new(self.classes.len(), predictions, self.inputs.emptied())
    }

    fn check(&self) -> Result<(), BaselineError> {
        if self.format != FORMAT {
            return Err(BaselineError::Format(self.format));
        }
        check_classes(&self.classes)?;
        let in_range = self.shares.iter().all(|share| (0.0..=1.0).contains(share));
        let sum: f64 = self.shares.iter().sum();
        if self.shares.len() != self.classes.len() || !in_range || (sum - 1.0).abs() > 1e-6 {
            return Err(BaselineError::Shares(self.classes.len()));
        }
        let Inputs { brightness, sharpness, bytes } = &self.inputs;
        let inputs = [("brightness", brightness), ("sharpness", sharpness), ("bytes", bytes)];
        for (name, histogram) in self.predictions.iter().map(|histogram| ("predictions", histogram)).chain(inputs) {
            histogram.check().map_err(|error| BaselineError::Histogram(name, error))?;
        }
        if self.records == 0 { Err(BaselineError::Empty) } else { Ok(()) }
    }
}

/// A newer format is told as such, whatever else is new in it.
fn format_or(bytes: &[u8], error: &serde_json::Error) -> BaselineError {
    #[derive(Deserialize)]
    struct Versioned {
        format: u64,
    }
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned { format }) if format != FORMAT => BaselineError::Format(format),
        _ => BaselineError::Json(error.to_string()),
    }
}

fn check_classes(classes: &[String]) -> Result<(), BaselineError> {
    let repeated = classes.iter().enumerate().any(|(at, class)| class.is_empty() || classes[..at].contains(class));
    if repeated || !(2..=MAX_CLASSES).contains(&classes.len()) { Err(BaselineError::Classes) } else { Ok(()) }
}

/// Makes a baseline, record by record.
#[derive(Debug)]
pub struct Builder {
    source: Source,
    classes: Vec<String>,
    tally: Tally,
}

impl Builder {
    /// Starts a baseline of these classes, in the order of the model's answer.
    pub fn new(source: Source, classes: Vec<String>) -> Result<Self, BaselineError> {
        check_classes(&classes)?;
        let tally = Tally::new(classes.len(), Histogram::of_shares(), Inputs::standard());
        Ok(Self { source, classes, tally })
    }

    /// Counts a training picture with its label, the index of its class.
    pub fn label(&mut self, class: usize, picture: &Picture) -> Result<(), BaselineError> {
        let count = self.tally.classes.get_mut(class).ok_or(BaselineError::Record(self.classes.len()))?;
        *count += 1;
        self.tally.add(None, Some(picture), 0.0);
        Ok(())
    }

    /// Counts a test picture with what the endpoint answered for it.
    pub fn prediction(&mut self, probabilities: &[f64], picture: &Picture) -> Result<(), BaselineError> {
        if probabilities.len() != self.classes.len() || !probabilities.iter().all(|one| (0.0..=1.0).contains(one)) {
            return Err(BaselineError::Record(self.classes.len()));
        }
        self.tally.add(Some(probabilities), Some(picture), 0.0);
        Ok(())
    }

    /// The baseline of all that was counted.
    pub fn finish(self) -> Result<Baseline, BaselineError> {
        let shares = shares(&self.tally.classes).ok_or(BaselineError::Empty)?;
        Ok(Baseline {
            format: FORMAT,
            source: self.source,
            classes: self.classes,
            records: self.tally.records,
            shares,
            predictions: (self.source == Source::Evaluation).then_some(self.tally.predictions),
            inputs: self.tally.inputs,
        })
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::picture::Looks;

    fn classes() -> Vec<String> {
        vec!["bicycle".into(), "motorcycle".into()]
    }

    /// A baseline of a hundred pictures of all brightnesses, evenly of both classes.
    pub fn baseline(source: Source) -> Baseline {
        let mut builder = Builder::new(source, classes()).unwrap();
        for at in 0..100u32 {
            let share = f64::from(at) / 100.0;
            let looks = Looks { brightness: share, sharpness: Some(f64::from(at) * 20.0) };
            let picture = Picture { bytes: 1000 + u64::from(at) * 20, looks: Ok(looks) };
            match source {
                Source::Staging => builder.label(at as usize % 2, &picture).unwrap(),
                Source::Evaluation => builder.prediction(&[1.0 - share, share], &picture).unwrap(),
            }
        }
        builder.finish().unwrap()
    }

    fn changed(pointer: &str, value: Value) -> Result<Baseline, BaselineError> {
        let mut document = serde_json::to_value(baseline(Source::Evaluation)).unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        Baseline::read(document.to_string().as_bytes())
    }

    #[test]
    fn what_is_written_is_read() {
        for source in [Source::Staging, Source::Evaluation] {
            let baseline = baseline(source);
            assert_eq!(Baseline::read(baseline.write().unwrap().as_bytes()), Ok(baseline));
        }
    }

    #[test]
    fn the_form_of_the_document() {
        let document = serde_json::to_value(baseline(Source::Staging)).unwrap();
        assert_eq!(document["format"], 1);
        assert_eq!(document["source"], "staging");
        assert_eq!(document["predictions"], Value::Null);
        assert_eq!(document["shares"], json!([0.5, 0.5]));
        assert_eq!(document["inputs"]["brightness"]["edges"][1], 0.1);
        let document = serde_json::to_value(baseline(Source::Evaluation)).unwrap();
        assert_eq!(document["shares"], json!([0.51, 0.49]));
        assert_eq!(document["predictions"]["counts"], json!([10, 10, 10, 10, 10, 10, 10, 10, 10, 10]));
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_reason() {
        for (pointer, value, says) in [
            ("/format", json!(2), "format 2"),
            ("/source", json!("guess"), "guess"),
            ("/classes", json!(["bicycle", "bicycle"]), "classes"),
            ("/classes", json!(["bicycle"]), "classes"),
            ("/shares", json!([0.5, 0.6]), "shares"),
            ("/shares", json!([1.5, -0.5]), "shares"),
            ("/shares", json!([1.0]), "shares"),
            ("/records", json!(0), "no records"),
            ("/records", json!(-1), "-1"),
            ("/predictions/counts", json!([1]), "`predictions`"),
            ("/inputs/bytes/edges/1", json!(0), "`bytes`"),
            ("/inputs/brightness", Value::Null, "not a baseline"),
        ] {
            let error = changed(pointer, value).unwrap_err().to_string();
            assert!(error.contains(says), "{pointer}: {error}");
        }
        for bytes in [&b""[..], b"[]", b"{\"format\": 1}", b"\xff"] {
            assert!(matches!(Baseline::read(bytes), Err(BaselineError::Json(_))));
        }
        assert_eq!(Baseline::read(b"{\"format\": 7, \"news\": {}}"), Err(BaselineError::Format(7)));
    }

    #[test]
    fn a_builder_takes_only_what_fits() {
        let picture = Picture { bytes: 1, looks: Err(crate::picture::Unmeasured::Jpeg) };
        assert_eq!(Builder::new(Source::Staging, vec!["one".into()]).unwrap_err(), BaselineError::Classes);
        let mut builder = Builder::new(Source::Evaluation, classes()).unwrap();
        assert_eq!(builder.label(2, &picture), Err(BaselineError::Record(2)));
        for wrong in [&[0.5][..], &[0.2, 0.3, 0.5], &[f64::NAN, 0.5], &[1.5, 0.0]] {
            assert_eq!(builder.prediction(wrong, &picture), Err(BaselineError::Record(2)));
        }
        assert_eq!(builder.finish(), Err(BaselineError::Empty));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_baseline_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Baseline::read(&bytes).is_err());
        }
    }
}
