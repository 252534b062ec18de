//! The form of the tables, and how they are searched.

use super::{messaging, monitoring, sagemaker, serverless, storage};

/// The metrics of one namespace.
pub(super) struct Namespace {
    pub name: &'static str,
    /// The page of AWS that lists them.
    pub source: &'static str,
    pub groups: &'static [Group],
    /// Dimensions that data may have beside any of a group's sets.
    pub further: &'static [&'static str],
    /// Whether it also has metrics whose names people choose.
    pub open: bool,
    /// What may keep its metrics from having data.
    pub caveat: Option<&'static str>,
}

/// Metrics that have everything but their names in common.
pub(super) struct Group {
    /// A name with a `*` stands for all that begin and end alike.
    pub names: &'static [&'static str],
    /// The sets of dimensions that data have; none when that is not documented.
    pub dimensions: &'static [&'static [&'static str]],
    pub statistics: Statistics,
    /// The units that data have; none when that is not documented.
    pub units: &'static [&'static str],
    pub scale: Scale,
    /// What may keep these metrics from having data.
    pub caveat: Option<&'static str>,
}

impl Group {
    pub(super) const fn new(
        names: &'static [&'static str],
        dimensions: &'static [&'static [&'static str]],
        statistics: Statistics,
        units: &'static [&'static str],
        scale: Scale,
    ) -> Self {
        Self { names, dimensions, statistics, units, scale, caveat: None }
    }

    pub(super) const fn but(self, caveat: &'static str) -> Self {
        Self { caveat: Some(caveat), ..self }
    }
}

/// Which values single data points have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Any number from 0.
    Free,
    /// 0 or 1 per event: its average is a share.
    Indicator,
    /// A share from 0 to 1.
    Share,
    /// 0 to 100.
    Percent,
    /// 0 to 100 for each core or GPU.
    PercentEach,
    /// A duration in microseconds, up to so many.
    Microseconds(f64),
    /// A duration in milliseconds, up to so many.
    Milliseconds(f64),
    /// A population stability index.
    Psi,
}

/// A set of statistics.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Statistics(u8);

const SUM: u8 = 1;
const AVERAGE: u8 = 2;
const MINIMUM: u8 = 4;
const MAXIMUM: u8 = 8;
const SAMPLE_COUNT: u8 = 16;
/// Percentiles and all other statistics of the distribution.
const SPREAD: u8 = 32;

impl Statistics {
    /// Data points are parts of a total.
    pub(super) const TOTAL: Self = Self(SUM);
    /// Data points are 0 or 1 per event. Counting them counts the events, whatever their value.
    pub(super) const INDICATOR: Self = Self(SUM | AVERAGE | MAXIMUM);
    /// Each event is a data point.
    pub(super) const COUNTER: Self = Self(SUM | AVERAGE | MAXIMUM | SAMPLE_COUNT);
    /// Data points are counts of their own, one per report.
    pub(super) const TALLY: Self = Self(SUM | AVERAGE | MINIMUM | MAXIMUM);
    /// Data points are readings; adding or counting them gives nothing.
    pub(super) const LEVEL: Self = Self(AVERAGE | MINIMUM | MAXIMUM | SPREAD);
    /// Data points are quantities per event.
    pub(super) const ANY: Self = Self(SUM | AVERAGE | MINIMUM | MAXIMUM | SAMPLE_COUNT | SPREAD);

    /// Tells whether a statistic, as CloudWatch spells it, is in the set.
    pub(super) fn has(self, statistic: &str) -> bool {
        let one = match statistic {
            "Sum" => SUM,
            "Average" => AVERAGE,
            "Minimum" => MINIMUM,
            "Maximum" => MAXIMUM,
            "SampleCount" => SAMPLE_COUNT,
            _ => SPREAD,
        };
        self.0 & one != 0
    }

    pub(super) fn in_words(self) -> String {
        let words = [
            (SUM, "Sum"),
            (AVERAGE, "Average"),
            (MINIMUM, "Minimum"),
            (MAXIMUM, "Maximum"),
            (SAMPLE_COUNT, "SampleCount"),
            (SPREAD, "a percentile such as p99"),
        ];
        let words: Vec<&str> = words.into_iter().filter(|(one, _)| self.0 & one != 0).map(|(_, word)| word).collect();
        match words.as_slice() {
            [.., last] if words.len() > 1 => format!("{} or {last}", words[..words.len() - 1].join(", ")),
            _ => words.concat(),
        }
    }
}

impl Namespace {
    /// A namespace with AWS's own metrics and no others.
    pub(super) const fn closed(name: &'static str, source: &'static str, groups: &'static [Group]) -> Self {
        Self { name, source, groups, further: &[], open: false, caveat: None }
    }

    /// Finds what is known of a metric: by its name, else by a name with a `*`.
    pub(super) fn group_of(&self, metric: &str) -> Option<&Group> {
        if monitoring::INVENTED.contains(&metric) {
            return None;
        }
        let named = |group: &&Group| group.names.contains(&metric);
        let like = |group: &&Group| group.names.iter().any(|name| matches(name, metric));
        self.groups.iter().find(named).or_else(|| self.groups.iter().find(like))
    }

    pub(super) fn metric_names(&self) -> impl Iterator<Item = &'static str> {
        self.groups.iter().flat_map(|group| group.names.iter().copied())
    }
}

/// Tells whether a name is what a name with one `*` stands for; the `*` stands for one character at least.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, end)) = pattern.split_once('*') else { return false };
    name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
}

fn all() -> impl Iterator<Item = &'static Namespace> {
    let services = serverless::NAMESPACES.iter().chain(messaging::NAMESPACES).chain(storage::NAMESPACES);
    services.chain(sagemaker::NAMESPACES).chain(monitoring::NAMESPACES)
}

pub(super) fn namespace(name: &str) -> Option<&'static Namespace> {
    all().find(|known| known.name == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|known| known.name)
}
