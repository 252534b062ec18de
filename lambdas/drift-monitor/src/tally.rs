//! Counts what comes by: the classes, the probabilities and the pictures of many records.

use serde::{Deserialize, Serialize};

use crate::picture::{Picture, Unmeasured};
use crate::statistics::Histogram;

/// Histograms of the pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The mean luma, from 0 to 1.
    pub brightness: Histogram,
    /// The variance of the Laplacian.
    pub sharpness: Histogram,
    /// The size of the encoded picture in bytes.
    pub bytes: Histogram,
}

impl Inputs {
    /// Empty, with the bins that a baseline is made with.
    pub fn standard() -> Self {
        Self { brightness: Histogram::of_shares(), sharpness: Histogram::of_sharpness(), bytes: Histogram::of_bytes() }
    }

    /// Empty, with the same bins.
    pub fn emptied(&self) -> Self {
        Self { brightness: self.brightness.emptied(), sharpness: self.sharpness.emptied(), bytes: self.bytes.emptied() }
    }

    /// Counts a picture; of one that was not decoded, its size alone.
    pub fn add(&mut self, picture: &Picture) {
        self.bytes.add(picture.bytes as f64);
        if let Ok(looks) = &picture.looks {
            self.brightness.add(looks.brightness);
            looks.sharpness.into_iter().for_each(|sharpness| self.sharpness.add(sharpness));
        }
    }
}

/// The number whose histogram is compared: of two classes, the probability of the last; of more, the largest one.
pub fn score(probabilities: &[f64]) -> f64 {
    match probabilities {
        [_, last] => *last,
        all => all.iter().copied().fold(0.0, f64::max),
    }
}

/// The predicted class: the first of the likeliest.
pub fn predicted(probabilities: &[f64]) -> usize {
    let likelier = |best: usize, at: usize| if probabilities[at] > probabilities[best] { at } else { best };
    (0..probabilities.len()).fold(0, likelier)
}

/// Pictures that were not measured, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// JPEGs, which are not decoded.
    pub jpeg: u64,
    /// Neither PNG nor JPEG.
    pub unknown: u64,
    /// More pixels than are decoded.
    pub too_large: u64,
    /// PNGs that do not decode.
    pub broken: u64,
}

impl NotMeasured {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.jpeg + self.unknown + self.too_large + self.broken
    }
}

/// What many records add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// How many records were counted.
    pub records: u64,
    /// How many of them held a prediction.
    pub predicted: u64,
    /// How many predictions were less sure than asked for.
    pub low_confidence: u64,
    /// How often each class was predicted.
    pub classes: Vec<u64>,
    /// The histogram of [`score`].
    pub predictions: Histogram,
    /// How many records held a picture.
    pub pictures: u64,
    /// The histograms of the pictures.
    pub inputs: Inputs,
    /// Pictures of which only the size is known.
    pub not_measured: NotMeasured,
}

impl Tally {
    /// Nothing counted yet, with the bins given.
    pub fn new(classes: usize, predictions: Histogram, inputs: Inputs) -> Self {
        Self {
            records: 0,
            predicted: 0,
            low_confidence: 0,
            classes: vec![0; classes],
            predictions,
            pictures: 0,
            inputs,
            not_measured: NotMeasured::default(),
        }
    }

    /// Counts a record. Probabilities of another number of classes than the tally's are not counted.
    pub fn add(&mut self, probabilities: Option<&[f64]>, picture: Option<&Picture>, low_confidence: f64) {
        self.records += 1;
        if let Some(probabilities) = probabilities.filter(|list| list.len() == self.classes.len() && !list.is_empty()) {
            let class = predicted(probabilities);
            self.predicted += 1;
            self.classes[class] += 1;
            self.low_confidence += u64::from(probabilities[class] < low_confidence);
            self.predictions.add(score(probabilities));
        }
        if let Some(picture) = picture {
            self.pictures += 1;
            self.inputs.add(picture);
            let not = &mut self.not_measured;
            match picture.looks {
                Ok(_) => {}
                Err(Unmeasured::Jpeg) => not.jpeg += 1,
                Err(Unmeasured::Unknown) => not.unknown += 1,
                Err(Unmeasured::TooLarge) => not.too_large += 1,
                Err(Unmeasured::Broken) => not.broken += 1,
            }
        }
    }

