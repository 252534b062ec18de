//! State → EventBridge's calls.

use aws_sdk_eventbridge::types as eventbridge;
use aws_sdk_eventbridge::types::RuleState;

use super::{Scheduled, Target, read};
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::Tags;

/// How many targets one request takes. Source: PutTargets and RemoveTargets in EventBridge's API reference.
const AT_ONCE: usize = 10;

/// Makes the rule, or finishes one that an earlier run made.
pub async fn create(aws: &Aws, name: &str, to: &Scheduled, tags: &Tags) -> Result<(), AwsError> {
    put_rule(aws, name, to, Some(tags)).await?;
    let found = read::targets(aws, name).await?;
    let extra: Vec<String> = found.into_iter().map(|target| target.id).filter(|id| !to.targets.contains_key(id)).collect();
    remove_targets(aws, name, &extra).await?;
    put_targets(aws, name, to.targets.iter()).await
}

/// Makes of a live rule what it should be.
pub async fn update(aws: &Aws, name: &str, from: &Scheduled, to: &Scheduled) -> Result<(), AwsError> {
    if from.rule != to.rule {
        put_rule(aws, name, to, None).await?;
    }
    let extra: Vec<String> = from.targets.keys().filter(|id| !to.targets.contains_key(*id)).cloned().collect();
    remove_targets(aws, name, &extra).await?;
    put_targets(aws, name, to.targets.iter().filter(|(id, target)| from.targets.get(*id) != Some(*target))).await
}

/// Deletes the rule with its targets; EventBridge refuses to delete one that has any.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let targets: Vec<String> = read::targets(aws, name).await?.into_iter().map(|target| target.id).collect();
    remove_targets(aws, name, &targets).await?;
    let request = || aws.call("events:DeleteRule", name, aws.eventbridge().delete_rule().name(name).send());
    aws.patiently(request).await.optional().map(drop)
}

/// PutRule replaces a rule whole, but for its targets and its tags: those are taken of a new rule only.
async fn put_rule(aws: &Aws, name: &str, to: &Scheduled, tags: Option<&Tags>) -> Result<(), AwsError> {
    let request = || {
        let request = aws
            .eventbridge()
            .put_rule()
            .name(name)
            .set_schedule_expression(to.rule.schedule.clone())
            .state(RuleState::from(to.rule.state.as_str()))
            .set_description(Some(to.rule.description.clone()).filter(|text| !text.is_empty()))
            .set_tags(tags.map(tags::for_eventbridge));
        aws.call("events:PutRule", name, request.send())
    };
    aws.patiently(request).await.map(drop)
}

async fn put_targets(aws: &Aws, rule: &str, targets: impl Iterator<Item = (&String, &Target)>) -> Result<(), AwsError> {
    const OPERATION: &str = "events:PutTargets";
    let targets = targets.map(|(id, target)| {
        let input = target.input.as_ref().map(ToString::to_string);
        let built = eventbridge::Target::builder().id(id).arn(&target.arn).set_input(input).build();
        built.map_err(|error| AwsError::local(error.to_string()))
    });
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    for some in targets.chunks(AT_ONCE) {
        let request = || {
            let request = aws.eventbridge().put_targets().rule(rule).set_targets(Some(some.to_vec()));
            aws.call(OPERATION, rule, request.send())
        };
        let answer = aws.patiently(request).await?;
        if let Some(entry) = answer.failed_entries.unwrap_or_default().into_iter().next() {
            return Err(refused(OPERATION, rule, entry.target_id, entry.error_code, entry.error_message));
        }
    }
    Ok(())
}

async fn remove_targets(aws: &Aws, rule: &str, ids: &[String]) -> Result<(), AwsError> {
    const OPERATION: &str = "events:RemoveTargets";
    for some in ids.chunks(AT_ONCE) {
        let request = || {
            let request = aws.eventbridge().remove_targets().rule(rule).set_ids(Some(some.to_vec()));
            aws.call(OPERATION, rule, request.send())
        };
        let Some(answer) = aws.patiently(request).await.optional()? else { return Ok(()) };
        if let Some(entry) = answer.failed_entries.unwrap_or_default().into_iter().next() {
            return Err(refused(OPERATION, rule, entry.target_id, entry.error_code, entry.error_message));
        }
    }
    Ok(())
}

/// EventBridge answers 200 although it took not all of them.
fn refused(operation: &str, rule: &str, target: Option<String>, code: Option<String>, message: Option<String>) -> AwsError {
    let what = format!("the target {}: {}", target.unwrap_or_default(), message.unwrap_or_default());
    AwsError { code: code.unwrap_or_default(), ..AwsError::unexpected(operation, rule, what) }
}
