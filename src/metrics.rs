//! What AWS's metrics are: their names, dimensions, statistics, units and ranges.
//!
//! CloudWatch takes an alarm on any name, and one that no service publishes stays in INSUFFICIENT_DATA for ever. What a
//! namespace here surely lacks is refused; a namespace that is not here passes.

mod messaging;
mod monitoring;
mod sagemaker;
mod serverless;
mod storage;
mod table;
mod threshold;

use crate::finding::nearest;
use table::{Group, Namespace};

/// One thing wrong in what an alarm says of its metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The alarm's key at fault: `metric`, `dimensions`, `statistic`, `unit` or `threshold`.
    pub field: &'static str,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What would be right, where that is known.
    pub help: Option<String>,
}

impl Fault {
    fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Returns why an alarm on a metric could never ring, or never mean what it says.
///
/// `dimensions` are the names of all its dimensions, in any order. `unit` is what the alarm insists on, if it does.
#[must_use]
pub fn check(
    namespace: &str,
    metric: &str,
    dimensions: &[&str],
    statistic: &str,
    unit: Option<&str>,
    threshold: f64,
) -> Vec<Fault> {
    let mut faults = check_query(namespace, metric, dimensions, statistic, unit);
    let group = table::namespace(namespace).and_then(|known| known.group_of(metric));
    faults.extend(group.and_then(|group| threshold::check(group, metric, statistic, threshold)));
    faults
}

/// Returns what is wrong in a query of a metric: all that [`check`] finds but for the threshold.
#[must_use]
pub fn check_query(namespace: &str, metric: &str, dimensions: &[&str], statistic: &str, unit: Option<&str>) -> Vec<Fault> {
    let Some(known) = table::namespace(namespace) else { return misspelt_namespace(namespace).into_iter().collect() };
    let Some(group) = known.group_of(metric) else { return unknown_metric(known, metric).into_iter().collect() };
    let mut faults = Vec::new();
    faults.extend(check_dimensions(known, group, metric, dimensions));
    faults.extend(check_statistic(known, group, metric, statistic));
    faults.extend(check_unit(group, metric, unit));
    faults
}

/// Returns what may keep an alarm on a metric from ever having data, though nothing is wrong with it.
#[must_use]
pub fn caveat(namespace: &str, metric: &str) -> Option<&'static str> {
    let known = table::namespace(namespace)?;
    known.group_of(metric).and_then(|group| group.caveat).or(known.caveat)
}

/// Returns the column that a metric of SageMaker Model Monitor is about.
///
/// Who knows the columns of a baseline can tell from it whether the metric exists. Source: SageMaker developer guide,
/// "CloudWatch Metrics" of Model Monitor.
#[must_use]
pub fn monitored_column(metric: &str) -> Option<&str> {
    monitoring::PREFIXES.into_iter().find_map(|prefix| metric.strip_prefix(prefix)).filter(|column| !column.is_empty())
}

fn misspelt_namespace(namespace: &str) -> Option<Fault> {
    let right = table::names().find(|known| known.eq_ignore_ascii_case(namespace))?;
    let message = format!("there is no data under {namespace}: the case of letters counts");
    Some(Fault::new("metric", message).help(format!("did you mean `{right}`?")))
}

/// Refuses a metric that a namespace lacks. An open namespace also has names that people choose: there only a slip is
/// refused.
fn unknown_metric(known: &Namespace, metric: &str) -> Option<Fault> {
    const SLIPS: usize = 2;
    let names = || known.metric_names().filter(|name| !name.contains('*'));
    let fault = Fault::new("metric", format!("{} has no metric {metric}", known.name));
    let near = nearest(metric, names());
    match near {
        Some(near) if !known.open || crate::finding::slips(&near.to_lowercase(), &metric.to_lowercase()) <= SLIPS => {
            Some(fault.help(format!("did you mean `{near}`?")))
        }
        _ if known.open => None,
        _ => Some(fault.help(format!("its metrics are listed in {}", known.source))),
    }
}

fn check_dimensions(known: &Namespace, group: &Group, metric: &str, given: &[&str]) -> Option<Fault> {
    let allowed = |name: &str, set: &[&str]| set.contains(&name) || known.further.contains(&name);
    let fits = |set: &&[&str]| set.iter().all(|name| given.contains(name)) && given.iter().all(|name| allowed(name, set));
    if group.dimensions.is_empty() || group.dimensions.iter().any(fits) {
        return None;
    }
    let known_names = || group.dimensions.iter().flat_map(|set| set.iter()).chain(known.further).copied();
    let sets: Vec<String> = group.dimensions.iter().map(|set| set_in_words(set)).collect();
    let help = format!("its data have {}", sets.join("; or "));
    if let Some(stranger) = given.iter().find(|name| !known_names().any(|known| known == **name)) {
        let message = format!("{} {metric} has no dimension {stranger}", known.name);
        let near = nearest(stranger, known_names());
        return Some(Fault::new("dimensions", message).help(near.map_or(help, |near| format!("did you mean `{near}`?"))));
    }
    let given = set_in_words(given);
    Some(Fault::new("dimensions", format!("{} {metric} has no data with {given}", known.name)).help(help))
}

fn set_in_words(set: &[&str]) -> String {
    match set {
        [] => "no dimension".to_owned(),
        [only] => format!("the dimension {only} alone"),
        several => format!("the dimensions {}", several.join(", ")),
    }
}

fn check_statistic(known: &Namespace, group: &Group, metric: &str, statistic: &str) -> Option<Fault> {
    if group.statistics.has(statistic) {
        return None;
    }
    let message = format!("the statistic {statistic} of {} {metric} means nothing", known.name);
    Some(Fault::new("statistic", message).help(format!("use {}", group.statistics.in_words())))
}

fn check_unit(group: &Group, metric: &str, unit: Option<&str>) -> Option<Fault> {
    let unit = unit.filter(|unit| !group.units.is_empty() && !group.units.contains(unit))?;
    let message = format!("{metric} never has the unit {unit}, and only data with it would count");
    Some(Fault::new("unit", message).help(format!("leave `unit` out: it is {}", group.units.join(" or "))))
}

#[cfg(test)]
mod tests;