    /// Adds what another tally with the same classes and bins has counted.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.predicted += other.predicted;
        self.low_confidence += other.low_confidence;
        self.classes.iter_mut().zip(&other.classes).for_each(|(count, more)| *count += more);
        self.predictions.merge(&other.predictions);
        self.pictures += other.pictures;
        self.inputs.brightness.merge(&other.inputs.brightness);
        self.inputs.sharpness.merge(&other.inputs.sharpness);
        self.inputs.bytes.merge(&other.inputs.bytes);
        let NotMeasured { jpeg, unknown, too_large, broken } = other.not_measured;
        self.not_measured.jpeg += jpeg;
        self.not_measured.unknown += unknown;
        self.not_measured.too_large += too_large;
        self.not_measured.broken += broken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Looks;

    #[test]
    fn the_score_is_the_last_of_two_and_the_largest_of_more() {
        assert_eq!(score(&[0.9, 0.1]), 0.1);
        assert_eq!(score(&[0.2, 0.5, 0.3]), 0.5);
    }

    #[test]
    fn a_tie_goes_to_the_first() {
        assert_eq!(predicted(&[0.5, 0.5]), 0);
        assert_eq!(predicted(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(predicted(&[0.0, 1.0]), 1);
    }

    #[test]
    fn each_part_of_a_record_counts_where_it_belongs() {
        let mut tally = Tally::new(2, Histogram::of_shares(), Inputs::standard());
        let dark = Picture { bytes: 100, looks: Ok(Looks { brightness: 0.05, sharpness: None }) };
        let jpeg = Picture { bytes: 100, looks: Err(Unmeasured::Jpeg) };
        tally.add(Some(&[0.95, 0.05]), Some(&dark), 0.8);
        tally.add(Some(&[0.21, 0.79]), Some(&jpeg), 0.8);
        tally.add(Some(&[0.2, 0.8]), None, 0.8);
        tally.add(None, None, 0.8);
        assert_eq!((tally.records, tally.predicted, tally.low_confidence, tally.pictures), (4, 3, 1, 2));
        assert_eq!(tally.classes, [1, 2]);
        assert_eq!(tally.predictions.counts(), [1, 0, 0, 0, 0, 0, 0, 1, 1, 0]);
        assert_eq!((tally.inputs.bytes.total(), tally.inputs.brightness.total(), tally.inputs.sharpness.total()), (2, 1, 0));
        assert_eq!((tally.not_measured.jpeg, tally.not_measured.total()), (1, 1));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let reasons = [Unmeasured::Jpeg, Unmeasured::Unknown, Unmeasured::TooLarge, Unmeasured::Broken];
        let empty = || Tally::new(2, Histogram::of_shares(), Inputs::standard());
        let (mut whole, mut parts) = (empty(), [empty(), empty()]);
        for at in 0..40u32 {
            let share = f64::from(at) / 40.0;
            let looks = Looks { brightness: share, sharpness: Some(share * 100.0) };
            let looks = if at % 3 == 0 { Err(reasons[at as usize / 3 % 4]) } else { Ok(looks) };
            let picture = Picture { bytes: u64::from(at) * 50, looks };
            let probabilities = [share, 1.0 - share];
            let given = (at % 5 > 0).then_some(&probabilities[..]);
            whole.add(given, Some(&picture), 0.8);
            parts[usize::from(at < 20)].add(given, Some(&picture), 0.8);
        }
        let [mut sum, rest] = parts;
        sum.merge(&rest);
        assert_eq!(sum, whole);
    }
}
