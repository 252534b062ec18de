//! The queries of an alarm on an expression: metrics, and metric math on them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::spec::{STATISTIC, Unit, check_period, dimensions, note};
use crate::desired::Scope;
use crate::finding::nearest;
use crate::kinds::cloudwatch::metric_alarm::canonical;
use crate::kinds::cloudwatch::query::Query;
use crate::metrics;
use crate::units::Seconds;

/// How many metrics, and how many expressions, an alarm takes.
///
/// Source: MetricDataQuery in the CloudWatch API reference.
const MOST: usize = 10;
/// Functions whose results no alarm of scones can watch, and why.
const REFUSED: [(&str, &str); 2] = [
    ("SEARCH", "CloudWatch takes no SEARCH in alarms: it returns many series, and an alarm watches one"),
    ("ANOMALY_DETECTION_BAND", "alarms on bands of anomaly detection are not taken here: declare them in a stack"),
];

/// A metric, or an expression on metrics.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "QuerySpec")]
pub struct Spec {
    /// What expressions call it: letters, digits and `_`, a lower-case letter first.
    #[schemars(regex(pattern = r"^[a-z][A-Za-z0-9_]{0,254}$"))]
    id: String,
    /// Metric math on the others, such as errors / invocations; or a Metrics Insights query.
    #[schemars(length(min = 1, max = 2048))]
    expression: Option<String>,
    /// Namespace and name, such as AWS/SageMaker Invocation5XXErrors.
    #[schemars(regex(pattern = r"^[^:\s]\S{0,254} \S.{0,254}$"))]
    metric: Option<String>,
    /// What is watched: endpoints.NAME, endpoints.NAME.VARIANT, functions.NAME or state_machines.NAME.
    #[schemars(regex(pattern = r"^(endpoints\.[^.\s]+(\.[^.\s]+)?|(functions|state_machines)\.[^.\s]+)$"))]
    of: Option<String>,
    /// Dimensions of the metric, besides those that `of` gives.
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    /// Sum, Average, Minimum, Maximum, SampleCount, or one such as p99, tm95, IQM or PR(0:100).
    #[schemars(regex(pattern = STATISTIC))]
    statistic: Option<String>,
    /// How long each data point is: 10s, 20s, 30s, or whole minutes.
    period: Option<Seconds>,
    /// Only data of this unit; best left out.
    unit: Option<Unit>,
    /// What people see in place of the id.
    #[schemars(length(min = 1, max = 255))]
    label: Option<String>,
    /// Whether this is the expression that the alarm watches; need not be said where there is one expression only.
    #[serde(rename = "return")]
    returned: Option<bool>,
}

impl Spec {
    /// In seconds.
    pub fn period(&self) -> Option<u32> {
        self.period.map(|period| period.0)
    }
}

/// Turns the list into queries by id; faults go to the scope.
pub fn desired(specs: Vec<Spec>, scope: &mut Scope<'_>) -> Option<BTreeMap<String, Query>> {
    let expressions = specs.iter().filter(|spec| spec.expression.is_some()).count();
    if expressions > MOST || specs.len() - expressions > MOST {
        let help = "split the alarm, and join the parts under `composite_alarms`";
        scope.fault_with_help(&["metrics"], format!("an alarm takes at most {MOST} metrics and {MOST} expressions"), help);
    }
    let returned = returned(&specs, scope)?;
    let ids: BTreeSet<String> = specs.iter().map(|spec| spec.id.clone()).collect();
    let mut queries = BTreeMap::new();
    for (index, spec) in specs.into_iter().enumerate() {
        let place = index.to_string();
        let path = ["metrics", place.as_str()];
        let id = spec.id.clone();
        // Its fault is noted; the others are looked at all the same.
        let Some(query) = query(spec, index == returned, &ids, &path, scope) else { continue };
        if queries.insert(id.clone(), query).is_some() {
            scope.fault(&["metrics", &place, "id"], format!("there are two queries with the id {id}"));
        }
    }
    Some(queries)
}

/// The place of the one query that the alarm watches.
fn returned(specs: &[Spec], scope: &mut Scope<'_>) -> Option<usize> {
    let marks: Vec<Mark> =
        specs.iter().map(|spec| Mark { is_expression: spec.expression.is_some(), returned: spec.returned }).collect();
    watched(&marks)
        .map_err(|(place, message, help)| match place {
            Some(place) => scope.fault_with_help(&["metrics", &place.to_string(), "return"], message, help),
            None => scope.fault_with_help(&["metrics"], message, help),
        })
        .ok()
}

/// What a query says of being watched.
#[derive(Clone, Copy)]
struct Mark {
    is_expression: bool,
    returned: Option<bool>,
}

/// The place of the one that is watched; or where it is wrong, what is wrong, and what would be right.
fn watched(marks: &[Mark]) -> Result<usize, (Option<usize>, &'static str, &'static str)> {
    let places = |wanted: fn(Mark) -> bool| -> Vec<usize> {
        marks.iter().enumerate().filter(|(_, mark)| wanted(**mark)).map(|(index, _)| index).collect()
    };
    let marked = places(|mark| mark.returned == Some(true));
    let candidates = places(|mark| mark.is_expression && mark.returned != Some(false));
    match (marked.as_slice(), candidates.as_slice()) {
        ([one], candidates) if candidates.contains(one) => Ok(*one),
        ([one], _) => Err((
            Some(*one),
            "what an alarm watches is an expression",
            "add an expression, or write `metric`, `statistic` and `period` of the alarm itself",
        )),
        ([], [one]) => Ok(*one),
        ([], []) => {
            Err((None, "there is no expression to watch", "add one, such as { id: ratio, expression: errors / invocations }"))
        }
        ([], _) => {
            Err((None, "the alarm watches one of its expressions, and it is not said which", "say `return: true` at one of them"))
        }
        ([_, second, ..], _) => Err((Some(*second), "an alarm watches one expression only", "take `return: true` away here")),
    }
}

