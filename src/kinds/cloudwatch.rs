//! What those share that have to do with alarms: both sorts of them, and rollouts that go back on one.

pub mod metric_alarm;
pub mod query;

use aws_sdk_cloudwatch::types::{ActionConfiguration, AlarmType, CompositeAlarm, MetricAlarm};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError, Optional};
use crate::kind::Wanted;

/// How many alarms one DescribeAlarms takes by name, and answers at most.
const AT_ONCE: usize = 100;

/// Alarms of both sorts: they share their names, and one request answers both.
#[derive(Clone, Default)]
pub struct Alarms {
    pub metric: Vec<MetricAlarm>,
    pub composite: Vec<CompositeAlarm>,
}

/// Reads alarms: with one search where all are declared and start with the environment's prefix, and then whatever else does
/// comes along; by their names otherwise, a hundred to a request.
///
/// # Errors
/// What CloudWatch answers.
pub async fn alarms<S>(aws: &Aws, wanted: &[Wanted<S>]) -> Result<Alarms, AwsError> {
    let prefix = aws.world.prefix();
    let is_listed = |one: &Wanted<S>| (one.desired.is_some() || aws.looks_at_all()) && one.name.starts_with(&prefix);
    if wanted.iter().all(is_listed) {
        return listed(aws).await;
    }
    let names = wanted.chunks(AT_ONCE).map(|some| some.iter().map(|one| one.name.clone()).collect());
    let mut all = Alarms::default();
    for found in try_join_all(names.map(|names| pages(aws, Some(names), None))).await? {
        all.metric.extend(found.metric);
        all.composite.extend(found.composite);
    }
    Ok(all)
}

/// The alarms of both sorts that start as the environment's do.
///
/// # Errors
/// What CloudWatch answers.
pub async fn listed(aws: &Aws) -> Result<Alarms, AwsError> {
    let prefix = aws.world.prefix();
    aws.listing("cloudwatch:DescribeAlarms", &prefix, pages(aws, None, Some(prefix.clone()))).await
}

/// Reads alarms whose names start alike.
///
/// # Errors
/// What CloudWatch answers.
pub async fn named_alike(aws: &Aws, prefix: &str) -> Result<Alarms, AwsError> {
    pages(aws, None, Some(prefix.to_owned())).await
}

/// Reads up to a hundred alarms by their names.
///
/// # Errors
/// What CloudWatch answers.
pub async fn named(aws: &Aws, names: &[String]) -> Result<Alarms, AwsError> {
    pages(aws, Some(names.to_vec()), None).await
}

/// Deletes alarms; those that are gone already are no error.
///
/// # Errors
/// What CloudWatch answers.
pub async fn delete(aws: &Aws, names: &[String]) -> Result<(), AwsError> {
    for some in names.chunks(AT_ONCE) {
        let request = aws.cloudwatch().delete_alarms().set_alarm_names(Some(some.to_vec()));
        aws.call("cloudwatch:DeleteAlarms", &some.join(", "), request.send()).await.optional()?;
    }
    Ok(())
}

async fn pages(aws: &Aws, names: Option<Vec<String>>, prefix: Option<String>) -> Result<Alarms, AwsError> {
    let mut all = Alarms::default();
    let mut next = None;
    loop {
        // Without the types, composite alarms would be left out, and their names seem free.
        let request = aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names(names.clone())
            .set_alarm_name_prefix(prefix.clone())
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(AT_ONCE as i32)
            .set_next_token(next);
        let answer = aws.call("cloudwatch:DescribeAlarms", "", request.send()).await?;
        all.metric.extend(answer.metric_alarms.unwrap_or_default());
        all.composite.extend(answer.composite_alarms.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Refuses a declared name that an alarm of the other sort has.
///
/// # Errors
/// The first such name.
pub fn refuse_taken<'a, S>(
    wanted: &[Wanted<S>],
    mut others: impl Iterator<Item = Option<&'a str>>,
    message: &str,
) -> Result<(), AwsError> {
    let is_declared = |name: &Option<&str>| wanted.iter().any(|one| Some(one.name.as_str()) == *name && one.desired.is_some());
    match others.find(is_declared).flatten() {
        Some(name) => Err(AwsError::unexpected("cloudwatch:DescribeAlarms", name, message)),
        None => Ok(()),
    }
}

/// Members in order, each once.
pub fn as_set(members: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut members: Vec<String> = members.into_iter().collect();
    members.sort();
    members.dedup();
    members
}

/// Which of an alarm's tags go out with what it tells; `None` where none do, which is the default.
pub fn tags_propagation(actions: Option<&ActionConfiguration>) -> Option<Value> {
    let tags = actions?.alarm_tags_propagation.as_ref().filter(|tags| tags.enabled == Some(true))?;
    Some(json!({ "only": as_set(tags.included_tag_keys().to_vec()), "not": as_set(tags.excluded_tag_keys().to_vec()) }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::AlarmTagsPropagation;

    use super::*;

    #[test]
    fn tags_stay_at_home_unless_it_is_enabled() {
        let told = |tags: AlarmTagsPropagation| {
            tags_propagation(Some(&ActionConfiguration::builder().alarm_tags_propagation(tags).build()))
        };
        let all = AlarmTagsPropagation::builder();
        assert_eq!((tags_propagation(None), told(all.clone().enabled(false).build())), (None, None));
        let but = all.enabled(true).excluded_tag_keys("b").excluded_tag_keys("a").build();
        assert_eq!(told(but), Some(json!({ "only": [], "not": ["a", "b"] })));
    }
}
