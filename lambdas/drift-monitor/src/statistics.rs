//! Histograms, the population stability index (PSI), and the brightness and sharpness of a picture.

mod chance;
mod luma;

use serde::{Deserialize, Serialize};

pub use chance::psi_by_chance;
pub use luma::Luma;

/// A share below this counts as this: an empty bin would make the index infinite.
pub const SMALLEST_SHARE: f64 = 1e-4;

/// The index from which a population has moved moderately, by the usual convention.
pub const MODERATE: f64 = 0.1;

/// The index above which a population has shifted, by the usual convention.
pub const SHIFTED: f64 = 0.25;

/// Why numbers are no histogram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// Fewer than two edges, or too many.
    #[error("it has {0} edges: 2 to 1001 are allowed")]
    Edges(usize),
    /// An edge is not above the one before it, or is not finite.
    #[error("edge {0} is not a finite number above the one before it")]
    Order(usize),
    /// There must be one count for each pair of edges.
    #[error("it has {edges} edges and {counts} counts: there must be one count less than edges")]
    Counts {
        /// How many edges there are.
        edges: usize,
        /// How many counts there are.
        counts: usize,
    },
}

/// Counts of values between ascending edges. A bin holds its lower edge and not its upper one, save the last, which
/// holds both, as `numpy.histogram` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram.
    pub fn new(edges: Vec<f64>) -> Result<Self, HistogramError> {
        let counts = vec![0; edges.len().saturating_sub(1)];
        let histogram = Self { edges, counts };
        histogram.check().map(|()| histogram)
    }

    /// A histogram of values.
    pub fn of(edges: Vec<f64>, values: impl IntoIterator<Item = f64>) -> Result<Self, HistogramError> {
        let mut histogram = Self::new(edges)?;
        values.into_iter().for_each(|value| histogram.add(value));
        Ok(histogram)
    }

    /// Ten bins of 0.1 from 0 to 1: probabilities and brightness.
    pub fn of_shares() -> Self {
        Self::with_edges((0..=10).map(|tenth| f64::from(tenth) / 10.0).collect())
    }

    /// Bins that double, from 1 to 65536, and one below: the sharpness.
    pub fn of_sharpness() -> Self {
        Self::with_edges(doubling(0, 16))
    }

    /// Bins that double, from 64 bytes to 16 MiB, and one below: the sizes of encoded pictures.
    pub fn of_bytes() -> Self {
        Self::with_edges(doubling(6, 24))
    }

    /// An empty histogram with the bins of another.
    pub fn emptied(&self) -> Self {
        Self::with_edges(self.edges.clone())
    }

    /// For edges that are known to ascend.
    fn with_edges(edges: Vec<f64>) -> Self {
        let counts = vec![0; edges.len().saturating_sub(1)];
        Self { edges, counts }
    }

    /// Counts a value. One outside of the edges falls into the first or the last bin; a NaN is not counted.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let bin = self.edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(self.counts.len().saturating_sub(1));
        if let Some(count) = self.counts.get_mut(bin) {
            *count += 1;
        }
    }

    /// Adds the counts of a histogram with the same bins.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The ascending limits of the bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// How many values each bin holds.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The share of each bin; nothing if no value was counted.
    pub fn shares(&self) -> Option<Vec<f64>> {
        shares(&self.counts)
    }

    /// How far `actual` is from this histogram; nothing if either is empty or their bins differ.
    pub fn psi(&self, actual: &Self) -> Option<f64> {
        if self.edges != actual.edges {
            return None;
        }
        psi(&self.shares()?, &actual.shares()?)
    }

    /// Whether what was read is a histogram.
    pub fn check(&self) -> Result<(), HistogramError> {
        let edges = self.edges.len();
        if !(2..=1001).contains(&edges) {
            return Err(HistogramError::Edges(edges));
        }
        if self.counts.len() + 1 != edges {
            return Err(HistogramError::Counts { edges, counts: self.counts.len() });
        }
        if !self.edges[0].is_finite() {
            return Err(HistogramError::Order(0));
        }
        let wrong = self.edges.windows(2).position(|pair| !pair[1].is_finite() || pair[1] <= pair[0]);
        wrong.map_or(Ok(()), |before| Err(HistogramError::Order(before + 1)))
    }
}

/// 0, then the powers of two from 2^`first` to 2^`last`.
fn doubling(first: i32, last: i32) -> Vec<f64> {
    std::iter::once(0.0).chain((first..=last).map(|power| 2f64.powi(power))).collect()
}

/// What part of the whole each count is; nothing if the whole is nothing.
pub fn shares(counts: &[u64]) -> Option<Vec<f64>> {
    let total = counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
    (total > 0).then(|| counts.iter().map(|count| *count as f64 / total as f64).collect())
}

