//! Thresholds that give away a wrong unit, or that no data can cross.

use super::Fault;
use super::table::{Group, Scale};

/// No call over the network takes less than a millisecond: a threshold below was written in another unit.
const SHORTEST_CALL: f64 = 1_000.0;

/// The largest population stability index: shares are floored at 1e-4, so no index exceeds 2 · ln(10⁴).
const LARGEST_PSI: f64 = 18.5;

/// Checks a threshold against the values that a metric has.
pub(super) fn check(group: &Group, metric: &str, statistic: &str, threshold: f64) -> Option<Fault> {
    let fault = |message: String| Some(Fault::new("threshold", message));
    if !threshold.is_finite() {
        return fault(format!("{threshold} is no threshold")).map(|fault| fault.help("write a number"));
    }
    if threshold < 0.0 {
        return fault(format!("{metric} is never below 0")).map(|fault| fault.help("write a threshold from 0"));
    }
    // Sums and counts grow with traffic and period; a metric's range says nothing of them.
    if matches!(statistic, "Sum" | "SampleCount") {
        return None;
    }
    let (message, help) = wrong(group.scale, metric, statistic, threshold)?;
    fault(message).map(|fault| fault.help(help))
}

fn wrong(scale: Scale, metric: &str, statistic: &str, threshold: f64) -> Option<(String, String)> {
    let too_much = |most: f64, help: String| (threshold > most).then(|| (format!("{metric} never exceeds {most}"), help));
    match scale {
        Scale::Free => None,
        Scale::Indicator => (threshold > 1.0).then(|| {
            let message = format!("{metric} is 0 or 1 per request, so its {statistic} never exceeds 1");
            (message, "as a share, 5 % is 0.05; to count, use the statistic Sum".to_owned())
        }),
        Scale::Share => too_much(1.0, "it is a share from 0 to 1: 20 % is 0.2".to_owned()),
        Scale::Percent if threshold > 0.0 && threshold < 1.0 => {
            let percent = round(threshold * 100.0);
            Some((format!("{metric} is in per cent, and {threshold} is below 1 %"), format!("{percent} % is {percent}")))
        }
        Scale::Percent => too_much(100.0, "it is a percentage from 0 to 100".to_owned()),
        Scale::PercentEach => None,
        Scale::Microseconds(_) if threshold > 0.0 && threshold < SHORTEST_CALL => {
            let message = format!("{metric} is in microseconds, and {threshold} of them are less than a millisecond");
            Some((message, in_microseconds(threshold)))
        }
        Scale::Microseconds(most) => too_much(most, "it is in microseconds: 500 ms is 500000".to_owned()),
        Scale::Milliseconds(_) if threshold > 0.0 && threshold < 1.0 => {
            let message = format!("{metric} is in milliseconds, and {threshold} is less than one");
            Some((message, format!("{threshold} s is {}", round(threshold * 1_000.0))))
        }
        Scale::Milliseconds(most) => too_much(most, "it is in milliseconds: 5 s is 5000".to_owned()),
        Scale::Psi => too_much(LARGEST_PSI, "below 0.1 is stable, above 0.25 is a shift".to_owned()),
    }
}

/// Guesses which unit was meant: seconds are written as small numbers, milliseconds as larger ones.
fn in_microseconds(threshold: f64) -> String {
    const LONGEST_CALL_IN_SECONDS: f64 = 60.0;
    if threshold <= LONGEST_CALL_IN_SECONDS {
        format!("{threshold} s is {}", round(threshold * 1_000_000.0))
    } else {
        format!("{threshold} ms is {}", round(threshold * 1_000.0))
    }
}

/// Hides what binary fractions leave behind the decimal point.
fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