fn query(spec: Spec, returned: bool, ids: &BTreeSet<String>, path: &[&str; 2], scope: &mut Scope<'_>) -> Option<Query> {
    let at = |key: &'static str| [path[0], path[1], key];
    let period = spec.period();
    if let Some(period) = period {
        check_period(period, &at("period"), scope);
    }
    if let Some(expression) = &spec.expression {
        let beside = [
            ("metric", spec.metric.is_some()),
            ("of", spec.of.is_some()),
            ("dimensions", !spec.dimensions.is_empty()),
            ("statistic", spec.statistic.is_some()),
            ("unit", spec.unit.is_some()),
        ];
        for (key, _) in beside.into_iter().filter(|(_, written)| *written) {
            scope.fault(&at(key), format!("`{key}` is for metrics, and this is an expression"));
        }
        check_expression(expression, &spec.id, ids, &at("expression"), scope);
    } else {
        let needed = [("metric", spec.metric.is_none()), ("statistic", spec.statistic.is_none()), ("period", period.is_none())];
        let missing: Vec<String> = needed.iter().filter(|(_, missing)| *missing).map(|(key, _)| format!("`{key}`")).collect();
        if !missing.is_empty() {
            scope.fault(path, format!("a query has an `expression`, or all of a metric: {} is missing", missing.join(", ")));
        }
    }
    let dimensions = dimensions(spec.of.as_deref(), &spec.dimensions, path, scope)?;
    if let Some((namespace, name)) = spec.metric.as_deref().and_then(|metric| metric.split_once(' ')) {
        let names: Vec<&str> = dimensions.keys().map(String::as_str).collect();
        let (statistic, unit) = (spec.statistic.as_deref().unwrap_or_default(), spec.unit.as_ref().map(|unit| unit.0.as_str()));
        note(metrics::check_query(namespace, name, &names, statistic, unit), path, scope);
    }
    Some(Query {
        dimensions,
        expression: spec.expression,
        metric: spec.metric,
        statistic: spec.statistic.as_deref().map(canonical),
        period: period.map(i32::try_from).transpose().ok()?,
        unit: spec.unit.map(|unit| unit.0),
        label: spec.label,
        account: None,
        returned,
    })
}

/// Finds names in an expression that no query has. What CloudWatch makes of the rest is its own business.
fn check_expression(expression: &str, id: &str, ids: &BTreeSet<String>, path: &[&str], scope: &mut Scope<'_>) {
    let words = words(expression);
    for (name, why) in REFUSED {
        if words.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            scope.fault(path, why);
        }
    }
    // A Metrics Insights query is no metric math.
    if words.first().is_some_and(|word| word.eq_ignore_ascii_case("SELECT")) {
        return;
    }
    let is_name = |word: &&&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    for word in words.iter().filter(is_name).collect::<BTreeSet<_>>() {
        if *word == id {
            scope.fault(path, format!("the expression {id} is made of itself"));
        } else if !ids.contains(*word) {
            let help = match nearest(word, ids.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", ids.iter().cloned().collect::<Vec<_>>().join(", ")),
            };
            scope.fault_with_help(path, format!("there is no query `{word}`"), help);
        }
    }
}

/// The words of an expression, without numbers and what stands in quotes; functions in lower case are left out too.
fn words(expression: &str) -> Vec<&str> {
    let mut found = vec![];
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => rest.get(1..).and_then(|inner| inner.find(first)).map_or(rest.len(), |end| end + 2),
            _ if first.is_ascii_alphanumeric() || first == '_' => {
                let is_more = |c: char| c.is_ascii_alphanumeric() || c == '_' || (first.is_ascii_digit() && c == '.');
                let end = rest.find(|c: char| !is_more(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let is_function = first.is_ascii_lowercase() && after.trim_start().starts_with('(');
                if !first.is_ascii_digit() && !is_function {
                    found.push(word);
                }
                end
            }
            other => other.len_utf8(),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_names_in_an_expression() {
        let words = |text| words(text).join(" ");
        assert_eq!(words("errors / invocations"), "errors invocations");
        assert_eq!(words("IF(m1 > 1e5, FILL(m_2, 0.5), 'm3 x')"), "IF m1 FILL m_2");
        assert_eq!(words("abs(m1)+100*m1"), "m1 m1");
        assert_eq!(words("é \"open"), "");
        assert_eq!(words(""), "");
    }

    #[test]
    fn one_expression_is_watched() {
        let place = |marks: &[(bool, Option<bool>)]| {
            let marks: Vec<Mark> = marks
                .iter()
                .map(|(is_expression, returned)| Mark { is_expression: *is_expression, returned: *returned })
                .collect();
            watched(&marks).map_err(|(place, ..)| place)
        };
        assert_eq!(place(&[(false, None), (true, None)]), Ok(1));
        assert_eq!(place(&[(true, None), (true, Some(true))]), Ok(1));
        assert_eq!(place(&[(true, Some(false)), (true, None)]), Ok(1));
        assert_eq!(place(&[(false, Some(true)), (true, None)]), Err(Some(0)));
        assert_eq!(place(&[(true, Some(true)), (true, Some(true))]), Err(Some(1)));
        assert_eq!([place(&[(false, None)]), place(&[(true, None), (true, None)])], [Err(None), Err(None)]);
    }
}