/// The population stability index of two lists of shares: the sum of `(a − e) · ln(a / e)`, each share at least
/// [`SMALLEST_SHARE`]. Nothing if the lists are empty or differ in length.
pub fn psi(expected: &[f64], actual: &[f64]) -> Option<f64> {
    if expected.is_empty() || expected.len() != actual.len() {
        return None;
    }
    let term = |(expected, actual): (&f64, &f64)| {
        let (expected, actual) = (expected.max(SMALLEST_SHARE), actual.max(SMALLEST_SHARE));
        (actual - expected) * (actual / expected).ln()
    };
    Some(expected.iter().zip(actual).map(term).sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[f64]) -> Histogram {
        Histogram::of(vec![0.0, 1.0, 2.0], values.iter().copied()).unwrap()
    }

    #[test]
    fn a_bin_holds_its_lower_edge_and_the_last_both() {
        assert_eq!(histogram(&[0.0, 0.99]).counts(), [2, 0]);
        assert_eq!(histogram(&[1.0, 2.0]).counts(), [0, 2]);
    }

    #[test]
    fn what_is_outside_falls_into_the_first_or_last_bin() {
        assert_eq!(histogram(&[-5.0, f64::NEG_INFINITY, 9.0, f64::INFINITY, f64::NAN]).counts(), [2, 2]);
    }

    #[test]
    fn the_declared_edges() {
        assert_eq!(Histogram::of_shares().edges(), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        let sharpness = Histogram::of_sharpness();
        assert_eq!(sharpness.edges()[..4], [0.0, 1.0, 2.0, 4.0]);
        assert_eq!((sharpness.edges().len(), sharpness.edges().last()), (18, Some(&65536.0)));
        let bytes = Histogram::of_bytes();
        assert_eq!(bytes.edges()[..3], [0.0, 64.0, 128.0]);
        assert_eq!((bytes.edges().len(), bytes.edges().last()), (20, Some(&16_777_216.0)));
        for histogram in [Histogram::of_shares(), sharpness, bytes] {
            assert_eq!(histogram.check(), Ok(()));
        }
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        assert_eq!(Histogram::new(vec![0.0]), Err(HistogramError::Edges(1)));
        assert_eq!(Histogram::new(vec![0.0; 1002]), Err(HistogramError::Edges(1002)));
        assert_eq!(Histogram::new(vec![0.0, 1.0, 1.0]), Err(HistogramError::Order(2)));
        assert_eq!(Histogram::new(vec![0.0, f64::NAN]), Err(HistogramError::Order(1)));
        assert_eq!(Histogram::new(vec![f64::NEG_INFINITY, 1.0]), Err(HistogramError::Order(0)));
        let read: Histogram = serde_json::from_str(r#"{"edges": [0, 1, 2], "counts": [1]}"#).unwrap();
        assert_eq!(read.check(), Err(HistogramError::Counts { edges: 3, counts: 1 }));
    }

    #[test]
    fn nothing_is_not_zero() {
        assert_eq!(histogram(&[]).psi(&histogram(&[1.0])), None);
        assert_eq!(histogram(&[1.0]).psi(&histogram(&[])), None);
        assert_eq!(psi(&[], &[]), None);
        assert_eq!(psi(&[1.0], &[0.5, 0.5]), None);
        let other = Histogram::of(vec![0.0, 1.0, 3.0], [1.0]).unwrap();
        assert_eq!(histogram(&[1.0]).psi(&other), None);
    }

    #[test]
    fn the_index_by_hand() {
        // (0.7 − 0.5) · ln(0.7 / 0.5) + (0.3 − 0.5) · ln(0.3 / 0.5)
        assert!((psi(&[0.5, 0.5], &[0.7, 0.3]).unwrap() - 0.169_459_572_077_440_65).abs() < 1e-12);
        let emptied = psi(&[0.5, 0.5], &[1.0, 0.0]).unwrap();
        assert!((emptied - (0.5 * 2f64.ln() + (1e-4 - 0.5) * (1e-4f64 / 0.5).ln())).abs() < 1e-12, "{emptied}");
    }

    proptest! {
        #[test]
        fn the_index_is_no_less_than_zero_and_zero_for_the_same(counts in prop::collection::vec(0u64..1000, 1..30)) {
            prop_assume!(counts.iter().any(|count| *count > 0));
            let here = shares(&counts).unwrap();
            let there: Vec<f64> = here.iter().rev().copied().collect();
            prop_assert_eq!(psi(&here, &here), Some(0.0));
            let (to, fro) = (psi(&here, &there).unwrap(), psi(&there, &here).unwrap());
            prop_assert!(to >= 0.0 && (to - fro).abs() < 1e-9);
        }

        #[test]
        fn every_value_lands_in_the_bin_that_holds_it(values in prop::collection::vec(-0.5f64..1.5, 0..50)) {
            let mut histogram = Histogram::of_shares();
            for value in &values {
                let before = histogram.counts().to_vec();
                histogram.add(*value);
                let bin = (0..10).find(|bin| histogram.counts()[*bin] != before[*bin]).unwrap();
                prop_assert!(bin == 0 || histogram.edges()[bin] <= *value);
                prop_assert!(bin == 9 || *value < histogram.edges()[bin + 1]);
            }
            prop_assert_eq!(histogram.total(), values.len() as u64);
        }
    }
}
