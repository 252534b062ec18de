//! What was counted in a window, held against the baseline.

use serde::{Deserialize, Serialize};

use crate::baseline::{Baseline, Source};
use crate::statistics::{Histogram, MODERATE, SHIFTED, psi, psi_by_chance, shares};
use crate::tally::Tally;

/// What a window says of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There was nothing to look at.
    NoRecords,
    /// There was too little to look at.
    TooFewRecords,
    /// Every index is below 0.1.
    Stable,
    /// An index is 0.1 or above.
    Moderate,
    /// An index is above 0.25.
    Shifted,
}

impl Verdict {
    /// The verdict on one index.
    pub fn of(psi: f64) -> Self {
        if psi > SHIFTED {
            Self::Shifted
        } else if psi >= MODERATE {
            Self::Moderate
        } else {
            Self::Stable
        }
    }

    /// As it is read by people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoRecords => "no records",
            Self::TooFewRecords => "too few records",
            Self::Stable => "stable",
            Self::Moderate => "moderate",
            Self::Shifted => "shifted",
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The probabilities that the model gives.
    Prediction,
    /// How often each class is predicted.
    ClassShare,
    /// The brightness of the pictures.
    Brightness,
    /// The sharpness of the pictures.
    Sharpness,
    /// The size of the pictures in bytes.
    Bytes,
}

impl Measure {
    /// The name of its metric.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Prediction => "PredictionPSI",
            Self::ClassShare => "ClassSharePSI",
            Self::Brightness => "BrightnessPSI",
            Self::Sharpness => "SharpnessPSI",
            Self::Bytes => "BytesPSI",
        }
    }
}

/// One measure, with its index or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What is compared.
    pub measure: Measure,
    /// The name of its metric.
    pub metric: &'static str,
    /// Of how many records of the window.
    pub records: u64,
    /// The population stability index.
    pub psi: Option<f64>,
    /// What the index may well be without any shift, see [`psi_by_chance`].
    pub by_chance: Option<f64>,
    /// The verdict on this measure alone.
    pub verdict: Option<Verdict>,
    /// Why there is no index.
    pub absent: Option<String>,
    /// The limits of the bins; empty for classes.
    pub edges: Vec<f64>,
    /// The baseline's share of each bin.
    pub baseline: Option<Vec<f64>>,
    /// The window's share of each bin.
    pub window: Option<Vec<f64>>,
}

/// All measures, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The worst of all measures.
    pub verdict: Verdict,
    /// Each measure.
    pub compared: Vec<Compared>,
    /// The share of predictions with low confidence, if there are enough predictions.
    pub low_confidence_rate: Option<f64>,
    /// The share of each class among the predictions, if there are enough.
    pub class_shares: Option<Vec<f64>>,
}

impl Comparison {
    /// Compares what was counted with `baseline`. A measure with fewer than `minimum` values has no index: zero would
    /// look like calm.
    pub fn new(baseline: &Baseline, tally: &Tally, minimum: u64) -> Self {
        let enough = |count: u64| count >= minimum.max(1);
        let inputs = &baseline.inputs;
        let compared = vec![
            match &baseline.predictions {
                Some(predictions) => of_histograms(Measure::Prediction, predictions, &tally.predictions, minimum),
                None => without_predictions(baseline.source, &tally.predictions),
            },
            of_classes(baseline, tally, minimum),
            of_histograms(Measure::Brightness, &inputs.brightness, &tally.inputs.brightness, minimum),
            of_histograms(Measure::Sharpness, &inputs.sharpness, &tally.inputs.sharpness, minimum),
            of_histograms(Measure::Bytes, &inputs.bytes, &tally.inputs.bytes, minimum),
        ];
        let worst = compared.iter().filter_map(|one| one.verdict).max();
        let verdict = match tally.records {
            0 => Verdict::NoRecords,
            records if !enough(records) => Verdict::TooFewRecords,
            _ => worst.unwrap_or(Verdict::TooFewRecords),
        };
        Self {
            verdict,
            compared,
            low_confidence_rate: enough(tally.predicted).then(|| tally.low_confidence as f64 / tally.predicted as f64),
            class_shares: if enough(tally.predicted) { shares(&tally.classes) } else { None },
        }
    }
}

fn of_histograms(measure: Measure, baseline: &Histogram, window: &Histogram, minimum: u64) -> Compared {
    let shares = (baseline.shares(), window.shares());
    let compared = compare(measure, shares, (baseline.total(), window.total()), minimum);
    Compared { edges: baseline.edges().to_vec(), ..compared }
}

fn of_classes(baseline: &Baseline, tally: &Tally, minimum: u64) -> Compared {
    let shares = (Some(baseline.shares.clone()), shares(&tally.classes));
    compare(Measure::ClassShare, shares, (baseline.records, tally.predicted), minimum)
}

fn without_predictions(source: Source, window: &Histogram) -> Compared {
    let why = match source {
        Source::Staging => "the baseline was made by staging and has no predictions: evaluate the model for one that has",
        Source::Evaluation => "the baseline has no predictions: evaluate the model again",
    };
    let absent = Some(why.to_owned());
    let compared = compare(Measure::Prediction, (None, window.shares()), (0, window.total()), 0);
    Compared { edges: window.edges().to_vec(), absent, ..compared }
}

