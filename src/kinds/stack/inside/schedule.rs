//! Schedules of EventBridge Scheduler.

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value, json};

use super::{Found, Read, Remedy, called, same};
use crate::aws::{Aws, AwsError, Optional};
use crate::diff::Deviation;
use crate::kind::Unchecked;

const TYPE: &str = "AWS::Scheduler::Schedule";
/// What of a target is compared and put back; the rest belongs to kinds of targets that need more than an input.
const OF_TARGET: [&str; 5] = ["Arn", "RoleArn", "Input", "RetryPolicy", "DeadLetterConfig"];

/// Compares a schedule with its properties in the template.
pub async fn read(aws: &Aws, part: &str, properties: &Value) -> Result<Read, AwsError> {
    let unknown = |why: String| {
        let unchecked = Unchecked { part: called(part, TYPE), why, failed: false };
        Ok(Read { found: vec![], unchecked: vec![unchecked] })
    };
    let Some(name) = text(properties, "/Name") else {
        return unknown("it cannot be looked up: it sets no `Name`, so AWS names it".to_owned());
    };
    let target = properties.get("Target").and_then(Value::as_object);
    if let Some(member) = target.into_iter().flatten().map(|(key, _)| key).find(|key| !OF_TARGET.contains(&key.as_str())) {
        return unknown(format!("its target's {member} is not compared"));
    }
    let group = text(properties, "/GroupName").unwrap_or("default");
    let request = aws.scheduler().get_schedule().name(name).group_name(group);
    let answer = aws.call("scheduler:GetSchedule", &format!("{group}/{name}"), request.send()).await.optional()?;
    let remedy = |exists: bool| Remedy::Schedule { properties: properties.clone(), exists };
    let found = |deviation: Deviation, exists: bool| Found { part: part.to_owned(), deviation, remedy: remedy(exists) };
    let Some(answer) = answer else {
        let gone = Deviation { path: vec![], live: None, declared: Some(Value::from(TYPE)) };
        return Ok(Read { found: vec![found(gone, false)], unchecked: vec![] });
    };
    let mut deviations = vec![];
    compare(&live(&answer), &declared(properties), &mut vec![], &mut deviations);
    Ok(Read { found: deviations.into_iter().map(|one| found(one, true)).collect(), unchecked: vec![] })
}

fn compare(live: &Value, declared: &Value, path: &mut Vec<String>, found: &mut Vec<Deviation>) {
    let (Value::Object(is), Value::Object(should)) = (live, declared) else {
        if !same(live, declared) {
            let present = |value: &Value| (!value.is_null()).then(|| value.clone());
            found.push(Deviation { path: path.clone(), live: present(live), declared: present(declared) });
        }
        return;
    };
    let keys = should.keys().chain(is.keys().filter(|key| !should.contains_key(*key)));
    for key in keys {
        path.push(key.clone());
        compare(is.get(key).unwrap_or(&Value::Null), should.get(key).unwrap_or(&Value::Null), path, found);
        path.pop();
    }
}

/// The properties with what the service takes where the template says nothing. Source: CreateSchedule.
fn with_defaults(mut properties: Value) -> Value {
    let defaults = json!({
        "State": "ENABLED",
        "Description": "",
        "ScheduleExpressionTimezone": "UTC",
        "ActionAfterCompletion": "NONE",
        "Target": { "RetryPolicy": { "MaximumEventAgeInSeconds": "86400", "MaximumRetryAttempts": "185" } },
    });
    fill(&mut properties, &defaults);
    properties
}

fn fill(value: &mut Value, defaults: &Value) {
    match (value, defaults) {
        (Value::Object(members), Value::Object(defaults)) => {
            defaults.iter().for_each(|(key, default)| fill(members.entry(key.clone()).or_insert(Value::Null), default));
        }
        (value @ Value::Null, default) => *value = default.clone(),
        _ => {}
    }
}

fn declared(properties: &Value) -> Value {
    let mut properties = with_defaults(properties.clone());
    if let Value::Object(members) = &mut properties {
        // They say which schedule it is.
        members.retain(|key, _| key != "Name" && key != "GroupName");
        for key in ["StartDate", "EndDate"] {
            let date = members.get(key).and_then(Value::as_str).and_then(date).and_then(|date| date.fmt(Format::DateTime).ok());
            members.extend(date.map(|date| (key.to_owned(), Value::from(date))));
        }
    }
    properties
}

