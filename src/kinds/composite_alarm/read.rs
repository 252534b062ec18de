//! CloudWatch's answers → state.

use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm as Found};

use super::rule::Rule;
use super::{State, Suppressor};
use crate::aws::{Aws, AwsError};
use crate::kind::{Live, Wanted};
use crate::kinds::cloudwatch::{as_set, tags_propagation};

/// Reads up to a hundred composite alarms; those that all start with the environment's prefix come with whatever else does.
///
/// # Errors
/// What CloudWatch answers; a declared name that a metric alarm has.
pub async fn read(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let names: Vec<String> = wanted.iter().map(|one| one.name.clone()).collect();
    let prefix = aws.world.prefix();
    let by_prefix = wanted.iter().all(|one| one.desired.is_some() && one.name.starts_with(&prefix));
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names((!by_prefix).then(|| names.clone()))
            .set_alarm_name_prefix(by_prefix.then(|| prefix.clone()))
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .set_next_token(next);
        let answer = aws.call("cloudwatch:DescribeAlarms", "", request.send()).await?;
        let is_declared = |name: &str| wanted.iter().any(|one| one.name == name && one.desired.is_some());
        let taken = answer.metric_alarms().iter().filter_map(|other| other.alarm_name()).find(|name| is_declared(name));
        if let Some(name) = taken {
            let message = "this name is taken by a metric alarm: give the composite alarm another one with `name:`";
            return Err(AwsError::unexpected("cloudwatch:DescribeAlarms", name, message));
        }
        found.extend(answer.composite_alarms.unwrap_or_default().into_iter().map(live));
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Folds what CloudWatch leaves out to what it means.
fn live(found: Found) -> Live<State> {
    let text = found.alarm_rule.unwrap_or_default();
    let rule = Rule::parse(&text).map_or(text, |rule| rule.to_string());
    let (wait, extension) = (found.actions_suppressor_wait_period, found.actions_suppressor_extension_period);
    let state = State {
        rule,
        description: found.alarm_description.unwrap_or_default(),
        actions: as_set(found.alarm_actions.unwrap_or_default()),
        ok_actions: as_set(found.ok_actions.unwrap_or_default()),
        insufficient_data_actions: as_set(found.insufficient_data_actions.unwrap_or_default()),
        enabled: found.actions_enabled.unwrap_or(true),
        suppressor: found.actions_suppressor.filter(|alarm| !alarm.is_empty()).map(|alarm| Suppressor {
            alarm,
            wait: wait.unwrap_or_default(),
            extension: extension.unwrap_or_default(),
        }),
        tags_propagation: tags_propagation(found.action_configuration.as_ref()),
    };
    Live::settled(found.alarm_name.unwrap_or_default(), found.alarm_arn.unwrap_or_default(), state, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloudwatch_leaves_out_is_its_default() {
        let state = live(Found::builder().alarm_name("a").alarm_rule("TRUE").build()).state;
        assert_eq!((state.enabled, state.description.as_str(), state.suppressor), (true, "", None));
    }

    #[test]
    fn a_rule_has_one_form() {
        let found = Found::builder().alarm_rule("(ALARM(a)) OR  OK(\"b\")").build();
        assert_eq!(live(found).state.rule, r#"ALARM("a") OR OK("b")"#);
    }

    #[test]
    fn a_rule_that_cannot_be_read_shows_as_it_is() {
        assert_eq!(live(Found::builder().alarm_rule("SOMETHING(new)").build()).state.rule, "SOMETHING(new)");
    }
}
