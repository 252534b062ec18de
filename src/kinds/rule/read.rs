//! EventBridge's answers → state.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types as eventbridge;
use aws_sdk_eventbridge::types::{RetryPolicy, RuleState};
use futures::future::try_join_all;
use serde_json::Value;

use super::{Rule, Scheduled, Target, cron};
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::Namesake;
use crate::kinds::sagemaker::{Others, note};

/// A rule with its targets, its name and its ARN.
pub struct Found {
    pub name: String,
    pub arn: String,
    pub state: Scheduled,
}

/// Reads rules: with one listing those whose names begin alike, if they are several or are listed anyway, with a request
/// each all others; then the targets of each that exists, all at once.
pub async fn observe(aws: &Aws, names: &[&str]) -> Result<Vec<Found>, AwsError> {
    let prefix = aws.world.prefix();
    let (shared, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with(&prefix));
    let is_listed = shared.len() > 1 || aws.looks_at_all();
    let (listed, single) = if is_listed { (shared, others) } else { (vec![], names.to_vec()) };
    let listing = async {
        let rules = if listed.is_empty() { vec![] } else { list(aws, &prefix).await? };
        Ok(rules.into_iter().filter(|rule| listed.iter().any(|name| rule.name.as_deref() == Some(*name))).collect::<Vec<_>>())
    };
    let (mut rules, single) = futures::try_join!(listing, try_join_all(single.iter().map(|name| describe(aws, name))))?;
    rules.extend(single.into_iter().flatten());
    try_join_all(rules.into_iter().map(|rule| read(aws, rule))).await
}

/// The rules that bear the environment's prefix.
pub async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
    let found = list(aws, &aws.world.prefix()).await?.into_iter();
    Ok(found.filter_map(|rule| Some(Namesake { what: "EventBridge rule", name: rule.name?, arn: rule.arn? })).collect())
}

async fn list(aws: &Aws, prefix: &str) -> Result<Vec<eventbridge::Rule>, AwsError> {
    aws.listing("events:ListRules", prefix, pages(aws, prefix)).await
}

