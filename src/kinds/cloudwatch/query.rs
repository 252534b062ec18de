//! The queries of an alarm on an expression, as CloudWatch has them.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StandardUnit};
use serde::{Deserialize, Serialize};

use super::metric_alarm::canonical;

/// A query, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub expression: Option<String>,
    /// Namespace and name.
    pub metric: Option<String>,
    pub dimensions: BTreeMap<String, String>,
    pub statistic: Option<String>,
    /// In seconds.
    pub period: Option<i32>,
    pub unit: Option<String>,
    pub label: Option<String>,
    /// The account that has the metric, if it is another one.
    pub account: Option<String>,
    pub returned: bool,
}

/// Queries in CloudWatch's form.
pub fn for_cloudwatch(queries: &BTreeMap<String, Query>) -> Vec<MetricDataQuery> {
    let one = |(id, query): (&String, &Query)| {
        let stat = query.metric.as_deref().and_then(|metric| metric.split_once(' ')).map(|(namespace, name)| {
            let dimensions = query.dimensions.iter().map(|(key, value)| Dimension::builder().name(key).value(value).build());
            let metric = Metric::builder().namespace(namespace).metric_name(name).set_dimensions(Some(dimensions.collect()));
            MetricStat::builder()
                .metric(metric.build())
                .set_period(query.period)
                .set_stat(query.statistic.clone())
                .set_unit(query.unit.as_deref().map(StandardUnit::from))
                .build()
        });
        MetricDataQuery::builder()
            .id(id)
            .set_expression(query.expression.clone())
            .set_period(query.period.filter(|_| query.expression.is_some()))
            .set_metric_stat(stat)
            .set_label(query.label.clone())
            .set_account_id(query.account.clone())
            .return_data(query.returned)
            .build()
    };
    queries.iter().map(one).collect()
}

/// CloudWatch's answer → queries by id; their order means nothing.
pub fn live(found: Vec<MetricDataQuery>) -> BTreeMap<String, Query> {
    let one = |found: MetricDataQuery| {
        let stat = found.metric_stat;
        let metric = stat.as_ref().and_then(|stat| stat.metric.as_ref());
        let name = metric.and_then(|metric| Some(format!("{} {}", metric.namespace()?, metric.metric_name()?)));
        let dimensions = metric.map(|metric| metric.dimensions()).unwrap_or_default().iter();
        let pair = |one: &Dimension| (one.name().unwrap_or_default().to_owned(), one.value().unwrap_or_default().to_owned());
        let query = Query {
            expression: found.expression,
            metric: name,
            dimensions: dimensions.map(pair).collect(),
            statistic: stat.as_ref().and_then(|stat| stat.stat.as_deref()).map(canonical),
            period: found.period.or(stat.as_ref().and_then(|stat| stat.period)),
            unit: stat.and_then(|stat| stat.unit).map(|unit| unit.as_str().to_owned()),
            label: found.label.filter(|label| !label.is_empty()),
            account: found.account_id,
            returned: found.return_data.unwrap_or(true),
        };
        (found.id.unwrap_or_default(), query)
    };
    found.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_back_as_it_was_written() {
        let metric = Query {
            expression: None,
            metric: Some("AWS/Lambda Errors".into()),
            dimensions: [("FunctionName".to_owned(), "f".to_owned())].into(),
            statistic: Some("Sum".into()),
            period: Some(300),
            unit: Some("Count".into()),
            label: None,
            account: None,
            returned: false,
        };
        let expression = Query {
            expression: Some("errors * 2".into()),
            metric: None,
            dimensions: BTreeMap::new(),
            statistic: None,
            period: None,
            unit: None,
            label: Some("twice".into()),
            returned: true,
            ..metric.clone()
        };
        let queries = BTreeMap::from([("errors".to_owned(), metric), ("twice".to_owned(), expression)]);
        let mut written = for_cloudwatch(&queries);
        assert_eq!(live(written.clone()), queries);
        written.reverse();
        assert_eq!(live(written), queries);
    }
}
