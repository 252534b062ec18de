//! The metrics that a window gives, in the order in which they are published.

use crate::comparison::Comparison;

/// How a metric is counted, as CloudWatch calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A share or an index.
    None,
}

/// One value for CloudWatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

/// The metric of a class's share, such as `BicycleShare`; nothing if the class has neither ASCII letters nor digits.
pub fn share(class: &str) -> Option<String> {
    let words = class.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    // CloudWatch takes names of 255 characters.
    (!name.is_empty() && name.len() <= 200).then(|| name + "Share")
}

/// All metrics of a window. What was not measured is not there: a zero would look like calm.
pub fn of(comparison: &Comparison, records: u64, unreadable: u64, classes: &[String]) -> Vec<Metric> {
    let count = |name: &str, value: u64| Metric { name: name.into(), value: value as f64, unit: Unit::Count };
    let number = |name: String, value: f64| Metric { name, value, unit: Unit::None };
    let mut metrics = vec![count("Records", records), count("UnreadableRecords", unreadable)];
    metrics.extend(comparison.compared.iter().filter_map(|one| Some(number(one.metric.into(), one.psi?))));
    metrics.extend(comparison.low_confidence_rate.map(|rate| number("LowConfidenceRate".into(), rate)));
    let shares = comparison.class_shares.iter().flatten();
    metrics.extend(classes.iter().zip(shares).filter_map(|(class, value)| Some(number(share(class)?, *value))));
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Source;
    use crate::baseline::tests::baseline;

    #[test]
    fn a_class_makes_a_name() {
        assert_eq!(share("bicycle").as_deref(), Some("BicycleShare"));
        assert_eq!(share("pickup_truck 2").as_deref(), Some("PickupTruck2Share"));
        assert_eq!(share("VAN").as_deref(), Some("VANShare"));
        assert_eq!(share("\u{e9}"), None);
        assert_eq!(share(&"x".repeat(201)), None);
    }

    #[test]
    fn without_records_there_are_only_counts() {
        let baseline = baseline(Source::Evaluation);
        let comparison = Comparison::new(&baseline, &baseline.tally(), 20);
        let metrics = of(&comparison, 0, 3, &baseline.classes);
        let found: Vec<(&str, f64, Unit)> = metrics.iter().map(|one| (one.name.as_str(), one.value, one.unit)).collect();
        assert_eq!(found, [("Records", 0.0, Unit::Count), ("UnreadableRecords", 3.0, Unit::Count)]);
    }

    #[test]
    fn every_measure_has_its_metric() {
        let baseline = baseline(Source::Evaluation);
        let mut tally = baseline.tally();
        let picture = crate::picture::Picture::of_rgb(3, 3, &[7; 27], 90).unwrap();
        (0..20).for_each(|at| tally.add(Some(&[0.9, 0.1]), Some(&picture), if at < 5 { 0.95 } else { 0.5 }));
        let metrics = of(&Comparison::new(&baseline, &tally, 20), 20, 0, &baseline.classes);
        let names: Vec<&str> = metrics.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Records",
                "UnreadableRecords",
                "PredictionPSI",
                "ClassSharePSI",
                "BrightnessPSI",
                "SharpnessPSI",
                "BytesPSI",
                "LowConfidenceRate",
                "BicycleShare",
                "MotorcycleShare"
            ]
        );
        assert_eq!((metrics[7].value, metrics[8].value, metrics[9].value), (0.25, 1.0, 0.0));
    }
}
