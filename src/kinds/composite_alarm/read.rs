//! CloudWatch's answers → state.

use aws_sdk_cloudwatch::types::CompositeAlarm as Found;

use super::rule::Rule;
use super::{State, Suppressor};
use crate::aws::{Aws, AwsError};
use crate::kind::{Live, Wanted};
use crate::kinds::cloudwatch::{alarms, as_set, listed, refuse_taken, tags_propagation};

/// Reads composite alarms.
///
/// # Errors
/// What CloudWatch answers; a declared name that a metric alarm has.
pub async fn read(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let found = alarms(aws, wanted).await?;
    let taken = "this name is taken by a metric alarm: give the composite alarm another one with `name:`";
    refuse_taken(wanted, found.metric.iter().map(|other| other.alarm_name()), taken)?;
    let is_wanted = |name: Option<&str>| wanted.iter().any(|one| Some(one.name.as_str()) == name);
    Ok(found.composite.into_iter().filter(|one| is_wanted(one.alarm_name())).map(live).collect())
}

/// The names of the composite alarms that start as the environment's do.
///
/// # Errors
/// What CloudWatch answers.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    Ok(listed(aws).await?.composite.into_iter().filter_map(|alarm| alarm.alarm_name).collect())
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
