//! The formulas: shares with their interval, scores per class, calibration, percentiles.

use super::{Accuracy, Bin, ClassScore, Histogram, Latency};

/// The normal distribution's 97.5 % quantile, for intervals at 95 %.
const Z: f64 = 1.959_963_984_540_054;
const BINS: u32 = 10;

/// A share with its Wilson score interval at 95 %; nothing for nothing.
pub fn accuracy(correct: u64, of: u64) -> Option<Accuracy> {
    let value = ratio(correct, of)?;
    let n = of as f64;
    let spread = Z * Z / n;
    let middle = (value + spread / 2.0) / (1.0 + spread);
    let half = (Z / (1.0 + spread)) * (value * (1.0 - value) / n + spread / (4.0 * n)).sqrt();
    // Rounding must not push the interval off its share, or past what a share can be.
    Some(Accuracy { value, low: (middle - half).clamp(0.0, value), high: (middle + half).clamp(value, 1.0) })
}

fn ratio(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Scores of each class; rows of the matrix are the true classes. `failed` are the pictures per class without answer.
///
/// The matrix is square, and its sum fits into 64 bits.
pub fn per_class(classes: &[String], confusion: &[Vec<u64>], failed: &[u64]) -> Vec<ClassScore> {
    let mut predicted = vec![0; classes.len()];
    for row in confusion {
        row.iter().zip(&mut predicted).for_each(|(count, sum)| *sum += count);
    }
    let rows = confusion.iter().enumerate().zip(predicted);
    rows.zip(classes.iter().zip(failed))
        .map(|(((index, row), predicted), (name, failed))| {
            let (right, support): (u64, u64) = (row[index], row.iter().sum());
            ClassScore {
                name: name.clone(),
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(right, predicted + support).map(|half| 2.0 * half),
                support,
                failed: *failed,
            }
        })
        .collect()
}

/// Ten bins of (confidence, whether right).
pub fn calibration(answers: &[(f64, bool)]) -> Vec<Bin> {
    let mut sums = [(0_u64, 0.0_f64, 0_u64); BINS as usize];
    for (confidence, right) in answers {
        let index = ((confidence * f64::from(BINS)) as usize).min(BINS as usize - 1);
        let (count, sum, rights) = &mut sums[index];
        *count += 1;
        *sum += confidence;
        *rights += u64::from(*right);
    }
    let edge = |index: u32| f64::from(index) / f64::from(BINS);
    (0..BINS)
        .zip(sums)
        .map(|(index, (count, sum, right))| Bin {
            from: edge(index),
            to: edge(index + 1),
            count,
            confidence: (count > 0).then(|| sum / count as f64),
            accuracy: ratio(right, count),
        })
        .collect()
}

/// Expected calibration error of bins that hold at least one answer.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    weighted(bins, |confidence, accuracy| (confidence - accuracy).abs())
}

/// The mean confidence of bins that hold at least one answer.
pub fn mean_confidence(bins: &[Bin]) -> f64 {
    weighted(bins, |confidence, _| confidence)
}

fn weighted(bins: &[Bin], of: impl Fn(f64, f64) -> f64) -> f64 {
    let total: f64 = bins.iter().map(|bin| bin.count as f64).sum();
    let term = |bin: &Bin| Some(bin.count as f64 / total * of(bin.confidence?, bin.accuracy?));
    bins.iter().filter_map(term).sum()
}

/// Times in milliseconds, in any order; nothing for nothing.
pub fn latency(mut times: Vec<f64>) -> Option<Latency> {
    times.sort_by(f64::total_cmp);
    let (min_ms, max_ms) = (*times.first()?, *times.last()?);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    Some(Latency {
        p50_ms: percentile(&times, 0.50),
        p95_ms: percentile(&times, 0.95),
        p99_ms: percentile(&times, 0.99),
        min_ms,
        max_ms,
        mean_ms: mean.clamp(min_ms, max_ms),
        histogram: histogram(&times, min_ms, max_ms),
    })
}

/// Between the closest ranks, linearly; the times are sorted.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or_default();
    let (below, above) = (at(rank.floor()), at(rank.ceil()));
    below + (above - below) * rank.fract()
}

/// Bins per doubling.
const PER_DOUBLING: f64 = 4.0;
/// The first and the last edge, in bins from one millisecond: a microsecond, and nine hours.
const EDGES: (f64, f64) = (-40.0, 100.0);

/// From the bin of the fastest to the bin of the slowest; what lies outside of all bins counts in the nearest.
fn histogram(sorted: &[f64], min: f64, max: f64) -> Histogram {
    let (lowest, highest) = EDGES;
    let bin = |ms: f64| (PER_DOUBLING * ms.log2()).floor().clamp(lowest, highest - 1.0) as i32;
    let edges_ms: Vec<f64> = (bin(min)..=bin(max) + 1).map(|edge| (f64::from(edge) / PER_DOUBLING).exp2()).collect();
    let mut counts = vec![0; edges_ms.len() - 1];
    for ms in sorted {
        // By the edges themselves, so that counts and edges agree to the last bit.
        let index = edges_ms.partition_point(|edge| edge <= ms).saturating_sub(1).min(counts.len() - 1);
        counts[index] += 1;
    }
    Histogram { edges_ms, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pictures_make_a_wide_interval() {
        assert_eq!(accuracy(0, 0), None);
        let all = accuracy(10, 10).unwrap();
        assert!((all.value, all.high) == (1.0, 1.0) && (all.low - 0.722_467_2).abs() < 1e-6, "{all:?}");
        let none = accuracy(0, 10).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.277_532_8).abs() < 1e-6, "{none:?}");
    }

    #[test]
    fn percentiles_lie_between_ranks() {
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0], 0.50), 2.5);
        assert_eq!(percentile(&[10.0, 20.0], 0.95), 19.5);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert_eq!(latency(vec![]), None);
    }

    #[test]
    fn bins_are_bounded_whatever_the_times() {
        let extreme = latency(vec![0.0, 1e-9, 1.0, 1e300]).unwrap().histogram;
        assert_eq!((extreme.counts.len(), extreme.counts.iter().sum::<u64>()), (140, 4));
        let one = latency(vec![16.0]).unwrap().histogram;
        assert_eq!((one.edges_ms[0], one.counts), (16.0, vec![1]));
    }

    #[test]
    fn a_bin_holds_its_lower_edge() {
        let bins = calibration(&[(0.5, true), (0.6, false), (1.0, true)]);
        let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [0, 0, 0, 0, 0, 1, 1, 0, 0, 1]);
    }
}
