//! Rules with their targets, roles and stacks.

use aws_sdk_eventbridge::types::{DeadLetterConfig, InputTransformer, RetryPolicy, builders::TargetBuilder};

use super::*;

const HOURLY: &str = "rate(1 hour)";

found_and_reverted! {
    rule_description: "monitors.predictions", Found::At("rule.description"), events().put_rule().name(RULE).schedule_expression(HOURLY).description("theirs").send();
    rule_pattern_added: "monitors.predictions", Found::At("rule.pattern"), events().put_rule().name(RULE).schedule_expression(HOURLY).event_pattern(r#"{"source":["aws.s3"]}"#).send();
    rule_role_added: "monitors.predictions", Found::At("rule.role"), events().put_rule().name(RULE).schedule_expression(HOURLY).role_arn("arn:aws:iam::123456789012:role/theirs").send();
    rule_target_swapped: "monitors.predictions", Found::At("targets.function.arn"), retargeted(|target| target.arn("arn:aws:lambda:us-east-1:123456789012:function:theirs"));
    rule_target_input_removed: "monitors.predictions", Found::At("targets.function.input"), retargeted(|target| target.set_input(None));
    rule_target_role: "monitors.predictions", Found::At("targets.function.role"), retargeted(|target| target.role_arn("arn:aws:iam::123456789012:role/theirs"));
    rule_target_dead_letter: "monitors.predictions", Found::At("targets.function.dead_letter"), retargeted(|target| target.dead_letter_config(DeadLetterConfig::builder().arn("arn:aws:sqs:us-east-1:123456789012:theirs").build()));
    rule_target_gives_up: "monitors.predictions", Found::At("targets.function.other"), retargeted(|target| target.retry_policy(RetryPolicy::builder().maximum_retry_attempts(0).maximum_event_age_in_seconds(60).build()));
    rule_target_transforms: "monitors.predictions", Found::At("targets.function.other"), retargeted(|target| target.set_input(None).input_transformer(InputTransformer::builder().input_paths_map("at", "$.time").input_template("{\"at\": <at>}").build().unwrap()));

    role_managed_swapped: "roles.run", Found::At("managed_policies"), swapped_policy();
    role_tag_added: "roles.run", Found::At("tags.owner"), iam().tag_role().role_name(ROLE).tags(aws_sdk_iam::types::Tag::builder().key("owner").value("me").build().unwrap()).send();
    role_tag_removed: "roles.run", Found::At("tags.cost-centre"), iam().untag_role().role_name(ROLE).tag_keys("cost-centre").send();

    stack_termination_protection: "stacks.base", Found::At("termination_protection"), aws_sdk_cloudformation::Client::new(sdk()).update_termination_protection().stack_name("drift-toy-base").enable_termination_protection(true).send();
}

/// Changes the rule's one target.
async fn retargeted(change: fn(TargetBuilder) -> TargetBuilder) -> Anything {
    let found = events().list_targets_by_rule().rule(RULE).send().await?;
    let live = found.targets.unwrap_or_default().into_iter().next().ok_or("there is no target")?;
    let target = aws_sdk_eventbridge::types::Target::builder().id(live.id).arn(live.arn).set_input(live.input);
    events().put_targets().rule(RULE).targets(change(target).build()?).send().await?;
    Ok(())
}

async fn swapped_policy() -> Anything {
    let declared = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    iam().detach_role_policy().role_name(ROLE).policy_arn(declared).send().await?;
    iam().attach_role_policy().role_name(ROLE).policy_arn("arn:aws:iam::aws:policy/PowerUserAccess").send().await?;
    Ok(())
}