fn live(schedule: &GetScheduleOutput) -> Value {
    let date = |date: Option<&DateTime>| date.and_then(|date| date.fmt(Format::DateTime).ok());
    let target = schedule.target();
    let retry = target.and_then(Target::retry_policy);
    let window = schedule.flexible_time_window();
    let all = json!({
        "State": schedule.state().map(ScheduleState::as_str),
        "Description": schedule.description(),
        "ScheduleExpression": schedule.schedule_expression(),
        "ScheduleExpressionTimezone": schedule.schedule_expression_timezone(),
        "StartDate": date(schedule.start_date()),
        "EndDate": date(schedule.end_date()),
        "KmsKeyArn": schedule.kms_key_arn(),
        "ActionAfterCompletion": schedule.action_after_completion().map(ActionAfterCompletion::as_str),
        "FlexibleTimeWindow": {
            "Mode": window.map(|window| window.mode().as_str()),
            "MaximumWindowInMinutes": window.and_then(FlexibleTimeWindow::maximum_window_in_minutes),
        },
        "Target": {
            "Arn": target.map(Target::arn),
            "RoleArn": target.map(Target::role_arn),
            "Input": target.and_then(Target::input),
            "RetryPolicy": retry.map(|retry| json!({
                "MaximumEventAgeInSeconds": retry.maximum_event_age_in_seconds(),
                "MaximumRetryAttempts": retry.maximum_retry_attempts(),
            })),
            "DeadLetterConfig": target.and_then(Target::dead_letter_config).map(|queue| json!({ "Arn": queue.arn() })),
        },
    });
    with_defaults(without_nulls(all))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().map(|(key, value)| (key, without_nulls(value))).filter(|(_, value)| !value.is_null());
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn date(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, Format::DateTimeWithOffset).ok()
}

/// Makes a schedule what the template says, or makes it anew: its name is all that CloudFormation knows it by.
pub async fn put(aws: &Aws, properties: &Value, exists: bool) -> Result<(), AwsError> {
    let owned = |pointer: &str| text(properties, pointer).map(str::to_owned);
    let number = |pointer: &str| text(properties, pointer).and_then(|text| text.parse::<i32>().ok());
    let broken = |error: aws_smithy_types::error::operation::BuildError| AwsError::local(error.to_string());
    let retry = properties.pointer("/Target/RetryPolicy").map(|_| {
        RetryPolicy::builder()
            .set_maximum_event_age_in_seconds(number("/Target/RetryPolicy/MaximumEventAgeInSeconds"))
            .set_maximum_retry_attempts(number("/Target/RetryPolicy/MaximumRetryAttempts"))
            .build()
    });
    let queue = owned("/Target/DeadLetterConfig/Arn").map(|arn| DeadLetterConfig::builder().arn(arn).build());
    let target = Target::builder()
        .set_arn(owned("/Target/Arn"))
        .set_role_arn(owned("/Target/RoleArn"))
        .set_input(owned("/Target/Input"))
        .set_retry_policy(retry)
        .set_dead_letter_config(queue)
        .build()
        .map_err(broken)?;
    let window = FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::from(text(properties, "/FlexibleTimeWindow/Mode").unwrap_or("OFF")))
        .set_maximum_window_in_minutes(number("/FlexibleTimeWindow/MaximumWindowInMinutes"))
        .build()
        .map_err(broken)?;
    let (name, group) = (owned("/Name"), owned("/GroupName"));
    let resource = format!("{}/{}", group.as_deref().unwrap_or("default"), name.as_deref().unwrap_or_default());
    let state = text(properties, "/State").map(ScheduleState::from);
    let ends = text(properties, "/ActionAfterCompletion").map(ActionAfterCompletion::from);
    let day = |key: &str| text(properties, key).and_then(date);
    // The two requests have the same members, but no type in common.
    macro_rules! filled {
        ($request:expr) => {
            $request
                .set_name(name)
                .set_group_name(group)
                .set_description(owned("/Description"))
                .set_schedule_expression(owned("/ScheduleExpression"))
                .set_schedule_expression_timezone(owned("/ScheduleExpressionTimezone"))
                .set_start_date(day("/StartDate"))
                .set_end_date(day("/EndDate"))
                .set_kms_key_arn(owned("/KmsKeyArn"))
                .set_state(state)
                .set_action_after_completion(ends)
                .target(target)
                .flexible_time_window(window)
        };
    }
    if exists {
        let request = filled!(aws.scheduler().update_schedule());
        aws.call("scheduler:UpdateSchedule", &resource, request.send()).await.map(drop)
    } else {
        let request = filled!(aws.scheduler().create_schedule());
        aws.call("scheduler:CreateSchedule", &resource, request.send()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(live: Value, declared: Value) -> Vec<String> {
        let mut found = vec![];
        compare(&with_defaults(live), &super::declared(&declared), &mut vec![], &mut found);
        found.into_iter().map(|one| one.path.join(".")).collect()
    }

    #[test]
    fn defaults_and_text_for_numbers_are_no_difference() {
        let live = json!({ "ScheduleExpression": "rate(1 hour)", "Target": { "Arn": "a", "RetryPolicy": { "MaximumRetryAttempts": 3 } } });
        let declared = json!({
            "Name": "n", "GroupName": "g", "ScheduleExpression": "rate(1 hour)",
            "Target": { "Arn": "a", "RetryPolicy": { "MaximumRetryAttempts": "3" } },
        });
        assert_eq!(paths(live, declared), Vec::<String>::new());
    }

    #[test]
    fn changes_additions_and_removals_are_found_where_they_are() {
        let live = json!({ "State": "DISABLED", "Target": { "Arn": "a", "Input": "x" }, "EndDate": "2030-01-01T00:00:00Z" });
        let declared = json!({ "Target": { "Arn": "b" }, "StartDate": "2030-01-01T00:00:00+00:00" });
        assert_eq!(paths(live, declared), ["Target.Arn", "Target.Input", "StartDate", "State", "EndDate"]);
    }
}