type Shares = Option<Vec<f64>>;

fn compare(measure: Measure, (before, now): (Shares, Shares), sizes: (u64, u64), minimum: u64) -> Compared {
    let outcome = match (&before, &now) {
        (None, _) => Err("the baseline has no values of it".to_owned()),
        (_, None) => Err("no records of the window have it".to_owned()),
        _ if sizes.1 < minimum => Err(format!("only {} of the {minimum} records that are needed have it", sizes.1)),
        (Some(before), Some(now)) => psi(before, now)
            .map(|psi| (psi, psi_by_chance(before, sizes.0, sizes.1)))
            .ok_or_else(|| "the baseline has other bins".to_owned()),
    };
    let psi = outcome.as_ref().ok().map(|(psi, _)| *psi);
    Compared {
        measure,
        metric: measure.metric(),
        records: sizes.1,
        psi,
        by_chance: outcome.as_ref().ok().map(|(_, by_chance)| *by_chance),
        verdict: psi.map(Verdict::of),
        absent: outcome.err(),
        edges: vec![],
        baseline: before,
        window: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::baseline;
    use crate::picture::{Looks, Picture};

    fn tally(baseline: &Baseline, records: u32, brightness: impl Fn(f64) -> f64) -> Tally {
        let mut tally = baseline.tally();
        for at in 0..records {
            let share = f64::from(at) / f64::from(records);
            let looks = Looks { brightness: brightness(share), sharpness: Some(share * 2000.0) };
            let picture = Picture { bytes: 1000 + (share * 2000.0) as u64, looks: Ok(looks) };
            tally.add(Some(&[1.0 - share, share]), Some(&picture), 0.8);
        }
        tally
    }

    fn psi_of(comparison: &Comparison, measure: Measure) -> Option<f64> {
        comparison.compared.iter().find(|one| one.measure == measure).unwrap().psi
    }

    #[test]
    fn the_same_is_stable() {
        let baseline = baseline(Source::Evaluation);
        let comparison = Comparison::new(&baseline, &tally(&baseline, 100, |share| share), 20);
        assert_eq!(comparison.verdict, Verdict::Stable);
        assert!(comparison.compared.iter().all(|one| one.psi.unwrap() < 1e-9), "{comparison:?}");
        assert_eq!(comparison.low_confidence_rate, Some(0.59));
        assert_eq!(comparison.class_shares, Some(vec![0.51, 0.49]));
    }

    #[test]
    fn darker_pictures_shift_the_brightness_alone() {
        let baseline = baseline(Source::Evaluation);
        let comparison = Comparison::new(&baseline, &tally(&baseline, 100, |share| share / 3.0), 20);
        assert_eq!(comparison.verdict, Verdict::Shifted);
        assert!(psi_of(&comparison, Measure::Brightness).unwrap() > 1.0);
        assert!(psi_of(&comparison, Measure::Prediction).unwrap() < 1e-9);
    }

    #[test]
    fn the_convention() {
        for (psi, verdict) in [
            (0.0, Verdict::Stable),
            (0.0999, Verdict::Stable),
            (0.1, Verdict::Moderate),
            (0.25, Verdict::Moderate),
            (0.2501, Verdict::Shifted),
        ] {
            assert_eq!(Verdict::of(psi), verdict, "{psi}");
        }
    }

    #[test]
    fn nothing_and_too_little_are_no_zero() {
        let baseline = baseline(Source::Evaluation);
        for (records, verdict) in [(0, Verdict::NoRecords), (1, Verdict::TooFewRecords), (19, Verdict::TooFewRecords)] {
            let comparison = Comparison::new(&baseline, &tally(&baseline, records, |share| share), 20);
            assert_eq!(comparison.verdict, verdict);
            assert!(comparison.compared.iter().all(|one| one.psi.is_none() && one.verdict.is_none() && one.absent.is_some()));
            assert_eq!((comparison.low_confidence_rate, comparison.class_shares), (None, None));
        }
        let enough = Comparison::new(&baseline, &tally(&baseline, 20, |share| share), 20);
        assert!(enough.compared.iter().all(|one| one.psi.is_some()));
    }

    #[test]
    fn a_part_that_is_not_captured_is_left_out_alone() {
        let baseline = baseline(Source::Evaluation);
        let mut tally = baseline.tally();
        (0..50).for_each(|_| tally.add(Some(&[0.9, 0.1]), None, 0.8));
        let comparison = Comparison::new(&baseline, &tally, 20);
        assert!(psi_of(&comparison, Measure::Prediction).is_some() && psi_of(&comparison, Measure::Bytes).is_none());
        let mut tally = baseline.tally();
        (0..50).for_each(|_| tally.add(None, None, 0.8));
        assert_eq!(Comparison::new(&baseline, &tally, 20).verdict, Verdict::TooFewRecords);
    }

    #[test]
    fn a_baseline_of_staging_has_no_predictions_to_compare() {
        let baseline = baseline(Source::Staging);
        let comparison = Comparison::new(&baseline, &tally(&baseline, 100, |share| share), 20);
        assert_eq!(psi_of(&comparison, Measure::Prediction), None);
        assert!(comparison.compared[0].absent.as_ref().unwrap().contains("staging"));
        assert!(psi_of(&comparison, Measure::ClassShare).unwrap() < 0.01);
    }
}