async fn pages(aws: &Aws, prefix: &str) -> Result<Vec<eventbridge::Rule>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.eventbridge().list_rules().name_prefix(prefix).limit(100).set_next_token(next);
        let answer = aws.call("events:ListRules", prefix, request.send()).await?;
        found.extend(answer.rules.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

async fn describe(aws: &Aws, name: &str) -> Result<Option<eventbridge::Rule>, AwsError> {
    let request = aws.eventbridge().describe_rule().name(name);
    let found = aws.call("events:DescribeRule", name, request.send()).await.optional()?;
    Ok(found.map(|rule| {
        eventbridge::Rule::builder()
            .set_name(rule.name)
            .set_arn(rule.arn)
            .set_event_pattern(rule.event_pattern)
            .set_state(rule.state)
            .set_description(rule.description)
            .set_schedule_expression(rule.schedule_expression)
            .set_role_arn(rule.role_arn)
            .set_managed_by(rule.managed_by)
            .build()
    }))
}

/// The targets of a rule; none if there is no such rule.
pub async fn targets(aws: &Aws, rule: &str) -> Result<Vec<eventbridge::Target>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws.eventbridge().list_targets_by_rule().rule(rule).limit(100).set_next_token(next);
        let Some(answer) = aws.call("events:ListTargetsByRule", rule, request.send()).await.optional()? else {
            return Ok(found);
        };
        found.extend(answer.targets.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

async fn read(aws: &Aws, rule: eventbridge::Rule) -> Result<Found, AwsError> {
    let name = rule.name.clone().unwrap_or_default();
    let targets = targets(aws, &name).await?;
    let arn = rule.arn.clone().unwrap_or_default();
    Ok(Found { name, arn, state: state(rule, targets) })
}

fn state(rule: eventbridge::Rule, targets: Vec<eventbridge::Target>) -> Scheduled {
    let rule = Rule {
        schedule: rule.schedule_expression.filter(|schedule| !schedule.is_empty()).map(|schedule| cron::canonical(&schedule)),
        state: rule.state.unwrap_or(RuleState::Enabled).as_str().to_owned(),
        description: rule.description.unwrap_or_default(),
        pattern: rule.event_pattern.filter(|pattern| !pattern.is_empty()).map(|pattern| document(&pattern)),
        role: rule.role_arn.filter(|role| !role.is_empty()),
        managed_by: rule.managed_by.filter(|service| !service.is_empty()),
    };
    let targets: BTreeMap<String, Target> = targets.into_iter().map(|target| (target.id.clone(), live(target))).collect();
    Scheduled { rule, targets }
}

fn live(target: eventbridge::Target) -> Target {
    let mut other = Others::new();
    note(&mut other, "input_path", target.input_path);
    note(&mut other, "input_transformer", target.input_transformer);
    note(&mut other, "kinesis", target.kinesis_parameters);
    note(&mut other, "run_command", target.run_command_parameters);
    note(&mut other, "ecs", target.ecs_parameters);
    note(&mut other, "batch", target.batch_parameters);
    note(&mut other, "sqs", target.sqs_parameters);
    note(&mut other, "http", target.http_parameters);
    note(&mut other, "redshift", target.redshift_data_parameters);
    note(&mut other, "pipeline", target.sage_maker_pipeline_parameters);
    note(&mut other, "app_sync", target.app_sync_parameters);
    note(&mut other, "retry", target.retry_policy.filter(|policy| !is_default(policy)));
    Target {
        arn: target.arn,
        input: target.input.map(|input| document(&input)),
        role: target.role_arn,
        dead_letter: target.dead_letter_config.and_then(|config| config.arn),
        other,
    }
}

/// 24 hours and 185 attempts. Source: "Retrying event delivery" in the EventBridge user guide.
fn is_default(policy: &RetryPolicy) -> bool {
    policy.maximum_event_age_in_seconds.is_none_or(|age| age == 86_400)
        && policy.maximum_retry_attempts.is_none_or(|tries| tries == 185)
}

/// A JSON text as what it says; what is no JSON stays text.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::types::{DeadLetterConfig, InputTransformer};
    use serde_json::json;

    use super::*;

    fn target() -> aws_sdk_eventbridge::types::builders::TargetBuilder {
        eventbridge::Target::builder().id("function").arn("arn:aws:lambda:us-east-1:123456789012:function:f:live")
    }

    fn read(target: aws_sdk_eventbridge::types::builders::TargetBuilder) -> Target {
        live(target.build().unwrap())
    }

    #[test]
    fn what_eventbridge_adds_is_folded() {
        let plain = read(target().input(r#"{ "a": 1 }"#));
        assert_eq!(plain.input, Some(json!({ "a": 1 })));
        let echoed = RetryPolicy::builder().maximum_event_age_in_seconds(86_400).maximum_retry_attempts(185).build();
        assert_eq!(read(target().input(r#"{"a":1}"#).retry_policy(echoed)), plain);
        let rule = eventbridge::Rule::builder().name("r").schedule_expression("rate(60 minutes)").event_pattern("").build();
        let rule = state(rule, vec![]).rule;
        assert_eq!((rule.schedule.as_deref(), rule.state.as_str(), rule.pattern), (Some("rate(1 hour)"), "ENABLED", None));
    }

    #[test]
    fn what_no_spec_can_say_shows() {
        let few = read(target().retry_policy(RetryPolicy::builder().maximum_retry_attempts(0).build()));
        assert!(few.other["retry"].contains('0'), "{few:?}");
        let transformer = InputTransformer::builder().input_template("<x>").build().unwrap();
        assert!(read(target().input_transformer(transformer)).other["input_transformer"].contains("<x>"));
        let letters = DeadLetterConfig::builder().arn("arn:aws:sqs:us-east-1:123456789012:q").build();
        assert!(read(target().dead_letter_config(letters)).dead_letter.is_some());
        assert_eq!(read(target().input("no JSON")).input, Some(json!("no JSON")));
        let rule = eventbridge::Rule::builder().event_pattern(r#"{"source":["aws.ec2"]}"#).build();
        assert_eq!(state(rule, vec![]).rule.pattern, Some(json!({ "source": ["aws.ec2"] })));
    }
}
